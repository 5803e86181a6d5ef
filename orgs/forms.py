"""The shape of what is entered on the pages of organisations and people; rules stand in the verbs."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator

from orgs import clock
from orgs.admin.base import ColumnsForm
from orgs.importing.columns import PEOPLE
from orgs.models import Person

EARLIEST = datetime.date(1900, 1, 1)


class DayInput(forms.DateInput):
    """The browser's own calendar; it wants ISO days whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DayField(forms.DateField):
    """A day that is no future, and no slip of the pen."""

    widget = DayInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"error_messages": {"invalid": "看不懂日期，请写成 2010-12-31。"}} | options)

    def clean(self, value: Any) -> datetime.date | None:
        """Between 1900 and today."""
        day: datetime.date | None = super().clean(value)
        if day is not None and day < EARLIEST:
            raise forms.ValidationError("年份不合理，请核对。")
        if day is not None and day > clock.latest():
            raise forms.ValidationError("日期不能晚于今天。")
        return day


class NamedField(forms.CharField):
    """A person or an organisation, typed; found by the form within its scope."""

    default_validators = [
        ProhibitNullCharactersValidator(message="含有看不见的字符，请重新输入。"),
        MaxLengthValidator(200),
    ]


class Entered(forms.BaseForm):
    """What was typed, to look at before it is done."""

    cleaned_data: dict[str, Any]

    @property
    def entered(self) -> list[tuple[str, Any]]:
        """Label and value of what was typed."""
        found = ((str(field.label), self.word(field.name, self.cleaned_data.get(field.name))) for field in self)
        return [(label, value) for label, value in found if value]

    def word(self, name: str, value: Any) -> Any:
        """A value as a person would say it."""
        field = self.fields[name]
        if isinstance(field, forms.ModelMultipleChoiceField):
            return "、".join(field.label_from_instance(one) for one in value) if value else ""
        if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
            return dict(field.choices).get(value, "") if value else ""  # type: ignore[arg-type]
        if isinstance(field, forms.BooleanField):
            return "是" if value else ""
        return value


class PersonForm(Entered, ColumnsForm):
    """A person's facts, cleaned as the import cleans them."""

    sheet = PEOPLE

    class Meta:
        model = Person
        fields = ("name", "title", "gender", "born_on", "joined_on", "kind", "status", "mobile", "note")
        field_classes = {"born_on": DayField, "joined_on": DayField}


class MemberForm(Entered, ColumnsForm):
    """A new member of a branch."""

    sheet = PEOPLE
    on = DayField(label="转入日期", required=False, help_text="空白表示一直在本支部")

    class Meta:
        model = Person
        fields = ("number", "name", "title", "gender", "born_on", "joined_on", "kind", "mobile")
        field_classes = {"born_on": DayField, "joined_on": DayField}
        help_texts = {"number": "唯一、不变；不要使用身份证号码"}
