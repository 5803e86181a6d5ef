"""Draws Sheets into a workbook. Strings stay strings: no text becomes a formula, whatever it begins with.

Rows go to the disk as they are drawn, so that memory does not grow with them, unless a cell reaches over three or more.
"""

from __future__ import annotations

import io
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import IO, Any

import xlsxwriter

from orgs.cells import clean
from reports.annexes.sheet import FONT_SIZE, MARGIN, Cell, Role, Row, Sheet, row_height

PLAIN = {"font_scheme": False, "font_family": 0, "theme": -1}  # fonts by their own name, not the theme's
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    # Column widths count digits of the Normal style's font: one that is as wide everywhere (Arial, Liberation Sans).
    "default_format_properties": {"font_name": "Arial", "font_size": 10, **PLAIN},
}
BODY = {"font_name": "仿宋", "font_size": FONT_SIZE}
PRINTED = {"font_name": "宋体", "font_size": FONT_SIZE}
CENTRED = {"align": "center", "valign": "vcenter", "text_wrap": True}
RUNNING = {"align": "left", "valign": "top", "text_wrap": True}
BOX = {"border": 1}
CAPTION, TITLE = "caption", "title"
STYLES: dict[str, dict[str, Any]] = {
    CAPTION: {"font_name": "黑体", "font_size": 14, "valign": "vcenter"},
    TITLE: {"font_name": "宋体", "font_size": 16, "bold": True, **CENTRED},
    Role.LABEL: {**PRINTED, **BOX, **CENTRED},
    Role.VALUE: {**BODY, **BOX, **CENTRED},
    Role.NUMBER: {**BODY, **BOX, "align": "center", "valign": "vcenter"},
    Role.TEXT: {**BODY, **BOX, **RUNNING},
    Role.LINE: {**BODY, "align": "left", "valign": "vcenter", "text_wrap": True},
    Role.LINE_END: {**BODY, "align": "right", "valign": "vcenter"},
    Role.HEADING: {**PRINTED, "bold": True, "align": "left", "valign": "bottom"},
    Role.PARAGRAPH: {**BODY, **RUNNING},
}
MARKED = {"font_color": "#C00000", "theme": 0}
LIKE_A_FORMULA = ("=", "+", "-", "@")
NOTE_HEIGHT = 20.0
PAPER_A4 = 9
SLACK = 5  # pixels that a column is narrower, so that all of them fit on the page however a program rounds
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")


def workbook_bytes(sheets: Iterable[Sheet]) -> bytes:
    """The file of these sheets."""
    buffer = io.BytesIO()
    write(buffer, sheets)
    return buffer.getvalue()


def write(file: str | os.PathLike[str] | IO[bytes], sheets: Iterable[Sheet]) -> None:
    """Write a workbook with a page for each sheet, each followed by its appendix pages."""
    pages = [page for sheet in sheets for page in (sheet, *sheet.appendix)]
    taken: set[str] = set()
    with xlsxwriter.Workbook(file, OPTIONS | {"constant_memory": all(map(_streams, pages))}) as book:
        styles = _Styles(book)
        for page in pages:
            _Drawer(book.add_worksheet(_name(page.name, taken)), styles, page).draw()


def _streams(sheet: Sheet) -> bool:
    """Whether its rows can leave memory one by one: no cell reaches beyond the row after its own."""
    return all(cell.down <= 2 for row in (*sheet.head, *sheet.rows) for cell in row.cells)


def _name(wanted: str, taken: set[str]) -> str:
    """A name that Excel takes: at most 31 characters, none of its special ones, used once whatever the case."""
    base = NOT_IN_A_NAME.sub("", clean(wanted).replace("\n", " "))[:31].strip() or "表"
    name, count = base, 1
    while name.casefold() in taken:
        count += 1
        name = f"{base[: 31 - len(str(count)) - 1]} {count}"
    taken.add(name.casefold())
    return name


class _Styles(dict[tuple[str, bool, bool], Any]):
    """The formats of a workbook by (style, marked, quoted), each made when it is first asked for.

    Quoted are texts that look like a formula (Excel's hidden apostrophe).
    """

    def __init__(self, book: Any) -> None:
        super().__init__()
        self.book = book

    def __missing__(self, key: tuple[str, bool, bool]) -> Any:
        style, marked, quoted = key
        made = self.book.add_format(STYLES[style] | (MARKED if marked else {}) | {"quote_prefix": quoted})
        self[key] = made
        return made


