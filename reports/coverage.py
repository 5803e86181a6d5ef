"""Coverage added up: stored totals of every subtree plus the changes not yet folded in; exact at every moment.

`CoverageTotal` holds the sums of a subtree, without the pending `CoverageChange` rows. `fold` adds pending rows to
the totals of all ancestors by parent links; every reader takes totals and pending rows in one statement, so it sees
a change either pending or folded, never both and never neither (design.md, decision 4). Only this module writes
totals, always under one lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import add

from django.db import OperationalError, connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum, Value

from orgs.models import Organization, User
from orgs.querysets import Stand, Subtrees, stand
from orgs.scope import in_range
from reports.models import CoverageTotal
from reviews import coverage as targets
from reviews.models import CoverageChange, CoverageTarget, Measure, Period

LOCK_SPACE, LOCK_TOTALS = 20102, 1
FOLD_BATCH = 10_000
PENDING_IS_MANY = 500
BATCH = 1000
FEW_ROWS = 150  # SQLite takes 999 values in one statement
FEW = 500  # ids in one condition

Key = tuple[int, str, int]  # period, measure, organisation
Figures = dict[Measure, "Figure"]
STORED, BARE, PENDING = range(3)  # what a row of the reading statement is
COLUMNS = tuple(f"{measure}_{name}" for measure in Measure for name in ("due", "done"))
NOTHING = [0] * len(COLUMNS)


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


@dataclass(frozen=True)
class Row:
    """A line of the table: a child with all below it or, `is_own`, the organisation itself (本级)."""

    org: Organization
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
    sums: dict[int, list[int]] = {org.pk: [0] * len(COLUMNS) for org in orgs}
    if not sums:
        return {}
    subtrees: list[tuple[int, Stand]] = []
    pending: list[tuple] = []
    for arm, org_id, *numbers in _figures_and_places(period, list(sums)):
        if arm == PENDING:
            pending.append(tuple(numbers))
        else:
            sums[org_id] = numbers[: len(COLUMNS)]
            subtrees.append((org_id, tuple(numbers[len(COLUMNS) :])))
    if pending:
        holding = Subtrees(subtrees).holding
        for *changes, level, tree_id, left, right in pending:
            changed = [(at, change) for at, change in enumerate(changes) if change]
            for org_id in holding((level, tree_id, left, right)):
                row = sums[org_id]
                for at, change in changed:
                    row[at] += change
    return {
        pk: {measure: Figure(row[2 * at], row[2 * at + 1]) for at, measure in enumerate(Measure)}
        for pk, row in sums.items()
    }


def totals_of_many(period: Period, orgs: Sequence[Organization]) -> dict[int, Figures]:
    """As `totals`, for any number of organisations: some hundreds a query, so within `snapshot` to be of one moment."""
    found: dict[int, Figures] = {}
    for start in range(0, len(orgs), FEW):
        found |= totals(period, orgs[start : start + FEW])
    return found


def _figures_and_places(period: Period, org_ids: list[int]) -> QuerySet:
    """Rows of (arm, organisation, due and done of each measure, where it stands): the stored totals of those asked
    for, those that have none, and all pending changes, each organisation's summed.

    One statement, so that a fold or a move beside us has happened for all of it or for nothing. The pending changes
    are placed in Python: joined by ranges, each was compared with every organisation asked for (147 ms for 1,000).
    """
    summed = {
        f"{measure}_{name}": Sum(name, filter=Q(measure=measure), default=0)
        for measure in Measure
        for name in ("due", "done")
    }
    nothing = {column: Value(0) for column in COLUMNS}
    of_period = CoverageTotal.objects.filter(period=period).order_by()
    stored = of_period.filter(organization__in=org_ids).values("organization_id")
    bare = Organization.objects.filter(~Exists(of_period.filter(organization=OuterRef("pk"))), pk__in=org_ids)
    changes = CoverageChange.objects.filter(period=period).order_by().values("organization_id")
    there = stand("organization__")
    return (
        stored.annotate(arm=Value(STORED), **summed)
        .values_list("arm", "organization_id", *COLUMNS, *there)
        .union(
            bare.order_by().annotate(arm=Value(BARE), **nothing).values_list("arm", "pk", *COLUMNS, *stand()),
            changes.annotate(arm=Value(PENDING), **summed).values_list("arm", "organization_id", *COLUMNS, *there),
            all=True,
        )
    )


def by_child(period: Period, org: Organization) -> list[Row]:
    """本级, then every child with all below it, in the tree's order; together exactly the figures of `org`."""
    children = list(Organization.objects.filter(parent=org).order_by("order", "code"))
    figures = totals(period, [org, *children])
    below = added(figures[child.pk] for child in children)
    own = {measure: figures[org.pk][measure] - below[measure] for measure in Measure}
    return [Row(org, own, is_own=True), *(Row(child, figures[child.pk]) for child in children)]


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
    if not CoverageChange.objects.order_by()[PENDING_IS_MANY : PENDING_IS_MANY + 1].exists():
        return 0
    try:
        return _fold_batch()
    except OperationalError:  # somebody writes for long; the figures are exact without folding
        return 0


