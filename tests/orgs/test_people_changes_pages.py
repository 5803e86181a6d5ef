"""Pages of changes of people: consequences first, scope kept, nothing lost, nothing done twice."""

from __future__ import annotations

from html import unescape

import pytest
from django.urls import reverse

from orgs import personnel
from orgs.models import AuditEvent, Charge, Membership, Organization, Post
from reviews import duties
from reviews.models import Duty
from tests import builders
from tests.confirming import confirmed, hidden

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

WHY = {"on": "2010-12-01", "reason": "局党组会议决定"}


def text(answer) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def branch_of(person) -> str:
    return Membership.objects.get(person=person, to_on__isnull=True).branch.code


def many(code: str) -> str:
    return reverse("members_transfer", args=[code])


# --- transfers ---------------------------------------------------------------------------------------------------


def test_a_transfer_is_shown_with_its_duties_before_it_is_done(cast, as_user):
    duties.regenerate(duties.ensure_period("2010H2"))
    url = reverse("person_transfer", args=["N-member"])
    client = as_user(cast.user["clerk"])
    preview = client.post(url, {"to": "1321"} | WHY)
    shown = text(preview)
    assert "检务处党员自 2010-12-01 起由“天津局检务处党支部”转入“塘沽局综合党支部”。" in shown
    assert "1 名党员的任务将由“塘沽局综合党支部”书记承担。" in shown
    assert branch_of(cast.person["member"]) == "1311"
    client.post(url, hidden(preview))
    assert branch_of(cast.person["member"]) == "1321"
    assert Duty.objects.get(rule_code="4", target_person=cast.person["member"]).reviewer_org.code == "1321"
    again = client.post(url, hidden(preview))  # a double click
    assert "现在就在“塘沽局综合党支部”，不用再转" in text(again)
    assert AuditEvent.objects.filter(verb="组织关系", object_id=cast.person["member"].pk).count() == 2


def test_who_comes_second_sees_what_is_so_now(cast, as_user):
    url = reverse("person_transfer", args=["N-member"])
    client = as_user(cast.user["clerk"])
    sent = hidden(client.post(url, {"to": "1321"} | WHY))
    other = builders.make_org("1312", "党支部", parent=cast.org["131"])
    personnel.transfer([cast.person["member"]], to=other, on=builders.day("2010-11-30"), reason="调动", by=None)
    again = client.post(url, sent)
    assert "情况有了变化" in text(again)
    assert "由“1312党支部”转入" in text(again)
    assert branch_of(cast.person["member"]) == "1312"


def test_many_are_ticked_or_pasted(cast, as_user):
    client = as_user(cast.user["clerk"])
    extra = builders.make_person("另一名", cast.org["1321"], number="N-Extra")
    target = builders.make_org("1312", "党支部", parent=cast.org["131"])
    data = {"members": ["N-member", "N-secretary"], "numbers": "n-extra，N-member\n", "to": "1312"} | WHY
    preview = client.post(many("1311"), data)
    shown = text(preview)
    assert "1 名党员自 2010-12-01 起由“塘沽局综合党支部”转入“1312党支部”。" in shown
    assert "2 名党员自 2010-12-01 起由“天津局检务处党支部”转入“1312党支部”。" in shown
    assert "检务处支部书记（天津局检务处党支部，党支部书记）的职务不随组织关系终止" in shown
    assert "已把 3 名党员转到1312党支部" in text(client.post(many("1311"), hidden(preview), follow=True))
    for person in (cast.person["member"], cast.person["secretary"], extra):
        assert branch_of(person) == target.code


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "请勾选要转移的党员"),
        ({"numbers": "N-unit_head nobody"}, "找不到：n-unit_head、nobody"),
        ({"members": ["N-lower_member"]}, "N-lower_member"),
        ({"members": ["\x00"]}, "看不见的字符"),
        ({"numbers": "\x00"}, "看不见的字符"),
        ({"members": ["N-member"], "to": "121"}, "找不到"),
        ({"members": ["N-member"], "to": "1311"}, "不用再转"),
        ({"members": ["N-member"], "reason": ""}, "请写明原因"),
        ({"members": ["N-member"], "on": "2010-12-11"}, "还没有到"),
    ],
)
def test_many_that_cannot_go_stay_all_of_them(cast, as_user, data, said):
    answer = confirmed(as_user(cast.user["clerk"]), many("1311"), {"to": "1321"} | WHY | data)
    assert said in text(answer)
    assert branch_of(cast.person["member"]) == "1311"


def test_above_a_branch_numbers_are_pasted(cast, as_user):
    client = as_user(cast.user["clerk"])
    assert "粘贴人员编号" in text(client.get(many("13")))
    confirmed(client, many("13"), {"numbers": "N-member N-bureau_head", "to": "1321"} | WHY)
    assert branch_of(cast.person["bureau_head"]) == "1321"


# --- posts and division of work -------------------------------------------------------------------------------------


def test_a_removal_tells_what_ends_with_it_and_who_heads_then(cast, as_user):
    post = Post.objects.get(person=cast.person["member_in_charge"], organization=cast.org["13"])
    shown = text(as_user(cast.user["clerk"]).post(reverse("post_end", args=[post.pk]), WHY))
    assert "天津局分管成员（天津检验检疫局党组，党组成员）自 2010-12-01 起免职。" in shown
    assert "天津局分管成员自 2010-12-01 起不再主管“天津局检务处党支部”。" in shown
    assert "“天津检验检疫局党组”的负责人仍是天津局书记。" in shown
    post.refresh_from_db()
    assert post.to_on is None


def test_the_work_of_one_goes_to_another(cast, as_user):
    client = as_user(cast.user["clerk"])
    url = reverse("charge_handover", args=["13"])
    old, new = cast.person["member_in_charge"], cast.person["bureau_head"]
    confirmed(client, url, {"person": old.pk, "to": new.pk} | WHY)
    assert Charge.objects.get(organization=cast.org["1311"], to_on__isnull=True).person == new
    same = text(client.post(url, {"person": new.pk, "to": new.pk} | WHY))
    assert "不能向自己交接" in same


def test_a_split_ticks_who_goes(cast, as_user):
    client = as_user(cast.user["clerk"])
    url = reverse("change_split", args=["1311"])
    data = {"code": "1319", "name": "检务二处党支部", "parts": ["N-member", "N-bureau_head"]} | WHY
    preview = client.post(url, data)
    assert "“检务二处党支部”还没有书记" in text(preview)
    assert not Organization.objects.filter(code="1319").exists()
    assert "已由“天津局检务处党支部”分设“检务二处党支部”" in text(client.post(url, hidden(preview), follow=True))
    assert branch_of(cast.person["member"]) == "1319"
    assert "现在不在这个组织里" in text(client.post(url, hidden(preview)))  # a double click


def test_the_head_of_a_branch_appoints_with_consequences_shown(cast, as_user):
    client = as_user(cast.user["secretary"])
    preview = client.post(reverse("post_add", args=["1311"]), {"person": "N-member", "role": "deputy"} | WHY)
    assert "检务处党员（天津局检务处党支部，党支部副书记）自 2010-12-01 起任职。" in text(preview)
    assert not Post.objects.filter(person=cast.person["member"]).exists()
