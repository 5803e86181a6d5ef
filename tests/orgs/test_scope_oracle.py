"""Conditions of the scope stay what they are when they are joined: "everything" never vanishes, "nothing" never grows."""

import itertools

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q

from orgs import scope
from orgs.models import Membership, Organization, User
from tests import builders

pytestmark = pytest.mark.django_db

CONDITIONS = (scope.seen, scope.seen_people, scope.edited, scope.office_of)
PAIRS = list(itertools.permutations(CONDITIONS, 2))


def codes(condition: Q) -> set[str]:
    return set(Organization.objects.filter(condition).values_list("code", flat=True))


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda one: one.__name__)
def test_an_administrators_everything_survives_every_combination(cast, one, other):
    user, every = cast.user["admin"], set(cast.org)
    # An administrator with a seat of his own is not narrowed to it.
    builders.make_post(cast.person["member"], cast.org["1311"], "委员")
    seated = cast.user["member"]
    seated.is_superuser = True
    seated.save()
    for who in (user, User.objects.get(pk=seated.pk)):
        assert codes(one(who) | other(who)) == every
        assert codes(one(who) | scope.headed(who)) == every
        assert codes(scope.headed(who) | one(who)) == every
        assert codes(one(who) | Q(pk=-1)) == codes(Q(pk=-1) | one(who)) == every
        assert codes(one(who) & other(who)) == every
        assert codes(~one(who)) == set()
        assert codes(one(who) & Q(code="13")) == {"13"}


def test_everything_holds_behind_a_prefix_and_in_a_subquery(cast):
    user = cast.user["admin"]
    rows = Membership.objects.filter(scope.seen_people(user, "branch__") | Q(pk=-1))
    assert rows.count() == Membership.objects.count() > 0
    inside = Membership.objects.filter(scope.office_of(user, "branch__") | Q(pk=-1), branch=OuterRef("pk"))
    assert set(Organization.objects.filter(Exists(inside)).values_list("code", flat=True)) == {
        "111", "121", "1311", "1321",
    }  # fmt: skip


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda one: one.__name__)
def test_nothing_stays_nothing_in_every_combination(cast, one, other):
    for user in (cast.user["stranger"], AnonymousUser()):
        assert codes(one(user) | other(user)) == set()
        assert codes(one(user) | scope.headed(user)) == set()
        assert codes(one(user) & other(user)) == set()
        assert codes(one(user) | Q(code="13")) == {"13"}
        assert codes(~one(user)) == set(cast.org)


def test_two_seats_are_the_sum_of_both(cast):
    """A head who also works in another office: each condition is that of either seat, never less, never more."""
    head, office = cast.user["unit_secretary"], cast.user["clerk"]
    expected = {condition: codes(condition(head)) | codes(condition(office)) for condition in CONDITIONS}
    both = builders.make_user(username="both", office=cast.org["13"])
    both.person, head.person = head.person, None
    head.save()
    both.save()
    both = User.objects.get(pk=both.pk)
    assert {condition: codes(condition(both)) for condition in CONDITIONS} == expected
    assert codes(scope.headed(both)) == {"121"}
