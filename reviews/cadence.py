"""Half-years and due days. Pure: knows no Django and no clock.

H1 is 1 January to 30 June, H2 is 1 July to 31 December (R39); both days belong to it.
"""

from __future__ import annotations

import datetime
import re

CODE = re.compile(r"([0-9]{4})H([12])")
FIRST_YEAR, LAST_YEAR = 1949, 2199
GENERAL_ROUND = "2010H2"  # 「今年年底前要普遍开展一次」: the year of the notice


def span(code: str) -> tuple[datetime.date, datetime.date] | None:
    """First and last day of "2010H2"; None for anything that is no half-year, such as "2010h2" or "2010H3"."""
    match = CODE.fullmatch(code)
    if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        return None
    year = int(match[1])
    if match[2] == "1":
        return datetime.date(year, 1, 1), datetime.date(year, 6, 30)
    return datetime.date(year, 7, 1), datetime.date(year, 12, 31)


def name(code: str) -> str:
    """ "2010H2" -> "2010年下半年"."""
    return f"{code[:4]}年{'上' if code.endswith('1') else '下'}半年"


def within(day: datetime.date, first: datetime.date, last: datetime.date) -> datetime.date:
    """The day, kept within the period."""
    return min(max(day, first), last)


def months_later(day: datetime.date, months: int) -> datetime.date:
    """The same day some months later; the last of the month where there is no such day (30 November + 3: 28 February)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return datetime.date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError(day)


def existed_long_enough(founded_on: datetime.date | None, months: int, ends_on: datetime.date) -> bool:
    """Founded at least so many months before the period is over (A22); an empty day means always."""
    if founded_on is None:
        return True
    return months_later(founded_on, months) <= ends_on + datetime.timedelta(days=1)