class _Drawer:
    """Draws one page, row after row: a row that is done is not written again."""

    def __init__(self, page: Any, styles: _Styles, sheet: Sheet) -> None:
        self.page, self.styles, self.sheet = page, styles, sheet
        self.columns = len(sheet.widths)
        self.at = 0  # the next row
        self.taken: dict[int, set[int]] = defaultdict(set)  # row -> columns that a cell above reaches into

    def draw(self) -> None:
        """Everything."""
        sheet = self.sheet
        for column, width in enumerate(sheet.widths):
            self.page.set_column_pixels(column, column, width * 4 / 3 - SLACK)
        if sheet.caption:
            self._line(sheet.caption, CAPTION, 24.0)
        for title in sheet.title:
            self._line(title, TITLE, 28.0)
        self._rows(sheet.head)
        first = self.at
        self._rows(sheet.rows)
        for note in sheet.notes:
            height = row_height((Cell(note, across=self.columns),), sheet.widths, least=NOTE_HEIGHT)
            self._line(note, Role.PARAGRAPH, height)
        self._set_up(first)

    def _line(self, text: str, style: str, height: float) -> None:
        """One line over the whole width."""
        self.page.set_row_pixels(self.at, height * 4 / 3)
        if self.columns > 1:
            self.page.merge_range(self.at, 0, self.at, self.columns - 1, "", self.styles[style, False, False])
        self._text(0, text, style)
        self.at += 1

    def _rows(self, rows: Sequence[Row]) -> None:
        """The rows, one below the other."""
        for row in rows:
            self.page.set_row_pixels(self.at, row.height * 4 / 3)
            column, taken, reaching = 0, self.taken.pop(self.at, ()), []
            for cell in row.cells:
                while column in taken:
                    column += 1
                if cell.down > 1:
                    reaching.append((column, cell))
                else:
                    self._cell(column, cell)
                column += cell.across
            if column > self.columns:
                raise ValueError(f"row {self.at + 1} has more cells than columns")
            for place, cell in reaching:  # last: it goes on to the next row
                self._reach_down(place, cell)
            self.at += 1

    def _cell(self, column: int, cell: Cell) -> None:
        if cell.across > 1:
            style = self.styles[cell.role, cell.mark, False]
            self.page.merge_range(self.at, column, self.at, column + cell.across - 1, "", style)
        if cell.number is not None:
            self.page.write_number(self.at, column, cell.number, self.styles[cell.role, cell.mark, False])
        else:
            self._text(column, cell.text, cell.role, cell.mark)

    def _reach_down(self, column: int, cell: Cell) -> None:
        """A range over several rows, every cell with its border, or Excel leaves gaps."""
        bottom, right = self.at + cell.down, column + cell.across
        for row in range(self.at + 1, bottom):
            self.taken[row].update(range(column, right))
        text = clean(cell.text)
        value = text if cell.number is None else cell.number
        style = self.styles[cell.role, cell.mark, text.startswith(LIKE_A_FORMULA)]
        self.page.merge_range(self.at, column, bottom - 1, right - 1, value, style)

    def _text(self, column: int, text: str, style: str, marked: bool = False) -> None:
        """A string as a string, also where it looks like a formula; nothing stays an empty cell."""
        text = clean(text)
        if text:
            quoted = text.startswith(LIKE_A_FORMULA)
            self.page.write_string(self.at, column, text, self.styles[style, marked, quoted])
        else:
            self.page.write_blank(self.at, column, None, self.styles[style, marked, False])

    def _set_up(self, first: int) -> None:
        """A4, margins, all columns on one page, the table's head on each."""
        page, sheet, inches = self.page, self.sheet, MARGIN / 72
        page.set_paper(PAPER_A4)
        if sheet.landscape:
            page.set_landscape()
        page.fit_to_pages(1, 1 if sheet.one_page else 0)
        page.set_margins(inches, inches, inches, inches)
        page.set_header("", {"margin": inches / 2})
        page.set_footer("" if sheet.one_page else "&C第 &P 页，共 &N 页", {"margin": inches / 2})
        page.center_horizontally()
        page.print_area(0, 0, max(self.at, 1) - 1, self.columns - 1)
        if sheet.header_rows:
            page.repeat_rows(first, first + sheet.header_rows - 1)
            page.freeze_panes(first + sheet.header_rows, 1)
        page.hide_gridlines(2)
