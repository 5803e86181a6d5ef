"""The shape of input on the pages of progress reports; what is allowed is the verbs' business."""

from __future__ import annotations

from django import forms

from orgs.models import Category
from reports.models import Reporters, Way
from reports.submissions import NOTE_LENGTH
from reviews.forms import DayField, Styled


class DateInput(forms.DateInput):
    """A date field as the browser's own."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class SubmitForm(forms.Form):
    """上报."""

    reported_on = forms.DateField(
        label="上报日期", widget=DateInput(), error_messages={"invalid": "请填写正确的日期。"}
    )
    correction_note = forms.CharField(
        label="更正说明",
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="累计数比上次已接收的报表减少时必填",
    )


class ReasonForm(Styled):
    """Why: 未报."""

    reason = forms.CharField(
        label="原因",
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "请填写原因。"},
    )


class ReturnForm(forms.Form):
    """退回."""

    reason = forms.CharField(
        label="退回原因",
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "请填写退回原因。"},
    )


class ExtendForm(ReasonForm):
    """延期."""

    until = DayField(label="延至")
    field_order = ["until", "reason"]


class WayForm(Styled):
    """上报方式 of one unit; empty goes back to the rule."""

    way = forms.ChoiceField(
        label="上报方式",
        required=False,
        choices=[("", "按单位类别的规则"), *Way.choices],
        error_messages={"invalid_choice": "请选择上报方式。"},
    )
    reason = forms.CharField(
        label="说明", required=False, max_length=NOTE_LENGTH, help_text="与规则不同时必填，例如“本单位不使用本系统”"
    )


class DeadlineForm(Styled):
    """上报期限 of a period."""

    due_on = DayField(label="上报期限", help_text="这一天及以前上报的为按时")
    closes_on = DayField(label="截止日", help_text="这一天以后只有批准延期的单位可以填报和上报")


class ReportersForm(Styled):
    """Which organisations of a 单位类别 report by themselves."""

    category = forms.ModelChoiceField(Category.objects.all(), error_messages={"invalid_choice": "没有这个单位类别。"})
    reporters = forms.ChoiceField(
        choices=Reporters.choices, error_messages={"invalid_choice": "请选择哪些组织单独上报。"}
    )
