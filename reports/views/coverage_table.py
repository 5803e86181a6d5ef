"""The table of the coverage page as a workbook: the lines, the order and the day that the page shows."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import Http404
from django.urls import reverse

from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
from orgs.requests import UserRequest
from reports.templatetags.reports_tags import SHORT, percent
from reports.views.asked import organization_of, past_day, period_of
from reports.views.coverage_lines import Line, table_of


@list_view
def coverage_table(request: UserRequest, code: str) -> ListFile:
    """All lines, of all pages, then their sum."""
    org, period = organization_of(request, code), period_of(request)
    if period is None:
        raise Http404
    on = past_day(request)
    table = table_of(request, period, org, on)
    day = f"截至{on.isoformat()}" if on else ""
    lines = [*table.lines, table.total]
    sheet = Sheet(f"覆盖情况{day}", _columns(table.total), _rows(lines), len(lines))
    back = f"{reverse('coverage_org', args=[org.code])}?{request.GET.urlencode()}"
    return ListFile(f"{period.code}覆盖情况{day}_{org.code}", [sheet], back, f"{org.name}{day}", about=[org])


def _columns(total: Line) -> list[tuple[str, int]]:
    heads = [("单位", 32)]
    for cell in total.cells:
        words = ("应", "已", "比率", "还差", *(("免除", "不计免除") if cell.exempt is not None else ()))
        heads += [(f"{SHORT[cell.measure]}{word}", 10) for word in words]
    return heads


def _rows(lines: list[Line]) -> Iterator[tuple[str | int, ...]]:
    for line in lines:
        cells: list[str | int] = [line.name]
        for cell in line.cells:
            cells += [cell.figure.due, cell.figure.done, percent(cell.figure), cell.figure.missing]
            if cell.exempt is not None:
                cells += [cell.exempt, percent(cell.without_exempt)]
        yield tuple(cells)
