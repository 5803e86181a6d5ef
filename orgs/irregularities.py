"""What is not in order among the organisations and people of one's office: found by queries, never stored.

Each kind is one query over sets; a worklist is as long as it is, and mending an entry takes it off the list.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from orgs import scope
from orgs.lists import Columns, Row
from orgs.models import (
    Charge,
    ChargeKind,
    MemberKind,
    Membership,
    Organization,
    OrgType,
    PartyStatus,
    Person,
    Post,
    Relation,
    User,
)

FEWEST = 3  # 正式党员 of a 党支部
MOST = 50  # members of a 党支部
NEAR = datetime.timedelta(days=60)  # before and after the end of a term
LONGEST_ACTING = datetime.timedelta(days=365)


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


FILE_COLUMNS: Columns = (("情况", 30), ("对象", 40), ("说明", 60), ("处理办法", 16))


def file_rows(kinds: Iterable[Kind], user: User, on: datetime.date) -> Iterator[Row]:
    """The entries of some kinds for a file, in the order of the page."""
    for kind in kinds:
        for row in kind.find(user, on).iterator(chunk_size=400):
            entry = kind.entry(row, user)
            yield kind.title, entry.text, entry.note, entry.action


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


def _belonging(user: User, on: datetime.date) -> QuerySet[Membership]:
    """Counted members of the offices' own branches: from the branches, not from everybody."""
    branches = Organization.objects.filter(scope.office_of(user), org_type=OrgType.BRANCH).order_by()
    return Membership.objects.valid(on).counted().filter(branch__in=branches.values("pk")).order_by()


def _small(user: User, on: datetime.date) -> QuerySet[Organization]:
    full = _belonging(user, on).filter(person__kind=MemberKind.FULL)
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


def _leaderless(user: User, on: datetime.date) -> QuerySet[Organization]:
    held = Post.objects.valid(on).filter(organization=OuterRef("pk"))
    found = _own(user, on).filter(Exists(held), ~Exists(held.heads()))
    return found.exclude(org_type=OrgType.BRANCH)


def _crowded(user: User, on: datetime.date) -> QuerySet[Organization]:
    here = _belonging(user, on).values("branch").annotate(n=Count("pk"))
    large = _own(user, on).filter(pk__in=here.filter(n__gt=MOST).values("branch"), org_type=OrgType.BRANCH)
    return large.annotate(members=Subquery(here.filter(branch=OuterRef("pk")).values("n")))


def _crowded_entry(org: Any, user: User) -> Entry:
    note = f"{_place(org)} · 党员 {org.members} 名"
    return Entry(org.name, note, reverse("organization", args=[org.code]), "查看支部")


def _inhabited(user: User, on: datetime.date) -> QuerySet[Organization]:
    here = Membership.objects.valid(on).order_by().values("branch").annotate(n=Count("pk"))
    gone = Organization.objects.filter(scope.office_of(user), dissolved_on__lte=on, pk__in=here.values("branch"))
    return gone.annotate(members=Subquery(here.filter(branch=OuterRef("pk")).values("n")))


def _inhabited_entry(org: Any, user: User) -> Entry:
    note = f"{_place(org)} · {org.dissolved_on} 撤销，还有 {org.members} 人"
    return Entry(org.name, note, reverse("members_transfer", args=[org.code]), "批量转移")


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
    return Entry(text, note, reverse("person_transfer", args=[post.person.number]), "编入支部")


def _branchless(user: User, on: datetime.date) -> QuerySet[Person]:
    """For administrators: who belongs nowhere is no office's to see."""
    if not scope.seats(user).is_admin:
        return Person.objects.none()
    belongs = Membership.objects.valid(on).filter(person=OuterRef("pk")).order_by()
    held = Post.objects.valid(on).filter(person=OuterRef("pk")).order_by()  # they are listed as holders of posts
    last = Membership.objects.filter(person=OuterRef("pk")).order_by(F("from_on").desc(nulls_last=True), "-pk")
    found = Person.objects.counted().filter(~Exists(belongs), ~Exists(held))
    return found.annotate(last_branch=Subquery(last.values("branch__name")[:1])).order_by("number")


def _branchless_entry(person: Any, user: User) -> Entry:
    note = f"原在{person.last_branch}" if person.last_branch else "从未编入支部"
    text = f"{person.name}（{person.number}）"
    return Entry(text, note, reverse("person_transfer", args=[person.number]), "编入支部")


