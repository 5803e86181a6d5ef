"""Cells whose content is lost, or is not what it looks like."""

from __future__ import annotations

from tests.orgs.books import ORG, TREE, book, surgery
from tests.orgs.dirty.case import FILES, SHEET, Case, more, org, plus, set_, tree

ERROR = "单元格是错误值（如 #N/A、#REF!）"
LOST = "公式没有计算结果"
WITH_DATE = [*ORG, "成立日期"]


def cell(place: str, xml: str, data: bytes | None = None) -> bytes:
    """The workbook with one cell written anew."""
    made = data or book([*TREE, org()])
    return surgery(made, change={SHEET: (rf'<c r="{place}"[^>]*?(?:/>|>.*?</c>)', xml)})


def merged_parents(page) -> None:
    page.merge_cells("E4:E5")


def merged_across(page) -> None:
    page.merge_cells("D4:E5")


def merged_codes(page) -> None:
    page.merge_cells("A4:A5")


def merged_empty(page) -> None:
    page["E4"] = None
    page.merge_cells("E4:E5")


def same_notes(page) -> None:
    """Colours, comments of a hundred words and a height do not matter."""
    page.row_dimensions[2].height = 60
    page["H2"] = " "


CASES = [
    Case("a formula with its value", lambda: cell("B6", '<c r="B6" t="str"><f>"新"&amp;"组织"</f><v>新组织</v></c>'),
         counts=plus(), stored={"9": {"name": "新组织"}}),
    Case("a formula never calculated", tree(set_(B6="=1+1"), org()), problems=(f"组织!6 组织名称: {LOST}",)),
    Case("a parent by a formula never calculated", tree(set_(E6="=A3"), org()), problems=(f"组织!6 上级代码: {LOST}",)),
    Case("#N/A in a code", lambda: cell("A6", '<c r="A6" t="e"><v>#N/A</v></c>'), problems=(f"组织!6 组织代码: {ERROR}",)),
    Case("#REF! as parent makes no root", lambda: cell("E6", '<c r="E6" t="e"><f>#REF!</f><v>#REF!</v></c>'),
         problems=(f"组织!6 上级代码: {ERROR}",)),
    Case("#REF! in a date", lambda: cell("G6", '<c r="G6" t="e"><v>#REF!</v></c>',
         book([*[(*r, None) for r in TREE], (*org(), "2010-01-01")], 组织=WITH_DATE)),
         problems=(f"组织!6 成立日期: {ERROR}",)),
    Case("a parent merged downwards", tree(merged_parents), counts=plus(0), stored={"012": {"parent": "01"}},
         notices=("工作表“组织”的列“上级代码”有合并单元格，合并的 1 行都按合并的内容理解",)),
    Case("a parent merged with what stands beside it", tree(merged_across),
         problems=tuple(f"组织!{place}: 单元格被合并，内容只在合并区域的左上角" for place in ("4 上级代码", "5 单位类别", "5 上级代码"))),
    Case("codes merged downwards", tree(merged_codes),
         problems=("组织!5 组织代码: 与上一行的单元格合并了，这一列每行的内容都不同",)),
    Case("a parent merged over nothing is no root", tree(merged_empty),
         problems=('组织!4 上级代码: 没有上级，会成为又一个根组织（已有 "001"）',
                   '组织!5 上级代码: 没有上级，会成为又一个根组织（已有 "001"）')),
    Case("a truth value as code", more(org(code=True)), problems=("组织!6 组织代码: 是逻辑值（TRUE/FALSE），不是代码",)),
    Case("a truth value as name", more(org(name=True)), problems=("组织!6 组织名称: 是逻辑值（TRUE/FALSE），不是名称",)),
    Case("a number as name", more(org(name=12)), problems=("组织!6 组织名称: 是数字 12，不是名称",)),
    Case("blanks beside the table", tree(same_notes)),
    Case("32,767 characters in a cell", more(org(name="名" * 32767)),
         problems=("组织!6 组织名称: 超过 200 个字（现有 32767 个）",), hostile=True),
    Case("a text like a formula", more(org(name="-1 号党支部")), counts=plus(), stored={"9": {"name": "-1 号党支部"}}),
    Case("lost cells in an xls", lambda: (FILES / "bad.xls").read_bytes(), "a.xls", problems=('组织!3 组织代码: 是数字 1，不是文本，开头的 0 可能已经丢失', '组织!4 组织名称: 是逻辑值（TRUE/FALSE），不是名称', '组织!4 上级代码: 找不到组织 "01"，是否指 "001"（示例局党组）？', '组织!5 上级代码: 单元格是错误值（如 #N/A、#REF!）')),
    Case("lost cells in an ods", lambda: (FILES / "bad.ods").read_bytes(), "a.ods", problems=('组织!3 组织代码: 是数字 1，不是文本，开头的 0 可能已经丢失', '组织!4 组织名称: 是数字 1，不是名称', '组织!4 上级代码: 找不到组织 "01"，是否指 "001"（示例局党组）？', '组织!5 上级代码: 单元格是错误值（如 #N/A、#REF!）')),
]  # fmt: skip
