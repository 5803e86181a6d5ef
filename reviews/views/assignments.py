"""任务安排: the duties of the organisations one answers for, many at a time, and duties beside the rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs import clock, directory, scope
from orgs.errors import DomainError
from orgs.models import Organization, Person, Post, User
from orgs.requests import UserRequest
from reviews import assignments, vocabulary
from reviews.aligning import BY_HAND
from reviews.forms import DayField, LeaderForm, ReasonForm, Styled
from reviews.models import Duty, DutyStatus, Period, ReviewForm
from reviews.views.duties import chosen_period, visible_duty, with_records

PAGE = 100
FOUND = 20


def assigned_forms() -> list[tuple[str, str]]:
    """What may be asked for: 随机, 现场, 专题 mostly; whoever asks says which, so not 其他."""
    offered = vocabulary.form_names(is_on=True)
    return [(code, name) for code, name in offered.items() if code != ReviewForm.OTHER]


def text_of(request: UserRequest, name: str, most: int = 50) -> str:
    """What was typed or chosen, without NUL."""
    typed = request.POST.get(name) if request.method == "POST" else request.GET.get(name)
    return (typed or "").strip()[:most].replace("\x00", "")


def assigned_for(user: User) -> QuerySet[Duty]:
    """Duties of the organisations that the user assigns for, whole subtrees for an office."""
    if scope.seats(user).is_admin:
        return Duty.objects.all()
    return Duty.objects.filter(scope.office_of(user, "reviewer_org__") | scope.headed(user, "reviewer_org__"))


DOINGS = {"reassign": "转派", "exempt": "免除", "assign": "另行指派"}
ASKED = {
    "reassign": ("post", "reason"),
    "exempt": ("reason", "approved_by"),
    "assign": ("post", "form", "topic", "due_on", "reason"),
}


class BulkForm(LeaderForm):
    """What to do with the duties that were ticked."""

    begins_empty = True
    do = forms.ChoiceField(choices=list(DOINGS.items()))
    post = forms.CharField(label="由谁点评", required=False, widget=forms.Select)
    reason = forms.CharField(label="原因", max_length=200, required=False)
    approved_by = forms.CharField(label="批准人", max_length=50, required=False)
    form = forms.ChoiceField(label="点评形式", choices=lambda: [("", "请选择"), *assigned_forms()], required=False)
    topic = forms.CharField(label="专题或场合", max_length=200, required=False)
    due_on = DayField(label="截止日期", required=False)

    @property
    def doing(self) -> str:
        """Which of DOINGS."""
        asked = str(self["do"].value())
        return asked if asked in DOINGS else "reassign"

    @property
    def asked(self) -> list[forms.BoundField]:
        """The fields that this needs."""
        return [self[name] for name in ASKED[self.doing]]

    @property
    def title(self) -> str:
        """What is being done."""
        return DOINGS[self.doing]


@require_safe
def office_duties(request: UserRequest) -> HttpResponse:
    """The period's duties of the user's organisations, to look through, tick and deal with together."""
    period, found = chosen_period(request), assigned_for(request.user)
    found = found.filter(period=period) if period else found.none()
    query, status, rule = (text_of(request, name) for name in ("q", "status", "rule"))
    rules = sorted(found.order_by().values_list("rule_code", flat=True).distinct())
    if status in DutyStatus.values:
        found = found.filter(status=status)
    if rule:
        found = found.filter(rule_code=rule)
    if query:
        by_person = directory.named_person(query, "target_person__") | directory.named_person(query, "acting__")
        by_org = directory.named_organization(query, "target_org__") | directory.named_organization(
            query, "reviewer_org__"
        )
        found = found.filter(by_person | by_org)
    context = {
        "period": period, "periods": Period.objects.all(), "page_obj": Paginator(with_records(found), PAGE).get_page(
            request.GET.get("page")), "query": query, "status": status, "rule": rule, "rules": rules,
        "statuses": DutyStatus.choices, "doings": _doings(request.user),
    }  # fmt: skip
    return render(request, "reviews/office_duties.html", context)


def _doings(user: User) -> dict[str, str]:
    """What the user may do with many at once: who only heads an organisation assigns, its office does all."""
    at = scope.seats(user)
    return DOINGS if at.offices or at.is_admin else {"assign": DOINGS["assign"]}


@require_POST
def duties_bulk(request: UserRequest) -> HttpResponse:
    """Ask what an action needs, show what it would do to each that was ticked, and then, confirmed, do it."""
    numbers = [int(pk) for pk in request.POST.getlist("duty") if pk.isascii() and pk.isdigit() and len(pk) < 12]
    found = list(with_records(assigned_for(request.user).filter(pk__in=numbers[: assignments.MOST_AT_ONCE])))
    back = f"{reverse('office_duties')}?period={text_of(request, 'period', 10)}"
    if not found or len(numbers) > assignments.MOST_AT_ONCE:
        messages.error(request, f"请先勾选要办理的任务，一次最多 {assignments.MOST_AT_ONCE} 项。")
        return redirect(back)
    begins = request.POST.get("begin")
    asks = begins or request.POST.get("find")  # nothing is complete yet
    initial = {"do": begins, "due_on": found[0].period.due_on} if begins else request.POST.dict()
    form = BulkForm(None if asks else request.POST, user=request.user, initial=initial)
    outcomes: list[assignments.Outcome] = []
    if not asks and form.is_valid() and not request.POST.get("edit"):
        try:
            action = _action(request.user, form.cleaned_data)
            if request.POST.get("confirmed"):
                messages.success(request, f"已办理 {assignments.carry_out(found, action)} 项。")
                return redirect(back)
            outcomes = assignments.try_out(found, action)
        except DomainError as refusal:
            messages.error(request, str(refusal))
    context = {
        "outcomes": outcomes, "able": [outcome for outcome in outcomes if not outcome.refusal], "form": form,
        "duties": found, "back": back, "period": text_of(request, "period", 10),
    }  # fmt: skip
    return render(request, "reviews/duties_bulk.html", context)


def _action(user: User, typed: dict[str, Any]) -> assignments.Action:
    if typed["do"] == "exempt":
        return assignments.exempting(reason=typed["reason"], approved_by=typed["approved_by"], by=user)
    post: Post | None = typed["post"]
    if post is None:
        raise assignments.AssignmentRefused("请选择由哪位领导点评。")
    if typed["do"] == "reassign":
        return assignments.reassigning(acting=post.person, reason=typed["reason"], by=user)
    if typed["due_on"] is None:
        raise assignments.AssignmentRefused("请填写截止日期。")
    facts = {name: typed[name] for name in ("form", "due_on", "topic", "reason")}
    return assignments.assigning_more(acting=post.person, **facts, by=user)


class AssignForm(Styled):
    """Form, day and occasion of a duty assigned by hand; the target is searched for."""

    target = forms.CharField(label="点评对象", max_length=60)
    form = forms.ChoiceField(label="点评形式", choices=assigned_forms, initial=ReviewForm.TOPICAL)
    due_on = DayField(label="截止日期")
    topic = forms.CharField(
        label="专题或场合", max_length=200, required=False, help_text="专题点评必填，例如“质量提升”"
    )
    reason = forms.CharField(label="指派原因", max_length=200, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
def duty_assign(request: UserRequest) -> HttpResponse:
    """指派: by whom, search whom, in which form and until when."""
    query, period = text_of(request, "q"), chosen_period(request)
    asked = {name: text_of(request, name) for name in ("post", "leader")}
    pick = LeaderForm(initial=asked, user=request.user)
    post = pick.leaders.default
    form = AssignForm(request.POST or None, initial={"due_on": period.due_on if period else None})
    if request.method == "POST" and period is not None and pick.leaders.chosen is not None:
        made = _assign(request, form, pick.leaders.chosen, period)
        if made is not None:
            messages.success(request, f"已指派{made.acting}点评{made.target_name}。")
            return redirect("duty", pk=made.pk)
    elif request.method == "POST":
        messages.error(request, "请先选择由谁点评、点评谁。")
    context: dict[str, Any] = {"pick": pick, "post": post, "query": query, "period": period, "form": form}
    if post is not None and query:
        context["found"] = _organizations(request.user, post).filter(directory.named_organization(query))[:FOUND]
        context["people"] = _persons(request.user, post).filter(directory.named_person(query))[:FOUND]
    return render(request, "reviews/duty_assign.html", context)


def _organizations(user: User, post: Post) -> QuerySet[Organization]:
    """Below the organisation in whose name is reviewed, as far as the user sees."""
    found = Organization.objects.visible_to(user).alive(clock.today()).below(post.organization)
    return found.exclude(pk=post.organization_id).select_related("parent")


def _persons(user: User, post: Post) -> QuerySet[Person]:
    return Person.objects.visible_to(user).members_of(post.organization, clock.today()).exclude(pk=post.person_id)


def _assign(request: UserRequest, form: AssignForm, post: Post, period: Period) -> Duty | None:
    """The duty, or None with the form or a message saying why not."""
    if not form.is_valid():
        messages.error(request, form.said())
        return None
    typed = dict(form.cleaned_data)
    kind, _, key = typed.pop("target").replace("\x00", "").partition("-")
    target: dict[str, Any]
    if kind == "org":
        org = get_object_or_404(_organizations(request.user, post), code=key)
        target = {"target_org": org, "about_org": org}
    else:
        person = get_object_or_404(_persons(request.user, post), number=key)
        member = get_object_or_404(person.memberships.valid(clock.today()).select_related("branch"))
        target = {"target_person": person, "about_org": member.branch}
    try:
        return assignments.assign(
            post.organization, period=period, acting=post.person, **target, **typed, by=request.user
        )
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return None


@require_POST
def duty_withdraw(request: UserRequest, pk: int) -> HttpResponse:
    """Take an assigned duty back, with its reason."""
    found, form = visible_duty(request, pk), ReasonForm(request.POST)
    if not form.is_valid() or found.rule_code != BY_HAND:
        messages.error(request, "只有指派的任务可以撤回，并请写明原因（最多 200 个字）。")
        return redirect("duty", pk=pk)
    try:
        assignments.withdraw(found, reason=form.cleaned_data["reason"], by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("duty", pk=pk)
    messages.success(request, "已撤回这项指派的任务。")
    return redirect("office_duties")
