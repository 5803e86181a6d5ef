"""Admin lists that show and search; what they show is written by verbs only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest


class ReadOnly:
    """Nothing is added, changed or deleted here: a change without its verb would leave duties and figures behind."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Verbs add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Verbs change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Verbs void."""
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):
    """A list to look at, at any size."""

    list_per_page = 50
    show_full_result_count = False
    actions = None


class ReadOnlyInline(ReadOnly, admin.TabularInline):
    """Rows that belong to what is shown."""

    extra = 0
    can_delete = False
    show_change_link = False
