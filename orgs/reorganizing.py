"""Changes of organisations over time: 改名, 调整上级, 合并, 分设, 撤销.

Each is one transaction under the tree's lock: members are transferred, organisations below are moved, posts end, and
whoever hangs on `orgs.changes` follows (duties, figures). `orgs.foreseeing` tells beforehand what each would do.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from django.db import transaction

from orgs import audit, changes, clock, people, scope, tree
from orgs.changes import Change, ChangeKind, checked
from orgs.consequences import BELONGING, not_ended
from orgs.models import Charge, Membership, Organization, Person, Post, User
from orgs.querysets import OrganizationQuerySet
from orgs.tree import TreeRefused

# --- the verbs ---------------------------------------------------------------------------------------------------


def rename(
    org: Organization, *, name: str, short_name: str = "", reason: str, on: datetime.date, by: User | None
) -> Organization:
    """改名: another name (and short name) from that day; the code stays, and past records keep the name of their day.

    Raises TreeRefused without a name, a reason or a difference, or when the organisation is dissolved.
    """
    name, short_name = name.strip(), short_name.strip()
    with transaction.atomic():
        org = _living(org, on, reason)
        if not name:
            raise TreeRefused("请填写新的组织名称。")
        if (name, short_name) == (org.name, org.short_name):
            raise TreeRefused("名称和简称都没有变化。")
        summary = f"“{org.name}”自 {on} 起改名为“{name}”。原因：{reason.strip()}"
        names = {"name": name, "short_name": short_name}
        tree.write_many([], [(org, names)], by=by, verb="组织改名", summary=summary, on=on)
        org.refresh_from_db()
        changes.announce(Change(ChangeKind.RENAME, org, on), by)
    return org


def move(
    org: Organization,
    *,
    under: Organization,
    relation: str | None = None,
    on: datetime.date,
    reason: str,
    by: User | None,
) -> Organization:
    """调整上级: the organisation with all below it hangs under another one, since that day.

    Divisions of work of teams that are not above it any more end. Raises TreeRefused, PastRefused.
    """
    with transaction.atomic():
        org = _living(org, on, reason)
        under = _living(under, on, reason)
        relation = relation or org.relation
        if under.pk == org.parent_id and relation == org.relation:
            raise TreeRefused(f"“{org.name}”现在就在“{under.name}”之下，没有变化。")
        _refuse_below(org, under)
        old = org.parent.name if org.parent else "（无上级）"
        summary = f"“{org.name}”自 {on} 起由“{old}”转到“{under.name}”之下。原因：{reason.strip()}"
        place = {"parent": under, "relation": relation}
        tree.write_many([], [(org, place)], by=by, verb="调整上级", summary=summary, on=on)
        _end_foreign_charges([org], on, by)
        org.refresh_from_db()
        changes.announce(Change(ChangeKind.MOVE, org, on, under), by)
    return org


def merge(org: Organization, *, into: Organization, on: datetime.date, reason: str, by: User | None) -> Organization:
    """合并: members and organisations below go to `into`, and `org` is dissolved on that day (A21). Returns `into`.

    A 党支部 merges with a 党支部 only, others with others. Raises TreeRefused, PeopleRefused.
    """
    with transaction.atomic():
        org = _ending(org, on, reason)
        into = _living(into, on, reason)
        if into.pk == org.pk:
            raise TreeRefused(f"“{org.name}”不能并入自己。")
        if org.is_branch != into.is_branch:
            raise TreeRefused("党支部只能与党支部合并，其他组织只能与党支部以外的组织合并。")
        _refuse_below(org, into)
        summary = f"“{org.name}”自 {on} 起并入“{into.name}”。原因：{reason.strip()}"
        moved = _hand_over(org, into, on, summary, reason, by)
        audit.record(by, "合并", [into], summary=summary, changes={into.pk: ({}, {"on": on})})
        tree.dissolve(org, on=on, by=by, summary=summary)
        into.refresh_from_db()
        changes.announce(Change(ChangeKind.MERGE, org, on, into, below=moved), by)
    return into


def split(
    org: Organization,
    *,
    code: str,
    name: str,
    short_name: str = "",
    members: Sequence[Person] = (),
    children: Sequence[Organization] = (),
    on: datetime.date,
    reason: str,
    by: User | None,
) -> Organization:
    """分设: a new organisation of the same kind is founded beside `org` and takes over some of what it has.

    Members of a 党支部, organisations directly below another one; somebody must stay. Returns the new one, which
    has no posts yet. Raises TreeRefused, PastRefused, PeopleRefused.
    """
    code, name, short_name = code.strip(), name.strip(), short_name.strip()
    with transaction.atomic():
        org = _living(org, on, reason)
        _refuse_new(org, code, name)
        _refuse_split(org, members, children, on)
        new = Organization(
            code=code,
            name=name,
            short_name=short_name,
            org_type=org.org_type,
            category=org.category,
            parent=org.parent,
            relation=org.relation,
            is_window_unit=org.is_window_unit,
            order=org.order,
            founded_on=on,
        )
        summary = f"由“{org.name}”自 {on} 起分设“{name}”。原因：{reason.strip()}"
        new = tree.add(new, by=by)
        people.transfer_many([(person, new, on) for person in members], by=by, reason=reason.strip())
        _move_below(children, new, on, summary, by)
        audit.record(by, "分设", [org, new], summary=summary, changes={pk: ({}, {"on": on}) for pk in (org.pk, new.pk)})
        new.refresh_from_db()
        changes.announce(Change(ChangeKind.SPLIT, org, on, new, tuple(person.pk for person in members)), by)
    return new


def dissolve(
    org: Organization, *, on: datetime.date, to: Organization | None = None, reason: str, by: User | None
) -> Organization:
    """撤销 on that day; `to` receives the members of a 党支部, or the organisations below another organisation.

    Raises TreeRefused when there is something to receive and nobody receives it.
    """
    with transaction.atomic():
        org = _ending(org, on, reason)
        summary = f"“{org.name}”自 {on} 起撤销。原因：{reason.strip()}"
        moved: tuple[int, ...] = ()
        if to is not None:
            to = _living(to, on, reason)
            if to.pk == org.pk:
                raise TreeRefused(f"“{org.name}”要撤销，不能由它自己接收。")
            if org.is_branch and not to.is_branch:
                raise TreeRefused(f"“{to.name}”不是党支部，不能接收党员。")
            if not org.is_branch and to.is_branch:
                raise TreeRefused(f"“{to.name}”是党支部，下面不能再设组织，请另选接收的上级。")
            _refuse_below(org, to)
            moved = _hand_over(org, to, on, summary, reason, by)
        else:
            _refuse_left_behind(org, on)
        org = tree.dissolve(org, on=on, by=by, summary=summary)
        changes.announce(Change(ChangeKind.DISSOLVE, org, on, to, below=moved), by)
    return org


# --- who may ---------------------------------------------------------------------------------------------------------


def changeable(user: User) -> OrganizationQuerySet:
    """Organisations that the user may change: the living ones below the organisation of a grant, not that one itself."""
    orgs = receivers(user)
    at = scope.seats(user)
    if at.is_admin:
        return orgs
    tops = [
        office.pk
        for office in at.offices
        if not any(office.is_descendant_of(other) and office.domain_id == other.domain_id for other in at.offices)
    ]
    return orgs.exclude(pk__in=tops)


def receivers(user: User) -> OrganizationQuerySet:
    """Living organisations that the user may name as a new superior or as the one that takes over."""
    return Organization.objects.filter(scope.office_of(user)).alive(clock.today()).filter(dissolved_on__isnull=True)


# --- inside ----------------------------------------------------------------------------------------------------------


def _living(org: Organization, on: datetime.date, reason: str) -> Organization:
    """The organisation, read anew under the lock; it must exist on that day, which must be no future."""
    tree.lock()
    org = tree.again(org)
    checked(reason, on)
    if org.dissolved_on is not None:
        raise TreeRefused(f"“{org.name}”已于 {org.dissolved_on} 撤销，不能再变更。")
    if org.founded_on is not None and on < org.founded_on:
        raise TreeRefused(f"日期 {on} 早于“{org.name}”的成立日期 {org.founded_on}，请改正。")
    return org


def _ending(org: Organization, on: datetime.date, reason: str) -> Organization:
    """An organisation that can end on that day: nothing of it happened later."""
    org = _living(org, on, reason)
    left = Membership.objects.filter(branch=org, to_on__gt=on).select_related("person").order_by("-to_on").first()
    if left is not None:
        raise TreeRefused(f"{left.person.name}到 {left.to_on} 才转出“{org.name}”，日期不能早于这一天。")
    post = Post.objects.filter(organization=org, from_on__gt=on).select_related("person", "organization").first()
    if post is not None:
        raise TreeRefused(f"{post.person.name}自 {post.from_on} 起任{post.title}，日期不能早于这一天；请先核对任职。")
    return org


def _refuse_below(org: Organization, other: Organization) -> None:
    if other.pk == org.pk or Organization.objects.below(org).filter(pk=other.pk).exists():
        raise TreeRefused(f"“{other.name}”就在“{org.name}”之下，请另选一个组织，或先把它调整到别的上级。")


def _refuse_left_behind(org: Organization, on: datetime.date) -> None:
    members = Membership.objects.filter(branch=org, to_on__isnull=True, person__status__in=BELONGING).count()
    if members:
        raise TreeRefused(f"“{org.name}”还有 {members} 名党员，请写明由哪个支部接收。")
    children = Organization.objects.filter(parent=org).filter(not_ended(on, "dissolved_on")).count()
    if children:
        raise TreeRefused(f"“{org.name}”下面还有 {children} 个组织，请写明转到哪个上级之下。")


def _refuse_new(org: Organization, code: str, name: str) -> None:
    """What is founded needs a name and a code of its own, and a superior."""
    if org.parent_id is None:
        raise TreeRefused(f"“{org.name}”没有上级，不能分设；请先在后台建立新的根组织。")
    if not code or not name:
        raise TreeRefused("请填写新组织的代码和名称。")
    taken = Organization.objects.filter(code__iexact=code).first()
    if taken is not None:
        raise TreeRefused(f"组织代码 {code} 已由“{taken.name}”使用（不分大小写），请另编一个。")


def _refuse_split(
    org: Organization, members: Sequence[Person], children: Sequence[Organization], on: datetime.date
) -> None:
    belonging = Membership.objects.filter(branch=org, to_on__isnull=True, person__status__in=BELONGING)
    below = Organization.objects.filter(parent=org).filter(not_ended(on, "dissolved_on"))
    stays = set(belonging.values_list("person", flat=True))
    hangs = set(below.values_list("pk", flat=True))
    for person in members:
        if person.pk not in stays:
            raise TreeRefused(f"{person.name}（{person.number}）现在不属于“{org.name}”，不能随它分出，请重新选择。")
    for child in children:
        if child.pk not in hangs:
            raise TreeRefused(f"“{child.name}”现在不直接在“{org.name}”之下，不能随它分出，请重新选择。")
    if not members and not children:
        raise TreeRefused("请选择分到新组织的党员。" if org.is_branch else "请选择分到新组织的下级组织。")
    if len({person.pk for person in members}) == len(stays) and len({child.pk for child in children}) == len(hangs):
        raise TreeRefused(f"全部分出以后“{org.name}”就空了；要整体更换的，请用改名，或建立以后用合并。")


def _hand_over(
    org: Organization, to: Organization, on: datetime.date, summary: str, reason: str, by: User | None
) -> tuple[int, ...]:
    """Members are transferred on that day, and organisations below are moved. Returns the ids of these."""
    belonging = Membership.objects.filter(branch=org, to_on__isnull=True).select_related("person").order_by("person")
    people.transfer_many(
        [(row.person, to if row.person.status in BELONGING else None, on) for row in belonging],
        by=by,
        reason=reason.strip(),
    )
    below = list(Organization.objects.filter(parent=org).filter(not_ended(on, "dissolved_on")))
    _move_below(below, to, on, summary, by)
    return tuple(child.pk for child in below)


def _move_below(
    orgs: Sequence[Organization], to: Organization, on: datetime.date, summary: str, by: User | None
) -> None:
    if orgs:
        moved = [(org, {"parent": to}) for org in orgs]
        tree.write_many([], moved, by=by, verb="调整上级", summary=summary, on=on)
        _end_foreign_charges(orgs, on, by)


def _end_foreign_charges(moved: Sequence[Organization], on: datetime.date, by: User | None) -> None:
    """Nobody is in charge of what does not lie below his team any more."""
    ending = []
    for org in Organization.objects.filter(pk__in=[org.pk for org in moved]):
        charges = Charge.objects.filter(not_ended(on), scope.in_range(org, "organization__"))
        for charge in charges.select_related("team", "organization"):
            if not charge.organization.is_descendant_of(charge.team):
                ending.append(charge)
    people.end_charges(ending, on=on, by=by)
