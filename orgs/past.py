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

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from orgs import clock, pinyin
from orgs.errors import DomainError
from orgs.models import Membership, Organization, OrganizationPast
from orgs.querysets import OrganizationQuerySet, Stand, Subtrees, stand
from orgs.scope import in_range

NAMES = ("name", "short_name")
FIELDS = ("name", "short_name", "org_type", "category_id", "parent_id", "relation")
DEEPEST = 20
MOST_TURNS = 300  # ranges in one condition
FEW = 500  # ids in one condition: well below the limit of every database

State = tuple[Any, ...]


class PastRefused(DomainError):
    """The day lies before another change of the same organisation."""


class PastTooWide(DomainError):
    """Too much moved across the organisation's border since that day."""


def state_of(org: Organization | OrganizationPast) -> State:
    """What is remembered of an organisation."""
    return tuple(getattr(org, name) for name in FIELDS)


def keep(former: Mapping[int, State], now: Mapping[int, Organization], on: datetime.date, *, is_dated: bool) -> None:
    """Remember what became different on that day. In the transaction that changes it, under the tree's lock.

    The second change on one day keeps the state before the first. Raises PastRefused where the day was named by
    somebody (`is_dated`) and something of the organisation changed after it: history is written forward only.
    """
    changed = [pk for pk, state in former.items() if state != state_of(now[pk])]
    for chunk in chunks(changed) if is_dated else ():
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
    for chunk in chunks([org.pk for org in shown]):
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
    here = Q(parent__isnull=True) if parents is None else Q(parent__in=parents)
    if on >= clock.today():
        return orgs.alive(on).filter(here)
    return orgs.alive(on).filter(here & _same_since(on) | Q(pk__in=list(_then(here, on))))


def matching(orgs: OrganizationQuerySet, condition: Q, on: datetime.date) -> OrganizationQuerySet:
    """Of which of the organisations the condition (on `FIELDS`) held on that day."""
    if on >= clock.today():
        return orgs.filter(condition)
    then = _states(on).filter(condition).order_by().values("organization")
    return orgs.filter(condition & _same_since(on) | Q(pk__in=then))


def named(orgs: OrganizationQuerySet, words: str, on: datetime.date) -> OrganizationQuerySet:
    """What `pinyin.matching` finds by names, among the names of that day; codes are the same on every day.

    The readings of former names are not stored: they are made here, one for each name that was given up since.
    """
    of_today = pinyin.matching(Organization, words, key="code", names=NAMES)
    if on >= clock.today():
        return orgs.filter(of_today)
    if pinyin.is_chinese(words):
        then = pinyin.containing(words, NAMES)
        ids = list(_states(on).filter(then).order_by().values_list("organization", flat=True))
    else:
        rows = _states(on).order_by().values_list("organization", *NAMES).iterator(chunk_size=2000)
        ids = [pk for pk, *names in rows if any(pinyin.is_read(words, name) for name in names)]
    return orgs.filter(pinyin.keyed(words, "code") | of_today & _same_since(on) | Q(pk__in=ids))


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
    here = Q(parent__in=parents)
    still = orgs.alive(on).filter(here & _same_since(on)).order_by()
    found = Counter(dict(still.values_list("parent").annotate(Count("pk"))))
    then = _then(here, on)
    for chunk in chunks(sorted(then)):
        found.update(then[pk] for pk in orgs.alive(on).filter(pk__in=chunk).order_by().values_list("pk", flat=True))
    return found


def subtree(org: Organization, on: datetime.date) -> set[int]:
    """Ids of the organisation and of everything below it on that day, level by level."""
    found, level = {org.pk}, [org.pk]
    while level:
        below: set[int] = set()
        for chunk in chunks(level):
            below |= set(under(Organization.objects.all(), chunk, on).order_by().values_list("pk", flat=True))
        level = sorted(below - found)
        found |= below
    return found


def memberships(org: Organization, on: datetime.date) -> Iterator[QuerySet[Membership]]:
    """Who belonged to the branches in the organisation's subtree of that day, some hundred branches at a time."""
    for chunk in chunks(sorted(subtree(org, on))):
        yield Membership.objects.valid(on).counted().filter(branch__in=chunk)


def children(org: Organization, on: datetime.date) -> OrganizationQuerySet:
    """What hung directly under it on that day, whether it lived then or not; in the order of today."""
    here = Q(parent=org)
    found = Organization.objects.order_by("order", "code")
    if on >= clock.today():
        return found.filter(here)
    return found.filter(here & _same_since(on) | Q(pk__in=list(_then(here, on))))


