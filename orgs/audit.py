"""The one door of the audit trail: what was done, written in the transaction that did it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model

from orgs.models import AuditEvent

if TYPE_CHECKING:
    from orgs.models import User

# One field's value before and after: (before, after) as small dictionaries of plain values.
Changes = Mapping[int, tuple[dict[str, Any], dict[str, Any]]]


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
    events = []
    for thing in objects:
        before, after = changes.get(thing.pk, ({}, {}))
        text = summary or str(thing)
        events.append(
            AuditEvent(
                by=by,
                verb=verb,
                model=thing._meta.label_lower,
                object_id=thing.pk,
                summary=text[:500],
                before=_plain(before),
                after=_plain(after),
            )
        )
    AuditEvent.objects.bulk_create(events, batch_size=2000)
