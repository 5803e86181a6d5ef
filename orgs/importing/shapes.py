"""Trees that are drawn instead of written in a column 上级代码: by 一级/二级/三级 columns, merged cells among them, or by
the indentation of the name.

Pure. `recognise` finds the nodes and their parents in the rows; `settle` gives each its code, type and category, by what
is stored, and makes an ordinary table of it. What was understood is shown and must be confirmed before it is imported.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orgs.importing.columns import BLANKS, HIDDEN, ORG_TYPES, ORGS, header_key, key, probably

LEVELS, INDENT = "levels", "indent"
KINDS = {LEVELS: "一级、二级、三级……列（含合并单元格）", INDENT: "名称前的空格"}
NUMERALS = "一二三四五六七八九十"
LEVEL_HEADER = re.compile(rf"第?([{NUMERALS}]|[1-9]|10)级(党?组织|单位|机构|部门)?(名称|全称)?")
WIDTHS = {"\u3000": 2, "\t": 4}  # in blanks
FILLED_IN = ("code", "name", "org_type", "category", "parent")
ENDINGS = sorted(ORG_TYPES, key=len, reverse=True)
UNCODED = "待填"  # stands where a new top organisation needs a code
SUFFIX = 3  # digits that a proposed code adds to its parent's
Row = tuple[int, list[Any]]


@dataclass
class Node:
    """One organisation of the drawing; `own` says that its row's other cells are about it."""

    row: int
    level: int
    name: str
    parent: Node | None
    own: bool = True
    cells: list[Any] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)  # what is wrong with its place, and the cure
    code: Any = None
    above: str | None = None  # the parent's code
    category: str = ""
    org_type: str = ""
    origin: str = ""  # where the code is from


@dataclass
class Drawing:
    """What `recognise` found; nodes stand in the order of the file, parents before their children."""

    kind: str
    nodes: list[Node]


@dataclass(frozen=True)
class Stored:
    """What is asked of a stored organisation."""

    code: str
    name: str
    parent: str | None
    category: str
    org_type: str


# --- finding the drawing ---------------------------------------------------------------------------------------------


def level_columns(cells: Sequence[Any]) -> list[int]:
    """Positions of 一级, 二级 … in a header row, in order; empty where there are not at least the first two."""
    found: dict[int, int] = {}
    for at, cell in enumerate(cells):
        match = LEVEL_HEADER.fullmatch(header_key(cell))
        if match:
            level = NUMERALS.find(match[1]) + 1 or int(match[1])
            found.setdefault(level, at)
    places = [found[level] for level in range(1, len(found) + 1) if level in found]
    return places if len(places) >= 2 and len(places) == len(found) else []


def recognise(header: Sequence[Any], rows: Sequence[Row], columns: Mapping[str, int]) -> Drawing | None:
    """The drawing in these rows below this header; None where there is none, or parents are written."""
    if "parent" in columns:
        return None
    levels = level_columns(header)
    if levels:
        return Drawing(LEVELS, _by_levels(rows, levels))
    if "name" in columns:
        widths = [_indent(_at(cells, columns["name"])) for _, cells in rows]
        base = widths[0] if widths else 0
        if sum(width > base for width in widths) * 2 >= len(rows) >= 2:
            return Drawing(INDENT, _by_indent(rows, columns["name"], widths))
    return None


def _at(cells: Sequence[Any], at: int) -> Any:
    return cells[at] if at < len(cells) else None


def _text(cell: Any) -> str:
    return cell.strip(BLANKS) if isinstance(cell, str) else ""


def _indent(cell: Any) -> int:
    if not isinstance(cell, str):
        return 0
    return sum(WIDTHS.get(letter, 1) for letter in cell[: len(cell) - len(cell.lstrip(BLANKS))])


