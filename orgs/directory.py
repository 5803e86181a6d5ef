"""Lists of organisations and persons as pages show them, and finding one by what somebody typed."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Case, Count, Prefetch, Q, QuerySet, Value, When

from orgs import clock, past, pinyin, scope
from orgs.errors import DomainError
from orgs.heads import heads_of
from orgs.models import Membership, Organization, Person, Post, User
from orgs.querysets import IN_TREE, OrganizationQuerySet

NAMED = 5  # how many of the same name a message lists


class NotFound(DomainError):
    """What was typed names nothing within the scope, or more than one."""


@dataclass(frozen=True)
class OrganizationRow:
    """An organisation in a list."""

    org: Organization
    head: Post | None
    sees_head: bool
    children: int
    members: int
    above: tuple[Organization, ...] = ()  # superiors within the user's scope, root first; see `with_superiors`


@dataclass(frozen=True)
class Top:
    """An organisation from which a user's view begins, and why."""

    row: OrganizationRow
    why: str


def rows(orgs: Iterable[Organization], user: User, on: datetime.date) -> list[OrganizationRow]:
    """With heads (where the user sees persons) and counts, as they were on that day; some queries, however many."""
    is_past = on < clock.today()
    shown = past.as_of(orgs, on) if is_past else list(orgs)
    ids = [org.pk for org in shown]
    open_ids = set(
        Organization.objects.filter(scope.seen_people(user), pk__in=ids).order_by().values_list("pk", flat=True)
    )
    heads = heads_of(sorted(open_ids), on)
    visible = Organization.objects.visible_to(user)
    below = visible.alive(on).filter(parent__in=ids).order_by()
    children = (
        past.count_under(visible, ids, on) if is_past else dict(below.values_list("parent").annotate(Count("pk")))
    )
    belonging = Membership.objects.valid(on).counted().filter(branch__in=ids).order_by()
    members = dict(belonging.values_list("branch").annotate(Count("pk")))
    return [
        OrganizationRow(org, heads.get(org.pk), org.pk in open_ids, children.get(org.pk, 0), members.get(org.pk, 0))
        for org in shown
    ]


def with_superiors(found: Sequence[OrganizationRow], user: User, on: datetime.date) -> list[OrganizationRow]:
    """With the superiors of the day that the user sees, so that same names are told apart; two queries a level."""
    known = {row.org.pk: row.org for row in found}
    asked: set[int] = set(known)
    while wanted := {org.parent_id for org in known.values() if org.parent_id} - asked:
        asked |= wanted
        for chunk in past.chunks(sorted(wanted)):
            uppers = Organization.objects.visible_to(user).filter(pk__in=chunk)
            known |= {org.pk: org for org in past.as_of(uppers.select_related("category").order_by(), on)}
    return [dataclasses.replace(row, above=_chain(row.org, known)) for row in found]


def _chain(org: Organization, known: Mapping[int, Organization]) -> tuple[Organization, ...]:
    chain: list[Organization] = []
    upper = known.get(org.parent_id) if org.parent_id else None
    while upper is not None:
        chain.insert(0, upper)
        upper = known.get(upper.parent_id) if upper.parent_id else None
    return tuple(chain)


def tops(user: User, on: datetime.date) -> list[Top]:
    """Where the user's view begins; what lies in the range of another of them is left out.

    On a day of the past they are the same, as far as they existed: what one may see is decided today.
    """
    at = scope.seats(user)
    if at.is_admin:
        roots = past.under(Organization.objects.visible_to(user), None, on)
        return [Top(row, "") for row in rows(roots, user, on)]
    in_charge = tuple(org for org, _team in at.charges)
    whole = (*at.offices, *at.heads, *in_charge)
    reasons: dict[int, tuple[Organization, str]] = {}
    own_branch = (at.branch,) if at.branch else ()
    for why, orgs in (
        ("办公室", at.offices),
        ("负责", at.heads),
        ("班子成员", at.teams),
        ("分管", in_charge),
        ("所在支部", own_branch),
    ):
        for org in orgs:
            if not any(org.is_descendant_of(other) for other in whole):
                reasons.setdefault(org.pk, (org, why))
    there = set(Organization.objects.alive(on).filter(pk__in=reasons).values_list("pk", flat=True))
    begin = [(org, why) for pk, (org, why) in reasons.items() if pk in there or on >= clock.today()]
    return [Top(row, why) for row, (_, why) in zip(rows([org for org, _ in begin], user, on), begin, strict=True)]


def search(orgs: OrganizationQuerySet, words: str, on: datetime.date) -> OrganizationQuerySet:
    """Chinese words: part of the name or short name of that day. Others: the code, the pinyin or its initials begin
    with them.
    """
    return past.named(orgs, words, on)


