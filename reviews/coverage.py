"""Who must be covered in a period, and what covers them. The only writer of CoverageTarget and CoverageChange.

A target is due from the roster of a day (R54a, A36), and done while at least one counted record of the period
covers it: an organisation and a member as its target, a leader as its reviewer or co-reviewer. Every change of a
target appends its difference to CoverageChange in the same transaction; `reports.coverage` adds them up.

Confirming and voiding hold the period shared, `sync` and `mend` hold it alone, so that nothing is counted while
the roster is rewritten; beyond that the target's own row is the lock, so two records of one target count once.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, Least, RowNumber

from orgs import bulk, clock, scratch
from orgs.errors import DomainError
from orgs.models import Membership, Organization, OrgType, Post, PostRole
from orgs.scratch import Scratch, compiled, rows, run
from reviews import roster_past
from reviews.models import CoverageChange, CoverageTarget, CoverageTargetPast, Duty, Measure, Period, Record
from reviews.models.record import RecordQuerySet

LOCK_SPACE = 20101  # the second key is the period's id
LEADING_TYPES = (OrgType.GROUP, OrgType.COMMITTEE, OrgType.ORGAN_COMMITTEE, OrgType.GENERAL_BRANCH)
MANY = 10_000  # new targets after which the database should count its table
FEW = 500  # ids in one condition: well below the limit of every database

ROSTER = Scratch("coverage_roster", {"thing": "id", "org": "id"}, ("thing",))
NEWCOMERS = Scratch("coverage_new", {"thing": "id", "org": "id"})
MISFITS = Scratch(
    "coverage_misfit", {"target_id": "id", "measure": "text", "was_at": "id", "done": "count", "org": "id"}
)
IS_DONE = Case(When(done_on__isnull=True, then=Value(0)), default=Value(1))
OPEN, DONE, DAY = range(3)  # how a target is wrong: left open, called done, done on another day
NEVER = datetime.date.max

Change = tuple[int, int, int]  # organisation id, due, done


@dataclass(frozen=True)
class Of:
    """Some targets: those of some organisations as such, and of some persons as members and leaders."""

    organizations: frozenset[int]
    persons: frozenset[int]

    def targets(self) -> Q:
        """The targets, as a condition."""
        of_persons = Q(person__in=self.persons)
        return of_persons | Q(measure=Measure.ORGANIZATIONS, organization__in=self.organizations)


class CoverageBusy(DomainError):
    """The period's targets are being rewritten; try again in a moment."""


