"""The worklist of gaps: how many of each kind, one kind's list with its cures, explaining some, and their workbook."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from orgs import organizations_table
from orgs.errors import DomainError
from orgs.list_files import list_view
from orgs.lists import ListFile
from orgs.requests import UserRequest
from reviews import duties, gap_files, gap_filter, gaps
from reviews.models import Period
from reviews.views.duties import chosen_period

PAGE = 50
NAMED = 5  # of those that were left out


@require_http_methods(["GET", "HEAD", "POST"])
def gap_list(request: UserRequest) -> HttpResponse:
    """Of the user's offices; administrators: of all. POST explains what is ticked, or withdraws its explanations."""
    if not gaps.works_through(request.user):
        raise Http404
    period, kind = chosen_period(request), _kind(request)
    if request.method == "POST" and (kind is None or period is None):
        raise Http404
    if period is None or period.derived_on is None:
        return render(request, "reviews/gaps.html", {"period": period, "is_derived": False})
    on, only = duties.day_of(period, None), gap_filter.asked(request.GET, request.user)
    if kind is not None and request.method == "POST" and _did(request, kind, period, on):
        return redirect(request.get_full_path())
    context: dict[str, Any] = {
        "period": period, "is_derived": True, "on": on, "only": only,
        "categories": organizations_table.categories(),
        "query": urlencode({"period": period.code, **only.query}),
    }  # fmt: skip
    more = _of_all(request, period, on, only) if kind is None else _of_kind(request, kind, period, on, only)
    return render(request, "reviews/gaps.html", context | more)


@list_view
def gaps_export(request: UserRequest) -> ListFile:
    """The list of one kind as it is shown, or all of them, as a workbook: a sheet for each kind."""
    period, kind = chosen_period(request), _kind(request)
    if not gaps.works_through(request.user):
        raise Http404
    if period is None or period.derived_on is None:
        raise gaps.GapRefused("本期还没有生成任务，没有任务缺口可以导出。")
    on, only = duties.day_of(period, None), gap_filter.asked(request.GET, request.user)
    shown = (False, True) if kind is None else (_is_accepted(request),)
    conditions = "，".join(filter(None, (kind.title if kind else "", only.conditions)))
    sheets = gap_files.sheets([kind] if kind else gaps.KINDS, request.user, period, on, only, shown)
    back = f"{reverse('gaps')}?{request.GET.urlencode()}"
    return ListFile(f"任务缺口_{period.code}", sheets, back, conditions)


def _kind(request: UserRequest) -> gaps.Kind | None:
    """The kind that the address names, if it names one; 404 for one that there is not."""
    code = request.GET.get("kind")
    if code and code not in gaps.BY_CODE:
        raise Http404
    return gaps.BY_CODE[code] if code else None


def _is_accepted(request: UserRequest) -> bool:
    return request.GET.get("show") == "accepted"


def _of_all(request: UserRequest, period: Period, on: datetime.date, only: gap_filter.Only) -> dict[str, Any]:
    found = gaps.tallies(request.user, period, on, only)
    return {"tallies": found, "unexplained": gaps.unexplained(found)}


def _of_kind(
    request: UserRequest, kind: gaps.Kind, period: Period, on: datetime.date, only: gap_filter.Only
) -> dict[str, Any]:
    accepted = _is_accepted(request)
    rows = kind.rows(request.user, period, on, accepted=accepted, only=only)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return {
        "kind": kind, "page_obj": page, "entries": gaps.entries(kind, page.object_list, period), "accepted": accepted,
        "ticked": request.POST.getlist("key"), "reason": request.POST.get("reason", ""),
    }  # fmt: skip


def _did(request: UserRequest, kind: gaps.Kind, period: Period, on: datetime.date) -> bool:
    """Whether what was asked for was done; a message says what, or why not."""
    keys = [key[:40].replace("\x00", "") for key in request.POST.getlist("key")]
    try:
        if _is_accepted(request):
            pks = [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 12]
            done = gaps.withdraw(pks, by=request.user)
            messages.success(request, f"已撤销 {len(done)} 条说明，又列为缺口。{_fewer(len(set(keys)) - len(done))}")
        else:
            reason = request.POST.get("reason", "").replace("\x00", "")
            outcome = gaps.accept(kind, keys, period=period, on=on, reason=reason, by=request.user)
            messages.success(request, f"已记下 {len(outcome.done)} 条说明。{_left_out(outcome.left_out)}")
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return False
    return True


def _fewer(number: int) -> str:
    return f"另有 {number} 条先前已经撤销。" if number > 0 else ""


def _left_out(names: list[str]) -> str:
    if not names:
        return ""
    listed = "、".join(names[:NAMED]) + ("等" if len(names) > NAMED else "")
    return f"另有 {len(names)} 条没有记，已经补上或已有说明：{listed}。"
