"""A plain list as a file: csv of any length, or a workbook. A text stays a text, whatever it begins with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from reports.annexes.sheet import clean

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """What csv.writer writes into: hands each line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[Sequence[str | int]]) -> Iterator[str]:
    """Lines of a csv that Excel opens in Chinese (a mark in front); a text like a formula gets an apostrophe."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([f"'{value}" if _is_like_a_formula(value) else value for value in row])


def _is_like_a_formula(value: str | int) -> bool:
    """Of a text; a number below zero is a number."""
    return isinstance(value, str) and value.startswith(BEGINS_A_FORMULA)


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook: texts stay texts, numbers are numbers; the first row is the header."""

    title: str
    rows: Iterable[Sequence[str | float]]
    widths: Sequence[int] = ()


def workbook_bytes(rows: Iterable[Sequence[str | int | float]], title: str, widths: Sequence[int]) -> bytes:
    """A workbook of one sheet."""
    return workbook_of([Sheet(title, rows, widths)])


def workbook_of(sheets: Iterable[Sheet]) -> bytes:
    """A workbook: of each sheet the first row bold and kept in sight."""
    book = Workbook(write_only=True)
    bold = Font(bold=True)
    for each in sheets:
        sheet = book.create_sheet(each.title)
        sheet.freeze_panes = "A2"
        for column, width in enumerate(each.widths, start=1):
            sheet.column_dimensions[get_column_letter(column)].width = width
        for number, row in enumerate(each.rows):
            cells = []
            for value in row:
                cell = WriteOnlyCell(sheet, clean(value) if isinstance(value, str) else value)
                if isinstance(value, str):
                    cell.data_type = "s"  # never a formula
                if number == 0:
                    cell.font = bold
                cells.append(cell)
            sheet.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
