"""From rows and the world to a plan: what would be new, changed and unchanged, or every problem there is.

Pure: no Django, no clock, no database; `world` says what is stored, `apply` carries a plan out. A plan with a problem
is never carried out. Keys are codes compared without case (`columns.key`).
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orgs.importing import columns
from orgs.importing.columns import (
    BY_NAME,
    CHARGES,
    MASKED,
    NONE_CODE,
    ORGS,
    PEOPLE,
    POSTS,
    SHEETS,
    Bad,
    Column,
    Options,
    key,
)  # fmt: skip
from orgs.importing.nearest import Nearest
from orgs.importing.reading import Book, Row, Table
from orgs.progress import Tick, silent

MAX_DEPTH = 20  # as orgs.tree has it
MOST_UNKNOWN = 1000  # different unknown organisations that are told apart
NOTHING: dict[str, Any] = {}  # the old values of what is new
BLOCK = 2000  # rows that are cleaned together
REMEMBERED = 20_000  # different cells of a column that are cleaned once
Span = tuple[datetime.date | None, datetime.date | None]
Key = Any  # a code, or a tuple of codes, role and date


class Problem(NamedTuple):
    """What is wrong where. `row` None: the whole sheet; `column` is a header."""

    sheet: str
    row: int | None
    column: str
    message: str
    value: str = ""
    cure: str = ""
    unknown: str = ""  # what stands for an organisation that nobody knows

    def __str__(self) -> str:
        place = f"{self.sheet}!{self.row}" if self.row else self.sheet
        return f"{place} {self.column}: {self.message}" if self.column else f"{place}: {self.message}"


@dataclass(slots=True)
class Counts:
    """Rows of one sheet; they add up to all rows with a value."""

    new: int = 0
    changed: int = 0  # the moved ones among them
    unchanged: int = 0
    wrong: int = 0
    moved: int = 0  # an organisation under another parent, a person in another branch

    @property
    def total(self) -> int:
        """All rows."""
        return self.new + self.changed + self.unchanged + self.wrong


@dataclass(slots=True)
class Change:
    """One row that is new (`stored` None) or changes what is stored: field -> new value, field -> old value."""

    sheet: str
    row: int
    label: str
    key: Key
    values: dict[str, Any]
    old: dict[str, Any] = field(default_factory=dict)
    stored: int | None = None
    move: tuple[str | None, datetime.date | None] | None = None  # people: to this branch (None: none) on that day
    redate: bool = False  # people: the open membership began on another day

    @property
    def told(self) -> dict[str, Any]:
        """The values as a preview tells them. Those of a membership that a new person begins with stand in `move` only:
        ten values fit into a dictionary of half the size.
        """
        if self.move is None or self.stored is not None:
            return self.values
        branch, on = self.move
        return {**self.values, "branch": branch, "moved_on": on}

    @property
    def is_move(self) -> bool:
        """A stored organisation gets another parent, or a stored person another branch."""
        return self.stored is not None and ("parent" in self.values if self.sheet == ORGS else self.move is not None)


@dataclass
class World:
    """What is stored, as far as a file speaks of it; organisations are all there. Loaded by `world.load`."""

    today: datetime.date
    categories: dict[str, int]
    guided: frozenset[str] = frozenset()  # categories whose superior usually only guides
    orgs: dict[str, dict[str, Any]] = field(default_factory=dict)
    persons: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: dict[tuple, dict[str, Any]] = field(default_factory=dict)
    charges: dict[tuple, dict[str, Any]] = field(default_factory=dict)
    members: Callable[[set[str]], dict[str, set[str]]] = lambda _: {}  # branch keys -> keys of their open members


@dataclass
class Plan:
    """The answer: `changes` by sheet, or problems; warnings do not hinder."""

    counts: dict[str, Counts] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=lambda: {sheet: [] for sheet in SHEETS})
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    org_ids: dict[str, int] = field(default_factory=dict)  # stored ones, by key
    person_ids: dict[str, int] = field(default_factory=dict)
    # What stands for organisations that nobody knows -> the nearest ones (code, name).
    candidates: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    drawn: Any = None  # shapes.Understood, where the hierarchy was drawn instead of written

    @property
    def is_empty(self) -> bool:
        """Nothing would be written."""
        return not any(self.changes.values())

    def kept(self, sheet: str, *, new: bool) -> list[Change]:
        """The changes of good rows: new ones, or changed ones."""
        wrong = {problem.row for problem in self.problems if problem.sheet == sheet}
        return [c for c in self.changes[sheet] if (c.stored is None) == new and c.row not in wrong]


@dataclass(slots=True)
class Line:
    """A row of the file after cleaning: only the columns that the file has, and of those only the good cells."""

    number: int
    values: dict[str, Any]
    bad: frozenset[str] = frozenset()


@dataclass(slots=True)
class Met:
    """Cells of a column that were cleaned before: most columns say the same few things over and over. Texts and empty
    ones only: numbers are no keys, since 1 is True.
    """

    good: dict[str | None, Any] = field(default_factory=dict)
    refused: dict[str | None, tuple[str, str]] = field(default_factory=dict)  # message and cure


class Planner:
    """Builds one plan; each sheet sees the final state of the sheets before it."""

    def __init__(self, book: Book, world: World, options: Options, tick: Tick = silent) -> None:
        self.book = book
        self.tick = tick
        self.checked = 0
        self.world = world
        self.options = options
        self.plan = Plan(notices=list(book.notices))
        self.wrong: dict[str, set[int]] = defaultdict(set)
        self.rows_of: dict[str, dict[Key, int]] = {sheet: {} for sheet in SHEETS}  # key -> row in the file
        # The final state: stored, and a dictionary of its own for whatever the file makes different.
        self.orgs: dict[str, dict[str, Any]] = dict(world.orgs)
        self.nearest: Nearest | None = None  # made when the first unknown code is met
        self.branch_of: dict[str, str | None] = {k: v["branch"] for k, v in world.persons.items()}

    def make(self) -> Plan:
        """The plan, with every problem of every sheet."""
        self._organizations()
        self._people()
        spans = self._posts()
        self._charges(spans)
        for sheet in self.book.tables:
            counts = self.plan.counts[sheet]
            wrong = self.wrong[sheet]
            counts.wrong = sum(number in wrong for number, _ in self.book.tables[sheet].rows)
            counts.new = sum(1 for c in self.plan.changes[sheet] if c.stored is None and c.row not in wrong)
            counts.changed = sum(1 for c in self.plan.changes[sheet] if c.stored is not None and c.row not in wrong)
            counts.moved = sum(1 for c in self.plan.changes[sheet] if c.is_move and c.row not in wrong)
            counts.unchanged = len(self.book.tables[sheet].rows) - counts.wrong - counts.new - counts.changed
        self.plan.org_ids = {found: org["pk"] for found, org in self.world.orgs.items()}
        self.plan.person_ids = {found: person["pk"] for found, person in self.world.persons.items()}
        places = {sheet: at for at, sheet in enumerate(SHEETS)}
        for found in (self.plan.problems, self.plan.warnings):
            found.sort(key=lambda problem: (places[problem.sheet], problem.row or 0))
        return self.plan

    # --- one row ------------------------------------------------------------------------------------------------

    def problem(
        self, sheet: str, row: int, column: str, message: str, value: Any = "", cure: str = "", unknown: str = ""
    ) -> None:
        """This row is wrong; `column` is the field's name."""
        header = BY_NAME[sheet][column].header if column else ""
        self.wrong[sheet].add(row)
        self.plan.problems.append(Problem(sheet, row, header, message, _shown(value), cure, unknown))

    def warn(self, sheet: str, row: int, column: str, message: str, cure: str = "") -> None:
        """Worth a look, but no hindrance."""
        self.plan.warnings.append(Problem(sheet, row, BY_NAME[sheet][column].header, message, "", cure))

    def _lines(self, sheet: str) -> Iterable[Line]:
        table = self.book.tables.get(sheet)
        if table is None:
            return
        self.plan.counts[sheet] = Counts()
        present = [
            (column, table.columns[column.name], Met()) for column in SHEETS[sheet] if column.name in table.columns
        ]
        names = [column.name for column, _, _ in present]
        for start in range(0, len(table.rows), BLOCK):
            block = table.rows[start : start + BLOCK]
            self._note_odd(sheet, table, block)
            bad: dict[int, set[str]] = {}
            cleaned = [self._cleaned(sheet, column, at, met, block, bad) for column, at, met in present]
            for (number, _), row in zip(block, zip(*cleaned, strict=True), strict=True):
                line = Line(number, dict(zip(names, row, strict=True)))
                if number in bad:
                    line.bad = frozenset(bad[number])
                    for name in bad[number]:
                        del line.values[name]
                yield line
            self.checked += len(block)
            self.tick("checked", self.checked)

    def _note_odd(self, sheet: str, table: Table, block: list[Row]) -> None:
        """What was found wrong of a whole row while it was read."""
        for number, _ in block if table.ragged or table.odd else ():
            if number in table.ragged:
                self.problem(sheet, number, "", table.ragged[number], "", "检查逗号和引号：含逗号的内容要加引号")
            for name, message, cure in table.odd.get(number, ()):
                self.problem(sheet, number, name, message, "", cure)

    def _cleaned(
        self,
        sheet: str,
        column: Column,
        at: int,
        met: Met,
        block: list[Row],
        bad: dict[int, set[str]],
    ) -> list[Any]:
        """The cells of a column, cleaned; the rows of bad ones are noted in `bad`."""
        listed = [cells[at] if at < len(cells) else None for _, cells in block]
        good, refused = met.good, met.refused
        try:
            return [good[cell] for cell in listed]
        except KeyError:
            pass
        if column.clean is columns.code and all(columns.is_plain_code(column, cell) for cell in listed):
            return listed
        found: list[Any] = []
        for (number, _), cell in zip(block, listed, strict=True):
            keep = cell is None or cell.__class__ is str
            if keep and cell in good:
                found.append(good[cell])
                continue
            wrong = refused.get(cell) if keep else None
            if wrong is None:
                try:
                    value = column.value(cell, self.options)
                except Bad as error:
                    wrong = error.message, error.cure
                    if keep and len(refused) < REMEMBERED:
                        refused[cell] = wrong
                else:
                    found.append(value)
                    if keep and len(good) < REMEMBERED:
                        good[cell] = value
                    continue
            found.append(None)
            bad.setdefault(number, set()).add(column.name)
            self.problem(sheet, number, column.name, wrong[0], cell, wrong[1])
        return found

    def _once(self, sheet: str, line: Line, found: Key, column: str, text: str) -> bool:
        """The first row with this key; a second one is a problem."""
        first = self.rows_of[sheet].setdefault(found, line.number)
        if first == line.number:
            return True
        self.problem(sheet, line.number, column, f"{text}与第 {first} 行重复", "", "只保留一行")
        return False

    def _changed(self, sheet: str, line: Line, label: str, found: Key, stored: dict | None, skip: set[str]) -> Change:
        """The change that this row means for its fields; those in `skip` are the caller's."""
        if stored is not None:
            different = {n: value for n, value in line.values.items() if n not in skip and stored[n] != value}
            old = {name: stored[name] for name in different} if different else {}
            return Change(sheet, line.number, label, found, different, old, stored["pk"])
        values = {name: value for name, value in line.values.items() if name not in skip}
        for column in SHEETS[sheet] if len(values) + len(skip) < len(SHEETS[sheet]) else ():
            if column.name not in values and column.name not in skip and not column.required:
                values[column.name] = column.empty
        return Change(sheet, line.number, label, found, values, NOTHING)

    def _keep(self, change: Change) -> None:
        if change.row in self.wrong[change.sheet]:
            return
        if change.stored is None or change.values or change.move or change.redate:
            self.plan.changes[change.sheet].append(change)

    # --- 组织 ----------------------------------------------------------------------------------------------------

    def _organizations(self) -> None:
        lines: dict[str, Line] = {}
        for line in self._lines(ORGS):
            if "code" in line.bad:
                continue
            code = line.values["code"]
            if self._once(ORGS, line, key(code), "code", f'代码 "{code}" '):
                lines[key(code)] = line
        for found, line in lines.items():
            self._organization(found, line)
        self._check_tree(lines)

    def _organization(self, found: str, line: Line) -> None:
        values = line.values
        stored = self.world.orgs.get(found)
        category = values.get("category")
        if category is not None and category not in self.world.categories:
            words = "、".join(self.world.categories)
            self.problem(
                ORGS,
                line.number,
                "category",
                f'没有单位类别 "{category}"{columns.probably(category, self.world.categories)}',
                category,
                f"只能填：{words}",
            )
        if values.get("parent"):
            values["parent"] = key(values["parent"])
        change = self._changed(ORGS, line, values["code"], found, stored, {"code"})
        if stored is None:
            change.values["code"] = values["code"]
            final = {"code": values["code"], "parent": None, "relation": "affiliation", **values}
            final.update(dict.fromkeys(line.bad))
        else:
            final = {**stored, **change.values} if change.values else stored
        self.orgs[found] = final
        founded, dissolved = final.get("founded_on"), final.get("dissolved_on")
        if founded and dissolved and dissolved < founded:
            self.problem(ORGS, line.number, "dissolved_on", f"撤销日期 {dissolved} 早于成立日期 {founded}")
        if final.get("parent") is None and final.get("relation") != "affiliation":
            # A root hangs under nothing; its relation says nothing either.
            self.orgs[found] = final = {**final, "relation": "affiliation"}
            change.values.pop("relation", None)
            change.old.pop("relation", None)
            if stored is None:
                change.values["relation"] = "affiliation"
        if (
            final.get("category") in self.world.guided
            and final.get("parent")
            and final.get("relation") == "affiliation"
        ):
            self.warn(
                ORGS, line.number, "relation", f'{final["category"]} "{final["code"]}" 的关系是隶属，通常应为指导',
                "点评任务按单位类别派生，不受影响；请核对关系",
            )  # fmt: skip
        self._keep(change)

    def _check_tree(self, lines: dict[str, Line]) -> None:
        """Over stored and new together: parents known, no cycle, not too deep, nothing under a 党支部, one root."""
        dangling: set[str] = set()
        for found, line in lines.items():
            if "parent" in line.bad:
                dangling.add(found)
            elif "parent" in line.values and line.values["parent"] is not None:
                self._check_parent(found, line, dangling)
        cyclic = self._check_cycles(lines, dangling)
        self._check_depth(lines, dangling | cyclic)
        self._check_branches(lines, dangling | cyclic)
        self._check_roots(lines, dangling)
        self._check_dissolved(lines)

    def _check_parent(self, found: str, line: Line, dangling: set[str]) -> None:
        parent = line.values["parent"]
        raw = self._raw(ORGS, line.number, "parent")
        if parent == found:
            self.problem(ORGS, line.number, "parent", "上级不能是自己", raw, "填写真正的上级代码；根组织留空")
            dangling.add(found)
        elif parent not in self.orgs:
            message = f'找不到组织 "{raw}"' + self._candidates(parent, besides=found, written=raw)
            self.problem(ORGS, line.number, "parent", message, raw, "先在本表中添加这个上级，或改正代码", raw)
            dangling.add(found)

    def _raw(self, sheet: str, row: int, column: str) -> str:
        """A code as the file writes it (trimmed), for messages."""
        table = self.book.tables[sheet]
        if not hasattr(self, "_cells"):
            self._cells = {name: dict(t.rows) for name, t in self.book.tables.items()}
        cell = table.cell(self._cells[sheet][row], column)
        return _shown(cell).strip(columns.BLANKS)

    def _check_cycles(self, lines: dict[str, Line], dangling: set[str]) -> set[str]:
        cyclic: set[str] = set()
        done: set[str] = set()
        for start in lines:
            path: list[str] = []
            on_path: set[str] = set()
            at: str | None = start
            while at is not None and at not in done and at not in on_path and at not in dangling:
                path.append(at)
                on_path.add(at)
                at = self.orgs[at]["parent"]
            if at in on_path:
                ring = path[path.index(at) :]
                shown = " → ".join(self.orgs[k]["code"] for k in [*ring[:6], *([ring[0]] if len(ring) <= 6 else [])])
                for member in ring:
                    if member in lines:
                        self.problem(
                            ORGS, lines[member].number, "parent", f"上级关系形成循环：{shown}",
                            self.orgs[member]["parent"], "改正其中一个上级代码",
                        )  # fmt: skip
                cyclic.update(ring)
            done.update(path)
        return cyclic

    def _check_depth(self, lines: dict[str, Line], broken: set[str]) -> None:
        depth: dict[str, int] = dict.fromkeys(broken, -MAX_DEPTH * 1000)
        reported: set[str] = set()
        for start in self.orgs:
            path: list[str] = []
            at: str | None = start
            while at is not None and at not in depth:
                path.append(at)
                at = self.orgs[at]["parent"]
            level = depth[at] if at is not None else 0
            for node in reversed(path):
                level += 1
                depth[node] = level
                if level > MAX_DEPTH:
                    self._too_deep(node, lines, reported)

    def _too_deep(self, node: str, lines: dict[str, Line], reported: set[str]) -> None:
        """Blame the row itself, or for a stored one the nearest row above that moves it."""
        at: str | None = node
        while at is not None and at not in lines:
            at = self.orgs[at]["parent"]
        if at is not None and at not in reported:
            reported.add(at)
            self.problem(ORGS, lines[at].number, "parent", f"层级超过 {MAX_DEPTH} 层", "", "检查上级代码")

    def _check_branches(self, lines: dict[str, Line], broken: set[str]) -> None:
        turned: set[str] = set()
        for found, org in self.orgs.items():
            parent = org["parent"]
            if parent is None or found in broken or self.orgs[parent].get("org_type") != "branch":
                continue
            if found in lines:
                code = self.orgs[parent]["code"]
                self.problem(
                    ORGS,
                    lines[found].number,
                    "parent",
                    f'上级 "{code}" 是党支部，下面不能再设组织',
                    code,
                    "改正上级代码或组织类型",
                )
            elif parent in lines and parent not in turned:
                turned.add(parent)
                self.problem(
                    ORGS,
                    lines[parent].number,
                    "org_type",
                    f'下面还有组织 "{org["code"]}"，不能改为党支部',
                    "党支部",
                    "先移走下级组织",
                )
        self.left_branches = {
            found
            for found in lines
            if self.world.orgs.get(found, {}).get("org_type") == "branch"
            and self.orgs[found].get("org_type") not in ("branch", None)
        }

    def _check_roots(self, lines: dict[str, Line], dangling: set[str]) -> None:
        if self.options.new_root:
            return
        roots = [found for found, org in self.orgs.items() if org["parent"] is None and found not in dangling]
        new = [found for found in roots if found not in self.world.orgs or self.world.orgs[found]["parent"]]
        if len(roots) < 2 or not new:
            return
        old = [found for found in roots if found not in new]
        first = old[0] if old else new.pop(0)
        for found in new:
            self.problem(
                ORGS, lines[found].number, "parent",
                f'没有上级，会成为又一个根组织（已有 "{self.orgs[first]["code"]}"）', "",
                "填写上级代码；确实要新的根组织时，选择“允许新的根组织”",
            )  # fmt: skip

    def _check_dissolved(self, lines: dict[str, Line]) -> None:
        """A living organisation under one that is dissolved falls out of every count: worth a warning."""
        for found, line in lines.items():
            org = self.orgs[found]
            parent = self.orgs.get(org["parent"]) if org["parent"] else None
            end = parent.get("dissolved_on") if parent else None
            if parent and end and not (org.get("dissolved_on") and org["dissolved_on"] <= end):
                self.warn(
                    ORGS, line.number, "parent", f'上级 "{parent["code"]}" 于 {end} 撤销，本组织仍存在', "核对上级"
                )

    def _org(self, sheet: str, line: Line, column: str) -> str | None:
        """The organisation that a row names; unknown ones are a problem."""
        code = line.values.get(column)
        if code is None:
            return None
        found = key(code)
        if found in self.orgs:
            return found
        message = f'找不到组织 "{code}"' + self._candidates(found, written=code)
        self.problem(sheet, line.number, column, message, code, "先在“组织”表中添加，或改正代码", code)
        return None

    def _candidates(self, unknown: str, *, written: str, besides: str = "") -> str:
        """ "，是否指 "0010"（示例局机关党委）？" for a code that nobody has; "" where nothing is near."""
        if self.nearest is None:
            self.nearest = Nearest(
                {k: (org["code"], org.get("name") or "") for k, org in self.orgs.items()},
                {k: org["short_name"] for k, org in self.orgs.items() if org.get("short_name")},
            )
        near = [(code, name) for k, code, name in self.nearest.to(unknown) if k != besides]
        if len(self.plan.candidates) < MOST_UNKNOWN:
            self.plan.candidates.setdefault(written, near)
        shown = "、".join(f'"{code}"（{name}）' for code, name in near)
        return f"，是否指 {shown}？" if near else ""

    def _person(self, sheet: str, line: Line) -> str | None:
        number = line.values.get("person")
        if number is None:
            return None
        found = key(number)
        if found in self.branch_of or found in self.rows_of[PEOPLE]:
            return found
        self.problem(sheet, line.number, "person", f'找不到人员 "{number}"', number, "先在“人员”表中添加，或改正编号")
        return None

    # --- 人员 ----------------------------------------------------------------------------------------------------

    def _people(self) -> None:
        for line in self._lines(PEOPLE):
            if "number" in line.bad:
                continue
            number = line.values["number"]
            if self._once(PEOPLE, line, key(number), "number", f'编号 "{number}" '):
                self._member(key(number), line)
        if self.left_branches:
            staying = self.world.members(self.left_branches)
            for branch, persons in staying.items():
                left = [person for person in persons if self.branch_of.get(person, branch) == branch]
                if left:
                    self.problem(
                        ORGS, self.rows_of[ORGS][branch], "org_type", f"还有 {len(left)} 名党员属于这个党支部，不能改为别的类型",
                        "", "先转移党员",
                    )  # fmt: skip

    def _member(self, found: str, line: Line) -> None:
        values = line.values
        stored = self.world.persons.get(found)
        if values.get("mobile") is MASKED:
            del values["mobile"]
            if stored is None:
                self.warn(PEOPLE, line.number, "mobile", "手机号码是遮盖的，没有保存", "填写完整号码")
        change = self._changed(PEOPLE, line, values["number"], found, stored, {"number", "branch", "moved_on"})
        if stored is None:
            change.values["number"] = values["number"]
        born = values.get("born_on", (stored or {}).get("born_on"))
        joined = values.get("joined_on", (stored or {}).get("joined_on"))
        if born and joined and joined < born:
            self.warn(PEOPLE, line.number, "joined_on", f"入党日期 {joined} 早于出生日期 {born}", "核对日期")
        self.branch_of.setdefault(found, None)
        if "branch" not in line.bad and "moved_on" not in line.bad:
            self._membership(found, line, stored, change)
        self._keep(change)

    def _membership(self, found: str, line: Line, stored: dict | None, change: Change) -> None:
        """A changed branch is a transfer, on 转入日期 or today; the same branch with another date corrects the date."""
        on = line.values.get("moved_on")
        if line.values["branch"] == NONE_CODE:
            branch = None
        else:
            branch = self._org(PEOPLE, line, "branch")
            if branch is None:
                return
            org = self.orgs[branch]
            if org.get("org_type") not in ("branch", None):
                code = org["code"]
                self.problem(
                    PEOPLE, line.number, "branch", f'"{code}" 不是党支部，党员只能属于党支部', code, "填写党支部的代码"
                )
                return
            if org.get("dissolved_on") and org["dissolved_on"] <= self.world.today:
                self.warn(
                    PEOPLE, line.number, "branch", f'党支部 "{org["code"]}" 已于 {org["dissolved_on"]} 撤销', "核对支部"
                )
        before = stored["branch"] if stored else None
        begun = stored["moved_on"] if stored else None
        last_end = stored["last_end"] if stored else None
        self.branch_of[found] = branch
        if branch == before:
            if branch is not None and on is not None and on != begun:
                if last_end and on < last_end:
                    self.problem(
                        PEOPLE, line.number, "moved_on", f"转入日期 {on} 早于上一段组织关系的结束日期 {last_end}", on
                    )
                    return
                change.redate = True
                change.values["moved_on"], change.old["moved_on"] = on, begun
            return
        if stored is not None and on is None:
            on = self.world.today
        if before is not None and begun is not None and on is not None and on < begun:
            self.problem(
                PEOPLE,
                line.number,
                "moved_on",
                f"转入日期 {on} 早于现支部的转入日期 {begun}",
                on,
                "填写实际转入的日期，或清空（按导入当天）",
            )
            return
        if before is None and last_end and on is not None and on < last_end:
            self.problem(PEOPLE, line.number, "moved_on", f"转入日期 {on} 早于上一段组织关系的结束日期 {last_end}", on)
            return
        if before is not None and on == begun:
            self.warn(
                PEOPLE,
                line.number,
                "moved_on",
                f"转入日期 {on} 与原支部的相同，按更正支部处理",
                "转移的话请填写实际日期",
            )
        change.move = (branch, on)
        if stored is not None:
            change.values["branch"], change.old["branch"] = branch, before
            if branch is not None:
                change.values["moved_on"], change.old["moved_on"] = on, begun

    # --- 任职 ----------------------------------------------------------------------------------------------------

    def _posts(self) -> dict[tuple[str, str], list[Span]]:
        """Returns (person, organisation) -> spans of posts held, stored and new."""
        final: dict[tuple, tuple[Span, int | None]] = {
            k: ((k[3], post["to_on"]), None) for k, post in self.world.posts.items()
        }
        for line in self._lines(POSTS):
            person, org = self._person(POSTS, line), self._org(POSTS, line, "organization")
            if person is None or org is None or line.bad & {"role", "from_on"}:
                continue
            begin = line.values.get("from_on")
            found = (person, org, line.values["role"], begin)
            if not self._once(POSTS, line, found, "person", "同一人、同一组织、同一职务、同一任职日期，"):
                continue
            stored = self.world.posts.get(found)
            values = line.values
            label = f"{values['person']} {columns.role_word(values['role'], self.orgs[org].get('org_type') or '')}"
            change = self._changed(POSTS, line, label, found, stored, {"person", "organization", "role", "from_on"})
            end = values.get("to_on", stored["to_on"] if stored else None)
            if begin and end and end < begin:
                self.problem(POSTS, line.number, "to_on", f"免职日期 {end} 早于任职日期 {begin}", end, "改正日期")
                continue
            final[found] = ((begin, end), line.number)
            self._keep(change)
        self._check_posts(final)
        held: dict[tuple[str, str], list[Span]] = defaultdict(list)
        for (person, org, _, _), (span, _) in final.items():
            held[person, org].append(span)
        return held

    def _check_posts(self, final: dict[tuple, tuple[Span, int | None]]) -> None:
        """No two secretaries of one organisation at a time, and nobody twice in one post at a time."""
        by_org: dict[Any, list[tuple[Span, int | None, str]]] = defaultdict(list)
        by_post: dict[Any, list[tuple[Span, int | None, str]]] = defaultdict(list)
        for (person, org, role, _), (span, row) in final.items():
            if role == "secretary":
                by_org[org].append((span, row, person))
            else:
                by_post[person, org, role].append((span, row, person))
        for org, entries in by_org.items():
            for row, other in _overlaps(entries):
                self.problem(
                    POSTS, row, "role", f'组织 "{self.orgs[org]["code"]}" 同一时间有两名书记（另一名：{self._number(other)}）', "书记",
                    "给前任填写免职日期，给后任填写任职日期",
                )  # fmt: skip
        for entries in by_post.values():
            for row, _ in _overlaps(entries):
                self.problem(
                    POSTS, row, "from_on", "与同一人的同一职务时间重叠", "", "给前一段填写免职日期，或合并为一行"
                )

    def _number(self, person: str) -> str:
        """As it is stored, or as the file writes it."""
        stored = self.world.persons.get(person)
        if stored:
            return str(stored["number"])
        row = self.rows_of[PEOPLE].get(person)
        return self._raw(PEOPLE, row, "number") if row else person

    # --- 分管 ----------------------------------------------------------------------------------------------------

    def _charges(self, held: dict[tuple[str, str], list[Span]]) -> None:
        leads: dict[Any, dict[tuple, tuple[Span, int | None]]] = defaultdict(dict)
        for known, charge in self.world.charges.items():
            if charge["kind"] == "lead":
                leads[known[1:3]][known] = ((known[3], charge["to_on"]), None)
        for line in self._lines(CHARGES):
            person = self._person(CHARGES, line)
            team, org = self._org(CHARGES, line, "team"), self._org(CHARGES, line, "organization")
            if person is None or team is None or org is None or "from_on" in line.bad:
                continue
            begin = line.values.get("from_on")
            found = (person, team, org, begin)
            if not self._once(CHARGES, line, found, "person", "同一人、同一班子、同一分管组织、同一起始日期，"):
                continue
            stored = self.world.charges.get(found)
            values = line.values
            change = self._changed(
                CHARGES, line, f"{values['person']} {values['organization']}", found, stored,
                {"person", "team", "organization", "from_on"},
            )  # fmt: skip
            end = values.get("to_on", stored["to_on"] if stored else None)
            if begin and end and end < begin:
                self.problem(CHARGES, line.number, "to_on", f"终止日期 {end} 早于起始日期 {begin}", end, "改正日期")
                continue
            if not any(_meet(span, (begin, end)) for span in held.get((person, team), ())):
                self.problem(
                    CHARGES, line.number, "team", f'"{values["person"]}" 没有在 "{values["team"]}" 任职', values["team"],
                    "先在“任职”表中添加，或改正代码",
                )  # fmt: skip
            if not self._lies_below(org, team):
                self.problem(
                    CHARGES, line.number, "organization", f'"{values["organization"]}" 不在 "{values["team"]}" 之下',
                    values["organization"], "只能分管班子之下的组织",
                )  # fmt: skip
            if values.get("kind", stored["kind"] if stored else "lead") == "lead":
                leads[team, org][found] = ((begin, end), line.number)
            else:
                leads[team, org].pop(found, None)
            self._keep(change)
        for (_, org), entries in leads.items():
            # A9: one of them acts; the others had better be 协管.
            for row, other in _overlaps([(span, row, found[0]) for found, (span, row) in entries.items()]):
                code, who = self.orgs[org]["code"], self._number(other)
                self.warn(CHARGES, row, "kind", f'"{code}" 同一时间有两名主管（另一名：{who}）', "其中一人改为协管")

    def _lies_below(self, org: str, team: str) -> bool:
        at, steps = self.orgs[org]["parent"], 0
        while at is not None and at in self.orgs and steps <= MAX_DEPTH:
            if at == team:
                return True
            at, steps = self.orgs[at]["parent"], steps + 1
        return False


