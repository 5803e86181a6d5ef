"""The analysis of an organisation's coverage, its workbook, and the names behind its figures."""

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
from reports import analysis, exemptions, quality
from reports.views.asked import measure_of, organization_of, period_of
from reports.views.coverage import NAMES
from reviews.models import Measure, Period


@require_safe
def coverage_details(request: UserRequest, code: str) -> HttpResponse:
    """On time, exempt, by rule, form, category; pace; rectification and quality; 五有; before and beside."""
    org, period = organization_of(request, code), period_of(request)
    context: dict = {"org": org, "period": period, "periods": Period.objects.all()}
    if period is not None:
        context["sections"] = analysis.sections(request.user, period, org, clock.today())
        context["rank"] = rank = request.GET.get("rank", "")
        context["measures"] = list(Measure)
        context["keep"] = {"rank": rank} if rank else {}
        if rank:
            context["siblings"] = analysis.siblings(request.user, period, org, measure_of(rank))
    context["above"] = Organization.objects.above(org, include_self=True).visible_to(request.user)
    return render(request, "reports/coverage_details.html", context)


@list_view
def coverage_details_file(request: UserRequest, code: str) -> ListFile:
    """The same sections as a workbook, a sheet each."""
    org, period = organization_of(request, code), period_of(request)
    if period is None:
        raise Http404
    sheets = [section.sheet() for section in analysis.sections(request.user, period, org, clock.today())]
    back = f"{reverse('coverage_details', args=[org.code])}?{request.GET.urlencode()}"
    return ListFile(f"{period.code}统计分析_{org.code}", sheets, back, org.name, about=[org])


@require_safe
def coverage_exempt(request: UserRequest, code: str) -> HttpResponse:
    """Exempt duties, with the reason and who approved it."""
    org, period = organization_of(request, code), _given(request)
    found = exemptions.duties(request.user, period, org)
    page = Paginator(found, NAMES).get_page(request.GET.get("page"))
    context: dict = {"org": org, "period": period, "page_obj": page}
    leaders = exemptions.leaders(request.user, period, org)
    context |= {"leaders": leaders[:NAMES], "more_leaders": max(leaders.count() - NAMES, 0)}
    context["above"] = Organization.objects.above(org, include_self=True).visible_to(request.user)
    return render(request, "reports/coverage_exempt.html", context)


@list_view
def coverage_exempt_file(request: UserRequest, code: str) -> ListFile:
    """The same as a workbook, all of both lists."""
    org, period = organization_of(request, code), _given(request)
    back = f"{reverse('coverage_exempt', args=[org.code])}?{urlencode({'period': period.code})}"
    sheets = exemptions.sheets(request.user, period, org)
    return ListFile(f"{period.code}免除_{org.code}", sheets, back, org.name, about=[org])


@require_safe
def coverage_quality(request: UserRequest, code: str, fault: str) -> HttpResponse:
    """The records behind a figure of quality, as far as the user may read them."""
    org, period = organization_of(request, code), _given(request)
    if fault not in quality.FAULTS:
        raise Http404
    page = Paginator(quality.named(request.user, period, org, fault), NAMES).get_page(request.GET.get("page"))
    unnamed = quality.faulty(period, org, fault).count() - page.paginator.count
    context = {"org": org, "period": period, "title": quality.FAULTS[fault], "page_obj": page, "unnamed": unnamed}
    context["above"] = Organization.objects.above(org, include_self=True).visible_to(request.user)
    return render(request, "reports/coverage_quality.html", context)


def _given(request: UserRequest) -> Period:
    period = period_of(request)
    if period is None:
        raise Http404
    return period
