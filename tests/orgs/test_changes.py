"""Changes of organisations over time: what goes along, what ends, what is refused, and what is told beforehand."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from orgs import changes, foreseeing, people, reorganizing, tree
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.foreseeing import Different, Plan
from orgs.models import AuditEvent, Charge, Membership, Organization, Person, Post
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

TODAY = builders.day("2010-12-10")
DAY = builders.day("2010-12-01")
WHY = {"reason": "机构改革，局党组发〔2010〕8号"}


def fresh(org: Organization) -> Organization:
    return Organization.objects.get(pk=org.pk)


def members_of(org: Organization, on=DAY) -> set[str]:
    return set(Person.objects.members_of(fresh(org), on).values_list("name", flat=True))


@pytest.fixture
def sister(cast) -> Organization:
    """Another branch under the bureau's organ committee."""
    return builders.make_org("1312", "党支部", "机关内设机构", cast.org["131"], name="天津局通关处党支部")


def events(org: Organization) -> list[str]:
    return list(AuditEvent.objects.filter(model="orgs.organization", object_id=org.pk).values_list("verb", "summary"))


# --- 改名 -----------------------------------------------------------------------------------------------------


def test_a_rename_keeps_the_code_and_leaves_its_reason_in_the_trail(cast):
    org = reorganizing.rename(cast.org["1311"], name=" 检务一处党支部 ", on=DAY, by=cast.user["clerk"], **WHY)
    assert (org.name, org.code) == ("检务一处党支部", "1311")
    event = AuditEvent.objects.get(verb="组织改名")
    assert event.by == cast.user["clerk"]
    assert event.before["name"] == "天津局检务处党支部"
    assert event.summary == "“天津局检务处党支部”自 2010-12-01 起改名为“检务一处党支部”。原因：" + WHY["reason"]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"name": " "}, "请填写新的组织名称"),
        ({"name": "天津局检务处党支部"}, "没有变化"),
        ({"name": "新", "reason": " "}, "请写明原因"),
        ({"name": "新", "reason": "因" * 201}, "不超过 200"),
        ({"name": "新", "on": builders.day("2010-12-11")}, "还没有到"),
    ],
)
def test_a_rename_that_says_nothing_is_refused(cast, facts, message):
    with pytest.raises(DomainError, match=message):
        reorganizing.rename(cast.org["1311"], **({"on": DAY, "by": None} | WHY | facts))
    assert fresh(cast.org["1311"]).name == "天津局检务处党支部"


# --- 调整上级 ----------------------------------------------------------------------------------------------------


def test_a_move_takes_everything_below_along_and_ends_division_of_work_of_teams_left(cast):
    charge = builders.make_charge(cast.person["member_in_charge"], cast.org["13"], cast.org["132"])
    reorganizing.move(cast.org["132"], under=cast.org["12"], on=TODAY, by=None, **WHY)
    assert set(Organization.objects.below(fresh(cast.org["12"])).values_list("code", flat=True)) == {
        "121",
        "132",
        "1321",
    }
    charge.refresh_from_db()
    assert str(charge.to_on) == "2010-12-10"
    assert Charge.objects.get(organization=cast.org["1311"]).to_on is None
    assert tree.prove() == []
    assert events(cast.org["132"])[0][0] == "调整上级"


def test_a_move_within_the_team_keeps_its_division_of_work(cast):
    reorganizing.move(cast.org["1311"], under=cast.org["132"], on=TODAY, by=None, **WHY)
    assert Charge.objects.get(organization=cast.org["1311"]).to_on is None


@pytest.mark.parametrize(
    ("code", "under", "message"),
    [
        ("13", "132", "就在“天津检验检疫局党组”之下"),
        ("13", "13", "之下"),
        ("1311", "131", "没有变化"),
        ("12", "1321", "党支部下不能再设组织"),
    ],
)
def test_a_move_that_breaks_the_tree_is_refused(cast, code, under, message):
    with pytest.raises(DomainError, match=message):
        reorganizing.move(cast.org[code], under=cast.org[under], on=TODAY, by=None, **WHY)
    assert tree.prove() == []


def test_a_move_may_change_how_it_hangs(cast):
    reorganizing.move(cast.org["132"], under=cast.org["13"], on=TODAY, relation="guidance", by=None, **WHY)
    assert fresh(cast.org["132"]).domain_id == cast.org["132"].pk


# --- 合并 --------------------------------------------------------------------------------------------------------


def test_a_merged_branch_hands_over_its_members_and_is_no_more(cast, sister):
    before = members_of(cast.org["1311"])
    assert len(before) == 4
    reorganizing.merge(cast.org["1311"], into=sister, on=DAY, by=None, **WHY)
    assert members_of(sister) == before
    assert members_of(cast.org["1311"]) == set()
    assert fresh(cast.org["1311"]).dissolved_on == DAY
    assert not Post.objects.valid(DAY).filter(organization=cast.org["1311"]).exists()
    assert not Charge.objects.valid(DAY).filter(organization=cast.org["1311"]).exists()
    yesterday = builders.day("2010-11-30")
    assert members_of(cast.org["1311"], yesterday) == before


