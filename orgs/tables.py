"""Lists as they are asked for: which rows, in which order, with which columns; all of it stands in the address.

A list is described once, as a `Table`. Its page, the panel of its columns, its rows on a phone and its file are made
from the description, so that they cannot say different things.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict

from orgs import clock
from orgs.lists import ListFile, Row, Sheet
from orgs.models import User

AT_ONCE = 400
LONGEST = 50  # characters of what is typed; no database minds them
KEPT_OUT = ("page", "count")  # belong to one selection: another one begins at its first page

Value = str | int | None


@dataclass(frozen=True)
class Column:
    """One fact of a row: its header, how it is shown, and by what rows are sorted."""

    name: str
    header: str
    width: int  # in the file
    show: Callable[[Any], Value]
    sort: tuple[str, ...] = ()  # empty: nobody sorts by it
    reach: Callable[[QuerySet[Any], datetime.date], QuerySet[Any]] | None = None  # what `sort` needs besides
    is_usual: bool = True  # shown unless other columns are chosen
    is_number: bool = False
    is_code: bool = False
    url: Callable[[Any], str] | None = None
    tone: Callable[[Any], str] | None = None  # of a badge; empty: plain text
    brief: Callable[[Any], str] | None = None  # on a phone, where there is less room


@dataclass(frozen=True)
class Filter:
    """One condition: typed words, or one of some choices. What is none of the choices is no condition."""

    name: str
    label: str
    narrow: Callable[[QuerySet[Any], str, User, datetime.date], QuerySet[Any]]
    choices: Callable[[], Sequence[tuple[str, str]]] | None = None
    usual: str = "不限"  # what no choice means
    always: bool = False  # asked even when nothing was chosen
    hint: str = ""


@dataclass(frozen=True)
class Table:
    """A list. The first column is always shown; `prepare` loads what the columns show, for many rows at once."""

    title: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    order: tuple[str, ...]
    order_name: str
    prepare: Callable[[list[Any], User, datetime.date], list[Any]]
    ranked: Callable[[QuerySet[Any], str], QuerySet[Any]] | None = None  # the order of what was searched for
    action: Callable[[Any], tuple[str, str]] | None = None  # on the page: what to do with a row, and where


@dataclass(frozen=True)
class Cell:
    """One fact of one row, on a page."""

    text: str
    brief: str  # on a phone
    column: Column
    url: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """One row of a page."""

    cells: tuple[Cell, ...]
    action: tuple[str, str] | None

    @property
    def first(self) -> Cell:
        """What the row is called."""
        return self.cells[0]

    @property
    def badges(self) -> list[Cell]:
        """Facts that stand out beside the name on a phone."""
        return [cell for cell in self.cells[1:] if cell.tone]

    @property
    def others(self) -> list[Cell]:
        """The second line on a phone: whatever is not empty."""
        return [cell for cell in self.cells[1:] if cell.brief and not cell.tone]


@dataclass(frozen=True)
class Head:
    """The head of a column; a click sorts by it, the next one turns the order round."""

    column: Column
    url: str
    aria: str


@dataclass(frozen=True)
class Field:
    """A filter in the form."""

    filter: Filter
    value: str
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """A list as one user asked for it today."""

    table: Table
    query: QueryDict
    values: dict[str, str]
    choices: dict[str, Sequence[tuple[str, str]]]  # of the filters by choice
    columns: tuple[Column, ...]
    sort: Column | None
    descending: bool
    user: User
    on: datetime.date

    def select(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Which of the rows, in which order. What the page and the file have in common."""
        for condition in self.table.filters:
            value = self.values[condition.name]
            if value or condition.always:
                rows = condition.narrow(rows, value, self.user, self.on)
        if self.sort is None:
            ranked = self.table.ranked if self.values.get("q") else None
            return ranked(rows, self.values["q"]) if ranked else rows.order_by(*self.table.order)
        if self.sort.reach is not None:
            rows = self.sort.reach(rows, self.on)
        return rows.order_by(*(self._by(name) for name in self.sort.sort), *self.table.order)

    def _by(self, name: str) -> OrderBy:
        # Only what is reached may be missing; a plain column keeps the use of its index.
        last = True if self.sort is not None and self.sort.reach is not None else None
        return F(name).desc(nulls_last=last) if self.descending else F(name).asc(nulls_last=last)

    def lines(self, rows: Sequence[Any]) -> list[Line]:
        """Prepared rows as a page shows them."""
        action = self.table.action
        return [Line(tuple(self._cell(row, column) for column in self.columns), action and action(row)) for row in rows]

    def _cell(self, row: Any, column: Column) -> Cell:
        value = column.show(row)
        text = "" if value is None else str(value)
        url, tone = column.url(row) if column.url else "", column.tone(row) if column.tone else ""
        return Cell(text, column.brief(row) if column.brief else text, column, url, tone)

    def prepared(self, rows: Iterable[Any]) -> list[Any]:
        """Rows with everything that their columns show."""
        return self.table.prepare(list(rows), self.user, self.on)

    def _file_rows(self, rows: QuerySet[Any]) -> Iterator[Row]:
        everything = rows.iterator(chunk_size=AT_ONCE)
        while some := list(islice(everything, AT_ONCE)):
            for row in self.prepared(some):
                yield [column.show(row) for column in self.columns]

    def file(self, rows: QuerySet[Any], back: str) -> ListFile:
        """Every row as a file; `back`: the address of the page."""
        title = self.table.title
        day = f"{self.on.isoformat()} 的情况" if self.on < clock.today() else ""
        columns = [(column.header, column.width) for column in self.columns]
        sheet = Sheet(title, columns, self._file_rows(rows), rows.count())
        said = "，".join(filter(None, (self.conditions, day)))
        return ListFile(title, [sheet], f"{back}?{self.query.urlencode()}", said)

    @property
    def is_narrowed(self) -> bool:
        """Something was asked for."""
        return any(self.values.values())

    @property
    def conditions(self) -> str:
        """In words, for the trail."""
        said = []
        for condition in self.table.filters:
            if value := self.values[condition.name]:
                said.append(f"{condition.label}：{dict(self.choices.get(condition.name, ())).get(value, value)}")
        return "，".join(said)

    # --- what the form and the heads need

    @cached_property
    def fields(self) -> list[Field]:
        """Filters with what was asked for."""
        return [
            Field(condition, self.values[condition.name], self.choices.get(condition.name, ()))
            for condition in self.table.filters
        ]

    @property
    def first_field(self) -> Field:
        """The filter that stands before the others."""
        return self.fields[0]

    @property
    def other_fields(self) -> list[Field]:
        """The filters that are folded away."""
        return self.fields[1:]

    @property
    def chosen(self) -> int:
        """How much of the folded part is not as usual."""
        return sum(bool(field.value) for field in self.other_fields) + sum(
            (self.sort is not None, self.columns != usual(self.table))
        )

    @property
    def has_action(self) -> bool:
        """Rows have something to do."""
        return self.table.action is not None

    @property
    def panel(self) -> list[tuple[Column, bool]]:
        """Columns that can be chosen, and whether they are."""
        return [(column, column in self.columns) for column in self.table.columns[1:]]

    @property
    def sorts(self) -> list[tuple[str, str, bool]]:
        """Choices of the order: value, words, whether it is the present one."""
        now = self._sort_value(self.sort, descending=self.descending) if self.sort else ""
        found = [("", self.table.order_name, not now)]
        for column in self.table.columns:
            for descending in (False, True) if column.sort else ():
                value = self._sort_value(column, descending=descending)
                found.append((value, f"{column.header}{'（倒序）' if descending else ''}", value == now))
        return found

    @property
    def heads(self) -> list[Head]:
        """Heads of the columns shown."""
        return [self._head(column) for column in self.columns]

    def _head(self, column: Column) -> Head:
        if not column.sort:
            return Head(column, "", "")
        is_by = column == self.sort
        turned = self._sort_value(column, descending=is_by and not self.descending)
        aria = ("descending" if self.descending else "ascending") if is_by else "none"
        return Head(column, self._address(sort=turned), aria)

    @staticmethod
    def _sort_value(column: Column, *, descending: bool) -> str:
        return f"-{column.name}" if descending else column.name

    def _address(self, **changed: str) -> str:
        query = self.query.copy()
        for name in KEPT_OUT:
            query.pop(name, None)
        for name, value in changed.items():
            query[name] = value
        return f"?{query.urlencode()}"

    @property
    def file_query(self) -> str:
        """What the address of the file carries."""
        return self._address()


