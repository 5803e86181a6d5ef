"""Annex 1 up the tree (R52 to R54, domain.md 5.10): draft, submit (freezes), accept or return, take back; and what a
unit outside the system sent, entered. The only writer of ProgressReport, ProgressRow and ProgressNames.

A level is sent when every unit below that reports was accepted, or its absence is explained. Each step is undone only
by who took it, and only until the next level has gone on: what was sent, until it is decided; what was accepted, until
the superior's own report was sent with it. A draft binds nobody: it is discarded at will, and goes where the report
before it becomes the open one again; until that is decided anew, it waits. After the closing day nothing is drafted or sent but by who was given
longer. `may` and `may_for` say which steps are open to a user; the verbs ask the same.

新增 = 累计 less what the last accepted report of the same organisation and period said, row by row. At a root nobody
accepts, so there the last submitted one counts. A report in between, submitted and not yet decided, must be decided
first: otherwise two reports would claim the same 新增.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from orgs import audit, clock
from orgs.errors import Forbidden, Stale
from orgs.models import Organization, User
from reports import report_names, report_notices, reporting
from reports.allowed import (
    May,
    UnitMay,
    has_later_report,
    is_summed_up,
    may,
    may_for,
    why_not_begin,
    why_not_draft,
    why_not_open,
    why_not_send,
)
from reports.annexes import one, words
from reports.annexes.one import Numbers, RowFigures, rows_of
from reports.annexes.sheet import Sheet
from reports.models import ProgressReport, ProgressRow, ReportSource, ReportState, RowBasis, Way
from reports.models.progress import FROZEN_STATES
from reports.report_rows import (
    SubmissionRefused,
    has_decrease,
    last_sent,
    previous,
    rows_now,
    with_lists,
    write,
)
from reviews.models import Measure, Period

__all__ = [
    "May",
    "SubmissionRefused",
    "UnitMay",
    "WrongDay",
    "has_decrease",
    "last_sent",
    "may",
    "may_for",
    "previous",
    "rows_now",
]

NOTE_LENGTH = 200
DISCARD = "放弃附件1草稿"


class WrongDay(SubmissionRefused):
    """上报日期 cannot be that day."""


def rows_shown(report: ProgressReport) -> list[RowFigures]:
    """The lines: of a draft with the figures of this moment, as it would be sent; of any other those kept."""
    return rows_now(report.organization, report.period) if report.state == ReportState.DRAFT else rows_of(report)


def sheet_of(report: ProgressReport) -> Sheet:
    """The form of these lines."""
    return one.of_report(report, rows_shown(report))


# --- the verbs ------------------------------------------------------------------------------------------------


def draft(
    org: Organization, period: Period, *, by: User | None, reported_on: datetime.date | None = None
) -> ProgressReport:
    """The open report of the organisation and period, new or drafted again, with the figures of this moment.

    Safe under a double click: there is one open report at a time. Raises Forbidden, SubmissionRefused.
    """
    with transaction.atomic():
        org = Organization.objects.select_for_update(no_key=True).get(pk=org.pk)  # one drafts at a time
        _must_fill_in(org, by)
        _refuse(why_not_begin(org, period) or why_not_draft(org, period))
        report = _open_report(org, period)
        before = report.state if report.pk else ""
        report.state, report.source, report.note = ReportState.DRAFT, ReportSource.SYSTEM, ""
        report.unit_name = org.name
        report.reported_on = reported_on or clock.today()
        report.created_by = by
        _check_day(report)
        report.save()
        if report.submitted_at is None:  # one that was returned keeps what was sent, until it is sent again
            write(report, rows_now(org, period))
        audit.record(by, "填报附件1", [report], changes={report.pk: ({"state": before}, {"state": report.state})})
        return report


def submit(
    report: ProgressReport, *, by: User | None, reported_on: datetime.date | None = None, correction_note: str = ""
) -> ProgressReport:
    """Send it: the figures of this moment, and who stands behind them, are written and never change again.

    `correction_note` is asked for where a 累计 went down. Raises Forbidden, Stale, SubmissionRefused, the latter also
    while a unit below is neither accepted nor its absence explained; WrongDay where it cannot be dated so.
    """
    with transaction.atomic():
        org = Organization.objects.select_for_update(no_key=True).get(pk=report.organization_id)
        report = _locked(report)
        _must_fill_in(org, by)
        if report.state != ReportState.DRAFT:
            raise Stale(f"这份报表现在是“{report.get_state_display()}”，不能再次上报。")
        period = report.period
        _refuse(why_not_begin(org, period) or why_not_send(org, period))
        report.reported_on = reported_on or report.reported_on
        _check_day(report)
        last = previous(org, period)
        rows, lists = with_lists(org, period, rows_now(org, period))
        note = correction_note.strip() or report.correction_note
        if has_decrease(rows) and not note:
            raise SubmissionRefused("有单位的累计数比上次已接收的报表减少了：请填写更正说明后再上报。")
        report.correction_note = note[:NOTE_LENGTH] if has_decrease(rows) else ""
        report.unit_name, report.activity = org.name, words.activity()
        _mark_sent(report, by)
        report.save()
        report_names.freeze(write(report, rows), lists, last)
        _audit(report, by, "上报附件1", ReportState.DRAFT)
        report_notices.waits(report, by)
        return report


def discard(report: ProgressReport, *, by: User | None) -> ProgressReport | None:
    """放弃草稿: a draft goes, as if it had never been begun (None); one that was returned is the returned one again.

    Raises Forbidden, Stale, SubmissionRefused.
    """
    with transaction.atomic():
        org = Organization.objects.select_for_update(no_key=True).get(pk=report.organization_id)
        report = _locked(report)
        _must_fill_in(org, by)
        if report.state != ReportState.DRAFT:
            raise Stale(f"这份报表现在是“{report.get_state_display()}”，不是草稿，不能放弃。")
        if report.submitted_at is None:
            _remove(report, by)
            return None
        report.state = ReportState.RETURNED
        report.save(update_fields=["state"])
        _audit(report, by, DISCARD, ReportState.DRAFT)
        return report


def receive(
    org: Organization,
    period: Period,
    rows: Sequence[RowFigures],
    *,
    reported_on: datetime.date,
    by: User | None,
    source: str,
    note: str = "",
    activity: str | None = None,
) -> ProgressReport:
    """What a unit outside the system sent, by form or by link: kept as typed, to be accepted or returned like any other.

    `by` enters it (None: the unit itself, by its link); nobody of the system has sent it, so whoever enters it may
    also accept it. `activity`: that of the form which it filled in. Lines are told apart by organisation and name. Raises Forbidden, SubmissionRefused.
    """
    note = note.strip()
    with transaction.atomic():
        org = reporting.hold(org)
        if by is not None and not reporting.oversees(by, org):
            raise Forbidden("只有上级组织的办公室或负责人可以录入下级的报表。")
        if reporting.way_of(org) != Way.FORM:
            raise SubmissionRefused(f"“{org.name}”不是用表格上报的单位，请先设定上报方式。")
        if source not in (ReportSource.FORM, ReportSource.LINK):
            raise SubmissionRefused("请说明报表是由表格还是由链接报来的。")
        _refuse(reporting.why_not_expected(org, period) or why_not_open(org, period) or why_not_draft(org, period))
        report = _open_report(org, period)
        before = report.state if report.pk else ""
        report.reported_on, report.unit_name = reported_on, org.name
        _check_day(report)
        _check_typed(rows, previous(org, period), note)
        report.source, report.note = source, note[:NOTE_LENGTH]
        report.activity = words.activity() if activity is None else activity
        report.correction_note = report.note if has_decrease(rows) else ""
        report.created_by = by
        _mark_sent(report, None)
        report.save()
        write(report, [replace(row, basis=RowBasis.TYPED, based_on_id=None, absence="") for row in rows])
        _audit(report, by, "录入附件1", before, summary=f"{report}：{report.get_source_display()}")
        report_notices.waits(report, by)
        return report


def accept(report: ProgressReport, *, by: User | None) -> ProgressReport:
    """The superior takes it in: the next 新增 counts from here. Raises Forbidden, Stale."""
    with transaction.atomic():
        reporting.hold(report.organization)  # the superior too: it sums up what was accepted
        report = _to_decide(report, by)
        report.state, report.decided_at = ReportState.ACCEPTED, clock.now()
        report.save(update_fields=["state", "decided_at"])
        _audit(report, by, "接收附件1", ReportState.SUBMITTED)
        report_notices.accepted(report, by)
        return report


def return_(report: ProgressReport, *, reason: str, by: User | None) -> ProgressReport:
    """The superior sends it back, with a reason; it can be drafted again, and for some days counts as sent when it first
    was. Raises Forbidden, Stale, SubmissionRefused."""
    reason = reason.strip()
    if not reason:
        raise SubmissionRefused("请填写退回原因。")
    with transaction.atomic():
        reporting.hold(report.organization)
        report = _to_decide(report, by)
        if has_later_report(report):
            raise SubmissionRefused("该单位已经上报过下一份报表，这一份不能再退回；请直接接收。")
        _remove_draft_after(report, by)
        report.state, report.decided_at = ReportState.RETURNED, clock.now()
        report.return_reason, report.resend_by = reason[:NOTE_LENGTH], clock.today() + reporting.RESEND_WITHIN
        report.save(update_fields=["state", "decided_at", "return_reason", "resend_by"])
        _audit(report, by, "退回附件1", ReportState.SUBMITTED, summary=f"{report}：{reason}")
        report_notices.returned(report, by)
        return report


def take_back(report: ProgressReport, *, by: User | None) -> ProgressReport:
    """Whoever sends for the unit takes it back, until it is decided: a draft again. Raises Forbidden, Stale, SubmissionRefused."""
    with transaction.atomic():
        org = Organization.objects.select_for_update(no_key=True).get(pk=report.organization_id)
        report = _locked(report)
        _must_fill_in(org, by)
        if report.state != ReportState.SUBMITTED:
            raise Stale(f"这份报表现在是“{report.get_state_display()}”，不能撤回。")
        if report.source != ReportSource.SYSTEM:
            raise SubmissionRefused("这份报表是报送来录入的，不能撤回；数字有误的，请上级退回后重新录入。")
        _refuse(why_not_open(org, report.period))
        if has_later_report(report):
            raise SubmissionRefused("已经上报过下一份报表，这一份不能再撤回；要改的写进下一份。")
        _remove_draft_after(report, by)
        report.state, report.submitted_at, report.submitted_by = ReportState.DRAFT, None, None
        report.sent_on = None
        report.save(update_fields=["state", "submitted_at", "submitted_by", "sent_on"])
        _audit(report, by, "撤回附件1", ReportState.SUBMITTED)
        return report


def reopen(report: ProgressReport, *, by: User | None) -> ProgressReport:
    """The superior undoes its acceptance, until its own report was sent: to be decided again. A draft that the unit has
    begun since waits for that.

    Raises Forbidden, Stale, SubmissionRefused.
    """
    with transaction.atomic():
        reporting.hold(report.organization)
        report = _to_decide(report, by, ReportState.ACCEPTED, "不能撤销接收")
        if is_summed_up(report):
            raise SubmissionRefused("本级的报表已经上报，先撤回本级的，才能撤销对下级的接收。")
        if has_later_report(report):
            raise SubmissionRefused("该单位已经上报过下一份报表，这一份不能再撤销接收；要改的写进下一份。")
        report.state, report.decided_at = ReportState.SUBMITTED, None
        report.save(update_fields=["state", "decided_at"])
        _audit(report, by, "撤销接收附件1", ReportState.ACCEPTED)
        return report


# --- authority and the rest ---------------------------------------------------------------------------------


def _locked(report: ProgressReport) -> ProgressReport:
    return ProgressReport.objects.select_for_update(of=("self",)).select_related("period").get(pk=report.pk)


def _must_fill_in(org: Organization, by: User | None) -> None:
    """The organisation's office (or a superior one) and its head; None is the system itself."""
    if by is not None and not reporting.fills_in(by, org):
        raise Forbidden("只有本单位的办公室（联络员）或负责人可以填报和上报。")


