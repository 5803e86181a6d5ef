"""The coverage pages: who sees which figures and which names; the lines add up; junk is refused politely."""

import csv
import io

import pytest
from django.db import transaction
from django.urls import reverse
from openpyxl import load_workbook

from orgs import people, personnel
from orgs.models import AuditEvent, Person
from reports import coverage
from reviews import coverage as targets
from reviews.models import CoverageChange, CoverageTarget, Measure, Record
from tests import builders
from tests.builders import day, make_bare_record, make_org, make_period, make_person, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    period = make_period("2010H2")
    synced(period)
    record = make_bare_record(period, cast.org["131"], of_person=cast.person["member"], about=cast.org["1311"])
    with transaction.atomic():
        targets.confirmed(record)
    return period


def synced(period):
    with transaction.atomic():
        targets.sync(period, day("2010-12-10"))


def page(client, code, query=""):
    return client.get(reverse("coverage_org", args=[code]) + query)


def names(client, code, measure, query=""):
    return client.get(reverse("coverage_missing", args=[code, measure]) + query)


def listed(response):
    return {str(entry.target.person or entry.target.organization) for entry in response.context["entries"]}


# --- who sees what --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "seen", "unseen"),
    [
        ("admin", {"1", "12", "13", "1311"}, set()),
        ("root_clerk", {"1", "12", "13", "1311"}, set()),
        ("clerk", {"13", "131", "1311", "1321"}, {"1", "11", "12", "121"}),
        ("bureau_head", {"13", "1311", "132"}, {"1", "12"}),
        ("member_in_charge", {"13", "131", "1311"}, {"1", "12", "132", "1321"}),
        ("secretary", {"1311"}, {"13", "131", "1321"}),
        ("member", {"1311"}, {"13", "131", "132"}),
        ("stranger", set(), {"1", "13", "1311"}),
    ],
)
def test_figures_are_for_those_who_may_see_the_organisation(cast, period, as_user, part, seen, unseen):
    client = as_user(cast.user[part])
    assert {code for code in seen if page(client, code).status_code == 200} == seen
    for code in unseen:
        assert page(client, code).status_code == 404
        for measure in Measure:
            assert names(client, code, measure).status_code == 404
            file = reverse("coverage_missing_file", args=[code, measure, "csv"])
            assert client.get(file).status_code == 404


def test_names_of_persons_stop_at_a_guidance_edge_and_figures_do_not(cast, period, as_user):
    client = as_user(cast.user["root_clerk"])
    figures = page(client, "1").context["total"].figure(Measure.MEMBERS)
    assert (figures.due, figures.done) == (13, 1)
    response = names(client, "1", "members")
    assert "检务处支部书记" not in listed(response)
    assert "信息中心书记" in listed(response)
    assert response.context["unnamed"] == 6
    assert "另有 6 名" in response.content.decode()
    assert names(client, "13", "members").context["entries"] == []
    assert listed(names(client, "13", "organizations")) == {
        "天津检验检疫局党组",
        "天津局机关党委",
        "天津局检务处党支部",
        "塘沽检验检疫局党组",
        "塘沽局综合党支部",
    }


def test_a_missing_number_leads_to_names_only_where_there_are_any_for_the_user(cast, period, as_user):
    response = page(as_user(cast.user["root_clerk"]), "1")
    lines = {line.org.code: line for line in response.context["page_obj"] if line.org}
    urls = {cell.measure: cell.names_url for cell in lines["13"].cells}
    assert not urls[Measure.MEMBERS]
    assert not urls[Measure.LEADERS]
    assert urls[Measure.ORGANIZATIONS]
    assert all(cell.names_url for cell in lines["12"].cells)
    assert "只显示数字" in response.content.decode()


def test_a_member_sees_the_figures_of_his_branch_and_no_names(cast, period, as_user):
    client = as_user(cast.user["member"])
    assert client.get(reverse("coverage")).headers["Location"] == reverse("coverage_org", args=["1311"])
    response = page(client, "1311")
    assert response.context["total"].figure(Measure.MEMBERS).missing == 3
    assert names(client, "1311", "members").context["entries"] == []


