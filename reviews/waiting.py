"""What waits for a user besides duties: entries to confirm, reviews to receive, problems to work on or to accept.

Narrower than what the user may do (`records.actions`, `rectifications.actions`): who could step in is not waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from orgs import scope
from reviews.models import ItemState, Record, RecordState, RectificationItem
from reviews.models.record import RecordQuerySet

if TYPE_CHECKING:
    from orgs.models import User


def _reviewed_by(user: User, prefix: str) -> Q:
    """The user is the reviewer of record, or works in the very office of the reviewing organisation."""
    at = scope.seats(user)
    found = scope.NOTHING
    if at.person is not None:
        found |= Q(**{f"{prefix}review__reviewer": at.person})
    if at.offices:
        found |= Q(**{f"{prefix}review__reviewer_org__in": [org.pk for org in at.offices]})
    return found


def _about(user: User, prefix: str) -> Q:
    """The user is the target, or heads it."""
    at = scope.seats(user)
    found = scope.NOTHING
    if at.person is not None:
        found |= Q(**{f"{prefix}target_person": at.person})
    if at.heads:
        found |= Q(**{f"{prefix}target_org__in": [org.pk for org in at.heads]})
    return found


def records_to_approve(user: User) -> RecordQuerySet:
    """Entered for the user by somebody else; only he can confirm them (R46)."""
    person = scope.seats(user).person
    if person is None:
        return Record.objects.none()
    return Record.objects.filter(state=RecordState.SUBMITTED, review__reviewer=person)


def records_to_acknowledge(user: User) -> RecordQuerySet:
    """Told to the user or to an organisation that he heads, and not yet received."""
    return Record.objects.filter(_about(user, ""), state=RecordState.DELIVERED)


def items_to_work_on(user: User) -> QuerySet[RectificationItem]:
    """Problems of the user, or of an organisation that he heads, to be planned or being worked on."""
    states = [ItemState.TO_PLAN, ItemState.IN_PROGRESS]
    return RectificationItem.objects.filter(_about(user, "record__"), state__in=states)


def items_to_accept(user: User) -> QuerySet[RectificationItem]:
    """Fed back to the user's side as the reviewer."""
    return RectificationItem.objects.filter(_reviewed_by(user, "record__"), state=ItemState.PENDING_ACCEPTANCE).exclude(
        _about(user, "record__")
    )


@dataclass(frozen=True)
class Waiting:
    """How many of each."""

    to_approve: int
    to_acknowledge: int
    to_work_on: int
    to_accept: int

    def __bool__(self) -> bool:
        """Something waits."""
        return bool(self.to_approve or self.to_acknowledge or self.to_work_on or self.to_accept)


def counts(user: User) -> Waiting:
    """Four small counts."""
    return Waiting(
        to_approve=records_to_approve(user).count(),
        to_acknowledge=records_to_acknowledge(user).count(),
        to_work_on=items_to_work_on(user).count(),
        to_accept=items_to_accept(user).count(),
    )