def _fold_batch() -> int:
    with transaction.atomic():
        if not _hold_totals(wait=False):
            return 0
        columns = ("pk", "period_id", "measure", "organization_id", "due", "done")
        changes = list(CoverageChange.objects.order_by("pk").values_list(*columns)[:FOLD_BATCH])
        sums: dict[Key, Figure] = defaultdict(Figure)
        for _pk, period_id, measure, org_id, due, done in changes:
            sums[period_id, measure, org_id] += Figure(due, done)
        _add_to_totals(_with_ancestors(sums))
        for chunk in _chunks([change[0] for change in changes]):
            CoverageChange.objects.filter(pk__in=chunk).delete()
    return len(changes)


def _with_ancestors(sums: Mapping[Key, Figure]) -> dict[Key, Figure]:
    """The same differences, arrived at every organisation above as well."""
    parents = _parents({org_id for _, _, org_id in sums})
    result: dict[Key, Figure] = defaultdict(Figure)
    for (period_id, measure, org_id), figure in sums.items():
        at: int | None = org_id
        while at is not None:
            result[period_id, measure, at] += figure
            at = parents[at]
    return result


def _parents(org_ids: set[int]) -> dict[int, int | None]:
    """Id -> parent's id, for these organisations and all above them; level by level upward."""
    known: dict[int, int | None] = {}
    wanted = set(org_ids)
    while wanted:
        for chunk in _chunks(sorted(wanted)):
            known.update(Organization.objects.filter(pk__in=chunk).order_by().values_list("pk", "parent_id"))
        wanted = {parent for pk in wanted if (parent := known[pk]) is not None} - known.keys()
    return known


