"""A register of consequences: what must follow when the tree or the people change.

`reviews` and `reports` hang their functions here when they start (`AppConfig.ready`); the verbs of `orgs` call
them inside their own transaction, bulk-shaped. So news goes up without `orgs` knowing who listens.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orgs import clock
from orgs.errors import DomainError

if TYPE_CHECKING:
    from orgs.models import Organization, User

# Called after the tree was renumbered, with the organisations whose parent changed: id -> id of the old parent
# (None: it was a root). New organisations are not named: nothing can hang on them yet.
TreeChanged = Callable[[Mapping[int, int | None], "User | None"], None]

tree_changed: list[TreeChanged] = []


LONGEST_REASON = 200


class ChangeRefused(DomainError):
    """The change says not why, or is dated in the future."""


def checked(reason: str, on: datetime.date) -> str:
    """The reason without blanks around it, for a change on a day that has come. Raises ChangeRefused."""
    reason = reason.strip()
    if not reason:
        raise ChangeRefused("请写明原因，例如批准文号或会议决定。")
    if len(reason) > LONGEST_REASON:
        raise ChangeRefused(f"原因请不超过 {LONGEST_REASON} 个字。")
    if on > clock.today():
        raise ChangeRefused(f"日期 {on} 还没有到，请在当天或之后办理。")
    return reason


class ChangeKind(enum.StrEnum):
    """What happens to organisations and people; CORRECT: what is written of one of them was wrong, and is put right."""

    RENAME = "rename"
    MOVE = "move"
    MERGE = "merge"
    SPLIT = "split"
    DISSOLVE = "dissolve"
    TRANSFER = "transfer"
    APPOINT = "appoint"
    REMOVE = "remove"
    DIVISION = "division"
    FOUND = "found"
    JOIN = "join"
    CORRECT = "correct"
    IMPORT = "import"
    UNDO = "undo"


@dataclass(frozen=True)
class Change:
    """One change. `org`: the organisation that is changed, or that the persons leave, are appointed in or whose
    division of work it is; None for an import and for a transfer out of several branches. `target`: the new superior,
    the organisation that takes over or is founded, or what somebody is put in charge of.
    FOUND: `target` is the new organisation, not stored before, `org` its superior. JOIN: the person who comes to the
    branch `target` is known by `number` until he is stored. CORRECT is about `org` or about `persons`.
    `persons`: ids of the persons whom it is about. `below`: ids of organisations that hung directly under `org` and hang
    under `target` now; known when it is done.
    """

    kind: ChangeKind
    org: Organization | None
    on: datetime.date
    target: Organization | None = None
    persons: tuple[int, ...] = ()
    below: tuple[int, ...] = ()
    number: str = ""


# What a preview says where there is nothing to look at before going on.
UNCHANGED = "点评任务和覆盖统计没有变化。"
NOT_DERIVED = "本期还没有生成点评任务，任务和覆盖统计不受影响。"


def is_quiet(consequences: Iterable[str]) -> bool:
    """Neither duties nor figures become different."""
    return all(line.endswith((UNCHANGED, NOT_DERIVED)) for line in consequences)


# Called in the change's own transaction, after everything in `orgs` is written.
ChangeDone = Callable[[Change, "User | None"], None]
# Called before the change with what will happen; returns what to ask after it (in the same savepoint, which may be
# rolled back then) for the consequences, in Chinese sentences.
Preview = Callable[[Change], Callable[[], list[str]]]

change_done: list[ChangeDone] = []
previews: list[Preview] = []


@dataclass(frozen=True)
class Extent:
    """What of the stored a change by the thousand would touch, by ids: organisations that change their place, type,
    category or life; persons who change their branch or leave; organisations whose 书记 changes or whose division of
    work does. `rows`: how many rows of a file change anything. `can_be_tried`: it is small enough to be done and
    taken back only to see what follows.
    """

    organizations: frozenset[int]
    persons: frozenset[int]
    posts: frozenset[int]
    rows: int
    can_be_tried: bool


# Called before such a change, nothing of it is written: Chinese sentences of how much it would touch, or None when it
# had better be tried (and `previews` be asked).
Estimate = Callable[[Extent], "list[str] | None"]
# Called before organisations and persons are removed for good (an import is undone), with organisation id -> id of the
# nearest organisation above that stays (None: none), and the persons' ids: whatever was only derived from them goes.
# What somebody has written stays, and then refuses the removal.
Removal = Callable[[Mapping[int, "int | None"], "set[int]"], None]

estimates: list[Estimate] = []
removals: list[Removal] = []


def announce_moves(old_parents: Mapping[int, int | None], by: User | None) -> None:
    """Tell every listener which organisations hang under another parent than before."""
    if old_parents:
        for listener in tree_changed:
            listener(old_parents, by)


def announce(change: Change, by: User | None) -> None:
    """Tell every listener what was done."""
    for listener in change_done:
        listener(change, by)
