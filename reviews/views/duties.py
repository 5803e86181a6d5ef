"""我的点评任务, why a duty is there, and the way into its form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from orgs import clock, directory, scope
from orgs.errors import DomainError
from orgs.models import Organization, Person, User
from orgs.requests import UserRequest
from reviews import duties, records, vocabulary, waiting, work_plans
from reviews.explaining import history_of
from reviews.forms import ExemptForm, ReasonForm
from reviews.models import Draw, Duty, DutyStatus, Period, Record, RecordState, Subject
from reviews.models.duty import BY_HAND, DutyQuerySet
from reviews.models.record import COUNTED_STATES

PAGE = 50
HISTORY = 50
UNDER_WAY = [RecordState.DRAFT, RecordState.SUBMITTED]
# Organisations first, then their heads, then the own team, then members.
SUBJECT_ORDER = Case(
    *(When(subject=subject, then=Value(place)) for place, subject in enumerate(Subject.values)),
    output_field=IntegerField(),
)


def chosen_period(request: UserRequest) -> Period | None:
    """The period asked for by ?period=, else the one that holds today; None while there is none."""
    code = request.GET.get("period") or request.POST.get("period") or ""
    asked = Period.objects.filter(code=code[:10].replace("\x00", "")).first() if code else None
    return asked or Period.objects.current(clock.today())


def shown_periods(request: UserRequest) -> list[Period]:
    """The period asked for; else the half-year of today and the rounds that are under way, a half-year before a round."""
    chosen = chosen_period(request)
    if chosen is None or request.GET.get("period"):
        return [] if chosen is None else [chosen]
    beside = Period.objects.running(clock.today()).rounds().exclude(pk=chosen.pk)
    return [chosen, *beside.order_by("ends_on", "pk")]


def _record(field: str, states: Sequence[str], periods: Sequence[Period] = ()) -> Subquery:
    """A field of the newest record that serves the duty, in one of these states; with `periods`, or the same duty there."""
    serves = Q(duties=OuterRef("pk"))
    if len(periods) > 1:
        serves |= Q(
            Q(duties__target_org=OuterRef("target_org")) | Q(duties__target_person=OuterRef("target_person")),
            Q(duties__reviewer_org=OuterRef("reviewer_org")) | Q(duties__reviewer=OuterRef("reviewer")),
            ~Q(duties__rule_code=BY_HAND),
            duties__subject=OuterRef("subject"),
            duties__period__in=periods,
        )
    found = Record.objects.filter(serves, state__in=states).order_by("-pk")
    return Subquery(found.values(field)[:1])


def add_periods(page: list[Duty], periods: Sequence[Period]) -> None:
    """Set `also` (the same duties in the other periods shown) and the earliest `due_on` of all. One query."""
    others = list(duties.same_elsewhere(page, [period.pk for period in periods]).select_related("period"))
    for duty in page:
        duty.also = [other for other in others if other.is_same_as(duty)]  # type: ignore[attr-defined]
        duty.due_on = min([duty.due_on, *(other.due_on for other in duty.also)])  # type: ignore[attr-defined]


def with_records(found: QuerySet[Duty], periods: Sequence[Period] = ()) -> QuerySet[Any]:
    """Duties in the order of the page, with the record under way and the one that counts."""
    return (
        work_plans.with_planned_day(found)
        .select_related(
            "rule",
            "assignment",
            "period",
            "reviewer_org",
            "reviewer",
            "acting",
            "target_org",
            "target_person",
            "about_org",
        )
        .annotate(
            open_record=_record("pk", UNDER_WAY, periods),
            open_state=_record("state", UNDER_WAY, periods),
            done_record=_record("pk", COUNTED_STATES),
            place=SUBJECT_ORDER,
        )
        .order_by("place", "due_on", "about_org__order", "about_org__code", "target_person__number", "pk")
    )


def of_leaders(user: User, leader: str = "") -> DutyQuerySet:
    """Duties of the organisations in whose very office the user works (代录), of one leader where named."""
    offices = [org.pk for org in scope.seats(user).offices]
    found = Duty.objects.filter(reviewer_org__in=offices)
    # By the number in the duty, not by the person: an unknown number and a stranger's give the same nothing.
    named = Q(acting__number=leader) | Q(reviewer__number=leader, acting__isnull=True)
    return found.filter(named) if leader else found


def add_partners(page: list[Duty]) -> None:
    """Set `partners` on the joint duties shown: the other organisation's duties towards the same target. One query."""
    groups = {duty.joint_group for duty in page if duty.joint_group}
    others: list[Duty] = []
    if groups:
        periods = {duty.period_id for duty in page}
        found = Duty.objects.filter(joint_group__in=groups, period__in=periods)
        others = list(found.select_related("reviewer_org", "acting", "reviewer"))
    for duty in page:
        duty.partners = [  # type: ignore[attr-defined]
            other
            for other in others
            if other.joint_group == duty.joint_group
            and other.period_id == duty.period_id
            and other.subject == duty.subject
            and other.reviewer_org_id != duty.reviewer_org_id
        ]


