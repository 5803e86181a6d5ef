"""The form that goes out: annex 1 with the unit's lines, protected but for the cells to fill in.

Columns A to J are those of the annex; K to M, beside it, hold the last accepted 累计, from which 累计 counts on. 累计 and
合计 are formulas, their values stored beside them. What identifies the form stands on a hidden sheet, sealed with the
system's key: nobody makes a form of one unit into that of another.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from django.core import signing
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from orgs.cells import clean
from reports.annexes.one import GROUPS, MEASURES, TOTAL, Numbers
from reports.outside.figures import CORRECTION, EXTRA, MOST, Line

SHEET, IDENTITY = "附件1", "标识"
MARK = "dianping-annex1"
SALT = "reports.outside"
DATE_LABEL = "上报日期："
LAST = "上次已接收的累计"
HEADER = "单位名称"
BEFORE = 10  # the column after the annex: the last 累计
WIDTH = BEFORE + len(MEASURES)
FIRST = 6  # the row of the first line, from 0
PAPER_A4 = 9


@dataclass(frozen=True)
class Identity:
    """Which form this is: of which unit and period, the how many-th one that was issued."""

    code: str
    period: str
    serial: int

    @property
    def sealed(self) -> str:
        """As it stands in the form; signed with the system's key."""
        return signing.Signer(salt=SALT).sign_object([MARK, self.code, self.period, self.serial])

    @classmethod
    def opened(cls, text: str) -> Identity | None:
        """What a seal says; None when it is not ours or was altered."""
        try:
            mark, code, period, serial = signing.Signer(salt=SALT).unsign_object(text)
        except (signing.BadSignature, ValueError, TypeError):
            return None
        return cls(code, period, serial) if mark == MARK else None

    @property
    def words(self) -> str:
        """As people name it."""
        return f"{self.code}-{self.period}-{self.serial}"


@dataclass(frozen=True)
class Form:
    """All that stands in a form."""

    identity: Identity
    unit_name: str
    period_name: str
    activity: str
    lines: Sequence[Line]


def draw(form: Form) -> bytes:
    """The file."""
    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(stream, options) as book:
        sheet = book.add_worksheet(SHEET)
        _Drawer(book, sheet, form).draw()
        hidden = book.add_worksheet(IDENTITY)
        hidden.write_string(0, 0, form.identity.sealed)
        hidden.protect()
        hidden.very_hidden()
    return stream.getvalue()


