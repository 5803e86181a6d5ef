"""Annex 1 sent the whole way: a unit sums up only when every unit below it was accepted."""

from __future__ import annotations

from orgs.models import Organization
from reports import reporting, submissions
from reports.models import ProgressReport, Way
from reviews.models import Period


def accept_below(org: Organization, period: Period, *, again: bool = True) -> None:
    """Every unit below that reports in the system sends a report of now, from the bottom up, and has it accepted.

    Not `again`: only those that were not accepted yet.
    """
    for unit in reporting.units_below(org, period):
        if unit.way == Way.SYSTEM and (again or not unit.is_ready):
            submissions.accept(send(unit.org, period, again=again), by=None)


def send(org: Organization, period: Period, *, by=None, again: bool = True, **values) -> ProgressReport:
    """Drafted and sent, with all below it sent and accepted before."""
    accept_below(org, period, again=again)
    return submissions.submit(submissions.draft(org, period, by=by), by=by, **values)
