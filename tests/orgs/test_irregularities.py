"""The worklist of irregularities: each kind with what belongs on it and what does not, for whose office it is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs import clock, irregularities, people, tree
from orgs.models import Charge, Membership, Organization, Person, Post
from tests import builders
from tests.confirming import confirmed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

DAY = builders.day("2010-12-01")


def found(user, code: str) -> list[str]:
    """The texts of one kind's list."""
    rows = irregularities.BY_CODE[code].find(user, clock.today())
    return [entry.text for entry in irregularities.entries(irregularities.BY_CODE[code], rows, user)]


def test_a_branch_without_a_head_is_listed_until_somebody_leads_it(cast):
    clerk, branch = cast.user["clerk"], cast.org["1311"]
    assert found(clerk, "headless") == []
    people.remove(cast.person["secretary"].posts.get(), on=DAY, by=None)
    builders.make_post(cast.person["member"], branch, "委员")
    assert found(clerk, "headless") == ["天津局检务处党支部"]
    builders.make_post(cast.person["secretary"], branch, "副书记", acting=True, from_on=DAY)
    assert found(clerk, "headless") == []


def test_only_full_members_of_good_standing_count_for_the_size_of_a_branch(cast):
    clerk = cast.user["clerk"]
    assert found(clerk, "small") == []  # four and three
    people.update_many([(cast.person["lower_member"], {"kind": "probationary"})], by=None)
    assert found(clerk, "small") == ["塘沽局综合党支部"]
    people.update_many([(cast.person["member"], {"status": "suspended"})], by=None)
    assert found(clerk, "small") == ["塘沽局综合党支部"]  # three are left in the other
    people.transfer(cast.person["secretary"], to=cast.org["1321"], on=DAY, by=None)
    assert found(clerk, "small") == ["天津局检务处党支部"]


def test_how_many_full_members_there_are_is_said_even_for_none(cast):
    builders.make_org("1312", parent=cast.org["131"])
    kind = irregularities.BY_CODE["small"]
    rows = kind.find(cast.user["clerk"], clock.today())
    assert [entry.note for entry in irregularities.entries(kind, rows, cast.user["clerk"])] == [
        "1312 · 党支部 · 正式党员 0 名"
    ]


def test_an_organisation_where_nobody_holds_a_post_is_listed_branches_apart(cast):
    clerk = cast.user["clerk"]
    assert found(clerk, "postless") == []
    builders.make_org("133", "党总支", parent=cast.org["13"])
    builders.make_org("1331", "党支部", parent=Organization.objects.get(code="133"))
    assert found(clerk, "postless") == ["133党总支"]
    builders.make_post(cast.person["member"], Organization.objects.get(code="133"), "委员")
    assert found(clerk, "postless") == []


def test_holes_are_what_a_team_with_a_division_of_work_left_out(cast):
    clerk = cast.user["clerk"]
    assert found(clerk, "holes") == ["天津局机关党委", "塘沽检验检疫局党组"]  # 132 has divided nothing itself
    builders.make_charge(cast.person["bureau_head"], cast.org["13"], cast.org["132"], assist=True)
    assert found(clerk, "holes") == ["天津局机关党委"]


def test_who_is_in_charge_of_an_organ_committee_is_in_charge_of_its_branches(cast):
    clerk = cast.user["clerk"]
    builders.make_org("1312", parent=cast.org["131"])
    assert "1312党支部" in found(clerk, "holes")
    builders.make_charge(cast.person["bureau_head"], cast.org["13"], cast.org["131"])
    assert found(clerk, "holes") == ["塘沽检验检疫局党组"]


def test_a_team_that_divided_nothing_has_no_holes(cast):
    Charge.objects.all().delete()
    assert found(cast.user["admin"], "holes") == []


def test_a_hole_is_for_the_office_of_the_team(cast):
    lower = builders.make_user(username="lower", office=cast.org["132"])
    assert found(lower, "holes") == []  # it could not mend it


def test_a_holder_of_a_post_without_a_branch_is_listed(cast):
    clerk = cast.user["clerk"]
    assert found(clerk, "homeless") == []
    people.transfer(cast.person["lower_secretary"], to=None, on=DAY, by=None)
    people.transfer(cast.person["lower_member"], to=None, on=DAY, by=None)  # holds none
    assert found(clerk, "homeless") == ["塘沽支部书记（N-lower_secretary）"]
    people.update_many([(cast.person["lower_secretary"], {"status": "deceased"})], by=None)
    assert found(clerk, "homeless") == []


def test_a_post_that_outlived_its_organisation_is_listed_and_can_be_ended(cast, as_user):
    clerk = cast.user["clerk"]
    org = builders.make_org("133", "党总支", parent=cast.org["13"])
    tree.dissolve(org, on=DAY, by=None)
    assert found(clerk, "leftover") == []
    builders.make_post(cast.person["member"], Organization.objects.get(code="133"), "书记")
    assert found(clerk, "leftover") == ["检务处党员（N-member）"]
    post = Post.objects.get(organization__code="133")
    answer = confirmed(as_user(clerk), reverse("post_end", args=[post.pk]), {"on": "2010-12-05", "reason": "撤销"})
    assert answer.status_code == 302
    assert found(clerk, "leftover") == []


def test_an_organisation_that_ends_in_the_future_is_in_order(cast):
    tree.write_many([], [(cast.org["132"], {"dissolved_on": builders.day("2010-12-31")})], by=None)
    assert found(cast.user["clerk"], "leftover") == []


