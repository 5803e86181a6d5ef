"""Rectification: what was found wanting, what is done about it, and its close."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from orgs import clock, directory
from orgs.errors import DomainError
from orgs.requests import UserRequest
from reviews import rectifications, waiting
from reviews.forms import FeedbackForm, PlanForm, ProgressForm, ReasonForm, Styled
from reviews.models import ItemState, Record, RectificationItem
from reviews.views.duties import PAGE

RELATED = ("record__review__period", "record__review__reviewer_org", "record__review__reviewer", "record__about_org")

# Tab -> (title, rows); what waits for the user comes first.
TABS = {
    "todo": ("待我办理", waiting.items_to_work_on),
    "accept": ("待我验收", waiting.items_to_accept),
    "all": ("全部", None),
}


def rectification_list(request: UserRequest) -> HttpResponse:
    """Problems handed down: mine to work on, mine to accept, and all whose text the user may read."""
    visible = RectificationItem.objects.visible_to(request.user).exclude(state=ItemState.NOTED)
    rows = {name: visible & mine(request.user) if mine else visible for name, (_, mine) in TABS.items()}
    counts = {name: found.count() for name, found in rows.items()}
    tab = request.GET.get("tab", "")
    if tab not in TABS:
        tab = next((name for name, number in counts.items() if number), "all")
    found, state = rows[tab], request.GET.get("state", "")
    query = request.GET.get("q", "").strip()[:50].replace("\x00", "")
    if state == "overdue":
        found = found.overdue(clock.today())
    elif state in ItemState.values:
        found = found.filter(state=state)
    if query:
        as_then = Q(text__icontains=query) | Q(record__target_name__icontains=query)
        by_org = directory.named_organization(query, "record__target_org__")
        found = found.filter(as_then | directory.named_person(query, "record__target_person__") | by_org)
    found = found.select_related(*RELATED).order_by(F("due_on").asc(nulls_last=True), "record_id", "order")
    context = {
        "page_obj": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "tabs": [(name, title, counts[name]) for name, (title, _) in TABS.items()],
        "tab": tab,
        "states": [choice for choice in ItemState.choices if choice[0] != ItemState.NOTED],
        "state": state,
        "query": query,
        "filtered": bool(state or query),
        "today": clock.today(),
    }
    return render(request, "reviews/rectifications.html", context)


def visible_item(request: UserRequest, pk: int) -> RectificationItem:
    """The item, or 404 for whoever may not read it."""
    return get_object_or_404(RectificationItem.objects.visible_to(request.user).select_related(*RELATED), pk=pk)


def _page(request: UserRequest, item: RectificationItem, forms: dict | None = None) -> HttpResponse:
    """One item with the forms of what the user may do now."""
    context = {
        "item": item,
        "record": item.record,
        "record_visible": Record.objects.visible_to(request.user).filter(pk=item.record_id).exists(),
        "steps": item.steps.select_related("by__person"),
        "actions": rectifications.actions(item, request.user),
        "plan_form": PlanForm(
            initial={
                "measures": item.measures,
                "responsible": item.responsible,
                "due_on": item.due_on or item.record.feedback_due_on,
            }
        ),
        "report_form": ProgressForm(),
        "feed_back_form": FeedbackForm(initial={"outcome": item.outcome}),
        "send_back_form": ReasonForm(),
        "today": clock.today(),
        **(forms or {}),
    }
    return render(request, "reviews/rectification.html", context)


def rectification(request: UserRequest, pk: int) -> HttpResponse:
    """The problem, its record's facts, what was done so far, and what to do now."""
    return _page(request, visible_item(request, pk))


# URL word -> (verb, form, what the page says afterwards)
ACTIONS: dict[str, tuple[Callable[..., RectificationItem], type[Styled] | None, str]] = {
    "plan": (rectifications.plan, PlanForm, "已保存整改措施。"),
    "report": (rectifications.report, ProgressForm, "已记录进展。"),
    "feed_back": (rectifications.feed_back, FeedbackForm, "已反馈落实情况，等待点评方验收。"),
    "accept": (rectifications.accept, None, "已验收，这个问题销号。"),
    "send_back": (rectifications.send_back, ReasonForm, "已退回，请对方继续整改。"),
}


@require_POST
def rectification_act(request: UserRequest, pk: int, action: str) -> HttpResponse:
    """One step of the item; a form with an error comes back with everything typed still in it."""
    item = visible_item(request, pk)
    verb, form_class, done = ACTIONS[action]
    form = form_class(request.POST) if form_class else None
    if form is not None and not form.is_valid():
        return _page(request, item, {f"{action}_form": form})
    try:
        verb(item, **(form.cleaned_data if form else {}), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return _page(request, visible_item(request, pk), {f"{action}_form": form} if form else None)
    messages.success(request, done)
    return redirect("rectification", pk=pk)
