"""Opening, saving and throwing away drafts."""

import dataclasses
import datetime

import pytest

from orgs import clock, people
from orgs.errors import Forbidden
from orgs.models import AuditEvent
from reviews import records
from reviews.models import DutyStatus, ItemState, Record, RecordState, Review
from reviews.records import BadDraft, RecordDraft, RecordRefused, StaleDraft
from tests import builders
from tests.builders import day
from tests.reviews.record_cases import full_draft, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast):
    return make_cases(cast)


# --- opening -------------------------------------------------------------------------------------------------


def test_a_draft_is_prefilled_from_its_duty(cases, cast):
    record = records.open_draft(cases.of_member(), by=cast.user["secretary"])
    assert record.state == RecordState.DRAFT
    assert record.kind == "member"
    assert (record.target_name, record.target_title) == ("检务处党员", "检务处党员岗位")
    assert record.branch_name == "天津局检务处党支部"
    assert record.member_count is None
    review = record.review
    assert (review.reviewer_name, review.reviewer_title) == ("检务处支部书记", "检务处支部书记岗位")
    assert (review.form, review.held_on, review.place) == ("meeting", day("2010-12-10"), "")


def test_a_draft_begun_outside_its_period_names_no_day(cases, cast, settings):
    settings.TODAY = "2011-02-01"
    assert records.open_draft(cases.of_member(), by=cast.user["secretary"]).review.held_on is None


def test_a_reviewer_without_a_title_is_named_by_his_post(cases, cast):
    people.update_many([(cast.person["secretary"], {"title": ""})], by=None)
    record = records.open_draft(cases.of_member(), by=cast.user["secretary"])
    assert record.review.reviewer_title == "天津局检务处党支部党支部书记"


@pytest.mark.parametrize(
    ("org", "kind"), [("1311", "base"), ("132", "team"), ("131", "base"), ("12", "base"), ("13", "team")]
)
def test_the_kind_of_content_follows_the_organisation(cases, cast, org, kind):
    duty = cases.duty("0", "1", "root_head", org=org)
    head = cases.duty("0", "1", "root_head", person="member", about=org, subject="head")
    assert records.open_draft(duty, by=cast.user["root_head"]).kind == kind
    assert records.open_draft(head, by=cast.user["root_head"]).kind == f"{kind}_head"


def test_a_committee_that_leads_its_unit_has_the_content_of_a_team(cases, cast):
    org = cast.org["12"]
    org.category.committee_leads = True
    org.category.save()
    assert records.open_draft(cases.duty("1B", "1", "root_head", org="12"), by=cast.user["root_head"]).kind == "team"


def test_members_are_counted_in_the_affiliated_branches_only(cases, cast):
    builders.make_person("停止党籍者", cast.org["1311"], status="suspended")
    counts = {
        org: records.open_draft(cases.duty(rule, "1", "root_head", org=org), by=cast.user["root_head"]).member_count
        for rule, org in [("5A", "13"), ("0", "11"), ("1B", "12"), ("2B", "1311")]
    }
    assert counts == {"13": 7, "11": 3, "12": 3, "1311": 4}


def test_opening_twice_gives_the_same_draft(cases, cast):
    duty = cases.of_member()
    first = records.open_draft(duty, by=cast.user["secretary"])
    assert records.open_draft(duty, by=cast.user["clerk"]) == first
    assert Record.objects.count() == Review.objects.count() == 1


@pytest.mark.parametrize("part", ["secretary", "clerk", "admin"])
def test_the_leader_his_office_and_the_administrator_may_open(cases, cast, part):
    assert records.open_draft(cases.of_member(), by=cast.user[part]).pk


@pytest.mark.parametrize("part", ["member", "stranger", "lower_secretary", "bureau_head", "root_clerk"])
def test_nobody_else_may_open(cases, cast, part):
    with pytest.raises(Forbidden):
        records.open_draft(cases.of_member(), by=cast.user[part])
    assert Record.objects.count() == 0


def test_the_secretary_opens_what_another_carries_out_in_his_branch(cases, cast):
    duty = cases.duty("4", "1311", "bureau_head", person="member")
    record = records.open_draft(duty, by=cast.user["secretary"])
    assert record.review.reviewer == cast.person["bureau_head"]
    assert records.actions(record, cast.user["secretary"]) == {"edit", "submit", "discard"}


@pytest.mark.parametrize("status", [DutyStatus.DONE, DutyStatus.EXEMPT])
def test_a_duty_that_is_settled_opens_no_draft(cases, cast, status):
    duty = cases.of_member()
    type(duty).objects.filter(pk=duty.pk).update(status=status)
    with pytest.raises(RecordRefused, match=DutyStatus(status).label):
        records.open_draft(duty, by=cast.user["secretary"])


