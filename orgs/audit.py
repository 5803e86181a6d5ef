"""The one door of the audit trail: what was done, written in the transaction that did it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from orgs import bulk
from orgs.models import AuditEvent

if TYPE_CHECKING:
    from orgs.models import User

# One field's value before and after: (before, after) as small dictionaries of plain values.
Changes = Mapping[int, tuple[dict[str, Any], dict[str, Any]]]

NOTHING: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
AT_ONCE = 20_000  # events that are made before they are written
RUN = 1000  # objects stored in one go from which they are told of by runs
COLUMNS = ("at", "by_id", "verb", "model", "object_id", "until_id", "summary", "before", "after")


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
    rows = _rows(by, verb, list(objects), summary, changes or {})
    # Made before they are written: a name may ask the database, and PostgreSQL answers nothing while rows are copied.
    while batch := list(islice(rows, AT_ONCE)):
        bulk.insert_prepared(AuditEvent, COLUMNS, batch)


def record_new(
    by: User | None, verb: str, objects: Sequence[Model], *, summary: str = "", changes: Changes | None = None
) -> None:
    """The events of objects that were just stored. Very many of them, of whom nothing is told but that they came, are
    told of by runs of consecutive ids: their own rows say the rest, and half a million events would say no more.
    """
    if changes or len(objects) < RUN:
        record(by, verb, objects, summary=summary, changes=changes)
        return
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    by_pk = by.pk if by is not None else None
    key = objects[0]._meta.pk.attname  # `pk` would look this up for each
    by_key = dict(zip(map(attrgetter(key), objects), objects, strict=True))
    rows = []
    for first, last in _runs(sorted(by_key)):
        thing = by_key[first]
        told = summary or (f"{thing} 等 {last - first + 1} 项" if last > first else str(thing))
        until = last if last > first else None
        rows.append((at, by_pk, verb, thing._meta.label_lower, first, until, told[:500], "{}", "{}"))
    bulk.insert_prepared(AuditEvent, COLUMNS, rows)


def _runs(keys: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    first = last = keys[0]
    for key in keys[1:]:
        if key != last + 1:
            yield first, last
            first = key
        last = key
    yield first, last


def _rows(by: User | None, verb: str, things: list[Model], summary: str, changes: Changes) -> Iterator[tuple]:
    """An import writes half a million of these. One dictionary told of many objects becomes JSON once."""
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    by_pk = by.pk if by is not None else None
    texts: dict[int, str] = {}

    def text(values: dict[str, Any]) -> str:
        found = texts.get(id(values))
        if found is None:
            found = texts[id(values)] = json.dumps(_plain(values)) if values else "{}"
        return found

    for thing in things:
        before, after = changes.get(thing.pk, NOTHING)
        told = (summary or str(thing))[:500]
        yield at, by_pk, verb, thing._meta.label_lower, thing.pk, None, told, text(before), text(after)
