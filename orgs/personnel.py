"""Changes of people over time: 组织关系转移, 任职, 免职, 分管 and its hand-over.

Each is one transaction under the tree's lock: it asks for a day that is no future and for a reason, writes through the
verbs of `orgs.people`, and whoever hangs on `orgs.changes` follows (duties, figures). `orgs.foreseeing` tells
beforehand what each would do.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from orgs import changes, clock, people, tree
from orgs.changes import Change, ChangeKind, checked
from orgs.consequences import not_ended
from orgs.models import Charge, Membership, Organization, OrgType, Person, Post, User
from orgs.people import PeopleRefused
from orgs.querysets import within

MOST = 2000  # persons in one transfer; more are an import


def transfer(
    persons: Sequence[Person], *, to: Organization | None, on: datetime.date, reason: str, by: User | None
) -> list[Person]:
    """组织关系转移: the persons belong to the branch `to` since that day; `to` None: to none of this system.

    Posts in the old branch stay: who holds them is decided apart. Raises PeopleRefused, ChangeRefused.
    """
    with transaction.atomic():
        tree.lock()
        reason = checked(reason, on)
        if not persons:
            raise PeopleRefused("请选择要转移的党员。")
        if len(persons) > MOST:
            raise PeopleRefused(f"一次最多转移 {MOST} 名党员，更多的请用导入。")
        if to is not None:
            to = _branch(to, on)
        at = Membership.objects.filter(person__in=[person.pk for person in persons], to_on__isnull=True)
        branches = {row.person_id: row.branch for row in at.select_related("branch")}
        for person in persons:
            branch = branches.get(person.pk)
            if to is not None and branch is not None and branch.pk == to.pk:
                raise PeopleRefused(f"{person.name}（{person.number}）现在就在“{to.name}”，不用再转。")
            if to is None and branch is None:
                raise PeopleRefused(f"{person.name}（{person.number}）现在不属于任何党支部，不用再转出。")
        people.transfer_many([(person, to, on) for person in persons], by=by, reason=reason)
        left = {branch.pk: branch for branch in branches.values()}
        org = next(iter(left.values())) if len(left) == 1 else None
        changes.announce(Change(ChangeKind.TRANSFER, org, on, to, tuple(person.pk for person in persons)), by)
    return list(persons)


def join(person: Person, branch: Organization, *, on: datetime.date | None, by: User | None) -> Person:
    """新增党员: store a person who belongs to the branch since that day (None: always).

    Raises PeopleRefused where the number is taken, or the branch did not exist on that day.
    """
    with transaction.atomic():
        today = clock.today()
        branch = _branch(branch, on or today)
        people.add(person, branch, on, by=by)
        joined = Change(ChangeKind.JOIN, None, on or today, branch, (person.pk,), number=person.number)
        changes.announce(joined, by)
    return person


# Facts of a person that decide who is due, and for what.
COUNTING = frozenset({"status", "kind", "joined_on"})


def correct(person: Person, values: Mapping[str, Any], *, by: User | None) -> None:
    """Put facts of a person right; duties follow where they hang on them."""
    counts = bool(COUNTING & set(values))
    with transaction.atomic():
        if counts:
            tree.lock()
        people.update_many([(person, values)] if values else [], by=by)
        if counts:
            changes.announce(Change(ChangeKind.CORRECT, None, clock.today(), persons=(person.pk,)), by)


def appoint(
    person: Person,
    org: Organization,
    role: str,
    *,
    is_acting: bool = False,
    on: datetime.date,
    reason: str,
    by: User | None,
) -> Post:
    """任职 since that day. Raises PeopleRefused for a second 书记 at the same time, or a post that he holds already."""
    with transaction.atomic():
        reason, org = checked(reason, on), _living(org, on)
        held = Post.objects.filter(not_ended(on), person=person, organization=org, role=role).first()
        if held is not None and held.is_acting == is_acting:
            since = f"自 {held.from_on} 起" if held.from_on else "一直"
            raise PeopleRefused(f"{person.name}{since}任{held.title}，没有变化。")
        if held is not None:
            raise PeopleRefused(f"{person.name}已任{held.title}；要改是否主持工作的，请先免去这项职务。")
        post = people.appoint(person, org, role, from_on=on, is_acting=is_acting, by=by, reason=reason)
        changes.announce(Change(ChangeKind.APPOINT, org, on, persons=(person.pk,)), by)
    return post


def remove(post: Post, *, on: datetime.date, reason: str, by: User | None) -> Post:
    """免职 on that day; with the last post in a team ends the division of work there. Raises PeopleRefused."""
    with transaction.atomic():
        tree.lock()
        post = people.remove(post, on=on, by=by, reason=checked(reason, on))
        changes.announce(Change(ChangeKind.REMOVE, post.organization, on, persons=(post.person_id,)), by)
    return post


def put_in_charge(
    person: Person,
    team: Organization,
    org: Organization,
    *,
    kind: str,
    on: datetime.date,
    reason: str,
    by: User | None,
) -> Charge:
    """分管: a member of the team is in charge of an organisation below it since that day. Raises PeopleRefused."""
    with transaction.atomic():
        reason, team, org = checked(reason, on), _living(team, on), _living(org, on)
        shared = Charge.objects.filter(not_ended(on), person=person, team=team, organization=org).first()
        if shared is not None:
            raise PeopleRefused(
                f"{person.name}已经{shared.get_kind_display()}“{org.name}”；要改主次的，请先终止这项分管。"
            )
        charge = people.put_in_charge(person, team, org, kind=kind, from_on=on, by=by, reason=reason)
        changes.announce(Change(ChangeKind.DIVISION, team, on, org, (person.pk,)), by)
    return charge


def end_charge(charge: Charge, *, on: datetime.date, reason: str, by: User | None) -> Charge:
    """终止分管 on that day. Raises PeopleRefused where it began later or has ended."""
    with transaction.atomic():
        tree.lock()
        reason = checked(reason, on)
        charge = Charge.objects.select_for_update(of=("self",)).select_related("team", "organization").get(pk=charge.pk)
        if charge.to_on is not None and charge.to_on <= on:
            raise PeopleRefused(f"这项分管已于 {charge.to_on} 终止，没有变化。")
        if charge.from_on is not None and on < charge.from_on:
            raise PeopleRefused(f"终止日期 {on} 早于起始日期 {charge.from_on}，请改正。")
        people.end_charges([charge], on=on, by=by, reason=reason)
        charge.refresh_from_db()
        changes.announce(Change(ChangeKind.DIVISION, charge.team, on, charge.organization, (charge.person_id,)), by)
    return charge


def hand_over(
    person: Person, team: Organization, *, to: Person, on: datetime.date, reason: str, by: User | None
) -> list[Charge]:
    """交接分工: everything the person is in charge of in the team goes to another member of it, with its 主次.

    What the other one is in charge of already is his alone then. Raises PeopleRefused.
    """
    with transaction.atomic():
        reason, team = checked(reason, on), _living(team, on)
        if to.pk == person.pk:
            raise PeopleRefused(f"{person.name}不能向自己交接分工。")
        open_ones = Charge.objects.filter(not_ended(on), team=team).select_related("organization")
        handed = list(open_ones.filter(person=person).order_by("organization__code"))
        if not handed:
            raise PeopleRefused(f"{person.name}在“{team.name}”没有分管的组织，没有可以交接的。")
        later = next((charge for charge in handed if charge.from_on is not None and charge.from_on > on), None)
        if later is not None:
            raise PeopleRefused(
                f"{person.name}自 {later.from_on} 起才分管“{later.organization.name}”，日期不能早于这一天。"
            )
        people.end_charges(handed, on=on, by=by, reason=reason)
        has = set(open_ones.filter(person=to).values_list("organization", flat=True))
        begun = [
            people.put_in_charge(to, team, charge.organization, kind=charge.kind, from_on=on, by=by, reason=reason)
            for charge in handed
            if charge.organization_id not in has
        ]
        changes.announce(Change(ChangeKind.DIVISION, team, on, persons=(person.pk, to.pk)), by)
    return begun


# --- inside ----------------------------------------------------------------------------------------------------------


def _living(org: Organization, on: datetime.date) -> Organization:
    """The organisation, read anew under the tree's lock, if it exists on that day and still does."""
    tree.lock()
    org = Organization.objects.get(pk=org.pk)
    if org.dissolved_on is not None:
        raise PeopleRefused(f"“{org.name}”已于 {org.dissolved_on} 撤销，不能再变更。")
    if not Organization.objects.filter(within(on, "founded_on", "dissolved_on"), pk=org.pk).exists():
        raise PeopleRefused(f"日期 {on} 早于“{org.name}”的成立日期 {org.founded_on}，请改正。")
    return org


def _branch(org: Organization, on: datetime.date) -> Organization:
    org = _living(org, on)
    if org.org_type != OrgType.BRANCH:
        raise PeopleRefused(f"“{org.name}”不是党支部，党员只能属于党支部。")
    return org
