"""Verbs of 交回的表: read a file that came back, show what it would do, take it in as the unit's report, or drop it."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import PurePath

from django.db import transaction

from orgs import audit, clock
from orgs.errors import DomainError, Forbidden, Stale
from orgs.importing.reading import Unreadable
from orgs.models import User
from reports import reporting
from reports.annexes.one import Numbers, RowFigures
from reports.models import OutsideIssue, ProgressReport, ReturnedForm
from reports.outside import figures, issues, reading
from reports.outside.figures import Answer
from reviews.models import Period

KEPT_DAYS = 30
SHOWN = 50  # problems of a file


class ReturnRefused(DomainError):
    """The file cannot be taken in."""


def upload(data: bytes, file_name: str, *, period: Period, by: User) -> ReturnedForm:
    """Read and check a file that came back for this period, and keep what it says for the preview.

    A file that cannot be read or is no form of ours is kept with its problem, so that several at once are told of each.
    """
    name = PurePath(file_name.replace("\\", "/")).name[-200:]
    returned = ReturnedForm(by=by, period=period, file_name=name, sha256=hashlib.sha256(data).hexdigest())
    try:
        _read(returned, reading.read(data, name), period, by)
    except (Unreadable, reading.NotOurs) as refusal:
        returned.problems = [str(refusal).rstrip("。")]
    with transaction.atomic():
        old = clock.now() - datetime.timedelta(days=KEPT_DAYS)
        ReturnedForm.objects.filter(by=by, at__lt=old).delete()
        returned.save()
        audit.record(by, "上传交回的附件1", [returned], summary=name)
    return returned


def _read(returned: ReturnedForm, cells: reading.Cells, period: Period, by: User) -> None:
    """What the file says, and what is wrong with it; no word of a unit that the user has nothing to do with."""
    identity = cells.identity
    found = OutsideIssue.objects.filter(organization__code=identity.code, serial=identity.serial)
    issue = found.filter(period__code=identity.period).select_related("organization", "period", "report").first()
    if issue is None or not reporting.oversees(by, issue.organization):
        returned.problems = [f"表号 {identity.words} 不是您下发的表：请核对是哪个单位的表，或重新下发"]
        return
    returned.issue = issue
    if issue.period_id != period.pk:
        returned.problems = [f"这是{issue.period.name}的表，现在收的是{period.name}：请换成本期的表，或到那一期去收"]
        return
    filled = reading.understand(cells.rows, issues.lines(issue))
    returned.reported_on, returned.note = filled.reported_on, filled.note
    returned.answers = [[answer.name, answer.due.each, answer.new.each] for answer in filled.answers]
    returned.problems = filled.problems[:SHOWN]
    if len(filled.problems) > SHOWN:
        returned.problems.append(f"另有 {len(filled.problems) - SHOWN} 处问题没有列出")
    if not returned.problems:
        returned.problems = rehearse(returned, by=by)


def answers(returned: ReturnedForm) -> list[Answer]:
    """What the file says, line by line."""
    return [Answer(name, Numbers(*due), Numbers(*new)) for name, due, new in returned.answers]


def rows(returned: ReturnedForm) -> list[RowFigures]:
    """The report that it would become; empty while it has none."""
    if returned.issue is None or not returned.answers:
        return []
    return figures.rows_of(issues.lines(returned.issue), answers(returned))


def rehearse(returned: ReturnedForm, *, by: User) -> list[str]:
    """Why it cannot be taken in now, by trying and taking it back; [] where it can. Without a full stop, as problems are."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                _receive(returned, by)
                transaction.set_rollback(True)
        except DomainError as refusal:
            return [str(refusal).rstrip("。")]
    return []


def take(returned: ReturnedForm, *, by: User) -> ProgressReport:
    """The file becomes the unit's report, to be accepted or returned as any other.

    Raises Forbidden, Stale, ReturnRefused, IssueRefused, SubmissionRefused.
    """
    with transaction.atomic():
        returned = (
            ReturnedForm.objects.select_for_update(of=("self",))
            .select_related("issue__organization")
            .get(pk=returned.pk)
        )
        if returned.by_id != by.pk:
            raise Forbidden("这份表是别人上传的，请由上传的人收下，或自己重新上传。")
        if returned.taken_at is not None:
            raise Stale("这份表已经收下。")
        if returned.problems:
            raise ReturnRefused("这份表还有问题，不能收下：请改正后重新上传。")
        report = _receive(returned, by)
        returned.taken_at = clock.now()
        returned.save(update_fields=["taken_at"])
        audit.record(by, "收下交回的附件1", [returned], summary=f"{report}：{returned.file_name}")
    return report


def _receive(returned: ReturnedForm, by: User) -> ProgressReport:
    if returned.issue is None or returned.reported_on is None:
        raise ReturnRefused("这份表没有读出内容，不能收下。")
    issue = issues.locked(returned.issue)
    return issues.receive(issue, answers(returned), reported_on=returned.reported_on, note=returned.note, by=by)


@transaction.atomic
def drop(returned: ReturnedForm, *, by: User) -> None:
    """Put aside what was uploaded; a report that it became stays. Raises Forbidden."""
    if returned.by_id != by.pk:
        raise Forbidden("这份表是别人上传的。")
    audit.record(by, "删除交回的附件1", [returned], summary=returned.file_name)
    ReturnedForm.objects.filter(pk=returned.pk).delete()
