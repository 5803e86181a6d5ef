"""Confirming, and what follows: items, duties, coverage, the trail; sending back, voiding, delivering."""

import threading
from dataclasses import replace

import pytest
from django.db import connections
from django.utils import timezone

from orgs import clock, people
from orgs.errors import Forbidden
from orgs.models import AuditEvent
from reviews import coverage, records, rectifications
from reviews.models import (
    CoverageChange,
    CoverageTarget,
    DutyStatus,
    ItemState,
    Measure,
    Record,
    RecordState,
    Rule,
)
from reviews.records import Incomplete, RecordRefused, StaleDraft
from tests.builders import day
from tests.cast import make_cast
from tests.reviews.record_cases import full_draft, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast):
    return make_cases(cast)


def verbs_of(record):
    return [event.verb for event in records.history(record)]


def fields(caught):
    return {lack.field for lack in caught.value.lacks}


# --- by the leader himself ------------------------------------------------------------------------------------


def test_confirming_hands_down_settles_and_leaves_a_trail(cases, cast):
    record = cases.member_record(feedback_due_on=day("2010-12-31"))
    duty = record.duties.get()
    record = records.confirm(record, by=cast.user["secretary"])
    assert record.state == RecordState.CONFIRMED
    assert record.confirmed_by == cast.user["secretary"]
    assert record.confirmed_at is not None
    items = list(record.items.all())
    assert [(item.state, item.due_on) for item in items] == [(ItemState.TO_PLAN, day("2010-12-31"))] * 2
    assert [step.verb for step in items[0].steps.all()] == ["下达"]
    duty.refresh_from_db()
    assert duty.status == DutyStatus.DONE
    assert verbs_of(record) == ["新建点评草稿", "确认点评"]


def test_what_the_form_holds_is_saved_by_confirming(cases, cast):
    record = records.open_draft(cases.of_member(), by=cast.user["secretary"])
    record = records.confirm(record, full_draft(record), by=cast.user["secretary"])
    record.refresh_from_db()
    assert (record.state, record.achievements, record.items.count()) == (
        RecordState.CONFIRMED,
        "业务熟练，服务热情。",
        2,
    )


def test_coverage_flips_once(cases, cast):
    coverage.sync(cases.period, day("2010-12-08"))
    before = CoverageChange.objects.count()
    record = cases.confirmed()
    target = CoverageTarget.objects.get(person=cast.person["member"], measure=Measure.MEMBERS)
    leader = CoverageTarget.objects.get(person=cast.person["secretary"], measure=Measure.LEADERS)
    assert (target.done_on, leader.done_on) == (day("2010-12-08"), day("2010-12-08"))
    after = CoverageChange.objects.count()
    assert after > before
    records.confirm(record, by=cast.user["secretary"])
    assert CoverageChange.objects.count() == after


def test_confirming_twice_is_confirming_once(cases, cast):
    record = cases.member_record()
    draft = full_draft(record)
    stale = Record.objects.get(pk=record.pk)
    first = records.confirm(record, draft, by=cast.user["secretary"])
    again = records.confirm(stale, draft, by=cast.user["secretary"])
    assert again.confirmed_at == first.confirmed_at
    assert verbs_of(record).count("确认点评") == 1
    assert record.items.count() == 2


def test_an_incomplete_record_is_refused_with_everything_it_lacks(cases, cast):
    record = records.open_draft(cases.of_member(), by=cast.user["secretary"])
    with pytest.raises(Incomplete) as caught:
        records.confirm(record, replace(records.draft_of(record), held_on=None), by=cast.user["secretary"])
    assert fields(caught) == {"held_on", "place", "achievements", "problems", "directions"}
    assert "存在的不足" in str(caught.value)
    record.refresh_from_db()
    assert record.state == RecordState.DRAFT
    assert record.duties.get().status == DutyStatus.PENDING


def test_what_was_typed_is_not_kept_when_confirming_is_refused(cases, cast):
    record = cases.member_record()
    with pytest.raises(Incomplete):
        records.confirm(record, full_draft(record, place=""), by=cast.user["secretary"])
    record.review.refresh_from_db()
    assert record.review.place == "三楼会议室"


