"""Carrying a plan out: one transaction, through the verbs of the tree and of people only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from orgs import bulk, changes, clock, people, tree
from orgs.changes import ChangeKind, Extent
from orgs.errors import DomainError
from orgs.importing import aliases, planning, shapes, world
from orgs.importing.columns import BY_NAME, CHARGES, ORGS, PEOPLE, POSTS, Options
from orgs.importing.memory import uncollected
from orgs.importing.plan import Change, Plan, Problem
from orgs.importing.reading import Book
from orgs.models import Charge, Organization, Person, Post, User
from orgs.progress import Tick, silent

CHUNK = 900
PORTION = 10_000  # new persons in memory at a time


class Wrong(DomainError):
    """The file has wrong rows; `plan` names them all. Nothing was written."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"文件中有 {len(plan.problems)} 处错误，没有导入任何内容。请改正后重新上传。")
        self.plan = plan


class NotLookedAt(DomainError):
    """The hierarchy of the file was drawn, and nobody has confirmed (or not this) what was understood of it."""


@uncollected()
def preview(book: Book, options: Options, tick: Tick = silent) -> Plan:
    """What importing this book now would do; writes nothing."""
    drawn = shapes.settle(book, world.tree)
    book = aliases.translate(drawn.book if drawn else book, options)
    made = planning.make(book, world.load(book, options), options, tick)
    if drawn:
        made.drawn = drawn
        words = ((row, BY_NAME[ORGS][column].header, message, cure) for row, column, message, cure in drawn.warnings)
        made.warnings[:0] = [Problem(ORGS, row, header, message, "", cure) for row, header, message, cure in words]
        made.notices.insert(0, f"组织的上下级按{shapes.KINDS[drawn.kind]}理解，请核对")
    return made


def settled(book: Book) -> Book:
    """The book with a drawn hierarchy written out, as an ordinary table."""
    drawn = shapes.settle(book, world.tree)
    return drawn.book if drawn else book


@uncollected()
def import_book(book: Book, options: Options, *, by: User | None, tick: Tick = silent) -> Plan:
    """Import all of it or nothing: planned anew under the tree's lock, so that what is checked is what is stored.

    Duties and figures follow in the same transaction (`orgs.changes`). Returns the plan that was carried out; the book
    is empty then, for its memory is needed.
    Raises Wrong, NotLookedAt, tree.TreeRefused, people.PeopleRefused, TreeBusy.
    """
    with transaction.atomic():
        tree.lock()
        made = preview(book, options, tick)
        if made.problems:
            raise Wrong(made)
        if made.drawn is not None and made.drawn.fingerprint != options.drawn:
            raise NotLookedAt("文件的上下级是画出来的，请先核对按层级理解的结果，确认后再导入。")
        book.tables.clear()
        _carry_out(made, by, tick)
        if not made.is_empty:
            changes.announce(_change(), by)
    return made


def foresee(plan: Plan, *, can_be_tried: bool) -> list[str]:
    """What importing this plan does to duties and figures, in sentences; nothing of it stays.

    A small one is done inside a savepoint, looked at and taken back; of a large one the extent is estimated.
    Raises what importing raises.
    """
    if plan.problems or plan.is_empty:
        return []
    reach = extent(plan, can_be_tried=can_be_tried)
    told = [estimate(reach) for estimate in changes.estimates]
    if not any(sentences is None for sentences in told):
        return [sentence for sentences in told for sentence in sentences or []]
    with transaction.atomic():
        tree.lock()
        asked = [look(_change()) for look in changes.previews]
        _carry_out(plan, None, silent)
        changes.announce(_change(), None)
        found = [sentence for ask in asked for sentence in ask()]
        transaction.set_rollback(True)
    return found


PLACING = {"parent", "relation", "org_type", "category", "founded_on", "dissolved_on"}


def extent(plan: Plan, *, can_be_tried: bool) -> Extent:
    """Which of the stored organisations and persons a plan touches in a way that duties depend on."""
    seats = [change.key[1] for change in plan.changes[POSTS] if change.key[2] == "secretary"]
    seats += [change.key[2] for change in plan.changes[CHARGES]]
    moved = [change.stored for change in plan.changes[ORGS] if PLACING & set(change.values)]
    persons = [change.stored for change in plan.changes[PEOPLE] if change.move or "status" in change.values]
    return Extent(
        organizations=frozenset(pk for pk in moved if pk is not None),
        persons=frozenset(pk for pk in persons if pk is not None),
        posts=frozenset(plan.org_ids[seat] for seat in seats if seat in plan.org_ids),
        rows=sum(len(listed) for listed in plan.changes.values()),
        can_be_tried=can_be_tried,
    )


def _change() -> changes.Change:
    return changes.Change(ChangeKind.IMPORT, None, clock.today())


def _carry_out(plan: Plan, by: User | None, tick: Tick) -> None:
    orgs = _instances(Organization, plan.org_ids, _named_organizations(plan))
    persons = _instances(Person, plan.person_ids, _named_persons(plan))
    written = 0
    for sheet, write in (
        (ORGS, lambda changes: _organizations(changes, orgs, by)),
        (PEOPLE, lambda changes: _people(changes, persons, orgs, by, _holders(plan))),
        (POSTS, lambda changes: _posts(changes, orgs, persons, by)),
        (CHARGES, lambda changes: _charges(changes, orgs, persons, by)),
    ):
        write(plan.changes[sheet])
        written += len(plan.changes[sheet])
        tick("written", written)


