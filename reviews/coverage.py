"""Who must be covered in a period, and what covers them. The only writer of CoverageTarget and CoverageChange."""

from __future__ import annotations

import datetime

from reviews.models import Period, Record


def sync(period: Period, on: datetime.date) -> None:
    """Bring the targets of a period in line with the roster on a day and with the counted records."""
    raise NotImplementedError


def confirmed(record: Record) -> None:
    """The record counts from now on: its target and its reviewers are covered."""
    raise NotImplementedError


def voided(record: Record) -> None:
    """The record counts no more: what no other counted record covers is open again."""
    raise NotImplementedError
