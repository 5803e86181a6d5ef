"""Coverage added up: stored totals of every subtree plus the changes not yet folded in; exact at every moment.

`CoverageTotal` holds the sums of a subtree, without the pending `CoverageChange` rows. `fold` adds pending rows to
the totals of all ancestors by parent links; every reader takes totals and pending rows in one statement, so it sees
a change either pending or folded, never both and never neither (design.md, decision 4). Only this module writes
totals, always under one lock; the statements are in `reports.stored`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import add

from django.db import OperationalError, connection, transaction
from django.db.models import Count, QuerySet

from orgs import bulk, scope
from orgs.models import Organization, User
from orgs.scope import in_range
from reports import stored
from reports.models import CoverageTotal
from reports.stored import COLUMNS, NOTHING, PLACES, Numbers
from reviews import coverage as targets
from reviews.models import CoverageChange, CoverageTarget, Measure, Period

LOCK_SPACE, LOCK_TOTALS = 20102, 1
FOLD_BATCH = 10_000
PENDING_IS_MANY = 500
BATCH = 1000
LEADERS, ORGS, MEMBERS = Measure
MANY = 5_000  # organisations that one statement reads

Figures = dict[Measure, "Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Due and done of one measure."""

    due: int = 0
    done: int = 0

    @property
    def missing(self) -> int:
        """Still to come."""
        return self.due - self.done

    @property
    def rate(self) -> float | None:
        """Percent with one decimal, cut rather than rounded: 100 only when nobody is missing. None without any due."""
        return self.done * 1000 // self.due / 10 if self.due else None

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.due + other.due, self.done + other.done)

    def __sub__(self, other: Figure) -> Figure:
        return Figure(self.due - other.due, self.done - other.done)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a line of figures says of its organisation."""

    pk: int
    code: str
    name: str
    founded_on: datetime.date | None
    dissolved_on: datetime.date | None

    @classmethod
    def of(cls, org: Organization) -> Unit:
        """The same of an organisation."""
        return cls(org.pk, org.code, org.name, org.founded_on, org.dissolved_on)

    def lives_on(self, day: datetime.date) -> bool:
        """Founded by that day and not dissolved yet."""
        return (self.founded_on is None or self.founded_on <= day) and (
            self.dissolved_on is None or self.dissolved_on > day
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a child with all below it or, `is_own`, the organisation itself (本级)."""

    org: Unit
    figures: Figures
    is_own: bool = False


def added(rows: Iterable[Figures]) -> Figures:
    """The sum of several figures, measure by measure."""
    result = {measure: Figure() for measure in Measure}
    for figures in rows:
        for measure in Measure:
            result[measure] += figures[measure]
    return result


# --- reading ------------------------------------------------------------------------------------------------


def totals(period: Period, orgs: Iterable[Organization]) -> dict[int, Figures]:
    """Organisation id -> figures of its whole subtree, for every organisation asked for. One query.

    Cost grows with the organisations asked for and the pending changes, not with the tree.
    """
    return _totals(period, [org.pk for org in orgs])


def totals_of_many(period: Period, orgs: Sequence[Organization]) -> dict[int, Figures]:
    """As `totals`, for any number of organisations: some thousands a query, so within `snapshot` to be of one moment."""
    found: dict[int, Figures] = {}
    for start in range(0, len(orgs), MANY):
        found |= totals(period, orgs[start : start + MANY])
    return found


def _totals(period: Period, org_ids: Sequence[int]) -> dict[int, Figures]:
    if not org_ids:
        return {}
    found = stored.of(period.pk, org_ids)
    return {pk: _figures(found.get(pk, NOTHING)) for pk in org_ids}


def _figures(numbers: Sequence[int]) -> Figures:
    of_leaders, leaders, of_orgs, orgs, of_members, members = numbers  # as COLUMNS; spelt out, half the time of a loop
    return {LEADERS: Figure(of_leaders, leaders), ORGS: Figure(of_orgs, orgs), MEMBERS: Figure(of_members, members)}


def by_child(period: Period, org: Organization) -> list[Row]:
    """本级, then every child with all below it, in the tree's order; together exactly the figures of `org`. One query."""
    family = stored.of_family(period.pk, org.pk)
    if not family:  # removed meanwhile
        return [Row(Unit.of(org), _figures(NOTHING), is_own=True)]
    *children, (itself, numbers) = family
    own = _figures(
        [number - sum(below) for number, *below in zip(numbers, *(sums for _, sums in children), strict=True)]
    )
    return [Row(Unit(*itself), own, is_own=True), *(Row(Unit(*facts), _figures(sums)) for facts, sums in children)]


