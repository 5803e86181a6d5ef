"""Random operations, and after each of them every reader says what a plain recount from the records says.

The recount goes from counted reviews to targets and up the parents, one by one: slow, and plainly right. On
PostgreSQL two hands work at once, and the reader compares within one snapshot.
"""

from __future__ import annotations

import datetime
from collections import defaultdict

import pytest
from django.db import connection, transaction

from orgs import clock
from orgs.models import Organization
from reports import coverage, exemptions
from reports.coverage import Figure
from reviews import duties
from reviews.models import CoverageTarget, Duty, DutyStatus, Measure, Period, Record
from tests.builders import day, make_period
from tests.hands import Hands
from tests.together import together

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
ON = day("2010-12-10")


def plain(period: Period, on: datetime.date) -> dict[int, dict[Measure, Figure]]:
    """Organisation id -> figures, from the reviews held by a day."""
    reached: set[tuple[str, int]] = set()
    for record in (
        Record.objects.counted().filter(review__period=period, review__held_on__lte=on).select_related("review")
    ):
        if record.target_org_id:
            reached.add((Measure.ORGANIZATIONS, record.target_org_id))
        else:
            reached.add((Measure.MEMBERS, record.target_person_id))
        reached |= {(Measure.LEADERS, person.pk) for person in record.review.co_reviewers.all()}
        reached.add((Measure.LEADERS, record.review.reviewer_id))
    return _upward(
        (target, int((target.measure, target.person_id or target.organization_id) in reached))
        for target in CoverageTarget.objects.filter(period=period)
    )


def _upward(counted) -> dict[int, dict[Measure, Figure]]:
    parents = dict(Organization.objects.order_by().values_list("pk", "parent_id"))
    sums = {pk: {measure: Figure() for measure in Measure} for pk in parents}
    for target, done in counted:
        at = target.organization_id
        while at is not None:
            sums[at][Measure(target.measure)] += Figure(1, done)
            at = parents[at]
    return sums


def plainly_exempt(period: Period) -> dict[int, dict[Measure, Figure]]:
    """Organisation id -> how many are missing and only exempt, in `due`."""
    states: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for duty in Duty.objects.filter(period=period):
        states[Measure.LEADERS, duty.acting_id or duty.reviewer_id].add(duty.status)
        states[Measure.MEMBERS, duty.target_person_id].add(duty.status)
        states[Measure.ORGANIZATIONS, duty.target_org_id].add(duty.status)
    missing = CoverageTarget.objects.filter(period=period, done_on__isnull=True)
    return _upward(
        (target, 0)
        for target in missing
        if states[Measure(target.measure), target.person_id or target.organization_id] == {DutyStatus.EXEMPT}
    )


def assert_exact(period: Period, after: str) -> None:
    """Every reader beside the recount, in one moment of the database."""
    with transaction.atomic():
        if connection.vendor == "postgresql" and not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        orgs = list(Organization.objects.order_by("pk"))
        right = plain(period, clock.today())
        assert coverage.totals(period, orgs) == right, after
        root = next(org for org in orgs if org.parent_id is None)
        free = plainly_exempt(period)
        found = exemptions.counts(period, root, orgs)
        assert {pk: {m: f.due for m, f in sums.items()} for pk, sums in free.items()} == {
            org.pk: found[org.pk] for org in orgs
        }, after
        for org in orgs:
            rows = coverage.by_child(period, org)
            assert coverage.added(row.figures for row in rows) == right[org.pk], after
            assert rows[0].figures == coverage.own(period, org), after


@pytest.mark.parametrize("seed", range(4))
def test_after_each_of_many_operations_every_reader_is_the_recount(cast, seed):
    period = make_period()
    duties.regenerate(period, on=ON)
    hands = Hands(seed, period, cast.user["admin"])
    assert_exact(period, "generated")
    for _ in range(30):
        assert_exact(period, hands.act())
    assert coverage.prove(period) == []
    coverage.fold()
    assert_exact(period, "folded at the end")
    assert hands.done > 15


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("closed_connections")
@pytest.mark.parametrize("seed", range(2))
def test_two_hands_at_once_leave_every_reader_with_the_recount(cast, seed):
    """Each looks after each of its own operations, while the other is in the middle of one."""
    period = make_period()
    duties.regenerate(period, on=ON)
    hands = [Hands(100 * seed + number, period, cast.user["admin"]) for number in (1, 2)]

    def work(hand: Hands):
        def run() -> None:
            for _ in range(25):
                assert_exact(period, hand.act())

        return run

    assert together(*(work(hand) for hand in hands)) == []
    assert_exact(period, "both are done")
    assert coverage.prove(period) == []
    assert min(hand.done for hand in hands) > 8
