"""Verbs of rules: change, add, restore; with a preview of exactly the duties that would come and go."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from orgs import audit, clock, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import Category, Organization, Person
from reviews import duties, rule_versions, rules
from reviews.aligning import BY_HAND, PlanLine, align
from reviews.derive import Derivation
from reviews.models import Cadence, Joint, Period, Reach, Rule, RuleSelector, RuleVersion, Side, Subject

if TYPE_CHECKING:
    from orgs.models import User

REASON = 200
# Kinds of targets with a cadence of their own; an organisation and its head are one sentence of the notice (R39).
KINDS = {
    "organizations": ("targets_org", "targets_head"), "team": ("targets_team",), "members": ("targets_members",),
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Range:
    """Category × type on one side; an empty one means any."""

    side: str
    category: str = ""
    org_type: str = ""


@dataclass(frozen=True)
class RuleDraft:
    """What a rule is to say."""

    code: str
    clause: str
    text: str
    order: int
    reviewer_kind: str
    reach: str
    basis: str
    cadence: str
    joint: str = Joint.NONE
    targets_org: bool = False
    targets_head: bool = False
    targets_team: bool = False
    targets_members: bool = False
    is_leftover: bool = False
    assists_local_committee: bool = False
    is_on: bool = True
    valid_from: datetime.date | None = None
    valid_to: datetime.date | None = None
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True)
class Problem:
    """What is wrong with a draft, beside which field, and what to do."""

    field: str
    message: str


class BadRule(DomainError):
    """Nobody could follow the rule; `problems` says all that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("；".join(problem.message for problem in problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Line:
    """A duty that would come or go, by name."""

    rule_code: str
    is_added: bool
    reviewer: str
    acting: str
    subject: str
    target: str
    target_org: Organization | None
    target_person: Person | None


@dataclass(frozen=True)
class RulePreview:
    """What saving would do to the duties of a period on a day.

    The first day of a period is today (of one to come: its first day), held against the duties as they are. Each later
    one, on which the rule begins or ceases to be in force, is held against the day before it in the list: all together
    are what will have happened by then.
    """

    period: Period
    on: datetime.date
    is_later: bool = False
    lines: list[PlanLine] = field(default_factory=list)

    @property
    def counts(self) -> list[tuple[str, int, int]]:
        """(rule, how many would come, how many would go), in order of the lines."""
        come = Counter(line.rule_code for line in self.lines if line.is_added)
        go = Counter(line.rule_code for line in self.lines if not line.is_added)
        return [(code, come[code], go[code]) for code in dict.fromkeys(line.rule_code for line in self.lines)]

    @property
    def words(self) -> str:
        """How many come and go: "新增 3 项，撤回 2 项"; "" where nothing changes."""
        come = sum(line.is_added for line in self.lines)
        go = len(self.lines) - come
        return "，".join(f"{word} {number} 项" for word, number in (("新增", come), ("撤回", go)) if number)

    def of(self, rule_code: str, *, is_added: bool) -> list[PlanLine]:
        """Those of one rule that would come, or go."""
        return [line for line in self.lines if line.rule_code == rule_code and line.is_added == is_added]


def draft_of(rule: Rule) -> RuleDraft:
    """What the rule says now (or, of a kept version, then)."""
    said = {each.name: getattr(rule, each.name) for each in fields(RuleDraft) if each.name != "ranges"}
    rows = (Range(row.side, row.category.name if row.category else "", row.org_type) for row in rule.sides())
    return RuleDraft(**said, ranges=tuple(sorted(rows)))


def problems(draft: RuleDraft, rule: Rule | None) -> list[Problem]:
    """Everything that keeps anybody from following it."""
    return list(_problems(draft, rule))


def periods_followed() -> list[Period]:
    """Whose duties follow the rules: every running and every coming period that was generated and not closed, and the
    half-year of today, generated or not. What is over keeps its rules. In order of their days.
    """
    today = clock.today()
    found = list(Period.objects.followed(today))
    current = Period.objects.half_years().filter(starts_on__lte=today, ends_on__gte=today).first()
    if current is not None and current not in found:
        found.append(current)
    return sorted(found, key=lambda period: (period.starts_on, period.pk))


def preview(rule: Rule | None, draft: RuleDraft, *, by: User) -> list[RulePreview]:
    """Which duties would come and go if the rule said this, period by period. Writes nothing. Raises BadRule, Forbidden."""
    return preview_all([(rule, draft)], by=by)


def preview_all(changes: Sequence[tuple[Rule | None, RuleDraft]], *, by: User) -> list[RulePreview]:
    """The same for several rules together: each of `periods_followed`, for its first day and for each later one of its
    days on which a changed rule begins or ceases to be in force.

    Exact: the rules are written in a savepoint, the duties are derived from them, and all is taken back.
    """
    for rule, draft in changes:
        _check(draft, rule, by)

    def write() -> Callable[[Rule], bool]:
        codes = {_write(rule, draft).pk for rule, draft in changes}
        codes |= {other.pk for other in rules.every() if other.is_leftover}
        return lambda one: one.pk in codes

    return foreseen(write, lambda first, last: _turning_days(changes, first, last))


def foreseen(
    write: Callable[[], Callable[[Rule], bool]],
    turning_days: Callable[[datetime.date, datetime.date], list[datetime.date]] = lambda first, last: [],
) -> list[RulePreview]:
    """What becomes of the duties of `periods_followed` once something was written; all is taken back.

    `write` says of which rules that is shown, `turning_days` on which days after today more comes or goes.
    """
    found: list[RulePreview] = []
    with transaction.atomic():
        point = transaction.savepoint()
        only = write()
        for period in periods_followed():
            before: list[PlanLine] = []
            first = duties.day_of(period, None)
            for on in [first, *turning_days(first, period.ends_on)]:
                plan = align(Derivation(period, on), period, write=False, only=only)
                lines = plan.lines or []
                found.append(RulePreview(period, on, on != first, _since(before, lines)))
                before = lines
        transaction.savepoint_rollback(point)
    return found


@transaction.atomic
def save(rule: Rule | None, draft: RuleDraft, *, reason: str, by: User) -> Rule:
    """修改规则 or, with None, 新增规则: the old content stays as a version. Raises BadRule, Forbidden.

    Duties do not change by this: they follow when the half-year is generated. One that is over keeps its rules.
    """
    reason = reason.strip()
    if not reason or len(reason) > REASON:
        raise BadRule([Problem("reason", f"请写明修改原因（1 至 {REASON} 个字）。")])
    if rule is not None:
        rule = Rule.objects.select_for_update(of=("self",)).get(pk=rule.pk)
    _check(draft, rule, by)
    before: dict[str, Any] = {}
    if rule is not None:
        before = rule_versions.stamp([rule])[0].content
    changed = _write(rule, draft)
    version = rule_versions.stamp([changed], by=by, reason=reason)[0]
    if before == version.content:
        return changed
    after = {name: value for name, value in version.content.items() if before.get(name) != value}
    was = {name: before[name] for name in after if name in before}
    verb = "新增点评规则" if rule is None else "修改点评规则"
    audit.record(by, verb, [changed], summary=f"{version}：{reason}", changes={changed.pk: (was, after)})
    return changed


@transaction.atomic
def save_all(changes: Sequence[tuple[Rule, RuleDraft]], *, reason: str, by: User) -> list[Rule]:
    """Save several rules, or none. Raises BadRule, Forbidden."""
    return [save(rule, draft, reason=reason, by=by) for rule, draft in changes]


def cadences() -> dict[str, list[Rule]]:
    """The rules that are on by the kinds of targets whose cadence is set together, in the notice's order."""
    on = [rule for rule in rules.every() if rule.is_on]
    return {kind: [rule for rule in on if any(getattr(rule, name) for name in names)] for kind, names in KINDS.items()}


def with_cadences(wanted: Mapping[str, str]) -> list[tuple[Rule, RuleDraft]]:
    """The rules whose cadence is another than is wanted for their kinds of targets, with what they would say.

    Raises BadRule where a rule has two kinds that are to differ.
    """
    of_rule: dict[int, str] = {}
    changes: list[tuple[Rule, RuleDraft]] = []
    for kind, of_kind in cadences().items():
        for rule in of_kind if wanted.get(kind) in Cadence.values else ():
            cadence = wanted[kind]
            if of_rule.setdefault(rule.pk, cadence) != cadence:
                words = f"规则 {rule.code} 同时点评几种对象，不能各有各的频次：请选相同的频次，或先把它分成两条规则。"
                raise BadRule([Problem(kind, words)])
    for rule in rules.every():
        if of_rule.get(rule.pk, rule.cadence) != rule.cadence:
            changes.append((rule, replace(draft_of(rule), cadence=of_rule[rule.pk])))
    return changes


def restore(version: RuleVersion, *, reason: str, by: User) -> Rule:
    """恢复旧版: the rule says again what it said, as a new version."""
    return save(version.rule, draft_of(rule_versions.rule_of(version)), reason=reason, by=by)


def named(lines: Sequence[PlanLine]) -> Iterator[Line]:
    """The lines by name, in order; some hundreds are read at a time."""
    for start in range(0, len(lines), 500):
        chunk = lines[start : start + 500]
        org_ids = {pk for line in chunk for pk in (line.reviewer_org_id, line.target_org_id) if pk}
        person_ids = {pk for line in chunk for pk in (line.acting_id, line.target_person_id) if pk}
        orgs, people = Organization.objects.in_bulk(org_ids), Person.objects.in_bulk(person_ids)
        for line in chunk:
            org = orgs.get(line.target_org_id or 0)
            person = people.get(line.target_person_id or 0)
            acting = people.get(line.acting_id or 0)
            yield Line(
                line.rule_code, line.is_added, orgs[line.reviewer_org_id].name, acting.name if acting else "",
                Subject(line.subject).label, org.name if org else person.name if person else "", org, person,
            )  # fmt: skip


# --- inside ----------------------------------------------------------------------------------------------------


def _turning_days(
    changes: Sequence[tuple[Rule | None, RuleDraft]], after: datetime.date, last: datetime.date
) -> list[datetime.date]:
    """Days on which one of the drafts begins or ceases to be in force, after a day and until a last one."""
    days = {day for _, draft in changes if draft.is_on for day in (draft.valid_from, draft.valid_to) if day is not None}
    return sorted(day for day in days if after < day <= last)


def _since(before: Sequence[PlanLine], lines: list[PlanLine]) -> list[PlanLine]:
    """What comes and goes between two days, each of which was held against the same stored duties."""
    if not before:
        return lines
    then, now = {_duty(line): line for line in before}, {_duty(line): line for line in lines}
    fresh = [line for duty, line in now.items() if duty not in then]
    undone = [line._replace(is_added=not line.is_added) for duty, line in then.items() if duty not in now]
    order = {code: at for at, code in enumerate(dict.fromkeys(line.rule_code for line in (*lines, *before)))}
    return sorted([*fresh, *undone], key=lambda line: order[line.rule_code])


def _duty(line: PlanLine) -> PlanLine:
    """The line, whoever carries it out."""
    return line._replace(acting_id=None)


def _check(draft: RuleDraft, rule: Rule | None, by: User) -> None:
    if not scope.seats(by).is_admin:
        raise Forbidden("只有系统管理员可以修改点评规则。")
    if found := problems(draft, rule):
        raise BadRule(found)


def _write(rule: Rule | None, draft: RuleDraft) -> Rule:
    changed = rule if rule is not None else Rule(scheme=rules.scheme())
    for each in fields(RuleDraft):
        if each.name != "ranges":
            setattr(changed, each.name, getattr(draft, each.name))
    changed.save()
    known = {category.name: category for category in Category.objects.filter(scheme=changed.scheme_id)}
    changed.selectors.all().delete()
    RuleSelector.objects.bulk_create(
        RuleSelector(rule=changed, side=one.side, category=known.get(one.category), org_type=one.org_type)
        for one in sorted(set(draft.ranges))
    )
    return Rule.objects.get(pk=changed.pk)


def _problems(draft: RuleDraft, rule: Rule | None) -> Iterator[Problem]:
    code = draft.code.strip()
    if code.upper() == BY_HAND:
        yield Problem("code", f"“{BY_HAND}”用于人工指派的任务，请换一个。")
    elif rule is not None and code != rule.code:
        yield Problem("code", f"任务按规则代码归类，已有的代码不能改，请写回“{rule.code}”。")
    elif rule is None and Rule.objects.filter(scheme__is_active=True, code=code).exists():
        yield Problem("code", f"规则 {code} 已经有了，请换一个代码。")
    own = draft.targets_team or draft.targets_members
    others = draft.targets_org or draft.targets_head
    if not own and not others:
        yield Problem("targets_org", "请至少选一种点评对象：组织、负责人、本班子成员或本支部党员。")
    if own and others:
        yield Problem("targets_org", "下级组织（及其负责人）和本组织的人不能写在一条规则里，请分成两条。")
    elif own and draft.reach != Reach.OWN:
        yield Problem("reach", "点评本班子成员或本支部党员的，对象范围应选“本组织”。")
    elif others and draft.reach == Reach.OWN:
        yield Problem("reach", "点评组织或其负责人的，对象范围不能选“本组织”。")
    if own and draft.reviewer_kind != "person":
        yield Problem("reviewer_kind", "本班子成员和本支部党员由书记本人点评，点评主体请选“书记本人”。")
    if draft.is_leftover and draft.reviewer_kind == "person":
        yield Problem("reviewer_kind", "只补其余的原则条款由组织点评，点评主体请选“组织”。")
    if draft.is_leftover and draft.reach != Reach.CHILD:
        yield Problem("reach", "只补其余的规则逐级点评，对象范围请选“直接下级（隶属）”。")
    yield from _joint_problems(draft, own)
    if draft.valid_from and draft.valid_to and draft.valid_to <= draft.valid_from:
        yield Problem("valid_to", f"失效日期不晚于生效日期 {draft.valid_from}，请改正。")


def _joint_problems(draft: RuleDraft, own: bool) -> Iterator[Problem]:
    partners = any(one.side == Side.CO_REVIEWER for one in draft.ranges)
    if draft.joint != Joint.NONE and (own or draft.is_leftover):
        yield Problem("joint", "只有点名组织及其负责人的规则可以共同点评，请选“不是共同点评”。")
    elif draft.joint != Joint.NONE and draft.reviewer_kind == "person":
        yield Problem("joint", "由书记本人点评的规则不能是共同点评，请选“不是共同点评”，或把点评主体改为“组织”。")
    elif draft.joint != Joint.NONE and not partners:
        yield Problem("joint", "共同点评要写明共同的一方：请在“共同点评的一方”选择类别或类型。")
    elif draft.joint == Joint.NONE and partners:
        yield Problem("joint", "选了共同点评的一方，请同时选择双方都要点评，还是任何一方即可。")
    if any(one.side == Side.TARGET for one in draft.ranges) and own:
        yield Problem("targets_org", "点评本组织的人时不用选对象的类别和类型，请清空对象范围。")
