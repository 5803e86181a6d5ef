"""The list of organisations: its columns and conditions, for the page and for the file."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from orgs import clock, directory, past, scope
from orgs.directory import OrganizationRow
from orgs.models import Category, Organization, OrgType, Post, PostRole, Relation, User
from orgs.querysets import IN_TREE
from orgs.tables import Column, Filter, Table

YES_NO = (("yes", "是"), ("no", "否"))


def prepare(orgs: list[Any], user: User, on: datetime.date) -> list[Any]:
    """With heads, counts and superiors."""
    return directory.with_superiors(directory.rows(orgs, user, on), user, on)


def _superiors(row: OrganizationRow) -> str:
    return " › ".join(org.display_name for org in row.above)


def _superior(row: OrganizationRow) -> str:
    return f"属{row.above[-1].display_name}" if row.above else ""


def _relation(row: OrganizationRow) -> str:
    return row.org.get_relation_display() if row.org.parent_id else ""


def _head(row: OrganizationRow) -> str:
    if row.head is None:
        return "书记空缺" if row.sees_head else ""
    word = "书记" if row.head.role == PostRole.SECRETARY else "主持工作"
    return f"{word} {row.head.person.name}"


def _head_tone(row: OrganizationRow) -> str:
    return "warning" if row.sees_head and row.head is None else ""


def _relation_tone(row: OrganizationRow) -> str:
    return "warning" if row.org.parent_id and row.org.relation == Relation.GUIDANCE else ""


def _on_the_tree(row: OrganizationRow) -> tuple[str, str]:
    return "在树上查看", f"{reverse('organizations')}?{directory.opening(row.org)}"


# --- conditions ---------------------------------------------------------------------------------------------------


def _search(orgs: QuerySet[Any], words: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return directory.search(orgs, words, on)  # type: ignore[arg-type]


def _of_type(orgs: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return past.matching(orgs, Q(org_type=value), on)  # type: ignore[arg-type]


def _of_category(orgs: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return past.matching(orgs, Q(category__name=value), on)  # type: ignore[arg-type]


def _of_relation(orgs: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return past.matching(orgs, Q(relation=value, parent__isnull=False), on)  # type: ignore[arg-type]


def _window(orgs: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    return orgs.filter(is_window_unit=value == "yes")


def _headed(orgs: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    """Only where the user sees persons: elsewhere whether there is a head is nothing to be asked."""
    heads = Exists(Post.objects.valid(on).heads().filter(organization=OuterRef("pk")).order_by())
    return orgs.filter(scope.seen_people(user), heads if value == "yes" else ~heads)


def _life(orgs: QuerySet[Any], value: str, user: User, on: datetime.date) -> QuerySet[Any]:
    if value == "all":
        return orgs
    return orgs.filter(dissolved_on__lte=on) if value == "dissolved" else orgs.alive(on)  # type: ignore[attr-defined]


def categories() -> Sequence[tuple[str, str]]:
    """The unit categories of the active scheme, as a choice."""
    names = Category.objects.filter(scheme__is_active=True).order_by("order").values_list("name", flat=True)
    return [(name, name) for name in names]


def _day(day: datetime.date | None) -> str:
    return day.isoformat() if day else ""


TABLE = Table(
    title="组织名单",
    columns=(
        Column(
            "name", "组织名称", 40, lambda row: row.org.name, sort=("pinyin",),
            url=lambda row: reverse("organization", args=[row.org.code]),
        ),
        Column("code", "组织代码", 20, lambda row: row.org.code, sort=("code",), is_code=True),
        Column("parent", "上级组织", 40, _superiors, brief=_superior),
        Column("type", "组织类型", 12, lambda row: row.org.get_org_type_display(), sort=("org_type",)),
        Column(
            "category", "单位类别", 18, lambda row: row.org.category.name, sort=("category__order",), is_usual=False
        ),
        Column("relation", "与上级关系", 12, _relation, sort=("relation",), tone=_relation_tone),
        Column("head", "负责人", 24, _head, tone=_head_tone),
        Column("members", "党员", 8, lambda row: row.members if row.org.is_branch else None, is_number=True),
        Column("children", "下级", 8, lambda row: None if row.org.is_branch else row.children, is_number=True),
        Column("window", "窗口单位", 10, lambda row: "是" if row.org.is_window_unit else "", is_usual=False),
        Column("founded", "成立日期", 12, lambda row: _day(row.org.founded_on), sort=("founded_on",), is_usual=False),
        Column(
            "dissolved", "撤销日期", 12, lambda row: _day(row.org.dissolved_on), sort=("dissolved_on",), is_usual=False
        ),
    ),
    filters=(
        Filter("q", "查找", _search, hint="名称、拼音或代码"),
        Filter("type", "组织类型", _of_type, lambda: OrgType.choices),
        Filter("category", "单位类别", _of_category, categories),
        Filter("relation", "与上级关系", _of_relation, lambda: Relation.choices),
        Filter("window", "窗口单位", _window, lambda: YES_NO),
        Filter("head", "负责人", _headed, lambda: [("yes", "有书记或主持工作的人"), ("no", "书记空缺")]),
        Filter(
            "life", "存续", _life, lambda: [("dissolved", "已撤销"), ("all", "现存和已撤销")], usual="现存", always=True
        ),
    ),
    order=IN_TREE,
    order_name="按组织树",
    prepare=prepare,
    ranked=directory.ranked,
    action=_on_the_tree,
)  # fmt: skip


def of(on: datetime.date) -> Table:
    """The list for a day: on one of the past its links keep to that day."""
    if on >= clock.today():
        return TABLE
    name, *others = TABLE.columns

    def then(row: OrganizationRow) -> str:
        return f"{reverse('organization', args=[row.org.code])}?on={on.isoformat()}"

    return replace(TABLE, columns=(replace(name, url=then), *others), action=None)


def every(user: User) -> QuerySet[Organization]:
    """What the list is chosen from."""
    return Organization.objects.visible_to(user).select_related("category")
