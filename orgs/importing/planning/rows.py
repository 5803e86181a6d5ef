"""The rows of a sheet, cleaned column by column, and what every sheet's checks have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from orgs.importing import columns
from orgs.importing.columns import BY_NAME, PEOPLE, SHEETS, Bad, Column, Options, key
from orgs.importing.nearest import Nearest
from orgs.importing.plan import NOTHING, Change, Counts, Key, Plan, Problem, World
from orgs.importing.reading import Book, Row, Table
from orgs.progress import Tick, silent

MAX_DEPTH = 20  # as orgs.tree has it
MOST_UNKNOWN = 1000  # different unknown organisations that are told apart
BLOCK = 2000  # rows that are cleaned together
REMEMBERED = 20_000  # different cells of a column that are cleaned once


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


class Rows:
    """What is found of a file so far, against the world as it is stored."""

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
        # (person, organisation) of wrong rows of 任职, None where it is not known: whether somebody serves there, is open.
        self.unsure: set[tuple[str | None, str | None]] = set()
        self.left_branches: set[str] = set()  # stored branches that are to become something else
        self.branch_of: dict[str, str | None] = {k: v["branch"] for k, v in world.persons.items()}

    def problem(
        self, sheet: str, row: int, column: str, message: str, value: Any = "", cure: str = "", unknown: str = ""
    ) -> None:
        """This row is wrong; `column` is the field's name."""
        header = BY_NAME[sheet][column].header if column else ""
        self.wrong[sheet].add(row)
        self.plan.problems.append(Problem(sheet, row, header, message, shown(value), cure, unknown))

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

    def _raw(self, sheet: str, row: int, column: str) -> str:
        """A code as the file writes it (trimmed), for messages."""
        table = self.book.tables[sheet]
        if not hasattr(self, "_cells"):
            self._cells = {name: dict(t.rows) for name, t in self.book.tables.items()}
        cell = table.cell(self._cells[sheet][row], column)
        return shown(cell).strip(columns.BLANKS)

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
        shown = "、".join(f'"{code}"（{name}）' if name else f'"{code}"' for code, name in near)
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

    def _number(self, person: str) -> str:
        """As it is stored, or as the file writes it."""
        stored = self.world.persons.get(person)
        if stored:
            return str(stored["number"])
        row = self.rows_of[PEOPLE].get(person)
        return self._raw(PEOPLE, row, "number") if row else person


def shown(cell: Any) -> str:
    """A raw cell in a list of problems."""
    if cell is None or isinstance(cell, columns.Fault):
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)[:100]
