"""Verbs of 下发: issue a form or a one-time link to a unit outside the system, revoke it, take in what a link sends.

Issues are numbered for each unit and period; the newest that was received decides: an older one is not taken any more. A
link is good until a day and for one sending; it may be opened more than once before. Only its digest is kept.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, QuerySet

from orgs import audit, clock, tokens
from orgs.cells import clean
from orgs.errors import DomainError, Forbidden, Stale
from orgs.models import Organization, Relation, User
from reports import reporting, submissions
from reports.annexes import one, words
from reports.models import IssueWay, OutsideIssue, ProgressReport, ReportSource, ReportState, Way
from reports.outside import figures, workbook
from reports.outside.figures import Answer, Line
from reports.outside.workbook import Form, Identity
from reviews.models import Period

LONGEST = 90  # days that a link may be good for
DAYS = 14  # unless said otherwise
NAMES = 60  # lines that the office may set
SENDER_LENGTH = 50

NOT_IN_A_FILE_NAME = re.compile(r'[\\/:*?"<>|]')


class IssueRefused(DomainError):
    """It cannot be issued, or what it brought cannot be taken."""


@dataclass(frozen=True)
class Status:
    """How far an issue is: a word, and what can be done with it."""

    word: str
    tone: str
    is_open: bool  # something may still come by it


def units(org: Organization, period: Period) -> QuerySet[Organization]:
    """The units just below that report by form or link and of whom a report of the period can come, in their order."""
    below = reporting.expected(Organization.objects.filter(parent=org), period)
    return reporting.with_way(below).filter(own_way=Way.FORM).order_by("order", "code")


def candidates(org: Organization) -> QuerySet[Organization]:
    """The units in guidance just below that still report in the system, in their order."""
    below = Organization.objects.alive(clock.today()).filter(parent=org, relation=Relation.GUIDANCE)
    return reporting.with_way(below).filter(own_way=Way.SYSTEM).order_by("order", "code")


@transaction.atomic
def set_outside(orgs: Iterable[Organization], *, reason: str, by: User) -> int:
    """Have these units report by form from now on, all or none. Raises Forbidden, ReportingRefused."""
    count = 0
    for org in sorted(orgs, key=lambda each: each.pk):
        reporting.set_way(org, Way.FORM, reason=reason, by=by)
        count += 1
    return count


def status(issue: OutsideIssue, newest_received: int = 0) -> Status:
    """Where it stands; `newest_received` is the highest number of the unit's issues that came back."""
    if issue.report is not None and issue.received_at is not None:
        state = issue.report.state
        if state == ReportState.ACCEPTED:
            return Status("已接收", "success", False)
        if state == ReportState.SUBMITTED:
            return Status("已报送，待接收", "primary", False)
        # A form may be mended and sent again; a link was good for one sending.
        return Status("已退回", "danger", not issue.is_link and issue.revoked_at is None)
    if issue.revoked_at is not None:
        return Status("已停用", "secondary", False)
    if issue.serial < newest_received:
        return Status("已被新的代替", "secondary", False)
    if issue.expires_on is not None and issue.expires_on < clock.today():
        return Status("已过期", "secondary", False)
    return Status("已打开" if issue.opened_at else "已下发", "warning" if issue.opened_at else "info", True)


@dataclass(frozen=True)
class Standing:
    """A unit in a period: its last report, and what was issued to it, the newest first, each with its status."""

    org: Organization
    report: ProgressReport | None
    issues: list[tuple[OutsideIssue, Status]]

    @property
    def last(self) -> tuple[OutsideIssue, Status] | None:
        """The newest issue."""
        return self.issues[0] if self.issues else None


def standings(orgs: Sequence[Organization], period: Period) -> list[Standing]:
    """How far these units are, in two queries."""
    pks = [org.pk for org in orgs]
    sent = ProgressReport.objects.filter(organization__in=pks, period=period).exclude(state=ReportState.DRAFT)
    reports = {report.organization_id: report for report in sent.order_by("submitted_at", "pk")}
    issued: dict[int, list[OutsideIssue]] = {pk: [] for pk in pks}
    rows = OutsideIssue.objects.filter(organization__in=pks, period=period).select_related(
        "report", "issued_by__person"
    )
    for issue in rows.order_by("-serial"):
        issued[issue.organization_id].append(issue)
    found = []
    for org in orgs:
        newest = max((issue.serial for issue in issued[org.pk] if issue.received_at), default=0)
        told = [(issue, status(issue, newest)) for issue in issued[org.pk]]
        found.append(Standing(org, reports.get(org.pk), told))
    return found


# --- issue ------------------------------------------------------------------------------------------------------------


