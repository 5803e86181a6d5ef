"""Draws Sheets into a workbook. Strings stay strings: no text becomes a formula, whatever it begins with."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import Cell as ExcelCell
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.utils.indexed_list import IndexedList
from openpyxl.worksheet.worksheet import Worksheet

from reports.annexes.sheet import FONT_SIZE, MARGIN, Cell, Role, Row, Sheet, clean, row_height

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BODY, PRINTED = "仿宋", "宋体"
THIN = Side(style="thin", color="000000")
BOX = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
UNBOXED = (Role.LINE, Role.LINE_END, Role.HEADING, Role.PARAGRAPH)
ALIGN = {
    Role.LABEL: Alignment(horizontal="center", vertical="center", wrap_text=True),
    Role.VALUE: Alignment(horizontal="center", vertical="center", wrap_text=True),
    Role.NUMBER: Alignment(horizontal="center", vertical="center"),
    Role.TEXT: Alignment(horizontal="left", vertical="top", wrap_text=True),
    Role.LINE: Alignment(horizontal="left", vertical="center", wrap_text=True),
    Role.LINE_END: Alignment(horizontal="right", vertical="center"),
    Role.HEADING: Alignment(horizontal="left", vertical="bottom"),
    Role.PARAGRAPH: Alignment(horizontal="left", vertical="top", wrap_text=True),
}
CELL_LIMIT = 32767
NOTE_HEIGHT = 20.0
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")


def draw(*sheets: Sheet) -> Workbook:
    """A workbook with a page for each sheet, each followed by its appendix pages."""
    book = Workbook()
    # Column widths count digits of the Normal style's font: one that is as wide everywhere (Arial, Liberation Sans).
    plain = Font(name="Arial", size=10)
    book._fonts = IndexedList([plain])
    book._named_styles["Normal"].font = plain
    book.remove(book.active)
    taken: set[str] = set()
    for sheet in sheets:
        for page in (sheet, *sheet.appendix):
            _draw_page(book.create_sheet(_name(page.name, taken)), page)
    return book


def to_bytes(book: Workbook) -> bytes:
    """The workbook as a file's content."""
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _name(wanted: str, taken: set[str]) -> str:
    """A name that Excel takes: at most 31 characters, none of its special ones, used once whatever the case."""
    base = NOT_IN_A_NAME.sub("", clean(wanted).replace("\n", " "))[:31].strip() or "表"
    name, count = base, 1
    while name.casefold() in taken:
        count += 1
        name = f"{base[: 31 - len(str(count)) - 1]} {count}"
    taken.add(name.casefold())
    return name


def _draw_page(page: Worksheet, sheet: Sheet) -> None:
    columns = len(sheet.widths)
    for place, width in enumerate(sheet.widths, start=1):
        # A column of n characters is 7n + 5 pixels wide in the default font; a point is 4/3 pixels.
        page.column_dimensions[get_column_letter(place)].width = (width * 4 / 3 - 5) / 7
    at = 1
    if sheet.caption:
        _line(page, at, columns, sheet.caption, Font(name="黑体", size=14), Alignment(vertical="center"), 24)
        at += 1
    for title in sheet.title:
        bold = Font(name=PRINTED, size=16, bold=True)
        centred = Alignment(horizontal="center", vertical="center", wrap_text=True)
        _line(page, at, columns, title, bold, centred, 28)
        at += 1
    at = _draw_rows(page, at, columns, sheet.head)
    first = at
    last = _draw_rows(page, at, columns, sheet.rows) - 1
    for note in sheet.notes:
        last += 1
        height = row_height((Cell(note, across=columns),), sheet.widths, least=NOTE_HEIGHT)
        _line(page, last, columns, note, Font(name=BODY, size=FONT_SIZE), ALIGN[Role.PARAGRAPH], height)
    _set_up(page, sheet, first, last)


def _line(page: Worksheet, at: int, columns: int, text: str, font: Font, alignment: Alignment, height: float) -> None:
    """One line over the whole width."""
    if columns > 1:
        page.merge_cells(start_row=at, end_row=at, start_column=1, end_column=columns)
    cell = page.cell(at, 1)
    _write_text(cell, text)
    cell.font, cell.alignment = font, alignment
    page.row_dimensions[at].height = height


def _draw_rows(page: Worksheet, at: int, columns: int, rows: Iterable[Row]) -> int:
    """Draws the rows from row `at` on; returns the row after them."""
    covered: set[tuple[int, int]] = set()
    for row in rows:
        page.row_dimensions[at].height = row.height
        column = 1
        for cell in row.cells:
            while (at, column) in covered:
                column += 1
            _draw_cell(page, at, column, cell)
            covered.update((at + down, column + right) for down in range(cell.down) for right in range(cell.across))
            column += cell.across
        if column > columns + 1:
            raise ValueError(f"row {at} has more cells than columns")
        at += 1
    return at


def _draw_cell(page: Worksheet, at: int, column: int, cell: Cell) -> None:
    if cell.role not in UNBOXED:  # every cell of a merged range carries its border, or Excel leaves gaps
        for down in range(cell.down):
            for right in range(cell.across):
                page.cell(at + down, column + right).border = BOX
    first = page.cell(at, column)
    if cell.number is not None:
        first.value = cell.number
    else:
        _write_text(first, cell.text)
    printed = cell.role in (Role.LABEL, Role.HEADING)
    first.font = Font(
        name=PRINTED if printed else BODY,
        size=FONT_SIZE,
        bold=cell.role is Role.HEADING,
        color="C00000" if cell.mark else None,
    )
    first.alignment = ALIGN[cell.role]
    if cell.across > 1 or cell.down > 1:
        page.merge_cells(
            start_row=at, end_row=at + cell.down - 1, start_column=column, end_column=column + cell.across - 1
        )


def _write_text(cell: ExcelCell, text: str) -> None:
    """A string as a string (data type s), also where it begins with = + - or @; nothing stays an empty cell."""
    text = clean(text)[:CELL_LIMIT]
    if not text:
        return
    cell.value = text
    cell.data_type = "s"
    if text[0] in "=+-@":
        cell.quotePrefix = True


def _set_up(page: Worksheet, sheet: Sheet, first: int, last: int) -> None:
    """A4, margins, all columns on one page, the table's head on each."""
    page.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    page.page_setup.orientation = "landscape" if sheet.landscape else "portrait"
    page.page_setup.fitToWidth = 1
    page.page_setup.fitToHeight = 1 if sheet.one_page else 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    inches = MARGIN / 72
    margins = page.page_margins
    margins.left = margins.right = margins.top = margins.bottom = inches
    margins.header = margins.footer = inches / 2
    page.print_options.horizontalCentered = True
    page.print_area = f"A1:{get_column_letter(len(sheet.widths))}{max(last, 1)}"
    if sheet.header_rows:
        page.print_title_rows = f"{first}:{first + sheet.header_rows - 1}"
        page.freeze_panes = page.cell(first + sheet.header_rows, 2)
    if not sheet.one_page:
        page.oddFooter.center.text = "第 &P 页，共 &N 页"
    page.sheet_view.showGridLines = False


def workbook_bytes(sheets: Sequence[Sheet]) -> bytes:
    """The file of these sheets."""
    return to_bytes(draw(*sheets))