def _to_decide(
    report: ProgressReport, by: User | None, state: str = ReportState.SUBMITTED, why_not: str = "不能再接收或退回"
) -> ProgressReport:
    """The locked report, where it is in that state and `by` may decide on it: the superior, never who sent it."""
    report = _locked(report)
    if by is not None:
        if not ProgressReport.objects.decidable_by(by).filter(pk=report.pk).exists():
            raise Forbidden("只有上级组织的办公室或负责人可以接收或退回。")
        if report.submitted_by_id == by.pk:
            raise Forbidden("自己上报的报表不能由自己接收或退回。")
    if report.state != state:
        raise Stale(f"这份报表现在是“{report.get_state_display()}”，{why_not}。")
    return report


def _refuse(why_not: str) -> None:
    if why_not:
        raise SubmissionRefused(why_not)


def _mark_sent(report: ProgressReport, by: User | None) -> None:
    """Sent at this moment. One that was returned and comes back within the days for it counts from its first sending."""
    today = clock.today()
    if report.counts_on is None or report.resend_by is None or today > report.resend_by:
        report.counts_on = today
    report.state, report.decided_at, report.return_reason = ReportState.SUBMITTED, None, ""
    report.submitted_at, report.submitted_by, report.sent_on = timezone.now(), by, today


