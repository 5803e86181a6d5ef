"""The names behind a figure of the analysis: duties, records, items or targets of a subtree, as far as the user sees them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F, QuerySet
from django.urls import reverse

from orgs import scope
from orgs.lists import Columns, Sheet
from orgs.models import Category, Organization
from orgs.scope import in_range
from reports import missing, quality, splits
from reviews import vocabulary
from reviews.models import (
    CoverageTarget,
    Duty,
    DutyStatus,
    GradeOf,
    ItemState,
    Measure,
    Period,
    Record,
    RectificationItem,
)

if TYPE_CHECKING:
    from orgs.models import User

LOT = 2000  # rows read at once
WINDOW = {"yes": (True, "窗口单位"), "no": (False, "其他单位")}
ITEMS = {"open": "未销号的整改事项", "overdue": "逾期的整改事项"}


@dataclass(frozen=True)
class Entry:
    """One line: what it is about, what else is said of it, where it is."""

    name: str
    facts: tuple[str, ...]  # as COLUMNS
    note: str
    url: str


@dataclass(frozen=True)
class Behind:
    """What a figure counts; `named` is the part that the user may see, in the tree's order."""

    title: str
    every: QuerySet[Any]
    named: QuerySet[Any]
    describe: Callable[[Any], Entry]

    def sheet(self) -> Sheet:
        """The names that the user may see as a file."""
        described = map(self.describe, self.named.iterator(chunk_size=LOT))
        rows = ((entry.name, *entry.facts) for entry in described)
        return Sheet("名单", COLUMNS[self.describe], rows, self.named.count())


def behind(user: User, period: Period, org: Organization, what: str, value: str, on: datetime.date) -> Behind | None:
    """The rows behind a figure; None where there is no such figure."""
    found = KINDS.get(what)
    return found(user, period, org, value, on) if found and "\0" not in value else None


def _overdue(user: User, period: Period, org: Organization, value: str, on: datetime.date) -> Behind:
    every = Duty.objects.filter(
        in_range(org, "about_org__"), period=period, rule_code=value, status=DutyStatus.PENDING, due_on__lt=on
    )
    named = every.filter(pk__in=Duty.objects.visible_to(user).values("pk"))
    named = named.select_related("target_org", "target_person", "acting", "reviewer_org", "about_org")
    title = f"{splits.rule_name(value)}：逾期未完成"
    return Behind(title, every, named.order_by("about_org", "pk"), _duty)


def _duty(duty: Duty) -> Entry:
    facts = duty.about_org.name, missing.reviewer_of(duty), f"{duty.due_on}"
    note = f"{facts[0]} · 由{facts[1]}点评 · 期限 {facts[2]}"
    return Entry(duty.target_name, facts, note, reverse("duty", args=[duty.pk]))


def _form(user: User, period: Period, org: Organization, value: str, on: datetime.date) -> Behind | None:
    every = Record.objects.counted().counting_in(period).filter(in_range(org, "about_org__"), review__form=value)
    named = every.filter(pk__in=Record.objects.visible_to(user).values("pk")).select_related("review", "about_org")
    name = vocabulary.form_names().get(value) or every.order_by().values_list("review__form_name", flat=True).first()
    if not value or not name:
        return None
    held = F("review__held_on").asc(nulls_last=True)
    return Behind(f"{name}的点评", every, named.order_by("about_org", held, "pk"), _record)


def _grade(user: User, period: Period, org: Organization, value: str, on: datetime.date) -> Behind | None:
    of, _, name = value.partition("-")
    if of not in GradeOf.values or not name:
        return None
    every = splits.last_graded(period, org, GradeOf(of)).filter(grade=name)
    named = every.filter(pk__in=Record.objects.readable_text_by(user).values("pk")).select_related(
        "review", "about_org"
    )
    return Behind(f"{GradeOf(of).label}：{name}", every, named.order_by("about_org", "pk"), _record)


