"""The shape of what is entered to change where people belong, their posts and their division of work."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.db.models.functions import Lower

from orgs import clock, directory
from orgs.change_forms import NO_NUL, ReasonForm, Ticks
from orgs.consequences import BELONGING
from orgs.errors import DomainError
from orgs.forms import DayField, NamedField
from orgs.models import ChargeKind, Organization, OrgType, Person, PostRole
from orgs.personnel import MOST

NAMED = 10  # numbers that a message lists


class TransferForm(ReasonForm):
    """To which branch, since when, why."""

    to = NamedField(label="转入支部", required=False, help_text="支部的全称、简称或代码")
    out = forms.BooleanField(label="转往本系统以外", required=False, help_text="转出后不再列入点评")
    on = DayField(label="转移日期", help_text="从这一天起属于新支部", initial=clock.today)
    field_order: tuple[str, ...] = ("to", "out", "on", "reason")

    def __init__(self, *args: Any, branches: QuerySet[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.branches = branches.filter(org_type=OrgType.BRANCH)

    def clean(self) -> dict[str, Any]:
        """Either out, or one branch."""
        data = super().clean() or self.cleaned_data
        if data.get("out"):
            if data.get("to"):
                self.add_error("to", "“转入支部”和“转往本系统以外”只能选一个。")
            data["branch"] = None
        elif data.get("to"):
            find(self, "to", "branch", lambda words: directory.organization_named(words, self.branches))
        elif "to" not in self.errors:
            self.add_error("to", "请填写转入支部；转往系统以外的，请勾选下面一项。")
        return data

    def word(self, name: str, value: Any) -> Any:
        """The branch that was named, by name and code."""
        branch = self.cleaned_data.get("branch")
        return f"{branch.name}（{branch.code}）" if name == "to" and branch else super().word(name, value)


class MembersTransferForm(TransferForm):
    """Several at once: ticked in the list of a branch, or their numbers pasted."""

    members = Ticks(Person.objects.none(), label="党员", required=False)
    numbers = forms.CharField(
        label="人员编号",
        required=False,
        max_length=41 * MOST,
        validators=[NO_NUL],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="可以从表格整列粘贴；用空格、逗号或换行隔开",
    )
    field_order = ("members", "numbers", "to", "out", "on", "reason")

    def __init__(self, *args: Any, org: Organization, persons: QuerySet[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.persons = persons
        if org.is_branch:
            belonging = persons.filter(
                memberships__branch=org, memberships__to_on__isnull=True, status__in=BELONGING
            ).order_by("number")
            self.fields["members"] = Ticks(belonging, label="本支部的党员", required=False)
            self.order_fields(self.field_order)
        else:
            del self.fields["members"]

    def clean(self) -> dict[str, Any]:
        """Everybody who was ticked or named, once each, by number."""
        data = super().clean()
        found = {person.pk: person for person in data.get("members") or ()}
        wanted = [word.lower() for word in re.split(r"[\s,，;；、]+", data.get("numbers") or "") if word]
        if wanted:
            named = {person.number.lower(): person for person in self._numbered(set(wanted))}
            missing = list(dict.fromkeys(word for word in wanted if word not in named))
            if missing:
                more = f"等 {len(missing)} 个" if len(missing) > NAMED else ""
                self.add_error(
                    "numbers", f"找不到：{'、'.join(missing[:NAMED])}{more}。请核对；只能转移您管理范围内的党员。"
                )
            found |= {person.pk: person for person in named.values()}
        data["persons"] = sorted(found.values(), key=lambda person: person.number)
        if not found and "numbers" not in self.errors and "members" not in self.errors:
            self.add_error(
                None, "请勾选要转移的党员，或粘贴人员编号。" if "members" in self.fields else "请粘贴人员编号。"
            )
        return data

    def _numbered(self, words: set[str]) -> list[Person]:
        found: list[Person] = []
        listed = sorted(words)
        for start in range(0, len(listed), 500):
            found += self.persons.alias(lowered=Lower("number")).filter(lowered__in=listed[start : start + 500])
        return found

    def word(self, name: str, value: Any) -> Any:
        """What was pasted is shown as who was found."""
        if name == "numbers" and value:
            return f"共 {len(self.cleaned_data.get('persons', ()))} 名"
        return super().word(name, value)


class PostForm(ReasonForm):
    """Who is appointed to what."""

    person = NamedField(label="人员", help_text="姓名或人员编号")
    role = forms.ChoiceField(label="职务")  # its choices depend on who names
    is_acting = forms.BooleanField(label="主持工作", required=False, help_text="没有书记时由他履行书记的点评职责")
    on = DayField(label="任职日期", initial=clock.today)
    field_order = ("person", "role", "is_acting", "on", "reason")

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
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        """Find the person."""
        data = super().clean() or self.cleaned_data
        if data.get("person"):
            on = clock.today()
            find(self, "person", "found", lambda words: directory.person_named(words, self.persons, on))
        return data

    def word(self, name: str, value: Any) -> Any:
        """The person who was named, with the number."""
        found = self.cleaned_data.get("found")
        return f"{found.name}（{found.number}）" if name == "person" and found else super().word(name, value)


class PostEndForm(ReasonForm):
    """免职."""

    on = DayField(label="免职日期", initial=clock.today)
    field_order = ("on", "reason")


class ChargeForm(ReasonForm):
    """Which member of the team is in charge of what."""

    person = forms.ModelChoiceField(Person.objects.none(), label="班子成员", empty_label="请选择")
    organization = NamedField(label="分管组织", help_text="下级组织的全称、简称或代码")
    kind = forms.ChoiceField(label="主次", choices=ChargeKind.choices)
    on = DayField(label="起始日期", initial=clock.today)
    field_order = ("person", "organization", "kind", "on", "reason")

    def __init__(
        self, *args: Any, persons: QuerySet[Person], organizations: QuerySet[Organization], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = persons  # type: ignore[attr-defined]
        self.organizations = organizations

    def clean(self) -> dict[str, Any]:
        """Find the organisation."""
        data = super().clean() or self.cleaned_data
        if data.get("organization"):
            find(self, "organization", "found", lambda words: directory.organization_named(words, self.organizations))
        return data

    def word(self, name: str, value: Any) -> Any:
        """The organisation that was named, by name and code."""
        found = self.cleaned_data.get("found")
        return f"{found.name}（{found.code}）" if name == "organization" and found else super().word(name, value)


class ChargeEndForm(ReasonForm):
    """终止分管."""

    on = DayField(label="终止日期", initial=clock.today)
    field_order = ("on", "reason")


class HandOverForm(ReasonForm):
    """Whose division of work goes to whom."""

    person = forms.ModelChoiceField(Person.objects.none(), label="由谁交出", empty_label="请选择")
    to = forms.ModelChoiceField(Person.objects.none(), label="交给谁", empty_label="请选择")
    on = DayField(label="交接日期", initial=clock.today)
    field_order = ("person", "to", "on", "reason")

    def __init__(self, *args: Any, persons: QuerySet[Person], sharing: QuerySet[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = sharing  # type: ignore[attr-defined]
        self.fields["to"].queryset = persons  # type: ignore[attr-defined]


def find(form: forms.Form, field: str, into: str, named: Any) -> None:
    """Put what the words name into the cleaned data, or say beside the field why not."""
    try:
        form.cleaned_data[into] = named(form.cleaned_data[field].strip())
    except DomainError as error:
        form.add_error(field, str(error))
