"""Verbs of duties: derive them for a period, follow what changes, settle them by records (domain.md, sections 2 and 5.3)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from orgs import audit, clock, heads, scope, tree
from orgs.errors import DomainError, Forbidden
from orgs.models import Organization, Person, Post, PostRole
from reviews import cadence, coverage, rules
from reviews.derive import Derivation, Due, Key
from reviews.models import Basis, Duty, DutyStatus, Period, Record, ReviewerKind, Rule, Subject
from reviews.models.record import COUNTED_STATES

if TYPE_CHECKING:
    from orgs.models import User

BATCH = 2000
SAMPLE = 50
BY_HAND = "X"  # rule code of duties that no rule made
FOLLOWING = ("reviewer_kind", "reviewer_id", "acting_id", "subject", "about_org_id", "joint_group", "reasons")


class BadPeriod(DomainError):
    """The code names no half-year."""


class DutyRefused(DomainError):
    """The duty's state or the facts do not allow this."""


@dataclass
class Counts:
    """What a generation does to one rule's duties."""

    added: int = 0
    withdrawn: int = 0
    kept: int = 0


@dataclass
class DutyPlan:
    """What a generation would do, or did; samples are the first names of each rule."""

    on: datetime.date
    counts: dict[str, Counts] = field(default_factory=dict)
    added: dict[str, list[str]] = field(default_factory=dict)
    withdrawn: dict[str, list[str]] = field(default_factory=dict)

    @property
    def total(self) -> Counts:
        """All rules together."""
        rows = self.counts.values()
        return Counts(*(sum(getattr(row, name) for row in rows) for name in ("added", "withdrawn", "kept")))


@dataclass(frozen=True)
class Explanation:
    """Why a duty is there."""

    rule_code: str
    clause: str
    text: str
    basis: str
    lines: list[str]
    joint: list[Duty]


# --- periods and generation ------------------------------------------------------------------------------------


def ensure_period(code: str, *, by: User | None = None) -> Period:
    """The period of this code, created where it is missing. Raises BadPeriod unless it reads like 2010H2."""
    period = unsaved_period(code)
    facts = {name: getattr(period, name) for name in ("name", "starts_on", "ends_on", "is_general_round")}
    with transaction.atomic():
        period, is_new = Period.objects.get_or_create(code=period.code, defaults=facts)
        if is_new:
            audit.record(by, "建立点评期", [period])
    return period


def unsaved_period(code: str) -> Period:
    """The half-year of this code, not stored: for a preview. Raises BadPeriod."""
    code = code.strip()
    days = cadence.span(code)
    if days is None:
        raise BadPeriod(f"“{code}”不是点评期。请写年份加 H1（上半年）或 H2（下半年），例如 2010H2。")
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
        return _align(Derivation(period, day), period, day, write=False)


@transaction.atomic
def regenerate(period: Period, *, on: datetime.date | None = None, by: User | None = None) -> DutyPlan:
    """Bring the period's duties in line with the rules, posts and divisions of work of the day.

    Adds what is new, withdraws what is no longer asked for, keeps the rest: open duties pass to successors, done and
    exempt ones keep what they are, what is assigned by hand stays. A duty with a counted record is never withdrawn.
    Safe to run again, and two at once: the tree's lock, then the period's row. Ends with the roster of coverage.
    """
    tree.lock()
    period = Period.objects.select_for_update().get(pk=period.pk)
    day = day_of(period, on)
    plan = _align(Derivation(period, day), period, day, write=True)
    _settle_by_earlier_records(period)
    coverage.sync(period, day)
    period.derived_on, period.derived_at = day, timezone.now()
    period.save(update_fields=["derived_on", "derived_at"])
    total = plan.total
    summary = f"{period.name}：新增 {total.added}，撤回 {total.withdrawn}，保留 {total.kept}"
    audit.record(by, "生成任务", [period], summary=summary)
    return plan


def _align(derivation: Derivation, period: Period, day: datetime.date, *, write: bool) -> DutyPlan:
    plan = DutyPlan(on=day)
    active = {rule.code for rule in derivation.rules}
    for rule in rules.every():
        plan.counts[rule.code] = Counts()
        plan.added[rule.code], plan.withdrawn[rule.code] = [], []
        if rule.code not in active:
            _diff(plan, period, rule, {}, _existing(period, rule.code, None), write)
    known = set(plan.counts)
    for rule in derivation.rules:
        seen: list[int] | None = []
        for branches, found in derivation.portions(rule):
            _diff(plan, period, rule, found, _existing(period, rule.code, branches), write)
            seen = None if branches is None or seen is None else [*seen, *branches]
        if seen is not None:
            # Branches that are no longer among the rule's reviewers (dissolved, of another type now).
            left = _existing(period, rule.code, None).exclude(reviewer_org__in=seen)
            _diff(plan, period, rule, {}, left, write)
    stray = Duty.objects.filter(period=period.pk).exclude(rule_code__in=[*known, BY_HAND])
    for code in stray.order_by().values_list("rule_code", flat=True).distinct():
        plan.counts[code] = Counts()
        plan.added[code], plan.withdrawn[code] = [], []
        _diff(plan, period, Rule(code=code), {}, _existing(period, code, None), write)
    return plan


