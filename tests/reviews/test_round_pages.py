"""Pages of rounds: made, changed, closed; administrators only. And one's own duties with a round beside the half-year."""

import pytest
from django.urls import reverse

from reviews import calendars, duties, records, rounds
from reviews.models import Duty, Period
from tests import builders
from tests.builders import day

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

TYPED = {
    "name": "年底普遍点评",
    "code": "nd2010",
    "starts_on": "2010-11-01",
    "ends_on": "2010-12-31",
    "is_general_round": "on",
}


@pytest.fixture
def admin(cast, as_user):
    return as_user(cast.user["admin"])


@pytest.fixture
def both(cast):
    made = duties.ensure_period("2010H2"), builders.make_round(last="2010-12-25")
    for period in made:
        duties.regenerate(period)
    return made


def page(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("part", ["root_clerk", "clerk", "root_head", "member", "stranger"])
@pytest.mark.parametrize("name", ["round_new", "round_edit", "round_close"])
def test_only_administrators_find_them(cast, as_user, part, name):
    builders.make_round()
    address = reverse(name, args=[] if name == "round_new" else ["ND2010"])
    client = as_user(cast.user[part])
    assert client.get(address).status_code in (404, 405)
    assert client.post(address, TYPED | {"code": "X2"}).status_code == 404
    assert Period.objects.count() == 1


def test_a_round_is_made_previewed_generated_and_closed(cast, admin):
    chosen = {"below": "13", "subjects": ["member", "head"], "org_types": ["branch"]}
    answer = admin.post(reverse("round_new"), TYPED | chosen)
    assert answer["Location"] == reverse("period", args=["ND2010"])
    made = Period.objects.get()
    assert (made.below, made.subjects, made.org_types) == (cast.org["13"], ["member", "head"], ["branch"])
    assert "“天津检验检疫局党组”及其以下" in page(admin, answer["Location"])
    preview = admin.post(reverse("period_generate", args=["ND2010"]), {"on": "2010-12-10"})["Location"]
    assert "还没有写入" in page(admin, preview)
    assert not Duty.objects.exists()
    admin.post(f"{preview}confirm/")
    assert set(Duty.objects.values_list("subject", flat=True)) == {"member", "head"}
    assert "结束年底普遍点评" in page(admin, answer["Location"])
    assert admin.get(reverse("round_edit", args=["ND2010"]))["Location"] == answer["Location"]
    admin.post(reverse("round_close", args=["ND2010"]))
    shown = page(admin, answer["Location"])
    assert "本轮已于" in shown
    assert "预览变化" not in shown
    refused = admin.post(reverse("period_generate", args=["ND2010"]), {"on": "2010-12-10"}, follow=True)
    assert "已经结束" in refused.content.decode()


def test_it_is_changed_before_it_is_generated(cast, admin):
    made = builders.make_round(subjects=("member",), below=cast.org["13"])
    form = page(admin, reverse("round_edit", args=["ND2010"]))
    assert 'value="13"' in form
    answer = admin.post(reverse("round_edit", args=["ND2010"]), TYPED | {"name": "第二轮领导点评"})
    assert answer["Location"] == reverse("period", args=["ND2010"])
    made.refresh_from_db()
    assert (made.name, made.below, made.subjects) == ("第二轮领导点评", None, [])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"code": "2010H2"}, "像是半年的代码"),
        ({"code": "OLD"}, "已经用于另一个点评期"),
        ({"ends_on": "2010-10-01"}, "截止日期早于开始日期"),
        ({"starts_on": "明天"}, "日期看不懂"),
        ({"below": "不存在"}, "找不到组织"),
        ({"below": "1311", "org_types": ["group"]}, "一个组织也没有"),
        ({"subjects": ["nobody"]}, "不在选项里"),
        ({"rule_codes": ["5B"], "subjects": ["member"]}, "不会有任务"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_made(cast, admin, typed, words):
    builders.make_round("OLD", "以前的一轮")
    answer = admin.post(reverse("round_new"), TYPED | typed)
    assert answer.status_code == 200
    assert words in answer.content.decode(), answer.context["form"].errors
    assert Period.objects.count() == 1


def test_the_list_names_rounds_and_offers_a_new_one(cast, admin, both):
    shown = page(admin, reverse("periods"))
    assert "轮次" in shown
    assert "年底普遍点评" in shown
    assert reverse("round_new") in shown


# --- one's own duties ---------------------------------------------------------------------------------------------


def names(client, query=""):
    context = client.get(reverse("my_duties") + query).context
    return [duty.target_name for duty in context["page_obj"]], context


def test_what_serves_two_periods_is_one_line_with_both_names_and_the_earlier_day(cast, as_user, both):
    client = as_user(cast.user["secretary"])
    listed, context = names(client)
    assert sorted(listed) == sorted(set(listed))
    assert (
        context["numbers"]["total"]
        == len(listed)
        == Duty.objects.filter(period=both[0], acting=cast.person["secretary"]).count()
    )
    assert {duty.due_on for duty in context["page_obj"]} == {day("2010-12-25")}
    shown = page(client, reverse("my_duties"))
    assert "2010年下半年、年底普遍点评" in shown
    assert "12月25日前" in shown


def test_a_period_that_is_asked_for_is_shown_alone(cast, as_user, both):
    listed, context = names(as_user(cast.user["secretary"]), "?period=ND2010")
    assert context["period"] == both[1]
    assert {duty.period for duty in context["page_obj"]} == {both[1]}
    assert len(listed) == context["numbers"]["total"]


def test_what_only_the_round_asks_for_is_listed_too(cast, as_user, both):
    Duty.objects.filter(period=both[0], target_person=cast.person["member"]).delete()
    listed, _ = names(as_user(cast.user["secretary"]))
    assert listed.count("检务处党员") == 1


def test_a_draft_of_either_is_the_draft_of_the_line(cast, as_user, both):
    for period in both:
        duty = Duty.objects.get(period=period, rule_code="4", target_person=cast.person["member"])
        record = records.open_draft(duty, by=cast.user["secretary"])
        _, context = names(as_user(cast.user["secretary"]), "?show=draft")
        assert [duty.open_record for duty in context["page_obj"]] == [record.pk]
        assert (context["counts"]["draft"], context["counts"]["done"]) == (1, 0)
        records.discard(record, by=cast.user["secretary"])


def test_a_closed_round_leaves_the_page_to_the_half_year(cast, as_user, both):
    rounds.close(both[1], by=None)
    _, context = names(as_user(cast.user["secretary"]))
    assert context["shown"] == [both[0]]


def test_the_calendar_has_one_day_for_what_serves_two(cast, both):
    calendar = calendars.of(cast.person["secretary"], lambda duty: "").decode()
    listed = Duty.objects.filter(period=both[0], acting=cast.person["secretary"]).count()
    assert calendar.count("BEGIN:VEVENT") == listed
    assert "DTSTART;VALUE=DATE:20101225" in calendar


def test_the_number_of_queries_does_not_grow_with_the_duties(cast, as_user, both, django_assert_max_num_queries):
    client = as_user(cast.user["secretary"])
    with django_assert_max_num_queries(40) as few:
        client.get(reverse("my_duties"))
    for number in range(5):
        builders.make_person(f"新党员{number}", cast.org["1311"])
    for period in both:
        duties.regenerate(period)
    with django_assert_max_num_queries(len(few)):
        client.get(reverse("my_duties"))
