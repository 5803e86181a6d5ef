"""The duties as csv, for spreadsheets and neighbouring systems (contracts.md, section 3)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from reviews.models import Duty, Period, ReviewerKind

HEADER = (
    "rule", "reviewer_kind", "reviewer", "acting_person", "target_kind", "target", "basis", "joint_group", "due_on",
    "status",
)  # fmt: skip


def rows(period: Period) -> list[tuple[str, ...]]:
    """Every duty of the period, sorted by all columns."""
    found = (
        Duty.objects.filter(period=period)
        .order_by()
        .values_list(
            "rule_code", "reviewer_kind", "reviewer_org__code", "reviewer__number", "acting__number", "target_org__code",
            "target_person__number", "basis", "joint_group", "due_on", "status",
        )
    )  # fmt: skip
    return sorted(
        (
            rule,
            kind,
            (org if kind == ReviewerKind.ORG else reviewer) or "",
            acting or "",
            "org" if target_org else "person",
            target_org or target_person,
            basis,
            group,
            due_on.isoformat(),
            status,
        )
        for rule, kind, org, reviewer, acting, target_org, target_person, basis, group, due_on, status in found.iterator(
            chunk_size=5000
        )
    )


def lines(period: Period) -> Iterator[str]:
    """The csv line by line, header first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in (HEADER, *rows(period)):
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