def hold(period_id: int, *, alone: bool) -> None:
    """Hold the targets of a period until the transaction ends: alone to rewrite them, shared to count one.

    Raises CoverageBusy when somebody else holds them for too long, RuntimeError outside a transaction.
    On SQLite the transaction itself is the lock: it begins IMMEDIATE.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("coverage.hold() outside a transaction protects nothing")
    if connection.vendor == "postgresql":
        function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {function}(%s, %s)", [LOCK_SPACE, period_id])
        except OperationalError as error:
            raise CoverageBusy("本期的点评任务正在重新生成，请稍后再试。") from error


# --- the three calls ---------------------------------------------------------------------------------------


def sync(period: Period, on: datetime.date | None = None, of: Of | None = None) -> None:
    """Bring the targets of a period in line with the roster on a day (kept within the period) and its records.

    Adds who is due now, removes who is not any more (with what was done), moves a person's target to his new branch
    or post (what was done goes with him, A19), and marks what the counted records cover. With `of`, only of some.
    Of a round that takes only some targets, those of the roster to whom a duty of the round leads, or by whom: its duties
    are in line before, and it is brought in line whole.
    Safe to run again. Belongs into the caller's transaction; `reviews.duties` calls it under the tree's lock.
    """
    hold(period.pk, alone=True)
    day = min(max(on or clock.today(), period.starts_on), period.ends_on)
    added = 0
    of = None if period.is_narrowed else of
    persons = None if of is None else of.persons
    for measure, roster in (
        (Measure.ORGANIZATIONS, _organizations(day, None if of is None else of.organizations)),
        (Measure.MEMBERS, _members(day, persons)),
        (Measure.LEADERS, _leaders(period, day, persons)),
    ):
        if period.is_narrowed:
            roster = roster.filter(_named(period, measure))
        added += _align(period, measure, roster, of)
    if added > MANY:
        bulk.learn(CoverageTarget, CoverageChange)
    mend(period, of)


def confirmed(record: Record) -> None:
    """The record counts from now on: its target and its reviewers are covered. Twice is once.

    In every period that holds its day. Called in the transaction that confirms it. Whoever is not on the roster is not
    counted; if the roster takes him in later, `sync` finds the record. What a later review covered before is done on
    the earlier day from now on.
    """
    held_on = record.review.held_on or clock.today()
    for period in _held(record):
        targets = _locked(_touched_by(record, period))
        fresh = [target for target in targets if target.done_on is None]
        late = [target.pk for target in targets if target.done_on is None or target.done_on > held_on]
        CoverageTarget.objects.filter(pk__in=late).update(done_on=held_on)
        _append_each(period.pk, fresh, 1)


def voided(record: Record) -> None:
    """The record counts no more: what no other counted record covers is open again, in every period. Twice is once.

    What others cover is done on the day of the earliest of them. Called in the transaction that voids it, before or after its state is written.
    """
    for period in _held(record):
        targets = _locked(_touched_by(record, period))
        # Locked first, then asked (two statements): a record confirmed meanwhile by someone else is seen.
        done = CoverageTarget.objects.filter(pk__in=[target.pk for target in targets], done_on__isnull=False)
        others = Record.objects.counted().exclude(pk=record.pk)
        bare = list(done.exclude(_is_covered(others, period)))
        CoverageTarget.objects.filter(pk__in=[target.pk for target in bare]).update(done_on=None)
        kept = {target.pk: target.measure for target in targets}
        for target in bare:
            kept.pop(target.pk)
        for measure in set(kept.values()):
            _mark_done(others, period, Measure(measure), [pk for pk, of in kept.items() if of == measure])
        _append_each(period.pk, bare, -1)


def _held(record: Record) -> list[Period]:
    """The periods in which the record counts, held shared: all of them first, in one order."""
    periods = list(Period.objects.of_review(record.review))
    for period in periods:
        hold(period.pk, alone=False)
    return periods


def unproven(period: Period, of: Of | None = None) -> QuerySet[CoverageTarget]:
    """Targets (with `of`, among some) whose done_on is not the day of the earliest counted record that covers them, or
    is not empty where none does; none when all is sound.
    """
    records = Record.objects.counted()
    targets = CoverageTarget.objects.filter(Q() if of is None else of.targets(), period=period)
    first = Case(*(When(measure=measure, then=_first_day(records, period, measure)) for measure in Measure))
    is_done = Q(done_on__isnull=False)
    return targets.alias(first=first).filter(
        (~is_done & _is_covered(records, period)) | (is_done & ~Q(done_on=F("first")))
    )


def covered(measure: Measure, records: RecordQuerySet, period: Period) -> Q:
    """Targets of a period's measure, of today or of before, that at least one of these records covers; as a condition.

    Which records count is the caller's word: those of today, or those that did on some day.
    """
    condition = Q(pk__in=[])
    for way in _covering(records, period)[measure]:
        condition |= Q(Exists(way))
    return condition & Q(measure=measure)


def mend(period: Period, of: Of | None = None) -> int:
    """Make done_on of every target (with `of`, of some) what the counted records say; returns how many were wrong."""
    hold(period.pk, alone=True)
    wrong = MISFITS.open()
    covered = _is_covered(Record.objects.counted(), period)
    how = Case(When(done_on__isnull=True, then=Value(OPEN)), When(covered, then=Value(DAY)), default=Value(DONE))
    found = unproven(period, of).order_by().annotate(done=how, org=F("organization_id"))
    number = wrong.insert_from(compiled(found.values_list("pk", "measure", "organization_id", "done", "org")))
    if not number:
        return 0
    for measure in Measure:
        for wrongly in (OPEN, DONE, DAY):
            ids = rows(
                f"SELECT target_id FROM {wrong.name} WHERE measure = %s AND done = %s ORDER BY target_id",  # noqa: S608
                [measure.value, wrongly],
            )
            for chunk in _chunks([pk for (pk,) in ids]):
                if wrongly == DONE:
                    CoverageTarget.objects.filter(pk__in=chunk).update(done_on=None)
                else:
                    _mark_done(Record.objects.counted(), period, measure, chunk)
        _append_from(
            period.pk,
            measure,
            f"SELECT was_at AS org, 0 AS due, 1 - 2 * done AS done FROM {wrong.name}"  # noqa: S608
            " WHERE measure = %s AND done <> %s",
            [measure.value, DAY],
        )
    return number


# --- the roster: who (`thing`), and the organisation in which he counts (`org`) ----------------------------------


def _organizations(on: datetime.date, only: Collection[int] | None) -> QuerySet:
    """Every organisation but the roots."""
    alive = Organization.objects.alive(on).filter(_in("pk", only), parent__isnull=False)
    return alive.annotate(thing=F("pk"), org=F("pk"))


def _members(on: datetime.date, only: Collection[int] | None) -> QuerySet:
    """Every counted member, at the branch; where spans overlap, at the branch joined last."""
    alive = Organization.objects.alive(on).order_by().values("pk")
    members = Membership.objects.valid(on).counted().filter(_in("person", only), branch__in=alive)
    # A branch that was always his is joined before any other.
    latest = [F("from_on").desc(nulls_last=True), F("pk").desc()]
    return _first(members, latest).annotate(org=F("branch_id"))


def _leaders(period: Period, on: datetime.date, only: Collection[int] | None) -> QuerySet:
    """Every leader of A36, at the post nearest the root; ties by 组织代码."""
    in_office = (Q(from_on__isnull=True) | Q(from_on__lte=on)) & (Q(to_on__isnull=True) | Q(to_on__gt=period.starts_on))
    leading = Q(organization__org_type__in=LEADING_TYPES) | Q(
        organization__org_type=OrgType.BRANCH, role=PostRole.SECRETARY
    )
    alive = Organization.objects.alive(on).order_by().values("pk")
    posts = Post.objects.filter(in_office, leading, _in("person", only), organization__in=alive)
    nearest = [F("organization__level"), F("organization__code"), F("pk")]
    return _first(posts, nearest).annotate(org=F("organization_id"))


def _first(rows: QuerySet, order: Sequence[Any]) -> QuerySet:
    """Of each person's rows the first in this order."""
    place = Window(RowNumber(), partition_by=F("person_id"), order_by=order)
    return rows.annotate(place=place, thing=F("person_id")).filter(place=1)


