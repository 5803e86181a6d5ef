"""Verbs of records: from the draft to the close (domain.md 5.4)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orgs.errors import DomainError, Stale
from reviews.completeness import Lack
from reviews.models import ChecklistPoint, Duty, Record

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from orgs.models import AuditEvent, Organization, Person, User
    from reviews.models import Period


class RecordRefused(DomainError):
    """The record's state or the facts do not allow this."""


class StaleDraft(Stale):
    """Somebody saved the draft meanwhile: `saved_by` (a name), `saved_at`, and its `version` now."""

    def __init__(self, message: str, *, saved_by: str, saved_at: datetime.datetime, version: int) -> None:
        super().__init__(message)
        self.saved_by = saved_by
        self.saved_at = saved_at
        self.version = version


class BadDraft(DomainError):
    """Values that cannot be kept; `.lacks` names field and cure for each."""

    def __init__(self, lacks: list[Lack]) -> None:
        super().__init__("；".join(lack.message for lack in lacks))
        self.lacks = lacks


class Incomplete(DomainError):
    """Not ready to be confirmed; `.lacks` names field and cure for each."""

    def __init__(self, lacks: list[Lack]) -> None:
        super().__init__("还不能确认：" + "；".join(lack.message for lack in lacks))
        self.lacks = lacks


@dataclass(frozen=True)
class RecordDraft:
    """What the form holds. `answers`: checklist point id -> (verdict, note). `duty_ids`: further duties it serves."""

    version: int
    kind: str = "periodic"  # ReviewKind
    held_on: datetime.date | None = None
    place: str = ""
    form: str = ""
    form_note: str = ""
    participants: str = ""
    assisted_committee: str = ""
    prior_summary: str = ""
    achievements: str = ""
    problems: tuple[str, ...] = ()
    directions: str = ""
    feedback_due_on: datetime.date | None = None
    member_count: int | None = None
    answers: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    duty_ids: tuple[int, ...] = ()


# --- reading -------------------------------------------------------------------------------------------------


def draft_of(record: Record) -> RecordDraft:
    """The record as its form shows it."""
    raise NotImplementedError


def checklist(record: Record) -> list[ChecklistPoint]:
    """The points of its kind, and the window add-on where its organisation is a window unit (R17 to R25)."""
    raise NotImplementedError


def lacks(record: Record) -> list[Lack]:
    """What stands in the way of confirming it as it is stored."""
    raise NotImplementedError


def hints(record: Record) -> list[Lack]:
    """What would be better otherwise, as it is stored (R31a and unanswered stressed points)."""
    raise NotImplementedError


def further_duties(record: Record) -> list[Duty]:
    """Open duties that this record may serve as well: the joint partner's (A1), or the same pair's under another rule (A10).

    Those already ticked are among them; the one it was opened from is not.
    """
    raise NotImplementedError


def history(record: Record) -> QuerySet[AuditEvent]:
    """What was done with it, oldest first (a reason for sending back stands in `summary`)."""
    raise NotImplementedError


def actions(record: Record, user: User) -> set[str]:
    """Which verbs this user may use on it now: edit, confirm, submit (confirm as a proxy), approve, send_back, deliver,
    acknowledge, void, discard."""
    raise NotImplementedError


# --- verbs ---------------------------------------------------------------------------------------------------


def open_draft(duty: Duty, *, by: User) -> Record:
    """The open draft of this duty, or a new one; a double click gives the same one twice."""
    raise NotImplementedError


def open_ad_hoc(
    *,
    period: Period,
    reviewer_org: Organization,
    reviewer: Person,
    target_org: Organization | None = None,
    target_person: Person | None = None,
    about_org: Organization,
    by: User,
) -> Record:
    """A new draft outside the list of duties (A27): counts for its target, serves nobody's duty."""
    raise NotImplementedError


def save_draft(record: Record, draft: RecordDraft, *, by: User) -> Record:
    """Keep what was typed, complete or not. Raises StaleDraft, BadDraft, RecordRefused, Forbidden."""
    raise NotImplementedError


def confirm(record: Record, draft: RecordDraft | None = None, *, by: User) -> Record:
    """The review counts from now on. A proxy's makes it SUBMITTED: the leader approves (R46). Raises Incomplete."""
    raise NotImplementedError


def approve(record: Record, *, by: User) -> Record:
    """The leader himself confirms what was entered for him."""
    raise NotImplementedError


def send_back(record: Record, *, reason: str, by: User) -> Record:
    """The leader gives it back to be mended; it is a draft again."""
    raise NotImplementedError


def deliver(record: Record, *, by: User) -> Record:
    """The target was told (反馈)."""
    raise NotImplementedError


def acknowledge(record: Record, *, note: str = "", by: User) -> Record:
    """The target has received it (签收), with a remark if he likes."""
    raise NotImplementedError


def void(record: Record, *, reason: str, by: User) -> Record:
    """It counts no more; its duties are open again, its items cancelled."""
    raise NotImplementedError


def discard(record: Record, *, by: User) -> None:
    """Throw a draft away."""
    raise NotImplementedError
