"""The lists of gaps as sheets of a workbook."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from itertools import islice

from django.utils import timezone

from orgs.lists import Columns, Row, Sheet
from orgs.models import User
from reviews import gaps
from reviews.gap_filter import Only
from reviews.models import Period

AT_ONCE = 400
COLUMNS: Columns = (
    ("对象", 36), ("代码或编号", 22), ("情况", 60), ("补上的办法", 30), ("状态", 10), ("说明", 40), ("说明人", 16), ("说明时间", 18),
)  # fmt: skip


def sheets(
    kinds: Iterable[gaps.Kind], user: User, period: Period, on: datetime.date, only: Only, shown: tuple[bool, ...]
) -> list[Sheet]:
    """A sheet for each kind, with the rows of the page; `shown`: those not explained (False), the explained ones (True)."""
    found = []
    for kind in kinds:
        parts = [kind.rows(user, period, on, accepted=accepted, only=only) for accepted in shown]
        count = sum(rows.count() for rows in parts)
        found.append(Sheet(kind.title, COLUMNS, _rows(kind, parts, period), count))
    return found


def _rows(kind: gaps.Kind, parts: list, period: Period) -> Iterator[Row]:
    for part in parts:
        every = part.iterator(chunk_size=AT_ONCE)
        while some := list(islice(every, AT_ONCE)):
            for entry in gaps.entries(kind, some, period):
                yield (
                    entry.text,
                    entry.key,
                    entry.note,
                    "、".join(cure.label for cure in entry.cures),
                    *_said(kind, entry),
                )


def _said(kind: gaps.Kind, entry: gaps.Entry) -> Row:
    if entry.accepted is None:
        return "只作说明" if kind.is_note else "未说明", "", "", ""
    at = timezone.localtime(entry.accepted.at).strftime("%Y-%m-%d %H:%M")
    return "已说明", entry.accepted.reason, entry.accepted.by.display_name, at