def _named(period: Period, measure: Measure) -> Q:
    """Whom the period's duties name: organisations and persons as targets, leaders as those who carry them out."""
    mine = Duty.objects.filter(period=period).order_by()
    paths = {
        Measure.ORGANIZATIONS: ["target_org"], Measure.MEMBERS: ["target_person"], Measure.LEADERS: ["acting", "reviewer"],
    }[measure]  # fmt: skip
    named = Q(pk__in=[])
    for path in paths:
        named |= Q(thing__in=mine.filter(**{f"{path}__isnull": False}).values(path))
    return named


def _in(name: str, only: Collection[int] | None) -> Q:
    return Q() if only is None else Q(**{f"{name}__in": only})


def _align(period: Period, measure: Measure, roster: QuerySet, of: Of | None) -> int:
    """Add, move and remove targets of a measure until they are the roster; what was done goes with its target.

    Returns how many were added. By statements over the whole: a system has a million members.
    """
    key = "organization_id" if measure == Measure.ORGANIZATIONS else "person_id"
    due, misfits, new = ROSTER.open(), MISFITS.open(), NEWCOMERS.open()
    due.learn(due.insert_from(compiled(roster.order_by().values_list("thing", "org"))))
    of_measure = CoverageTarget.objects.filter(Q() if of is None else of.targets(), period=period, measure=measure)
    stored = compiled(of_measure.order_by().annotate(done=IS_DONE).values("pk", key, "organization_id", "done"))
    if stored is None:
        return 0  # of nobody
    there, values = stored
    # Who is not due any more, or somewhere else; and who is due and not there.
    wrong = misfits.insert_from(
        (
            f"SELECT t.pk, %s, t.organization_id, t.done, r.org FROM ({there}) t"  # noqa: S608 - names of ours
            f" LEFT JOIN {due.name} r ON r.thing = t.{key} WHERE r.org IS NULL OR r.org <> t.organization_id",
            (measure.value, *values),
        )
    )
    added = new.insert_from(
        (
            f"SELECT r.thing, r.org FROM {due.name} r"  # noqa: S608
            f" WHERE NOT EXISTS (SELECT 1 FROM ({there}) t WHERE t.{key} = r.thing) ORDER BY r.{scratch.ROW}",
            values,
        )
    )
    table = CoverageTarget._meta.db_table
    today = connection.ops.adapt_datefield_value(clock.today())
    if wrong:
        roster_past.keep(f"id IN (SELECT target_id FROM {misfits.name})")  # noqa: S608
        run(f"DELETE FROM {table} WHERE id IN (SELECT target_id FROM {misfits.name} WHERE org IS NULL)")  # noqa: S608
        run(
            f"UPDATE {table} AS t SET organization_id = m.org, since = %s FROM {misfits.name} m"  # noqa: S608
            " WHERE m.target_id = t.id AND m.org IS NOT NULL",
            [today],
        )
    if added:
        person = "NULL" if measure == Measure.ORGANIZATIONS else "thing"
        run(
            f"INSERT INTO {table} (period_id, measure, organization_id, person_id, since)"  # noqa: S608
            f" SELECT %s, %s, org, {person}, %s FROM {new.name} ORDER BY {scratch.ROW}",
            [period.pk, measure.value, today],
        )
    if wrong or added:
        _append_from(
            period.pk,
            measure,
            f"SELECT was_at AS org, -1 AS due, -done AS done FROM {misfits.name}"  # noqa: S608
            f" UNION ALL SELECT org, 1, done FROM {misfits.name} WHERE org IS NOT NULL"
            f" UNION ALL SELECT org, 1, 0 FROM {new.name}",
        )
    return added


