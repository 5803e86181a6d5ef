"""The lines of annex 1 (R52, R54): what they would say now, what they rest on, and how they are kept.

本级 and the organisations that do not report themselves stand with the figures of this moment; a unit that reports
stands with the 合计 of its last accepted report, so that a superior signs what its units have signed. A unit whose
absence is explained stands with 应 of this moment and nothing done: nobody has reported anything for it.
"""

from __future__ import annotations

import datetime
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from orgs import clock
from orgs.errors import DomainError
from orgs.models import Organization
from reports import coverage, report_names, reporting
from reports.annexes import one
from reports.annexes.one import OWN, Numbers, RowFigures, rows_of
from reports.models import ProgressReport, ProgressRow, ReportState, RowBasis
from reports.models.progress import FROZEN_STATES
from reports.report_names import Lists
from reports.reporting import Unit
from reviews.models import Measure, Period


class SubmissionRefused(DomainError):
    """The report cannot be drafted, sent or decided like this; the message says what to do."""


def previous(org: Organization, period: Period, until: datetime.date | None = None) -> ProgressReport | None:
    """The report that 新增 counts from: the last accepted one; at a root, the last submitted.

    With `until`, the one of those that was sent and decided when that day ended, however it is dated; an acceptance
    that was undone and given again is that of the second time.
    """
    is_root = org.parent_id is None
    states = FROZEN_STATES if is_root else [ReportState.ACCEPTED]
    sent = ProgressReport.objects.filter(organization=org, period=period, state__in=states)
    if until is not None:
        sent = sent.filter(sent_on__lte=until)
        sent = sent if is_root else sent.filter(decided_at__lt=clock.midnight_after(until))
    return sent.order_by("-submitted_at", "-pk").first()


def counts_from(report: ProgressReport) -> ProgressReport | None:
    """The report that 新增 of one that was sent counts from: what `previous` said when it was sent."""
    earlier = ProgressReport.objects.frozen().filter(
        organization=report.organization_id, period=report.period_id, pk__lt=report.pk
    )
    return earlier.order_by("-submitted_at", "-pk").first()


def last_sent(org: Organization, period: Period) -> ProgressReport | None:
    """The last report submitted and not returned."""
    sent = ProgressReport.objects.frozen().filter(organization=org, period=period)
    return sent.order_by("-submitted_at", "-pk").first()


def live_rows(org: Organization, period: Period, units: Container[int] = ()) -> list[RowFigures]:
    """本级, then each child with all below it, all with the figures of this moment; 新增 is left out. `units` have a line
    whatever counts in them.
    """
    return rows_of_lines(coverage.by_child(period, org), reporting.counted_on(period), units)


def rows_of_lines(lines: Iterable[coverage.Row], on: datetime.date, units: Container[int] = ()) -> list[RowFigures]:
    """Lines of coverage as those of the form, 新增 left out; but for `units` without those that are not there on that day
    and in which nobody counts.
    """
    rows = []
    for line in lines:
        due, done = _numbers(line.figures, "due"), _numbers(line.figures, "done")
        if not (line.is_own or any(due.each) or line.org.pk in units or line.org.lives_on(on)):
            continue
        name, basis = (OWN, RowBasis.OWN) if line.is_own else (line.org.name, RowBasis.LIVE)
        rows.append(RowFigures(line.org.pk, name, due=due, new=Numbers(), done=done, basis=basis))
    return rows


def rows_now(org: Organization, period: Period) -> list[RowFigures]:
    """The lines as they would be sent now; a unit that is neither accepted nor explained stands live, marked PENDING.

    A unit that the last report still counts and that no longer is below here keeps a line with nothing due and a
    negative 新增, so that 累计 = last 累计 + 新增 holds in 合计 too (R52).
    """
    units = {unit.org.pk: unit for unit in reporting.units_below(org, period)}
    accepted = _totals_of([unit.accepted for unit in units.values() if unit.reports and unit.accepted])
    rows = [_of_unit(row, units.get(row.organization_id), accepted) for row in live_rows(org, period, units)]
    return with_new(rows, previous(org, period))


