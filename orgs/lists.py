"""Lists as a workbook: the same rows, in the same order and within the same scope, as the page shows them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from orgs import audit
from orgs.errors import DomainError
from orgs.importing.export import text_cell
from orgs.models import User

MOST_ROWS = 50_000  # what one request writes in about ten seconds; a longer list is narrowed down first

Columns = Sequence[tuple[str, int]]  # header, width
Row = Sequence[str | int | None]


@dataclass(frozen=True)
class Sheet:
    """A list of a workbook; `count` of its rows are to come."""

    title: str
    columns: Columns
    rows: Iterable[Row]
    count: int


class TooLong(DomainError):
    """More rows than one file takes."""


def workbook(title: str, columns: Columns, rows: Iterable[Row], *, count: int, conditions: str, by: User) -> IO[bytes]:
    """A workbook of one sheet as an open temporary file, and the trail of who took it. Raises TooLong."""
    return workbook_of(title, [Sheet(title, columns, rows, count)], conditions=conditions, by=by)


def workbook_of(title: str, sheets: Sequence[Sheet], *, conditions: str, by: User) -> IO[bytes]:
    """The same of several sheets.

    Rows go to the disk as they come, so that memory does not grow with them. A text stays a text.
    """
    count = sum(sheet.count for sheet in sheets)
    if count > MOST_ROWS:
        raise TooLong(f"共有 {count} 条，一个 Excel 文件最多导出 {MOST_ROWS} 条，请先用查找条件缩小范围。")
    audit.record(by, "导出", [by], summary=f"{title}（{conditions or '全部'}），{count} 条")
    book = Workbook(write_only=True)
    for each in sheets:
        _write(book, each)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the answer that streams it
    book.save(file)
    file.seek(0)
    return file


def _write(book: Workbook, each: Sheet) -> None:
    sheet = book.create_sheet(each.title)
    sheet.freeze_panes = "A2"
    bold, header = Font(bold=True), []
    for at, (name, width) in enumerate(each.columns, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
        cell = WriteOnlyCell(sheet, name)
        cell.font = bold
        header.append(cell)
    sheet.append(header)
    for row in each.rows:
        sheet.append([text_cell(sheet, value) if value != "" else None for value in row])
