"""Reading coverage while the tree grows: 5,000 organisations and, in a database of their own, 665,277.

Nobody lives in these trees: each organisation is the one target that counts in it. Takes minutes, so only when asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

from django.db import connection

from benchmarks import coverage as bench
from benchmarks import world
from benchmarks.measures import Line, timed
from orgs import bulk
from orgs.models import Organization
from reports import coverage
from reviews import duties
from reviews.models import CoverageChange, CoverageTarget, Measure, Period

SIZES = (5_000, 665_277)
CHILDREN = 50  # of the root, in either tree
PENDING = 1_000


def measure(database: Callable[[], AbstractContextManager[None]]) -> Iterator[Line]:
    """The figures of the root's children in the small tree, then in the large one, beside one join in each."""
    small: dict[str, float] = {}
    for size in SIZES:
        with database():
            for words, took, joined in _reading(size):
                yield Line(f"{words}, {size:,} organisations", took, "one join over lft/rght", joined)
                if words in small:
                    yield bench.Times(f"{words}: growth", took, f"at {SIZES[0]:,}", small[words])
                small.setdefault(words, took)


def _reading(size: int) -> Iterator[tuple[str, float, float]]:
    world.build(size, 0)
    root = bench.widen(CHILDREN)
    period = duties.ensure_period("2010H2")
    ids = Organization.objects.order_by("pk").values_list("pk", flat=True)
    columns = ("period_id", "measure", "organization_id", "person_id", "done_on")
    counted = [(period.pk, Measure.ORGANIZATIONS.value, pk, None, None) for pk in ids]
    bulk.insert(CoverageTarget, columns, counted)
    coverage.rebuild(period)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    yield "figures of the children", *_both(period, root)
    for target in CoverageTarget.objects.order_by("pk")[:: size // PENDING]:
        CoverageTarget.objects.filter(pk=target.pk).update(done_on=period.ends_on)
        CoverageChange.objects.create(
            period=period, measure=target.measure, organization_id=target.organization_id, done=1
        )
    yield f"the same with {PENDING:,} changes pending", *_both(period, root)


def _both(period: Period, root: Organization) -> tuple[float, float]:
    took, rows = timed(partial(coverage.by_child, period, root), 30)
    joined, expected = timed(partial(bench.by_join, period, root), 3)
    assert bench.plain(rows) == expected, "by_child() gave other figures"
    return took, joined
