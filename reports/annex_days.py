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
from reports.models import ProgressReport, ReportState
from reports.models.progress import FROZEN_STATES
from reviews.models import Measure, Period

NOTE = "按当天结束时的名单、隶属和已确认的点评计算，以后的转移、作废和补录不影响。本表供查看，不是上报的报表。"


def rows(org: Organization, period: Period, on: datetime.date, user: User) -> list[RowFigures]:
    """本级, then each child with all below it, by the end of `on`; 新增 since the last report accepted up to that day.

    Children whose sums the user does not see stand together in one line, as on the coverage page. A child that had not been founded yet, or was dissolved by then, and in which nobody counts, has no line.
    """
    lines = past.by_child(period, org, on) if on < clock.today() else coverage.by_child(period, org)
    last = _last_by(org, period, on)
    before = {row.organization_id: row.done for row in rows_of(last)} if last else {}
    then = orgs_then.as_of(Organization.objects.filter(pk__in=[line.org.pk for line in lines]), on)
    names = {org.pk: org.name for org in then}
    seen = set(Organization.objects.filter(scope.seen(user), pk__in=names).values_list("pk", flat=True))
    found: list[RowFigures] = []
    rest: list[RowFigures] = []
    for line in lines:
        due, done = (
            Numbers(*(getattr(line.figures[measure], part) for measure in Measure)) for part in ("due", "done")
        )
        if not (line.is_own or any(due.each) or line.org.lives_on(on)):
            continue
        name = OWN if line.is_own else names[line.org.pk]
        row = RowFigures(line.org.pk, name, due=due, new=done - before.get(line.org.pk, Numbers()), done=done)
        (found if line.is_own or line.org.pk in seen else rest).append(row)
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


def _last_by(org: Organization, period: Period, on: datetime.date) -> ProgressReport | None:
    """The last report up to a day that 新增 counts from: accepted; at a root, sent."""
    states = FROZEN_STATES if org.parent_id is None else [ReportState.ACCEPTED]
    found = ProgressReport.objects.filter(organization=org, period=period, state__in=states, reported_on__lte=on)
    return found.order_by("-submitted_at", "-pk").first()
