"""Days proposed for a work plan: each reviewer's reviews spread over the working days that are left."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

SATURDAY = 5


def working_days(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """Monday to Friday from `first` to `last`, both included; public holidays are the office's to move."""
    days = (first + datetime.timedelta(at) for at in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY]


def spread(count: int, days: Sequence[datetime.date]) -> list[datetime.date | None]:
    """A day for each of `count` reviews, evenly over the days and as early within its share as can be; several on a day
    where there are more reviews than days. None where no day is left.

    >>> monday = datetime.date(2010, 12, 6)
    >>> [str(day) for day in spread(2, working_days(monday, datetime.date(2010, 12, 17)))]
    ['2010-12-06', '2010-12-13']
    """
    return [days[at * len(days) // count] if days else None for at in range(count)]