def my_duties(request: UserRequest) -> HttpResponse:
    """Who is to be reviewed by me (or, for an office, by the leaders it enters for), and what else waits for me."""
    user, at, periods = request.user, scope.seats(request.user), shown_periods(request)
    period = periods[0] if periods else None
    for_leaders = bool(at.offices) and (request.GET.get("as") == "office" or at.person is None)
    leader = request.GET.get("leader", "")[:40].replace("\x00", "") if for_leaders else ""
    all_duties = (
        of_leaders(user, leader)
        if for_leaders
        else Duty.objects.of_person(at.person)
        if at.person
        else Duty.objects.none()
    )
    all_duties = all_duties.filter(period__in=periods).once(periods)
    numbers = all_duties.aggregate(
        total=Count("pk", filter=~Q(status=DutyStatus.EXEMPT)), done=Count("pk", filter=Q(status=DutyStatus.DONE))
    )
    found = with_records(all_duties, periods)
    tabs = {
        "pending": found.filter(status=DutyStatus.PENDING, open_record__isnull=True),
        "draft": found.filter(status=DutyStatus.PENDING, open_record__isnull=False),
        "done": found.exclude(status=DutyStatus.PENDING),
    }
    counts = {name: rows.count() for name, rows in tabs.items()}
    show = request.GET.get("show", "")
    if show not in tabs:
        show = next((name for name, number in counts.items() if number), "pending")
    query = request.GET.get("q", "").strip()[:50].replace("\x00", "")
    rows = tabs[show]
    if query:
        by_org = directory.named_organization(query, "target_org__") | directory.named_organization(
            query, "about_org__"
        )
        rows = rows.filter(directory.named_person(query, "target_person__") | by_org)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    add_partners(page.object_list)  # type: ignore[arg-type]
    if len(periods) > 1:
        add_periods(page.object_list, periods)  # type: ignore[arg-type]
    context = {
        "periods": Period.objects.all(),
        "period": period,
        "shown": periods,
        "asked": period if len(periods) == 1 and request.GET.get("period") else None,
        "page_obj": page,
        "show": show,
        "counts": counts,
        "numbers": numbers,
        "query": query,
        "waiting": waiting.counts(user),
        "for_leaders": for_leaders,
        "leader": leader,
        "leaders": _leaders(user, periods) if for_leaders else [],
        "may_switch": bool(at.offices) and at.person is not None,
        "seats": at,
        "drawn": Draw.objects.visible_to(user).filter(period__in=periods).count() if at.has_post or at.offices else 0,
        "carry_from": _whole(request.GET.get("carry_from")),
        "today": clock.today(),
    }
    return render(request, "reviews/my_duties.html", context)


def _leaders(user: User, periods: list[Period]) -> QuerySet[Person]:
    """Who acts in the duties that the office enters for."""
    mine = of_leaders(user).filter(period__in=periods)
    acting = mine.filter(acting__isnull=False).values("acting")
    named = mine.filter(acting__isnull=True).values("reviewer")
    return Person.objects.filter(Q(pk__in=acting) | Q(pk__in=named)).order_by("number")


