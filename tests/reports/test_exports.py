"""The summary workbook: its sums are live and right, it is its owner's alone, made once, and gone after a week."""

from __future__ import annotations

import csv
import datetime
import io

import openpyxl
import pytest
import xlsxwriter
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from orgs import clock, jobs, list_files, lists
from orgs.errors import Forbidden
from orgs.models import Grant
from reports import coverage, exports, summary
from reports.coverage import Figure
from reports.models import Export, ExportState
from reviews import coverage as targets
from reviews import duties
from reviews.models import Measure
from tests.builders import day, make_charge, make_org, make_post
from tests.libreoffice import converted
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast):
    made = make_cases(cast)
    made.confirmed()
    made.confirmed_branch()
    with transaction.atomic():
        targets.sync(made.period, day("2010-12-10"))
    return made


def opened(export, **options):
    with export.file.open("rb") as stream:
        return openpyxl.load_workbook(stream, **options)


def numbers(sheet, columns):
    """Code -> the figures of some columns."""
    return {
        row[0]: [row[at] or 0 for at in columns] for row in sheet.iter_rows(min_row=summary.HEAD + 1, values_only=True)
    }


def figures(found):
    return [n for measure in summary.MEASURES for n in (found[measure].due, found[measure].done)]


def test_its_figures_are_those_of_the_page(cases, cast):
    export = exports.ask(cast.org["13"], cases.period, by=cast.user["clerk"])
    assert (export.state, export.organizations) == (ExportState.DONE, len(numbers(opened(export)["全部组织"], [0])))
    told = numbers(opened(export, data_only=True)["全部组织"], [10, 11, 13, 14, 16, 17])
    below = [line.org for line in summary.lines(cases.period, cast.org["13"], cast.user["clerk"])]
    live = coverage.totals(cases.period, below)
    assert told == {org.code: figures(live[org.pk]) for org in below}
    rows = opened(export, data_only=True)["汇总"]
    by_child = coverage.by_child(cases.period, cast.org["13"])
    listed = list(rows.iter_rows(min_row=summary.HEAD + 1, values_only=True))
    assert [[row[at] for at in (2, 3, 5, 6, 8, 9)] for row in listed[:-1]] == [figures(row.figures) for row in by_child]
    assert [listed[-1][at] for at in (2, 3, 5, 6, 8, 9)] == figures(live[cast.org["13"].pk])
    assert sum(figures(live[cast.org["13"].pk])) > 0


def test_children_that_he_does_not_see_stand_together_as_on_the_page(cases, cast, as_user):
    """本级 is the organisation's own, whoever looks; the sums of the rows are those of the page."""
    browser, user = as_user(cast.user["member_in_charge"]), cast.user["member_in_charge"]
    page = browser.get(reverse("coverage_org", args=["13"]), {"period": "2010H2"})
    export = exports.ask(cast.org["13"], cases.period, by=user)
    book = opened(export, data_only=True)
    rows = list(book["汇总"].iter_rows(min_row=summary.HEAD + 1, values_only=True))
    shown = [*page.context["page_obj"], page.context["total"]]
    assert (
        [row[1] for row in rows]
        == ["本级", "天津局机关党委", "其他下级（1 个）", "合计"]
        == [line.name for line in shown]
    )
    assert [[row[at] for at in (2, 3, 5, 6, 8, 9)] for row in rows] == [
        [n for measure in summary.MEASURES for n in (line.figure(measure).due, line.figure(measure).done)]
        for line in shown
    ]
    assert sum(cell for row in rows[2:3] for cell in (row[2], row[5], row[8])) > 0
    every = list(book["全部组织"].iter_rows(min_row=summary.HEAD + 1, values_only=True))
    assert [row[1].strip() for row in every] == [
        "天津检验检疫局党组", "天津局机关党委", "天津局检务处党支部", "其他下级（1 个）",
    ]  # fmt: skip
    for own, total in ((4, 10), (5, 11), (6, 13), (7, 14), (8, 16), (9, 17)):
        assert sum(row[own] for row in every) == every[0][total]
    assert not any("塘沽" in str(cell) for row in every for cell in row)
    assert export.organizations == 3


def test_what_he_sees_below_an_unseen_child_counts_once(cases, cast):
    """A branch in his charge two levels down stands below the line of the children that he does not see."""
    make_post(cast.person["unit_deputy"], cast.org["13"], "成员")
    make_charge(cast.person["unit_deputy"], cast.org["13"], cast.org["1321"])
    found = summary.lines(cases.period, cast.org["13"], cast.user["unit_deputy"])
    assert [(line.name, line.below) for line in found] == [
        ("天津检验检疫局党组", 2), ("其他下级（2 个）", 1), ("塘沽局综合党支部", 0),
    ]  # fmt: skip
    assert coverage.added(line.own for line in found) == found[0].total
    assert found[0].own == coverage.own(cases.period, cast.org["13"])
    assert coverage.added(line.own for line in found[1:]) == found[1].total


