"""Coverage: the root's figures beside django-mptt, one join and a bare select; folding, recounting, writers, the page."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F
from django.test import Client
from django.urls import reverse

from benchmarks.measures import Line, seconds, timed
from orgs import clock, tree
from orgs.models import Organization, User
from reports import analysis, coverage, past
from reviews import coverage as targets
from reviews import duties
from reviews.models import ContentKind, CoverageChange, CoverageTarget, Measure, Period, Record, RecordState, Review

CHILDREN = 82  # of 总局 in 2010: 35 直属局, 31 省级局, the units of its own
WRITERS, EACH = 16, 60
PENDING = 10_000
ASKED = 15

JOIN = """
SELECT child.id, target.measure, count(*), count(target.done_on)
FROM orgs_organization child
JOIN orgs_organization place ON place.tree_id = child.tree_id AND place.lft BETWEEN child.lft AND child.rght
JOIN reviews_coveragetarget target ON target.organization_id = place.id AND target.period_id = %s
WHERE child.parent_id = %s GROUP BY child.id, target.measure
"""

Figures = dict[tuple[int, str], tuple[int, int]]


class Times(Line):
    """Ours as a multiple of the baseline: what is meant to stay small."""

    def __str__(self) -> str:
        assert self.theirs is not None  # noqa: S101 - every such line has one
        ratio = f"{self.ours / self.theirs:,.2f} ×"
        return f"{self.what:<58} {seconds(self.ours):>10} {seconds(self.theirs):>10} {ratio:>12}   {self.baseline}"


def plain(rows: list[coverage.Row]) -> Figures:
    """The children's figures, to compare."""
    return {
        (row.org.pk, measure.value): (row.figures[measure].due, row.figures[measure].done)
        for row in rows
        if not row.is_own
        for measure in Measure
    }


def _by_related_count(period: Period, root: Organization) -> Figures:
    """The same figures by django-mptt's add_related_count: a count over the subtree for each figure."""
    children = Organization.objects.filter(parent=root).order_by("order", "code")
    for measure in Measure:
        for name, extra in (("due", {}), ("done", {"done_on__isnull": False})):
            children = Organization.objects.add_related_count(
                children,
                CoverageTarget,
                "organization",
                f"{measure}_{name}",
                cumulative=True,
                extra_filters={"period": period, "measure": measure, **extra},
            )
    return {
        (child.pk, measure.value): (getattr(child, f"{measure}_due"), getattr(child, f"{measure}_done"))
        for child in children
        for measure in Measure
    }


def by_join(period: Period, root: Organization) -> Figures:
    """The same figures by one statement over the ranges of the tree."""
    found = dict.fromkeys(
        (
            (pk, measure.value)
            for pk in Organization.objects.filter(parent=root).values_list("pk", flat=True)
            for measure in Measure
        ),
        (0, 0),
    )
    with connection.cursor() as cursor:
        cursor.execute(JOIN, [period.pk, root.pk])
        found |= {(pk, measure): (due, done) for pk, measure, due, done in cursor.fetchall()}
    return found


def widen(children: int) -> Organization:
    """The root, which keeps so many children; the other bureaus hang below these now, evenly."""
    root = Organization.objects.get(parent__isnull=True)
    bureaus = list(Organization.objects.filter(parent=root).order_by("pk"))
    kept = bureaus[:children]
    moves = [(org, {"parent": kept[at % children]}) for at, org in enumerate(bureaus[children:])]
    tree.write_many([], moves, by=None)
    root.refresh_from_db()
    return root


def measure() -> Iterator[Line]:
    """Everything about coverage, at the size of the world."""
    root = widen(CHILDREN)
    period = duties.ensure_period("2010H2")
    with transaction.atomic():
        targets.sync(period, clock.today())
    CoverageTarget.objects.filter(
        pk__in=CoverageTarget.objects.annotate(third=F("pk") % 3).filter(third=0).values("pk")
    ).update(done_on=clock.today())
    took, _ = timed(lambda: coverage.rebuild(period))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does: the changes of the first generation are dead
    yield Line(f"rebuild the totals from {CoverageTarget.objects.count():,} targets", took, "(no baseline)")
    yield from _reading(period, root)
    yield from _proving(period, root)
    yield from _pages(root)
    yield from _writing(period)


def _reading(period: Period, root: Organization) -> Iterator[Line]:
    counted, expected = timed(lambda: _by_related_count(period, root))
    joined, same = timed(lambda: by_join(period, root), 3)
    assert same == expected, "the join gave other figures"
    children = [root, *Organization.objects.filter(parent=root)]
    selected, _ = timed(lambda: list(Organization.objects.filter(parent=root).order_by("order", "code")), 30)
    took, figures = timed(lambda: coverage.totals(period, children), 30)
    assert {
        (pk, measure.value): (figure.due, figure.done)
        for pk, found in figures.items()
        if pk != root.pk
        for measure, figure in found.items()
    } == expected, "totals() gave other figures"
    words = f"figures of the root's {len(children) - 1} children, stored totals"
    yield Line(words, took, "mptt's add_related_count() (meant: 1,000 ×)", counted)
    yield Line(words, took, "one join over lft/rght (meant: 100 ×)", joined)
    yield Times(words, took, "selecting the children by parent (meant: at most 3)", selected)
    took, rows = timed(lambda: coverage.by_child(period, root), 15)
    assert plain(rows) == expected, "by_child() gave other figures"
    yield Line("the same with the children themselves (by_child)", took, "mptt's add_related_count()", counted)
    yield Line("the same with the children themselves (by_child)", took, "one join over lft/rght", joined)


