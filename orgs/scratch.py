"""Tables for the work of one transaction: what is compared set by set, because Python would hold a million rows.

The one place where PostgreSQL and SQLite differ in it: elsewhere the statements are the same for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from orgs import bulk

ROW = "row_id"  # every row's number, in the order in which it was written
MANY = 10_000  # rows after which the database should count a table
TYPES = {
    "postgresql": {"id": "bigint", "text": "text", "json": "jsonb", "count": "integer"},
    "sqlite": {"id": "integer", "text": "text", "json": "text", "count": "integer"},
}

Sql = tuple[str, Sequence[Any]]  # a statement, or a part of one, with its values


class Scratch:
    """A temporary table of one's own connection; its rows are gone with the transaction."""

    def __init__(self, name: str, columns: Mapping[str, str], *keys: tuple[str, ...]) -> None:
        """Columns by name: "id", "text", "json" or "count". `keys`: by which columns rows are looked up."""
        self.name, self.columns, self.keys = name, columns, keys

    def open(self) -> Scratch:
        """The table, empty, whatever was in it. Belongs into a transaction."""
        vendor = connection.vendor
        types = TYPES[vendor]
        listed = ", ".join(f"{name} {types[kind]}" for name, kind in self.columns.items())
        if vendor == "postgresql":
            # Kept with the connection: to make and to drop it each time would wear the catalogue out.
            number = f"{ROW} bigint GENERATED ALWAYS AS IDENTITY"
            run(f"CREATE TEMP TABLE IF NOT EXISTS {self.name} ({number}, {listed}) ON COMMIT DELETE ROWS")
            run(f"TRUNCATE {self.name}")
            return self
        run(f"CREATE TEMP TABLE IF NOT EXISTS {self.name} ({ROW} INTEGER PRIMARY KEY, {listed})")
        run(f"DELETE FROM {self.name}")  # noqa: S608 - names of ours, here and below
        for at, key in enumerate(self.keys):  # PostgreSQL compares by hashes instead
            run(f"CREATE INDEX IF NOT EXISTS temp.{self.name}_{at} ON {self.name} ({', '.join(key)})")
        return self

    def insert(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows in the order of the columns, JSON as its text."""
        bulk.insert_into(self.name, list(self.columns), rows)

    def insert_from(self, select: Sql | None) -> int:
        """The rows of a select, in the order of the columns; none for None. Returns how many."""
        if select is None:
            return 0
        sql, values = select
        return run(f"INSERT INTO {self.name} ({', '.join(self.columns)}) {sql}", values)  # noqa: S608

    def learn(self, count: int) -> None:
        """Let PostgreSQL count the table, which it never does by itself, when there are many rows."""
        if connection.vendor == "postgresql" and count > MANY:
            run(f"ANALYZE {self.name}")


def compiled(rows: QuerySet) -> Sql | None:
    """The select of a queryset; None when it can have no rows."""
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return None


def differ(one: str, other: str) -> str:
    """Two values are not the same, empty ones being the same as each other; as a condition."""
    return f"{one} IS DISTINCT FROM {other}" if connection.vendor == "postgresql" else f"{one} IS NOT {other}"


def run(sql: str, values: Sequence[Any] = ()) -> int:
    """Do a statement; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def rows(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of a select that are few enough to be held."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
