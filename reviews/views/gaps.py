"""The worklist of gaps: how many of each kind, one kind's list with its cures, and explaining one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from orgs.errors import DomainError
from orgs.requests import UserRequest
from reviews import duties, gaps
from reviews.views.duties import chosen_period

PAGE = 50


@require_safe
def gap_list(request: UserRequest) -> HttpResponse:
    """Of the user's offices; administrators: of all."""
    if not gaps.works_through(request.user):
        raise Http404
    period = chosen_period(request)
    if period is None or period.derived_on is None:
        return render(request, "reviews/gaps.html", {"period": period, "is_derived": False})
    on, code = duties.day_of(period, None), request.GET.get("kind")
    context: dict[str, Any] = {"period": period, "is_derived": True, "on": on}
    if not code:
        found = gaps.tallies(request.user, period, on)
        context |= {"tallies": found, "unexplained": gaps.unexplained(found)}
        return render(request, "reviews/gaps.html", context)
    kind = gaps.BY_CODE.get(code)
    if kind is None:
        raise Http404
    accepted = request.GET.get("show") == "accepted"
    rows = kind.rows(request.user, period, on, accepted=accepted)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    entries = gaps.entries(kind, page.object_list, period)
    return render(
        request,
        "reviews/gaps.html",
        context | {"kind": kind, "page_obj": page, "entries": entries, "accepted": accepted},
    )


@require_POST
def gap_accept(request: UserRequest) -> HttpResponse:
    """The office says why one gap may stay."""
    kind, period = gaps.BY_CODE.get(request.POST.get("kind", "")), chosen_period(request)
    if not gaps.works_through(request.user) or kind is None or period is None:
        raise Http404
    key, reason = (request.POST.get(name, "").replace("\x00", "") for name in ("key", "reason"))
    on = duties.day_of(period, None)
    try:
        gap = gaps.accept(kind, key[:40], period=period, on=on, reason=reason, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"已记下说明：{gap}。")
    return _back(period.code, kind.code)


@require_POST
def gap_withdraw(request: UserRequest, pk: int) -> HttpResponse:
    """What was explained is a gap again."""
    gap = get_object_or_404(gaps.accepted_by_office(request.user).select_related("period"), pk=pk)
    code, kind = gap.period.code, gap.kind
    gaps.withdraw(gap, by=request.user)
    messages.success(request, "已撤销说明，它又列为缺口。")
    return _back(code, kind)


def _back(period: str, kind: str) -> HttpResponse:
    return redirect(f"{reverse('gaps')}?{urlencode({'period': period, 'kind': kind})}")