class _Drawer:
    """Draws one form; holds what its parts share."""

    def __init__(self, book: Any, sheet: Any, form: Form) -> None:
        self.sheet, self.form = sheet, form
        box = {"border": 1, "align": "center", "valign": "vcenter", "font_name": "仿宋", "font_size": 12}
        printed = {"font_name": "宋体", "font_size": 12, "valign": "vcenter", "text_wrap": True}
        fill = {"bg_color": "#FFF8DC", "locked": False}
        styles = {
            "caption": {"font_name": "黑体", "font_size": 14, "valign": "vcenter"},
            "title": {"font_name": "宋体", "font_size": 16, "bold": True, "align": "center", "valign": "vcenter"},
            "line": {**printed, "font_name": "仿宋"},
            "line_end": {**printed, "font_name": "仿宋", "align": "right"},
            "date": {**fill, **box, "num_format": 'yyyy"年"m"月"d"日"'},
            "label": {**printed, "border": 1, "align": "center"},
            "name": {**box, "text_wrap": True},
            "number": {**box, "num_format": "0"},
            "fill_name": {**box, **fill, "text_wrap": True},
            "fill": {**box, **fill, "num_format": "0"},
            "before": {**box, "num_format": "0", "font_color": "#666666", "bg_color": "#F2F2F2"},
            "before_label": {**printed, "border": 1, "align": "center", "font_color": "#666666", "font_size": 10},
            "note": {**printed, **fill, "border": 1, "align": "left", "font_name": "仿宋"},
            "hint": {"font_name": "宋体", "font_size": 10, "valign": "top", "text_wrap": True, "font_color": "#444444"},
            "wrong": {"bg_color": "#FFC7CE", "font_color": "#9C0006"},
        }
        self.style = {name: book.add_format(facts) for name, facts in styles.items()}

    def draw(self) -> None:
        """Everything, from top to bottom."""
        sheet, last = self.sheet, BEFORE - 1
        sheet.set_column(0, 0, 27)
        sheet.set_column(1, last, 10.5)
        sheet.set_column(BEFORE, WIDTH - 1, 9)
        for row, height in enumerate((24, 28, 28, 26, 40, 26)):
            sheet.set_row(row, height)
        sheet.merge_range(0, 0, 0, last, "附件1：", self.style["caption"])
        sheet.merge_range(1, 0, 1, last, clean(self.form.activity), self.style["title"])
        sheet.merge_range(2, 0, 2, last, "领导点评工作完成进度报表", self.style["title"])
        sheet.merge_range(3, 0, 3, 5, f"上报单位：{clean(self.form.unit_name)}", self.style["line"])
        sheet.write_string(3, 6, "", self.style["line_end"])
        sheet.merge_range(3, 6, 3, 7, DATE_LABEL, self.style["line_end"])
        sheet.merge_range(3, 8, 3, 9, "", self.style["date"])
        sheet.merge_range(4, 0, 5, 0, HEADER, self.style["label"])
        for at, group in enumerate(GROUPS):
            sheet.merge_range(4, 1 + 3 * at, 4, 3 + 3 * at, group, self.style["label"])
        sheet.merge_range(4, BEFORE, 4, WIDTH - 1, LAST + "（系统已填）", self.style["before_label"])
        for at in range(len(GROUPS) + 1):
            for place, measure in enumerate(MEASURES):
                style = "label" if at < len(GROUPS) else "before_label"
                sheet.write_string(5, 1 + 3 * at + place, measure, self.style[style])
        row = self._lines()
        self._foot(row)
        self._rules(row)
        self._set_up(row)

    def _lines(self) -> int:
        """The lines, and those to be added; returns the row of 合计."""
        row = FIRST
        for line in [*self.form.lines, *[None] * EXTRA]:
            self.sheet.set_row(row, 26 if line is None or len(line.name) <= 12 else 40)
            if line is None:
                self.sheet.write_blank(row, 0, None, self.style["fill_name"])
            else:
                self.sheet.write_string(row, 0, clean(line.name), self.style["name"])
            self._numbers(row, line)
            row += 1
        return row

    def _numbers(self, row: int, line: Line | None) -> None:
        before = line.done if line else Numbers()
        for at in range(len(MEASURES)):
            due = line.due.each[at] if line and line.due else None
            if due is None:
                self.sheet.write_blank(row, 1 + at, None, self.style["fill"])
            else:
                self.sheet.write_number(row, 1 + at, due, self.style["fill"])
            self.sheet.write_blank(row, 4 + at, None, self.style["fill"])
            last, new = xl_rowcol_to_cell(row, BEFORE + at), xl_rowcol_to_cell(row, 4 + at)
            formula = f"={last}+{new}"
            value: int | str = before.each[at]
            if line is None:  # an added line is empty until it has a name
                formula, value = f'=IF($A{row + 1}="","",{new})', ""
            else:
                self.sheet.write_number(row, BEFORE + at, before.each[at], self.style["before"])
            self.sheet.write_formula(row, 7 + at, formula, self.style["number"], value)

    def _foot(self, row: int) -> None:
        """合计, the 更正说明, how to fill it in, which form it is."""
        sheet = self.sheet
        sheet.set_row(row, 26)
        sheet.write_string(row, 0, TOTAL, self.style["name"])
        for column in range(1, WIDTH):
            letter = xl_col_to_name(column)
            dues = [line.due.each[column - 1] if line.due else 0 for line in self.form.lines] if column < 4 else []
            dones = [line.done.each[(column - 7) % 3] for line in self.form.lines] if column >= 7 else []
            style = self.style["number" if column < BEFORE else "before"]
            sheet.write_formula(row, column, f"=SUM({letter}{FIRST + 1}:{letter}{row})", style, sum(dues or dones))
        sheet.set_row(row + 1, 34)
        sheet.write_string(row + 1, 0, f"{CORRECTION}（累计减少时填）", self.style["label"])
        sheet.merge_range(row + 1, 1, row + 1, BEFORE - 1, "", self.style["note"])
        hint = (
            f"填表说明：1. 只填黄色的格子：上报日期、应点评数、本次新增；没有的填 0。累计和合计自动算出。"
            f"2. 累计不能大于应点评数。3. 下属单位不够行时，在空行写明单位名称再填数字，最多 {EXTRA} 行。"
            f"4. 以前多报的，在“新增”里填负数并写更正说明。"
            f"5. 填好后把这个文件原样交回，不要复制到别的表里，不要改单位名称。"
        )
        sheet.set_row(row + 2, 44)
        sheet.merge_range(row + 2, 0, row + 2, BEFORE - 1, hint, self.style["hint"])
        words = f"{clean(self.form.period_name)}　表号：{clean(self.form.identity.words)}"
        sheet.merge_range(row + 3, 0, row + 3, BEFORE - 1, words, self.style["hint"])

    def _rules(self, total: int) -> None:
        """What a cell takes; a spreadsheet refuses the rest at once."""
        sheet, last = self.sheet, total - 1
        day = {"validate": "date", "criteria": ">=", "value": "=DATE(2000,1,1)"}
        sheet.data_validation(
            3, 8, 3, 8, day | {"error_title": "上报日期", "error_message": "请填写日期，例如 2010-12-31。"}
        )
        whole = {"validate": "integer", "criteria": "between"}
        first = FIRST + 1
        sheet.data_validation(
            FIRST, 1, last, 3,
            whole | {"minimum": 0, "maximum": MOST, "error_title": "应点评数",
                     "error_message": "请填写不小于 0 的整数，没有的填 0。"},
        )  # fmt: skip
        sheet.data_validation(
            FIRST, 4, last, 6,
            whole | {"minimum": f"=-K{first}", "maximum": f"=B{first}-K{first}", "error_title": "本次新增",
                     "error_message": "请先填应点评数，再填整数：上次累计加新增不能大于应点评数，也不能小于 0。"},
        )  # fmt: skip
        too_many = {"type": "formula", "criteria": f"=AND(ISNUMBER(H{first}),H{first}>B{first})"}
        sheet.conditional_format(FIRST, 7, total, 9, too_many | {"format": self.style["wrong"]})

    def _set_up(self, total: int) -> None:
        sheet = self.sheet
        sheet.set_landscape()
        sheet.set_paper(PAPER_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(*[48 / 72] * 4)
        sheet.center_horizontally()
        sheet.print_area(0, 0, total + 3, BEFORE - 1)
        sheet.repeat_rows(4, 5)
        sheet.freeze_panes(FIRST, 1)
        sheet.hide_gridlines(2)
        sheet.set_selection(3, 8, 3, 8)
        sheet.protect("", {"format_rows": True, "format_columns": True})