def _existing(period: Period, code: str, branches: Sequence[int] | None) -> QuerySet[Duty]:
    if period.pk is None:
        return Duty.objects.none()
    rows = Duty.objects.filter(period=period, rule_code=code)
    return rows if branches is None else rows.filter(reviewer_org__in=branches)


def _diff(plan: DutyPlan, period: Period, rule: Rule, found: dict[Key, Due], existing, write: bool) -> None:
    """Compare what should be with what is; `found` is used up."""
    counts = plan.counts[rule.code]
    changed: list[Duty] = []
    gone: list[Duty] = []
    for duty in existing.order_by().iterator(chunk_size=BATCH):
        due = found.pop((duty.reviewer_org_id, duty.target_org_id, duty.target_person_id), None)
        if due is None:
            gone.append(duty)
            continue
        counts.kept += 1
        if _follow(duty, due):
            changed.append(duty)
    withdrawn = _withdrawable(gone)
    counts.kept += len(gone) - len(withdrawn)
    counts.withdrawn += len(withdrawn)
    counts.added += len(found)
    if not write:
        _sample(plan.added[rule.code], [(due.target_org_id, due.target_person_id) for due in found.values()])
        _sample(plan.withdrawn[rule.code], [(duty.target_org_id, duty.target_person_id) for duty in withdrawn])
        return
    for start in range(0, len(withdrawn), 500):
        Duty.objects.filter(pk__in=[duty.pk for duty in withdrawn[start : start + 500]]).delete()
    names = [name.removesuffix("_id") for name in FOLLOWING]
    Duty.objects.bulk_create(changed, update_conflicts=True, unique_fields=["id"], update_fields=names, batch_size=500)
    Duty.objects.bulk_create((_new(period, rule, due) for due in found.values()), batch_size=BATCH)


def _follow(duty: Duty, due: Due) -> bool:
    """Let an open duty follow who is in which post now; tells whether anything became different."""
    if duty.status != DutyStatus.PENDING:
        return False
    if duty.is_assigned and duty.acting_id is not None:
        due.acting_id = duty.acting_id
    if all(getattr(duty, name) == getattr(due, name) for name in FOLLOWING):
        return False
    for name in FOLLOWING:
        setattr(duty, name, getattr(due, name))
    return True


def _withdrawable(gone: Sequence[Duty]) -> list[Duty]:
    """Those that no counted record serves."""
    served: set[int] = set()
    for start in range(0, len(gone), 500):
        ids = [duty.pk for duty in gone[start : start + 500]]
        links = Record.duties.through.objects.filter(duty__in=ids, record__state__in=COUNTED_STATES)
        served.update(links.values_list("duty_id", flat=True))
    return [duty for duty in gone if duty.pk not in served]


def _sample(names: list[str], targets: list[tuple[int | None, int | None]]) -> None:
    """The names of the first targets, up to SAMPLE in all."""
    wanted = targets[: SAMPLE - len(names)]
    orgs = Organization.objects.in_bulk([org for org, _ in wanted if org is not None])
    people = Person.objects.in_bulk([person for _, person in wanted if person is not None])
    names += [orgs[org].name if org is not None else people[person].name for org, person in wanted]  # type: ignore[index]


def _new(period: Period, rule: Rule, due: Due) -> Duty:
    return Duty(
        period=period,
        rule=rule,
        rule_code=rule.code,
        basis=rule.basis,
        due_on=period.due_on,
        reviewer_org_id=due.reviewer_org_id,
        target_org_id=due.target_org_id,
        target_person_id=due.target_person_id,
        **{name: getattr(due, name) for name in FOLLOWING},
    )


