"""Where a report that was sent and the figures of this moment differ, line by line, and by name as far as names are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orgs.lists import Row, Sheet
from orgs.models import Organization
from reports import coverage, report_names
from reports.annexes.one import RowFigures, figures_of, total
from reports.models import ProgressNames, ProgressReport, ProgressRow, RowBasis
from reports.report_names import HOLDS, Name, Part
from reports.report_rows import live_rows
from reviews.models import Measure

if TYPE_CHECKING:
    from orgs.models import User

NONE = (0, 0)
TOGETHER = "others"  # the basis of the line of units that the user does not see
COLUMNS = (
    ("单位名称", 36), ("口径", 16), ("应（上报）", 12), ("应（现在）", 12), ("累计（上报）", 12), ("累计（现在）", 12),
    ("变化", 22), ("编号或代码", 18), ("姓名或名称", 24), ("所在组织代码", 18), ("所在组织", 36),
)  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Why a number moved: those to whom it happened, those of them that the user may see by name."""

    words: str
    count: int
    names: Sequence[Name]

    @property
    def hidden(self) -> int:
        """Not to be named to this user."""
        return self.count - len(self.names)

    @property
    def unseen(self) -> str:
        """What is said of those; "" where there are none."""
        return f"另有 {self.hidden} 不在您可以看名单的范围内" if self.hidden else ""


@dataclass(frozen=True)
class Difference:
    """A line of a report that would be different now: 应 and 累计 as sent, and as they are."""

    unit_name: str
    measure: str
    due: int
    due_now: int
    done: int
    done_now: int
    basis: str = ""
    based_on_id: int | None = None  # the unit's own report, whose page says more
    reasons: Sequence[Reason] = field(default=())

    @property
    def unnamed(self) -> str:
        """Why no names stand behind it."""
        return {
            RowBasis.ACCEPTED.value: "上报的是该单位已接收的报表，现在的数字它还没有报来。",
            RowBasis.ABSENT.value: "该单位未报，上报时累计按零计算。",
            TOGETHER: "这些下级现在的数字不在您的查看范围内，合为一行。",
        }.get(self.basis, "上报时没有这一行，或没有保存名单。")


def differences(report: ProgressReport, user: User | None = None, *, why: bool = True) -> list[Difference]:
    """Line by line; 合计 is their sum. With a user also why (unless not asked), by the names that he may see: two
    queries more a line with names; and units whose figures of now are not his to see stand together in one line.

    A line that rests on a unit's own report, or on an explanation, differs from the live figures by whatever the unit
    has not reported yet.
    """
    now = {row.organization_id: row for row in live_rows(report.organization, report.period)}
    kept = _added_up(report)
    apart = _unseen(report, now, user) if user is not None else set()
    found = []
    moved: set[int] = set()
    for org_id in dict.fromkeys(pk for pk in (*kept, *now) if pk not in apart):
        sent, live = kept.get(org_id), now.get(org_id)
        row = sent or live
        if row is None:
            continue
        for measure, (due, done), (due_now, done_now) in zip(Measure, _pairs(sent), _pairs(live), strict=True):
            if (due, done) != (due_now, done_now):
                moved.add(org_id)
                found.append((org_id, measure, row, due, due_now, done, done_now))
    reasons = _reasons(report, moved, user) if user is not None and why and moved else {}
    return [
        Difference(
            row.unit_name, measure.label, due, due_now, done, done_now, row.basis, row.based_on_id,
            reasons.get((org_id, measure), ()),
        )
        for org_id, measure, row, due, due_now, done, done_now in found
    ] + _together([kept[pk] for pk in apart if pk in kept], [now[pk] for pk in apart])  # fmt: skip


def _unseen(report: ProgressReport, now: Mapping[int, RowFigures], user: User) -> set[int]:
    """Units below the report's organisation that the user does not see."""
    seen = set(Organization.objects.visible_to(user).filter(pk__in=list(now)).values_list("pk", flat=True))
    return now.keys() - seen - {report.organization_id}


def _together(sent: Sequence[RowFigures], live: Sequence[RowFigures]) -> list[Difference]:
    pairs = zip(Measure, _pairs(total(sent)), _pairs(total(live)), strict=True)
    return [
        Difference(coverage.others(len(live)), measure.label, due, due_now, done, done_now, TOGETHER)
        for measure, (due, done), (due_now, done_now) in pairs
        if (due, done) != (due_now, done_now)
    ]


def sheet(found: Sequence[Difference]) -> Sheet:
    """The same as a file: every name of every reason; of those who are not to be named, how many."""
    count = sum(sum(len(each.names) + bool(each.hidden) for each in line.reasons) or 1 for line in found)
    return Sheet("与现在的差别", COLUMNS, _rows(found), count)


def _rows(found: Sequence[Difference]) -> Iterator[Row]:
    for line in found:
        what = (line.unit_name, line.measure, line.due, line.due_now, line.done, line.done_now)
        for reason in line.reasons:
            for name in reason.names:
                yield (*what, reason.words, name.number, name.name, name.org_code, name.org_name)
            if reason.hidden:
                yield (*what, reason.words, "", reason.unseen, "", "")
        if not line.reasons:
            yield (*what, line.unnamed, "", "", "", "")


def _added_up(report: ProgressReport) -> dict[int, RowFigures]:
    """Organisation -> what was sent for it; a form may have several lines for one."""
    kept: dict[int, RowFigures] = {}
    for row in map(figures_of, report.rows.all()):
        known = kept.get(row.organization_id)
        kept[row.organization_id] = (
            RowFigures(
                row.organization_id, report.unit_name, known.due + row.due, known.new + row.new, known.done + row.done,
                row.basis,
            )
            if known
            else row
        )  # fmt: skip
    return kept


def _pairs(row: RowFigures | None) -> list[tuple[int, int]]:
    """(应, 累计) of each measure."""
    return list(zip(row.due.each, row.done.each, strict=True)) if row else [NONE] * len(Measure)


def _reasons(report: ProgressReport, moved: set[int], user: User) -> dict[tuple[int, Measure], list[Reason]]:
    """(organisation of the line, measure) -> who came, went, was reviewed, is reviewed no more."""
    org = report.organization
    rows = ProgressRow.objects.filter(report=report, organization__in=moved, basis__in=report_names.LISTED)
    kept = ProgressNames.objects.filter(row__in=rows).select_related("row")
    lists = [(each.row.organization_id, Measure(each.measure), report_names.unpack(each.packed)) for each in kept]
    below = sorted({org_id for org_id, _, _ in lists} - {org.pk})
    live = report_names.gather(org, report.period, below, own=org.pk in moved)
    return {
        (org_id, measure): _told(measure, names, live[org_id][measure], user)
        for org_id, measure, names in lists
        if org_id in live
    }


def _told(measure: Measure, sent: list[Name], now: list[Name], user: User) -> list[Reason]:
    then = {name.key: name for name in sent if name.standing in HOLDS[Part.DUE]}
    today = {name.key: name for name in now}
    done_then = {key for key, name in then.items() if name.done_on}
    done_now = {key for key, name in today.items() if name.done_on}
    both = then.keys() & today.keys()
    changes = [
        ("上报以后列入", [today[key] for key in today if key not in then]),
        ("上报以后不再列入", [then[key] for key in then if key not in today]),
        ("上报以后完成", [today[key] for key in today if key in both and key in done_now and key not in done_then]),
        ("上报以后不再算完成", [then[key] for key in then if key in both and key in done_then and key not in done_now]),
    ]
    return [Reason(words, len(names), report_names.named(user, names, measure)) for words, names in changes if names]
