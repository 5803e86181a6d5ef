"""Sheets: which there are, what they are called, what of them is shown."""

from __future__ import annotations

import io
from collections.abc import Callable

import xlsxwriter
from openpyxl import Workbook
from openpyxl.styles import Font

from tests.orgs.books import ORG, TREE, book, edited, saved, surgery
from tests.orgs.dirty.case import SHEET, Case, org, set_, tree


def titled(*titles: str) -> Callable[[], bytes]:
    """The sheet of organisations under the first title, empty ones under the others."""

    def edit(made: Workbook) -> None:
        made["组织"].title = titles[0]
        for title in titles[1:]:
            made.create_sheet(title)

    return lambda: edited(book(TREE), edit)


def hidden_rows(page) -> None:
    page.row_dimensions[3].hidden = True
    page.row_dimensions[4].hidden = True


def filtered(page) -> None:
    page.auto_filter.ref = "A1:F5"
    page.auto_filter.add_filter_column(2, ["党组"])
    page.row_dimensions[5].hidden = True


def hidden_column(page) -> None:
    page.column_dimensions["E"].hidden = True


def hidden_sheet() -> bytes:
    def edit(made: Workbook) -> None:
        made.create_sheet("附表")
        made["组织"].sheet_state = "hidden"
        made.active = 1

    return edited(book(TREE), edit)


def protected(page) -> None:
    page.protection.sheet = True
    page.protection.password = "secret"


def dimension(ref: str) -> Callable[[], bytes]:
    return lambda: surgery(book(TREE), change={SHEET: ('<dimension ref="[^"]*" ?/>', f'<dimension ref="{ref}"/>')})


def strict() -> bytes:
    """The namespaces of strict OOXML."""
    main = (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
    )
    return surgery(book(TREE), change={SHEET: main, "xl/workbook.xml": main, "xl/sharedStrings.xml": main})


def by_another_writer() -> bytes:
    stream = io.BytesIO()
    made = xlsxwriter.Workbook(stream, {"in_memory": True})
    page = made.add_worksheet("组织")
    bold = made.add_format({"bold": True})
    for number, row in enumerate([ORG, *TREE]):
        for at, cell in enumerate(row):
            page.write(number, at, cell)
    page.write_rich_string(2, 1, "示例局", bold, "机关", "党委")
    made.close()
    return stream.getvalue()


def inline() -> bytes:
    """A row of strings that stand in the cells."""
    cells = "".join(
        f'<c r="{letter}6" t="inlineStr"><is><t>{value}</t></is></c>'
        for letter, value in zip("ABCDE", org()[:5], strict=True)
    )
    return surgery(book(TREE), change={SHEET: ("</sheetData>", f'<row r="6">{cells}</row></sheetData>')})


def far(made: Workbook) -> None:
    made["组织"]["XFD1048576"].font = Font(bold=True)


def remarks(page) -> None:
    page["A6"], page["B6"] = "合 计", 4
    page["B8"] = "总计：4 个"
    page["A8"] = "总计"
    page["A9"] = "注：本表由各单位填报"
    page["A10"], page["D10"] = "填表人：张三", "审核人：李四"


CASES = [
    Case("an empty workbook", lambda: saved(Workbook()), refused="找不到要导入的工作表"),
    Case("only unknown sheets", titled("Sheet1", "附表"), refused="文件里是：Sheet1、附表"),
    Case("a sheet's name between blanks", titled(" 组织\u3000"), stored={"011": {"parent": "01"}}),
    Case("two sheets of one name after trimming", titled("组织", "组织 "), refused="有两个叫“组织”的工作表"),
    Case("an unknown sheet beside", titled("组织", "附表"), notices=("工作表“附表”不在导入范围，已忽略",)),
    Case("a header only", lambda: book([]), refused="没有数据行"),
    Case("blanks below the header", lambda: book([(None, " ", "\u3000", None, None, None)]), refused="没有数据行"),
    Case("one sheet empty", lambda: book(TREE, []), notices=("工作表“人员”只有表头，没有数据",)),
    Case(
        "hidden rows", tree(hidden_rows),
        notices=("工作表“组织”有看不见的内容，照样导入：2 行（隐藏或被筛选）",),
    ),
    Case("filtered rows", tree(filtered), notices=("工作表“组织”有看不见的内容，照样导入：1 行（隐藏或被筛选）",)),
    Case(
        "a hidden column", tree(hidden_column), stored={"011": {"parent": "01"}},
        notices=("工作表“组织”有看不见的内容，照样导入：1 列（隐藏）",),
    ),
    Case("a hidden sheet", hidden_sheet, notices=("工作表“组织”是隐藏的，照样导入",)),
    Case("a protected sheet", tree(protected)),
    Case(
        "totals and notes below the table", tree(remarks),
        notices=("工作表“组织”第 6、8 行是合计，已忽略", "工作表“组织”第 9、10 行是表下的说明，已忽略"),
    ),
    Case("a total without code that is not called so", tree(set_(B6=4)), problems=(
        "组织!6 组织代码: 不能为空", "组织!6 组织名称: 是数字 4，不是名称", "组织!6 组织类型: 不能为空", "组织!6 单位类别: 不能为空",
    )),
    Case("a styled empty cell in the far corner", lambda: edited(book(TREE), far), hostile=True),
    Case(
        "a value in the far corner", tree(set_(XFD1048576="x")),
        refused="第 1048576 行、第 16384 列，超出可读范围", hostile=True,
    ),
    Case("a stated dimension that is too small", dimension("A1:B2")),
    Case("a stated dimension of the whole sheet", dimension("A1:XFD1048576"), hostile=True),
    Case("strict OOXML", strict),
    Case("another writer, and rich text", by_another_writer, stored={"01": {"name": "示例局机关党委"}}),
    Case("inline strings", inline, counts={"组织": (5, 0, 0, 0)}, stored={"9": {"name": "新组织", "parent": "01"}}),
]  # fmt: skip
