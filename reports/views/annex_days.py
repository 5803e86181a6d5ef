"""Annex 1 as of any day: to look at, to print, as a file. Nothing is sent by it."""

from __future__ import annotations

import datetime
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from orgs import audit, clock
from orgs.models import Organization
from orgs.requests import UserRequest
from orgs.views.as_of import day_asked_for
from reports import annex_days
from reports.views.annexes import file_name, workbook_response
from reports.views.asked import organization_of, period_of
from reviews.models import Period


@require_safe
def annex_day(request: UserRequest, code: str) -> HttpResponse:
    """The form of an organisation and everything below it as of a day."""
    org, period, on = _asked_for(request, code)
    context = {
        "org": org,
        "period": period,
        "periods": Period.objects.all(),
        "on": on,
        "sheet": annex_days.sheet(org, period, on, request.user),
        "carried": _carried(period, on),
        "above": Organization.objects.above(org, include_self=True).visible_to(request.user),
    }
    return render(request, "reports/annex_day.html", context)


@require_safe
def annex_day_file(request: UserRequest, code: str) -> HttpResponse:
    """The same as an Excel file."""
    org, period, on = _asked_for(request, code)
    audit.record(request.user, "导出附件1", [org], summary=f"{org.name} {period.code}，{on.isoformat()} 的数")
    name = file_name("附件1", org.name, on.isoformat())
    return workbook_response([annex_days.sheet(org, period, on, request.user)], name)


@require_safe
def annex_day_print(request: UserRequest, code: str) -> HttpResponse:
    """The same as a page of A4, landscape."""
    org, period, on = _asked_for(request, code)
    query = _carried(period, on)
    context = {
        "sheet": annex_days.sheet(org, period, on, request.user),
        "subject": org.name,
        "back_url": f"{reverse('annex_day', args=[org.code])}?{query}",
        "file_url": f"{reverse('annex_day_file', args=[org.code])}?{query}",
    }
    return render(request, "reports/record_print.html", context)


def _asked_for(request: UserRequest, code: str) -> tuple[Organization, Period, datetime.date]:
    """Organisation, period and day; a day that is still to come is today."""
    org, period = organization_of(request, code), period_of(request)
    if period is None:
        raise Http404
    return org, period, min(day_asked_for(request), clock.today())


def _carried(period: Period, on: datetime.date) -> str:
    return urlencode({"period": period.code, "on": on.isoformat()})
