"""Duties as they are stored, brought in line with what the rules ask for: added, withdrawn, kept, passed on."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import reduce
from operator import or_
from typing import Any, NamedTuple, Protocol

from django.db.models import Exists, OuterRef, Q, QuerySet

from reviews.derive import Derivation, Due
from reviews.models import Cadence, ContentKind, Duty, DutyStatus, Joint, Period, Record, ReviewerKind, Rule, Subject
from reviews.models.duty import BY_HAND
from reviews.models.record import COUNTED_STATES
from reviews.wanted import FEW, FOLLOWING, Pair, Wanted, is_anything_set_aside

SAME = ("target_org_id", "target_person_id", "subject", "reviewer_org_id", "reviewer_id")  # one duty in two periods


@dataclass
class Counts:
    """What a generation does to one rule's duties."""

    added: int = 0
    withdrawn: int = 0
    kept: int = 0
    changed: int = 0  # of those kept: passed to somebody else, or there for another reason
    aside: int = 0  # neither made nor withdrawn, because somebody set them aside


class PlanLine(NamedTuple):
    """A duty that would come or go."""

    rule_code: str
    is_added: bool
    reviewer_org_id: int
    acting_id: int | None
    subject: str
    target_org_id: int | None
    target_person_id: int | None


@dataclass
class DutyPlan:
    """What a generation would do, or did, in numbers; `lines`: every duty, if asked for."""

    on: datetime.date
    counts: dict[str, Counts] = field(default_factory=dict)
    lines: list[PlanLine] | None = None

    @property
    def total(self) -> Counts:
        """All rules together."""
        rows = self.counts.values()
        return Counts(*(sum(getattr(row, each.name) for row in rows) for each in fields(Counts)))


class Witness(Protocol):
    """Is told of every duty that comes or goes, and how far the work is."""

    def come(self, wanted: Wanted) -> None:
        """What is left in the table is new; it is not stored yet."""

    def go(self, rule: Rule, ids: Sequence[int]) -> None:
        """These, by id, are asked for no more; they are still stored. Some hundreds at a time."""

    def tick(self, stage: str, number: int) -> None:
        """So many duties have passed the stage by now: "derived", "towrite", "written", "withdrawn"."""


def align(
    derivation: Derivation,
    period: Period,
    *,
    write: bool,
    only: Callable[[Rule], bool] | None = None,
    witness: Witness | None = None,
) -> DutyPlan:
    """What the rules ask for against what is stored; writes only when told to, in the caller's transaction.

    With `only`, just some of the rules, and the plan lists every duty that would come or go. A derivation of some
    reviewing organisations is held against the stored duties of these. What was set aside neither comes nor goes.
    """
    return Aligning(derivation, period, write=write, only=only, witness=witness).plan


