"""Why a duty is there, in plain words: the rule, its basis, and the post or division of work that leads to it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from orgs.models import AuditEvent, Membership, Organization, OrgType, PostRole
from reviews import rule_versions
from reviews.models import Basis, Duty, ReviewerKind, Rule, Subject
from reviews.why_not import Answer, Line, why_idle, why_not

__all__ = ["Answer", "Explanation", "Line", "Step", "explain", "history_of", "why_idle", "why_not"]

Reason = dict[str, Any]
LATE = datetime.timedelta(days=30)  # who came later than this before the end may be carried over (A19)


@dataclass(frozen=True)
class Step:
    """An organisation on the way down from the reviewer, and how it hangs under the one before."""

    org: Organization
    relation: str = ""


@dataclass(frozen=True)
class Explanation:
    """Why a duty is there."""

    rule_code: str
    clause: str
    text: str
    basis: str
    lines: list[str]
    joint: list[Duty]
    path: list[Step]


def explain(duty: Duty) -> Explanation:
    """The rule in the notice's words, on what basis, from which post or division of work; a few queries.

    `lines` are whole sentences, those of the first reason first; `joint` are the partners' duties of a joint review;
    `path` leads down the tree from the reviewer to the organisation that the duty is about.
    """
    rule = _rule(duty)
    codes = {reason.get(name) for reason in duty.reasons for name in ("org", "of", "by")} - {None}
    orgs = {org.code: org for org in Organization.objects.filter(code__in=codes)}
    return Explanation(
        rule_code=duty.rule_code,
        clause=rule.clause if rule else "",
        text=rule.text if rule else "",
        basis=duty.get_basis_display(),
        lines=list(dict.fromkeys([*sentences(duty, orgs), *_late(duty)])),
        joint=_partners(duty),
        path=_path(duty),
    )


def sentences(duty: Duty, orgs: dict[str, Organization]) -> list[str]:
    """The posts and divisions of work that lead to the duty, each as whole sentences; `orgs`: by code, those that its
    reasons name. No queries beyond what the duty has loaded."""
    lines = [line for reason in duty.reasons for line in _lines(duty, reason, orgs)]
    return list(dict.fromkeys(lines)) if duty.reasons else [f"由“{duty.reviewer_org.name}”指派。"]


def _path(duty: Duty) -> list[Step]:
    """From the reviewer, or from its superior where it reviews jointly with that, down to the target."""
    line = list(Organization.objects.above(duty.about_org, include_self=True))
    places = {org.pk: at for at, org in enumerate(line)}
    start = places.get(duty.reviewer_org_id, places.get(duty.reviewer_org.parent_id or 0, 0))
    return [Step(org, org.get_relation_display() if at else "") for at, org in enumerate(line[start:])]


def _late(duty: Duty) -> list[str]:
    """A member who came shortly before the end: said, so that the office may carry him over with a reason (A19)."""
    if duty.subject != Subject.MEMBER:
        return []
    rows = Membership.objects.filter(person=duty.target_person, branch=duty.about_org, from_on__lte=duty.due_on)
    came = rows.order_by("-from_on").values_list("from_on", flat=True).first()
    if came is None or came <= duty.due_on - LATE:
        return []
    return [f"{came} 才转入，距截止不足 30 天：本期点评有困难的，可写明原因免除，结转下期。"]


def _rule(duty: Duty) -> Rule | None:
    """As it was when the duty's half-year was made."""
    if duty.rule is None:
        return None
    version = duty.period.rule_versions.filter(rule=duty.rule_id).select_related("rule").first()
    return rule_versions.rule_of(version) if version else duty.rule


def _partners(duty: Duty) -> list[Duty]:
    if not duty.joint_group:
        return []
    group = Duty.objects.filter(period=duty.period_id, joint_group=duty.joint_group, subject=duty.subject)
    return list(group.exclude(pk=duty.pk).select_related("reviewer_org", "acting"))