def _open_report(org: Organization, period: Period) -> ProgressReport:
    """The draft or returned one of the period, locked, or a new one."""
    found = ProgressReport.objects.select_for_update().filter(
        organization=org, period=period, state__in=[ReportState.DRAFT, ReportState.RETURNED]
    )
    return found.first() or ProgressReport(organization=org, period=period)


def _remove_draft_after(report: ProgressReport, by: User | None) -> None:
    """The report becomes the open one again; a draft begun since has no place beside it."""
    drafts = ProgressReport.objects.select_for_update(of=("self",)).filter(
        organization=report.organization_id, period=report.period_id, state=ReportState.DRAFT, submitted_at=None
    )
    for draft in drafts.exclude(pk=report.pk):
        _remove(draft, by)


def _remove(report: ProgressReport, by: User | None) -> None:
    """A draft goes; lines of superiors' drafts that rested on it, before it was taken back, rest on nothing."""
    ProgressRow.objects.filter(based_on=report).exclude(report__state__in=FROZEN_STATES).update(based_on=None)
    audit.record(by, DISCARD, [report], changes={report.pk: ({"state": report.state}, {"state": ""})})
    try:
        report.delete()
    except ProtectedError as error:
        raise SubmissionRefused("已有下发的表格接续这份报表，它的草稿不能放弃：请改好后重新上报。") from error


