"""Where targets of coverage counted before: kept when they move or go, so that a past day can be counted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from orgs import clock
from reviews.models import CoverageTarget, CoverageTargetPast


def keep(condition: str, values: Sequence[Any] = ()) -> None:
    """Remember where the targets that the SQL condition takes count until today. Before they are moved or deleted.

    One statement, whatever their number. Who came today and goes today was nowhere at the end of any day.
    """
    past, target = CoverageTargetPast._meta.db_table, CoverageTarget._meta.db_table
    today = connection.ops.adapt_datefield_value(clock.today())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {past} (period_id, measure, organization_id, person_id, since, until)"  # noqa: S608 - of ours
            f" SELECT period_id, measure, organization_id, person_id, since, %s FROM {target}"
            f" WHERE (since IS NULL OR since < %s) AND ({condition})",
            [today, today, *values],
        )
