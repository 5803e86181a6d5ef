"""Records: write one, confirm it, read it, answer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from orgs import clock, directory, scope
from orgs.errors import DomainError
from orgs.models import Organization, Person, Post, User
from orgs.requests import UserRequest
from reviews import record_scope, records, rectifications, waiting
from reviews.forms import AdHocForm, DueForm, NoteForm, ReasonForm, RecordForm
from reviews.models import Duty, DutyStatus, Period, Record, RecordState
from reviews.views.duties import PAGE, chosen_period, of_leaders, with_records

RELATED = (
    "review__period", "review__reviewer_org", "review__reviewer", "review__entered_by", "target_org", "target_person",
    "about_org", "confirmed_by",
)  # fmt: skip
FOUND_AT_ONCE = 20


# --- the form ------------------------------------------------------------------------------------------------


def editable_record(request: UserRequest, pk: int) -> Record:
    """A draft that the user may go on with; 404 for everybody else."""
    return get_object_or_404(Record.objects.editable_by(request.user).select_related(*RELATED), pk=pk)


def _form(record: Record, data: QueryDict | None = None) -> RecordForm:
    """The form of the record's kind, filled from the record or from what was posted."""
    return RecordForm(
        data,
        record=record,
        stored=records.draft_of(record),
        points=records.checklist(record),
        duties=records.further_duties(record),
        assists=record.duties.filter(rule__assists_local_committee=True).exists(),
    )


def _edit_page(request: UserRequest, record: Record, form: RecordForm, **more: Any) -> HttpResponse:
    """The form with whatever is typed in it, and what is missing or in the way."""
    context = {
        "record": record,
        "form": form,
        **_hints(record),
        "duty": record.duties.select_related("rule").first(),
        "actions": records.actions(record, request.user),
        "sent_back": _sent_back(record),
        **more,
    }
    return render(request, "reviews/record_edit.html", context)


def _hints(record: Record) -> dict[str, Any]:
    """What would be better otherwise, as stored; stressed points without an answer are only counted."""
    hints = records.hints(record)
    return {"hints": hints, "points_left": sum(hint.field == "answers" for hint in hints)}


def _sent_back(record: Record) -> dict[str, str]:
    """Who gave it back to be mended and why, if that was the last thing that happened to it besides typing."""
    last = records.history(record).last()
    if last is None or last.verb != "退回修改":
        return {}
    return {"who": last.by.display_name if last.by else "", "why": last.summary.partition("：")[2]}


def _is_past_draft(request: UserRequest, pk: int) -> bool:
    """Handed in or confirmed meanwhile (another tab, a second tap, the leader): reading is what is left."""
    return Record.objects.visible_to(request.user).filter(pk=pk).exclude(state=RecordState.DRAFT).exists()


@never_cache
def record_edit(request: UserRequest, pk: int) -> HttpResponse:
    """The form; POST saves the draft without confirming it."""
    if _is_past_draft(request, pk):
        if request.method == "POST":
            messages.error(request, "这份记录已提交或确认，刚才的修改没有保存。")
        return redirect("record", pk=pk)
    record = editable_record(request, pk)
    if request.method != "POST":
        return _edit_page(request, record, _form(record))
    form = _form(record, request.POST)
    refused = _save(request, record, form)
    if refused is not None:
        return refused
    if not form.is_valid():
        return _edit_page(request, record, form)
    messages.success(request, "草稿已保存。")
    return redirect("my_duties")


def _save(request: UserRequest, record: Record, form: RecordForm) -> HttpResponse | None:
    """Save what was typed into `record`; the page to show instead when that was refused."""
    try:
        records.save_draft(record, form.draft(), by=request.user)
    except records.StaleDraft as conflict:
        return _edit_page(request, record, form, conflict=conflict)
    except records.BadDraft as bad:
        for lack in bad.lacks:
            form.mark(lack.field, lack.message)
        return _edit_page(request, record, form)
    record.refresh_from_db(fields=["version", "saved_at"])
    return None


@never_cache
@require_POST
def record_autosave(request: UserRequest, pk: int) -> HttpResponse:
    """While typing: a line saying when it was saved, with the draft's new version in it."""
    record = editable_record(request, pk)
    form = _form(record, request.POST)
    context = {"record": record, "form": form, "at": timezone.localtime()}
    try:
        saved = records.save_draft(record, form.draft(), by=request.user)
        unread = [message for found in form.errors.values() for message in found]
        context |= {"version": saved.version, "unread": unread, **_hints(saved)}
    except records.StaleDraft as conflict:
        context |= {"version": form.base_version, "conflict": conflict}
    except DomainError as refusal:
        context |= {"version": record.version, "refusal": refusal}
    return render(request, "reviews/_save_status.html", context)


