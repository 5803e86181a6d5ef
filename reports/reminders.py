"""Reminders: what is due to whom on a day (selected only), the message rows, and the e-mails.

A reminder is a row with a key that is unique for its recipient, so each is sent once, however often and however
concurrently this runs. A day without a run loses nothing: the step that applies is chosen by the days left, not
by the calendar. The row is the outbox of the e-mail too: a message goes out at least once, and again only when the
process dies between the mail server's answer and the commit.
"""

from __future__ import annotations

import datetime
import itertools
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Count, F, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from orgs import heads, proofs
from orgs.models import AuditEvent, Scheme, User
from reports import notices, report_notices
from reports.models import Notification, NotificationKind
from reports.notices import Message
from reviews import daily
from reviews.models import Duty, Generation, GenerationState, ItemState, Period, RectificationItem
from reviews.models.record import COUNTED_STATES

OVERDUE = "overdue"
WAITING = [ItemState.TO_PLAN, ItemState.IN_PROGRESS]  # fed back ones wait for the reviewer, not for the target
BATCH = 1000
MAIL_ATTEMPTS = 3
MAIL_FOR = datetime.timedelta(days=14)  # an older reminder is no news any more
MAIL_TIMEOUT = 10  # seconds
TOLD_FOR = datetime.timedelta(days=7)  # findings of the nightly proofs

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """What became of the reminders of one kind: new ones, and those sent before."""

    new: int = 0
    known: int = 0


@dataclass(frozen=True)
class Delivered:
    """What became of the e-mails: gone out, failed now, given up after three attempts."""

    sent: int = 0
    failed: int = 0
    parked: int = 0


# --- what is due -----------------------------------------------------------------------------------


def step_for(due_on: datetime.date, on: datetime.date, steps: Iterable[int]) -> str:
    """The step that applies: the smallest one not below the days left; "overdue" after the day; "" while too early.

    With 30, 7, 1: 31 days before nothing, from 30 on "30", from 7 on "7", on the last two days "1".
    """
    left = (due_on - on).days
    if left < 0:
        return OVERDUE
    return str(min((step for step in steps if step >= left), default=""))


def due(on: datetime.date) -> list[Message]:
    """Every reminder that applies on this day, sent before or not; for existing, active accounts. Writes nothing."""
    scheme = Scheme.objects.filter(is_active=True).first()
    steps = scheme.remind_steps() if scheme else []
    found = [*_duties(on, steps), *_items(on, steps), *_looks(on), *_findings(), *report_notices.due(on)]
    # A head may be on both sides of an item; the first message is enough.
    return list({(reminder.recipient_id, reminder.key): reminder for reminder in reversed(found)}.values())[::-1]


def _horizon(on: datetime.date, steps: Sequence[int]) -> Q:
    """Due within the largest step, or past."""
    return Q(due_on__lte=on + datetime.timedelta(days=max(steps, default=-1)))


def _duties(on: datetime.date, steps: Sequence[int]) -> list[Message]:
    """Open duties: one message for each person, period and step. A closed round reminds of nothing."""
    open_duties = Duty.objects.open().filter(_horizon(on, steps), period__closed_at__isnull=True).order_by()
    for pair in _overlapping(on, steps):
        open_duties = open_duties.once(pair)
    counts: dict[tuple, int] = defaultdict(int)
    # Who carries it out; where nobody was derived, the 书记 that the notice names.
    carriers = (open_duties, "acting__user"), (open_duties.filter(acting__isnull=True), "reviewer__user")
    for duties, user in carriers:
        rows = (
            duties.filter(**{f"{user}__is_active": True})
            .values_list(user, "period__code", "period__name", "period__ends_on", "due_on")
            .annotate(Count("pk"))
        )
        for *group, count in rows:
            counts[tuple(group)] += count
    reminders = []
    for (user_id, code, name, ends_on, due_on), count in sorted(counts.items()):
        step = step_for(due_on, on, steps)
        if not step:
            continue
        # Assigned duties may have a day of their own; their reminders must not use up those of the period's end.
        own_day = "" if due_on == ends_on else f":{due_on:%Y-%m-%d}"
        if step == OVERDUE:
            title = f"点评任务已逾期：{name}还有 {count} 项没有完成"
            body = f"{name}的点评任务应在{_day(due_on)}前完成，您还有 {count} 项没有完成，请尽快开展点评并登记。"
        else:
            title = f"点评任务：{name}还有 {count} 项没有完成，{_day(due_on)}截止"
            body = f"{_left(due_on, on)}您还有 {count} 项点评任务没有完成，请在{_day(due_on)}前开展点评并登记。"
        key = f"duties:{code}{own_day}:{step}"
        reminders.append(Message(user_id, key, NotificationKind.DUTIES, title, body, reverse("my_duties")))
    return reminders


