"""What became of the problems named, and how carefully reviews were written. Counts only; names go by scope."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from orgs.models import Organization
from orgs.scope import in_range
from reviews.models import Answer, ChecklistPoint, ItemState, Period, Record, RectificationItem
from reviews.models.record import RecordQuerySet

if TYPE_CHECKING:
    from orgs.models import User

FAULTS = {
    "copies": "文字与另一份点评完全相同",
    "holes": "要点没有逐条评价",
    "no_problems": "没有指出问题",
}


@dataclass(frozen=True)
class Rectified:
    """整改: what became of the problems that counted reviews of a period named."""

    open: int = 0
    overdue: int = 0
    closed: int = 0
    cancelled: int = 0
    days: float | None = None  # from the review to the close-out, on average


def rectified(period: Period, org: Organization, on: datetime.date) -> Rectified:
    """Items of the subtree's records. Two queries."""
    found = items(period, org)
    figures = found.order_by().aggregate(
        open=Count("pk", filter=~Q(state__in=[ItemState.CLOSED, ItemState.CANCELLED])),
        overdue=Count("pk", filter=Q(pk__in=RectificationItem.objects.overdue(on).values("pk"))),
        closed=Count("pk", filter=Q(state=ItemState.CLOSED)),
        cancelled=Count("pk", filter=Q(state=ItemState.CANCELLED)),
    )
    spans = found.filter(state=ItemState.CLOSED, closed_on__isnull=False, record__review__held_on__isnull=False)
    rows = list(spans.order_by().values_list("closed_on", "record__review__held_on").annotate(Count("pk")))
    count = sum(row[2] for row in rows)
    days = round(sum((row[0] - row[1]).days * row[2] for row in rows) / count, 1) if count else None
    return Rectified(**figures, days=days)


def items(period: Period, org: Organization) -> QuerySet[RectificationItem]:
    """What the counted reviews of a subtree handed down to be mended."""
    return RectificationItem.objects.filter(record__in=_records(period, org)).exclude(state=ItemState.NOTED)


def total(period: Period, org: Organization) -> int:
    """Counted records of the subtree."""
    return _records(period, org).count()


def faulty(period: Period, org: Organization, fault: str) -> QuerySet[Record]:
    """Counted records of the subtree with one of the FAULTS; not yet limited to what a user may see."""
    records = _records(period, org)
    if fault == "copies":
        same = (
            Record.objects.counted()
            .counting_in(period)
            .filter(achievements=OuterRef("achievements"), directions=OuterRef("directions"))
        )
        return records.exclude(achievements="").filter(Exists(same.exclude(pk=OuterRef("pk"))))
    if fault == "holes":
        answered = Answer.objects.filter(record=OuterRef(OuterRef("pk")), point=OuterRef("pk")).exclude(verdict="")
        asked = ChecklistPoint.objects.filter(
            kind=OuterRef("kind"), scheme=OuterRef("about_org__category__scheme"), is_on=True
        )
        return records.filter(Exists(asked.filter(~Exists(answered))))
    return records.filter(~Exists(RectificationItem.objects.filter(record=OuterRef("pk")).order_by()))


def named(user: User, period: Period, org: Organization, fault: str) -> QuerySet[Record]:
    """The records with a fault whose text the user may read (T20), in the tree's order."""
    allowed = Record.objects.readable_text_by(user).values("pk")
    found = faulty(period, org, fault).filter(pk__in=allowed).select_related("review", "about_org")
    return found.order_by("about_org", F("review__held_on").asc(nulls_last=True), "pk")


def _records(period: Period, org: Organization) -> RecordQuerySet:
    return Record.objects.counted().counting_in(period).filter(in_range(org, "about_org__")).order_by()
