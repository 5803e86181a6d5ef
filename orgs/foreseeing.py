"""A change is seen before it is done: what it would do to organisations, people, duties and figures, in sentences.

`foresee` does the real thing inside a savepoint, asks what became different, and takes it all back: what it tells is
what will happen. `carry_out` does it for good, if it still does what was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from orgs import changes, consequences, tree
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.models import Organization, Person, User


class Different(DomainError):
    """What would happen is not what was shown; `.consequences` is what would happen now."""

    def __init__(self, consequences: list[str]) -> None:
        super().__init__("您查看影响之后情况有了变化，没有写入。请按下面的最新影响再确认一次。")
        self.consequences = consequences


@dataclass(frozen=True)
class Plan:
    """A change, and the verb that makes it."""

    change: Change
    do: Callable[[], object]


def foresee(plan: Plan) -> list[str]:
    """What the change would do, in sentences: it is done inside a savepoint and taken back. Raises what it raises."""
    with transaction.atomic():
        sentences = _do(plan)
        transaction.set_rollback(True)
    return sentences


def carry_out(plan: Plan, *, seen: Sequence[str]) -> list[str]:
    """Make the change, if it still does what was shown. Raises Different (and nothing is written) where it does not."""
    with transaction.atomic():
        sentences = _do(plan)
        if list(seen) != sentences:
            raise Different(sentences)
    return sentences


def enter(plan: Plan, *, by: User | None) -> list[str]:
    """Make a change by verbs that tell nobody of it, and tell everybody who derives something; in a transaction.

    Returns what it did to duties and figures, in sentences.
    """
    tree.lock()
    asked = [look(plan.change) for look in changes.previews]
    plan.do()
    changes.announce(_with_the_new(plan.change), by)
    return [sentence for ask in asked for sentence in ask()]


def _with_the_new(change: Change) -> Change:
    """The change with the organisation or the person who was not stored before it."""
    if change.kind == ChangeKind.JOIN:
        return replace(change, persons=(Person.objects.get(number=change.number).pk,))
    if change.kind == ChangeKind.FOUND and change.target is not None:
        return replace(change, target=Organization.objects.get(code=change.target.code))
    return change


def _do(plan: Plan) -> list[str]:
    tree.lock()
    asked = [look(plan.change) for look in (consequences.look, *changes.previews)]
    plan.do()
    return [sentence for ask in asked for sentence in ask()]