def test_a_merged_committee_hands_over_what_is_below_it(cast):
    reorganizing.merge(cast.org["132"], into=cast.org["131"], on=DAY, by=None, **WHY)
    assert fresh(cast.org["1321"]).parent_id == cast.org["131"].pk
    assert tree.prove() == []
    assert [verb for verb, _ in events(cast.org["1321"])][0] == "调整上级"


def test_who_left_the_party_is_not_handed_over(cast, sister):
    people.update_many([(cast.person["member"], {"status": "expelled"})], by=None)
    reorganizing.merge(cast.org["1311"], into=sister, on=DAY, by=None, **WHY)
    assert not Membership.objects.filter(person=cast.person["member"], to_on__isnull=True).exists()


@pytest.mark.parametrize(
    ("code", "into", "message"),
    [
        ("1311", "131", "党支部只能与党支部合并"),
        ("131", "1321", "党支部只能与党支部合并"),
        ("13", "132", "就在"),
        ("1311", "1311", "自己"),
    ],
)
def test_a_merge_of_what_does_not_fit_is_refused(cast, code, into, message):
    with pytest.raises(DomainError, match=message):
        reorganizing.merge(cast.org[code], into=cast.org[into], on=DAY, by=None, **WHY)
    assert fresh(cast.org[code]).dissolved_on is None


def test_a_merge_before_somebody_joined_writes_nothing_at_all(cast, sister):
    late = builders.make_person("新来的", cast.org["1311"], on=builders.day("2010-12-05"))
    with pytest.raises(DomainError, match="新来的"):
        reorganizing.merge(cast.org["1311"], into=sister, on=DAY, by=None, **WHY)
    assert members_of(sister) == set()
    assert late.memberships.get().branch == cast.org["1311"]


def test_a_day_before_the_last_transfer_or_appointment_is_refused(cast, sister):
    people.transfer(cast.person["member"], to=sister, on=builders.day("2010-12-06"), by=None)
    with pytest.raises(DomainError, match="2010-12-06 才转出"):
        reorganizing.merge(cast.org["1311"], into=sister, on=DAY, by=None, **WHY)
    builders.make_post(cast.person["member"], sister, "委员", from_on=builders.day("2010-12-06"))
    with pytest.raises(DomainError, match="请先核对任职"):
        reorganizing.merge(sister, into=cast.org["1311"], on=DAY, by=None, **WHY)


def test_what_is_dissolved_changes_no_more_and_receives_nothing(cast, sister):
    reorganizing.merge(cast.org["1311"], into=sister, on=DAY, by=None, **WHY)
    for call in (
        lambda: reorganizing.merge(sister, into=cast.org["1311"], on=DAY, by=None, **WHY),
        lambda: reorganizing.dissolve(sister, to=cast.org["1311"], on=DAY, by=None, **WHY),
        lambda: reorganizing.rename(cast.org["1311"], name="新", on=DAY, by=None, **WHY),
        lambda: reorganizing.move(cast.org["1311"], under=cast.org["132"], on=TODAY, by=None, **WHY),
    ):
        with pytest.raises(DomainError, match="已于 2010-12-01 撤销"):
            call()


# --- 撤销 --------------------------------------------------------------------------------------------------------


def test_members_of_a_dissolved_branch_go_to_the_one_named(cast, sister):
    reorganizing.dissolve(cast.org["1311"], to=sister, on=DAY, by=None, **WHY)
    assert len(members_of(sister)) == 4
    assert WHY["reason"] in AuditEvent.objects.get(verb="撤销组织").summary


@pytest.mark.parametrize(
    ("code", "message"), [("1311", "还有 4 名党员，请写明由哪个支部接收"), ("13", "还有 2 个组织，请写明转到哪个上级")]
)
def test_nobody_is_left_behind(cast, code, message):
    with pytest.raises(DomainError, match=message):
        reorganizing.dissolve(cast.org[code], on=DAY, by=None, **WHY)


@pytest.mark.parametrize(
    ("code", "to", "message"),
    [("1311", "132", "不是党支部"), ("131", "1321", "是党支部"), ("13", "132", "就在"), ("13", "13", "自己")],
)
def test_a_receiver_that_cannot_receive_is_refused(cast, code, to, message):
    with pytest.raises(DomainError, match=message):
        reorganizing.dissolve(cast.org[code], to=cast.org[to], on=DAY, by=None, **WHY)


def test_an_empty_branch_is_dissolved_without_a_receiver(cast, sister):
    assert reorganizing.dissolve(sister, on=DAY, by=None, **WHY).dissolved_on == DAY


def test_a_committee_with_what_is_below_it_elsewhere_is_dissolved(cast):
    reorganizing.dissolve(cast.org["132"], to=cast.org["131"], on=DAY, by=None, **WHY)
    assert fresh(cast.org["1321"]).parent_id == cast.org["131"].pk
    assert fresh(cast.org["132"]).dissolved_on == DAY


