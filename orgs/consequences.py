"""What a change makes different of organisations, members, posts and division of work, in sentences.

`look` remembers before the change; what it returns asks after it, in the same savepoint. It compares what is stored,
so that nothing is promised which the verb does not do.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable

from django.db.models import Q

from orgs.changes import Change, ChangeKind
from orgs.heads import heads_of
from orgs.models import Charge, Membership, Organization, PartyStatus, Person, Post, Relation

# Whoever belongs to a branch goes along; for who left the Party or died, the membership ends.
BELONGING = (PartyStatus.NORMAL, PartyStatus.SUSPENDED)
SHOWN = 5  # named up to so many

Ask = Callable[[], list[str]]
Shares = dict[int, tuple[str, str, str]]  # who, 主管 or 协管, what


def look(change: Change) -> Ask:
    """Remember what is; the answer tells, after the change, what became different."""
    if change.kind == ChangeKind.TRANSFER:
        return _of_memberships(change)
    if change.kind == ChangeKind.JOIN:
        return lambda: _joined(change)
    if change.org is None or change.kind in (ChangeKind.FOUND, ChangeKind.CORRECT):
        return list
    if change.kind in (ChangeKind.APPOINT, ChangeKind.REMOVE, ChangeKind.DIVISION):
        return _of_posts(change, change.org)
    return _of_organization(change, change.org)


def not_ended(on: datetime.date, end: str = "to_on") -> Q:
    """Still there on that day, or beginning after it."""
    return Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": on})


# --- persons -------------------------------------------------------------------------------------------------


def _of_memberships(change: Change) -> Ask:
    branches = _branches(change.persons)

    def ask() -> list[str]:
        now = _branches(change.persons)
        moved = [pk for pk in sorted(change.persons) if branches.get(pk) != now.get(pk)]
        left = Counter((branches.get(pk, (0, ""))[1], now.get(pk, (0, ""))[1]) for pk in moved)
        one = Person.objects.filter(pk__in=moved).values_list("name", flat=True) if len(moved) == 1 else []
        who = "".join(one)
        lines = []
        for (old, new), count in sorted(left.items()):
            whom = who or f"{count} 名党员"
            out = f"由“{old}”" if old else ""
            lines.append(f"{whom}自 {change.on} 起{out}{f'转入“{new}”' if new else '转往本系统以外'}。")
        return lines + _still_in_post(change, branches)

    return ask


def _branches(person_ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    rows = Membership.objects.filter(person__in=list(person_ids), to_on__isnull=True).order_by()
    return {person: (branch, name) for person, branch, name in rows.values_list("person", "branch", "branch__name")}


def _still_in_post(change: Change, branches: dict[int, tuple[int, str]]) -> list[str]:
    """Posts in the branch that was left do not end by themselves: whoever decides is told."""
    left = {branch for branch, _ in branches.values()}
    posts = Post.objects.filter(not_ended(change.on), person__in=change.persons, organization__in=left)
    rows = [
        post
        for post in posts.select_related("person", "organization").order_by("organization__code", "person__number")
        if branches.get(post.person_id, (0, ""))[0] == post.organization_id
    ]
    if not rows:
        return []
    named = "、".join(f"{post.person.name}（{post.organization.display_name}，{post.title}）" for post in rows[:SHOWN])
    more = f"等 {len(rows)} 人" if len(rows) > SHOWN else ""
    return [f"{named}{more}的职务不随组织关系终止，不再担任的请另行免职。"]


def _joined(change: Change) -> list[str]:
    person = Person.objects.get(number=change.number)
    since = person.memberships.values_list("from_on", flat=True).get()
    begins = f"自 {since} 起" if since else "一直"
    return [f"{person.name}（{person.number}）{begins}属于“{change.target.name if change.target else ''}”。"]


# --- posts and division of work ----------------------------------------------------------------------------------


def _of_posts(change: Change, org: Organization) -> Ask:
    posts, shares = _posts(change, org), _shares(org, change.on)
    head = heads_of([org.pk], change.on).get(org.pk)

    def ask() -> list[str]:
        lines = []
        now = _posts(change, org)
        lines += [f"{now[pk]}自 {change.on} 起任职。" for pk in sorted(now.keys() - posts.keys())]
        lines += [f"{posts[pk]}自 {change.on} 起免职。" for pk in sorted(posts.keys() - now.keys())]
        lines += _of_shares(shares, _shares(org, change.on), change.on)
        successor = heads_of([org.pk], change.on).get(org.pk)
        if (head and head.person_id) != (successor and successor.person_id):
            was = f"由{head.person.name}" if head else ""
            if successor is None:
                lines.append(f"“{org.name}”不再有负责人：书记空缺，也没有人主持工作。")
            else:
                acting = "" if successor.role == "secretary" else "（主持工作）"
                lines.append(f"“{org.name}”的负责人{was}变为{successor.person.name}{acting}。")
        elif change.kind == ChangeKind.REMOVE and head is not None:
            lines.append(f"“{org.name}”的负责人仍是{head.person.name}。")
        return lines

    return ask


def _posts(change: Change, org: Organization) -> dict[int, str]:
    held = Post.objects.filter(not_ended(change.on), organization=org, person__in=change.persons)
    return {
        post.pk: f"{post.person.name}（{org.display_name}，{post.title}）"
        for post in held.select_related("person", "organization")
    }


def _shares(team: Organization, on: datetime.date) -> Shares:
    charges = Charge.objects.filter(not_ended(on), team=team).select_related("person", "organization")
    return {row.pk: (row.person.name, row.get_kind_display(), row.organization.name) for row in charges}


def _of_shares(before: Shares, now: Shares, on: datetime.date) -> list[str]:
    lines = []
    for rows, words in (
        ([before[pk] for pk in before.keys() - now.keys()], "自 {on} 起不再{kind}{what}。"),
        ([now[pk] for pk in now.keys() - before.keys()], "自 {on} 起{kind}{what}。"),
    ):
        by_person: dict[tuple[str, str], list[str]] = {}
        for who, kind, what in sorted(rows):
            by_person.setdefault((who, kind), []).append(what)
        for (who, kind), whats in by_person.items():
            named = "、".join(f"“{what}”" for what in whats[:SHOWN])
            named += f"等 {len(whats)} 个组织" if len(whats) > SHOWN else ""
            lines.append(who + words.format(on=on, kind=kind, what=named))
    return lines


# --- organisations -----------------------------------------------------------------------------------------------


def _of_organization(change: Change, org: Organization) -> Ask:
    on = change.on
    old = Organization.objects.select_related("parent").get(pk=org.pk)
    below = Organization.objects.below(org).alive(on).count()
    children = _children(org, on)
    members = _members(org)
    posts = Post.objects.filter(organization=org).valid(on).count()
    charges = Charge.objects.filter(not_ended(on)).order_by()
    before = set(charges.values_list("pk", flat=True))

    def ask() -> list[str]:
        now = Organization.objects.select_related("parent").get(pk=org.pk)
        ended = len(before - set(charges.values_list("pk", flat=True)))
        if change.kind == ChangeKind.RENAME:
            return _renamed(old, now)
        if change.kind == ChangeKind.MOVE:
            return [*_moved(old, now, below), *_foreign(ended)]
        gone, away = len(members - _members(org)), len(children - _children(org, on))
        to = f"“{change.target.name}”" if change.target is not None else ""
        if change.kind == ChangeKind.SPLIT:
            lines = [f"由“{old.name}”分设{to}，自 {on} 起成立。"]
        else:
            lines = [f"“{old.name}”自 {on} 起撤销，历史记录保留。"]
        if gone and to:
            lines.append(f"{gone} 名党员自 {on} 起转入{to}。")
        if away and to:
            lines.append(f"{away} 个下级组织自 {on} 起转到{to}之下。")
        if change.kind == ChangeKind.SPLIT:
            branches = dict.fromkeys(change.persons, (org.pk, org.name))
            return [*lines, *_foreign(ended), *_still_in_post(change, branches), f"{to}还没有书记，请随后任命。"]
        if posts or ended:
            both = [f"{posts} 项任职"] * bool(posts) + [f"{ended} 项分管"] * bool(ended)
            lines.append(f"{'、'.join(both)}随之终止。")
        return lines

    return ask


def _children(org: Organization, on: datetime.date) -> set[int]:
    rows = Organization.objects.filter(parent=org).filter(not_ended(on, "dissolved_on"))
    return set(rows.order_by().values_list("pk", flat=True))


def _members(org: Organization) -> set[int]:
    rows = Membership.objects.filter(branch=org, to_on__isnull=True, person__status__in=BELONGING)
    return set(rows.order_by().values_list("person", flat=True))


def _renamed(old: Organization, now: Organization) -> list[str]:
    lines = [f"“{old.name}”改名为“{now.name}”，组织代码 {now.code} 不变。"] if old.name != now.name else []
    if old.short_name != now.short_name:
        lines.append(f"简称由“{old.short_name or '（无）'}”改为“{now.short_name or '（无）'}”。")
    return [*lines, "已有的点评记录保留当时的名称。"]


def _moved(old: Organization, now: Organization, below: int) -> list[str]:
    lines = []
    if old.parent_id != now.parent_id and now.parent is not None:
        was = f"由“{old.parent.name}”" if old.parent else ""
        along = f"，连同其下 {below} 个组织" if below else ""
        lines.append(f"“{now.name}”{was}转到“{now.parent.name}”之下{along}。")
    if old.relation != now.relation:
        lines.append(f"与上级关系由{Relation(old.relation).label}改为{now.get_relation_display()}。")
    return lines


def _foreign(ended: int) -> list[str]:
    return [f"{ended} 项分管随之终止：新的上级链上没有原来的班子。"] if ended else []
