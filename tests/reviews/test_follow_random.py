"""What follows a change is what deriving the whole period anew would give: random systems, after each of many changes."""

from __future__ import annotations

import copy
import datetime
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Max, Sum

from orgs import foreseeing, people, personnel, reorganizing, tree
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.foreseeing import Plan
from orgs.models import Charge, Membership, Organization, Person, Post, Scheme
from orgs.models import ChargeKind as Share
from reports import coverage as totals
from reviews import concerned, coverage, duties, rounds
from reviews.concerned import Concerned
from reviews.models import CoverageChange, CoverageTarget, Duty, DutyStatus, Joint, Period, Record, Rule
from tests import builders
from tests.reviews.test_duties_oracle import random_world, store

pytestmark = pytest.mark.django_db

CHANGES = 5
TODAY = {"2010H2": "2010-12-10", "2011H1": "2011-05-20", "2011H2": "2011-11-20"}


class Dice:
    """Draws a change of the system as it is now."""

    def __init__(self, rng: random.Random, today: datetime.date) -> None:
        self.rng, self.today, self.made = rng, today, 0

    def change(self) -> Plan | None:
        kinds = [
            self.rename, self.move, self.move, self.merge, self.merge, self.split, self.split, self.dissolve, self.transfer,
            self.transfer, self.appoint, self.appoint, self.appoint, self.remove, self.remove, self.put_in_charge, self.end_charge,
            self.hand_over, self.found, self.found, self.join, self.correct_org, self.correct_org, self.correct_person,
            self.correct_person,
        ]  # fmt: skip
        return self.rng.choice(kinds)()

    def plan(self, what: ChangeKind, org, target, persons, verb: Callable, *args: Any, **more: Any) -> Plan:
        on = self.today - datetime.timedelta(days=self.rng.choice([0, 0, 0, 1, 40, 200]))
        change = Change(what, org, on, target, tuple(person.pk for person in persons))
        return Plan(change, lambda: verb(*args, **more, on=on, reason="变更", by=None))

    def org(self, **where: Any) -> Organization | None:
        return self.one(Organization.objects.filter(**where).order_by("code"))

    def one(self, rows) -> Any:
        found = list(rows)
        return self.rng.choice(found) if found else None

    def rename(self):
        org = self.org()
        return self.plan(ChangeKind.RENAME, org, None, (), reorganizing.rename, org, name=f"{org.name}新")

    def move(self):
        org, under = self.org(parent__isnull=False), self.org()
        relation = self.rng.choice([None, None, "affiliation", "guidance"])
        return self.plan(ChangeKind.MOVE, org, under, (), reorganizing.move, org, under=under, relation=relation)

    def merge(self):
        org = self.org(parent__isnull=False)
        alike = {"org_type": "branch"} if org.is_branch else {}
        into = self.org(**alike)
        return self.plan(ChangeKind.MERGE, org, into, (), reorganizing.merge, org, into=into)

    def split(self):
        org = self.org(parent__isnull=False)
        below = Organization.objects.filter(parent=org, dissolved_on__isnull=True).order_by("code")
        belonging = Membership.objects.filter(branch=org, to_on__isnull=True).select_related("person").order_by("pk")
        members = [row.person for row in belonging if self.rng.random() < 0.6]
        children = [child for child in below if self.rng.random() < 0.6]
        self.made += 1
        names = {"code": f"S{self.made}", "name": f"分设{self.made}"}
        return self.plan(
            ChangeKind.SPLIT, org, Organization(**names), members, reorganizing.split, org, **names, members=members,
            children=children,
        )  # fmt: skip

    def dissolve(self):
        org = self.org(parent__isnull=False)
        to = self.rng.choice([None, self.org(**({"org_type": "branch"} if org.is_branch else {}))])
        return self.plan(ChangeKind.DISSOLVE, org, to, (), reorganizing.dissolve, org, to=to)

    def transfer(self):
        persons = self.rng.sample(list(Person.objects.order_by("number")), self.rng.choice([1, 1, 3, 8]))
        to = self.rng.choice([self.org(org_type="branch"), self.org(org_type="branch"), None])
        return self.plan(ChangeKind.TRANSFER, None, to, persons, personnel.transfer, persons, to=to)

    def appoint(self):
        person, org = self.one(Person.objects.order_by("number")), self.org()
        role, acting = self.rng.choice(["secretary", "deputy", "member"]), self.rng.random() < 0.4
        return self.plan(
            ChangeKind.APPOINT, org, None, (person,), personnel.appoint, person, org, role, is_acting=acting
        )

    def remove(self):
        post = self.one(Post.objects.filter(to_on__isnull=True).select_related("organization", "person").order_by("pk"))
        return post and self.plan(
            ChangeKind.REMOVE, post.organization, None, (post.person,), personnel.remove, post
        )  # fmt: skip

    def put_in_charge(self):
        post = self.one(Post.objects.filter(to_on__isnull=True).select_related("organization", "person").order_by("pk"))
        org = post and self.one(Organization.objects.below(post.organization).order_by("code"))
        return org and self.plan(
            ChangeKind.DIVISION, post.organization, org, (post.person,), personnel.put_in_charge, post.person,
            post.organization, org, kind=self.rng.choice(list(Share)),
        )  # fmt: skip

    def end_charge(self):
        charge = self.one(
            Charge.objects.filter(to_on__isnull=True).select_related("team", "organization", "person").order_by("pk")
        )
        return charge and self.plan(
            ChangeKind.DIVISION, charge.team, charge.organization, (charge.person,), personnel.end_charge, charge
        )

    def hand_over(self):
        charge = self.one(Charge.objects.filter(to_on__isnull=True).select_related("team", "person").order_by("pk"))
        other = charge and self.one(
            Post.objects.filter(organization=charge.team).select_related("person").order_by("pk")
        )
        both = charge and (charge.person, other.person) if other else ()
        return both and self.plan(
            ChangeKind.DIVISION,
            charge.team,
            None,
            both,
            personnel.hand_over,
            charge.person,
            charge.team,
            to=other.person,
        )

    # --- as administrators enter it

    def entered(self, what: ChangeKind, verb: Callable, **about: Any) -> Plan:
        change = Change(what, about.pop("org", None), self.today, **about)
        return Plan(change, lambda: foreseeing.enter(Plan(change, verb), by=None))

    def found(self):
        under, like = self.org(), self.org()
        self.made += 1
        new = Organization(
            code=f"F{self.made}", name=f"新设{self.made}", parent=under, org_type=like.org_type, category=like.category,
            relation=self.rng.choice(["affiliation", "guidance"]), founded_on=self.rng.choice([None, self.today]),
        )  # fmt: skip
        return self.entered(ChangeKind.FOUND, lambda: tree.add(copy.copy(new), by=None), org=under, target=new)

    def join(self):
        self.made += 1
        branch, number = self.org(org_type="branch"), f"J{self.made}"
        on = self.rng.choice([None, self.today])
        return branch and self.entered(
            ChangeKind.JOIN, lambda: people.add(Person(number=number, name=number), branch, on, by=None), target=branch,
            number=number,
        )  # fmt: skip

    def correct_org(self):
        org, like, under = self.org(parent__isnull=False), self.org(), self.org()
        ended = self.org(dissolved_on__isnull=False) or org
        org, values = self.rng.choice(
            [
                (org, {"org_type": like.org_type}),
                (org, {"category_id": like.category_id}),
                (org, {"parent": under, "category_id": like.category_id}),
                (org, {"founded_on": self.rng.choice([None, self.today])}),
                (ended, {"dissolved_on": None}),
            ]
        )
        target = values.get("parent")
        write = lambda: tree.write_many([], [(org, values)], by=None)  # noqa: E731
        return self.entered(ChangeKind.CORRECT, write, org=org, target=target)

    def correct_person(self):
        person, branch = self.one(Person.objects.order_by("number")), self.org(org_type="branch")
        values = self.rng.choice(
            [{"status": "expelled"}, {"status": "normal"}, {"kind": "probationary"}, {"joined_on": self.today}]
        )
        goes = self.rng.random() < 0.4

        def write() -> None:
            people.update_many([(person, values)], by=None)
            if goes:
                people.transfer(person, to=branch, on=self.today, by=None)

        target = branch if goes else None
        return self.entered(ChangeKind.CORRECT, write, target=target, persons=(person.pk,))