def _settle_by_earlier_records(period: Period) -> None:
    """A yearly duty is done when its reviewer's review of the same person was held earlier in the year."""
    if not period.is_second_half:
        return
    pending = Duty.objects.filter(period=period, status=DutyStatus.PENDING, rule__cadence="year")
    held = Record.objects.filter(
        state__in=COUNTED_STATES,
        target_person__isnull=False,
        review__held_on__year=period.starts_on.year,
        review__held_on__lte=period.ends_on,
    )
    links = Record.duties.through
    for path in ("review__reviewer", "review__co_reviewers"):
        rows = held.filter(**{f"{path}__isnull": False}).values_list("pk", "target_person_id", f"{path}")
        for chunk in _chunks(list(rows.order_by("pk"))):
            found = {(target, reviewer): pk for pk, target, reviewer in chunk}
            targets = {target for target, _ in found}
            done = [
                (duty_id, found[target, reviewer])
                for duty_id, target, reviewer in pending.filter(target_person__in=targets).values_list(
                    "pk", "target_person_id", "reviewer_id"
                )
                if (target, reviewer) in found
            ]
            links.objects.bulk_create(
                [links(duty_id=duty_id, record_id=record_id) for duty_id, record_id in done], ignore_conflicts=True
            )
            Duty.objects.filter(pk__in=[duty_id for duty_id, _ in done]).update(status=DutyStatus.DONE)


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(rows), 500):
        yield rows[start : start + 500]


# --- by records ------------------------------------------------------------------------------------------------


def settle(record: Record) -> None:
    """The record counts: the duties it serves are done. In the caller's transaction."""
    record.duties.filter(status=DutyStatus.PENDING).update(status=DutyStatus.DONE)


def reopen(record: Record) -> None:
    """The record counts no more: its duties are open again, unless another counted record serves them."""
    others = Record.objects.filter(state__in=COUNTED_STATES).exclude(pk=record.pk)
    served = record.duties.filter(records__in=others).values("pk")
    Duty.objects.filter(
        pk__in=list(record.duties.filter(status=DutyStatus.DONE).exclude(pk__in=served).values_list("pk", flat=True))
    ).update(status=DutyStatus.PENDING)


# --- by hand -----------------------------------------------------------------------------------------------------


@transaction.atomic
def exempt(duty: Duty, *, reason: str, by: User) -> Duty:
    """免除, with a reason, by the office of the reviewing organisation or above it."""
    duty = _for_office(duty, by)
    reason = reason.strip()
    if not reason:
        raise DutyRefused("请写明免除原因，例如空缺、撤销、长期病休。")
    if duty.status == DutyStatus.EXEMPT:
        return duty
    if duty.status != DutyStatus.PENDING:
        raise DutyRefused(f"任务“{duty}”{duty.get_status_display()}，不能免除。")
    return _write(duty, "免除任务", by, status=DutyStatus.EXEMPT, exempt_reason=reason[:200])


@transaction.atomic
def resume(duty: Duty, *, by: User) -> Duty:
    """An exempt duty is open again."""
    duty = _for_office(duty, by)
    if duty.status != DutyStatus.EXEMPT:
        raise DutyRefused(f"任务“{duty}”{duty.get_status_display()}，不需要恢复。")
    return _write(duty, "恢复任务", by, status=DutyStatus.PENDING, exempt_reason="")


@transaction.atomic
def reassign(duty: Duty, *, acting: Person, by: User) -> Duty:
    """转派: another leader carries it out. A vacant 书记's duty may go to anybody; an organisation's to its team."""
    duty = _for_office(duty, by)
    if duty.status != DutyStatus.PENDING:
        raise DutyRefused(f"任务“{duty}”{duty.get_status_display()}，不能转派。")
    if acting.pk == duty.target_person_id:
        raise DutyRefused(f"{acting.name}是被点评人，不能点评自己。")
    if duty.reviewer_kind == ReviewerKind.ORG:
        if not Post.objects.filter(person=acting, organization=duty.reviewer_org).valid(clock.today()).exists():
            raise DutyRefused(f"{acting.name}不是“{duty.reviewer_org}”的班子成员，不能转派给他。")
        head = heads.head_of(duty.about_org, clock.today())
        if head is not None and head.person_id == acting.pk:
            raise DutyRefused(f"{acting.name}是“{duty.about_org}”的负责人，不能点评自己负责的组织。")
    elif duty.reviewer_id is not None and acting.pk != duty.reviewer_id:
        raise DutyRefused("通知点名由书记本人点评，书记在任时不能转派。")
    return _write(duty, "转派任务", by, acting=acting, is_assigned=True)


def _for_office(duty: Duty, by: User) -> Duty:
    found = Duty.objects.select_for_update(of=("self",)).select_related("reviewer_org", "about_org")
    duty = found.get(pk=duty.pk)
    if not Organization.objects.filter(scope.office_of(by), pk=duty.reviewer_org_id).exists():
        raise Forbidden("只有点评组织及其上级的办公室可以免除或转派任务。")
    return duty


