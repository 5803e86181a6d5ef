"""The tree: writing one organisation, moving many, proving and numbering all; beside django-mptt's own writes.

django-mptt works on a plain model of its own in the same database: the same organisations, fewer columns and indexes.
After each measure both must hold the same organisations in the same order at the same levels.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import connection, models, transaction
from mptt.models import MPTTModel, TreeForeignKey

from benchmarks.measures import Line
from orgs import tree
from orgs.models import Category, Organization, OrgType, Relation
from orgs.tree.nodes import Node

ADDED = 60
MOVES = 6
SUBTREE = 5000
SHIFT = 10_000_000
BATCH = 5000


class Plain(MPTTModel):
    """The least that django-mptt needs to keep the same tree."""

    code = models.CharField(max_length=40, unique=True)
    parent = TreeForeignKey("self", models.PROTECT, null=True, related_name="children")
    order = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "benchmarks"

    class MPTTMeta:
        order_insertion_by = ["order", "code"]


def _copy() -> None:
    """Fill the plain model with the organisations as they are, numbered without gaps."""
    Plain.objects.all()._raw_delete("default")  # children and parents in one statement
    number = 0
    opened: list[tuple[int, Plain]] = []
    copies: list[Plain] = []

    def close(until: float) -> None:
        nonlocal number
        while opened and opened[-1][0] < until:
            number += 1
            opened.pop()[1].rght = number

    rows = Organization.objects.order_by("tree_id", "lft").values_list(
        "pk", "code", "parent_id", "order", "lft", "rght", "tree_id", "level"
    )
    tree_of = 0
    for pk, code, parent_id, order, lft, rght, tree_id, level in rows:
        close(lft if tree_id == tree_of else float("inf"))
        number = number + 1 if opened else 1
        tree_of = tree_id
        copies.append(
            Plain(id=pk, code=code, parent_id=parent_id, order=order, tree_id=tree_id, level=level, lft=number, rght=0)
        )
        opened.append((rght, copies[-1]))
    close(float("inf"))
    Plain._base_manager.bulk_create(copies, batch_size=BATCH)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('benchmarks_plain', 'id'), (SELECT max(id) FROM benchmarks_plain))"
            )


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _same() -> None:
    """Both trees hold the same, and ours is proven."""
    findings = tree.prove()
    assert findings == [], findings[:3]
    ours = Organization.objects.order_by("tree_id", "lft").values_list("code", "level")
    theirs = Plain.objects.order_by("tree_id", "lft").values_list("code", "level")
    assert list(ours) == list(theirs), "the trees differ"


def _times(work: Callable[[Any], Any], things: Iterable[Any]) -> list[float]:
    """Seconds of each, sorted."""
    taken = []
    for thing in things:
        began = time.perf_counter()
        work(thing)
        taken.append(time.perf_counter() - began)
    return sorted(taken)


def _p95(taken: list[float]) -> float:
    return taken[int(len(taken) * 0.95)]


def measure() -> Iterator[Line]:
    """The lines of the tree."""
    with connection.schema_editor() as editor:
        editor.create_model(Plain)
    try:
        yield from _renumber()
        yield from _prove()
        yield from _add()
        yield from _move()
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Plain)


def _add() -> Iterator[Line]:
    _copy()
    _analyze()
    chance = random.Random(2010)
    category = Category.objects.filter(scheme__is_active=True).order_by("pk")[0]
    parents = list(Organization.objects.exclude(org_type=OrgType.BRANCH).order_by("pk").values_list("pk", "code"))
    chosen = [(number, *chance.choice(parents)) for number in range(ADDED)]

    def ours(what: tuple[int, int, str]) -> None:
        number, parent_id, code = what
        org = Organization(
            code=f"{code}-{number % 10}n{number}",
            name=f"新{number}",
            org_type=OrgType.BRANCH,
            category=category,
            parent=Organization.objects.get(pk=parent_id),
        )
        tree.add(org, by=None)

    def theirs(what: tuple[int, int, str]) -> None:
        number, parent_id, code = what
        with transaction.atomic():
            Plain(code=f"{code}-{number % 10}n{number}", parent=Plain.objects.get(pk=parent_id)).save()

    taken, baseline = _times(ours, chosen), _times(theirs, chosen)
    _same()
    what, beside = f"add an organisation under one of {len(parents):,}", "mptt's own insert"
    yield Line(f"{what}: median of {ADDED}", statistics.median(taken), beside, statistics.median(baseline))
    yield Line(f"{what}: 95th percentile", _p95(taken), beside, _p95(baseline))


def _move() -> Iterator[Line]:
    """One organisation with about 5,000 below it (a ninth of the tree where that is less), from place to place."""
    size = min(SUBTREE, Organization.objects.count() // 9)
    root = Organization.objects.get(parent=None)
    bureaus = list(Organization.objects.filter(parent=root).order_by("code"))
    goals, rest = bureaus[: MOVES // 2], bureaus[MOVES // 2 :]
    top = rest.pop()
    below, gathered = 0, []
    for bureau in rest:
        if below >= size:
            break
        below += Organization.objects.below(bureau, include_self=True).count()
        gathered.append((bureau, {"parent": top}))
    tree.write_many([], gathered, by=None)
    top.refresh_from_db()
    size = Organization.objects.below(top, include_self=True).count()
    _copy()
    _analyze()
    stops = [stop for goal in goals for stop in (goal.pk, root.pk)]

    def ours(stop: int) -> None:
        org = Organization.objects.get(pk=top.pk)
        tree.move(org, under=Organization.objects.get(pk=stop), relation=Relation.GUIDANCE, by=None)

    def theirs(stop: int) -> None:
        with transaction.atomic():
            plain = Plain.objects.get(pk=top.pk)
            plain.parent = Plain.objects.get(pk=stop)
            plain.save()

    taken, baseline = _times(ours, stops), _times(theirs, stops)
    _same()
    yield Line(
        f"move a subtree of {size:,}: median of {MOVES}",
        statistics.median(taken),
        "mptt's own move",
        statistics.median(baseline),
    )
    yield Line("the same: the slowest", taken[-1], "mptt's own move", baseline[-1])


def _prove() -> Iterator[Line]:
    def read() -> int:
        rows = Organization.objects.order_by("tree_id", "lft").values_list(*Node._fields)
        return sum(1 for _ in rows.iterator(chunk_size=10000))

    count = read()
    taken = _times(lambda _: tree.prove(), range(3))
    baseline = _times(lambda _: read(), range(3))
    assert tree.prove() == []
    yield Line(f"prove the tree of {count:,}", taken[0], "only reading the same rows", baseline[0])
    pk = Organization.objects.order_by("-level", "-pk").values_list("pk", flat=True)[0]
    with transaction.atomic():
        Organization.objects.filter(pk=pk).update(level=0)
        assert len(tree.prove()) == 1, "the proof sees nothing"
        transaction.set_rollback(True)


def _renumber() -> Iterator[Line]:
    _copy()
    _analyze()
    before = list(Organization.objects.order_by("tree_id", "lft").values_list("pk", flat=True))

    def ours(_: Any) -> None:
        with transaction.atomic():
            tree.lock()
            tree.renumber()

    Organization.objects.update(lft=models.F("lft") + SHIFT, rght=models.F("rght") + SHIFT)
    taken = _times(ours, [1])
    assert list(Organization.objects.order_by("tree_id", "lft").values_list("pk", flat=True)) == before
    again = _times(ours, range(3))

    def theirs(_: Any) -> None:
        with transaction.atomic():
            Plain.objects.rebuild()

    baseline = _times(theirs, [1])
    _same()
    yield Line("number the tree anew, every row changes", taken[0], "mptt's rebuild()", baseline[0])
    yield Line("the same, nothing changes", again[0], "mptt's rebuild(), which writes every row", baseline[0])
