"""人员, their memberships, posts and division of work in the admin: every change goes through `orgs.people`."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminDateWidget, AutocompleteSelect
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from orgs import clock, people, personnel
from orgs.admin.base import ColumnsForm, Foreseen, ReadOnly, actor, changed_values
from orgs.admin.exchange import SheetExchange, SheetResource
from orgs.changes import Change, ChangeKind
from orgs.importing import export
from orgs.importing.columns import PEOPLE
from orgs.models import Charge, Membership, Organization, OrgType, Person, Post


class PersonForm(ColumnsForm):
    """A person's facts, and the branch of today."""

    sheet = PEOPLE
    branch_now = forms.ModelChoiceField(
        Organization.objects.filter(org_type=OrgType.BRANCH),
        label="所属支部",
        required=False,
        widget=AutocompleteSelect(Membership._meta.get_field("branch"), admin.site),
        help_text="改动即为组织关系转移；清空表示转出本系统",
    )
    moved_on = forms.DateField(
        label="转入日期",
        required=False,
        widget=AdminDateWidget,
        help_text="转移的日期；转移时空白为今天，新增时空白表示“一直”",
    )

    class Meta:
        model = Person
        fields = ("number", "name", "title", "gender", "born_on", "joined_on", "kind", "status", "mobile", "note",
            "pinyin", "initials",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.membership: Membership | None = None
        if self.instance.pk:
            opened = self.instance.memberships.filter(to_on__isnull=True).select_related("branch")
            self.membership = opened.first()
        if self.membership:
            self.initial.setdefault("branch_now", self.membership.branch_id)
            self.initial.setdefault("moved_on", self.membership.from_on)


class MembershipInline(admin.TabularInline):
    """Where the person has been."""

    model = Membership
    verbose_name_plural = "组织关系经历"
    extra = 0
    can_delete = False
    fields = readonly_fields = ("branch", "from_on", "to_on")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By transfer."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By transfer."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sees the person."""
        return True


class PersonResource(SheetResource):
    """The sheet 人员."""

    sheet = PEOPLE

    class Meta:
        model = Person


@admin.register(Person)
class PersonAdmin(SheetExchange, Foreseen):
    """Persons; numbers are masked in the list."""

    sheet = PEOPLE
    resource_classes = [PersonResource]
    form = PersonForm
    list_display = ("name", "number", "branch_name", "title", "kind", "status", "masked")
    list_filter = ("kind", "status", "gender")
    search_fields = ("=number", "number__startswith", "name")
    search_help_text = "按编号、姓名查找"
    inlines = [MembershipInline]
    fieldsets = (
        (None, {"fields": ("number", "name", "title", "gender")}),
        ("组织关系", {"fields": ("branch_now", "moved_on", "kind", "status")}),
        ("查找", {"fields": ("pinyin", "initials"), "classes": ("collapse",)}),
        ("其他", {"fields": ("born_on", "joined_on", "mobile", "note")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        """With the open membership, in one query more."""
        opened = Membership.objects.filter(to_on__isnull=True).select_related("branch")
        return super().get_queryset(request).prefetch_related(Prefetch("memberships", opened, to_attr="opened"))

    @admin.display(description="所属支部")
    def branch_name(self, person: Person) -> str:
        """The branch of today."""
        opened: list[Membership] = getattr(person, "opened", [])
        return opened[0].branch.display_name if opened else "—"

    @admin.display(description="手机")
    def masked(self, person: Person) -> str:
        """138****1234."""
        return person.masked_mobile

    def export_values(self, queryset: QuerySet) -> Any:
        """The list as it is filtered; administrators get full numbers."""
        return export.persons(queryset.prefetch_related(None))

    def planned(self, obj: Person, form: forms.ModelForm, change: bool) -> Change | None:
        """A first branch, another one, or a fact that decides who is due."""
        branch: Organization | None = form.cleaned_data["branch_now"]
        on = clock.today()
        if not change:
            return Change(ChangeKind.JOIN, None, on, branch, number=obj.number) if branch else None
        counting = personnel.COUNTING | {"branch_now", "moved_on"}
        if not counting & set(form.changed_data):
            return None
        return Change(ChangeKind.CORRECT, None, on, branch, (obj.pk,))

    def write(self, request: HttpRequest, obj: Person, form: forms.ModelForm, change: bool) -> None:
        """Facts, then the membership: a transfer, a correction of its day, or a first one."""
        branch: Organization | None = form.cleaned_data["branch_now"]
        on: datetime.date | None = form.cleaned_data["moved_on"]
        with transaction.atomic():
            if not change:
                people.add(obj, branch, on, by=actor(request))
                return
            values = changed_values(form)
            if values:
                people.update_many([(obj, values)], by=actor(request))
            now: Membership | None = form.membership  # type: ignore[attr-defined]
            if (now.branch_id if now else None) != (branch.pk if branch else None):
                # The day that stands in the form is that of the old membership unless it was changed, too.
                day = on if on and "moved_on" in form.changed_data else clock.today()
                people.transfer(obj, to=branch, on=day, by=actor(request))
            elif now and "moved_on" in form.changed_data:
                people.redate_many([(obj, on)], by=actor(request))


@admin.register(Membership)
class MembershipAdmin(ReadOnly):
    """The history of memberships; a transfer is made on the person's page."""

    list_display = ("person", "branch", "from_on", "to_on")
    list_select_related = ("person", "branch")
    search_fields = ("=person__number", "person__name", "branch__name", "=branch__code")
    date_hierarchy = "from_on"


class SpanForm(forms.ModelForm):
    """A span of dates runs forward."""

    def clean(self) -> dict[str, Any] | None:
        """The end is not before the beginning."""
        data = super().clean() or self.cleaned_data
        begin = data.get("from_on", self.instance.from_on)
        if begin and data.get("to_on") and data["to_on"] < begin:
            self.add_error("to_on", f"早于开始日期 {begin}。")
        return data


class KeyedAdmin(Foreseen):
    """What identifies a row is chosen once; afterwards only the rest changes."""

    key: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The key of a stored row."""
        return self.key if obj else ()


@admin.register(Post)
class PostAdmin(KeyedAdmin):
    """Posts: appoint, end, or say who 主持工作."""

    form = SpanForm
    key = ("person", "organization", "role", "from_on")
    list_display = ("person", "organization", "title_of", "is_acting", "from_on", "to_on")
    list_filter = ("role", "is_acting", "organization__org_type")
    list_select_related = ("person", "organization")
    search_fields = ("=person__number", "person__name", "organization__name", "=organization__code")
    autocomplete_fields = ("person", "organization")
    fields = ("person", "organization", "role", "is_acting", "from_on", "to_on")

    @admin.display(description="职务", ordering="role")
    def title_of(self, post: Post) -> str:
        """党组成员, 党委委员 …"""
        return post.title

    def planned(self, obj: Post, form: forms.ModelForm, change: bool) -> Change | None:
        """Who leads, and who is in the team."""
        kind = ChangeKind.REMOVE if "to_on" in form.changed_data else ChangeKind.APPOINT
        return Change(kind, obj.organization, clock.today(), persons=(obj.person_id,))

    def write(self, request: HttpRequest, obj: Post, form: forms.ModelForm, change: bool) -> None:
        """Appoint; a day of removal given to a stored post removes, with the division of work that goes with it."""
        if not change:
            people.appoint_many([obj], by=actor(request))
            return
        values = changed_values(form)
        with transaction.atomic():
            ended = values.pop("to_on", None)
            if ended is not None:
                people.remove(obj, on=ended, by=actor(request))
            elif "to_on" in form.changed_data:
                values["to_on"] = None
            if values:
                people.update_posts([(obj, values)], by=actor(request))


@admin.register(Charge)
class ChargeAdmin(KeyedAdmin):
    """Division of work."""

    form = SpanForm
    key = ("person", "team", "organization", "from_on")
    list_display = ("person", "team", "organization", "kind", "from_on", "to_on")
    list_filter = ("kind",)
    list_select_related = ("person", "team", "organization")
    search_fields = ("=person__number", "person__name", "organization__name", "team__name")
    autocomplete_fields = ("person", "team", "organization")
    fields = ("person", "team", "organization", "kind", "from_on", "to_on")

    def planned(self, obj: Charge, form: forms.ModelForm, change: bool) -> Change | None:
        """Whose task the review of an organisation is."""
        return Change(ChangeKind.DIVISION, obj.team, clock.today(), obj.organization, (obj.person_id,))

    def write(self, request: HttpRequest, obj: Charge, form: forms.ModelForm, change: bool) -> None:
        """Put in charge, or change 主次 and the end."""
        if change:
            people.update_charges([(obj, changed_values(form))], by=actor(request))
            return
        with transaction.atomic():
            charge = people.put_in_charge(
                obj.person, obj.team, obj.organization, kind=obj.kind, from_on=obj.from_on, by=actor(request)
            )
            if obj.to_on:
                people.update_charges([(charge, {"to_on": obj.to_on})], by=actor(request))
            obj.pk = charge.pk
            obj._state.adding = False
