"""Verbs of people: who belongs to which branch, who holds which post, who is in charge of what.

Each verb is one transaction; the plural does the work, the singular calls it. Spans are half-open: a post that
ends on a day is not held on that day any more.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q

from orgs import audit, bulk, changes, clock, pinyin, removal
from orgs.errors import DomainError
from orgs.models import Charge, ChargeKind, Membership, Organization, OrgType, Person, Post, PostRole, User

BATCH = 1000
MANY = 10_000  # organisations
Row = TypeVar("Row", Person, Post, Charge)
Move = tuple[Person, Organization | None, datetime.date | None]
# Of a person: id of the branch that the open membership was in (None: there was none), and since when.
Before = tuple[int | None, datetime.date | None]


class PeopleRefused(DomainError):
    """The change would contradict what is stored; the message names the person and the cure."""


# --- persons ----------------------------------------------------------------------------------------------


def add_many(persons: Sequence[Person], *, by: User | None, memberships: Sequence[Move] = ()) -> None:
    """Store unsaved persons, and the memberships with which some of them begin (the day None: always).

    Raises PeopleRefused when a number is taken (numbers differ by more than case) or a branch is no 党支部.
    """
    try:
        with transaction.atomic():
            bulk.store(persons, prepare=pinyin.fill)
            audit.record_new(by, "新增人员", persons)
            _begin([move for move in memberships if move[1] is not None], {}, by)
    except IntegrityError as error:
        raise PeopleRefused("人员编号已被使用（不分大小写），请核对。") from error


def update_many(changed: Sequence[tuple[Person, Mapping[str, Any]]], *, by: User | None) -> None:
    """Change facts of persons: pairs of a person and the fields that become different."""
    _update(Person, changed, "修改人员", by)


def add(
    person: Person, branch: Organization | None = None, on: datetime.date | None = None, *, by: User | None
) -> Person:
    """Store a person and, where a branch is given, the membership from that day (None: always)."""
    add_many([person], by=by, memberships=[(person, branch, on)])
    return person


def remove_many(persons: Sequence[Person], *, by: User | None) -> None:
    """Remove persons for good, with their memberships, as if they had never come (an import is undone).

    Raises PeopleRefused while anything else hangs on them: a post, an account, a task with a record.
    """
    if not persons:
        return
    with transaction.atomic():
        pks = {person.pk for person in persons}
        for listener in changes.removals:
            listener({}, pks)
        used = removal.used_by(Person, pks, besides=(Membership,))
        if used:
            raise PeopleRefused(f"要删除的人员里有的已经用到了（{used}），不能删除。")
        gone: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {
            person.pk: ({"number": person.number, "name": person.name}, {}) for person in persons
        }
        audit.record(by, "删除人员", persons, changes=gone)
        for chunk in _chunks(sorted(pks)):
            Membership.objects.filter(person__in=chunk).delete()
        removal.delete(Person, pks)


# --- memberships --------------------------------------------------------------------------------------------


def transfer_many(moves: Sequence[Move], *, by: User | None, reason: str = "") -> None:
    """组织关系转移: end each person's open membership on the day, begin the one in the new branch.

    A branch of None only ends (the person leaves the system). A day of None belongs to a first membership that
    has always been. A transfer on the very day the open membership began replaces it. Raises PeopleRefused when
    the target is no 党支部, the day lies before the open membership began, or a person would be moved twice.
    """
    with transaction.atomic():
        persons = {person.pk: person for person, _, _ in moves}
        if len(persons) != len(moves):
            raise PeopleRefused("同一名党员一次只能转移一次，请核对。")
        # The person's row is the lock: two transfers of one person wait for each other. NO KEY, here and below: whoever
        # refers to him meanwhile (a draft, a record) must not wait for us, nor we for him.
        locked = Person.objects.select_for_update(no_key=True).order_by("pk")
        for chunk in _chunks(sorted(persons)):
            list(locked.filter(pk__in=chunk).values_list("pk", flat=True))
        _begin(moves, _open_memberships(persons), by, reason)


def _begin(moves: Sequence[Move], current: Mapping[int, Membership], by: User | None, reason: str = "") -> None:
    """Write the memberships that begin and end by the moves; `current` are the open ones by person."""
    begun: list[tuple[int, int, datetime.date | None, None]] = []
    ended: list[Membership] = []
    replaced: list[Membership] = []
    persons: list[Person] = []
    events: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    nowhere = {"branch": ""}
    why = {"reason": reason} if reason else {}
    told: dict[tuple[int | None, datetime.date | None], dict[str, Any]] = {}  # one for all who come to a branch
    tells = bool(current or reason) or len(moves) < audit.RUN  # the first of very many: each membership says it itself
    for person, branch, on in moves:
        if branch is not None and branch.org_type != OrgType.BRANCH:
            raise PeopleRefused(f"{person.name}（{person.number}）：“{branch.name}”不是党支部，党员只能属于党支部。")
        pk, to = person.pk, branch.pk if branch is not None else None
        old = current.get(pk)
        if old is not None and old.branch_id == to:
            continue
        if old is not None:
            _end(old, person, on, ended, replaced)
        persons.append(person)
        if to is not None:
            begun.append((pk, to, on, None))
        if tells:
            after = told.get((to, on))
            if after is None:
                after = told[to, on] = {"branch": branch.name if branch else "", "on": on, **why}
            events[pk] = ({"branch": old.branch.name} if old else nowhere, after)
    Membership.objects.filter(pk__in=[row.pk for row in replaced]).delete()
    Membership.objects.bulk_update(ended, ["to_on"], batch_size=500)
    bulk.insert(Membership, ("person_id", "branch_id", "from_on", "to_on"), begun)
    if tells:
        audit.record(by, "组织关系", persons, changes=events)
    else:
        audit.record_new(by, "组织关系", persons)


def _end(
    old: Membership, person: Person, on: datetime.date | None, ended: list[Membership], replaced: list[Membership]
) -> None:
    if on is None:
        raise PeopleRefused(f"{person.name}（{person.number}）已属于“{old.branch.name}”，转移请写明转入日期。")
    if old.from_on is not None and on < old.from_on:
        raise PeopleRefused(
            f"{person.name}（{person.number}）的转入日期 {on} 早于现支部的转入日期 {old.from_on}，请改正日期。"
        )
    if on == old.from_on:
        replaced.append(old)
    else:
        old.to_on = on
        ended.append(old)


def _open_memberships(person_ids: Iterable[int]) -> dict[int, Membership]:
    found: dict[int, Membership] = {}
    for chunk in _chunks(sorted(person_ids)):
        rows = Membership.objects.filter(person__in=chunk, to_on__isnull=True).select_related("branch")
        found.update((row.person_id, row) for row in rows)
    return found


def redate_many(corrections: Sequence[tuple[Person, datetime.date | None]], *, by: User | None) -> None:
    """Correct the day on which each person's open membership began (the branch stays). Raises PeopleRefused."""
    with transaction.atomic():
        days = {person.pk: (person, on) for person, on in corrections}
        current = _open_memberships(days)
        changed: list[Membership] = []
        events: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        for pk, (person, on) in days.items():
            row = current.get(pk)
            if row is None:
                raise PeopleRefused(f"{person.name}（{person.number}）现在不属于任何党支部，没有转入日期可改。")
            events[pk] = ({"from_on": row.from_on}, {"from_on": on})
            row.from_on = on
            changed.append(row)
        Membership.objects.bulk_update(changed, ["from_on"], batch_size=500)
        audit.record(by, "更正转入日期", [days[pk][0] for pk in events], changes=events)


