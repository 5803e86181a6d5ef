"""Gaps: what keeps somebody from being reviewed or from reviewing, each with its cure; and verbs that explain some.

Found by queries over sets, never stored: mending one takes it off the list. What the office accepts with a reason
stays on the list of explained ones; the goal is that none is left unexplained.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.http import urlencode

from orgs import audit, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import Membership, Organization, PartyStatus, Person, Post, User
from reviews import framing, overview
from reviews.gap_filter import EVERY, Only
from reviews.models import (
    AcceptedGap,
    Basis,
    CoverageTarget,
    Duty,
    Measure,
    Period,
    Record,
    ReviewerKind,
    SetAside,
    Subject,
)

REASON = 200


class GapRefused(DomainError):
    """It cannot be accepted as it is."""


@dataclass(frozen=True)
class Cure:
    """A way to mend it: what to do, and the page where it is done."""

    label: str
    url: str


@dataclass(frozen=True)
class Entry:
    """One gap as it is shown; `key` names it when it is accepted."""

    text: str
    note: str
    key: str
    cures: list[Cure]
    accepted: AcceptedGap | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of gap. `find`: its rows within the user's offices; `place`: where the organisation or person stands in a
    row; `at`: the organisation by which it is found (empty: of a person who is in none); `is_note`: told, but nothing
    that must be explained."""

    code: str
    title: str
    why: str
    find: Callable[[User, Period, datetime.date], QuerySet[Any]]
    place: str
    at: str
    of_person: bool
    entry: Callable[[Any, Period], tuple[str, str, list[Cure]]]
    is_note: bool = False

    def rows(
        self, user: User, period: Period, on: datetime.date, *, accepted: bool = False, only: Only = EVERY
    ) -> QuerySet[Any]:
        """Those that nobody explained, or those that somebody did; as far as they are asked for."""
        same = {"person" if self.of_person else "organization": OuterRef(self.place)}
        explained = Exists(AcceptedGap.objects.filter(period=period, kind=self.code, **same))
        found = only.narrow(self.find(user, period, on), self, on)
        return found.filter(explained if accepted else ~explained)


@dataclass(frozen=True)
class Tally:
    """How many of one kind are open and how many are explained."""

    kind: Kind
    open: int
    accepted: int


def works_through(user: User) -> bool:
    """Offices and administrators mend gaps; nobody else has the list."""
    at = scope.seats(user)
    return at.is_admin or bool(at.offices)


@dataclass(frozen=True)
class Outcome:
    """What was done, and the names of those that were left out: mended or explained meanwhile."""

    done: list[AcceptedGap]
    left_out: list[str]


def tallies(user: User, period: Period, on: datetime.date, only: Only = EVERY) -> list[Tally]:
    """Every kind with its numbers, in the order of the page."""
    explained_at_all = set(
        AcceptedGap.objects.filter(period=period).order_by().values_list("kind", flat=True).distinct()
    )
    found = []
    for kind in KINDS:
        is_any = kind.code in explained_at_all
        explained = kind.rows(user, period, on, accepted=True, only=only).count() if is_any else 0
        found.append(Tally(kind, kind.rows(user, period, on, only=only).count(), explained))
    return found


def unexplained(found: Iterable[Tally]) -> int:
    """未说明的缺口: the office's goal is zero."""
    return sum(tally.open for tally in found if not tally.kind.is_note)


def entries(kind: Kind, rows: Iterable[Any], period: Period) -> list[Entry]:
    """Rows of `Kind.rows` as they are shown, with what was said about them."""
    shown = [(row, _place_of(kind, row)) for row in rows]
    field = "person_id" if kind.of_person else "organization_id"
    said = AcceptedGap.objects.filter(period=period, kind=kind.code, **{f"{field}__in": [at.pk for _, at in shown]})
    known = {getattr(gap, field): gap for gap in said.select_related("by__person")}
    return [Entry(*_described(kind, row, period, at), accepted=known.get(at.pk)) for row, at in shown]


def accept(kind: Kind, keys: Collection[str], *, period: Period, on: datetime.date, reason: str, by: User) -> Outcome:
    """说明: the gaps named by `keys` may stay, for one reason. By the office that has them on its list.

    What was mended or explained meanwhile, or is not the office's, is left out and told; all others or none. Raises
    GapRefused, and Forbidden where none is left.
    """
    reason, keys = reason.strip(), list(dict.fromkeys(keys))
    if kind.is_note:
        raise GapRefused("这一类只作说明，不用再写原因。")
    if not keys:
        raise GapRefused("还没有勾选：请先勾选要说明的，再写原因。")
    if not reason or len(reason) > REASON:
        raise GapRefused(f"请写明为什么可以这样（1 至 {REASON} 个字），例如“长期病休”“正在筹建，下半年补选”。")
    for is_last in (False, True):
        # Of two who explain the same at once, the database lets one through; the other looks again.
        try:
            return _accept(kind, keys, period, on, reason, by)
        except IntegrityError as error:
            if is_last:
                raise GapRefused("刚刚有别人在说明同样的缺口，请刷新页面。") from error
    raise AssertionError


