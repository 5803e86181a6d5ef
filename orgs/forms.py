"""The shape of what is entered on the pages of organisations and people; rules stand in the verbs."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db.models import QuerySet

from orgs import clock, directory
from orgs.admin.base import ColumnsForm
from orgs.errors import DomainError
from orgs.importing.columns import PEOPLE
from orgs.models import ChargeKind, Organization, OrgType, Person, PostRole

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


class DayForm(forms.Form):
    """Since when something ends or changes."""

    on = DayField(label="日期")

    def __init__(self, *args: Any, label: str = "日期", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].label = label
        self.fields["on"].initial = clock.today


class PersonForm(ColumnsForm):
    """A person's facts, cleaned as the import cleans them."""

    sheet = PEOPLE

    class Meta:
        model = Person
        fields = ("name", "title", "gender", "born_on", "joined_on", "kind", "status", "mobile", "note")
        field_classes = {"born_on": DayField, "joined_on": DayField}


class MemberForm(ColumnsForm):
    """A new member of a branch."""

    sheet = PEOPLE
    on = DayField(label="转入日期", required=False, help_text="空白表示一直在本支部")

    class Meta:
        model = Person
        fields = ("number", "name", "title", "gender", "born_on", "joined_on", "kind", "mobile")
        field_classes = {"born_on": DayField, "joined_on": DayField}
        help_texts = {"number": "唯一、不变；不要使用身份证号码"}


class TransferForm(forms.Form):
    """To which branch, since when."""

    to = NamedField(label="转入支部", required=False, help_text="支部的全称、简称或代码")
    on = DayField(label="转移日期", help_text="从这一天起属于新支部")
    out = forms.BooleanField(label="转往本系统以外", required=False, help_text="转出后不再列入点评")

    def __init__(self, *args: Any, branches: QuerySet[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.branches = branches.filter(org_type=OrgType.BRANCH)
        self.fields["on"].initial = clock.today

    def clean(self) -> dict[str, Any]:
        """Either out, or one branch."""
        data = super().clean() or self.cleaned_data
        if data.get("out"):
            if data.get("to"):
                self.add_error("to", "“转入支部”和“转往本系统以外”只能选一个。")
            data["branch"] = None
        elif data.get("to"):
            _find(self, "to", "branch", lambda words: directory.organization_named(words, self.branches))
        elif "to" not in self.errors:
            self.add_error("to", "请填写转入支部；转往系统以外的，请勾选下面一项。")
        return data


class PostForm(forms.Form):
    """Who is appointed to what."""

    person = NamedField(label="人员", help_text="姓名或人员编号")
    role = forms.Field(label="职务")  # its choices depend on who names
    is_acting = forms.BooleanField(label="主持工作", required=False, help_text="没有书记时由他履行书记的点评职责")
    from_on = DayField(label="任职日期", required=False, help_text="空白表示一直担任")

    def __init__(
        self, *args: Any, org: Organization, persons: QuerySet[Person], names_head: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.persons = persons
        member = "成员" if org.org_type == OrgType.GROUP else PostRole.MEMBER.label
        roles = [(PostRole.DEPUTY.value, PostRole.DEPUTY.label), (PostRole.MEMBER.value, member)]
        if names_head:
            roles.insert(0, (PostRole.SECRETARY.value, PostRole.SECRETARY.label))
        else:
            del self.fields["is_acting"]
        self.fields["role"] = forms.ChoiceField(label="职务", choices=roles)

    def clean(self) -> dict[str, Any]:
        """Find the person."""
        data = super().clean() or self.cleaned_data
        if data.get("person"):
            on = clock.today()
            _find(self, "person", "found", lambda words: directory.person_named(words, self.persons, on))
        return data


class ChargeForm(forms.Form):
    """Which member of the team is in charge of what."""

    person = forms.Field(label="班子成员")  # its choices are the team's
    organization = NamedField(label="分管组织", help_text="下级组织的全称、简称或代码")
    kind = forms.ChoiceField(label="主次", choices=ChargeKind.choices)
    from_on = DayField(label="起始日期", required=False, help_text="空白表示一直分管")

    def __init__(
        self, *args: Any, persons: QuerySet[Person], organizations: QuerySet[Organization], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"] = forms.ModelChoiceField(persons, label="班子成员", empty_label="请选择")
        self.organizations = organizations

    def clean(self) -> dict[str, Any]:
        """Find the organisation."""
        data = super().clean() or self.cleaned_data
        if data.get("organization"):
            _find(self, "organization", "found", lambda words: directory.organization_named(words, self.organizations))
        return data


def _find(form: forms.Form, field: str, into: str, find: Any) -> None:
    """Put what the words name into the cleaned data, or say beside the field why not."""
    try:
        form.cleaned_data[into] = find(form.cleaned_data[field].strip())
    except DomainError as error:
        form.add_error(field, str(error))