def seen_by(user: User, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Of the lines of an organisation that the user sees: those that are his to see, and the children that are not
    (he sits in the team, but is not in charge of them): they are told in one line, named by `others`.
    """
    children = [row.org.pk for row in rows if not row.is_own]
    if scope.seats(user).is_admin:
        return list(rows), []
    seen = set(Organization.objects.visible_to(user).filter(pk__in=children).values_list("pk", flat=True))
    parts: tuple[list[Row], list[Row]] = [], []
    for row in rows:
        parts[not (row.is_own or row.org.pk in seen)].append(row)
    return parts


def others(count: int) -> str:
    """What the line of so many unseen children is called."""
    return f"其他下级（{count} 个）"


def own(period: Period, org: Organization) -> Figures:
    """What counts at the organisation itself: it, its leaders and, for a branch, its members."""
    rows = CoverageTarget.objects.filter(period=period, organization=org).values_list("measure").order_by()
    result = {measure: Figure() for measure in Measure}
    for measure, due, done in rows.annotate(all=Count("pk"), covered=Count("done_on")):
        result[Measure(measure)] = Figure(due, done)
    return result


def missing(period: Period, org: Organization, measure: Measure) -> QuerySet[CoverageTarget]:
    """Who is still missing in the subtree, in the tree's order; not yet limited to what a user may see."""
    found = CoverageTarget.objects.filter(in_range(org, "organization__"), period=period, measure=measure)
    return found.filter(done_on__isnull=True).select_related("organization", "person")


# --- folding ------------------------------------------------------------------------------------------------


def fold() -> int:
    """Add the pending changes to the totals of all their ancestors; returns how many were folded.

    Batch by batch, each in its own transaction; two folds at once never add a change twice: whoever comes second
    leaves it to the first.
    """
    folded = 0
    while batch := _fold_batch():
        folded += batch
    return folded


def tidy() -> int:
    """Fold one batch when many changes wait, so that pages stay quick where no worker folds; never a reason to fail."""
    if not stored.wait_more_than(PENDING_IS_MANY):
        return 0
    try:
        return _fold_batch()
    except OperationalError:  # somebody writes for long; the figures are exact without folding
        return 0


def _fold_batch() -> int:
    with transaction.atomic():
        return stored.fold(FOLD_BATCH) if _hold_totals(wait=False) else 0


def _hold_totals(*, wait: bool) -> bool:
    """Hold all totals until the transaction ends; False when somebody else does and we do not wait.

    Raises TotalsBusy after waiting too long (lock_timeout). On SQLite the transaction itself is the lock.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("the totals cannot be held outside a transaction")
    if connection.vendor != "postgresql":
        return True
    function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s, %s)", [LOCK_SPACE, LOCK_TOTALS])
            return wait or cursor.fetchone()[0]
    except OperationalError as error:
        raise targets.CoverageBusy("覆盖统计正在汇总，请稍后再试。") from error


def moved(old_parents: Mapping[int, int | None], by: User | None) -> None:
    """Organisations hang elsewhere now: what their subtrees count leaves the old parents and comes to the new ones.

    Appended as changes at the parents, so that they climb (and are read) along the new links; exact also where a
    moved organisation leaves another moved one. Registered in `orgs.changes`; runs in the tree verb's transaction.
    """
    _hold_totals(wait=True)  # no fold may be half way up the old links
    new_parents = dict(Organization.objects.filter(pk__in=old_parents).order_by().values_list("pk", "parent_id"))
    changes: list[CoverageChange] = []
    for total in CoverageTotal.objects.filter(organization__in=old_parents):
        for measure in Measure:
            due, done = getattr(total, f"{measure}_due"), getattr(total, f"{measure}_done")
            if not (due or done):
                continue
            for parent_id, sign in ((old_parents[total.organization_id], -1), (new_parents[total.organization_id], 1)):
                if parent_id is not None:
                    changes.append(
                        CoverageChange(
                            period_id=total.period_id,
                            measure=measure,
                            organization_id=parent_id,
                            due=sign * due,
                            done=sign * done,
                        )
                    )
    CoverageChange.objects.bulk_create(changes, batch_size=BATCH)


def forget(heirs: Mapping[int, int | None], persons: set[int]) -> None:
    """Removed organisations have no totals any more; `reviews.coverage.forget` has taken what they count from above."""
    if heirs:
        _hold_totals(wait=True)
        ids = sorted(heirs)
        for start in range(0, len(ids), BATCH):
            CoverageTotal.objects.filter(organization__in=ids[start : start + BATCH]).delete()


# --- proving ------------------------------------------------------------------------------------------------


def recount(period: Period) -> dict[int, Figures]:
    """Organisation id -> figures of its subtree, counted anew from the targets, level by level from the leaves; of
    every organisation below which somebody counts.
    """
    return {org_id: _figures(numbers) for org_id, numbers in _recounted(period).items()}


def _recounted(period: Period) -> dict[int, Numbers]:
    counts = CoverageTarget.objects.filter(period=period).order_by().values_list("organization_id", "measure")
    sums: dict[int, Numbers] = {}
    for org_id, measure, due, done in counts.annotate(all=Count("pk"), covered=Count("done_on")).iterator(5000):
        row = sums.setdefault(org_id, list(NOTHING))
        at = PLACES[measure]
        row[at], row[at + 1] = due, done
    deepest_first = Organization.objects.order_by("-level").values_list("pk", "parent_id")
    for org_id, parent_id in deepest_first.iterator(chunk_size=5000):
        if parent_id is not None and org_id in sums:
            sums[parent_id] = list(map(add, sums.get(parent_id, NOTHING), sums[org_id]))
    return sums


def rebuild(period: Period) -> None:
    """Write the totals of a period anew from its targets; pending changes are in them and go."""
    with transaction.atomic():
        targets.hold(period.pk, alone=True)
        _hold_totals(wait=True)
        CoverageChange.objects.filter(period=period).delete()
        CoverageTotal.objects.filter(period=period).delete()
        rows = ((period.pk, org_id, *numbers) for org_id, numbers in _recounted(period).items())
        bulk.insert(CoverageTotal, ("period_id", "organization_id", *COLUMNS), rows)


def prove(period: Period | None = None) -> list[str]:
    """What is wrong with the stored coverage of a period (default: of all), in Chinese; empty when it is sound.

    Compares each target with the counted records, and totals with pending changes against a recount. The roster is
    not compared: it is taken anew whenever duties are generated.
    """
    findings: list[str] = []
    with snapshot():
        for each in [period] if period else Period.objects.order_by("starts_on"):
            findings += _wrong_targets(each) + _wrong_totals(each)
    return findings


def repair() -> int:
    """Take what is done from the records and all totals from the targets; returns how many targets were wrong."""
    wrong = 0
    for period in Period.objects.order_by("starts_on"):
        with transaction.atomic():
            wrong += targets.mend(period)
            rebuild(period)
    return wrong


def _wrong_targets(period: Period) -> list[str]:
    found = targets.unproven(period).select_related("organization", "person").order_by("pk")
    return [
        f"{period.code} {target.get_measure_display()}：{_name_of(target)}"
        + (
            f"记为 {target.done_on} 完成，与有效的点评记录不符"
            if target.done_on
            else "已有有效的点评记录，却记为未完成"
        )
        for target in found.iterator(chunk_size=BATCH)
    ]


def _name_of(target: CoverageTarget) -> str:
    org = target.organization
    return f"{target.person}（{target.person.number}）" if target.person else f"{org}（{org.code}）"


def _wrong_totals(period: Period) -> list[str]:
    """Where a reader would see something else than a recount."""
    right = recount(period)
    nothing = _figures(NOTHING)
    wrong: dict[int, Figures] = {}
    org_ids = list(Organization.objects.order_by("code").values_list("pk", flat=True))
    for start in range(0, len(org_ids), MANY):
        found = _totals(period, org_ids[start : start + MANY])
        wrong |= {pk: figures for pk, figures in found.items() if figures != right.get(pk, nothing)}
    lines = []
    for org in Organization.objects.in_bulk(list(wrong)).values() if wrong else ():
        for measure in Measure:
            has, should = wrong[org.pk][measure], right.get(org.pk, nothing)[measure]
            if has != should:
                lines.append(
                    f"{period.code} {measure.label}：{org}（{org.code}）"
                    f"汇总为 {has.done}/{has.due}，实际为 {should.done}/{should.due}"
                )
    return sorted(lines)


@contextmanager
def snapshot() -> Iterator[None]:
    """One moment of the database for several queries, without stopping anybody."""
    with transaction.atomic():
        if connection.vendor == "postgresql" and not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
