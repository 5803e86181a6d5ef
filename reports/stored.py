"""The statements behind `reports.coverage`: read stored totals with what is pending, and fold that into them.

Statements of our own, because a page waits for the first and 10,000 changes for the second: composed by the ORM, the
first took six times as long (its text alone as long as the database), and the second three times.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import lru_cache

from django.db import connection

from orgs.models import Organization
from orgs.querysets import Subtrees, segment_sql, stand_at, stand_sql, start_sql
from reports.models import CoverageTotal
from reviews.models import CoverageChange, Measure

COLUMNS = tuple(f"{measure}_{name}" for measure in Measure for name in ("due", "done"))
NOTHING = (0,) * len(COLUMNS)
PLACES = {measure.value: 2 * at for at, measure in enumerate(Measure)}  # where a measure's due stands among the columns
FACTS = ("code", "name", "founded_on", "dissolved_on")

TOTAL, CHANGE, ORG = (model._meta.db_table for model in (CoverageTotal, CoverageChange, Organization))

Numbers = list[int]  # due and done of each measure, as COLUMNS


# --- reading ------------------------------------------------------------------------------------------------


def of(period_id: int, org_ids: Collection[int]) -> dict[int, Numbers]:
    """Organisation id -> its figures with all pending changes, for each asked for that exists. One statement."""
    ids = list(org_ids) if connection.vendor == "postgresql" else json.dumps(list(org_ids))
    rows = _rows(_reading("ids", connection.vendor), (ids, period_id, period_id))
    return {row[0]: numbers for row, numbers in _added_up(rows)}


def of_family(period_id: int, org_id: int) -> list[tuple[tuple, Numbers]]:
    """(id, *FACTS) and figures of an organisation's children, in the tree's order, and last its own. One statement,
    so that the children are those whose sums are in it.
    """
    rows = _rows(_reading("family", connection.vendor), (org_id, org_id, org_id, period_id, period_id))
    found = sorted(_added_up(rows), key=lambda row: row[0][1])
    return [((row[0], *row[2:]), numbers) for row, numbers in found]


def _rows(statement: str, values: tuple) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


@lru_cache
def _reading(asked: str, vendor: str) -> str:
    """Two kinds of rows. Of each organisation asked for: id, facts, no measure, its stored totals, where it stands.
    Of what is pending: nothing, a measure, its sums over some neighbouring organisations, where they begin.

    One statement, so that a fold or a move beside us has happened for all of it or for nothing.
    """
    if asked == "ids":
        facts: tuple[str, ...] = ()
        listed = "= ANY(%s)" if vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"
        these = f"SELECT id, {stand_sql('org')} FROM {ORG} org WHERE id {listed}"  # noqa: S608 - of our own
    else:
        facts = ("position", *FACTS)
        order = 'row_number() OVER (ORDER BY id = %s, org."order", code) AS position'
        columns = f"id, {order}, {', '.join(FACTS)}, {stand_sql('org')}"
        these = f"SELECT {columns} FROM {ORG} org WHERE parent_id = %s OR id = %s"  # noqa: S608 - of our own
    of_facts = "".join(f"asked.{name}, " for name in facts)
    return f"""
        WITH asked AS ({these})
        SELECT asked.id, {of_facts} NULL AS measure, {", ".join(f"total.{name}" for name in COLUMNS)},
            {stand_sql("asked")}
        FROM asked LEFT JOIN {TOTAL} total ON total.organization_id = asked.id AND total.period_id = %s
        UNION ALL
        SELECT NULL, {"NULL, " * len(facts)} measure, due, done, 0, 0, 0, 0, {start_sql("segment", "asked")}, 0, 0, 0
        FROM (
            SELECT {segment_sql("org", "asked")} AS segment, measure, SUM(change.due) AS due, SUM(change.done) AS done
            FROM {CHANGE} change JOIN {ORG} org ON org.id = change.organization_id
            WHERE change.period_id = %s GROUP BY 1, 2
        ) pending
    """  # noqa: S608 - of our own


def _added_up(rows: list[tuple]) -> list[tuple[tuple, Numbers]]:
    """The organisations with their facts, and their figures: what is pending added to those that hold it."""
    first = len(rows[0]) - 4 - len(COLUMNS) if rows else 0
    last = first + len(COLUMNS)
    found: list[tuple[tuple, Numbers]] = []
    pending: list[tuple] = []
    for row in rows:
        if row[0] is None:
            pending.append(row)
        else:
            found.append((row, list(NOTHING if row[first] is None else row[first:last])))
    if pending:
        holding = Subtrees((row[0], row[last:]) for row, _ in found).holding
        sums = {row[0]: numbers for row, numbers in found}
        for row in pending:
            at = PLACES[row[first - 1]]
            for org_id in holding(stand_at(row[last])):
                sums[org_id][at] += row[first]
                sums[org_id][at + 1] += row[first + 1]
    return [((row[: first - 1]), numbers) for row, numbers in found]


# --- folding ------------------------------------------------------------------------------------------------


def wait_more_than(count: int) -> bool:
    """Whether more changes than so many are pending; reads no more of them than that."""
    return bool(_rows(f"SELECT 1 FROM {CHANGE} LIMIT 1 OFFSET %s", (count,)))  # noqa: S608 - of our own


def fold(limit: int) -> int:
    """Add so many pending changes, the oldest first, to the totals of their organisations and of all above these by
    parent links, and delete them; returns how many. The caller holds the totals.

    On PostgreSQL one statement: what it deletes is what it adds, whoever appends meanwhile. What somebody is just
    deleting is left to him: he may come to wait for the totals.
    """
    oldest = f"SELECT id FROM {CHANGE} ORDER BY id LIMIT %s"  # noqa: S608 - of our own
    columns = "period_id, organization_id, measure, due, done"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            free = f"{oldest} FOR UPDATE SKIP LOCKED"
            batch = f"DELETE FROM {CHANGE} WHERE id IN ({free}) RETURNING {columns}"  # noqa: S608 - of our own
            adding = f"{_rising(batch)}, written AS ({_adding()}) SELECT COUNT(*) FROM batch"  # noqa: S608 - of our own
            cursor.execute(adding, [limit])
            return cursor.fetchone()[0]
        batch = f"SELECT {columns} FROM {CHANGE} WHERE id IN ({oldest})"  # noqa: S608 - of our own
        cursor.execute(f"{_rising(batch)} {_adding()}", [limit])
        cursor.execute(f"DELETE FROM {CHANGE} WHERE id IN ({oldest})", [limit])  # noqa: S608 - of our own
        return cursor.rowcount


def _rising(batch: str) -> str:
    """`rising`: the sums of a batch, at its organisations and again at every one above."""
    sums = ", ".join(
        f"CAST(SUM(CASE WHEN measure = '{measure}' THEN {name} ELSE 0 END) AS integer) AS {measure}_{name}"
        for measure in Measure
        for name in ("due", "done")
    )
    names = ", ".join(COLUMNS)
    return f"""
        WITH RECURSIVE batch AS ({batch}), rising AS (
            SELECT period_id, organization_id, {sums} FROM batch GROUP BY period_id, organization_id
            UNION ALL
            SELECT period_id, parent_id, {names}
            FROM rising JOIN {ORG} org ON org.id = rising.organization_id WHERE parent_id IS NOT NULL
        )"""  # noqa: S608 - of our own


def _adding() -> str:
    return f"""
        INSERT INTO {TOTAL} (period_id, organization_id, {", ".join(COLUMNS)})
        SELECT period_id, organization_id, {", ".join(f"SUM({name})" for name in COLUMNS)}
        FROM rising WHERE true GROUP BY period_id, organization_id
        ON CONFLICT (organization_id, period_id)
        DO UPDATE SET {", ".join(f"{name} = {TOTAL}.{name} + excluded.{name}" for name in COLUMNS)}
    """  # noqa: S608 - of our own