@transaction.atomic
def _accept(kind: Kind, keys: list[str], period: Period, on: datetime.date, reason: str, by: User) -> Outcome:
    wanted = f"{'' if kind.place == 'pk' else f'{kind.place}__'}{_natural(kind)}__in"
    rows = kind.rows(by, period, on).filter(**{wanted: keys})
    places = {getattr(place, _natural(kind)): place for place in (_place_of(kind, row) for row in rows)}
    if not places:
        if kind.rows(by, period, on, accepted=True).filter(**{wanted: keys}).exists():
            raise GapRefused("已经有说明，请刷新页面。")
        raise Forbidden("勾选的缺口已经补上，或不在您的管理范围内。请刷新页面。")
    field = "person" if kind.of_person else "organization"
    made = AcceptedGap.objects.bulk_create(
        AcceptedGap(period=period, kind=kind.code, reason=reason, by=by, **{field: places[key]})
        for key in keys
        if key in places
    )
    changes: audit.Changes = {gap.pk: ({}, {"kind": kind.title, "reason": reason}) for gap in made}
    audit.record(by, "说明缺口", made, changes=changes)
    return Outcome(made, _names(kind, [key for key in keys if key not in places], by))


@transaction.atomic
def withdraw(pks: Collection[int], *, by: User) -> list[AcceptedGap]:
    """撤销说明: they are gaps again; who else withdrew one before did it. Returns which; raises Forbidden where there is
    none that he could have explained.
    """
    held = accepted_by_office(by).filter(pk__in=pks).select_for_update(of=("self",))
    found = list(held.select_related("organization", "person").order_by("pk"))
    if not found:
        raise Forbidden("说明已经撤销，或不在您的管理范围内：只有所在组织的办公室可以撤销。请刷新页面。")
    changes: audit.Changes = {gap.pk: ({"kind": BY_CODE[gap.kind].title, "reason": gap.reason}, {}) for gap in found}
    audit.record(by, "撤销缺口说明", found, changes=changes)
    AcceptedGap.objects.filter(pk__in=[gap.pk for gap in found]).delete()
    return found


def accepted_by_office(user: User) -> QuerySet[AcceptedGap]:
    """Explanations that the user may take back: his own and those of organisations and people of his offices."""
    if scope.seats(user).is_admin:
        return AcceptedGap.objects.all()
    if not works_through(user):
        return AcceptedGap.objects.none()
    held = Person.objects.editable_by(user).values("pk")
    return AcceptedGap.objects.filter(Q(by=user) | scope.office_of(user, "organization__") | Q(person__in=held))


# --- inside ----------------------------------------------------------------------------------------------------


def _place_of(kind: Kind, row: Any) -> Organization | Person:
    return row if kind.place == "pk" else getattr(row, kind.place)


def _natural(kind: Kind) -> str:
    return "number" if kind.of_person else "code"


def _names(kind: Kind, keys: list[str], user: User) -> list[str]:
    """Of organisations or persons; whom the user does not see stays as he named it."""
    rows = Person.objects.visible_to(user) if kind.of_person else Organization.objects.visible_to(user)
    natural = _natural(kind)
    named = dict(rows.filter(**{f"{natural}__in": keys}).order_by().values_list(natural, "name")) if keys else {}
    return [named.get(key, key) for key in keys]


def _described(kind: Kind, row: Any, period: Period, at: Organization | Person) -> tuple[str, str, str, list[Cure]]:
    text, note, cures = kind.entry(row, period)
    return text, note, at.number if isinstance(at, Person) else at.code, cures


def _of(org: Organization) -> str:
    return f"{org.code} · {org.category.name} · {org.get_org_type_display()}"


def _why(period: Period, target: Organization | Person, reviewer: Organization | Person | None = None) -> Cure:
    def key(at: Organization | Person) -> str:
        return f"person:{at.number}" if isinstance(at, Person) else f"org:{at.code}"

    query = f"?period={period.code}&target={key(target)}" + (f"&reviewer={key(reviewer)}" if reviewer else "")
    return Cure("为什么", reverse("duty_why") + query)


def _unreached_orgs(user: User, period: Period, on: datetime.date) -> QuerySet[Organization]:
    found = overview.unnamed(period, on).filter(scope.office_of(user), framing.within(period))
    if not framing.takes_subject(period, Subject.ORG):
        found = found.none()
    return found.select_related("category", "parent").annotate(aside=_aside(period, target_org=OuterRef("pk")))


