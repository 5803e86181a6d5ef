"""Progress reports (annex 1): one's own, those to accept, who has not reported yet; and one report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orgs import audit, clock, scope
from orgs.errors import DomainError
from orgs.models import Organization, User
from orgs.requests import UserRequest
from reports import submissions
from reports.annexes import one
from reports.forms import ReturnForm, SubmitForm
from reports.models import ProgressReport, ReportState
from reports.models.progress import works_for
from reports.report_differences import differences
from reports.views.annexes import file_name, workbook_response
from reviews.models import Period

PAGE = 50


def _organizations(user: User) -> list[Organization]:
    """Organisations that a user reports for or looks at, nearest the root first; administrators begin at the roots."""
    found = list(scope.seats(user).tops)
    if not found and scope.seats(user).is_admin:
        found = list(Organization.objects.filter(parent__isnull=True).order_by("tree_id"))
    return found


def _by_code(rows: QuerySet, code: str) -> Any:
    """The row with this code, or 404; PostgreSQL takes no NUL, and no code holds one."""
    if "\0" in code:
        raise Http404
    return get_object_or_404(rows, code=code)


@require_safe
def progress_reports(request: UserRequest) -> HttpResponse:
    """The reports of an organisation in a period, those waiting below it, and who has not reported yet."""
    tops = _organizations(request.user)
    code, period_code = request.GET.get("org", ""), request.GET.get("period", "")
    visible = Organization.objects.visible_to(request.user)
    org = _by_code(visible, code) if code else (tops[0] if tops else None)
    period = _by_code(Period.objects.all(), period_code) if period_code else Period.objects.current(clock.today())
    context: dict = {"tops": tops, "org": org, "period": period, "periods": Period.objects.all()}
    if org is not None and period is not None:
        known = ProgressReport.objects.visible_to(request.user).filter(period=period)
        reports = list(known.filter(organization=org).select_related("created_by__person"))
        context |= {
            "reports": reports,
            "open_report": next((report for report in reports if not report.is_frozen), None),
            "may_fill_in": Organization.objects.filter(works_for(request.user), pk=org.pk).exists(),
            "inbox": _inbox(request.user, org, period),
            "page_obj": Paginator(_children(request.user, org, period), PAGE).get_page(request.GET.get("page")),
        }
    return render(request, "reports/progress_list.html", context)


def _inbox(user: User, org: Organization, period: Period) -> QuerySet[ProgressReport]:
    """Reports of the children that wait for this user's decision."""
    waiting = ProgressReport.objects.decidable_by(user).filter(
        organization__parent=org, period=period, state=ReportState.SUBMITTED
    )
    return waiting.exclude(submitted_by=user).order_by("organization__order", "organization__code")


def _children(user: User, org: Organization, period: Period) -> QuerySet[Organization]:
    """The organisations just below that exist today, each with its last report; those without come first.

    Only those that the user sees: who sits in the team sees of its children those that he is in charge of.
    """
    last = ProgressReport.objects.filter(organization=OuterRef("pk"), period=period)
    last = last.exclude(state=ReportState.DRAFT).order_by("-submitted_at", "-pk")
    children = Organization.objects.visible_to(user).alive(clock.today()).filter(parent=org)
    return children.annotate(
        has_report=Exists(last),
        report_id=Subquery(last.values("pk")[:1]),
        report_state=Subquery(last.values("state")[:1]),
        reported_on=Subquery(last.values("reported_on")[:1]),
    ).order_by("has_report", "order", "code")


@require_POST
def progress_draft(request: UserRequest) -> HttpResponse:
    """Begin a report, or draft the returned one again."""
    org = _by_code(Organization.objects.visible_to(request.user), request.POST.get("org", ""))
    period = _by_code(Period.objects.all(), request.POST.get("period", ""))
    try:
        report = submissions.draft(org, period, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('progress_reports')}?org={org.code}&period={period.code}")
    return redirect("progress_report", report.pk)


