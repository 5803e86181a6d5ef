"""An admin page that shows and exports, and never writes: writing is for the verbs."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from orgs import audit
from orgs.requests import UserRequest
from reports.annexes.sheet import Sheet
from reports.views.annexes import file_name, workbook_response
from reviews.admin.readonly import ReadOnly

MOST = 200  # forms in one workbook


class ExportOnlyAdmin(ReadOnly, admin.ModelAdmin):
    """Lists and shows; `sheets` builds the forms of the chosen rows."""

    actions = ["export_excel"]
    annex = ""  # 附件1 …
    change_form_template = "admin/reports/annex_change_form.html"
    list_per_page = 50
    show_full_result_count = False
    annex_url_name = ""

    def sheet(self, row: Any) -> Sheet:
        """The form of one row; raises DomainError where it has none."""
        raise NotImplementedError

    def exportable(self, rows: QuerySet) -> QuerySet:
        """Those of the chosen rows that have a form."""
        return rows

    @admin.action(description="导出 Excel（所选）", permissions=["view"])
    def export_excel(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """The chosen rows in one workbook, a page each."""
        rows = list(self.exportable(queryset)[: MOST + 1])
        if not rows:
            self.message_user(request, "所选的记录都还没有确认（或已作废），没有可以导出的登记表。", messages.WARNING)
            return None
        if len(rows) > MOST:
            self.message_user(request, f"一次最多导出 {MOST} 份，请缩小选择范围。", messages.WARNING)
            return None
        sheets = [self.sheet(row) for row in rows]
        audit.record(cast(UserRequest, request).user, f"导出{self.annex}", rows)
        name = file_name(self.annex, str(rows[0])) if len(rows) == 1 else file_name(self.annex, f"{len(rows)}份")
        return workbook_response(sheets, name)

    def render_change_form(self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page of one row gets its export button."""
        return super().render_change_form(request, {**context, "annex_url_name": self.annex_url_name}, *args, **kwargs)
