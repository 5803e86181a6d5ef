"""A unit in a period, for its superior: how it reports, why it has not, until when it may; and the administrator's choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orgs import clock
from orgs.errors import DomainError
from orgs.models import Category, Organization, OrgType, Scheme
from orgs.requests import UserRequest
from orgs.views.imports import administrators_only
from reports import reporting, submissions, urging
from reports.forms import DeadlineForm, ExtendForm, ReasonForm, ReportersForm, WayForm
from reports.models import (
    ProgressReport,
    ReportAbsence,
    Reporters,
    ReportExtension,
    ReportingRule,
    ReportingUnit,
    ReportState,
)
from reviews.models import Period

EXCEPTIONS = 200  # listed


def _unit(request: UserRequest, code: str, period_code: str) -> tuple[Organization, Period]:
    """A unit that the user reports for or sums up, and the period; 404 to everybody else."""
    if "\0" in code or "\0" in period_code:
        raise Http404
    found = Organization.objects.visible_to(request.user).select_related("parent", "category")
    org = get_object_or_404(found, code=code)
    if not (reporting.oversees(request.user, org) or reporting.fills_in(request.user, org)):
        raise Http404
    return org, get_object_or_404(Period, code=period_code)


@require_safe
def progress_unit(request: UserRequest, code: str, period: str) -> HttpResponse:
    """One unit in a period: its reports, and what its superior settles about them."""
    return _page(request, *_unit(request, code, period))


def _page(
    request: UserRequest, org: Organization, period: Period, refused: dict[str, Form] | None = None
) -> HttpResponse:
    """The page; a form that was refused comes back with what was typed."""
    exception = ReportingUnit.objects.filter(organization=org).select_related("by__person").first()
    sent = ProgressReport.objects.visible_to(request.user).filter(organization=org, period=period)
    initial = {"way": exception.way, "reason": exception.reason} if exception else {}
    context: dict[str, Any] = {
        "org": org,
        "period": period,
        "may": submissions.may_for(org, period, request.user),
        "way": reporting.way_of(org),
        "exception": exception,
        "rule": ReportingRule.objects.filter(category=org.category_id).first(),
        "deadline": reporting.deadline(period),
        "is_open": reporting.is_open(org, period),
        "not_expected": reporting.why_not_expected(org, period),
        "absence": ReportAbsence.objects.filter(organization=org, period=period).select_related("by__person").first(),
        "extension": ReportExtension.objects.filter(organization=org, period=period)
        .select_related("by__person")
        .first(),
        "reports": sent.exclude(state=ReportState.DRAFT).order_by("-submitted_at", "-pk"),
        "explain_form": ReasonForm(prefix="explain"),
        "extend_form": ExtendForm(prefix="extend"),
        "way_form": WayForm(prefix="way", initial=initial),
        **(refused or {}),
    }
    return render(request, "reports/progress_unit.html", context, status=400 if refused else 200)


@require_POST
def progress_unit_explain(request: UserRequest, code: str, period: str) -> HttpResponse:
    """Write down why the unit has not reported."""
    org, found = _unit(request, code, period)
    form = ReasonForm(request.POST, prefix="explain")
    if not form.is_valid():
        return _page(request, org, found, {"explain_form": form})
    return _act(request, org, found, "已写明未报的原因。", reporting.explain, **form.cleaned_data)


@require_POST
def progress_unit_unexplain(request: UserRequest, code: str, period: str) -> HttpResponse:
    """Take the explanation back."""
    return _act(request, *_unit(request, code, period), "已撤销未报说明。", reporting.withdraw_explanation)


@require_POST
def progress_unit_extend(request: UserRequest, code: str, period: str) -> HttpResponse:
    """Let the unit report after the closing day."""
    org, found = _unit(request, code, period)
    form = ExtendForm(request.POST, prefix="extend")
    if not form.is_valid():
        return _page(request, org, found, {"extend_form": form})
    return _act(request, org, found, "已批准延期。", reporting.extend, **form.cleaned_data)


@require_POST
def progress_unit_way(request: UserRequest, code: str, period: str) -> HttpResponse:
    """Settle how the unit reports, whatever its category says."""
    org, found = _unit(request, code, period)
    form = WayForm(request.POST, prefix="way")
    if not form.is_valid():
        return _page(request, org, found, {"way_form": form})
    chosen = form.cleaned_data
    try:
        reporting.set_way(org, chosen["way"] or None, reason=chosen["reason"], by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已设定上报方式。")
    return redirect("progress_unit", org.code, found.code)


def _act(
    request: UserRequest, org: Organization, period: Period, said: str, verb: Callable[..., Any], **values: Any
) -> HttpResponse:
    """Call the verb; say what came of it; show the unit."""
    try:
        verb(org, period, by=request.user, **values)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("progress_unit", org.code, period.code)


@require_POST
def progress_urge(request: UserRequest, code: str, period: str) -> HttpResponse:
    """催报: to the units below that have not reported."""
    org, found = _unit(request, code, period)
    try:
        nudge = urging.send(org, found, words=request.POST.get("text", "").replace("\0", ""), by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已催报 {nudge.sent} 人。")
    return redirect(f"{reverse('progress_reports')}?{urlencode({'org': org.code, 'period': found.code})}")


# --- the administrator's choices -----------------------------------------------------------------------------


@administrators_only
@require_safe
def progress_settings(request: UserRequest) -> HttpResponse:
    """By when annex 1 is due, and which organisations of each 单位类别 report by themselves."""
    return _settings(request)


def _settings(request: UserRequest, *, refused: tuple[Period, DeadlineForm] | None = None) -> HttpResponse:
    code = request.GET.get("period", "").replace("\0", "?")
    if refused:
        period: Period | None = refused[0]
    else:
        period = get_object_or_404(Period, code=code) if code else Period.objects.current(clock.today())
    when = reporting.deadline(period) if period else None
    form = refused[1] if refused else None
    if form is None and when is not None:
        form = DeadlineForm(initial={"due_on": when.due_on, "closes_on": when.closes_on})
    categories = Category.objects.filter(scheme__in=Scheme.objects.filter(is_active=True))
    context = {
        "period": period,
        "periods": Period.objects.all(),
        "deadline": when,
        "form": form,
        "categories": categories.select_related("reporting_rule").annotate(used=Count("organizations")),
        "reporters": Reporters.choices,
        "default": Reporters.COMMITTEES,
        "exceptions": reporting.exceptions()[:EXCEPTIONS],
        "branch": OrgType.BRANCH.label,
    }
    return render(request, "reports/progress_settings.html", context, status=400 if refused else 200)


@administrators_only
@require_POST
def progress_deadline(request: UserRequest, period: str) -> HttpResponse:
    """Set the deadline and the closing day of a period."""
    found = get_object_or_404(Period, code=period.replace("\0", "?"))
    form = DeadlineForm(request.POST)
    if form.is_valid():
        try:
            reporting.set_deadline(found, by=request.user, **form.cleaned_data)
        except DomainError as error:
            form.mark("", str(error))
    if not form.is_valid():
        return _settings(request, refused=(found, form))
    messages.success(request, f"已设定{found.name}的上报期限。")
    return redirect(f"{reverse('progress_settings')}?{urlencode({'period': found.code})}")


@administrators_only
@require_POST
def progress_rule(request: UserRequest) -> HttpResponse:
    """Settle which organisations of a 单位类别 report by themselves."""
    form = ReportersForm(request.POST)
    if form.is_valid():
        rule = reporting.set_reporters(form.cleaned_data["category"], form.cleaned_data["reporters"], by=request.user)
        messages.success(request, f"已设定：{rule}。")
    else:
        messages.error(request, form.said())
    return redirect("progress_settings")
