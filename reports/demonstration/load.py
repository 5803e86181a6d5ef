"""Loads the demonstration into an empty system, through the import and the verbs, in one transaction."""

from __future__ import annotations

import csv
import datetime
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from django.apps import apps
from django.db import transaction

from orgs import accounts, bulk, clock
from orgs.errors import DomainError
from orgs.importing import apply, columns
from orgs.importing.reading import Book, Table
from orgs.models import Organization, Person, User
from reports import coverage, reminders, reporting, submissions
from reports.demonstration import university
from reports.demonstration.office import OfficeWork
from reports.demonstration.outside import report_from_outside
from reports.demonstration.people import Invention, Row, invent
from reports.demonstration.reviews import FIRST_DAY, Reviewing
from reports.models import ProgressReport
from reviews import duties
from reviews.models import Period, Record, RecordState

DATA = Path(__file__).parent / "data" / "aqsiq-2010-orgs.csv"
TODAY = datetime.date(2010, 12, 10)
PERIOD = "2010H2"
AQSIQ = "aqsiq-2010"
SCHEMES = (AQSIQ, university.SCHEME)
PASSWORD = "dianping2010"  # noqa: S105 - of a demonstration, printed for everybody
REPORTING = ("001004", "001009", "001014", "001049")  # bureaux that have sent annex 1
ROOT, BUREAU, BRANCH = "001", "001025", "001025001002"  # 总局党组, 深圳检验检疫局党组, one of its branches


class DemonstrationRefused(DomainError):
    """The system is not empty."""


@dataclass(frozen=True)
class Login:
    """One of the accounts to try."""

    username: str
    who: str
    what: str


@dataclass
class Loaded:
    """What was loaded."""

    organizations: int = 0
    people: int = 0
    duties: int = 0
    records: dict[str, int] = field(default_factory=dict)


def is_loaded() -> bool:
    """Whether the demonstration (or anything else) is there already."""
    return Organization.objects.exists()


def load(scheme: str = AQSIQ) -> Loaded:
    """Tree, people, duties of 2010H2, accounts and reviews. Raises DemonstrationRefused unless the system is empty.

    The second one, of the scheme `general`, is a small university.
    """
    with transaction.atomic(), clock.standing_at(TODAY):
        if is_loaded() or Person.objects.exists():
            raise DemonstrationRefused("系统里已经有组织或人员，演示数据只能装入空的数据库。")
        if scheme == university.SCHEME:
            period = university.load(book, TODAY, PERIOD, PASSWORD)
            counted = {state.label: Record.objects.filter(state=state).count() for state in RecordState}
            return _loaded(period, counted)
        with DATA.open(encoding="utf-8-sig", newline="") as stream:
            made = invent(list(csv.DictReader(stream)))
        apply.import_book(book(made), columns.Options(), by=None)
        period = duties.ensure_period(PERIOD)
        with clock.standing_at(FIRST_DAY):
            duties.regenerate(period)
        _learn()
        office = _open_accounts()
        own = list(Organization.objects.filter(parent__code=BRANCH[:-3], org_type="branch"))
        reviewing = Reviewing(period, office=office)
        records = reviewing.run(own)
        _learn()
        OfficeWork(period, Organization.objects.get(code=BUREAU), account=reviewing.account).run()
        coverage.fold()
        _report_up(period, office)
        report_from_outside(period, office)
        reminders.send_due(TODAY)
    return _loaded(period, records)


def _learn() -> None:
    """What was written is known to the database's planner at once: its own time to count has not come yet, and until
    then it takes full tables for empty ones (PostgreSQL read them for minutes).
    """
    bulk.learn(
        *(model for label in ("orgs", "reviews", "reports") for model in apps.get_app_config(label).get_models())
    )


def _loaded(period: Period, records: dict[str, int]) -> Loaded:
    return Loaded(
        organizations=Organization.objects.count(),
        people=Person.objects.count(),
        duties=period.duties.count(),
        records={label: count for label, count in records.items() if count},
    )


