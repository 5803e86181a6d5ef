"""Annex 1 as of a day, to look at (issued nowhere, kept nowhere).

Of today it is what would be sent now, line by line: there is one annex 1 of a moment, whichever page draws it. Of a past
day it is what the reviews held and confirmed by then say: who was due, and below whom, is the roster and the tree of
that day, as on the coverage page (`reports.past`), and so are the names. What was sent stands in the reports.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orgs import clock, scope
from orgs import past as orgs_then
from orgs.models import Organization, User
from reports import coverage, past
from reports.annexes import one
from reports.annexes.one import RowFigures
from reports.annexes.sheet import Sheet
from reports.models import ProgressReport, RowBasis
from reports.report_rows import previous, rows_now, rows_of_lines, with_new
from reviews.models import Period

NOTE = "按当天结束时的名单、隶属和已确认的点评计算，以后的转移、作废和补录不影响。本表供查看，不是上报的报表。"
NOTE_OF_TODAY = (
    "与现在填报的附件1相同：单独上报的下级按已接收的报表计算，与覆盖情况页上现在的数可能不同。"
    "本表供查看，不是上报的报表。"
)
OF_THE_REST = {
    RowBasis.PENDING: "其他下级中有 {} 个的报表还没有接收，暂按现在的数字。",
    RowBasis.ABSENT: "其他下级中有 {} 个未报，已说明原因，累计按零计算。",
}


def rows(org: Organization, period: Period, on: datetime.date, user: User) -> list[RowFigures]:
    """本级, then each child with all below it, by the end of `on`; 新增 since the last report accepted by then.

    Children whose sums the user does not see stand together in one line, as on the coverage page.
    """
    return _lines(org, period, on, user).shown


def sheet(org: Organization, period: Period, on: datetime.date, user: User) -> Sheet:
    """The form for that day."""
    name, lines = orgs_then.one_as_of(org, on).name, _lines(org, period, on, user)
    notes = [NOTE if on < clock.today() else NOTE_OF_TODAY]
    if on < period.starts_on:
        notes.append(f"这一天在{period.name}开始（{period.starts_on}）以前，还没有本期的点评。")
    bases = [row.basis for row in lines.rest]
    notes += [words.format(bases.count(basis)) for basis, words in OF_THE_REST.items() if basis in bases]
    return one.sheet(name, on, lines.shown, notes=notes)


@dataclass(frozen=True)
class _Lines:
    """Those of the form, and those that its last line is the sum of."""

    shown: list[RowFigures]
    rest: Sequence[RowFigures]


def _lines(org: Organization, period: Period, on: datetime.date, user: User) -> _Lines:
    if on < clock.today():
        then = rows_of_lines(past.by_child(period, org, on), min(on, period.ends_on))
        found = with_new(then, previous(org, period, until=on))
    else:
        found = rows_now(org, period)
    seen = _seen(org, period, found, user)
    shown = [row for row in found if row.organization_id in seen]
    rest = [row for row in found if row.organization_id not in seen]
    if rest:
        shown.append(replace(one.total(rest), unit_name=coverage.others(len(rest))))
    return _Lines(shown, rest)


def _seen(org: Organization, period: Period, rows: Sequence[RowFigures], user: User) -> set[int]:
    """The organisations whose lines the user sees: what left, too, where he sees the report that still counted it."""
    ids = [row.organization_id for row in rows]
    seen = set(Organization.objects.filter(scope.seen(user), pk__in=ids).values_list("pk", flat=True)) | {org.pk}
    left = {row.organization_id for row in rows if row.basis == RowBasis.LEFT}
    if left - seen:
        sent = ProgressReport.objects.visible_to(user).frozen().filter(organization=org, period=period)
        seen |= left if sent.exists() else set()
    return seen
