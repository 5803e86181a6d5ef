"""Annex 1 up the tree (R52 to R54, domain.md 5.10): draft, submit (freezes), accept or return, take back. The only
writer of ProgressReport and ProgressRow.

Each step is undone only by who took it, and only until the next level has gone on: what was sent, until it is decided;
what was accepted, until the superior's own report was sent. `may` says which steps are open to a user; the verbs ask
the same.

新增 = 累计 less what the last accepted report of the same organisation and period said, row by row. At a root nobody
accepts, so there the last submitted one counts. A report in between, submitted and not yet decided, must be decided
first: otherwise two reports would claim the same 新增.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from orgs import audit, clock
from orgs.errors import DomainError, Forbidden, Stale
from orgs.models import Organization, User
from reports import coverage
from reports.annexes import one
from reports.annexes.one import OWN, Numbers, RowFigures, rows_of
from reports.annexes.sheet import Sheet
from reports.models import ProgressReport, ProgressRow, ReportState
from reports.models.progress import FROZEN_STATES, works_for
from reviews.models import Measure, Period

NOTE_LENGTH = 200


class SubmissionRefused(DomainError):
    """The report cannot be drafted, sent or decided like this; the message says what to do."""


# --- what it would say -------------------------------------------------------------------------------------


def rows_now(org: Organization, period: Period) -> list[RowFigures]:
    """本级, then each child with all below it, with the figures of this moment.

    A unit that an accepted report still counts and that no longer is below here keeps a row with nothing due and a
    negative 新增, so that 累计 = last 累计 + 新增 holds in 合计 too (R52).
    """
    last = previous(org, period)
    before = {row.organization_id: row for row in rows_of(last)} if last else {}
    today = clock.today()
    rows = []
    for line in coverage.by_child(period, org):
        due, done = _numbers(line.figures, "due"), _numbers(line.figures, "done")
        if not (line.is_own or any(due.each) or _is_alive(line.org, today)):
            continue  # dissolved, with nothing counted in it any more
        known = before.pop(line.org.pk, None)
        name = OWN if line.is_own else line.org.name
        rows.append(RowFigures(line.org.pk, name, due=due, new=done - known.done if known else done, done=done))
    for row in before.values():
        if any(row.done.each):
            rows.append(RowFigures(row.organization_id, row.unit_name, Numbers(), Numbers() - row.done, Numbers()))
    return rows


def _is_alive(org: coverage.Unit, on: datetime.date) -> bool:
    return (org.founded_on is None or org.founded_on <= on) and (org.dissolved_on is None or org.dissolved_on > on)


def _numbers(figures: Mapping[Measure, coverage.Figure], part: str) -> Numbers:
    return Numbers(*(getattr(figures[measure], part) for measure in Measure))


def previous(org: Organization, period: Period) -> ProgressReport | None:
    """The report that 新增 counts from: the last accepted one; at a root, the last submitted."""
    states = FROZEN_STATES if org.parent_id is None else [ReportState.ACCEPTED]
    sent = ProgressReport.objects.filter(organization=org, period=period, state__in=states)
    return sent.order_by("-submitted_at", "-pk").first()


def last_sent(org: Organization, period: Period) -> ProgressReport | None:
    """The last report submitted and not returned."""
    sent = ProgressReport.objects.frozen().filter(organization=org, period=period)
    return sent.order_by("-submitted_at", "-pk").first()


def has_decrease(rows: Sequence[RowFigures]) -> bool:
    """A 新增 below zero: 累计 went down since the last accepted report."""
    return any(row.new.has_decrease for row in rows)


def sheet_of(report: ProgressReport) -> Sheet:
    """The form: of a draft with the figures of this moment, as it would be sent; of any other with those kept."""
    if report.state == ReportState.DRAFT:
        return one.sheet(report.unit_name, report.reported_on, rows_now(report.organization, report.period))
    return one.of_report(report)


@dataclass(frozen=True)
class Difference:
    """A line of a report that would be different now: 应 and 累计 as sent, and as they are."""

    unit_name: str
    measure: str
    due: int
    due_now: int
    done: int
    done_now: int


def differences(report: ProgressReport) -> list[Difference]:
    """Where a report that was sent and the figures of this moment differ, line by line; 合计 is their sum."""
    now = {row.organization_id: row for row in rows_now(report.organization, report.period)}
    kept = {row.organization_id: row for row in rows_of(report)}
    found = []
    for org_id in dict.fromkeys([*kept, *now]):
        sent, live = kept.get(org_id), now.get(org_id)
        name = (sent or live).unit_name  # type: ignore[union-attr]
        numbers = [(row.due.each, row.done.each) if row else ((0,) * len(Measure),) * 2 for row in (sent, live)]
        for at, measure in enumerate(Measure):
            (due, done), (due_now, done_now) = ((dues[at], dones[at]) for dues, dones in numbers)
            if (due, done) != (due_now, done_now):
                found.append(Difference(name, measure.label, due, due_now, done, done_now))
    return found


@dataclass(frozen=True)
class May:
    """What a user may do with a report as it stands."""

    fill_in: bool = False  # it is his to draft and to send
    submit: bool = False
    take_back: bool = False
    accept: bool = False
    return_: bool = False
    reopen: bool = False


def may(report: ProgressReport, user: User) -> May:
    """Asked by pages, so that none of them guesses; the verbs look again under their locks."""
    mine = ProgressReport.objects.filter(pk=report.pk)
    fills_in, decides = mine.editable_by(user).exists(), mine.decidable_by(user).exists()
    state = ReportState(report.state)
    is_sent, is_accepted = state == ReportState.SUBMITTED, state == ReportState.ACCEPTED
    has_later = (is_sent or is_accepted) and _later(report)
    decides = decides and report.submitted_by_id != user.pk
    return May(
        fill_in=fills_in and not report.is_frozen,
        submit=fills_in and state == ReportState.DRAFT,
        take_back=fills_in and is_sent and not has_later,
        accept=decides and is_sent,
        return_=decides and is_sent and not has_later,
        reopen=decides and is_accepted and not has_later and not _is_summed_up(report),
    )


def _later(report: ProgressReport) -> bool:
    """The unit has begun another report of the period since."""
    same = ProgressReport.objects.filter(organization=report.organization_id, period=report.period_id)
    return same.filter(pk__gt=report.pk).exists()


def _is_summed_up(report: ProgressReport) -> bool:
    """The superior has sent its own report since this one was accepted."""
    above = ProgressReport.objects.frozen().filter(
        organization=report.organization.parent_id, period=report.period_id, submitted_at__gte=report.decided_at
    )
    return above.exists()


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
        undecided = ProgressReport.objects.filter(organization=org, period=period, state=ReportState.SUBMITTED)
        if org.parent_id is not None and undecided.exists():
            raise SubmissionRefused("上一份报表还没有被接收：请等上级接收或退回后，再填报下一份。")
        report = (
            ProgressReport.objects.select_for_update()
            .filter(organization=org, period=period, state__in=[ReportState.DRAFT, ReportState.RETURNED])
            .first()
        )
        before = report.state if report else ""
        report = report or ProgressReport(organization=org, period=period)
        report.state = ReportState.DRAFT
        report.unit_name = org.name
        report.reported_on = reported_on or clock.today()
        report.created_by = by
        _check_day(report)
        report.save()
        _write_rows(report, rows_now(org, period))
        audit.record(by, "填报附件1", [report], changes={report.pk: ({"state": before}, {"state": report.state})})
        return report


def submit(
    report: ProgressReport, *, by: User | None, reported_on: datetime.date | None = None, correction_note: str = ""
) -> ProgressReport:
    """Send it: the figures of this moment are written and never change again.

    `correction_note` is asked for where a 累计 went down. Raises Forbidden, Stale, SubmissionRefused.
    """
    with transaction.atomic():
        org = Organization.objects.select_for_update(no_key=True).get(pk=report.organization_id)
        report = _locked(report)
        _must_fill_in(org, by)
        if report.state != ReportState.DRAFT:
            raise Stale(f"这份报表现在是“{report.get_state_display()}”，不能再次上报。")
        report.reported_on = reported_on or report.reported_on
        _check_day(report)
        rows = rows_now(org, report.period)
        note = correction_note.strip() or report.correction_note
        if has_decrease(rows) and not note:
            raise SubmissionRefused("有单位的累计数比上次已接收的报表减少了：请填写更正说明后再上报。")
        report.correction_note = note[:NOTE_LENGTH] if has_decrease(rows) else ""
        report.unit_name = org.name
        report.state = ReportState.SUBMITTED
        report.submitted_at, report.submitted_by = timezone.now(), by
        report.decided_at, report.return_reason = None, ""
        report.save()
        _write_rows(report, rows)
        _audit(report, by, "上报附件1", ReportState.DRAFT)
        return report


def accept(report: ProgressReport, *, by: User | None) -> ProgressReport:
    """The superior takes it in: the next 新增 counts from here. Raises Forbidden, Stale."""
    with transaction.atomic():
        report = _to_decide(report, by)
        report.state, report.decided_at = ReportState.ACCEPTED, timezone.now()
        report.save(update_fields=["state", "decided_at"])
        _audit(report, by, "接收附件1", ReportState.SUBMITTED)
        return report


def return_(report: ProgressReport, *, reason: str, by: User | None) -> ProgressReport:
    """The superior sends it back, with a reason; it can be drafted again. Raises Forbidden, Stale, SubmissionRefused."""
    reason = reason.strip()
    if not reason:
        raise SubmissionRefused("请填写退回原因。")
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=report.organization_id)
        report = _to_decide(report, by)
        if _later(report):
            raise SubmissionRefused("该单位已经在填报下一份报表，这一份不能再退回；请直接接收。")
        report.state, report.decided_at = ReportState.RETURNED, timezone.now()
        report.return_reason = reason[:NOTE_LENGTH]
        report.save(update_fields=["state", "decided_at", "return_reason"])
        _audit(report, by, "退回附件1", ReportState.SUBMITTED, summary=f"{report}：{reason}")
        return report


def take_back(report: ProgressReport, *, by: User | None) -> ProgressReport:
    """Whoever sends for the unit takes it back, until it is decided: a draft again. Raises Forbidden, Stale, SubmissionRefused."""
    with transaction.atomic():
        org = Organization.objects.select_for_update(no_key=True).get(pk=report.organization_id)
        report = _locked(report)
        _must_fill_in(org, by)
        if report.state != ReportState.SUBMITTED:
            raise Stale(f"这份报表现在是“{report.get_state_display()}”，不能撤回。")
        if _later(report):
            raise SubmissionRefused("已经在填报下一份报表，这一份不能再撤回；要改的写进下一份。")
        report.state, report.submitted_at, report.submitted_by = ReportState.DRAFT, None, None
        report.save(update_fields=["state", "submitted_at", "submitted_by"])
        _audit(report, by, "撤回附件1", ReportState.SUBMITTED)
        return report


def reopen(report: ProgressReport, *, by: User | None) -> ProgressReport:
    """The superior undoes its acceptance, until its own report was sent: to be decided again.

    Raises Forbidden, Stale, SubmissionRefused.
    """
    with transaction.atomic():
        units = sorted({report.organization_id, report.organization.parent_id or report.organization_id})
        list(Organization.objects.select_for_update(no_key=True).filter(pk__in=units).order_by("pk"))
        report = _to_decide(report, by, ReportState.ACCEPTED, "不能撤销接收")
        if _is_summed_up(report):
            raise SubmissionRefused("本级的报表已经上报，先撤回本级的，才能撤销对下级的接收。")
        if _later(report):
            raise SubmissionRefused("该单位已经在填报下一份报表，这一份不能再撤销接收；要改的写进下一份。")
        report.state, report.decided_at = ReportState.SUBMITTED, None
        report.save(update_fields=["state", "decided_at"])
        _audit(report, by, "撤销接收附件1", ReportState.ACCEPTED)
        return report


# --- authority and the rest ---------------------------------------------------------------------------------


def _locked(report: ProgressReport) -> ProgressReport:
    return ProgressReport.objects.select_for_update(of=("self",)).select_related("period").get(pk=report.pk)


def _must_fill_in(org: Organization, by: User | None) -> None:
    """The organisation's office (or a superior one) and its head; None is the system itself."""
    if by is not None and not Organization.objects.filter(works_for(by), pk=org.pk).exists():
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


