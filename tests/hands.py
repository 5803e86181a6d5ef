"""Hands that do things at random: what happens to reviews, people and organisations in a half-year."""

from __future__ import annotations

import datetime
import random

from django.db import transaction

from orgs import clock, people, personnel, reorganizing, tree
from orgs.errors import DomainError
from orgs.models import Organization, OrgType, Person, Post, User
from reports import coverage
from reviews import coverage as targets
from reviews import duties
from reviews.models import Duty, DutyStatus, Period, Record, RecordState
from tests.builders import day, make_bare_record

HELD = [day("2010-08-01"), day("2010-11-01")]


class Hands:
    """One that does things at random; what the rules refuse is no event."""

    def __init__(self, seed: int, period: Period, admin: User) -> None:
        self.dice, self.period, self.admin = random.Random(seed), period, admin
        self.done = 0

    def act(self, *, also: tuple[str, ...] = ()) -> str:
        """Do one thing (or one of those that are named); its name, with 「refused」 where a rule refused it."""
        events = (
            [self.confirm] * 5 + [self.void] * 2 + [self.transfer, self.move, self.exempt, self.exempt, self.resume]
            + [self.generate, self.fold, self.fold, *(getattr(self, name) for name in also)]
        )  # fmt: skip
        event = self.merge if self.dice.random() < 0.04 else self.dice.choice(events)
        try:
            event()
        except DomainError:
            return f"{event.__name__} refused"
        self.done += 1
        return event.__name__

    def one(self, rows):
        found = list(rows.order_by("pk"))
        if not found:
            raise DomainError("nothing to choose from")
        return self.dice.choice(found)

    def confirm(self) -> None:
        duty = self.one(Duty.objects.filter(period=self.period))
        held_on = self.dice.choice([*HELD, clock.today()])
        people_ = list(Person.objects.order_by("pk"))
        with transaction.atomic():
            record = make_bare_record(
                self.period, duty.reviewer_org, duty.acting, of_org=duty.target_org, of_person=duty.target_person,
                about=duty.about_org, held_on=held_on, with_reviewers=tuple(self.dice.sample(people_, 1)),
                state=RecordState.DRAFT,
            )  # fmt: skip
            record.duties.add(duty)
            Record.objects.filter(pk=record.pk).update(state=RecordState.CONFIRMED, confirmed_at=noon())
            duties.settle(record)
            targets.confirmed(record)

    def void(self) -> None:
        record = self.one(Record.objects.counted())
        with transaction.atomic():
            if not Record.objects.select_for_update().counted().filter(pk=record.pk).exists():
                raise DomainError("voided by the other")
            Record.objects.filter(pk=record.pk).update(state=RecordState.VOIDED, voided_at=noon())
            targets.voided(record)
            duties.reopen(record)

    def transfer(self) -> None:
        branch = self.one(Organization.objects.alive(clock.today()).filter(org_type=OrgType.BRANCH))
        people.transfer(self.one(Person.objects.all()), to=branch, on=clock.today(), by=None)

    def move(self) -> None:
        org = self.one(Organization.objects.filter(parent__isnull=False))
        tree.move(org, under=self.one(Organization.objects.exclude(org_type=OrgType.BRANCH)), by=None)

    def merge(self) -> None:
        org = self.one(Organization.objects.alive(clock.today()).filter(parent__isnull=False))
        into = self.one(Organization.objects.alive(clock.today()).exclude(pk=org.pk).filter(parent__isnull=False))
        reorganizing.merge(org, into=into, on=clock.today(), reason="精简", by=None)

    def exempt(self) -> None:
        duty = self.one(Duty.objects.filter(period=self.period, status=DutyStatus.PENDING))
        duties.exempt(duty, reason="病休", approved_by="书记", by=self.admin)

    def resume(self) -> None:
        duties.resume(self.one(Duty.objects.filter(status=DutyStatus.EXEMPT)), by=self.admin)

    def generate(self) -> None:
        duties.regenerate(self.period, on=clock.today())

    def fold(self) -> None:
        coverage.fold()

    def dissolve(self) -> None:
        org = self.one(Organization.objects.alive(clock.today()).filter(parent__isnull=False))
        reorganizing.dissolve(org, on=clock.today(), reason="精简", by=None)

    def appoint(self) -> None:
        org = self.one(Organization.objects.alive(clock.today()))
        role = self.dice.choice(["secretary", "deputy", "member"])
        people.appoint(self.one(Person.objects.all()), org, role, from_on=clock.today(), by=None)

    def remove(self) -> None:
        post = self.one(Post.objects.valid(clock.today()))
        personnel.remove(post, on=clock.today(), reason="调动", by=None)

    def suspend(self) -> None:
        person = self.one(Person.objects.all())
        status = "normal" if person.status == "suspended" else "suspended"
        people.update_many([(person, {"status": status})], by=None)


def noon() -> datetime.datetime:
    """The middle of the day that it is."""
    return datetime.datetime.combine(clock.today(), datetime.time(4), tzinfo=datetime.UTC)
