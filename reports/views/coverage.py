"""Coverage: how far an organisation and everything below it has come, and who is missing."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orgs import scope
from orgs.errors import DomainError
from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
from orgs.models import Organization, User
from orgs.requests import UserRequest
from reports import coverage as figures_of
from reports import missing, nudges, past
from reports.views.asked import carried, kept, measure_of, organization_of, past_day, period_of, text
from reports.views.coverage_lines import cells_of, order_of, table_of
from reviews.models import Measure, Period

LINES, NAMES = 100, 50
WHO_COUNTS = {
    Measure.LEADERS: "党组、党委、机关党委、党总支的书记、副书记、委员（成员）和党支部书记，本期内在任的；兼任多职的只算一次，"
    "计入最靠近最上级的职务。在一次已确认的点评中担任点评人或共同点评人，即为参加。",
    Measure.ORGANIZATIONS: "除最上级组织以外的每一个党组织；有一次已确认的点评，即为已点评。",
    Measure.MEMBERS: "党籍正常的每一名党员（含预备党员），计入所属支部；以负责人、班子成员身份接受点评的也算，每人只算一次。",
}


@require_safe
def coverage(request: UserRequest) -> HttpResponse:
    """To the organisation that the user looks at; a choice where there are several."""
    tops = _tops(request.user)
    period = period_of(request)
    if len(tops) == 1:
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        return redirect(reverse("coverage_org", args=[tops[0].code]) + query)
    figures = figures_of.totals(period, tops) if period else {}
    choices = [(org, cells_of(figures[org.pk])) for org in tops] if period else []
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
    on, measure, sort = past_day(request), *order_of(request)
    table = table_of(request, period, org, on)
    page = Paginator(table.lines, LINES).get_page(request.GET.get("page"))
    context |= {
        "total": table.total,
        "shows_exempt": [cell.measure for cell in table.total.cells if cell.exempt is not None],
        "has_any": any(cell.figure.due for cell in table.total.cells) and not (on and on < period.starts_on),
        "keep": kept(request),
        "definitions": [(cell, WHO_COUNTS[cell.measure]) for cell in table.total.cells],
        "measure": measure,
        "measures": list(Measure),
        "sort": sort,
        "page_obj": page,
        "on": on,
        "carried": urlencode({**carried(period, on), **kept(request)}),
        "bars": [(line, line.figure(measure)) for line in page if line.figure(measure).due],
        "hides_names": table.hides_names,
    }
    return render(request, "reports/coverage_org.html", context)


@require_safe
def coverage_missing(request: UserRequest, code: str, measure: str) -> HttpResponse:
    """The names of who is missing, page by page, to be searched."""
    org, period, kind = organization_of(request, code), period_of(request), measure_of(measure)
    if period is None:
        raise Http404
    own, words, on = _of_own(request), text(request.GET.get("q", "")), past_day(request)
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
        "unnamed": max(figures[kind].missing - named_count, 0),
        "is_leaders": kind == Measure.LEADERS,
        "definition": WHO_COUNTS[kind],
        "file_query": urlencode(
            {**carried(period, on), **({"q": words} if words else {}), **({"own": 1} if own else {})}
        ),
        "on": on,
        "carried": urlencode(carried(period, on)),
        "above": Organization.objects.above(org, include_self=True).visible_to(request.user),
    }
    if on is None and named_count and nudges.may(request.user, org):
        context |= _urging(request.user, period, org, kind, own=own)
    return render(request, "reports/coverage_missing.html", context)


def _urging(user: User, period: Period, org: Organization, of: Measure, *, own: bool) -> dict[str, Any]:
    """What the form of 催办 needs; of a list too long for it only that it is."""
    count = nudges.to_urge(user, period, org, of, own=own)[: nudges.MOST + 1].count()
    if count > nudges.MOST:
        return {"most_to_urge": nudges.MOST}
    if not count:
        return {}
    heard = nudges.audience(user, period, org, of, own=own)
    return {
        "audience": heard,
        "to_be_told": nudges.to_be_told(user, heard),
        "nudge_text": nudges.text(period, org, of, count),
        "nudges": nudges.log(period, org, of),
    }


@list_view
def coverage_missing_file(request: UserRequest, code: str, measure: str, kind: str) -> ListFile:
    """The same names as a file: csv of any length, xlsx."""
    org, period, of = organization_of(request, code), period_of(request), measure_of(measure)
    if period is None or kind not in ("csv", "xlsx"):
        raise Http404
    on, title = past_day(request), f"{period.code}{missing.TITLES[of]}"
    own, words = _of_own(request), text(request.GET.get("q", ""))
    found = missing.search(missing.named(request.user, period, org, of, own=own, on=on), words)
    rows = missing.rows(request.user, found.iterator(chunk_size=2000), of, period, with_duties=on is None)
    sheet = Sheet(missing.TITLES[of], missing.columns(of, with_duties=on is None), rows, found.count())
    day = f"截至{on.isoformat()}" if on else ""
    said = "，".join(filter(None, (org.name, "本级" if own else "", day, words and f"查找：{words}")))
    back = f"{reverse('coverage_missing', args=[org.code, of])}?{request.GET.urlencode()}"
    return ListFile(f"{title}_{org.code}", [sheet], back, said, about=[org], is_csv=kind == "csv")


def _of_own(request: UserRequest) -> bool:
    return request.GET.get("own") == "1"


@require_POST
def coverage_remind(request: UserRequest, code: str, measure: str) -> HttpResponse:
    """催办: urge whoever can still reach the missing ones."""
    org, period, of = organization_of(request, code), period_of(request), measure_of(measure)
    if period is None or not nudges.may(request.user, org):
        raise Http404
    own = _of_own(request)
    back = redirect(f"{reverse('coverage_missing', args=[org.code, of])}?{request.GET.urlencode()}")
    try:
        words = request.POST.get("text", "").replace("\0", "")
        nudge = nudges.send(org, period=period, measure=of, words=words, own=own, by=request.user)
    except DomainError as error:
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