@never_cache
@require_POST
def record_confirm(request: UserRequest, pk: int) -> HttpResponse:
    """Keep what was typed, then confirm; what is missing is listed and marked, nothing typed is lost."""
    if _is_past_draft(request, pk):
        return redirect("record_done", pk=pk)
    record = editable_record(request, pk)
    form = _form(record, request.POST)
    refused = _save(request, record, form)
    if refused is not None:
        return refused
    if not form.is_valid():
        return _edit_page(request, record, form)
    try:
        records.confirm(record, by=request.user)
    except records.Incomplete as incomplete:
        for lack in incomplete.lacks:
            form.mark(lack.field, lack.message)
        return _edit_page(request, record, form, lacks=incomplete.lacks)
    return redirect("record_done", pk=pk)


def record_done(request: UserRequest, pk: int) -> HttpResponse:
    """Done; and who is next, with the facts of this event carried over."""
    record = get_object_or_404(Record.objects.visible_to(request.user).select_related(*RELATED), pk=pk)
    if record.state == RecordState.DRAFT:
        return redirect("record_edit", pk=pk)
    if not record_scope.standing(record, request.user).may_write:
        return redirect("record", pk=pk)
    left = _left(request.user, record)
    context = {
        "record": record,
        "next": left.first(),
        "left": left.count(),
        "actions": records.actions(record, request.user),
    }
    return render(request, "reviews/record_done.html", context)


def _left(user: User, record: Record) -> QuerySet[Any]:
    """Duties not begun of the same reviewer in the same period; of the same kind of target first."""
    person = scope.seats(user).person
    reviewer = record.review.reviewer
    if person is not None and (reviewer is None or reviewer.pk == person.pk):
        found: QuerySet[Duty] = Duty.objects.of_person(person)
    else:
        found = of_leaders(user, reviewer.number if reviewer else "")
    return with_records(found.filter(period=record.review.period, status=DutyStatus.PENDING)).filter(
        open_record__isnull=True
    )


# --- reading and answering -------------------------------------------------------------------------------------


def visible_record(request: UserRequest, pk: int) -> Record:
    """The record, or 404 for whoever may not know of it."""
    return get_object_or_404(Record.objects.visible_to(request.user).select_related(*RELATED), pk=pk)


def record(request: UserRequest, pk: int) -> HttpResponse:
    """The record as it is read: facts for all who see it, texts for those who may (T20)."""
    found = visible_record(request, pk)
    readable = Record.objects.readable_text_by(request.user).filter(pk=pk).exists()
    context = {
        "record": found,
        "readable": readable,
        "duties": found.duties.select_related("rule", "reviewer_org"),
        "answers": found.answers.select_related("point").order_by("point__kind", "point__order") if readable else [],
        "items": found.items.all() if readable else [],
        "history": records.history(found).select_related("by__person"),
        "actions": records.actions(found, request.user),
        "may_set_due": readable
        and any("set_due" in rectifications.actions(item, request.user) for item in found.items.all()[:1]),
        "reason_form": ReasonForm(),
        "note_form": NoteForm(),
        "due_form": DueForm(initial={"on": found.feedback_due_on}),
        "today": clock.today(),
    }
    return render(request, "reviews/record.html", context)


# URL word -> (verb, what the page says afterwards)
ACTIONS: dict[str, tuple[Callable[..., Record], str]] = {
    "approve": (records.approve, "已确认，这次点评从现在起计入完成情况。"),
    "send_back": (records.send_back, "已退回，现在是草稿，可以修改。"),
    "deliver": (records.deliver, "已标记为反馈被点评对象。"),
    "acknowledge": (records.acknowledge, "已签收。"),
    "void": (records.void, "已作废；相应的点评任务重新列入待点评。"),
}