def test_a_duty_without_anybody_to_carry_it_out_says_so(cases, cast):
    duty = cases.of_member()
    type(duty).objects.filter(pk=duty.pk).update(acting=None, reviewer=None)
    duty.refresh_from_db()
    with pytest.raises(RecordRefused, match="指派"):
        records.open_draft(duty, by=cast.user["clerk"])


def test_a_predecessors_draft_passes_to_the_successor(cases, cast):
    duty = cases.of_branch()
    record = records.open_draft(duty, by=cast.user["member_in_charge"])
    duty.acting = cast.person["bureau_head"]
    duty.save()
    same = records.open_draft(duty, by=cast.user["bureau_head"])
    assert same == record
    assert same.review.reviewer == cast.person["bureau_head"]
    assert same.review.reviewer_name == "天津局书记"


# --- saving ----------------------------------------------------------------------------------------------------


def test_what_was_typed_is_kept_however_little(cases, cast):
    record = records.open_draft(cases.of_member(), by=cast.user["secretary"])
    saved = records.save_draft(record, RecordDraft(version=1, place=" 会议室 "), by=cast.user["secretary"])
    saved.refresh_from_db()
    assert (saved.review.place, saved.version, saved.saved_by) == ("会议室", 2, cast.user["secretary"])
    assert saved.state == RecordState.DRAFT


def test_a_full_draft_comes_back_as_it_was_saved(cases):
    record = cases.branch_record()
    stored = records.draft_of(Record.objects.get(pk=record.pk))
    assert dataclasses.replace(stored, version=1) == full_draft(record, version=1)


def test_lines_that_stay_in_place_keep_their_items(cases, cast):
    record = cases.member_record(problems=("甲", "乙", "丙"))
    ids = list(record.items.order_by("order").values_list("pk", flat=True))
    draft = full_draft(record, problems=("甲", " ", "乙乙"))
    record = records.save_draft(record, draft, by=cast.user["secretary"])
    items = list(record.items.order_by("order"))
    assert [(item.pk, item.order, item.text, item.state) for item in items] == [
        (ids[0], 1, "甲", ItemState.NOTED),
        (ids[1], 2, "乙乙", ItemState.NOTED),
    ]


def test_an_answer_taken_back_is_gone(cases, cast):
    record = cases.member_record()
    point = records.checklist(record)[0]
    record = records.save_draft(record, full_draft(record, answers={point.pk: ("", " ")}), by=cast.user["secretary"])
    assert record.answers.count() == 0


def test_saving_the_same_again_changes_nothing(cases, cast):
    record = cases.member_record()
    again = records.save_draft(record, full_draft(record, version=1), by=cast.user["secretary"])
    assert again.version == record.version


def test_a_stale_draft_is_refused_and_names_who_saved_last(cases, cast):
    record = cases.member_record()
    old = full_draft(record, place="旧页面", version=record.version - 1)
    with pytest.raises(StaleDraft) as caught:
        records.save_draft(record, old, by=cast.user["clerk"])
    assert caught.value.saved_by == "检务处支部书记"
    assert caught.value.version == record.version
    assert "检务处支部书记" in str(caught.value)
    record.review.refresh_from_db()
    assert record.review.place == "三楼会议室"


def test_ones_own_other_page_is_called_so(cases, cast):
    record = cases.member_record()
    with pytest.raises(StaleDraft, match="您在另一个页面"):
        records.save_draft(record, full_draft(record, place="甲", version=1), by=cast.user["secretary"])


@pytest.mark.parametrize("part", ["member", "stranger", "bureau_head", "lower_secretary"])
def test_nobody_else_saves(cases, cast, part):
    record = cases.member_record()
    with pytest.raises(Forbidden):
        records.save_draft(record, full_draft(record, place="别处"), by=cast.user[part])


