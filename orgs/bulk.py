"""Very many rows at once, past the models: for what is written for every member of a whole system.

`bulk_create` makes a model object of each row, asks each field twice and, on SQLite, sends some sixty rows a
statement: of 12 s for 107,000 duties the database needed 3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Model
from psycopg2.extras import execute_values

BATCH = 5000


def insert(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows whose values stand in the order of `columns` (a foreign key by its id: "person_id").

    Every column but the id must be named: defaults of the model are not filled in, nothing is validated, and nothing
    is returned. The rows may come from a generator; some thousands are in memory at a time. Runs in the caller's
    transaction; what the database refuses is raised as the ORM raises it.
    """
    fields: list[Any] = [model._meta.get_field(name) for name in columns]
    if missing := {field.attname for field in model._meta.concrete_fields if not field.primary_key} - set(columns):
        raise ValueError(f"{model.__name__}: no values for {', '.join(sorted(missing))}")
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    into = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES "  # noqa: S608 - names of ours
    values = _prepared(rows, [(at, prepare) for at, field in enumerate(fields) if (prepare := _preparing(field))])
    with connection.cursor() as cursor, connection.wrap_database_errors:
        while batch := list(islice(values, BATCH)):
            if connection.vendor == "postgresql":
                execute_values(cursor.cursor, into + "%s", batch, page_size=BATCH)
            else:
                cursor.executemany(f"{into}({', '.join(['%s'] * len(fields))})", batch)


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
        case "DateField" | "DateTimeField":
            return lru_cache(maxsize=1000)(partial(field.get_db_prep_save, connection=connection))
    return None


def _prepared(rows: Iterable[Sequence[Any]], prepares: list[tuple[int, Callable]]) -> Iterator[Sequence[Any]]:
    for row in rows:
        values = list(row)
        for at, prepare in prepares:
            values[at] = prepare(values[at])
        yield values
