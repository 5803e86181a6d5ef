"""Behind the numbers of a report that was sent: who they are; and what is different now, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from orgs import clock
from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
from orgs.requests import UserRequest
from reports import report_differences, report_lines, report_names
from reports.models import ProgressReport, ProgressRow, ReportSource, RowBasis
from reports.report_differences import Difference, differences
from reports.report_lines import Line
from reports.report_names import HOLDS, PART_NAMES, STANDING_NAMES, Name, Part, Standing
from reports.views.annexes import file_stem
from reports.views.asked import measure_of
from reports.views.reports import visible_report
from reviews.models import Measure

PAGE = 50


@dataclass(frozen=True)
class Asked:
    """A number of a report as sent: of a line (`row` None: of 合计), a measure, a part."""

    report: ProgressReport
    row: ProgressRow | None
    measure: Measure
    part: Part

    @property
    def line(self) -> int:
        """The line's number, 0 for 合计."""
        return self.row.order if self.row else 0

    @property
    def source(self) -> ProgressReport | None:
        """The unit's accepted report that the line is the 合计 of."""
        return report_lines.source_of(self.row)

    @property
    def count(self) -> int:
        """The number itself."""
        return report_lines.number_of(self.report, self.row, self.measure, self.part)

    @property
    def title(self) -> str:
        """What the list is of."""
        return f"{self.measure.label}{PART_NAMES[self.part]}"


def _asked(request: UserRequest, pk: int, line: int, measure: str, part: str) -> Asked:
    report, found = visible_report(request, pk), measure_of(measure)
    if part not in list(Part) or not report.is_frozen:
        raise Http404
    row = report.rows.select_related("based_on").filter(order=line).first() if line else None
    if line and row is None:
        raise Http404
    return Asked(report, row, found, Part(part))


@require_safe
def progress_names(request: UserRequest, pk: int, line: int, measure: str, part: str) -> HttpResponse:
    """The names behind one number of a report as sent; behind 合计 and a unit's line, the lines that it is the sum of."""
    asked = _asked(request, pk, line, measure, part)
    lines = _lines_behind(request, asked)
    context: dict[str, Any] = {
        "report": asked.report,
        "row": asked.row,
        "measure": asked.measure,
        "part": asked.part,
        "part_name": PART_NAMES[asked.part],
        "count": asked.count,
        "parts": [(each, name) for each, name in PART_NAMES.items()],
        "line": asked.line,
        "source": asked.source,
        "lines": [(line, _url(line, measure)) for line in lines or ()],
        "is_hidden": lines is None and asked.source is not None,
        "has_file": bool(lines),
    }
    if lines is None and asked.source is None:
        context |= _named(request, asked)
    return render(request, "reports/progress_names.html", context)


@list_view
def progress_names_file(request: UserRequest, pk: int, line: int, measure: str, part: str, kind: str) -> ListFile:
    """The same as a file, all of it: csv or xlsx. 404 where no list was kept."""
    asked = _asked(request, pk, line, measure, part)
    if kind not in ("csv", "xlsx"):
        raise Http404
    of, day = asked.row.unit_name if asked.row else "合计", asked.report.reported_on.isoformat()
    name = file_stem("附件1名单", asked.report.unit_name, day, of, asked.title)
    back = reverse("progress_names", args=[pk, line, measure, part])
    said = f"{asked.report} {of} {asked.title}"
    return ListFile(name, [_sheet(request, asked)], back, said, about=[asked.report], is_csv=kind == "csv")


def _sheet(request: UserRequest, asked: Asked) -> Sheet:
    """What the page lists."""
    lines = _lines_behind(request, asked)
    if lines:
        rows = [(line.name, line.count, line.remark) for line in lines]
        return Sheet(asked.title, [("单位名称", 40), (asked.title, 18), ("依据", 40)], rows, len(rows))
    found = _behind(request, asked) if lines is None and asked.source is None else None
    if found is None:
        raise Http404
    return report_names.sheet(asked.title, *found, asked.measure)


def _behind(request: UserRequest, asked: Asked) -> tuple[list[Name], list[str]] | None:
    """The frozen names of a line that the user may see, and what is to be said of them; None where none were kept."""
    names = report_names.of_row(asked.row, asked.measure) if asked.row else None
    if asked.row is None or names is None:
        return None
    behind = [name for name in names if name.standing in HOLDS[asked.part]]
    shown = report_names.named(request.user, behind, asked.measure)
    notes = report_names.notes(behind, shown, asked.measure)
    if asked.part == Part.NEW and not report_names.knows_new(asked.row, asked.measure):
        notes.append(report_names.not_told_apart(len(behind), asked.count))
    return shown, notes


def _named(request: UserRequest, asked: Asked) -> dict[str, Any]:
    """A page of them."""
    found = _behind(request, asked)
    if found is None:
        return {"has_none": True}
    shown, notes = found
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    entries = [(name, STANDING_NAMES[name.standing], name.standing == Standing.GONE) for name in page]
    return {"page_obj": page, "entries": entries, "notes": notes, "has_file": bool(shown)}


def _lines_behind(request: UserRequest, asked: Asked) -> list[Line] | None:
    """The lines of which the number is the sum; None for a line with names, and where the unit's report is not to be seen."""
    source = asked.source
    if source and not ProgressReport.objects.visible_to(request.user).filter(pk=source.pk).exists():
        return None
    return report_lines.lines(asked.report, asked.row, asked.measure, asked.part)


def _url(line: Line, measure: str) -> str:
    """The page of what stands behind a line; "" where nothing does."""
    if line.leads_to is None or not line.count:
        return ""
    report, order, part = line.leads_to
    return reverse("progress_names", args=[report, order, measure, part])


SHOWN = 20  # names of a reason on the page; the file has all


@require_safe
def progress_differences(request: UserRequest, pk: int) -> HttpResponse:
    """As sent beside as it is now, line by line, with why, by name where names are kept."""
    report, found = _compared(request, pk)
    below = [line.based_on_id for line in found if line.based_on_id and line.basis == RowBasis.ACCEPTED]
    seen = set(ProgressReport.objects.visible_to(request.user).filter(pk__in=below).values_list("pk", flat=True))
    context = {
        "report": report,
        "differences": found,
        "seen": seen,
        "shown": f":{SHOWN}",
        "most": SHOWN,
        "is_typed": report.source != ReportSource.SYSTEM,
    }
    return render(request, "reports/progress_differences.html", context)


@list_view
def progress_differences_file(request: UserRequest, pk: int, kind: str) -> ListFile:
    """The same as a file with every name: csv or xlsx. 404 for a report that was typed: nothing was kept to compare."""
    report, found = _compared(request, pk)
    if kind not in ("csv", "xlsx") or report.source != ReportSource.SYSTEM:
        raise Http404
    name = file_stem("附件1与现在的差别", report.unit_name, report.reported_on.isoformat(), clock.today().isoformat())
    back = reverse("progress_differences", args=[pk])
    said = f"{report} 与现在的差别"
    return ListFile(name, [report_differences.sheet(found)], back, said, about=[report], is_csv=kind == "csv")


def _compared(request: UserRequest, pk: int) -> tuple[ProgressReport, list[Difference]]:
    """A report that was sent, and where it differs from now, as far as the user may see it."""
    report = visible_report(request, pk)
    if not report.is_frozen:
        raise Http404
    return report, differences(report, request.user) if report.source == ReportSource.SYSTEM else []
