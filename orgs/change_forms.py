"""The shape of what is entered to change an organisation, and the verb that each form leads to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet

from orgs import clock, directory, reorganizing
from orgs.changes import LONGEST_REASON, Change, ChangeKind
from orgs.consequences import BELONGING
from orgs.errors import DomainError
from orgs.foreseeing import Plan
from orgs.forms import DayField, Entered, NamedField
from orgs.models import Organization, OrgType, Person, Relation, User
from orgs.querysets import OrganizationQuerySet

NO_NUL = ProhibitNullCharactersValidator(message="含有看不见的字符，请重新输入。")


class ReasonForm(Entered, forms.Form):
    """What every change asks for: since when, and why."""

    on = DayField(label="生效日期", initial=clock.today)
    reason = forms.CharField(
        label="原因",
        max_length=LONGEST_REASON,
        help_text="例如批准文号、会议决定；写入变更经过",
        validators=[NO_NUL],
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "请写明原因，例如批准文号或会议决定。"},
    )


class Ticks(forms.ModelMultipleChoiceField):
    """Some of a list, ticked."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, queryset: QuerySet, **options: Any) -> None:
        super().__init__(queryset, to_field_name="number" if queryset.model is Person else "code", **options)
        self.error_messages["invalid_choice"] = "%(value)s 现在不在这个组织里，请重新选择。"

    def clean(self, value: Any) -> Any:
        """By number or code; a NUL is none (PostgreSQL refuses it)."""
        if any("\x00" in str(one) for one in value or ()):
            raise forms.ValidationError("含有看不见的字符，请重新选择。")
        return super().clean(value)

    def label_from_instance(self, obj: Any) -> str:
        """Name, and the number or code that tells two of one name apart."""
        return f"{obj.name}（{getattr(obj, 'number', '') or getattr(obj, 'code', '')}）"


