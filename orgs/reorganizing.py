"""Changes of organisations over time: 改名, 调整上级, 合并, 撤销; and what each would do, before it is done.

Each is one transaction under the tree's lock: members are transferred, organisations below are moved, posts end, and
whoever hangs on `orgs.changes` follows (duties, figures). `foresee` does the real thing inside a savepoint, asks what
became different, and takes it all back: what it tells is what will happen.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from orgs import changes, clock, people, scope, tree
from orgs.changes import Change, ChangeKind
from orgs.models import Charge, Membership, Organization, PartyStatus, Post, Relation, User
from orgs.querysets import OrganizationQuerySet
from orgs.tree import TreeRefused

LONGEST_REASON = 200
# Whoever belongs to a branch goes along; for who left the Party or died, the membership ends.
BELONGING = (PartyStatus.NORMAL, PartyStatus.SUSPENDED)


class Different(TreeRefused):
    """What would happen is not what was shown; `.consequences` is what would happen now."""

    def __init__(self, consequences: list[str]) -> None:
        super().__init__("您查看影响之后情况有了变化，没有写入。请按下面的最新影响再确认一次。")
        self.consequences = consequences


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
        tree.write_many([], [(org, {"name": name, "short_name": short_name})], by=by, verb="组织改名", summary=summary)
        org.refresh_from_db()
        changes.announce(Change(ChangeKind.RENAME, org, on), by)
    return org


def move(
    org: Organization, *, under: Organization, relation: str | None = None, reason: str, by: User | None
) -> Organization:
    """调整上级: the organisation with all below it hangs under another one, from today (places have no dates).

    Divisions of work of teams that are not above it any more end. Raises TreeRefused.
    """
    on = clock.today()
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
        tree.write_many([], [(org, place)], by=by, verb="调整上级", summary=summary)
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
        _hand_over(org, into, on, summary, by)
        tree.dissolve(org, on=on, by=by, summary=summary)
        into.refresh_from_db()
        changes.announce(Change(ChangeKind.MERGE, org, on, into), by)
    return into


def dissolve(
    org: Organization, *, on: datetime.date, to: Organization | None = None, reason: str, by: User | None
) -> Organization:
    """撤销 on that day; `to` receives the members of a 党支部, or the organisations below another organisation.

    Raises TreeRefused when there is something to receive and nobody receives it.
    """
    with transaction.atomic():
        org = _ending(org, on, reason)
        summary = f"“{org.name}”自 {on} 起撤销。原因：{reason.strip()}"
        if to is not None:
            to = _living(to, on, reason)
            if to.pk == org.pk:
                raise TreeRefused(f"“{org.name}”要撤销，不能由它自己接收。")
            if org.is_branch and not to.is_branch:
                raise TreeRefused(f"“{to.name}”不是党支部，不能接收党员。")
            if not org.is_branch and to.is_branch:
                raise TreeRefused(f"“{to.name}”是党支部，下面不能再设组织，请另选接收的上级。")
            _refuse_below(org, to)
            _hand_over(org, to, on, summary, by)
        else:
            _refuse_left_behind(org, on)
        org = tree.dissolve(org, on=on, by=by, summary=summary)
        changes.announce(Change(ChangeKind.DISSOLVE, org, on, to), by)
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


# --- seen before it is done ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """A change, and the verb that makes it."""

    change: Change
    do: Callable[[], object]


def foresee(plan: Plan) -> list[str]:
    """What the change would do, in sentences: it is done inside a savepoint and taken back. Raises what it raises."""
    with transaction.atomic():
        sentences = _do(plan)
        transaction.set_rollback(True)
    return sentences


def carry_out(plan: Plan, *, seen: Sequence[str]) -> list[str]:
    """Make the change, if it still does what was shown. Raises Different (and nothing is written) where it does not."""
    with transaction.atomic():
        sentences = _do(plan)
        if list(seen) != sentences:
            raise Different(sentences)
    return sentences


def _do(plan: Plan) -> list[str]:
    tree.lock()
    asked = [look(plan.change) for look in (_own_consequences, *changes.previews)]
    plan.do()
    return [sentence for ask in asked for sentence in ask()]


def _own_consequences(change: Change) -> Callable[[], list[str]]:
    """What becomes different of organisations, members and posts."""
    org, on, target = change.org, change.on, change.target
    assert org is not None  # noqa: S101 - for the type checker: every change of this module has one
    old_name, old_short, old_parent = org.name, org.short_name, org.parent
    old_relation = Relation(org.relation).label
    below = Organization.objects.below(org).alive(on).count()
    children = Organization.objects.filter(parent=org).filter(_not_ended(on, "dissolved_on")).count()
    members = Membership.objects.filter(branch=org, to_on__isnull=True, person__status__in=BELONGING).count()
    posts = Post.objects.filter(organization=org).valid(on).count()
    charges = Charge.objects.filter(_not_ended(on))
    before = set(charges.values_list("pk", flat=True))

    def ask() -> list[str]:
        now = Organization.objects.select_related("parent").get(pk=org.pk)
        ended = len(before - set(charges.values_list("pk", flat=True)))
        if change.kind == ChangeKind.RENAME:
            lines = [f"“{old_name}”改名为“{now.name}”，组织代码 {now.code} 不变。"] if old_name != now.name else []
            if old_short != now.short_name:
                lines.append(f"简称由“{old_short or '（无）'}”改为“{now.short_name or '（无）'}”。")
            return [*lines, "已有的点评记录保留当时的名称。"]
        if change.kind == ChangeKind.MOVE and now.parent is not None:
            along = f"，连同其下 {below} 个组织" if below else ""
            lines = []
            if old_parent != now.parent:
                was = f"由“{old_parent.name}”" if old_parent else ""
                lines.append(f"“{now.name}”{was}转到“{now.parent.name}”之下{along}。")
            if old_relation != now.get_relation_display():
                lines.append(f"与上级关系由{old_relation}改为{now.get_relation_display()}。")
            return [*lines, *([f"{ended} 项分管随之终止：新的上级链上没有原来的班子。"] if ended else [])]
        lines = [f"“{now.name}”自 {on} 起撤销，历史记录保留。"]
        if target is not None and members:
            lines.append(f"{members} 名党员自 {on} 起转入“{target.name}”。")
        if target is not None and children:
            lines.append(f"{children} 个下级组织转到“{target.name}”之下。")
        if posts or ended:
            both = [f"{posts} 项任职"] * bool(posts) + [f"{ended} 项分管"] * bool(ended)
            lines.append(f"{'、'.join(both)}随之终止。")
        return lines

    return ask


# --- inside ----------------------------------------------------------------------------------------------------------


def _not_ended(on: datetime.date, end: str = "to_on") -> Q:
    """Still there on that day, or beginning after it."""
    return Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": on})


def _living(org: Organization, on: datetime.date, reason: str) -> Organization:
    """The organisation, read anew under the lock; it must exist on that day, which must be no future."""
    tree.lock()
    org = tree.again(org)
    if not reason.strip():
        raise TreeRefused("请写明原因，例如批准文号或会议决定。")
    if len(reason.strip()) > LONGEST_REASON:
        raise TreeRefused(f"原因请不超过 {LONGEST_REASON} 个字。")
    if on > clock.today():
        raise TreeRefused(f"日期 {on} 还没有到，请在当天或之后办理。")
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
    children = Organization.objects.filter(parent=org).filter(_not_ended(on, "dissolved_on")).count()
    if children:
        raise TreeRefused(f"“{org.name}”下面还有 {children} 个组织，请写明转到哪个上级之下。")


def _hand_over(org: Organization, to: Organization, on: datetime.date, summary: str, by: User | None) -> None:
    """Members are transferred on that day, and organisations below are moved."""
    belonging = Membership.objects.filter(branch=org, to_on__isnull=True).select_related("person").order_by("person")
    people.transfer_many([(row.person, to if row.person.status in BELONGING else None, on) for row in belonging], by=by)
    children = list(Organization.objects.filter(parent=org).filter(_not_ended(on, "dissolved_on")))
    if children:
        moved = [(child, {"parent": to}) for child in children]
        tree.write_many([], moved, by=by, verb="调整上级", summary=summary)
        _end_foreign_charges(children, on, by)


def _end_foreign_charges(moved: Sequence[Organization], on: datetime.date, by: User | None) -> None:
    """Nobody is in charge of what does not lie below his team any more."""
    ending = []
    for org in Organization.objects.filter(pk__in=[org.pk for org in moved]):
        charges = Charge.objects.filter(_not_ended(on), scope.in_range(org, "organization__"))
        for charge in charges.select_related("team", "organization"):
            if not charge.organization.is_descendant_of(charge.team):
                ending.append((charge, {"to_on": max(on, charge.from_on or on)}))
    people.update_charges(ending, by=by)