def test_a_window_unit_answers_the_four_service_points(cases, cast):
    record = cases.branch_record()
    window = [point for point in records.checklist(record) if point.kind == "window"]
    assert len(window) == 4
    answers = {window[0].pk: ("yes", "")}
    with pytest.raises(Incomplete) as caught:
        records.confirm(record, full_draft(record, answers=answers), by=cast.user["member_in_charge"])
    assert [lack.field for lack in caught.value.lacks] == ["answers"] * 3


def test_other_units_are_not_asked_the_window_points(cases, cast):
    record = records.open_draft(cases.duty("2B", "13", "bureau_head", org="131"), by=cast.user["bureau_head"])
    assert {point.kind for point in records.checklist(record)} == {"base"}


def test_unanswered_checklist_points_do_not_block(cases, cast):
    record = cases.member_record(answers={})
    assert records.lacks(record) == []
    assert {hint.field for hint in records.hints(record)} == {"answers"}
    assert records.confirm(record, by=cast.user["secretary"]).is_counted


def test_the_local_committee_is_named_where_it_is_assisted(cases, cast):
    rule = Rule.objects.get(code="5A")
    duty = cases.duty("5A", "1", "root_head", org="13", rule=rule)
    record = cases.saved(duty, "root_head", form="on_site")
    with pytest.raises(Incomplete, match="当地党委名称") as caught:
        records.confirm(record, by=cast.user["root_head"])
    assert fields(caught) == {"assisted_committee"}
    draft = full_draft(record, form="on_site", assisted_committee="中共天津市委")
    assert records.confirm(record, draft, by=cast.user["root_head"]).is_counted


def test_a_stale_form_is_not_confirmed(cases, cast):
    record = cases.member_record()
    with pytest.raises(StaleDraft):
        records.confirm(record, full_draft(record, place="别处", version=1), by=cast.user["secretary"])
    assert Record.objects.get(pk=record.pk).state == RecordState.DRAFT


@pytest.mark.parametrize("part", ["member", "stranger", "lower_secretary", "bureau_head"])
def test_nobody_else_confirms(cases, cast, part):
    record = cases.member_record()
    with pytest.raises(Forbidden):
        records.confirm(record, by=cast.user[part])
    confirmed = records.confirm(record, by=cast.user["secretary"])
    with pytest.raises(Forbidden):
        records.confirm(confirmed, by=cast.user[part])


def test_one_joint_record_does_both_duties_and_names_both_leaders(cases, cast):
    coverage.sync(cases.period, day("2010-12-08"))
    first = cases.duty("1B", "1", "root_head", org="12", joint_group="1B:12")
    partner = cases.duty("1B", "11", "organ_head", org="12", joint_group="1B:12")
    record = cases.saved(first, "root_head", duty_ids=(partner.pk,))
    record = records.confirm(record, by=cast.user["root_head"])
    assert {duty.status for duty in record.duties.all()} == {DutyStatus.DONE}
    leaders = CoverageTarget.objects.filter(measure=Measure.LEADERS, done_on__isnull=False)
    assert {target.person for target in leaders} == {cast.person["root_head"], cast.person["organ_head"]}


def test_done_apart_each_closes_its_own(cases, cast):
    first = cases.duty("1B", "1", "root_head", org="12", joint_group="1B:12")
    partner = cases.duty("1B", "11", "organ_head", org="12", joint_group="1B:12")
    records.confirm(cases.saved(first, "root_head"), by=cast.user["root_head"])
    partner.refresh_from_db()
    assert partner.status == DutyStatus.PENDING


def test_an_ad_hoc_record_does_nobodys_duty(cases, cast):
    duty = cases.of_branch()
    record = records.open_ad_hoc(
        period=cases.period,
        reviewer_org=cast.org["13"],
        reviewer=cast.person["bureau_head"],
        target_org=cast.org["1311"],
        about_org=cast.org["1311"],
        by=cast.user["bureau_head"],
    )
    record = records.confirm(record, full_draft(record), by=cast.user["bureau_head"])
    duty.refresh_from_db()
    assert record.is_counted
    assert duty.status == DutyStatus.PENDING


# --- snapshots -------------------------------------------------------------------------------------------------