def take_back_transfers(before: Mapping[int, Before], *, by: User | None) -> None:
    """As if the last transfer of each person (by id) had not been: the membership begun by it goes, the one before it
    (branch, since) is open again.
    """
    with transaction.atomic():
        current = _open_memberships(before)
        persons: dict[int, Person] = {}
        closed: dict[tuple[int, int, datetime.date | None], Membership] = {}
        for chunk in _chunks(sorted(before)):
            persons.update((person.pk, person) for person in Person.objects.filter(pk__in=chunk))
            rows = Membership.objects.filter(person__in=chunk, to_on__isnull=False).order_by("to_on")
            closed.update(((row.person_id, row.branch_id, row.from_on), row) for row in rows)
        for chunk in _chunks(sorted(row.pk for row in current.values())):
            Membership.objects.filter(pk__in=chunk).delete()
        opened: list[Membership] = []
        made: list[Membership] = []
        events: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        for pk, (branch, since) in before.items():
            was = current[pk].branch.name if pk in current else ""
            events[pk] = ({"branch": was}, {"branch_id": branch, "from_on": since})
            if branch is None:
                continue
            row = closed.get((pk, branch, since))
            if row is None:
                made.append(Membership(person_id=pk, branch_id=branch, from_on=since))
            else:
                row.to_on = None
                opened.append(row)
        Membership.objects.bulk_update(opened, ["to_on"], batch_size=500)
        Membership.objects.bulk_create(made, batch_size=BATCH)
        audit.record(by, "撤回组织关系转移", [persons[pk] for pk in events if pk in persons], changes=events)


def transfer(person: Person, *, to: Organization | None, on: datetime.date, by: User | None, reason: str = "") -> None:
    """Transfer one member on that day; `to` None: out of the system."""
    transfer_many([(person, to, on)], by=by, reason=reason)


