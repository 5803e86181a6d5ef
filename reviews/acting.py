"""Who carries out an organisation's duty: the order of domain.md, section 2, over posts and divisions of work read once."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from django.db.models import QuerySet

from orgs.models import Charge, ChargeKind, Organization, Post, PostRole

ALWAYS = datetime.date.min
FEW = 500  # ids in one condition: well below the limit of every database


class Held(NamedTuple):
    """A post as the order needs it; sorts by precedence."""

    rank: int  # 书记, 主持工作, 副书记, others
    since: datetime.date
    number: str
    person_id: int
    role: str
    is_acting: bool
    is_counted: bool


class Shared(NamedTuple):
    """A division of work; sorts 主管 before 协管, then by day and number."""

    rank: int
    since: datetime.date
    number: str
    person_id: int


def began(since: datetime.date) -> dict[str, str]:
    """Since when, for a reason; nothing for a post or a division of work that always was."""
    return {} if since == ALWAYS else {"since": since.isoformat()}


def why_post(held: Held) -> dict[str, Any]:
    """The post that makes a person carry out a duty, for a reason."""
    return {"post": held.role, "acting": held.rank == 1, **began(held.since)}


class Teams:
    """Posts, divisions of work and parents on one day; of some organisations only, where they are given."""

    def __init__(self, on: datetime.date, only: Collection[int] | None = None) -> None:
        self.posts: dict[int, list[Held]] = defaultdict(list)
        self.charges: dict[tuple[int, int], list[Shared]] = defaultdict(list)
        posts = Post.objects.valid(on).order_by().values_list(
            "organization_id", "role", "is_acting", "from_on", "person__number", "person_id", "person__status"
        )  # fmt: skip
        for org_id, role, is_acting, since, number, person_id, status in _of(posts, "organization", only):
            rank = 0 if role == PostRole.SECRETARY else 1 if is_acting else 2 if role == PostRole.DEPUTY else 3
            held = Held(rank, since or ALWAYS, number, person_id, role, is_acting, status == "normal")
            self.posts[org_id].append(held)
        for held_there in self.posts.values():
            held_there.sort()
            if held_there[0].rank == 0:
                # Where there is a 书记, 主持工作 gives no precedence (A3).
                held_there[:] = sorted(self._plain(held) for held in held_there)
        held_in = {org_id: {held.person_id for held in there} for org_id, there in self.posts.items()}
        charges = Charge.objects.valid(on).order_by().values_list(
            "team_id", "organization_id", "kind", "from_on", "person__number", "person_id"
        )  # fmt: skip
        for team_id, org_id, kind, since, number, person_id in _of(charges, "team", only):
            if person_id in held_in.get(team_id, ()):
                rank = 0 if kind == ChargeKind.LEAD else 1
                self.charges[team_id, org_id].append(Shared(rank, since or ALWAYS, number, person_id))
        for shared in self.charges.values():
            shared.sort()
        self.parents = dict(_of(Organization.objects.order_by().values_list("pk", "parent_id"), "pk", only))

    @staticmethod
    def _plain(held: Held) -> Held:
        return held._replace(rank=2 if held.role == PostRole.DEPUTY else 3) if held.rank == 1 else held

    def head(self, org_id: int) -> Held | None:
        """The 书记, else who 主持工作 (A3)."""
        posts = self.posts.get(org_id)
        return posts[0] if posts and posts[0].rank <= 1 else None

    def members(self, org_id: int) -> list[Held]:
        """One entry for each person who holds a post there, the highest one, in precedence."""
        found: dict[int, Held] = {}
        for held in self.posts.get(org_id, ()):
            found.setdefault(held.person_id, held)
        return list(found.values())

    def acting(self, team_id: int, target_id: int, skip: Collection[int]) -> tuple[int | None, dict[str, Any]]:
        """Who carries out the team's duty towards the target, and why; (None, {}) where nobody is left.

        In charge of the target or of the nearest organisation above it, 主管 before 协管; the 书记 or who 主持工作;
        副书记; other members by date of appointment, then by number. `skip`: the target and the target's own head.
        """
        at: int | None = target_id
        seen: set[int] = set()
        while at is not None and at != team_id and at not in seen:
            seen.add(at)
            for shared in self.charges.get((team_id, at), ()):
                if shared.person_id not in skip:
                    kind = "lead" if shared.rank == 0 else "assist"
                    post = next(held for held in self.posts[team_id] if held.person_id == shared.person_id)
                    why = {"post": post.role, "acting": post.rank == 1, "charge": kind, "of": at}
                    return shared.person_id, {**why, **began(shared.since)}
            at = self.parents.get(at)
        for held in self.posts.get(team_id, ()):
            if held.person_id not in skip:
                return held.person_id, why_post(held)
        return None, {}


def _of(rows: QuerySet, name: str, only: Collection[int] | None) -> Iterator[Any]:
    """The rows of some organisations; all where none are given."""
    if only is None:
        yield from rows.iterator(chunk_size=5000)
        return
    wanted = sorted(only)
    for start in range(0, len(wanted), FEW):
        yield from rows.filter(**{f"{name}__in": wanted[start : start + FEW]})