def forget(heirs: Mapping[int, int | None], persons: set[int]) -> None:
    """Organisations and persons are removed for good: their targets go, of today and of before, and what was counted at
    a removed organisation is counted at its heir, the nearest one above that stays. In the caller's transaction.
    """
    for name, ids in (("organization", list(heirs)), ("person", sorted(persons))):
        for chunk in _chunks(ids):
            CoverageTargetPast.objects.filter(**{f"{name}__in": chunk}).delete()
    for period_id in Period.objects.order_by("pk").values_list("pk", flat=True):
        hold(period_id, alone=True)
        of_period = CoverageTarget.objects.filter(period=period_id)
        gone: dict[int, tuple[str, int, int]] = {}
        for name, ids in (("organization", list(heirs)), ("person", sorted(persons))):
            for chunk in _chunks(ids):
                rows = of_period.filter(**{f"{name}__in": chunk}).order_by()
                for pk, measure, org, done_on in rows.values_list("pk", "measure", "organization_id", "done_on"):
                    gone[pk] = (measure, org, int(done_on is not None))
        changes: dict[str, list[Change]] = defaultdict(list)
        for measure, org, done in gone.values():
            changes[measure].append((org, -1, -done))
        for chunk in _chunks(sorted(gone)):
            CoverageTarget.objects.filter(pk__in=chunk).delete()
        for chunk in _chunks(list(heirs)):
            pending = CoverageChange.objects.filter(period=period_id, organization__in=chunk)
            for measure, *change in pending.order_by().values_list("measure", "organization_id", "due", "done"):
                changes[measure].append((change[0], change[1], change[2]))
            pending.delete()
        for measure, listed in changes.items():
            inherited = ((heirs.get(org, org), due, done) for org, due, done in listed)
            _append(period_id, measure, [(org, due, done) for org, due, done in inherited if org is not None])


# --- what covers a target -----------------------------------------------------------------------------------