def test_two_who_lead_the_same_organisation_are_both_listed(cast):
    clerk = cast.user["clerk"]
    helper = builders.make_charge(cast.person["bureau_head"], cast.org["13"], cast.org["1311"], assist=True)
    assert found(clerk, "doubled") == []
    people.update_charges([(helper, {"kind": "lead"})], by=None)
    assert found(clerk, "doubled") == ["天津局检务处党支部"] * 2
    people.update_charges([(helper, {"to_on": DAY})], by=None)
    assert found(clerk, "doubled") == []


def test_a_provincial_bureau_entered_as_affiliated_is_listed(cast):
    builders.make_org("14", "党组", "省级质监局", cast.org["1"], guidance=True)
    assert found(cast.user["admin"], "affiliated") == []
    builders.make_org("15", "党组", "省级质监局", cast.org["1"])
    assert found(cast.user["admin"], "affiliated") == ["15党组"]
    assert found(cast.user["clerk"], "affiliated") == []


# --- whose --------------------------------------------------------------------------------------------------------


def make_everything_wrong(cast) -> None:
    """At least one of each kind under 天津局党组, and one of most elsewhere."""
    for person in Person.objects.filter(number__in=["N-secretary", "N-lower_secretary", "N-office_secretary"]):
        people.remove(person.posts.get(), on=DAY, by=None)
    builders.make_charge(cast.person["bureau_head"], cast.org["13"], cast.org["1311"])
    for parent in ("13", "12"):
        builders.make_org(f"{parent}6", "党支部", parent=cast.org[parent])
        builders.make_org(f"{parent}9", "党总支", parent=cast.org[parent])
        gone = builders.make_org(f"{parent}8", "党总支", parent=cast.org[parent])
        tree.dissolve(gone, on=DAY, by=None)
        builders.make_post(cast.person["member"], gone, "书记")
        builders.make_org(f"{parent}7", "党组", "省级质监局", cast.org[parent])
        builders.make_post(builders.make_person(number=f"H-{parent}"), cast.org[parent], "副书记")


@pytest.mark.parametrize("code", irregularities.BY_CODE)
def test_an_office_gets_its_own_domain_and_nobody_elses(cast, code):
    make_everything_wrong(cast)
    of_bureau, of_root = set(found(cast.user["clerk"], code)), set(found(cast.user["root_clerk"], code))
    of_all = set(found(cast.user["admin"], code))
    assert of_bureau
    assert of_bureau <= of_all
    assert of_root <= of_all
    if code != "leftover":  # the same person, there and here
        assert not of_bureau & of_root
    for part in ("bureau_head", "secretary", "stranger"):
        assert found(cast.user[part], code) == []


def page(client, **query):
    return client.get(reverse("irregularities"), query)


@pytest.mark.parametrize(("part", "status"), [("clerk", 200), ("admin", 200), ("bureau_head", 404), ("stranger", 404)])
@pytest.mark.parametrize("query", [{}, {"kind": "small"}])
def test_the_worklist_is_for_offices_and_administrators(cast, as_user, part, status, query):
    assert page(as_user(cast.user[part]), **query).status_code == status


def test_the_first_page_counts_each_kind_and_names_what_is_in_order(cast, as_user):
    make_everything_wrong(cast)
    context = page(as_user(cast.user["clerk"])).context
    shown = {kind.code: count for kind, count in context["open"]}
    assert shown == {code: len(found(cast.user["clerk"], code)) for code in irregularities.BY_CODE}
    assert context["sound"] == []


def test_all_in_order_is_said(cast, as_user):
    Organization.objects.exclude(code__in=["1", "11", "111"]).update(dissolved_on=DAY)
    for person in Person.objects.filter(number__in=["N-bureau_head", "N-member_in_charge", "N-secretary"]):
        Membership.objects.filter(person=person).update(branch=cast.org["111"])
    Post.objects.exclude(organization__code__in=["1", "11", "111"]).delete()
    answer = page(as_user(cast.user["admin"])).content.decode()
    assert "没有发现异常" in answer


@pytest.mark.parametrize("code", irregularities.BY_CODE)
def test_every_link_of_the_worklist_leads_to_a_page_for_the_office_and_the_administrator(cast, as_user, code):
    make_everything_wrong(cast)
    for part in ("clerk", "admin"):
        client = as_user(cast.user[part])
        entries = page(client, kind=code).context["entries"]
        assert entries
        for entry in entries:
            if not (part == "admin" and "/admin/" in entry.url):
                assert client.get(entry.url).status_code == 200, entry


def test_a_kind_that_is_none_is_not_found_and_odd_pages_are_answered(cast, as_user):
    client = as_user(cast.user["clerk"])
    for junk in ("x", "\x00", "9" * 300):
        assert page(client, kind=junk).status_code == 404
    for junk in ("-1", "x", "9" * 40):
        assert page(client, kind="small", page=junk).status_code == 200


def test_queries_do_not_grow_with_what_is_wrong(cast, as_user):
    make_everything_wrong(cast)
    client = as_user(cast.user["clerk"])

    def asked() -> list[int]:
        numbers = []
        for query in ({}, *({"kind": code} for code in irregularities.BY_CODE)):
            with CaptureQueriesContext(connection) as queries:
                page(client, **query)
            numbers.append(len(queries))
        return numbers

    few = asked()
    for at in range(10):
        org = builders.make_org(f"13a{at}", "党总支", parent=cast.org["13"])
        builders.make_org(f"13b{at}", "党支部", parent=cast.org["131"])
        builders.make_org(f"13c{at}", "党组", "省级质监局", parent=cast.org["13"])
        builders.make_post(builders.make_person(), org, "书记")
    assert asked() == few