def _ending(user: User, on: datetime.date) -> QuerySet[Post]:
    later = Post.objects.filter(
        Q(to_on__isnull=True) | Q(to_on__gt=OuterRef("to_on")), organization=OuterRef("organization"),
        role=OuterRef("role"),
    )  # fmt: skip
    found = Post.objects.filter(
        scope.office_of(user, "organization__"), ~Exists(later.order_by()), to_on__gt=on - NEAR, to_on__lte=on + NEAR
    )
    living = found.filter(Q(organization__dissolved_on__isnull=True) | Q(organization__dissolved_on__gt=on))
    return living.order_by("to_on", "organization__code", "pk").select_related("person", "organization")


def _ending_entry(post: Post, user: User) -> Entry:
    note = f"{post.organization.code} · {post.person.name}任{post.title}，{post.to_on} 到期，没有人接任"
    return Entry(post.organization.name, note, reverse("post_add", args=[post.organization.code]), "任职")


def _acting(user: User, on: datetime.date) -> QuerySet[Post]:
    return _posts(user, on).filter(is_acting=True, from_on__lt=on - LONGEST_ACTING)


def _acting_entry(post: Post, user: User) -> Entry:
    note = f"{post.organization.code} · {post.person.name} {post.from_on} 起主持工作"
    return Entry(post.organization.name, note, reverse("post_add", args=[post.organization.code]), "任命书记")


def _charges(user: User, on: datetime.date) -> QuerySet[Charge]:
    running = Charge.objects.valid(on).filter(scope.office_of(user, "team__"))
    return running.order_by("team__code", "organization__code", "pk").select_related("person", "team", "organization")


def _idle(user: User, on: datetime.date) -> QuerySet[Charge]:
    held = Post.objects.valid(on).filter(person=OuterRef("person"), organization=OuterRef("team")).order_by()
    return _charges(user, on).filter(~Exists(held))


def _idle_entry(charge: Charge, user: User) -> Entry:
    note = f"{charge.team.name} · {charge.get_kind_display()}{charge.organization.name}，已不在班子任职"
    text = f"{charge.person.name}（{charge.person.number}）"
    return Entry(text, note, reverse("charge_end", args=[charge.pk]), "终止这项分管")


def _vanished(user: User, on: datetime.date) -> QuerySet[Charge]:
    return _charges(user, on).filter(Q(organization__dissolved_on__lte=on) | Q(team__dissolved_on__lte=on))


def _vanished_entry(charge: Charge, user: User) -> Entry:
    gone = charge.organization if charge.organization.dissolved_on else charge.team
    note = f"{charge.team.display_name}的{charge.person.name}{charge.get_kind_display()} · {gone.dissolved_on} 撤销"
    return Entry(charge.organization.name, note, reverse("charge_end", args=[charge.pk]), "终止这项分管")


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
        "leaderless",
        "班子没有书记，也没有人主持工作",
        "有人任职，但没有负责人：上级点评没有对象，本级的点评没有人承担。（党支部另列一类。）",
        _leaderless,
        _postless_entry,
    ),
    Kind(
        "acting",
        "主持工作超过一年",
        "主持工作是过渡办法。请任命书记，或免去主持工作。",
        _acting,
        _acting_entry,
    ),
    Kind(
        "ending",
        f"{NEAR.days} 天内任职到期，没有人接任",
        f"免职日期在前后 {NEAR.days} 天之内，同一组织没有别人任同一职务到这一天之后。请及时任命。",
        _ending,
        _ending_entry,
    ),
    Kind(
        "idle",
        "分管人已不在班子任职",
        "分工还在执行，分管人在这个班子却已没有职务，点评任务会落空。请终止，再改由在任成员分管。",
        _idle,
        _idle_entry,
    ),
    Kind(
        "vanished",
        "分管的组织或所在班子已撤销",
        "组织撤销后，对它的分管应当同时终止。",
        _vanished,
        _vanished_entry,
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
        "branchless",
        "没有任职的党员不在任何支部",
        "不在支部的党员不会被点评，覆盖率也不计他。转出的请改党籍状态，其余的请编入支部。由系统管理员办理。",
        _branchless,
        _branchless_entry,
    ),
    Kind(
        "inhabited",
        "已撤销的支部还有党员",
        "支部撤销前，党员应当转到别的支部；留在原处，就没有人点评他们。",
        _inhabited,
        _inhabited_entry,
    ),
    Kind(
        "crowded",
        f"党员超过 {MOST} 名的党支部",
        f"党支部党员人数一般不超过 {MOST} 人，超过的应当分设支部或改设党总支。",
        _crowded,
        _crowded_entry,
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