def _record(record: Record) -> Entry:
    facts = record.about_org.name, record.review.reviewer_name, f"{record.review.held_on or ''}"
    return Entry(record.target_name, facts, " · ".join(facts), reverse("record", args=[record.pk]))


def _items(user: User, period: Period, org: Organization, value: str, on: datetime.date) -> Behind | None:
    if value not in ITEMS:
        return None
    every = quality.items(period, org).exclude(state__in=[ItemState.CLOSED, ItemState.CANCELLED])
    if value == "overdue":
        every = every.filter(pk__in=RectificationItem.objects.overdue(on).values("pk"))
    named = every.filter(pk__in=RectificationItem.objects.visible_to(user).values("pk"))
    named = named.select_related("record__about_org").order_by("record__about_org", "record", "order")
    return Behind(ITEMS[value], every, named, _item)


def _item(item: RectificationItem) -> Entry:
    facts = item.record.about_org.name, item.record.target_name, item.get_state_display(), f"{item.due_on or ''}"
    note = " · ".join(facts[:3]) + (f" · 期限 {item.due_on}" if item.due_on else "")
    return Entry(item.text, facts, note, reverse("rectification", args=[item.pk]))


def _late(user: User, period: Period, org: Organization, value: str, on: datetime.date) -> Behind | None:
    if value not in Measure.values:
        return None
    every = splits.late_targets(period, org, Measure(value))
    if on <= period.ends_on:
        every = every.none()
    return _of_targets(user, f"补录的{Measure(value).label}", every)


def _category(user: User, period: Period, org: Organization, value: str, on: datetime.date) -> Behind | None:
    found = Category.objects.filter(name=value).first()
    if found is None:
        return None
    every = _missing_members(period, org).filter(organization__category__name=found.name)
    return _of_targets(user, f"{found.name}：未被点评的党员", every)


def _window(user: User, period: Period, org: Organization, value: str, on: datetime.date) -> Behind | None:
    if value not in WINDOW:
        return None
    is_window, words = WINDOW[value]
    every = _missing_members(period, org).filter(organization__is_window_unit=is_window)
    return _of_targets(user, f"{words}：未被点评的党员", every)


def _missing_members(period: Period, org: Organization) -> QuerySet[CoverageTarget]:
    rows = CoverageTarget.objects.filter(in_range(org, "organization__"), period=period, measure=Measure.MEMBERS)
    return rows.filter(done_on__isnull=True)


def _of_targets(user: User, title: str, every: QuerySet[CoverageTarget]) -> Behind:
    # Organisations by the wider scope, persons up to a guidance edge.
    of_persons = every.filter(scope.seen_people(user, "organization__"))
    named = of_persons | every.filter(scope.seen(user, "organization__"), person__isnull=True)
    named = named.select_related("organization", "person").order_by("organization", "person__number")
    return Behind(title, every, named, _target)


def _target(target: CoverageTarget) -> Entry:
    org, person = target.organization, target.person
    if person is None:
        return Entry(org.name, (org.code, org.name), org.code, reverse("organization", args=[org.code]))
    facts = person.number, org.name
    return Entry(person.name, facts, " · ".join(facts), reverse("person", args=[person.number]))


COLUMNS: dict[Callable[[Any], Entry], Columns] = {
    _duty: [("对象", 28), ("所在组织", 32), ("点评人", 24), ("期限", 12)],
    _record: [("对象", 28), ("所在组织", 32), ("点评人", 24), ("举行日期", 12)],
    _item: [("整改事项", 60), ("所在组织", 32), ("对象", 28), ("状态", 12), ("期限", 12)],
    _target: [("姓名或名称", 28), ("编号或代码", 16), ("所在组织", 36)],
}
Finding = Callable[["User", Period, Organization, str, datetime.date], Behind | None]
KINDS: dict[str, Finding] = {
    "overdue": _overdue, "form": _form, "grade": _grade, "items": _items, "late": _late, "category": _category,
    "window": _window,
}  # fmt: skip