def ranked(orgs: QuerySet[Organization], words: str) -> QuerySet[Organization]:
    """What was searched for: whose code or name it is, then whose begins with it, then the others; each in tree order."""
    reading = pinyin.typed(words)
    spelled = ("pinyin", "initials", "short_pinyin", "short_initials") if reading else ()
    exact = Q(code__iexact=words) | Q(name=words) | Q(short_name=words)
    begins = Q(code__istartswith=words) | Q(name__startswith=words) | Q(short_name__startswith=words)
    for field in spelled:
        exact |= Q(**{field: reading})
        begins |= Q(**{f"{field}__startswith": reading})
    rank = Case(When(exact, then=Value(0)), When(begins, then=Value(1)), default=Value(2))
    return orgs.order_by(rank, *IN_TREE)


def opening(org: Organization) -> str:
    """What the address of the tree carries to open it down to an organisation."""
    return f"{urlencode({'open': org.code})}#opened"


def named_person(words: str, path: str = "") -> Q:
    """A person, or what leads to one by `path` ("person__"), by what somebody typed: Chinese is part of the name,
    anything else begins the number, the pinyin or its initials.
    """
    return pinyin.matching(Person, words, key="number", names=("name",), path=path)


def named_organization(words: str, path: str = "") -> Q:
    """The same of an organisation: Chinese is part of the name or short name, anything else begins the code or a reading."""
    return pinyin.matching(Organization, words, key="code", names=("name", "short_name"), path=path)


def search_people(persons: QuerySet[Person], words: str) -> QuerySet[Person]:
    """Chinese words: part of the name. Others: the number, the pinyin or its initials begin with them."""
    return persons.filter(named_person(words))


def with_branch(persons: QuerySet[Person], on: datetime.date) -> QuerySet[Person]:
    """Each with `current`: the membership of that day, as a list of at most one."""
    memberships = Membership.objects.valid(on).select_related("branch")
    return persons.prefetch_related(Prefetch("memberships", memberships, to_attr="current"))


def of_branches_named(persons: QuerySet[Person], words: str, on: datetime.date) -> QuerySet[Person]:
    """Whose branch of that day has the words in its name, or has them as its code."""
    meant = Q(name__icontains=words) | Q(short_name__icontains=words) | Q(code__iexact=words)
    named = Organization.objects.filter(meant).order_by()
    # By their ids where they are few: how many have a word in the name, the planner cannot guess.
    ids = list(named.values_list("pk", flat=True)[: past.FEW + 1])
    return _in_branches(persons, Organization.objects.filter(pk__in=ids) if len(ids) <= past.FEW else named, on)


def below(persons: QuerySet[Person], orgs: Iterable[Organization], on: datetime.date) -> QuerySet[Person]:
    """Members of the branches in the subtree of any of the organisations on that day."""
    ranges = scope.any_of([scope.in_range(org) for org in orgs])
    return _in_branches(persons, Organization.objects.filter(ranges), on)


def _in_branches(persons: QuerySet[Person], branches: QuerySet[Organization], on: datetime.date) -> QuerySet[Person]:
    """From the branches to their members: asked of each person, it is asked of a million."""
    members = Membership.objects.valid(on).filter(branch__in=branches.order_by().values("pk"))
    return persons.filter(pk__in=members.order_by().values("person"))


def person_named(words: str, among: QuerySet[Person], on: datetime.date) -> Person:
    """By number, else by exact name. Raises NotFound, which lists those of the same name."""
    found = list(among.filter(number__iexact=words)[:1]) or list(with_branch(among.filter(name=words), on)[: NAMED + 1])
    if len(found) > 1:
        listed = "、".join(f"{one.number}（{_branch(one)}）" for one in found[:NAMED])
        raise NotFound(f"有多位“{words}”：{listed}{'等' if len(found) > NAMED else ''}，请改填人员编号。")
    if not found:
        raise NotFound(f"找不到“{words}”。请填写完整姓名或人员编号；只能选您管理范围内的人员。")
    return found[0]


def _branch(person: Person) -> str:
    current: Sequence[Membership] = person.current  # type: ignore[attr-defined]
    return current[0].branch.display_name if current else "不在支部"


def organization_named(words: str, among: QuerySet[Organization]) -> Organization:
    """By code, else by exact name or short name. Raises NotFound, which lists those of the same name."""
    found = list(among.filter(code__iexact=words)[:1]) or list(
        among.filter(Q(name=words) | Q(short_name=words))[: NAMED + 1]
    )
    if len(found) > 1:
        listed = "、".join(f"{one.code}（{one.name}）" for one in found[:NAMED])
        raise NotFound(f"有多个“{words}”：{listed}{'等' if len(found) > NAMED else ''}，请改填组织代码。")
    if not found:
        raise NotFound(f"找不到“{words}”。请填写组织的全称、简称或代码；只能选您管理范围内的组织。")
    return found[0]
