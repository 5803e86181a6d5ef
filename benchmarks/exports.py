"""The summary workbook beside writing the same cells with bare xlsxwriter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlsxwriter

from benchmarks.measures import Line, timed
from orgs.models import Organization, User
from reports import summary
from reviews.models import Period


def measure() -> Iterator[Line]:
    """Every organisation of the generated tree, seen by an administrator."""
    period, root = Period.objects.get(), Organization.objects.get(parent=None)
    user, _ = User.objects.get_or_create(username="bench-exports", defaults={"is_superuser": True})
    took, listed = timed(lambda: summary.lines(period, root, user))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.xlsx"
        written = _written(path, period, listed)
        bare, _ = timed(lambda: _bare(path, written), 2)
        own, _ = timed(lambda: summary.write(path, period, listed), 2)
    yield Line(f"summary workbook of {len(listed):,} organisations", own, "the same cells by bare xlsxwriter", bare)
    yield Line("… and collecting its figures", took, "the same cells by bare xlsxwriter", bare)


def _written(path: Path, period: Period, listed: list[summary.Line]) -> list[tuple[str, list[tuple[Any, ...]]]]:
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
        summary.write(path, period, listed)
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
