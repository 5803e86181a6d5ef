"""What the proof means, against its definition taken word for word; and repairs of damage upon damage."""

from __future__ import annotations

import random

import pytest
from django.db import transaction

from orgs import tree
from orgs.models import AuditEvent, Organization
from tests import builders

pytestmark = pytest.mark.django_db


def plant(chance: random.Random, size: int, roots: int = 1) -> list[Organization]:
    """A random tree of 党组, some of them under guidance."""
    category = builders.category("总局机关")
    orgs: list[Organization] = []
    for number in range(size):
        parent = chance.choice(orgs) if number >= roots else None
        relation = "guidance" if parent and chance.random() < 0.3 else "affiliation"
        org = Organization(
            code=f"o{number:02}", name=f"组织{number}", org_type="group", category=category, parent=parent,
            relation=relation,
        )  # fmt: skip
        orgs.append(org)
    tree.write_many(orgs, [], by=None)
    return orgs


def is_sound() -> bool:
    """By definition: who lies in whose numbers is who hangs below whom; one root a tree; the rest as inherited."""
    orgs = {org.pk: org for org in Organization.objects.all()}

    def line(org: Organization) -> list[int]:
        found: list[int] = []
        while org.pk not in found:
            found.append(org.pk)
            if org.parent_id is None:
                return found
            org = orgs[org.parent_id]
        return []

    roots = [org.tree_id for org in orgs.values() if org.parent_id is None]
    if len(set(roots)) != len(roots) or not all(line(org) for org in orgs.values()):
        return False
    ends = [(org.tree_id, end) for org in orgs.values() for end in (org.lft, org.rght)]
    if len(set(ends)) != len(ends) or any(org.lft >= org.rght for org in orgs.values()):
        return False
    for org in orgs.values():
        for other in orgs.values():
            same = org.tree_id == other.tree_id
            holds = same and org.lft <= other.lft and other.rght <= org.rght
            touches = same and other is not org and org.lft <= other.rght and other.lft <= org.rght
            if holds != (org.pk in line(other)) or (touches and not holds and other.pk not in line(org)):
                return False
            siblings = org.parent_id is not None and org.parent_id == other.parent_id
            if siblings and (org.lft < other.lft) != ((org.order, org.code) < (other.order, other.code)):
                return False
        parent = orgs[org.parent_id] if org.parent_id is not None else None
        if parent is None or org.relation == "guidance":
            inherited = (org.pk, None)
        else:
            inherited = (parent.domain_id, parent.led_by_id if parent.org_type == "organ_committee" else parent.pk)
        if (org.domain_id, org.led_by_id) != inherited or org.level != len(line(org)) - 1:
            return False
        if parent is not None and parent.org_type == "branch":
            return False
    return True


@pytest.mark.parametrize("seed", range(6))
def test_the_proof_says_what_the_definition_says(seed):
    chance = random.Random(seed)
    sound = 0
    for _ in range(60):
        with transaction.atomic():
            orgs = plant(chance, 9, roots=chance.choice([1, 2]))
            numbers = sorted({end for org in Organization.objects.all() for end in (org.lft, org.rght)})
            for _ in range(chance.choice([1, 1, 2])):
                row = Organization.objects.filter(pk=chance.choice(orgs).pk)
                end = chance.choice(numbers[:-1]) + chance.choice([-3, 0, 3, 5000])
                org = row.get()
                damage = chance.choice(
                    [
                        {"lft": end} if 0 < end < org.rght else {},
                        {"rght": end} if end > org.lft else {},
                        {"parent": chance.choice(orgs)} if org.parent_id else {},
                        {"relation": chance.choice(["guidance", "affiliation"])},
                        {"org_type": chance.choice(["group", "organ_committee", "branch"])},
                        {"order": chance.choice([0, 1])},
                        {"level": chance.choice([0, 1, 2])},
                        {"domain": chance.choice(orgs)},
                        {"tree_id": chance.choice([1, 2, 9])} if org.parent_id else {},
                    ]
                )
                if damage and damage.get("parent") != org:
                    row.update(**damage)
            findings = tree.prove()
            assert (findings == []) == is_sound(), findings
            sound += findings == []
            transaction.set_rollback(True)
    assert 0 < sound < 60, "both were seen"