class ChangeForm(ReasonForm):
    """Of one organisation; with another one where the change needs it."""

    def __init__(
        self,
        *args: Any,
        org: Organization,
        receivers: OrganizationQuerySet,
        changes_relation: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.org, self.receivers, self.changes_relation = org, receivers, changes_relation
        self.prepare()

    def prepare(self) -> None:
        """What depends on the organisation."""

    def clean(self) -> dict[str, Any]:
        """Find the organisation that is named, within the user's range."""
        data = super().clean() or self.cleaned_data
        data["found"] = None
        if data.get("target"):
            try:
                data["found"] = directory.organization_named(data["target"].strip(), self.receivers)
            except DomainError as error:
                self.add_error("target", str(error))
        return data

    def word(self, name: str, value: Any) -> Any:
        """The organisation that was named, by name and code."""
        found = self.cleaned_data.get("found")
        return f"{found.name}（{found.code}）" if name == "target" and found else super().word(name, value)


class RenameForm(ChangeForm):
    """Another name."""

    name = forms.CharField(label="新名称", max_length=200, validators=[NO_NUL])
    short_name = forms.CharField(label="简称", max_length=100, required=False, validators=[NO_NUL])
    field_order = ("name", "short_name", "on", "reason")

    def prepare(self) -> None:
        """Begin with the present name."""
        self.fields["name"].initial, self.fields["short_name"].initial = self.org.name, self.org.short_name


class MoveForm(ChangeForm):
    """Another superior."""

    target = NamedField(label="新的上级组织", help_text="全称、简称或组织代码")
    relation = forms.ChoiceField(label="与上级关系", choices=Relation.choices)
    field_order = ("target", "relation", "on", "reason")

    def prepare(self) -> None:
        """Whoever works in an office cannot make his own range end here."""
        self.receivers = self.receivers.exclude(org_type=OrgType.BRANCH)
        if self.changes_relation:
            self.fields["relation"].initial = self.org.relation
        else:
            del self.fields["relation"]


class MergeForm(ChangeForm):
    """Into which one."""

    target = NamedField(label="并入", help_text="全称、简称或组织代码；党员、下级组织都转到这里")
    field_order = ("target", "on", "reason")

    def prepare(self) -> None:
        """A branch with a branch, others with others."""
        self.receivers = _of_the_kind(self.receivers, self.org)


class SplitForm(ChangeForm):
    """What is founded, and what goes to it."""

    code = forms.CharField(label="新组织代码", max_length=40, validators=[NO_NUL], help_text="唯一、不变")
    name = forms.CharField(label="新组织名称", max_length=200, validators=[NO_NUL])
    short_name = forms.CharField(label="简称", max_length=100, required=False, validators=[NO_NUL])

    def prepare(self) -> None:
        """Members of a branch, organisations below another one."""
        on = clock.today()
        if self.org.is_branch:
            people = Person.objects.filter(
                memberships__branch=self.org, memberships__to_on__isnull=True, status__in=BELONGING
            ).order_by("number")
            self.fields["parts"] = Ticks(people, label="分到新支部的党员", required=False)
        else:
            below = Organization.objects.alive(on).filter(parent=self.org, dissolved_on__isnull=True)
            self.fields["parts"] = Ticks(below, label="分到新组织之下的下级组织", required=False)
        self.order_fields(("code", "name", "short_name", "parts", "on", "reason"))


class DissolveForm(ChangeForm):
    """Who takes over."""

    target = NamedField(label="接收组织", required=False)
    field_order = ("target", "on", "reason")

    def prepare(self) -> None:
        """Members go to a branch, organisations under another."""
        self.receivers = _of_the_kind(self.receivers, self.org)
        target = self.fields["target"]
        target.label = "接收党员的支部" if self.org.is_branch else "下级组织转到哪个上级之下"
        target.help_text = f"全称、简称或组织代码；没有{'党员' if self.org.is_branch else '下级组织'}的可以不填"


def _of_the_kind(orgs: OrganizationQuerySet, org: Organization) -> OrganizationQuerySet:
    """Branches for a branch, others for others."""
    same = orgs.filter(org_type=OrgType.BRANCH) if org.is_branch else orgs.exclude(org_type=OrgType.BRANCH)
    return same.exclude(pk=org.pk)


@dataclass(frozen=True)
class Kind:
    """A change as the pages name it."""

    title: str
    action: str
    form: type[ChangeForm]
    note: str
    done: Callable[[Organization, dict[str, Any]], str]
    is_final: bool = False  # cannot simply be taken back


CHANGES = {
    ChangeKind.RENAME: Kind(
        "改名", "确认改名", RenameForm,
        "组织代码、任务和统计都不变；已有的点评记录保留当时的名称。",
        lambda org, data: f"“{org.name}”已改名为“{data['name']}”。",
    ),
    ChangeKind.MOVE: Kind(
        "调整上级", "确认调整", MoveForm,
        "连同全部下级组织一起转到新的上级之下。",
        lambda org, data: f"“{org.name}”已转到“{data['found'].name}”之下。",
    ),
    ChangeKind.MERGE: Kind(
        "合并", "确认合并", MergeForm,
        "党员和下级组织转到并入的组织，本组织自生效日起撤销，历史记录保留。",
        lambda org, data: f"“{org.name}”已并入“{data['found'].name}”。", is_final=True,
    ),
    ChangeKind.SPLIT: Kind(
        "分设", "确认分设", SplitForm,
        "在同一上级之下新建一个同类组织，选定的党员或下级组织转到那里；新组织的书记随后任命。",
        lambda org, data: f"已由“{org.name}”分设“{data['name']}”。", is_final=True,
    ),
    ChangeKind.DISSOLVE: Kind(
        "撤销", "确认撤销", DissolveForm,
        "自生效日起不再存在，任职和分管随之终止，历史记录保留。",
        lambda org, data: f"“{org.name}”已撤销。", is_final=True,
    ),
}  # fmt: skip


def plan_of(kind: ChangeKind, org: Organization, data: dict[str, Any], *, by: User) -> Plan:
    """The change that the form's cleaned data describe."""
    on, target = data["on"], data["found"]
    common: dict[str, Any] = {"on": on, "reason": data["reason"], "by": by}
    verb: Callable[[], object]
    match kind:
        case ChangeKind.RENAME:
            verb = partial(reorganizing.rename, org, name=data["name"], short_name=data["short_name"], **common)
        case ChangeKind.MOVE:
            verb = partial(reorganizing.move, org, under=target, relation=data.get("relation"), **common)
        case ChangeKind.MERGE:
            verb = partial(reorganizing.merge, org, into=target, **common)
        case ChangeKind.SPLIT:
            return _splitting(org, data, common)
        case _:
            verb = partial(reorganizing.dissolve, org, to=target, **common)
    return Plan(Change(kind, org, on, target), verb)


def _splitting(org: Organization, data: dict[str, Any], common: dict[str, Any]) -> Plan:
    parts = list(data["parts"])
    members, children = (parts, []) if org.is_branch else ([], parts)
    facts = {name: data[name].strip() for name in ("code", "name", "short_name")}
    change = Change(ChangeKind.SPLIT, org, data["on"], Organization(**facts), tuple(person.pk for person in members))
    return Plan(change, partial(reorganizing.split, org, members=members, children=children, **facts, **common))


def spell(consequences: list[str]) -> str:
    """What was shown, to be sent back with the confirmation."""
    return json.dumps(consequences, ensure_ascii=False)


def unspell(text: str) -> list[str]:
    """What was shown; junk is nothing, so that the page shows the consequences again."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [str(line) for line in found] if isinstance(found, list) else []
