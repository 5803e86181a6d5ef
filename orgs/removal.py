"""Removing rows for good, in bulk: what still hangs on them refuses it, with a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db.models import Model

CHUNK = 900


def used_by(model: type[Model], pks: Collection[int], *, besides: Collection[type[Model]] = ()) -> str:
    """One thing that refers to any of these rows, as people call it; "" where nothing does. Its own kind and the
    models in `besides` do not count.
    """
    for relation in model._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)):
            continue
        other: Any = relation.related_model
        if other is model or other in besides:
            continue
        for chunk in chunks(sorted(pks)):
            found = other._base_manager.filter(**{f"{relation.field.name}__in": chunk}).first()  # type: ignore[union-attr]
            if found is not None:
                return f"{other._meta.verbose_name}“{found}”"
    return ""


def delete(model: type[Model], pks: Collection[int]) -> None:
    """Delete these rows without looking for what hangs on them: ask `used_by` before."""
    for chunk in chunks(sorted(pks)):
        rows = model._base_manager.filter(pk__in=chunk)
        rows._raw_delete(rows.db)  # no cascade is collected: a hundred thousand rows, and nothing hangs on them


def chunks(pks: Sequence[int]) -> Iterator[Sequence[int]]:
    """Some hundred at a time: every database has a limit."""
    for start in range(0, len(pks), CHUNK):
        yield pks[start : start + CHUNK]
