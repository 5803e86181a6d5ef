"""Duties as they are stored, brought in line with what the rules ask for: added, withdrawn, kept, passed on."""

from __future__ import annotations

import datetime
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields
from functools import reduce
from operator import or_
from typing import Any, NamedTuple, Protocol

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from orgs import bulk
from orgs.models import Organization, Person
from reviews import set_aside
from reviews.derive import Derivation, Due, Key, place
from reviews.models import Cadence, ContentKind, Duty, DutyStatus, Joint, Period, Record, ReviewerKind, Rule, Subject
from reviews.models.duty import BY_HAND
from reviews.models.record import COUNTED_STATES

BATCH = 2000
FEW = 500  # ids in one condition: well below the limit of every database
SAMPLE = 50
FOLLOWING = (
    "reviewer_kind", "reviewer_org_id", "reviewer_id", "acting_id", "subject", "about_org_id", "joint_group", "reasons",
)  # fmt: skip
COLUMNS = (
    "period_id", "rule_id", "rule_code", "basis", "due_on", "created_at", "status", "is_assigned", "exempt_reason",
    "exempt_approved_by", "target_org_id", "target_person_id", *FOLLOWING,
)  # fmt: skip


class Stored(NamedTuple):
    """What is compared of a stored duty: there are a million, and a model object of each would take most of the time."""

    pk: int
    target_org_id: int | None
    target_person_id: int | None
    status: str
    is_assigned: bool
    reviewer_kind: str
    reviewer_org_id: int
    reviewer_id: int | None
    acting_id: int | None
    subject: str
    about_org_id: int
    joint_group: str
    reasons: list[dict[str, Any]]


SAME = ("target_org_id", "target_person_id", "subject", "reviewer_org_id", "reviewer_id")  # one duty in two periods
FIRST_FOLLOWING = len(Stored._fields) - len(FOLLOWING)


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
    """What a generation would do, or did; samples are the first names of each rule, `lines` every duty if asked for."""

    on: datetime.date
    counts: dict[str, Counts] = field(default_factory=dict)
    added: dict[str, list[str]] = field(default_factory=dict)
    withdrawn: dict[str, list[str]] = field(default_factory=dict)
    lines: list[PlanLine] | None = None

    @property
    def total(self) -> Counts:
        """All rules together."""
        rows = self.counts.values()
        return Counts(*(sum(getattr(row, each.name) for row in rows) for each in fields(Counts)))


class Witness(Protocol):
    """Is told of every duty that comes or goes, portion by portion, and how far the work is."""

    def come(self, rule: Rule, dues: Collection[Due]) -> None:
        """These are new."""

    def go(self, rule: Rule, ids: Sequence[int]) -> None:
        """These, by id, are asked for no more; they are still stored."""

    def tick(self, rule: Rule, derived: int) -> None:
        """So many duties of all rules were derived by now."""


def align(
    derivation: Derivation,
    period: Period,
    *,
    write: bool,
    only: Callable[[Rule], bool] | None = None,
    witness: Witness | None = None,
) -> DutyPlan:
    """What the rules ask for against what is stored, rule by rule; writes only when told to, in the caller's transaction.

    With `only`, just some of the rules, and the plan lists every duty that would come or go. A derivation of some
    reviewing organisations is held against the stored duties of these. What was set aside neither comes nor goes.
    """
    day = derivation.on
    plan = DutyPlan(on=day, lines=None if only is None else [])
    derived = {rule.code: rule for rule in derivation.rules}
    aside = set_aside.of(period)
    number = 0
    for rule in derivation.every_rule:
        if only is not None and not only(rule):
            continue
        aligning = Aligning(plan, derivation, period, rule, write, aside, witness)
        if rule.code not in derived:
            aligning.withdraw(aligning.existing())
            continue
        is_whole = False
        for branches, found in derivation.portions(derived[rule.code]):
            number += len(found)
            aligning.diff(found, branches)
            if witness is not None:
                witness.tick(rule, number)
            is_whole = is_whole or branches is None
        if not is_whole:
            # Branches that are no longer among the rule's reviewers (dissolved, of another type now).
            reviewers = derivation.reviewers(derived[rule.code]).order_by().values("pk")
            aligning.withdraw(aligning.existing().exclude(reviewer_org__in=reviewers))
    if only is not None:
        return plan
    # Of rules that are no longer there; what is assigned by hand is nobody's to withdraw.
    stray = of_reviewers(Duty.objects.filter(period=period.pk), derivation.by)
    stray = stray.exclude(rule_code__in=[*plan.counts, BY_HAND]).order_by()
    for code in stray.values_list("rule_code", flat=True).distinct():
        aligning = Aligning(plan, derivation, period, Rule(code=code), write, aside, witness)
        aligning.withdraw(aligning.existing())
    return plan