class Aligning:
    """Brings the stored duties of a period in line with what the rules ask for, by statements over whole sets."""

    def __init__(
        self,
        derivation: Derivation,
        period: Period,
        *,
        write: bool,
        only: Callable[[Rule], bool] | None,
        witness: Witness | None,
    ) -> None:
        self.derivation, self.period, self.write, self.witness = derivation, period, write, witness
        self.plan = DutyPlan(on=derivation.on, lines=None if only is None else [])
        rules = [rule for rule in derivation.every_rule if only is None or only(rule)]
        self.rules = {rule.code: rule for rule in rules}
        stored = of_reviewers(Duty.objects.filter(period=period.pk), derivation.by)
        # Those of rules that are no longer there go as well; what is assigned by hand is nobody's to withdraw.
        stored = stored.exclude(rule_code=BY_HAND) if only is None else stored.filter(rule_code__in=list(self.rules))
        self.wanted = Wanted(derivation, period, stored)
        self._compare()

    def _counts(self, rule_code: str) -> Counts:
        return self.plan.counts.setdefault(rule_code, Counts())

    def _tick(self, stage: str, number: int) -> None:
        if self.witness is not None:
            self.witness.tick(stage, number)

    def _compare(self) -> None:
        derived = {rule.code for rule in self.derivation.rules}
        asked: dict[str, int] = {}
        for code, rule in self.rules.items():
            self._counts(code)
            asked[code] = self.wanted.ask(rule) if code in derived else 0
            self._tick("derived", self.wanted.count)
        gone = self.wanted.find_gone()
        self._keep_one_by_one(self.wanted.assigned())
        for code, number in self.wanted.changed().items():
            self._counts(code).changed += number
        if self.write and self.plan.total.changed:
            self.wanted.write_changed()
        self.wanted.use_up()
        if gone:
            # A 书记's duty may come by another of his posts now: it stays one duty.
            passed_on = self.wanted.passed_on()
            self._keep_one_by_one(passed_on)
            self.wanted.take_out(passed_on)
        left = self.wanted.left()
        for code, number in asked.items():
            self._counts(code).kept += number - left.get(code, 0)
        if is_anything_set_aside(self.period):
            for code, number in self.wanted.leave_out_new().items():
                self._counts(code).aside += number
                left[code] -= number
            for code, number in self.wanted.leave_out_gone().items():
                self._counts(code).aside += number
                self._counts(code).kept += number
        for code in [*self.rules, *sorted(gone.keys() - self.rules.keys())]:
            self._withdraw(self.rules.get(code) or Rule(code=code))
        self._add(left)

    def _add(self, left: dict[str, int]) -> None:
        for code, number in left.items():
            self._counts(code).added += number
        total = sum(left.values())
        if self.witness is not None and total:
            self.witness.come(self.wanted)
        if self.plan.lines is not None:
            lines = [PlanLine(code, True, *line) for code, *line in self.wanted.lines()]
            order = {code: at for at, code in enumerate(self.plan.counts)}
            self.plan.lines = sorted([*lines, *self.plan.lines], key=lambda line: order[line.rule_code])
        if not self.write:
            return
        self._tick("towrite", total)
        written = 0
        for code, rule in self.rules.items():
            for number in self.wanted.write(rule) if left.get(code) else ():
                written += number
                self._tick("written", written)

    def _keep_one_by_one(self, pairs: Sequence[Pair]) -> None:
        """Duties that were assigned by hand or pass to another post, which follow by rules of their own; there are few."""
        for chunk in _chunks(pairs):
            dues = self.wanted.dues(chunk)
            duties = Duty.objects.in_bulk([duty for duty, _ in chunk])
            changed = [duty for pk, row in chunk if self._follows(duty := duties[pk], dues[row])]
            for duty in changed:
                self._counts(duty.rule_code).changed += 1
            if self.write:
                names = [name.removesuffix("_id") for name in (*FOLLOWING, "is_assigned")]
                Duty.objects.bulk_create(changed, update_conflicts=True, unique_fields=["id"], update_fields=names)

    def _follows(self, duty: Duty, due: Due) -> bool:
        """Let a duty that is not done follow who is in which post now; whether it became different."""
        if duty.status == DutyStatus.DONE:
            return False
        values = {name: getattr(due, name) for name in FOLLOWING}
        values["is_assigned"] = duty.is_assigned and self._is_fit(duty, due)
        if values["is_assigned"]:
            values["acting_id"] = duty.acting_id
        is_different = any(getattr(duty, name) != value for name, value in values.items())
        for name, value in values.items():
            setattr(duty, name, value)
        return is_different

    def _is_fit(self, duty: Duty, due: Due) -> bool:
        """Who was assigned by hand may go on: still in the team, or for a post still vacant; not the target's head."""
        teams = self.derivation.teams
        if duty.acting_id is None or duty.acting_id == due.target_person_id:
            return False
        head = teams.head(due.about_org_id)
        if due.subject in (Subject.ORG, Subject.HEAD) and head is not None and head.person_id == duty.acting_id:
            return False
        if due.reviewer_kind == ReviewerKind.PERSON:
            return due.reviewer_id is None
        return any(held.person_id == duty.acting_id for held in teams.members(due.reviewer_org_id))

    def _withdraw(self, rule: Rule) -> None:
        """Take away duties that nothing asks for any more; those that a counted record serves stay."""
        withdrawn = 0
        for ids in _chunks(self.wanted.gone(rule.code)):
            if self.write:
                # Locked first, then asked (two statements): a record confirmed meanwhile by someone else is seen.
                held = Duty.objects.filter(pk__in=ids).select_for_update(no_key=True).order_by("pk")
                list(held.values_list("pk", flat=True))
            links = Record.duties.through.objects.filter(duty__in=ids, record__state__in=COUNTED_STATES)
            served = set(links.values_list("duty_id", flat=True))
            bare = [pk for pk in ids if pk not in served]
            counts = self._counts(rule.code)
            counts.kept += len(ids) - len(bare)
            counts.withdrawn += len(bare)
            if self.witness is not None and bare:
                self.witness.go(rule, bare)
            if self.plan.lines is not None:
                gone = Duty.objects.filter(pk__in=bare).order_by("pk").values_list(*PlanLine._fields[2:])
                self.plan.lines += [PlanLine(rule.code, False, *row) for row in gone]
            if self.write:
                Duty.objects.filter(pk__in=bare).delete()
            withdrawn += len(bare)
            self._tick("withdrawn", withdrawn)


def of_reviewers(duties: QuerySet[Duty], by: Collection[int] | None) -> QuerySet[Duty]:
    """Those of some reviewing organisations; all where none are given."""
    return duties if by is None else duties.filter(reviewer_org__in=by)


