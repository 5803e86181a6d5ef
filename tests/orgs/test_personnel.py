"""Changes of people over time: what each verb does, and what it refuses."""

from __future__ import annotations

import pytest

from orgs import personnel
from orgs.errors import DomainError
from orgs.models import AuditEvent, Charge, Membership, Post
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

DAY = builders.day("2010-11-01")
AHEAD = builders.day("2010-12-11")
WHY = {"reason": " 局党组发〔2010〕8号 ", "by": None}


def branch_of(person) -> str | None:
    row = Membership.objects.filter(person=person, to_on__isnull=True).select_related("branch").first()
    return row.branch.code if row else None


# --- 组织关系转移 -----------------------------------------------------------------------------------------------


def test_one_and_many_are_transferred_with_day_and_reason(cast):
    many = [cast.person["member"], cast.person["lower_member"]]
    personnel.transfer([cast.person["member"]], to=cast.org["121"], on=DAY, reason="调动", by=cast.user["admin"])
    personnel.transfer(many, to=cast.org["111"], on=builders.day("2010-11-02"), **WHY)
    assert {branch_of(person) for person in many} == {"111"}
    events = list(AuditEvent.objects.filter(verb="组织关系", object_id=many[0].pk).order_by("-pk")[:2])
    assert [event.after["reason"] for event in events] == ["局党组发〔2010〕8号", "调动"]
    assert events[1].after["on"] == "2010-11-01"
    assert events[1].by == cast.user["admin"]


def test_out_of_the_system(cast):
    personnel.transfer([cast.person["member"]], to=None, on=DAY, **WHY)
    assert branch_of(cast.person["member"]) is None
    with pytest.raises(DomainError, match="不用再转出"):
        personnel.transfer([cast.person["member"]], to=None, on=DAY, **WHY)


