"""Comma-separated files, and what calls itself so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.orgs.books import ORG, TREE
from tests.orgs.dirty.case import Case


def text(after: str = "", between: str = ",", rows=TREE, header=ORG) -> str:
    return "\r\n".join(between.join(cell or "" for cell in row) for row in [header, *rows]) + after


def case(name: str, data: Callable[[], bytes], **expected: Any) -> Case:
    return Case(f"csv: {name}", data, "a.csv", **expected)


CASES = [
    case("UTF-8", lambda: text().encode(), stored={"011": {"name": "办公室党支部", "parent": "01"}}),
    case("UTF-8 with a BOM", lambda: text().encode("utf-8-sig"), stored={"001": {"name": "示例局党组"}}),
    case("GB18030", lambda: text().encode("gb18030"), stored={"001": {"name": "示例局党组"}}, notices=("按 GB18030 编码读取",)),
    case("UTF-16", lambda: text().encode("utf-16"), refused="csv 是 UTF-16 编码"),
    case("no encoding", lambda: text().encode() + b"\xff\xff\xff", refused="编码既不是 UTF-8 也不是 GB18030"),
    case("semicolons", lambda: text(between=";").encode(), refused="分号或制表符"),
    case("tabs", lambda: text(between="\t").encode(), refused="分号或制表符"),
    case("an unclosed quote", lambda: text('\r\n"9,甲').encode(), refused="引号不成对"),
    case("a NUL", lambda: text().encode() + b"\0", refused="含有空字符"),
    case("unknown headers", lambda: "甲,乙\r\n1,2".encode(), refused="找不到已知的表头"),
    case("a header only", lambda: text(rows=[]).encode(), refused="没有数据行"),
    case("nothing", lambda: b"", refused="文件是空的"),
    case("a row too short", lambda: text("\r\n8,处支部").encode(), problems=('组织!6: 这一行只有 2 列，表头有 6 列', '组织!6 组织类型: 不能为空', '组织!6 单位类别: 不能为空', '组织!6 上级代码: 没有上级，会成为又一个根组织（已有 "001"）')),
    case("a row too long", lambda: text("\r\n9,甲,党支部,机关内设机构,01,,多").encode(), problems=("组织!6: 这一行有 7 列，表头只有 6 列",)),
    case("a surplus comma", lambda: text("\r\n9,甲,党支部,机关内设机构,01,,").encode(), counts={"组织": (5, 0, 0, 0)}),
    case("quoted line breaks", lambda: text('\r\n\r\n9,"处\n支部",党支部,机关内设机构,nix,').encode(),
         problems=("组织!7 组织名称: 中间有换行", '组织!7 上级代码: 找不到组织 "nix"')),
    case("a guarded formula", lambda: text("\r\n9,'-1 号党支部,党支部,机关内设机构,01,").encode(), counts={"组织": (5, 0, 0, 0)},
         stored={"9": {"name": "-1 号党支部"}}),
    case("a total below", lambda: text("\r\n合计,4,,,,\r\n填表人：张三").encode(),
         notices=("工作表“组织”第 6 行是合计，已忽略", "工作表“组织”第 7 行是表下的说明，已忽略")),
]  # fmt: skip