def _by_levels(rows: Sequence[Row], levels: list[int]) -> list[Node]:
    """Each row goes on from the one above: what a cell leaves out (blank, or hidden by merging) is as above it."""
    nodes: list[Node] = []
    path: list[Node] = []
    named: dict[tuple[int, str], Node] = {}
    for number, cells in rows:
        found = [_at(cells, at) for at in levels]
        texts = [_text(cell) for cell in found]
        filled = [level for level, text in enumerate(texts) if text]
        if not filled:
            lost = Node(number, 0, "", path[-1] if path else None, cells=list(cells))
            lost.odd.append(("这一行没有组织名称", "在所属的级别一列填写名称，或删除这一行"))
            nodes.append(lost)
            continue
        deepest, fresh = filled[-1], False
        for level in range(deepest + 1):
            text, node = texts[level], path[level] if level < len(path) else None
            hidden = found[level] in HIDDEN
            if not text:
                if node is None or fresh:
                    path = path[:level]
                    fault = _fault(level, hidden, fresh)
                    break
                continue
            if node is not None and not fresh and node.name == text and level < deepest:
                continue  # repeated in every row
            parent = path[level - 1] if level else None
            node = Node(number, level, text, parent, own=level == deepest)
            path = [*path[:level], node]
            fresh = True
            _once(node, named)
            nodes.append(node)
        else:
            nodes[-1].cells = list(cells)
            continue
        broken = Node(number, deepest, texts[deepest], path[-1] if path else None, cells=list(cells))
        broken.odd.append(fault)
        nodes.append(broken)
    return nodes


def _fault(level: int, hidden: bool, fresh: bool) -> tuple[str, str]:
    if hidden and fresh:
        return (f"第 {level + 1} 级的合并单元格跨过了两个上级", "取消这处合并，在每个上级下面各写一次名称")
    return (f"上面没有第 {level + 1} 级的组织，跳过了一级", "补上这一级，或把名称移到前一列")


def _once(node: Node, named: dict[tuple[int, str], Node]) -> None:
    first = named.setdefault((id(node.parent), node.name), node)
    if first is not node:
        under = f"“{node.parent.name}”之下" if node.parent else "最上一级"
        node.odd.append((f"“{node.name}”在{under}出现了两次（第 {first.row} 行）", "只保留一行，或改正其中一个名称"))


def _by_indent(rows: Sequence[Row], at: int, widths: list[int]) -> list[Node]:
    base = widths[0]
    unit = min((width - base for width in widths if width > base), default=1)
    nodes: list[Node] = []
    path: list[Node] = []
    named: dict[tuple[int, str], Node] = {}
    for (number, cells), width in zip(rows, widths, strict=True):
        level, rest = divmod(width - base, unit)
        node = Node(number, max(level, 0), _text(_at(cells, at)), None, cells=list(cells))
        if rest or level < 0:
            node.odd.append((f"名称前有 {width} 格空格，与上面各级都对不上", f"每深一级多空 {unit} 格"))
        elif level > len(path):
            node.odd.append((f"比上一行深了 {level - len(path) + 1} 级，跳过了一级", f"每深一级多空 {unit} 格"))
        level = min(max(level, 0), len(path))
        node.level, node.parent = level, path[level - 1] if level else None
        path = [*path[:level], node]
        if node.name:
            _once(node, named)
        nodes.append(node)
    return nodes


# --- codes, types, categories ----------------------------------------------------------------------------------------


@dataclass
class Understood:
    """What was understood of a drawing: the ordinary table, and the tree to look at."""

    kind: str
    nodes: list[Node]
    book: Any
    warnings: list[tuple[int, str, str, str]]  # row, column, message, cure
    fingerprint: str


def settle(book: Any, stored: Callable[[], Iterable[Stored]]) -> Understood | None:
    """Codes, parents, types and categories for the drawn organisations of a book; None where nothing is drawn.

    A code is the one that the file gives, else that of the stored organisation of this name under this parent, else
    the parent's with three digits more, after those that exist. A type is given, stored, or by the ending of the name;
    a category is given, stored, or the parent's, with a warning.
    """
    table = book.tables.get(ORGS)
    if table is None or table.drawing is None:
        return None
    known = _Known(stored())
    warnings: list[tuple[int, str, str, str]] = []
    nodes = table.drawing.nodes
    for node in nodes:
        given = _given(node, table, "code")
        if given is not None and given != "":
            known.taken.add(key(str(given)))
    for node in nodes:
        _place(node, table, known)
        _classify(node, table, known, warnings)
    columns, width = dict(table.columns), max([0, *table.columns.values(), *(len(node.cells) for node in nodes)]) + 1
    for name in FILLED_IN:
        if name not in columns or name == "name":
            columns[name], width = width, width + 1
    rows: list[Row] = []
    odd: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for node in nodes:
        cells = [*(node.cells if node.own else []), *[None] * width][:width]
        values = (node.code, node.name, node.org_type, node.category, node.above)
        for name, value in zip(FILLED_IN, values, strict=True):
            cells[columns[name]] = value
        rows.append((node.row, cells))
        odd[node.row].extend(("name", message, cure) for message, cure in node.odd)
    made = replace(table, columns=columns, rows=rows, odd=dict(odd), drawing=None)
    facts = [(str(n.code), n.name, n.above, n.org_type, n.category) for n in nodes]
    return Understood(
        table.drawing.kind, nodes, replace(book, tables={**book.tables, ORGS: made}), warnings,
        hashlib.sha256(repr(facts).encode()).hexdigest(),
    )  # fmt: skip