@require_POST
def record_act(request: UserRequest, pk: int, action: str) -> HttpResponse:
    """One step of the record's life; a reason is asked for where something is undone."""
    found = visible_record(request, pk)
    verb, done = ACTIONS[action]
    form = ReasonForm(request.POST) if action in ("send_back", "void") else NoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.said())
        return redirect("record", pk=pk)
    try:
        verb(found, **(form.cleaned_data if action in ("send_back", "void", "acknowledge") else {}), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("record_done" if action == "approve" else "record", pk=pk)


@require_POST
def record_discard(request: UserRequest, pk: int) -> HttpResponse:
    """Throw the draft away; its duty is open as before."""
    found = editable_record(request, pk)
    try:
        records.discard(found, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("record_edit", pk=pk)
    messages.success(request, f"已放弃“{found.target_name}”的草稿。")
    return redirect("my_duties")


@require_POST
def record_set_due(request: UserRequest, pk: int) -> HttpResponse:
    """The reviewer sets or moves the day for feedback (R37)."""
    found = visible_record(request, pk)
    form = DueForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.said())
        return redirect("record", pk=pk)
    try:
        rectifications.set_due(found, on=form.cleaned_data["on"], by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "已更新整改反馈期限。")
    return redirect("record", pk=pk)


# --- lists -----------------------------------------------------------------------------------------------------

LISTS = {
    "approve": ("待我确认", waiting.records_to_approve),
    "acknowledge": ("待我签收", waiting.records_to_acknowledge),
}


def record_list(request: UserRequest) -> HttpResponse:
    """Records that the user may know of, newest first."""
    mine = request.GET.get("mine", "")
    found = LISTS[mine][1](request.user) if mine in LISTS else Record.objects.all()
    found = found.filter(record_scope.visible(request.user)).select_related(*RELATED)
    period = chosen_period(request) if request.GET.get("period") else None
    state = request.GET.get("state", "")
    query = request.GET.get("q", "").strip()[:50].replace("\x00", "")
    if period is not None:
        found = found.counting_in(period)
    if state in RecordState.values:
        found = found.filter(state=state)
    if query:
        as_then = Q(target_name__icontains=query) | Q(review__reviewer_name__icontains=query)
        by_org = directory.named_organization(query, "target_org__")
        found = found.filter(as_then | directory.named_person(query, "target_person__") | by_org)
    context = {
        "page_obj": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "periods": Period.objects.all(),
        "period": period,
        "states": RecordState.choices,
        "state": state,
        "query": query,
        "mine": mine if mine in LISTS else "",
        "mine_title": LISTS[mine][0] if mine in LISTS else "",
        "filtered": bool(period or state or query),
        "may_add": bool(_posts(request.user)),
    }
    return render(request, "reviews/records.html", context)


# --- 现场点评 ---------------------------------------------------------------------------------------------------


def _posts(user: User) -> list[Post]:
    """Posts from which the user may review outside the list: the own ones, and those of the leaders he enters for."""
    at = scope.seats(user)
    where = Q(organization__in=[org.pk for org in at.offices])
    if at.person is not None:
        where |= Q(person=at.person)
    found = Post.objects.valid(clock.today()).filter(where).select_related("person", "organization")
    return sorted(
        found, key=lambda post: (at.person is None or post.person_id != at.person.pk, post.organization.level)
    )


def record_new(request: UserRequest) -> HttpResponse:
    """现场点评: search among the organisations and people below the post from which one reviews, then open the form."""
    posts = _posts(request.user)
    asked = request.POST.get("post") or request.GET.get("post") or ""
    post = next((post for post in posts if str(post.pk) == asked), posts[0] if posts else None)
    if request.method == "POST":
        return _open_ad_hoc(request, post)
    query = request.GET.get("q", "").strip()[:50].replace("\x00", "")
    context: dict[str, Any] = {
        "posts": posts,
        "post": post,
        "query": query,
        "organizations": [],
        "people": [],
        "most": FOUND_AT_ONCE,
    }
    if post is not None and query:
        orgs, people = _organizations(request.user, post), _people(request.user, post)
        context["organizations"] = orgs.filter(directory.named_organization(query))[:FOUND_AT_ONCE]
        context["people"] = people.filter(directory.named_person(query))[:FOUND_AT_ONCE]
    return render(request, "reviews/record_new.html", context)


def _organizations(user: User, post: Post) -> QuerySet[Organization]:
    """Below the organisation of the post (A27), as far as the user sees."""
    found = Organization.objects.visible_to(user) | Organization.objects.editable_by(user)
    return found.alive(clock.today()).below(post.organization).select_related("parent")


def _people(user: User, post: Post) -> QuerySet[Person]:
    """Members below the organisation of the post, but never the reviewer himself (T3)."""
    return Person.objects.visible_to(user).members_of(post.organization, clock.today()).exclude(pk=post.person_id)


def _open_ad_hoc(request: UserRequest, post: Post | None) -> HttpResponse:
    """Open the form for the target that was picked."""
    form, period = AdHocForm(request.POST), chosen_period(request)
    if post is not None and str(post.pk) != request.POST.get("post", str(post.pk)):
        post = None  # a post that is not his, or not any more: never silently another one
    if post is None or period is None or not form.is_valid():
        messages.error(request, "请先选择点评对象。" if period else "还没有点评期，请先由管理员生成任务。")
        return redirect("record_new")
    target: dict[str, Any]
    kind, _, key = form.cleaned_data["target"].partition("-")
    if kind == "org":
        org = get_object_or_404(_organizations(request.user, post), code=key)
        target = {"target_org": org, "about_org": org}
    else:
        person = get_object_or_404(_people(request.user, post), number=key)
        member = get_object_or_404(person.memberships.valid(clock.today()).select_related("branch"))
        target = {"target_person": person, "about_org": member.branch}
    try:
        opened = records.open_ad_hoc(
            period=period, reviewer_org=post.organization, reviewer=post.person, **target, by=request.user
        )
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("record_new")
    return redirect("record_edit", pk=opened.pk)
