"""What a user may do with one organisation or one person; the conditions come from `orgs.scope`.

An account can do what its person's posts give. Whoever hands out its password could log in with it, so this is for
an office whose own range covers everything that the account reaches, and for administrators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs import clock, scope
from orgs.models import Charge, Grant, Membership, Organization, Person, Post, PostRole, User

if TYPE_CHECKING:
    import datetime


@dataclass(frozen=True)
class OrganizationStanding:
    """How a user stands to an organisation that he sees."""

    sees_people: bool
    edits: bool
    is_office: bool

    @property
    def adds_members(self) -> bool:
        """Whoever edits; the caller knows whether it is a 党支部."""
        return self.edits


@dataclass(frozen=True)
class PersonStanding:
    """How a user stands to a person whom he sees."""

    is_self: bool
    edits: bool
    transfers: bool
    manages_account: bool

    @property
    def sees_all_facts(self) -> bool:
        """The whole mobile number, the day of birth, posts of the past."""
        return self.is_self or self.edits


def to_organization(user: User, org: Organization) -> OrganizationStanding:
    """Read what the user may do with the organisation."""
    one = Organization.objects.filter(pk=org.pk)
    return OrganizationStanding(
        sees_people=one.filter(scope.seen_people(user)).exists(),
        edits=one.filter(scope.edited(user)).exists(),
        is_office=one.filter(scope.office_of(user)).exists(),
    )


def to_person(user: User, person: Person) -> PersonStanding:
    """Read what the user may do with the person."""
    return PersonStanding(
        is_self=user.person_id == person.pk,
        edits=Person.objects.editable_by(user).filter(pk=person.pk).exists(),
        transfers=transferable(user).filter(pk=person.pk).exists(),
        manages_account=manages_account(user, person),
    )


def transferable(user: User) -> QuerySet[Person]:
    """Members of the branches of the user's office, and holders of its posts who are in no branch; administrators: all."""
    if scope.seats(user).is_admin:
        return Person.objects.all()
    on = clock.today()
    members = Membership.objects.valid(on).filter(scope.office_of(user, "branch__"))
    homeless = ~Exists(Membership.objects.valid(on).filter(person=OuterRef("pk")))
    held = Post.objects.valid(on).filter(scope.office_of(user, "organization__"))
    mine = Q(pk__in=members.values("person")) | Q(homeless, pk__in=held.order_by().values("person"))
    return Person.objects.filter(mine)


def changeable_posts(user: User, on: datetime.date) -> QuerySet[Post]:
    """Posts that the user may end: an office all of its range, the head of a 党支部 those of his committee.

    Who is 书记 or 主持工作 is for the office to say: the head can neither name his successor nor end his own post.
    """
    posts = Post.objects.valid(on).select_related("person", "organization")
    if scope.seats(user).is_admin:
        return posts
    own_committee = scope.edited(user, "organization__") & Q(is_acting=False) & ~Q(role=PostRole.SECRETARY)
    return posts.filter(scope.office_of(user, "organization__") | own_committee)


def changeable_charges(user: User, on: datetime.date) -> QuerySet[Charge]:
    """Divisions of work that the user may end: those of the teams of his office."""
    charges = Charge.objects.valid(on).select_related("person", "team", "organization")
    return charges.filter(scope.office_of(user, "team__"))


def manages_account(user: User, person: Person) -> bool:
    """May open the person's account or give it a new password: nothing that it reaches lies outside the user's office."""
    at = scope.seats(user)
    if at.is_admin:
        return True
    if not at.offices or user.person_id == person.pk:
        return False
    account = User.objects.filter(person=person).first()
    if account is not None and (account.is_superuser or account.is_staff):
        return False
    on = clock.today()
    # Posts and grants of the future count, too: the password would still be known when they begin.
    ahead = Q(to_on__isnull=True) | Q(to_on__gt=on)
    reached = set(Post.objects.filter(ahead, person=person).values_list("organization", flat=True))
    reached |= set(Membership.objects.filter(ahead, person=person).values_list("branch", flat=True))
    if account is not None:
        reached |= set(Grant.objects.filter(ahead, user=account).values_list("organization", flat=True))
    covered = Organization.objects.filter(scope.office_of(user), pk__in=reached)
    return bool(reached) and covered.count() == len(reached)
