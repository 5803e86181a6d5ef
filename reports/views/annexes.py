"""Annexes 2 and 3 of a record: the file, and the page to print."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from orgs import audit
from orgs.cells import XLSX, clean
from orgs.errors import DomainError
from orgs.requests import UserRequest
from reports.annexes import three, two
from reports.annexes.sheet import Sheet, day
from reports.annexes.xlsx import workbook_bytes
from reviews.models import Record

NOT_IN_A_FILE_NAME = str.maketrans(dict.fromkeys('\\/:*?"<>|\n', "_"))


class NotYet(DomainError):
    """Drafts and voided records do not print."""


def form_of(record: Record) -> Sheet:
    """Annex 3 for a person, annex 2 for an organisation. Refuses what does not count."""
    if not record.is_counted:
        raise NotYet(f"这份记录现在是“{record.get_state_display()}”：确认后才能打印或导出登记表。")
    return three.sheet(record) if record.is_of_person else two.sheet(record)


def file_name(*parts: str, ending: str = "xlsx") -> str:
    """Parts joined to a name of a file that every system takes."""
    return f"{file_stem(*parts)}.{ending}"


def file_stem(*parts: str) -> str:
    """The same without an ending."""
    return "_".join(clean(part).translate(NOT_IN_A_FILE_NAME)[:60] for part in parts if part)


def workbook_response(sheets: list[Sheet], name: str) -> HttpResponse:
    """A download of these sheets."""
    return HttpResponse(
        workbook_bytes(sheets),
        content_type=XLSX,
        headers={"Content-Disposition": content_disposition_header(True, name) or "attachment"},
    )


def _readable(request: UserRequest, pk: int) -> Record:
    """A stranger, and whoever may know of a person's review but not read it, gets 404 (T20)."""
    records = Record.objects.readable_text_by(request.user).select_related("review", "target_person")
    return get_object_or_404(records, pk=pk)


@require_safe
def record_annex(request: UserRequest, pk: int) -> HttpResponse:
    """The record as an Excel file: annex 2 or 3."""
    record = _readable(request, pk)
    sheet = form_of(record)
    audit.record(request.user, f"导出{sheet.name}", [record])
    held_on = day(record.review.held_on)
    return workbook_response([sheet], file_name(sheet.name, record.target_name, held_on))


@require_safe
def record_print(request: UserRequest, pk: int) -> HttpResponse:
    """The record as a page of A4: annex 2 or 3, with its appendix page where there is one."""
    record = _readable(request, pk)
    sheet = form_of(record)
    audit.record(request.user, f"打印{sheet.name}", [record])
    context = {
        "sheet": sheet,
        "subject": record.target_name,
        "back_url": reverse("record", args=[record.pk]),
        "file_url": reverse("record_annex", args=[record.pk]),
    }
    return render(request, "reports/record_print.html", context)
