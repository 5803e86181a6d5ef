"""催报: urge the units below that have not sent annex 1; nobody hears of it twice on a day, and each is logged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from orgs import audit, clock, scope
from orgs.models import Organization, User
from reports import notices, reporting
from reports.models import Notification, NotificationKind, Nudge
from reports.notices import Message
from reports.nudges import LENGTH, LOGGED, NudgeRefused
from reports.reporting import Unit
from reviews.models import Period

if TYPE_CHECKING:
    import datetime


@dataclass(frozen=True)
class Audience:
    """Whom it would reach: account -> its unit; accounts already urged today; units that nobody answers for here."""

    fresh: dict[int, Organization]
    spared: frozenset[int]
    without_account: tuple[Organization, ...]


def may(user: User, org: Organization) -> bool:
    """Who sums up for the organisation: its office or a superior one, its head, administrators."""
    return reporting.fills_in(user, org)


def missing(org: Organization, period: Period, user: User) -> list[Unit]:
    """The units just below that must report, have not, and of which nobody said why; those that the user sees."""
    visible = Organization.objects.filter(scope.seen(user))
    units = reporting.units_below(org, period, of=visible)
    return [unit for unit in units if unit.is_missing]


def text(org: Organization, period: Period, when: reporting.Deadline) -> str:
    """What it says if nobody changes it; also to be copied where there is no account."""
    day = f"{when.due_on.year}年{when.due_on.month}月{when.due_on.day}日"
    by_then = "上报期限已过，请尽快" if clock.today() > when.due_on else f"请在{day}前"
    return f"{org.name}还没有收到你单位{period.name}的领导点评工作完成进度报表（附件1），{by_then}核对并上报。"


def audience(units: list[Unit], user: User) -> Audience:
    """The offices and heads of exactly these units; superior offices are not urged for them. Five queries."""
    on = clock.today()
    orgs = {unit.org.pk: unit.org for unit in units}
    heard = notices.accounts_of(orgs.values(), on)
    reached = {org.pk for each in heard.values() for org in each}
    found = {pk: each[0] for pk, each in heard.items() if pk != user.pk}
    urged = set(
        Notification.objects.filter(key=_key(on), recipient__in=list(found)).values_list("recipient_id", flat=True)
    )
    return Audience(
        {pk: org for pk, org in found.items() if pk not in urged},
        frozenset(urged),
        tuple(org for pk, org in orgs.items() if pk not in reached),
    )


@transaction.atomic
def send(org: Organization, period: Period, *, words: str, by: User) -> Nudge:
    """Urge every office and head of a unit that has not reported and was not urged today; returns the log's row.

    Raises NudgeRefused where the user may not, nothing is said, or nobody is left for today; Busy.
    """
    if not may(by, org):
        raise NudgeRefused("只有本组织或上级的办公室和负责人可以催报。")
    words = " ".join(words.split())
    if not words or len(words) > LENGTH:
        raise NudgeRefused(f"请写明催报内容，最多 {LENGTH} 个字。")
    notices.hold()
    units = missing(org, period, by)
    heard = audience(units, by)
    if not heard.fresh:
        if heard.spared:
            raise NudgeRefused("这些单位今天都已经催过，明天再催，或直接联系。")
        raise NudgeRefused("没有可以催报的账号：把催报内容复制下来，另行通知。")
    on = clock.today()
    written = notices.write(
        Message(
            pk, _key(on), NotificationKind.REPORTS, f"催报：{words}", words,
            f"{reverse('progress_reports')}?{urlencode({'org': unit.code, 'period': period.code})}",
        )
        for pk, unit in heard.fresh.items()
    )  # fmt: skip
    nudge = Nudge.objects.create(
        period=period, organization=org, measure="", text=words, by=by, on=on, sent=len(written),
        spared=len(heard.spared), missing=len(units),
    )  # fmt: skip
    audit.record(by, "催报", [org], summary=f"{org.name} {period.code}：{len(written)} 人")
    return nudge


def log(period: Period, org: Organization) -> QuerySet[Nudge]:
    """The last ones at this organisation."""
    rows = Nudge.objects.filter(period=period, organization=org, measure="")
    return rows.select_related("by__person")[:LOGGED]


def _key(on: datetime.date) -> str:
    """One for each recipient and day: the constraint on notifications is the cool-down."""
    return f"urge-report:{on.isoformat()}"