def test_children_that_a_team_member_is_not_in_charge_of_stand_in_one_line(cast, period, as_user):
    response = page(as_user(cast.user["member_in_charge"]), "13")
    lines = response.context["page_obj"].object_list
    assert [line.name for line in lines] == ["本级", "天津局机关党委", "其他下级（1 个）"]
    assert not lines[2].url
    assert not any(cell.names_url for cell in lines[2].cells)
    assert "塘沽检验检疫局党组" not in response.content.decode()


def test_names_and_codes_of_any_kind_stand_safely_on_the_page(cast, period, as_user):
    make_org("a&b c+1", "党支部", "直属挂靠单位", cast.org["12"], name='<b>"一支部"</b>')
    synced(period)
    client = as_user(cast.user["admin"])
    response = page(client, "12", "?measure=organizations")
    (line,) = (line for line in response.context["page_obj"] if line.org and line.org.code == "a&b c+1")
    assert line.url.split("?")[0] == reverse("coverage_org", args=["a&b c+1"])
    for cell in line.cells:
        if cell.names_url:
            assert cell.names_url.split("?")[0] == reverse("coverage_missing", args=["a&b c+1", cell.measure])
    words = response.content.decode()
    assert words.count("&lt;b&gt;&quot;一支部&quot;&lt;/b&gt;") == 3  # in the chart, the table and the cards
    assert '<b>"一支部' not in words
    addresses = [line.url, *(cell.names_url for cell in line.cells if cell.names_url)]
    assert [client.get(address).status_code for address in addresses] == [200, 200]


# --- where the page begins ------------------------------------------------------------------------------------


def test_coverage_leads_to_ones_own_organisation(cast, period, as_user):
    for part, code in [("clerk", "13"), ("admin", "1"), ("unit_head", "12")]:
        response = as_user(cast.user[part]).get(reverse("coverage"))
        assert response.headers["Location"] == reverse("coverage_org", args=[code]), part


def test_whoever_has_several_chooses_and_the_period_goes_along(cast, period, as_user):
    response = as_user(cast.user["member_in_charge"]).get(reverse("coverage"))
    assert [org.code for org, _ in response.context["choices"]] == ["131", "13", "1311"]
    redirected = as_user(cast.user["clerk"]).get(reverse("coverage") + "?period=2010H2")
    assert redirected.headers["Location"].endswith("?period=2010H2")


def test_a_stranger_is_told_why_there_is_nothing(cast, period, as_user):
    response = as_user(cast.user["stranger"]).get(reverse("coverage"))
    assert response.status_code == 200
    assert "没有您可以查看的组织" in response.content.decode()


def test_without_a_period_or_duties_the_page_says_who_must_generate_them(cast, as_user):
    for part, words in [("clerk", "系统管理员"), ("admin", "去建立点评期")]:
        response = page(as_user(cast.user[part]), "13")
        assert response.status_code == 200
        if part == "clerk":
            assert words in response.content.decode()
    assert names(as_user(cast.user["clerk"]), "13", "members").status_code == 404
    make_period("2010H2")
    assert "还没有生成点评任务" in page(as_user(cast.user["clerk"]), "13").content.decode()


# --- the figures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["1", "11", "12", "13", "131", "1311"])
def test_the_lines_add_up_to_the_heading(cast, period, as_user, code):
    response = page(as_user(cast.user["admin"]), code)
    for measure in Measure:
        total = response.context["total"].figure(measure)
        lines = [line.figure(measure) for line in response.context["page_obj"]]
        assert (sum(line.due for line in lines), sum(line.done for line in lines)) == (total.due, total.done)
        assert total == coverage.totals(period, [cast.org[code]])[cast.org[code].pk][measure]


