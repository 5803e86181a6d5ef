"""The list of people: its columns and conditions, for the page and for the file."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import Exists, FilteredRelation, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects
from django.urls import reverse

from orgs import directory
from orgs.models import MemberKind, Membership, Organization, PartyStatus, Person, Post, PostRole, User
from orgs.querysets import within
from orgs.tables import Column, Filter, Table

NO_POST = "none"
SAME_NAME = 20  # organisations of one name that a condition takes together


def prepare(persons: list[Any], user: User, on: datetime.date) -> list[Any]:
    """Each with `current` (the membership of the day, a list of at most one) and `held` (the posts of the day)."""
    memberships = Membership.objects.valid(on).select_related("branch")
    posts = Post.objects.valid(on).select_related("organization").order_by("organization__level", "pk")
    prefetch_related_objects(
        persons, Prefetch("memberships", memberships, to_attr="current"), Prefetch("posts", posts, to_attr="held")
    )
    return persons


def _branch(person: Any) -> Organization | None:
    return person.current[0].branch if person.current else None


def _branch_name(person: Any) -> str:
    branch = _branch(person)
    return branch.display_name if branch else ""


def _branch_code(person: Any) -> str:
    branch = _branch(person)
    return branch.code if branch else ""


def _posts(person: Any) -> str:
    return "；".join(f"{post.organization.display_name} {post.title}" for post in person.held)


def _kind(person: Person) -> str:
    return person.get_kind_display() if person.status == PartyStatus.NORMAL else person.get_status_display()


def _kind_tone(person: Person) -> str:
    if person.status != PartyStatus.NORMAL:
        return "warning"
    return "info" if person.kind == MemberKind.PROBATIONARY else ""


def _status_tone(person: Person) -> str:
    return "" if person.status == PartyStatus.NORMAL else "warning"


def _with_branch_of_today(persons: QuerySet[Any], on: datetime.date) -> QuerySet[Any]:
    spans = within(on, "memberships__from_on", "memberships__to_on")
    return persons.annotate(belongs=FilteredRelation("memberships", condition=spans))


# --- conditions ---------------------------------------------------------------------------------------------------


def organizations_meant(words: str, user: User) -> list[Organization]:
    """The organisation of this code, else those of exactly this name; as far as the user sees them."""
    seen = Organization.objects.visible_to(user)
    return list(seen.filter(code__iexact=words)[:1]) or list(
        seen.filter(Q(name=words) | Q(short_name=words))[:SAME_NAME]
    )


def _search(persons: QuerySet[Any], words: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return directory.search_people(persons, words)


def _below(persons: QuerySet[Any], words: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return directory.below(persons, organizations_meant(words, user), on)


def _branch_named(persons: QuerySet[Any], words: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return directory.of_branches_named(persons, words, on)


def _of_status(persons: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return persons.filter(status=value)


def _of_kind(persons: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return persons.filter(kind=value)


def _in_post(persons: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    held = Post.objects.valid(on).filter(person=OuterRef("pk")).order_by()
    return persons.filter(~Exists(held) if value == NO_POST else Exists(held.filter(role=value)))


def _placed(persons: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    belongs = Exists(Membership.objects.valid(on).filter(person=OuterRef("pk")).order_by())
    return persons.filter(belongs if value == "yes" else ~belongs)


TABLE = Table(
    title="人员名单",
    columns=(
        Column(
            "name", "姓名", 14, lambda person: person.name, sort=("pinyin",),
            url=lambda person: reverse("person", args=[person.number]),
        ),
        Column("number", "人员编号", 16, lambda person: person.number, sort=("number",), is_code=True),
        Column(
            "branch", "所属支部", 30, _branch_name, sort=("belongs__branch__pinyin", "belongs__branch__code"),
            reach=_with_branch_of_today,
        ),
        Column("branch_code", "支部代码", 18, _branch_code, is_code=True, is_usual=False),
        Column("title", "单位及职务", 36, lambda person: person.title, sort=("title",)),
        Column("posts", "任职", 40, _posts, is_usual=False),
        Column("kind", "类别", 12, _kind, sort=("kind",), tone=_kind_tone),
        Column(
            "status", "党籍状态", 12, lambda person: person.get_status_display(), sort=("status",), tone=_status_tone,
            is_usual=False,
        ),
        Column("mobile", "手机", 16, lambda person: person.masked_mobile, is_code=True),
    ),
    filters=(
        Filter("q", "查找", _search, hint="姓名、拼音或编号"),
        Filter("org", "组织", _below, hint="组织代码或全称，含下级"),
        Filter("branch", "支部", _branch_named, hint="支部名称"),
        Filter("status", "党籍状态", _of_status, lambda: PartyStatus.choices),
        Filter("kind", "人员类别", _of_kind, lambda: MemberKind.choices),
        Filter("post", "任职", _in_post, lambda: [*PostRole.choices, (NO_POST, "没有任职")]),
        Filter("placed", "所在支部", _placed, lambda: [("yes", "在支部"), ("no", "不在支部")]),
    ),
    order=("number",),
    order_name="按人员编号",
    prepare=prepare,
)  # fmt: skip
