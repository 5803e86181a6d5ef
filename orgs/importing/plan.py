"""What would be new, changed and unchanged, or every problem there is: the answer of `planning`, carried out by `apply`.

Pure: no Django, no clock, no database. Keys are codes compared without case (`columns.key`). A plan with a problem is
never carried out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orgs.importing.columns import ORGS, SHEETS

NOTHING: dict[str, Any] = {}  # the old values of what is new
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