def _check_day(report: ProgressReport) -> None:
    """Not after today, and not before the last report that was sent (domain.md 5.10)."""
    if report.reported_on > clock.today():
        raise SubmissionRefused("上报日期不能晚于今天。")
    sent = ProgressReport.objects.frozen().filter(organization=report.organization_id, period=report.period_id)
    last = sent.exclude(pk=report.pk).order_by("-reported_on").first()
    if last is not None and report.reported_on < last.reported_on:
        raise SubmissionRefused(f"上报日期不能早于上一份报表的日期（{last.reported_on:%Y-%m-%d}）。")


def _write_rows(report: ProgressReport, rows: Sequence[RowFigures]) -> None:
    """Replace the rows. 累计 above 应 means that the figures themselves are wrong, and nothing is written."""
    for row in rows:
        if any(done > due for done, due in zip(row.done.each, row.due.each, strict=True)):
            raise SubmissionRefused(
                f"“{row.unit_name}”的累计数大于应点评数，请管理员先核对覆盖数据（check_coverage）。"
            )
    report.rows.all().delete()
    ProgressRow.objects.bulk_create(
        ProgressRow(
            report=report,
            order=order,
            organization_id=row.organization_id,
            unit_name=row.unit_name,
            **{
                f"{part}_{measure}": value
                for part, numbers in (("due", row.due), ("new", row.new), ("done", row.done))
                for measure, value in zip(Measure.values, numbers.each, strict=True)
            },
        )
        for order, row in enumerate(rows, start=1)
    )


def _audit(report: ProgressReport, by: User | None, verb: str, before: str, *, summary: str = "") -> None:
    changes = {report.pk: ({"state": before}, {"state": report.state, "reported_on": report.reported_on})}
    audit.record(by, verb, [report], summary=summary, changes=changes)
