"""Why somebody is, or is not, to review somebody: rule by rule, in plain words, from the facts of the day. Selects only."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from orgs import clock
from orgs.models import Membership, Organization, OrgType, PartyStatus, Person, Post, PostRole, Relation
from reviews import cadence, framing, rule_versions, rules, wording
from reviews.acting import Held, Teams
from reviews.models import Cadence, Duty, Period, Reach, ReviewerKind, Rule, Side

Reviewer = Organization | Person | None


@dataclass(frozen=True)
class Line:
    """A sentence; `reaches`: this rule does ask for a review of the target."""

    text: str
    rule: Rule | None = None
    reaches: bool = False


@dataclass(frozen=True)
class Answer:
    """Whether it is so, the duties that say so, and the reasons."""

    verdict: str
    duties: list[Duty] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def why_not(reviewer: Reviewer, target: Organization | Person, period: Period) -> Answer:
    """Whether `reviewer` is to review `target` in the period and, in sentences, why or why not.

    Names every rule that reaches the target at all, and for each why this reviewer is not the one. Without a reviewer:
    who reviews the target, and what keeps it off the list. The facts are those of the day the duties were derived for.
    """
    found = list(_listed(_towards(target, period), reviewer))
    inquiry = _Inquiry(reviewer, period)
    lines = list(inquiry.of_org(target) if isinstance(target, Organization) else inquiry.of_person(target))
    if reviewer is not None and not found:
        lines.sort(key=lambda line: not line.reaches)
    lines = [*_of_round(target, period), *lines]
    return Answer(_verdict(reviewer, target, period, found), found, lines)


def why_idle(person: Person, period: Period) -> Answer:
    """The duties that the person carries out in the period and, post by post, why there are none (A7)."""
    duties = list(_listed(Duty.objects.filter(period=period).of_person(person), None))
    said = f"有 {len(duties)} 项点评任务" if duties else "没有点评任务"
    lines = [] if duties else [Line(text) for text in _idle(person, day_of(period))]
    return Answer(f"{person.name}在{period.name}{said}。", duties, lines)


def day_of(period: Period) -> datetime.date:
    """The day whose facts count: the one the duties were derived for, else today within the period."""
    return period.derived_on or cadence.within(clock.today(), period.starts_on, period.ends_on)


# --- inside ---------------------------------------------------------------------------------------------------


def _of_round(target: Organization | Person, period: Period) -> Iterator[Line]:
    """What a round takes of the rules, and that an organisation lies outside."""
    if not period.is_narrowed:
        return
    said = "；".join(framing.words(period))
    if isinstance(target, Organization) and not framing.has(period, target):
        yield Line(f"“{target.name}”不在{period.name}的范围内（{said}）：规则点名它，本轮也没有任务。")
    else:
        yield Line(f"{period.name}只取规则所要求的一部分：{said}。")


def _towards(target: Organization | Person, period: Period) -> QuerySet[Duty]:
    of = {"target_org": target} if isinstance(target, Organization) else {"target_person": target}
    return Duty.objects.filter(period=period, **of)


def _listed(duties: QuerySet[Duty], reviewer: Reviewer) -> QuerySet[Duty]:
    if isinstance(reviewer, Organization):
        duties = duties.filter(reviewer_org=reviewer)
    elif reviewer is not None:
        duties = duties.filter(Q(acting=reviewer) | Q(reviewer=reviewer))
    related = ("rule", "reviewer_org", "reviewer", "acting", "target_org", "target_person", "about_org")
    return duties.select_related(*related).order_by("rule_code", "pk")


def _verdict(reviewer: Reviewer, target: Organization | Person, period: Period, found: list[Duty]) -> str:
    if reviewer is None:
        return f"“{target.name}”在{period.name}是 {len(found)} 项任务的点评对象。"
    who = f"“{reviewer.name}”"
    if found:
        return f"是：{who}在{period.name}要点评“{target.name}”，有 {len(found)} 项任务。"
    if reviewer == target:
        return f"不是：{who}不能点评自己。"
    return f"不是：{who}在{period.name}没有点评“{target.name}”的任务。"


def _kind(org: Organization) -> str:
    return f"{org.category.name}×{org.get_org_type_display()}"


class _Inquiry:
    """One question: who asks about whom, and the rules and scheme of the day."""

    def __init__(self, reviewer: Reviewer, period: Period) -> None:
        self.reviewer, self.period, self.on = reviewer, period, day_of(period)
        self.switches = rule_versions.switches(period)
        every = rule_versions.governing(period)
        self.rules = [rule for rule in every if rules.holds(rule, self.on)]
        self.off = [rule for rule in every if not rules.holds(rule, self.on)]

    # --- an organisation as the target -------------------------------------------------------------------------

    def of_org(self, target: Organization) -> Iterator[Line]:
        """Rule by rule: who is asked, and why it is not the one asked about."""
        if not Organization.objects.alive(self.on).filter(pk=target.pk).exists():
            yield Line(f"“{target.name}”在 {self.on} 不存在（尚未成立，或已经撤销），不列入名单。")
            return
        if self._is_young(target):
            months = self.switches.new_org_months
            yield Line(f"“{target.name}”于 {target.founded_on} 成立，到期末不满 {months} 个月，本期不评。")
        if target.parent is None:
            yield Line(f"“{target.name}”没有上级组织，不由本系统点评。")
        named = list(rules.named(self.rules, self.on, Q(pk=target.pk)))
        reached = [found for found in named if found.pairs]
        for found in reached:
            yield from self._reached(found, target)
        if not reached and target.parent is not None:
            yield Line(f"没有规则点名“{target.name}”（{_kind(target)}）。{_by_guidance(target)}")
        for rule in self.off:
            for found in rules.named([rule], self.on, Q(pk=target.pk)):
                if found.pairs and not rule.is_leftover:
                    yield Line(f"规则 {rule.code} 本来点名“{target.name}”，但在 {self.on} 已停用或不在有效期内。", rule)
        if self.reviewer is not None and self.reviewer != target:
            yield from self._others(target, {found.rule.pk for found in reached})

    def _reached(self, found: rules.OrgRule, target: Organization, *, head: Person | None = None) -> Iterator[Line]:
        rule = found.rule
        ids = [pk for pair in found.pairs for pk in (pair.reviewer_id, *found.co_reviewers.get(pair.reviewer_id, ()))]
        orgs = Organization.objects.in_bulk(ids)
        above = Organization.objects.above(target, include_self=True).values_list("pk", flat=True)
        teams = Teams(self.on, {*ids, *above})
        who = "和".join(f"“{orgs[pk].name}”" for pk in ids)
        whom = f"“{target.name}”的负责人{head.name}" if head else f"“{target.name}”"
        by = "书记本人" if rule.reviewer_kind == ReviewerKind.PERSON else ""
        yield Line(f"规则 {rule.code}（{rule.clause}）：{whom}由{who}{by}点评。", rule, reaches=True)
        if rule.cadence == Cadence.YEAR and not self.period.takes_yearly:
            yield Line(f"规则 {rule.code} 每年一次，任务随下半年生成，上半年没有。", rule)
        if teams.head(target.pk) is None:
            yield Line(_vacant(rule, target), rule)
        if self.reviewer is not None:
            for pk in ids:
                yield from self._not_it(rule, orgs[pk], target, teams)

    def _not_it(self, rule: Rule, org: Organization, target: Organization, teams: Teams) -> Iterator[Line]:
        """Why the one asked about is not who carries out the duty of `org`; nothing where it is."""
        reviewer = self.reviewer
        if isinstance(reviewer, Organization):
            if reviewer != org:
                yield Line(f"“{reviewer.name}”{_standing(reviewer, target)}，不是本条的点评主体“{org.name}”。", rule)
            return
        assert reviewer is not None  # noqa: S101 - the caller asks only with a reviewer
        head = teams.head(target.pk)
        if head is not None and head.person_id == reviewer.pk:
            yield Line(f"{reviewer.name}是“{target.name}”的负责人，不能点评自己和自己负责的组织。", rule)
            return
        own = next((held for held in teams.members(org.pk) if held.person_id == reviewer.pk), None)
        if own is None:
            yield Line(f"{reviewer.name}在 {self.on} 不是“{org.name}”的班子成员。", rule)
            return
        secretary = teams.head(org.pk)
        if rule.reviewer_kind == ReviewerKind.PERSON:
            if secretary is None:
                yield Line(f"“{org.name}”书记空缺，也没有人主持工作：任务保留，等待任命或指派。", rule)
            elif secretary.person_id != reviewer.pk:
                name = Person.objects.get(pk=secretary.person_id).name
                yield Line(f"本条点名由书记本人点评：“{org.name}”的书记（或主持工作的）是{name}。", rule)
            return
        acting_id, why = teams.acting(org.pk, target.pk, {head.person_id} if head else set())
        if acting_id is not None and acting_id != reviewer.pk:
            name = Person.objects.get(pk=acting_id).name
            reason = "分管（或分管其上级）" if "charge" in why else "无人分管，按书记、副书记、任职先后的次序轮到"
            yield Line(f"“{org.name}”的这项任务由{name}承担：{reason}；{reviewer.name}没有分管它。", rule)

    def _others(self, target: Organization, reached: set[int]) -> Iterator[Line]:
        """Rules on whose reviewing side the reviewer stands, but that do not take this target; the rest in one line."""
        orgs = self._reviewing()
        outside = []
        for rule in self.rules:
            if not (rule.targets_org or rule.targets_head) or rule.pk in reached:
                continue
            on_side = set(rules.reviewers(rule, self.on).filter(pk__in=orgs).values_list("pk", flat=True))
            if not on_side:
                outside.append(rule.code)
                continue
            for pk in sorted(on_side):
                yield Line(
                    f"规则 {rule.code} 由“{orgs[pk].name}”点评，但{self._why_not_named(rule, orgs[pk], target)}", rule
                )
        if outside and orgs:
            kinds = "、".join(dict.fromkeys(_kind(org) for org in orgs.values()))
            yield Line(f"规则 {'、'.join(outside)} 的点评主体不包括 {kinds}。")

    def _reviewing(self) -> dict[int, Organization]:
        """The organisation asked about, or those in which the person holds a post."""
        orgs = Organization.objects.select_related("category").order_by("level", "code")
        if isinstance(self.reviewer, Organization):
            return {org.pk: org for org in orgs.filter(pk=self.reviewer.pk)}
        posts = Post.objects.valid(self.on).filter(person=self.reviewer).values("organization")
        return {org.pk: org for org in orgs.filter(pk__in=posts)}

    def _why_not_named(self, rule: Rule, org: Organization, target: Organization) -> str:
        if org == target:
            return "组织不点评自己。"
        wanted = rules.selected(rule, Side.TARGET)
        if wanted is not None and not Organization.objects.filter(wanted, pk=target.pk).exists():
            return f"对象是 {wording.side(rule, Side.TARGET)}，“{target.name}”是 {_kind(target)}。"
        if rule.is_leftover and target.parent_id == org.pk and target.relation == Relation.AFFILIATION:
            return "它只补其他规则都没有点名的组织，“" + target.name + "”已由上面的规则点名。"
        if rule.reach == Reach.FIELD:
            led_by = target.led_by
            return f"“{target.name}”{_led(led_by)}，不由“{org.name}”直接领导。"
        if rule.reach == Reach.BELOW:
            return f"“{target.name}”不在“{org.name}”之下，或本身是共同点评的一方。"
        if target.parent_id == org.pk:
            return f"“{target.name}”与它是指导关系，本条只看隶属。"
        return f"“{target.name}”不是它的直接下级。"

    def _is_young(self, org: Organization) -> bool:
        months = self.switches.new_org_months
        is_old = cadence.existed_long_enough(org.founded_on, months, self.period.ends_on)
        return not self.period.is_general_round and not is_old

    # --- a person as the target ----------------------------------------------------------------------------------

    def of_person(self, person: Person) -> Iterator[Line]:
        """As a member of a branch, of teams, and as the head of organisations."""
        if person.status != PartyStatus.NORMAL:
            yield Line(f"{person.name}的党籍状态是“{person.get_status_display()}”，不列入点评对象。")
            return
        if self.reviewer == person:
            yield Line("任何规则下，本人都不点评本人；作为负责人由上级点评。")
        membership = Membership.objects.valid(self.on).filter(person=person).select_related("branch__category").first()
        if membership is None:
            yield Line(f"{person.name}在 {self.on} 不在任何支部，没有支部书记来点评：请办理组织关系转移。")
        else:
            yield from self._own(person, membership.branch, "targets_members")
        posts = Post.objects.valid(self.on).filter(person=person).select_related("organization__category")
        for org in dict.fromkeys(
            post.organization for post in posts.order_by("organization__level", "organization__code")
        ):
            yield from self._own(person, org, "targets_team")
            yield from self._as_head(person, org)

    def _own(self, person: Person, org: Organization, targets: str) -> Iterator[Line]:
        """Reviewed by the 书记 of the own branch or team."""
        is_branch = targets == "targets_members"
        role = "所在支部" if is_branch else "所在班子"
        taken = [rule for rule in self.rules if getattr(rule, targets)]
        taken = [rule for rule in taken if rules.reviewers(rule, self.on).filter(pk=org.pk).exists()]
        if not taken:
            yield Line(
                f"没有规则要求“{org.name}”（{_kind(org)}）的书记点评{'本支部党员' if is_branch else '本班子成员'}。"
            )
        teams = Teams(self.on, {org.pk})
        head = teams.head(org.pk)
        for rule in taken:
            if rule.cadence == Cadence.YEAR and not self.period.takes_yearly:
                yield Line(f"规则 {rule.code} 每年一次，任务随下半年生成，上半年没有。", rule)
            elif head is not None and head.person_id == person.pk:
                yield Line(
                    f"规则 {rule.code}：{person.name}本人就是{role}“{org.name}”的书记，不点评自己，由上级点评。", rule
                )
            elif is_branch and not self.switches.leaders_as_members and self._leads(person):
                yield Line(f"规则 {rule.code}：方案规定班子成员不在所在支部接受点评。", rule)
            else:
                yield self._by_head(rule, person, org, head, role)
                yield from self._not_head(rule, org, head)

    def _by_head(self, rule: Rule, person: Person, org: Organization, head: Held | None, role: str) -> Line:
        if head is None:
            text = f"{role}“{org.name}”书记空缺，也没有人主持工作：任务保留，等待任命或指派。"
        else:
            text = f"{person.name}由{role}“{org.name}”的书记{Person.objects.get(pk=head.person_id).name}点评。"
        return Line(f"规则 {rule.code}（{rule.clause}）：{text}", rule, reaches=True)

    def _not_head(self, rule: Rule, org: Organization, head: Held | None) -> Iterator[Line]:
        reviewer = self.reviewer
        if isinstance(reviewer, Organization) and reviewer != org:
            yield Line(f"“{reviewer.name}”不是“{org.name}”：本条只由本组织的书记点评。", rule)
        elif isinstance(reviewer, Person) and head is not None and head.person_id != reviewer.pk:
            yield Line(f"{reviewer.name}不是“{org.name}”的书记，本条点名由书记本人点评。", rule)

    def _as_head(self, person: Person, org: Organization) -> Iterator[Line]:
        head = Teams(self.on, {org.pk}).head(org.pk)
        if head is None or head.person_id != person.pk:
            return
        for found in rules.named(self.rules, self.on, Q(pk=org.pk)):
            if not found.pairs:
                continue
            if not found.rule.targets_head:
                yield Line(
                    f"规则 {found.rule.code} 只点评组织“{org.name}”，不点评它的负责人{person.name}。", found.rule
                )
            elif self._is_young(org):
                yield Line(f"“{org.name}”成立不久，本期它和负责人都不评。", found.rule)
            else:
                yield from self._reached(found, org, head=person)

    def _leads(self, person: Person) -> bool:
        posts = Post.objects.valid(self.on).exclude(organization__org_type=OrgType.BRANCH)
        return posts.filter(person=person).exists()


def _vacant(rule: Rule, target: Organization) -> str:
    """What a vacant post of the target's head means for a rule that names it (A18)."""
    said = f"“{target.name}”书记空缺，也没有人主持工作："
    if not rule.targets_head:
        return f"{said}规则 {rule.code} 只点评组织，不受影响。"
    kept = "；对组织的任务照旧" if rule.targets_org else ""
    return f"{said}规则 {rule.code} 对负责人的任务落空，不列入名单{kept}。任命书记或确定主持工作的人后补上。"


