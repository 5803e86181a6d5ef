"""What a seat lets one see and edit: by hand on a tree full of traps, then against a reading of parent links alone."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from orgs import accounts, clock, people, scope, tree
from orgs.models import Charge, Grant, Membership, Organization, Person, Post, User
from orgs.tree import numbering
from tests import builders

pytestmark = pytest.mark.django_db


def codes(condition: Q) -> set[str]:
    return set(Organization.objects.filter(condition).values_list("code", flat=True))


def again(user: User) -> User:
    """The account as the next request reads it."""
    return User.objects.get(pk=user.pk)


# --- by hand ----------------------------------------------------------------------------------------------
#
# R (001) ─ A (0010) ─ A1 (001001) ─ A11 (00100, 党支部)      R2 (9) ─ S (91) ─ T (911) ─ U (9111, 党支部): the same
#         │          └ A2 (0011, 党支部)                       numbers as R ─ A ─ A1 ─ A11, in another tree
#         └ B (00, guidance) ─ B1 (001002, 党支部)


@pytest.fixture
def traps(monkeypatch):
    """Codes that are prefixes of one another across the tree, neighbours in the numbering, a second equal root."""
    org = {}
    for name, code, type_name, parent, guidance in (
        ("R", "001", "党组", None, False),
        ("A", "0010", "党组", "R", False),
        ("A1", "001001", "机关党委", "A", False),
        ("A11", "00100", "党支部", "A1", False),
        ("A2", "0011", "党支部", "A", False),
        ("B", "00", "党组", "R", True),
        ("B1", "001002", "党支部", "B", False),
        ("R2", "9", "党组", None, False),
        ("S", "91", "党组", "R2", False),
        ("T", "911", "机关党委", "S", False),
        ("U", "9111", "党支部", "T", False),
        ("S2", "912", "党支部", "S", False),
        ("V", "90", "党组", "R2", False),
        ("V1", "901", "党支部", "V", False),
    ):
        org[name] = builders.make_org(code, type_name, parent=org.get(parent), name=name, guidance=guidance)
    monkeypatch.setattr(numbering, "WIDEST", 1)  # no gap between neighbours, and both trees numbered alike
    tree.renumber()
    for one in org.values():
        one.refresh_from_db()
    return org


def names(traps, found: set[str]) -> set[str]:
    return {name for name, org in traps.items() if org.code in found}


def test_the_traps_are_set(traps):
    assert (traps["A"].lft, traps["A"].rght) == (traps["S"].lft, traps["S"].rght)
    assert traps["A"].tree_id != traps["S"].tree_id
    assert traps["B"].rght + 1 == traps["A"].lft, "neighbours"


@pytest.mark.parametrize(
    ("of", "seen", "within"),
    [
        ("R", "R A A1 A11 A2 B B1", "R A A1 A11 A2"),
        ("A", "A A1 A11 A2", "A A1 A11 A2"),
        ("A1", "A1 A11", "A1 A11"),
        ("A11", "A11", "A11"),
        ("B", "B B1", "B B1"),
        ("S", "S T U S2", "S T U S2"),
    ],
)
def test_an_office_sees_its_subtree_and_works_within_its_domain(traps, of, seen, within):
    user = builders.make_user(office=traps[of])
    assert names(traps, codes(scope.seen(user))) == set(seen.split())
    for condition in (scope.seen_people, scope.edited, scope.office_of):
        assert names(traps, codes(condition(user))) == set(within.split())
    assert codes(scope.headed(user)) == set()


@pytest.mark.parametrize(
    ("of", "seen", "within", "edits"),
    [("R", "R A A1 A11 A2 B B1", "R A A1 A11 A2", ""), ("B", "B B1", "B B1", ""), ("A11", "A11", "A11", "A11")],
)
def test_a_head_sees_his_subtree_and_edits_only_a_branch(traps, of, seen, within, edits):
    user = builders.make_user(builders.make_head(traps[of]))
    assert names(traps, codes(scope.seen(user))) == set(seen.split())
    assert names(traps, codes(scope.seen_people(user))) == set(within.split())
    assert names(traps, codes(scope.edited(user))) == set(edits.split())
    assert names(traps, codes(scope.headed(user))) == {of}
    assert codes(scope.office_of(user)) == set()


def test_a_member_of_a_team_sees_it_and_what_he_is_in_charge_of(traps):
    person = builders.make_person("分管", traps["A11"])
    builders.make_post(person, traps["R"], "委员")
    for target in ("A1", "B"):
        builders.make_charge(person, traps["R"], traps[target])
    user = builders.make_user(person)
    assert names(traps, codes(scope.seen(user))) == {"R", "A1", "A11", "B", "B1"}
    assert names(traps, codes(scope.seen_people(user))) == {"R", "A1", "A11"}, "B is guided, not led"
    assert codes(scope.edited(user)) == set()


def test_a_charge_without_the_post_gives_nothing(traps):
    person = builders.make_person("卸任", traps["B1"])
    post = builders.make_post(person, traps["R"], "委员")
    builders.make_charge(person, traps["R"], traps["A1"])
    Post.objects.filter(pk=post.pk).update(to_on=clock.today())
    assert names(traps, codes(scope.seen(builders.make_user(person)))) == {"B1"}


def test_acting_makes_a_head_only_where_there_is_no_secretary(traps):
    person = builders.make_person("主持", traps["A2"])
    builders.make_post(person, traps["A"], "副书记", acting=True)
    user = builders.make_user(person)
    assert names(traps, codes(scope.headed(user))) == {"A"}
    builders.make_head(traps["A"])
    assert codes(scope.headed(again(user))) == set()
    assert names(traps, codes(scope.seen(again(user)))) == {"A", "A2"}


def test_two_seats_add_up(traps):
    user = builders.make_user(office=traps["A1"])
    accounts.grant_office(user, traps["B"], by=None)
    accounts.grant_office(user, traps["U"], by=None)
    assert names(traps, codes(scope.seen(user))) == {"A1", "A11", "B", "B1", "U"}
    assert names(traps, codes(scope.edited(user))) == {"A1", "A11", "B", "B1", "U"}


def test_without_a_seat_there_is_nothing_and_never_everything(traps):
    nobody = builders.make_user(username="nobody")
    off = builders.make_user(username="off", is_superuser=True, is_active=False)
    ended = builders.make_user(username="ended", office=traps["R"])
    Grant.objects.filter(user=ended).update(to_on=clock.today())
    builders.make_person("某人", traps["A11"])
    for user in (nobody, off, ended, AnonymousUser()):
        for condition in (scope.seen, scope.seen_people, scope.edited, scope.office_of, scope.headed):
            assert codes(condition(user)) == set()
            assert codes(condition(user) | Q(pk=-1)) == set(), "nothing stays nothing beside another condition"
    for user in (nobody, off, ended):
        assert not Person.objects.visible_to(user).exists()
        assert not Person.objects.editable_by(user).exists()


def test_an_administrator_sees_all(traps):
    user = builders.make_user(is_superuser=True)
    for condition in (scope.seen, scope.seen_people, scope.edited, scope.office_of):
        assert names(traps, codes(condition(user))) == set(traps)


def test_after_a_move_the_next_request_sees_the_new_tree(traps):
    manager = builders.make_user(username="manager", office=traps["A"])
    reader = builders.make_user(username="reader", office=traps["B"])
    tree.move(traps["A1"], under=traps["B"], by=None)
    assert names(traps, codes(scope.seen(again(manager)))) == {"A", "A2"}
    assert names(traps, codes(scope.seen(again(reader)))) == {"B", "B1", "A1", "A11"}
    assert names(traps, codes(scope.edited(again(reader)))) == {"B", "B1", "A1", "A11"}, "of B's domain now"


def test_the_prefix_leads_to_the_organisation(traps):
    user = builders.make_user(office=traps["A"])
    inside, outside = builders.make_person("内", traps["A11"]), builders.make_person("外", traps["U"])
    found = Membership.objects.filter(scope.seen_people(user, "branch__"))
    assert set(found.values_list("person", flat=True)) == {inside.pk}
    assert outside not in Person.objects.visible_to(user)


# --- against parent links ---------------------------------------------------------------------------------------


class Naive:
    """The table of `orgs.scope`, read by walking parents; knows nothing of the numbering."""

    def __init__(self) -> None:
        self.on = clock.today()
        self.orgs = {org.pk: org for org in Organization.objects.all()}
        self.memberships = [row for row in Membership.objects.all() if self.holds(row)]
        self.posts = [row for row in Post.objects.all() if self.holds(row)]
        self.charges = [row for row in Charge.objects.all() if self.holds(row)]
        self.grants = [row for row in Grant.objects.all() if self.holds(row)]

    def holds(self, row) -> bool:
        return (row.from_on is None or row.from_on <= self.on) and (row.to_on is None or self.on < row.to_on)

    def up(self, pk: int) -> list[int]:
        path = [pk]
        while (parent := self.orgs[path[-1]].parent_id) is not None:
            path.append(parent)
        return path

    def domain(self, pk: int) -> int:
        return next(
            one for one in self.up(pk) if self.orgs[one].parent_id is None or self.orgs[one].relation == "guidance"
        )

    def below(self, pk: int) -> set[int]:
        return {one for one in self.orgs if pk in self.up(one)}

    def led(self, pk: int, of: int | None = None) -> set[int]:
        return {one for one in self.below(pk) if self.domain(one) == self.domain(of or pk)}

    def answer(self, user: User) -> dict[str, set[int]]:
        posts = [post for post in self.posts if post.person_id == user.person_id]
        with_secretary = {post.organization_id for post in self.posts if post.role == "secretary"}
        heads = {
            post.organization_id
            for post in posts
            if post.role == "secretary" or (post.is_acting and post.organization_id not in with_secretary)
        }
        teams = {post.organization_id for post in posts}
        charges = [row for row in self.charges if row.person_id == user.person_id and row.team_id in teams]
        offices = {grant.organization_id for grant in self.grants if grant.user_id == user.pk}
        own = {row.branch_id for row in self.memberships if row.person_id == user.person_id}
        office = union(self.led(pk) for pk in offices)
        people_seen = office | union(self.led(pk) for pk in heads) | teams
        people_seen |= union(self.led(row.organization_id, row.team_id) for row in charges)
        edited = office | {pk for pk in heads if self.orgs[pk].org_type == "branch"}
        return {
            "seen": union(self.below(pk) for pk in offices | heads | {row.organization_id for row in charges})
            | teams
            | own,
            "seen_people": people_seen,
            "edited": edited,
            "office_of": office,
            "headed": heads,
            "persons": self.placed(people_seen) | {user.person_id},
            "editable": self.placed(edited),
        }

    def placed(self, where: set[int]) -> set[int]:
        found = {row.person_id for row in self.memberships if row.branch_id in where}
        return found | {post.person_id for post in self.posts if post.organization_id in where}


def union(sets) -> set[int]:
    return set().union(*sets)


def ids(queryset) -> set[int]:
    return set(queryset.values_list("pk", flat=True))


def stored(user: User) -> dict[str, set[int]]:
    conditions: dict[str, Callable[[User], Q]] = {
        "seen": scope.seen,
        "seen_people": scope.seen_people,
        "edited": scope.edited,
        "office_of": scope.office_of,
        "headed": scope.headed,
    }
    found = {name: ids(Organization.objects.filter(condition(user))) for name, condition in conditions.items()}
    return found | {
        "persons": ids(Person.objects.visible_to(user)),
        "editable": ids(Person.objects.editable_by(user)),
    }


def grow(chance: random.Random, size: int) -> list[Organization]:
    """Two roots, any shape, codes that are often prefixes of one another."""
    category = builders.category("机关内设机构")
    orgs: list[Organization] = []
    used = {"1", "2"}
    for number in range(size):
        parent = None if number < 2 else chance.choice([org for org in orgs if org.org_type != "branch"])
        code = str(number + 1) if number < 2 else ""
        while not code or (code in used and number >= 2):
            code = chance.choice(sorted(used)) + chance.choice("0123456789")
        used.add(code)
        kind = "group" if number < 2 else chance.choice(["branch", "branch", "committee", "organ_committee", "group"])
        relation = "guidance" if parent and chance.random() < 0.2 else "affiliation"
        orgs.append(
            Organization(code=code, name=code, org_type=kind, category=category, parent=parent, relation=relation)
        )
    tree.write_many(orgs, [], by=None)
    return list(Organization.objects.order_by("pk"))


def span(chance: random.Random) -> dict:
    """Mostly open; sometimes over, sometimes not begun."""
    past, future = builders.day("2001-01-01"), builders.day("2199-01-01")
    return chance.choice([{}, {}, {}, {"to_on": past}, {"from_on": future}, {"from_on": past}, {"to_on": future}])


def populate(chance: random.Random, orgs: list[Organization], size: int) -> list[User]:
    branches = [org for org in orgs if org.org_type == "branch"]
    persons = [Person(number=f"X{number}", name=f"人{number}") for number in range(size)]
    people.add_many(persons, by=None)
    Membership.objects.bulk_create(
        Membership(person=person, branch=chance.choice(branches), **span(chance))
        for person in persons
        if chance.random() < 0.9
    )
    posts = [
        Post(
            person=chance.choice(persons),
            organization=chance.choice(orgs),
            role=chance.choice(["secretary", "deputy", "member"]),
            is_acting=chance.random() < 0.2,
            **span(chance),
        )
        for _ in range(size)
    ]
    Post.objects.bulk_create(posts, ignore_conflicts=True)
    Charge.objects.bulk_create(
        [
            Charge(person=post.person, team=post.organization, organization=chance.choice(orgs), **span(chance))
            for post in posts
        ],
        ignore_conflicts=True,
    )
    users = User.objects.bulk_create(User(username=person.number, person=person) for person in persons[: size // 2])
    Grant.objects.bulk_create(
        [
            Grant(user=user, organization=org, **span(chance))
            for user in users
            if chance.random() < 0.3
            for org in chance.sample(orgs, chance.choice([1, 2]))
        ]
    )
    return users


def compare(users: list[User]) -> None:
    naive = Naive()
    for user in users:
        fresh = again(user)
        assert stored(fresh) == naive.answer(fresh), user.username


@pytest.mark.parametrize("seed", range(4))
def test_every_answer_equals_a_walk_along_the_parents(seed):
    chance = random.Random(seed)
    orgs = grow(chance, 60)
    users = populate(chance, orgs, 50)
    compare(users)
    for _ in range(6):
        moved = Organization.objects.get(pk=chance.choice(orgs[2:]).pk)
        inside = ids(Organization.objects.below(moved, include_self=True))
        goals = [org for org in Organization.objects.exclude(org_type="branch") if org.pk not in inside]
        tree.move(moved, under=chance.choice(goals), relation=chance.choice(["affiliation", "guidance"]), by=None)
    builders.make_org("new", parent=Organization.objects.get(pk=orgs[0].pk))
    compare(users)


def test_the_walk_would_notice(traps):
    """The comparison above is worth something: a wrong numbering makes it fail."""
    user = builders.make_user(builders.make_head(traps["B"]))
    compare([user])
    Organization.objects.filter(pk=traps["B"].pk).update(rght=traps["A"].rght)  # over its neighbour, too
    with pytest.raises(AssertionError):
        compare([user])
