"""One's own duties as a calendar (.ics), and the secret address to subscribe to it."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import transaction
from icalendar import Alarm, Calendar, Event

from orgs import audit, tokens
from orgs.models import User
from reviews import duties, work_plans
from reviews.models import CalendarToken, Duty, Period

if TYPE_CHECKING:
    from orgs.models import Person

DAYS_BEFORE = 3


def of(person: Person | None, link: Callable[[Duty], str]) -> bytes:
    """The person's open duties: the due day, and the day planned for it, as all-day events with an alarm.

    Only whom to review and until when; nothing that was said about anybody.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//dianping//duties//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "我的点评任务")
    if person is not None:
        rows = (
            Duty.objects.open().of_person(person).select_related("target_org", "target_person", "period", "about_org")
        )
        periods = list(Period.objects.filter(duties__in=rows).distinct().order_by("kind", "ends_on", "pk"))
        listed = list(work_plans.with_planned_day(rows.once(periods)).order_by("due_on", "pk"))
        same = list(duties.same_elsewhere(listed, [period.pk for period in periods])) if len(periods) > 1 else []
        for duty in listed:
            duty.due_on = min([duty.due_on, *(other.due_on for other in same if other.is_same_as(duty))])
            calendar.add_component(_event(duty, duty.due_on, "截止", link(duty)))
            if duty.planned_on:
                calendar.add_component(_event(duty, duty.planned_on, "计划", link(duty)))
    return calendar.to_ical()


def _event(duty: Duty, day: datetime.date, what: str, url: str) -> Event:
    event, alarm = Event(), Alarm()
    summary = f"点评{what}：{duty.target_name}"
    event.add("uid", f"duty-{duty.pk}-{'due' if what == '截止' else 'planned'}@dianping")
    event.add("dtstamp", duty.created_at)
    event.add("dtstart", day)
    event.add("dtend", day + datetime.timedelta(days=1))
    event.add("summary", summary)
    event.add("description", f"{duty.get_subject_display()}，{duty.about_org.name}，{duty.period.name}")
    event.add("url", url)
    event.add("transp", "TRANSPARENT")
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", datetime.timedelta(days=-DAYS_BEFORE))
    event.add_component(alarm)
    return event


@transaction.atomic
def subscribe(user: User, *, by: User) -> str:
    """A new secret address; an older one stops at once. It is shown only now: its hash is kept."""
    token = secrets.token_urlsafe(32)
    CalendarToken.objects.update_or_create(user=user, defaults={"token_hash": tokens.digest(token)})
    audit.record(by, "开通日历订阅", [user])
    return token


@transaction.atomic
def revoke(user: User, *, by: User) -> None:
    """The address stops."""
    gone, _ = CalendarToken.objects.filter(user=user).delete()
    if gone:
        audit.record(by, "取消日历订阅", [user])


def is_subscribed(user: User) -> bool:
    """There is an address that works."""
    return CalendarToken.objects.filter(user=user).exists()


def whose(token: str) -> User | None:
    """The account of this secret address, while it may log in."""
    found = User.objects.filter(calendar_token__token_hash=tokens.digest(token), is_active=True).select_related(
        "person"
    )
    return found.first()