def shake(rng: random.Random) -> None:
    """Rules as another office may have set them: what hangs together otherwise than in the notice."""
    rules = list(Rule.objects.filter(scheme__is_active=True).order_by("order"))
    for rule in rules:
        if rule.is_joint:
            rule.joint = rng.choice([Joint.EACH, Joint.ANY])
        if rng.random() < 0.3:
            rule.cadence = rng.choice(["half_year", "year"])
        if rule.targets_org and rng.random() < 0.3:
            rule.targets_org, rule.targets_head = rng.choice([(True, False), (False, True)])
        if not rule.is_joint and not rule.is_leftover and rng.random() < 0.3:
            rule.reviewer_kind = "person"
        if rule.reviewer_kind == "person" and rng.random() < 0.2:
            rule.targets_team = True
        if rng.random() < 0.15:
            rule.is_on = False
        rule.save()
    if rng.random() < 0.4:
        Scheme.objects.filter(is_active=True).update(leaders_as_members=False)


def work(rng: random.Random, period: Period) -> None:
    """Some duties are reviewed, exempt, or given to somebody by hand; some reviews were held earlier in the year."""
    for duty in Duty.objects.filter(period=period).order_by("pk"):
        if rng.random() < 0.25 and duty.acting_id is not None:
            review_it(duty, period, in_two=rng.random() < 0.2)
        elif rng.random() < 0.1:
            Duty.objects.filter(pk=duty.pk).update(status=DutyStatus.EXEMPT, exempt_reason="长期病休")
        elif rng.random() < 0.1:
            acting = rng.choice(list(Person.objects.order_by("number")))
            Duty.objects.filter(pk=duty.pk).update(acting=acting, is_assigned=True)
    earlier = builders.make_period("2011H1") if period.code == "2011H2" else None
    for duty in Duty.objects.filter(period=period, reviewer__isnull=False).order_by("pk") if earlier else ():
        if rng.random() < 0.2:
            target = {"of_org": duty.target_org} if duty.target_org else {"of_person": duty.target_person}
            builders.make_bare_record(earlier, duty.reviewer_org, duty.reviewer, about=duty.about_org, **target)


