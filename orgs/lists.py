"""Lists to take away: the same rows, in the same order and within the same scope, as their page shows them.

A list is told once, as a `ListFile`, and written from that: at once, or in the background where it is long
(`orgs.list_files`). A text stays a text, whatever it begins with; memory does not grow with the rows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from django.db.models import Model

from orgs.cells import LIVE, clean
from orgs.progress import Tick, silent

MOST_ON_A_SHEET = 1_048_575  # beside the header
LONGEST_TITLE = 31  # of a sheet
TOLD_EVERY = 1000
OPTIONS = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False,
}  # fmt: skip

Columns = Sequence[tuple[str, int]]  # header, width
Row = Sequence[str | int | float | None]


@dataclass(frozen=True)
class Sheet:
    """A list of a workbook; `count` of its rows are to come, and they can be read once."""

    title: str
    columns: Columns
    rows: Iterable[Row]
    count: int


@dataclass(frozen=True)
class ListFile:
    """A list, or several, as a file: its name without an ending, the page that it is of, and what the trail says of it."""

    name: str
    sheets: Sequence[Sheet]
    back: str  # the address of the page
    conditions: str = ""
    about: Sequence[Model] = ()
    is_csv: bool = False  # of the first sheet

    @property
    def count(self) -> int:
        """Rows, headers aside."""
        return sum(sheet.count for sheet in self.sheets)


def csv_lines(sheet: Sheet) -> Iterator[str]:
    """Lines of a csv that Excel opens in Chinese (a mark in front); a text like a formula gets an apostrophe."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for row in chain([[header for header, _ in sheet.columns]], sheet.rows):
        yield writer.writerow([f"'{value}" if _is_like_a_formula(value) else value for value in row])


class _Echo:
    """What csv.writer writes into: hands each line back."""

    def write(self, line: str) -> str:
        return line


def _is_like_a_formula(value: object) -> bool:
    """Of a text; a number below zero is a number."""
    return isinstance(value, str) and value.startswith(LIVE)


def write(target: Path | IO[bytes], sheets: Iterable[Sheet], tick: Tick = silent) -> int:
    """A workbook, row by row; returns how many rows, headers aside.

    Of each sheet the header is bold and kept in sight. What no longer fits on a sheet goes on the next one.
    """
    written = 0
    with xlsxwriter.Workbook(target, OPTIONS) as book:
        draw = _Drawing(book)
        for each in sheets:
            rows = iter(each.rows)
            for part in count(1):
                lot = islice(rows, MOST_ON_A_SHEET)
                first = next(lot, None)
                if first is None and part > 1:
                    break
                further = f"（{part}）" if part > 1 else ""
                sheet = draw.sheet(each, each.title[: LONGEST_TITLE - len(further)] + further)
                for at, row in enumerate(chain([first], lot) if first is not None else (), start=1):
                    draw.row(sheet, at, row)
                    written += 1
                    if written % TOLD_EVERY == 0:
                        tick("written", written)
    tick("written", written)
    return written


class _Drawing:
    """Cells of a workbook: texts are texts also when somebody types into them later, numbers are numbers."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._bold = book.add_format({"bold": True})
        self._text = book.add_format({"num_format": "@"})
        self._live = book.add_format({"num_format": "@", "quote_prefix": True})

    def sheet(self, of: Sheet, title: str) -> Any:
        """A new one with its header."""
        made = self._book.add_worksheet(title)
        made.freeze_panes(1, 0)
        for column, (header, width) in enumerate(of.columns):
            made.set_column(column, column, width)
            made.write_string(0, column, clean(header), self._bold)
        return made

    def row(self, sheet: Any, at: int, row: Row) -> None:
        """A row; what is empty stays empty."""
        for column, value in enumerate(row):
            if isinstance(value, int | float):
                sheet.write_number(at, column, value)
            elif text := clean(value):
                sheet.write_string(at, column, text, self._live if text.startswith(LIVE) else self._text)