def _write(duty: Duty, verb: str, by: User, **values: Any) -> Duty:
    before = {name: getattr(duty, name) for name in values}
    for name, value in values.items():
        setattr(duty, name, value)
    duty.save(update_fields=list(values))
    audit.record(by, verb, [duty], changes={duty.pk: (before, values)})
    return duty


# --- why ---------------------------------------------------------------------------------------------------------


def explain(duty: Duty) -> Explanation:
    """Why the duty is there: the rule in the notice's words, on what basis, from which post or division of work."""
    rule = duty.rule
    partners = Duty.objects.none()
    if duty.joint_group:
        partners = (
            Duty.objects.filter(period=duty.period_id, joint_group=duty.joint_group, subject=duty.subject)
            .exclude(pk=duty.pk)
            .select_related("reviewer_org", "acting")
        )
    codes = {reason.get(name) for reason in duty.reasons for name in ("org", "of", "by")} - {None}
    orgs = {org.code: org for org in Organization.objects.filter(code__in=codes)}
    return Explanation(
        rule_code=duty.rule_code,
        clause=rule.clause if rule else "",
        text=rule.text if rule else "由上级指派",
        basis=duty.get_basis_display(),
        lines=[line for reason in duty.reasons for line in _lines(duty, reason, orgs)],
        joint=list(partners),
    )


def _lines(duty: Duty, reason: dict[str, Any], orgs: dict[str, Organization]) -> list[str]:
    org = orgs.get(reason.get("org", ""))
    name = org.name if org else reason.get("org", "")
    target = duty.target_person.name if duty.target_person else name
    lines = {
        Subject.ORG: [_relation(duty, name)],
        Subject.HEAD: [
            _relation(duty, name),
            f"{target}是“{name}”的{_role('secretary' if reason.get('head') == 'secretary' else 'acting')}，负责人与组织一并点评",
        ],
        Subject.TEAM_MEMBER: [f"{target}是“{name}”班子的{_role(reason.get('member', ''), org)}，由书记点评本班子成员"],
        Subject.MEMBER: [f"{target}的组织关系在“{name}”，由支部书记点评本支部党员"],
    }[Subject(duty.subject)]
    if reason.get("self_headed"):
        lines.append(f"书记同时是“{name}”的负责人，不能点评自己负责的组织，由班子其他成员承担")
    lines.append(_carried_out(duty, reason, orgs))
    return [line for line in lines if line]


def _relation(duty: Duty, name: str) -> str:
    reviewer = duty.reviewer_org.name
    return {
        Basis.AFFILIATION: f"“{name}”隶属于“{reviewer}”的管理范围，按隶属关系点评",
        Basis.DIVISION: f"“{name}”是“{reviewer}”所领导的机关内设机构或直属单位的基层党组织，按领导分工点评",
        Basis.GUIDANCE: f"“{name}”由“{reviewer}”指导，协助地方党委点评",
        Basis.TEAM: "",
        Basis.ASSIGNED: f"由“{reviewer}”指派",
    }[Basis(duty.basis)]


def _carried_out(duty: Duty, reason: dict[str, Any], orgs: dict[str, Organization]) -> str:
    who = duty.acting.name if duty.acting else ""
    if duty.is_assigned and who:
        return f"由上级指派{who}承担"
    if not who:
        return (
            "书记空缺，也没有人主持工作：任务保留，等待任命或指派"
            if reason.get("vacant")
            else "没有可以承担的班子成员：请明确"
        )
    if "charge" in reason:
        kind = "主管" if reason["charge"] == "lead" else "协管"
        of = orgs.get(reason["of"])
        return f"{who}在“{duty.reviewer_org.name}”班子中{kind}“{of.name if of else reason['of']}”，由他承担"
    post = _role("acting" if reason.get("acting") else reason.get("post", ""), duty.reviewer_org)
    if duty.reviewer_kind == ReviewerKind.PERSON:
        return f"通知点名由书记本人点评：{who}是“{duty.reviewer_org.name}”的{post}"
    unclear = "，未明确分管" if duty.basis == Basis.DIVISION else ""
    return f"{who}是“{duty.reviewer_org.name}”的{post}，由他承担{unclear}"


def _role(role: str, org: Organization | None = None) -> str:
    if role == PostRole.MEMBER:
        return "成员" if org is not None and org.org_type == "group" else "委员"
    return {"secretary": "书记", "deputy": "副书记", "acting": "主持工作的负责人"}.get(role, role)
