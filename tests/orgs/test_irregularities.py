"""The worklist of irregularities: each kind with what belongs on it and what does not, for whose office it is."""

from __future__ import annotations

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from orgs import clock, irregularities, people, tree
from orgs.models import Charge, Membership, Organization, Person, Post
from tests import builders
from tests.confirming import confirmed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

DAY = builders.day("2010-12-01")
FOR_ADMINISTRATORS = {"branchless"}
FOR_OFFICES = [code for code in irregularities.BY_CODE if code not in FOR_ADMINISTRATORS]


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


# --- teams, terms, divisions of work, sizes ---------------------------------------------------------------------


def test_a_team_without_a_head_is_listed_until_somebody_leads_it(cast):
    clerk = cast.user["clerk"]
    assert found(clerk, "leaderless") == []
    people.remove(cast.person["lower_head"].posts.get(), on=DAY, by=None)
    assert found(clerk, "leaderless") == []  # nobody at all: another kind
    builders.make_post(cast.person["lower_head"], cast.org["132"], "成员", from_on=DAY)
    assert found(clerk, "leaderless") == ["塘沽检验检疫局党组"]
    builders.make_post(cast.person["lower_secretary"], cast.org["132"], "副书记", acting=True)
    assert found(clerk, "leaderless") == []


@pytest.mark.parametrize(("since", "listed"), [("2009-12-09", True), ("2009-12-10", False), (None, False)])
def test_who_acts_for_more_than_a_year_is_listed(cast, since, listed):
    on = clock.today()
    assert on == builders.day("2010-12-10")
    from_on = builders.day(since) if since else None
    builders.make_post(cast.person["lower_member"], cast.org["132"], "副书记", acting=True, from_on=from_on)
    assert found(cast.user["clerk"], "acting") == (["塘沽检验检疫局党组"] if listed else [])


@pytest.mark.parametrize(
    ("until", "listed"),
    [("2010-10-11", False), ("2010-10-12", True), ("2010-12-10", True), ("2011-02-08", True), ("2011-02-09", False)],
)
def test_a_term_that_runs_out_is_listed_without_a_successor_only(cast, until, listed):
    clerk = cast.user["clerk"]
    post = cast.person["lower_head"].posts.get()
    Post.objects.filter(pk=post.pk).update(to_on=builders.day(until))
    assert found(clerk, "ending") == (["塘沽检验检疫局党组"] if listed else [])
    builders.make_post(cast.person["lower_member"], cast.org["132"], "成员")  # no successor
    assert found(clerk, "ending") == (["塘沽检验检疫局党组"] if listed else [])
    builders.make_post(cast.person["lower_member"], cast.org["132"], "书记", from_on=builders.day(until))
    assert found(clerk, "ending") == []


def test_a_division_of_work_outlives_neither_the_post_nor_the_organisation(cast):
    clerk = cast.user["clerk"]
    assert found(clerk, "idle") == found(clerk, "vanished") == []
    post = cast.person["member_in_charge"].posts.get(organization=cast.org["13"])
    Post.objects.filter(pk=post.pk).update(to_on=DAY)
    assert found(clerk, "idle") == ["天津局分管成员（N-member_in_charge）"]
    Organization.objects.filter(code="1311").update(dissolved_on=DAY)
    assert found(clerk, "vanished") == ["天津局检务处党支部"]
    Charge.objects.update(to_on=DAY)
    assert found(clerk, "idle") == found(clerk, "vanished") == []


def crowd(branch: Organization, count: int) -> None:
    """So many more members of a branch."""
    members = Person.objects.bulk_create(Person(number=f"C{branch.code}-{at}", name="众") for at in range(count))
    Membership.objects.bulk_create(Membership(person=person, branch=branch) for person in members)


def test_a_branch_of_more_than_fifty_is_listed(cast):
    crowd(cast.org["1321"], 47)
    assert found(cast.user["clerk"], "crowded") == []  # fifty
    crowd(cast.org["1311"], 47)
    kind = irregularities.BY_CODE["crowded"]
    rows = kind.find(cast.user["clerk"], clock.today())
    entries = irregularities.entries(kind, rows, cast.user["clerk"])
    assert [(entry.text, entry.note) for entry in entries] == [("天津局检务处党支部", "1311 · 党支部 · 党员 51 名")]


