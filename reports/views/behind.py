"""The names behind a figure of the analysis, and the same as a file."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from orgs import clock
from orgs.list_files import list_view
from orgs.lists import ListFile
from orgs.models import Organization
from orgs.requests import UserRequest
from reports.behind import Behind, behind
from reports.views.annexes import file_stem
from reports.views.asked import organization_of, period_of
from reports.views.coverage import NAMES
from reviews.models import Period


@require_safe
def coverage_behind(request: UserRequest, code: str, what: str, value: str) -> HttpResponse:
    """A list of what a figure counts; the rest, which is not the user's to see, as a number."""
    org, period, found = _asked(request, code, what, value)
    page = Paginator(found.named, NAMES).get_page(request.GET.get("page"))
    context = {
        "org": org,
        "period": period,
        "what": what,
        "value": value,
        "title": found.title,
        "page_obj": page,
        "entries": [found.describe(row) for row in page],
        "total": page.paginator.count,
        "unnamed": found.every.count() - page.paginator.count,
        "above": Organization.objects.above(org, include_self=True).visible_to(request.user),
    }
    return render(request, "reports/coverage_behind.html", context)


@list_view
def coverage_behind_file(request: UserRequest, code: str, what: str, value: str) -> ListFile:
    """The same names as a workbook."""
    org, period, found = _asked(request, code, what, value)
    back = f"{reverse('coverage_behind', args=[org.code, what, value])}?{urlencode({'period': period.code})}"
    name = file_stem(period.code, found.title, org.code)
    return ListFile(name, [found.sheet()], back, org.name, about=[org])


def _asked(request: UserRequest, code: str, what: str, value: str) -> tuple[Organization, Period, Behind]:
    org, period = organization_of(request, code), period_of(request)
    if period is None or "\0" in value:
        raise Http404
    found = behind(request.user, period, org, what, value, clock.today())
    if found is None:
        raise Http404
    return org, period, found