def test_a_later_transfer_changes_nothing_in_the_record(cases, cast):
    record = cases.confirmed()
    people.update_many([(cast.person["member"], {"name": "改名", "title": "新岗位"})], by=None)
    people.update_many([(cast.person["secretary"], {"title": "新职务"})], by=None)
    people.transfer(cast.person["member"], to=cast.org["1321"], on=day("2010-12-01"), by=None)
    for verb in (records.deliver, records.confirm):
        verb(record, by=cast.user["secretary"])
    record = Record.objects.select_related("review").get(pk=record.pk)
    assert (record.target_name, record.target_title) == ("检务处党员", "检务处党员岗位")
    assert record.branch_name == "天津局检务处党支部"
    assert record.review.reviewer_title == "检务处支部书记岗位"


def test_a_later_move_changes_no_count(cases, cast):
    record = cases.confirmed_branch()
    people.transfer(cast.person["member"], to=cast.org["1321"], on=day("2010-12-01"), by=None)
    records.deliver(record, by=cast.user["member_in_charge"])
    record.refresh_from_db()
    assert record.member_count == 4


# --- for the leader (R46) ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["clerk", "admin"])
def test_a_proxys_record_waits_for_the_leader(cases, cast, part):
    record = cases.member_record()
    record = records.confirm(record, by=cast.user[part])
    assert record.state == RecordState.SUBMITTED
    assert not record.is_counted
    assert record.duties.get().status == DutyStatus.PENDING
    assert record.items.get(order=1).state == ItemState.NOTED
    assert records.confirm(record, by=cast.user[part]).state == RecordState.SUBMITTED
    assert records.actions(record, cast.user["secretary"]) == {"approve", "send_back"}
    assert records.actions(record, cast.user[part]) == {"send_back"}
    approved = records.approve(record, by=cast.user["secretary"])
    assert approved.state == RecordState.CONFIRMED
    assert approved.duties.get().status == DutyStatus.DONE
    assert records.approve(record, by=cast.user["secretary"]).confirmed_at == approved.confirmed_at


def test_a_proxys_incomplete_record_is_refused_too(cases, cast):
    record = cases.member_record(problems=())
    with pytest.raises(Incomplete):
        records.confirm(record, by=cast.user["clerk"])


def test_the_leader_may_confirm_what_waits_for_him(cases, cast):
    record = records.confirm(cases.member_record(), by=cast.user["clerk"])
    assert records.confirm(record, by=cast.user["secretary"]).state == RecordState.CONFIRMED


@pytest.mark.parametrize("part", ["clerk", "admin", "member", "stranger"])
def test_nobody_approves_for_the_leader(cases, cast, part):
    record = records.confirm(cases.member_record(), by=cast.user["clerk"])
    with pytest.raises(Forbidden):
        records.approve(record, by=cast.user[part])
    assert Record.objects.get(pk=record.pk).state == RecordState.SUBMITTED


def test_the_office_takes_back_what_waits_and_a_successor_may_go_on(cases, cast):
    duty = cases.of_branch()
    record = records.confirm(cases.saved(duty, "member_in_charge"), by=cast.user["clerk"])
    duty.acting = cast.person["bureau_head"]
    duty.save()
    assert records.open_draft(duty, by=cast.user["bureau_head"]).review.reviewer == cast.person["member_in_charge"]
    records.send_back(record, reason="分管领导已调整", by=cast.user["clerk"])
    record = records.open_draft(duty, by=cast.user["bureau_head"])
    assert record.review.reviewer == cast.person["bureau_head"]
    assert records.confirm(record, by=cast.user["bureau_head"]).state == RecordState.CONFIRMED


@pytest.mark.parametrize("part", ["member", "stranger", "bureau_head", "root_clerk"])
def test_nobody_else_sends_back(cases, cast, part):
    record = records.confirm(cases.member_record(), by=cast.user["clerk"])
    with pytest.raises(Forbidden):
        records.send_back(record, reason="不对", by=cast.user[part])
    assert Record.objects.get(pk=record.pk).state == RecordState.SUBMITTED


def test_the_leader_sends_back_with_a_reason(cases, cast):
    record = records.confirm(cases.member_record(), by=cast.user["clerk"])
    with pytest.raises(RecordRefused, match="退回原因"):
        records.send_back(record, reason="  ", by=cast.user["secretary"])
    record = records.send_back(record, reason="问题写得太空", by=cast.user["secretary"])
    assert record.state == RecordState.DRAFT
    assert records.history(record).last().summary == "检务处党员：问题写得太空"
    assert Record.objects.editable_by(cast.user["clerk"]).get() == record


