"""Derived duties equal a second naive reading of the table, on random systems with days: lives, posts, transfers."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgs import tree
from orgs.models import Charge, Membership, Organization, Person, Post
from reviews import duties, duty_csv
from tests import builders
from tests.reviews.oracle_by_day import Oracle, World

pytestmark = pytest.mark.django_db

ANY_TYPE = list(builders.TYPES)
ANY_CATEGORY = [
    "总局", "总局机关", "总局机关内设", "国家委", "国家委机关", "直属挂靠单位", "直属挂靠单位内设", "直属检验检疫局", "省级质监局",
    "分支机构", "机关内设机构", "直属单位",
]  # fmt: skip
NAMED = [
    ("党组", "总局"), ("党组", "国家委"), ("机关党委", "国家委"), ("党支部", "国家委机关"), ("机关党委", "总局机关"),
    ("党支部", "总局机关"), ("党委", "直属挂靠单位"), ("党总支", "直属挂靠单位"), ("党支部", "直属挂靠单位"),
    ("党总支", "直属挂靠单位内设"), ("党组", "直属检验检疫局"), ("党委", "直属检验检疫局"), ("党组", "省级质监局"),
    ("党委", "分支机构"), ("党组", "分支机构"), ("机关党委", "机关内设机构"), ("党支部", "机关内设机构"), ("党委", "直属单位"),
    ("党支部", "直属单位"),
]  # fmt: skip
HALVES = [(2010, 2), (2011, 1), (2011, 2)]
DAYS = [None, None, None, None, *map(datetime.date.fromisoformat, (
    "2009-03-01", "2010-07-01", "2010-10-01", "2010-10-02", "2011-03-31", "2011-04-01", "2011-04-02", "2011-10-01", "2011-10-02",
))]  # fmt: skip
ROLES = {"书记": "secretary", "副书记": "deputy", "委员": "member"}
STATUS = {"正常": "normal", "停止党籍": "suspended"}


@st.composite
def spans(draw) -> tuple[datetime.date | None, datetime.date | None]:
    """Mostly always; never backwards."""
    start, end = draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))
    return (start, None) if start and end and end < start else (start, end)


@st.composite
def worlds(draw) -> World:
    """Any category under any other, by either relation; people in several posts, and in none."""
    world = World()
    kind, category = draw(st.sampled_from([("党组", "总局"), ("党组", "总局"), *NAMED[1:15]]))
    for n in range(draw(st.integers(2, 14))):
        parents = [code for code, org in world.orgs.items() if org["type"] != "党支部"]
        parent = ""
        if n:
            if not parents:
                break
            parent = draw(st.sampled_from(parents))
            kind, category = draw(st.sampled_from(NAMED))
            if draw(st.integers(0, 5)) == 0:
                kind, category = draw(st.sampled_from(ANY_TYPE)), draw(st.sampled_from(ANY_CATEGORY))
        relation = draw(st.sampled_from(["隶属", "隶属", "隶属", "指导"])) if parent else "隶属"
        founded, dissolved = draw(spans()) if draw(st.integers(0, 3)) == 0 else (None, None)
        # Codes that sort otherwise than the tree does.
        code = f"{draw(st.sampled_from('zma'))}{n:02d}"
        world.orgs[code] = {
            "type": kind, "category": category, "parent": parent, "relation": relation, "founded": founded, "dissolved": dissolved,
        }  # fmt: skip
    branches = [code for code, org in world.orgs.items() if org["type"] == "党支部"]
    for n in range(draw(st.integers(2, 9))):
        branch = draw(st.sampled_from([*branches, ""])) if branches else ""
        world.people[f"{draw(st.sampled_from('yb'))}{n}"] = {
            "status": draw(st.sampled_from(["正常", "正常", "正常", "停止党籍"])),
            "branch": branch,
            "since": draw(st.sampled_from(DAYS)),
        }
    _add_posts(draw, world)
    _add_charges(draw, world)
    return world


def _add_posts(draw, world: World) -> None:
    keys = set()
    for code in world.orgs:
        for _ in range(draw(st.integers(0, 4))):
            person = draw(st.sampled_from(list(world.people)))
            role = draw(st.sampled_from(["书记", "书记", "副书记", "委员"]))
            start, end = draw(spans()) if draw(st.booleans()) else (None, None)
            if (person, code, role, start) not in keys:
                keys.add((person, code, role, start))
                is_acting = draw(st.integers(0, 4)) == 0
                world.posts.append(
                    {"person": person, "org": code, "role": role, "acting": is_acting, "start": start, "end": end}
                )


def _add_charges(draw, world: World) -> None:
    keys = set()
    oracle = Oracle(world, 2010, 2, datetime.date(2010, 12, 1))
    places = [(team, code) for code in world.orgs for team in oracle.above(code)]
    for _ in range(draw(st.integers(0, 10)) if places else 0):
        team, code = draw(st.sampled_from(places))
        posts = [post["person"] for post in world.posts if post["org"] == team]
        person = draw(st.sampled_from(posts or list(world.people)))
        start, end = draw(spans()) if draw(st.booleans()) else (None, None)
        if (person, team, code, start) not in keys:
            keys.add((person, team, code, start))
            kind = draw(st.sampled_from(["主管", "协管"]))
            world.charges.append(
                {"person": person, "team": team, "org": code, "kind": kind, "start": start, "end": end}
            )


def store(world: World) -> None:
    """Into the database; the tree through its door, the rest in bulk."""
    made: dict[str, Organization] = {}
    for code, org in world.orgs.items():
        made[code] = Organization(
            code=code, name=code, org_type=builders.TYPES[org["type"]], category=builders.category(org["category"]),
            parent=made.get(org["parent"]), relation="guidance" if org["relation"] == "指导" else "affiliation",
            founded_on=org["founded"], dissolved_on=org["dissolved"],
        )  # fmt: skip
    tree.write_many(list(made.values()), [], by=None)
    persons = {
        number: Person(number=number, name=number, status=STATUS[facts["status"]])
        for number, facts in world.people.items()
    }
    Person.objects.bulk_create(persons.values())
    Membership.objects.bulk_create(
        Membership(person=persons[number], branch=made[facts["branch"]], from_on=facts["since"])
        for number, facts in world.people.items()
        if facts["branch"]
    )

    def span(row: dict[str, Any]) -> dict[str, Any]:
        return {"person": persons[row["person"]], "from_on": row["start"], "to_on": row["end"]}

    Post.objects.bulk_create(
        Post(organization=made[row["org"]], role=ROLES[row["role"]], is_acting=row["acting"], **span(row))
        for row in world.posts
    )
    Charge.objects.bulk_create(
        Charge(
            team=made[row["team"]],
            organization=made[row["org"]],
            kind="lead" if row["kind"] == "主管" else "assist",
            **span(row),
        )
        for row in world.charges
    )


def stored(code: str) -> list[tuple[str, ...]]:
    return list(duty_csv.rows(duties.ensure_period(code)))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds(), halves=st.permutations(HALVES), late=st.booleans())
def test_any_system_gets_the_duties_of_the_table_on_any_day(world, halves, late):
    """Several days of one period one after another: what is stored is always that day's."""
    with transaction.atomic():
        store(world)
        for year, half in halves[:2]:
            period = duties.ensure_period(f"{year}H{half}")
            days = [period.starts_on, datetime.date(year, 10 if half == 2 else 4, 1), period.ends_on]
            for on in days if late else reversed(days):
                expected = Oracle(world, year, half, on).rows()
                foreseen = duties.preview(period, on)
                plan = duties.regenerate(period, on=on)
                # Two vacant posts towards one target are two duties, and one line of the csv.
                assert stored(period.code) == sorted(set(expected)), on
                assert foreseen.counts == plan.counts
                assert plan.total.added + plan.total.kept == len(expected)
                again = duties.regenerate(period, on=on)
                assert (again.total.added, again.total.withdrawn, again.total.kept) == (0, 0, len(expected))
        transaction.set_rollback(True)
