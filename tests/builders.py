"""make_org(), make_person() …: small rows for tests, through the same verbs as the product."""

from __future__ import annotations

import datetime
import itertools

from orgs import accounts, people, tree
from orgs.models import Category, Charge, Organization, Person, Post, Scheme, User

_numbers = itertools.count(1)

TYPES = {
    "党组": "group",
    "党委": "committee",
    "机关党委": "organ_committee",
    "党总支": "general_branch",
    "党支部": "branch",
}
ROLES = {"书记": "secretary", "副书记": "deputy", "委员": "member", "成员": "member"}


def category(name: str) -> Category:
    """A category of the shipped scheme."""
    return Category.objects.get(scheme=Scheme.objects.get(code="aqsiq-2010"), name=name)


def make_org(
    code: str,
    type_name: str = "党支部",
    category_name: str = "机关内设机构",
    parent: Organization | None = None,
    *,
    name: str = "",
    guidance: bool = False,
    **facts,
) -> Organization:
    """An organisation, by Chinese type and category; `guidance` makes the edge to its parent one of guidance."""
    org = Organization(
        code=code,
        name=name or f"{code}{type_name}",
        org_type=TYPES[type_name],
        category=category(category_name),
        parent=Organization.objects.get(pk=parent.pk) if parent else None,
        relation="guidance" if guidance else "affiliation",
        **facts,
    )
    return tree.add(org, by=None)


def make_person(name: str = "", branch: Organization | None = None, *, number: str = "", on=None, **facts) -> Person:
    """A member, of a branch where one is given."""
    serial = next(_numbers)
    person = Person(number=number or f"P{serial:05d}", name=name or f"党员{serial}", **facts)
    return people.add(person, branch, on, by=None)


def make_post(person: Person, org: Organization, role: str = "书记", *, acting: bool = False, from_on=None) -> Post:
    """A post, by the Chinese word of the role."""
    return people.appoint(person, org, ROLES[role], from_on=from_on, is_acting=acting, by=None)


def make_charge(person: Person, team: Organization, org: Organization, *, assist: bool = False) -> Charge:
    """A division of work."""
    return people.put_in_charge(person, team, org, kind="assist" if assist else "lead", by=None)


def make_head(org: Organization, branch: Organization | None = None, name: str = "") -> Person:
    """A person who is 书记 of the organisation; a member of `branch`."""
    person = make_person(name, branch)
    make_post(person, org, "书记")
    return person


def make_user(person: Person | None = None, *, username: str = "", office: Organization | None = None, **facts) -> User:
    """An account that needs no new password; with a grant where `office` is given. Password: its user name."""
    username = username or (person.number if person else f"user{next(_numbers)}")
    user = User(username=username, person=person, **facts)
    user.set_password(username)
    user.save()
    if office is not None:
        accounts.grant_office(user, office, by=None)
    return user


def day(text: str) -> datetime.date:
    """An ISO day."""
    return datetime.date.fromisoformat(text)
