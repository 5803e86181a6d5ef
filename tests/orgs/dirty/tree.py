"""What the rows say of the tree."""

from __future__ import annotations

from tests.orgs.books import TREE, book
from tests.orgs.dirty.case import Case, more, org, wrong


def ring(*codes: str):
    """Committees that hang under each other in a circle."""
    return [org(code, parent=codes[at - 1], kind="党委") for at, code in enumerate(codes)]


def chain(length: int):
    rows = [("d1", "一", "党委", "直属单位", None, None)]
    return [*rows, *((f"d{n}", f"第{n}层", "党委", "直属单位", f"d{n - 1}", None) for n in range(2, length + 1))]


WITH_MEMBER = more(people=[("P1", "张三", "011")])

CASES = [
    Case("children before parents", lambda: book(list(reversed(TREE))), stored={"011": {"parent": "01"}, "001": {"parent": None}}),
    Case("a parent that is missing", **wrong(org(parent="0019"), '组织!6 上级代码: 找不到组织 "0019"，是否指 "001"（示例局党组）？')),
    Case("a parent that is itself", **wrong(org(parent="9"), "组织!6 上级代码: 上级不能是自己")),
    Case("a cycle of two", more(*ring("a", "b")), problems=('组织!6 上级代码: 上级关系形成循环：a → b → a', '组织!7 上级代码: 上级关系形成循环：a → b → a')),
    Case("a cycle of three", more(*ring("a", "b", "c")), problems=('组织!6 上级代码: 上级关系形成循环：a → c → b → a', '组织!7 上级代码: 上级关系形成循环：a → c → b → a', '组织!8 上级代码: 上级关系形成循环：a → c → b → a')),
    Case("a cycle through what is stored", lambda: book([(*TREE[0][:4], "01", None)]), before=more(),
         problems=("组织!2 上级代码: 上级关系形成循环：001 → 01 → 001",)),
    Case("two roots", **wrong(org(parent=None), '组织!6 上级代码: 没有上级，会成为又一个根组织（已有 "001"）')),
    Case("a second root that is said to be meant", more(org(parent=None)), options={"new_root": True},
         counts={"组织": (5, 0, 0, 0)}, stored={"9": {"parent": None}}),
    Case("twenty levels", lambda: book(chain(20)), counts={"组织": (20, 0, 0, 0)}, stored={"d20": {"parent": "d19"}}),
    Case("twenty-one levels", lambda: book(chain(21)), problems=("组织!22 上级代码: 层级超过 20 层",)),
    Case("a committee under a branch", **wrong(org(kind="党委", parent="011"),
         '组织!6 上级代码: 上级 "011" 是党支部，下面不能再设组织')),
    Case("a parent turned into a branch", lambda: book([(*TREE[1][:2], "党支部", *TREE[1][3:])]), before=more(),
         problems=('组织!2 组织类型: 下面还有组织 "011"，不能改为党支部',)),
    Case("a branch with members turned into a committee", lambda: book([(*TREE[2][:2], "党委", *TREE[2][3:])]),
         before=WITH_MEMBER, problems=('组织!2 组织类型: 还有 1 名党员属于这个党支部，不能改为别的类型',)),
    Case("an unknown type, and the nearest", **wrong(org(kind="支部"), '组织!6 组织类型: 不认识 "支部"，是否指 "党支部"？')),
    Case("an unknown category", **wrong(org(category="外星局"), '组织!6 单位类别: 没有单位类别 "外星局"')),
    Case("a category mistyped, and the nearest", **wrong(org(category="机关内设机构处"), '组织!6 单位类别: 没有单位类别 "机关内设机构处"，是否指 "机关内设机构"？')),
    Case("an unknown relation", **wrong(org(relation="领导"), '组织!6 关系: 不认识 "领导"')),
]  # fmt: skip
