"""导出: one's own files, how far they are, and asking for one."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs import list_files, progress
from orgs.cells import XLSX
from orgs.errors import DomainError
from orgs.requests import UserRequest
from reports import exports
from reports.models import Export, ExportState
from reports.views.asked import organization_of
from reviews.models import Period


def _mine(request: UserRequest) -> QuerySet[Export]:
    return Export.objects.visible_to(request.user).select_related("by", "organization", "period")


@require_safe
def export_list(request: UserRequest) -> HttpResponse:
    """The files, the newest first; of what is being made, how far it is. By htmx only the list."""
    found = [exports.notice_death(export) for export in _mine(request)]
    for export in found:
        if export.is_under_way:
            export.rows = progress.rows(exports.progress_path(export), exports.STAGES)  # type: ignore[attr-defined]
    context = {"exports": found, "is_busy": any(export.is_under_way for export in found), "days": exports.KEPT_DAYS}
    name = "reports/_exports.html" if request.headers.get("HX-Request") else "reports/exports.html"
    return render(request, name, context)


@require_POST
def export_ask(request: UserRequest, code: str) -> HttpResponse:
    """Have the summary workbook made."""
    org = organization_of(request, code)
    period = get_object_or_404(Period, code=request.POST.get("period", "")[:20].replace("\x00", ""))
    try:
        exports.ask(org, period, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("export_list")


@require_http_methods(["GET", "HEAD", "POST"])
def export_long(request: UserRequest) -> HttpResponse:
    """A list too long to be written while somebody waits (`of`: its address): how long, and have it made."""
    address = request.GET.get("of", "").replace("\x00", "")
    if request.method == "POST":
        try:
            exports.ask_list(address, by=request.user)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return redirect("export_list")
    try:
        found = list_files.told_at(address, request.user)
    except list_files.NoList:
        raise Http404 from None
    return render(request, "reports/export_long.html", {"found": found, "most": list_files.MOST_AT_ONCE})


@require_safe
def export_file(request: UserRequest, pk: int) -> HttpResponseBase:
    """The file, for its owner."""
    export = get_object_or_404(_mine(request), pk=pk, state=ExportState.DONE)
    try:
        stream = exports.take(export)
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(
        stream,
        as_attachment=True,
        filename=f"{export.file_name}{exports.suffix(export)}",
        content_type=XLSX if exports.suffix(export) == ".xlsx" else "application/zip",
    )


@require_POST
def export_delete(request: UserRequest, pk: int) -> HttpResponse:
    """It goes before its time."""
    exports.delete(get_object_or_404(_mine(request), pk=pk), by=request.user)
    messages.success(request, "已删除。")
    return redirect("export_list")
