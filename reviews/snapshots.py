"""Names, posts, branch and member count as they were on the day a review was held (T10, A20, A25).

Refreshed while a record is a draft; never touched after it is confirmed.
"""

from __future__ import annotations

import datetime

from orgs import clock, heads
from orgs.models import Membership, Organization, OrgType, Person, Post, PostRole
from reviews.models import ContentKind, Duty, Period, Record, Subject

TEAM_TYPES = (OrgType.GROUP, OrgType.COMMITTEE, OrgType.ORGAN_COMMITTEE, OrgType.GENERAL_BRANCH)


def day_of(period: Period, held_on: datetime.date | None) -> datetime.date:
    """The day that counts: when it was held, else today, kept within the period."""
    return held_on or min(max(clock.today(), period.starts_on), period.ends_on)


def content_kind(org: Organization, *, of_head: bool = False) -> ContentKind:
    """党组, and 党委 of categories whose committees lead, have the content of a team; all others a base's (R17, R20)."""
    is_team = org.org_type == OrgType.GROUP or (org.org_type == OrgType.COMMITTEE and org.category.committee_leads)
    if of_head:
        return ContentKind.TEAM_HEAD if is_team else ContentKind.BASE_HEAD
    return ContentKind.TEAM if is_team else ContentKind.BASE


def kind_of_duty(duty: Duty) -> ContentKind:
    """The content that a duty's record follows."""
    if duty.subject == Subject.ORG:
        return content_kind(duty.about_org)
    if duty.subject == Subject.HEAD:
        return content_kind(duty.about_org, of_head=True)
    return ContentKind.MEMBER


def member_count(org: Organization, on: datetime.date) -> int:
    """党员人数: counted members of the branches in its affiliation subtree; for a 党组 its unit's branches (A28)."""
    return Membership.objects.valid(on).counted().below(org).filter(branch__domain=org.domain_id).count()


def title_of(person: Person, org: Organization, on: datetime.date) -> str:
    """单位及职务 as kept with the person, else the post in the organisation with its name; "" where there is neither."""
    if person.title:
        return person.title
    posts = Post.objects.valid(on).filter(person=person, organization=org).select_related("organization")
    return f"{org.name}{'、'.join(post.title for post in posts)}" if posts else ""


def branch_of(person: Person, on: datetime.date) -> str:
    """Name of the branch the person belonged to on the day; "" for none."""
    return Membership.objects.valid(on).filter(person=person).values_list("branch__name", flat=True).first() or ""


def role_of(person: Person | None, org: Organization, on: datetime.date) -> str:
    """The reviewer's part, in the words of `completeness.form_hint`; "" where there is no post to tell by."""
    if person is None:
        return ""
    place = "team" if org.org_type in TEAM_TYPES else "branch"
    head = heads.head_of(org, on)
    if head is not None and head.person_id == person.pk:
        return f"{place}_head"
    return f"{place}_member" if Post.objects.valid(on).filter(person=person, organization=org).exists() else ""


def may_lead(person: Person, org: Organization, on: datetime.date) -> bool:
    """Holds a leading post there: any in a team, the 书记's in a branch (A36)."""
    posts = Post.objects.valid(on).filter(person=person, organization=org)
    if org.org_type in TEAM_TYPES:
        return posts.exists()
    head = heads.head_of(org, on)
    return posts.filter(role=PostRole.SECRETARY).exists() or (head is not None and head.person_id == person.pk)


def refresh(record: Record) -> None:
    """Set the snapshots for the day held, on the record and its review; saves nothing. The count is not touched."""
    review = record.review
    on = day_of(review.period, review.held_on)
    if review.reviewer is not None:
        review.reviewer_name = review.reviewer.name
        review.reviewer_title = title_of(review.reviewer, review.reviewer_org, on)
    if record.target_person is not None:
        record.target_name = record.target_person.name
        record.target_title = title_of(record.target_person, record.about_org, on)
        record.branch_name = branch_of(record.target_person, on)
    elif record.target_org is not None:
        record.target_name = record.target_org.name


SNAPSHOT_FIELDS = ["target_name", "target_title", "branch_name", "member_count"]
REVIEW_SNAPSHOT_FIELDS = ["reviewer_name", "reviewer_title"]
