"""Which duties and figures a change can touch: the organisations that must be asked anew, and whom it counts otherwise.

Asked before a change (to foresee it) and after it (to follow it). What it found before covers what it finds after, so
that the two can be compared; both cover everything that deriving the whole period would make different:

- what was: whoever has a stored duty towards what is changed;
- what is: whoever stands above it, before or after;
- what hangs together: joint reviewers, and organisations that one person heads (his duties through two of them are one).
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Manager, Q, QuerySet

from orgs import heads
from orgs.changes import Change, ChangeKind
from orgs.models import Membership, Organization, Post
from reviews import rule_versions, rules
from reviews.coverage import Of
from reviews.models import CoverageTarget, Duty, Period, Subject

MOST = 5000  # organisations asked anew within a page's patience; a change that concerns more waits for a generation
FEW = 500  # ids in one condition
OF_PEOPLE = (ChangeKind.TRANSFER, ChangeKind.JOIN, ChangeKind.APPOINT, ChangeKind.REMOVE, ChangeKind.DIVISION)
ENDING = (ChangeKind.MERGE, ChangeKind.DISSOLVE)


@dataclass(frozen=True)
class Concerned:
    """Reviewing organisations whose duties may become different, and the targets whose coverage may."""

    reviewers: frozenset[int]
    coverage: Of

    def and_new(self, org: int) -> Concerned:
        """The same, with an organisation that was founded since."""
        of = Of(self.coverage.organizations | {org}, self.coverage.persons)
        return Concerned(self.reviewers | {org}, of)

    def and_newcomer(self, person: int) -> Concerned:
        """The same, with a person who came since."""
        return Concerned(self.reviewers, Of(self.coverage.organizations, self.coverage.persons | {person}))


class TooMany(Exception):
    """The change concerns more organisations than can follow at once."""


def by(change: Change, period: Period, on: datetime.date) -> Concerned:
    """What the change concerns in a period whose duties are derived for `on`. Raises TooMany."""
    if change.kind == ChangeKind.CORRECT and change.org is None:
        return _of_facts(change, period, on)
    if change.kind in OF_PEOPLE:
        return _of_people(change, period, on)
    return _of_organizations(change, period, on)


def _of_people(change: Change, period: Period, on: datetime.date) -> Concerned:
    nothing = frozenset[int]()
    persons = frozenset(change.persons)
    if change.kind in (ChangeKind.TRANSFER, ChangeKind.JOIN):
        asked = set(_ids(Membership.objects, "branch", "person", persons))
        asked |= {change.target.pk} if change.target is not None else set()
        return _joined(asked, (), period, on, Of(nothing, persons))
    if change.org is None:
        raise ValueError(f"a change of posts or of division of work without its organisation: {change}")
    if change.kind == ChangeKind.DIVISION:
        return _joined({change.org.pk}, (), period, on, Of(nothing, nothing))
    changed = {change.org.pk}
    named = rules.named(rules.active(on), on, Q(pk=change.org.pk))
    asked = {pair.reviewer_id for found in named for pair in found.pairs} | changed
    holders = persons | set(_ids(Post.objects, "person", "organization", changed))
    asked |= _asked_before(period, changed, holders) | _branches(holders, period)
    return _joined(asked, holders, period, on, Of(nothing, persons))


def _of_facts(change: Change, period: Period, on: datetime.date) -> Concerned:
    """What is written of persons, their branch among it: who reviews them as members, and as heads of organisations."""
    persons = frozenset(change.persons)
    led = set(_ids(Post.objects, "organization", "person", persons))
    asked = set(_ids(Membership.objects, "branch", "person", persons)) | led
    asked |= {change.target.pk} if change.target is not None else set()
    named = rules.named(rules.active(on), on, Q(pk__in=sorted(led))) if led else ()
    asked |= {pair.reviewer_id for found in named for pair in found.pairs} | _asked_before(period, led, persons)
    return _joined(asked, persons, period, on, Of(frozenset(), persons))


def _of_organizations(change: Change, period: Period, on: datetime.date) -> Concerned:
    org, target = change.org, change.target
    receiving = {target.pk} if target is not None and target.pk is not None else set()
    if change.kind == ChangeKind.FOUND:
        return _of_a_new_one(org, receiving, period, on)
    if org is None:
        raise ValueError(f"a change of organisations without its organisation: {change}")
    moved = [org.pk, *change.below, *(receiving if change.kind == ChangeKind.SPLIT else ())]
    changed: set[int] = set()
    for top in Organization.objects.filter(pk__in=moved):
        changed.update(Organization.objects.below(top, include_self=True).order_by().values_list("pk", flat=True))
        _refuse_many(changed)
    asked = changed | receiving
    for top in Organization.objects.filter(pk__in={org.pk, *receiving}):
        asked.update(Organization.objects.above(top).values_list("pk", flat=True))
    holders = set(_ids(Post.objects, "person", "organization", changed))
    asked |= _asked_before(period, changed, holders)
    if change.kind in ENDING:
        asked |= _branches(_ids(Post.objects, "person", "organization", [org.pk]), period)
    persons = holders | set(change.persons)
    if change.kind != ChangeKind.MOVE:
        places = {org.pk, *receiving}
        persons.update(_ids(Membership.objects, "person", "branch", places))
        persons.update(
            _ids(CoverageTarget.objects.filter(period=period, person__isnull=False), "person", "organization", places)
        )
    return _joined(asked, holders, period, on, Of(frozenset(changed | receiving), frozenset(persons)))


def _of_a_new_one(superior: Organization | None, new: set[int], period: Period, on: datetime.date) -> Concerned:
    """Nothing hangs on it yet: only whoever stands above it can get a duty towards it."""
    asked = set(new)
    if superior is not None:
        asked.update(Organization.objects.above(superior, include_self=True).values_list("pk", flat=True))
    return _joined(asked, (), period, on, Of(frozenset(new), frozenset()))


def _asked_before(period: Period, about: Collection[int], persons: Collection[int]) -> set[int]:
    """Who has a duty about these organisations, or towards one of these persons as a head."""
    stored = Duty.objects.filter(period=period)
    of_heads = stored.filter(subject=Subject.HEAD)
    return {
        *_ids(stored, "reviewer_org", "about_org", about),
        *_ids(of_heads, "reviewer_org", "target_person", persons),
    }


def _branches(persons: Iterable[int], period: Period) -> set[int]:
    """Where they are members: leaders may be left out there (A12)."""
    if rule_versions.switches(period).leaders_as_members:
        return set()
    return set(_ids(Membership.objects, "branch", "person", persons))


def _joined(asked: set[int], holders: Iterable[int], period: Period, on: datetime.date, of: Of) -> Concerned:
    """With whoever's duties depend on theirs. `holders` may have headed, or may head, one of them."""
    joint = [
        {reviewer, *partners}
        for rule in rules.active(on)
        if rule.is_joint
        for reviewer, partners in rules.co_reviewers(rule, on).items()
    ]
    stored, posts = Duty.objects.filter(period=period), Post.objects.valid(on).heads()
    known: set[int] = set()
    new, persons, asked = asked, set(holders), set()
    while new or persons:
        for group in joint:
            new |= set() if group.isdisjoint(new) else group
        new -= asked
        asked |= new
        _refuse_many(asked)
        persons |= {post.person_id for chunk in _chunks(new) for post in heads.heads_of(chunk, on).values()}
        persons = (persons | set(_ids(stored, "reviewer", "reviewer_org", new))) - known
        known |= persons
        new = set(_ids(posts, "organization", "person", persons)) | set(
            _ids(stored, "reviewer_org", "reviewer", persons)
        )
        new, persons = new - asked, set()
    return Concerned(frozenset(asked), of)


def _refuse_many(orgs: Collection[int]) -> None:
    if len(orgs) > MOST:
        raise TooMany


def _ids(rows: QuerySet | Manager, wanted: str, name: str, ids: Iterable[int]) -> Iterator[int]:
    for chunk in _chunks(ids):
        found = rows.filter(**{f"{name}__in": chunk, f"{wanted}__isnull": False})
        yield from found.order_by().values_list(wanted, flat=True).distinct()


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    listed = sorted(set(ids))
    for start in range(0, len(listed), FEW):
        yield listed[start : start + FEW]
