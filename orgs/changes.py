"""A register of consequences: what must follow when the tree or the people change.

`reviews` and `reports` hang their functions here when they start (`AppConfig.ready`); the verbs of `orgs` call
them inside their own transaction, bulk-shaped. So news goes up without `orgs` knowing who listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orgs.models import User

# Called after the tree was renumbered, with the organisations whose parent changed: id -> id of the old parent
# (None: it was a root). New organisations are not named: nothing can hang on them yet.
TreeChanged = Callable[[Mapping[int, int | None], "User | None"], None]

tree_changed: list[TreeChanged] = []


def announce_moves(old_parents: Mapping[int, int | None], by: User | None) -> None:
    """Tell every listener which organisations hang under another parent than before."""
    if old_parents:
        for listener in tree_changed:
            listener(old_parents, by)
