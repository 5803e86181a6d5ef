"""As a new user would: the real tree with more than twenty mistakes typed into it, mended from the messages alone."""

from __future__ import annotations

import csv
import datetime
import io
from typing import Any, NamedTuple

import pytest
from openpyxl import Workbook, load_workbook

from orgs.importing import apply, columns, export, job, telling, uploaded
from orgs.importing.columns import SHEETS, header_key
from orgs.models import ImportState
from reports.demonstration import load
from reports.demonstration.people import invent
from tests import builders
from tests.orgs.books import saved

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


class Mistake(NamedTuple):
    """What is typed where, and the words by which one knows what to do."""

    sheet: str
    key: str  # the row: its first cell (任职, 分管: its number)
    column: str
    typed: Any
    words: tuple[str, ...]


DAY = datetime.date
MISTAKES = [
    Mistake("组织", "001001001002", "上级代码", "OO1001001", ('找不到组织 "OO1001001"', '"001001001"')),
    Mistake("组织", "001001001003", "上级代码", "国家认监委机关党委", ('找不到组织 "国家认监委机关党委"', "添加这个上级，或改正代码")),
    Mistake("组织", "001001001004", "组织类型", "支部小组", ('不认识 "支部小组"', "只能填：党组、党委")),
    Mistake("组织", "001001001005", "单位类别", "机关处室", ('没有单位类别 "机关处室"', "只能填：")),
    Mistake("组织", "001001001006", "组织名称", None, ("不能为空", "请填写")),
    Mistake("组织", "001001001007", "上级代码", "001001001007", ("上级不能是自己", "真正的上级代码")),
    Mistake("组织", "001001002002", "上级代码", None, ("会成为又一个根组织", "填写上级代码")),
    Mistake("组织", "001001002003", "成立日期", "2010年13月1日", ('没有 "2010年13月1日" 这一天', "2010-12-31")),
    Mistake("组织", "001001002004", "排序", "第一", ("不是不小于 0 的整数", "例如 10")),
    Mistake("组织", "001001002005", "上级代码", "001001001001", ("是党支部，下面不能再设组织", "改正上级代码")),
    Mistake("组织", "001001002006", "关系", "挂靠", ('不认识 "挂靠"', "隶属、指导")),
    Mistake("组织", "001001002001", "窗口单位", "对", ('不认识 "对"', "是、否")),
    Mistake("人员", "D00002", "所属支部代码", "00100100100", ('找不到组织 "00100100100"', "是否指", "改正代码")),
    Mistake("人员", "D00003", "所属支部代码", "001001", ('"001001" 不是党支部', "填写党支部的代码")),
    Mistake("人员", "D00004", "性别", "先生", ('不认识 "先生"', "男、女")),
    Mistake("人员", "D00005", "入党日期", "一九八五", ("看不懂日期", "2010-12-31")),
    Mistake("人员", "D00006", "手机", "办公室", ("不是电话号码", "11 位")),
    Mistake("人员", "D00007", "姓名", 12, ("是数字 12，不是名称", "请填写文字")),
    Mistake("人员", "D00009", "人员编号", "D00008", ('编号 "D00008" 与第', "只保留一行")),
    Mistake("任职", "3", "人员编号", "D99999", ('找不到人员 "D99999"', "改正编号")),
    Mistake("任职", "4", "职务", "主任", ('不认识 "主任"', "书记、副书记")),
    Mistake("任职", "5", "免职日期", DAY(1999, 1, 1), ("早于任职日期", "改正日期")),
    Mistake("分管", "3", "分管组织代码", "001", ("不在", "只能分管班子之下的组织")),
]  # fmt: skip


def the_tree() -> bytes:
    """The tree of 2010 with its invented people, imported, as the system gives it back."""
    with load.DATA.open(encoding="utf-8-sig", newline="") as stream:
        made = invent(list(csv.DictReader(stream)))
    apply.import_book(load.book(made), columns.Options(), by=None)
    return export.workbook()


def cells(opened: Workbook) -> dict[Mistake, Any]:
    """The cell of each mistake."""
    found = {}
    for mistake in MISTAKES:
        sheet = opened[mistake.sheet]
        headers = [header_key(cell.value) for cell in sheet[1]]
        if mistake.sheet in ("任职", "分管"):
            row = int(mistake.key)
        else:
            row = next(n for n, (cell,) in enumerate(sheet.iter_rows(max_col=1), start=1) if cell.value == mistake.key)
        found[mistake] = sheet.cell(row, headers.index(mistake.column) + 1)
    return found


def with_mistakes(data: bytes) -> tuple[bytes, dict[tuple[str, int, str], Any]]:
    """The file with the mistakes typed into it, and what stood there: (sheet, row, column) -> value."""
    opened = load_workbook(io.BytesIO(data))
    right = {}
    for mistake, cell in cells(opened).items():
        right[mistake.sheet, cell.row, mistake.column] = cell.value
        cell.value = mistake.typed
    return saved(opened), right


def test_more_than_twenty_mistakes_are_mended_from_their_messages():
    admin = builders.make_user(username="boss", is_superuser=True)
    data = the_tree()
    wrong, right = with_mistakes(data)
    batch = job.upload(wrong, "全系统.xlsx", by=admin)
    assert batch.state == ImportState.REFUSED
    problems = [telling.problem_of(row) for row in batch.counts["problems"]]
    told = {(p.sheet, p.row, p.column): p for p in problems}
    assert len(MISTAKES) >= 20
    assert sorted(told) == sorted(right), [str(problem) for problem in problems]
    by_place = dict(zip(right, MISTAKES, strict=True))
    for place, mistake in by_place.items():
        whole = f"{told[place].message} {told[place].cure}"
        assert all(word in whole for word in mistake.words), whole
    for sums in batch.sums:
        parts = [sums[name] for name in ("new", "updated", "moved", "unchanged", "wrong")]
        assert sum(parts) == sums["total"]
    # The workbook that comes back has every wrong cell marked; mended there, it is the tree again.
    back = load_workbook(io.BytesIO(export.errors(problems, [], uploaded.sent(batch))))
    del back["错误清单"]
    for (sheet, row, column), value in right.items():
        headers = [header_key(cell.value) for cell in back[sheet][1]]
        cell = back[sheet].cell(row, headers.index(column) + 1)
        assert cell.fill.start_color.rgb == "00F4B6B0", (sheet, row, column)
        assert cell.comment
        cell.value = value
    mended = job.upload(saved(back), "改好的.xlsx", by=admin)
    assert mended.counts["problems"] == []
    assert all(sums["unchanged"] == sums["total"] > 0 for sums in mended.sums)
    assert [sums["sheet"] for sums in mended.sums] == list(SHEETS)