def _visible(request: UserRequest, pk: int) -> ProgressReport:
    reports = ProgressReport.objects.visible_to(request.user)
    return get_object_or_404(reports.select_related("organization", "period", "created_by", "submitted_by"), pk=pk)


@require_safe
def progress_report(request: UserRequest, pk: int) -> HttpResponse:
    """One report as the form, its state, and what can be done with it."""
    return _page(request, _visible(request, pk))


def _page(
    request: UserRequest, report: ProgressReport, *, submit: Form | None = None, back: Form | None = None
) -> HttpResponse:
    """The page of a report; forms that were refused come back with what was typed."""
    is_draft = report.state == ReportState.DRAFT
    rows = submissions.rows_now(report.organization, report.period) if is_draft else one.rows_of(report)
    total = one.total(rows)
    context = {
        "report": report,
        "sums": list(zip(one.MEASURES, total.done.each, total.due.each, strict=True)),
        "sheet": one.sheet(report.unit_name, report.reported_on, rows),
        "has_decrease": submissions.has_decrease(rows),
        "may": submissions.may(report, request.user),
        "differences": differences(report) if report.is_frozen else [],
        "submit_form": submit or SubmitForm(initial={"reported_on": clock.today()}),
        "return_form": back or ReturnForm(),
    }
    return render(request, "reports/progress_report.html", context, status=400 if submit or back else 200)


@require_POST
def progress_submit(request: UserRequest, pk: int) -> HttpResponse:
    """Send it to the superior."""
    report, form = _visible(request, pk), SubmitForm(request.POST)
    if not form.is_valid():
        return _page(request, report, submit=form)
    return _act(request, report, "已上报，数据已固定。", submissions.submit, **form.cleaned_data)


@require_POST
def progress_return(request: UserRequest, pk: int) -> HttpResponse:
    """Send it back with a reason."""
    report, form = _visible(request, pk), ReturnForm(request.POST)
    if not form.is_valid():
        return _page(request, report, back=form)
    return _act(request, report, "已退回。", submissions.return_, **form.cleaned_data)


@require_POST
def progress_take_back(request: UserRequest, pk: int) -> HttpResponse:
    """Take back what was sent, while it is not decided."""
    return _act(request, _visible(request, pk), "已撤回，改好后再上报。", submissions.take_back)


@require_POST
def progress_reopen(request: UserRequest, pk: int) -> HttpResponse:
    """Undo the acceptance."""
    return _act(request, _visible(request, pk), "已撤销接收，请重新接收或退回。", submissions.reopen)


@require_POST
def progress_accept(request: UserRequest, pk: int) -> HttpResponse:
    """Take it in."""
    return _act(request, _visible(request, pk), "已接收。", submissions.accept)


def _act(
    request: UserRequest, report: ProgressReport, said: str, verb: Callable[..., Any], **values: Any
) -> HttpResponse:
    """Call the verb; say what came of it; show the report."""
    try:
        verb(report, by=request.user, **values)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("progress_report", report.pk)


@require_safe
def progress_report_annex(request: UserRequest, pk: int) -> HttpResponse:
    """Annex 1 as an Excel file."""
    report = _visible(request, pk)
    audit.record(request.user, "导出附件1", [report])
    name = file_name("附件1", report.unit_name, report.reported_on.isoformat())
    return workbook_response([submissions.sheet_of(report)], name)


@require_safe
def progress_report_print(request: UserRequest, pk: int) -> HttpResponse:
    """Annex 1 as a page of A4, landscape."""
    report = _visible(request, pk)
    context = {
        "sheet": submissions.sheet_of(report),
        "subject": report.unit_name,
        "back_url": reverse("progress_report", args=[report.pk]),
        "file_url": reverse("progress_report_annex", args=[report.pk]),
    }
    return render(request, "reports/record_print.html", context)
