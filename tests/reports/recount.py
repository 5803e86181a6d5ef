"""What every reader of the figures must say: counted anew from people, posts, reviews and duties, one by one.

Slow, and plainly right. It asks neither the stored targets nor the totals, and no tree numbers.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from orgs import clock
from orgs.models import Membership, Organization, Post
from reports import coverage, exemptions
from reports.coverage import Figure, Figures
from reviews.coverage import LEADING_TYPES
from reviews.models import CoverageTarget, Duty, DutyStatus, Measure, Period, Record

Who = tuple[Measure, int, int]  # measure, id of the person or organisation, id of the organisation where it counts


def assert_exact(period: Period, after: str, *, opened: Collection[str] | None = None) -> None:
    """Every reader beside the recount, in one moment of the database; the page of a system opened at every
    organisation, or at some, by code.
    """
    with coverage.snapshot():
        orgs = list(Organization.objects.order_by("pk"))
        listed = due(period)
        done = reached(period)
        targets = CoverageTarget.objects.filter(period=period).values_list("measure", "person_id", "organization_id")
        counted = Counter((Measure(measure), person or org, org) for measure, person, org in targets)
        _same(counted, Counter(listed), f"{after}: who is due, where, and nobody twice")
        right = _upward((measure, org, int((measure, who) in done)) for measure, who, org in listed)
        _same(coverage.totals(period, orgs), right, f"{after}: the figures of subtrees")
        root = next(org for org in orgs if org.parent_id is None)
        free = _upward(exempt(period, [target for target in listed if target[:2] not in done]))
        found = exemptions.counts(period, root, orgs)
        spared = {pk: {measure: figure.due for measure, figure in sums.items()} for pk, sums in free.items()}
        _same({org.pk: found[org.pk] for org in orgs}, spared, f"{after}: exempt ones")
        for org in orgs if opened is None else [org for org in orgs if org.code in opened]:
            itself, *children = coverage.by_child(period, org)
            page = {None: itself.figures, **{row.org.pk: row.figures for row in children}}
            below = {child.pk: right[child.pk] for child in orgs if child.parent_id == org.pk}
            _same(page, {None: coverage.own(period, org), **below}, f"{after}: the page of {org.code}")
            _same({None: coverage.added(page.values())}, {None: right[org.pk]}, f"{after}: the sum of {org.code}")


def _same(said: Mapping, right: Mapping, what: str) -> None:
    wrong = {key: (said.get(key), right.get(key)) for key in {*said, *right} if said.get(key) != right.get(key)}
    assert not wrong, f"{what}; said and right: {wrong}"


def due(period: Period) -> list[Who]:
    """Who counts in the period today: organisations but the roots, members at the branch they joined last, leaders at
    the post nearest the root.
    """
    on = min(max(clock.today(), period.starts_on), period.ends_on)
    orgs = {org.pk: org for org in Organization.objects.all()}
    alive = {pk for pk, org in orgs.items() if _holds(org.founded_on, org.dissolved_on, on)}
    branches: dict[int, tuple[datetime.date, int, int]] = {}
    for row in Membership.objects.select_related("person"):
        if row.branch_id in alive and row.person.status == "normal" and _holds(row.from_on, row.to_on, on):
            joined = (row.from_on or datetime.date.min, row.pk, row.branch_id)
            branches[row.person_id] = max(branches.get(row.person_id, joined), joined)
    posts: dict[int, tuple[int, str, int, int]] = {}
    for post in Post.objects.all():
        org = orgs[post.organization_id]
        leads = org.org_type in LEADING_TYPES or (org.is_branch and post.role == "secretary")
        in_office = (post.from_on is None or post.from_on <= on) and (
            post.to_on is None or post.to_on > period.starts_on
        )
        if leads and in_office and org.pk in alive:
            place = (len(_up(org.pk, orgs)), org.code, post.pk, org.pk)
            posts[post.person_id] = min(posts.get(post.person_id, place), place)
    return [
        *((Measure.ORGANIZATIONS, pk, pk) for pk in sorted(alive) if orgs[pk].parent_id is not None),
        *((Measure.MEMBERS, person, at[-1]) for person, at in sorted(branches.items())),
        *((Measure.LEADERS, person, at[-1]) for person, at in sorted(posts.items())),
    ]


def reached(period: Period) -> set[tuple[Measure, int]]:
    """Whom the reviews held in the period cover."""
    found: set[tuple[Measure, int]] = set()
    for record in Record.objects.counted().select_related("review").prefetch_related("review__co_reviewers"):
        review = record.review
        if review.period_id != period.pk and not period.starts_on <= review.held_on <= period.ends_on:
            continue
        if record.target_org_id:
            found.add((Measure.ORGANIZATIONS, record.target_org_id))
        else:
            found.add((Measure.MEMBERS, record.target_person_id))
        reviewers = {review.reviewer_id, *(person.pk for person in review.co_reviewers.all())}
        found |= {(Measure.LEADERS, pk) for pk in reviewers if pk is not None}
    return found


def exempt(period: Period, missing: Iterable[Who]) -> list[tuple[Measure, int, int]]:
    """Those of the missing whose duties are all exempt (at least one is): measure, organisation, 0."""
    states: dict[tuple[str, int | None], set[str]] = defaultdict(set)
    for duty in Duty.objects.filter(period=period):
        states[Measure.LEADERS, duty.acting_id or duty.reviewer_id].add(duty.status)
        states[Measure.MEMBERS, duty.target_person_id].add(duty.status)
        states[Measure.ORGANIZATIONS, duty.target_org_id].add(duty.status)
    return [(measure, org, 0) for measure, who, org in missing if states[measure, who] == {DutyStatus.EXEMPT}]


def _holds(start: datetime.date | None, end: datetime.date | None, on: datetime.date) -> bool:
    return (start is None or start <= on) and (end is None or end > on)


def _up(pk: int, orgs: dict[int, Organization]) -> list[int]:
    """The organisation and all above it, by parent links."""
    above = [pk]
    while (parent := orgs[above[-1]].parent_id) is not None:
        above.append(parent)
    return above


def _upward(counted: Iterable[tuple[Measure, int, int]]) -> dict[int, Figures]:
    """Organisation id -> figures, of every organisation; `counted`: measure, organisation, whether done."""
    orgs = {org.pk: org for org in Organization.objects.all()}
    sums = {pk: {measure: Figure() for measure in Measure} for pk in orgs}
    for measure, org, done in counted:
        for at in _up(org, orgs):
            sums[at][measure] += Figure(1, done)
    return sums
