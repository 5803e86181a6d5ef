"""点评规则: the list in plain words, changing one with a preview of its duties, and its versions. Administrators only."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs import clock, list_files
from orgs.errors import DomainError
from orgs.lists import ListFile, Sheet
from orgs.requests import UserRequest
from orgs.views.imports import administrators_only
from reviews import generation, rules, rules_editing, wording
from reviews import rule_versions as kept
from reviews.models import Generation, GenerationJob, GenerationState, Rule, RuleVersion
from reviews.rule_forms import CadenceForm, RuleForm
from reviews.views.generations import said

SHOWN = 50  # of each rule's duties that would come, or go
COLUMNS = (
    ("点评期", 16),
    ("自", 12),
    ("规则", 8),
    ("变化", 8),
    ("点评组织", 36),
    ("点评领导", 14),
    ("对象身份", 12),
    ("被点评对象", 36),
)


@administrators_only
@require_safe
def rule_list(request: UserRequest) -> HttpResponse:
    """Every rule of the active scheme in the notice's order, each as a sentence."""
    on = clock.today()
    rows = [(rule, wording.sentence(rule), rules.holds(rule, on)) for rule in rules.every()]
    return render(request, "reviews/rules.html", {"rows": rows, "scheme": rules.scheme()})


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def rule_new(request: UserRequest) -> HttpResponseBase:
    """新增规则."""
    return _edit(request, None)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: UserRequest, pk: int) -> HttpResponseBase:
    """修改规则; first what it would do, then saving exactly that."""
    return _edit(request, get_object_or_404(Rule, scheme__is_active=True, pk=pk))


@administrators_only
@require_safe
def rule_versions(request: UserRequest, pk: int) -> HttpResponse:
    """What the rule said, the newest first, and which half-years were made with it."""
    rule = get_object_or_404(Rule, scheme__is_active=True, pk=pk)
    versions = rule.versions.select_related("rule", "by__person").prefetch_related("periods")
    rows = [(version, wording.sentence(kept.rule_of(version))) for version in versions]
    current = next((version for version, _ in rows if version.content == kept.content_of(rule)), None)
    return render(request, "reviews/rule_versions.html", {"rule": rule, "rows": rows, "current": current})


@administrators_only
@require_POST
def rule_restore(request: UserRequest, pk: int) -> HttpResponse:
    """The form, filled with what the version said: it is previewed and saved like any change."""
    version = get_object_or_404(RuleVersion.objects.select_related("rule"), rule__scheme__is_active=True, pk=pk)
    draft = rules_editing.draft_of(kept.rule_of(version))
    messages.info(request, f"已填入{version}的内容，还没有保存：请预览后再保存。")
    form = RuleForm(draft=draft, auto_id="id_%s")
    form.fields["reason"].initial = f"恢复第 {version.number} 版"
    return _show(request, version.rule, form)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def rule_cadence(request: UserRequest) -> HttpResponse:
    """频次 of all rules by what they are about: previewed and saved like any change of a rule."""
    form = CadenceForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "reviews/rule_cadence.html", {"form": form})
    context: dict[str, Any] = {"form": form}
    try:
        changes = rules_editing.with_cadences(form.cleaned_data)
        found = rules_editing.preview_all(changes, by=request.user) if changes else []
        context |= {"is_previewed": True, "changes": changes, "digest": form.digest()} | shown(found)
        if changes and request.POST.get("do") == "save" and request.POST.get("previewed") == form.digest():
            rules_editing.save_all(changes, reason=form.cleaned_data["reason"], by=request.user)
            codes = "、".join(rule.code for rule, _ in changes)
            messages.success(request, f"规则 {codes} 的频次已保存。任务在下次生成时随之改变。")
            return redirect("rules")
    except rules_editing.BadRule as refusal:
        for problem in refusal.problems:
            form.mark(problem.field, problem.message)
    return render(request, "reviews/rule_cadence.html", context)


# --- inside -------------------------------------------------------------------------------------------------


