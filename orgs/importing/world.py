"""What is stored, as far as a file speaks of it: a handful of queries, however many rows it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.models import Max, Q
from django.db.models.functions import Lower

from orgs import clock
from orgs.errors import DomainError
from orgs.importing.columns import CHARGES, PEOPLE, POSTS, Bad, Options, is_plain_code, key
from orgs.importing.plan import World
from orgs.importing.reading import Book, column_of
from orgs.importing.shapes import Stored
from orgs.models import Category, Charge, Membership, Organization, Person, Post

FEW = 2000  # up to so many codes are asked for by name; above, everything is read
CHUNK = 400
ORG_FIELDS = (
    "pk", "code", "name", "org_type", "category__name", "short_name", "parent__code", "relation", "is_window_unit",
    "founded_on", "dissolved_on", "order",
)  # fmt: skip
PERSON_FIELDS = (
    "pk", "number", "name", "title", "gender", "born_on", "joined_on", "kind", "status", "mobile", "note",
)  # fmt: skip


def categories() -> dict[str, int]:
    """Name -> id of the active scheme's unit categories. Raises DomainError while no scheme is active."""
    found = dict(Category.objects.filter(scheme__is_active=True).order_by("order").values_list("name", "pk"))
    if not found:
        raise DomainError("没有启用的方案，无法核对单位类别。请先在系统管理里启用一个方案。")
    return found


def tree() -> Iterator[Stored]:
    """The stored organisations, for a hierarchy that is drawn."""
    fields = ("code", "name", "parent__code", "category__name", "org_type")
    rows = Organization.objects.order_by("level", "code").values_list(*fields)
    return (Stored(*row) for row in rows.iterator(chunk_size=5000))


def load(book: Book, options: Options) -> World:
    """The world of today for this file. Raises DomainError while no scheme is active."""
    numbers: set[str] = set()
    organizations: set[str] = set()
    teams: set[str] = set()
    if Person.objects.exists():  # else nobody can be meant
        numbers.update(_codes(book, options, PEOPLE, "number"))
        numbers.update(_codes(book, options, POSTS, "person"))
        numbers.update(_codes(book, options, CHARGES, "person"))
        organizations.update(_codes(book, options, POSTS, "organization"))
        teams.update(_codes(book, options, CHARGES, "team"))
    return World(
        today=clock.today(),
        categories=categories(),
        guided=frozenset(
            Category.objects.filter(scheme__is_active=True, usually_guidance=True).values_list("name", flat=True)
        ),
        orgs=_organizations(),
        persons=_persons(numbers),
        posts=_posts(organizations | teams),
        charges=_charges(teams),
        members=_members,
    )


def _codes(book: Book, options: Options, sheet: str, name: str) -> Iterator[str]:
    """The keys that a column names, cleaned as the plan cleans them."""
    table = book.tables.get(sheet)
    if table is None:
        return
    column = column_of(sheet, name)
    for _, cells in table.rows:
        cell = table.cell(cells, name)
        if is_plain_code(column, cell):
            yield key(cell)
            continue
        try:
            yield key(column.value(cell, options))
        except Bad:
            continue


def _organizations() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    rows = Organization.objects.values_list(*ORG_FIELDS)
    for row in rows.iterator(chunk_size=5000):
        org = dict(zip(ORG_FIELDS, row, strict=True))
        org["category"] = org.pop("category__name")
        parent = org.pop("parent__code")
        org["parent"] = key(parent) if parent is not None else None
        found[key(org["code"])] = org
    return found


def _some(rows: Any, path: str, keys: set[str]) -> Iterator[Any]:
    """The rows whose code is among the keys: asked for by name when they are few, else all of them, filtered here."""
    if not keys:
        return
    if len(keys) > FEW:
        yield from rows.iterator(chunk_size=5000)
        return
    rows = rows.alias(lowered=Lower(path))
    listed = sorted({*keys, *(value.lower() for value in keys)})
    for start in range(0, len(listed), CHUNK):
        chunk = listed[start : start + CHUNK]
        # SQLite lowers ASCII letters only, so the code as it is typed is asked for as well.
        yield from rows.filter(Q(lowered__in=chunk) | Q(**{f"{path}__in": chunk}))