def _whole(text: str | None) -> int | None:
    """A number from a query string; anything else is nothing."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None


def visible_duty(request: UserRequest, pk: int) -> Duty:
    """The duty, or 404 for whoever may not know of it."""
    return get_object_or_404(with_records(Duty.objects.visible_to(request.user)), pk=pk)


def duty(request: UserRequest, pk: int) -> HttpResponse:
    """Why this duty is there: the rule and its words, the post or division of work it comes from."""
    found = visible_duty(request, pk)
    add_partners([found])
    may_manage = _may_manage(request.user, found)
    context = {
        "duty": found,
        "why": duties.explain(found),
        "today": clock.today(),
        "is_mine": _carries_out(request.user, found),
        "may_manage": may_manage,
        "candidates": _candidates(request.user, found) if may_manage else [],
        "reason_form": ReasonForm(),
        "exempt_form": ExemptForm(),
        "history": history_of(found)[:HISTORY] if may_manage else [],
        "draw": _draw_of(request.user, found),
    }
    return render(request, "reviews/duty.html", context)


def _draw_of(user: User, found: Duty) -> Draw | None:
    """The draw that gave the duty, if the user may look at it."""
    assignment = getattr(found, "assignment", None)
    number = assignment.draw_id if assignment else None
    return Draw.objects.visible_to(user).filter(pk=number).first() if number else None


def _carries_out(user: User, found: Duty) -> bool:
    """The user is who reviews, or enters for him; the verb has the last word."""
    at = scope.seats(user)
    own = at.person is not None and at.person.pk in (found.acting_id, found.reviewer_id)
    return own or _may_manage(user, found)


def _may_manage(user: User, found: Duty) -> bool:
    """The office of the reviewing organisation, or one above it: exempts, reassigns, enters for the leader."""
    return Organization.objects.filter(scope.office_of(user), pk=found.reviewer_org_id).exists()


def _candidates(user: User, found: Duty) -> QuerySet[Person]:
    """Whom the office may choose to carry it out instead."""
    return duties.stand_ins(found).filter(pk__in=Person.objects.visible_to(user).values("pk"))


@require_POST
def duty_start(request: UserRequest, pk: int) -> HttpResponse:
    """Open the form: the draft under way, or a new one, with the facts of the event just held carried over."""
    found = visible_duty(request, pk)
    try:
        record = records.open_draft(found, by=request.user)
        source = _carried(request)
        if source is not None and record.pk != source.pk and record.version == 1:
            record = records.save_draft(record, carry_over(source, record), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("duty", pk=pk)
    return redirect("record_edit", pk=record.pk)


def _carried(request: UserRequest) -> Record | None:
    """The record named by carry_from, if its text is the user's to read."""
    pk = _whole(request.POST.get("carry_from"))
    if pk is None:
        return None
    return Record.objects.readable_text_by(request.user).select_related("review").filter(pk=pk).first()


def carry_over(source: Record, record: Record) -> records.RecordDraft:
    """Facts of the event only: when, where, in which form, before whom. Never what was said about somebody."""
    draft, held = records.draft_of(record), source.review
    return replace(
        draft,
        kind=held.kind,
        held_on=held.held_on,
        place=held.place,
        form=held.form if held.form in vocabulary.form_names(is_on=True) else draft.form,
        form_note=held.form_note,
        participants=held.participants,
    )


@require_POST
def duty_exempt(request: UserRequest, pk: int) -> HttpResponse:
    """The office takes a duty away, with its reason (domain.md 5.3)."""
    found = visible_duty(request, pk)
    form = ExemptForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.said())
        return redirect("duty", pk=pk)
    return _done(request, pk, "已免除这项任务。", duties.exempt, found, **form.cleaned_data)


@require_POST
def duty_resume(request: UserRequest, pk: int) -> HttpResponse:
    """The office opens an exempted duty again."""
    return _done(request, pk, "任务已恢复。", duties.resume, visible_duty(request, pk))


@require_POST
def duty_reassign(request: UserRequest, pk: int) -> HttpResponse:
    """The office gives the duty to another leader (转派)."""
    found = visible_duty(request, pk)
    number = request.POST.get("person", "")[:40].replace("\x00", "")
    person, form = _candidates(request.user, found).filter(number=number).first(), ReasonForm(request.POST)
    if person is None or not form.is_valid():
        messages.error(request, "请选择由谁点评，并写明转派原因，例如调任、病假（最多 200 个字）。")
        return redirect("duty", pk=pk)
    words = f"已转派给{person.name}。"
    return _done(request, pk, words, duties.reassign, found, acting=person, reason=form.cleaned_data["reason"])


def _done(
    request: UserRequest, pk: int, words: str, verb: Callable[..., Duty], found: Duty, **values: Any
) -> HttpResponse:
    """Run the verb and say how it went, on the page of the duty."""
    try:
        verb(found, **values, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, words)
    return redirect("duty", pk=pk)