def _check_typed(rows: Sequence[RowFigures], last: ProgressReport | None, note: str) -> None:
    """Figures that somebody typed hold what computed ones do (R52)."""
    if not rows:
        raise SubmissionRefused("报表里一行数字也没有。")
    before: dict[tuple[int, str], Numbers] = {}
    for row in rows_of(last) if last else []:
        key = row.organization_id, row.unit_name
        before[key] = before.get(key, Numbers()) + row.done
    seen = set()
    for row in rows:
        key = row.organization_id, row.unit_name
        if key in seen:
            raise SubmissionRefused(f"“{row.unit_name}”出现了两行，请合并成一行。")
        seen.add(key)
        known = before.pop(key, Numbers())
        for at, measure in enumerate(Measure):
            due, new, done, was = row.due.each[at], row.new.each[at], row.done.each[at], known.each[at]
            where = f"“{row.unit_name}”{measure.label}："
            if due < 0 or done < 0:
                raise SubmissionRefused(f"{where}应点评数和累计数不能小于零。")
            if done > due:
                raise SubmissionRefused(f"{where}累计 {done} 大于应点评 {due}。")
            if done != was + new:
                raise SubmissionRefused(f"{where}累计 {done} 不等于上次已接收的累计 {was} 加本次新增 {new}。")
    gone = [name for (_, name), done in before.items() if any(done.each)]
    if gone:
        raise SubmissionRefused(f"上一份报表里的“{gone[0]}”这次没有，请保留这一行。")
    if has_decrease(rows) and not note:
        raise SubmissionRefused("有单位的新增数小于零，累计比上次减少了：请在备注里说明原因。")


def _check_day(report: ProgressReport) -> None:
    """In the period or after it, not after today, and not before the last report that was sent (domain.md 5.10)."""
    if report.reported_on > clock.today():
        raise WrongDay("上报日期不能晚于今天。")
    period = report.period
    if report.reported_on < period.starts_on:
        raise WrongDay(f"上报日期不能早于{period.name}的第一天（{period.starts_on:%Y-%m-%d}）。")
    sent = ProgressReport.objects.frozen().filter(organization=report.organization_id, period=period)
    last = sent.exclude(pk=report.pk).order_by("-reported_on").first()
    if last is not None and report.reported_on < last.reported_on:
        raise WrongDay(f"上报日期不能早于上一份报表的日期（{last.reported_on:%Y-%m-%d}）。")


def _audit(report: ProgressReport, by: User | None, verb: str, before: str, *, summary: str = "") -> None:
    changes = {report.pk: ({"state": before}, {"state": report.state, "reported_on": report.reported_on})}
    audit.record(by, verb, [report], summary=summary, changes=changes)