def issue_form(org: Organization, period: Period, *, names: Iterable[str] = (), by: User) -> OutsideIssue:
    """A new form for the unit; `names`: lines for units of its own that the office sets.

    Raises Forbidden, IssueRefused.
    """
    with transaction.atomic():
        made = _issue(org, period, names, by, OutsideIssue(way=IssueWay.FORM))
        audit.record(by, "下发附件1表格", [made])
    return made


def issue_link(
    org: Organization, period: Period, *, until: datetime.date, names: Iterable[str] = (), by: User
) -> tuple[OutsideIssue, str]:
    """A new one-time link, good until that day; its secret is told only now. Raises Forbidden, IssueRefused."""
    today = clock.today()
    if not today <= until <= today + datetime.timedelta(days=LONGEST):
        raise IssueRefused(f"链接有效期请选今天到 {LONGEST} 天以内的一天。")
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        link = OutsideIssue(way=IssueWay.LINK, token_hash=tokens.digest(secret), expires_on=until)
        made = _issue(org, period, names, by, link)
        audit.record(by, "下发附件1链接", [made], summary=f"{made}，有效期至 {until}")
    return made, secret


def _issue(org: Organization, period: Period, names: Iterable[str], by: User, issue: OutsideIssue) -> OutsideIssue:
    org = reporting.hold(org)
    _must_oversee(org, by)
    if reporting.way_of(org) != Way.FORM:
        raise IssueRefused(f"“{org.name}”在系统中填报，不用表格；要改用表格，请先设定它的上报方式。")
    why_not = reporting.why_not_expected(org, period)
    if why_not:
        raise IssueRefused(why_not)
    if not reporting.is_open(org, period):
        raise IssueRefused(f"{period.name}的报表已经截止；要让“{org.name}”补报，请先批准延期。")
    if ProgressReport.objects.filter(organization=org, period=period, state=ReportState.SUBMITTED).exists():
        raise IssueRefused(f"“{org.name}”有一份报表等待接收，请先接收或退回，再下发下一份。")
    same = OutsideIssue.objects.filter(organization=org, period=period)
    issue.organization, issue.period, issue.issued_by = org, period, by
    issue.activity, issue.unit_name, issue.period_name = words.activity(), org.name, period.name
    issue.serial = (same.aggregate(last=Max("serial"))["last"] or 0) + 1
    issue.basis = submissions.previous(org, period)
    issue.lines = [line.as_json() for line in _lines(org, period, issue.basis, names)]
    issue.save()
    return issue


def _lines(org: Organization, period: Period, basis: ProgressReport | None, names: Iterable[str]) -> list[Line]:
    """本级, its organisations in the system, what was reported last, and what the office sets."""
    below = reporting.expected(Organization.objects.filter(parent=org), period).order_by("order", "code")
    last = one.rows_of(basis) if basis else []
    lines = figures.lines_of(org.pk, list(below.values_list("pk", "name")), last)
    taken = [line.name for line in lines]
    for name in filter(None, map(figures.tidy_name, names)):
        if name in taken:
            continue  # it is there already
        problem = figures.name_problem(name, taken)
        if problem:
            raise IssueRefused(f"{problem}。")
        taken.append(name)
        lines.append(Line(org.pk, name))
    if len(lines) > NAMES + len(last):
        raise IssueRefused(f"一张表最多列 {NAMES} 行，请减少单列的单位。")
    return lines


def lines(issue: OutsideIssue) -> list[Line]:
    """The lines as issued."""
    return [Line.of_json(kept) for kept in issue.lines]


def file_of(issue: OutsideIssue) -> bytes:
    """The form as a file: the same whenever it is asked for."""
    identity = Identity(issue.organization.code, issue.period.code, issue.serial)
    return workbook.draw(Form(identity, issue.unit_name, issue.period_name, issue.activity, lines(issue)))


def file_name(issue: OutsideIssue) -> str:
    """Whose form it is, as every system takes a file's name; without the extension."""
    org = issue.organization
    words = f"附件1_{org.code}_{org.name}_{issue.period.code}_{issue.serial}号"
    return NOT_IN_A_FILE_NAME.sub("", clean(words).replace("\n", " "))[:120]


def revoke(issue: OutsideIssue, *, by: User) -> None:
    """Nothing is taken by it any more. Raises Forbidden, Stale."""
    with transaction.atomic():
        issue = OutsideIssue.objects.select_for_update(of=("self",)).select_related("organization").get(pk=issue.pk)
        _must_oversee(issue.organization, by)
        if issue.received_at is not None:
            raise Stale("已经收到报表，不能停用；数字有疑问请退回那份报表。")
        if issue.revoked_at is not None:
            return
        issue.revoked_at = clock.now()
        issue.save(update_fields=["revoked_at"])
        audit.record(by, "停用附件1链接" if issue.is_link else "作废附件1表格", [issue])