def _standing(reviewer: Organization, target: Organization) -> str:
    """How the reviewer stands to the target in the tree."""
    if target.parent_id == reviewer.pk:
        return "是它的直接上级" if target.relation == Relation.AFFILIATION else "只是它的指导上级（规则只看隶属）"
    if Organization.objects.above(target).filter(pk=reviewer.pk).exists():
        return "是它更上一级的组织（逐级点评，不越级）"
    if Organization.objects.below(target).filter(pk=reviewer.pk).exists():
        return "是它的下级"
    return "与它没有上下级关系"


def _led(led_by: Organization | None) -> str:
    return f"由“{led_by.name}”领导" if led_by else "没有隶属的上级班子"


def _by_guidance(target: Organization) -> str:
    if target.relation == Relation.GUIDANCE:
        return "它与上级是指导关系，原则条款和隶属的规则都不适用。"
    return "请核对单位类别和组织类型。"


def _idle(person: Person, on: datetime.date) -> Iterator[str]:
    posts = Post.objects.valid(on).filter(person=person).select_related("organization")
    for post in posts.order_by("organization__level", "organization__code"):
        org = post.organization
        charges = person.charges.valid(on).filter(team=org)
        if post.role == PostRole.SECRETARY:
            yield f"{person.name}是“{org.name}”的书记，但没有规则让它或它的书记点评别人，或点评都由分管成员承担。"
        elif charges.exists():
            names = "、".join(f"“{charge.organization.name}”" for charge in charges.select_related("organization")[:5])
            yield f"{person.name}在“{org.name}”分管{names}，但这些组织的点评由主管或其他规则承担。"
        else:
            yield f"{person.name}是“{org.name}”的{post.title}，没有分管组织，任务由书记和分管成员承担。"
    if not posts:
        yield f"{person.name}在 {on} 没有任职；只有书记和班子成员才有点评任务。"
