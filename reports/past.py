"""Coverage as of a past day: by what had been held and entered by then, counted from the records themselves.

Who is due is today's roster of the period, and what was voided since is not counted: the page says both.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from django.db.models import Count, Q, QuerySet

from orgs.models import Organization
from orgs.querysets import Subtrees, stand
from orgs.scope import in_range
from reports import coverage
from reports.coverage import Figure, Figures, Row
from reviews import coverage as targets
from reviews.models import CoverageTarget, Measure, Period, Record


def covered(measure: Measure, period: Period, on: datetime.date) -> Q:
    """Targets of a measure that were reached by the end of a day."""
    return targets.covered(measure, Record.objects.filter(review__held_on__lte=on).entered_by_end_of(on), period)


def totals(period: Period, org: Organization, on: datetime.date) -> Figures:
    """The figures of the whole subtree as of a day."""
    found = coverage.totals(period, [org])[org.pk]
    done = {measure: sum(row[-1] for row in _done(period, org, measure, on)) for measure in Measure}
    return {measure: Figure(found[measure].due, done[measure]) for measure in Measure}


def by_child(period: Period, org: Organization, on: datetime.date) -> list[Row]:
    """本级 and every child, as `coverage.by_child`, with what was done by the end of a day. Five queries."""
    rows = coverage.by_child(period, org)
    children = Organization.objects.filter(parent=org).order_by().values_list("pk", *stand())
    subtrees = Subtrees((pk, tuple(place)) for pk, *place in children)
    done: dict[tuple[int, Measure], int] = {}
    for measure in Measure:
        for *place, count in _done(period, org, measure, on):
            at = next(subtrees.holding(tuple(place)), org.pk)
            done[at, measure] = done.get((at, measure), 0) + count
    return [
        Row(
            row.org,
            {
                measure: Figure(figure.due, done.get((row.org.pk, measure), 0))
                for measure, figure in row.figures.items()
            },
            row.is_own,
        )
        for row in rows
    ]


def own(period: Period, org: Organization, on: datetime.date) -> Figures:
    """What counts at the organisation itself, as of a day."""
    return next(row.figures for row in by_child(period, org, on) if row.is_own)


def missing(period: Period, org: Organization, measure: Measure, on: datetime.date) -> QuerySet[CoverageTarget]:
    """Who had not been reached by the end of a day."""
    found = CoverageTarget.objects.filter(in_range(org, "organization__"), period=period, measure=measure)
    return found.exclude(covered(measure, period, on)).select_related("organization", "person")


def _done(period: Period, org: Organization, measure: Measure, on: datetime.date) -> Iterator[tuple]:
    """Where they stand, and how many of them were reached."""
    found = CoverageTarget.objects.filter(in_range(org, "organization__"), period=period, done_on__isnull=False)
    rows = found.filter(covered(measure, period, on)).order_by().values_list(*stand("organization__"))
    yield from rows.annotate(Count("pk"))
