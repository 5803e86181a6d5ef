"""What the page says of a past day is what it said on that day, whatever happened since.

A history is played at random, day by day; at the end of each day the live figures and names are noted. Afterwards every
earlier day is asked for again, of every organisation.
"""

from __future__ import annotations

import datetime

import pytest

from orgs import clock
from orgs.models import Organization
from reports import coverage, missing, past
from reviews import duties
from reviews.models import Measure
from tests.builders import day, make_period
from tests.hands import Hands

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
FIRST, DAYS, A_DAY = day("2010-11-01"), 11, 4
MORE = ("move", "transfer", "dissolve", "appoint", "remove", "suspend", "void", "generate")


def live(period, admin) -> dict:
    """Of each organisation: its lines of the page, and who is missing from some by name."""
    found = {}
    for org in Organization.objects.order_by("pk"):
        lines = [(row.org.pk, row.is_own, row.figures) for row in coverage.by_child(period, org)]
        found[org.pk] = sorted(line for line in map(_counting, lines) if line), _names(period, org, admin, None)
    return found


def then(period, admin, on) -> dict:
    """The same, asked for afterwards."""
    found = {}
    for org in Organization.objects.order_by("pk"):
        lines = [(row.org.pk, row.is_own, row.figures) for row in past.by_child(period, org, on)]
        found[org.pk] = sorted(line for line in map(_counting, lines) if line), _names(period, org, admin, on)
    return found


def _counting(line):
    pk, is_own, figures = line
    numbers = [(figures[measure].due, figures[measure].done) for measure in Measure]
    return (pk, is_own, numbers) if any(due for due, _ in numbers) else None


def _names(period, org, admin, on):
    if org.code not in ("1", "13", "1311"):
        return None
    rows = [missing.named(admin, period, org, measure, on=on) for measure in Measure]
    return [sorted((row.organization_id, row.person_id or 0) for row in found.iterator(2000)) for found in rows]


@pytest.mark.parametrize("seed", range(3))
def test_every_past_day_is_what_the_page_said_on_it(cast, seed):
    period, admin = make_period(), cast.user["admin"]
    hands = Hands(seed, [period], admin)
    said = {}
    for at in range(DAYS):
        on = FIRST + datetime.timedelta(days=at)
        with clock.standing_at(on):
            if at == 2:
                duties.regenerate(period, on=on)
            if at > 2:
                for _ in range(A_DAY):
                    hands.act(also=MORE)
            said[on] = live(period, admin)
    with clock.standing_at(FIRST + datetime.timedelta(days=DAYS)):
        for on, words in said.items():
            assert then(period, admin, on) == words, on
    assert hands.done > DAYS
    assert len({str(words) for words in said.values()}) > DAYS // 2
