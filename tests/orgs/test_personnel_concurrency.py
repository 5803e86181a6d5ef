"""Two hands at once transfer one person: one of them is done, the other hears what is so now."""

from __future__ import annotations

import threading

import pytest
from django.db import transaction

from orgs import foreseeing, people, personnel
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.foreseeing import Plan
from orgs.models import AuditEvent, Membership
from tests import builders
from tests.together import together

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("in_2010"),
]

DAY = builders.day("2010-12-01")


def plan(person, to) -> Plan:
    return Plan(
        Change(ChangeKind.TRANSFER, None, DAY, to, (person.pk,)),
        lambda: personnel.transfer([person], to=to, on=DAY, reason="调动", by=None),
    )


def test_two_transfers_of_one_person_at_once(cast):
    person = cast.person["member"]
    for first, second in (("1321", "121"), ("111", "1311")):
        plans = [plan(person, cast.org[code]) for code in (first, second)]
        seen = [foreseeing.foresee(one) for one in plans]
        errors = together(
            lambda: foreseeing.carry_out(plans[0], seen=seen[0]),  # noqa: B023
            lambda: foreseeing.carry_out(plans[1], seen=seen[1]),  # noqa: B023
        )
        assert len(errors) == 1
        assert "情况有了变化" in str(errors[0])
        assert Membership.objects.filter(person=person, to_on__isnull=True).count() == 1


def test_the_same_confirmation_twice_at_once_is_done_once(cast):
    person = cast.person["member"]
    one = plan(person, cast.org["1321"])
    seen = foreseeing.foresee(one)
    before = AuditEvent.objects.filter(verb="组织关系").count()
    errors = together(*[lambda: foreseeing.carry_out(one, seen=seen)] * 2)
    assert len(errors) == 1
    assert isinstance(errors[0], DomainError)
    assert "不用再转" in str(errors[0])
    assert AuditEvent.objects.filter(verb="组织关系").count() == before + 1


def test_who_refers_to_a_person_does_not_wait_for_his_transfer(cast):
    """A draft names him at its commit, after it has taken what the transfer may be waiting for: both would wait."""
    person = cast.person["member"]
    transferred, named = threading.Event(), threading.Event()
    waited = []

    def transfer():
        with transaction.atomic():
            personnel.transfer([person], to=cast.org["1321"], on=DAY, reason="调动", by=None)
            transferred.set()
            waited.append(not named.wait(3))

    def name():
        transferred.wait(10)
        people.appoint(person, cast.org["121"], "deputy", from_on=DAY, by=None)
        named.set()

    assert together(transfer, name) == []
    assert waited == [False]
