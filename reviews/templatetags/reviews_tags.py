"""How states, days and numbers of reviews look; no logic."""

from __future__ import annotations

import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orgs import clock
from orgs.models import Organization, Person
from reviews.models import (
    Draw,
    DrawState,
    Duty,
    DutyStatus,
    ItemState,
    Record,
    RecordState,
    RectificationItem,
    Subject,
    WorkPlan,
    WorkPlanState,
)

register = template.Library()

COLOURS = {
    DutyStatus.PENDING: "secondary",
    DutyStatus.DONE: "success",
    DutyStatus.EXEMPT: "light",
    RecordState.DRAFT: "secondary",
    RecordState.SUBMITTED: "warning",
    RecordState.CONFIRMED: "success",
    RecordState.DELIVERED: "info",
    RecordState.ACKNOWLEDGED: "info",
    RecordState.CLOSED: "success",
    RecordState.VOIDED: "dark",
    ItemState.NOTED: "light",
    ItemState.TO_PLAN: "warning",
    ItemState.IN_PROGRESS: "info",
    ItemState.PENDING_ACCEPTANCE: "warning",
    ItemState.CLOSED: "success",
    ItemState.CANCELLED: "light",
}
ICONS = {Subject.ORG: "landmark", Subject.HEAD: "user-star", Subject.TEAM_MEMBER: "users", Subject.MEMBER: "user"}


def _badge(colour: str, text: str) -> SafeString:
    return format_html('<span class="badge text-bg-{}">{}</span>', colour, text)


@register.simple_tag
def status_badge(thing: Duty | Record | RectificationItem) -> SafeString:
    """The state of a duty, record or rectification item; overdue is said in red."""
    if isinstance(thing, Duty):
        if thing.is_overdue(clock.today()):
            return _badge("danger", "已逾期")
        return _badge(COLOURS[DutyStatus(thing.status)], thing.get_status_display())
    if isinstance(thing, RectificationItem) and thing.is_overdue(clock.today()):
        return _badge("danger", f"已逾期 · {thing.get_state_display()}")
    state = ItemState(thing.state) if isinstance(thing, RectificationItem) else RecordState(thing.state)
    return _badge(COLOURS[state], thing.get_state_display())


@register.filter
def is_overdue(thing: Duty | RectificationItem) -> bool:
    """Past its day, as of today."""
    return bool(thing.is_overdue(clock.today()))


@register.filter
def cn_day(day: datetime.date | None) -> str:
    """2010年12月10日, without leading zeros (T18); empty stays empty."""
    return f"{day.year}年{day.month}月{day.day}日" if day else ""


@register.filter
def short_day(day: datetime.date | None) -> str:
    """12月10日 in this year, else with the year."""
    if day is None:
        return ""
    return f"{day.month}月{day.day}日" if day.year == clock.today().year else cn_day(day)


@register.filter
def subject_icon(subject: str) -> str:
    """The icon of a kind of target."""
    return ICONS.get(Subject(subject), "user")


@register.filter
def who_acts(duty: Duty) -> str:
    """Who carries the duty out, by name; empty where nobody is left (a gap)."""
    person = duty.acting or duty.reviewer
    return person.name if person else ""


@register.filter
def who_reviewed(record: Record) -> str:
    """The reviewer's name as kept on that day; before it is kept, the person's."""
    review = record.review
    return review.reviewer_name or (review.reviewer.name if review.reviewer else "")


@register.filter
def why_key(thing: Organization | Person) -> str:
    """What names an organisation or a person in the address of 谁点评谁."""
    return f"person:{thing.number}" if isinstance(thing, Person) else f"org:{thing.code}"


@register.simple_tag
def draw_badge(draw: Draw) -> SafeString:
    """The state of a draw."""
    colours = {DrawState.COMMITTED: "warning", DrawState.DRAWN: "success"}
    return _badge(colours.get(DrawState(draw.state), "light"), draw.get_state_display())


@register.simple_tag
def plan_badge(plan: WorkPlan) -> SafeString:
    """The state of a plan of work."""
    colours = {
        WorkPlanState.SUBMITTED: "warning",
        WorkPlanState.RETURNED: "danger",
        WorkPlanState.APPROVED: "info",
        WorkPlanState.IN_FORCE: "success",
        WorkPlanState.COMPLETED: "success",
    }
    return _badge(colours.get(WorkPlanState(plan.state), "light"), plan.get_state_display())


@register.filter
def plan_state(state: str) -> str:
    """A plan's state in words."""
    return str(WorkPlanState(state).label)
