"""Hands that do things at random: what happens to reviews, people and organisations in a half-year."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from orgs import clock, personnel, reorganizing
from orgs.errors import DomainError
from orgs.models import Membership, Organization, OrgType, Person, Post, User
from reports import coverage
from reviews import duties, records
from reviews.models import Duty, DutyStatus, Period, Record
from tests.builders import day
from tests.reviews.record_cases import full_draft

HELD = [day("2010-08-01"), day("2010-11-01")]
USUAL = {
    "confirm": 10,
    "void": 4,
    "transfer": 2,
    "move": 2,
    "merge": 1,
    "exempt": 4,
    "resume": 2,
    "generate": 2,
    "fold": 4,
}


class Hands:
    """One that does things at random, by the verbs of the product; what the rules refuse is no event.

    `did`, `refused`: how often each.
    """

    def __init__(self, seed: int, periods: Sequence[Period], admin: User) -> None:
        self.dice, self.periods, self.admin = random.Random(seed), periods, admin
        self.name = f"{seed}"
        self.did: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    @property
    def done(self) -> int:
        """How many things were not refused."""
        return self.did.total()

    def act(self, *, also: tuple[str, ...] = ()) -> str:
        """Do one of the usual things (or of those that are named); its name, with 「refused」 where a rule refused it."""
        return self.do(self.dice.choice([*Counter(USUAL).elements(), *also]))

    def do(self, event: str) -> str:
        """Do this; its name, with 「refused」 where a rule refused it."""
        try:
            getattr(self, event)()
        except DomainError:
            self.refused[event] += 1
            return f"{event} refused"
        self.did[event] += 1
        return event

    def one(self, rows: Any) -> Any:
        """One of a queryset, or of a list."""
        found = rows if isinstance(rows, list) else list(rows.order_by("pk"))
        if not found:
            raise DomainError("nothing to choose from")
        return self.dice.choice(found)

    # --- reviews and duties

    def confirm(self) -> None:
        """A leader logs the review that a duty asks for, or one more of the same; or the office does, and he approves."""
        mine = Duty.objects.filter(period__in=self.periods, acting__user__isnull=False)
        mine = mine.select_related("period", "reviewer_org", "acting__user", "target_org", "target_person", "about_org")
        again = self.dice.random() < 0.2
        duty = self.one(mine if again else mine.filter(status=DutyStatus.PENDING))
        leader = duty.acting.user
        writer = self.dice.choice([leader, leader, self.admin])
        if duty.status == DutyStatus.PENDING:
            record = records.open_draft(duty, by=writer)
        else:
            record = records.open_ad_hoc(
                period=duty.period, reviewer_org=duty.reviewer_org, reviewer=duty.acting, target_org=duty.target_org,
                target_person=duty.target_person, about_org=duty.about_org, by=writer,
            )  # fmt: skip
        held = [on for on in (*HELD, clock.today()) if duty.period.starts_on <= on <= duty.period.ends_on]
        together = tuple(each.pk for each in records.further_duties(record)) if self.dice.random() < 0.7 else ()
        draft = full_draft(record, held_on=self.dice.choice(held), assisted_committee="当地党委", duty_ids=together)
        record = records.confirm(record, draft, by=writer)
        if not record.is_counted:
            records.approve(record, by=leader)

    def void(self) -> None:
        records.void(self.one(Record.objects.counted()), reason="重复登记", by=self.admin)

    def exempt(self) -> None:
        duty = self.one(Duty.objects.filter(period__in=self.periods, status=DutyStatus.PENDING))
        duties.exempt(duty, reason="病休", approved_by="书记", by=self.admin)

    def resume(self) -> None:
        duties.resume(self.one(Duty.objects.filter(status=DutyStatus.EXEMPT)), by=self.admin)

    def generate(self) -> None:
        duties.regenerate_many(self.periods, on=clock.today())

    def fold(self) -> None:
        coverage.fold()

    # --- people

    def transfer(self) -> None:
        at = self.one(Membership.objects.filter(to_on__isnull=True).select_related("person"))
        branch = self.one(self.living().filter(org_type=OrgType.BRANCH).exclude(pk=at.branch_id))
        personnel.transfer([at.person], to=branch, on=clock.today(), reason="工作调动", by=self.admin)

    def appoint(self) -> None:
        role = self.dice.choice(["secretary", "deputy", "member"])
        person, org = self.one(Person.objects.all()), self.one(self.living())
        personnel.appoint(person, org, role, on=clock.today(), reason="任命", by=self.admin)

    def remove(self) -> None:
        post = self.one(Post.objects.valid(clock.today()))
        personnel.remove(post, on=clock.today(), reason="调动", by=self.admin)

    def suspend(self) -> None:
        person = self.one(Person.objects.all())
        status = "normal" if person.status == "suspended" else "suspended"
        personnel.correct(person, {"status": status}, by=self.admin)

    # --- organisations

    def living(self) -> Any:
        """Organisations of today."""
        return Organization.objects.alive(clock.today())

    def pair(self, *, alike: bool) -> tuple[Organization, Organization]:
        """An organisation, and one that does not lie below it and may take over what it has, or be its superior."""
        orgs = {org.pk: org for org in self.living().order_by("pk")}

        def above(org: Organization | None) -> set[int]:
            found = set()
            while org is not None:
                found.add(org.pk)
                org = orgs.get(org.parent_id)
            return found

        return self.one(
            [
                (org, other)
                for org in orgs.values()
                for other in orgs.values()
                if org.parent_id is not None and org.pk not in above(other)
                and (org.is_branch == other.is_branch if alike else not other.is_branch and other.pk != org.parent_id)
            ]
        )  # fmt: skip

    def move(self) -> None:
        org, under = self.pair(alike=False)
        reorganizing.move(org, under=under, on=clock.today(), reason="调整", by=self.admin)

    def merge(self) -> None:
        org, into = self.pair(alike=True)
        reorganizing.merge(org, into=into, on=clock.today(), reason="精简", by=self.admin)

    def dissolve(self) -> None:
        org, to = self.pair(alike=True)
        reorganizing.dissolve(org, on=clock.today(), to=to, reason="精简", by=self.admin)

    def split(self) -> None:
        at = Membership.objects.filter(to_on__isnull=True, branch__dissolved_on__isnull=True)
        branch = self.one(at.select_related("branch", "person")).branch
        members = [row.person for row in at.filter(branch=branch).select_related("person").order_by("pk")]
        code = f"S{self.name}-{self.did['split']}"
        reorganizing.split(
            branch, code=code, name=f"第{code}党支部", members=members[: len(members) // 2], on=clock.today(), reason="人多",
            by=self.admin,
        )  # fmt: skip
