"""A plain list as a file: csv of any length, or a workbook. A text stays a text, whatever it begins with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import IO, Any

import xlsxwriter

from orgs.progress import Tick, silent
from reports.annexes.sheet import clean

MOST_ON_A_SHEET = 1_048_575  # beside the header
TOLD_EVERY = 1000
OPTIONS = {
    "constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False,
}  # fmt: skip
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
    buffer = io.BytesIO()
    write(buffer, sheets)
    return buffer.getvalue()


def write(target: Path | IO[bytes], sheets: Iterable[Sheet], tick: Tick = silent) -> int:
    """The same into a file, row by row, so that memory does not grow with the rows; returns how many, without headers.

    What no longer fits on a sheet goes on the next one, under the same header.
    """
    written = 0
    with xlsxwriter.Workbook(target, OPTIONS) as book:
        bold = book.add_format({"bold": True})
        for each in sheets:
            rows = iter(each.rows)
            header = next(rows, ())
            for part in count(1):
                lot = islice(rows, MOST_ON_A_SHEET)
                first = next(lot, None)
                if first is None and part > 1:
                    break
                sheet = book.add_worksheet(each.title if part == 1 else f"{each.title}（{part}）")
                sheet.freeze_panes(1, 0)
                for column, width in enumerate(each.widths):
                    sheet.set_column(column, column, width)
                _write_row(sheet, 0, header, bold)
                for at, row in enumerate(chain([first], lot) if first is not None else (), start=1):
                    _write_row(sheet, at, row)
                    written += 1
                    if written % TOLD_EVERY == 0:
                        tick("written", written)
    tick("written", written)
    return written


def _write_row(sheet: Any, at: int, row: Sequence[str | float], style: Any = None) -> None:
    for column, value in enumerate(row):
        if not isinstance(value, str):
            sheet.write_number(at, column, value, style)
        elif text := clean(value):
            sheet.write_string(at, column, text, style)
