"""Pages of organisations: how far one sees, what is named, and who changes what."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs import accounts, clock, people, tree
from orgs.models import AuditEvent, Charge, Membership, Person, Post
from tests import builders
from tests.confirming import confirmed

pytestmark = pytest.mark.django_db


def page(code: str) -> str:
    return reverse("organization", kwargs={"code": code})


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


# --- the tree ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "tops"),
    [
        ("admin", ["1"]),
        ("root_clerk", ["1"]),
        ("clerk", ["13"]),
        ("bureau_head", ["13"]),
        ("secretary", ["1311"]),
        ("member_in_charge", ["131", "13"]),  # heads 131, sits in 13; the branch in charge lies below 131
        ("member", ["1311"]),
        ("stranger", []),
    ],
)
def test_the_tree_begins_at_ones_seat(cast, as_user, part, tops):
    answer = as_user(cast.user[part]).get(reverse("organizations"))
    assert [top.row.org.code for top in answer.context["tops"]] == tops
    assert ("没有您可以查看的组织" in text(answer)) == (not tops)


def test_a_level_unfolds_in_place_and_without_scripts_leads_to_the_page(cast, as_user):
    client = as_user(cast.user["clerk"])
    url = reverse("organization_children", kwargs={"code": "13"})
    unfolded = text(client.get(url, headers={"HX-Request": "true"}))
    assert "天津局机关党委" in unfolded
    assert "<html" not in unfolded
    assert client.get(url)["Location"] == page("13")


def test_search_finds_within_the_scope_only(cast, as_user):
    found = as_user(cast.user["clerk"]).get(reverse("organizations"), {"q": "党支部"})
    assert {row.org.code for row in found.context["rows"]} == {"1311", "1321"}
    nothing = as_user(cast.user["secretary"]).get(reverse("organizations"), {"q": "信息中心"})
    assert "没有找到" in text(nothing)


def test_search_does_not_name_a_superior_that_is_not_the_users_to_see(cast, as_user):
    found = text(as_user(cast.user["secretary"]).get(reverse("organizations"), {"q": "检务处"}))
    assert "天津局机关党委" not in found


@pytest.mark.parametrize("words", ["\x00", "%", "'", "😀" * 60, "_"])
def test_odd_words_find_nothing_quietly(cast, as_user, words):
    assert as_user(cast.user["admin"]).get(reverse("organizations"), {"q": words}).status_code == 200


def test_a_dissolved_organisation_leaves_the_tree(cast, as_user):
    people.transfer(cast.person["lower_member"], to=None, on=clock.today(), by=None)
    for part in ("lower_head", "lower_secretary"):
        people.transfer(cast.person[part], to=cast.org["1311"], on=clock.today(), by=None)
    cast.org["1321"].refresh_from_db()
    tree.dissolve(cast.org["1321"], on=clock.today(), by=None)
    client = as_user(cast.user["clerk"])
    assert "塘沽局综合党支部" not in text(client.get(page("132")))
    assert "已撤销" in text(client.get(page("1321")))
    assert client.get(reverse("member_add", kwargs={"code": "1321"})).status_code == 404


# --- one organisation -----------------------------------------------------------------------------------------


def test_a_guidance_edge_shows_the_organisation_but_names_nobody(cast, as_user):
    below = text(as_user(cast.user["root_head"]).get(page("13")))
    assert "天津检验检疫局党组" in below
    assert "天津局书记" not in below
    assert "天津局书记" in text(as_user(cast.user["clerk"]).get(page("13")))


def test_the_tree_above_a_guidance_edge_counts_but_does_not_name(cast, as_user):
    listed = as_user(cast.user["root_clerk"]).get(page("1")).context["rows"]
    by_code = {row.org.code: row for row in listed}
    assert by_code["13"].head is None
    assert not by_code["13"].sees_head
    assert by_code["13"].children == 2
    assert by_code["12"].head.person.name == "信息中心书记"


def test_a_member_sees_his_branch_but_not_who_is_in_it(cast, as_user):
    shown = text(as_user(cast.user["member"]).get(page("1311")))
    assert "天津局检务处党支部" in shown
    assert "检务处支部书记" not in shown


def test_a_branch_lists_its_counted_members(cast, as_user):
    people.update_many([(cast.person["member"], {"status": "left"})], by=None)
    listed = as_user(cast.user["secretary"]).get(page("1311")).context["page_obj"]
    assert {person.name for person in listed} == {"天津局书记", "天津局分管成员", "检务处支部书记"}


@pytest.mark.parametrize(
    ("part", "offers"),
    [
        ("clerk", {"post_add", "charge_add"}),
        ("bureau_head", set()),
        ("member_in_charge", set()),
        ("root_clerk", set()),
    ],
)
def test_only_the_office_is_offered_changes_of_a_team(cast, as_user, part, offers):
    shown = text(as_user(cast.user[part]).get(page("13")))
    found = {name for name in ("post_add", "charge_add") if reverse(name, kwargs={"code": "13"}) in shown}
    assert found == offers


def test_editors_see_what_was_done_others_do_not(cast, as_user):
    post = builders.make_post(cast.person["member"], cast.org["1311"], "委员")
    people.remove(post, on=clock.today(), by=cast.user["clerk"])
    assert "免职：检务处党员" in text(as_user(cast.user["secretary"]).get(page("1311")))
    assert "变更经过" not in text(as_user(cast.user["bureau_head"]).get(page("1311")))


@pytest.mark.parametrize("name", ["organization", "organization_children", "member_add", "post_add", "charge_add"])
def test_what_is_foreign_cannot_be_told_from_what_is_not_there(cast, as_user, name):
    client = as_user(cast.user["secretary"])
    for code in ("121", "nonsense", "131\x00", "1311 "):
        assert client.get(reverse(name, kwargs={"code": code})).status_code == 404


WHY = {"on": clock.today().isoformat(), "reason": "局党组会议决定"}


# --- posts ------------------------------------------------------------------------------------------------------


def appointing(code: str) -> str:
    return reverse("post_add", kwargs={"code": code})


def test_the_office_appoints_by_number_or_name(cast, as_user):
    client = as_user(cast.user["clerk"])
    answer = confirmed(client, appointing("13"), {"person": "检务处党员", "role": "member"} | WHY)
    assert answer["Location"] == page("13")
    post = Post.objects.get(person=cast.person["member"])
    assert (post.organization_id, post.role, post.is_acting) == (cast.org["13"].pk, "member", False)
    assert AuditEvent.objects.filter(verb="任职", object_id=post.pk, by=cast.user["clerk"]).exists()


def test_a_second_secretary_is_refused_beside_the_form(cast, as_user):
    answer = as_user(cast.user["clerk"]).post(appointing("13"), {"person": "N-member", "role": "secretary"} | WHY)
    assert "同时有两名书记" in text(answer)
    assert not Post.objects.filter(person=cast.person["member"]).exists()


def test_people_of_the_same_name_are_told_apart_by_number(cast, as_user):
    builders.make_person("检务处党员", cast.org["1321"], number="N-namesake")
    answer = as_user(cast.user["clerk"]).post(appointing("13"), {"person": "检务处党员", "role": "member"})
    assert "N-namesake（塘沽局综合党支部）" in text(answer)


def test_nobody_outside_the_scope_is_appointed(cast, as_user):
    answer = as_user(cast.user["clerk"]).post(appointing("13"), {"person": "N-unit_deputy", "role": "member"})
    assert "找不到" in text(answer)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"person": "\x00"},
        {"person": "N-member", "role": "pope"},
        {"person": "N-member", "role": "member", "on": "0001-01-01"},
        {"person": "N-member", "role": "member", "on": "2999-01-01"},
    ],
)
def test_odd_input_is_answered_in_the_form(cast, as_user, odd):
    assert as_user(cast.user["clerk"]).post(appointing("13"), odd).status_code == 200
    assert not Post.objects.filter(person=cast.person["member"]).exists()


def test_the_head_of_a_branch_names_his_committee_but_no_secretary(cast, as_user):
    client = as_user(cast.user["secretary"])
    assert confirmed(client, appointing("1311"), {"person": "N-member", "role": "member"} | WHY).status_code == 302
    for forbidden in ({"role": "secretary"}, {"role": "deputy", "is_acting": "on"}):
        confirmed(client, appointing("1311"), {"person": "N-bureau_head", **forbidden} | WHY)
    assert not Post.objects.filter(
        organization=cast.org["1311"], person=cast.person["bureau_head"], role="secretary"
    ).exists()
    assert not Post.objects.filter(is_acting=True).exists()


def ending(post: Post) -> str:
    return reverse("post_end", kwargs={"pk": post.pk})


def test_the_office_ends_a_post_on_a_day(cast, as_user):
    post = Post.objects.get(person=cast.person["member_in_charge"], organization=cast.org["13"])
    client = as_user(cast.user["clerk"])
    assert "随之终止" in text(client.get(ending(post)))
    assert confirmed(client, ending(post), WHY)["Location"] == page("13")
    post.refresh_from_db()
    assert post.to_on == clock.today()
    assert Charge.objects.get(team=cast.org["13"]).to_on == clock.today()


def test_a_post_cannot_end_before_it_began(cast, as_user):
    post = builders.make_post(cast.person["member"], cast.org["1311"], "委员", from_on=builders.day("2010-07-01"))
    assert "早于任职日期" in text(as_user(cast.user["clerk"]).post(ending(post), WHY | {"on": "2010-06-30"}))


def test_the_head_of_a_branch_ends_neither_his_own_post_nor_one_elsewhere(cast, as_user):
    client = as_user(cast.user["secretary"])
    for organization in ("1311", "1321", "13"):
        post = Post.objects.filter(organization=cast.org[organization], role="secretary").get()
        assert client.post(ending(post), WHY).status_code == 404
        post.refresh_from_db()
        assert post.to_on is None


def test_the_same_as_administrator(cast, as_user):
    post = Post.objects.get(organization=cast.org["1"], role="secretary")
    assert confirmed(as_user(cast.user["admin"]), ending(post), WHY).status_code == 302


# --- division of work ----------------------------------------------------------------------------------------------


def test_the_office_divides_the_work(cast, as_user):
    client = as_user(cast.user["clerk"])
    url = reverse("charge_add", kwargs={"code": "13"})
    head = cast.person["bureau_head"]
    assert (
        confirmed(
            client, url, {"person": head.pk, "organization": "塘沽检验检疫局党组", "kind": "lead"} | WHY
        ).status_code
        == 302
    )
    charge = Charge.objects.get(person=head)
    assert charge.organization == cast.org["132"]
    end = reverse("charge_end", kwargs={"pk": charge.pk})
    assert confirmed(client, end, WHY)["Location"] == page("13")
    charge.refresh_from_db()
    assert charge.to_on == clock.today()


def test_nobody_is_put_in_charge_of_what_does_not_lie_below(cast, as_user):
    url = reverse("charge_add", kwargs={"code": "13"})
    member = cast.person["member_in_charge"]
    for organization in ("13", "121", "11"):
        answer = as_user(cast.user["clerk"]).post(
            url, {"person": member.pk, "organization": organization, "kind": "lead"}
        )
        assert "找不到" in text(answer)


def test_who_holds_no_post_in_the_team_is_not_offered(cast, as_user):
    url = reverse("charge_add", kwargs={"code": "13"})
    outsider = cast.person["lower_head"]
    answer = as_user(cast.user["clerk"]).post(url, {"person": outsider.pk, "organization": "132", "kind": "lead"})
    assert answer.status_code == 200
    assert not Charge.objects.filter(person=outsider).exists()


@pytest.mark.parametrize("part", ["bureau_head", "member_in_charge", "secretary", "root_clerk", "stranger"])
def test_only_the_office_divides_the_work(cast, as_user, part):
    client = as_user(cast.user[part])
    assert client.get(reverse("charge_add", kwargs={"code": "13"})).status_code == 404
    charge = Charge.objects.get(team=cast.org["13"])
    assert client.post(reverse("charge_end", kwargs={"pk": charge.pk}), {"on": "2010-01-01"}).status_code == 404
    charge.refresh_from_db()
    assert charge.to_on is None


# --- new members -----------------------------------------------------------------------------------------------------

NEW = {"number": "N-fresh", "name": "新同志", "kind": "probationary", "on": "2010-07-01"}


def test_the_secretary_adds_a_member_to_his_branch(cast, as_user):
    client, address = as_user(cast.user["secretary"]), reverse("member_add", kwargs={"code": "1311"})
    shown = client.post(address, NEW)
    assert not Person.objects.filter(number="N-fresh").exists()
    answer = client.post(address, NEW | {"seen": shown.context["seen"]})
    assert answer["Location"] == reverse("organization", kwargs={"code": "1311"})
    membership = Membership.objects.get(person__number="N-fresh")
    assert (membership.branch, membership.from_on) == (cast.org["1311"], builders.day("2010-07-01"))


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"number": "n-MEMBER"}, "人员编号"),
        ({"number": "a/b"}, "斜杠"),
        ({"name": "新\u200b同志"}, "看不见的字符"),
        ({"mobile": "call me"}, "不是电话号码"),
        ({"born_on": "1850-01-01"}, "年份不合理"),
        ({"on": "yesterday"}, "看不懂日期"),
    ],
)
def test_a_wrong_fact_is_refused_in_its_place(cast, as_user, odd, said):
    answer = as_user(cast.user["secretary"]).post(reverse("member_add", kwargs={"code": "1311"}), NEW | odd)
    assert said in text(answer)
    assert not Person.objects.filter(name__contains="同志").exists()


@pytest.mark.parametrize(
    ("part", "code"),
    [("secretary", "1321"), ("bureau_head", "1311"), ("member", "1311"), ("clerk", "131"), ("clerk", "121")],
)
def test_members_are_added_where_one_edits_and_to_branches(cast, as_user, part, code):
    assert as_user(cast.user[part]).post(reverse("member_add", kwargs={"code": code}), NEW).status_code == 404
    assert not Person.objects.filter(number="N-fresh").exists()


# --- cost --------------------------------------------------------------------------------------------------------------


def queries(client, url) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("name", ["organizations", "organization"])
def test_the_cost_does_not_grow_with_the_rows(cast, as_user, name):
    client = as_user(cast.user["clerk"])
    url = reverse(name, kwargs={"code": "13"}) if name == "organization" else reverse(name)
    before = queries(client, url)
    for number in range(12):
        org = builders.make_org(f"13{number:03d}", "党支部", parent=cast.org["13"])
        builders.make_head(org, org)
    assert queries(client, url) == before
    assert before <= 25


def test_a_granted_office_has_an_end(cast, as_user):
    grant = accounts.grant_office(cast.user["stranger"], cast.org["12"], by=None)
    assert as_user(cast.user["stranger"]).get(page("121")).status_code == 200
    accounts.revoke(grant, by=None)
    assert as_user(cast.user["stranger"]).get(page("121")).status_code == 404
