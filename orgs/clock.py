"""What day it is. Everything asks here, so that a demonstration or a training day can stand still."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.utils import timezone

_standing: ContextVar[datetime.date | None] = ContextVar("standing", default=None)


def today() -> datetime.date:
    """The local day (TIME_ZONE); the setting TODAY fixes it, and `standing_at` fixes it for a while."""
    fixed = _standing.get()
    if fixed is not None:
        return fixed
    if settings.TODAY:
        return datetime.date.fromisoformat(settings.TODAY)
    return timezone.localdate()


def now() -> datetime.datetime:
    """This moment, on the day that it is: where the clock stands still, the real time of that day."""
    real = timezone.localtime()
    return datetime.datetime.combine(today(), real.timetz()) if today() != real.date() else real


def latest() -> datetime.date:
    """The last day that is no future: today, or the real day where the clock stands still in the past."""
    return max(today(), timezone.localdate())


def midnight_after(day: datetime.date) -> datetime.datetime:
    """The moment at which this day has ended."""
    return timezone.make_aware(datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time.min))


@contextmanager
def standing_at(day: datetime.date) -> Iterator[None]:
    """Within this block it is that day, in this thread: for loading what happened in the past."""
    token = _standing.set(day)
    try:
        yield
    finally:
        _standing.reset(token)