def settle_by_earlier_records(period: Period, of: Iterable[Rule], by: Collection[int] | None = None) -> None:
    """A yearly duty is done when its reviewer's review of the same target was held earlier in the year (domain.md, section 2).

    Here and below: with `by`, only duties of these reviewing organisations.
    """
    if not period.is_second_half:
        return
    earlier = Record.objects.counted().filter(
        review__held_on__year=period.starts_on.year, review__held_on__lt=period.starts_on
    )
    yearly = [rule.pk for rule in of if rule.cadence == Cadence.YEAR]
    pending = of_reviewers(Duty.objects.open().filter(period=period, rule__in=yearly), by)
    if by is not None:
        orgs, persons = pending.order_by().values("target_org"), pending.order_by().values("target_person")
        earlier = earlier.filter(Q(target_org__in=orgs) | Q(target_person__in=persons))
    links = Record.duties.through
    for chunk in _chunks(list(earlier.order_by("pk").values_list("pk", flat=True))):
        for targets in ("target_org", "target_person"):
            records = list(
                Record.objects.filter(pk__in=chunk, **{f"{targets}__isnull": False}).select_related("review")
            )
            by_target: dict[int, list[Record]] = defaultdict(list)
            for record in records:
                by_target[getattr(record, f"{targets}_id")].append(record)
            served = [
                (duty.pk, record.pk)
                for duty in pending.filter(**{f"{targets}__in": list(by_target)})
                for record in by_target[getattr(duty, f"{targets}_id")]
                if _serves(record, duty)
            ]
            rows = [links(duty_id=duty_id, record_id=record_id) for duty_id, record_id in served]
            links.objects.bulk_create(rows, ignore_conflicts=True)
            Duty.objects.filter(pk__in={duty_id for duty_id, _ in served}).update(status=DutyStatus.DONE)


def settle_by_other_periods(period: Period, by: Collection[int] | None = None) -> None:
    """A duty is done when the same one of another period was, by a review held in this one (T11: one review, two purposes)."""
    links = Record.duties.through
    others = links.objects.filter(
        record__state__in=COUNTED_STATES,
        record__review__held_on__gte=period.starts_on,
        record__review__held_on__lte=period.ends_on,
    ).exclude(duty__period=period)
    others = others.exclude(duty__rule_code=BY_HAND).order_by("pk")
    pending = of_reviewers(Duty.objects.open().filter(period=period).exclude(rule_code=BY_HAND), by).order_by()
    if by is not None:
        of_orgs, of_persons = pending.values("target_org"), pending.values("target_person")
        others = others.filter(Q(duty__target_org__in=of_orgs) | Q(duty__target_person__in=of_persons))
    for chunk in _chunks(list(others.values_list("record_id", *(f"duty__{name}" for name in SAME)))):
        served: dict[tuple, list[tuple]] = defaultdict(list)
        for record_id, *who in chunk:
            served[tuple(who[:3])].append((record_id, *who[3:]))
        orgs, persons = {row[1] for row in chunk} - {None}, {row[2] for row in chunk} - {None}
        found = [
            (pk, record_id)
            for pk, *same in pending.filter(Q(target_org__in=orgs) | Q(target_person__in=persons)).values_list(
                "pk", *SAME
            )
            for record_id, *reviewer in served.get(tuple(same[:3]), ())
            if is_same_reviewer(same[2], same[3:], reviewer)
        ]
        links.objects.bulk_create([links(duty_id=pk, record_id=record) for pk, record in found], ignore_conflicts=True)
        Duty.objects.filter(pk__in={pk for pk, _ in found}).update(status=DutyStatus.DONE)


def is_same_reviewer(subject: str, one: Sequence[int | None], other: Sequence[int | None]) -> bool:
    """The same organisation or the same 书记 (organisation's id, person's id); a member's branch may be another by now:
    who was reviewed before a transfer is reviewed."""
    return subject == Subject.MEMBER or one[0] == other[0] or (one[1] is not None and one[1] == other[1])


def same_elsewhere(duties: Iterable[Duty], periods: Collection[int]) -> QuerySet[Duty]:
    """The same duties, while open, in some other periods: towards the same target in the same part, of the same reviewer."""
    found = Q(pk__in=[])
    for duty in duties:
        if duty.rule_code == BY_HAND:
            continue
        same = Q(target_org=duty.target_org_id) if duty.target_org_id else Q(target_person=duty.target_person_id)
        if duty.subject != Subject.MEMBER:
            reviewer = Q(reviewer_org=duty.reviewer_org_id)
            same &= reviewer | Q(reviewer=duty.reviewer_id) if duty.reviewer_id else reviewer
        found |= same & Q(subject=duty.subject, period__in=set(periods) - {duty.period_id})
    return Duty.objects.open().filter(found).exclude(rule_code=BY_HAND)


