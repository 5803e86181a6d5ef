"""Rules and checklist in the admin, to be changed; half-years and duties, to be looked at.

A changed rule changes no duty by itself: the half-year's page previews what it would do and generates.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from orgs import audit
from orgs.admin.scheme import Audited
from reviews.admin.readonly import ReadOnlyAdmin
from reviews.aligning import BY_HAND
from reviews.models import ChecklistPoint, Duty, Joint, Period, Reach, Rule, RuleSelector, Side


class RuleForm(forms.ModelForm):
    """A rule must be one that can be followed; what the columns alone cannot say is said here."""

    def clean(self) -> dict[str, Any]:
        """Targets fit the reach, dates run forward, no code twice by meaning."""
        data = super().clean() or self.cleaned_data
        own = bool(data.get("targets_team") or data.get("targets_members"))
        others = bool(data.get("targets_org") or data.get("targets_head"))
        if not own and not others:
            self.add_error("targets_org", "请至少选一种点评对象：组织、负责人、本班子成员或本支部党员。")
        if own and others:
            self.add_error("targets_org", "下级组织（及其负责人）和本组织的人不能写在一条规则里，请分成两条。")
        elif own and data.get("reach") not in (None, Reach.OWN):
            self.add_error("reach", "点评本班子成员或本支部党员的，对象范围应为“本组织”。")
        elif others and data.get("reach") == Reach.OWN:
            self.add_error("reach", "点评组织或其负责人的，对象范围不能是“本组织”。")
        if data.get("joint") != Joint.NONE and not others:
            self.add_error("joint", "只有对组织及其负责人的点评可以是共同点评。")
        if data.get("valid_from") and data.get("valid_to") and data["valid_to"] < data["valid_from"]:
            self.add_error("valid_to", f"早于生效日期 {data['valid_from']}，请改正。")
        return data

    def clean_code(self) -> str:
        """X is kept for duties that are assigned by hand."""
        code = str(self.cleaned_data["code"]).strip()
        if code.upper() == BY_HAND:
            raise forms.ValidationError(f"“{BY_HAND}”用于人工指派的任务，请换一个。")
        return code


class SelectorFormSet(BaseInlineFormSet):
    """The selectors of one rule."""

    def clean(self) -> None:
        """A joint rule says who reviews jointly; only a joint rule does."""
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.is_valid() and not form.cleaned_data.get("DELETE")]
        joint = any(data.get("side") == Side.CO_REVIEWER for data in kept)
        if self.instance.is_joint != joint:
            raise forms.ValidationError(
                "共同点评的规则要写明共同点评主体；不是共同点评的规则不能有。请核对“共同点评”和下面的范围。"
            )


class SelectorInline(admin.TabularInline):
    """Which organisations stand on the sides of the rule; none on a side: any."""

    model = RuleSelector
    formset = SelectorFormSet
    fields = ("side", "category", "org_type")
    extra = 0


@admin.register(Rule)
class RuleAdmin(Audited):
    """Rules; one that is no longer wanted is switched off or given a last day, never deleted."""

    form = RuleForm
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

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Duties carry the code of the rule that made them: it stays."""
        return ("scheme", "code") if obj else ()

    def save_related(self, request: HttpRequest, form: forms.ModelForm, formsets: Any, change: bool) -> None:
        """The selectors, with an event that says what they are now."""
        rule = form.instance
        with transaction.atomic():
            before = _sides(rule)
            super().save_related(request, form, formsets, change)
            after = _sides(rule)
            if before != after:
                audit.record(
                    request.user,  # type: ignore[arg-type]
                    "修改规则范围",
                    [rule],
                    changes={rule.pk: ({"selectors": before}, {"selectors": after})},
                )
        self.message_user(
            request, "规则已保存。已有的任务不会自动改变：请到“点评期与任务”预览，核对后重新生成。", messages.WARNING
        )


def _sides(rule: Rule) -> list[str]:
    rows = RuleSelector.objects.filter(rule=rule).select_related("category")
    return [f"{row.get_side_display()}：{row}" for row in rows]


@admin.register(ChecklistPoint)
class ChecklistPointAdmin(Audited):
    """What is looked at in a review, in the notice's words; one that is no longer wanted is switched off."""

    list_display = ("text", "kind", "order", "is_stressed", "clause", "is_on")
    list_filter = ("scheme", "kind", "is_stressed", "is_on")
    search_fields = ("text", "clause")


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    """Half-years; they are made, and duties generated, on their own page."""

    list_display = ("name", "code", "starts_on", "ends_on", "is_general_round", "derived_on", "derived_at")
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
