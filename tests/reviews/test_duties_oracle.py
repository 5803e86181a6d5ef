"""Derived duties equal a naive reading of the table of domain.md, on the real tree and on random ones."""

from __future__ import annotations

import csv
import datetime
import random
from pathlib import Path

import pytest
from django.db import transaction

from orgs import people, tree
from orgs.models import Charge, Organization, Person, Post, Scheme
from reports.demonstration import load
from reports.demonstration.people import invent
from reviews import duties, duty_csv
from reviews.models import Period, PeriodKind, Rule
from tests import builders
from tests.reviews import oracle

pytestmark = pytest.mark.django_db

TYPES = ["党组", "党委", "机关党委", "党总支", "党支部"]
CATEGORIES = [
    "总局", "总局机关", "总局机关内设", "国家委", "国家委机关", "直属挂靠单位", "直属挂靠单位内设", "直属检验检疫局", "省级质监局",
    "分支机构", "机关内设机构", "直属单位",
]  # fmt: skip
ROLES = {"书记": "secretary", "副书记": "deputy", "委员": "member"}


def random_world(rng: random.Random, size: tuple[int, int] = (8, 28), persons: int = 25) -> oracle.World:
    """A crooked little system: any category under any other, vacancies, people with several posts, odd charges."""
    orgs = {"1": {"type": "党组", "category": "总局", "parent": "", "relation": "隶属"}}
    for n in range(rng.randint(*size)):
        parents = [code for code, org in orgs.items() if org["type"] != "党支部" and len(code) < 9]
        parent = rng.choice(parents)
        kind, category = rng.choice(TYPES), rng.choice(CATEGORIES)
        if rng.random() < 0.5:  # something that the rules name
            kind, category = rng.choice(
                [("机关党委", "总局机关"), ("党支部", "总局机关"), ("党委", "直属挂靠单位"), ("党组", "直属检验检疫局"),
                 ("党组", "省级质监局"), ("党组", "分支机构"), ("机关党委", "机关内设机构"), ("党支部", "机关内设机构"),
                 ("党组", "国家委")]
            )  # fmt: skip
        relation = "指导" if rng.random() < 0.2 else "隶属"
        orgs[f"{parent}{chr(97 + n)}"] = {"type": kind, "category": category, "parent": parent, "relation": relation}
    people_ = {f"p{n:02d}": "停止党籍" if rng.random() < 0.05 else "正常" for n in range(persons)}
    branches = [code for code, org in orgs.items() if org["type"] == "党支部"]
    members = [(person, rng.choice(branches)) for person in people_ if branches and rng.random() < 0.9]
    posts, seen = [], set()
    for code in orgs:
        if rng.random() < 0.75:
            posts.append((rng.choice(list(people_)), code, "书记", False, rng.choice(["", "2009-01-01"])))
        for _ in range(rng.randint(0, 3)):
            role = rng.choice(["副书记", "委员"])
            since = rng.choice(["", "2008-05-01", "2010-02-03"])
            posts.append((rng.choice(list(people_)), code, role, rng.random() < 0.2, since))
    posts = [post for post in posts if not ((post[0], post[1]) in seen or seen.add((post[0], post[1])))]
    charges, taken = [], set()
    for person, team, *_ in posts:
        below = [code for code in orgs if team in oracle.World(orgs, {}, [], [], []).up(code)[1:]]
        for code in rng.sample(below, min(len(below), rng.randint(0, 2))):
            if (person, team, code) not in taken:
                taken.add((person, team, code))
                charges.append((person, team, code, rng.choice(["主管", "协管"])))
    return oracle.World(orgs, people_, members, posts, charges)


def store(world: oracle.World) -> None:
    made: dict[str, Organization] = {}
    for code, org in world.orgs.items():
        made[code] = Organization(
            code=code, name=code, org_type=builders.TYPES[org["type"]], category=builders.category(org["category"]),
            parent=made.get(org["parent"]), relation="guidance" if org["relation"] == "指导" else "affiliation",
            founded_on=datetime.date(*org["founded"]) if org.get("founded") else None,
        )  # fmt: skip
    tree.write_many(list(made.values()), [], by=None)
    persons = {
        number: Person(number=number, name=number, status="normal" if status == "正常" else "suspended")
        for number, status in world.people.items()
    }
    people.add_many(list(persons.values()), by=None)
    people.transfer_many([(persons[number], made[branch], None) for number, branch in world.members], by=None)
    people.appoint_many(
        [
            Post(
                person=persons[p],
                organization=made[o],
                role=ROLES[r],
                is_acting=a,
                from_on=builders.day(s) if s else None,
            )
            for p, o, r, a, s in world.posts
        ],
        by=None,
    )
    people.put_in_charge_many(
        [
            Charge(person=persons[p], team=made[t], organization=made[o], kind="lead" if k == "主管" else "assist")
            for p, t, o, k in world.charges
        ],
        by=None,
    )


def derived(code: str) -> list[tuple]:
    period = duties.ensure_period(code)
    duties.regenerate(period, on=period.ends_on)
    return sorted(row[:8] for row in duty_csv.rows(period))


@pytest.mark.parametrize("seed", range(40))
def test_random_systems_get_the_duties_of_the_table(seed):
    world = random_world(random.Random(seed))
    store(world)
    assert derived("2010H2") == oracle.duties(world, second_half=True)
    assert derived("2011H1") == oracle.duties(world, second_half=False)


ALL_RULES = ["0", "1A", "1B", "2A", "2B", "2C", "3A", "3B", "4", "5A", "5B"]
BATCHES, EACH = 12, 25  # small systems in one test's database: 300 in all


