"""The tree as a page opens it: some organisations of a level at a time, and the way down to one of them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orgs import clock, directory, past
from orgs.directory import OrganizationRow, Top
from orgs.models import Organization, User
from orgs.paging import PAGE

MOST_PAGES = 100_000  # of one level; no database minds the number of rows


@dataclass(frozen=True)
class Node:
    """An organisation of the tree; `level` is what stands unfolded below it."""

    row: OrganizationRow
    why: str = ""
    level: Level | None = None
    is_marked: bool = False


@dataclass(frozen=True)
class Level:
    """Some of the organisations directly below one, and whether there are others before and after them."""

    org: Organization
    nodes: tuple[Node, ...]
    page: int
    has_more: bool

    @property
    def next_page(self) -> int:
        """The page after this one."""
        return self.page + 1

    @property
    def previous_page(self) -> int:
        """The page before this one; 0 on the first."""
        return self.page - 1


def level(org: Organization, user: User, on: datetime.date, page: int) -> Level:
    """One page of what lies directly below the organisation on that day."""
    found, has_more = _window(org, user, on, page)
    return Level(org, tuple(Node(row) for row in directory.rows(found, user, on)), page, has_more)


def _window(org: Organization, user: User, on: datetime.date, page: int) -> tuple[Sequence[Organization], bool]:
    start = (page - 1) * PAGE
    found = list(past.under(Organization.objects.visible_to(user), [org.pk], on)[start : start + PAGE + 1])
    return found[:PAGE], len(found) > PAGE


def nodes(tops: Sequence[Top], user: User, on: datetime.date, to: Organization | None) -> list[Node]:
    """Where the user's view begins; opened down to an organisation (today), else the first level of an only beginning.

    However many levels are opened, their rows are read together.
    """
    path = _path(tops, to, user) if to is not None and on >= clock.today() else []
    if len(path) < 2 and len(tops) == 1:
        return [Node(tops[0].row, tops[0].why, level(tops[0].row.org, user, on, 1), is_marked=bool(path))]
    levels = []
    for upper, lower in zip(path, path[1:], strict=False):
        siblings = past.under(Organization.objects.visible_to(user), [upper.pk], on)
        page = siblings.preceding(lower).order_by().count() // PAGE + 1
        levels.append((upper, page, *_window(upper, user, on, page)))
    shown = {row.org.pk: row for row in directory.rows([org for one in levels for org in one[2]], user, on)}
    below: Level | None = None
    marked = path[-1].pk if path else None
    for upper, page, orgs, has_more in reversed(levels):
        children = tuple(
            Node(shown[org.pk], level=below if below and below.org.pk == org.pk else None, is_marked=org.pk == marked)
            for org in orgs
        )
        below = Level(upper, children, page, has_more)
    beginnings = [Node(top.row, top.why, is_marked=top.row.org.pk == marked) for top in tops]
    return [replace(node, level=below) if below and node.row.org.pk == below.org.pk else node for node in beginnings]


def _path(tops: Sequence[Top], to: Organization, user: User) -> list[Organization]:
    """From the nearest beginning of the user's view down to the organisation; empty where none lies above it."""
    begins = {top.row.org.pk for top in tops}
    chain = list(Organization.objects.visible_to(user).above(to, include_self=True))
    at = [place for place, org in enumerate(chain) if org.pk in begins]
    return chain[at[-1] :] if at else []


def page_number(text: str) -> int:
    """The page that an address asks for; the first for what is no number."""
    return min(int(text), MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) else 1
