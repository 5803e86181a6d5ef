"""What was done, and what was imported: to look at, never to change."""

from __future__ import annotations

import json

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from orgs.admin.base import ReadOnly
from orgs.importing import telling
from orgs.models import AuditEvent, ImportBatch


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    """Who did what to which object, when."""

    list_display = ("at", "by", "verb", "summary", "model", "object_id")
    list_display_links = ("at",)
    list_filter = ("at", "verb", "model")
    list_select_related = ("by", "by__person")
    search_fields = ("summary", "verb", "by__username", "=object_id")
    fields = ("at", "by", "verb", "summary", "model", "object_id", "before_text", "after_text")

    @admin.display(description="变更前")
    def before_text(self, event: AuditEvent) -> str:
        """As readable text."""
        return _pretty(event.before)

    @admin.display(description="变更后")
    def after_text(self, event: AuditEvent) -> str:
        """As readable text."""
        return _pretty(event.after)


def _pretty(values: dict) -> str:
    return format_html("<pre>{}</pre>", json.dumps(values, ensure_ascii=False, indent=2)) if values else "—"


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnly):
    """Receipts of imports; the file itself stays inside."""

    list_display = ("file_name", "by", "created_at", "state", "applied_at", "totals")
    list_filter = ("state", "created_at")
    list_select_related = ("by", "by__person")
    search_fields = ("file_name", "sha256")
    fields = (
        "file_name", "sha256", "by", "created_at", "state", "applied_at", "allow_new_root", "allow_numeric_codes",
        "totals", "page",
    )  # fmt: skip

    @admin.display(description="计数")
    def totals(self, batch: ImportBatch) -> str:
        """A line for all sheets."""
        return telling.totals(batch)

    @admin.display(description="预览或回执")
    def page(self, batch: ImportBatch) -> str:
        """The link to its page."""
        return format_html('<a href="{}">打开</a>', reverse("import_preview", args=[batch.pk]))
