"""Verbs of rectification: from the problem named to its close (R37, domain.md 5.7)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from orgs.errors import DomainError
from reviews.models import RectificationItem, Record

if TYPE_CHECKING:
    from orgs.models import User


class RectificationRefused(DomainError):
    """The item's state or the values do not allow this."""


def actions(item: RectificationItem, user: User) -> set[str]:
    """Which verbs this user may use on it now: plan, report, feed_back, accept, send_back, set_due."""
    raise NotImplementedError


def plan(
    item: RectificationItem, *, measures: str, responsible: str, due_on: datetime.date | None = None, by: User
) -> RectificationItem:
    """The target says what it will do, who, until when (empty: the day the reviewer set)."""
    raise NotImplementedError


def report(item: RectificationItem, *, text: str, by: User) -> RectificationItem:
    """Progress, any number of times; the state stays."""
    raise NotImplementedError


def feed_back(item: RectificationItem, *, outcome: str, by: User) -> RectificationItem:
    """The target says it is done, and waits for acceptance (R37)."""
    raise NotImplementedError


def accept(item: RectificationItem, *, by: User) -> RectificationItem:
    """The reviewer's side closes it (销号); never the target."""
    raise NotImplementedError


def send_back(item: RectificationItem, *, reason: str, by: User) -> RectificationItem:
    """Not good enough: back to work, with a reason."""
    raise NotImplementedError


def set_due(record: Record, *, on: datetime.date, by: User) -> Record:
    """The reviewer sets or moves the day for feedback; open items without a plan take it."""
    raise NotImplementedError


def annex_text(items: Iterable[RectificationItem]) -> str:
    """The last cell of annex 3: measures and outcome of each problem; "" while none is fed back or closed (R58)."""
    raise NotImplementedError
