"""Coverage: how far an organisation and everything below it has come, and who is missing."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Q, When
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orgs import audit, clock, scope
from orgs.errors import DomainError
from orgs.models import Organization, User
from orgs.requests import UserRequest
from orgs.views import as_of
from orgs.views.organizations import found_by
from reports import coverage as figures_of
from reports import exemptions, exports, missing, nudges, past
from reports.coverage import Figure, Figures, Row, Unit
from reports.models import ExportKind
from reports.views.list_files import MOST_IN_A_WORKBOOK, list_file, too_long
from reviews.models import Measure, Period

LINES, NAMES = 100, 50
ANY_CODE = "any-code"
UNQUOTED = "!$&'()*+,;=~:@"  # what `reverse` leaves in an address
WHO_COUNTS = {
    Measure.LEADERS: "党组、党委、机关党委、党总支的书记、副书记、委员（成员）和党支部书记，本期内在任的；兼任多职的只算一次，"
    "计入最靠近最上级的职务。在一次已确认的点评中担任点评人或共同点评人，即为参加。",
    Measure.ORGANIZATIONS: "除最上级组织以外的每一个党组织；有一次已确认的点评，即为已点评。",
    Measure.MEMBERS: "党籍正常的每一名党员（含预备党员），计入所属支部；以负责人、班子成员身份接受点评的也算，每人只算一次。",
}


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Line:
    """A line of chart and table."""

    name: str
    cells: tuple[Cell, ...]
    url: str = ""
    org: Unit | None = None

    def figure(self, measure: Measure) -> Figure:
        """The figure of one measure."""
        return next(cell.figure for cell in self.cells if cell.measure == measure)


@require_safe
def coverage(request: UserRequest) -> HttpResponse:
    """To the organisation that the user looks at; a choice where there are several."""
    tops = _tops(request.user)
    period = period_of(request)
    if len(tops) == 1:
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        return redirect(reverse("coverage_org", args=[tops[0].code]) + query)
    figures = figures_of.totals(period, tops) if period else {}
    choices = [(org, _cells(figures[org.pk])) for org in tops] if period else []
    context = {"tops": tops, "choices": choices, "period": period, "periods": Period.objects.all()}
    return render(request, "reports/coverage_choice.html", context)


@require_safe
def coverage_org(request: UserRequest, code: str) -> HttpResponse:
    """The figures of an organisation, then 本级 and each child: chart and table, adding up to them exactly."""
    org = organization_of(request, code)
    period = period_of(request)
    context: dict = {"org": org, "period": period, "periods": Period.objects.all()}
    context["above"] = Organization.objects.above(org).visible_to(request.user)
    if period is None:
        return render(request, "reports/coverage_org.html", context)
    figures_of.tidy()
    on, measure, sort = past_day(request), *_order(request)
    lines, total_line, hides_names = table_of(request, period, org, on)
    page = Paginator(lines, LINES).get_page(request.GET.get("page"))
    context |= {
        "total": total_line,
        "shows_exempt": [cell.measure for cell in total_line.cells if cell.exempt is not None],
        "has_any": any(cell.figure.due for cell in total_line.cells) and not (on and on < period.starts_on),
        "keep": _kept(request),
        "file_query": urlencode({**_carried(period, on), **_kept(request)}),
        "definitions": [(cell, WHO_COUNTS[cell.measure]) for cell in total_line.cells],
        "measure": measure,
        "measures": list(Measure),
        "sort": sort,
        "page_obj": page,
        "on": on,
        "carried": urlencode({**_carried(period, on), **_kept(request)}),
        "bars": [(line, line.figure(measure)) for line in page if line.figure(measure).due],
        "hides_names": hides_names,
    }
    return render(request, "reports/coverage_org.html", context)


@require_safe
def coverage_missing(request: UserRequest, code: str, measure: str) -> HttpResponse:
    """The names of who is missing, page by page, to be searched."""
    org, period, kind = organization_of(request, code), period_of(request), measure_of(measure)
    if period is None:
        raise Http404
    asked = _names_asked(request, kind)
    own, words, on = asked.own, asked.words, asked.on
    named = missing.named(request.user, period, org, kind, own=own, on=on)
    found = missing.search(named, words)
    page = Paginator(cast(Any, found), NAMES).get_page(request.GET.get("page"))
    if on:
        figures = past.own(period, org, on) if own else past.totals(period, org, on)
    else:
        figures = figures_of.own(period, org) if own else figures_of.totals(period, [org])[org.pk]
    named_count = named.count() if words else page.paginator.count
    context = {
        "org": org,
        "period": period,
        "measure": kind,
        "title": missing.TITLES[kind],
        "own": own,
        "q": words,
        "page_obj": page,
        "entries": missing.entries(request.user, list(page), kind, period),
        "total": page.paginator.count,
        "is_long": page.paginator.count > MOST_IN_A_WORKBOOK,
        "unnamed": max(figures[kind].missing - named_count, 0),
        "is_leaders": kind == Measure.LEADERS,
        "definition": WHO_COUNTS[kind],
        "file_query": urlencode(
            {**_carried(period, on), **({"q": words} if words else {}), **({"own": 1} if own else {})}
        ),
        "on": on,
        "carried": urlencode(_carried(period, on)),
        "above": Organization.objects.above(org, include_self=True).visible_to(request.user),
    }
    if on is None and 0 < named_count <= nudges.MOST and nudges.may(request.user, org):
        context["audience"] = heard = nudges.audience(request.user, period, org, kind, own=own)
        context["to_be_told"] = nudges.to_be_told(request.user, heard)
        context["nudge_text"] = nudges.text(period, org, kind, named_count)
        context["nudges"] = nudges.log(period, org, kind)
    return render(request, "reports/coverage_missing.html", context)


@require_safe
def coverage_missing_file(request: UserRequest, code: str, measure: str, kind: str) -> HttpResponseBase:
    """The same names as a file: csv of any length, xlsx up to a limit."""
    org, period, of = organization_of(request, code), period_of(request), measure_of(measure)
    if period is None or kind not in ("csv", "xlsx"):
        raise Http404
    asked = _names_asked(request, of)
    found = asked.found(request.user, period, org)
    count = found.count()
    if kind == "xlsx" and too_long(request, count):
        return redirect(f"{reverse('coverage_missing', args=[org.code, of])}?{request.GET.urlencode()}")
    title = f"{period.code}{missing.TITLES[of]}"
    audit.record(request.user, "导出名单", [org], summary=f"{org.name} {title}，{count} 行")
    rows = asked.table(request.user, period, found)
    return list_file(rows, title, missing.WIDTHS, f"{title}_{org.code}.{kind}")


@require_POST
def coverage_missing_export(request: UserRequest, code: str, measure: str) -> HttpResponse:
    """The names as a workbook that is made in the background: as long as they are many."""
    org, period, of = organization_of(request, code), period_of(request), measure_of(measure)
    if period is None:
        raise Http404
    try:
        exports.ask(org, period, by=request.user, kind=ExportKind.MISSING, asked=_names_asked(request, of))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("export_list")


def _names_asked(request: UserRequest, of: Measure) -> missing.Asked:
    own, words = request.GET.get("own") == "1", _text(request.GET.get("q", ""))
    return missing.Asked(of, own, past_day(request), words)


@require_POST
def coverage_remind(request: UserRequest, code: str, measure: str) -> HttpResponse:
    """催办: urge whoever can still reach the missing ones."""
    org, period, of = organization_of(request, code), period_of(request), measure_of(measure)
    if period is None or not nudges.may(request.user, org):
        raise Http404
    own = request.GET.get("own") == "1"
    back = redirect(f"{reverse('coverage_missing', args=[org.code, of])}?{request.GET.urlencode()}")
    try:
        words = request.POST.get("text", "").replace("\0", "")
        nudge = nudges.send(org, period=period, measure=of, words=words, own=own, by=request.user)
    except nudges.NudgeRefused as error:
        messages.error(request, str(error))
        return back
    spared = f"，另有 {nudge.spared} 人今天已催办过，没有重复打扰" if nudge.spared else ""
    messages.success(request, f"已催办 {nudge.sent} 人{spared}。")
    return back


# --- inside -------------------------------------------------------------------------------------------------


def _tops(user: User) -> list[Organization]:
    """Where a user looks from: seats; an administrator from the roots; a member at his own branch."""
    at = scope.seats(user)
    if at.is_admin:
        return list(Organization.objects.filter(parent__isnull=True).order_by("order", "code"))
    return list(at.tops) or ([at.branch] if at.branch else [])


def _text(value: str) -> str:
    """What was typed, without the NUL that PostgreSQL refuses."""
    return value.replace("\0", "").strip()[:100]


def organization_of(request: UserRequest, code: str) -> Organization:
    """An organisation whose figures the user may see; 404 to a stranger."""
    return found_by(Organization.objects.visible_to(request.user), code=code)


def period_of(request: UserRequest) -> Period | None:
    """The half-year asked for (404 if unknown), else the current one; None while there is none at all."""
    code = request.GET.get("period", "")
    return found_by(Period.objects.all(), code=code) if code else Period.objects.current(clock.today())


def past_day(request: UserRequest) -> datetime.date | None:
    """The past day asked for; None for today, which is also what tomorrow would show."""
    on = as_of.day_asked_for(request)
    return on if on < clock.today() else None


def _carried(period: Period, on: datetime.date | None) -> dict[str, str]:
    """What links take along, so that an address shows the same view to a colleague."""
    return {"period": period.code, **({"on": on.isoformat()} if on else {})}


def _kept(request: UserRequest) -> dict[str, str]:
    """What else belongs to the view: of which measure, in which order."""
    return {name: _text(request.GET[name]) for name in ("measure", "sort") if request.GET.get(name)}


def _order(request: UserRequest) -> tuple[Measure, str]:
    sort = request.GET.get("sort", "")
    return measure_of(request.GET.get("measure") or Measure.MEMBERS), sort if sort in SORTS else ""


def table_of(
    request: UserRequest, period: Period, org: Organization, on: datetime.date | None
) -> tuple[list[Line], Line, bool]:
    """Lines in the order asked for, their sum, and whether some names below are not for this user; page and file."""
    measure, sort = _order(request)
    rows = past.by_child(period, org, on) if on else figures_of.by_child(period, org)
    total = figures_of.added(row.figures for row in rows)
    free = {} if on else exemptions.counts(period, org, [row.org for row in rows])
    lines, total_line, hides_names = _lines(request, period, org, rows, total, on, free)
    if sort:
        lines[1:] = sorted(lines[1:], key=lambda line: SORTS[sort](line.figure(measure)))
    return lines, total_line, hides_names


def measure_of(value: str) -> Measure:
    """A measure by its word, or 404."""
    if value not in Measure.values:
        raise Http404
    return Measure(value)


# By which the children are sorted; those with nobody due at the end.
SORTS: dict[str, Callable[[Figure], tuple]] = {
    "rate": lambda figure: (not figure.due, figure.rate or 0, -figure.missing),
    "best": lambda figure: (not figure.due, -(figure.rate or 0), -figure.done),
    "missing": lambda figure: (not figure.due, -figure.missing),
    "due": lambda figure: (-figure.due,),
    "done": lambda figure: (-figure.done,),
}


Free = dict[Measure, int]


def _cells(figures: Figures, urls: dict[Measure, str] | None = None, free: Free | None = None) -> tuple[Cell, ...]:
    return tuple(
        Cell(measure, figures[measure], (urls or {}).get(measure, ""), free.get(measure) if free else None)
        for measure in Measure
    )


def _lines(
    request: UserRequest,
    period: Period,
    org: Organization,
    rows: list[Row],
    total: Figures,
    on: datetime.date | None,
    exempt: dict[int, Free],
) -> tuple[list[Line], Line, bool]:
    """Rows with their links, the total line, and whether some names below are not for this user.

    Children outside the user's scope (he sits in the team, but is not in charge of them) stand together in one line,
    so that the lines still add up to the figures above. Exemptions have columns where there are any.
    """
    user = request.user
    family = Organization.objects.filter(pk__in=[row.org.pk for row in rows]).order_by()
    may = family.values_list("pk", _whether(scope.seen(user)), _whether(scope.seen_people(user)))
    seen = {pk for pk, is_seen, _ in may if is_seen}
    names = {pk for pk, _, has_names in may if has_names}
    query, own_query = (urlencode({**_carried(period, on), **more}) for more in ({}, {"own": "1"}))
    view = urlencode({**_carried(period, on), **_kept(request)})
    page = _addresses("coverage_org")
    names_page = {measure: _addresses("coverage_missing", measure) for measure in Measure}

    def free(at: Iterable[int], *, less: Iterable[int] = ()) -> Free | None:
        if not exempt.get(org.pk):
            return None
        return {
            measure: sum(exempt[pk][measure] for pk in at if pk in exempt)
            - sum(exempt[pk][measure] for pk in less if pk in exempt)
            for measure in Measure
            if exempt[org.pk][measure]
        }

    def cells(figures: Figures, at: Organization | Unit, freed: Free | None, *, own: bool = False) -> tuple[Cell, ...]:
        return _cells(
            figures,
            {
                measure: f"{names_page[measure](at.code)}?{own_query if own else query}"
                for measure in Measure
                if figures[measure].missing and (measure == Measure.ORGANIZATIONS or at.pk in names)
            },
            freed,
        )

    below = [row.org.pk for row in rows[1:]]
    lines, rest = [Line("本级", cells(rows[0].figures, org, free([org.pk], less=below), own=True))], []
    for row in rows[1:]:
        if row.org.pk not in seen:
            rest.append(row)
        elif any(figure.due for figure in row.figures.values()) or _lives(row.org, period):
            found = cells(row.figures, row.org, free([row.org.pk]))
            lines.append(Line(row.org.name, found, f"{page(row.org.code)}?{view}", row.org))
    if rest:
        figures = figures_of.added(row.figures for row in rest)
        of_rest = free([row.org.pk for row in rest])
        lines.append(Line(f"其他下级（{len(rest)} 个）", _cells(figures, None, of_rest)))
    hidden = [row for row in rows if row.org.pk not in names and any(figure.missing for figure in row.figures.values())]
    return lines, Line("合计", cells(total, org, free([org.pk]))), bool(hidden)


def _whether(condition: Q) -> Case:
    return Case(When(condition, then=True), default=False)


def _addresses(name: str, *more: str) -> Callable[[str], str]:
    """Code -> the address of one page of an organisation, as `reverse` says it; that is asked once, not per line."""
    before, after = reverse(name, args=[ANY_CODE, *more]).split(ANY_CODE)
    return lambda code: f"{before}{quote(code, safe=UNQUOTED)}{after}"


def _lives(org: Unit, period: Period) -> bool:
    """Not dissolved before the period's end: shown although nobody counts in it."""
    return org.dissolved_on is None or org.dissolved_on > period.ends_on
