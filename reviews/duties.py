"""Verbs of duties: derive them for a period, follow what changes, settle them by records (domain.md, sections 2 and 5.3)."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from orgs import audit, bulk, clock, heads, scope, tree
from orgs.errors import DomainError, Forbidden
from orgs.models import Organization, Person, Post
from reviews import cadence, coverage, rule_versions
from reviews.aligning import (
    Counts,
    DutyPlan,
    Witness,
    align,
    same_elsewhere,
    settle_by_earlier_records,
    settle_by_other_periods,
    settle_by_partners,
    settle_by_reviews_before_a_transfer,
    suffices_for,
    yearly_served_by,
)
from reviews.derive import Derivation
from reviews.drafts import tidy
from reviews.explaining import Explanation, explain
from reviews.models import Duty, DutyStatus, Period, Record, ReviewerKind, Subject
from reviews.models.record import COUNTED_STATES

if TYPE_CHECKING:
    from orgs.models import User
    from reviews.concerned import Concerned

__all__ = [
    "BadPeriod", "Counts", "DutyPlan", "DutyRefused", "Explanation", "day_of", "ensure_period", "exempt", "explain", "follow",
    "hold", "preview", "reassign", "regenerate", "regenerate_many", "reopen", "resume", "same_elsewhere", "settle", "unsaved_period",
]  # fmt: skip

REASON, NAME = 200, 50  # letters
MANY = 10_000  # new duties after which the database should count its table


class BadPeriod(DomainError):
    """The code names no half-year."""


class DutyRefused(DomainError):
    """The duty's state or the facts do not allow this."""


# --- periods and generation ------------------------------------------------------------------------------------


def ensure_period(code: str, *, by: User | None = None) -> Period:
    """The period of this code; a half-year is created where it is missing. Raises BadPeriod unless it reads like 2010H2
    or is the code of a round."""
    period = unsaved_period(code)
    if period.pk is not None:
        return period
    facts = {name: getattr(period, name) for name in ("name", "starts_on", "ends_on", "is_general_round")}
    with transaction.atomic():
        period, is_new = Period.objects.get_or_create(code=period.code, defaults=facts)
        if is_new:
            audit.record(by, "建立点评期", [period])
    return period


def unsaved_period(code: str) -> Period:
    """The half-year of this code, not stored, for a preview; or the round of this code. Raises BadPeriod."""
    code = code.strip()
    days = cadence.span(code)
    if days is None:
        found = Period.objects.rounds().filter(code=code.replace("\x00", "")).first()
        if found is not None:
            return found
        raise BadPeriod(
            f"“{code}”不是点评期。请写年份加 H1（上半年）或 H2（下半年），例如 2010H2；轮次请写它的代码，先在“点评期与任务”页建立。"
        )
    is_general = code == cadence.GENERAL_ROUND
    name = cadence.name(code)
    return Period(code=code, name=name, starts_on=days[0], ends_on=days[1], is_general_round=is_general)


def day_of(period: Period, on: datetime.date | None) -> datetime.date:
    """The day for which duties are derived: `on`, else today, kept within the period."""
    return cadence.within(on or clock.today(), period.starts_on, period.ends_on)


def preview(period: Period, on: datetime.date | None = None) -> DutyPlan:
    """What generating now would add, withdraw and keep, by rule. Writes nothing."""
    day = day_of(period, on)
    with transaction.atomic():
        return align(Derivation(period, day), period, write=False)


def regenerate(
    period: Period, *, on: datetime.date | None = None, by: User | None = None, witness: Witness | None = None
) -> DutyPlan:
    """Bring the period's duties in line with the rules, posts and divisions of work of the day.

    Adds what is new, withdraws what is no longer asked for, keeps the rest: open duties pass to successors, done and
    exempt ones keep what they are, what is assigned by hand stays. A duty with a counted record is never withdrawn.
    A half-year that is over keeps the rules that it was first made with; a round that was closed is refused (DutyRefused).
    Safe to run again, and two at once: the tree's lock, then the period's row. Ends with the roster of coverage.
    """
    return regenerate_many([period], on=on, by=by, witness=witness)[0]


