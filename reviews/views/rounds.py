"""轮次: made, changed until its duties are generated, and closed. Generation is on the page of the period. Administrators only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from orgs.errors import DomainError
from orgs.models import Organization, OrgType
from orgs.requests import UserRequest
from orgs.views.imports import administrators_only
from reviews import rounds, rules
from reviews.forms import DayField, Styled
from reviews.models import Period, Subject


def _ticks(label: str, choices: Callable[[], list[tuple[str, str]]]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"invalid_choice": "有一项不在选项里，请重新选择。"},
    )


def _categories() -> list[tuple[str, str]]:
    names = rules.scheme().categories.order_by("order").values_list("name", flat=True)
    return [(name, name) for name in names]


def _rules() -> list[tuple[str, str]]:
    return [(rule.code, f"{rule.code}（{rule.clause}）") for rule in rules.every() if rule.is_on]


class RoundForm(Styled):
    """One round: its name, its days, and whom it is about."""

    name = forms.CharField(label="名称", max_length=50, help_text="例如“年底普遍点评”“第二轮领导点评”")
    code = forms.CharField(label="代码", max_length=10, help_text="2 至 10 个字母或数字，例如 ND2010")
    starts_on = DayField(label="开始日期", help_text="这一天起的点评算入本轮")
    ends_on = DayField(label="截止日期", help_text="含这一天")
    is_general_round = forms.BooleanField(label="普遍点评：新建组织不论成立多久都应点评", required=False)
    below = forms.CharField(
        label="限于哪个组织及其以下", max_length=40, required=False, help_text="填组织代码；空白：全部"
    )
    org_types = _ticks("组织类型", lambda: list(OrgType.choices))
    categories = _ticks("单位类别", _categories)
    subjects = _ticks("点评谁", lambda: list(Subject.choices))
    rule_codes = _ticks("按哪些规则", _rules)
    GROUPS = ("subjects", "org_types", "categories", "rule_codes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_general_round"].widget.attrs["class"] = "form-check-input"

    def groups(self) -> list[forms.BoundField]:
        """The closed choices, each a row of ticks."""
        return [self[name] for name in self.GROUPS]

    def clean_below(self) -> Organization | None:
        """An organisation by its code."""
        code = self.cleaned_data["below"].replace("\x00", "").strip()
        found = Organization.objects.filter(code=code).first() if code else None
        if code and found is None:
            raise forms.ValidationError(f"找不到组织“{code}”：请填组织代码，或留空。")
        return found

    def draft(self) -> rounds.RoundDraft:
        """What was typed, of a valid form."""
        said: dict[str, Any] = dict(self.cleaned_data)
        said |= {name: tuple(said[name]) for name in self.GROUPS}
        return rounds.RoundDraft(**said)


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def round_new(request: UserRequest) -> HttpResponse:
    """建立轮次."""
    return _edit(request, None, RoundForm(request.POST or None, initial={"is_general_round": True}))


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def round_edit(request: UserRequest, code: str) -> HttpResponse:
    """修改轮次, until its duties are generated."""
    found = _round(code)
    draft = rounds.draft_of(found)
    said = {name: getattr(draft, name) for name in RoundForm.base_fields}
    said["below"] = draft.below.code if draft.below else ""
    return _edit(request, found, RoundForm(request.POST or None, initial=said))


@administrators_only
@require_POST
def round_close(request: UserRequest, code: str) -> HttpResponse:
    """结束轮次."""
    found = _round(code)
    try:
        rounds.close(found, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{found}”已经结束：任务保持现状，不再生成和调整。")
    return redirect("period", found.code)


# --- inside -------------------------------------------------------------------------------------------------


def _round(code: str) -> Period:
    return get_object_or_404(Period.objects.rounds().select_related("below"), code=code.replace("\x00", ""))


def _edit(request: UserRequest, found: Period | None, form: RoundForm) -> HttpResponse:
    if found is not None and not rounds.is_editable(found):
        messages.error(request, f"“{found}”已经生成任务，不能再修改。要改的话请结束这一轮，另建一轮。")
        return redirect("period", found.code)
    if request.method == "POST" and form.is_valid():
        try:
            saved = rounds.save(found, form.draft(), by=request.user)
        except rounds.BadRound as refusal:
            for problem in refusal.problems:
                form.mark(problem.field, problem.message)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"“{saved}”已保存。请预览变化，核对后生成任务。")
            return redirect("period", saved.code)
    return render(request, "reviews/round_edit.html", {"round": found, "form": form})