def _overlapping(on: datetime.date, steps: Sequence[int]) -> list[tuple[Period, Period]]:
    """A half-year and a round, or two rounds, that have days in common: one review serves the same duty of both (T11), and
    it is reminded of with the first, whose end comes next. What is over gives way to what is still to come."""
    last = on + datetime.timedelta(days=max(steps, default=-1))
    periods = list(Period.objects.filter(closed_at__isnull=True, ends_on__lte=last).order_by("kind", "pk"))
    periods.sort(key=lambda period: (period.ends_on < on, abs((period.ends_on - on).days)))
    pairs = itertools.combinations(periods, 2)
    return [(a, b) for a, b in pairs if a.starts_on <= b.ends_on and b.starts_on <= a.ends_on]


def _items(on: datetime.date, steps: Sequence[int]) -> list[Message]:
    """Rectification items soon due (to the responsible side) and overdue (to both sides). The problem is not named:
    its text is for few eyes (domain.md, T20), and an e-mail has many."""
    person, reviewer = "record__target_person__user", "record__review__reviewer__user"
    items = list(
        RectificationItem.objects.filter(_horizon(on, steps), state__in=WAITING, record__state__in=COUNTED_STATES)
        .order_by("due_on", "pk")
        .values(
            "pk",
            "due_on",
            "order",
            target=F("record__target_name"),
            org=F("record__target_org"),
            person=F(f"{person}__pk"),
            person_active=F(f"{person}__is_active"),
            reviewer=F(f"{reviewer}__pk"),
            reviewer_active=F(f"{reviewer}__is_active"),
        )
    )
    accounts = _head_accounts({item["org"] for item in items if item["org"]}, on)
    reminders = []
    for item in items:
        due_on: datetime.date = item["due_on"]  # type: ignore[assignment]  # _horizon leaves no empty one
        step = step_for(due_on, on, steps)
        if not step:
            continue
        # The day is part of the key: a day that the reviewer moves is reminded of anew.
        key = f"rect:{item['pk']}:{due_on:%Y-%m-%d}:{step}"
        url = reverse("rectification", args=[item["pk"]])
        responsible = accounts.get(item["org"]) if item["org"] else item["person"] if item["person_active"] else None
        which = f"{item['target']}（第 {item['order']} 项）"
        sides = [(responsible, "请尽快落实整改并反馈。")]
        if step == OVERDUE:
            title = f"整改已逾期：{which}，期限{_day(due_on)}"
            reason = f"对{item['target']}点评中提出的整改事项已超过期限（{_day(due_on)}），还没有反馈落实情况。"
            sides.append((item["reviewer"] if item["reviewer_active"] else None, "请督促整改，必要时调整期限。"))
        else:
            title = f"整改事项：{which}，{_day(due_on)}到期"
            reason = f"{_left(due_on, on)}对{item['target']}点评中提出的整改事项将在{_day(due_on)}到期。"
        reminders += [
            Message(user_id, key, NotificationKind.RECTIFICATION, title[:200], reason + ask, url)
            for user_id, ask in sides
            if user_id
        ]
    return reminders


def _head_accounts(org_ids: set[int], on: datetime.date) -> dict[int, int]:
    """Organisation id -> the account of its head on that day. Two queries, however many organisations."""
    if not org_ids:
        return {}
    posts = heads.heads_of(org_ids if len(org_ids) <= BATCH else None, on)
    persons = {org_id: posts[org_id].person_id for org_id in org_ids if org_id in posts}
    users = User.objects.filter(is_active=True, person__isnull=False)
    if len(persons) <= BATCH:
        users = users.filter(person__in=set(persons.values()))
    account = dict(users.values_list("person_id", "pk"))
    return {org_id: account[person_id] for org_id, person_id in persons.items() if person_id in account}


def _administrators() -> list[User]:
    return list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk"))


def _looks(on: datetime.date) -> list[Message]:
    """What the daily looks at the duties found different in the last days: to every administrator."""
    looks = Generation.objects.filter(
        is_daily=True, on__gt=on - TOLD_FOR, on__lte=on, state__in=[GenerationState.PREVIEWED, GenerationState.APPLIED]
    )
    found = [look for look in looks.select_related("period").order_by("pk") if daily.differs(look)]
    admins = _administrators() if found else []
    return [
        Message(
            admin.pk,
            f"daily:{look.pk}",
            NotificationKind.DUTIES,
            f"每日核对：{look.period.name}的点评任务有变化",
            f"{_day(look.on)}核对{look.period.name}的任务：{told.words}",
            reverse("generation", args=[look.pk]),
        )
        for look in found
        if (told := daily.told(look)) is not None
        for admin in admins
    ]


