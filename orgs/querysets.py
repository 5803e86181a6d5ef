"""Which rows, in the field's words. Besides `tree` and `scope`, only this module names lft and rght."""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Self

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from mptt.querysets import TreeQuerySet

from orgs import clock, scope
from orgs.scope import in_range

if TYPE_CHECKING:
    from orgs.models import Organization, User


WIDE = 4_000  # organisations
IN_TREE = ("tree_id", "lft")  # the order of the tree: superiors first


def within(on: datetime.date, start: str = "from_on", end: str = "to_on") -> Q:
    """The half-open span [start, end) holds on this day; an empty date means always."""
    return (Q(**{f"{start}__isnull": True}) | Q(**{f"{start}__lte": on})) & (
        Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": on})
    )


Stand = tuple[int, int, int, int]  # where an organisation stands in the tree, as `stand` selects it


def stand(path: str = "") -> tuple[str, ...]:
    """Fields that say where the organisation at the path stands in the tree; their values are for `Subtrees`."""
    return tuple(f"{path}{name}" for name in ("level", "tree_id", "lft", "rght"))


class Subtrees:
    """Some organisations' subtrees, to find the ones that hold a place. Thousands of places cost little: it bisects."""

    def __init__(self, stands: Iterable[tuple[int, Stand]]) -> None:
        """From the organisations' ids and where they stand; places asked for must be read in the same statement."""
        # Organisations of one level never lie within each other, so at most one of each level holds a place.
        by_level: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        for pk, (level, tree_id, lft, rght) in stands:
            by_level[level].append((tree_id, lft, rght, pk))
        self._levels = [([row[:2] for row in rows], rows) for rows in map(sorted, by_level.values())]

    def holding(self, place: Stand) -> Iterator[int]:
        """Ids of the organisations whose subtree holds the organisation that stands there, itself included."""
        _level, tree_id, lft, _rght = place
        for starts, rows in self._levels:
            at = bisect_right(starts, (tree_id, lft)) - 1
            if at >= 0 and rows[at][0] == tree_id and lft <= rows[at][2]:
                yield rows[at][3]


def pairs_below(tops: models.QuerySet, targets: models.QuerySet) -> list[tuple[int, int]]:
    """(top, target) for every target that lies in a top's subtree, the top itself aside. One statement.

    The planner may start from whichever side is shorter: from a few tops it walks their ranges, it never compares all
    with all.
    """
    quote = connection.ops.quote_name
    names = ("id", "tree_id", "lft", "rght")
    try:
        upper, upper_values = tops.order_by().values(*names).query.sql_with_params()
        lower, lower_values = targets.order_by().values(*names).query.sql_with_params()
    except EmptyResultSet:
        return []
    columns = {name: quote(name) for name in names}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT top.{columns['id']}, target.{columns['id']} FROM ({upper}) top JOIN ({lower}) target"  # noqa: S608 - of our own
            f" ON target.{columns['tree_id']} = top.{columns['tree_id']} AND target.{columns['lft']} > top.{columns['lft']}"
            f" AND target.{columns['lft']} <= top.{columns['rght']}",
            (*upper_values, *lower_values),
        )
        return list(cursor.fetchall())


# For statements of their own: an organisation's place as one number, which grows in the order of the tree.


def stand_sql(alias: str) -> str:
    """The columns of `stand` of an organisation in a statement; their values are for `Subtrees`."""
    return ", ".join(f"{alias}.{name}" for name in stand())


def range_sql(alias: str, top: Organization) -> str:
    """An organisation of a statement stands in the subtree of `top`, as `scope.in_range`.

    In numbers, from which PostgreSQL sees how much of the tree it is; joined, it takes any range for a few rows.
    """
    return f"({alias}.tree_id = {int(top.tree_id)} AND {alias}.lft BETWEEN {int(top.lft)} AND {int(top.rght)})"


def place_sql(alias: str) -> str:
    """Where an organisation of a statement stands, as one number; `stand_at` reads it."""
    return f"((CAST({alias}.tree_id AS bigint) << 32) + {alias}.lft)"


def stand_at(place: int | None) -> Stand:
    """The place that `place_sql` or `start_sql` gave, for `Subtrees.holding`; level and end are not known."""
    return (0, place >> 32, place & 0xFFFFFFFF, 0) if place is not None else (0, 0, 0, 0)


def segment_sql(alias: str, asked: str) -> str:
    """An expression to group by: all organisations of one value lie within the same subtrees of those in the relation
    `asked`, as does the place `start_sql` gives for it.

    PostgreSQL looks each up among the ends of the subtrees (10,000 in 2 ms; joined by ranges, each would be compared
    with each). On SQLite every organisation is a segment of its own.
    """
    if connection.vendor != "postgresql":
        return place_sql(alias)
    return f"width_bucket({place_sql(alias)}, {_edges_sql(asked)})"


def start_sql(segment: str, asked: str) -> str:
    """Where a segment of `segment_sql` begins, as `place_sql`; null before the first, where no subtree is."""
    return f"({_edges_sql(asked)})[{segment}]" if connection.vendor == "postgresql" else segment


def _edges_sql(asked: str) -> str:
    after = f"({place_sql(asked)} - {asked}.lft + {asked}.rght + 1)"
    edges = f"SELECT {place_sql(asked)} AS edge FROM {asked} UNION SELECT {after} FROM {asked}"  # noqa: S608 - of our own
    return f"(SELECT array_agg(edge ORDER BY edge) FROM ({edges}) edges)"  # noqa: S608 - of our own


