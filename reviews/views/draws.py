"""随机抽取: defined, committed to, drawn, checked by anybody."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs import past
from orgs.errors import DomainError
from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
from orgs.models import Category, Organization, OrgType, Relation
from orgs.requests import UserRequest
from reviews import assignments, draws, leaders, sampling
from reviews.forms import DayField, LeaderForm, ReasonForm
from reviews.models import Draw, DrawState
from reviews.views.assignments import text_of
from reviews.views.duties import chosen_period

PAGE = 50
COLUMNS = [("组织代码", 20), ("组织名称", 44), ("层", 20), ("排序号", 68), ("抽中", 8)]


class DrawForm(LeaderForm):
    """From whom, how many, by whom, until when, with which seed."""

    occasion = forms.CharField(label="事由", max_length=200, help_text="例如：三季度随机点评")
    due_on = DayField(label="截止日期")
    under = forms.CharField(
        label="限于某组织以下", max_length=40, required=False, help_text="组织代码；不填即点评组织以下全部"
    )
    category = forms.ModelChoiceField(Category.objects.all(), label="单位类别", required=False, empty_label="全部")
    org_type = forms.ChoiceField(label="组织类型", choices=[("", "全部"), *OrgType.choices], required=False)
    relation = forms.ChoiceField(label="与上级关系", choices=[("", "全部"), *Relation.choices], required=False)
    window_units = forms.BooleanField(label="只抽窗口单位", required=False)
    not_reviewed = forms.BooleanField(label="只抽本期尚未点评的", required=False)
    by_category = forms.BooleanField(label="按单位类别分层", required=False)
    size = forms.IntegerField(
        label="抽取数量", min_value=1, max_value=draws.MOST, required=False, help_text="自定各层名额时不填"
    )
    quotas = forms.CharField(
        label="各层名额", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="不填即按比例分配（最大余数法，每层至少 1 个）。自定时每行一层，例如：分支机构 3",
    )  # fmt: skip
    seed = forms.CharField(label="种子", max_length=100, required=False, help_text="不填即由系统随机产生，抽取后公布")
    seed_note = forms.CharField(
        label="种子的公开来源", max_length=200, required=False, help_text="自己填种子时必填，例如：某期彩票开奖号码"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("window_units", "not_reviewed", "by_category"):
            self.fields[name].widget.attrs["class"] = "form-check-input"

    def clean_under(self) -> Organization | None:
        """An organisation that the user sees, by its code."""
        code = str(self.cleaned_data["under"]).replace("\x00", "")
        if not code:
            return None
        found = Organization.objects.visible_to(self.user).filter(code=code).first()
        if found is None:
            raise forms.ValidationError(f"找不到代码是“{code}”的组织，请核对。")
        return found

    def clean_quotas(self) -> dict[str, int] | None:
        """A line for each stratum: its name and its places."""
        places: dict[str, int] = {}
        for line in str(self.cleaned_data["quotas"]).replace("\x00", "").splitlines():
            if not line.strip():
                continue
            name, _, number = line.strip().rpartition(" ")
            if not name or not (number.isascii() and number.isdigit() and len(number) < 6):
                raise forms.ValidationError(f"看不懂“{line.strip()[:50]}”：写层名、空格、名额，例如“分支机构 3”。")
            places[name.strip()] = int(number)
        return places or None

    def clean(self) -> dict[str, Any]:
        """A number, or places for each stratum."""
        typed = super().clean() or {}
        if not typed.get("size") and not typed.get("quotas") and "quotas" not in self.errors:
            self.add_error("size", "请填写抽取数量，或写明各层名额。")
        return typed

    @property
    def frame(self) -> draws.Frame:
        """The conditions."""
        names = ("under", "category", "org_type", "relation", "window_units", "not_reviewed", "by_category")
        return draws.Frame(**{name: self.cleaned_data[name] for name in names})


@require_safe
def draw_list(request: UserRequest) -> HttpResponse:
    """Draws that the user may see, the newest first."""
    found = Draw.objects.visible_to(request.user).with_sizes().select_related("reviewer_org", "acting", "period")
    may_draw = leaders.of(request.user).exists()
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    return render(request, "reviews/draws.html", {"page_obj": page, "may_draw": may_draw})


@require_http_methods(["GET", "HEAD", "POST"])
def draw_new(request: UserRequest) -> HttpResponse:
    """Define a draw; with `look` only count who would be drawn from."""
    period = chosen_period(request)
    finds = bool(request.POST.get("find"))  # only the leader: what else was typed stays as it is
    initial = request.POST.dict() if finds else {"by_category": True, "due_on": period.due_on if period else None}
    form = DrawForm(None if finds else request.POST or None, user=request.user, initial=initial)
    counted: dict[str, int] | None = None
    if form.is_bound and period is not None and form.is_valid():
        typed, post = form.cleaned_data, form.cleaned_data["post"]
        try:
            if request.POST.get("look"):
                found = draws.candidates(post.organization, post.person, period, form.frame)
                counted = sampling.sizes((row.code, row.stratum) for row in draws.strata(found, form.frame))
            else:
                names = ("quotas", "due_on", "occasion", "seed", "seed_note")
                made = draws.define(
                    post.organization, period=period, acting=post.person, frame=form.frame, size=typed["size"] or 0,
                    **{name: typed[name] for name in names}, by=request.user,
                )  # fmt: skip
                return redirect("draw", pk=made.pk)
        except DomainError as refusal:
            messages.error(request, str(refusal))
    total = sum(counted.values()) if counted is not None else 0
    context = {"form": form, "period": period, "counted": counted, "total": total}
    return render(request, "reviews/draw_new.html", context)


def _draw(request: UserRequest, pk: int) -> Draw:
    found = Draw.objects.visible_to(request.user).select_related("reviewer_org", "acting", "period", "created_by")
    return get_object_or_404(found, pk=pk)


def _as_committed(found: Draw) -> Organization:
    """The reviewing organisation as it was called on the day of the commitment."""
    return past.one_as_of(found.reviewer_org, timezone.localtime(found.created_at).date())


@require_safe
def draw(request: UserRequest, pk: int) -> HttpResponse:
    """The draw's whole record; ?check=1 draws again and compares."""
    found = _draw(request, pk)
    sizes = sampling.sizes(found.codes)
    text = sampling.frame_text(found.codes, found.quotas)
    manages = Organization.objects.filter(assignments.works_for(request.user), pk=found.reviewer_org_id).exists()
    others, unseen = draws.beside(found, request.user)
    context = {
        "others": others, "unseen": unseen, "org": _as_committed(found),
        "draw": found, "rows": draws.result(found, request.user), "steps": sampling.STEPS, "manages": manages, "reason_form": ReasonForm(),
        "strata": [(name, sizes[name], found.quotas.get(name, 0)) for name in sizes], "frame_text": text,
        "script": sampling.script(found.seed, text) if found.is_revealed else "", "State": DrawState,
        "checked": draws.is_reproducible(found) if request.GET.get("check") and found.is_revealed else None,
    }  # fmt: skip
    return render(request, "reviews/draw.html", context)