@transaction.atomic
def regenerate_many(
    periods: Collection[Period],
    *,
    on: datetime.date | None = None,
    by: User | None = None,
    witness: Witness | None = None,
) -> list[DutyPlan]:
    """The same for several in one transaction: first the duties of all, then the rosters, as who confirms does it."""
    tree.lock()
    made = []
    for period in _locked(periods):
        if period.closed_at is not None:
            raise DutyRefused(f"“{period}”已经结束，不能再生成任务。")
        day = day_of(period, on)
        derivation = Derivation(period, day)
        plan = align(derivation, period, write=True, witness=witness)
        if plan.total.added > MANY:
            bulk.learn(Duty)
        _settle_by_what_was_held(period, derivation)
        rule_versions.bind(period)
        made.append((period, plan))
    for period, plan in made:
        _settle_by_other_periods(period)
        coverage.sync(period, plan.on)
        period.derived_on, period.derived_at = plan.on, timezone.now()
        period.save(update_fields=["derived_on", "derived_at"])
        _trail(by, "生成任务", period, plan)
    return [plan for _, plan in made]


@transaction.atomic
def follow(
    concerned: Mapping[Period, Concerned], *, on: datetime.date | None = None, by: User | None = None
) -> list[DutyPlan]:
    """What `regenerate_many` does, for the duties of some reviewing organisations and the coverage of some targets only.

    They are what a change concerns in each period, as `reviews.concerned` finds it: the rest would come out as it is
    stored. In the change's own transaction, under the same locks.
    """
    tree.lock()
    made = []
    for period in _locked(concerned):
        reviewers = concerned[period].reviewers
        derivation = Derivation(period, day_of(period, on), reviewers)
        plan = align(derivation, period, write=True)
        _settle_by_what_was_held(period, derivation, reviewers)
        made.append((period, plan))
    for period, plan in made:
        _settle_by_other_periods(period, concerned[period].reviewers)
        coverage.sync(period, plan.on, concerned[period].coverage)
        _trail(by, "任务随变更调整", period, plan)
    return [plan for _, plan in made]


def _locked(periods: Iterable[Period]) -> list[Period]:
    """The rows of the periods, held until the transaction ends."""
    # NO KEY: whoever confirms a review of these periods meanwhile refers to the rows, and must not wait for us.
    rows = Period.objects.select_for_update(of=("self",), no_key=True).select_related("below").order_by("pk")
    return list(rows.filter(pk__in=[period.pk for period in periods]))


def _settle_by_what_was_held(period: Period, derivation: Derivation, by: Collection[int] | None = None) -> None:
    """Duties that a counted review serves already, whenever they were made."""
    settle_by_earlier_records(period, derivation.rules, by)
    settle_by_reviews_before_a_transfer(period, by)
    settle_by_partners(period, derivation.rules, by)


def _settle_by_other_periods(period: Period, by: Collection[int] | None = None) -> None:
    """With the roster held: whoever confirms meanwhile is done, and seen, or waits for it and then sees what was made."""
    coverage.hold(period.pk, alone=True)
    settle_by_other_periods(period, by)


def _trail(by: User | None, verb: str, period: Period, plan: DutyPlan) -> None:
    total = plan.total
    summary = f"{period.name}：新增 {total.added}，撤回 {total.withdrawn}，保留 {total.kept}"
    audit.record(by, verb, [period], summary=summary)


# --- by records ------------------------------------------------------------------------------------------------


