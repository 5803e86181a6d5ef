"""附件1 in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from reports import submissions
from reports.admin.readonly import ExportOnlyAdmin
from reports.annexes.sheet import Sheet
from reports.models import ProgressReport, ProgressRow
from reviews.admin.readonly import ReadOnlyInline


class ProgressRowInline(ReadOnlyInline):
    """The lines of the report."""

    model = ProgressRow
    fk_name = "report"
    fields = (
        "order", "unit_name", "basis", "absence",
        "due_leaders", "due_organizations", "due_members",
        "new_leaders", "new_organizations", "new_members",
        "done_leaders", "done_organizations", "done_members",
    )  # fmt: skip
    readonly_fields = fields


@admin.register(ProgressReport)
class ProgressReportAdmin(ExportOnlyAdmin):
    """附件1 进度报表: as kept, with its lines."""

    annex = "附件1"
    annex_url_name = "progress_report_annex"
    date_hierarchy = "reported_on"
    inlines = [ProgressRowInline]
    list_display = ["unit_name", "period", "reported_on", "state", "created_by", "submitted_at", "decided_at"]
    list_filter = ["period", "state"]
    list_select_related = ["period", "created_by__person"]
    search_fields = ["unit_name", "organization__code"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProgressReport]:
        """Only what the user may see."""
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]

    def exportable(self, rows: QuerySet) -> QuerySet:
        """All of them."""
        return rows.select_related("organization", "period").prefetch_related("rows")

    def sheet(self, row: ProgressReport) -> Sheet:
        """Annex 1."""
        return submissions.sheet_of(row)