def a_round(rng: random.Random, period: Period) -> Period:
    """A round over some of the period's days or all, with some of its targets or all; some of its duties are reviewed."""
    some = [
        {},
        {"subjects": ("member", "head")},
        {"org_types": ("branch", "group")},
        {"below": rng.choice(list(Organization.objects.exclude(org_type="branch").order_by("code")))},
    ]
    starts_on = rng.choice([period.starts_on, period.starts_on + datetime.timedelta(days=60)])
    draft = rounds.RoundDraft("ND", "普遍点评", starts_on, period.ends_on, rng.random() < 0.5, **rng.choice(some))
    made = rounds.save(None, draft, by=None)
    duties.regenerate(made)
    for duty in Duty.objects.open().filter(period=made, acting__isnull=False).order_by("pk"):
        if rng.random() < 0.2:
            review_it(duty, made, in_two=False)
    return made


def review_it(duty: Duty, period: Period, *, in_two: bool) -> None:
    target = {"of_org": duty.target_org} if duty.target_org else {"of_person": duty.target_person}
    record = builders.make_bare_record(period, duty.reviewer_org, duty.acting, about=duty.about_org, **target)
    record.duties.add(duty)
    if in_two and duty.joint_group:
        record.duties.add(*Duty.objects.filter(period=period, joint_group=duty.joint_group, subject=duty.subject))
    with transaction.atomic():
        duties.settle(record)
        coverage.confirmed(record)


