"""Messages to users, written: each recipient hears of a key once, however many write at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import OperationalError, connection

from orgs import heads
from orgs.errors import DomainError
from orgs.models import Grant, Organization, User
from reports.models import Notification, NotificationKind

if TYPE_CHECKING:
    import datetime

LOCK_SPACE, LOCK_URGING = 20102, 2
BATCH = 1000
TITLE_LENGTH = 200


class Busy(DomainError):
    """Somebody else urges for too long."""


@dataclass(frozen=True)
class Message:
    """One message to one account."""

    recipient_id: int
    key: str
    kind: NotificationKind
    title: str
    body: str
    url: str


def hold() -> None:
    """One urges at a time until the transaction ends, whatever the period: so that who is left, and how many, is right.

    Raises Busy after waiting too long (lock_timeout). On SQLite the transaction itself is the lock: it begins IMMEDIATE.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("hold() outside a transaction protects nothing")
    if connection.vendor != "postgresql":
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, LOCK_URGING])
    except OperationalError as error:
        raise Busy("别人正在催办，请稍后再试。") from error


def fresh(messages: Sequence[Message]) -> list[Message]:
    """Those that were not written before."""
    new = []
    for start in range(0, len(messages), BATCH):
        some = messages[start : start + BATCH]
        rows = Notification.objects.filter(
            key__in={message.key for message in some}, recipient__in={message.recipient_id for message in some}
        )
        known = set(rows.values_list("recipient_id", "key"))
        new += [message for message in some if (message.recipient_id, message.key) not in known]
    return new


def write(messages: Iterable[Message]) -> list[Message]:
    """Write those that were not written before, and return them; the unique key lets each in once.

    A writer beside another may count as its own what the other wrote in the same instant; under `hold` nobody does.
    """
    # In one order, so that two writers never wait for each other in a circle.
    new = sorted(fresh(list(messages)), key=lambda message: (message.recipient_id, message.key))
    Notification.objects.bulk_create(
        (
            Notification(
                recipient_id=message.recipient_id, key=message.key, kind=message.kind,
                title=message.title[:TITLE_LENGTH], body=message.body, url=message.url,
            )
            for message in new
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )  # fmt: skip
    return new


def accounts_of(orgs: Iterable[Organization], on: datetime.date) -> dict[int, list[Organization]]:
    """Active account -> those of these organisations, in their order, whose office or head it is; superior offices do not
    count. Three queries.
    """
    known = {org.pk: org for org in orgs}
    found: dict[int, set[int]] = {}
    grants = Grant.objects.valid(on).filter(organization__in=list(known), user__is_active=True).order_by("pk")
    for user_id, org_id in grants.values_list("user_id", "organization_id"):
        found.setdefault(user_id, set()).add(org_id)
    headed: dict[int, list[int]] = {}
    for org_id, post in heads.heads_of(list(known), on).items():
        headed.setdefault(post.person_id, []).append(org_id)
    accounts = User.objects.filter(is_active=True, person__in=list(headed)).order_by("pk")
    for user_id, person_id in accounts.values_list("pk", "person_id"):
        for org_id in headed[person_id] if person_id is not None else ():
            found.setdefault(user_id, set()).add(org_id)
    place = {pk: at for at, pk in enumerate(known)}
    return {user_id: [known[pk] for pk in sorted(each, key=place.__getitem__)] for user_id, each in found.items()}
