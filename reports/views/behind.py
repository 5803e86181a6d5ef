"""The names behind a figure of the analysis."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orgs import clock
from orgs.models import Organization
from orgs.requests import UserRequest
from reports.behind import behind
from reports.views.asked import organization_of, period_of
from reports.views.coverage import NAMES


@require_safe
def coverage_behind(request: UserRequest, code: str, what: str, value: str) -> HttpResponse:
    """A list of what a figure counts; the rest, which is not the user's to see, as a number."""
    org, period = organization_of(request, code), period_of(request)
    if period is None or "\0" in value:
        raise Http404
    found = behind(request.user, period, org, what, value, clock.today())
    if found is None:
        raise Http404
    page = Paginator(found.named, NAMES).get_page(request.GET.get("page"))
    context = {
        "org": org,
        "period": period,
        "title": found.title,
        "page_obj": page,
        "entries": [found.describe(row) for row in page],
        "total": page.paginator.count,
        "unnamed": found.every.count() - page.paginator.count,
        "above": Organization.objects.above(org, include_self=True).visible_to(request.user),
    }
    return render(request, "reports/coverage_behind.html", context)