def test_calc_comes_to_the_same_sums(cases, cast, as_user, tmp_path):
    """LibreOffice opens the file that is downloaded, computes every formula anew and agrees with what stands beside it."""
    export = exports.ask(cast.org["1"], cases.period, by=cast.user["admin"])
    answer = as_user(cast.user["admin"]).get(reverse("export_file", args=[export.pk]))
    files = {"downloaded.xlsx": b"".join(answer.streaming_content), "wrong.xlsx": wrongly_stored()}
    made = converted(files, tmp_path, "xlsx")
    told, stored, computed = (
        openpyxl.load_workbook(io.BytesIO(data), data_only=is_value)
        for data, is_value in ((files["downloaded.xlsx"], False), (files["downloaded.xlsx"], True), (made["downloaded.xlsx"], True))
    )  # fmt: skip
    formulas = 0
    for sheet in told:
        for row in sheet.iter_rows():
            for cell in row:
                want, got = (book[sheet.title][cell.coordinate].value or 0 for book in (stored, computed))
                assert got == pytest.approx(want), (sheet.title, cell.coordinate, cell.value)
                formulas += cell.data_type == "f"
    assert formulas > 50
    # What is stored wrongly comes out right: it was computed, not copied.
    assert openpyxl.load_workbook(io.BytesIO(made["wrong.xlsx"]), data_only=True).active["A1"].value == 2


def test_a_rate_is_cut_as_on_the_page(cases, cast, tmp_path):
    """Nobody missing is 100%; one of ten thousand missing is not. What is computed is what is stored."""
    made = tmp_path / "made.xlsx"
    figures = [Figure(10_000, 9_999), Figure(1000, 570), Figure(3, 3), Figure(0, 0), Figure(7, 2)]
    lines = [
        summary.Line(cast.org["13"], dict.fromkeys(Measure, each), dict.fromkeys(Measure, each)) for each in figures
    ]
    summary.write(made, cases.period, lines)
    computed = converted({"made.xlsx": made.read_bytes()}, tmp_path / "calc", "xlsx")["made.xlsx"]
    for data in (made.read_bytes(), computed):
        rows = openpyxl.load_workbook(io.BytesIO(data), data_only=True)["全部组织"]
        rates = [row[12] for row in rows.iter_rows(min_row=summary.HEAD + 1, values_only=True)]
        assert [round(rate * 100, 1) if rate else None for rate in rates] == [each.rate for each in figures]
        assert [f"{rate:.1%}" for rate in rates if rate] == ["99.9%", "57.0%", "100.0%", "28.5%"]


