"""Who is still missing in a measure: by name as far as the user may see names, with what is to be done about it."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet

from orgs import directory, scope
from orgs.lists import Columns
from orgs.models import Organization, Post
from reports import coverage, exemptions, past
from reviews.models import CoverageTarget, Duty, DutyStatus, Measure, Period

if TYPE_CHECKING:
    from orgs.models import User

Named = QuerySet[CoverageTarget] | past.Targets

TITLES = {
    Measure.LEADERS: "未参加点评的领导",
    Measure.ORGANIZATIONS: "未被点评的党组织",
    Measure.MEMBERS: "未被点评的党员",
}
HEADERS = {
    Measure.LEADERS: ("人员编号", "姓名", "单位及职务", "任职组织代码", "任职组织"),
    Measure.ORGANIZATIONS: ("组织代码", "组织名称", "组织类型", "上级组织代码", "上级组织"),
    Measure.MEMBERS: ("人员编号", "姓名", "单位及职务", "所属支部代码", "所属支部"),
}

WIDTHS = (16, 28, 32, 18, 36, 28, 14)
EXEMPT = "免除"
LOT = 300  # rows whose duties are read at once


@dataclass(frozen=True)
class Entry:
    """One that is missing, with what would end it: open duties towards it or, of a leader, how many are his own."""

    target: CoverageTarget
    duties: Sequence[Duty] = ()
    posts: Sequence[Post] = ()
    open_duties: int = 0
    has_duties: bool = True  # False: a leader without any duty in the period is listed apart (A7)
    is_exempt: bool = False


def named(
    user: User,
    period: Period,
    org: Organization,
    measure: Measure,
    *,
    own: bool = False,
    on: datetime.date | None = None,
) -> Named:
    """Missing ones that the user may see by name: organisations in the whole range, persons up to a guidance edge.

    In the tree's order. `own` narrows it to those who count at the organisation itself (本级); `on`: who was missing
    when a past day ended.
    """
    if on is None:
        return named_today(user, period, org, measure, own=own)
    return past.missing(period, org, measure, on).filter(_may_name(user, org, measure, own))


def named_today(
    user: User, period: Period, org: Organization, measure: Measure, *, own: bool = False
) -> QuerySet[CoverageTarget]:
    """The same, of now."""
    found = coverage.missing(period, org, measure).filter(_may_name(user, org, measure, own))
    return found.select_related("organization__parent", "person").order_by("organization", "person__number")


def _may_name(user: User, org: Organization, measure: Measure, own: bool) -> Q:
    where = scope.seen if measure == Measure.ORGANIZATIONS else scope.seen_people
    return where(user, "organization__") & (Q(organization=org) if own else Q())


def search(targets: Named, words: str) -> Named:
    """Those whose name, number or organisation every word names, pinyin too."""
    for word in words.split():
        of_org, of_person = (
            directory.named_organization(word, "organization__"),
            directory.named_person(word, "person__"),
        )
        targets = targets.filter(of_org | of_person)
    return targets


def entries(user: User, targets: Sequence[CoverageTarget], measure: Measure, period: Period) -> list[Entry]:
    """The targets of a page with posts and duties; a fixed number of queries."""
    free = exemptions.among(period, measure, [target.pk for target in targets if target.pk])
    if measure == Measure.LEADERS:
        return _leaders(targets, period, free)
    duties = Duty.objects.visible_to(user).open().filter(period=period).select_related("acting", "reviewer_org")
    if measure == Measure.ORGANIZATIONS:
        key, duties = "target_org_id", duties.filter(target_org__in=[target.organization_id for target in targets])
    else:
        key, duties = "target_person_id", duties.filter(target_person__in=[target.person_id for target in targets])
    by_key: dict[int, list[Duty]] = defaultdict(list)
    for duty in duties:
        by_key[getattr(duty, key)].append(duty)
    return [
        Entry(target, duties=by_key[target.person_id or target.organization_id], is_exempt=target.pk in free)
        for target in targets
    ]


def _leaders(targets: Sequence[CoverageTarget], period: Period, free: set[int]) -> list[Entry]:
    persons = [target.person_id for target in targets if target.person_id is not None]
    where = Q(acting__in=persons) | Q(acting__isnull=True, reviewer__in=persons)
    is_open = Count("pk", filter=Q(status=DutyStatus.PENDING))
    counts: dict[int | None, list[int]] = defaultdict(lambda: [0, 0])
    rows = Duty.objects.filter(where, period=period).order_by().values_list("acting_id", "reviewer_id")
    for acting, reviewer, every, still_open in rows.annotate(every=Count("pk"), still_open=is_open):
        counts[acting or reviewer][0] += every
        counts[acting or reviewer][1] += still_open
    posts: dict[tuple[int | None, int], list[Post]] = defaultdict(list)
    at = Post.objects.filter(person__in=persons, organization__in=[target.organization_id for target in targets])
    for post in at.select_related("organization"):
        if (post.from_on is None or post.from_on <= period.ends_on) and (
            post.to_on is None or post.to_on > period.starts_on
        ):
            posts[post.person_id, post.organization_id].append(post)
    return [
        Entry(
            target,
            posts=posts[target.person_id, target.organization_id],
            open_duties=counts[target.person_id][1],
            has_duties=counts[target.person_id][0] > 0,
            is_exempt=target.pk in free,
        )
        for target in targets
    ]


def columns(measure: Measure, *, with_duties: bool = True) -> Columns:
    """Of the list as a file; `with_duties`: by whom and until when, or of a leader how many are his; or 免除."""
    further = (("未完成任务",) if measure == Measure.LEADERS else ("点评人", "任务期限")) if with_duties else ()
    return list(zip((*HEADERS[measure], *further), WIDTHS, strict=False))


def rows(
    user: User, targets: Iterable[CoverageTarget], measure: Measure, period: Period, *, with_duties: bool = True
) -> Iterator[tuple[str, ...]]:
    """Rows of the list as a file. Some hundred at a time, each lot with a fixed number of queries."""
    every = iter(targets)
    while lot := list(islice(every, LOT)):
        found = entries(user, lot, measure, period) if with_duties else [Entry(target) for target in lot]
        for entry in found:
            yield (*_facts(entry.target), *(_further(entry, measure) if with_duties else ()))


def _facts(target: CoverageTarget) -> tuple[str, ...]:
    org, person = target.organization, target.person
    if person is None:
        parent = org.parent
        kind = org.get_org_type_display()
        return org.code, org.name, kind, parent.code if parent else "", parent.name if parent else ""
    return person.number, person.name, person.title, org.code, org.name


def _further(entry: Entry, measure: Measure) -> tuple[str, ...]:
    if entry.is_exempt:
        return (EXEMPT,) if measure == Measure.LEADERS else (EXEMPT, "")
    if measure == Measure.LEADERS:
        return (str(entry.open_duties) if entry.has_duties else "本期没有任务",)
    return "；".join(map(reviewer_of, entry.duties)), "；".join(sorted({f"{duty.due_on}" for duty in entry.duties}))


def reviewer_of(duty: Duty) -> str:
    """Who carries it out; of a joint duty with his organisation, for both may be one person's."""
    at = duty.reviewer_org.display_name
    if duty.acting is None:
        return at
    return f"{at}{duty.acting.name}" if duty.joint_group else duty.acting.name