class _Known:
    """The stored organisations, and the codes that are taken."""

    def __init__(self, stored: Iterable[Stored]) -> None:
        self.by_code: dict[str, Stored] = {}
        self.under: dict[tuple[str | None, str], str] = {}
        self.by_name: dict[str, list[str]] = defaultdict(list)
        self.last: dict[str, int] = defaultdict(int)  # parent -> the last of its numbered children
        for org in stored:
            self.by_code[key(org.code)] = org
            self.under[key(org.parent) if org.parent else None, org.name] = org.code
            self.by_name[org.name].append(org.code)
            if org.parent and key(org.code).startswith(key(org.parent)):
                rest = org.code[len(org.parent) :]
                if len(rest) == SUFFIX and rest.isdecimal():
                    self.last[key(org.parent)] = max(self.last[key(org.parent)], int(rest))
        self.taken = set(self.by_code)

    def matching(self, name: str, parent: Any) -> str | None:
        """The code of the stored organisation of this name: under this parent, or for a top one the only one so named."""
        if parent is not None:
            return self.under.get((key(str(parent)), name))
        found = self.under.get((None, name))
        return found or (self.by_name[name][0] if len(self.by_name.get(name, ())) == 1 else None)

    def next(self, parent: str) -> str:
        """A code that nobody has."""
        while True:
            self.last[key(parent)] += 1
            code = f"{parent}{self.last[key(parent)]:0{SUFFIX}d}"
            if key(code) not in self.taken:
                self.taken.add(key(code))
                return code


def _given(node: Node, table: Any, name: str) -> Any:
    """What the row says about its own organisation; a lost cell is given, and refused later."""
    if not node.own or name not in table.columns:
        return None
    cell = _at(node.cells, table.columns[name])
    return _text(cell) or None if isinstance(cell, str) else cell


def _place(node: Node, table: Any, known: _Known) -> None:
    parent = node.parent.code if node.parent else None
    node.above = None if parent is None else str(parent)
    given = _given(node, table, "code")
    match = known.matching(node.name, parent)
    if given is not None:
        node.code, node.origin = given, "文件中的代码"
    elif match is not None:
        node.code, node.origin = match, "已有组织"
    elif parent is not None and node.name:
        node.code, node.origin = known.next(str(parent)), "新代码"
    elif node.name:
        node.code, node.origin = known.next(UNCODED), "还没有代码"
        near = probably(node.name, known.by_name)
        node.odd.append(
            (
                f"最上一级的“{node.name}”系统里没有，文件里也没有它的代码{near}",
                "它是已有的组织时，名称写得和系统里一样；是新的根组织时，加一列“组织代码”，写上它的代码",
            )
        )
    stored = known.by_code.get(key(str(node.code)))
    if node.parent is None and stored is not None:
        node.above = stored.parent  # the top of the drawing stays where it hangs


def _classify(node: Node, table: Any, known: _Known, warnings: list[tuple[int, str, str, str]]) -> None:
    stored = known.by_code.get(key(str(node.code)))
    words = {value: word for word, value in ORG_TYPES.items()}
    ending = next((word for word in ENDINGS if node.name.endswith(word)), "")
    node.org_type = _given(node, table, "org_type") or (words[stored.org_type] if stored else ending)
    node.category = _given(node, table, "category") or (stored.category if stored else "")
    above = known.by_code.get(key(node.above)) if node.above else None
    inherited = node.parent.category if node.parent else above.category if above else ""
    if not node.category and inherited:
        node.category = inherited
        warnings.append(
            (node.row, "category", f"“{node.name}”没有填写单位类别，按上级的“{inherited}”", "不对的话请填写")
        )