def _proving(period: Period, root: Organization) -> Iterator[Line]:
    changed = list(CoverageTarget.objects.filter(done_on__isnull=True).order_by("?")[:PENDING])
    for start in range(0, len(changed), 1000):
        ids = [target.pk for target in changed[start : start + 1000]]
        CoverageTarget.objects.filter(pk__in=ids).update(done_on=clock.today())
    CoverageChange.objects.bulk_create(
        CoverageChange(period=period, measure=target.measure, organization_id=target.organization_id, done=1)
        for target in changed
    )
    joined, expected = timed(lambda: by_join(period, root), 3)
    took, rows = timed(lambda: coverage.by_child(period, root), 5)
    assert plain(rows) == expected, "by_child() with pending changes gave other figures"
    yield Line(f"the same with {len(changed):,} changes pending", took, "one join over lft/rght (meant: 20 ×)", joined)
    folded, _ = timed(coverage.fold)
    assert not CoverageChange.objects.exists(), "fold() left changes"
    assert plain(coverage.by_child(period, root)) == expected, "folding changed the figures"
    recounted, _ = timed(lambda: coverage.recount(period), 3)
    facts = CoverageTarget.objects.filter(period=period).order_by().values_list("organization_id", "measure")
    grouped, _ = timed(lambda: list(facts.annotate(all=Count("pk"), covered=Count("done_on"))), 3)
    yield Times("recount everything", recounted, "one GROUP BY over the facts (meant: at most 3)", grouped)
    yield Times(f"fold {len(changed):,} changes", folded, "that recount (meant: at most 0.2)", recounted)
    admin = User.objects.create(username="bench-analysis", is_superuser=True)
    took, _ = timed(lambda: analysis.sections(admin, period, root, clock.today()))
    yield Line("the whole analysis of the root, live", took, "(no baseline)")
    took, _ = timed(lambda: past.by_child(period, root, clock.today()))
    yield Line("the root as of a past day, from the records", took, "(no baseline)")


# --- the page, through gunicorn -------------------------------------------------------------------------------------


def _pages(root: Organization) -> Iterator[Line]:
    client = Client()
    admin = User.objects.create(username="bench-pages", is_superuser=True)
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    with _gunicorn() as base:
        trivial = _asked(base + reverse("notifications"), session)
        page = _asked(base + reverse("coverage_org", args=[root.code]), session)
    yield Times("the root's page through gunicorn", page, "an empty list of messages (meant: at most 3)", trivial)


@contextmanager
def _gunicorn() -> Iterator[str]:
    """One worker on the bench's database."""
    facts = connection.settings_dict
    if connection.vendor == "postgresql":
        where = f"postgres://{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"
    else:
        where = f"sqlite:///{facts['NAME']}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "dianping.wsgi", f"--bind=127.0.0.1:{port}", "--workers=1"]
    surroundings = {**os.environ, "DATABASE_URL": where, "ALLOWED_HOSTS": "127.0.0.1"}
    server = subprocess.Popen([*command, "--log-level=error"], env=surroundings)  # noqa: S603 - our own
    try:
        for _ in range(150):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _asked(address: str, session: str) -> float:
    request = urllib.request.Request(address, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})  # noqa: S310
    took = []
    for _ in range(ASKED + 2):
        began = time.perf_counter()
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
            answer.read()
            assert answer.url == address, f"{address}: sent to {answer.url}"
        took.append(time.perf_counter() - began)
    return statistics.median(took[2:])


# --- writers --------------------------------------------------------------------------------------------------------


def _writing(period: Period) -> Iterator[Line]:
    """Reviews confirmed by many at once, with the bookkeeping and without."""
    if connection.vendor != "postgresql":
        return
    open_ones = CoverageTarget.objects.filter(period=period, measure=Measure.MEMBERS, done_on__isnull=True)
    persons = list(open_ones.order_by("pk").values_list("person_id", "organization_id")[: WRITERS * EACH * 6])
    reviews = Review.objects.bulk_create(
        Review(period=period, reviewer_org_id=org, held_on=clock.today()) for _, org in persons
    )
    records = Record.objects.bulk_create(
        Record(review=review, kind=ContentKind.MEMBER, target_person_id=person, about_org_id=org, target_name="名")
        for review, (person, org) in zip(reviews, persons, strict=True)
    )
    # Taken in turns, so that both meet the same machine; the better of three each. What was written without the
    # bookkeeping is put in the books before the next turn, so that the storm itself is proved.
    best = {True: 0.0, False: 0.0}
    for turn in range(6):
        share = records[turn * WRITERS * EACH : (turn + 1) * WRITERS * EACH]
        keeps_book = turn % 2 == 1
        if keeps_book:
            took = _storm(share)
        else:
            with mock.patch.object(targets, "_append_each"):
                took = _storm(share)
            coverage.rebuild(period)
        if keeps_book:
            coverage.fold()
            assert not coverage._wrong_totals(period), "the totals are not the recount after the storm"
        best[keeps_book] = max(best[keeps_book], len(share) / took)
    yield Times(
        f"{WRITERS} writers: a confirmation, without bookkeeping",
        1 / best[False],
        f"with it; throughput kept {best[True] / best[False]:.2f} (meant: at least 0.8)",
        1 / best[True],
    )


def _storm(records: list[Record]) -> float:
    gate = threading.Barrier(WRITERS + 1)
    errors: list[BaseException] = []

    def confirm(share: list[Record]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(30)
            for record in share:
                with transaction.atomic():
                    Record.objects.filter(pk=record.pk).update(state=RecordState.CONFIRMED)
                    targets.confirmed(record)
        except BaseException as error:  # noqa: BLE001 - handed on
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=confirm, args=(records[at::WRITERS],)) for at in range(WRITERS)]
    for thread in threads:
        thread.start()
    gate.wait(30)
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    assert not errors, f"a writer failed: {errors[0]!r}"
    return took