def _of_unit(row: RowFigures, unit: Unit | None, accepted: Mapping[int, RowFigures]) -> RowFigures:
    """The live line, put on what the unit has reported."""
    if unit is None or not unit.reports:
        return row
    if unit.accepted is not None:
        total = accepted[unit.accepted.pk]
        return replace(row, due=total.due, done=total.done, basis=RowBasis.ACCEPTED, based_on_id=unit.accepted.pk)
    if unit.is_explained and unit.absence is not None:
        return replace(row, done=Numbers(), basis=RowBasis.ABSENT, absence=unit.absence.words)
    return replace(row, basis=RowBasis.PENDING)


def _totals_of(reports: Sequence[ProgressReport]) -> dict[int, RowFigures]:
    """Report id -> its 合计. One query."""
    lines: dict[int, list[ProgressRow]] = {report.pk: [] for report in reports}
    for row in ProgressRow.objects.filter(report__in=list(lines)).order_by():
        lines[row.report_id].append(row)
    return {pk: one.total([one.figures_of(row) for row in rows]) for pk, rows in lines.items()}


def with_new(rows: Sequence[RowFigures], last: ProgressReport | None) -> list[RowFigures]:
    """新增 = 累计 less what the last report said, line by line; with lines for what left, resting on what they did."""
    before: dict[int, RowFigures] = {}
    for row in rows_of(last) if last else []:  # a form may have several lines for one organisation
        known = before.get(row.organization_id)
        before[row.organization_id] = replace(known, done=known.done + row.done) if known else row
    result = []
    for row in rows:
        was = before.pop(row.organization_id, None)
        result.append(replace(row, new=row.done - was.done if was else row.done))
    for was in before.values():
        if any(was.done.each):
            gone = RowFigures(was.organization_id, was.unit_name, Numbers(), Numbers() - was.done, Numbers())
            result.append(replace(gone, basis=RowBasis.LEFT, based_on_id=was.based_on_id))
    return result


def with_lists(
    org: Organization, period: Period, rows: Sequence[RowFigures]
) -> tuple[list[RowFigures], dict[int, Lists]]:
    """The lines as they are sent, and the names behind those that have lists: their numbers are the lists' lengths.

    A review confirmed between two statements cannot make a number differ from its names.
    """
    below = [row.organization_id for row in rows if row.basis == RowBasis.LIVE]
    lists = report_names.gather(org, period, below)
    counted = []
    for row in rows:
        if row.basis in report_names.LISTED:
            due, done = report_names.numbers(lists[row.organization_id])
            row = replace(row, due=due, done=done, new=row.new + done - row.done)
        counted.append(row)
    return counted, lists


def has_decrease(rows: Sequence[RowFigures]) -> bool:
    """A 新增 below zero: 累计 went down since the last accepted report."""
    return any(row.new.has_decrease for row in rows)


def write(report: ProgressReport, rows: Sequence[RowFigures]) -> list[ProgressRow]:
    """Replace the rows. 累计 above 应 means that the figures themselves are wrong, and nothing is written."""
    for row in rows:
        if any(done > due for done, due in zip(row.done.each, row.due.each, strict=True)):
            raise SubmissionRefused(
                f"“{row.unit_name}”的累计数大于应点评数，请管理员先核对覆盖数据（check_coverage）。"
            )
    report.rows.all().delete()
    return ProgressRow.objects.bulk_create(
        ProgressRow(
            report=report,
            order=order,
            organization_id=row.organization_id,
            unit_name=row.unit_name,
            basis=row.basis,
            based_on_id=row.based_on_id,
            absence=row.absence,
            **{
                f"{part}_{measure}": value
                for part, numbers in (("due", row.due), ("new", row.new), ("done", row.done))
                for measure, value in zip(Measure.values, numbers.each, strict=True)
            },
        )
        for order, row in enumerate(rows, start=1)
    )


def _numbers(figures: Mapping[Measure, coverage.Figure], part: str) -> Numbers:
    return Numbers(*(getattr(figures[measure], part) for measure in Measure))
