"""Behind the numbers of a report that was sent: who they are; and what is different now, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from orgs.requests import UserRequest
from reports import report_names
from reports.annexes import one
from reports.annexes.one import RowFigures
from reports.models import ProgressReport, ProgressRow, ReportSource, RowBasis
from reports.report_differences import differences
from reports.report_names import HOLDS, PART_NAMES, STANDING_NAMES, Part, Standing
from reports.views.coverage import measure_of
from reports.views.reports import visible_report
from reviews.models import Measure

PAGE = 50


@dataclass(frozen=True)
class Line:
    """A line of a report with the number in question, and the page of its names."""

    name: str
    count: int
    url: str
    remark: str


@require_safe
def progress_names(request: UserRequest, pk: int, line: int, measure: str, part: str) -> HttpResponse:
    """The names behind one number of a report as sent; behind 合计 and a unit's line, the lines that it is the sum of."""
    report, found = visible_report(request, pk), measure_of(measure)
    if part not in list(Part) or not report.is_frozen:
        raise Http404
    row = report.rows.select_related("based_on").filter(order=line).first() if line else None
    if line and row is None:
        raise Http404
    context: dict[str, Any] = {
        "report": report,
        "row": row,
        "measure": found,
        "part": Part(part),
        "part_name": PART_NAMES[Part(part)],
        "count": _number(one.figures_of(row) if row else one.total(one.rows_of(report)), found, Part(part)),
        "parts": [(each, name) for each, name in PART_NAMES.items()],
        "line": line,
    }
    if row is None:
        context["lines"] = _lines(request, report, found, Part(part))
    elif row.basis == RowBasis.ACCEPTED and row.based_on is not None:
        seen = ProgressReport.objects.visible_to(request.user).filter(pk=row.based_on.pk).exists()
        context |= {"source": row.based_on, "lines": _lines(request, row.based_on, found, Part(part)) if seen else []}
    else:
        context |= _named(request, row, found, Part(part))
    return render(request, "reports/progress_names.html", context)


def _named(request: UserRequest, row: ProgressRow, measure: Measure, part: Part) -> dict[str, Any]:
    """A page of the frozen names that the user may see."""
    names = report_names.of_row(row, measure)
    if names is None:
        return {"has_none": True}
    behind = [name for name in names if name.standing in HOLDS[part]]
    shown = report_names.named(request.user, behind, measure)
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    entries = [(name, STANDING_NAMES[name.standing], name.standing == Standing.GONE) for name in page]
    knows_new = row.names.filter(measure=measure, knows_new=True).exists()
    return {"page_obj": page, "entries": entries, "hidden": len(behind) - len(shown), "knows_new": knows_new}


def _lines(request: UserRequest, report: ProgressReport, measure: Measure, part: Part) -> list[Line]:
    """The lines of a report with their part of the number; those with names, or with a report below, lead on."""
    listed = {row_id for row_id, _ in report_names.lines_with(report, measure)}
    lines = []
    for row in report.rows.all():
        leads = row.pk in listed or row.basis == RowBasis.ACCEPTED
        url = reverse("progress_names", args=[report.pk, row.order, measure, part]) if leads else ""
        remark = f"未报说明：{row.absence}" if row.absence else row.get_basis_display()
        lines.append(Line(row.unit_name, _number(one.figures_of(row), measure, part), url, remark))
    return lines


def _number(row: RowFigures, measure: Measure, part: Part) -> int:
    """The number of a line that a part stands for."""
    at = list(Measure).index(measure)
    due, new, done = row.due.each[at], row.new.each[at], row.done.each[at]
    return {Part.DUE: due, Part.NEW: new, Part.DONE: done, Part.MISSING: due - done}[part]


@require_safe
def progress_differences(request: UserRequest, pk: int) -> HttpResponse:
    """As sent beside as it is now, line by line, with why, by name where names are kept."""
    report = visible_report(request, pk)
    if not report.is_frozen:
        raise Http404
    found = differences(report, request.user) if report.source == ReportSource.SYSTEM else []
    below = [line.based_on_id for line in found if line.based_on_id is not None]
    seen = set(ProgressReport.objects.visible_to(request.user).filter(pk__in=below).values_list("pk", flat=True))
    context = {"report": report, "differences": found, "seen": seen, "is_typed": report.source != ReportSource.SYSTEM}
    return render(request, "reports/progress_differences.html", context)
