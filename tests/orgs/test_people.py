"""Verbs of people: memberships, posts and divisions of work with their dates."""

from __future__ import annotations

import pytest

from orgs import heads, people
from orgs.models import AuditEvent, Charge, Membership, Person, Post
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit():
    team = builders.make_org("1", "党委", "直属挂靠单位")
    return {
        "team": team,
        "first": builders.make_org("11", "党支部", "直属挂靠单位内设", team),
        "second": builders.make_org("12", "党支部", "直属挂靠单位内设", team),
    }


def test_a_transfer_ends_one_membership_and_begins_the_next_on_the_same_day(unit):
    person = builders.make_person("某", unit["first"])
    people.transfer(person, to=unit["second"], on=builders.day("2010-09-10"), by=None)
    first, second = Membership.objects.filter(person=person).order_by("pk")
    assert (first.branch, first.to_on) == (unit["first"], builders.day("2010-09-10"))
    assert (second.branch, second.from_on, second.to_on) == (unit["second"], builders.day("2010-09-10"), None)
    for day, branch in (("2010-09-09", "first"), ("2010-09-10", "second")):
        assert Membership.objects.valid(builders.day(day)).get(person=person).branch == unit[branch]
    event = AuditEvent.objects.filter(verb="组织关系").first()
    assert event.before == {"branch": "11党支部"}


def test_a_transfer_to_the_same_branch_changes_nothing(unit):
    person = builders.make_person("某", unit["first"])
    people.transfer(person, to=unit["first"], on=builders.day("2010-09-10"), by=None)
    assert Membership.objects.filter(person=person).count() == 1


def test_a_transfer_on_the_day_of_the_last_one_corrects_it(unit):
    person = builders.make_person("某", unit["first"], on=builders.day("2010-09-10"))
    people.transfer(person, to=unit["second"], on=builders.day("2010-09-10"), by=None)
    assert Membership.objects.get(person=person).branch == unit["second"]


@pytest.mark.parametrize(
    ("target", "on", "said"),
    [("team", "2010-09-10", "不是党支部"), ("second", "2010-01-01", "早于"), ("second", None, "转入日期")],
)
def test_a_wrong_transfer_is_refused_whole(unit, target, on, said):
    person = builders.make_person("某", unit["first"], on=builders.day("2010-03-01"))
    with pytest.raises(people.PeopleRefused, match=said):
        people.transfer(person, to=unit[target], on=builders.day(on) if on else None, by=None)
    assert Membership.objects.get(person=person).to_on is None


def test_leaving_the_system_ends_the_membership(unit):
    person = builders.make_person("某", unit["first"])
    people.transfer(person, to=None, on=builders.day("2010-09-10"), by=None)
    assert not Membership.objects.valid(builders.day("2010-09-10")).filter(person=person).exists()


def test_numbers_that_differ_only_in_case_are_one_number():
    builders.make_person(number="A1")
    with pytest.raises(people.PeopleRefused, match="编号"):
        builders.make_person(number="a1")
    assert Person.objects.count() == 1


def test_two_secretaries_at_a_time_are_refused_and_one_after_the_other_is_fine(unit):
    old, new = builders.make_person("旧"), builders.make_person("新")
    post = builders.make_post(old, unit["team"])
    with pytest.raises(people.PeopleRefused, match="两名书记"):
        builders.make_post(new, unit["team"], from_on=builders.day("2010-09-01"))
    people.remove(post, on=builders.day("2010-09-01"), by=None)
    builders.make_post(new, unit["team"], from_on=builders.day("2010-09-01"))
    assert heads.head_of(unit["team"], builders.day("2010-08-31")).person == old
    assert heads.head_of(unit["team"], builders.day("2010-09-01")).person == new


def test_two_secretaries_are_found_among_very_many_organisations_too(unit, monkeypatch):
    monkeypatch.setattr(people, "MANY", 0)
    post = builders.make_post(builders.make_person("旧"), unit["team"])
    with pytest.raises(people.PeopleRefused, match="两名书记"):
        builders.make_post(builders.make_person("新"), unit["team"], from_on=builders.day("2010-09-01"))
    assert list(Post.objects.filter(role="secretary")) == [post]


def test_the_same_post_twice_is_refused(unit):
    person = builders.make_person()
    builders.make_post(person, unit["team"], "委员")
    with pytest.raises(people.PeopleRefused, match="已经存在"):
        builders.make_post(person, unit["team"], "委员")
    assert Post.objects.count() == 1


def test_who_is_acting_heads_a_vacant_post_and_only_a_vacant_one(unit):
    deputy = builders.make_person("副")
    builders.make_post(deputy, unit["team"], "副书记", acting=True)
    on = builders.day("2010-10-01")
    assert heads.head_of(unit["team"], on).person == deputy
    secretary = builders.make_head(unit["team"])
    assert heads.head_of(unit["team"], on).person == secretary
    assert heads.head_of(unit["first"], on) is None


def test_charge_needs_a_post_in_the_team_and_an_organisation_below_it(unit):
    outsider, member = builders.make_person(), builders.make_person()
    with pytest.raises(people.PeopleRefused, match="任职"):
        builders.make_charge(outsider, unit["team"], unit["first"])
    builders.make_post(member, unit["team"], "委员")
    with pytest.raises(people.PeopleRefused, match="不在"):
        builders.make_charge(member, unit["team"], unit["team"])
    builders.make_charge(member, unit["team"], unit["first"])
    assert Charge.objects.count() == 1


def test_removal_before_appointment_is_refused(unit):
    post = builders.make_post(builders.make_person(), unit["team"], from_on=builders.day("2010-09-01"))
    with pytest.raises(people.PeopleRefused, match="早于"):
        people.remove(post, on=builders.day("2010-08-01"), by=None)
