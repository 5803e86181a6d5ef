"""Half-years and due days."""

import datetime

import pytest

from reviews import cadence


@pytest.mark.parametrize(
    ("code", "days"),
    [
        ("2010H1", (datetime.date(2010, 1, 1), datetime.date(2010, 6, 30))),
        ("2010H2", (datetime.date(2010, 7, 1), datetime.date(2010, 12, 31))),
        ("2010H3", None),
        ("2010h2", None),
        ("10H2", None),
        ("0000H1", None),
        ("2010H2 ", None),
        ("", None),
    ],
)
def test_a_code_is_a_half_year_or_nothing(code, days):
    assert cadence.span(code) == days


def test_names_are_chinese():
    assert cadence.name("2010H2") == "2010年下半年"
    assert cadence.name("2011H1") == "2011年上半年"


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2010-09-30", 3, "2010-12-30"),
        ("2010-11-30", 3, "2011-02-28"),
        ("2011-11-30", 3, "2012-02-29"),
        ("2010-10-01", 3, "2011-01-01"),
    ],
)
def test_months_later_keeps_the_day_or_takes_the_last(day, months, later):
    assert cadence.months_later(datetime.date.fromisoformat(day), months) == datetime.date.fromisoformat(later)


@pytest.mark.parametrize(("founded", "long_enough"), [("2010-10-01", True), ("2010-10-02", False), (None, True)])
def test_three_months_before_the_end_is_long_enough(founded, long_enough):
    day = datetime.date.fromisoformat(founded) if founded else None
    assert cadence.existed_long_enough(day, 3, datetime.date(2010, 12, 31)) is long_enough


def test_a_day_is_kept_within_the_period():
    first, last = cadence.span("2010H2")
    assert cadence.within(datetime.date(2026, 1, 1), first, last) == last
    assert cadence.within(datetime.date(2010, 1, 1), first, last) == first