def _add_to_totals(sums: Mapping[Key, Figure]) -> None:
    """Add differences to the stored totals, in the database; missing rows appear. The caller holds the totals."""
    rows = [(*key, figure.due, figure.done) for key, figure in sums.items()]
    table = connection.ops.quote_name(CoverageTotal._meta.db_table)
    batch = BATCH if connection.vendor == "postgresql" else FEW_ROWS
    with connection.cursor() as cursor:
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch]
            cursor.execute(
                f"INSERT INTO {table} (period_id, measure, organization_id, due, done)"  # noqa: S608 - of our own
                f" VALUES {', '.join(['(%s, %s, %s, %s, %s)'] * len(part))}"
                " ON CONFLICT (organization_id, period_id, measure)"
                f" DO UPDATE SET due = {table}.due + excluded.due, done = {table}.done + excluded.done",
                [value for row in part for value in row],
            )


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
    for total in CoverageTotal.objects.filter(organization__in=old_parents).exclude(due=0, done=0):
        for parent_id, sign in ((old_parents[total.organization_id], -1), (new_parents[total.organization_id], 1)):
            if parent_id is not None:
                changes.append(
                    CoverageChange(
                        period_id=total.period_id,
                        measure=total.measure,
                        organization_id=parent_id,
                        due=sign * total.due,
                        done=sign * total.done,
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


def recount(period: Period) -> dict[tuple[int, Measure], Figure]:
    """Sums of every subtree, counted anew from the targets, level by level from the leaves."""
    counts = CoverageTarget.objects.filter(period=period).order_by().values_list("organization_id", "measure")
    place = {measure.value: 2 * at for at, measure in enumerate(Measure)}
    sums: dict[int, list[int]] = {}
    for org_id, measure, due, done in counts.annotate(all=Count("pk"), covered=Count("done_on")).iterator(5000):
        row = sums.setdefault(org_id, [0] * len(COLUMNS))
        row[place[measure]], row[place[measure] + 1] = due, done
    deepest_first = Organization.objects.order_by("-level").values_list("pk", "parent_id")
    for org_id, parent_id in deepest_first.iterator(chunk_size=5000):
        if parent_id is not None and org_id in sums:
            sums[parent_id] = list(map(add, sums.get(parent_id, NOTHING), sums[org_id]))
    return {
        (org_id, measure): Figure(row[2 * at], row[2 * at + 1])
        for org_id, row in sums.items()
        for at, measure in enumerate(Measure)
        if row[2 * at]
    }


def rebuild(period: Period) -> None:
    """Write the totals of a period anew from its targets; pending changes are in them and go."""
    with transaction.atomic():
        targets.hold(period.pk, alone=True)
        _hold_totals(wait=True)
        CoverageChange.objects.filter(period=period).delete()
        CoverageTotal.objects.filter(period=period).delete()
        _add_to_totals({(period.pk, measure, org): figure for (org, measure), figure in recount(period).items()})


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
        + ("没有有效的点评记录，却记为已完成" if target.done_on else "已有有效的点评记录，却记为未完成")
        for target in found.iterator(chunk_size=BATCH)
    ]


def _name_of(target: CoverageTarget) -> str:
    org = target.organization
    return f"{target.person}（{target.person.number}）" if target.person else f"{org}（{org.code}）"


def _wrong_totals(period: Period) -> list[str]:
    columns = ("period_id", "measure", "organization_id", "due", "done")
    sums: dict[Key, Figure] = defaultdict(Figure)
    for period_id, measure, org_id, due, done in CoverageChange.objects.filter(period=period).values_list(*columns):
        sums[period_id, measure, org_id] += Figure(due, done)
    stored = _with_ancestors(sums)
    for period_id, measure, org_id, due, done in CoverageTotal.objects.filter(period=period).values_list(*columns):
        stored[period_id, measure, org_id] = stored.get((period_id, measure, org_id), Figure()) + Figure(due, done)
    right = recount(period)
    wrong = {
        (org_id, Measure(measure))
        for _, measure, org_id in stored
        if stored[period.pk, measure, org_id] != right.get((org_id, Measure(measure)), Figure())
    } | {key for key in right if (period.pk, key[1], key[0]) not in stored}
    orgs = {org.pk: org for chunk in _chunks(sorted({key[0] for key in wrong})) for org in _named(chunk)}
    lines = []
    for org_id, measure in sorted(wrong, key=lambda key: (orgs[key[0]].code, key[1])):
        has, should = stored.get((period.pk, measure, org_id), Figure()), right.get((org_id, measure), Figure())
        lines.append(
            f"{period.code} {measure.label}：{orgs[org_id]}（{orgs[org_id].code}）"
            f"汇总为 {has.done}/{has.due}，实际为 {should.done}/{should.due}"
        )
    return lines


def _named(org_ids: list[int]) -> QuerySet[Organization]:
    return Organization.objects.filter(pk__in=org_ids).only("pk", "code", "name")


@contextmanager
def snapshot() -> Iterator[None]:
    """One moment of the database for several queries, without stopping anybody."""
    with transaction.atomic():
        if connection.vendor == "postgresql" and not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), FEW):
        yield ids[start : start + FEW]
