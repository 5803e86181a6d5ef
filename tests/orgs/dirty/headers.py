"""Headers: renamed, doubled, missing, and not in the first row."""

from __future__ import annotations

from tests.orgs.books import ORG, TREE, book
from tests.orgs.dirty.case import Case, more, tree


def header(*titles: str, rows=TREE):
    return lambda: book(rows, 组织=list(titles))


def title(page) -> None:
    page.insert_rows(1, 2)
    page["A1"] = "组织一览表（2010 年）"


def merged_title(page) -> None:
    page.insert_rows(1)
    page["A1"] = "组织一览表"
    page.merge_cells("A1:F1")


def two_rows(page) -> None:
    page.insert_rows(1)
    page["A1"], page["C1"] = "基本情况", "类别"
    page.merge_cells("A1:B1")
    page.merge_cells("C1:F1")


def merged_down(page) -> None:
    page.insert_rows(2)
    for letter in "ABCDEF":
        page.merge_cells(f"{letter}1:{letter}2")


def at_c4(page) -> None:
    page.insert_rows(1, 3)
    page.insert_cols(1, 2)
    page["A1"] = "组织一览表"
    page["C8"] = None


CASES = [
    Case(
        "line breaks, blanks, stars and another order",
        header(
            "单 位\n类别＊", " 组织名称*", "组织\u3000代码★", "组织类型", "上级\r\n代码",
            rows=[(row[3], row[1], row[0], row[2], row[4]) for row in TREE],
        ),
        stored={"011": {"name": "办公室党支部", "parent": "01"}},
    ),
    Case(
        "the usual other names",
        header("党组织代码", "党组织名称*", "党组织类型", "单位性质", "上级党组织", "与上级关系"),
        stored={"011": {"parent": "01"}},
        notices=("工作表“组织”的列“上级党组织”按“上级代码”理解",),
    ),
    Case("no header at all", header("a", "b", "c", "d", "e", "f"), refused="工作表“组织”里找不到表头"),
    Case("a required header missing", header(*ORG[:3], "甲", *ORG[4:]), refused="缺少必填的列：单位类别"),
    Case("a header twice", header(*ORG[:4], "组织代码", "关系"), refused="列“组织代码”出现了两次"),
    Case("a synonym twice", header(*ORG[:4], "上级组织", "上级组织"), refused="列“上级代码”出现了两次"),
    Case("an unknown column", more(组织=[*ORG[:5], "备忘"]), notices=("工作表“组织”里不认识的列“备忘”已忽略",)),
    Case("a title above the header", tree(title), stored={"012": {"parent": "01"}}),
    Case("a merged title", tree(merged_title), stored={"012": {"parent": "01"}}),
    Case("two rows of header", tree(two_rows), stored={"012": {"parent": "01"}}),
    Case("a header merged downwards", tree(merged_down), stored={"012": {"parent": "01"}}),
    Case("a table from C4, numbered as the sheet does", tree(at_c4), problems=("组织!8 组织代码: 不能为空",)),
]  # fmt: skip
