"""Which steps of annex 1 are open to whom: the one place that pages, the machines' interface and the verbs ask.

A page shows what is open; a verb asks the same again under its locks, and says `why_not` where nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass

from orgs import clock
from orgs.models import Organization, User
from reports import reporting
from reports.models import ProgressReport, ProgressRow, ReportSource, ReportState, Way
from reports.models.progress import FROZEN_STATES
from reviews.models import Period

NAMED = 5  # units in one sentence


@dataclass(frozen=True)
class May:
    """What a user may do with a report as it stands; `why_not`: what keeps who fills it in from sending it."""

    fill_in: bool = False  # it is his to draft and to send
    submit: bool = False
    discard: bool = False
    take_back: bool = False
    accept: bool = False
    return_: bool = False
    reopen: bool = False
    why_not: str = ""


def may(report: ProgressReport, user: User) -> May:
    """Asked by pages, so that none of them guesses; the verbs look again under their locks."""
    mine = ProgressReport.objects.filter(pk=report.pk)
    fills_in, decides = mine.editable_by(user).exists(), mine.decidable_by(user).exists()
    state = ReportState(report.state)
    is_draft, is_sent, is_accepted = (
        state == each for each in (ReportState.DRAFT, ReportState.SUBMITTED, ReportState.ACCEPTED)
    )
    has_later = (is_sent or is_accepted) and has_later_report(report)
    decides = decides and (report.submitted_by_id is None or report.submitted_by_id != user.pk)
    org, period = report.organization, report.period
    why_not = ""
    if fills_in and not report.is_frozen:
        why_not = why_not_begin(org, period) or (why_not_send(org, period) if is_draft else "")
    return May(
        fill_in=fills_in and not report.is_frozen and report.source == ReportSource.SYSTEM,
        submit=fills_in and is_draft and not why_not,
        discard=fills_in and is_draft,
        take_back=fills_in
        and is_sent
        and not has_later
        and report.source == ReportSource.SYSTEM
        and not why_not_open(org, period),
        accept=decides and is_sent,
        return_=decides and is_sent and not has_later,
        reopen=decides and is_accepted and not has_later and not is_summed_up(report),
        why_not=why_not,
    )


@dataclass(frozen=True)
class UnitMay:
    """What a user may do about the reports of a unit in a period, whether it has one or not."""

    draft: bool = False
    receive: bool = False
    explain: bool = False
    extend: bool = False
    set_way: bool = False
    why_not: str = ""  # what keeps who fills in from drafting


def may_for(org: Organization, period: Period, user: User) -> UnitMay:
    """As `may`, for what begins with the unit."""
    fills_in, oversees = reporting.fills_in(user, org), reporting.oversees(user, org)
    if not fills_in and not oversees:
        return UnitMay()
    way = reporting.way_of(org)
    waits = _waits(org, period)
    is_expected = not reporting.why_not_expected(org, period)
    why_not = (why_not_begin(org, period) or why_not_draft(org, period)) if fills_in else ""
    return UnitMay(
        draft=fills_in and not why_not,
        receive=oversees and way == Way.FORM and is_expected and not waits and not why_not_open(org, period),
        explain=oversees and not reporting.why_not_explain(org, period),
        extend=oversees and way != Way.NONE and is_expected,
        set_way=oversees and org.parent_id is not None and not waits,
        why_not=why_not,
    )


def why_not_begin(org: Organization, period: Period) -> str:
    """Why the organisation itself cannot draft or send in the period; "" where nothing stands against it."""
    way = reporting.way_of(org)
    if way == Way.NONE:
        return f"“{org.name}”不单独上报附件1，由上级统一统计。"
    if way == Way.FORM:
        return f"“{org.name}”用表格上报，由上级录入。"
    return reporting.why_not_expected(org, period) or why_not_open(org, period)


def why_not_open(org: Organization, period: Period) -> str:
    """Whether the period has not begun, or the closing day has passed and the unit was not given longer."""
    if clock.today() < period.starts_on:
        return f"{period.name}从{period.starts_on}开始，还不能填报附件1。"
    if reporting.is_open(org, period):
        return ""
    closes_on = reporting.deadline(period).closes_on
    return f"{period.name}的附件1已于{closes_on}截止：需要补报的，请上级批准延期。"


def why_not_draft(org: Organization, period: Period) -> str:
    """Whether a report of it must be decided on first."""
    if org.parent_id is not None and _waits(org, period):
        return "上一份报表还没有被接收：请等上级接收或退回后，再填报下一份。"
    return ""


def why_not_send(org: Organization, period: Period) -> str:
    """What a draft waits for: the decision on the report before it (reopened since), or the units below."""
    return why_not_draft(org, period) or why_not_sum_up(org, period)


def why_not_sum_up(org: Organization, period: Period) -> str:
    """Which units below are neither accepted nor explained."""
    open_units = [unit for unit in reporting.units_below(org, period) if not unit.is_ready]
    if not open_units:
        return ""
    names = "、".join(unit.org.name for unit in open_units[:NAMED])
    more = f"等 {len(open_units)} 个单位" if len(open_units) > NAMED else ""
    return f"下级的报表还没有全部接收：{names}{more}。请接收，或写明未报的原因。"


def _waits(org: Organization, period: Period) -> bool:
    """A report of it is sent and not decided."""
    return ProgressReport.objects.filter(organization=org, period=period, state=ReportState.SUBMITTED).exists()


def has_later_report(report: ProgressReport) -> bool:
    """The unit has sent another report of the period since, whatever became of it; one only begun does not count."""
    same = ProgressReport.objects.filter(organization=report.organization_id, period=report.period_id)
    return same.filter(pk__gt=report.pk, submitted_at__isnull=False).exists()


def is_summed_up(report: ProgressReport) -> bool:
    """The superior has sent its own report with the sums of this one."""
    return ProgressRow.objects.filter(based_on=report, report__state__in=FROZEN_STATES).exists()