class SpanQuerySet(models.QuerySet):
    """Rows with a span of dates."""

    def valid(self, on: datetime.date) -> Self:
        """Whose span holds on this day."""
        return self.filter(within(on))


class OrganizationQuerySet(TreeQuerySet):
    """Organisations."""

    def alive(self, on: datetime.date) -> Self:
        """Founded and not dissolved on this day."""
        return self.filter(within(on, "founded_on", "dissolved_on"))

    def below(self, org: Organization, *, include_self: bool = False) -> Self:
        """In the subtree of `org`, by affiliation or guidance."""
        return self.filter(in_range(org, include_self=include_self))

    def in_tree(self) -> Self:
        """In the order of the tree."""
        return self.order_by(*IN_TREE)

    def preceding(self, org: Organization) -> Self:
        """That stand before `org` in the order of its tree."""
        return self.filter(tree_id=org.tree_id, lft__lt=org.lft)

    def above(self, org: Organization, *, include_self: bool = False) -> Self:
        """Ancestors of `org`, root first; nothing is read for a root."""
        if org.parent_id is None and not include_self:
            return self.none()
        own = Q(tree_id=org.tree_id, lft__lte=org.lft, rght__gte=org.rght)
        return self.filter(own if include_self else own & ~Q(pk=org.pk)).order_by("lft")

    def visible_to(self, user: User) -> Self:
        """Whose names and sums the user may see."""
        return self.filter(scope.seen(user))

    def editable_by(self, user: User) -> Self:
        """Whose people and facts the user may enter and change."""
        return self.filter(scope.edited(user))


class PersonQuerySet(models.QuerySet):
    """Persons."""

    def counted(self) -> Self:
        """Members who are counted and reviewed: 党籍 in order (A24); probationary ones included (A23)."""
        return self.filter(status="normal")

    def members_of(self, org: Organization, on: datetime.date) -> Self:
        """Counted members of the branches in the subtree of `org` on this day."""
        spans = within(on, "memberships__from_on", "memberships__to_on")
        return self.counted().filter(spans, in_range(org, "memberships__branch__"))

    def visible_to(self, user: User) -> Self:
        """Members and holders of posts in the organisations whose persons the user sees; always oneself."""
        at = scope.seats(user)
        if at.is_admin:
            return self
        return self._placed(scope.seen_people(user), himself=user.person_id)

    def editable_by(self, user: User) -> Self:
        """Members of the branches, and holders of posts in the organisations, that the user may edit."""
        if scope.seats(user).is_admin:
            return self
        return self._placed(scope.edited(user))

    def _placed(self, where: Q, himself: int | None = None) -> Self:
        """Who belongs today to the organisations of the condition, or holds a post in one of them; and one person.

        Asked one of two ways, whichever is quicker; the answer is the same. From few organisations: the union of the
        ids, which must stand alone (joined by OR to anything else, it is asked of every person there is). From more
        than `WIDE`: of each person in the order of the list, which is over when the page is full.
        """
        organizations = self.model._meta.apps.get_model("orgs", "Organization")
        inside = organizations._default_manager.filter(where).order_by().values("pk")
        on = clock.today()
        members, holders = (
            getattr(self.model, relation).rel.related_model._default_manager.valid(on).order_by()
            for relation in ("memberships", "posts")
        )
        if inside[: WIDE + 1].count() > WIDE:
            of_person = Q(person=OuterRef("pk"))
            mine = Q(pk=himself) if himself is not None else scope.NOTHING
            wide_inside = {"branch": members, "organization": holders}
            found = [Exists(rows.filter(of_person, **{f"{path}__in": inside})) for path, rows in wide_inside.items()]
            return self.filter(found[0] | found[1] | mine)
        placed = members.filter(branch__in=inside).values("person")
        placed = placed.union(holders.filter(organization__in=inside).values("person"))
        if himself is not None:
            placed = placed.union(self.model._default_manager.filter(pk=himself).order_by().values("pk"))
        return self.filter(pk__in=placed)


class MembershipQuerySet(SpanQuerySet):
    """Memberships."""

    def counted(self) -> Self:
        """Of members who are counted and reviewed (A23, A24)."""
        return self.filter(person__status="normal")

    def below(self, org: Organization) -> Self:
        """In branches of the subtree of `org`."""
        return self.filter(in_range(org, "branch__"))


class PostQuerySet(SpanQuerySet):
    """Posts."""

    def heads(self) -> Self:
        """书记, and whoever 主持工作 (who counts only where there is no 书记, A3)."""
        return self.filter(Q(role="secretary") | Q(is_acting=True))

    def below(self, org: Organization) -> Self:
        """In organisations of the subtree of `org`."""
        return self.filter(in_range(org, "organization__"))


class ChargeQuerySet(SpanQuerySet):
    """Divisions of work."""


class ImportBatchQuerySet(models.QuerySet):
    """Imports."""

    def visible_to(self, user: User) -> Self:
        """Whole trees are imported by administrators; nobody else sees what was uploaded."""
        return self if scope.seats(user).is_admin else self.none()


class OrganizationAliasQuerySet(models.QuerySet):
    """Aliases of organisations."""

    def visible_to(self, user: User) -> Self:
        """They belong to the imports: administrators."""
        return self if scope.seats(user).is_admin else self.none()