def yearly_served_by(record: Record) -> list[Duty]:
    """The same when the review is confirmed after the duty was made: open yearly duties of the second half of its year."""
    held_on = record.review.held_on
    if held_on is None or held_on.month > 6:
        return []
    target = (
        {"target_org": record.target_org_id} if record.target_org_id else {"target_person": record.target_person_id}
    )
    later = Duty.objects.open().filter(
        period__in=Period.objects.half_years().filter(starts_on=datetime.date(held_on.year, 7, 1)),
        rule__cadence=Cadence.YEAR,
        **target,
    )
    return [duty for duty in later if _serves(record, duty)]


def settle_by_reviews_before_a_transfer(period: Period, by: Collection[int] | None = None) -> None:
    """A member who was reviewed in this period before he was transferred is reviewed: the new branch owes no second one."""
    mine = Duty.objects.filter(period=period, subject=Subject.MEMBER)
    done = mine.filter(status=DutyStatus.DONE, rule_code=OuterRef("rule_code"), target_person=OuterRef("target_person"))
    waiting = mine.open()
    if by is not None:
        # Whom they review may wait for somebody else as well, whose duty the same review serves.
        waiting = waiting.filter(target_person__in=of_reviewers(mine, by).order_by().values("target_person"))
    twice = waiting.filter(Exists(done)).order_by("pk").values_list("pk", "rule_code", "target_person")
    links = Record.duties.through
    for chunk in _chunks(list(twice)):
        serving = links.objects.filter(
            duty__period=period, duty__subject=Subject.MEMBER, duty__target_person__in=[person for _, _, person in chunk],
            record__state__in=COUNTED_STATES,
        ).order_by("record").values_list("duty__rule_code", "duty__target_person", "record")  # fmt: skip
        record_of = {(rule, person): record for rule, person, record in serving}
        rows = [
            links(duty_id=pk, record_id=record_of[rule, person])
            for pk, rule, person in chunk
            if (rule, person) in record_of
        ]
        links.objects.bulk_create(rows, ignore_conflicts=True)
        Duty.objects.filter(pk__in=[row.duty_id for row in rows]).update(status=DutyStatus.DONE)


def suffices_for(duties: QuerySet[Duty]) -> QuerySet[Duty]:
    """Open duties of joint partners that need not act any more, because one of these is done (A1: any one suffices)."""
    joint = duties.exclude(joint_group="").filter(rule__joint=Joint.ANY).order_by()
    served = joint.values("period", "about_org", "joint_group", "subject")
    if not served:
        return Duty.objects.none()
    # By what is known of the few that are done: a join over all duties took half a second of each confirmation.
    return Duty.objects.open().filter(reduce(or_, (Q(**facts) for facts in served))).order_by()


def _partners_of(duties: QuerySet[Duty]) -> QuerySet[Duty]:
    same = {name: OuterRef(name) for name in ("period", "joint_group", "subject")}
    served = duties.filter(**same).order_by().values("pk")
    return Duty.objects.open().filter(~Q(joint_group=""), Exists(served)).order_by()


def settle_by_partners(period: Period, of: Iterable[Rule], by: Collection[int] | None = None) -> None:
    """The same for duties that came, or whose rule was changed, after the partner's record was confirmed."""
    done = Duty.objects.filter(period=period, status=DutyStatus.DONE)
    waiting: dict[tuple[str, str], list[int]] = defaultdict(list)
    any_one = [rule.pk for rule in of if rule.joint == Joint.ANY]
    for duty in of_reviewers(_partners_of(done), by).filter(period=period, rule__in=any_one):
        waiting[duty.joint_group, duty.subject].append(duty.pk)
    rows = done.filter(joint_group__in={group for group, _ in waiting}, records__state__in=COUNTED_STATES)
    served = [
        (pk, record_id)
        for group, subject, record_id in rows.order_by("pk").values_list("joint_group", "subject", "records")
        for pk in waiting.get((group, subject), ())
    ]
    links = Record.duties.through
    links.objects.bulk_create([links(duty_id=pk, record_id=record) for pk, record in served], ignore_conflicts=True)
    Duty.objects.filter(pk__in={pk for pk, _ in served}).update(status=DutyStatus.DONE)


def _serves(record: Record, duty: Duty) -> bool:
    """By the same 书记 or in the same organisation's name, and of the same kind: a head's review is not a member's."""
    review = record.review
    if review.reviewer_org_id != duty.reviewer_org_id and (duty.reviewer_id or 0) != review.reviewer_id:
        return False
    is_head = record.kind in (ContentKind.TEAM_HEAD, ContentKind.BASE_HEAD)
    return duty.target_org_id is not None or is_head == (duty.subject == Subject.HEAD)


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(rows), FEW):
        yield rows[start : start + FEW]