def test_a_confirmed_record_is_not_edited(cases, cast):
    record = cases.confirmed()
    with pytest.raises(RecordRefused, match="已确认"):
        records.save_draft(record, full_draft(record, place="别处"), by=cast.user["secretary"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"held_on": day("2010-06-30")}, "held_on"),
        ({"held_on": day("2011-01-01")}, "held_on"),
        ({"place": "长" * 201}, "place"),
        ({"achievements": "长" * 20_001}, "achievements"),
        ({"problems": ("长" * 1001,)}, "problems"),
        ({"problems": tuple(str(n) for n in range(51))}, "problems"),
        ({"form": "telepathy"}, "form"),
        ({"kind": "hourly"}, "kind"),
        ({"feedback_due_on": day("2010-12-01")}, "feedback_due_on"),
        ({"feedback_due_on": day("2999-12-01")}, "feedback_due_on"),
        ({"answers": {999_999: ("yes", "")}}, "answers"),
        ({"duty_ids": (999_999,)}, "duty_ids"),
        ({"member_count": -1}, "member_count"),
        ({"member_count": 10**12}, "member_count"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(cases, cast, change, field):
    record = cases.member_record()
    with pytest.raises(BadDraft) as caught:
        records.save_draft(record, full_draft(record, **change), by=cast.user["secretary"])
    assert [lack.field for lack in caught.value.lacks] == [field]
    assert Record.objects.get(pk=record.pk).version == record.version


def test_a_wrong_verdict_is_refused(cases, cast):
    record = cases.member_record()
    answers = {records.checklist(record)[0].pk: ("maybe", "")}
    with pytest.raises(BadDraft, match="是、部分或否"):
        records.save_draft(record, full_draft(record, answers=answers), by=cast.user["secretary"])


def test_a_day_to_come_is_refused(cases, cast, settings):
    # The clock may stand still in the past; tomorrow of the real day is the future in any case.
    settings.TODAY = ""
    period = cases.period
    period.ends_on = clock.today() + datetime.timedelta(days=30)
    period.save()
    tomorrow = clock.today() + datetime.timedelta(days=1)
    with pytest.raises(BadDraft, match="不能晚于今天"):
        cases.member_record(held_on=tomorrow)


@pytest.mark.parametrize("held_on", ["2010-07-01", "2010-12-31"])
def test_the_first_and_last_day_belong_to_the_period(cases, held_on):
    assert cases.member_record(held_on=day(held_on)).review.held_on == day(held_on)


def test_control_characters_and_halves_of_characters_are_dropped(cases, cast):
    record = cases.member_record(achievements="一\x00二\ud800三\r\n四\x0b")
    record.refresh_from_db()
    assert record.achievements == "一二三\n四"


# --- snapshots ---------------------------------------------------------------------------------------------------


def test_branch_and_count_are_those_of_the_day_held(cases, cast):
    other = builders.make_org("1312", "党支部", "机关内设机构", cast.org["131"], name="天津局财务处党支部")
    people.transfer(cast.person["member"], to=other, on=day("2010-11-01"), by=None)
    record = cases.member_record(held_on=day("2010-10-31"))
    assert record.branch_name == "天津局检务处党支部"
    record = records.save_draft(record, full_draft(record, held_on=day("2010-11-01")), by=cast.user["secretary"])
    assert record.branch_name == "天津局财务处党支部"


def test_the_count_follows_the_day_unless_somebody_typed_another(cases, cast):
    builders.make_person("新党员", cast.org["1311"], on=day("2010-12-05"))
    user = cast.user["member_in_charge"]
    record = cases.branch_record(held_on=day("2010-12-08"))
    assert record.member_count == 5
    record = records.save_draft(record, full_draft(record, held_on=day("2010-12-01")), by=user)
    assert record.member_count == 4
    record = records.save_draft(record, full_draft(record, held_on=day("2010-12-01"), member_count=9), by=user)
    record = records.save_draft(record, full_draft(record, held_on=day("2010-12-08")), by=user)
    assert record.member_count == 9
    record = records.save_draft(record, full_draft(record, member_count=None), by=user)
    assert record.member_count == 5


# --- several duties --------------------------------------------------------------------------------------------


def test_a_joint_partners_duty_is_offered_and_names_the_partner(cases, cast):
    first = cases.duty("1B", "1", "root_head", org="12", joint_group="1B:12")
    partner = cases.duty("1B", "11", "organ_head", org="12", joint_group="1B:12")
    cases.duty("1B", "11", "organ_head", org="111", joint_group="1B:111")
    record = cases.saved(first, "root_head")
    assert records.further_duties(record) == [partner]
    record = records.save_draft(record, full_draft(record, duty_ids=(partner.pk,)), by=cast.user["root_head"])
    assert set(record.duties.all()) == {first, partner}
    assert list(record.review.co_orgs.all()) == [cast.org["11"]]
    assert list(record.review.co_reviewers.all()) == [cast.person["organ_head"]]
    assert records.draft_of(record).duty_ids == (partner.pk,)
    # The partner finds the same draft under his own duty, and may go on with it.
    assert records.open_draft(partner, by=cast.user["organ_head"]) == record
    assert Record.objects.editable_by(cast.user["organ_head"]).get() == record


def test_a_partners_duty_that_is_unticked_leaves_no_trace(cases, cast):
    first = cases.duty("1B", "1", "root_head", org="12", joint_group="1B:12")
    partner = cases.duty("1B", "11", "organ_head", org="12", joint_group="1B:12")
    record = cases.saved(first, "root_head", duty_ids=(partner.pk,))
    record = records.save_draft(record, full_draft(record), by=cast.user["root_head"])
    assert list(record.duties.all()) == [first]
    assert not record.review.co_orgs.exists()
    assert not record.review.co_reviewers.exists()


def test_the_same_pair_under_another_rule_is_offered(cases, cast):
    as_member = cases.duty("2C", "13", "bureau_head", person="member_in_charge", subject="team_member")
    as_head = cases.duty("2B", "13", "bureau_head", person="member_in_charge", about="131", subject="head")
    record = records.open_draft(as_member, by=cast.user["bureau_head"])
    assert records.further_duties(record) == [as_head]


def test_other_peoples_duties_are_not_offered(cases, cast):
    first = cases.duty("2B", "13", "member_in_charge", org="1311")
    cases.duty("0", "131", "bureau_head", org="1311")
    record = records.open_draft(first, by=cast.user["member_in_charge"])
    assert records.further_duties(record) == []


# --- ad hoc (A27) ---------------------------------------------------------------------------------------------


def ad_hoc(cases, part, org, *, by=None, **target):
    cast = cases.cast
    return records.open_ad_hoc(
        period=cases.period,
        reviewer_org=cast.org[org],
        reviewer=cast.person[part],
        by=by or cast.user[part],
        **target,
    )


def test_a_leader_reviews_below_his_organisation_without_a_duty(cases, cast):
    org = cast.org["1321"]
    record = ad_hoc(cases, "root_head", "1", target_org=org, about_org=org)
    assert (record.kind, record.duties.count()) == ("base", 0)
    person = cast.person["lower_secretary"]
    of_head = ad_hoc(cases, "root_head", "1", target_person=person, about_org=org)
    assert of_head.kind == "base_head"
    member = ad_hoc(cases, "root_head", "1", target_person=cast.person["lower_member"], about_org=org)
    assert member.kind == "member"


def test_two_clicks_make_one_ad_hoc_draft(cases, cast):
    org = cast.org["1321"]
    first = ad_hoc(cases, "root_head", "1", target_org=org, about_org=org)
    assert ad_hoc(cases, "root_head", "1", target_org=org, about_org=org) == first


@pytest.mark.parametrize(
    ("part", "org", "target", "about", "word"),
    [
        ("bureau_head", "13", "org:111", "111", "范围"),
        ("lower_head", "132", "org:13", "13", "范围"),
        ("member", "1311", "org:1311", "1311", "班子成员或书记"),
        ("bureau_head", "13", "org:13", "13", "自己所在的组织"),
        ("member_in_charge", "13", "org:131", "131", "自己担任书记"),
        ("bureau_head", "13", "org:132", "1321", "不一致"),
        ("bureau_head", "13", "person:bureau_head", "1311", "不能点评自己"),
        ("bureau_head", "13", "person:lower_member", "1311", "不是"),
        ("bureau_head", "13", "nothing", "1311", "请选择"),
    ],
)
def test_ad_hoc_is_refused_where_nobody_may_review(cases, cast, part, org, target, about, word):
    kind, _, name = target.partition(":")
    targets = {"org": {"target_org": cast.org.get(name)}, "person": {"target_person": cast.person.get(name)}}
    with pytest.raises(RecordRefused, match=word):
        ad_hoc(cases, part, org, about_org=cast.org[about], **targets.get(kind, {}))
    assert Review.objects.count() == 0


def test_nobody_opens_ad_hoc_in_anothers_name(cases, cast):
    org = cast.org["1321"]
    with pytest.raises(Forbidden):
        ad_hoc(cases, "root_head", "1", by=cast.user["clerk"], target_org=org, about_org=org)
    assert ad_hoc(cases, "root_head", "1", by=cast.user["root_clerk"], target_org=org, about_org=org).pk


# --- throwing away ---------------------------------------------------------------------------------------------


def test_a_draft_thrown_away_leaves_only_its_trail(cases, cast):
    record = cases.member_record()
    duty = record.duties.get()
    pk = record.pk
    records.discard(record, by=cast.user["secretary"])
    assert Record.objects.count() == Review.objects.count() == 0
    assert AuditEvent.objects.filter(verb="删除草稿", object_id=pk).exists()
    assert records.open_draft(duty, by=cast.user["secretary"]).pk


@pytest.mark.parametrize("part", ["member", "stranger"])
def test_nobody_else_throws_it_away(cases, cast, part):
    record = cases.member_record()
    with pytest.raises(Forbidden):
        records.discard(record, by=cast.user[part])


def test_a_confirmed_record_is_not_thrown_away(cases, cast):
    record = cases.confirmed()
    with pytest.raises(RecordRefused):
        records.discard(record, by=cast.user["secretary"])
    assert Record.objects.filter(pk=record.pk).exists()


def test_a_draft_that_is_gone_is_refused_in_words(cases, cast):
    record = cases.member_record()
    stale = Record.objects.get(pk=record.pk)
    records.discard(record, by=cast.user["secretary"])
    with pytest.raises(RecordRefused, match="已被删除"):
        records.save_draft(stale, RecordDraft(version=2), by=cast.user["secretary"])