def test_a_confirmed_review_shows_at_once(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    before = page(client, "13").context["total"].figure(Measure.ORGANIZATIONS)
    with transaction.atomic():
        targets.confirmed(make_bare_record(period, cast.org["13"], of_org=cast.org["1311"]))
    after = page(client, "13").context["total"].figure(Measure.ORGANIZATIONS)
    assert (after.due, after.done) == (before.due, before.done + 1)


def test_every_number_on_the_missing_link_is_the_length_of_its_list(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    for line in [*page(client, "13").context["page_obj"], page(client, "13").context["total"]]:
        for cell in line.cells:
            if cell.names_url:
                assert client.get(cell.names_url).context["total"] == cell.figure.missing
            else:
                assert cell.figure.missing == 0


def test_lines_can_stand_lowest_rate_first(cast, period, as_user):
    with transaction.atomic():
        targets.confirmed(make_bare_record(period, cast.org["1"], of_org=cast.org["11"]))
    client = as_user(cast.user["admin"])
    plain = [line.name for line in page(client, "1", "?measure=organizations").context["page_obj"]]
    worst = [line.name for line in page(client, "1", "?measure=organizations&sort=rate").context["page_obj"]]
    assert plain == ["本级", "总局直属机关党委", "信息中心党委", "天津检验检疫局党组"]
    assert worst == ["本级", "天津检验检疫局党组", "信息中心党委", "总局直属机关党委"]


def test_the_page_says_who_counts(cast, period, as_user):
    text = page(as_user(cast.user["clerk"]), "13").content.decode()
    assert "党支部书记，本期内在任的" in text
    assert "除最上级组织以外的每一个党组织" in text
    assert "含预备党员" in text


def test_another_period_can_be_chosen(cast, period, as_user):
    make_period("2011H1")
    client = as_user(cast.user["clerk"])
    assert page(client, "13", "?period=2011H1").context["has_any"] is False
    assert page(client, "13", "?period=2010H2").context["has_any"] is True


def test_a_dissolved_child_that_counts_nothing_is_not_shown(cast, period, as_user):
    make_org("14", "党支部", "直属挂靠单位", cast.org["1"], name="旧支部", dissolved_on=day("2010-08-01"))
    assert "旧支部" not in page(as_user(cast.user["admin"]), "1").content.decode()


def test_many_children_are_shown_page_by_page_and_the_total_is_of_all(cast, period, as_user):
    for number in range(120):
        make_org(f"12{number + 100}", "党支部", "直属挂靠单位内设", cast.org["12"])
    synced(period)
    response = page(as_user(cast.user["admin"]), "12", "?page=2")
    assert len(response.context["page_obj"]) == 122 - 100
    assert response.context["total"].figure(Measure.ORGANIZATIONS).due == 122


# --- the names ------------------------------------------------------------------------------------------------


def test_names_can_be_searched_by_name_number_and_organisation(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    assert listed(names(client, "13", "members", "?q=塘沽党员")) == {"塘沽党员"}
    assert listed(names(client, "13", "members", "?q=N-lower_member")) == {"塘沽党员"}
    assert len(listed(names(client, "13", "members", "?q=塘沽局"))) == 3
    assert listed(names(client, "13", "members", "?q=塘沽局 党员")) == {"塘沽党员"}
    empty = names(client, "13", "members", "?q=查无此人")
    assert "没有找到" in empty.content.decode()


def test_who_is_covered_is_not_listed(cast, period, as_user):
    found = listed(names(as_user(cast.user["clerk"]), "13", "members"))
    assert "检务处党员" not in found
    assert "检务处支部书记" in found


def test_own_narrows_the_list_to_the_organisation_itself(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    assert listed(names(client, "13", "leaders", "?own=1")) == {"天津局书记", "天津局分管成员"}
    assert listed(names(client, "13", "organizations", "?own=1")) == {"天津检验检疫局党组"}


def test_leaders_show_their_post_and_whether_they_have_a_duty_at_all(cast, period, as_user):
    text = names(as_user(cast.user["clerk"]), "13", "leaders").content.decode()
    assert "党组书记" in text
    assert "党支部书记" in text
    assert "本期没有点评任务" in text


def test_the_list_downloads_as_csv_and_workbook(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    Person.objects.filter(pk=cast.person["lower_member"].pk).update(name="=1+1", title="@职务")
    answer = client.get(reverse("coverage_missing_file", args=["13", "members", "csv"]) + "?period=2010H2")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["人员编号", "姓名", "单位及职务", "所属支部代码", "所属支部", "点评人", "任务期限"]
    assert len(rows) == 1 + 6
    assert ["N-lower_member", "'=1+1", "'@职务", "1321", "塘沽局综合党支部"] in [row[:5] for row in rows]
    answer = client.get(reverse("coverage_missing_file", args=["13", "members", "xlsx"]))
    sheet = load_workbook(io.BytesIO(b"".join(answer))).active
    assert sheet.max_row == 7
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert kinds <= {"s", "inlineStr"}
    organizations = client.get(reverse("coverage_missing_file", args=["13", "organizations", "csv"]))
    lines = b"".join(organizations.streaming_content).decode("utf-8-sig").splitlines()
    assert "1321,塘沽局综合党支部,党支部,132,塘沽检验检疫局党组,," in lines  # nobody has the duty yet
    assert AuditEvent.objects.filter(verb="导出").count() == 3


def test_a_download_holds_only_names_that_the_user_may_see(cast, period, as_user):
    answer = as_user(cast.user["root_clerk"]).get(reverse("coverage_missing_file", args=["1", "members", "csv"]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert "信息中心书记" in text
    assert "天津局" not in text


def test_too_long_a_list_is_offered_for_the_background(cast, period, as_user, monkeypatch):
    monkeypatch.setattr("orgs.list_files.MOST_AT_ONCE", 3)
    answer = as_user(cast.user["clerk"]).get(
        reverse("coverage_missing_file", args=["13", "members", "xlsx"]), follow=True
    )
    assert "后台生成" in answer.content.decode()


# --- junk -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/coverage/nothing/",
        "/coverage/%00/",
        "/coverage/13/?period=2010H9",
        "/coverage/13/?period=%00",
        "/coverage/13/?measure=everything",
        "/coverage/13/missing/everything/",
        "/coverage/13/missing/members/?period=x",
        "/coverage/13/missing/members.exe",
        "/coverage/13/missing/everything.csv",
    ],
)
def test_junk_is_not_found(cast, period, as_user, path):
    assert as_user(cast.user["clerk"]).get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["?page=x", "?page=-1", "?page=99999999999999999999", "?sort=%27", "?q=%00%25", "?own=x", "?period="]
)
def test_a_junk_page_or_search_is_harmless(cast, period, as_user, query):
    client = as_user(cast.user["clerk"])
    assert page(client, "13", query).status_code == 200
    assert names(client, "13", "members", query).status_code == 200


def test_a_visitor_must_log_in(cast, period, client):
    assert client.get(reverse("coverage")).status_code == 302
    assert page(client, "13").status_code == 302


# --- cost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["root_clerk", "bureau_head"])
def test_the_number_of_queries_does_not_grow_with_the_data(cast, period, as_user, part, django_assert_max_num_queries):
    client = as_user(cast.user[part])

    def counted(path):
        with django_assert_max_num_queries(60) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    paths = ["/coverage/13/", *(f"/coverage/13/missing/{measure}/" for measure in Measure)]

    def grown(numbers):
        for number in numbers:
            branch = make_org(f"131{number + 50}", parent=cast.org["131"])
            make_org(f"13{number + 50}", parent=cast.org["13"])
            for _ in range(3):
                make_person("", branch)
            builders.make_head(branch, branch)
        synced(period)

    grown(range(1))  # the first who has no account to be urged by is looked up
    before = [counted(path) for path in paths]
    grown(range(1, 12))
    assert [counted(path) for path in paths] == before
    assert max(before) <= 25


def test_the_page_folds_when_many_changes_wait(cast, period, as_user, monkeypatch):
    monkeypatch.setattr(coverage, "PENDING_IS_MANY", 3)
    assert page(as_user(cast.user["clerk"]), "13").status_code == 200
    assert not CoverageChange.objects.exists()


def test_after_a_transfer_and_a_new_derivation_the_name_is_found_at_the_new_branch(cast, period, as_user):
    people.transfer(cast.person["lower_member"], to=cast.org["1311"], on=day("2010-12-01"), by=None)
    synced(period)
    clerk = make_user(username="below", office=cast.org["132"])
    assert "塘沽党员" not in listed(names(as_user(clerk), "132", "members"))
    assert "塘沽党员" in listed(names(as_user(cast.user["clerk"]), "131", "members"))


# --- as of a past day, and in any order ----------------------------------------------------------------------------


def test_a_past_day_shows_what_had_been_held_and_entered_by_then(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    CoverageTarget.objects.update(since=day("2010-11-01"))
    record = make_bare_record(
        period, cast.org["131"], of_person=cast.person["secretary"], about=cast.org["1311"], held_on=day("2010-11-05")
    )
    Record.objects.filter(pk=record.pk).update(confirmed_at="2010-11-20T08:00:00Z")
    with transaction.atomic():
        targets.confirmed(record)

    def done(on):
        return page(client, "13", f"?on={on}").context["total"].figure(Measure.MEMBERS).done

    assert [done(on) for on in ("2010-11-04", "2010-11-10", "2010-11-20", "2010-12-10", "2011-05-05")] == [
        1,
        1,
        2,
        2,
        2,
    ]
    then = page(client, "13", "?on=2010-11-10")
    assert "2010年11月10日结束时的情况" in then.content.decode()
    link = next(cell.names_url for cell in then.context["page_obj"][1].cells if cell.measure == Measure.MEMBERS)
    assert "on=2010-11-10" in link
    assert "检务处支部书记" in listed(client.get(link))
    assert "检务处支部书记" not in listed(client.get(link.replace("11-10", "11-20")))
    assert "检务处支部书记" in client.get(link.replace("members/", "members.csv")).getvalue().decode()


def test_a_transfer_and_a_voiding_of_today_change_no_past_day(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    CoverageTarget.objects.update(since=day("2010-11-01"))
    Record.objects.update(confirmed_at="2010-11-20T08:00:00Z")
    before = [page(client, code, "?on=2010-12-05").context["total"] for code in ("13", "132", "131")]
    record = Record.objects.get()
    personnel.transfer(
        [cast.person["lower_member"]], to=cast.org["1311"], on=day("2010-12-10"), reason="调动", by=cast.user["admin"]
    )
    with transaction.atomic():
        Record.objects.filter(pk=record.pk).update(state="voided", voided_at="2010-12-10T08:00:00Z")
        targets.voided(record)
    synced(period)
    after = [page(client, code, "?on=2010-12-05").context["total"] for code in ("13", "132", "131")]
    figures = [[cell.figure for cell in line.cells] for line in before]
    assert [[cell.figure for cell in line.cells] for line in after] == figures
    assert page(client, "13").context["total"].figure(Measure.MEMBERS).done == 0
    assert "塘沽党员" in listed(names(client, "132", "members", "?on=2010-12-05"))
    assert "塘沽党员" not in listed(names(client, "132", "members"))


def test_a_day_before_there_was_anything_says_so(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    before = page(client, "13", "?on=2010-06-20")
    assert "开始（2010年7月1日）以前" in before.content.decode()
    assert "0%" not in before.content.decode()
    assert "还没有生成本期任务" in page(client, "13", "?on=2010-12-09").content.decode()


def test_a_day_that_is_none_is_said(cast, period, as_user):
    answer = page(as_user(cast.user["clerk"]), "13", "?on=2010-02-31")
    assert answer.status_code == 200
    assert answer.context["on"] is None


@pytest.mark.parametrize(
    ("sort", "expected"), [("rate", ["132", "131"]), ("best", ["131", "132"]), ("due", ["131", "132"])]
)
def test_children_are_sorted_by_any_column(cast, period, as_user, sort, expected):
    found = page(as_user(cast.user["clerk"]), "13", f"?sort={sort}&measure=members")
    assert [line.org.code for line in found.context["page_obj"] if line.org] == expected