@pytest.mark.parametrize("seed", range(6))
def test_damage_upon_damage_is_mended_and_told(seed):
    """Circles, trees that hang on circles, wrong numbers, levels, domains: all at once; the tree ends sound."""
    chance = random.Random(seed)
    for _ in range(15):
        with transaction.atomic():
            orgs = plant(chance, 14, roots=chance.choice([1, 2]))
            for org in chance.sample(orgs, 4):
                goal = chance.choice([other for other in orgs if other.pk != org.pk])
                if org.parent_id is not None or chance.random() < 0.3:
                    Organization.objects.filter(pk=org.pk).update(parent=goal)
            for org in chance.sample(orgs, 3):
                Organization.objects.filter(pk=org.pk).update(level=9, domain=chance.choice(orgs))
            before = dict(Organization.objects.values_list("pk", "parent"))
            roots = {pk for pk, parent in before.items() if parent is None}
            mended = tree.repair()
            assert tree.prove() == []
            after = dict(Organization.objects.values_list("pk", "parent"))
            moved = {pk for pk in before if before[pk] != after[pk]}
            assert len(mended.moves) == len(moved)
            for pk in moved:
                code = Organization.objects.get(pk=pk).code
                assert sum(f"（{code}）与它的下级互为上级" in said for said in mended.moves) == 1
                assert AuditEvent.objects.filter(verb="修复组织树", object_id=pk).exclude(after={}).count() == 1
            new_roots = {pk for pk, parent in after.items() if parent is None} - roots
            assert len(new_roots) == (0 if roots else 1), "a root is made only where there is none"
            transaction.set_rollback(True)


def test_a_root_that_hangs_on_a_circle_becomes_the_root_again():
    orgs = plant(random.Random(1), 8)
    Organization.objects.filter(pk=orgs[0].pk).update(parent=orgs[7].pk)
    before = dict(Organization.objects.values_list("pk", "parent")) | {orgs[0].pk: None}
    mended = tree.repair()
    assert "当时没有根组织，它成为根组织" in mended.moves[0]
    assert dict(Organization.objects.values_list("pk", "parent")) == before
    assert tree.prove() == []


def test_a_write_beside_damage_mends_the_numbers_or_is_refused():
    """A write of few proves what is around it; where that is not sound, the whole tree is numbered and proven."""
    orgs = plant(random.Random(2), 12)
    leaf = next(org for org in orgs if Organization.objects.get(pk=org.pk).is_leaf_node())
    Organization.objects.filter(pk=leaf.parent_id).update(level=7)
    assert tree.prove() != []
    tree.update(leaf, {"order": 3}, by=None)
    builders.make_org("new", "党支部", "总局机关", leaf)
    assert tree.prove() == []


@pytest.mark.parametrize("seed", range(3))
def test_what_mptt_counts_by_the_width_of_numbers_is_right_with_gaps(seed):
    chance = random.Random(seed)
    orgs = plant(chance, 20, roots=2)
    for _ in range(8):
        org, under = chance.sample(orgs, 2)
        try:
            with transaction.atomic():
                tree.move(org, under=under, by=None)
        except tree.TreeRefused:
            continue
    parents = dict(Organization.objects.values_list("pk", "parent"))

    def below(pk: int) -> set[int]:
        found = {child for child, parent in parents.items() if parent == pk}
        return found.union(*map(below, found)) if found else found

    for org in Organization.objects.all():
        children = {pk for pk, parent in parents.items() if parent == org.pk}
        leaves = {pk for pk in below(org.pk) if pk not in parents.values()}
        assert org.get_descendant_count() == len(below(org.pk))
        assert org.is_leaf_node() == (not children)
        assert {one.pk for one in org.get_children()} == children
        assert {one.pk for one in org.get_descendants()} == below(org.pk)
        assert {one.pk for one in org.get_descendants(include_self=True)} == below(org.pk) | {org.pk}
        assert {one.pk for one in org.get_leafnodes()} == leaves
        assert {one.pk for one in org.get_leafnodes(include_self=True)} == (leaves or {org.pk})
        assert {one.pk for one in org.get_family()} >= below(org.pk)
        both = Organization.objects.filter(pk__in=[org.pk, *children])
        assert {one.pk for one in both.get_descendants(include_self=True)} == below(org.pk) | {org.pk}
    new = Organization(code="new")
    assert (new.get_descendant_count(), new.is_leaf_node()) == (0, True)