def _named_organizations(plan: Plan) -> set[str]:
    """Keys of the organisations that the changes speak of."""
    named = {change.key for change in plan.changes[ORGS]}
    named |= {change.values["parent"] for change in plan.changes[ORGS] if change.values.get("parent")}
    named |= {change.move[0] for change in plan.changes[PEOPLE] if change.move and change.move[0]}
    named |= {change.key[1] for change in plan.changes[POSTS]}
    for change in plan.changes[CHARGES]:
        named |= {change.key[1], change.key[2]}
    return named


def _named_persons(plan: Plan) -> set[str]:
    """Keys of the persons that the changes speak of."""
    named = {change.key for change in plan.changes[PEOPLE]}
    for sheet in (POSTS, CHARGES):
        named |= {change.key[0] for change in plan.changes[sheet]}
    return named


def _holders(plan: Plan) -> set[str]:
    """Keys of the persons whose posts and division of work are written after them."""
    return {change.key[0] for sheet in (POSTS, CHARGES) for change in plan.changes[sheet]}


def _instances(model: Any, ids: Mapping[str, int], named: set[str]) -> dict[str, Any]:
    """key -> instance for those of the named ones that are stored."""
    keys = {ids[found]: found for found in named if found in ids}
    pks = sorted(keys)
    found: dict[str, Any] = {}
    for start in range(0, len(pks), CHUNK):
        found.update((keys[row.pk], row) for row in model.objects.filter(pk__in=pks[start : start + CHUNK]))
    return found


def _organizations(changes: list[Change], orgs: dict[str, Organization], by: User | None) -> None:
    """Write them through the tree; `orgs` gains the new ones, and all in it carry their new facts."""
    if not changes:
        return
    categories = world.categories()
    new: list[Organization] = []
    for change in changes:
        if change.stored is None:
            values = {name: value for name, value in change.values.items() if name not in ("parent", "category")}
            values["category_id"] = categories[change.values["category"]]
            orgs[change.key] = bulk.instance(Organization, values)
            new.append(orgs[change.key])
    changed: list[tuple[Organization, Mapping[str, Any]]] = []
    for change in changes:
        if change.stored is None:
            if change.values["parent"]:
                orgs[change.key].parent = orgs[change.values["parent"]]
            continue
        values = dict(change.values)
        if "parent" in values:
            values["parent"] = orgs[values["parent"]] if values["parent"] else None
        if "category" in values:
            values["category_id"] = categories[values.pop("category")]
        changed.append((orgs[change.key], values))
    tree.write_many(new, changed, by=by)
    for org, facts in changed:
        for name, value in facts.items():
            setattr(org, name, value)


def _people(
    changes: list[Change],
    persons: dict[str, Person],
    orgs: dict[str, Organization],
    by: User | None,
    holders: set[str],
) -> None:
    """Write them, the new ones in portions; `persons` gains those new ones that hold something."""

    def move(change: Change, person: Person) -> people.Move:
        assert change.move is not None  # noqa: S101 - for the type checker
        branch, on = change.move
        return person, orgs[branch] if branch else None, on

    new = [change for change in changes if change.stored is None]
    for start in range(0, len(new), PORTION):
        portion = new[start : start + PORTION]
        added = [bulk.instance(Person, change.values) for change in portion]
        pairs = list(zip(portion, added, strict=True))
        people.add_many(added, by=by, memberships=[move(change, person) for change, person in pairs if change.move])
        persons.update((change.key, person) for change, person in pairs if change.key in holders)
    old = [change for change in changes if change.stored is not None]
    changed = [(persons[change.key], facts) for change in old if (facts := _facts(change))]
    people.update_many(changed, by=by)
    people.transfer_many([move(change, persons[change.key]) for change in old if change.move], by=by)
    people.redate_many([(persons[c.key], c.values["moved_on"]) for c in old if c.redate], by=by)


def _facts(change: Change) -> dict[str, Any]:
    """What is written of the person, not of the membership."""
    return {name: value for name, value in change.values.items() if name not in ("branch", "moved_on")}


def _posts(changes: list[Change], orgs: dict[str, Organization], persons: dict[str, Person], by: User | None) -> None:
    new = [
        bulk.instance(
            Post,
            {**c.values, "role": c.key[2], "from_on": c.key[3]},
            person=persons[c.key[0]],
            organization=orgs[c.key[1]],
        )
        for c in changes
        if c.stored is None
    ]
    # Changes first: a secretary's end must be known before the successor is appointed.
    people.update_posts(_pairs(Post, changes), by=by)
    people.appoint_many(new, by=by)


def _charges(changes: list[Change], orgs: dict[str, Organization], persons: dict[str, Person], by: User | None) -> None:
    new = [
        bulk.instance(
            Charge,
            {**c.values, "from_on": c.key[3]},
            person=persons[c.key[0]],
            team=orgs[c.key[1]],
            organization=orgs[c.key[2]],
        )
        for c in changes
        if c.stored is None
    ]
    people.update_charges(_pairs(Charge, changes), by=by)
    people.put_in_charge_many(new, by=by)


def _pairs(model: Any, changes: Iterable[Change]) -> list[tuple[Any, Mapping[str, Any]]]:
    wanted = {change.stored: change.values for change in changes if change.stored is not None}
    pks = sorted(wanted)
    found: list[tuple[Any, Mapping[str, Any]]] = []
    for start in range(0, len(pks), CHUNK):
        rows = model.objects.filter(pk__in=pks[start : start + CHUNK])
        found.extend((row, wanted[row.pk]) for row in rows)
    return found
