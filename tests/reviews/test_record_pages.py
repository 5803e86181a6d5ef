"""The form of a record, its autosave, its confirmation, and the page it is read on, over HTTP."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from reviews import records
from reviews.models import Record, RecordState, RectificationItem
from tests.builders import day, make_period, make_person, make_round
from tests.reviews.record_cases import Cases, full_draft, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast) -> Cases:
    """The cast with a period."""
    return make_cases(cast)


def posted(record: Record, **changes) -> dict:
    """What the browser sends for a complete form of this record."""
    data = {
        "version": record.version,
        "kind": "periodic",
        "held_on": "2010-12-08",
        "place": "三楼会议室",
        "form": "meeting",
        "form_note": "支部党员大会",
        "participants": "",
        "achievements": "业务熟练，服务热情。",
        "problem": ["学习不够经常", "", "联系企业不够主动"],
        "directions": "每月自学一次。",
        "feedback_due_on": "2010-12-25",
    }
    if record.target_org_id:
        data |= {"prior_summary": "前段工作小结。", "member_count": "12", "assisted_committee": ""}
    data |= {f"point-{point.pk}": "yes" for point in records.checklist(record)}
    return data | changes


def begun(cases: Cases) -> Record:
    """An empty draft of the secretary about the member."""
    return records.open_draft(cases.of_member(), by=cases.cast.user["secretary"])


# --- the form ------------------------------------------------------------------------------------------------


def test_the_form_speaks_the_words_of_annex_3_for_a_person(cases, cast, as_user):
    page = as_user(cast.user["secretary"]).get(reverse("record_edit", args=[begun(cases).pk]))
    assert "存在问题" in page.text
    assert "整改意见建议" in page.text
    assert "前段小结" not in page.text
    assert "是否廉洁自律" in page.text


def test_the_form_speaks_the_words_of_annex_2_for_an_organisation_and_asks_a_window_unit_more(cases, cast, as_user):
    record = records.open_draft(cases.of_branch(), by=cast.user["member_in_charge"])
    page = as_user(cast.user["member_in_charge"]).get(reverse("record_edit", args=[record.pk]))
    for words in ("存在的问题和不足", "下阶段工作建议", "前段小结", "党员人数", "服务态度"):
        assert words in page.text
    assert "协助的地方党委" not in page.text


def test_the_form_works_without_scripts_by_spare_lines(cases, cast, as_user):
    page = as_user(cast.user["secretary"]).get(reverse("record_edit", args=[begun(cases).pk]))
    assert page.text.count('name="problem"') == 3


def test_no_inline_script_or_style_on_the_form(cases, cast, as_user):
    page = as_user(cast.user["secretary"]).get(reverse("record_edit", args=[begun(cases).pk])).text
    assert " style=" not in page
    assert "onclick" not in page


def test_saving_the_draft_keeps_everything_typed(cases, cast, as_user):
    record = begun(cases)
    as_user(cast.user["secretary"]).post(reverse("record_edit", args=[record.pk]), posted(record))
    record = Record.objects.select_related("review").get(pk=record.pk)
    assert record.state == RecordState.DRAFT
    assert record.review.held_on == day("2010-12-08")
    assert list(record.items.values_list("text", flat=True)) == ["学习不够经常", "联系企业不够主动"]
    assert record.answers.count() == len(records.checklist(record))
    assert record.feedback_due_on == day("2010-12-25")


def test_only_who_writes_it_opens_the_form(cases, cast, as_user):
    record = begun(cases)
    url = reverse("record_edit", args=[record.pk])
    assert as_user(cast.user["clerk"]).get(url).status_code == 200  # the office enters for the leader
    for part in ("member", "stranger", "lower_secretary", "bureau_head", "root_clerk"):
        assert as_user(cast.user[part]).get(url).status_code == 404, part
        assert as_user(cast.user[part]).post(url, posted(record)).status_code == 404, part


def test_a_confirmed_record_has_no_form_any_more(cases, cast, as_user):
    record = cases.confirmed()
    client = as_user(cast.user["secretary"])
    assert client.get(reverse("record_edit", args=[record.pk])).url == reverse("record", args=[record.pk])
    page = client.post(reverse("record_edit", args=[record.pk]), posted(record, achievements="改一改"), follow=True)
    assert "没有保存" in page.text
    assert "改一改" not in page.text


@pytest.mark.parametrize("typed", ["2010年12月8日", "2010/12/8", "20101208", "2010.12.8"])
def test_a_date_is_read_as_people_write_it(cases, cast, as_user, typed):
    record = begun(cases)
    as_user(cast.user["secretary"]).post(reverse("record_edit", args=[record.pk]), posted(record, held_on=typed))
    assert Record.objects.get(pk=record.pk).review.held_on == day("2010-12-08")


@pytest.mark.parametrize("typed", ["昨天", "2010-13-40", "0001-01-01", "<script>"])
def test_a_date_that_cannot_be_read_is_named_and_the_rest_is_kept(cases, cast, as_user, typed):
    record = begun(cases)
    page = as_user(cast.user["secretary"]).post(reverse("record_edit", args=[record.pk]), posted(record, held_on=typed))
    assert "点评时间" in page.text
    assert "is-invalid" in page.text
    assert "<script>" not in page.text.replace("<script src", "")
    kept = Record.objects.select_related("review").get(pk=record.pk)
    assert kept.review.held_on == day("2010-12-10")
    assert kept.achievements == "业务熟练，服务热情。"


@pytest.mark.parametrize(
    "junk",
    [
        {"version": ""},
        {"version": "9" * 30},
        {"form": "telepathy"},
        {"kind": "yearly"},
        {"place": "\x00x"},
        {"problem": ["\x00", "a\x00b"]},
        {"duty": ["1", "x", "999999"]},
        {"place": "长" * 500},
        {"problem": ["长" * 1200]},
        {"take": "x" * 50},
    ],
)
def test_junk_in_the_form_is_no_error(cases, cast, as_user, junk):
    record = begun(cases)
    client = as_user(cast.user["secretary"])
    for name in ("record_edit", "record_autosave", "record_confirm"):
        record.refresh_from_db()
        if record.state == RecordState.DRAFT:
            answer = client.post(reverse(name, args=[record.pk]), posted(record, **junk))
            assert answer.status_code in (200, 302), name


# --- autosave ------------------------------------------------------------------------------------------------


def test_autosave_says_when_it_saved_and_hands_out_the_new_version(cases, cast, as_user):
    record = begun(cases)
    client = as_user(cast.user["secretary"])
    answer = client.post(
        reverse("record_autosave", args=[record.pk]), {"version": record.version, "achievements": "半句"}
    )
    record.refresh_from_db()
    assert record.achievements == "半句"
    assert "已保存" in answer.text
    assert re.search(rf'name="version"\s+value="{record.version}"', answer.text)


def test_autosave_after_autosave_goes_on_from_the_version_handed_out(cases, cast, as_user):
    record = begun(cases)
    client = as_user(cast.user["secretary"])
    for text in ("一", "一二", "一二三"):
        record.refresh_from_db()
        answer = client.post(
            reverse("record_autosave", args=[record.pk]), {"version": record.version, "achievements": text}
        )
        assert "已保存" in answer.text
    record.refresh_from_db()
    assert record.achievements == "一二三"


def test_autosave_from_an_old_page_changes_nothing_and_offers_a_way_out(cases, cast, as_user):
    record = begun(cases)
    old = record.version
    records.save_draft(record, full_draft(record, achievements="办公室写的"), by=cast.user["clerk"])
    answer = as_user(cast.user["secretary"]).post(
        reverse("record_autosave", args=[record.pk]), {"version": old, "achievements": "旧页面写的"}
    )
    record.refresh_from_db()
    assert record.achievements == "办公室写的"
    assert "别人已修改" in answer.text
    assert reverse("record_edit", args=[record.pk]) in answer.text


def test_after_a_conflict_the_page_at_hand_may_win_when_told_so(cases, cast, as_user):
    record = begun(cases)
    old = record.version
    records.save_draft(record, full_draft(record, achievements="办公室写的"), by=cast.user["clerk"])
    record.refresh_from_db()
    client = as_user(cast.user["secretary"])
    mine = posted(record, version=old, achievements="我写的")
    page = client.post(reverse("record_edit", args=[record.pk]), mine)
    assert "别人已修改" in page.text
    assert "我写的" in page.text  # nothing typed is lost
    client.post(reverse("record_edit", args=[record.pk]), mine | {"take": record.version})
    record.refresh_from_db()
    assert record.achievements == "我写的"


def test_autosave_keeps_the_rest_when_one_field_cannot_be_read(cases, cast, as_user):
    record = begun(cases)
    answer = as_user(cast.user["secretary"]).post(
        reverse("record_autosave", args=[record.pk]),
        {"version": record.version, "held_on": "2010-12-", "achievements": "写好的"},
    )
    record.refresh_from_db()
    assert record.achievements == "写好的"
    assert "日期看不懂" in answer.text


def test_autosave_shows_the_hint_where_the_form_does_not_fit(cases, cast, as_user):
    record = begun(cases)
    answer = as_user(cast.user["secretary"]).post(
        reverse("record_autosave", args=[record.pk]), {"version": record.version, "form": "random"}
    )
    assert "随机点评一般" in answer.text
    assert 'hx-swap-oob="true"' in answer.text


def test_autosave_is_not_for_others(cases, cast, as_user):
    record = begun(cases)
    url = reverse("record_autosave", args=[record.pk])
    assert as_user(cast.user["stranger"]).post(url, {"version": 1}).status_code == 404
    assert as_user(cast.user["secretary"]).get(url).status_code == 405


# --- confirming ------------------------------------------------------------------------------------------------


def test_confirming_a_complete_form_counts_it_and_names_the_next_one(cases, cast, as_user):
    record = begun(cases)
    cast.person["next"] = make_person("下一位党员", cast.org["1311"])
    after = cases.duty("4", "1311", "secretary", person="next")
    client = as_user(cast.user["secretary"])
    page = client.post(reverse("record_confirm", args=[record.pk]), posted(record), follow=True)
    record.refresh_from_db()
    assert record.state == RecordState.CONFIRMED
    assert "下一位：下一位党员" in page.text
    assert reverse("duty_start", args=[after.pk]) in page.text
    assert re.search(rf'name="carry_from"\s+value="{record.pk}"', page.text)


def test_confirming_an_incomplete_form_lists_what_is_missing_and_keeps_every_word(cases, cast, as_user):
    record = begun(cases)
    page = as_user(cast.user["secretary"]).post(
        reverse("record_confirm", args=[record.pk]), posted(record, place="", problem=[""], achievements="写了一半")
    )
    record.refresh_from_db()
    assert record.state == RecordState.DRAFT
    assert record.achievements == "写了一半"
    assert [lack.field for lack in page.context["lacks"]] == ["place", "problems"]
    assert 'href="#id_place"' in page.text
    assert 'id="id_place"' in page.text
    assert 'href="#id_problems"' in page.text
    assert 'id="id_problems"' in page.text
    assert re.search(rf'name="version"\s+value="{record.version}"', page.text)


def test_every_field_that_may_be_lacking_can_be_jumped_to(cases, cast, as_user):
    record = records.open_draft(cases.of_branch(), by=cast.user["member_in_charge"])
    page = as_user(cast.user["member_in_charge"]).post(
        reverse("record_confirm", args=[record.pk]), {"version": record.version}
    )
    assert len(page.context["lacks"]) >= 6
    for lack in page.context["lacks"]:
        assert f'id="id_{lack.field}"' in page.text, lack


def test_confirming_twice_is_no_error(cases, cast, as_user):
    record = begun(cases)
    client = as_user(cast.user["secretary"])
    data = posted(record)
    client.post(reverse("record_confirm", args=[record.pk]), data)
    again = client.post(reverse("record_confirm", args=[record.pk]), data, follow=True)
    assert again.status_code == 200
    assert again.redirect_chain
    assert RectificationItem.objects.count() == 2


def test_the_office_hands_in_and_the_leader_confirms(cases, cast, as_user):
    record = records.open_draft(cases.of_branch(), by=cast.user["clerk"])
    clerk, leader = as_user(cast.user["clerk"]), as_user(cast.user["member_in_charge"])
    page = clerk.get(reverse("record_edit", args=[record.pk]))
    assert "提交领导确认" in page.text
    page = clerk.post(reverse("record_confirm", args=[record.pk]), posted(record), follow=True)
    assert "待领导确认" in page.text
    page = leader.get(reverse("records"), {"mine": "approve"})
    assert [found.pk for found in page.context["page_obj"]] == [record.pk]
    assert reverse("record_approve", args=[record.pk]) in leader.get(reverse("record", args=[record.pk])).text
    leader.post(reverse("record_approve", args=[record.pk]))
    record.refresh_from_db()
    assert record.state == RecordState.CONFIRMED


def test_the_office_cannot_confirm_in_the_leaders_place(cases, cast, as_user):
    record = records.confirm(cases.saved(cases.of_branch(), "clerk"), by=cast.user["clerk"])
    page = as_user(cast.user["clerk"]).post(reverse("record_approve", args=[record.pk]), follow=True)
    record.refresh_from_db()
    assert record.state == RecordState.SUBMITTED
    assert "本人" in page.text


def test_what_the_leader_sends_back_says_why_on_the_form(cases, cast, as_user):
    record = records.confirm(cases.saved(cases.of_branch(), "clerk"), by=cast.user["clerk"])
    leader = as_user(cast.user["member_in_charge"])
    leader.post(reverse("record_send_back", args=[record.pk]), {"reason": " "})
    record.refresh_from_db()
    assert record.state == RecordState.SUBMITTED
    leader.post(reverse("record_send_back", args=[record.pk]), {"reason": "成绩写得太空"})
    page = as_user(cast.user["clerk"]).get(reverse("record_edit", args=[record.pk]))
    assert "天津局分管成员退回修改" in page.text
    assert "成绩写得太空" in page.text


def test_a_draft_may_be_thrown_away_and_its_duty_stays(cases, cast, as_user):
    record = begun(cases)
    duty = record.duties.get()
    client = as_user(cast.user["secretary"])
    assert client.get(reverse("record_discard", args=[record.pk])).status_code == 405
    client.post(reverse("record_discard", args=[record.pk]))
    assert not Record.objects.exists()
    assert duty.status == "pending"


def test_a_joint_record_offers_the_partners_duty_and_serves_both(cases, cast, as_user):
    first = cases.duty("1B", "1", "root_head", org="111", joint_group="g1")
    second = cases.duty("1B", "11", "organ_head", org="111", joint_group="g1")
    record = records.open_draft(first, by=cast.user["root_head"])
    client = as_user(cast.user["root_head"])
    assert "总局直属机关党委" in client.get(reverse("record_edit", args=[record.pk])).text
    client.post(reverse("record_confirm", args=[record.pk]), posted(record, duty=[str(second.pk)]))
    second.refresh_from_db()
    assert second.status == "done"


# --- reading -----------------------------------------------------------------------------------------------------


def test_the_text_about_a_person_is_for_few_eyes(cases, cast, as_user):
    record = cases.confirmed()
    url = reverse("record", args=[record.pk])
    for part in ("secretary", "member", "clerk", "admin"):
        assert "业务熟练" in as_user(cast.user[part]).get(url).text, part
    page = as_user(cast.user["bureau_head"]).get(url)
    assert page.status_code == 200
    for secret in ("业务熟练", "学习不够经常", "每月自学", reverse("record_print", args=[record.pk])):
        assert secret not in page.text
    for part in ("stranger", "lower_secretary", "unit_secretary"):
        assert as_user(cast.user[part]).get(url).status_code == 404, part


def test_a_draft_is_nobodys_business(cases, cast, as_user):
    record = cases.member_record()
    for part in ("member", "bureau_head", "stranger"):
        assert as_user(cast.user[part]).get(reverse("record", args=[record.pk])).status_code == 404, part


def test_told_received_closed_by_the_buttons_of_the_page(cases, cast, as_user):
    record = cases.confirmed()
    url = reverse("record", args=[record.pk])
    secretary, member = as_user(cast.user["secretary"]), as_user(cast.user["member"])
    assert reverse("record_deliver", args=[record.pk]) in secretary.get(url).text
    assert reverse("record_acknowledge", args=[record.pk]) not in member.get(url).text
    secretary.post(reverse("record_deliver", args=[record.pk]))
    assert reverse("record_acknowledge", args=[record.pk]) in member.get(url).text
    member.post(reverse("record_acknowledge", args=[record.pk]), {"note": "已收到，会改。"})
    record.refresh_from_db()
    assert record.state == RecordState.ACKNOWLEDGED


def test_only_the_office_voids_and_only_with_a_reason(cases, cast, as_user):
    record = cases.confirmed()
    url = reverse("record_void", args=[record.pk])
    as_user(cast.user["secretary"]).post(url, {"reason": "不想要了"})
    as_user(cast.user["clerk"]).post(url, {"reason": ""})
    record.refresh_from_db()
    assert record.state == RecordState.CONFIRMED
    as_user(cast.user["clerk"]).post(url, {"reason": "录错了人"})
    record.refresh_from_db()
    assert (record.state, record.void_reason) == (RecordState.VOIDED, "录错了人")


def test_the_day_for_feedback_is_the_reviewers_to_set(cases, cast, as_user):
    record = cases.confirmed()
    url = reverse("record_set_due", args=[record.pk])
    as_user(cast.user["member"]).post(url, {"on": "2011-01-31"})
    record.refresh_from_db()
    assert record.feedback_due_on is None
    as_user(cast.user["secretary"]).post(url, {"on": "2011-01-31"})
    record.refresh_from_db()
    assert record.feedback_due_on == day("2011-01-31")


def test_the_next_one_is_only_shown_to_who_writes(cases, cast, as_user):
    record = cases.confirmed()
    answer = as_user(cast.user["member"]).get(reverse("record_done", args=[record.pk]))
    assert answer.url == reverse("record", args=[record.pk])


def test_typed_text_is_shown_as_text(cases, cast, as_user):
    record = cases.confirmed(achievements="<b>好</b><script>alert(1)</script>", problems=("<img src=x>",))
    page = as_user(cast.user["secretary"]).get(reverse("record", args=[record.pk])).text
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


# --- lists ---------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_the_user_may_know_of_and_filters_it(cases, cast, as_user):
    confirmed, draft = cases.confirmed(), cases.branch_record()
    client = as_user(cast.user["clerk"])

    def shown(**query):
        return {record.pk for record in client.get(reverse("records"), query).context["page_obj"]}

    assert shown() == {confirmed.pk, draft.pk}
    assert shown(state="draft") == {draft.pk}
    assert shown(q="检务处党员") == {confirmed.pk}
    assert shown(period="2010H2") == {confirmed.pk, draft.pk}
    assert shown(q="没有这个人") == set()
    client = as_user(cast.user["member"])
    assert shown() == {confirmed.pk}
    client = as_user(cast.user["stranger"])
    assert shown() == set()


def test_the_filter_by_period_takes_what_counts_in_it(cases, cast, as_user):
    early, late = cases.confirmed(), make_period("2010H1")
    client = as_user(cast.user["clerk"])
    around = make_round(first="2010-07-01", last="2010-12-31")
    after = make_round("SJ2010", "四季度点评", first="2010-12-30", last="2010-12-31")

    def shown(period):
        return [record.pk for record in client.get(reverse("records"), {"period": period.code}).context["page_obj"]]

    assert (shown(around), shown(after), shown(late)) == ([early.pk], [], [])
    half_year = early.review.period
    early.review.period = around
    early.review.save()
    assert (shown(around), shown(half_year)) == ([early.pk], [early.pk])


@pytest.mark.parametrize("query", ["page=zz", "state=x", "period=%00", "q=%00", "mine=x", "period=" + "9" * 200])
def test_a_junk_filter_is_no_error(cases, cast, as_user, query):
    cases.confirmed()
    assert as_user(cast.user["clerk"]).get(f"{reverse('records')}?{query}").status_code == 200


def test_a_longer_list_costs_no_more_queries(cases, cast, as_user, django_assert_max_num_queries):
    client = as_user(cast.user["clerk"])
    for number in range(12):
        cast.person[f"p{number}"] = make_person(f"名单{number}", cast.org["1311"])
        cases.saved(cases.duty("4", "1311", "secretary", person=f"p{number}"), "secretary")
    with django_assert_max_num_queries(20):
        assert len(client.get(reverse("records")).context["page_obj"]) == 12


# --- 现场点评 -------------------------------------------------------------------------------------------------------


def test_a_leader_finds_a_target_below_and_opens_the_form(cases, cast, as_user):
    client = as_user(cast.user["bureau_head"])
    page = client.get(reverse("record_new"), {"q": "检务处"})
    assert "天津局检务处党支部" in page.text
    answer = client.post(reverse("record_new"), {"post": page.context["post"].pk, "target": "org-1311"})
    record = Record.objects.select_related("review").get()
    assert answer.url == reverse("record_edit", args=[record.pk])
    assert (record.target_org.code, record.review.reviewer_id) == ("1311", cast.person["bureau_head"].pk)
    assert not record.duties.exists()


def test_a_leader_reviews_a_member_on_the_spot(cases, cast, as_user):
    client = as_user(cast.user["secretary"])
    page = client.get(reverse("record_new"), {"q": "检务处党员"})
    client.post(reverse("record_new"), {"post": page.context["post"].pk, "target": "person-N-member"})
    assert Record.objects.get().target_person == cast.person["member"]


@pytest.mark.parametrize("target", ["org-12", "person-N-unit_head", "org-1", "person-N-bureau_head"])
def test_what_is_not_below_cannot_be_picked(cases, cast, as_user, target):
    client = as_user(cast.user["bureau_head"])
    post = client.get(reverse("record_new")).context["post"].pk
    assert client.post(reverse("record_new"), {"post": post, "target": target}).status_code == 404
    assert not Record.objects.exists()


@pytest.mark.parametrize("target", ["", "x", "org-", "org-\x00", "person-" + "9" * 99])
def test_a_junk_target_is_no_error(cases, cast, as_user, target):
    answer = as_user(cast.user["bureau_head"]).post(reverse("record_new"), {"post": "x", "target": target})
    assert answer.status_code in (302, 404)
    assert not Record.objects.exists()


def test_who_holds_no_post_is_told_why_he_cannot(cases, cast, as_user):
    client = as_user(cast.user["member"])
    assert "您目前不能做现场点评" in client.get(reverse("record_new")).text
    assert client.post(reverse("record_new"), {"target": "org-1311"}).status_code == 302
    assert not Record.objects.exists()