def test_a_draft_is_not_approved(cases, cast):
    with pytest.raises(RecordRefused, match="草稿"):
        records.approve(cases.member_record(), by=cast.user["secretary"])


# --- voiding ---------------------------------------------------------------------------------------------------


def test_a_voided_record_counts_no_more_and_reopens_its_duty(cases, cast):
    coverage.sync(cases.period, day("2010-12-08"))
    record = cases.confirmed()
    record = records.void(record, reason="张冠李戴", by=cast.user["clerk"])
    assert (record.state, record.void_reason) == (RecordState.VOIDED, "张冠李戴")
    assert timezone.localdate(record.voided_at) == clock.today()
    assert record.duties.get().status == DutyStatus.PENDING
    assert set(record.items.values_list("state", flat=True)) == {ItemState.CANCELLED}
    target = CoverageTarget.objects.get(person=cast.person["member"], measure=Measure.MEMBERS)
    assert target.done_on is None
    assert records.void(record, reason="再点一次", by=cast.user["clerk"]).void_reason == "张冠李戴"
    with pytest.raises(RecordRefused, match="已作废"):
        records.confirm(record, by=cast.user["secretary"])
    # The duty is open again: a new record may be written.
    assert records.open_draft(record.duties.get(), by=cast.user["secretary"]) != record


def test_what_was_closed_stays_closed_when_voided(cases, cast):
    record = cases.confirmed()
    item = record.items.first()
    me, secretary = cast.user["member"], cast.user["secretary"]
    rectifications.plan(item, measures="学", responsible="本人", due_on=day("2010-12-31"), by=me)
    rectifications.feed_back(item, outcome="学了", by=me)
    rectifications.accept(item, by=secretary)
    records.void(record, reason="重复", by=cast.user["clerk"])
    assert list(record.items.values_list("state", flat=True)) == [ItemState.CLOSED, ItemState.CANCELLED]


def test_voiding_needs_a_reason_that_fits(cases, cast):
    record = cases.confirmed()
    for reason in (" ", "长" * 201):
        with pytest.raises(RecordRefused, match="作废原因"):
            records.void(record, reason=reason, by=cast.user["clerk"])
    assert Record.objects.get(pk=record.pk).is_counted


@pytest.mark.parametrize("part", ["secretary", "member", "stranger", "bureau_head", "root_clerk"])
def test_only_the_office_voids(cases, cast, part):
    record = cases.confirmed()
    with pytest.raises(Forbidden):
        records.void(record, reason="不喜欢", by=cast.user[part])


def test_a_draft_is_not_voided(cases, cast):
    with pytest.raises(RecordRefused, match="草稿"):
        records.void(cases.member_record(), reason="多余", by=cast.user["clerk"])


# --- telling the target -----------------------------------------------------------------------------------------


def test_a_record_is_delivered_and_acknowledged(cases, cast):
    record = records.deliver(cases.confirmed(), by=cast.user["secretary"])
    assert record.state == RecordState.DELIVERED
    assert records.deliver(record, by=cast.user["secretary"]).state == RecordState.DELIVERED
    record = records.acknowledge(record, note="接受点评", by=cast.user["member"])
    assert record.state == RecordState.ACKNOWLEDGED
    assert records.acknowledge(record, by=cast.user["member"]).state == RecordState.ACKNOWLEDGED
    assert verbs_of(record)[-2:] == ["反馈点评", "签收点评"]
    assert records.history(record).last().summary == "检务处党员：接受点评"


@pytest.mark.parametrize("part", ["secretary", "clerk", "admin", "bureau_head", "stranger", "lower_member"])
def test_nobody_signs_for_a_person(cases, cast, part):
    record = records.deliver(cases.confirmed(), by=cast.user["secretary"])
    with pytest.raises(Forbidden):
        records.acknowledge(record, by=cast.user[part])


@pytest.mark.parametrize("part", ["secretary", "clerk"])
def test_head_and_office_sign_for_an_organisation(cases, cast, part):
    record = records.deliver(cases.confirmed_branch(), by=cast.user["member_in_charge"])
    assert records.acknowledge(record, by=cast.user[part]).state == RecordState.ACKNOWLEDGED


