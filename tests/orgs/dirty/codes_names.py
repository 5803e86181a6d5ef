"""Codes are text and folded; names are kept as they are."""

from __future__ import annotations

import functools

from tests.orgs.books import TREE, book, edited
from tests.orgs.dirty.case import Case, more, org, plus, tree, wrong

ZEROS = "不是文本，开头的 0 可能已经丢失"


def shown_as_001(page) -> None:
    page["A6"] = 1
    page["A6"].number_format = "000"


def stays(name: str) -> dict:
    """A name that is stored as it stands."""
    return {"data": more(org(name=name)), "counts": plus(), "stored": {"9": {"name": name}}}


def unseen(name: str, what: str) -> dict:
    return wrong(org(name=name), f"组织!6 组织名称: {what}")


def escaped(text: str) -> bytes:
    return edited(book([*TREE, org()]), lambda made: made["组织"].__setitem__("B6", text))


CASES = [
    Case("a code twice after trimming", **wrong(org(code="\u3000011\u00a0"), '组织!6 组织代码: 代码 "011" 与第 4 行重复')),
    Case("a code twice after folding of widths", **wrong(org(code="０１１"), '组织!6 组织代码: 代码 "011" 与第 4 行重复')),
    Case("a code twice but for case", more(org(code="ab"), org(code="AB")),
         problems=('组织!7 组织代码: 代码 "AB" 与第 6 行重复',)),
    Case("a stored code in another case", lambda: book([org(code="AB")]), before=more(org(code="ab")), counts={"组织": (0, 0, 1, 0)}),
    Case("a code typed as a whole number", **wrong(org(code=19), f"组织!6 组织代码: 是数字 19，{ZEROS}")),
    Case("a code typed as a float", **wrong(org(code=19.5), f"组织!6 组织代码: 是数字 19.5，{ZEROS}")),
    Case("a code of 1E+11", **wrong(org(code=1e11), f"组织!6 组织代码: 是数字 100000000000，{ZEROS}")),
    Case("a parent typed as a number", **wrong(org(parent=1), f"组织!6 上级代码: 是数字 1，{ZEROS}")),
    Case("001 by number format", tree(shown_as_001, org()), problems=(f"组织!6 组织代码: 是数字 1，{ZEROS}",)),
    Case("numbers that are said to be meant", more(org(code=19)), options={"numeric_codes": True}, counts=plus(), stored={"19": {"name": "新组织"}}),
    Case("no code", **wrong(org(code=None), "组织!6 组织代码: 不能为空")),
    Case("a slash in a code", **wrong(org(code="9/1"), '组织!6 组织代码: 代码 "9/1" 里有空格或斜杠')),
    Case("a zero-width blank in a code", **wrong(org(code="9\u200b"), "组织!6 组织代码: 含有看不见的字符 U+200B")),
    Case("full width in a code and in a name", more(org(code="ＡＢ９", name="Ａ处（甲）党支部")), counts=plus(),
         stored={"AB9": {"name": "Ａ处（甲）党支部"}}),
    Case("blanks of every kind around", more(org(code="\u30009\u00a0", name="\ufeff\u00a0新组织\u3000")), counts=plus(),
         stored={"9": {"name": "新组织"}}),
    Case("no name", **wrong(org(name=None), "组织!6 组织名称: 不能为空")),
    Case("a name over 200", **wrong(org(name="名" * 201), "组织!6 组织名称: 超过 200 个字（现有 201 个）")),
    Case("a name of 200", **stays("名" * 200)),
    Case("a line break in a name", **unseen("办公\n室", "中间有换行")),
    Case("a tab in a name", **unseen("办公\t室", "中间有制表符")),
    Case("a zero-width joiner in a name", **unseen("办\u200d公室", "含有看不见的字符 U+200D")),
    Case("a BOM inside a name", **unseen("办\ufeff公室", "含有看不见的字符 U+FEFF")),
    Case("a bidirectional override", **unseen("办\u202e公室", "含有看不见的字符 U+202E")),
    Case("an escaped NUL", functools.partial(escaped, "甲_x0000_丙"), problems=("组织!6 组织名称: 含有看不见的字符 U+0000",)),
    Case("an escaped bell", functools.partial(escaped, "甲_x0007_丙"), problems=("组织!6 组织名称: 含有看不见的字符 U+0007",)),
    Case("emoji in a name", **stays("先锋🚀党支部")),
    Case("rare characters", **stays("𠮷林𪚥党支部")),
    Case("compatibility characters are never folded", **stays("金山\uf90a①党支部")),
]  # fmt: skip
