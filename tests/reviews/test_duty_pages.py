"""我的点评任务 and the page of one duty, over HTTP."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from reviews import duties, records
from reviews.models import Duty, DutyStatus, Record, RecordState, ReviewerKind, Subject
from tests.builders import day, make_person, make_post
from tests.reviews.record_cases import Cases, full_draft, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast) -> Cases:
    """The cast, a generated period, duties at hand."""
    found = make_cases(cast)
    found.period.derived_at = timezone.now()
    found.period.save()
    return found


def test_the_secretary_sees_his_member_with_a_button_that_opens_the_form(cases, cast, as_user):
    duty = cases.of_member()
    client = as_user(cast.user["secretary"])
    page = client.get(reverse("my_duties"))
    assert "检务处党员" in page.text
    assert reverse("duty_start", args=[duty.pk]) in page.text
    answer = client.post(reverse("duty_start", args=[duty.pk]))
    record = Record.objects.get()
    assert answer.url == reverse("record_edit", args=[record.pk])
    assert record.state == RecordState.DRAFT


def test_starting_twice_opens_the_same_draft(cases, cast, as_user):
    duty = cases.of_member()
    client = as_user(cast.user["secretary"])
    first = client.post(reverse("duty_start", args=[duty.pk]))
    second = client.post(reverse("duty_start", args=[duty.pk]))
    assert first.url == second.url
    assert Record.objects.count() == 1


def test_a_duty_is_not_started_by_following_a_link(cases, cast, as_user):
    duty = cases.of_member()
    assert as_user(cast.user["secretary"]).get(reverse("duty_start", args=[duty.pk])).status_code == 405
    assert not Record.objects.exists()


def test_organisations_come_before_heads_and_heads_before_members(cases, cast, as_user):
    branch = cast.org["1311"]
    member = cases.duty("4", "1311", "secretary", person="member")
    head = cases.duty("2B", "13", "secretary", person="bureau_head", about="13", subject=Subject.HEAD)
    org = cases.duty("2B", "13", "secretary", org="132")
    assert branch.pk == member.about_org_id
    page = as_user(cast.user["secretary"]).get(reverse("my_duties"))
    assert [duty.pk for duty in page.context["page_obj"]] == [org.pk, head.pk, member.pk]


def test_a_duty_past_its_day_is_marked_overdue(cases, cast, as_user):
    duty = cases.of_member()
    client = as_user(cast.user["secretary"])
    assert "已逾期" not in client.get(reverse("my_duties")).text
    Duty.objects.filter(pk=duty.pk).update(due_on=day("2010-12-09"))
    assert "已逾期" in client.get(reverse("my_duties")).text


def test_a_draft_moves_to_the_drafts_and_a_confirmed_record_to_the_done_ones(cases, cast, as_user):
    record = cases.member_record()
    client = as_user(cast.user["secretary"])
    page = client.get(reverse("my_duties"))
    assert page.context["counts"] == {"pending": 0, "draft": 1, "done": 0}
    assert reverse("record_edit", args=[record.pk]) in page.text
    records.confirm(record, by=cast.user["secretary"])
    page = client.get(reverse("my_duties"))
    assert page.context["counts"] == {"pending": 0, "draft": 0, "done": 1}
    assert page.context["numbers"] == {"total": 1, "done": 1}
    assert reverse("record", args=[record.pk]) in page.text


def test_a_voided_record_leaves_its_duty_to_be_done_again(cases, cast, as_user):
    record = cases.confirmed()
    records.void(record, reason="录错了人", by=cast.user["clerk"])
    page = as_user(cast.user["secretary"]).get(reverse("my_duties"))
    assert page.context["counts"]["pending"] == 1


def test_an_exempted_duty_is_no_longer_in_the_total(cases, cast, as_user):
    duty = cases.of_member()
    Duty.objects.filter(pk=duty.pk).update(status=DutyStatus.EXEMPT, exempt_reason="长期病休")
    page = as_user(cast.user["secretary"]).get(reverse("my_duties"))
    assert page.context["numbers"]["total"] == 0
    assert "长期病休" in page.text


def test_nobody_sees_the_duties_of_another_leader_among_his_own(cases, cast, as_user):
    cases.of_member()
    page = as_user(cast.user["lower_secretary"]).get(reverse("my_duties"))
    assert list(page.context["page_obj"]) == []


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("member", "您目前没有任职"),
        ("lower_secretary", "您有任职"),
        ("stranger", "没有对应人员"),
        ("clerk", "本单位领导本期没有点评任务"),
    ],
)
def test_an_empty_list_says_why_it_is_empty(cases, cast, as_user, part, words):
    assert words in as_user(cast.user[part]).get(reverse("my_duties")).text


def test_before_anything_was_generated_the_page_says_so(cast, as_user):
    client = as_user(cast.user["secretary"])
    assert "还没有点评期" in client.get(reverse("my_duties")).text
    make_cases(cast)
    assert "本期任务还没有生成" in client.get(reverse("my_duties")).text


def test_the_office_sees_the_duties_of_its_own_leaders_and_may_pick_one(cases, cast, as_user):
    of_branch = cases.of_branch()
    cases.of_member()  # of the branch below: not the office's own leaders
    cases.duty("2B", "13", "bureau_head", org="131")
    client = as_user(cast.user["clerk"])
    page = client.get(reverse("my_duties"), {"as": "office"})
    assert page.context["counts"]["pending"] == 2
    page = client.get(reverse("my_duties"), {"as": "office", "leader": "N-member_in_charge"})
    assert [duty.pk for duty in page.context["page_obj"]] == [of_branch.pk]


def test_without_a_grant_nobody_gets_the_list_of_leaders(cases, cast, as_user):
    cases.of_branch()
    page = as_user(cast.user["secretary"]).get(reverse("my_duties"), {"as": "office"})
    assert not page.context["for_leaders"]
    assert list(page.context["page_obj"]) == []


def test_a_long_list_is_found_by_name_and_cut_into_pages_with_the_same_number_of_queries(
    cases, cast, as_user, django_assert_max_num_queries
):
    client = as_user(cast.user["secretary"])
    people = [make_person(f"名单{number}", cast.org["1311"]) for number in range(60)]
    cast.person.update({f"p{number}": person for number, person in enumerate(people)})
    for number in range(60):
        cases.duty("4", "1311", "secretary", person=f"p{number}")
    with django_assert_max_num_queries(30):
        page = client.get(reverse("my_duties"))
    assert len(page.context["page_obj"]) == 50
    assert len(client.get(reverse("my_duties"), {"page": "2"}).context["page_obj"]) == 10
    assert [duty.target_name for duty in client.get(reverse("my_duties"), {"q": "名单59"}).context["page_obj"]] == [
        "名单59"
    ]


@pytest.mark.parametrize(
    "query", ["period=%00", "period=9999H9", "page=zz", "show=%3Cscript%3E", "q=%00%27", "carry_from=1e9", "leader=%00"]
)
def test_a_junk_query_string_is_no_error(cases, cast, as_user, query):
    cases.of_member()
    assert as_user(cast.user["secretary"]).get(f"{reverse('my_duties')}?{query}").status_code == 200
    assert as_user(cast.user["clerk"]).get(f"{reverse('my_duties')}?as=office&{query}").status_code == 200


def test_a_joint_duty_names_its_partner(cases, cast, as_user):
    cases.duty("1B", "1", "root_head", org="111", joint_group="g1")
    cases.duty("1B", "11", "organ_head", org="111", joint_group="g1")
    page = as_user(cast.user["root_head"]).get(reverse("my_duties"))
    assert "共同点评" in page.text
    assert "与总局直属机关党委" in page.text


def test_what_else_waits_is_said_on_top(cases, cast, as_user):
    records.confirm(cases.saved(cases.of_branch(), "clerk"), by=cast.user["clerk"])
    page = as_user(cast.user["member_in_charge"]).get(reverse("my_duties"))
    assert page.context["waiting"].to_approve == 1
    assert "代录的点评待我确认" in page.text


def test_the_page_of_a_duty_says_why_it_is_there(cases, cast, as_user):
    duty = cases.of_member()
    page = as_user(cast.user["secretary"]).get(reverse("duty", args=[duty.pk]))
    assert page.status_code == 200
    assert "为什么有这项任务" in page.text
    assert "隶属关系" in page.text


def test_a_stranger_finds_no_duty(cases, cast, as_user):
    duty = cases.of_member()
    client = as_user(cast.user["stranger"])
    assert client.get(reverse("duty", args=[duty.pk])).status_code == 404
    assert client.post(reverse("duty_start", args=[duty.pk])).status_code == 404
    assert client.post(reverse("duty_exempt", args=[duty.pk]), {"reason": "想"}).status_code == 404


def test_who_sees_a_duty_without_carrying_it_out_is_told_so(cases, cast, as_user):
    duty = cases.of_member()
    answer = as_user(cast.user["member"]).post(reverse("duty_start", args=[duty.pk]), follow=True)
    assert not Record.objects.exists()
    assert "只有负责点评的领导" in answer.text


def test_the_next_one_carries_over_the_facts_of_the_event_and_not_a_word_about_the_person(cases, cast, as_user):
    done = records.confirm(
        cases.member_record(participants="支部全体党员", form="meeting", form_note="民主生活会"),
        by=cast.user["secretary"],
    )
    cast.person["next"] = make_person("下一位党员", cast.org["1311"])
    duty = cases.duty("4", "1311", "secretary", person="next")
    client = as_user(cast.user["secretary"])
    client.post(reverse("duty_start", args=[duty.pk]), {"carry_from": done.pk})
    record = Record.objects.select_related("review").get(target_person=cast.person["next"])
    assert record.review_id != done.review_id
    assert record.review.held_on == day("2010-12-08")
    assert (record.review.place, record.review.form_note) == ("三楼会议室", "民主生活会")
    assert record.review.participants == "支部全体党员"
    assert (record.achievements, record.directions, record.items.count(), record.answers.count()) == ("", "", 0, 0)


def test_carrying_over_never_reads_a_record_that_is_not_the_users_to_read(cases, cast, as_user):
    done = cases.confirmed()
    duty = cases.duty("4", "1321", "lower_secretary", person="lower_member")
    as_user(cast.user["lower_secretary"]).post(reverse("duty_start", args=[duty.pk]), {"carry_from": done.pk})
    assert Record.objects.get(target_person=cast.person["lower_member"]).review.place == ""


def test_carrying_over_leaves_a_draft_that_was_begun_alone(cases, cast, as_user):
    done = cases.confirmed()
    cast.person["next"] = make_person("下一位党员", cast.org["1311"])
    duty = cases.duty("4", "1311", "secretary", person="next")
    begun = records.open_draft(duty, by=cast.user["secretary"])
    records.save_draft(begun, full_draft(begun, place="别处"), by=cast.user["secretary"])
    as_user(cast.user["secretary"]).post(reverse("duty_start", args=[duty.pk]), {"carry_from": done.pk})
    assert Record.objects.get(pk=begun.pk).review.place == "别处"


def test_only_the_office_is_offered_to_exempt_and_to_reassign(cases, cast, as_user):
    duty = cases.of_branch()
    url, away = reverse("duty", args=[duty.pk]), reverse("duty_exempt", args=[duty.pk])
    assert away in as_user(cast.user["clerk"]).get(url).text
    assert away not in as_user(cast.user["member_in_charge"]).get(url).text
    as_user(cast.user["member_in_charge"]).post(away, {"reason": "太忙"})
    as_user(cast.user["member_in_charge"]).post(
        reverse("duty_reassign", args=[duty.pk]), {"person": "N-bureau_head", "reason": "病假"}
    )
    duty.refresh_from_db()
    assert (duty.status, duty.acting) == (DutyStatus.PENDING, cast.person["member_in_charge"])


def test_the_office_gives_a_duty_to_another_leader(cases, cast, as_user):
    duty = cases.of_branch()
    client, url = as_user(cast.user["clerk"]), reverse("duty_reassign", args=[duty.pk])
    for nobody in ("", "N-member", "N-root_head", "\x00"):
        client.post(url, {"person": nobody, "reason": "病假"})
        duty.refresh_from_db()
        assert duty.acting == cast.person["member_in_charge"]
    client.post(url, {"person": "N-bureau_head"})
    duty.refresh_from_db()
    assert duty.acting == cast.person["member_in_charge"]
    client.post(url, {"person": "N-bureau_head", "reason": "病假"})
    duty.refresh_from_db()
    assert duty.acting == cast.person["bureau_head"]
    assert "→ 天津局书记：病假" in client.get(reverse("duty", args=[duty.pk])).text


def test_an_exempted_duty_can_be_opened_again(cases, cast, as_user):
    duty = cases.of_member()
    client = as_user(cast.user["clerk"])
    client.post(reverse("duty_exempt", args=[duty.pk]), {"reason": "长期病休", "approved_by": "王书记"})
    client.post(reverse("duty_resume", args=[duty.pk]))
    duty.refresh_from_db()
    assert duty.status == DutyStatus.PENDING


def test_exempting_wants_a_reason_and_who_approved_it(cases, cast, as_user):
    duty = cases.of_member()
    client = as_user(cast.user["clerk"])
    for lacking in ({"reason": " ", "approved_by": "王书记"}, {"reason": "长期病休"}):
        client.post(reverse("duty_exempt", args=[duty.pk]), lacking)
        duty.refresh_from_db()
        assert duty.status == DutyStatus.PENDING
    client.post(reverse("duty_exempt", args=[duty.pk]), {"reason": "长期病休", "approved_by": "王书记"})
    duty.refresh_from_db()
    assert (duty.status, duty.exempt_reason, duty.exempt_approved_by) == (DutyStatus.EXEMPT, "长期病休", "王书记")
    page = client.get(reverse("duty", args=[duty.pk])).text
    assert "免除任务：长期病休（王书记批准）" in page
    assert "免除任务" not in as_user(cast.user["secretary"]).get(reverse("duty", args=[duty.pk])).text


def test_a_leader_without_duties_is_offered_a_review_on_the_spot(cases, cast, as_user):
    person = make_person("新成员", cast.org["1311"])
    make_post(person, cast.org["13"], "成员")
    cast.user["lower_head"].person = person
    cast.user["lower_head"].save()
    assert "现场点评" in as_user(cast.user["lower_head"]).get(reverse("my_duties")).text


def test_only_those_whom_reassigning_takes_are_offered(cases, cast, as_user):
    client = as_user(cast.user["clerk"])
    of_team = cases.of_branch()
    for person in duties.stand_ins(of_team):
        with transaction.atomic():
            assert duties.reassign(of_team, acting=person, reason="病假", by=cast.user["clerk"]).acting == person
            transaction.set_rollback(True)
    assert duties.stand_ins(of_team).exists()
    own = cases.of_member()
    Duty.objects.filter(pk=own.pk).update(reviewer_kind=ReviewerKind.PERSON)
    own.refresh_from_db()
    assert not duties.stand_ins(own).exists()
    page = client.get(reverse("duty", args=[own.pk])).content.decode()
    assert "书记在任时不能转派" in page
    assert reverse("duty_reassign", args=[own.pk]) not in page