def settle(record: Record) -> None:
    """The record counts: the duties it serves are done, and the same ones in every other period that holds its day (T11).
    A yearly duty of the second half-year is served from January on.

    In the caller's transaction.
    """
    own = set(record.duties.order_by().values_list("pk", flat=True))
    found = own | _ids(suffices_for(_those(own)))
    periods = list(Period.objects.of_review(record.review).values_list("pk", flat=True))
    if len(periods) > 1:
        found |= _ids(same_elsewhere(_those(found), periods))
        found |= _ids(suffices_for(_those(found)))
    found |= {duty.pk for duty in yearly_served_by(record)}
    there = hold(found)  # all at once; one that a generation has withdrawn meanwhile is not among them
    record.duties.add(*there)
    _those(there).filter(status=DutyStatus.PENDING).update(status=DutyStatus.DONE)


def reopen(record: Record) -> None:
    """The record counts no more: its duties are open again, unless another counted record serves them."""
    mine = hold(_ids(record.duties.filter(status=DutyStatus.DONE)))
    others = Record.objects.filter(state__in=COUNTED_STATES).exclude(pk=record.pk)
    served = _ids(_those(mine).filter(records__in=others))
    _those(set(mine) - served).filter(status=DutyStatus.DONE).update(status=DutyStatus.PENDING)


def _those(ids: Collection[int]) -> QuerySet[Duty]:
    return Duty.objects.filter(pk__in=sorted(ids))


def _ids(duties: QuerySet[Duty]) -> set[int]:
    return set(duties.order_by().values_list("pk", flat=True))


def hold(ids: Collection[int]) -> list[int]:
    """Those that are still there, held until the transaction ends; none is held while we wait for another.

    A generation takes duties in an order of its own: whoever held some and waited for others would wait in a circle.
    Raises CoverageBusy where somebody else holds them for too long (lock_timeout).
    """
    rows = _those(ids).order_by("period", "pk")
    if not connection.features.has_select_for_update_skip_locked:
        return list(rows.values_list("pk", flat=True))  # SQLite: the transaction itself is the lock
    while True:
        with transaction.atomic():
            locked = rows.select_for_update(of=("self",), no_key=True, skip_locked=True)
            free = list(locked.values_list("pk", flat=True))
            waiting = sorted(_ids(rows) - set(free))
            transaction.set_rollback(bool(waiting))
        if not waiting:
            return free
        _wait_for(waiting[0])


def _wait_for(duty: int) -> None:
    """Until whoever holds it has ended; it is not held afterwards."""
    try:
        with transaction.atomic():
            list(_those([duty]).select_for_update(no_key=True).values_list("pk"))
            transaction.set_rollback(True)
    except OperationalError as error:
        raise coverage.CoverageBusy("本期的点评任务正在重新生成，请稍后再试。") from error


# --- by hand -----------------------------------------------------------------------------------------------------


@transaction.atomic
def exempt(duty: Duty, *, reason: str, approved_by: str, by: User) -> Duty:
    """免除, with a reason and who approved it, by the office of the reviewing organisation or above it."""
    duty = _for_office(duty, by)
    reason, approved_by = tidy(reason), tidy(approved_by)
    if not reason or not approved_by:
        raise DutyRefused("请写明免除原因（例如空缺、撤销、长期病休）和批准人。")
    if len(reason) > REASON or len(approved_by) > NAME:
        raise DutyRefused(f"免除原因最多 {REASON} 个字，批准人最多 {NAME} 个字，请删减。")
    if duty.status == DutyStatus.EXEMPT:
        return duty
    if duty.status != DutyStatus.PENDING:
        raise DutyRefused(f"任务“{duty}”{duty.get_status_display()}，不能免除。")
    return _write(
        duty, "免除任务", by, f"{reason}（{approved_by}批准）", status=DutyStatus.EXEMPT, exempt_reason=reason,
        exempt_approved_by=approved_by,
    )  # fmt: skip


@transaction.atomic
def resume(duty: Duty, *, by: User) -> Duty:
    """An exempt duty is open again."""
    duty = _for_office(duty, by)
    if duty.status != DutyStatus.EXEMPT:
        raise DutyRefused(f"任务“{duty}”{duty.get_status_display()}，不需要恢复。")
    return _write(duty, "恢复任务", by, status=DutyStatus.PENDING, exempt_reason="", exempt_approved_by="")


