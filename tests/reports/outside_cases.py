"""A unit outside the system below the root of the cast, and its form filled in as a spreadsheet would save it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import load_workbook

from orgs.models import Organization
from reports import reporting
from reports.models import ReturnedForm, Way
from reports.outside import returns
from reports.outside.workbook import FIRST
from tests import builders
from tests.cast import Cast

FULL = [(10, 5, 100, 4, 2, 30)]  # 应 and 新增 of 本级


def make_outside(cast: Cast, code: str = "14", parent: str = "1") -> Organization:
    """A bureau in guidance that does not work in the system."""
    org = builders.make_org(code, "党组", "省级质监局", cast.org[parent], name=f"北京质监局党组{code}", guidance=True)
    reporting.set_way(org, Way.FORM, reason="不在系统中填报", by=None)
    cast.org[code] = org
    return org


def filled(
    data: bytes,
    lines: Sequence[Sequence[Any]] = FULL,
    *,
    day: Any = "2010-12-10",
    note: str = "",
    extra: Mapping[str, Sequence[Any]] | None = None,
    cells: Mapping[str, Any] | None = None,
    sheets: Mapping[str, str] | None = None,
) -> bytes:
    """The form with 应 and 新增 of each line, saved as a spreadsheet saves it: the values of its formulas in their cells.

    `cells` are written last, over whatever stands there; `sheets` renames.
    """
    book = load_workbook(io.BytesIO(data))
    sheet = book["附件1"]
    sheet["I4"] = day
    total = next(row for row in range(FIRST + 1, 200) if sheet.cell(row, 1).value == "合计")
    last = total - 8
    for at, values in enumerate(lines):
        _line(sheet, FIRST + 1 + at, values)
    for at, (name, values) in enumerate((extra or {}).items()):
        sheet.cell(last + at, 1).value = name
        _line(sheet, last + at, values)
    for row in range(FIRST + 1, total):
        for column in (8, 9, 10):
            if not isinstance(sheet.cell(row, column).value, int):
                sheet.cell(row, column).value = sheet.cell(row, column + 3).value
    for column in range(2, 14):
        numbers = [sheet.cell(row, column).value for row in range(FIRST + 1, total)]
        sheet.cell(total, column).value = sum(number for number in numbers if isinstance(number, int | float))
    if note:
        sheet.cell(total + 1, 2).value = note
    for place, value in (cells or {}).items():
        sheet[place.replace("合计", str(total))] = value
    for was, now in (sheets or {}).items():
        book[was].title = now
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _line(sheet: Any, row: int, values: Sequence[Any]) -> None:
    for at, value in enumerate(values):
        sheet.cell(row, 2 + at).value = value
    for at in range(3):
        new, before = values[3 + at], sheet.cell(row, 11 + at).value or 0
        if isinstance(new, int):
            sheet.cell(row, 8 + at).value = before + new


def uploaded(cast: Cast, data: bytes, period: Any, *, by: str = "root_clerk", name: str = "交回.xlsx") -> ReturnedForm:
    """The file as the superior's office uploads it."""
    return returns.upload(data, name, period=period, by=cast.user[by])
