"""The lines of the table of coverage: 本级, each child that the user may see, and their sum; the page, chart and file."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.db.models import Case, Q, When
from django.urls import reverse

from orgs import scope
from orgs.models import Organization, User
from orgs.requests import UserRequest
from reports import coverage as figures_of
from reports import exemptions, past, reporting
from reports.coverage import Figure, Figures, Row, Unit
from reports.views import asked
from reviews.models import Measure, Period

ANY_CODE = "any-code"
UNQUOTED = "!$&'()*+,;=~:@"  # what `reverse` leaves in an address

Free = dict[Measure, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure on a line; the address of the names where the user may see any."""

    measure: Measure
    figure: Figure
    names_url: str = ""
    exempt: int | None = None  # None: the table has no column for it

    @property
    def without_exempt(self) -> Figure:
        """As if who is exempt were not due."""
        return Figure(self.figure.due - (self.exempt or 0), self.figure.done)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of chart and table."""

    name: str
    cells: tuple[Cell, ...]
    url: str = ""
    org: Unit | None = None

    def figure(self, measure: Measure) -> Figure:
        """The figure of one measure."""
        return next(cell.figure for cell in self.cells if cell.measure == measure)


@dataclass(frozen=True, slots=True)
class Table:
    """Lines that add up exactly to the total; and whether some names below are not for this user."""

    lines: list[Line]
    total: Line
    hides_names: bool


# By which the children are sorted; those with nobody due at the end.
SORTS: dict[str, Callable[[Figure], tuple]] = {
    "rate": lambda figure: (not figure.due, figure.rate or 0, -figure.missing),
    "best": lambda figure: (not figure.due, -(figure.rate or 0), -figure.done),
    "missing": lambda figure: (not figure.due, -figure.missing),
    "due": lambda figure: (-figure.due,),
    "done": lambda figure: (-figure.done,),
}


def order_of(request: UserRequest) -> tuple[Measure, str]:
    """The measure that the chart shows, and the key of SORTS by which lines stand ("": as in the tree)."""
    sort = request.GET.get("sort", "")
    return asked.measure_of(request.GET.get("measure") or Measure.MEMBERS), sort if sort in SORTS else ""


def table_of(request: UserRequest, period: Period, org: Organization, on: datetime.date | None) -> Table:
    """The table of an organisation, in the order asked for."""
    measure, sort = order_of(request)
    rows = past.by_child(period, org, on) if on else figures_of.by_child(period, org)
    units = [row.org for row in rows]
    free = {} if on else exemptions.counts(period, org, units)
    may_see, may_name = _may_see(request.user, [unit.pk for unit in units])
    links = _Links(asked.carried(period, on), asked.kept(request), may_name)
    table = _Composed(org, rows, period, free, links).table(may_see)
    if sort:
        table.lines[1:] = sorted(table.lines[1:], key=lambda line: SORTS[sort](line.figure(measure)))
    return table


def cells_of(figures: Figures, urls: dict[Measure, str] | None = None, free: Free | None = None) -> tuple[Cell, ...]:
    """The figures as cells, with the addresses of names and what is exempt, where there is any."""
    urls, free = urls or {}, free or {}
    return tuple([Cell(measure, figures[measure], urls.get(measure, ""), free.get(measure)) for measure in Measure])


# --- inside -------------------------------------------------------------------------------------------------


class _Links:
    """Addresses of the pages of organisations and of their missing names, as `reverse` says them; that is asked once,
    not for every line.
    """

    def __init__(self, carried: dict[str, str], kept: dict[str, str], may_name: set[int]) -> None:
        self.may_name = may_name
        self._view = urlencode({**carried, **kept})
        self._query, self._own_query = (urlencode({**carried, **more}) for more in ({}, {"own": "1"}))
        self._page = reverse("coverage_org", args=[ANY_CODE]).split(ANY_CODE)
        self._names = {
            measure: reverse("coverage_missing", args=[ANY_CODE, measure]).split(ANY_CODE) for measure in Measure
        }

    def page(self, at: Organization | Unit) -> str:
        """The same view of a child."""
        before, after = self._page
        return f"{before}{quote(at.code, safe=UNQUOTED)}{after}?{self._view}"

    def names(self, at: Organization | Unit, figures: Figures, *, own: bool = False) -> dict[Measure, str]:
        """Of the measures in which somebody is missing whose name the user may see."""
        query, code = self._own_query if own else self._query, quote(at.code, safe=UNQUOTED)
        return {
            measure: f"{before}{code}{after}?{query}"
            for measure, (before, after) in self._names.items()
            if figures[measure].missing and (measure == Measure.ORGANIZATIONS or at.pk in self.may_name)
        }


@dataclass(frozen=True, slots=True)
class _Composed:
    """What the lines are made of; the first row is 本级."""

    org: Organization
    rows: list[Row]
    period: Period
    free: dict[int, Free]
    links: _Links

    def table(self, may_see: set[int]) -> Table:
        """Children outside the user's scope (he sits in the team, but is not in charge of them) stand together in one
        line, so that the lines still add up to the figures above.
        """
        own, *children = self.rows
        own_free = self._free([self.org.pk], less=[row.org.pk for row in children])
        lines = [Line("本级", cells_of(own.figures, self.links.names(self.org, own.figures, own=True), own_free))]
        shown = [row for row in children if row.org.pk in may_see]
        lines += [self._line(row) for row in shown if self._is_due(row) or self._lives(row.org)]
        if len(shown) < len(children):
            lines.append(self._others([row for row in children if row.org.pk not in may_see]))
        total = figures_of.added(row.figures for row in self.rows)
        total_free = self._free([self.org.pk])
        return Table(
            lines, Line("合计", cells_of(total, self.links.names(self.org, total), total_free)), self._hides_names()
        )

    def _line(self, row: Row) -> Line:
        cells = cells_of(row.figures, self.links.names(row.org, row.figures), self._free([row.org.pk]))
        return Line(row.org.name, cells, self.links.page(row.org), row.org)

    def _others(self, rows: list[Row]) -> Line:
        figures = figures_of.added(row.figures for row in rows)
        free = self._free([row.org.pk for row in rows])
        return Line(figures_of.others(len(rows)), cells_of(figures, None, free))

    def _free(self, at: Iterable[int], *, less: Iterable[int] = ()) -> Free | None:
        """Who is exempt there; None without a column, which a measure has where anybody is exempt."""
        total = self.free.get(self.org.pk)
        if not total or not any(total.values()):
            return None
        return {
            measure: sum(self.free[pk][measure] for pk in at) - sum(self.free[pk][measure] for pk in less)
            for measure, count in total.items()
            if count
        }

    def _hides_names(self) -> bool:
        return any(
            any(figure.missing for figure in row.figures.values())
            for row in self.rows
            if row.org.pk not in self.links.may_name
        )

    def _is_due(self, row: Row) -> bool:
        return any(figure.due for figure in row.figures.values())

    def _lives(self, org: Unit) -> bool:
        """There on the day of the roster: shown although nobody counts in it."""
        return org.lives_on(reporting.counted_on(self.period))


def _may_see(user: User, org_ids: list[int]) -> tuple[set[int], set[int]]:
    """Of which of these the user may see the names and sums, and of which the persons."""
    if scope.seats(user).is_admin:
        return set(org_ids), set(org_ids)
    family = Organization.objects.filter(pk__in=org_ids).order_by()
    may = list(family.values_list("pk", _whether(scope.seen(user)), _whether(scope.seen_people(user))))
    return {pk for pk, is_seen, _ in may if is_seen}, {pk for pk, _, has_names in may if has_names}


def _whether(condition: Q) -> Case:
    return Case(When(condition, then=True), default=False)
