"""A half-year at a glance, for administrators: its duties by rule, and what nobody stands for. Selects only."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from orgs.models import Organization, Post
from reviews import rule_versions
from reviews.models import Duty, DutyStatus, Period
from reviews.models.duty import BY_HAND


@dataclass(frozen=True)
class RuleRow:
    """The duties of one rule."""

    code: str
    clause: str
    text: str
    total: int = 0
    done: int = 0
    pending: int = 0
    exempt: int = 0


def by_rule(period: Period) -> list[RuleRow]:
    """Every rule of the active scheme in the notice's order, then what no rule of it made. Two queries."""
    counted = (
        Duty.objects.filter(period=period)
        .order_by()
        .values_list("rule_code")
        .annotate(
            total=Count("pk"),
            **{
                status.value: Count("pk", filter=Q(status=status))
                for status in (DutyStatus.DONE, DutyStatus.PENDING, DutyStatus.EXEMPT)
            },
        )
    )
    numbers = {code: figures for code, *figures in counted}
    words = _words(period)
    found = [RuleRow(code, *said, *numbers.pop(code, [])) for code, said in words.items()]
    return found + [RuleRow(code, *_of_no_rule(code), *figures) for code, figures in sorted(numbers.items())]


def added_up(rows: list[RuleRow]) -> RuleRow:
    """All rules together."""
    sums = {name: sum(getattr(row, name) for row in rows) for name in ("total", "done", "pending", "exempt")}
    return RuleRow("", "合计", "", **sums)


def without_head(on: datetime.date) -> QuerySet[Organization]:
    """Organisations that have no 书记 and nobody who 主持工作 on this day (A3)."""
    heads = Post.objects.valid(on).heads().filter(organization=OuterRef("pk"))
    return Organization.objects.alive(on).exclude(Exists(heads)).order_by("code")


def unnamed(period: Period, on: datetime.date) -> QuerySet[Organization]:
    """Organisations of the day that no duty names as its target, roots aside: those under guidance only, and new ones."""
    named = Duty.objects.filter(period=period, target_org=OuterRef("pk"))
    return Organization.objects.alive(on).filter(parent__isnull=False).exclude(Exists(named)).order_by("code")


def _words(period: Period) -> dict[str, tuple[str, str]]:
    rules = rule_versions.governing(period)
    return {rule.code: (rule.clause if rule.is_on else f"{rule.clause}（已停用）", rule.text) for rule in rules}


def _of_no_rule(code: str) -> tuple[str, str]:
    return ("上级指派", "") if code == BY_HAND else ("规则已不在", "")
