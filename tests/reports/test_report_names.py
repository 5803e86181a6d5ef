"""Who stands behind each number of a report that was sent: frozen, told apart, and named only to who may see names."""

import csv
import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs import list_files
from orgs.models import AuditEvent, Person
from reports import exports, report_names, reporting, submissions
from reports.models import ProgressNames, ProgressReport
from reports.report_differences import differences
from reports.report_names import HOLDS, Name, Part, Standing
from reviews import coverage as targets
from reviews.models import CoverageTarget, Measure, RecordState
from tests.builders import day, make_bare_record, make_period, make_person
from tests.reports.submitting import send


@pytest.fixture
def period(cast, in_2010):
    """The period, with the roster of the day."""
    found = make_period()
    targets.sync(found, day("2010-12-10"))
    return found


def reviewed(cast, period, *, who="secretary", target="member", about="1311"):
    record = make_bare_record(
        period, cast.org[about], cast.person[who], of_person=cast.person[target], held_on=day("2010-12-01")
    )
    targets.confirmed(record)
    return record


def behind(report, code, measure, part):
    """The names of a part of a line."""
    row = report.rows.get(organization__code=code)
    return sorted(name.name for name in report_names.of_row(row, measure) if name.standing in HOLDS[part])


def test_packing_keeps_every_name():
    names = [
        Name(7, "N-7", "王小明", 3, "1311", "检务处党支部", "2010-12-01", Standing.NEW),
        Name(3, "1311", "检务处党支部", 3, "1311", "检务处党支部", "", Standing.MISSING),
    ]
    assert report_names.unpack(report_names.pack(names)) == names


def test_every_number_of_a_line_is_the_length_of_its_list(cast, period):
    reviewed(cast, period)
    report = send(cast.org["13"], period)
    checked = 0
    for row in report.rows.exclude(basis="accepted"):
        for measure in Measure:
            names = report_names.of_row(row, measure)
            count = {part: sum(name.standing in HOLDS[part] for name in names) for part in Part}
            assert count[Part.DUE] == getattr(row, f"due_{measure}")
            assert count[Part.DONE] == getattr(row, f"done_{measure}")
            assert count[Part.NEW] == getattr(row, f"new_{measure}")
            checked += len(names)
    assert checked == CoverageTarget.objects.filter(period=period, organization__code__in=["13", "131", "1311"]).count()


def test_a_line_that_rests_on_a_report_below_keeps_no_list_of_its_own(cast, period):
    report = send(cast.org["13"], period)
    assert not report.rows.get(organization__code="132").names.exists()
    below = ProgressReport.objects.get(organization=cast.org["132"])
    assert behind(below, "1321", Measure.MEMBERS, Part.DUE) == ["塘沽党员", "塘沽局书记", "塘沽支部书记"]


def test_names_stay_as_they_were_when_sent(cast, period):
    record = reviewed(cast, period)
    report = send(cast.org["13"], period)
    Person.objects.filter(pk=cast.person["member"].pk).update(name="改了名字")
    record.state = RecordState.VOIDED
    record.save()
    targets.voided(record)
    assert behind(report, "131", Measure.MEMBERS, Part.DONE) == ["检务处党员"]


def test_new_and_gone_are_told_apart_from_before(cast, period):
    first = reviewed(cast, period)
    reviewed(cast, period, target="bureau_head")
    submissions.accept(send(cast.org["13"], period), by=cast.user["root_clerk"])
    first.state = RecordState.VOIDED
    first.save()
    targets.voided(first)
    reviewed(cast, period, target="secretary", who="bureau_head")
    report = send(cast.org["13"], period, correction_note="一份作废")
    row = report.rows.get(organization__code="131")
    told = sorted((name.name, name.standing) for name in report_names.of_row(row, Measure.MEMBERS))
    assert told == sorted(
        [
            ("天津局书记", Standing.BEFORE),
            ("天津局分管成员", Standing.MISSING),
            ("检务处党员", Standing.MISSING),
            ("检务处党员", Standing.GONE),
            ("检务处支部书记", Standing.NEW),
        ]
    )
    assert row.new_members == 0