class TreeThen:
    """Where organisations stood on a day: today's places, corrected by the moves since. Cheap where little moved.

    Costs some queries once, whatever the size of the tree; then none.
    """

    def __init__(self, on: datetime.date) -> None:
        """Read what hangs elsewhere today than it did at the end of that day."""
        then = _then(Q(), on) if on < clock.today() else {}
        now = _places(list(then))
        moved = {pk: parent for pk, parent in then.items() if pk in now and now[pk][0] != parent}
        self._above = _places([parent for parent in moved.values() if parent is not None])
        self._then = moved
        self._stand = {pk: now[pk][1] for pk in moved}
        self._moved = Subtrees(self._stand.items())

    def holding(self, place: Stand, asked: Subtrees, levels: Mapping[int, int]) -> Iterator[int]:
        """Ids of the asked organisations that were above the organisation standing there today, or are it itself.

        `levels`: of each that is asked, its level of today.
        """
        at: Stand | None = place
        for _ in range(DEEPEST):  # a tree; but nothing may go round for ever
            if at is None:
                return
            carrier = max(self._moved.holding(at), key=lambda pk: self._stand[pk][0], default=None)
            floor = self._stand[carrier][0] if carrier is not None else 0
            yield from (pk for pk in asked.holding(at) if levels[pk] >= floor)
            at = self._upper(carrier)

    def subtree(self, org: Organization, prefix: str = "") -> Q:
        """What was in the organisation's subtree then, as a condition on the path. Raises PastTooWide."""
        if not self._then:
            return in_range(org, prefix)
        own = _places([org.pk])[org.pk][1]
        asked, levels = Subtrees([(org.pk, own)]), {org.pk: own[0]}
        # Ranges of today in which all that did not move itself was inside, or was not.
        inside = {org.pk: True}
        for pk in self._then:
            upper = self._upper(pk)
            if pk != org.pk:
                inside[pk] = upper is not None and any(self.holding(upper, asked, levels))
        stands = {**self._stand, org.pk: own}
        regions = Subtrees(stands.items())
        turned: dict[int, int | None] = {}  # where inside becomes outside or the reverse -> the last turn above it
        for pk in sorted(stands, key=lambda pk: stands[pk][0]):
            above = sorted(set(regions.holding(stands[pk])) & turned.keys(), key=lambda each: stands[each][0])
            last = above[-1] if above else None
            if inside[pk] != (inside[last] if last is not None else False):
                turned[pk] = last
        if len(turned) > MOST_TURNS:
            raise PastTooWide(
                f"{len(turned)} 个组织在这一天以后改变了隶属，名单列不出来；请到下级组织查看，或选晚一些的日期。"
            )
        rows = {row.pk: row for chunk in chunks(list(turned)) for row in Organization.objects.filter(pk__in=chunk)}
        found = Q(pk__in=[])
        for pk in turned:
            if inside[pk]:
                part = in_range(rows[pk], prefix)
                for other in (each for each, last in turned.items() if last == pk):
                    part &= ~in_range(rows[other], prefix)
                found |= part
        return found

    def _upper(self, carrier: int | None) -> Stand | None:
        """Where the organisation above a moved one stands today; None where there was none."""
        parent = self._then[carrier] if carrier is not None else None
        return self._above[parent][1] if parent in self._above else None


def _places(pks: list[int]) -> dict[int, tuple[int | None, Stand]]:
    """Id -> id of the superior of today, and where it stands."""
    found: dict[int, tuple[int | None, Stand]] = {}
    for chunk in chunks(sorted(set(pks))):
        rows = Organization.objects.filter(pk__in=chunk).order_by().values_list("pk", "parent_id", *stand())
        found |= {pk: (parent, tuple(place)) for pk, parent, *place in rows}
    return found


def _same_since(on: datetime.date) -> Q:
    """Organisations that nothing became different of since that day."""
    return Q(~Exists(OrganizationPast.objects.filter(organization=OuterRef("pk"), until__gt=on)))


def _then(here: Q, on: datetime.date) -> dict[int, int]:
    """Organisations whose state of that day is a former one, and places them here: id -> id of the superior then."""
    return dict(_states(on).filter(here).order_by().values_list("organization", "parent"))


def _states(on: datetime.date) -> QuerySet[OrganizationPast]:
    """The states of that day of the organisations that became different since."""
    earlier = OrganizationPast.objects.filter(
        organization=OuterRef("organization"), until__gt=on, until__lt=OuterRef("until")
    )
    return OrganizationPast.objects.filter(~Exists(earlier), until__gt=on)


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Some hundred ids at once: what one condition takes."""
    for start in range(0, len(ids), FEW):
        yield ids[start : start + FEW]
