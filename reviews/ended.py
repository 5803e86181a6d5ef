"""What ended, so that a stored duty is asked for no more: one plain sentence for each. Selects only."""

from __future__ import annotations

from collections.abc import Sequence

from orgs import heads
from orgs.models import Membership, Organization, PartyStatus, Person, Post
from reviews.derive import Derivation
from reviews.models import Cadence, Duty, Rule, Subject


def sentences(rule: Rule, ids: Sequence[int], derivation: Derivation) -> dict[int, str]:
    """By duty, for some hundreds of one rule's duties; a fixed number of queries."""
    if why := _of_the_rule(rule, derivation):
        return dict.fromkeys(ids, why)
    duties = list(Duty.objects.filter(pk__in=ids).order_by())
    facts = _Facts(duties, derivation)
    return {duty.pk: facts.why(duty) for duty in duties}


def _of_the_rule(rule: Rule, derivation: Derivation) -> str:
    if rule.pk is None:
        return f"规则 {rule.code} 已不在方案里。"
    if rule.code not in {one.code for one in derivation.rules}:
        return f"规则 {rule.code} 在 {derivation.on} 已停用或不在有效期内。"
    if rule.cadence == Cadence.YEAR and not derivation.period.takes_yearly:
        return f"规则 {rule.code} 每年一次，任务随下半年生成。"
    return ""


class _Facts:
    """Who lives, belongs and leads on the day, of the organisations and persons of some duties."""

    def __init__(self, duties: Sequence[Duty], derivation: Derivation) -> None:
        on = derivation.on
        self.on, self.young, self.months = on, derivation.young, derivation.switches.new_org_months
        org_ids = {pk for duty in duties for pk in (duty.reviewer_org_id, duty.about_org_id)}
        persons = {duty.target_person_id for duty in duties if duty.target_person_id is not None}
        self.orgs = Organization.objects.select_related("parent").in_bulk(org_ids)
        self.alive = set(Organization.objects.alive(on).filter(pk__in=org_ids).order_by().values_list("pk", flat=True))
        self.people = Person.objects.in_bulk(persons)
        members = Membership.objects.valid(on).filter(person__in=persons).select_related("branch")
        self.branch = {membership.person_id: membership.branch for membership in members}
        posts = Post.objects.valid(on).filter(person__in=persons, organization__in=org_ids)
        self.posts = set(posts.order_by().values_list("person_id", "organization_id"))
        self.head = {org: post.person_id for org, post in heads.heads_of(sorted(org_ids), on).items()}

    def why(self, duty: Duty) -> str:
        reviewer, about = self.orgs[duty.reviewer_org_id], self.orgs[duty.about_org_id]
        for org in (about, reviewer):
            if org.pk not in self.alive:
                return f"“{org.name}”在 {self.on} 已撤销或尚未成立。"
        if about.pk in self.young and duty.subject in (Subject.ORG, Subject.HEAD):
            return f"“{about.name}”到期末成立不满 {self.months} 个月，本期不评。"
        person = self.people.get(duty.target_person_id or 0)
        if person is not None and (said := self._of_person(duty, person, about)):
            return said
        parent = f"“{about.name}”现在的上级是“{about.parent.name}”；" if about.parent else ""
        return f"{parent}上下级、单位类别、分管或规则有变化，规则不再由“{reviewer.name}”点评它。"

    def _of_person(self, duty: Duty, person: Person, about: Organization) -> str:
        if person.status != PartyStatus.NORMAL:
            return f"{person.name}的党籍状态是“{person.get_status_display()}”。"
        leads = self.head.get(about.pk) == person.pk
        if duty.subject == Subject.MEMBER:
            branch = self.branch.get(person.pk)
            if branch is None:
                return f"{person.name}已不在任何支部。"
            if branch.pk != about.pk:
                return f"{person.name}的组织关系已转到“{branch.name}”。"
            return f"{person.name}现在是“{about.name}”的书记，由上级点评。" if leads else ""
        if duty.subject == Subject.TEAM_MEMBER:
            if (person.pk, about.pk) not in self.posts:
                return f"{person.name}已不在“{about.name}”任职。"
            return f"{person.name}现在是“{about.name}”的书记，由上级点评。" if leads else ""
        return "" if leads else f"{person.name}已不是“{about.name}”的负责人。"