def test_sent_again_the_list_is_of_then(cast, period):
    report = send(cast.org["132"], period)
    kept = ProgressNames.objects.filter(row__report=report).count()
    submissions.take_back(report, by=cast.user["lower_head"])
    reviewed(cast, period, who="lower_secretary", target="lower_member", about="1321")
    submissions.submit(report, by=cast.user["lower_head"])
    assert behind(report, "1321", Measure.MEMBERS, Part.DONE) == ["塘沽党员"]
    assert ProgressNames.objects.filter(row__report=report).count() == kept


# --- pages ------------------------------------------------------------------------------------------------------


def names_url(report, code, measure="members", part="due"):
    line = report.rows.get(organization__code=code).order if code else 0
    return reverse("progress_names", args=[report.pk, line, measure, part])


def test_one_click_on_a_figure_shows_the_names(cast, period, as_user):
    reviewed(cast, period)
    report = send(cast.org["13"], period)
    client = as_user(cast.user["clerk"])
    page = client.get(reverse("progress_report", args=[report.pk])).text
    url = names_url(report, "131", part="done")
    assert f'href="{url}"' in page
    shown = client.get(url).text
    assert "检务处党员" in shown
    assert "天津局分管成员" not in shown
    assert "天津局分管成员" in client.get(names_url(report, "131", part="missing")).text


def test_behind_a_unit_s_line_and_the_total_stand_the_lines_below(cast, period, as_user):
    report = send(cast.org["13"], period)
    client = as_user(cast.user["clerk"])
    below = ProgressReport.objects.get(organization=cast.org["132"])
    page = client.get(names_url(report, "132")).text
    assert "已接收的报表的合计" in page
    assert names_url(below, "1321") in page
    total = client.get(names_url(report, "")).text
    assert names_url(report, "131") in total
    assert names_url(report, "132") in total


def test_across_a_guidance_edge_there_are_counts_and_no_names(cast, period, as_user):
    report = send(cast.org["13"], period)
    page = as_user(cast.user["root_clerk"]).get(names_url(report, "131")).text
    assert "另有 4 名" in page
    assert "检务处党员" not in page
    assert "天津局机关党委" in as_user(cast.user["root_clerk"]).get(names_url(report, "131", "organizations")).text


@pytest.mark.parametrize("who", ["stranger", "member", "unit_head", "lower_head"])
def test_who_does_not_see_the_report_sees_no_names(cast, period, as_user, who):
    report = send(cast.org["13"], period)
    assert as_user(cast.user[who]).get(names_url(report, "131")).status_code == 404
    assert as_user(cast.user[who]).get(reverse("progress_differences", args=[report.pk])).status_code == 404


@pytest.mark.parametrize(
    "place", [(99, "members", "due"), (1, "nothing", "due"), (1, "members", "nothing"), (0, "members", "gone")]
)
def test_what_is_not_there_is_not_found(cast, period, as_user, place):
    report = send(cast.org["13"], period)
    url = reverse("progress_names", args=[report.pk, *place])
    assert as_user(cast.user["clerk"]).get(url).status_code == 404


def test_a_draft_has_no_names_yet(cast, period, as_user):
    report = submissions.draft(cast.org["132"], period, by=cast.user["lower_head"])
    client = as_user(cast.user["lower_head"])
    assert "/names/" not in client.get(reverse("progress_report", args=[report.pk])).text
    assert client.get(reverse("progress_names", args=[report.pk, 1, "members", "due"])).status_code == 404
    assert client.get(reverse("progress_differences", args=[report.pk])).status_code == 404


def test_a_page_of_names_asks_as_much_for_many_as_for_few(cast, period, as_user, django_assert_max_num_queries):
    for number in range(120):
        make_person(f"党员{number}", cast.org["1321"], number=f"M{number:03}")
    targets.sync(period, day("2010-12-10"))
    report = send(cast.org["132"], period)
    client = as_user(cast.user["lower_head"])
    with django_assert_max_num_queries(20):
        page = client.get(names_url(report, "1321"))
    assert page.context["page_obj"].paginator.count == 123
    assert len(page.context["entries"]) == 50


