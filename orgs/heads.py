"""Who heads an organisation on a day (A3): the 书记, else whoever 主持工作; nobody when both are missing."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from orgs.models import Organization, Post, PostRole


def _precedence(post: Post) -> tuple:
    """书记 before 主持工作; the earlier appointed; then by number. Total, so that the answer never varies."""
    return (
        post.role != PostRole.SECRETARY,
        post.from_on or datetime.date.min,
        post.person.number,
    )


def heads_of(org_ids: Iterable[int] | None, on: datetime.date) -> dict[int, Post]:
    """Organisation id -> the post of its head (with `person` loaded); vacant ones are absent. One query.

    `org_ids` None means every organisation.
    """
    posts = Post.objects.valid(on).heads().select_related("person")
    if org_ids is not None:
        posts = posts.filter(organization__in=list(org_ids))
    found: dict[int, Post] = {}
    for post in posts.iterator(chunk_size=5000):
        known = found.get(post.organization_id)
        if known is None or _precedence(post) < _precedence(known):
            found[post.organization_id] = post
    return found


def head_of(org: Organization, on: datetime.date) -> Post | None:
    """The head's post on that day, or None."""
    return heads_of([org.pk], on).get(org.pk)