def _lines(duty: Duty, reason: Reason, orgs: dict[str, Organization]) -> list[str]:
    org = orgs.get(reason.get("org", ""), duty.about_org)
    by = orgs.get(reason.get("by", ""), duty.reviewer_org)
    basis = f"依据：{duty.get_basis_display()}。"
    person = duty.target_person.name if duty.target_person else ""
    lines = []
    if duty.subject == Subject.TEAM_MEMBER:
        lines.append(f"{basis}{person}是“{org.name}”的{_role(reason.get('member', ''), org)}，由书记点评本班子成员。")
    elif duty.subject == Subject.MEMBER:
        lines.append(f"{basis}{person}的组织关系在“{org.name}”，由支部书记点评本支部党员。")
    else:
        lines.append(basis + _between(duty, org, by))
        if duty.subject == Subject.HEAD:
            role = "书记" if reason.get("head") == PostRole.SECRETARY else "主持工作的负责人"
            lines.append(f"{person}是“{org.name}”的{role}，负责人与组织一并点评。")
    if reason.get("self_headed"):
        lines.append(f"书记同时是“{org.name}”的负责人，不能点评自己负责的组织，改由班子其他成员承担。")
    lines.append(_who(duty, reason, org, by, orgs))
    return lines


def _between(duty: Duty, org: Organization, by: Organization) -> str:
    if duty.basis == Basis.DIVISION:
        return f"“{org.name}”是“{by.name}”所领导的机关内设机构或直属单位的基层党组织。"
    if duty.basis == Basis.GUIDANCE:
        return f"“{org.name}”由“{by.name}”协助地方党委点评。"
    if duty.rule is not None and duty.rule.is_leftover:
        return f"没有其他规则点名“{org.name}”，由上级“{by.name}”逐级点评。"
    if org.parent_id == by.pk:
        return f"“{org.name}”隶属于“{by.name}”。"
    return f"“{org.name}”在“{by.name}”的范围内，由本条点名。"


def _who(duty: Duty, reason: Reason, org: Organization, by: Organization, orgs: dict[str, Organization]) -> str:
    if duty.is_assigned and duty.acting is not None:
        return f"由上级指派{duty.acting.name}承担。"
    who = duty.acting or duty.reviewer
    if who is None:
        if duty.reviewer_kind == ReviewerKind.PERSON:
            return f"“{by.name}”书记空缺，也没有人主持工作：任务保留，等待任命或指派。"
        return f"“{by.name}”的班子没有可以承担的成员：请明确分工或任命。"
    role = _role("acting" if reason.get("acting") else reason.get("post", ""), by)
    since = f"（{reason['since']} 起）" if reason.get("since") else ""
    if "charge" in reason:
        of = orgs.get(reason.get("of", ""))
        what = "该组织" if of is None or of.pk == org.pk else f"“{of.name}”，该组织在其中"
        kind = "主管" if reason["charge"] == "lead" else "协管"
        return f"{who.name}（{by.name}{role}）{kind}{what}{since}。"
    if duty.reviewer_kind == ReviewerKind.PERSON:
        return f"通知点名由书记本人点评：{who.name}是“{by.name}”的{role}{since}。"
    unclear = "未明确分管，" if duty.basis == Basis.DIVISION else ""
    since = f"，{reason['since']} 起" if reason.get("since") else ""
    return f"{unclear}由{who.name}（{by.name}{role}{since}）承担。"


def _role(role: str, org: Organization) -> str:
    if role == PostRole.MEMBER:
        return "成员" if org.org_type == OrgType.GROUP else "委员"
    return {"secretary": "书记", "deputy": "副书记", "acting": "主持工作的负责人"}.get(role, role)


def history_of(duty: Duty) -> QuerySet[AuditEvent]:
    """What was done to the duty by hand, the latest first: for who may do it."""
    return AuditEvent.objects.about(Duty._meta.label_lower, [duty.pk]).select_related("by", "by__person")
