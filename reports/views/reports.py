"""Progress reports (annex 1): one's own, those to accept, who has not reported yet; and one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orgs import audit, clock, scope
from orgs.errors import DomainError
from orgs.models import Organization, User
from orgs.requests import UserRequest
from orgs.views.organizations import found_by
from reports import reporting, submissions, urging
from reports.annexes import one
from reports.annexes.one import RowFigures
from reports.forms import ReturnForm, SubmitForm
from reports.models import ProgressReport, ReportSource, ReportState, RowBasis
from reports.report_differences import differences
from reports.report_links import links
from reports.views.annexes import file_name, workbook_response
from reviews.models import Period

PAGE = 50


def organizations_of(user: User) -> list[Organization]:
    """Organisations that a user reports for or looks at, nearest the root first; administrators begin at the roots."""
    found = list(scope.seats(user).tops)
    if not found and scope.seats(user).is_admin:
        found = list(Organization.objects.filter(parent__isnull=True).order_by("tree_id"))
    return found


@require_safe
def progress_reports(request: UserRequest) -> HttpResponse:
    """The reports of an organisation in a period, those waiting below it, and who has not reported yet."""
    tops = organizations_of(request.user)
    code, period_code = request.GET.get("org", ""), request.GET.get("period", "")
    visible = Organization.objects.visible_to(request.user)
    org = found_by(visible, code=code) if code else (tops[0] if tops else None)
    period = found_by(Period.objects.all(), code=period_code) if period_code else Period.objects.current(clock.today())
    context: dict = {"tops": tops, "org": org, "period": period, "periods": Period.objects.all()}
    if org is not None and period is not None:
        known = ProgressReport.objects.visible_to(request.user).filter(period=period)
        when = reporting.deadline(period)
        reports = list(known.filter(organization=org).select_related("created_by__person"))
        context |= {
            "reports": reports,
            "open_report": next((report for report in reports if not report.is_frozen), None),
            "may": submissions.may_for(org, period, request.user),
            "inbox": _inbox(request.user, org, period),
            "deadline": when,
            **_below(request, org, period, when),
        }
    return render(request, "reports/progress_list.html", context)


def _inbox(user: User, org: Organization, period: Period) -> QuerySet[ProgressReport]:
    """Reports of the children that wait for this user's decision."""
    waiting = ProgressReport.objects.decidable_by(user).filter(
        organization__parent=org, period=period, state=ReportState.SUBMITTED
    )
    return waiting.exclude(submitted_by=user).order_by("organization__order", "organization__code")


def _below(request: UserRequest, org: Organization, period: Period, when: reporting.Deadline) -> dict[str, Any]:
    """The units just below that report, each with how far it is: who has not reported first; their sums; who to urge.

    Only those that the user sees: who sits in the team sees of its children those that he is in charge of.
    """
    visible = Organization.objects.filter(scope.seen(request.user))
    every = reporting.units_below(org, period, of=visible)
    units = sorted((unit for unit in every if unit.reports), key=_urgency)
    late = [unit for unit in units if when.is_late(unit.counts_on)]
    missing = [unit for unit in units if unit.is_missing]
    found = {
        "page_obj": Paginator(units, PAGE).get_page(request.GET.get("page")),
        "not_reporting": len(every) - len(units),
        "tally": {
            "units": len(units),
            "on_time": sum(unit.counts_on is not None for unit in units) - len(late),
            "late": len(late),
            "missing": len(missing),
            "explained": sum(unit.is_explained for unit in units),
            "accepted": sum(unit.is_ready and not unit.is_explained for unit in units),
        },
        "late": {unit.org.pk for unit in late},
        "settles": reporting.fills_in(request.user, org),
    }
    if found["settles"] and missing:
        found |= {
            "audience": urging.audience(missing, request.user),
            "urge_text": urging.text(org, period, when),
            "urged": urging.log(period, org),
        }
    return found


def _urgency(unit: reporting.Unit) -> int:
    """Those without come first; within, the tree's order stays."""
    if unit.is_missing:
        return 0
    if unit.waiting:
        return 1
    return 2 if not unit.is_ready else 3 if unit.is_explained else 4


@require_POST
def progress_draft(request: UserRequest) -> HttpResponse:
    """Begin a report, or draft the returned one again."""
    org = found_by(Organization.objects.visible_to(request.user), code=request.POST.get("org", ""))
    period = found_by(Period.objects.all(), code=request.POST.get("period", ""))
    try:
        report = submissions.draft(org, period, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('progress_reports')}?org={org.code}&period={period.code}")
    return redirect("progress_report", report.pk)


def visible_report(request: UserRequest, pk: int) -> ProgressReport:
    """A report that the user may see; 404 to everybody else."""
    reports = ProgressReport.objects.visible_to(request.user)
    return get_object_or_404(reports.select_related("organization", "period", "created_by", "submitted_by"), pk=pk)


@require_safe
def progress_report(request: UserRequest, pk: int) -> HttpResponse:
    """One report as the form, its state, and what can be done with it."""
    return _page(request, visible_report(request, pk))