class _Kept:
    """Its `__dict__` is what is wanted: those of one class share their keys, and so take a third of the memory. What many
    persons have alike is one object for all of them: `once` returns the first one of its kind.
    """

    def __init__(self, once: Callable[[Any, Any], Any], *row: Any) -> None:
        self.pk, self.number, name, title, gender, born_on, joined_on, kind, status, self.mobile, note = row
        self.name, self.title, self.note = once(name, name), once(title, title), once(note, note)
        self.born_on, self.joined_on = once(born_on, born_on), once(joined_on, joined_on)
        self.gender, self.kind, self.status = once(gender, gender), once(kind, kind), once(status, status)
        self.branch = self.moved_on = self.last_end = None


def _persons(keys: set[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    same: dict[Any, Any] = {}
    once = same.setdefault  # the database's answer makes a value of its own for each row
    for row in _some(Person.objects.order_by().values_list(*PERSON_FIELDS), "number", keys):
        number = key(row[1])
        if number in keys:
            person = found[number] = _Kept(once, *row).__dict__
            if person["number"] == number:
                person["number"] = number  # one object for both
    by_pk = {person["pk"]: person for person in found.values()}
    opened = Membership.objects.filter(to_on__isnull=True).order_by()
    for pk, branch, begun in _of(opened, by_pk, lambda rows: rows.values_list("person_id", "branch__code", "from_on")):
        branch = key(branch)
        by_pk[pk]["branch"], by_pk[pk]["moved_on"] = once(branch, branch), once(begun, begun)
    closed = Membership.objects.filter(to_on__isnull=False).order_by()
    for pk, last in _of(closed, by_pk, lambda rows: rows.values_list("person_id").annotate(last=Max("to_on"))):
        by_pk[pk]["last_end"] = last
    return found


def _of(rows: Any, by_pk: dict[int, Any], shape: Callable) -> Iterator[Any]:
    """Rows of these persons, in the given shape."""
    if len(by_pk) > FEW:
        yield from (row for row in shape(rows).iterator(chunk_size=5000) if row[0] in by_pk)
        return
    pks = sorted(by_pk)
    for start in range(0, len(pks), CHUNK):
        yield from shape(rows.filter(person__in=pks[start : start + CHUNK]))


def _posts(orgs: set[str]) -> dict[tuple, dict[str, Any]]:
    fields = ("pk", "person__number", "organization__code", "role", "from_on", "to_on", "is_acting")
    found: dict[tuple, dict[str, Any]] = {}
    for row in _some(Post.objects.order_by().values(*fields), "organization__code", orgs):
        where = (key(row["person__number"]), key(row["organization__code"]), row["role"], row["from_on"])
        if where[1] in orgs:
            found[where] = {"pk": row["pk"], "to_on": row["to_on"], "is_acting": row["is_acting"]}
    return found


def _charges(teams: set[str]) -> dict[tuple, dict[str, Any]]:
    fields = ("pk", "person__number", "team__code", "organization__code", "kind", "from_on", "to_on")
    found: dict[tuple, dict[str, Any]] = {}
    for row in _some(Charge.objects.order_by().values(*fields), "team__code", teams):
        where = (key(row["person__number"]), key(row["team__code"]), key(row["organization__code"]), row["from_on"])
        if where[1] in teams:
            found[where] = {"pk": row["pk"], "to_on": row["to_on"], "kind": row["kind"]}
    return found


def _members(branches: Iterable[str]) -> dict[str, set[str]]:
    """Branch -> keys of the persons with an open membership there."""
    found: dict[str, set[str]] = {}
    rows = Membership.objects.filter(to_on__isnull=True).order_by().values("branch__code", "person__number")
    for row in _some(rows, "branch__code", set(branches)):
        branch = key(row["branch__code"])
        if branch in branches:
            found.setdefault(branch, set()).add(key(row["person__number"]))
    return found