def _touched_by(record: Record, period: Period) -> QuerySet[CoverageTarget]:
    """The targets of a period that a record covers: its target, and who reviewed."""
    review = record.review
    if record.target_org_id is not None:
        target = Q(measure=Measure.ORGANIZATIONS, organization=record.target_org_id)
    else:
        target = Q(measure=Measure.MEMBERS, person=record.target_person_id)
    reviewers = {review.reviewer_id, *review.co_reviewers.values_list("pk", flat=True)} - {None}
    leaders = Q(measure=Measure.LEADERS, person__in=reviewers)
    if not Record.objects.counting_in(period).filter(pk=record.pk).exists():
        leaders = Q(pk__in=[])  # a yearly duty, reviewed before July: who took part then took part then
    return CoverageTarget.objects.filter(target | leaders, period=period)


def _locked(targets: QuerySet[CoverageTarget]) -> list[CoverageTarget]:
    """The targets, held until the transaction ends; always in one order, so that two records cannot deadlock."""
    return list(targets.select_for_update().order_by("pk"))


def _covering(records: RecordQuerySet, period: Period) -> dict[Measure, list[RecordQuerySet]]:
    """For each measure, the records that cover the outer row of the period: a target, or a former one."""
    held = records.counting_in(period).order_by()
    targets = [held]
    if period.is_second_half:
        # What a yearly duty is served by may have been held since January.
        targets.append(records.filter(duties__period=period).order_by())
    return {
        Measure.ORGANIZATIONS: [way.filter(target_org=OuterRef("organization")) for way in targets],
        Measure.MEMBERS: [way.filter(target_person=OuterRef("person")) for way in targets],
        Measure.LEADERS: [
            held.filter(review__reviewer=OuterRef("person")),
            held.filter(review__co_reviewers=OuterRef("person")),
        ],
    }


def _is_covered(records: RecordQuerySet, period: Period) -> Q:
    """At least one of the records covers the target."""
    condition = Q(pk__in=[])
    for measure in Measure:
        condition |= covered(measure, records, period)
    return condition


def _first_day(records: RecordQuerySet, period: Period, measure: Measure) -> Least | Coalesce:
    """The day of the earliest of the records that cover the target; NEVER where none does."""
    days = [
        Coalesce(Subquery(way.order_by("review__held_on").values("review__held_on")[:1]), Value(NEVER))
        for way in _covering(records, period)[measure]
    ]
    return Least(*days) if len(days) > 1 else days[0]


def _mark_done(records: RecordQuerySet, period: Period, measure: Measure, ids: list[int]) -> None:
    """Those of the targets that one of the records covers are done on the day of the earliest."""
    found = CoverageTarget.objects.filter(covered(measure, records, period), pk__in=ids)
    found.update(done_on=_first_day(records, period, measure))


# --- changes ------------------------------------------------------------------------------------------------


def _append(period_id: int, measure: str, changes: Iterable[Change]) -> None:
    """One row an organisation, the sum of its differences; nothing where they cancel out."""
    due: Counter[int] = Counter()
    done: Counter[int] = Counter()
    for org, more_due, more_done in changes:
        due[org] += more_due
        done[org] += more_done
    rows = ((period_id, str(measure), org, due[org], done[org]) for org in sorted(due) if due[org] or done[org])
    bulk.insert(CoverageChange, ("period_id", "measure", "organization_id", "due", "done"), rows)


def _append_from(period_id: int, measure: Measure, changes: str, values: Sequence[Any] = ()) -> None:
    """The same for what a select of `org`, `due` and `done` tells."""
    run(
        f"INSERT INTO {CoverageChange._meta.db_table} (period_id, measure, organization_id, due, done)"  # noqa: S608
        f" SELECT %s, %s, org, SUM(due), SUM(done) FROM ({changes}) changes GROUP BY org"
        " HAVING SUM(due) <> 0 OR SUM(done) <> 0 ORDER BY org",
        [period_id, measure.value, *values],
    )


def _append_each(period_id: int, targets: list[CoverageTarget], done: int) -> None:
    CoverageChange.objects.bulk_create(
        CoverageChange(period_id=period_id, measure=target.measure, organization_id=target.organization_id, done=done)
        for target in targets
    )


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), FEW):
        yield ids[start : start + FEW]
