"""Coverage at scale: python -m benchmarks.coverage [branches per committee] in an empty database (DATABASE_URL).

Builds root > 60 bureaus > 20 committees each > branches > 15 members each, then times taking the roster, folding,
reading the root with its children while changes wait, recounting and proving.
"""

import datetime
import os
import statistics
import sys
import time
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dianping.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402

from orgs import tree  # noqa: E402
from orgs.models import Category, Membership, Organization, Person, Post  # noqa: E402
from reports import coverage  # noqa: E402
from reviews import coverage as targets  # noqa: E402
from reviews.models import CoverageChange, CoverageTarget, Measure, Period  # noqa: E402

BUREAUS, COMMITTEES, MEMBERS = 60, 20, 15
ON = datetime.date(2010, 12, 10)


@contextmanager
def timed(what: str):
    """Print how long it took."""
    start = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start:.2f} s", flush=True)


def build(branches: int) -> None:
    """The tree by the tree's own door, people in bulk."""
    category = Category.objects.get(name="机关内设机构")

    def org(code, org_type, parent):
        return Organization(code=code, name=code, org_type=org_type, category=category, parent=parent)

    root = org("R", "group", None)
    every = [root]
    for b in range(BUREAUS):
        bureau = org(f"R{b:03d}", "group", root)
        every.append(bureau)
        for c in range(COMMITTEES):
            committee = org(f"{bureau.code}{c:03d}", "committee", bureau)
            every.append(committee)
            every.extend(org(f"{committee.code}{x:03d}", "branch", committee) for x in range(branches))
    tree.write_many(every, [], by=None)
    stored = list(Organization.objects.values_list("pk", "code", "org_type"))
    for start in range(0, len(stored), 1000):
        some = stored[start : start + 1000]
        people = [
            (Person(number=f"{code}-{n}", name="某某"), pk, org_type)
            for pk, code, org_type in some
            for n in range(MEMBERS if org_type == "branch" else 1)
        ]
        Person.objects.bulk_create([person for person, _, _ in people])
        Membership.objects.bulk_create(Membership(person=p, branch_id=o) for p, o, kind in people if kind == "branch")
        heads = (p for p in people if p[2] != "branch" or p[0].number.endswith("-0"))
        Post.objects.bulk_create(Post(person=p, organization_id=o, role="secretary") for p, o, _ in heads)


def read(period: Period, root: Organization) -> float:
    """Median of reading the root with its children, in milliseconds."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        coverage.by_child(period, root)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    """Build, then measure."""
    branches = int(sys.argv[1]) if len(sys.argv) > 1 else 36
    if Organization.objects.exists():
        sys.exit("the database is not empty")
    with timed("build"):
        build(branches)
    facts = {"name": "2010H2", "starts_on": datetime.date(2010, 7, 1), "ends_on": datetime.date(2010, 12, 31)}
    period = Period.objects.create(code="2010H2", **facts)
    with timed("sync, first"), transaction.atomic():
        targets.sync(period, ON)
    print(f"{Organization.objects.count()} organisations, {CoverageTarget.objects.count()} targets")
    with timed("sync, again"), transaction.atomic():
        targets.sync(period, ON)
    with timed(f"fold {CoverageChange.objects.count()} changes"):
        coverage.fold()
    root = Organization.objects.get(code="R")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    leaves = list(Organization.objects.filter(org_type="branch").values_list("pk", flat=True)[:10_000])
    have = 0
    for waiting in (0, 100, 1000, 10_000):
        more = (leaves[n % len(leaves)] for n in range(have, waiting))
        CoverageChange.objects.bulk_create(
            CoverageChange(period=period, measure=Measure.MEMBERS, organization_id=pk, done=1) for pk in more
        )
        have = waiting
        print(f"root with its {BUREAUS} children, {waiting} changes waiting: {read(period, root):.1f} ms", flush=True)
    with timed(f"fold {have} changes"):
        coverage.fold()
    with timed("recount"):
        coverage.recount(period)
    with timed("prove (finds what was made up above)"):
        print(len(coverage.prove()), "findings")
    with timed("repair"):
        coverage.repair()


if __name__ == "__main__":
    main()