def test_members_left_in_a_dissolved_branch_can_be_transferred(cast, as_user):
    clerk = cast.user["clerk"]
    assert found(clerk, "inhabited") == []
    Organization.objects.filter(code="1321").update(dissolved_on=DAY)
    assert found(clerk, "inhabited") == ["塘沽局综合党支部"]
    numbers = ["N-lower_head", "N-lower_secretary", "N-lower_member"]
    data = {"on": "2010-12-05", "reason": "支部撤销", "to": "1311", "numbers": " ".join(numbers)}
    answer = confirmed(as_user(clerk), reverse("members_transfer", args=["1321"]), data)
    assert answer.status_code == 302
    assert found(clerk, "inhabited") == []


def test_who_belongs_nowhere_is_for_the_administrator(cast):
    builders.make_person("游离", number="N-free")
    people.transfer(cast.person["lower_member"], to=None, on=DAY, by=None)
    kind = irregularities.BY_CODE["branchless"]
    entries = irregularities.entries(kind, kind.find(cast.user["admin"], clock.today()), cast.user["admin"])
    assert {entry.text: entry.note for entry in entries} == {
        "游离（N-free）": "从未编入支部",
        "塘沽党员（N-lower_member）": "原在塘沽局综合党支部",
    }
    assert found(cast.user["clerk"], "branchless") == []


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
        left = builders.make_org(f"{parent}5", "党总支", parent=cast.org[parent])
        deputy = builders.make_person(number=f"D-{parent}", branch=builders.make_org(f"{parent}4", parent=left))
        builders.make_post(deputy, left, "委员")
        crowd(Organization.objects.get(code=f"{parent}4"), 51)
        year_ago = builders.day("2009-01-01")
        builders.make_post(deputy, Organization.objects.get(code=f"{parent}9"), "副书记", acting=True, from_on=year_ago)
        post = builders.make_post(deputy, left, "副书记")
        Post.objects.filter(pk=post.pk).update(to_on=DAY)
        Charge.objects.create(person=deputy, team=cast.org[parent], organization=gone)
        empty = builders.make_org(f"{parent}3", "党支部", parent=cast.org[parent])
        Membership.objects.create(person=builders.make_person(number=f"L-{parent}"), branch=empty)
        Organization.objects.filter(pk=empty.pk).update(dissolved_on=DAY)
        builders.make_org(f"{parent}2x", "党总支", parent=cast.org[parent])
    builders.make_person("游离", number="N-free")


@pytest.mark.parametrize("code", FOR_OFFICES)
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
    assert shown == {code: len(found(cast.user["clerk"], code)) for code in FOR_OFFICES}
    assert {kind.code for kind in context["sound"]} == FOR_ADMINISTRATORS


def test_all_in_order_is_said(cast, as_user):
    Organization.objects.exclude(code__in=["1", "11", "111"]).update(dissolved_on=DAY)
    Membership.objects.update(branch=cast.org["111"])
    Charge.objects.all().delete()
    Post.objects.exclude(organization__code__in=["1", "11", "111"]).delete()
    answer = page(as_user(cast.user["admin"])).content.decode()
    assert "没有发现异常" in answer


@pytest.mark.parametrize("code", irregularities.BY_CODE)
def test_every_link_of_the_worklist_leads_to_a_page_for_the_office_and_the_administrator(cast, as_user, code):
    make_everything_wrong(cast)
    for part in ("clerk", "admin") if code in FOR_OFFICES else ("admin",):
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


# --- the file -------------------------------------------------------------------------------------------------------


def filed(client, **query) -> list[tuple]:
    answer = client.get(reverse("irregularities_export"), query)
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    return list(sheet.iter_rows(min_row=2, values_only=True))


def test_the_file_has_what_the_pages_show(cast, as_user):
    make_everything_wrong(cast)
    client = as_user(cast.user["clerk"])
    every = []
    for kind in irregularities.KINDS:
        entries = page(client, kind=kind.code).context["entries"]
        rows = [(kind.title, entry.text, entry.note, entry.action) for entry in entries]
        assert filed(client, kind=kind.code) == rows
        every += rows
    assert filed(client) == every


@pytest.mark.parametrize(("part", "status"), [("clerk", 200), ("bureau_head", 404), ("stranger", 404)])
def test_the_file_is_for_whom_the_page_is(cast, as_user, part, status):
    client = as_user(cast.user[part])
    assert client.get(reverse("irregularities_export")).status_code == status
    assert client.get(reverse("irregularities_export"), {"kind": "x\x00"}).status_code == 404
