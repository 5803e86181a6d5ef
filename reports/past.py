"""Coverage as of a past day: what the page said when that day ended, whatever became of it since.

Who was due, and where, is the roster that was kept (targets of today since a day, former targets from a day to a day);
who was reached is counted from the records that counted then: confirmed by the end of the day, and not voided before it
ended; below whom they counted is the tree of the day. So a transfer, a move, a voiding or a late entry of today changes
no earlier day.

What cannot be known: a move of the tree that is entered later and dated back counts from its day on; what was removed for
good is gone from every day; targets of a system from before the roster was kept count as if they had always been there.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Count, F, Q, QuerySet

from orgs import past as orgs_then
from orgs.models import Organization, Person
from orgs.past import TreeThen
from orgs.querysets import IN_TREE, Stand, Subtrees, stand
from reports.coverage import Figure, Figures, Row, Unit, added
from reviews import coverage as targets
from reviews.models import CoverageTarget, CoverageTargetPast, Measure, Period, Record

PAGE = 2000  # rows of a long list at a time


def covered(measure: Measure, period: Period, on: datetime.date) -> Q:
    """Targets of a measure that were reached when the day ended."""
    return targets.covered(measure, Record.objects.counting_at_end_of(on), period)


def totals(period: Period, org: Organization, on: datetime.date) -> Figures:
    """The figures of the whole subtree of that day."""
    return added(row.figures for row in by_child(period, org, on))


def own(period: Period, org: Organization, on: datetime.date) -> Figures:
    """What counted at the organisation itself."""
    return next(row.figures for row in by_child(period, org, on) if row.is_own)


def by_child(period: Period, org: Organization, on: datetime.date) -> list[Row]:
    """本级 and every child of that day with all that was below it, named as on that day.

    A fixed number of queries (and a few more where the tree was changed since), over organisations, never over members.
    """
    children = orgs_then.as_of(orgs_then.children(org, on), on)
    places = _stands([org, *children])
    levels = {pk: place[0] for pk, place in places.items()}
    tree, asked = TreeThen(on), Subtrees(places.items())
    below = {child.pk for child in children}
    sums: dict[int, dict[Measure, list[int]]] = {pk: {measure: [0, 0] for measure in Measure} for pk in places}
    at: dict[Stand, int | None] = {}
    for place, measure, which, count in _counted(period, on, tree.subtree(org, "organization__")):
        if place not in at:
            holders = set(tree.holding(place, asked, levels))
            at[place] = next(iter(holders & below), org.pk if org.pk in holders else None)
        pk = at[place]
        if pk is not None:
            sums[pk][measure][which] += count
    rows = [Row(Unit.of(orgs_then.one_as_of(org, on)), _figures(sums[org.pk]), is_own=True)]
    for child in map(Unit.of, children):
        figures = _figures(sums[child.pk])
        if child.lives_on(on) or any(figure.due for figure in figures.values()):
            rows.append(Row(child, figures))
    return rows


def missing(period: Period, org: Organization, measure: Measure, on: datetime.date) -> Targets:
    """Who had not been reached when the day ended, in the tree's order."""
    here = TreeThen(on).subtree(org, "organization__")
    done = covered(measure, period, on)
    return Targets(
        tuple(found.filter(here, measure=measure).exclude(done) for found in _rosters(period, on)), period, measure
    )


@dataclass(frozen=True)
class Targets:
    """Targets of today and of before as one list: narrowed like a queryset, counted, cut, read in the tree's order."""

    parts: tuple[QuerySet[Any], ...]
    period: Period
    measure: Measure

    def filter(self, *conditions: Q, **facts: Any) -> Self:
        """As of a queryset."""
        return type(self)(tuple(part.filter(*conditions, **facts) for part in self.parts), self.period, self.measure)

    def count(self) -> int:
        """How many."""
        return sum(part.count() for part in self.parts)

    def __len__(self) -> int:
        return self.count()

    def __iter__(self) -> Iterator[CoverageTarget]:
        return self.iterator()

    def __getitem__(self, cut: slice) -> list[CoverageTarget]:
        return self._whole(self._rows()[cut])

    def iterator(self, chunk_size: int = PAGE) -> Iterator[CoverageTarget]:
        """All of them, some at a time."""
        start = 0
        while some := self._whole(self._rows()[start : start + chunk_size]):
            yield from some
            start += chunk_size

    def _rows(self) -> QuerySet:
        names = [f"place{at}" for at in range(len(IN_TREE))]
        places = {name: F(f"organization__{field}") for name, field in zip(names, IN_TREE, strict=True)}
        columns = (*names, "number", "organization_id", "person_id")
        first, *others = (
            part.order_by().annotate(number=F("person__number"), **places).values_list(*columns) for part in self.parts
        )
        return first.union(*others, all=True).order_by(*names, "number")

    def _whole(self, rows: Iterable[tuple]) -> list[CoverageTarget]:
        keys = [row[-2:] for row in rows]
        orgs = Organization.objects.select_related("parent").in_bulk({org for org, _ in keys})
        persons = Person.objects.in_bulk({person for _, person in keys if person is not None})
        return [
            CoverageTarget(period=self.period, measure=self.measure, organization=orgs[org], person=persons.get(person))
            for org, person in keys
        ]


# --- inside ---------------------------------------------------------------------------------------------------


def _rosters(period: Period, on: datetime.date) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """Who was due when the day ended: who still counts there, and who does not any more."""
    then = Q(since__isnull=True) | Q(since__lte=on)
    return (
        CoverageTarget.objects.filter(then, period=period).order_by(),
        CoverageTargetPast.objects.filter(then, period=period, until__gt=on).order_by(),
    )


DUE, DONE = 0, 1


def _counted(period: Period, on: datetime.date, here: Q) -> Iterator[tuple[Stand, Measure, int, int]]:
    """Where they stand today, which measure, due or done, how many."""
    for found in _rosters(period, on):
        rows = found.filter(here).values_list("measure", *stand("organization__")).annotate(Count("pk"))
        for measure, *place, count in rows:
            yield _stand_of(place), Measure(measure), DUE, count
        for of in Measure:
            done = found.filter(here, covered(of, period, on), measure=of)
            for *place, count in done.values_list(*stand("organization__")).annotate(Count("pk")):
                yield _stand_of(place), of, DONE, count


def _stand_of(place: Sequence[int]) -> Stand:
    level, tree, left, right = place
    return level, tree, left, right


def _stands(orgs: Sequence[Organization]) -> dict[int, Stand]:
    found: dict[int, Stand] = {}
    for chunk in orgs_then.chunks([org.pk for org in orgs]):
        rows = Organization.objects.filter(pk__in=chunk).order_by().values_list("pk", *stand())
        found |= {pk: _stand_of(place) for pk, *place in rows}
    return found


def _figures(sums: dict[Measure, list[int]]) -> Figures:
    return {measure: Figure(*numbers) for measure, numbers in sums.items()}
