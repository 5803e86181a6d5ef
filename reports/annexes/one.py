"""附件1: 领导点评工作完成进度报表, ten columns under two header rows, landscape (domain.md 1.G, R52 to R54)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from orgs.cells import clean
from reports.annexes import words
from reports.annexes.sheet import Cell, Role, Row, Sheet, day, label, number, row_height
from reports.models import ProgressReport, ProgressRow, ReportState, RowBasis

WIDTHS = (152.0, *(66.0,) * 9)
OWN, TOTAL = "本级", "合计"
GROUPS = ("应参加点评的领导、党组织党员数量", "本次上报新增完成点评的情况", "截至本次上报累计完成点评工作情况")
MEASURES = ("领导", "党组织", "党员")
LEAST = 26.0


@dataclass(frozen=True)
class Numbers:
    """领导, 党组织, 党员."""

    leaders: int = 0
    organizations: int = 0
    members: int = 0

    def __add__(self, other: Numbers) -> Numbers:
        return Numbers(*(a + b for a, b in zip(self.each, other.each, strict=True)))

    def __sub__(self, other: Numbers) -> Numbers:
        return Numbers(*(a - b for a, b in zip(self.each, other.each, strict=True)))

    @property
    def each(self) -> tuple[int, int, int]:
        """In the order of the form's columns."""
        return self.leaders, self.organizations, self.members

    @property
    def has_decrease(self) -> bool:
        """One of them is below zero."""
        return min(self.each) < 0


@dataclass(frozen=True)
class RowFigures:
    """A line of the form: 应 due, 新增 new, 累计 done; and what they rest on."""

    organization_id: int
    unit_name: str
    due: Numbers
    new: Numbers
    done: Numbers
    basis: str = ""  # a RowBasis
    based_on_id: int | None = None  # the unit's accepted report, of which the line is the 合计
    absence: str = ""

    @property
    def each(self) -> tuple[int, ...]:
        """The nine numbers in the order of the form's columns."""
        return (*self.due.each, *self.new.each, *self.done.each)


def total(rows: Sequence[RowFigures]) -> RowFigures:
    """合计: the sums of all rows."""
    due, new, done = (
        Numbers(*(sum(getattr(getattr(row, part), field.name) for row in rows) for field in fields(Numbers)))
        for part in ("due", "new", "done")
    )
    return RowFigures(0, TOTAL, due, new, done)


def figures_of(row: ProgressRow) -> RowFigures:
    """A line as it is kept."""
    return RowFigures(
        row.organization_id,
        row.unit_name,
        due=Numbers(row.due_leaders, row.due_organizations, row.due_members),
        new=Numbers(row.new_leaders, row.new_organizations, row.new_members),
        done=Numbers(row.done_leaders, row.done_organizations, row.done_members),
        basis=row.basis,
        based_on_id=row.based_on_id,
        absence=row.absence,
    )


def rows_of(report: ProgressReport) -> list[RowFigures]:
    """The rows as they are kept: as sent, for a report that was submitted."""
    return [figures_of(row) for row in report.rows.all()]


def of_report(
    report: ProgressReport,
    rows: Sequence[RowFigures] | None = None,
    *,
    links: Mapping[tuple[int, int], str] | None = None,
) -> Sheet:
    """The form of a report, with the numbers that are kept in it, or with other ones: those of a draft are of now, as is
    the wording of the scheme.
    """
    notes = [f"更正说明：{clean(report.correction_note)}"] if report.correction_note else []
    shown = rows_of(report) if rows is None else rows
    activity = None if report.state == ReportState.DRAFT else report.activity
    return sheet(report.unit_name, report.reported_on, shown, notes=notes, links=links, activity=activity)


def notes_of(rows: Sequence[RowFigures]) -> list[str]:
    """What must be known of lines that do not rest on an accepted report."""
    pending = "、".join(clean(row.unit_name) for row in rows if row.basis == RowBasis.PENDING)
    absent = [f"未报说明：{clean(row.unit_name)}：{clean(row.absence)}" for row in rows if row.basis == RowBasis.ABSENT]
    return ([f"报表还没有接收，暂按现在的数字：{pending}"] if pending else []) + absent


def sheet(
    unit_name: str,
    reported_on: datetime.date,
    rows: Sequence[RowFigures],
    *,
    notes: Sequence[str] = (),
    links: Mapping[tuple[int, int], str] | None = None,
    activity: str | None = None,
) -> Sheet:
    """The form, with the activity in its title, unless told that of the active scheme. A 新增 below zero is marked: the unit's 累计 went down since the last accepted report.

    Under the table stand `notes`, then what must be known of its lines: on a page, on paper and in a file alike.

    `links`: (line, column of numbers) -> address, both from 0, 合计 the last line; a page shows them, a file does not.
    """
    head = Row(
        (
            Cell(f"上报单位：{clean(unit_name)}", Role.LINE, across=6),
            Cell(f"上报日期：{day(reported_on)}", Role.LINE_END, across=4),
        ),
        LEAST,
    )
    lines = [
        Row((label("单位名称", down=2), *(label(group, across=3) for group in GROUPS)), 40.0),
        Row(tuple(label(measure) for _ in GROUPS for measure in MEASURES), LEAST),
    ]
    for line, row in enumerate((*rows, total(rows))):
        cells = (Cell(clean(row.unit_name)), *_numbers(row, line, links))
        lines.append(Row(cells, row_height(cells, WIDTHS, least=LEAST, padding=4.0)))
    return Sheet(
        name="附件1",
        caption="附件1：",
        title=(words.activity() if activity is None else activity, "领导点评工作完成进度报表"),
        widths=WIDTHS,
        rows=tuple(lines),
        head=(head,),
        header_rows=2,
        landscape=True,
        one_page=False,
        notes=(*notes, *notes_of(rows)),
    )


def _numbers(row: RowFigures, line: int, links: Mapping[tuple[int, int], str] | None) -> list[Cell]:
    """The nine numbers of a line, each with the address that it leads to."""
    if not links:
        return [number(value, value < 0) for value in row.each]
    return [number(value, value < 0, links.get((line, at), "")) for at, value in enumerate(row.each)]
