"""Random sequences of tree writes, with little room in the numbers, against a naive model that knows parent links only."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from django.db import transaction

from orgs import tree
from orgs.models import Category, Organization, OrganizationPast, Relation
from orgs.tree import numbering, placing
from tests import builders

pytestmark = pytest.mark.django_db

GROUPS, SEQUENCES, WRITES = 12, 20, 9
TYPES = ("group", "organ_committee", "general_branch", "branch")
ON = builders.day("2010-09-01")


@dataclass(frozen=True)
class Naive:
    """What an organisation is, without numbers."""

    code: str
    parent: str | None  # a code that never changes names it: its first one
    org_type: str
    relation: str = Relation.AFFILIATION
    order: int = 0
    dissolved: bool = False


class Model:
    """The naive tree: first code -> organisation."""

    def __init__(self, orgs: dict[str, Naive]) -> None:
        self.orgs = orgs

    def line(self, key: str) -> list[str]:
        """From the organisation up; ends where it meets itself."""
        line: list[str] = []
        at: str | None = key
        while at is not None and at not in line:
            line.append(at)
            at = self.orgs[at].parent
        return [*line, at] if at is not None else line

    def children(self, key: str | None) -> list[str]:
        found = [one for one, org in self.orgs.items() if org.parent == key]
        return sorted(found, key=lambda one: (self.orgs[one].order, self.orgs[one].code))

    def is_allowed(self) -> bool:
        """No circle, no depth over 20, nothing under a branch."""
        for key, org in self.orgs.items():
            line = self.line(key)
            if len(set(line)) != len(line) or len(line) > tree.MAX_DEPTH:
                return False
            if org.parent is not None and self.orgs[org.parent].org_type == "branch":
                return False
        return True

    def walk(self, key: str) -> list[str]:
        return [key, *(below for child in self.children(key) for below in self.walk(child))]

    def domain(self, key: str) -> str:
        for one in self.line(key):
            if self.orgs[one].parent is None or self.orgs[one].relation == Relation.GUIDANCE:
                return one
        raise AssertionError(key)

    def led_by(self, key: str) -> str | None:
        for one in self.line(key):
            above = self.orgs[one].parent
            if above is None or self.orgs[one].relation == Relation.GUIDANCE:
                return None
            if self.orgs[above].org_type != "organ_committee":
                return above
        raise AssertionError(key)


class Game:
    """The naive tree and the stored one, written side by side."""

    def __init__(self, chance: random.Random, category: Category) -> None:
        self.chance, self.category = chance, category
        self.model = Model({})
        self.ids: dict[str, int] = {}
        self.serial = 0
        self.refused = 0

    def new_code(self) -> str:
        self.serial += 1
        return f"{self.chance.choice('AaBb中1')}{self.chance.randrange(9)}-{self.serial}"

    def stored(self, key: str | None) -> Organization | None:
        return Organization.objects.get(pk=self.ids[key]) if key is not None else None

    def any(self) -> str:
        return self.chance.choice(list(self.model.orgs))

    def goal(self) -> str | None:
        """A place that is mostly allowed."""
        if self.chance.random() < 0.04:
            return None
        places = [key for key, org in self.model.orgs.items() if org.org_type != "branch"]
        return self.chance.choice(places) if places and self.chance.random() < 0.95 else self.any()

    def invent(self, parent: str | None) -> Naive:
        relation = self.chance.choice([Relation.AFFILIATION, Relation.AFFILIATION, Relation.GUIDANCE])
        kind = self.chance.choice(TYPES) if parent else "group"
        return Naive(self.new_code(), parent, kind, relation, self.chance.choice([0, 0, 0, 1, 2]))

    def instance(self, naive: Naive, parent: Organization | None) -> Organization:
        return Organization(
            code=naive.code, name=naive.code, org_type=naive.org_type, relation=naive.relation, order=naive.order,
            category=self.category, parent=parent,
        )  # fmt: skip

    def write(self, new: dict[str, Naive], changed: dict[str, Naive], act) -> None:
        """Both or neither: `act` is refused exactly where the naive tree would not be allowed."""
        wanted = Model({**self.model.orgs, **new, **changed})
        if wanted.is_allowed():
            act()
            self.model = wanted
            return
        self.refused += 1
        with pytest.raises(tree.TreeRefused), transaction.atomic():
            act()

    def add(self) -> None:
        naive = self.invent(self.goal() if self.model.orgs else None)

        def act() -> None:
            self.ids[naive.code] = tree.add(self.instance(naive, self.stored(naive.parent)), by=None).pk

        self.write({naive.code: naive}, {}, act)

    def move(self) -> None:
        key, goal = self.any(), self.goal()
        relation = self.chance.choice([None, Relation.AFFILIATION, Relation.GUIDANCE])
        changed = replace(self.model.orgs[key], parent=goal)
        changed = replace(changed, relation=relation) if relation else changed
        self.write(
            {}, {key: changed},
            lambda: tree.move(self.stored(key), under=self.stored(goal), relation=relation, by=None),
        )  # fmt: skip

    def update(self) -> None:
        key = self.any()
        facts = self.chance.choice(
            [{"order": self.chance.randrange(4)}, {"code": self.new_code()}, {"org_type": self.chance.choice(TYPES)}]
        )
        if self.chance.random() < 0.2:
            facts |= {"order": self.chance.randrange(4), "org_type": self.chance.choice(TYPES)}
        changed = replace(self.model.orgs[key], **facts)
        self.write({}, {key: changed}, lambda: tree.update(self.stored(key), facts, by=None))

    def dissolve(self) -> None:
        key = self.any()
        if any(not self.model.orgs[child].dissolved for child in self.model.children(key)):
            with pytest.raises(tree.TreeRefused, match="下面还有"), transaction.atomic():
                tree.dissolve(self.stored(key), on=ON, by=None)
            return
        tree.dissolve(self.stored(key), on=ON, by=None)
        self.model.orgs[key] = replace(self.model.orgs[key], dissolved=True)

    def delete(self) -> None:
        key = self.any()
        was_superior = (
            OrganizationPast.objects.filter(parent=self.ids[key]).exclude(organization=self.ids[key]).exists()
        )
        if self.model.children(key) or was_superior:
            with pytest.raises(tree.TreeRefused, match="不能删除"), transaction.atomic():
                tree.delete(self.stored(key), by=None)
            return
        tree.delete(self.stored(key), by=None)
        del self.model.orgs[key], self.ids[key]

    def bulk(self) -> None:
        """Some new ones, some of them under each other, and some moved and changed, in one go."""
        new: dict[str, Naive] = {}
        for _ in range(self.chance.randrange(4)):
            over = [key for key, naive in new.items() if naive.org_type != "branch"]
            parent = self.chance.choice(over) if over and self.chance.random() < 0.4 else self.goal()
            naive = self.invent(parent)
            new[naive.code] = naive
        places = [key for key, naive in {**self.model.orgs, **new}.items() if naive.org_type != "branch"]
        changed: dict[str, Naive] = {}
        for key in self.chance.sample(list(self.model.orgs), min(len(self.model.orgs), self.chance.randrange(1, 5))):
            facts = self.chance.choice(
                [
                    {"parent": self.chance.choice(places) if places else None},
                    {"parent": self.chance.choice(places) if places else None, "order": self.chance.randrange(3)},
                    {"order": self.chance.randrange(3)},
                    {"relation": self.chance.choice(list(Relation))},
                    {"org_type": self.chance.choice(TYPES), "order": 1},
                ]
            )
            changed[key] = replace(self.model.orgs[key], **facts)

        def act() -> None:
            made: dict[str, Organization] = {}
            for key, naive in new.items():
                made[key] = self.instance(naive, made.get(naive.parent or "") or self.stored(naive.parent))
            pairs = []
            for key, naive in changed.items():
                before = self.model.orgs[key]
                facts = {
                    name: getattr(naive, name)
                    for name in ("order", "relation", "org_type")
                    if getattr(naive, name) != getattr(before, name)
                }
                if naive.parent != before.parent:
                    facts["parent"] = made.get(naive.parent or "") or self.stored(naive.parent)
                if facts:
                    pairs.append((self.stored(key), facts))
            instances = list(made.values())
            self.chance.shuffle(instances)
            tree.write_many(instances, pairs, by=None)
            self.ids |= {key: org.pk for key, org in made.items()}

        self.write(new, changed, act)

    def compare(self) -> None:
        """The stored tree is the naive one, and proven."""
        assert tree.prove() == []
        key_of = {pk: key for key, pk in self.ids.items() if key in self.model.orgs}
        rows = {key_of[org.pk]: org for org in Organization.objects.order_by("tree_id", "lft")}
        assert rows.keys() == self.model.orgs.keys()
        roots = sorted(self.model.children(None), key=lambda key: rows[key].tree_id)
        assert list(rows) == [key for root in roots for key in self.model.walk(root)]
        for key, org in rows.items():
            naive = self.model.orgs[key]
            assert (org.code, org.order, org.org_type, org.relation) == (
                naive.code, naive.order, naive.org_type, naive.relation,
            )  # fmt: skip
            assert key_of.get(org.parent_id) == naive.parent
            assert org.level == len(self.model.line(key)) - 1
            assert key_of[org.domain_id] == self.model.domain(key)
            assert key_of.get(org.led_by_id) == self.model.led_by(key)
            inside = {
                one for one, other in rows.items() if other.tree_id == org.tree_id and org.lft <= other.lft <= org.rght
            }
            assert inside == set(self.model.walk(key))


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_sequence_of_writes_leaves_the_tree_of_the_parent_links(group, monkeypatch):
    chance = random.Random(group)
    category = builders.category("总局机关")
    whole, refused, renumber, faults_around = 0, 0, numbering.renumber, placing._faults_around

    def counted() -> int:
        nonlocal whole
        whole += 1
        return renumber()

    def never_at_fault(top: int) -> list[str]:
        """No write of few may have to be mended by numbering the whole tree."""
        assert faults_around(top) == []
        return []

    monkeypatch.setattr(numbering, "renumber", counted)
    monkeypatch.setattr(placing, "_faults_around", never_at_fault)
    for _ in range(SEQUENCES):
        # So little room that gaps are used up all the time; and few enough are few, so that both ways are gone.
        monkeypatch.setattr(numbering, "WIDEST", chance.choice([1, 2, 4, 16, 1 << 16]))
        monkeypatch.setattr(placing, "ROOMY", chance.choice([1, 2, 64]))
        monkeypatch.setattr(placing, "FEW", chance.choice([2, 4, 50]))
        with transaction.atomic():
            game = Game(chance, category)
            game.add()
            game.bulk()
            game.compare()
            for _ in range(WRITES):
                verbs = [game.add, game.add, game.add, game.move, game.move, game.move, game.update, game.bulk]
                verb = chance.choice([*verbs, game.dissolve, game.delete])
                if not game.model.orgs:
                    verb = game.add
                verb()
                game.compare()
            refused += game.refused
            transaction.set_rollback(True)
    assert whole > 0, "no gap was ever used up"
    assert refused > 0, "nothing was ever refused"


def test_a_gap_lasts_for_dozens_of_additions_behind_the_last_and_some_at_one_spot(monkeypatch):
    """Adding in the order of codes, and always at one place between two, without the whole tree being numbered."""
    root = builders.make_org("1", "党组", "总局")
    top = builders.make_org("11", "党组", "总局机关", root)
    for number in range(8):
        builders.make_org(f"11{number}", "党支部", "总局机关", top)
    tree.renumber()
    monkeypatch.setattr(numbering, "renumber", lambda: pytest.fail("the whole tree was numbered"))
    for number in range(150):
        builders.make_org(f"119{number:03}", "党支部", "总局机关", top)
    for number in range(40):
        builders.make_org(f"1140{number:03}", "党支部", "总局机关", top)
    assert tree.prove() == []
