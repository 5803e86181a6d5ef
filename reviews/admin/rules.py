"""The checklist in the admin, to be changed; rules, half-years and duties, to be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from orgs.admin.scheme import Audited
from reviews.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from reviews.models import ChecklistPoint, Duty, Period, Rule, RuleSelector


class SelectorInline(ReadOnlyInline):
    """Which organisations stand on the sides of the rule; none on a side: any."""

    model = RuleSelector
    fields = ("side", "category", "org_type")


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    """Rules; they are changed on their own page, where a preview says what becomes of the duties."""

    list_display = ("code", "clause", "reviewer_kind", "reach", "targets", "cadence", "is_on", "valid_from", "valid_to")
    list_display_links = ("code", "clause")
    list_filter = ("scheme", "is_on", "cadence")
    search_fields = ("code", "clause", "text")
    inlines = [SelectorInline]
    fieldsets = (
        (None, {"fields": ("scheme", "code", "order", "clause", "text")}),
        ("谁点评", {"fields": ("reviewer_kind", "reach", "basis", "cadence")}),
        (
            "点评谁",
            {"fields": ("targets_org", "targets_head", "targets_team", "targets_members", "is_leftover", "joint")},
        ),
        ("何时有效", {"fields": ("is_on", "valid_from", "valid_to", "assists_local_committee")}),
    )

    @admin.display(description="点评对象")
    def targets(self, rule: Rule) -> str:
        """组织、负责人 …"""
        said = {
            "组织": rule.targets_org,
            "负责人": rule.targets_head,
            "本班子成员": rule.targets_team,
            "本支部党员": rule.targets_members,
        }
        return "、".join(word for word, is_meant in said.items() if is_meant)


@admin.register(ChecklistPoint)
class ChecklistPointAdmin(Audited):
    """What is looked at in a review, in the notice's words; one that is no longer wanted is switched off."""

    list_display = ("text", "kind", "order", "is_stressed", "clause", "is_on")
    list_filter = ("scheme", "kind", "is_stressed", "is_on")
    search_fields = ("text", "clause")


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    """Half-years and rounds; they are made, and duties generated, on their own page."""

    list_display = ("name", "code", "kind", "starts_on", "ends_on", "is_general_round", "derived_on", "derived_at")
    search_fields = ("code", "name")


@admin.register(Duty)
class DutyAdmin(ReadOnlyAdmin):
    """点评任务."""

    list_display = ("rule_code", "target", "subject", "reviewer_org", "acting", "basis", "status")
    list_display_links = ("rule_code", "target")
    list_filter = ("period", "status", "rule", "subject", "basis", "is_assigned")
    ordering = ("-pk",)  # by the key: a large system has a million
    list_select_related = ("reviewer_org", "acting", "target_org", "target_person")
    search_fields = (
        "target_org__name", "=target_org__code", "target_person__name", "=target_person__number", "reviewer_org__name",
        "=reviewer_org__code", "acting__name", "=acting__number",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Duty]:
        """Those that the user may know of."""
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]

    @admin.display(description="被点评对象")
    def target(self, duty: Duty) -> str:
        """Organisation or person."""
        return duty.target_name
