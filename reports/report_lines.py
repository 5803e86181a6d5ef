"""The lines of which a number of a report that was sent is the sum, told for its page and its file alike.

Behind 合计 stand the lines of the report; behind a unit's line what the unit reported itself. 本次新增 of such a line is
what the unit's reports since the superior's last one added, one by one; what the last one counted for the unit on
other grounds is taken off in a line of its own. So the lines always add up to the number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reports import report_names
from reports.annexes import one
from reports.annexes.one import RowFigures
from reports.models import ProgressReport, ProgressRow, ReportState, RowBasis
from reports.report_names import Part
from reports.report_rows import counts_from
from reviews.models import Measure

Place = tuple[int, int, Part]  # a report, the number of a line (0: 合计), a part


@dataclass(frozen=True)
class Line:
    """One of them; `leads_to`: what stands behind its own number, None where nothing was kept."""

    name: str
    count: int
    remark: str
    leads_to: Place | None


def number(row: RowFigures, measure: Measure, part: Part) -> int:
    """The number of a line that a part stands for."""
    at = list(Measure).index(measure)
    due, new, done = row.due.each[at], row.new.each[at], row.done.each[at]
    return {Part.DUE: due, Part.NEW: new, Part.DONE: done, Part.MISSING: due - done}[part]


def number_of(report: ProgressReport, row: ProgressRow | None, measure: Measure, part: Part) -> int:
    """The same of a line as it is kept; `row` None: of 合计."""
    return number(one.figures_of(row) if row else one.total(one.rows_of(report)), measure, part)


def rests_on_report(row: ProgressRow) -> bool:
    """Whether a unit's report stands behind the line: it is its 合计 or, of a unit that left, takes it off."""
    return row.basis in (RowBasis.ACCEPTED, RowBasis.LEFT) and row.based_on_id is not None


def source_of(row: ProgressRow | None) -> ProgressReport | None:
    """The unit's report that stands behind the line."""
    return row.based_on if row and rests_on_report(row) else None


def lines(report: ProgressReport, row: ProgressRow | None, measure: Measure, part: Part) -> list[Line] | None:
    """Of which the number is the sum (`row` None: the number of 合计); None where the line has names of its own."""
    if row is None:
        return _of_report(report, measure, part)
    source = source_of(row)
    if source is None:
        return None
    if row.basis == RowBasis.LEFT:
        return _taken_off(source, measure) if part == Part.NEW else []
    return _since(report, row, measure) if part == Part.NEW else _of_report(source, measure, part)


def _of_report(report: ProgressReport, measure: Measure, part: Part) -> list[Line]:
    """The lines of a report with their part of the number."""
    rows = list(report.rows.all())
    listed = {row_id for row_id, _ in report_names.lines_with(report, measure)}
    return [
        Line(
            row.unit_name,
            number(one.figures_of(row), measure, part),
            f"未报说明：{row.absence}" if row.absence else row.get_basis_display(),
            (report.pk, row.order, part) if row.pk in listed or rests_on_report(row) else None,
        )
        for row in rows
    ]


def _taken_off(source: ProgressReport, measure: Measure) -> list[Line]:
    """What the last report counted of a unit that left, with a minus."""
    return [replace(line, count=-line.count) for line in _of_report(source, measure, Part.DONE)]


def _since(report: ProgressReport, row: ProgressRow, measure: Measure) -> list[Line]:
    """The unit's accepted reports that are in this one and were not in the last, and what else the last one counted."""
    last = counts_from(report)
    before = list(last.rows.filter(organization=row.organization_id)) if last else []
    counted = max((each.based_on_id or 0 for each in before if each.basis == RowBasis.ACCEPTED), default=0)
    accepted = ProgressReport.objects.filter(
        organization=row.organization_id, period=report.period_id, state=ReportState.ACCEPTED
    )
    found = [
        Line(
            f"{each.unit_name} {each.reported_on:%Y-%m-%d} 的报表",
            number_of(each, None, measure, Part.NEW),
            "这份报表的本次新增",
            (each.pk, 0, Part.NEW),
        )
        for each in accepted.filter(pk__gt=counted, pk__lte=row.based_on_id).order_by("pk").prefetch_related("rows")
    ]
    rest = number_of(report, row, measure, Part.NEW) - sum(line.count for line in found)
    return [*found, _rest(rest, last, before, measure)] if rest else found


def _rest(count: int, last: ProgressReport | None, before: Iterable[ProgressRow], measure: Measure) -> Line:
    """What the last report counted for the unit without resting on a report of it."""
    words = "此前已计入" if count < 0 else "此前未计入"
    if last is None:
        return Line(words, count, "", None)
    bases = "、".join(dict.fromkeys(each.get_basis_display() for each in before if each.basis))
    listed = {row_id for row_id, _ in report_names.lines_with(last, measure)}
    leading = [each for each in before if each.pk in listed]
    remark = f"上一份报表（{last.reported_on:%Y-%m-%d}）中这一行的累计{f'，依据：{bases}' if bases else ''}"
    return Line(words, count, remark, (last.pk, leading[0].order, Part.DONE) if len(leading) == 1 else None)
