"""A rule as one sentence of plain Chinese, made from its row. Reads what is already loaded, writes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from reviews.models import Joint, Reach, ReviewerKind, Rule, RuleSelector, Side

ARROW = " → "


def sentence(rule: Rule) -> str:
    """学校×党委 → 直接下级（隶属）学院×党委 及其负责人，每半年"""
    parts = [f"{_reviewers(rule)}{ARROW}{_targets(rule)}", rule.get_cadence_display()]
    if rule.is_joint:
        parts.append("任何一方点评即可" if rule.joint == Joint.ANY else "双方都要点评")
    if rule.assists_local_committee:
        parts.append("协助地方党委")
    return "，".join(parts)


def side(rule: Rule, which: str) -> str:
    """Which organisations stand on one side; "" where any may."""
    return ranges(selector for selector in rule.sides() if selector.side == which)


def ranges(selectors: Iterable[RuleSelector]) -> str:
    """学校×党委、学院（任何类型）"""
    return "、".join(_range(selector) for selector in selectors)


def _range(selector: RuleSelector) -> str:
    kind = selector.get_org_type_display() if selector.org_type else ""
    if selector.category is None:
        return kind or "任何组织"
    return f"{selector.category.name}×{kind}" if kind else f"{selector.category.name}（任何类型）"


def _reviewers(rule: Rule) -> str:
    who = side(rule, Side.REVIEWER) or ("上级组织" if rule.reach != Reach.OWN else "任何组织")
    if rule.is_joint:
        who += f"，与直接下级 {side(rule, Side.CO_REVIEWER)} 共同"
    return f"{who} 的书记" if rule.reviewer_kind == ReviewerKind.PERSON else who


def _targets(rule: Rule) -> str:
    own = [
        words
        for words, is_meant in (("本班子成员", rule.targets_team), ("本支部党员", rule.targets_members))
        if is_meant
    ]
    if own:
        return "、".join(own)
    where = {
        Reach.CHILD: "直接下级（隶属）",
        Reach.BELOW: "范围内（含指导）的 ",
        Reach.FIELD: "所领导的（越过机关党委）",
    }.get(Reach(rule.reach), "")
    of_all = "其他规则都没有点名的组织" if rule.is_leftover else "各组织"
    named = side(rule, Side.TARGET)
    found = f"{where}{named}" + (f"中{of_all}" if named and rule.is_leftover else "" if named else of_all)
    if rule.targets_org and rule.targets_head:
        return f"{found} 及其负责人"
    return f"{found} 的负责人" if rule.targets_head else found
