"""Pages of a generation: its preview, its lists, what is set aside, its progress and its receipt. Administrators only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from orgs import progress
from orgs.errors import DomainError
from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
from orgs.paging import page_of
from orgs.requests import UserRequest
from orgs.views.imports import administrators_only
from reviews import generation as generations
from reviews import previewing, set_aside
from reviews.models import Generation, GenerationJob, GenerationLine, GenerationState, SetAside

COLUMNS = (
    ("变化", 8), ("规则", 8), ("点评组织", 32), ("点评领导", 12), ("对象身份", 10), ("对象", 28), ("代码或编号", 16),
    ("对象所在组织", 32), ("由来或原因", 60), ("搁置原因", 30),
)  # fmt: skip
WHICH = {"added": "新增", "withdrawn": "撤回", "aside": "已搁置"}


class LinesForm(forms.Form):
    """Which lines: come or go, of which rule, about whom."""

    which = forms.ChoiceField(label="变化", choices=list(WHICH.items()), required=False)
    rule = forms.CharField(label="规则", max_length=10, required=False)
    q = forms.CharField(label="查找", max_length=50, required=False)

    def wanted(self) -> dict[str, str]:
        """What was chosen; what is no choice is none."""
        self.is_valid()
        return {name: str(self.cleaned_data.get(name) or "").strip() for name in self.fields}


@administrators_only
@require_safe
def generation(request: UserRequest, pk: int) -> HttpResponse:
    """The preview by rule, or how far the job is; afterwards the receipt."""
    found = generations.notice_death(_generation(request, pk))
    if found.is_under_way:
        return render(request, "reviews/generation_progress.html", _progress(found))
    rows = previewing.rows(found)
    total = previewing.total(rows)
    is_open = found.state == GenerationState.PREVIEWED and not generations.is_outdated(found)
    context: dict[str, Any] = {
        "generation": found,
        "period": found.period,
        "rows": rows,
        "total": total,
        "is_open": is_open,
        "is_done": found.state == GenerationState.APPLIED,
        "hindrance": generations.hindrance(found.period),
        "has_lines": found.lines.exists(),
        "aside": previewing.aside(found.period).count(),
    }
    return render(request, "reviews/generation.html", context)


@administrators_only
@require_safe
def generation_progress(request: UserRequest, pk: int) -> HttpResponse:
    """How far the job is, asked for by its page again and again; when it has ended the page is loaded anew."""
    found = generations.notice_death(_generation(request, pk))
    if not found.is_under_way:
        answer = redirect("generation", pk=pk) if "HX-Request" not in request.headers else HttpResponse()
        answer["HX-Refresh"] = "true"
        return answer
    return render(request, "reviews/_generation_progress.html", _progress(found))


@administrators_only
@require_POST
def generation_confirm(request: UserRequest, pk: int) -> HttpResponse:
    """确认生成."""
    found = _generation(request, pk)
    try:
        found = generations.confirm(found, by=request.user)
    except generations.UnderWay as busy:
        messages.error(request, str(busy))
        found = busy.generation
    except DomainError as error:
        messages.error(request, str(error))
    else:
        said(request, found)
    return redirect("generation", pk=found.pk)


@administrators_only
@require_POST
def generation_cancel(request: UserRequest, pk: int) -> HttpResponse:
    """Give it up; nothing is written."""
    found = _generation(request, pk)
    try:
        generations.cancel(found, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("generation", pk=pk)
    messages.success(request, "已取消，没有写入任何内容。")
    return redirect("period", found.period.code)


@administrators_only
@require_safe
def generation_lines(request: UserRequest, pk: int) -> HttpResponse:
    """Every duty that would come or go, with the reason; and what is set aside."""
    found = _generation(request, pk)
    wanted = LinesForm(request.GET).wanted()
    which = wanted["which"] or "added"
    rows: QuerySet[Any] = previewing.aside(found.period) if which == "aside" else _lines(found, which, wanted)
    page = page_of(request, rows)
    context = {
        "generation": found,
        "period": found.period,
        "which": which,
        "tabs": WHICH,
        "wanted": wanted,
        "codes": [row["code"] for row in found.foreseen],
        "page_obj": page,
        "lines": [] if which == "aside" else previewing.shown(list(page), found.period),
        "aside": list(page) if which == "aside" else [],
        "is_open": found.state == GenerationState.PREVIEWED,
        "query": urlencode({**wanted, "which": which}),
        "back": request.get_full_path(),
    }
    return render(request, "reviews/generation_lines.html", context)


@list_view
@administrators_only
def generation_lines_file(request: UserRequest, pk: int) -> ListFile:
    """The list as it is shown, all its pages, as a workbook; without a choice what comes and what goes."""
    found = _generation(request, pk)
    wanted = LinesForm(request.GET).wanted()
    lines = _lines(found, wanted["which"], wanted)
    rows = (
        ("新增" if line.is_added else "撤回", line.rule_code, line.reviewer, line.acting, line.subject, line.target,
         line.key, line.about, "".join(line.why), line.aside.reason if line.aside else "")
        for line in previewing.named(lines, found.period)
    )  # fmt: skip
    parts = (f"{found}", WHICH.get(wanted["which"], ""), wanted["rule"] and f"规则 {wanted['rule']}", wanted["q"])
    sheet = Sheet("任务变化", COLUMNS, rows, lines.count())
    back = f"{reverse('generation_lines', args=[pk])}?{urlencode(wanted)}"
    return ListFile(f"任务变化-{found.period.code}-{found.on}", [sheet], back, "，".join(filter(None, parts)))


@administrators_only
@require_POST
def line_set_aside(request: UserRequest, pk: int) -> HttpResponse:
    """搁置 one line, with a reason."""
    line = get_object_or_404(
        GenerationLine.objects.visible_to(request.user).select_related("generation__period"), pk=pk
    )
    try:
        made = set_aside.set_aside(line, reason=request.POST.get("reason", "").replace("\x00", ""), by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已搁置：{made.target_org or made.target_person}。")
    return _to_list(line.generation, request.POST.get("query", ""))


@administrators_only
@require_POST
def set_aside_withdraw(request: UserRequest, pk: int) -> HttpResponse:
    """取消搁置."""
    one = get_object_or_404(
        SetAside.objects.visible_to(request.user).select_related("period", "target_org", "target_person"), pk=pk
    )
    set_aside.take_back(one, by=request.user)
    messages.success(
        request,
        f"已取消搁置：{one.target_org or one.target_person}。规则仍要求的，下次生成时照办；要看变化请重新预览。",
    )
    last = Generation.objects.visible_to(request.user).filter(period=one.period).select_related("period").first()
    return _to_list(last, request.POST.get("query", "")) if last else redirect("period", one.period.code)


def said(request: UserRequest, found: Generation) -> None:
    """Tell what a confirmed generation did; nothing while it is under way or when it was refused: its page tells."""
    if found.state == GenerationState.APPLIED:
        total = generations.total(found.done)
        counted = f"新增 {total.added}，撤回 {total.withdrawn}，保留 {total.kept}"
        messages.success(request, f"{found.period.name}已按 {found.on} 生成任务：{counted}。")


# --- inside -------------------------------------------------------------------------------------------------


def _generation(request: UserRequest, pk: int) -> Generation:
    rows = Generation.objects.visible_to(request.user).select_related(
        "period__below", "by__person", "confirmed_by__person"
    )
    return get_object_or_404(rows, pk=pk)


def _lines(found: Generation, which: str, wanted: dict[str, str]) -> QuerySet[GenerationLine]:
    is_added = {"added": True, "withdrawn": False}.get(which)
    return previewing.lines(found, rule=wanted["rule"], is_added=is_added, text=wanted["q"])


def _to_list(found: Generation, query: str) -> HttpResponse:
    """Back to the list as it was looked at."""
    wanted = LinesForm(QueryDict(query[:500])).wanted()
    return redirect(f"{reverse('generation_lines', args=[found.pk])}?{urlencode(wanted)}")


def _progress(found: Generation) -> dict[str, Any]:
    stages = progress.rows(generations.progress_path(found), generations.STAGES)
    foreseen = generations.total(found.foreseen)
    return {
        "generation": found,
        "period": found.period,
        "stages": stages if found.state != GenerationState.QUEUED else {},
        "expected": foreseen.added + foreseen.kept,
        "writing": found.job == GenerationJob.WRITE,
        "cancellable": found.state in generations.CANCELLABLE,
    }
