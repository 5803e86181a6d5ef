"""Who belonged where on a day: the roster of an organisation's subtree of that day, as rows of a workbook."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator

from orgs import past, scope
from orgs.lists import Columns, Row
from orgs.models import Charge, Membership, Organization, Post, User

COLUMNS: Columns = (
    ("姓名", 14), ("人员编号", 16), ("所属支部", 32), ("支部代码", 18), ("转入日期", 12), ("当日职务", 36), ("当日分管", 36),
    ("单位及职务", 30),
)  # fmt: skip


def count(org: Organization, user: User, on: datetime.date) -> int:
    """How many rows there are."""
    seen = scope.seen_people(user, "branch__")
    return sum(portion.filter(seen).count() for portion in past.memberships(org, on))


def rows(org: Organization, user: User, on: datetime.date) -> Iterator[Row]:
    """Members of the branches that lay below the organisation that day, with their posts and division of work then.

    Names of organisations are those of the day. Only branches whose people the user sees today.
    """
    seen = scope.seen_people(user, "branch__")
    for portion in past.memberships(org, on):
        found = list(portion.filter(seen).select_related("person", "branch").order_by("branch__code", "person__number"))
        yield from _rows(found, on)


def _rows(found: list[Membership], on: datetime.date) -> Iterator[Row]:
    persons = [row.person_id for row in found]
    posts: dict[int, list[Post]] = defaultdict(list)
    charges: dict[int, list[Charge]] = defaultdict(list)
    for start in range(0, len(persons), past.FEW):
        chunk = persons[start : start + past.FEW]
        for post in Post.objects.valid(on).filter(person__in=chunk).select_related("organization"):
            posts[post.person_id].append(post)
        for charge in Charge.objects.valid(on).filter(person__in=chunk).select_related("organization"):
            charges[charge.person_id].append(charge)
    orgs = {row.branch_id: row.branch for row in found}
    orgs |= {post.organization_id: post.organization for some in posts.values() for post in some}
    orgs |= {charge.organization_id: charge.organization for some in charges.values() for charge in some}
    then = {org.pk: org for org in past.as_of(orgs.values(), on)}
    for row in found:
        branch = then[row.branch_id]
        yield (
            row.person.name,
            row.person.number,
            branch.name,
            branch.code,
            row.from_on.isoformat() if row.from_on else "",
            "；".join(_title(post, then) for post in posts[row.person_id]),
            "；".join(f"{one.get_kind_display()}{then[one.organization_id].name}" for one in charges[row.person_id]),
            row.person.title,
        )


def _title(post: Post, then: dict[int, Organization]) -> str:
    post.organization = then[post.organization_id]
    return f"{post.organization.display_name}，{post.title}"
