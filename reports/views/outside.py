"""Units outside the system: what was issued to them, files that came back, one-time links. For the superior's office."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orgs import clock
from orgs.cells import XLSX
from orgs.errors import DomainError
from orgs.importing.gate import MAX_FILE
from orgs.models import Organization
from orgs.requests import UserRequest
from orgs.views.organizations import found_by
from reports import exports, submissions
from reports.annexes import one
from reports.annexes.one import RowFigures
from reports.models import ExportKind, IssueWay, OutsideIssue, ReturnedForm
from reports.models.progress import works_for
from reports.outside import figures, issues, returns
from reports.views.reports import organizations_of
from reviews.models import Period

PAGE = 50
MOST = 500  # units to choose from
SHOWN = 20  # files that came back, on the list
FILES = 100  # in one upload
SUFFIXES = ".xlsx,.xls,.et,.ods"


class IssueForm(forms.Form):
    """Which lines the form has besides 本级."""

    names = forms.CharField(
        label="单列的下属单位",
        required=False,
        max_length=figures.NAME_LENGTH * issues.NAMES,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="每行一个名称；不填则只有本级、系统里已有的下属单位和上次报过的行，单位还可以自己加行",
    )

    def clean_names(self) -> list[str]:
        """One a line."""
        return self.cleaned_data["names"].splitlines()


class LinkForm(IssueForm):
    """Besides, how long the link is good."""

    until = forms.DateField(
        label="链接有效期至",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "请选择有效期。", "invalid": "请填写正确的日期。"},
    )
    field_order = ["until", "names"]


def _period(code: str) -> Period | None:
    return found_by(Period.objects.all(), code=code) if code else Period.objects.current(clock.today())


def _unit(request: UserRequest, code: str) -> Organization:
    """A unit that exists today, just below an organisation for which the user works."""
    mine = Organization.objects.filter(works_for(request.user, "parent__"), parent__isnull=False)
    return found_by(mine.select_related("parent"), code=code)


def _issue(request: UserRequest, pk: int) -> OutsideIssue:
    mine = OutsideIssue.objects.editable_by(request.user)
    return get_object_or_404(mine.select_related("organization__parent", "period", "report"), pk=pk)


def _address(name: str, org: Organization | None, period: Period | None) -> str:
    """The page of a unit, or the list below an organisation, in a period."""
    url = reverse("outside_unit", args=[org.code]) if name == "outside_unit" and org else reverse(name)
    query = {"org": org.code if org and name == "outside_units" else "", "period": period.code if period else ""}
    told = "&".join(f"{key}={value}" for key, value in query.items() if value)
    return f"{url}?{told}" if told else url


# --- the list ---------------------------------------------------------------------------------------------------------


@require_safe
def outside_units(request: UserRequest) -> HttpResponse:
    """Units outside the system below an organisation: what was issued, what came back; files to be taken in."""
    mine = Organization.objects.filter(works_for(request.user))
    tops = [org for org in organizations_of(request.user) if mine.filter(pk=org.pk).exists()]
    code = request.GET.get("org", "")
    org = found_by(mine, code=code) if code else (tops[0] if tops else None)
    period = _period(request.GET.get("period", ""))
    context: dict[str, Any] = {"tops": tops, "org": org, "period": period, "periods": Period.objects.all()}
    if org is not None and period is not None:
        page = Paginator(issues.units(org, period), PAGE).get_page(request.GET.get("page"))
        context |= {"page_obj": page, "standings": issues.standings(list(page.object_list), period)}
        context |= {"suffixes": SUFFIXES, "most": FILES}
        context["returned"] = _returned(request).filter(period=period)[:SHOWN]
        context["candidates"] = issues.candidates(org)[:MOST]
    return render(request, "reports/outside_units.html", context)


def _returned(request: UserRequest) -> QuerySet[ReturnedForm]:
    rows = ReturnedForm.objects.visible_to(request.user)
    return rows.select_related("period", "issue__organization__parent", "issue__report", "issue__basis")


@require_POST
def outside_set(request: UserRequest) -> HttpResponse:
    """Ticked units report by form from now on."""
    org = found_by(Organization.objects.filter(works_for(request.user)), code=request.POST.get("org", ""))
    period = found_by(Period.objects.all(), code=request.POST.get("period", ""))
    codes = [code for code in request.POST.getlist("codes")[:MOST] if "\0" not in code]
    chosen = list(issues.candidates(org).filter(code__in=codes))
    try:
        count = issues.set_outside(chosen, reason=request.POST.get("reason", "").replace("\0", ""), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        if count:
            messages.success(request, f"{count} 个单位改为用表格上报。")
        else:
            messages.error(request, "请先勾选单位。")
    return redirect(_address("outside_units", org, period))


@require_POST
def outside_issue_all(request: UserRequest) -> HttpResponse:
    """New forms for all units below, as one file."""
    org = found_by(Organization.objects.filter(works_for(request.user)), code=request.POST.get("org", ""))
    period = found_by(Period.objects.all(), code=request.POST.get("period", ""))
    try:
        exports.ask(org, period, by=request.user, kind=ExportKind.FORMS)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect(_address("outside_units", org, period))
    return redirect("export_list")


@require_POST
def outside_upload(request: UserRequest) -> HttpResponse:
    """Files that came back; each is read and checked, a single one shown at once."""
    org = found_by(Organization.objects.filter(works_for(request.user)), code=request.POST.get("org", ""))
    period = found_by(Period.objects.all(), code=request.POST.get("period", ""))
    files = request.FILES.getlist("files")
    if not files or len(files) > FILES:
        messages.error(
            request, f"一次最多上传 {FILES} 个文件，请分几次。" if files else "请选择交回的表（可以一次选几个）。"
        )
        return redirect(_address("outside_units", org, period))
    made = [
        # Read into memory only where it is not too large to be read at all.
        returns.upload(file.read(MAX_FILE + 1), file.name or "", period=period, by=request.user)
        for file in files
    ]
    if len(made) == 1:
        return redirect("outside_returned", made[0].pk)
    wrong = sum(bool(returned.problems) for returned in made)
    messages.success(
        request, f"已读取 {len(made)} 个文件：{len(made) - wrong} 个可以收下，{wrong} 个有问题。逐个点开核对。"
    )
    return redirect(_address("outside_units", org, period))


# --- a file that came back ----------------------------------------------------------------------------------------------


@require_safe
def outside_returned(request: UserRequest, pk: int) -> HttpResponse:
    """What it says, beside the last report; or what is wrong with it."""
    returned = get_object_or_404(_returned(request), pk=pk)
    issue = returned.issue
    basis = issue.basis if issue else None
    rows = returns.rows(returned)
    # What was found when it came in stays; a file that was sound then is tried again, for the unit may have sent since.
    is_sound = bool(rows) and not returned.problems and returned.taken_at is None
    problems = returns.rehearse(returned, by=request.user) if is_sound else returned.problems
    context = {
        "returned": returned,
        "problems": problems,
        "issue": issue,
        "back": _address("outside_units", issue.organization.parent if issue else None, returned.period),
        "basis": basis,
        "lines": _beside(rows, one.rows_of(basis) if basis else []),
        "measures": one.MEASURES,
        "may_take": is_sound and not problems,
    }
    return render(request, "reports/outside_returned.html", context)


def _beside(rows: list[RowFigures], last: list[RowFigures]) -> list[dict[str, Any]]:
    """Each line with 应 as last reported, and 合计."""
    if not rows:
        return []
    before = {(row.organization_id, row.unit_name): row for row in last}
    told = [(row, before.get((row.organization_id, row.unit_name))) for row in rows]
    told.append((one.total(rows), one.total(last) if last else None))
    return [
        {
            "name": row.unit_name,
            "due": [
                {"now": now, "was": was, "changed": was is not None and was != now}
                for now, was in zip(row.due.each, known.due.each if known else (None,) * 3, strict=True)
            ],
            "last": (row.done - row.new).each,
            "new": [{"value": value, "less": value < 0} for value in row.new.each],
            "done": row.done.each,
        }
        for row, known in told
    ]


@require_POST
def outside_take(request: UserRequest, pk: int) -> HttpResponse:
    """Take it in: it is then the unit's report, to be accepted or returned."""
    returned = get_object_or_404(_returned(request), pk=pk)
    try:
        report = returns.take(returned, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("outside_returned", returned.pk)
    messages.success(request, "已收下，等待接收：核对后点“接收”，数字有疑问点“退回”。")
    return redirect("progress_report", report.pk)


@require_POST
def outside_drop(request: UserRequest, pk: int) -> HttpResponse:
    """Put it aside."""
    returned = get_object_or_404(_returned(request), pk=pk)
    issue, period = returned.issue, returned.period
    returns.drop(returned, by=request.user)
    messages.success(request, "已从列表中去掉。")
    return redirect(_address("outside_units", issue.organization.parent if issue else None, period))


# --- a unit ------------------------------------------------------------------------------------------------------------


@require_safe
def outside_unit(request: UserRequest, code: str) -> HttpResponse:
    """A unit in a period: everything that was issued to it, and issuing the next."""
    return _unit_page(request, _unit(request, code), _period(request.GET.get("period", "")))


def _unit_page(
    request: UserRequest, org: Organization, period: Period | None, *, refused: forms.Form | None = None, **told: Any
) -> HttpResponse:
    until = {"until": clock.today() + datetime.timedelta(days=issues.DAYS)}
    is_link = isinstance(refused, LinkForm)
    context: dict[str, Any] = {
        "org": org,
        "period": period,
        "periods": Period.objects.all(),
        "form": refused if refused is not None and not is_link else IssueForm(auto_id="form-%s"),
        "link_form": refused if is_link else LinkForm(initial=until, auto_id="link-%s"),
    } | told
    if period is not None:
        context["standing"] = issues.standings([org], period)[0]
        context["last"] = submissions.previous(org, period)
        context["back"] = _address("outside_units", org.parent, period)
    return render(request, "reports/outside_unit.html", context, status=400 if refused is not None else 200)


@require_POST
def outside_unit_form(request: UserRequest, code: str) -> HttpResponse:
    """Issue a form."""
    org = _unit(request, code)
    period = found_by(Period.objects.all(), code=request.POST.get("period", ""))
    form = IssueForm(request.POST, auto_id="form-%s")
    if form.is_valid():
        try:
            made = issues.issue_form(org, period, names=form.cleaned_data["names"], by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"已下发 {made.serial} 号表，请下载后发给对方。")
            return redirect(_address("outside_unit", org, period))
    return _unit_page(request, org, period, refused=form)


@never_cache
@require_POST
def outside_unit_link(request: UserRequest, code: str) -> HttpResponse:
    """Make a link; its address is shown once."""
    org = _unit(request, code)
    period = found_by(Period.objects.all(), code=request.POST.get("period", ""))
    form = LinkForm(request.POST, auto_id="link-%s")
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            made, secret = issues.issue_link(org, period, until=chosen["until"], names=chosen["names"], by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            path = reverse("fill_open", args=[secret])
            base = settings.LINK_SITE_URL.rstrip("/")
            address = f"{base}{path}" if base else request.build_absolute_uri(path)
            return _unit_page(request, org, period, address=address, made=made)
    return _unit_page(request, org, period, refused=form)


@require_safe
def outside_file(request: UserRequest, pk: int) -> HttpResponse:
    """The form as a file, as often as it is wanted."""
    issue = _issue(request, pk)
    if issue.way != IssueWay.FORM:
        raise Http404
    disposition = content_disposition_header(True, f"{issues.file_name(issue)}.xlsx") or "attachment"
    return HttpResponse(issues.file_of(issue), content_type=XLSX, headers={"Content-Disposition": disposition})


@require_POST
def outside_revoke(request: UserRequest, pk: int) -> HttpResponse:
    """Nothing is taken by it any more."""
    issue = _issue(request, pk)
    try:
        issues.revoke(issue, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "链接已停用。" if issue.is_link else "已作废，这张表不再收。")
    return redirect(_address("outside_unit", issue.organization, issue.period))
