"""The shape of what is entered to change an organisation, and the verb that each form leads to."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator

from orgs import clock, directory, reorganizing
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.forms import DayField, NamedField
from orgs.models import Organization, OrgType, Relation, User
from orgs.querysets import OrganizationQuerySet
from orgs.reorganizing import LONGEST_REASON, Plan

NO_NUL = ProhibitNullCharactersValidator(message="含有看不见的字符，请重新输入。")


class ChangeForm(forms.Form):
    """What every change asks for: why."""

    reason = forms.CharField(
        label="原因",
        max_length=LONGEST_REASON,
        help_text="例如批准文号、会议决定；写入变更经过",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "请写明原因，例如批准文号或会议决定。"},
    )

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

    @property
    def entered(self) -> list[tuple[str, Any]]:
        """Label and value of what was typed, to look at before it is done."""
        found = []
        for field in self:
            value = self.cleaned_data.get(field.name)
            if field.name == "target" and self.cleaned_data.get("found"):
                org = self.cleaned_data["found"]
                value = f"{org.name}（{org.code}）"
            elif field.name == "relation" and value:
                value = Relation(value).label
            if value:
                found.append((str(field.label), value))
        return found


class DatedChangeForm(ChangeForm):
    """And since when."""

    on = DayField(label="生效日期", initial=clock.today)


class RenameForm(DatedChangeForm):
    """Another name."""

    name = forms.CharField(label="新名称", max_length=200, validators=[NO_NUL])
    short_name = forms.CharField(label="简称", max_length=100, required=False, validators=[NO_NUL])
    field_order = ("name", "short_name", "on", "reason")

    def prepare(self) -> None:
        """Begin with the present name."""
        self.fields["name"].initial, self.fields["short_name"].initial = self.org.name, self.org.short_name


class MoveForm(ChangeForm):
    """Another superior; from today, for places have no dates."""

    target = NamedField(label="新的上级组织", help_text="全称、简称或组织代码")
    relation = forms.ChoiceField(label="与上级关系", choices=Relation.choices)
    field_order = ("target", "relation", "reason")

    def prepare(self) -> None:
        """Whoever works in an office cannot make his own range end here."""
        self.receivers = self.receivers.exclude(org_type=OrgType.BRANCH)
        if self.changes_relation:
            self.fields["relation"].initial = self.org.relation
        else:
            del self.fields["relation"]


class MergeForm(DatedChangeForm):
    """Into which one."""

    target = NamedField(label="并入", help_text="全称、简称或组织代码；党员、下级组织都转到这里")
    field_order = ("target", "on", "reason")

    def prepare(self) -> None:
        """A branch with a branch, others with others."""
        self.receivers = _of_the_kind(self.receivers, self.org)


class DissolveForm(DatedChangeForm):
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
        "连同全部下级组织一起转到新的上级之下，从今天起生效。",
        lambda org, data: f"“{org.name}”已转到“{data['found'].name}”之下。",
    ),
    ChangeKind.MERGE: Kind(
        "合并", "确认合并", MergeForm,
        "党员和下级组织转到并入的组织，本组织自生效日起撤销，历史记录保留。",
        lambda org, data: f"“{org.name}”已并入“{data['found'].name}”。", is_final=True,
    ),
    ChangeKind.DISSOLVE: Kind(
        "撤销", "确认撤销", DissolveForm,
        "自生效日起不再存在，任职和分管随之终止，历史记录保留。",
        lambda org, data: f"“{org.name}”已撤销。", is_final=True,
    ),
}  # fmt: skip


def plan_of(kind: ChangeKind, org: Organization, data: dict[str, Any], *, by: User) -> Plan:
    """The change that the form's cleaned data describe."""
    on, target, reason = data.get("on") or clock.today(), data["found"], data["reason"]
    change = Change(kind, org, on, target)
    verbs: dict[ChangeKind, Callable[[], object]] = {
        ChangeKind.RENAME: functools.partial(
            reorganizing.rename, org, name=data.get("name", ""), short_name=data.get("short_name", ""), on=on,
            reason=reason, by=by,
        ),
        ChangeKind.MOVE: functools.partial(
            reorganizing.move, org, under=target, relation=data.get("relation"), reason=reason, by=by
        ),
        ChangeKind.MERGE: functools.partial(reorganizing.merge, org, into=target, on=on, reason=reason, by=by),
        ChangeKind.DISSOLVE: functools.partial(reorganizing.dissolve, org, to=target, on=on, reason=reason, by=by),
    }  # fmt: skip
    return Plan(change, verbs[kind])


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