def _findings() -> list[Message]:
    """What the nightly proofs found in the last days: to every administrator."""
    events = AuditEvent.objects.filter(verb=proofs.VERB, at__gte=timezone.now() - TOLD_FOR).order_by("pk")
    admins = _administrators() if events else []
    return [
        Message(
            admin.pk,
            f"proof:{event.pk}",
            NotificationKind.SYSTEM,
            "自动检查发现数据问题",
            f"{event.summary} 请按《运维》文档处理。",
            "",
        )
        for event in events
        for admin in admins
    ]


def _day(on: datetime.date) -> str:
    return f"{on.year}年{on.month}月{on.day}日"


def _left(due_on: datetime.date, on: datetime.date) -> str:
    days = (due_on - on).days
    return f"还剩 {days} 天，" if days else "今天是最后一天，"


# --- the messages ------------------------------------------------------------------------------------


def send_due(on: datetime.date, *, dry_run: bool = False) -> dict[NotificationKind, Sent]:
    """Write a message for every reminder that is due and was not sent before; with `dry_run` only count.

    Safe to run again and side by side: the unique key lets one row in. A run beside another may count as new what
    the other wrote in the same instant.
    """
    reminders = due(on)
    new: dict[NotificationKind, int] = defaultdict(int)
    known: dict[NotificationKind, int] = defaultdict(int)
    for start in range(0, len(reminders), BATCH):
        some = reminders[start : start + BATCH]
        fresh = notices.fresh(some) if dry_run else notices.write(some)
        for reminder in some:
            known[reminder.kind] += 1
        for reminder in fresh:
            known[reminder.kind] -= 1
            new[reminder.kind] += 1
    return {kind: Sent(new[kind], known[kind]) for kind in NotificationKind}


def mark_read(notification: Notification) -> Notification:
    """The recipient opened it; a second time changes nothing."""
    Notification.objects.filter(pk=notification.pk, read_at__isnull=True).update(read_at=timezone.now())
    notification.refresh_from_db()
    return notification


def mark_all_read(*, by: User) -> int:
    """Mark all of the user's messages as read. Returns how many were unread."""
    return Notification.objects.visible_to(by).unread().update(read_at=timezone.now())


# --- the e-mails ---------------------------------------------------------------------------------------


def deliver_mail() -> Delivered:
    """Send the e-mails that wait, to active accounts with an address; one transaction each.

    A row that another process is sending is passed over. A message that fails is tried again by later runs, and
    given up after three attempts; it does not hold up the others. A mail server that does not answer at all costs
    no attempt: everything waits for the next run.
    """
    sent = failed = parked = last = 0
    connection = mail.get_connection(timeout=MAIL_TIMEOUT)
    while True:
        try:
            connection.open()
        except OSError:
            logger.exception("The mail server does not answer; the e-mails wait for the next run")
            break
        with transaction.atomic():
            row = _next_in_outbox(last)
            if row is None:
                break
            last = row.pk
            row.mail_attempts += 1
            try:
                _message(row, connection).send()
            except (OSError, ValueError):  # what smtplib and a malformed address raise
                logger.exception("E-mail of notification %s failed, attempt %s", row.pk, row.mail_attempts)
                connection.close()
                failed += 1
                parked += row.mail_attempts >= MAIL_ATTEMPTS
            else:
                row.mailed_at = timezone.now()
                sent += 1
            Notification.objects.filter(pk=row.pk).update(mail_attempts=row.mail_attempts, mailed_at=row.mailed_at)
    connection.close()
    return Delivered(sent, failed, parked)


def _next_in_outbox(after: int) -> Notification | None:
    """The next waiting row, locked; rows that others hold are skipped (SQLite has one writer anyway)."""
    return (
        Notification.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("recipient__person")
        .filter(
            pk__gt=after,
            mailed_at__isnull=True,
            mail_attempts__lt=MAIL_ATTEMPTS,
            created_at__gte=timezone.now() - MAIL_FOR,
            recipient__is_active=True,
        )
        .exclude(recipient__email="")
        .order_by("pk")
        .first()
    )


def _message(row: Notification, connection: BaseEmailBackend) -> mail.EmailMessage:
    """The e-mail of a message; plain text."""
    context = {"notification": row, "name": row.recipient.display_name, "link": f"{settings.SITE_URL}{row.url}"}
    return mail.EmailMessage(
        subject=f"【领导点评】{row.title}",
        body=render_to_string("reports/mail_reminder.txt", context),
        to=[row.recipient.email],
        connection=connection,
    )
