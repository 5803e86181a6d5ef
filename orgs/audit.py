"""The one door of the audit trail: what was done, written in the transaction that did it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Model
from django.utils import timezone
from psycopg2.extras import execute_values

from orgs.models import AuditEvent

if TYPE_CHECKING:
    from orgs.models import User

# One field's value before and after: (before, after) as small dictionaries of plain values.
Changes = Mapping[int, tuple[dict[str, Any], dict[str, Any]]]

NOTHING: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
COLUMNS = ("at", "by_id", "verb", "model", "object_id", "summary", "before", "after")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values as JSON keeps them; a related object as its name."""
    encode = DjangoJSONEncoder().default
    plain = {}
    for name, value in values.items():
        if isinstance(value, Model) or not isinstance(value, str | int | float | bool | list | dict | None):
            plain[name] = str(value) if isinstance(value, Model) else encode(value)
        else:
            plain[name] = value
    return plain


def record(
    by: User | None, verb: str, objects: Iterable[Model], *, summary: str = "", changes: Changes | None = None
) -> None:
    """Append one event for each object. `changes` maps a primary key to (before, after).

    Runs in the caller's transaction, so that a change and its event are written together or not at all.
    """
    changes = changes or {}
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    by_pk = by.pk if by is not None else None
    rows = []
    for thing in objects:
        before, after = changes.get(thing.pk, NOTHING)
        rows.append(
            (
                at,
                by_pk,
                verb,
                thing._meta.label_lower,
                thing.pk,
                (summary or str(thing))[:500],
                json.dumps(_plain(before)) if before else "{}",
                json.dumps(_plain(after)) if after else "{}",
            )
        )
    _insert(rows)


def _insert(rows: list[tuple]) -> None:
    """Past the models: an import writes a quarter of a million of these, and the ORM was most of that time."""
    if not rows:
        return
    quote = connection.ops.quote_name
    into = f"INSERT INTO {quote(AuditEvent._meta.db_table)} ({', '.join(quote(name) for name in COLUMNS)}) VALUES "  # noqa: S608 - names of our own
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            execute_values(cursor.cursor, into + "%s", rows, page_size=5000)
        else:
            cursor.executemany(f"{into}({', '.join(['%s'] * len(COLUMNS))})", rows)
