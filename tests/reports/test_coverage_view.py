"""What the coverage page shows beside its figures: exemptions, its own view kept in every link, the table as a file."""

import io

import pytest
from django.db import transaction
from django.urls import reverse
from openpyxl import load_workbook

from orgs import clock
from reports import analysis, coverage, exemptions, missing
from reports.views import analysis as views
from reviews import coverage as targets
from reviews import duties, gaps
from reviews.models import Duty, Measure, Period
from tests.builders import day, make_head, make_org, make_person, make_post, make_round

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    found = duties.ensure_period("2010H2")
    with clock.standing_at(day("2010-11-01")):
        duties.regenerate(found)
    return found


def page(client, code, query=""):
    return client.get(reverse("coverage_org", args=[code]) + query)


def free_one(cast, period):
    duty = Duty.objects.get(period=period, target_person=cast.person["member"], rule_code="4")
    return duties.exempt(duty, reason="长期病休", approved_by="书记", by=cast.user["admin"])


# --- exemptions beside the rate ------------------------------------------------------------------------------


def test_exemptions_stand_beside_the_rate_of_each_line(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    assert "不计免除" not in page(client, "13").content.decode()
    free_one(cast, period)
    shown = page(client, "13")
    text = shown.content.decode()
    assert "不计免除" in text
    cells = {
        line.name: next(cell for cell in line.cells if cell.measure == Measure.MEMBERS)
        for line in (*shown.context["page_obj"], shown.context["total"])
    }
    assert {name: cell.exempt for name, cell in cells.items()} == {
        "本级": 0, cast.org["131"].name: 1, cast.org["132"].name: 0, "合计": 1,
    }  # fmt: skip
    total = cells["合计"]
    assert total.without_exempt.due == total.figure.due - 1
    assert "免除 1，不计免除" in text  # on the phone's cards


def test_exemptions_cost_no_query_for_each_line(cast, period, as_user, django_assert_max_num_queries):
    free_one(cast, period)
    client = as_user(cast.user["clerk"])
    page(client, "13")
    with django_assert_max_num_queries(30) as few:
        page(client, "13")
    for number in range(20):
        make_org(f"13{number:02d}X", "党支部", "机关内设机构", cast.org["13"])
    with transaction.atomic():
        targets.sync(period)
    with django_assert_max_num_queries(len(few)):
        page(client, "13")


def test_a_leader_without_duties_whose_reason_was_given_is_exempt(cast, period, as_user):
    """A36: in office in the period, less those exempted with a reason."""
    idle = make_person("无分管", cast.org["1311"], number="N-idle")
    make_post(idle, cast.org["13"], "成员")
    duties.regenerate(period)
    assert exemptions.counts(period, cast.org["13"], [cast.org["13"]])[cast.org["13"].pk][Measure.LEADERS] == 0
    kind = gaps.BY_CODE["idle"]
    gaps.accept(kind, ["N-idle"], period=period, on=clock.today(), reason="长期病休", by=cast.user["clerk"])
    assert exemptions.counts(period, cast.org["13"], [cast.org["13"]])[cast.org["13"].pk][Measure.LEADERS] == 1
    before = coverage.totals(period, [cast.org["13"]])[cast.org["13"].pk][Measure.LEADERS]
    line = analysis.sections(cast.user["clerk"], period, cast.org["13"], clock.today())[0].lines[0]
    assert (line.cells[0], line.cells[4]) == (before.due, 1)
    text = as_user(cast.user["clerk"]).get(reverse("coverage_exempt", args=["13"])).content.decode()
    assert "无分管" in text
    assert "长期病休" in text
    assert "无分管" not in as_user(cast.user["root_clerk"]).get(reverse("coverage_exempt", args=["1"])).content.decode()
    gaps.withdraw([period_gap(period).pk], by=cast.user["clerk"])
    assert exemptions.counts(period, cast.org["13"], [cast.org["13"]])[cast.org["13"].pk][Measure.LEADERS] == 0


def test_exemptions_are_a_file_and_no_leader_is_cut_without_a_word(cast, period, as_user, monkeypatch):
    for number in range(3):
        idle = make_person(f"无分管{number}", cast.org["1311"], number=f"N-idle{number}")
        make_post(idle, cast.org["13"], "成员")
    duties.regenerate(period)
    numbers = [f"N-idle{number}" for number in range(3)]
    kind = gaps.BY_CODE["idle"]
    gaps.accept(kind, numbers, period=period, on=clock.today(), reason="长期病休", by=cast.user["clerk"])
    free_one(cast, period)
    monkeypatch.setattr(views, "NAMES", 2)
    client, url = as_user(cast.user["clerk"]), reverse("coverage_exempt_file", args=["13"])
    shown = client.get(reverse("coverage_exempt", args=["13"]))
    assert len(shown.context["leaders"]) == 2
    assert "另有 1 名" in shown.text
    assert f'href="{url}?period=2010H2"' in shown.text
    freed, explained = load_workbook(io.BytesIO(b"".join(client.get(url)))).worksheets
    assert [row[0] for row in explained.iter_rows(min_row=2, values_only=True)] == numbers
    line = list(freed.iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[5], row[6]) for row in line] == [("检务处党员", "长期病休", "书记")]
    elsewhere = load_workbook(io.BytesIO(b"".join(as_user(cast.user["root_clerk"]).get(url)))).worksheets
    assert [sheet.max_row for sheet in elsewhere] == [1, 1]  # not across the guidance edge
    assert as_user(cast.user["stranger"]).get(url).status_code == 404