def test_a_deputy_signs_for_his_organisation(cases, cast):
    record = cases.saved(cases.duty("1B", "1", "root_head", org="12"), "root_head")
    record = records.confirm(record, by=cast.user["root_head"])
    record = records.deliver(record, by=cast.user["root_clerk"])
    assert records.acknowledge(record, by=cast.user["unit_deputy"]).state == RecordState.ACKNOWLEDGED


def test_what_was_not_delivered_is_not_acknowledged(cases, cast):
    with pytest.raises(RecordRefused, match="已确认"):
        records.acknowledge(cases.confirmed(), by=cast.user["member"])


@pytest.mark.parametrize("part", ["member", "stranger", "bureau_head"])
def test_only_the_reviewing_side_delivers(cases, cast, part):
    record = cases.confirmed()
    with pytest.raises(Forbidden):
        records.deliver(record, by=cast.user[part])


def test_a_draft_is_not_delivered(cases, cast):
    with pytest.raises(RecordRefused):
        records.deliver(cases.member_record(), by=cast.user["secretary"])


def test_a_remark_that_is_too_long_is_refused(cases, cast):
    record = records.deliver(cases.confirmed(), by=cast.user["secretary"])
    with pytest.raises(RecordRefused, match="太长"):
        records.acknowledge(record, note="长" * 201, by=cast.user["member"])


def test_an_acknowledged_record_with_everything_mended_is_closed(cases, cast):
    record = cases.confirmed(problems=("学习不够",))
    records.deliver(record, by=cast.user["secretary"])
    item = record.items.get()
    rectifications.plan(item, measures="学", responsible="本人", due_on=day("2010-12-31"), by=cast.user["member"])
    rectifications.feed_back(item, outcome="学了", by=cast.user["member"])
    rectifications.accept(item, by=cast.user["secretary"])
    assert records.acknowledge(record, by=cast.user["member"]).state == RecordState.CLOSED


# --- what is offered -------------------------------------------------------------------------------------------


def test_each_is_offered_what_he_may_do(cases, cast):
    record = cases.member_record()
    offered = {part: records.actions(record, cast.user[part]) for part in ("secretary", "clerk", "member", "stranger")}
    assert offered == {
        "secretary": {"edit", "confirm", "discard"},
        "clerk": {"edit", "submit", "discard"},
        "member": set(),
        "stranger": set(),
    }
    record = records.confirm(record, by=cast.user["secretary"])
    assert records.actions(record, cast.user["secretary"]) == {"deliver"}
    assert records.actions(record, cast.user["clerk"]) == {"deliver", "void"}
    record = records.deliver(record, by=cast.user["secretary"])
    assert records.actions(record, cast.user["member"]) == {"acknowledge"}
    record = records.void(record, reason="重复", by=cast.user["admin"])
    assert records.actions(record, cast.user["clerk"]) == set()


# --- side by side -----------------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_who_confirm_at_once_confirm_once(closed_connections):
    cast = make_cast()
    cases = make_cases(cast)
    record = cases.member_record()
    draft = full_draft(record)
    start, failures = threading.Barrier(2), []

    def click():
        try:
            start.wait(10)
            records.confirm(Record.objects.get(pk=record.pk), draft, by=cast.user["secretary"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert AuditEvent.objects.filter(verb="确认点评", object_id=record.pk).count() == 1
    assert [item.steps.count() for item in record.items.all()] == [1, 1]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_open_one_draft(closed_connections):
    cast = make_cast()
    duty = make_cases(cast).of_member()
    start, opened = threading.Barrier(4), []

    def click():
        try:
            start.wait(10)
            opened.append(records.open_draft(type(duty).objects.get(pk=duty.pk), by=cast.user["secretary"]).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(opened) == 4
    assert len(set(opened)) == 1
    assert Record.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told(closed_connections):
    cast = make_cast()
    record = make_cases(cast).member_record()
    start, results = threading.Barrier(2), []

    def save(place, part):
        try:
            start.wait(10)
            mine = Record.objects.get(pk=record.pk)
            records.save_draft(mine, full_draft(record, place=place), by=cast.user[part])
            results.append("saved")
        except StaleDraft:
            results.append("stale")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=pair) for pair in (("甲室", "secretary"), ("乙室", "clerk"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["saved", "stale"]
    assert Record.objects.get(pk=record.pk).version == record.version + 1