@pytest.mark.parametrize(
    ("to", "facts", "message"),
    [
        ("1311", {}, "现在就在“天津局检务处党支部”"),
        ("131", {}, "不是党支部"),
        ("1321", {"reason": " "}, "请写明原因"),
        ("1321", {"reason": "因" * 201}, "不超过 200"),
        ("1321", {"on": AHEAD}, "还没有到"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(cast, to, facts, message):
    with pytest.raises(DomainError, match=message):
        personnel.transfer([cast.person["member"]], to=cast.org[to], **({"on": DAY} | WHY | facts))
    assert branch_of(cast.person["member"]) == "1311"


def test_one_who_cannot_go_keeps_all_of_them(cast):
    late = builders.make_person("新来的", cast.org["1311"], on=builders.day("2010-12-05"))
    with pytest.raises(DomainError, match="早于现支部的转入日期"):
        personnel.transfer([cast.person["member"], late], to=cast.org["1321"], on=DAY, **WHY)
    assert branch_of(cast.person["member"]) == "1311"
    with pytest.raises(DomainError, match="请选择"):
        personnel.transfer([], to=cast.org["1321"], on=DAY, **WHY)


def test_nobody_goes_to_a_branch_before_it_was_founded_or_after_it_was_dissolved(cast):
    young = builders.make_org("1318", "党支部", parent=cast.org["131"], founded_on=builders.day("2010-12-01"))
    with pytest.raises(DomainError, match="早于“1318党支部”的成立日期"):
        personnel.transfer([cast.person["member"]], to=young, on=DAY, **WHY)
    gone = builders.make_org("1317", "党支部", parent=cast.org["131"], dissolved_on=builders.day("2010-12-01"))
    with pytest.raises(DomainError, match="已于 2010-12-01 撤销"):
        personnel.transfer([cast.person["member"]], to=gone, on=DAY, **WHY)


# --- 任免 -------------------------------------------------------------------------------------------------------


def test_an_appointment_begins_on_its_day_and_ends_on_its_day(cast):
    post = personnel.appoint(cast.person["member"], cast.org["1311"], "deputy", on=DAY, **WHY)
    assert (post.role, post.from_on, post.to_on) == ("deputy", DAY, None)
    assert AuditEvent.objects.get(verb="任职", object_id=post.pk).after["reason"] == "局党组发〔2010〕8号"
    post = personnel.remove(post, on=builders.day("2010-12-01"), **WHY)
    assert str(post.to_on) == "2010-12-01"
    event = AuditEvent.objects.get(verb="免职", object_id=post.pk)
    assert event.after == {"to_on": "2010-12-01", "reason": "局党组发〔2010〕8号"}


@pytest.mark.parametrize(
    ("person", "org", "role", "facts", "message"),
    [
        ("member", "1311", "secretary", {}, "同时有两名书记"),
        ("secretary", "1311", "secretary", {}, "没有变化"),
        ("unit_deputy", "12", "deputy", {"is_acting": True}, "请先免去这项职务"),
        ("member", "1311", "deputy", {"on": AHEAD}, "还没有到"),
        ("member", "1311", "deputy", {"reason": ""}, "请写明原因"),
    ],
)
def test_an_appointment_that_cannot_be_is_refused(cast, person, org, role, facts, message):
    before = Post.objects.count()
    with pytest.raises(DomainError, match=message):
        personnel.appoint(cast.person[person], cast.org[org], role, **({"on": DAY} | WHY | facts))
    assert Post.objects.count() == before


def test_the_last_post_in_a_team_takes_the_division_of_work_along_even_what_begins_later(cast):
    person, team = cast.person["member_in_charge"], cast.org["13"]
    later = personnel.put_in_charge(person, team, cast.org["132"], kind="lead", on=builders.day("2010-12-05"), **WHY)
    personnel.remove(person.posts.get(organization=team), on=DAY, **WHY)
    later.refresh_from_db()
    assert later.from_on == later.to_on
    assert not Charge.objects.valid(builders.day("2010-12-10")).filter(person=person).exists()


def test_a_post_ends_once_and_not_before_it_began(cast):
    post = personnel.appoint(cast.person["member"], cast.org["1311"], "member", on=DAY, **WHY)
    with pytest.raises(DomainError, match="早于任职日期"):
        personnel.remove(post, on=builders.day("2010-10-31"), **WHY)
    personnel.remove(post, on=builders.day("2010-12-01"), **WHY)
    with pytest.raises(DomainError, match="已于 2010-12-01 免去"):
        personnel.remove(post, on=builders.day("2010-12-02"), **WHY)


def test_a_post_that_ended_on_the_day_it_began_can_begin_again_that_day(cast):
    post = personnel.appoint(cast.person["member"], cast.org["1311"], "member", on=DAY, **WHY)
    personnel.remove(post, on=DAY, **WHY)
    assert personnel.appoint(cast.person["member"], cast.org["1311"], "member", on=DAY, **WHY).to_on is None


# --- 分管 -------------------------------------------------------------------------------------------------------


def test_division_of_work_begins_ends_and_is_handed_over(cast):
    team, person, head = cast.org["13"], cast.person["member_in_charge"], cast.person["bureau_head"]
    charge = personnel.put_in_charge(person, team, cast.org["132"], kind="assist", on=DAY, **WHY)
    begun = personnel.hand_over(person, team, to=head, on=builders.day("2010-12-01"), **WHY)
    assert [(row.organization.code, row.kind) for row in begun] == [("1311", "lead"), ("132", "assist")]
    charge.refresh_from_db()
    assert str(charge.to_on) == "2010-12-01"
    assert AuditEvent.objects.filter(verb="终止分管", object_id=charge.pk).get().after["reason"]
    ended = personnel.end_charge(begun[0], on=builders.day("2010-12-05"), **WHY)
    assert str(ended.to_on) == "2010-12-05"


def test_what_the_other_one_shared_already_is_his_alone(cast):
    team, person, head = cast.org["13"], cast.person["member_in_charge"], cast.person["bureau_head"]
    personnel.put_in_charge(head, team, cast.org["1311"], kind="assist", on=DAY, **WHY)
    assert personnel.hand_over(person, team, to=head, on=DAY, **WHY) == []
    left = Charge.objects.valid(DAY).get(organization=cast.org["1311"])
    assert (left.person, left.kind) == (head, "assist")


def test_division_of_work_that_cannot_be_is_refused(cast):
    team, person, head = cast.org["13"], cast.person["member_in_charge"], cast.person["bureau_head"]
    charge = Charge.objects.get(person=person)
    refused = {
        "已经主管": lambda: personnel.put_in_charge(person, team, cast.org["1311"], kind="assist", on=DAY, **WHY),
        "没有在": lambda: personnel.put_in_charge(
            cast.person["member"], team, cast.org["132"], kind="lead", on=DAY, **WHY
        ),
        "不在“天津检验检疫局党组”之下": lambda: personnel.put_in_charge(
            person, team, cast.org["12"], kind="lead", on=DAY, **WHY
        ),
        "向自己": lambda: personnel.hand_over(person, team, to=person, on=DAY, **WHY),
        "没有可以交接的": lambda: personnel.hand_over(head, team, to=person, on=DAY, **WHY),
        "不能分管": lambda: personnel.hand_over(person, team, to=cast.person["member"], on=DAY, **WHY),
        "还没有到": lambda: personnel.end_charge(charge, on=AHEAD, **WHY),
    }
    for message, call in refused.items():
        with pytest.raises(DomainError, match=message):
            call()
    charge.refresh_from_db()
    assert charge.to_on is None
    personnel.end_charge(charge, on=DAY, **WHY)
    with pytest.raises(DomainError, match="已于 2010-11-01 终止"):
        personnel.end_charge(charge, on=builders.day("2010-11-02"), **WHY)
    later = personnel.put_in_charge(head, team, cast.org["132"], kind="lead", on=DAY, **WHY)
    with pytest.raises(DomainError, match="早于起始日期"):
        personnel.end_charge(later, on=builders.day("2010-10-31"), **WHY)
    with pytest.raises(DomainError, match="起才分管"):
        personnel.hand_over(head, team, to=person, on=builders.day("2010-10-31"), **WHY)