# --- posts --------------------------------------------------------------------------------------------------


def appoint_many(posts: Sequence[Post], *, by: User | None, reason: str = "") -> None:
    """任职: store unsaved posts. Raises PeopleRefused for a post that exists or a second 书记 at the same time."""
    try:
        with transaction.atomic():
            bulk.store(posts)
            _refuse_two_secretaries({post.organization_id for post in posts if post.role == PostRole.SECRETARY})
            audit.record_new(by, "任职", posts, changes=_begun(posts, reason))
    except IntegrityError as error:
        raise PeopleRefused("这项任职已经存在（同一人、同一组织、同一职务、同一任职日期）。") from error


def update_posts(
    changed: Sequence[tuple[Post, Mapping[str, Any]]], *, by: User | None, verb: str = "修改任职", reason: str = ""
) -> None:
    """Change dates or 主持工作 of posts; `verb` and `reason` word the events in the audit trail."""
    with transaction.atomic():
        _update(Post, changed, verb, by, reason)
        _refuse_two_secretaries({post.organization_id for post, _ in changed})


def withdraw_posts(posts: Sequence[Post], *, by: User | None) -> None:
    """As if they had never been appointed: the posts go without a trace but the audit's."""
    with transaction.atomic():
        audit.record(by, "撤回任职", posts)
        removal.delete(Post, {post.pk for post in posts})


def appoint(
    person: Person,
    org: Organization,
    role: str,
    *,
    from_on: datetime.date | None = None,
    is_acting: bool = False,
    by: User | None,
    reason: str = "",
) -> Post:
    """Appoint one person from that day (None: always)."""
    post = Post(person=person, organization=org, role=role, from_on=from_on, is_acting=is_acting)
    with transaction.atomic():
        _forget_never_held(Post.objects.filter(person=person, organization=org, role=role), from_on)
        appoint_many([post], by=by, reason=reason)
    return post


def remove(post: Post, *, on: datetime.date, by: User | None, reason: str = "") -> Post:
    """免职: the post ends on that day, and with the person's last post in a team the division of work there."""
    with transaction.atomic():
        post = Post.objects.select_for_update(no_key=True).get(pk=post.pk)
        if post.from_on is not None and on < post.from_on:
            raise PeopleRefused(f"免职日期 {on} 早于任职日期 {post.from_on}，请改正。")
        if post.to_on is not None and post.to_on <= on:
            raise PeopleRefused(f"这项任职已于 {post.to_on} 免去，没有变化。")
        update_posts([(post, {"to_on": on})], by=by, verb="免职", reason=reason)
        remaining = Post.objects.filter(person=post.person_id, organization=post.organization_id).valid(on)
        if not remaining.exists():
            charges = Charge.objects.filter(Q(to_on__isnull=True) | Q(to_on__gt=on))
            end_charges(charges.filter(person=post.person_id, team=post.organization_id), on=on, by=by, reason=reason)
        post.refresh_from_db()
    return post


def end_posts_of(org: Organization, *, on: datetime.date, by: User | None) -> None:
    """End every post in an organisation, and every division of work by or of it, on that day (it is dissolved)."""
    with transaction.atomic():
        posts = Post.objects.filter(organization=org).valid(on)
        update_posts([(post, {"to_on": on}) for post in posts], by=by)
        charges = Charge.objects.filter(Q(to_on__isnull=True) | Q(to_on__gt=on))
        end_charges(charges.filter(Q(team=org) | Q(organization=org)), on=on, by=by)


def _refuse_two_secretaries(org_ids: set[int]) -> None:
    """Two 书记 of one organisation at the same time: whose duties would they be?"""
    rows = Post.objects.filter(role=PostRole.SECRETARY)
    rows = rows.order_by("organization_id", F("from_on").asc(nulls_first=True), "pk")
    spans = rows.values_list("organization_id", "from_on", "to_on", "pk")
    chunks = _chunks(sorted(org_ids))
    # Of very many organisations all are read at once: asking by ten thousands of ids takes longer.
    parts = [spans.filter(organization__in=chunk) for chunk in chunks] if len(org_ids) <= MANY else [spans]
    for part in parts:
        for (org, _, ended, earlier), (later_org, begun, _, later) in pairwise(part):
            if org == later_org and org in org_ids and (ended is None or (begun or datetime.date.min) < ended):
                found = Post.objects.select_related("person", "organization").in_bulk([earlier, later])
                first, second = found[earlier], found[later]
                raise PeopleRefused(
                    f"“{first.organization.name}”同时有两名书记：{first.person.name}、{second.person.name}，"
                    "请先给前任写明免职日期。"
                )