def _meet(one: Span, other: Span) -> bool:
    """Two half-open spans share a day; an empty one shares none."""
    begin = max(one[0] or datetime.date.min, other[0] or datetime.date.min)
    end = min(one[1] or datetime.date.max, other[1] or datetime.date.max)
    return begin < end


def _overlaps(entries: list[tuple[Span, int | None, str]]) -> list[tuple[int, str]]:
    """(row, the other's person) of rows of the file that overlap with an entry; of two rows the later one."""
    if len(entries) < 2:
        return []
    entries = sorted(entries, key=lambda entry: (entry[0][0] or datetime.date.min, entry[1] or 0))
    found: dict[int, str] = {}
    widest = entries[0]
    for entry in entries[1:]:
        if _meet(entry[0], widest[0]):
            rows = [(candidate[1], other[2]) for candidate, other in ((entry, widest), (widest, entry)) if candidate[1]]
            if rows:
                row, other = max(rows)
                found.setdefault(row, other)
        if (entry[0][1] or datetime.date.max) > (widest[0][1] or datetime.date.max):
            widest = entry
    return list(found.items())


def _shown(cell: Any) -> str:
    """A raw cell in a list of problems."""
    if cell is None or isinstance(cell, columns.Fault):
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)[:100]


def make(book: Book, world: World, options: Options, tick: Tick = silent) -> Plan:
    """The plan of a file for the world as it is stored; `tick` is told how many rows are checked."""
    return Planner(book, world, options, tick).make()