@require_POST
def draw_run(request: UserRequest, pk: int) -> HttpResponse:
    """Draw."""
    found = _draw(request, pk)
    try:
        done = draws.run(found, by=request.user)
        messages.success(request, f"抽出 {len(done.drawn)} 个组织，任务已派出。")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("draw", pk=pk)


@require_POST
def draw_void(request: UserRequest, pk: int) -> HttpResponse:
    """Void it, with a reason."""
    found = _draw(request, pk)
    try:
        draws.void(found, reason=text_of(request, "reason", 300), by=request.user)
        messages.success(request, "已作废；还没有点评记录的任务已撤回。")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("draw", pk=pk)


@list_view
def draw_export(request: UserRequest, pk: int) -> ListFile:
    """The record as a workbook: everybody in the frame, with key and result once drawn."""
    found = _draw(request, pk)
    chosen = set(found.drawn)
    rows = [
        (code, name, stratum, sampling.digest(f"{found.seed}|{code}") if found.is_revealed else "", "是" if code in chosen else "")
        for code, name, stratum in found.frame
    ]  # fmt: skip
    said = f"{found.occasion}；{found.conditions}；承诺值 {found.commitment}；名单摘要 {found.frame_hash}"
    said += f"；种子 {found.seed}" if found.is_revealed else ""
    notes = [(f"{_as_committed(found)}随机抽取记录（{found.period}）", said, "", "", "")]
    sheet = Sheet("抽取记录", COLUMNS, notes + rows, len(notes) + len(rows))
    return ListFile(f"抽取记录_{found.pk}", [sheet], reverse("draw", args=[found.pk]), found.occasion)