class Aligning:
    """Brings the stored duties of one rule in line with what it asks for, portion by portion."""

    def __init__(
        self,
        plan: DutyPlan,
        derivation: Derivation,
        period: Period,
        rule: Rule,
        write: bool,
        aside: set_aside.Keys,
        witness: Witness | None = None,
    ) -> None:
        self.plan, self.derivation, self.period, self.rule, self.write = plan, derivation, period, rule, write
        self.not_to_come: AbstractSet[Key] = aside.get((rule.code, True), frozenset())
        self.not_to_go: AbstractSet[Key] = aside.get((rule.code, False), frozenset())
        self.witness = witness
        self.counts = plan.counts.setdefault(rule.code, Counts())
        self.added = plan.added.setdefault(rule.code, [])
        self.withdrawn = plan.withdrawn.setdefault(rule.code, [])
        # Not asked for each portion: what is stored by then is what we have just written ourselves.
        self.is_new = derivation.by is None and not self.existing().exists()

    def existing(self, branches: Sequence[int] | None = None) -> QuerySet[Duty]:
        """The rule's stored duties, of some reviewing organisations where given."""
        of_rule = Duty.objects.filter(period=self.period.pk, rule_code=self.rule.code).order_by()
        rows = of_reviewers(of_rule, self.derivation.by)
        return rows if branches is None else rows.filter(reviewer_org__in=branches)

    def diff(self, found: dict[Key, Due], branches: Sequence[int] | None) -> None:
        """Compare what should be with what is; `found` is used up."""
        changed: dict[int, dict[str, Any]] = {}
        gone: list[Stored] = []
        rows = () if self.is_new else self.existing(branches).values_list(*Stored._fields).iterator(chunk_size=BATCH)
        for duty in map(Stored._make, rows):
            due = found.pop((duty.reviewer_org_id, duty.target_org_id, duty.target_person_id), None)
            if due is None:
                gone.append(duty)
            else:
                self._keep(duty, due, changed)
        left = self._pass_on(gone, found, changed)
        self.withdraw(self.existing().filter(pk__in=chunk) for chunk in _chunks([duty.pk for duty in left]))
        for key in self.not_to_come & found.keys():
            del found[key]
            self.counts.aside += 1
        self.counts.changed += len(changed)
        self.counts.added += len(found)
        if self.witness is not None and found:
            self.witness.come(self.rule, found.values())
        if self.write:
            _write(changed)
            bulk.insert(Duty, COLUMNS, self._rows(found.values()))
        elif self.plan.lines is not None:
            self.plan.lines += [
                PlanLine(
                    self.rule.code, True, due.reviewer_org_id, due.acting_id, due.subject, due.target_org_id,
                    due.target_person_id,
                )
                for due in found.values()
            ]  # fmt: skip
        else:
            _sample(self.added, ((due.target_org_id, due.target_person_id) for due in found.values()))

    def _rows(self, dues: Iterable[Due]) -> Iterator[tuple]:
        """New duties as rows of COLUMNS."""
        period, rule = self.period, self.rule
        common = (
            period.pk, rule.pk, rule.code, rule.basis, period.due_on, timezone.now(), DutyStatus.PENDING.value, False, "",
            "",
        )  # fmt: skip
        for due in dues:
            yield (*common, due.target_org_id, due.target_person_id, *_following(due))

    def _pass_on(self, gone: list[Stored], found: dict[Key, Due], changed: dict[int, dict[str, Any]]) -> list[Stored]:
        """A 书记's duty may come by another of his posts now: it stays one duty. Returns those that are gone."""
        if not gone:
            return gone
        by_place = {due.place: key for key, due in found.items() if due.place is not None}
        left = []
        for duty in gone:
            at = place(duty.reviewer_kind, duty.reviewer_id, duty.target_org_id, duty.target_person_id)
            key = by_place.pop(at, None) if at is not None else None
            if key is None:
                left.append(duty)
            else:
                self._keep(duty, found.pop(key), changed)
        return left

    def _keep(self, duty: Stored, due: Due, changed: dict[int, dict[str, Any]]) -> None:
        """Let a duty that is not done follow who is in which post now; notes what became different."""
        self.counts.kept += 1
        if duty.status == DutyStatus.DONE:
            return
        following = _following(due)
        if not duty.is_assigned and duty[FIRST_FOLLOWING:] == following:
            return
        values = dict(zip(FOLLOWING, following, strict=True))
        values["is_assigned"] = duty.is_assigned and self._is_fit(duty, due)
        if values["is_assigned"]:
            values["acting_id"] = duty.acting_id
        if any(getattr(duty, name) != value for name, value in values.items()):
            changed[duty.pk] = values

    def _is_fit(self, duty: Stored, due: Due) -> bool:
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

    def withdraw(self, duties: QuerySet[Duty] | Iterable[QuerySet[Duty]]) -> None:
        """Take away duties that nothing asks for any more; those that a counted record serves stay."""
        portions = [duties] if isinstance(duties, QuerySet) else duties
        for portion in portions:
            rows = list(portion.values_list("pk", "reviewer_org_id", "target_org_id", "target_person_id"))
            for chunk in _chunks([pk for pk, *key in rows if tuple(key) not in self.not_to_go]):
                self._withdraw(chunk)
            stays = sum(tuple(key) in self.not_to_go for _, *key in rows) if self.not_to_go else 0
            self.counts.kept += stays
            self.counts.aside += stays

    def _withdraw(self, ids: Sequence[int]) -> None:
        rows = Duty.objects.filter(pk__in=ids)
        if self.write:
            # Locked first, then asked (two statements): a record confirmed meanwhile by someone else is seen.
            list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        links = Record.duties.through.objects.filter(duty__in=ids, record__state__in=COUNTED_STATES)
        served = set(links.values_list("duty_id", flat=True))
        bare = [pk for pk in ids if pk not in served]
        self.counts.kept += len(ids) - len(bare)
        self.counts.withdrawn += len(bare)
        if self.witness is not None and bare:
            self.witness.go(self.rule, bare)
        if self.write:
            Duty.objects.filter(pk__in=bare).delete()
        elif self.plan.lines is not None:
            gone = Duty.objects.filter(pk__in=bare).order_by("pk").values_list(*PlanLine._fields[2:])
            self.plan.lines += [PlanLine(self.rule.code, False, *row) for row in gone]
        elif bare and len(self.withdrawn) < SAMPLE:
            _sample(self.withdrawn, Duty.objects.filter(pk__in=bare).values_list("target_org_id", "target_person_id"))