# --- as a file --------------------------------------------------------------------------------------------------


def file_url(report, code, measure="members", part="due", kind="xlsx"):
    line = report.rows.get(organization__code=code).order if code else 0
    return reverse("progress_names_file", args=[report.pk, line, measure, part, kind])


def told(answer):
    """The rows of the file."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if body.startswith(b"PK"):
        return [list(row) for row in load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)]
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


def test_the_names_of_the_page_are_in_the_file_all_of_them(cast, period, as_user):
    for number in range(60):
        make_person(f"党员{number}", cast.org["1311"], number=f"M{number:03}")
    targets.sync(period, day("2010-12-10"))
    reviewed(cast, period)
    report = send(cast.org["13"], period)
    client = as_user(cast.user["clerk"])
    answer = client.get(file_url(report, "131"))
    rows = told(answer)
    assert rows[0] == ["人员编号", "姓名", "所属支部代码", "所属支部", "情况", "完成日期"]
    kept = report_names.of_row(report.rows.get(organization__code="131"), Measure.MEMBERS)
    assert sorted(row[0] for row in rows[1:]) == sorted(name.number for name in kept)
    assert len(rows) == 65
    assert ["N-member", "检务处党员", "1311", cast.org["1311"].name, "本次新增", "2010-12-01"] in rows
    assert "%E9%99%84%E4%BB%B61" in answer["Content-Disposition"]
    assert told(client.get(file_url(report, "131", kind="csv"))) == [[cell or "" for cell in row] for row in rows]
    organizations = told(client.get(file_url(report, "131", "organizations", "missing")))
    assert organizations[0] == ["组织代码", "组织名称", "情况", "完成日期"]
    assert ["1311", cast.org["1311"].name, "未完成", None] in organizations
    assert AuditEvent.objects.filter(verb="导出", summary__contains="被点评的党员应参加点评），64 条").exists()


def test_the_page_leads_to_its_file_and_not_where_there_is_none(cast, period, as_user):
    report = send(cast.org["13"], period)
    client = as_user(cast.user["clerk"])
    for code in ("131", "132", ""):
        assert f'href="{file_url(report, code)}"' in client.get(names_url(report, code)).text
    assert file_url(report, "131", part="done") not in client.get(names_url(report, "131", part="done")).text
    assert len(told(client.get(file_url(report, "131", part="done")))) == 1  # nobody yet
    ProgressNames.objects.filter(row__report=report).delete()  # a report from before lists were kept
    assert "这一行没有保存名单" in client.get(names_url(report, "131")).text
    assert client.get(file_url(report, "131")).status_code == 404


def test_the_file_of_a_total_holds_its_lines_as_numbers(cast, period, as_user):
    reporting.explain(cast.org["132"], period, reason="合并", by=cast.user["clerk"])
    report = submissions.submit(submissions.draft(cast.org["13"], period, by=None), by=None)
    rows = told(as_user(cast.user["clerk"]).get(file_url(report, "")))
    assert rows[0] == ["单位名称", "被点评的党员应参加点评", "依据"]
    lines = {row.unit_name: row.due_members for row in report.rows.all()}
    assert {row[0]: row[1] for row in rows[1:]} == lines
    assert rows[-1][2].startswith("未报说明：合并（clerk")


def test_across_a_guidance_edge_the_file_counts_and_names_nobody(cast, period, as_user):
    report = send(cast.org["13"], period)
    rows = told(as_user(cast.user["root_clerk"]).get(file_url(report, "131")))
    assert [row[1] for row in rows[1:]] == [report_names.unnamed(4, Measure.MEMBERS)]
    assert "另有 4 名" in rows[1][1]


def test_page_and_file_say_that_new_ones_are_not_told_apart(cast, period, as_user):
    reviewed(cast, period)
    report = send(cast.org["13"], period)
    client = as_user(cast.user["clerk"])
    said = "上一份报表没有保存名单，这里列出累计完成的全部 1，其中 0 上一份报表已计入，本次新增为 1。"
    assert said not in client.get(names_url(report, "131", part="new")).text
    ProgressNames.objects.update(knows_new=False)
    assert said in client.get(names_url(report, "131", part="new")).text
    rows = told(client.get(file_url(report, "131", part="new")))
    assert [row[1] for row in rows[1:]] == ["检务处党员", said]
    assert "没有保存名单" not in client.get(names_url(report, "131", part="done")).text


def test_the_file_is_for_who_sees_the_report_in_the_two_kinds_there_are(cast, period, as_user):
    report = send(cast.org["13"], period)
    url = file_url(report, "131")
    for who in ("stranger", "member", "lower_head"):
        assert as_user(cast.user[who]).get(url).status_code == 404
    client = as_user(cast.user["clerk"])
    for junk in (url.replace(".xlsx", ".exe"), url.replace("members", "nothing"), url.replace("due", "gone")):
        assert client.get(junk).status_code == 404
    assert client.get(reverse("progress_names_file", args=[report.pk, 99, "members", "due", "csv"])).status_code == 404


def test_too_many_names_for_a_download_are_written_in_the_background(cast, period, as_user, monkeypatch):
    report = send(cast.org["13"], period)
    monkeypatch.setattr(list_files, "MOST_AT_ONCE", 3)
    client = as_user(cast.user["clerk"])
    page = client.get(file_url(report, "131"), follow=True)
    assert "4</b> 行" in page.text
    export = exports.ask_list(file_url(report, "131"), by=cast.user["clerk"])
    assert exports.run(export.pk)
    assert len(told(client.get(reverse("export_file", args=[export.pk])))) == 5
    assert len(told(client.get(file_url(report, "131", kind="csv")))) == 5


# --- differences ------------------------------------------------------------------------------------------------


def test_why_a_line_differs_is_told_by_name(cast, period, as_user):
    record = reviewed(cast, period)
    report = send(cast.org["13"], period)
    record.state = RecordState.VOIDED
    record.save()
    targets.voided(record)
    reviewed(cast, period, target="bureau_head")
    make_person("新来的党员", cast.org["1311"], number="N-new")
    targets.sync(period, day("2010-12-10"))
    (line,) = [each for each in differences(report, cast.user["clerk"]) if each.measure == "被点评的党员"]
    told = {reason.words: [name.name for name in reason.names] for reason in line.reasons}
    assert told == {
        "上报以后列入": ["新来的党员"],
        "上报以后完成": ["天津局书记"],
        "上报以后不再算完成": ["检务处党员"],
    }
    assert (line.due, line.due_now, line.done, line.done_now) == (4, 5, 1, 1)
    page = as_user(cast.user["clerk"]).get(reverse("progress_differences", args=[report.pk])).text
    assert "上报以后列入 1：新来的党员" in page
    above = as_user(cast.user["root_clerk"]).get(reverse("progress_differences", args=[report.pk])).text
    assert "另有 1 不在您可以看名单的范围内" in above
    assert "新来的党员" not in above


def test_what_a_unit_has_not_reported_yet_leads_to_its_own_report(cast, period, as_user):
    report = send(cast.org["13"], period)
    below = ProgressReport.objects.get(organization=cast.org["132"])
    reviewed(cast, period, who="lower_secretary", target="lower_member", about="1321")
    page = as_user(cast.user["clerk"]).get(reverse("progress_differences", args=[report.pk])).text
    assert "现在的数字它还没有报来" in page
    assert reverse("progress_differences", args=[below.pk]) in page


def test_an_explained_unit_differs_by_what_it_had_done(cast, period, as_user):
    reviewed(cast, period, who="lower_secretary", target="lower_member", about="1321")
    reporting.explain(cast.org["132"], period, reason="合并", by=None)
    report = submissions.submit(submissions.draft(cast.org["13"], period, by=None), by=None)
    page = as_user(cast.user["clerk"]).get(reverse("progress_differences", args=[report.pk])).text
    assert "上报时累计按零计算" in page


def test_figures_of_now_of_units_out_of_sight_stand_together(cast, period, as_user):
    """What was sent is a document and seen whole; how an unseen unit stands now is not told by its name."""
    report = send(cast.org["13"], period)
    reviewed(cast, period, who="lower_secretary", target="lower_member", about="1321")
    reviewed(cast, period)
    found = differences(report, cast.user["member_in_charge"])
    told = [(line.unit_name, line.measure, line.done, line.done_now) for line in found]
    assert told == [
        ("天津局机关党委", "参加点评的领导", 0, 1), ("天津局机关党委", "被点评的党员", 0, 1),
        ("其他下级（1 个）", "参加点评的领导", 0, 1), ("其他下级（1 个）", "被点评的党员", 0, 1),
    ]  # fmt: skip
    assert [line.unit_name for line in differences(report, cast.user["clerk"])].count("塘沽检验检疫局党组") == 2
    browser = as_user(cast.user["member_in_charge"])
    page = browser.get(reverse("progress_differences", args=[report.pk])).text
    assert "塘沽" not in page
    assert "合为一行" in page
    whole = browser.get(reverse("progress_report", args=[report.pk]))
    assert {line.unit_name for line in whole.context["differences"]} == {"天津局机关党委", "其他下级（1 个）"}
    assert "塘沽检验检疫局党组" in whole.text


def test_every_name_of_a_difference_is_in_the_file(cast, period, as_user):
    report = send(cast.org["13"], period)
    for number in range(25):
        make_person(f"新来{number:02}", cast.org["1311"], number=f"NEW{number:02}")
    targets.sync(period, day("2010-12-10"))
    reviewed(cast, period, who="lower_secretary", target="lower_member", about="1321")
    client = as_user(cast.user["clerk"])
    url = reverse("progress_differences_file", args=[report.pk, "xlsx"])
    page = client.get(reverse("progress_differences", args=[report.pk])).text
    assert f'等 25，<a href="{url}">全部在 Excel 里</a>' in page
    assert "新来19" in page
    assert "新来20" not in page
    rows = told(client.get(url))
    joined = [row for row in rows if row[6] == "上报以后列入"]
    assert [row[8] for row in joined] == [f"新来{number:02}" for number in range(25)]
    assert joined[0][:6] == ["天津局机关党委", "被点评的党员", 4, 29, 0, 0]
    assert joined[0][7:] == ["NEW00", "新来00", "1311", cast.org["1311"].name]
    assert [row[6] for row in rows if row[0] == "塘沽检验检疫局党组"] == [
        "上报的是该单位已接收的报表，现在的数字它还没有报来。"
    ] * 2
    csv_rows = told(client.get(reverse("progress_differences_file", args=[report.pk, "csv"])))
    assert csv_rows == [["" if cell is None else str(cell) for cell in row] for row in rows]
    assert list_files.told_at(url, cast.user["clerk"]).count == len(rows) - 1


def test_the_file_of_differences_names_whom_the_page_names(cast, period, as_user):
    report = send(cast.org["13"], period)
    make_person("新来的党员", cast.org["1311"], number="N-new")
    targets.sync(period, day("2010-12-10"))
    url = reverse("progress_differences_file", args=[report.pk, "xlsx"])
    above = told(as_user(cast.user["root_clerk"]).get(url))
    assert [row[8] for row in above[1:]] == ["另有 1 不在您可以看名单的范围内"]
    for who in ("stranger", "member", "lower_head"):
        assert as_user(cast.user[who]).get(url).status_code == 404
    assert as_user(cast.user["clerk"]).get(url.replace(".xlsx", ".exe")).status_code == 404
    draft = submissions.draft(cast.org["12"], period, by=None)
    nothing = reverse("progress_differences_file", args=[draft.pk, "xlsx"])
    assert as_user(cast.user["admin"]).get(nothing).status_code == 404