def _aside(period: Period, **target: Any) -> Subquery:
    """Why a new duty towards the target was set aside; empty where none was."""
    return Subquery(SetAside.objects.filter(period=period, is_added=True, **target).values("reason")[:1])


def _and_aside(note: str, reason: str | None) -> str:
    return f"{note} · 任务已搁置：{reason}" if reason else note


def _unreached_org(org: Any, period: Period) -> tuple[str, str, list[Cure]]:
    hangs = f"{org.get_relation_display()}于{org.parent.display_name}" if org.parent else ""
    cures = [
        Cure("核对类别和上级", reverse("organization", args=[org.code])),
        Cure("另行点评", f"{reverse('record_new')}?q={org.code}"),
        _why(period, org),
    ]
    return org.name, _and_aside(f"{_of(org)} · {hangs}", org.aside), cures


def _unreached_people(user: User, period: Period, on: datetime.date) -> QuerySet[Membership]:
    named = Duty.objects.filter(period=period, target_person=OuterRef("person"))
    rows = Membership.objects.valid(on).counted().filter(~Exists(named), scope.office_of(user, "branch__"))
    rows = rows.filter(framing.within(period, "branch__"))
    if not framing.takes_subject(period, Subject.MEMBER):
        rows = rows.none()
    if not period.takes_yearly:
        # Members are reviewed once a year, with the second half-year; where their rule is half-yearly, now as well.
        yearly = Duty.objects.filter(period=period, subject=Subject.MEMBER)
        rows = rows.filter(Exists(yearly))
    rows = rows.annotate(aside=_aside(period, target_person=OuterRef("person")))
    return rows.select_related("person", "branch").order_by("branch__code", "person__number")


def _unreached_person(row: Any, period: Period) -> tuple[str, str, list[Cure]]:
    cures = [_why(period, row.person), Cure("看支部", reverse("organization", args=[row.branch.code]))]
    return row.person.name, _and_aside(f"{row.person.number} · {row.branch.name}", row.aside), cures


def _vacant(user: User, period: Period, on: datetime.date) -> QuerySet[Organization]:
    waiting = Count("duties_as_reviewer", Q(duties_as_reviewer__in=_waiting(period)))
    found = overview.without_head(on).filter(scope.office_of(user), framing.within(period))
    return found.select_related("category").annotate(waiting=waiting)


def _waiting(period: Period) -> QuerySet[Duty]:
    return Duty.objects.open().filter(
        period=period, reviewer_kind=ReviewerKind.PERSON, reviewer__isnull=True, acting__isnull=True
    )


def _vacant_one(org: Any, period: Period) -> tuple[str, str, list[Cure]]:
    note = f"有 {org.waiting} 项由书记本人点评的任务在等" if org.waiting else "对负责人的点评落不到人"
    return org.name, f"{_of(org)} · {note}", [Cure("任命", reverse("post_add", args=[org.code])), _why(period, org)]


def _unmanned(user: User, period: Period, on: datetime.date) -> QuerySet[Organization]:
    left = Duty.objects.open().filter(period=period, reviewer_kind=ReviewerKind.ORG, acting__isnull=True)
    number = Count("duties_as_reviewer", Q(duties_as_reviewer__in=left))
    found = Organization.objects.filter(Exists(left.filter(reviewer_org=OuterRef("pk"))), scope.office_of(user))
    return found.select_related("category").annotate(waiting=number).order_by("code")


def _unmanned_one(org: Any, period: Period) -> tuple[str, str, list[Cure]]:
    cures = [Cure("任命班子成员", reverse("post_add", args=[org.code]))]
    return org.name, f"{_of(org)} · {org.waiting} 项任务没有可以承担的成员", cures


def _idle(user: User, period: Period, on: datetime.date) -> QuerySet[CoverageTarget]:
    mine = Duty.objects.filter(period=period).order_by()
    roster = CoverageTarget.objects.filter(
        ~Exists(mine.filter(acting=OuterRef("person"))),
        ~Exists(mine.filter(acting__isnull=True, reviewer=OuterRef("person"))),
        scope.office_of(user, "organization__"),
        period=period,
        measure=Measure.LEADERS,
    )
    held = Post.objects.valid(on).filter(person=OuterRef("person"), organization=OuterRef("organization"))
    found = roster.annotate(post=Subquery(held.order_by("pk").values("pk")[:1]))
    return found.select_related("person", "organization").order_by("organization__code", "person__number")


def _idle_one(row: Any, period: Period) -> tuple[str, str, list[Cure]]:
    person, org = row.person, row.organization
    cures = []
    if not org.is_branch:
        cures.append(Cure("分管", f"{reverse('charge_add', args=[org.code])}?{urlencode({'person': person.number})}"))
    if row.post:
        cures.append(Cure("指派", f"{reverse('duty_assign')}?{urlencode({'period': period.code, 'post': row.post})}"))
    asked = urlencode({"period": period.code, "reviewer": f"person:{person.number}"})
    cures.append(Cure("为什么", f"{reverse('duty_why')}?{asked}"))
    return person.name, f"{person.number} · {org.name}", cures


