"""Reading a record: its form, its checklist, what it serves, what happened with it. Writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from orgs.models import AuditEvent
from reviews import snapshots
from reviews.completeness import Facts
from reviews.drafts import RecordDraft
from reviews.models import ChecklistPoint, ContentKind, Duty, DutyStatus, Record

if TYPE_CHECKING:
    from django.db.models import QuerySet


def served(record: Record) -> list[int]:
    """Ids of the duties it serves; the one it was opened from first."""
    links = Record.duties.through.objects.filter(record_id=record.pk).order_by("pk")
    return list(links.values_list("duty_id", flat=True))


def draft_of(record: Record) -> RecordDraft:
    """The record as its form shows it."""
    review = record.review
    return RecordDraft(
        version=record.version,
        kind=review.kind,
        held_on=review.held_on,
        place=review.place,
        form=review.form,
        form_note=review.form_note,
        participants=review.participants,
        assisted_committee=review.assisted_committee,
        prior_summary=record.prior_summary,
        achievements=record.achievements,
        problems=tuple(record.items.order_by("order").values_list("text", flat=True)),
        directions=record.directions,
        feedback_due_on=record.feedback_due_on,
        member_count=record.member_count,
        grade=record.grade,
        answers={pk: (verdict, note) for pk, verdict, note in record.answers.values_list("point", "verdict", "note")},
        duty_ids=tuple(sorted(served(record)[1:])),
    )


def checklist(record: Record) -> list[ChecklistPoint]:
    """The points of its kind, and the window add-on where its organisation is a window unit (R17 to R25).

    A point that was switched off meanwhile stays where it was answered.
    """
    kinds = [record.kind]
    if record.target_org is not None and record.target_org.is_window_unit:
        kinds.append(ContentKind.WINDOW)
    usual = Q(scheme__is_active=True, is_on=True, kind__in=kinds)
    answered = Q(pk__in=record.answers.values("point"))
    points = ChecklistPoint.objects.filter(usual | answered)
    return sorted(points, key=lambda point: (point.kind == ContentKind.WINDOW, point.order, point.pk))


def facts_of(record: Record) -> Facts:
    """What `completeness` looks at."""
    review = record.review
    draft = draft_of(record)
    open_points = [point for point in checklist(record) if point.pk not in draft.answers]
    on = snapshots.day_of(review.period, review.held_on)
    return Facts(
        kind=record.kind,
        held_on=draft.held_on,
        place=draft.place,
        form=draft.form,
        form_note=draft.form_note,
        prior_summary=draft.prior_summary,
        achievements=draft.achievements,
        problems=draft.problems,
        directions=draft.directions,
        assists_local_committee=record.duties.filter(rule__assists_local_committee=True).exists(),
        assisted_committee=draft.assisted_committee,
        unanswered_window_points=tuple(point.text for point in open_points if point.kind == ContentKind.WINDOW),
        unanswered_stressed_points=tuple(
            point.text for point in open_points if point.is_stressed and point.kind != ContentKind.WINDOW
        ),
        reviewer_role=snapshots.role_of(review.reviewer, review.reviewer_org, on),
    )


def further_duties(record: Record) -> list[Duty]:
    """Duties that this record may serve as well: the joint partner's (A1), or the same pair's under another rule (A10).

    Open ones, and those already ticked; the one it was opened from is not among them.
    """
    review = record.review
    linked = served(record)
    first = Duty.objects.filter(pk__in=linked[:1]).first()
    alike = Q(acting=review.reviewer) | Q(acting=None, reviewer=review.reviewer)
    if first is not None and first.joint_group:
        alike |= Q(joint_group=first.joint_group)
    duties = Duty.objects.filter(
        alike,
        Q(status=DutyStatus.PENDING) | Q(pk__in=linked[1:]),
        period=review.period,
        target_org=record.target_org,
        target_person=record.target_person,
    )
    duties = duties.exclude(pk__in=linked[:1]).select_related("reviewer_org", "acting", "reviewer", "rule", "about_org")
    return list(duties.order_by("pk"))


def history(record: Record) -> QuerySet[AuditEvent]:
    """What was done with it, oldest first (a reason for sending back stands in `summary`).

    Who printed or exported it stays in the trail of the administrators: it is nothing that happened to the record, and
    would name people across the guidance edge.
    """
    events = AuditEvent.objects.filter(model=Record._meta.label_lower, object_id=record.pk)
    events = events.exclude(Q(verb__startswith="打印") | Q(verb__startswith="导出"))
    return events.select_related("by__person").order_by("pk")
