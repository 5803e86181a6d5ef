"""make_org(), make_person() …: small rows for tests, through the same verbs as the product."""

from __future__ import annotations

import datetime
import itertools

from orgs import accounts, people, tree
from orgs.models import Category, Charge, Organization, Person, Post, Scheme, User
from reviews import rounds
from reviews.models import ContentKind, Period, Record, RecordState, Review

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


def make_period(code: str = "2010H2") -> Period:
    """A half-year, by its code."""
    year, half = int(code[:4]), int(code[5])
    starts_on = datetime.date(year, 1 if half == 1 else 7, 1)
    ends_on = datetime.date(year, 6, 30) if half == 1 else datetime.date(year, 12, 31)
    facts = {"name": f"{year}年{'上' if half == 1 else '下'}半年", "starts_on": starts_on, "ends_on": ends_on}
    return Period.objects.get_or_create(code=code, defaults=facts)[0]


def make_round(
    code: str = "ND2010", name: str = "年底普遍点评", first="2010-11-01", last="2010-12-31", **choices
) -> Period:
    """A round, not generated; of all targets where no choice is made."""
    return rounds.save(None, rounds.RoundDraft(code, name, day(first), day(last), **choices), by=None)


def make_bare_record(
    period: Period,
    reviewer_org: Organization,
    reviewer: Person | None = None,
    *,
    of_org: Organization | None = None,
    of_person: Person | None = None,
    about: Organization | None = None,
    with_reviewers: tuple[Person, ...] = (),
    held_on: datetime.date | None = None,
    state: str = RecordState.CONFIRMED,
) -> Record:
    """A record in any state with nothing around it: no duty, no text, nothing counted. For tests of what reads it."""
    review = Review.objects.create(
        period=period, reviewer_org=reviewer_org, reviewer=reviewer, held_on=held_on or period.starts_on
    )
    review.co_reviewers.set(with_reviewers)
    return Record.objects.create(
        review=review,
        kind=ContentKind.MEMBER if of_person else ContentKind.BASE,
        target_org=of_org,
        target_person=of_person,
        about_org=of_org or about or reviewer_org,
        target_name=(of_org or of_person).name,
        state=state,
    )