def random_manner(rng: random.Random) -> oracle.Manner:
    """Any rule yearly or half-yearly, leaders reviewed in their branch or not, any number of months."""
    yearly = rng.sample(ALL_RULES, rng.randint(0, 8)) if rng.random() < 0.6 else oracle.USUAL.yearly
    return oracle.Manner(yearly, rng.random() < 0.5, rng.choice([0, 1, 2, 3, 3, 4, 6]))


def put(manner: oracle.Manner) -> None:
    """Into the active scheme."""
    Scheme.objects.filter(is_active=True).update(
        leaders_as_members=manner.leaders_as_members, new_org_months=manner.months
    )
    active = Rule.objects.filter(scheme__is_active=True)
    active.filter(code__in=manner.yearly).update(cadence="year")
    active.exclude(code__in=manner.yearly).update(cadence="half_year")


@pytest.mark.parametrize("batch", range(BATCHES))
def test_hundreds_of_small_systems_get_the_duties_of_the_table(batch, settings, monkeypatch):
    """Whatever the scheme's switches and the rules' cadences are; and other ones a moment later."""
    monkeypatch.setattr(duties.coverage, "sync", lambda *_: None)  # the roster has tests of its own, and takes as long
    for seed in range(1000 + batch * EACH, 1000 + (batch + 1) * EACH):
        rng = random.Random(seed)
        world = random_world(rng, size=(3, 11), persons=9)
        year, half = rng.choice([(2010, 1), (2010, 2), (2011, 1), (2011, 2)])
        for code in list(world.orgs)[1:]:
            if rng.random() < 0.3:
                month = rng.randint(1, 6) + (6 if half == 2 else 0)
                world.orgs[code]["founded"] = (year, month, rng.choice([1, 1, 2, 28]))
        is_over = rng.random() < 0.4
        settings.TODAY = f"{year}-06-20" if half == 1 else f"{year}-12-20"
        with transaction.atomic():
            store(world)
            first = random_manner(rng)
            for manner in [first, *(random_manner(rng) for _ in range(rng.choice([0, 0, 1])))]:
                put(manner)
                # Once it is over, a half-year keeps the rules and switches that it was first made with.
                by = first if is_over else manner
                expected = oracle.duties(world, second_half=half == 2, manner=by, year=year)
                assert derived(f"{year}H{half}") == expected, f"seed {seed}: {year}H{half}, {vars(by)}"
                settings.TODAY = f"{year + 1}-09-01" if is_over else settings.TODAY
            transaction.set_rollback(True)


def random_round(rng: random.Random, world: oracle.World) -> oracle.Round:
    """Each choice left open, or some of it."""
    some = lambda found, most: tuple(rng.sample(found, rng.randint(1, most))) if rng.random() < 0.4 else ()  # noqa: E731
    return oracle.Round(
        below=rng.choice(sorted(world.orgs)) if rng.random() < 0.4 else "",
        types=some(TYPES, 3),
        categories=some(CATEGORIES, 8),
        subjects=some(["org", "head", "team_member", "member"], 3),
        rules=some(ALL_RULES, 6),
    )


@pytest.mark.parametrize("seed", range(30))
def test_random_rounds_take_what_a_plain_reading_of_their_choices_takes(seed):
    rng = random.Random(seed)
    world = random_world(rng)
    store(world)
    expected = oracle.duties(world, second_half=True)
    for number in range(4):
        of = random_round(rng, world)
        # Made as it is stored, whatever the page would refuse: one that is about nobody has no duties.
        made = Period.objects.create(
            kind=PeriodKind.ROUND, code=f"R{number}", name=f"第{number}轮", starts_on=builders.day("2010-10-01"),
            ends_on=builders.day("2011-03-31"), below=Organization.objects.filter(code=of.below).first(),
            org_types=[builders.TYPES[name] for name in of.types], categories=list(of.categories),
            subjects=list(of.subjects), rule_codes=list(of.rules),
        )  # fmt: skip
        duties.regenerate(made, on=made.starts_on)
        rows = sorted(row[:8] for row in duty_csv.rows(made))
        assert rows == oracle.duties(world, second_half=True, of=of), vars(of)
        assert {row[:1] + row[2:3] + row[4:6] for row in rows} <= {row[:1] + row[2:3] + row[4:6] for row in expected}


def test_the_real_tree_gets_the_duties_of_the_table():
    with Path(load.DATA).open(encoding="utf-8-sig", newline="") as stream:
        made = invent(list(csv.DictReader(stream)))
    world = oracle.World(
        orgs={
            row["组织代码"]: {
                "type": row["组织类型"], "category": row["单位类别"], "parent": row["上级代码"], "relation": row["关系"] or "隶属",
            }
            for row in made.orgs
        },
        people={row["人员编号"]: "正常" for row in made.people},
        members=[(row["人员编号"], row["所属支部代码"]) for row in made.people if row["所属支部代码"] != "-"],
        posts=[
            (row["人员编号"], row["组织代码"], "委员" if row["职务"] == "成员" else row["职务"], row["主持工作"] == "是",
             row["任职日期"].isoformat())
            for row in made.posts
        ],
        charges=[(row["人员编号"], row["所在班子代码"], row["分管组织代码"], row["主次"]) for row in made.charges],
    )  # fmt: skip
    store(world)
    rows = derived("2010H2")
    assert rows == oracle.duties(world, second_half=True)
    assert {row[0] for row in rows} == {"1A", "1B", "2A", "2B", "2C", "3A", "3B", "4", "5A", "5B", "0"}
