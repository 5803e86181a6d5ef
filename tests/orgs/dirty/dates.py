"""Dates in the spellings that people use, and numbers that stand for them."""

from __future__ import annotations

import datetime
from typing import Any

from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.builders import day
from tests.orgs.books import ORG, TREE, book, edited
from tests.orgs.dirty.case import Case


def dated(cell: Any):
    rows = [(*row, None) for row in TREE[:3]] + [(*TREE[3], cell)]
    return lambda: book(rows, 组织=[*ORG, "成立日期"])


def said_as(written: Any, meant: str, name: str = "") -> Case:
    return Case(f"the date {name or written}", dated(written), stored={"012": {"founded_on": day(meant)}})


def refused(written: Any, problem: str, name: str = "") -> Case:
    return Case(f"no date: {name or written}", dated(written), problems=(f"组织!5 成立日期: {problem}",))


def in_1904() -> bytes:
    return edited(dated(datetime.date(2010, 12, 31))(), lambda made: setattr(made, "epoch", CALENDAR_MAC_1904))


CASES = [
    said_as("2010-12-31", "2010-12-31"),
    said_as("2010-1-1", "2010-01-01"),
    said_as("2010年12月31日", "2010-12-31"),
    said_as("2010年1月", "2010-01-01"),
    said_as("2010/12/31", "2010-12-31"),
    said_as(" 2010/1/5 ", "2010-01-05", "with blanks"),
    said_as("2010.12", "2010-12-01"),
    said_as("2010.12.31", "2010-12-31"),
    said_as("20101231", "2010-12-31"),
    said_as(20101231, "2010-12-31", "20101231 as a number"),
    said_as("2010-12-31 00:00:00", "2010-12-31"),
    said_as("２０１０-１２-３１", "2010-12-31"),
    said_as(2010.12, "2010-12-01", "2010.12 as a number"),
    said_as(datetime.date(2010, 12, 31), "2010-12-31", "in a date cell"),
    said_as(datetime.datetime(2010, 12, 31, 0, 0), "2010-12-31", "in a cell with midnight"),  # noqa: DTZ001
    Case("the 1904 system", in_1904, stored={"012": {"founded_on": day("2010-12-31")}}),
    refused("2010-02-31", '没有 "2010-02-31" 这一天'),
    refused("去年", '看不懂日期 "去年"'),
    refused("2010", '看不懂日期 "2010"'),
    refused("12/31/2010", '看不懂日期 "12/31/2010"'),
    refused("1899-12-31", "年份 1899 不合理"),
    refused("0210-01-01", "年份 210 不合理"),
    refused(40543, "是数字 40543，看不出是哪一天，可能是 2010-12-31", "a serial number"),
    refused(2010.1, "是数字 2010.1，看不出是哪一天", "2010.1 as a number"),
    refused(True, "是逻辑值（TRUE/FALSE），不是日期", "a truth value"),
    refused("2010-12-31 08:30:00", '看不懂日期 "2010-12-31 08:30:00"'),
]  # fmt: skip
