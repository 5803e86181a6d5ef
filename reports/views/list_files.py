"""A list of names as a download: a csv of any length, a workbook up to a limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from orgs.requests import UserRequest
from reports import lists
from reports.annexes.xlsx import MIME

MOST_IN_A_WORKBOOK = 20_000


def too_long(request: UserRequest, count: int) -> bool:
    """More rows than a workbook takes; then a message says so."""
    if count <= MOST_IN_A_WORKBOOK:
        return False
    messages.error(request, f"名单有 {count} 行，超过 Excel 文件的上限 {MOST_IN_A_WORKBOOK} 行，请下载 CSV 文件。")
    return True


def list_file(rows: Iterable[Sequence[str | int]], title: str, widths: Sequence[int], name: str) -> HttpResponseBase:
    """A download of a list: a csv as it is read, or a workbook of one sheet, by the ending of its name."""
    disposition = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    if name.endswith(".csv"):
        return StreamingHttpResponse(lists.csv_lines(rows), content_type="text/csv; charset=utf-8", headers=disposition)
    return HttpResponse(lists.workbook_bytes(rows, title, widths), content_type=MIME, headers=disposition)
