"""工作方案: the list, the document, its form, its steps, and who has none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import CharField, MultipleChoiceField
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs import clock, directory, scope
from orgs.errors import DomainError
from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
from orgs.models import Organization, OrgType, User
from orgs.requests import UserRequest
from reviews import vocabulary, work_plans
from reviews.forms import DayField, ReasonForm, Styled
from reviews.models import Combined, Period, WorkPlan, WorkPlanLine, WorkPlanState
from reviews.views.assignments import text_of
from reviews.views.duties import chosen_period
from reviews.work_plans import PlanLine

PAGE = 50
LINES = 200  # on one page of the form
ACTIONS = ("refresh", "submit", "approve", "send_back", "issue", "file", "adjust", "complete", "cancel")
DONE = {
    "submit": "已提交，等待本组织书记审批。", "approve": "已批准。", "send_back": "已退回。", "issue": "已印发，方案开始执行。",
    "file": "已登记备案。", "adjust": "已建立新版，原版在新版印发前继续有效。", "complete": "方案已办结。", "cancel": "方案已中止。",
}  # fmt: skip
MISSING = [("组织代码", 20), ("组织名称", 44), ("组织类型", 12), ("上级组织", 36), ("方案情况", 14)]


def _box(label: str, rows: int = 2, help_text: str = "") -> CharField:
    return CharField(label=label, required=False, help_text=help_text, widget=forms.Textarea(attrs={"rows": rows}))


def _ticks(label: str, choices: Any) -> MultipleChoiceField:
    widget = forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})
    return MultipleChoiceField(label=label, choices=choices, required=False, widget=widget)


class WorkPlanForm(Styled):
    """The plan's words; its lines are read beside it."""

    basis = _box("指导依据")
    leadership = _box("组织领导", 3, "领导小组组长、成员，办公室，联络员")
    coverage = _box("范围与对象")
    schedule = _box("时间安排")
    safeguards = _box("保障措施", 3)
    combined = _ticks("结合工作", Combined.choices)
    rest_on = DayField(label="没有计划日期的，一律填为", required=False)
    forms = _ticks("点评形式", vocabulary.form_names)

    def __init__(self, *args: Any, plan: WorkPlan, offered: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = dict(zip(plan.forms, plan.form_names, strict=True))
        self.fields["forms"].widget.choices = list((kept | offered).items())


@require_safe
def work_plan_list(request: UserRequest) -> HttpResponse:
    """Plans that the user may see: to approve, to file, and all of the period."""
    period, user = chosen_period(request), request.user
    found = WorkPlan.objects.visible_to(user).select_related("organization", "period")
    found = found.filter(period=period) if period else found.none()
    state = text_of(request, "state")
    if state == "to_file":
        found = found.filter(state=WorkPlanState.IN_FORCE, filed_on__isnull=True)
    elif state in WorkPlanState.values:
        found = found.filter(state=state)
    else:
        found = found.exclude(state=WorkPlanState.SUPERSEDED)
    missing = _missing(user, period).count() if period else 0
    context = {
        "period": period, "periods": Period.objects.all(), "state": state, "states": WorkPlanState.choices,
        "page_obj": Paginator(found, PAGE).get_page(request.GET.get("page")), "missing": missing,
        "mine": _without_one(user, period) if period else [],
    }  # fmt: skip
    return render(request, "reviews/work_plans.html", context)


def _below(user: User) -> QuerySet[Organization]:
    """Organisations that the user answers for: of his offices and below, and those he heads."""
    at = scope.seats(user)
    mine = scope.EVERYTHING if at.is_admin else scope.office_of(user) | scope.headed(user)
    return Organization.objects.filter(mine).alive(clock.today())


def _missing(user: User, period: Period) -> QuerySet[Organization]:
    found = work_plans.without_plan(_below(user), period)
    return found.select_related("parent").order_by("code")


def _without_one(user: User, period: Period) -> list[Organization]:
    """The user's very own organisations that have no plan at all yet."""
    at = scope.seats(user)
    own = [org.pk for org in (*at.offices, *at.heads)]
    return list(_missing(user, period).filter(pk__in=own, under_way__isnull=True)[:10])


def _wanted(request: UserRequest) -> tuple[Period, QuerySet[Organization]]:
    """Who has no plan, as asked for: one selection for the page and its file."""
    period = chosen_period(request)
    if period is None or not (scope.seats(request.user).tops or scope.seats(request.user).is_admin):
        raise Http404
    found = _missing(request.user, period)
    query, kind = text_of(request, "q"), text_of(request, "type")
    if query:
        found = found.filter(directory.named_organization(query) | directory.named_organization(query, "parent__"))
    if kind in OrgType.values:
        found = found.filter(org_type=kind)
    return period, found


@require_safe
def work_plans_missing(request: UserRequest) -> HttpResponse:
    """Organisations without a plan in force."""
    period, found = _wanted(request)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "period": period, "periods": Period.objects.all(), "page_obj": page, "states": dict(WorkPlanState.choices),
        "query": text_of(request, "q"), "type": text_of(request, "type"), "types": OrgType.choices,
        "all": _below(request.user).count(),
    }  # fmt: skip
    return render(request, "reviews/work_plans_missing.html", context)


