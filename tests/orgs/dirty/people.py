"""People, posts and divisions of work."""

from __future__ import annotations

from typing import Any

from tests.orgs.books import CHARGE, PERSON, POST, TREE, book
from tests.orgs.dirty.case import SOUND, Case, more

PEOPLE = [("P1", "张三", "011"), ("P2", "李四", "012")]
WITH_PHONE = [*PERSON, "手机"]


def person(row: tuple, *problems: str) -> dict[str, Any]:
    return {"data": lambda: book(TREE, [row]), "problems": problems}


def posts(rows: list[tuple], *problems: str) -> dict[str, Any]:
    padded = [(*row, *[None] * (len(POST) - len(row))) for row in rows]
    return {
        "data": lambda: book(TREE, PEOPLE, padded),
        "problems": problems,
        "counts": {**SOUND, "人员": (2, 0, 0, 0), "任职": (len(rows), 0, 0, 0)},
    }


def charge(row: tuple, *problems: str) -> dict[str, Any]:
    padded = (*row, *[None] * (len(CHARGE) - len(row)))
    return {
        "data": lambda: book(TREE, PEOPLE, [("P1", "001", "成员", None, None, None)], [padded]),
        "problems": problems,
        "counts": {**SOUND, "人员": (2, 0, 0, 0), "任职": (1, 0, 0, 0), "分管": (1, 0, 0, 0)},
    }


CASES = [
    Case("a person twice", lambda: book(TREE, [PEOPLE[0], PEOPLE[0]]), problems=('人员!3 人员编号: 编号 "P1" 与第 2 行重复',)),
    Case("a person in two branches", lambda: book(TREE, [PEOPLE[0], ("P1", "张三", "012")]), problems=('人员!3 人员编号: 编号 "P1" 与第 2 行重复',)),
    Case("a member of a committee", **person(("P9", "赵五", "01"), '人员!2 所属支部代码: "01" 不是党支部，党员只能属于党支部')),
    Case("a member of an unknown branch", **person(("P9", "赵五", "xx"), '人员!2 所属支部代码: 找不到组织 "xx"')),
    Case("a member without a branch", **person(("P9", "赵五", None), "人员!2 所属支部代码: 不能为空")),
    Case("a person's number as a number", **person((7, "赵五", "-"), "人员!2 人员编号: 是数字 7，不是文本，开头的 0 可能已经丢失")),
    Case("a person called 5", **person(("P9", 5, "-"), "人员!2 姓名: 是数字 5，不是名称")),
    Case("a branch outside the system", lambda: book(TREE, [("P9", "赵五", "-")]), counts={**SOUND, "人员": (1, 0, 0, 0)}),
    Case("a masked mobile changes nothing", lambda: book(people=[("P1", "张三", "011", "138****8000")], 人员=WITH_PHONE),
         before=more(people=[("P1", "张三", "011", 13800138000)], 人员=WITH_PHONE),
         counts={"人员": (0, 0, 1, 0)}, stored={"P1": {"mobile": "13800138000"}}),
    Case("either word for a member", **posts([("P1", "001", "委员"), ("P2", "01", "成员")])),
    Case("a post of an unknown person", **posts([("P7", "001", "书记")], '任职!2 人员编号: 找不到人员 "P7"')),
    Case("a post in an unknown organisation", **posts([("P1", "77", "书记")], '任职!2 组织代码: 找不到组织 "77"')),
    Case("an unknown role", **posts([("P1", "001", "主任")], '任职!2 职务: 不认识 "主任"')),
    Case("two secretaries at once", **posts([("P1", "001", "书记"), ("P2", "001", "书记")],
         '任职!3 职务: 组织 "001" 同一时间有两名书记（另一名：P1）')),
    Case("two secretaries whose terms overlap", **posts(
         [("P1", "001", "书记", None, "2010-07-01"), ("P2", "001", "书记", "2010-06-30")],
         '任职!3 职务: 组织 "001" 同一时间有两名书记（另一名：P1）')),
    Case("two secretaries one after the other", **posts(
         [("P1", "001", "书记", None, "2010-07-01"), ("P2", "001", "书记", "2010-07-01")])),
    Case("a post that ends before it begins", **posts([("P1", "001", "书记", "2010-07-01", "2010-01-01")],
         "任职!2 免职日期: 免职日期 2010-01-01 早于任职日期 2010-07-01")),
    Case("a post twice", **posts([("P1", "001", "成员"), ("P1", "001", "委员")],
         "任职!3 人员编号: 同一人、同一组织、同一职务、同一任职日期，与第 2 行重复")),
    Case("a post that overlaps itself", **posts([("P1", "001", "成员"), ("P1", "001", "委员", "2010-01-01")],
         "任职!3 任职日期: 与同一人的同一职务时间重叠")),
    Case("a division of work", **charge(("P1", "001", "012"))),
    Case("a division of work without a post there", **charge(("P2", "001", "012"), '分管!2 所在班子代码: "P2" 没有在 "001" 任职')),
    Case("a division of work outside the team", **charge(("P1", "001", "001"), '分管!2 分管组织代码: "001" 不在 "001" 之下')),
    Case("a division of work of an unknown organisation", **charge(("P1", "001", "77"), '分管!2 分管组织代码: 找不到组织 "77"')),
    Case("an unknown kind of division", **charge(("P1", "001", "012", "主办"), '分管!2 主次: 不认识 "主办"')),
]  # fmt: skip
