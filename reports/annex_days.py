"""Annex 1 as of a day: what it would have said, by the reviews held and confirmed by then (issued nowhere, kept nowhere).

Who is due, and below whom, is the roster and the tree of that day, as on the coverage page of a past day
(`reports.past`), and so are the names. What was sent stands in the reports themselves.
"""

from __future__ import annotations

import datetime
from dataclasses import replace

from orgs import clock, scope
from orgs import past as orgs_then
from orgs.models import Organization, User
from reports import coverage, past
from reports.annexes import one
from reports.annexes.one import OWN, Numbers, RowFigures, rows_of
from reports.annexes.sheet import Sheet
from reports.report_rows import previous, rows_of_lines
from reviews.models import Period

NOTE = "按当天结束时的名单、隶属和已确认的点评计算，以后的转移、作废和补录不影响。本表供查看，不是上报的报表。"


def rows(org: Organization, period: Period, on: datetime.date, user: User) -> list[RowFigures]:
    """本级, then each child with all below it, by the end of `on`; 新增 since the last report accepted up to that day.

    Children whose sums the user does not see stand together in one line, as on the coverage page.
    """
    lines = past.by_child(period, org, on) if on < clock.today() else coverage.by_child(period, org)
    last = previous(org, period, until=on)
    before = {row.organization_id: row.done for row in rows_of(last)} if last else {}
    children = Organization.objects.filter(pk__in=[line.org.pk for line in lines if not line.is_own])
    names = {then.pk: then.name for then in orgs_then.as_of(children, on)} | {org.pk: OWN}
    seen = set(children.filter(scope.seen(user)).values_list("pk", flat=True)) | {org.pk}
    found: list[RowFigures] = []
    rest: list[RowFigures] = []
    for row in rows_of_lines(lines, min(on, period.ends_on)):
        pk = row.organization_id
        new = row.done - before.get(pk, Numbers())
        (found if pk in seen else rest).append(replace(row, unit_name=names[pk], new=new))
    if rest:
        found.append(replace(one.total(rest), unit_name=f"其他下级（{len(rest)} 个）"))
    return found


def sheet(org: Organization, period: Period, on: datetime.date, user: User) -> Sheet:
    """The form for that day."""
    name = orgs_then.one_as_of(org, on).name
    notes = [NOTE] if on < clock.today() else []
    if on < period.starts_on:
        notes.append(f"这一天在{period.name}开始（{period.starts_on}）以前，还没有本期的点评。")
    return one.sheet(name, on, rows(org, period, on, user), notes=notes)
