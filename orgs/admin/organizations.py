"""组织 in the admin: every change goes through `orgs.tree`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from orgs import clock, tree
from orgs.admin.base import ColumnsForm, Foreseen, actor, administers, changed_values
from orgs.admin.exchange import SheetExchange, SheetResource
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.importing import apply, export
from orgs.importing.columns import ORGS
from orgs.models import Organization, Post


class OrganizationForm(ColumnsForm):
    """Facts and place of an organisation."""

    sheet = ORGS

    class Meta:
        model = Organization
        fields = (
            "code", "name", "short_name", "org_type", "category", "parent", "relation", "is_window_unit",
            "founded_on", "dissolved_on", "order", "pinyin", "initials", "short_pinyin", "short_initials",
        )  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        """A new root is made by an import that says so, or as the very first organisation."""
        data = super().clean() or self.cleaned_data
        becomes_root = not data.get("parent") and (self.instance.pk is None or self.instance.parent_id is not None)
        if becomes_root and "parent" not in self.errors and Organization.objects.exists():
            self.add_error("parent", "请选择上级组织；确实要新的根组织时，请用导入并选择“允许新的根组织”。")
        return data


class PostInline(admin.TabularInline):
    """Who holds a post there today."""

    model = Post
    verbose_name_plural = "现任"
    extra = 0
    can_delete = False
    fields = readonly_fields = ("person", "role", "is_acting", "from_on", "to_on")
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Post]:
        """Of today."""
        return super().get_queryset(request).valid(clock.today()).select_related("person", "organization")  # type: ignore[attr-defined]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Posts have a page of their own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Posts have a page of their own."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sees the organisation."""
        return True


class AliveFilter(admin.SimpleListFilter):
    """Existing today, or dissolved."""

    title = "存续"
    parameter_name = "alive"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Two ways."""
        return [("1", "现存"), ("0", "已撤销或未成立")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """By today."""
        alive = Organization.objects.alive(clock.today()).order_by().values("pk")
        if self.value() == "1":
            return queryset.filter(pk__in=alive)
        return queryset.exclude(pk__in=alive) if self.value() == "0" else queryset


class OrganizationResource(SheetResource):
    """The sheet 组织."""

    sheet = ORGS

    class Meta:
        model = Organization


@admin.register(Organization)
class OrganizationAdmin(SheetExchange, Foreseen):
    """Organisations in the tree's order; search by code and name."""

    sheet = ORGS
    resource_classes = [OrganizationResource]
    form = OrganizationForm
    list_display = ("indented", "code", "org_type", "category", "relation", "is_window_unit", "dissolved_on")
    list_display_links = ("indented",)
    list_filter = ("org_type", "category", "relation", "is_window_unit", AliveFilter)
    list_select_related = ("category",)
    search_fields = ("=code", "code__startswith", "name", "short_name")
    search_help_text = "按代码、名称、简称查找"
    autocomplete_fields = ("parent",)
    inlines = [PostInline]
    fieldsets = (
        (None, {"fields": ("code", "name", "short_name", "org_type", "category")}),
        ("位置", {"fields": ("parent", "relation", "order")}),
        ("查找", {"fields": ("pinyin", "initials", "short_pinyin", "short_initials"), "classes": ("collapse",)}),
        ("属性", {"fields": ("is_window_unit", "founded_on", "dissolved_on")}),
    )

    @admin.display(description="组织")
    def indented(self, org: Organization) -> str:
        """The name, indented by its level."""
        return "\u3000" * org.level + org.name

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was added by mistake, one at a time; the verb refuses whatever has something hanging on it."""
        return obj is not None and administers(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing goes along, so only the organisation itself is listed; the verb says what is in the way."""
        return [str(org) for org in objs], {self.opts.verbose_name: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Organization) -> None:
        """By its verb."""
        tree.delete(obj, by=actor(request))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """A refusal is said on the organisation's page; nothing was written."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect("admin:orgs_organization_change", object_id)

    def export_values(self, queryset: QuerySet) -> Any:
        """The list as it is filtered."""
        return export.organizations(queryset)

    def planned(self, obj: Organization, form: forms.ModelForm, change: bool) -> Change | None:
        """Names and the order among siblings decide no duty."""
        on = clock.today()
        if not change:
            return Change(ChangeKind.FOUND, obj.parent, on, obj)
        if not apply.PLACING & set(form.changed_data):
            return None
        target = obj.parent if "parent" in form.changed_data else None
        return Change(ChangeKind.CORRECT, Organization.objects.get(pk=obj.pk), on, target)

    def write(self, request: HttpRequest, obj: Organization, form: forms.ModelForm, change: bool) -> None:
        """Add, or change facts, place and end: each by its verb."""
        if not change:
            tree.add(obj, by=actor(request))
            return
        values = changed_values(form)
        end = values.pop("dissolved_on", None) if form.cleaned_data.get("dissolved_on") else None
        stored = Organization.objects.get(pk=obj.pk)
        if values:
            tree.write_many([], [(stored, values)], by=actor(request))
        if end is not None:
            tree.dissolve(stored, on=end, by=actor(request))
        obj.refresh_from_db()