@transaction.atomic
def reassign(duty: Duty, *, acting: Person, reason: str, by: User) -> Duty:
    """转派: another leader, a successor or a substitute, carries it out, with a reason.

    A vacant 书记's duty may go to anybody; an organisation's to its team.
    """
    duty = _for_office(duty, by)
    reason = tidy(reason)
    if not reason:
        raise DutyRefused("请写明转派原因，例如调任、病假。")
    if len(reason) > REASON:
        raise DutyRefused(f"转派原因最多 {REASON} 个字，请删减。")
    if duty.status != DutyStatus.PENDING:
        raise DutyRefused(f"任务“{duty}”{duty.get_status_display()}，不能转派。")
    if acting.pk == duty.target_person_id:
        raise DutyRefused(f"{acting.name}是被点评人，不能点评自己。")
    head = heads.head_of(duty.about_org, clock.today()) if duty.subject in (Subject.ORG, Subject.HEAD) else None
    if head is not None and head.person_id == acting.pk:
        raise DutyRefused(f"{acting.name}是“{duty.about_org}”的负责人，不能点评自己负责的组织。")
    if duty.reviewer_kind == ReviewerKind.ORG:
        if not Post.objects.filter(person=acting, organization=duty.reviewer_org).valid(clock.today()).exists():
            raise DutyRefused(f"{acting.name}不是“{duty.reviewer_org}”的班子成员，不能转派给他。")
    elif duty.reviewer_id is not None and acting.pk != duty.reviewer_id:
        raise DutyRefused("通知点名由书记本人点评，书记在任时不能转派。")
    was = duty.acting.name if duty.acting else "（无）"
    return _write(duty, "转派任务", by, f"{was} → {acting.name}：{reason}", acting=acting, is_assigned=True)


def stand_ins(duty: Duty) -> QuerySet[Person]:
    """Whom `reassign` would take, among the leaders near by: of an organisation's duty its team, of a vacant 书记's the
    leaders of the organisation and of its superior; of a 书记 in office nobody, since the notice names him himself.
    """
    if duty.reviewer_kind == ReviewerKind.ORG:
        orgs = [duty.reviewer_org_id]
    elif duty.reviewer_id is None:
        orgs = [pk for pk in (duty.reviewer_org_id, duty.reviewer_org.parent_id) if pk]
    else:
        return Person.objects.filter(pk=duty.reviewer_id).exclude(pk=duty.acting_id or 0)
    head = heads.head_of(duty.about_org, clock.today()) if duty.subject in (Subject.ORG, Subject.HEAD) else None
    nobody = [pk for pk in (duty.acting_id, duty.target_person_id, head and head.person_id) if pk]
    held = Post.objects.valid(clock.today()).filter(organization__in=orgs)
    return Person.objects.filter(pk__in=held.values("person")).exclude(pk__in=nobody)


def _for_office(duty: Duty, by: User) -> Duty:
    locked = Duty.objects.select_for_update(of=("self",), no_key=True).select_related("reviewer_org", "about_org")
    found = locked.filter(pk=duty.pk).first()
    if found is None:
        raise DutyRefused("这项任务刚刚被撤回，不用再处理。")
    duty = found
    if not Organization.objects.filter(scope.office_of(by), pk=duty.reviewer_org_id).exists():
        raise Forbidden("只有点评组织及其上级的办公室可以免除或转派任务。")
    return duty


def _write(duty: Duty, verb: str, by: User, summary: str = "", **values: Any) -> Duty:
    before = {name: getattr(duty, name) for name in values}
    for name, value in values.items():
        setattr(duty, name, value)
    duty.save(update_fields=list(values))
    audit.record(by, verb, [duty], summary=summary, changes={duty.pk: (before, values)})
    return duty
