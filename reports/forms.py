"""The shape of input on the pages of progress reports; what is allowed is the verbs' business."""

from __future__ import annotations

from django import forms

from reports.submissions import NOTE_LENGTH


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


class ReturnForm(forms.Form):
    """退回."""

    reason = forms.CharField(
        label="退回原因",
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "请填写退回原因。"},
    )
