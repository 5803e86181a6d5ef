"""Pace against the calendar, by hand-made cases."""

import pytest

from reports import pace
from tests.builders import day

FIRST, LAST = day("2010-07-01"), day("2010-12-31")  # 184 days


@pytest.mark.parametrize(
    ("on", "done", "expected", "forecast", "left", "per_day"),
    [
        ("2010-06-30", 0, 0, 0, 184, 1.0),  # not begun
        ("2010-07-01", 1, 1, 184, 184, 1.0),  # the first day counts as a whole
        ("2010-09-30", 46, 92, 92, 93, 1.5),  # half the days, a quarter of the work
        ("2010-12-31", 184, 184, 184, 1, 0.0),
        ("2011-01-05", 100, 184, 100, 0, 0.0),  # over: as it is
    ],
)
def test_expected_forecast_and_what_is_needed_each_day(on, done, expected, forecast, left, per_day):
    found = pace.pace(184, done, FIRST, LAST, day(on))
    assert (found.expected, found.forecast, found.days_left, found.per_day) == (expected, forecast, left, per_day)
    assert found.is_behind == (done < expected)


@pytest.mark.parametrize(
    ("on", "done", "expected", "forecast"),
    [
        ("2010-06-30", 400, 400, 400),
        ("2010-07-03", 400, 410, 400),  # nothing since the first day: behind
        ("2010-07-03", 412, 410, 1000),
        ("2010-09-30", 500, 700, 600),
        ("2010-12-31", 1000, 1000, 1000),
        ("2010-07-03", 300, 312, 300),  # voided meanwhile: never more than is done
    ],
)
def test_what_was_done_before_the_period_tells_nothing_of_the_pace(on, done, expected, forecast):
    found = pace.pace(1000, done, FIRST, LAST, day(on), before=400)
    assert (found.expected, found.forecast) == (expected, forecast)


def test_nobody_due_is_never_behind():
    assert not pace.pace(0, 0, FIRST, LAST, day("2010-10-01")).is_behind


def test_a_forecast_is_never_more_than_all():
    assert pace.pace(10, 9, FIRST, LAST, day("2010-07-10")).forecast == 10


def test_weeks_end_with_the_day_and_add_up():
    by_day = {day("2010-07-01"): 2, day("2010-07-07"): 1, day("2010-07-08"): 4}
    found = pace.weekly(by_day, FIRST, LAST, day("2010-07-10"))
    assert found == [(day("2010-07-07"), 3), (day("2010-07-10"), 7)]
    assert pace.weekly(by_day, FIRST, LAST, day("2010-06-01")) == []
    assert pace.weekly(by_day, FIRST, LAST, day("2011-03-01"))[-1] == (LAST, 7)
