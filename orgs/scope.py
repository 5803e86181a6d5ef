"""The only place that turns posts and grants into what a user may see and edit.

Every answer is a condition on the range (tree_id, lft) of the organisations concerned, never a list of ids.
Sums cover a seat's whole subtree; persons, texts and edits stop at a guidance edge (the same `domain`).

| seat | names and sums | persons | edits |
|---|---|---|---|
| administrator (superuser) | all | all | all |
| office (a grant) | its subtree | its subtree within the domain | its subtree within the domain |
| head (书记 or 主持工作) | its subtree | its subtree within the domain | a branch: itself |
| other leader | own organisation, those in charge with all below | the same within the domain | nothing |
| member | own branch (its name) | himself | nothing |
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from orgs import clock

if TYPE_CHECKING:
    from orgs.models import Organization, Person, User

NOTHING = Q(pk__in=[])
EVERYTHING = ~NOTHING  # not Q(): "Q() | something" would be something


@dataclass(frozen=True)
class Seats:
    """From where a user looks, on today's day."""

    person: Person | None = None
    is_admin: bool = False
    offices: tuple[Organization, ...] = ()
    heads: tuple[Organization, ...] = ()
    teams: tuple[Organization, ...] = field(default=())  # every organisation in which the person holds a post
    charges: tuple[tuple[Organization, Organization], ...] = ()  # (organisation in charge, team)
    branch: Organization | None = None

    @property
    def has_post(self) -> bool:
        """Holds a post somewhere."""
        return bool(self.teams)

    @property
    def tops(self) -> tuple[Organization, ...]:
        """Organisations that a user looks at the figures of: offices, then as head, then teams and charges."""
        found: dict[int, Organization] = {}
        for org in (*self.offices, *self.heads, *self.teams, *(org for org, _ in self.charges)):
            found.setdefault(org.pk, org)
        return tuple(found.values())


def seats(user: User) -> Seats:
    """The user's seats, read once for each user object (that is, once a request)."""
    cached = getattr(user, "_seats", None)
    if cached is None:
        cached = _read(user)
        user._seats = cached  # type: ignore[attr-defined]
    return cached


def _read(user: User) -> Seats:
    if not user.is_authenticated or not user.is_active:
        return Seats()
    on = clock.today()
    alive = [grant.organization for grant in user.grants.valid(on).select_related("organization")]
    person = user.person
    if person is None:
        return Seats(is_admin=user.is_superuser, offices=tuple(alive))
    posts = list(
        person.posts.valid(on).select_related("organization").order_by("organization__level", "organization__lft")
    )
    with_secretary = set(
        _secretaries_of([post.organization_id for post in posts if post.is_acting], person, on) if posts else ()
    )
    heads = {
        post.organization_id: post.organization
        for post in posts
        if post.role == "secretary" or (post.is_acting and post.organization_id not in with_secretary)
    }
    charges = person.charges.valid(on).select_related("organization", "team").order_by("organization__lft")
    held = {post.organization_id for post in posts}
    membership = person.memberships.valid(on).select_related("branch").first()
    return Seats(
        person=person,
        is_admin=user.is_superuser,
        offices=tuple(alive),
        heads=tuple(heads.values()),
        teams=tuple({post.organization_id: post.organization for post in posts}.values()),
        charges=tuple((charge.organization, charge.team) for charge in charges if charge.team_id in held),
        branch=membership.branch if membership else None,
    )


def _secretaries_of(org_ids: list[int], person: Person, on: datetime.date) -> list[int]:
    """Which of these organisations have a 书记: there, 主持工作 makes nobody the head (A3)."""
    if not org_ids:
        return []
    posts: Any = type(person).posts.rel.related_model._default_manager
    return list(
        posts.valid(on).filter(organization__in=org_ids, role="secretary").values_list("organization_id", flat=True)
    )


def in_range(org: Organization, prefix: str = "", *, include_self: bool = True) -> Q:
    """Organisations in the subtree of `org`, as a condition on the path `prefix` (for example "branch__")."""
    lower = "gte" if include_self else "gt"
    return Q(**{f"{prefix}tree_id": org.tree_id, f"{prefix}lft__{lower}": org.lft, f"{prefix}lft__lte": org.rght})


def _within_domain(org: Organization, prefix: str, *, of: Organization | None = None) -> Q:
    """The subtree of `org` up to the next guidance edge, as seen from the domain of `of` (default: of org itself)."""
    return in_range(org, prefix) & Q(**{f"{prefix}domain": (of or org).domain_id})


def _one(org: Organization, prefix: str) -> Q:
    return Q(**{f"{prefix}pk": org.pk})


def any_of(conditions: list[Q]) -> Q:
    """Any of them; none of them means nothing, never everything."""
    if not conditions:
        return NOTHING
    found = conditions[0]
    for condition in conditions[1:]:
        found |= condition
    return found


def seen(user: User, prefix: str = "") -> Q:
    """Organisations whose names and sums the user may see."""
    at = seats(user)
    if at.is_admin:
        return EVERYTHING
    conditions = [in_range(org, prefix) for org in (*at.offices, *at.heads)]
    conditions += [_one(org, prefix) for org in at.teams]
    conditions += [in_range(org, prefix) for org, _team in at.charges]
    if at.branch is not None:
        conditions.append(_one(at.branch, prefix))
    return any_of(conditions)


def seen_people(user: User, prefix: str = "") -> Q:
    """Organisations whose persons (members, holders of posts, who is missing) the user may see by name."""
    at = seats(user)
    if at.is_admin:
        return EVERYTHING
    conditions = [_within_domain(org, prefix) for org in (*at.offices, *at.heads)]
    conditions += [_one(org, prefix) for org in at.teams]
    conditions += [_within_domain(org, prefix, of=team) for org, team in at.charges]
    return any_of(conditions)


def office_of(user: User, prefix: str = "") -> Q:
    """Organisations in whose office (or a superior one) the user works, within the domain; administrators: all."""
    at = seats(user)
    if at.is_admin:
        return EVERYTHING
    return any_of([_within_domain(org, prefix) for org in at.offices])


def edited(user: User, prefix: str = "") -> Q:
    """Organisations whose people and facts the user may enter and change."""
    at = seats(user)
    if at.is_admin:
        return EVERYTHING
    conditions = [_within_domain(org, prefix) for org in at.offices]
    conditions += [_one(org, prefix) for org in at.heads if org.is_branch]
    return any_of(conditions)


def headed(user: User, prefix: str = "") -> Q:
    """Exactly the organisations whose head the user is."""
    return any_of([_one(org, prefix) for org in seats(user).heads])