# --- the link -----------------------------------------------------------------------------------------------------------


def link(pk: int) -> OutsideIssue | None:
    """A link by its number, for who has shown its secret."""
    found = OutsideIssue.objects.select_related("organization", "period", "report").filter(way=IssueWay.LINK, pk=pk)
    return found.first()


def whose(secret: str) -> OutsideIssue | None:
    """The link of this secret, whatever its state."""
    return OutsideIssue.objects.filter(token_hash=tokens.digest(secret)).first()


def opened(issue: OutsideIssue) -> None:
    """It was opened for the first time; later times change nothing."""
    with transaction.atomic():
        if OutsideIssue.objects.filter(pk=issue.pk, opened_at=None).update(opened_at=clock.now()):
            audit.record(None, "打开附件1链接", [issue])


def send(issue: OutsideIssue, answers: Sequence[Answer], *, note: str, sender: str) -> ProgressReport:
    """What the unit filled in by its link becomes its report of today, once. Raises IssueRefused, SubmissionRefused."""
    with transaction.atomic():
        issue = locked(issue)
        if not issue.is_link:
            raise IssueRefused("这是下发的表格，请填好后把文件交回上级办公室。")
        report = receive(issue, answers, reported_on=clock.today(), note=note, by=None)
        audit.record(None, "经链接报送附件1", [issue], summary=f"{issue}，填报人 {sender[:SENDER_LENGTH]}")
    return report


# --- for both ways ---------------------------------------------------------------------------------------------------


def locked(issue: OutsideIssue) -> OutsideIssue:
    """The issue as it is now, with its unit and the superior locked: whoever comes second reads what the first did."""
    reporting.hold(issue.organization)
    rows = OutsideIssue.objects.select_for_update(of=("self",))
    return rows.select_related("organization", "period", "report").get(pk=issue.pk)


def hindrance(issue: OutsideIssue) -> str:
    """Why nothing can be taken by this issue any more; "" where it can."""
    noun = "链接" if issue.is_link else "表"
    if issue.received_at is not None and issue.report is not None:
        if issue.is_link:
            return "这个链接已经报送过一次；数字要更改，请与上级办公室联系"
        if issue.report.state == ReportState.ACCEPTED:
            return "这张表交的报表已经接收，不能再收；以后的变化请在新下发的表里填写"
        if issue.report.state == ReportState.SUBMITTED:
            return "这张表已经收下，等待接收；要换成这一份，请先退回原来的报表"
    if issue.revoked_at is not None:
        return f"这个{noun}已经停用，请向上级办公室索取新的" if issue.is_link else "这张表已经作废，请用最新下发的表"
    if issue.expires_on is not None and issue.expires_on < clock.today():
        return "这个链接已经过期，请向上级办公室索取新的"
    newer = OutsideIssue.objects.filter(
        organization=issue.organization_id, period=issue.period_id, serial__gt=issue.serial, received_at__isnull=False
    )
    newest = newer.order_by("-serial").values_list("serial", flat=True).first()
    if newest is not None:
        return f"这是 {issue.serial} 号{noun}，已经收到更新的 {newest} 号；请用最新下发的{noun}"
    basis = submissions.previous(issue.organization, issue.period)
    if (basis.pk if basis else None) != issue.basis_id:
        return f"下发之后又接收（或撤销接收）过这个单位的报表，“上次累计”已经不对：请上级办公室重新下发{noun}"
    return ""


def receive(
    issue: OutsideIssue, answers: Sequence[Answer], *, reported_on: datetime.date, note: str, by: User | None
) -> ProgressReport:
    """The answers become the unit's report; inside the caller's transaction, with the issue locked.

    Raises IssueRefused, Forbidden, SubmissionRefused.
    """
    why_not = hindrance(issue)
    if why_not:
        raise IssueRefused(f"{why_not}。")
    rows = figures.rows_of(lines(issue), answers)
    source = ReportSource.LINK if issue.is_link else ReportSource.FORM
    report = submissions.receive(
        issue.organization, issue.period, rows, reported_on=reported_on, by=by, source=source, note=note,
        activity=issue.activity,
    )  # fmt: skip
    issue.report, issue.received_at = report, clock.now()
    issue.save(update_fields=["report", "received_at"])
    return report


def _must_oversee(org: Organization, by: User) -> None:
    if not reporting.oversees(by, org):
        raise Forbidden("只有上级组织的办公室或负责人可以下发和收表。")