def book(made: Invention) -> Book:
    """The invented rows as a workbook that was read: the import plans and applies them like any file."""
    sheets = {
        columns.ORGS: made.orgs,
        columns.PEOPLE: made.people,
        columns.POSTS: made.posts,
        columns.CHARGES: made.charges,
    }
    tables = {sheet: _table(sheet, rows) for sheet, rows in sheets.items()}
    return Book(tables=tables, notices=[], sha256=hashlib.sha256(DATA.read_bytes()).hexdigest())


def _table(sheet: str, rows: list[Row]) -> Table:
    known = {column.header: column.name for column in columns.SHEETS[sheet]}
    headers = list(rows[0])
    positions = {known[header]: at for at, header in enumerate(headers)}
    return Table(sheet, positions, [(number, [row[h] for h in headers]) for number, row in enumerate(rows, start=2)])


def _report_up(period: Period, office: User) -> None:
    """Annex 1: one bureau's accepted, one's returned, two waiting."""
    admin = User.objects.get(username="admin")
    for turn, code in enumerate(REPORTING):
        report = _sent(Organization.objects.get(code=code), period, admin)
        if turn == 0:
            submissions.accept(report, by=office)
        elif turn == 1:
            submissions.return_(report, reason="请核对窗口单位的党员人数", by=office)


def _sent(org: Organization, period: Period, by: User) -> ProgressReport:
    """Drafted and sent, once every unit below has sent its own and had it accepted."""
    for unit in reporting.units_below(org, period):
        if unit.reports and not unit.is_ready:
            submissions.accept(_sent(unit.org, period, by), by=None)
    return submissions.submit(submissions.draft(org, period, by=by), by=by)


# --- who logs in -------------------------------------------------------------------------------------------------


def _open_accounts() -> User:
    """The accounts of `logins`; returns the office of the whole system."""
    admin = User.objects.create_superuser("admin", password=PASSWORD, first_name="系统管理员")
    office = User.objects.create_user("zongju", password=PASSWORD, first_name="总局活动办公室")
    accounts.grant_office(office, Organization.objects.get(code=ROOT), by=admin)
    bureau = User.objects.create_user("shenzhen", password=PASSWORD, first_name="深圳局机关党办")
    accounts.grant_office(bureau, Organization.objects.get(code=BUREAU), by=admin)
    for username, person in _people():
        user, _ = accounts.open_for(person, by=admin, username=username, password=PASSWORD)
        accounts.password_changed(user)
    return office


def _people() -> list[tuple[str, Person]]:
    """Who plays which part: the bureau's head, a member in charge, a branch secretary, a member of that branch."""
    on = TODAY
    team = Person.objects.filter(posts__organization__code=BUREAU)
    head = team.get(posts__role="secretary", posts__organization__code=BUREAU)
    charge = team.filter(charges__organization__code=BRANCH, charges__kind="lead").exclude(pk=head.pk).first()
    in_charge = charge or team.filter(charges__team__code=BUREAU).exclude(pk=head.pk).order_by("number").first()
    branch = Organization.objects.get(code=BRANCH)
    secretary = Person.objects.get(posts__organization=branch, posts__role="secretary")
    member = Person.objects.members_of(branch, on).filter(posts=None).order_by("number").last()
    if in_charge is None or member is None:
        raise DemonstrationRefused("演示数据不完整：找不到分管领导或普通党员。")
    return [("shuji", head), ("lingdao", in_charge), ("zhibu", secretary), ("dangyuan", member)]


LOGINS = [
    Login("zhibu", "支部书记", "点评本支部党员，跟进整改"),
    Login("lingdao", "分管领导（深圳检验检疫局党组成员）", "今天的点评任务"),
    Login("shuji", "深圳检验检疫局党组书记", "点评班子成员，看本局覆盖情况"),
    Login("shenzhen", "深圳检验检疫局办公室（联络员）", "覆盖、催办、代录、上报附件1"),
    Login("zongju", "总局活动办公室", "全系统覆盖、接收附件1"),
    Login("dangyuan", "普通党员", "看对自己的点评，填整改"),
    Login("xuexiao", "学校党委办公室", "全校覆盖、缺口、代录"),
    Login("admin", "系统管理员", "导入、点评期、后台管理（/admin/）"),
]