# --- 分设 --------------------------------------------------------------------------------------------------------


def splitting(org: Organization, **facts) -> Organization:
    named = {"code": "1319", "name": "检务二处党支部", "on": DAY, "by": None}
    return reorganizing.split(org, **(named | WHY | facts))


def test_a_branch_splits_into_two(cast):
    gone = [cast.person["member"], cast.person["bureau_head"]]
    new = splitting(cast.org["1311"], members=gone, by=cast.user["clerk"])
    assert (new.org_type, new.parent_id, new.founded_on) == ("branch", cast.org["131"].pk, DAY)
    assert members_of(new) == {"检务处党员", "天津局书记"}
    assert members_of(cast.org["1311"]) == {"天津局分管成员", "检务处支部书记"}
    assert events(new)[0] == (
        "分设",
        "由“天津局检务处党支部”自 2010-12-01 起分设“检务二处党支部”。原因：" + WHY["reason"],
    )
    assert tree.prove() == []


def test_a_committee_splits_with_what_is_below_it(cast):
    builders.make_org("1322", "党支部", parent=cast.org["132"])
    below = fresh(cast.org["1321"])
    charge = builders.make_charge(cast.person["lower_head"], cast.org["132"], below)
    new = splitting(cast.org["132"], name="汉沽局党组", children=[below])
    assert fresh(below).parent_id == new.pk
    charge.refresh_from_db()
    assert charge.to_on == DAY
    assert tree.prove() == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({}, "请选择分到新组织的党员"),
        ({"name": " "}, "请填写新组织的代码和名称"),
        ({"code": "132 "}, "组织代码 132 已由“塘沽检验检疫局党组”使用"),
        ({"reason": ""}, "请写明原因"),
        ({"on": builders.day("2010-12-11")}, "还没有到"),
    ],
)
def test_a_split_that_says_too_little_is_refused(cast, facts, message):
    with pytest.raises(DomainError, match=message):
        splitting(cast.org["1311"], **facts)


def test_only_its_own_go_and_not_all_of_them(cast):
    with pytest.raises(DomainError, match="现在不属于"):
        splitting(cast.org["1311"], members=[cast.person["lower_member"]])
    with pytest.raises(DomainError, match="不直接在"):
        splitting(cast.org["13"], children=[cast.org["1311"]])
    with pytest.raises(DomainError, match="就空了"):
        splitting(cast.org["1311"], members=list(Person.objects.members_of(fresh(cast.org["1311"]), DAY)))
    with pytest.raises(DomainError, match="没有上级"):
        splitting(cast.org["1"], children=[cast.org["11"]])
    assert not Organization.objects.filter(code="1319").exists()


# --- seen before it is done -----------------------------------------------------------------------------------------


def merging(cast, sister) -> Plan:
    return Plan(
        Change(ChangeKind.MERGE, cast.org["1311"], DAY, sister),
        lambda: reorganizing.merge(cast.org["1311"], into=sister, on=DAY, by=None, **WHY),
    )


def rows() -> list:
    models = (Organization, Membership, Post, Charge, AuditEvent)
    return [sorted(model._default_manager.order_by().values_list(), key=repr) for model in models]


def test_what_would_happen_is_told_and_taken_back(cast, sister, monkeypatch):
    monkeypatch.setattr(changes, "previews", [])
    before = rows()
    told = foreseeing.foresee(merging(cast, sister))
    assert told == [
        "“天津局检务处党支部”自 2010-12-01 起撤销，历史记录保留。",
        "4 名党员自 2010-12-01 起转入“天津局通关处党支部”。",
        "1 项任职、1 项分管随之终止。",
    ]
    assert rows() == before
    assert foreseeing.carry_out(merging(cast, sister), seen=told) == told
    assert fresh(cast.org["1311"]).dissolved_on == DAY


def test_what_is_different_from_what_was_shown_is_not_done(cast, sister):
    told = foreseeing.foresee(merging(cast, sister))
    builders.make_person("又来一名", cast.org["1311"])
    before = rows()
    with pytest.raises(Different) as refused:
        foreseeing.carry_out(merging(cast, sister), seen=told)
    assert rows() == before
    assert any("5 名党员" in line for line in refused.value.consequences)


def test_listeners_hear_in_the_same_transaction(cast, sister, monkeypatch):
    heard = []

    def refuse(change, by):
        heard.append((change.kind, change.org.code, change.target.code, connection.in_atomic_block))
        raise DomainError("不行")

    monkeypatch.setattr(changes, "change_done", [refuse])
    with pytest.raises(DomainError, match="不行"), transaction.atomic():
        merging(cast, sister).do()
    assert heard == [(ChangeKind.MERGE, "1311", "1312", True)]
    assert fresh(cast.org["1311"]).dissolved_on is None