def _sample(names: list[str], targets: Iterable[tuple[int | None, int | None]]) -> None:
    """The names of the first targets, up to SAMPLE in all."""
    wanted = list(itertools.islice(targets, SAMPLE - len(names)))
    orgs = Organization.objects.in_bulk([org for org, _ in wanted if org is not None])
    people = Person.objects.in_bulk([person for _, person in wanted if person is not None])
    names += [orgs[org].name if org is not None else people[person].name for org, person in wanted]


def _following(due: Due) -> tuple:
    """The values of FOLLOWING, which `Stored` ends with."""
    return (
        str(due.reviewer_kind), due.reviewer_org_id, due.reviewer_id, due.acting_id,
        str(due.subject), due.about_org_id, due.joint_group, due.reasons,
    )  # fmt: skip


def _write(changed: dict[int, dict[str, Any]]) -> None:
    """Write what became different of each duty, by id."""
    for chunk in _chunks(list(changed)):
        duties = list(Duty.objects.filter(pk__in=chunk))
        for duty in duties:
            for name, value in changed[duty.pk].items():
                setattr(duty, name, value)
        Duty.objects.bulk_create(
            duties, update_conflicts=True, unique_fields=["id"],
            update_fields=[name.removesuffix("_id") for name in (*FOLLOWING, "is_assigned")],
        )  # fmt: skip


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
