"""The duties as csv, for spreadsheets and neighbouring systems (contracts.md, section 3)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from django.db import connection
from django.db.models import Case, CharField, F, Value, When
from django.db.models.functions import Coalesce, Collate

from reviews.models import Duty, Period, ReviewerKind

HEADER = (
    "rule", "reviewer_kind", "reviewer", "acting_person", "target_kind", "target", "basis", "joint_group", "due_on",
    "status",
)  # fmt: skip
NOTHING = Value("", output_field=CharField())
COLUMNS = {
    "c_rule": F("rule_code"),
    "c_kind": F("reviewer_kind"),
    "c_reviewer": Case(
        When(reviewer_kind=ReviewerKind.ORG, then=F("reviewer_org__code")),
        default=Coalesce(F("reviewer__number"), NOTHING),
    ),
    "c_acting": Coalesce(F("acting__number"), NOTHING),
    "c_target_kind": Case(When(target_org__isnull=False, then=Value("org")), default=Value("person")),
    "c_target": Coalesce(F("target_org__code"), F("target_person__number")),
    "c_basis": F("basis"),
    "c_group": F("joint_group"),
    "c_due": F("due_on"),
    "c_status": F("status"),
}


def rows(period: Period) -> Iterator[tuple[str, ...]]:
    """Every duty of the period, sorted by all columns, by code point whatever the database's language.

    The database sorts and hands out some at a time: a large system has a million duties. Two vacant posts towards one
    target read alike (no reviewer yet) and are written once: one line for each rule, reviewer and target.
    """
    by_code_point = "C" if connection.vendor == "postgresql" else "BINARY"
    order = [name if name == "c_due" else Collate(name, by_code_point) for name in COLUMNS]
    found = Duty.objects.filter(period=period).annotate(**COLUMNS).order_by(*order, "pk").values_list(*COLUMNS)
    before = None
    for row in found.iterator(chunk_size=5000):
        if row != before:
            yield tuple(_text(str(value)) for value in row)
        before = row


def _text(value: str) -> str:
    """What a spreadsheet would take for a formula gets an apostrophe."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def lines(period: Period) -> Iterator[str]:
    """The csv in pieces, header first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows(period):
        writer.writerow(row)
        if buffer.tell() > 50_000:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
