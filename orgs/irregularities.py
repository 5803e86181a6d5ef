"""What is not in order among the organisations and people of one's office: found by queries, never stored.

Each kind is one query over sets; a worklist is as long as it is, and mending an entry takes it off the list.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from orgs import scope
from orgs.models import (
    Charge,
    ChargeKind,
    MemberKind,
    Membership,
    Organization,
    OrgType,
    PartyStatus,
    Post,
    Relation,
    User,
)

FEWEST = 3  # 正式党员 of a 党支部


@dataclass(frozen=True)
class Entry:
    """One thing to be put in order: what, where it stands, and where it is mended."""

    text: str
    note: str
    url: str
    action: str


@dataclass(frozen=True)
class Kind:
    """A kind of irregularity: why it matters, how it is found and how it is shown."""

    code: str
    title: str
    why: str
    find: Callable[[User, datetime.date], QuerySet[Any]]
    entry: Callable[[Any, User], Entry]


def works_through(user: User) -> bool:
    """Offices and administrators have the worklist; nobody else could mend what is on it."""
    at = scope.seats(user)
    return at.is_admin or bool(at.offices)


def counts(user: User, on: datetime.date) -> list[tuple[Kind, int]]:
    """How many of each kind; one query a kind."""
    return [(kind, kind.find(user, on).count()) for kind in KINDS]


def entries(kind: Kind, rows: Iterable[Any], user: User) -> list[Entry]:
    """Rows of `kind.find` as they are shown; no further queries."""
    return [kind.entry(row, user) for row in rows]


# --- organisations ------------------------------------------------------------------------------------------------


def _own(user: User, on: datetime.date) -> QuerySet[Organization]:
    """Living organisations of the user's offices."""
    return Organization.objects.filter(scope.office_of(user)).alive(on).select_related("parent")


def _place(org: Organization) -> str:
    return f"{org.code} · {org.get_org_type_display()}"


def _headless(user: User, on: datetime.date) -> QuerySet[Organization]:
    heads = Post.objects.valid(on).heads().filter(organization=OuterRef("pk"))
    return _own(user, on).filter(~Exists(heads), org_type=OrgType.BRANCH)


def _headless_entry(org: Organization, user: User) -> Entry:
    return Entry(org.name, _place(org), reverse("post_add", args=[org.code]), "任命书记")


def _small(user: User, on: datetime.date) -> QuerySet[Organization]:
    full = Membership.objects.valid(on).counted().filter(person__kind=MemberKind.FULL).order_by()
    enough = full.values("branch").annotate(n=Count("pk")).filter(n__gte=FEWEST).values("branch")
    here = full.filter(branch=OuterRef("pk")).values("branch").annotate(n=Count("pk")).values("n")
    small = _own(user, on).filter(~Q(pk__in=enough), org_type=OrgType.BRANCH)
    return small.annotate(full_members=Coalesce(Subquery(here, output_field=IntegerField()), 0))


def _small_entry(org: Any, user: User) -> Entry:
    note = f"{_place(org)} · 正式党员 {org.full_members} 名"
    return Entry(org.name, note, reverse("organization", args=[org.code]), "查看支部")


def _postless(user: User, on: datetime.date) -> QuerySet[Organization]:
    held = Post.objects.valid(on).filter(organization=OuterRef("pk"))
    return _own(user, on).filter(~Exists(held)).exclude(org_type=OrgType.BRANCH)


def _postless_entry(org: Organization, user: User) -> Entry:
    return Entry(org.name, _place(org), reverse("post_add", args=[org.code]), "任职")


def _holes(user: User, on: datetime.date) -> QuerySet[Organization]:
    divided = Charge.objects.valid(on).filter(team=OuterRef("led_by")).order_by()
    # In charge of an organisation means also of what hangs under it; between it and its team only 机关党委 stand.
    above = Q(organization=OuterRef("pk")) | Q(organization=OuterRef("parent"))
    found = Organization.objects.filter(
        scope.office_of(user, "led_by__"), Exists(divided), ~Exists(divided.filter(above))
    )
    return found.alive(on).select_related("led_by")


def _hole_entry(org: Organization, user: User) -> Entry:
    team = org.led_by
    assert team is not None  # noqa: S101  # `_holes` selects by it
    note = f"{_place(org)} · 应由{team.display_name}的班子成员分管"
    return Entry(org.name, note, reverse("charge_add", args=[team.code]), "补上分管")


def _affiliated(user: User, on: datetime.date) -> QuerySet[Organization]:
    return _own(user, on).filter(category__usually_guidance=True, relation=Relation.AFFILIATION, parent__isnull=False)


