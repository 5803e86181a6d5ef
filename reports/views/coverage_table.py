"""The table of the coverage page as a workbook: the lines, the order and the day that the page shows."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from orgs import audit
from orgs.requests import UserRequest
from reports import lists
from reports.annexes.xlsx import MIME
from reports.templatetags.reports_tags import SHORT, percent
from reports.views.asked import organization_of, past_day, period_of
from reports.views.coverage_lines import Line, table_of

WIDTHS = (32,) + (10,) * 18


@require_safe
def coverage_table(request: UserRequest, code: str) -> HttpResponse:
    """All lines, of all pages, then their sum."""
    org, period = organization_of(request, code), period_of(request)
    if period is None:
        raise Http404
    on = past_day(request)
    table = table_of(request, period, org, on)
    day = f"截至{on.isoformat()}" if on else ""
    audit.record(request.user, "导出覆盖情况", [org], summary=f"{org.name} {period.code} {day}")
    name = content_disposition_header(True, f"{period.code}覆盖情况{day}_{org.code}.xlsx") or ""
    content = lists.workbook_bytes(_rows([*table.lines, table.total]), f"覆盖情况{day}", WIDTHS)
    return HttpResponse(content, content_type=MIME, headers={"Content-Disposition": name})


def _rows(lines: list[Line]) -> Iterator[tuple[str | int, ...]]:
    heads = ["单位"]
    for cell in lines[-1].cells:
        words = ("应", "已", "比率", "还差", *(("免除", "不计免除") if cell.exempt is not None else ()))
        heads += [f"{SHORT[cell.measure]}{word}" for word in words]
    yield tuple(heads)
    for line in lines:
        cells: list[str | int] = [line.name]
        for cell in line.cells:
            cells += [cell.figure.due, cell.figure.done, percent(cell.figure), cell.figure.missing]
            if cell.exempt is not None:
                cells += [cell.exempt, percent(cell.without_exempt)]
        yield tuple(cells)
