"""Pace against the calendar: what must be done by now, and where it ends at this pace. Pure: knows no Django."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How one measure stands on a day, if what was still to do when the period began were spread evenly over it."""

    due: int
    done: int
    expected: int  # done by now, rounded up
    forecast: int  # done on the last day, at the pace so far
    days_left: int  # today included
    per_day: float  # needed from today on to reach everybody

    @property
    def is_behind(self) -> bool:
        """Less done than the calendar asks for."""
        return self.done < self.expected


def pace(due: int, done: int, first: datetime.date, last: datetime.date, on: datetime.date, *, before: int = 0) -> Pace:
    """Pace on a day: before the period nothing more is expected, after it everything.

    `before` of the done were so before the first day (yearly duties): they tell nothing of the pace.
    """
    before = min(before, done)
    days = (last - first).days + 1
    gone = min(max((on - first).days + 1, 0), days)
    left = days - gone + (1 if first <= on <= last else 0)
    expected = before - (before - due) * gone // days
    forecast = min(due, before + ((done - before) * days // gone if gone else 0))
    return Pace(due, done, expected, forecast, left, round((due - done) / left, 1) if left else 0.0)


def weekly(
    done_by_day: Mapping[datetime.date, int], first: datetime.date, last: datetime.date, on: datetime.date
) -> list[tuple[datetime.date, int]]:
    """Done by the end of each week of the period up to the day (or the period's end), cumulative."""
    until = min(on, last)
    ends = []
    end = first + datetime.timedelta(days=6)
    while end < until:
        ends.append(end)
        end += datetime.timedelta(days=7)
    if until >= first:
        ends.append(until)
    return [(end, sum(count for day, count in done_by_day.items() if day <= end)) for end in ends]