@list_view
def work_plans_missing_file(request: UserRequest) -> ListFile:
    """The same list as a workbook."""
    period, found = _wanted(request)
    states = dict(WorkPlanState.choices)
    rows = (
        (org.code, org.name, org.get_org_type_display(), org.parent.name if org.parent else "",
         str(states.get(org.under_way, "未起草")))
        for org in found.iterator(chunk_size=2000)
    )  # fmt: skip
    sheet = Sheet("未执行方案", MISSING, rows, found.count())
    back = f"{reverse('work_plans_missing')}?{request.GET.urlencode()}"
    return ListFile(f"没有工作方案的组织_{period.code}", [sheet], back, f"{period}")


@require_POST
def work_plan_new(request: UserRequest) -> HttpResponse:
    """A first draft for one of the user's organisations."""
    period = chosen_period(request)
    org = _below(request.user).filter(code=text_of(request, "org", 40)).first()
    if period is None or org is None:
        messages.error(request, "请选择为哪个组织起草工作方案。")
        return redirect("work_plans")
    made = work_plans.draft(org, period=period, by=request.user)
    return redirect("work_plan_edit" if made.is_editable else "work_plan", pk=made.pk)


def _plan(request: UserRequest, pk: int) -> WorkPlan:
    found = WorkPlan.objects.visible_to(request.user).select_related("organization__parent", "period", "author")
    return get_object_or_404(found, pk=pk)


@require_safe
def work_plan(request: UserRequest, pk: int) -> HttpResponse:
    """The plan as a document, for the screen and for paper, with what may be done."""
    found = _plan(request, pk)
    others = WorkPlan.objects.visible_to(request.user).filter(organization=found.organization, period=found.period)
    context = {
        "plan": found, "lines": found.lines.select_related("duty"), "actions": work_plans.actions(found, request.user),
        "versions": others.order_by("-version"), "reason_form": ReasonForm(),
    }  # fmt: skip
    return render(request, "reviews/work_plan.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def work_plan_edit(request: UserRequest, pk: int) -> HttpResponse:
    """The form: words, and form and day of each line, a page of lines at a time."""
    found = _plan(request, pk)
    if "save" not in work_plans.actions(found, request.user):
        messages.error(request, f"方案现在是“{found.get_state_display()}”，您不能修改。")
        return redirect("work_plan", pk=pk)
    initial = {name: getattr(found, name) for name in (*work_plans.TEXTS, "forms", "combined")}
    offered = vocabulary.form_names(is_on=True)
    form = WorkPlanForm(request.POST or None, initial=initial, plan=found, offered=offered)
    number = request.POST.get("page") or request.GET.get("page")
    page = Paginator(found.lines.select_related("duty"), LINES).get_page(number)
    if request.method == "POST":
        shown, problems = _typed(request, page.object_list)
        try:
            if problems:
                raise work_plans.WorkPlanRefused(problems[0])
            if form.is_valid():
                _save(request, found, form, shown)
                messages.success(request, "已保存。")
                go_on = request.POST.get("go_on", "")
                if go_on.isdecimal():
                    return redirect(f"{reverse('work_plan_edit', args=[pk])}?page={go_on}")
                return redirect("work_plan", pk=pk)
        except DomainError as refusal:
            messages.error(request, str(refusal))
    kept = {line.form: line.form_name for line in page.object_list if line.form_name}
    context = {"plan": found, "form": form, "page_obj": page, "choices": list((kept | offered).items())}
    return render(request, "reviews/work_plan_edit.html", context)


def _typed(request: UserRequest, lines: Iterable[WorkPlanLine]) -> tuple[list[WorkPlanLine], list[str]]:
    """The lines of the page that were typed, now as typed, so that a refusal loses nothing; days that nobody can read."""
    shown, problems, day = [], [], DayField(required=False)
    for line in lines:
        key = f"line-{line.pk}"
        if f"{key}-on" not in request.POST:
            continue
        shown.append(line)
        line.form = request.POST.get(f"{key}-form", "")[:20].replace("\x00", "")
        try:
            line.planned_on = day.clean(request.POST[f"{key}-on"][:20].replace("\x00", ""))
        except forms.ValidationError as error:
            problems.append(f"“{line.target_name}”的计划{error.messages[0]}")
    return shown, problems


def _save(request: UserRequest, found: WorkPlan, form: WorkPlanForm, shown: list[WorkPlanLine]) -> None:
    """Hand what was typed to the verb."""
    typed = form.cleaned_data
    work_plans.save(
        found, texts={name: typed[name] for name in work_plans.TEXTS}, forms=typed["forms"], combined=typed["combined"],
        lines={line.pk: PlanLine(line.form, line.planned_on) for line in shown}, rest_on=typed["rest_on"], by=request.user,
    )  # fmt: skip


@require_POST
def work_plan_act(request: UserRequest, pk: int, action: str) -> HttpResponse:
    """One of the steps of ACTIONS."""
    found, user, reason = _plan(request, pk), request.user, text_of(request, "reason", 300)
    try:
        if action == "refresh":
            came, gone = work_plans.refresh(found, by=user)
            messages.success(request, f"已按现在的任务更新：新增 {came} 项，已撤回 {gone} 项（在附表中标出）。")
            return redirect("work_plan_edit", pk=pk)
        if action in ("send_back", "complete", "cancel"):
            found = getattr(work_plans, action)(found, reason=reason, by=user)
        else:
            found = getattr(work_plans, action)(found, by=user)
        messages.success(request, DONE[action])
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("work_plan_edit" if action == "adjust" and found.is_editable else "work_plan", pk=found.pk)
