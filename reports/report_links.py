"""Where the numbers of a form lead: the pages of the names behind them."""

from __future__ import annotations

from django.urls import reverse

from reports.annexes import one
from reports.models import ProgressReport
from reports.report_lines import rests_on_report
from reports.report_names import Part, lines_with
from reviews.models import Measure

COLUMNS = [(part, measure) for part in (Part.DUE, Part.NEW, Part.DONE) for measure in Measure]  # of the form


def links(report: ProgressReport) -> dict[tuple[int, int], str]:
    """(line, column) -> the page of the names behind the number, for a form that was sent. One query.

    A report from before there were lists, or one that was typed, leads nowhere.
    """
    if not report.is_frozen:
        return {}
    rows = list(report.rows.all())
    listed = lines_with(report)
    found = {}
    for line, row in enumerate(rows):
        numbers = one.figures_of(row).each
        for at, (part, measure) in enumerate(COLUMNS):
            leads = rests_on_report(row) or (row.pk, measure.value) in listed
            if leads and numbers[at]:
                found[line, at] = reverse("progress_names", args=[report.pk, row.order, measure, part])
    if found:
        total = one.total(one.rows_of(report)).each
        for at, (part, measure) in enumerate(COLUMNS):
            if total[at]:
                found[len(rows), at] = reverse("progress_names", args=[report.pk, 0, measure, part])
    return found
