"""A small university with the scheme `general`: some forty organisations, three hundred people, duties and reviews."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from orgs import accounts, clock
from orgs.importing import apply, columns
from orgs.importing.reading import Book
from orgs.models import Organization, Person, User
from reports import coverage
from reports.demonstration.people import Invention, invent
from reviews import duties, records, schemes, vocabulary
from reviews.models import Duty, Period, ReviewForm

SCHEME = "general"
OFFICES = ("党政办公室", "教务处", "学生处", "财务处", "后勤处", "图书馆")
FACULTIES = ("文学院", "理学院", "工学院", "医学院", "法学院", "艺术学院", "外语学院")
MEMBERS = (7, 13)  # of a branch, from and to
BEGUN = datetime.date(2010, 9, 6)  # the day on which the tasks were generated
EVERY = 6  # every so many duties is reviewed
SAID: dict[str, Any] = {
    "achievements": "活动有计划、有检查，教学科研任务完成好，师生反映好。",
    "problems": ("集中学习次数偏少", "联系师生不够主动"),
    "directions": "每月集中学习一次；每学期走访师生不少于两次，并记入台账。",
    "prior_summary": "制定了活动方案，开展公开承诺，按月检查，存在活动形式单一的问题。",
}


def rows() -> list[dict[str, str]]:
    """The tree, parents before children, in the columns of the demonstration's csv."""

    def row(code: str, name: str, kind: str, category: str) -> dict[str, str]:
        return {
            "code": code, "name": name, "org_type": kind, "unit_category": category, "parent_code": code[:-2],
            "relation": "affiliation" if code[:-2] else "", "is_window_unit": "1" if name.startswith("图书馆") else "0",
        }  # fmt: skip

    found = [row("U1", "示例大学党委", "党委", "单位") | {"parent_code": "", "relation": ""}]
    found.append(row("U101", "示例大学机关党委", "机关党委", "机关"))
    found += [row(f"U101{n:02d}", f"{name}党支部", "党支部", "机关") for n, name in enumerate(OFFICES, start=1)]
    for at, name in enumerate(FACULTIES, start=2):
        code = f"U1{at:02d}"
        kind = "党委" if at % 3 else "党总支"
        found.append(row(code, f"{name}{kind}", kind, "二级单位"))
        words = ("教工第一", "教工第二", "学生", "离退休")[: 4 if at < 5 else 3]
        found += [
            row(f"{code}{n:02d}", f"{name}{word}党支部", "党支部", "基层单位") for n, word in enumerate(words, start=1)
        ]
    return found


def load(book_of: Callable[[Invention], Book], today: datetime.date, period_code: str, password: str) -> Period:
    """Into an empty database, in the caller's transaction. Returns the half-year."""
    schemes.activate(schemes.add(SCHEME, by=None), by=None)
    apply.import_book(book_of(invent(rows(), members=MEMBERS)), columns.Options(), by=None)
    period = duties.ensure_period(period_code)
    with clock.standing_at(BEGUN):
        duties.regenerate(period)
    admin = User.objects.create_superuser("admin", password=password, first_name="系统管理员")
    office = User.objects.create_user("xuexiao", password=password, first_name="学校党委办公室")
    accounts.grant_office(office, Organization.objects.get(code="U1"), by=admin)
    _review(period, office, today)
    coverage.fold()
    return period


def _review(period: Period, office: User, today: datetime.date) -> None:
    acting = Duty.objects.filter(period=period, acting__isnull=False)
    chosen = acting.select_related("period", "rule", "acting", "reviewer", "reviewer_org", "about_org__category")
    known: dict[int, User] = {}
    for turn, duty in enumerate(chosen.order_by("about_org__code", "subject", "pk")[::EVERY]):
        leader = _account(duty.acting, office, known)
        held_on = today - datetime.timedelta(days=1 + turn % 60)
        with clock.standing_at(min(held_on + datetime.timedelta(days=turn % 4), today)):
            record = records.open_draft(duty, by=leader)
            form = record.review.form or (ReviewForm.ON_SITE if record.target_org_id else ReviewForm.INDIVIDUAL)
            draft = replace(
                records.draft_of(record),
                held_on=held_on,
                place="会议室",
                form=form,
                form_note="民主生活会" if form == ReviewForm.MEETING else "",
                grade=vocabulary.grades(record)[0 if turn % 4 == 3 else 1],
                answers={point.pk: ("yes", "") for point in records.checklist(record)},
                **SAID,
            )
            records.confirm(record, draft, by=leader)


def _account(person: Person | None, office: User, known: dict[int, User]) -> User:
    assert person is not None  # noqa: S101 - only duties that somebody carries out
    if person.pk not in known:
        known[person.pk], _ = accounts.open_for(person, by=office, is_closed=True)
    return known[person.pk]