def _uncharged(user: User, period: Period, on: datetime.date) -> QuerySet[Duty]:
    rows = Duty.objects.open().filter(
        scope.office_of(user, "reviewer_org__"),
        period=period,
        basis=Basis.DIVISION,
        subject=Subject.ORG,
        acting__isnull=False,
        is_assigned=False,
        reasons__0__charge__isnull=True,
    )
    return rows.select_related("target_org__category", "reviewer_org", "acting").order_by(
        "reviewer_org__code", "target_org__code"
    )


def _uncharged_one(duty: Duty, period: Period) -> tuple[str, str, list[Cure]]:
    org, acting = duty.target_org, duty.acting
    assert org is not None and acting is not None  # noqa: S101, PT018 - selected so
    url = f"{reverse('charge_add', args=[duty.reviewer_org.code])}?organization={org.code}"
    note = f"{org.code} · 应由{duty.reviewer_org.display_name}的班子成员分管，现由{acting.name}代行"
    return org.name, note, [Cure("明确分管", url), Cure("看任务", reverse("duty", args=[duty.pk]))]


def _homeless(user: User, period: Period, on: datetime.date) -> QuerySet[Person]:
    member = Membership.objects.valid(on).filter(person=OuterRef("pk"))
    found = Person.objects.filter(~Exists(member), status=PartyStatus.NORMAL)
    if not scope.seats(user).is_admin:
        held = Post.objects.valid(on).filter(scope.office_of(user, "organization__"))
        found = found.filter(pk__in=held.order_by().values("person"))
    return found.order_by("number")


def _homeless_one(person: Person, period: Period) -> tuple[str, str, list[Cure]]:
    cures = [Cure("转入支部", reverse("person_transfer", args=[person.number])), _why(period, person)]
    return person.name, f"{person.number} · {person.title or '未填单位及职务'}", cures


def _dissolved(user: User, period: Period, on: datetime.date) -> QuerySet[Organization]:
    """Lived through half of the period, and was not reviewed before it ended (A21)."""
    middle = period.starts_on + (period.ends_on - period.starts_on) / 2
    reviewed = Record.objects.counted().counting_in(period).filter(target_org=OuterRef("pk"))
    gone = Organization.objects.filter(
        ~Exists(reviewed),
        scope.office_of(user),
        framing.within(period),
        dissolved_on__gt=middle,
        dissolved_on__lte=on,
        parent__isnull=False,
    )
    return gone.select_related("category").order_by("code")


def _dissolved_one(org: Organization, period: Period) -> tuple[str, str, list[Cure]]:
    return org.name, f"{org.code} · {org.dissolved_on} 撤销", [Cure("看组织", reverse("organization", args=[org.code]))]


KINDS = (
    Kind(
        "unreached", "没有规则点名的组织",
        "没有一条规则要求点评它：只有指导关系、刚成立，或单位类别填得不对；也可能是任务被搁置。", _unreached_orgs, "pk", "pk", False, _unreached_org,
    ),
    Kind(
        "unreached_people", "没有人点评的党员",
        "多为本支部书记，而上级没有点评该支部的任务；或方案规定班子成员不在支部接受点评。", _unreached_people, "person", "branch", True,
        _unreached_person,
    ),
    Kind(
        "vacant", "书记空缺、无人主持工作的组织",
        "应由书记本人承担的点评没有人做，对负责人的点评也落不到人。", _vacant, "pk", "pk", False, _vacant_one,
    ),
    Kind(
        "unmanned", "没有成员可以承担点评的班子",
        "任务在，但除被点评的负责人以外，班子里没有别人。", _unmanned, "pk", "pk", False, _unmanned_one,
    ),
    Kind(
        "idle", "没有点评任务的领导",
        "要求所有的领导都参加点评：没有分管的，可以明确分管、指派，或写明原因。", _idle, "person", "organization", True, _idle_one,
    ),
    Kind(
        "uncharged", "无人分管的组织",
        "应由分管领导点评，没有明确分管，暂由书记（或次序在前的成员）代行。", _uncharged, "target_org", "target_org", False, _uncharged_one,
    ),
    Kind(
        "homeless", "不在任何支部的党员",
        "没有支部，就没有支部书记来点评，也不计入应点评党员。", _homeless, "pk", "", True, _homeless_one,
    ),
    Kind(
        "dissolved", "撤销未评的组织",
        "本期存在过半又已撤销、没有点评过：只作说明，不算缺口。", _dissolved, "pk", "pk", False, _dissolved_one, is_note=True,
    ),
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}
