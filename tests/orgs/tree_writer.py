"""A process that writes the tree of DATABASE_URL at random, for tests of many at once.

    python -m tests.orgs.tree_writer grow COUNT
    python -m tests.orgs.tree_writer write NAME COUNT     says "ready", waits for a line, writes, tells what it did
    python -m tests.orgs.tree_writer tell                 the organisations, and what is wrong with them

Each answers with one line of JSON.
"""

from __future__ import annotations

import datetime
import json
import os
import random
import sys
import time
from collections import Counter

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dianping.settings")
django.setup()

from orgs import tree  # noqa: E402 - after the settings
from orgs.errors import TreeBusy  # noqa: E402
from orgs.models import Category, Organization, OrgType, Relation  # noqa: E402

ON = datetime.date(2010, 9, 1)
KINDS = [OrgType.GROUP, OrgType.ORGAN_COMMITTEE, OrgType.GENERAL_BRANCH, OrgType.BRANCH]


def _new(chance: random.Random, code: str, parent: Organization | None) -> Organization:
    return Organization(
        code=code,
        name=code,
        org_type=chance.choice(KINDS) if parent else OrgType.GROUP,
        category=Category.objects.order_by("pk")[0],
        parent=parent,
        relation=chance.choice(list(Relation)) if parent else Relation.AFFILIATION,
    )


def grow(count: int) -> dict:
    """A random tree to begin with."""
    chance = random.Random(2010)
    orgs = [_new(chance, "1", None)]
    while len(orgs) < count:
        parent = chance.choice([org for org in orgs if org.org_type != OrgType.BRANCH])
        orgs.append(_new(chance, f"1-{len(orgs)}", parent))
    tree.write_many(orgs, [], by=None)
    return {"codes": [org.code for org in orgs]}


def write(name: str, count: int) -> dict:
    """Random writes: a third moves, the rest adds, updates, deletions and dissolutions."""
    chance = random.Random(name)
    told = {"added": [], "deleted": [], "slowest": 0.0}
    did: Counter[str] = Counter()

    def some(**where) -> Organization:
        found = Organization.objects.filter(**where).order_by("pk").values_list("pk", "name", "code")
        pk, name, code = chance.choice(list(found))
        return Organization(pk=pk, name=name, code=code)  # may be gone by now

    def place() -> Organization:
        return some(org_type__in=KINDS[:-1])

    def add(number: int) -> None:
        code = f"{chance.randrange(9)}{name}-{number}"
        tree.add(_new(chance, code, place()), by=None)
        told["added"].append(code)

    def move(_: int) -> None:
        org = some(parent__isnull=False)
        tree.move(org, under=place(), by=None)

    def update(number: int) -> None:
        facts = chance.choice([{"order": number % 5}, {"name": f"改名{number}"}, {"org_type": chance.choice(KINDS)}])
        tree.update(some(), facts, by=None)

    def delete(_: int) -> None:
        org = some(children__isnull=True)
        tree.delete(org, by=None)
        told["deleted"].append(org.code)

    def dissolve(_: int) -> None:
        tree.dissolve(some(children__isnull=True), on=ON, by=None)

    print("ready", flush=True)  # noqa: T201 - what the test waits for
    sys.stdin.readline()
    for number in range(count):
        verb = move if number % 3 == 0 else chance.choice([add, add, add, add, update, update, delete, dissolve])
        began = time.monotonic()
        try:
            verb(number)
            did[verb.__name__] += 1
        except TreeBusy:
            did["busy"] += 1
        except tree.TreeRefused:
            did["refused"] += 1
        told["slowest"] = max(told["slowest"], time.monotonic() - began)
    return {**told, "did": did}


def tell() -> dict:
    """What is stored, and what the proof says of it."""
    return {"codes": list(Organization.objects.values_list("code", flat=True)), "findings": tree.prove()}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "grow":
        answer = grow(int(arguments[0]))
    elif what == "write":
        answer = write(arguments[0], int(arguments[1]))
    else:
        answer = tell()
    print(json.dumps(answer, ensure_ascii=False))  # noqa: T201 - the answer
