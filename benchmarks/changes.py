"""What a change costs: foreseen and done with everything that follows from it, beside deriving the whole period anew."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.measures import Line
from orgs import bulk, clock, foreseeing, personnel, reorganizing
from orgs.changes import Change, ChangeKind
from orgs.foreseeing import Plan
from orgs.models import Charge, Membership, Organization, OrgType, Person, Post, PostRole
from reviews import duties

TIMES = 5  # of each kind, at places that are drawn
WHY = {"reason": "测算", "by": None}


def measure() -> Iterator[Line]:
    """The median of each kind of change, foreseen and done; at the end a whole generation finds nothing left to do."""
    bulk.learn(Organization, Person, Membership, Post, Charge)  # as a database knows its tables after a day of use
    period = duties.ensure_period("2010H2")
    duties.regenerate(period, on=clock.today())
    began = time.perf_counter()
    duties.regenerate(period, on=clock.today())
    whole = time.perf_counter() - began
    drawn = Drawn(random.Random(2010))
    for what, draw in drawn.kinds().items():
        seconds = [_timed(draw()) for _ in range(TIMES)]
        for word, column in zip(("foreseen", "done"), zip(*seconds, strict=True), strict=True):
            yield Line(f"{what}, {word}", statistics.median(column), "deriving the whole period again", whole)
    total = duties.regenerate(period, on=clock.today()).total
    assert (total.added, total.withdrawn) == (0, 0), f"what followed was not all: {total}"


def _timed(plan: Plan) -> tuple[float, float]:
    began = time.perf_counter()
    told = foreseeing.foresee(plan)
    seen = time.perf_counter()
    plan.do()
    assert told, "nothing was told"
    return seen - began, time.perf_counter() - seen


class Drawn:
    """Changes at places that are drawn."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def kinds(self) -> dict[str, Callable[[], Plan]]:
        """What is measured."""
        return {
            "transfer 1 member": lambda: self.transfer(1),
            "transfer 20 members": lambda: self.transfer(20),
            "appoint in an office": lambda: self.appoint(self.team(3)),
            "appoint in a bureau": lambda: self.appoint(self.team(2)),
            "remove the 书记 of an office": self.remove,
            "put in charge of a branch": self.put_in_charge,
            "merge two branches": self.merge,
            "move an office (9 organisations)": lambda: self.move(self.team(3), self.team(2), "affiliation"),
            "move a bureau (91 organisations)": lambda: self.move(self.team(2), self.team(2), "guidance"),
        }

    def plan(
        self, what: ChangeKind, org: Any, target: Any, persons: list[Person], verb: Callable, *args: Any, **more: Any
    ) -> Plan:
        """A change of today."""
        change = Change(what, org, clock.today(), target, tuple(person.pk for person in persons))
        return Plan(change, lambda: verb(*args, **more, on=clock.today(), **WHY))

    def team(self, depth: int) -> Organization:
        """A 党组 so many levels down: 2 a bureau, 3 an office."""
        teams = Organization.objects.filter(org_type=OrgType.GROUP, level=depth - 1).order_by("pk")
        return self.chance.choice(list(teams))

    def branch(self) -> Organization:
        """A living one."""
        branches = Organization.objects.filter(org_type=OrgType.BRANCH, dissolved_on__isnull=True).order_by("pk")
        return Organization.objects.get(pk=self.chance.choice(list(branches.values_list("pk", flat=True))))

    def transfer(self, count: int) -> Plan:
        """From one branch to another."""
        branch, to = self.branch(), self.branch()
        rows = Membership.objects.filter(branch=branch, to_on__isnull=True).select_related("person").order_by("-pk")
        persons = [row.person for row in rows[:count]]
        return self.plan(ChangeKind.TRANSFER, None, to, persons, personnel.transfer, persons, to=to)

    def appoint(self, team: Organization) -> Plan:
        """A 副书记 from among the members of some branch."""
        member = Membership.objects.filter(branch=self.branch()).select_related("person").order_by("-pk")[0].person
        return self.plan(
            ChangeKind.APPOINT, team, None, [member], personnel.appoint, member, team, PostRole.DEPUTY
        )  # fmt: skip

    def remove(self) -> Plan:
        """Its head leaves."""
        heads = Post.objects.filter(role=PostRole.SECRETARY, to_on__isnull=True).select_related(
            "organization", "person"
        )
        post = heads.filter(organization=self.team(3)).first() or heads[0]
        return self.plan(ChangeKind.REMOVE, post.organization, None, [post.person], personnel.remove, post)

    def put_in_charge(self) -> Plan:
        """A member of a bureau, of a branch of one of its offices."""
        team = self.team(2)
        person = Post.objects.filter(organization=team, role=PostRole.MEMBER)[0].person
        below = Organization.objects.below(team).filter(org_type=OrgType.BRANCH, level=3).order_by("pk")
        org = self.chance.choice(list(below))
        return self.plan(
            ChangeKind.DIVISION, team, org, [person], personnel.put_in_charge, person, team, org, kind="assist"
        )  # fmt: skip

    def merge(self) -> Plan:
        """One goes into another anywhere."""
        org, into = self.branch(), self.branch()
        return self.plan(ChangeKind.MERGE, org, into, [], reorganizing.merge, org, into=into)

    def move(self, org: Organization, under: Organization, relation: str) -> Plan:
        """With all below it under another bureau."""
        return self.plan(ChangeKind.MOVE, org, under, [], reorganizing.move, org, under=under, relation=relation)
