"""Very many rows at once, past the models: for what is written for every member of a whole system.

`bulk_create` makes a model object of each row, asks each field twice and, on SQLite, sends some sixty rows a
statement: of 12 s for 107,000 duties the database needed 3. PostgreSQL takes them by COPY.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar, cast

from django.db import connection
from django.db.models import Model
from django.db.models.base import ModelState

BATCH = 5000
PAGE = 2000  # rows that COPY is handed at a time
NULL = f"\\N{secrets.token_hex(4)}"  # what nobody can have typed
M = TypeVar("M", bound=Model)


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows whose values stand in the order of `columns` (a foreign key by its id: "person_id").

    Every column but the id must be named: defaults of the model are not filled in, nothing is validated, and nothing
    is returned. The rows may come from a generator, some thousands are in memory at a time; it must ask the database
    nothing, because it runs while rows are copied. Runs in the caller's transaction; what the database refuses is
    raised as the ORM raises it.
    """
    fields: list[Any] = [model._meta.get_field(name) for name in columns]
    if missing := {field.attname for field in model._meta.concrete_fields if not field.primary_key} - set(columns):
        raise ValueError(f"{model.__name__}: no values for {', '.join(sorted(missing))}")
    prepares = [(at, prepare) for at, field in enumerate(fields) if (prepare := _preparing(field))]
    insert_prepared(model, columns, _prepared(rows, prepares) if prepares else rows)


def insert_prepared(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The same for values that are the database's already: JSON as its text, a time as the database takes it."""
    insert_into(model._meta.db_table, [cast(Any, model._meta.get_field(name)).column for name in columns], rows)


def insert_into(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The same for any table, by its own name and its columns'."""
    quote = connection.ops.quote_name
    table, names = quote(table), ", ".join(map(quote, columns))
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            command = f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv, NULL '{NULL}')"
            cursor.cursor.copy_expert(command, _Stream(rows))
            return
        into = f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608 - names of ours
        values = iter(rows)
        while batch := list(islice(values, BATCH)):
            cursor.executemany(into, batch)


def store(rows: Sequence[M], *, prepare: Callable[[M], None] | None = None) -> None:
    """Insert unsaved instances of one model with all their fields; they gain their primary keys.

    Those that were given keys before keep them. As bulk_create, but for fields that set themselves when they are saved
    (auto_now): those must have their values. `prepare` completes each row just before it is sent, while the database
    stores the ones before it; it must ask the database nothing. Runs in the caller's transaction.
    """
    if not rows:
        return
    model = type(rows[0])
    names = [field.attname for field in model._meta.concrete_fields]
    if rows[0].pk is None:
        give_keys(rows)
    values = attrgetter(*names)
    insert(model, names, (values(row) for row in _each(rows, prepare)) if prepare else map(values, rows))
    alias = connection.alias
    for row in rows:
        state = row._state
        state.adding, state.db = False, alias


def _each(rows: Iterable[M], prepare: Callable[[M], None]) -> Iterator[M]:
    for row in rows:
        prepare(row)
        yield row


def instance(model: type[M], values: Mapping[str, Any], **related: Model) -> M:
    """An unsaved instance with these values (a foreign key by its id) and these related objects, all other fields at
    their defaults. As model(…), which asks each field and takes five times as long; no signal is sent.
    """
    row = model.__new__(model)
    state = row._state = ModelState()
    facts = row.__dict__
    facts.update(_defaults(model))
    facts.update(values)
    for name, thing in related.items():
        facts[f"{name}_id"] = thing.pk
        state.fields_cache[name] = thing
    return row


@lru_cache(maxsize=100)
def _defaults(model: type[Model]) -> dict[str, Any]:
    return {field.attname: field.get_default() for field in model._meta.concrete_fields}


def give_keys(rows: Sequence[Model]) -> None:
    """Give unsaved instances of one model the primary keys with which they will be stored."""
    model = type(rows[0])
    key = model._meta.pk.attname
    for row, pk in zip(rows, _free_keys(model, len(rows)), strict=True):
        setattr(row, key, pk)


def _free_keys(model: type[Model], count: int) -> Iterable[int]:
    """Primary keys that no row has and none will get."""
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [connection.ops.quote_name(table), column])
            (sequence,) = cursor.fetchone()  # looked up once: it costs more than the number
            cursor.execute("SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [sequence, count])
            return [pk for (pk,) in cursor.fetchall()]
        # Nobody else writes: on SQLite the transaction is the lock. Its table of sequences follows what is inserted.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
    first = 1 + (last[0] if last else 0)
    return range(first, first + count)


class _Stream:
    """Rows as the csv that COPY reads, made as it asks for more: the database works meanwhile."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self.rows = iter(rows)

    def read(self, _: int = -1) -> str:
        """Some hundred rows; "" when there are no more."""
        page = io.StringIO(newline="")
        csv.writer(page, lineterminator="\n").writerows(
            [[NULL if value is None else value for value in row] for row in islice(self.rows, PAGE)]
        )
        return page.getvalue()


def learn(*models: type[Model]) -> None:
    """Let PostgreSQL count the tables anew, our own transaction's rows as well; SQLite plans without.

    After very many rows, and before reading them: until then it takes the table for the size it had, reads a whole
    period to find one branch's rows, and does so for each branch.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE " + ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models))


def _preparing(field: Any) -> Callable[[Any], Any] | None:
    """How the field's values become the database's; None where they are the same already."""
    match field.get_internal_type():
        case "JSONField":
            return partial(json.dumps, cls=field.encoder)  # the field's own way takes three times as long
        case "DateField" if connection.vendor == "postgresql":
            return None
        case "DateField" | "DateTimeField":
            return lru_cache(maxsize=1000)(partial(field.get_db_prep_save, connection=connection))
    return None


def _prepared(rows: Iterable[Sequence[Any]], prepares: list[tuple[int, Callable]]) -> Iterator[Sequence[Any]]:
    for row in rows:
        values = list(row)
        for at, prepare in prepares:
            values[at] = prepare(values[at])
        yield values