def period_gap(period):
    return gaps.AcceptedGap.objects.get(period=period)


# --- one address, one view -----------------------------------------------------------------------------------


def test_every_link_and_form_of_the_page_keeps_its_order(cast, period, as_user):
    shown = page(as_user(cast.user["clerk"]), "13", "?measure=leaders&sort=rate&on=2010-11-20")
    text = shown.content.decode()
    assert '<input type="hidden" name="measure" value="leaders">' in text
    assert '<input type="hidden" name="sort" value="rate">' in text
    line = next(line for line in shown.context["page_obj"] if line.url)
    assert line.url.endswith("?period=2010H2&on=2010-11-20&measure=leaders&sort=rate")
    assert "统计分析（现在）" in text
    assert "汇总表（现在）" in text


def test_the_analysis_keeps_by_what_siblings_are_ranked(cast, period, as_user):
    url = reverse("coverage_details", args=["13"]) + "?rank=members"
    assert '<input type="hidden" name="rank" value="members">' in as_user(cast.user["clerk"]).get(url).content.decode()


def test_the_table_is_a_file_as_it_is_shown(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    for query in ("?sort=due&measure=members", "?on=2010-10-01", "?on=2010-11-20&sort=best"):
        shown = page(client, "13", query)
        file = client.get(reverse("coverage_table", args=["13"]) + query)
        head, *rows = load_workbook(io.BytesIO(b"".join(file))).active.iter_rows(values_only=True)
        assert head[:3] == ("单位", "领导应", "领导已")
        lines = [*shown.context["page_obj"], shown.context["total"]]
        assert [row[:3] for row in rows] == [
            (line.name, line.cells[0].figure.due, line.cells[0].figure.done) for line in lines
        ]


def test_the_file_is_for_who_sees_the_page(cast, period, as_user):
    assert as_user(cast.user["stranger"]).get(reverse("coverage_table", args=["13"])).status_code == 404


# --- beside others -------------------------------------------------------------------------------------------


def test_who_sees_only_his_own_place_sees_no_other_name(cast, period):
    for number in range(5):
        make_head(make_org(f"2{number}", "党组", "直属检验检疫局", cast.org["1"], guidance=True), name=f"局长{number}")
    with transaction.atomic():
        targets.sync(period)
    found = analysis.siblings(cast.user["clerk"], period, cast.org["13"], Measure.ORGANIZATIONS)
    assert found.lines[0].cells[0] == 1
    assert [line.name for line in found.lines[1:]] == ["最高的", "全部同级合计", "最低的"]
    assert not any("局长" in str(row) or "2党组" in str(row) for row in found.lines)


def test_a_round_is_no_half_year_to_compare_with(cast, period):
    make_round("NC2010", "年初", "2010-05-01", "2010-06-20")
    section = analysis.sections(cast.user["clerk"], period, cast.org["13"], clock.today())[-1]
    assert "没有更早" in section.note
    Period.objects.create(code="2010H1", name="2010年上半年", starts_on=day("2010-01-01"), ends_on=day("2010-06-30"))
    section = analysis.sections(cast.user["clerk"], period, cast.org["13"], clock.today())[-1]
    assert "2010年上半年" in section.note


# --- names to be told ----------------------------------------------------------------------------------------


def test_who_has_no_account_is_named_to_be_told(cast, period, as_user):
    cast.user["secretary"].delete()
    url = reverse("coverage_missing", args=["13", "members"])
    text = as_user(cast.user["clerk"]).get(url).content.decode()
    assert "检务处支部书记（N-secretary）" in text
    assert "1 人没有账号" in text


def test_the_list_as_a_file_says_by_whom_and_until_when(cast, period):
    named = missing.named(cast.user["clerk"], period, cast.org["13"], Measure.MEMBERS)
    rows = list(missing.rows(cast.user["clerk"], named.iterator(2000), Measure.MEMBERS, period))
    assert [head for head, _ in missing.columns(Measure.MEMBERS)][-2:] == ["点评人", "任务期限"]
    line = next(row for row in rows if row[0] == "N-member")
    assert line[-2:] == ("检务处支部书记", "2010-12-31")
    named = missing.named(cast.user["clerk"], period, cast.org["13"], Measure.LEADERS)
    rows = missing.rows(cast.user["clerk"], named.iterator(2000), Measure.LEADERS, period)
    assert [head for head, _ in missing.columns(Measure.LEADERS)][-1] == "未完成任务"
    assert next(row for row in rows if row[0] == "N-secretary")[-1] == "3"


def test_a_joint_duty_of_one_person_names_his_organisations(cast, period):
    joint = list(Duty.objects.filter(period=period, target_org=cast.org["111"]).order_by("pk"))
    assert len(joint) == 2
    assert {missing.reviewer_of(duty) for duty in joint} == {
        f"{duty.reviewer_org.display_name}{duty.acting.name if duty.acting else ''}" for duty in joint
    }
    assert len({missing.reviewer_of(duty) for duty in joint}) == 2
