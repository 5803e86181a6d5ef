"""Long workbooks, each beside writing the same cells with bare xlsxwriter: the summary, and annex 1 of as many lines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import xlsxwriter

from benchmarks.measures import Line, timed
from orgs import clock
from orgs.models import Organization, User
from reports import summary
from reports.annexes import one, xlsx
from reports.annexes.one import Numbers, RowFigures
from reviews.models import Measure, Period

BARE = "the same cells by bare xlsxwriter"


def measure() -> Iterator[Line]:
    """Every organisation of the generated tree, seen by an administrator."""
    period, root = Period.objects.get(), Organization.objects.get(parent=None)
    user, _ = User.objects.get_or_create(username="bench-exports", defaults={"is_superuser": True})
    took, listed = timed(lambda: summary.lines(period, root, user))
    count = f"{len(listed):,}"
    own, bare = _beside_bare(lambda path: summary.write(path, period, listed))
    yield Line(f"summary workbook of {count} organisations", own, BARE, bare)
    yield Line("… and collecting its figures", took, BARE, bare)
    turning, rows = timed(lambda: [_figures(line) for line in listed])
    own, bare = _beside_bare(lambda path: xlsx.write(path, [one.sheet(root.name, clock.today(), rows)]))
    yield Line(f"annex 1 workbook of {count} rows, from figures to file", own, BARE, bare)
    yield Line("… and collecting its figures", took + turning, BARE, bare)


def _figures(line: summary.Line) -> RowFigures:
    """An organisation as a line of annex 1, nothing reported before."""
    due, done = (Numbers(*(getattr(line.total[measure], part) for measure in Measure)) for part in ("due", "done"))
    return RowFigures(line.org.pk, line.org.name, due, done, done)


def _beside_bare(write: Callable[[Path], None]) -> tuple[float, float]:
    """Seconds of a workbook, and of its cells without formats, widths and heights; each the better of two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.xlsx"
        written = _written(lambda: write(path))
        bare, _ = timed(lambda: _bare(path, written), 2)
        own, _ = timed(lambda: write(path), 2)
    return own, bare


def _written(write: Callable[[], None]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """What the workbook's own calls were: for each sheet its cells."""
    cells: dict[str, list[tuple[Any, ...]]] = {}
    real = {
        name: getattr(xlsxwriter.worksheet.Worksheet, name)
        for name in ("write_string", "write_number", "write_formula")
    }

    def noting(name: str) -> Any:
        def call(sheet: Any, row: int, column: int, *values: Any) -> Any:
            cells.setdefault(sheet.name, []).append((name, row, column, values[0], *values[2:]))
            return real[name](sheet, row, column, *values)

        return call

    for name in real:
        setattr(xlsxwriter.worksheet.Worksheet, name, noting(name))
    try:
        write()
    finally:
        for name, method in real.items():
            setattr(xlsxwriter.worksheet.Worksheet, name, method)
    return [(name, sorted(rows, key=lambda cell: cell[1])) for name, rows in cells.items()]


def _bare(path: Path, written: list[tuple[str, list[tuple[Any, ...]]]]) -> None:
    """The same cells, without formats."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        for title, cells in written:
            sheet = book.add_worksheet(title)
            for name, row, column, value, *result in cells:
                if name == "write_formula":
                    sheet.write_formula(row, column, value, None, *result)
                else:
                    getattr(sheet, name)(row, column, value)
