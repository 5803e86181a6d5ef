"""The tree and its rosters as of any day: what an organisation was called, what hung under it, who belonged to it.

Former states are kept by `orgs.tree` through `keep`, the only writer. Everything here works level by level, from
parent links of the day, and never reads the whole tree. Scope is the caller's: the querysets that are handed in are
what the user may see today.
"""

from __future__ import annotations

import copy
import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from orgs import clock
from orgs.errors import DomainError
from orgs.models import Membership, Organization, OrganizationPast
from orgs.querysets import OrganizationQuerySet

FIELDS = ("name", "short_name", "org_type", "category_id", "parent_id", "relation")
DEEPEST = 20
FEW = 500  # ids in one condition: well below the limit of every database

State = tuple[Any, ...]


class PastRefused(DomainError):
    """The day lies before another change of the same organisation."""


def state_of(org: Organization | OrganizationPast) -> State:
    """What is remembered of an organisation."""
    return tuple(getattr(org, name) for name in FIELDS)


def keep(former: Mapping[int, State], now: Mapping[int, Organization], on: datetime.date, *, is_dated: bool) -> None:
    """Remember what became different on that day. In the transaction that changes it, under the tree's lock.

    The second change on one day keeps the state before the first. Raises PastRefused where the day was named by
    somebody (`is_dated`) and something of the organisation changed after it: history is written forward only.
    """
    changed = [pk for pk, state in former.items() if state != state_of(now[pk])]
    for chunk in _chunks(changed) if is_dated else ():
        later = OrganizationPast.objects.filter(organization__in=chunk, until__gt=on).order_by("-until").first()
        if later is not None:
            name = former[later.organization_id][FIELDS.index("name")]
            raise PastRefused(f"“{name}”在 {later.until} 已经有过变更，日期不能早于这一天。")
    rows = [
        OrganizationPast(organization_id=pk, until=on, **dict(zip(FIELDS, former[pk], strict=True))) for pk in changed
    ]
    OrganizationPast.objects.bulk_create(rows, batch_size=FEW, ignore_conflicts=True)


# --- as of a day -------------------------------------------------------------------------------------------------


def as_of(orgs: Iterable[Organization], on: datetime.date) -> list[Organization]:
    """The organisations as they were on that day, copies for reading only: name, type, category, place."""
    if on >= clock.today():
        return list(orgs)
    shown = [copy.copy(org) for org in orgs]
    rows: dict[int, OrganizationPast] = {}
    for chunk in _chunks([org.pk for org in shown]):
        later = OrganizationPast.objects.filter(organization__in=chunk, until__gt=on).order_by("-until")
        rows |= {row.organization_id: row for row in later.select_related("category")}
    for org in shown:
        row = rows.get(org.pk)
        if row is not None:
            for name in FIELDS:
                setattr(org, name, getattr(row, name))
            org.category = row.category
    return shown


def one_as_of(org: Organization, on: datetime.date) -> Organization:
    """One organisation as it was on that day, for reading only."""
    return as_of([org], on)[0]


def under(orgs: OrganizationQuerySet, parents: Sequence[int] | None, on: datetime.date) -> OrganizationQuerySet:
    """Which of the organisations existed on that day directly under one of the parents then (None: were roots)."""
    at = OrganizationPast.objects.filter(organization=OuterRef("pk"), until__gt=on).order_by("until").values("pk")[:1]
    here = Q(parent__isnull=True) if parents is None else Q(parent__in=parents)
    then = OrganizationPast.objects.filter(here, until__gt=on).order_by()
    perhaps = orgs.alive(on).filter(here | Q(pk__in=then.values("organization"))).alias(past=Subquery(at))
    return perhaps.filter(Q(past__isnull=True) & here | Q(past__in=then.values("pk")))


def above(org: Organization, on: datetime.date) -> list[Organization]:
    """The organisations above it on that day, root first."""
    found: list[Organization] = []
    at = one_as_of(org, on).parent_id
    while at is not None and len(found) < DEEPEST:
        upper = one_as_of(Organization.objects.get(pk=at), on)
        found.insert(0, upper)
        at = upper.parent_id
    return found


def count_under(orgs: OrganizationQuerySet, parents: Sequence[int], on: datetime.date) -> Counter[int]:
    """How many of the organisations hung directly under each of the parents on that day."""
    found = under(orgs, parents, on).only("pk", *(name.removesuffix("_id") for name in FIELDS))
    return Counter(org.parent_id for org in as_of(found, on) if org.parent_id is not None)


def subtree(org: Organization, on: datetime.date) -> set[int]:
    """Ids of the organisation and of everything below it on that day, level by level."""
    found, level = {org.pk}, [org.pk]
    while level:
        below: set[int] = set()
        for chunk in _chunks(level):
            below |= set(under(Organization.objects.all(), chunk, on).order_by().values_list("pk", flat=True))
        level = sorted(below - found)
        found |= below
    return found


def memberships(org: Organization, on: datetime.date) -> Iterator[QuerySet[Membership]]:
    """Who belonged to the branches in the organisation's subtree of that day, some hundred branches at a time."""
    for chunk in _chunks(sorted(subtree(org, on))):
        yield Membership.objects.valid(on).counted().filter(branch__in=chunk)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), FEW):
        yield ids[start : start + FEW]
