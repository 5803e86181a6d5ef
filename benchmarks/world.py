"""A generated system of any size, in the shape of the real one: one root, bureaus by guidance, their offices below."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from orgs import tree
from orgs.models import Category, Charge, Membership, Organization, OrgType, Person, Post, PostRole, Relation

BATCH = 5000
OFFICES = 9  # sub-bureaus of a bureau
UNITS = 8  # branches of each office


def _organizations(count: int) -> Iterator[Organization]:
    """Root; then bureau after bureau: its 机关党委 with branches, its 分支机构 with branches; until enough."""
    category = {category.name: category for category in Category.objects.filter(scheme__is_active=True)}

    def make(code: str, kind: str, unit: str, parent: Organization | None, relation: str = Relation.AFFILIATION):
        return Organization(
            code=code, name=f"组织{code}", org_type=kind, category=category[unit], parent=parent, relation=relation
        )

    root = make("1", OrgType.GROUP, "总局", None)
    yield root
    bureau_number = 0
    while True:
        bureau_number += 1
        bureau = make(f"B{bureau_number}", OrgType.GROUP, "直属检验检疫局", root, Relation.GUIDANCE)
        yield bureau
        organ = make(f"{bureau.code}-0", OrgType.ORGAN_COMMITTEE, "机关内设机构", bureau)
        yield organ
        for number in range(UNITS):
            yield make(f"{organ.code}-{number}", OrgType.BRANCH, "机关内设机构", organ)
        for office_number in range(1, OFFICES + 1):
            office = make(f"{bureau.code}-{office_number}", OrgType.GROUP, "分支机构", bureau)
            yield office
            for number in range(UNITS):
                yield make(f"{office.code}-{number}", OrgType.BRANCH, "机关内设机构", office)


def build(orgs: int, members: int, seed: int = 2010) -> None:
    """Write the system: organisations, members evenly over the branches, a 书记 for each, teams with their charges.

    Without members there are only the organisations.
    """
    chance = random.Random(seed)
    tree.write_many(list(islice(_organizations(orgs), orgs)), [], by=None)
    if not members:
        return
    everything = list(Organization.objects.order_by("pk"))
    branches = [org for org in everything if org.is_branch]
    for start in range(0, members, BATCH):
        numbers = range(start, min(start + BATCH, members))
        people = Person.objects.bulk_create(
            [Person(number=f"P{number:07}", name=f"党员{number}") for number in numbers], batch_size=BATCH
        )
        Membership.objects.bulk_create(
            [
                Membership(person=person, branch=branches[number % len(branches)])
                for number, person in zip(numbers, people, strict=True)
            ],
            batch_size=BATCH,
        )
    ids = list(Person.objects.order_by("pk").values_list("pk", flat=True))
    # The secretary of a branch is its own member (the first given to it); the others are drawn.
    secretary = {branch.pk: ids[place] for place, branch in enumerate(branches) if place < len(ids)}
    posts = [
        Post(organization=org, person_id=secretary.get(org.pk) or chance.choice(ids), role=PostRole.SECRETARY)
        for org in everything
    ]
    leaders = {org.pk: chance.sample(ids, 3) for org in everything if org.org_type == OrgType.GROUP}
    posts += [
        Post(organization_id=team, person_id=leader, role=PostRole.MEMBER)
        for team, people in leaders.items()
        for leader in people
    ]
    Post.objects.bulk_create(posts, batch_size=BATCH)
    Charge.objects.bulk_create(
        [
            Charge(person_id=chance.choice(leaders[org.parent_id]), team_id=org.parent_id, organization=org)
            for org in everything
            if org.parent_id in leaders
        ],
        batch_size=BATCH,
    )