# --- division of work -----------------------------------------------------------------------------------------


def put_in_charge_many(charges: Sequence[Charge], *, by: User | None, reason: str = "") -> None:
    """分管: store unsaved divisions of work. Raises PeopleRefused for one that exists."""
    try:
        with transaction.atomic():
            bulk.store(charges)
            audit.record_new(by, "分管", charges, changes=_begun(charges, reason))
    except IntegrityError as error:
        raise PeopleRefused("这项分管已经存在（同一人、同一班子、同一分管组织、同一起始日期）。") from error


def update_charges(
    changed: Sequence[tuple[Charge, Mapping[str, Any]]], *, by: User | None, verb: str = "修改分管", reason: str = ""
) -> None:
    """Change dates or 主次 of divisions of work; `verb` and `reason` word the events in the audit trail."""
    _update(Charge, changed, verb, by, reason)


def end_charges(charges: Iterable[Charge], *, on: datetime.date, by: User | None, reason: str = "") -> None:
    """终止分管 on that day; one that begins on it or later never begins."""
    ending = [(charge, {"to_on": max(on, charge.from_on or on)}) for charge in charges]
    update_charges(ending, by=by, verb="终止分管", reason=reason)


def withdraw_charges(charges: Sequence[Charge], *, by: User | None) -> None:
    """As if they had never been put in charge."""
    with transaction.atomic():
        audit.record(by, "撤回分管", charges)
        removal.delete(Charge, {charge.pk for charge in charges})


def put_in_charge(
    person: Person,
    team: Organization,
    org: Organization,
    *,
    kind: str = ChargeKind.LEAD,
    from_on: datetime.date | None = None,
    by: User | None,
    reason: str = "",
) -> Charge:
    """Put a member of a team in charge of an organisation below it.

    Raises PeopleRefused when the person holds no post in the team or the organisation does not lie below it.
    """
    holds = Post.objects.filter(person=person, organization=team).valid(from_on or clock.today())
    if not holds.exists():
        raise PeopleRefused(f"{person.name}没有在“{team.name}”任职，不能分管其下级组织。")
    team = Organization.objects.get(pk=team.pk)  # its range may have changed since it was read
    if not Organization.objects.below(team).filter(pk=org.pk).exists():
        raise PeopleRefused(f"“{org.name}”不在“{team.name}”之下，不能由其班子成员分管。")
    charge = Charge(person=person, team=team, organization=org, kind=kind, from_on=from_on)
    with transaction.atomic():
        _forget_never_held(Charge.objects.filter(person=person, team=team, organization=org), from_on)
        put_in_charge_many([charge], by=by, reason=reason)
    return charge


# --- inside -----------------------------------------------------------------------------------------------------


def _forget_never_held(rows: models.QuerySet, from_on: datetime.date | None) -> None:
    """One that ended on the very day it began was never held, and would stand in the way of a new one of that day."""
    if from_on is not None:
        rows.filter(from_on=from_on, to_on=from_on).delete()


def _begun(rows: Sequence[Post] | Sequence[Charge], reason: str) -> audit.Changes:
    """Since when and why, for the trail; nothing where no reason was asked for."""
    return {row.pk: ({}, {"on": row.from_on, "reason": reason}) for row in rows} if reason else {}


def _update(
    model: type[Row], changed: Sequence[tuple[Row, Mapping[str, Any]]], verb: str, by: User | None, reason: str = ""
) -> None:
    """Write the changed fields onto freshly read rows, in one upsert a batch, with one event each."""
    if not changed:
        return
    with transaction.atomic():
        manager = model._default_manager
        # What the audit's words need: without it, two queries for each row.
        named = () if model is Person else ("person", "organization")
        rows = manager.select_for_update(of=("self",), no_key=True).select_related(*named).order_by("pk")
        fresh: dict[int, Row] = {}
        for chunk in _chunks(sorted(row.pk for row, _ in changed)):
            fresh.update((row.pk, row) for row in rows.filter(pk__in=chunk))
        events: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        fields: set[str] = set()
        for stale, values in changed:
            row = fresh[stale.pk]
            why = {"reason": reason} if reason else {}
            events[row.pk] = ({name: getattr(row, name) for name in values}, {**values, **why})
            for name, value in values.items():
                setattr(row, name, value)
            fields.update(values)
            if isinstance(row, Person):
                fields |= pinyin.follow(row, values)
        try:
            manager.bulk_create(
                list(fresh.values()),
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=sorted(fields),
                batch_size=500,
            )
        except IntegrityError as error:
            raise PeopleRefused("日期前后颠倒，或与已有的一条重复，请核对。") from error
        audit.record(by, verb, list[models.Model](fresh.values()), changes=events)


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
