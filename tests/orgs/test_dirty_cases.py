"""Files as they really come, beyond what test_import_files, _rows and _kindness hold: each with what a person expects.

Every case is a real file. It is taken with exactly this meaning and these notices, or refused with exactly this
sentence, and then nothing of it is stored.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import xlsxwriter
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font, Protection
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from orgs.importing import apply, reading
from orgs.models import Organization, Person
from tests.builders import day
from tests.orgs.books import ORG, PERSON, TREE, book, edited, import_, plan_of, said, saved, surgery

pytestmark = pytest.mark.django_db
SHEET = "xl/worksheets/sheet1.xml"
LAST = (*TREE[3][:4], "01", None)
PEOPLE = [("P1", "张三", "011")]


@dataclass(frozen=True)
class Case:
    """`says`: parts of the notices, in any order. `wrong`: the problems. `refused`: words of the whole refusal."""

    name: str
    data: Callable[[], bytes]
    says: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    refused: str = ""
    holds: Callable[[], bool] = field(default=lambda: Organization.objects.count() == 4)
    file: str = "a.xlsx"


def org(**changed: object) -> bytes:
    """The tree, with the last organisation changed."""
    columns = dict(zip(("code", "name", "kind", "category", "parent", "relation"), LAST, strict=True))
    return book([*TREE[:3], tuple({**columns, **changed}.values())])


def painted(edit: Callable) -> Callable[[], bytes]:
    return lambda: edited(book(TREE, PEOPLE), edit)


def hide_rows(made) -> None:
    made["组织"].row_dimensions[3].hidden = True
    made["组织"].row_dimensions[4].hidden = True


def filter_rows(made) -> None:
    made["组织"].auto_filter.ref = "A1:F5"
    made["组织"].auto_filter.add_filter_column(2, ["党组"])
    for row in (3, 4, 5):
        made["组织"].row_dimensions[row].hidden = True


def hide_column(made) -> None:
    made["组织"].column_dimensions["B"].hidden = True


def below(*rows: tuple) -> Callable:
    def edit(made) -> None:
        for row in rows:
            made["组织"].append(row)

    return edit


def title(made) -> None:
    made["组织"].insert_rows(1, 2)
    made["组织"]["A1"] = "示例局党组织名册"
    made["组织"].merge_cells("A1:F1")
    made["组织"]["A2"] = "填报单位：示例局    2010年12月"


def rich(made) -> None:
    made["组织"]["B5"] = CellRichText("检务处", TextBlock(InlineFont(b=True), "党支部"))


def protect(made) -> None:
    made["组织"].protection.sheet = True
    made["组织"].protection.password = "x"
    made["组织"]["A1"].protection = Protection(locked=True)


def mac(made) -> None:
    made.epoch = CALENDAR_MAC_1904
    made["组织"]["G1"] = "成立日期"
    made["组织"]["G5"] = day("2010-12-31")


def with_dates(*cells: object) -> Callable[[], bytes]:
    """The founding days of the last organisations."""
    padded = [*([None] * (len(TREE) - len(cells))), *cells]
    return lambda: book([(*row, cell) for row, cell in zip(TREE, padded, strict=True)], 组织=[*ORG, "成立日期"])


def founded(on: str) -> Callable[[], bool]:
    return lambda: Organization.objects.get(code="012").founded_on == day(on)


def named(name: str) -> Callable[[], bool]:
    return lambda: Organization.objects.get(code="012").name == name


def tabbed() -> bytes:
    return "\n".join("\t".join(str(cell or "") for cell in row) for row in [ORG, *TREE]).encode("utf-8")


def comma(*extra: tuple) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows([ORG, *[[cell or "" for cell in row] for row in TREE], *extra])
    return stream.getvalue().encode("utf-8-sig")


def million_formatted_rows() -> bytes:
    """Two million empty cells with a format, as a painted column leaves them."""
    empty = "".join(f'<row r="{n}"><c r="A{n}" s="0"/><c r="B{n}" s="0"/></row>' for n in range(6, 1_000_006))
    return surgery(book(TREE), change={SHEET: ("</sheetData>", empty + "</sheetData>")})


def strict() -> bytes:
    """ISO 29500 strict: other names of the same things."""
    old, new = (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
    )
    return surgery(book(TREE), change={SHEET: (old, new), "xl/workbook.xml": (old, new)})


def inline() -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"constant_memory": True}) as made:
        page = made.add_worksheet("组织")
        for number, row in enumerate([ORG, *TREE]):
            page.write_row(number, 0, row)
    return stream.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 200
CASES = [
    Case("hidden rows are read, and it is said", painted(hide_rows), ("2 行也一并读取",)),
    Case("rows that are filtered away are read, and it is said", painted(filter_rows), ("3 行也一并读取",)),
    Case("a hidden column is read", painted(hide_column)),
    Case("a hidden sheet is read", painted(lambda made: setattr(made["人员"], "sheet_state", "hidden")), holds=lambda: Person.objects.count() == 1),
    Case("a total row is left out, and it is said", painted(below(("合计", 4))), ("第 6 行像是合计，已忽略",)),
    Case("a total row spelled with blanks", painted(below(("合　计", "4 个"))), ("第 6 行像是合计",)),
    Case("notes below the table are left out", painted(below((), ("填表人：李四", None, None, "审核人：王五"), ("注：不含离退休支部",))), ("第 7、8 行像是表外的说明",)),
    Case("an organisation called 合计 with all that is required is one", lambda: org(name="合计")),
    Case("a row that only looks like a note is wrong", painted(below(("某处党支部",))), wrong=("组织!6 组织名称: 不能为空", "组织!6 组织类型: 不能为空", "组织!6 单位类别: 不能为空", "组织!6 上级代码: 没有上级，会成为又一个根组织")),
    Case("a title and a line below it above the header", painted(title)),
    Case("rich text", painted(rich), holds=named("检务处党支部")),
    Case("a protected sheet that is not encrypted", painted(protect)),
    Case("inline strings", inline),
    Case("strict OOXML", strict),
    Case("dates of the 1904 system", painted(mac), holds=founded("2010-12-31")),
    Case("a date with dots", with_dates("2010.12.31"), holds=founded("2010-12-31")),
    Case("a date of eight digits as text", with_dates("20101231"), holds=founded("2010-12-31")),
    Case("a date with midnight behind it", with_dates("2010-12-31 00:00:00"), holds=founded("2010-12-31")),
    Case("a month in Chinese", with_dates("2010年12月"), holds=founded("2010-12-01")),
    Case("a serial number is no date, and its likely day is named", with_dates(40543), wrong=("组织!5 成立日期: 是数字 40543，看不出是哪一天；如果是日期序号，应为 2010-12-31",)),
    Case("eight digits as a number", with_dates(20101231), wrong=("组织!5 成立日期: 是数字 20101231，看不出是哪一天",)),
    Case("a thirteenth month", with_dates("20101331"), wrong=('组织!5 成立日期: 没有 "20101331" 这一天',)),
    Case("a day before 1900", with_dates("1899-12-31"), wrong=("组织!5 成立日期: 年份 1899 不合理",)),
    Case("emoji in a name stays", lambda: org(name="检务处🚩党支部"), holds=named("检务处🚩党支部")),
    Case("rare characters stay as they are", lambda: org(name="𠮷野㐂党支部"), holds=named("𠮷野㐂党支部")),
    Case("compatibility characters of a name are not folded", lambda: org(name="ＡＢ㈱党支部"), holds=named("ＡＢ㈱党支部")),
    Case("a line break in a name", lambda: org(name="检务处\n党支部"), wrong=("组织!5 组织名称: 含有看不见的字符 U+000A",)),
    Case("a tab in a name", lambda: org(name="检务处\t党支部"), wrong=("组织!5 组织名称: 含有看不见的字符 U+0009",)),
    Case("a byte order mark inside a name", lambda: org(name="检务\ufeff处党支部"), wrong=("组织!5 组织名称: 含有看不见的字符 U+FEFF",)),
    Case("a right-to-left override", lambda: org(name="检务\u202e处党支部"), wrong=("组织!5 组织名称: 含有看不见的字符 U+202E",)),
    Case("no-break and wide blanks around a name", lambda: org(name="\u00a0\u3000检务处党支部\u3000"), holds=named("检务处党支部")),
    Case("a cell of 32,767 characters", lambda: org(name="长" * 32_767), wrong=("组织!5 组织名称: 超过 200 个字（现有 32767 个）",)),
    Case("a code with an exponent", lambda: org(code=1e11), wrong=("组织!5 组织代码: 是数字 100000000000，不是文本，开头的 0 可能已经丢失",)),
    Case("a code with a decimal", lambda: org(code=12.5), wrong=("组织!5 组织代码: 是数字 12.5，不是文本，开头的 0 可能已经丢失",)),
    Case("a code that is a date", lambda: org(code=day("2010-12-31")), wrong=("组织!5 组织代码: 是日期（2010-12-31），不是代码",)),
    Case("a blank inside a code", lambda: org(code="01 2"), wrong=('组织!5 组织代码: 代码 "01 2" 里有空格或斜杠',)),
    Case("drag-fill: A99 becomes A100 and nobody has it", lambda: org(parent="A100"), wrong=('组织!5 上级代码: 找不到组织 "A100"',)),
    Case("a name that was typed as a formula", lambda: org(name="=cmd|'/c calc'!A0"), wrong=("组织!5 组织名称: 公式没有计算结果",)),
    Case("a name that begins with a plus", lambda: org(name="+1 党支部"), holds=named("+1 党支部")),
    Case("a name that begins with an at", lambda: org(name="@党支部"), holds=named("@党支部")),
    Case("a person in two branches", lambda: book(TREE, [("P1", "张三", "011"), ("P1", "张三", "012")]), wrong=('人员!3 人员编号: 编号 "P1" 与第 2 行重复',)),
    Case("a person who belongs to a committee", lambda: book(TREE, [("P1", "张三", "01")]), wrong=('人员!2 所属支部代码: "01" 不是党支部，党员只能属于党支部',)),
    Case("two header rows: the one with names counts", painted(lambda made: (made["组织"].insert_rows(1), made["组织"].__setitem__("A1", "基本信息"))[0])),
    Case("a million empty formatted rows", million_formatted_rows),
    Case("a renamed image", lambda: PNG, refused="不是电子表格"),
    Case("an image that calls itself csv", lambda: PNG, refused="空字符", file="a.csv"),
    Case("csv with tabs", tabbed, refused="分号或制表符", file="a.csv"),
    Case("csv with a total row", lambda: comma(("合计", "4", "", "", "", "")), ("第 6 行像是合计",), file="a.csv"),
    Case("csv with a formula-like name behind our apostrophe", lambda: comma(("013", "'=1+1 党支部", "党支部", "机关内设机构", "01", "")), holds=lambda: Organization.objects.get(code="013").name == "=1+1 党支部", file="a.csv"),
    Case("a sheet's name with blanks around it", painted(lambda made: setattr(made["组织"], "title", " 组织 "))),
    Case("bold, colours and comments do no harm", painted(lambda made: setattr(made["组织"]["A1"], "font", Font(bold=True, color="FF0000")))),
    Case("header written over two lines", lambda: book(TREE, 组织=["组织\n代码★", " 组织名称 ＊", "组织类型*", "单位\r\n类别", "上级代码", "关系"])),
    Case("a sheet of people without its required column", lambda: book(TREE, [("P1", "张三")], 人员=PERSON[:2]), refused="缺少必填的列：所属支部代码"),
    Case("an empty workbook", lambda: saved(Workbook()), refused="找不到要导入的工作表"),
]  # fmt: skip


def test_every_case_has_a_name_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES) >= 50


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_dirty_file(case):
    data = case.data()
    if case.refused:
        with pytest.raises(reading.Unreadable, match=case.refused):
            reading.read(data, case.file)
        return
    if case.wrong:
        problems = said(plan_of(data, case.file))
        assert len(problems) == len(case.wrong), problems
        assert all(problem.startswith(wrong) for problem, wrong in zip(problems, case.wrong, strict=True)), problems
        with pytest.raises(apply.Wrong):
            import_(data, case.file)
        assert not Organization.objects.exists()
        assert not Person.objects.exists()
        return
    plan = import_(data, case.file)
    assert case.holds()
    for part in case.says:
        assert any(part in notice for notice in plan.notices), plan.notices