def everything(change: Change, period: Period, on: datetime.date) -> Concerned:
    orgs = frozenset(Organization.objects.values_list("pk", flat=True))
    return Concerned(orgs, coverage.Of(orgs, frozenset(Person.objects.values_list("pk", flat=True))))


def state(periods: list[Period], last: dict[type, int]) -> dict[str, Any]:
    """All that is derived, of each period."""
    return {
        f"{period.code} {name}": value for period in periods for name, value in state_of(period, last).items()
    }  # fmt: skip


def state_of(period: Period, last: dict[type, int]) -> dict[str, Any]:
    """The rows of before by their numbers, new ones by what they say."""

    def rows(model, *names: str) -> list[tuple]:
        found = model._default_manager.filter(period=period).order_by("pk").values_list("pk", *names)
        return sorted(((pk if pk <= last[model] else None, *map(repr, row)) for pk, *row in found), key=repr)

    fields = [field.attname for field in Duty._meta.concrete_fields if field.attname not in ("id", "created_at")]
    links = Record.duties.through.objects.filter(duty__period=period)
    sums = CoverageChange.objects.filter(period=period).order_by("organization", "measure")
    added_up = sums.values_list("organization", "measure").annotate(Sum("due"), Sum("done"))
    orgs = Organization.objects.order_by("pk")
    return {
        "duties": rows(Duty, *fields),
        "served": sorted(links.values_list("record", "duty__rule_code", "duty__reviewer_org", "duty__about_org", "duty__target_person"), key=repr),
        "targets": rows(CoverageTarget, "measure", "organization_id", "person_id", "done_on"),
        "changes": [row for row in added_up if any(row[2:])],
        "figures": {pk: sorted(row.items()) for pk, row in totals.totals(period, orgs).items()},
    }  # fmt: skip


def attempt(plan: Plan, periods: list[Period], last: dict[type, int], monkeypatch, *, whole: bool) -> Any:
    """The change seen, then done, and taken back: (what was told, all that is derived then)."""
    with connection.cursor() as cursor:  # what is new gets the same numbers each time
        for sql in connection.ops.sequence_reset_sql(no_style(), [Organization, Person]):
            cursor.execute(sql)
    with transaction.atomic(), monkeypatch.context() as patch:
        if whole:
            patch.setattr(concerned, "by", everything)
            patch.setattr(duties, "follow", lambda found, *, by: duties.regenerate_many(list(found), by=by))
        try:
            told = foreseeing.foresee(plan)
            plan.do()
            result = told, state(periods, last)
        except DomainError:
            result = None
        transaction.set_rollback(True)
    return result


@pytest.mark.parametrize("seed", range(20))
def test_what_follows_a_change_is_what_a_whole_generation_gives(seed, settings, monkeypatch):
    rng = random.Random(seed)
    code = rng.choice(["2010H2", "2011H2", "2011H2", "2011H1"])
    settings.TODAY = TODAY[code]
    store(random_world(rng))
    if seed % 2:
        shake(rng)
    period = duties.ensure_period(code)
    duties.regenerate(period)
    work(rng, period)
    duties.regenerate(period)
    periods = [period, *([a_round(rng, period)] if seed % 3 else [])]
    dice = Dice(rng, datetime.date.fromisoformat(TODAY[code]))
    followed: Counter[ChangeKind] = Counter()
    for _ in range(200):
        plan = dice.change()
        if plan is None:
            continue
        last = {model: model.objects.aggregate(last=Max("pk"))["last"] or 0 for model in (Duty, CoverageTarget)}
        expected = attempt(plan, periods, last, monkeypatch, whole=True)
        if expected is None:
            continue
        found = attempt(plan, periods, last, monkeypatch, whole=False)
        what = (plan.change, expected[0])
        assert found[0] == expected[0], what
        for name in expected[1]:
            assert found[1][name] == expected[1][name], (name, what)
        plan.do()
        followed[plan.change.kind] += 1
        if followed.total() >= CHANGES:
            break
    assert followed.total() == CHANGES
    assert totals.prove() == []
