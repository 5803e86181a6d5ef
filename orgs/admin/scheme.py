"""方案 and 单位类别 in the admin: the words and switches of one system's reviews."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from orgs import audit
from orgs.admin.base import ForAdministrators, actor, changed_values
from orgs.models import Category, Scheme


class Audited(ForAdministrators):
    """Plain rows: saved as they are, with an event in the same transaction."""

    def save_model(self, request: HttpRequest, obj: Model, form: forms.ModelForm, change: bool) -> None:
        """Save and record."""
        after = changed_values(form)
        before = {name: form.initial.get(name) for name in after}
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            name = obj._meta.verbose_name
            audit.record(
                actor(request), f"{'修改' if change else '新增'}{name}", [obj], changes={obj.pk: (before, after)}
            )


class CategoryInline(admin.TabularInline):
    """Its unit categories; they are changed on their own page."""

    model = Category
    extra = 0
    can_delete = False
    fields = readonly_fields = ("name", "order", "committee_leads", "usually_guidance")
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """On their own page."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who sees the scheme."""
        return True


@admin.register(Scheme)
class SchemeAdmin(Audited):
    """Schemes; which one is active, and its switches about duties, are changed on the page of the schemes."""

    readonly_fields = ("is_active", "new_org_months", "leaders_as_members")
    list_display = ("name", "code", "is_active", "activity_name")
    inlines = [CategoryInline]


@admin.register(Category)
class CategoryAdmin(Audited):
    """Unit categories."""

    list_display = ("name", "scheme", "order", "committee_leads", "usually_guidance")
    list_filter = ("scheme",)
    list_select_related = ("scheme",)
    search_fields = ("name",)