def _edit(request: UserRequest, rule: Rule | None) -> HttpResponseBase:
    if request.method != "POST":
        draft = rules_editing.draft_of(rule) if rule else None
        return _show(request, rule, RuleForm(draft=draft))
    form = RuleForm(request.POST)
    if not form.is_valid():
        return _show(request, rule, form)
    try:
        if request.POST.get("do") == "save" and request.POST.get("previewed") == form.digest():
            done = rules_editing.save(rule, form.draft(), reason=form.cleaned_data["reason"], by=request.user)
            return saved(request, f"规则 {done.code} ", "rules")
        found = rules_editing.preview(rule, form.draft(), by=request.user)
    except rules_editing.BadRule as refusal:
        form.show(refusal.problems)
        return _show(request, rule, form)
    if found and request.POST.get("do") == "excel":
        return _workbook(request, form.draft().code, found)
    return _show(request, rule, form, found, is_previewed=True)


def saved(request: UserRequest, what: str, back: str) -> HttpResponse:
    """What was saved, and where asked for the duties generated anew by it; then back, or to what is under way."""
    periods = rules_editing.periods_followed() if request.POST.get("generate") else []
    if not periods:
        messages.success(request, f"{what}已保存。任务在下次生成时随之改变。")
        return redirect(back)
    messages.success(request, f"{what}已保存。")
    waiting: list[Generation] = []
    for period in periods:
        try:
            made = generation.start(period, by=request.user, job=GenerationJob.WRITE)
        except DomainError as refusal:
            messages.error(request, f"{period.name}的任务没有重新生成：{refusal}")
            continue
        if made.state == GenerationState.APPLIED:
            said(request, made)
        else:
            waiting.append(made)
    return redirect("generation", pk=waiting[0].pk) if waiting else redirect(back)


def _workbook(request: UserRequest, code: str, found: list[rules_editing.RulePreview]) -> HttpResponseBase:
    """All duties that would come and go."""
    rows = (
        (one.period.name, f"{one.on}", line.rule_code, "新增" if line.is_added else "撤回", line.reviewer, line.acting,
         line.subject, line.target)
        for one in found
        for line in rules_editing.named(one.lines)
    )  # fmt: skip
    said_of = "、".join(dict.fromkeys(one.period.name for one in found))
    count, most = sum(len(one.lines) for one in found), list_files.MOST_AT_ONCE
    if count > most:
        raise list_files.NoList(
            f"变化共 {count} 条，这里最多导出 {most} 条；保存规则以后，点评期页的“预览变化”可以导出全部。"
        )
    sheet = Sheet("任务变化", COLUMNS, rows, count)
    return list_files.answer(request, ListFile(f"任务变化-规则{code}", [sheet], reverse("rules"), said_of))


def _show(
    request: UserRequest,
    rule: Rule | None,
    form: RuleForm,
    found: list[rules_editing.RulePreview] | None = None,
    *,
    is_previewed: bool = False,
) -> HttpResponse:
    context: dict[str, Any] = {"rule": rule, "form": form, "is_previewed": is_previewed and not form.errors}
    if context["is_previewed"]:
        context |= {"digest": form.digest(), "changed": request.POST.get("do") == "save"}
    if found is not None:
        context |= shown(found)
    return render(request, "reviews/rule_edit.html", context)


def shown(found: list[rules_editing.RulePreview]) -> dict[str, Any]:
    """The previews with their lines rule by rule, and what the page says of all."""
    return {
        "previews": [(one, _parts(one)) for one in found],
        "changes_any": any(one.lines for one in found),
        "has_later": any(one.is_later and one.lines for one in found),
        "adjusts_daily": rules.scheme().adjusts_daily,
        "today": clock.today(),
        "period_names": "、".join(dict.fromkeys(one.period.name for one in found)),
    }


def _parts(found: rules_editing.RulePreview) -> list[tuple[str, str, int, list[rules_editing.Line]]]:
    """Rule by rule: how many come or go, and the first of them by name."""
    return [
        (code, word, number, list(rules_editing.named(found.of(code, is_added=is_added)[:SHOWN])))
        for code, come, go in found.counts
        for word, number, is_added in (("新增", come, True), ("撤回", go, False))
        if number
    ]
