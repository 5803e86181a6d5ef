"""Who hears of annex 1 by itself: the superior of what waits, the unit of what was decided, and of a deadline to come.

Once for each event, never who did it himself; in the transaction of the verb.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from orgs import clock
from orgs.models import Organization
from reports import notices, reporting
from reports.models import NotificationKind, ProgressReport, ReportAbsence, Way
from reports.notices import Message
from reviews.models import Period

if TYPE_CHECKING:
    from orgs.models import User

STEPS = (3, 0)  # days before the deadline
NAMED = 5  # units in one message
TITLES = {"waits": "待接收", "accepted": "已接收", "returned": "已退回"}
FORM = "领导点评工作完成进度报表（附件1）"


# --- what happened to a report -----------------------------------------------------------------------------------


def waits(report: ProgressReport, by: User | None) -> None:
    """It was sent: who decides at the superior hears of it."""
    parent = report.organization.parent
    if parent is None:
        return
    body = f"{report.unit_name}报来{report.period.name}的{FORM}，请核对后接收或退回。"
    _tell(notices.accounts_of([parent], clock.today()), by, report, "waits", report.submitted_at, body)


def accepted(report: ProgressReport, by: User | None) -> None:
    """Who works for the unit hears of it, and who sent it."""
    body = f"{report.unit_name}{report.period.name}的{FORM}已由上级接收。"
    _tell(_of_unit(report), by, report, "accepted", report.decided_at, body)


def returned(report: ProgressReport, by: User | None) -> None:
    """The same, with the reason."""
    until = f"{report.resend_by:%Y-%m-%d}以前重新报送的，仍按首次上报的日期计算是否按时。" if report.resend_by else ""
    body = (
        f"{report.unit_name}{report.period.name}的{FORM}已由上级退回，请改好后重新报送。{until}"
        f"退回原因：{report.return_reason}"
    )
    _tell(_of_unit(report), by, report, "returned", report.decided_at, body)


def _of_unit(report: ProgressReport) -> set[int]:
    """Its office and its head, and who sent it where he is another."""
    found = set(notices.accounts_of([report.organization], clock.today()))
    sender = report.submitted_by
    return found | {sender.pk} if sender is not None and sender.is_active else found


def _tell(
    accounts: Iterable[int],
    by: User | None,
    report: ProgressReport,
    event: str,
    at: datetime.datetime | None,
    body: str,
) -> None:
    url = reverse("progress_report", args=[report.pk])
    key = f"report:{report.pk}:{event}:{at:%Y%m%d%H%M%S%f}"
    title = f"{TITLES[event]}：{report.unit_name}{report.period.name}的附件1"
    told = set(accounts) - {by.pk if by is not None else None}
    notices.write(Message(pk, key, NotificationKind.REPORTS, title, body, url) for pk in told)


# --- before the deadline -----------------------------------------------------------------------------------------


def due(on: datetime.date) -> list[Message]:
    """Three days before a deadline and on the day: to the offices and heads of units that have not sent; one message a
    person, period and step. Units outside the system hear of it from their superior.
    """
    soon = (on, on + datetime.timedelta(days=max(STEPS)))
    shipped = tuple(day - reporting.DUE_AFTER for day in soon)
    periods = Period.objects.filter(
        Q(report_deadline__due_on__range=soon) | Q(report_deadline=None, ends_on__range=shipped),
        derived_at__isnull=False,  # nothing is to be reported of one without duties
    )
    return [message for period in periods.order_by("pk") for message in _of_period(period, on)]


def _of_period(period: Period, on: datetime.date) -> list[Message]:
    due_on = reporting.deadline(period).due_on
    left = (due_on - on).days
    step = min(step for step in STEPS if step >= left)
    day = f"{due_on.year}年{due_on.month}月{due_on.day}日"
    told = f"还剩 {left} 天，" if left else "今天是最后一天，"
    orgs = _not_sent(period)
    found: dict[int, list[Organization]] = {}
    for start in range(0, len(orgs), notices.BATCH):
        for user_id, some in notices.accounts_of(orgs[start : start + notices.BATCH], on).items():
            found.setdefault(user_id, []).extend(some)
    messages = []
    for user_id, units in sorted(found.items()):
        names = "、".join(unit.name for unit in units[:NAMED]) + (f"等 {len(units)} 个单位" if units[NAMED:] else "")
        query = urlencode({"org": units[0].code, "period": period.code})
        messages.append(
            Message(
                user_id, f"report-due:{period.code}:{due_on}:{step}", NotificationKind.REPORTS,
                f"附件1：{period.name}的进度报表还没有上报，{day}为期限",
                f"{told}{names}还没有上报{period.name}的{FORM}，请在{day}前核对并上报。",
                f"{reverse('progress_reports')}?{query}",
            )
        )  # fmt: skip
    return messages


def _not_sent(period: Period) -> list[Organization]:
    """The units that report in the system, of which nothing stands and nobody said why. Four queries."""
    rows = reporting.with_way(Organization.objects.order_by("level", "pk"))
    reports: dict[int, bool] = {}  # pk -> reports in the system, as do all above it
    for pk, parent_id, way in rows.values_list("pk", "parent_id", "own_way").iterator(chunk_size=5000):
        reports[pk] = way == Way.SYSTEM and (parent_id is None or reports.get(parent_id, False))
    sent = ProgressReport.objects.frozen().filter(period=period).values_list("organization", flat=True)
    absent = ReportAbsence.objects.filter(period=period).values_list("organization", flat=True)
    done = {*sent, *absent}
    units = reporting.expected(Organization.objects.in_tree().only("code", "name"), period)
    return [org for org in units if reports.get(org.pk) and org.pk not in done]
