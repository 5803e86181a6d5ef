"""What the forms share: the first line of their titles, and how reviewers and forms of review are named."""

from __future__ import annotations

from orgs.models import Post, Scheme
from reviews.models import Review, ReviewForm


def activity() -> str:
    """The first line of every form's title: the active scheme's system and activity; empty while none is active."""
    scheme = Scheme.objects.filter(is_active=True).first()
    return scheme.activity_title if scheme else ""


def reviewers(review: Review) -> str:
    """The reviewer as named that day, then who reviewed jointly."""
    names = [review.reviewer_name, *(person.name for person in review.co_reviewers.all())]
    return "、".join(dict.fromkeys(name for name in names if name))


def reviewer_titles(review: Review) -> str:
    """Unit and post as kept that day, then the posts that the joint reviewers held in the joint organisations."""
    titles = [review.reviewer_title]
    people, orgs = list(review.co_reviewers.all()), list(review.co_orgs.all())
    if people and orgs and review.held_on:
        held = Post.objects.valid(review.held_on).select_related("organization").order_by("organization", "pk")
        for post in held.filter(person__in=people, organization__in=orgs):
            unit = post.organization.name.removesuffix(post.organization.get_org_type_display())
            titles.append(f"{unit}{post.title}")
    return "；".join(dict.fromkeys(title for title in titles if title))


def form(review: Review) -> str:
    """集中点评（支部党员大会）; a form of the unit's own by its own name (R26)."""
    if review.form == ReviewForm.OTHER and review.form_note:
        return review.form_note
    name = review.form_name
    return f"{name}（{review.form_note}）" if name and review.form_note else name