def wrongly_stored():
    """A workbook of one formula with a false value beside it."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        book.add_worksheet().write_formula(0, 0, "=1+1", None, 3)
    return stream.getvalue()


def test_names_are_never_formulas(cases, cast):
    make_org("13101", parent=cast.org["131"], name="=1+1")
    export = exports.ask(cast.org["13"], cases.period, by=cast.user["clerk"])
    cells = [
        cell for row in opened(export)["全部组织"].iter_rows(max_col=4) for cell in row if "=1+1" in str(cell.value)
    ]
    assert [cell.data_type for cell in cells] == ["s"]


def test_only_its_owner_has_it(cases, cast, as_user):
    page = as_user(cast.user["clerk"]).post(reverse("export_ask", args=["13"]), {"period": "2010H2"}, follow=True)
    export = Export.objects.get()
    assert f"{export.organizations} 个组织" in page.content.decode()
    url = reverse("export_file", args=[export.pk])
    answer = as_user(cast.user["clerk"]).get(url)
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    for other in ("admin", "root_clerk", "secretary"):
        browser = as_user(cast.user[other])
        assert browser.get(url).status_code == 404
        assert browser.post(reverse("export_delete", args=[export.pk])).status_code == 404
        assert "还没有导出的文件" in browser.get(reverse("export_list")).content.decode()
    assert (
        as_user(cast.user["stranger"]).post(reverse("export_ask", args=["13"]), {"period": "2010H2"}).status_code == 404
    )
    with pytest.raises(Forbidden):
        exports.ask(cast.org["12"], cases.period, by=cast.user["clerk"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exports, "MOST", 1)
        with pytest.raises(exports.ExportRefused, match="已有 1 个"):
            exports.ask(cast.org["131"], cases.period, by=cast.user["clerk"])


def test_files_go_when_they_are_deleted_and_after_a_week(cases, cast, as_user, django_capture_on_commit_callbacks):
    first, second = (exports.ask(cast.org[code], cases.period, by=cast.user["clerk"]) for code in ("13", "131"))
    storage = first.file.storage
    with django_capture_on_commit_callbacks(execute=True):
        as_user(cast.user["clerk"]).post(reverse("export_delete", args=[first.pk]))
    assert not storage.exists(first.file.name)
    assert exports.remove_old() == 0
    Export.objects.update(created_at=timezone.now() - datetime.timedelta(days=exports.KEPT_DAYS, minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert exports.remove_old() == 1
    assert not storage.exists(second.file.name)
    assert not Export.objects.exists()


def test_a_large_one_is_made_in_the_background_once(
    cases, cast, as_user, monkeypatch, django_capture_on_commit_callbacks
):
    launched = []
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    monkeypatch.setattr(jobs, "launch", lambda *what: launched.append(what))
    with django_capture_on_commit_callbacks(execute=True):
        export = exports.ask(cast.org["13"], cases.period, by=cast.user["clerk"])
        assert exports.ask(cast.org["13"], cases.period, by=cast.user["clerk"]) == export
    assert launched == [("reports.tasks.run_export", "run_export", export.pk)]
    browser = as_user(cast.user["clerk"])
    assert "hx-trigger" in browser.get(reverse("export_list")).content.decode()
    assert exports.run(export.pk)
    assert not exports.run(export.pk)
    part = browser.get(reverse("export_list"), headers={"HX-Request": "true"}).content.decode()
    assert "下载" in part
    assert "hx-trigger" not in part
    assert "<html" not in part


def test_what_was_deleted_or_died_meanwhile_leaves_no_file(cases, cast, monkeypatch, settings):
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    monkeypatch.setattr(jobs, "launch", lambda *what: None)
    export = exports.ask(cast.org["13"], cases.period, by=cast.user["clerk"])
    real = summary.write

    def gone(*args):
        Export.objects.filter(pk=export.pk).delete()
        real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(summary, "write", gone)
        assert exports.run(export.pk)
    assert not list((settings.MEDIA_ROOT / "exports").glob("*.xlsx"))
    other = exports.ask(cast.org["131"], cases.period, by=cast.user["clerk"])
    Export.objects.filter(pk=other.pk).update(
        state=ExportState.WRITING, run="x", touched_at=timezone.now() - datetime.timedelta(seconds=jobs.DEAD_AFTER + 5)
    )
    exports.progress_path(other).unlink(missing_ok=True)
    other.refresh_from_db()
    assert exports.notice_death(other).state == ExportState.INTERRUPTED


def test_its_rows_cost_no_queries_of_their_own(cases, cast):
    def asked():
        with CaptureQueriesContext(connection) as found:
            summary.lines(cases.period, cast.org["1"], cast.user["admin"])
        return len(found)

    asked()  # folds what is pending
    before = asked()
    for number in range(30):
        make_org(f"1311{number:02d}9", parent=cast.org["131"])
    assert asked() == before


# --- a long list of any page ------------------------------------------------------------------------------------------


@pytest.fixture
def launched(monkeypatch):
    found = []
    monkeypatch.setattr(jobs, "launch", lambda *what: found.append(what))
    monkeypatch.setattr(list_files, "MOST_AT_ONCE", 1)
    return found


def test_a_long_list_is_offered_and_made_as_its_page_shows_it(
    cases, cast, as_user, launched, django_capture_on_commit_callbacks
):
    duties.regenerate(cases.period, on=clock.today())
    browser, query = as_user(cast.user["clerk"]), {"period": "2010H2", "q": "支部"}
    answer = browser.get(reverse("coverage_missing_file", args=["13", "members", "xlsx"]), query)
    assert not Export.objects.exists()  # a link alone makes nothing
    page = browser.get(answer.url).content.decode()
    assert "未被点评的党员" in page
    assert "查找：支部" in page
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):  # a double click
            assert browser.post(answer.url).url == reverse("export_list")
    export = Export.objects.get()
    assert launched == [("reports.tasks.run_export", "run_export", export.pk)]
    assert exports.run(export.pk)
    assert "未被点评的党员" in browser.get(reverse("export_list")).content.decode()
    short = browser.get(reverse("coverage_missing_file", args=["13", "members", "csv"]), query)
    lines = list(csv.reader(io.StringIO(b"".join(short).decode("utf-8-sig"))))
    book = openpyxl.load_workbook(io.BytesIO(b"".join(browser.get(reverse("export_file", args=[export.pk])))))
    rows = [[cell.value or "" for cell in row] for row in book.active.iter_rows()]
    assert rows == lines
    assert len(rows) > 2
    assert Export.objects.get().organizations == len(rows) - 1
    other = as_user(cast.user["stranger"])
    assert other.get(reverse("export_file", args=[export.pk])).status_code == 404
    assert other.get(answer.url).status_code == 404
    other.post(answer.url)
    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "args", "query"),
    [
        ("people_export", [], {"q": "局"}),
        ("organizations_export", [], {"sort": "code", "on": "2010-12-01"}),
        ("organization_roster", ["13"], {"on": "soon"}),
        ("coverage_table", ["13"], {"period": "2010H2"}),
        ("coverage_details_file", ["13"], {"period": "2010H2"}),
        ("gaps_export", [], {"period": "2010H2"}),
    ],
)
def test_every_list_is_written_in_the_background_as_it_is_downloaded(cases, cast, as_user, launched, name, args, query):
    duties.regenerate(cases.period, on=clock.today())
    address = f"{reverse(name, args=args)}?{urlencode(query)}"
    browser = as_user(cast.user["clerk"])
    assert browser.get(address).url == f"{reverse('export_long')}?{urlencode({'of': address})}"
    export = exports.ask_list(address, by=cast.user["clerk"])
    assert exports.run(export.pk)
    export.refresh_from_db()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(list_files, "MOST_AT_ONCE", 100_000)
        short = openpyxl.load_workbook(io.BytesIO(b"".join(browser.get(address))))
    assert values(opened(export)) == values(short)
    assert sum(len(sheet) - 1 for sheet in values(short).values()) == export.organizations > 0


def values(book):
    """Title of a sheet -> its rows."""
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}


@pytest.mark.parametrize(
    "address", ["", "/", "/people/", "//elsewhere/people.xlsx", "http://[", "/coverage/13/missing/members.csv", "/x\ny"]
)
def test_what_is_no_long_list_is_refused(cases, cast, as_user, launched, address):
    browser, url = as_user(cast.user["clerk"]), f"{reverse('export_long')}?{urlencode({'of': address})}"
    assert browser.get(url).status_code == 404
    assert browser.post(url).status_code == 302
    assert not Export.objects.exists()


def test_who_may_see_nothing_any_more_gets_no_list(cases, cast, launched):
    export = exports.ask_list(reverse("coverage_missing_file", args=["13", "members", "xlsx"]), by=cast.user["clerk"])
    Grant.objects.filter(user=cast.user["clerk"]).delete()
    assert exports.run(export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.REFUSED
    assert "不能查看" in export.note
    assert not export.file


def test_who_lost_his_seat_takes_no_file_any_more(cases, cast, as_user, launched):
    made = [
        exports.ask(cast.org["13"], cases.period, by=cast.user["clerk"]),
        exports.ask_list(reverse("coverage_missing_file", args=["13", "members", "xlsx"]), by=cast.user["clerk"]),
    ]
    assert exports.run(made[1].pk)
    browser = as_user(cast.user["clerk"])
    urls = [reverse("export_file", args=[export.pk]) for export in made]
    assert [browser.get(url).status_code for url in urls] == [200, 200]
    Grant.objects.filter(user=cast.user["clerk"]).delete()
    answers = [browser.get(url) for url in urls]
    assert [answer.status_code for answer in answers] == [403, 409]
    assert "不能查看" in answers[1].text


def test_a_list_goes_on_on_the_next_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "MOST_ON_A_SHEET", 2)
    path, told = tmp_path / "list.xlsx", []
    columns, rows = [("编号", 10), ("数", 6)], [(f"=A{number}", number) for number in range(5)]
    assert lists.write(path, [lists.Sheet("名单", columns, rows, 5)], lambda *what: told.append(what)) == 5
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["名单", "名单（2）", "名单（3）"]
    found = [[tuple(cell.value for cell in row) for row in sheet.iter_rows()] for sheet in book]
    assert [part[0] for part in found] == [("编号", "数")] * 3
    assert [row for part in found for row in part[1:]] == rows
    first = book["名单"]["A2"]
    assert (first.data_type, first.number_format, first.quotePrefix) == ("s", "@", True)
    assert told[-1] == ("written", 5)
    assert lists.write(tmp_path / "empty.xlsx", [lists.Sheet("空", [("编号", 10)], [], 0)]) == 0
