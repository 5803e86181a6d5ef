"""Writers released together: the tree stays sound (django-mptt alone breaks it nine times in ten)."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from orgs import tree
from orgs.errors import TreeBusy
from orgs.models import Organization
from tests import builders
from tests.together import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def test_two_inserts_and_two_moves_at_once_leave_a_sound_tree():
    root = builders.make_org("1", "党组", "总局")
    sides = [builders.make_org(f"1{n}", "党总支", "总局机关", root) for n in range(4)]
    for trial in range(8):
        errors = together(
            lambda t=trial: builders.make_org(f"a{t}", "党支部", "总局机关", sides[0]),
            lambda t=trial: builders.make_org(f"b{t}", "党支部", "总局机关", sides[1]),
            lambda: tree.move(Organization.objects.get(code="12"), under=Organization.objects.get(code="13"), by=None),
            lambda: tree.move(Organization.objects.get(code="13"), under=Organization.objects.get(code="12"), by=None),
        )
        # One of the two crossing moves must lose: both would make a cycle.
        assert [type(error) for error in errors] in ([tree.TreeRefused], [])
        assert tree.prove() == []
        for code in ("12", "13"):
            tree.move(Organization.objects.get(code=code), under=Organization.objects.get(code="1"), by=None)


def test_two_new_roots_at_once_get_trees_of_their_own():
    errors = together(
        lambda: builders.make_org("r1", "党组", "总局"),
        lambda: builders.make_org("r2", "党组", "总局"),
    )
    assert errors == []
    assert tree.prove() == []


def test_a_tree_held_by_someone_else_says_so():
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            tree.lock()
            held.set()
            done.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    try:
        with pytest.raises(TreeBusy, match="稍后再试"):
            builders.make_org("1", "党组", "总局")
    finally:
        done.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def test_numbering_anew_holds_up_nobody_who_refers_to_an_organisation():
    root = builders.make_org("1", "党组", "总局")
    org = builders.make_org("11", "党支部", "总局机关", root)
    period = builders.make_period()

    def review():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        builders.make_bare_record(period, root, of_org=org)

    with transaction.atomic():
        tree.lock()
        Organization.objects.update(lft=F("lft") + 2, rght=F("rght") + 2)
        assert tree.renumber() == 2
        assert together(review) == []


def test_two_organisations_at_one_place_are_refused_when_the_transaction_ends():
    root = builders.make_org("1", "党组", "总局")
    org = builders.make_org("11", "党支部", "总局机关", root)
    place = Organization.objects.filter(pk=org.pk)
    with pytest.raises(IntegrityError, match="org_lft_unique"), transaction.atomic():
        place.update(lft=1)  # the root's: allowed until the end
    assert place.get().lft == org.lft
