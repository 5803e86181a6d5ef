"""Pages of people: whom one finds, what is masked, who corrects and transfers."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs import clock, people
from orgs.models import AuditEvent, Membership, Person
from tests import builders
from tests.confirming import confirmed

pytestmark = pytest.mark.django_db


def page(number: str) -> str:
    return reverse("person", kwargs={"number": number})


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def listed(client, **query) -> set[str]:
    return {person.number.removeprefix("N-") for person in client.get(reverse("people"), query).context["page_obj"]}


# --- the list ----------------------------------------------------------------------------------------------

BUREAU = {"bureau_head", "member_in_charge", "secretary", "member"}
LOWER = {"lower_head", "lower_secretary", "lower_member"}
ABOVE = {"root_head", "organ_head", "office_secretary", "unit_head", "unit_deputy", "unit_secretary"}


@pytest.mark.parametrize(
    ("part", "whom"),
    [
        ("clerk", BUREAU | LOWER),
        ("root_clerk", ABOVE),  # persons end at the guidance edge
        ("secretary", BUREAU),
        ("lower_head", LOWER),
        ("member", {"member"}),
        ("stranger", set()),
        ("admin", ABOVE | BUREAU | LOWER),
    ],
)
def test_the_list_is_the_users_own(cast, as_user, part, whom):
    assert listed(as_user(cast.user[part])) == whom


def test_finding_by_name_number_branch_and_subtree(cast, as_user):
    client = as_user(cast.user["clerk"])
    assert listed(client, q="分管") == {"member_in_charge"}
    assert listed(client, q="N-low") == LOWER
    assert listed(client, branch="塘沽") == LOWER
    assert listed(client, org="132") == LOWER
    assert listed(client, org="132", q="书记") == {"lower_head", "lower_secretary"}


@pytest.mark.parametrize("code", ["12", "nonsense", "'", "\x00"])
def test_a_foreign_subtree_is_empty_rather_than_everything(cast, as_user, code):
    found = listed(as_user(cast.user["clerk"]), org=code)
    assert found == (set() if code != "\x00" else BUREAU | LOWER)  # a NUL is no text at all


def test_odd_pages_and_words_are_answered(cast, as_user):
    client = as_user(cast.user["clerk"])
    for query in ({"page": "-1"}, {"page": "x"}, {"page": "9" * 40}, {"q": "%"}, {"branch": "\x00"}):
        assert client.get(reverse("people"), query).status_code == 200


def test_mobile_numbers_are_masked_in_lists(cast, as_user):
    people.update_many([(cast.person["member"], {"mobile": "13812345678"})], by=None)
    shown = text(as_user(cast.user["clerk"]).get(reverse("people")))
    assert "138****5678" in shown
    assert "13812345678" not in shown


def test_the_list_costs_the_same_for_one_and_for_many(cast, as_user):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("people"))
        return len(captured)

    client = as_user(cast.user["clerk"])
    before = queries()
    for _ in range(20):
        builders.make_person(branch=cast.org["1311"])
    assert queries() == before
    assert before <= 15


# --- one person ----------------------------------------------------------------------------------------------


def test_everybody_sees_himself_wholly(cast, as_user):
    people.update_many([(cast.person["member"], {"mobile": "13812345678", "note": "内部备注"})], by=None)
    shown = text(as_user(cast.user["member"]).get(page("N-member")))
    assert "13812345678" in shown
    assert "内部备注" not in shown  # notes are the editors'
    assert "内部备注" in text(as_user(cast.user["clerk"]).get(page("N-member")))


def test_who_sees_but_does_not_edit_gets_a_masked_number(cast, as_user):
    people.update_many(
        [(cast.person["member"], {"mobile": "13812345678", "born_on": builders.day("1970-01-02")})], by=None
    )
    shown = text(as_user(cast.user["bureau_head"]).get(page("N-member")))
    assert "138****5678" in shown
    assert "13812345678" not in shown
    assert "1970年" not in shown


@pytest.mark.parametrize("number", ["N-secretary", "N-root_head", "nonsense", "N-member\x00"])
def test_a_member_finds_nobody_else(cast, as_user, number):
    client = as_user(cast.user["member"])
    for name in ("person", "person_edit", "person_transfer"):
        assert client.get(reverse(name, kwargs={"number": number})).status_code == 404


def test_an_organisation_that_is_not_seen_is_named_but_not_linked(cast, as_user):
    shown = text(as_user(cast.user["member"]).get(page("N-member")))
    assert reverse("organization", kwargs={"code": "1311"}) in shown
    shown = text(as_user(cast.user["secretary"]).get(page("N-bureau_head")))
    assert "天津检验检疫局党组" in shown
    assert reverse("organization", kwargs={"code": "13"}) not in shown


# --- facts ---------------------------------------------------------------------------------------------------


def facts(person: Person, **changed) -> dict[str, str]:
    kept = {"name": person.name, "title": person.title, "kind": person.kind, "status": person.status}
    return kept | changed


def test_the_secretary_corrects_facts_of_his_members(cast, as_user):
    member = cast.person["member"]
    url = reverse("person_edit", kwargs={"number": member.number})
    answer = as_user(cast.user["secretary"]).post(url, facts(member, title="检务处科员", mobile="13912345678"))
    assert answer["Location"] == page(member.number)
    member.refresh_from_db()
    assert (member.title, member.mobile) == ("检务处科员", "13912345678")
    event = AuditEvent.objects.get(verb="修改人员", object_id=member.pk)
    assert event.after == {"title": "检务处科员", "mobile": "13912345678"}


def test_nothing_changed_leaves_no_trace(cast, as_user):
    member = cast.person["member"]
    url = reverse("person_edit", kwargs={"number": member.number})
    assert "没有改动" in text(as_user(cast.user["secretary"]).post(url, facts(member), follow=True))
    assert not AuditEvent.objects.filter(verb="修改人员").exists()


@pytest.mark.parametrize("odd", [{"name": ""}, {"mobile": "138****5678"}, {"joined_on": "2999-01-01"}, {"kind": "x"}])
def test_a_wrong_fact_changes_nothing(cast, as_user, odd):
    member = cast.person["member"]
    url = reverse("person_edit", kwargs={"number": member.number})
    assert as_user(cast.user["secretary"]).post(url, facts(member, title="新", **odd)).status_code == 200
    member.refresh_from_db()
    assert member.title == "检务处党员岗位"


@pytest.mark.parametrize("part", ["member", "bureau_head", "lower_secretary", "root_clerk", "stranger"])
def test_others_correct_nothing(cast, as_user, part):
    member = cast.person["member"]
    url = reverse("person_edit", kwargs={"number": member.number})
    assert as_user(cast.user[part]).post(url, facts(member, title="新")).status_code == 404


# --- transfer --------------------------------------------------------------------------------------------------


WHY = {"on": clock.today().isoformat(), "reason": "工作调动"}


def moving(person: Person) -> str:
    return reverse("person_transfer", kwargs={"number": person.number})


@pytest.mark.parametrize("words", ["1321", "塘沽局综合党支部"])
def test_the_office_transfers_within_its_range(cast, as_user, words):
    member = cast.person["member"]
    answer = confirmed(as_user(cast.user["clerk"]), moving(member), {"to": words} | WHY)
    assert answer.status_code == 302
    opened = Membership.objects.get(person=member, to_on__isnull=True)
    assert (opened.branch, opened.from_on) == (cast.org["1321"], clock.today())


def test_the_office_lets_a_member_go(cast, as_user):
    member = cast.person["member"]
    client = as_user(cast.user["clerk"])
    assert confirmed(client, moving(member), {"out": "on"} | WHY, follow=True).status_code == 200
    assert not Membership.objects.filter(person=member, to_on__isnull=True).exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"to": "121"}, "找不到"),  # beyond the office
        ({"to": "131"}, "找不到"),  # no 党支部
        ({}, "请填写转入支部"),
        ({"to": "1321", "out": "on"}, "只能选一个"),
        ({"to": "1321", "on": "2999-01-01"}, "不能晚于今天"),
        ({"to": "\x00"}, "看不见的字符"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused_in_the_form(cast, as_user, typed, said):
    member = cast.person["member"]
    answer = as_user(cast.user["clerk"]).post(moving(member), WHY | typed)
    assert said in text(answer)
    assert Membership.objects.get(person=member).branch == cast.org["1311"]


def test_a_transfer_before_the_last_one_is_refused(cast, as_user):
    newcomer = builders.make_person("新人", cast.org["1311"], on=builders.day("2010-07-01"))
    answer = as_user(cast.user["clerk"]).post(moving(newcomer), WHY | {"to": "1321", "on": "2010-06-30"})
    assert "早于现支部的转入日期" in text(answer)


@pytest.mark.parametrize("part", ["secretary", "bureau_head", "member", "root_clerk", "lower_head", "stranger"])
def test_nobody_else_transfers(cast, as_user, part):
    member = cast.person["member"]
    answer = as_user(cast.user[part]).post(moving(member), {"to": "1321"} | WHY)
    assert answer.status_code == 404
    assert Membership.objects.get(person=member).branch == cast.org["1311"]


def test_the_next_request_already_sees_the_transfer(cast, as_user):
    member = cast.person["member"]
    client = as_user(cast.user["secretary"])
    assert client.get(page(member.number)).status_code == 200
    people.transfer(member, to=cast.org["1321"], on=clock.today(), by=None)
    assert client.get(page(member.number)).status_code == 404
    assert as_user(cast.user["lower_secretary"]).get(page(member.number)).status_code == 200