def usual(table: Table, *, without: Sequence[str] = ()) -> tuple[Column, ...]:
    """The columns that are shown unless others are chosen."""
    return tuple(column for column in table.columns if column.is_usual and column.name not in without)


def typed(query: QueryDict, name: str) -> str:
    """What was typed, cut to a length that no database minds."""
    return query.get(name, "").strip()[:LONGEST].replace("\x00", "")


def asked(table: Table, query: QueryDict, user: User, on: datetime.date) -> Asked:
    """What an address asks of a list; what it does not understand, it leaves out."""
    choices = {condition.name: condition.choices() for condition in table.filters if condition.choices}
    values = {condition.name: typed(query, condition.name) for condition in table.filters}
    for name, offered in choices.items():
        values[name] = values[name] if values[name] in dict(offered) else ""
    wanted = set(query.getlist("col"))
    first, *others = table.columns
    columns = (first, *(column for column in others if column.name in wanted))
    order = typed(query, "sort")
    by = {column.name: column for column in table.columns if column.sort}.get(order.removeprefix("-"))
    return Asked(
        table=table,
        query=query,
        values=values,
        choices=choices,
        columns=columns if len(columns) > 1 else usual(table),
        sort=by,
        descending=by is not None and order.startswith("-"),
        user=user,
        on=on,
    )