def _page(
    request: UserRequest, report: ProgressReport, *, submit: Form | None = None, back: Form | None = None
) -> HttpResponse:
    """The page of a report; forms that were refused come back with what was typed."""
    rows = submissions.rows_shown(report)
    total = one.total(rows)
    sheet = one.of_report(report, rows, links=links(report))
    is_compared = report.is_frozen and report.source == ReportSource.SYSTEM
    context = {
        "report": report,
        "sums": list(zip(one.MEASURES, total.done.each, total.due.each, strict=True)),
        "sheet": sheet,
        "has_decrease": submissions.has_decrease(rows),
        "has_links": report.is_frozen and any(row.basis for row in rows) and is_compared,
        "may": submissions.may(report, request.user),
        "is_compared": is_compared,
        "differences": differences(report, request.user, why=False) if is_compared else [],
        "resting": _resting(request.user, rows),
        "settles": reporting.fills_in(request.user, report.organization),
        "is_late": reporting.deadline(report.period).is_late(report.counts_on),
        "submit_form": submit or SubmitForm(initial={"reported_on": clock.today()}),
        "return_form": back or ReturnForm(),
    }
    return render(request, "reports/progress_report.html", context, status=400 if submit or back else 200)


@dataclass(frozen=True)
class Resting:
    """A line of a unit that reports by itself, with what it rests on."""

    row: RowFigures
    code: str
    report: ProgressReport | None  # where the user may see it


def _resting(user: User, rows: list[RowFigures]) -> list[Resting]:
    """The lines of units that report by themselves. Two queries."""
    units = [row for row in rows if row.basis in (RowBasis.ACCEPTED, RowBasis.ABSENT, RowBasis.PENDING)]
    codes = dict(Organization.objects.filter(pk__in=[row.organization_id for row in units]).values_list("pk", "code"))
    based_on = [row.based_on_id for row in units if row.based_on_id]
    known = ProgressReport.objects.visible_to(user).in_bulk(based_on)
    return [Resting(row, codes[row.organization_id], known.get(row.based_on_id or 0)) for row in units]


@require_POST
def progress_submit(request: UserRequest, pk: int) -> HttpResponse:
    """Send it to the superior."""
    report, form = visible_report(request, pk), SubmitForm(request.POST)
    if form.is_valid():
        try:
            return _act(request, report, "已上报，数据已固定。", submissions.submit, **form.cleaned_data)
        except submissions.WrongDay as refusal:
            form.add_error("reported_on", str(refusal))
    return _page(request, report, submit=form)


@require_POST
def progress_discard(request: UserRequest, pk: int) -> HttpResponse:
    """Give the draft up; back to the reports of the unit."""
    report = visible_report(request, pk)
    try:
        kept = submissions.discard(report, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("progress_report", report.pk)
    messages.success(request, "已放弃草稿，报表仍是已退回。" if kept else "已放弃草稿。")
    query = urlencode({"org": report.organization.code, "period": report.period.code})
    return redirect(f"{reverse('progress_reports')}?{query}")


@require_POST
def progress_return(request: UserRequest, pk: int) -> HttpResponse:
    """Send it back with a reason."""
    report, form = visible_report(request, pk), ReturnForm(request.POST)
    if not form.is_valid():
        return _page(request, report, back=form)
    return _act(request, report, "已退回。", submissions.return_, **form.cleaned_data)


@require_POST
def progress_take_back(request: UserRequest, pk: int) -> HttpResponse:
    """Take back what was sent, while it is not decided."""
    return _act(request, visible_report(request, pk), "已撤回，改好后再上报。", submissions.take_back)


@require_POST
def progress_reopen(request: UserRequest, pk: int) -> HttpResponse:
    """Undo the acceptance."""
    return _act(request, visible_report(request, pk), "已撤销接收，请重新接收或退回。", submissions.reopen)


@require_POST
def progress_accept(request: UserRequest, pk: int) -> HttpResponse:
    """Take it in."""
    return _act(request, visible_report(request, pk), "已接收。", submissions.accept)


def _act(
    request: UserRequest, report: ProgressReport, said: str, verb: Callable[..., Any], **values: Any
) -> HttpResponse:
    """Call the verb; say what came of it; show the report. Raises WrongDay, which belongs to a field."""
    try:
        verb(report, by=request.user, **values)
    except submissions.WrongDay:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("progress_report", report.pk)


@require_safe
def progress_report_annex(request: UserRequest, pk: int) -> HttpResponse:
    """Annex 1 as an Excel file."""
    report = visible_report(request, pk)
    audit.record(request.user, "导出附件1", [report])
    name = file_name("附件1", report.unit_name, report.reported_on.isoformat())
    return workbook_response([submissions.sheet_of(report)], name)


@require_safe
def progress_report_print(request: UserRequest, pk: int) -> HttpResponse:
    """Annex 1 as a page of A4, landscape."""
    report = visible_report(request, pk)
    context = {
        "sheet": submissions.sheet_of(report),
        "subject": report.unit_name,
        "back_url": reverse("progress_report", args=[report.pk]),
        "file_url": reverse("progress_report_annex", args=[report.pk]),
    }
    return render(request, "reports/record_print.html", context)