def _affiliated_entry(org: Organization, user: User) -> Entry:
    note = f"{_place(org)} · 隶属于{org.parent.display_name if org.parent else ''}"
    if user.is_superuser:
        return Entry(org.name, note, reverse("admin:orgs_organization_change", args=[org.pk]), "改为指导")
    return Entry(org.name, note, reverse("organization", args=[org.code]), "查看")


# --- people ---------------------------------------------------------------------------------------------------------


def _posts(user: User, on: datetime.date) -> QuerySet[Post]:
    held = Post.objects.valid(on).filter(scope.office_of(user, "organization__"))
    ordered = held.order_by("organization__code", "person__number", "pk")
    return ordered.select_related("person", "organization")


def _homeless(user: User, on: datetime.date) -> QuerySet[Post]:
    belongs = Membership.objects.valid(on).filter(person=OuterRef("person"))
    return _posts(user, on).filter(~Exists(belongs), person__status=PartyStatus.NORMAL)


def _homeless_entry(post: Post, user: User) -> Entry:
    text = f"{post.person.name}（{post.person.number}）"
    note = f"{post.organization.name} · {post.title}"
    if user.is_superuser:
        return Entry(text, note, reverse("person_transfer", args=[post.person.number]), "编入支部")
    return Entry(text, note, reverse("person", args=[post.person.number]), "查看")


def _leftover(user: User, on: datetime.date) -> QuerySet[Post]:
    return _posts(user, on).filter(organization__dissolved_on__lte=on)


def _leftover_entry(post: Post, user: User) -> Entry:
    gone = post.organization.dissolved_on
    note = f"{post.organization.name} · {post.title} · {gone} 撤销"
    return Entry(f"{post.person.name}（{post.person.number}）", note, reverse("post_end", args=[post.pk]), "免职")


def _doubled(user: User, on: datetime.date) -> QuerySet[Charge]:
    leads = Charge.objects.valid(on).filter(kind=ChargeKind.LEAD)
    other = leads.filter(~Q(person=OuterRef("person")), team=OuterRef("team"), organization=OuterRef("organization"))
    found = leads.filter(scope.office_of(user, "team__"), Exists(other.order_by()))
    ordered = found.order_by("organization__code", "team__code", F("from_on").asc(nulls_first=True), "pk")
    return ordered.select_related("person", "team", "organization")


def _doubled_entry(charge: Charge, user: User) -> Entry:
    since = f" · {charge.from_on} 起" if charge.from_on else ""
    note = f"{charge.team.display_name}的{charge.person.name}主管{since}"
    return Entry(charge.organization.name, note, reverse("charge_end", args=[charge.pk]), "终止这项分管")


KINDS = (
    Kind(
        "headless",
        "党支部没有书记，也没有人主持工作",
        "支部书记负责点评本支部党员。没有书记，也没有人主持工作，这些点评任务就没有人承担。",
        _headless,
        _headless_entry,
    ),
    Kind(
        "postless",
        "组织里没有任何人任职",
        "上级点评时找不到负责人，本级也没有人去点评下级。（党支部见上一类。）",
        _postless,
        _postless_entry,
    ),
    Kind(
        "holes",
        "没有人分管的组织",
        "所在班子已有分工，但这个组织没有列入任何人的分管，点评只能落到书记一人身上。",
        _holes,
        _hole_entry,
    ),
    Kind(
        "doubled",
        "一个组织有两名主管",
        "同一班子里有两人主管同一个组织，点评由谁承担说不清。只留一名主管，其余改为协管或终止。",
        _doubled,
        _doubled_entry,
    ),
    Kind(
        "homeless",
        "任职的党员不在任何支部",
        "不在支部的党员不会被列入党员点评的名单，覆盖率也不计他。编入支部要办组织关系转移；办公室办不了的，请系统管理员办理。",
        _homeless,
        _homeless_entry,
    ),
    Kind(
        "small",
        f"正式党员不足 {FEWEST} 名的党支部",
        "党章规定，有正式党员三人以上的才成立党的基层组织。请核对名单，或与邻近支部合并为联合支部。",
        _small,
        _small_entry,
    ),
    Kind(
        "leftover",
        "已撤销的组织还有人任职",
        "组织撤销后，任职应当同时终止，否则他仍显示为负责人。",
        _leftover,
        _leftover_entry,
    ),
    Kind(
        "affiliated",
        "由地方领导的单位登记成了隶属",
        "这一类别的单位由地方党委领导，上级对它只是指导。登记成隶属，名单和点评内容会对上级敞开。请系统管理员把与上级关系改为指导。",
        _affiliated,
        _affiliated_entry,
    ),
)
BY_CODE = {kind.code: kind for kind in KINDS}
