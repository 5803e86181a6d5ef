"""Forms for units outside the system: issued, filled in, read back with checks, taken in once."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from orgs.errors import Forbidden, Stale
from orgs.models import AuditEvent
from reports import reporting, submissions
from reports.annexes import one
from reports.annexes.one import Numbers, RowFigures
from reports.models import OutsideIssue, ProgressReport, ReturnedForm, Way
from reports.outside import figures, issues, reading, returns, workbook
from reports.outside.figures import Answer, Line
from reports.outside.workbook import Form, Identity
from tests import builders
from tests.libreoffice import converted
from tests.reports.outside_cases import FULL, filled, make_outside, uploaded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    return builders.make_period()


@pytest.fixture
def unit(cast):
    return make_outside(cast)


@pytest.fixture
def issue(cast, unit, period):
    return issues.issue_form(unit, period, by=cast.user["root_clerk"])


def taken(cast, issue, *args, accept=True, **values):
    """Its form filled in, taken in and accepted."""
    returned = uploaded(cast, filled(issues.file_of(issue), *args, **values), issue.period)
    assert returned.problems == []
    report = returns.take(returned, by=cast.user["root_clerk"])
    return submissions.accept(report, by=cast.user["root_clerk"]) if accept else report


# --- there and back -------------------------------------------------------------------------------------------------


def test_a_form_that_was_filled_in_becomes_the_units_report(cast, issue):
    returned = uploaded(cast, filled(issues.file_of(issue), extra={"朝阳分局": (3, 1, 20, 1, 0, 5)}), issue.period)
    assert returned.problems == []
    assert not ProgressReport.objects.exists(), "a preview writes no report"
    report = returns.take(returned, by=cast.user["root_clerk"])
    assert (report.state, report.source, report.reported_on) == ("submitted", "form", builders.day("2010-12-10"))
    assert [(row.unit_name, row.each) for row in one.rows_of(report)] == [
        ("本级", (10, 5, 100, 4, 2, 30, 4, 2, 30)),
        ("朝阳分局", (3, 1, 20, 1, 0, 5, 1, 0, 5)),
    ]
    issue.refresh_from_db()
    assert issue.report == report
    assert AuditEvent.objects.filter(verb="收下交回的附件1").count() == 1


def test_the_next_form_counts_on_from_what_was_accepted(cast, unit, period, issue):
    report = taken(cast, issue, extra={"朝阳分局": (3, 1, 20, 1, 0, 5)})
    later = issues.issue_form(unit, period, names=["海淀分局", "朝阳分局"], by=cast.user["root_clerk"])
    assert later.serial == 2
    assert later.basis == report
    assert [(line.name, line.done) for line in issues.lines(later)] == [
        ("本级", Numbers(4, 2, 30)), ("朝阳分局", Numbers(1, 0, 5)), ("海淀分局", Numbers()),
    ]  # fmt: skip
    sheet = load_workbook(io.BytesIO(issues.file_of(later)), data_only=True)["附件1"]
    assert [cell.value for cell in sheet[8]] == ["朝阳分局", 3, 1, 20, None, None, None, 1, 0, 5, 1, 0, 5]
    values = [(10, 5, 100, 1, 1, 10), (3, 1, 20, 0, 1, 0), (2, 1, 9, 2, 1, 9)]
    second = taken(cast, later, values)
    assert one.total(one.rows_of(second)).each == (15, 7, 129, 3, 3, 19, 8, 5, 54)


def test_what_was_reported_too_much_is_taken_back_with_a_reason(cast, unit, period, issue):
    taken(cast, issue)
    later = issues.issue_form(unit, period, by=cast.user["root_clerk"])
    data = issues.file_of(later)
    values = [(10, 5, 100, 0, 0, -5)]
    assert any("更正说明" in problem for problem in uploaded(cast, filled(data, values), period).problems)
    returned = uploaded(cast, filled(data, values, note="上次重复计算"), period)
    assert returned.problems == []
    report = returns.take(returned, by=cast.user["root_clerk"])
    assert report.correction_note == "上次重复计算"
    assert one.rows_of(report)[0].done == Numbers(4, 2, 25)


numbers = st.tuples(*[st.integers(0, 2000)] * 9)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.lists(numbers, min_size=1, max_size=6),
    extra=st.lists(numbers, max_size=3),
    names=st.lists(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=12),
                   min_size=9, max_size=9, unique=True),
)  # fmt: skip
def test_issued_filled_in_and_read_gives_the_same_numbers(drawn, extra, names):
    """Whatever was reported before, is due and comes new: what is read is what was meant, without a problem."""
    lines = [Line(1, "本级" if at == 0 else f"{names[at]}一", done=Numbers(*row[:3])) for at, row in enumerate(drawn)]
    form = Form(Identity("14", "2010H2", 1), "某局", "2010年下半年", "活动", lines)

    def meant(row, last):
        new = row[3:6]
        return [*(was + more + spare for was, more, spare in zip(last, new, row[6:], strict=True)), *new]

    values = [meant(row, row[:3]) for row in drawn]
    added = {f"{names[6 + at]}二": meant(row, (0, 0, 0)) for at, row in enumerate(extra)}
    book = load_workbook(io.BytesIO(filled(workbook.draw(form), values, extra=added)))
    rows = [(at, [cell.value for cell in row]) for at, row in enumerate(book["附件1"].iter_rows(), start=1)]
    understood = reading.understand(rows, lines)
    assert understood.problems == []
    wanted = [Answer(line.name, Numbers(*row[:3]), Numbers(*row[3:])) for line, row in zip(lines, values, strict=True)]
    wanted += [Answer(name, Numbers(*row[:3]), Numbers(*row[3:])) for name, row in added.items()]
    assert understood.answers == wanted


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_calc_opens_it_computes_and_saves_what_is_read_back(cast, issue, tmp_path, kind):
    """The formulas as they are, computed by a spreadsheet, saved in its own formats."""
    book = load_workbook(io.BytesIO(issues.file_of(issue)))
    sheet = book["附件1"]
    sheet["I4"] = builders.day("2010-12-09")
    for place, value in zip("BCDEFG", FULL[0], strict=True):
        sheet[f"{place}7"] = value
    sheet["A8"] = "朝阳分局"
    for place, value in zip("BCDEFG", (3, 1, 20, 1, 0, 5), strict=True):
        sheet[f"{place}8"] = value
    stream = io.BytesIO()
    book.save(stream)
    saved = converted({"form.xlsx": stream.getvalue()}, tmp_path, kind)["form.xlsx"]
    returned = uploaded(cast, saved, issue.period, name=f"form.{kind}")
    assert returned.problems == []
    assert returned.reported_on == builders.day("2010-12-09")
    assert [row.each for row in returns.rows(returned)] == [
        (10, 5, 100, 4, 2, 30, 4, 2, 30), (3, 1, 20, 1, 0, 5, 1, 0, 5),
    ]  # fmt: skip


# --- the form -----------------------------------------------------------------------------------------------------------


def test_only_the_cells_to_fill_in_are_open(issue):
    book = load_workbook(io.BytesIO(issues.file_of(issue)))
    sheet = book["附件1"]
    assert sheet.protection.sheet
    assert book["标识"].sheet_state == "veryHidden"
    merged = {cell for area in sheet.merged_cells.ranges for cell in list(area.cells)[1:]}
    opened = {
        cell.coordinate
        for row in sheet.iter_rows()
        for cell in row
        if not cell.protection.locked and (cell.row, cell.column) not in merged
    }
    lines = {f"{letter}{row}" for row in range(7, 16) for letter in "BCDEFG"}
    names = {f"A{row}" for row in range(8, 16)}
    assert opened == {"I4", "B17", *lines, *names}
    rules = {str(rule.sqref): rule for rule in sheet.data_validations.dataValidation}
    assert set(rules) == {"I4:J4", "B7:D15", "E7:G15"} or set(rules) == {"I4", "B7:D15", "E7:G15"}
    assert (rules["B7:D15"].type, rules["B7:D15"].formula1) == ("whole", "0")
    assert (rules["E7:G15"].formula1, rules["E7:G15"].formula2) == ("-K7", "B7-K7")


def test_names_are_never_formulas(cast, period, unit):
    issue = issues.issue_form(unit, period, names=["=1+1", "+86", "@x"], by=cast.user["root_clerk"])
    sheet = load_workbook(io.BytesIO(issues.file_of(issue)))["附件1"]
    for row in (8, 9, 10):
        assert sheet.cell(row, 1).data_type == "s"


# --- refusals: each names the place and the cure -------------------------------------------------------------------------

REFUSED = {
    "text for a number": ({"cells": {"B7": "10"}}, "B7（本级 应点评领导）是文字“10”，不是数字；请把单元格改成数字格式"),
    "words for a number": ({"cells": {"E7": "四人"}}, "E7（本级 新增领导）是文字“四人”"),
    "nothing": ({"lines": [(10, 5, 100, None, 2, 30)]}, "E7（本级 新增领导）没有填，没有的请填 0"),
    "below zero": ({"cells": {"C7": -5}}, "C7（本级 应点评党组织）是 -5，小于 0"),
    "a fraction": ({"cells": {"G7": 2.5}}, "G7（本级 新增党员）是 2.5，不是整数"),
    "far too large": ({"cells": {"D7": 10**9}}, "D7（本级 应点评党员）是 1000000000，数字过大"),
    "yes or no": ({"cells": {"D7": True}}, "D7（本级 应点评党员）不是数字"),
    "more than due": ({"lines": [(3, 5, 100, 4, 2, 30)]}, "H7（本级）领导累计 4（上次 0 + 新增 4）大于应点评数 3"),
    "a total of its own": ({"cells": {"H7": 9}}, "H7（本级）领导累计是 9，应为上次累计 0 + 新增 4 = 4，请恢复公式"),
    "another sum": ({"cells": {"B合计": 11}}, "B16（合计 应点评领导）是 11，各行相加是 10"),
    "an error value": ({"cells": {"F7": "=1/0"}}, "F7（本级 新增党组织）"),
    "another name": ({"cells": {"A7": "本局"}}, "A7 单位名称应是“本级”，请改回来"),
    "an unnamed line": ({"cells": {"B8": 3}}, "A8 没有写单位名称"),
    "the name of a total": ({"extra": {"本级": (1, 1, 1, 0, 0, 0)}}, "A8 增加的行不能叫“本级”"),
    "hidden characters": ({"extra": {"朝阳\u200b局": (1, 1, 1, 0, 0, 0)}}, "A8 单位名称里有看不见的字符"),
    "no day": ({"day": None}, "I4 上报日期不能为空，请填写"),
    "a day that is none": ({"day": "十二月"}, "I4 上报日期看不懂日期"),
    "a day to come": ({"day": "2010-12-11"}, "上报日期不能晚于今天"),
    "no header": ({"cells": {"A5": "单位"}}, "A 列里找不到“单位名称”"),
    "no total": ({"cells": {"A合计": "总计"}}, "A 列里找不到“合计”"),
    "no day's label": ({"cells": {"G4": ""}}, "找不到“上报日期”"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_said_with_its_place_and_cure(cast, issue, what):
    values, said = REFUSED[what]
    returned = uploaded(cast, filled(issues.file_of(issue), **values), issue.period)
    assert any(said in problem for problem in returned.problems), returned.problems
    with pytest.raises(returns.ReturnRefused, match="还有问题"):
        returns.take(returned, by=cast.user["root_clerk"])
    assert not ProgressReport.objects.exists()


def test_a_line_that_is_gone_is_missed(cast, unit, period):
    issue = issues.issue_form(unit, period, names=["朝阳分局"], by=cast.user["root_clerk"])
    gone = dict.fromkeys([f"{letter}8" for letter in "ABCDEFGHIJ"])
    values = [FULL[0], (1, 1, 1, 0, 0, 0)]
    returned = uploaded(cast, filled(issues.file_of(issue), values, cells=gone), period)
    assert any("缺少“朝阳分局”这一行" in problem for problem in returned.problems)


def test_two_lines_of_one_name_are_one(cast, issue):
    extra = {"朝阳分局": (1, 1, 1, 0, 0, 0)}
    cells = {"A9": "朝阳分局", **dict(zip(["B9", "C9", "D9", "E9", "F9", "G9"], (1, 1, 1, 0, 0, 0), strict=True))}
    returned = uploaded(cast, filled(issues.file_of(issue), extra=extra, cells=cells), issue.period)
    assert any("A9 “朝阳分局”写了两行" in problem for problem in returned.problems)


def test_a_formula_that_nobody_computed_is_told(cast, issue):
    book = load_workbook(io.BytesIO(filled(issues.file_of(issue))))
    book["附件1"]["H7"] = "=K7+E7"
    stream = io.BytesIO()
    book.save(stream)
    returned = uploaded(cast, stream.getvalue(), issue.period)
    assert any("H7" in problem and "公式没有计算结果" in problem for problem in returned.problems)


def altered(data, change):
    book = load_workbook(io.BytesIO(data))
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_what_is_no_form_of_ours_is_refused(cast, unit, period, issue):
    data = filled(issues.file_of(issue))
    other = make_outside(cast, "15")
    of_other = workbook.Identity("15", "2010H2", 1).sealed
    issues.issue_form(other, period, by=cast.user["root_clerk"])

    def without(book):
        del book["标识"]

    def meddled(book):
        seal = book["标识"]["A1"].value
        book["标识"]["A1"] = of_other.rsplit(":", 1)[0] + ":" + seal.rsplit(":", 1)[1]

    for change, said in (
        (without, "没有表的标识"),
        (meddled, "标识被改动过"),
        (lambda book: setattr(book["附件1"], "title", "Sheet1"), "没有“附件1”工作表"),
    ):
        returned = uploaded(cast, altered(data, change), period)
        assert said in returned.problems[0]
        assert returned.issue is None


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"%PDF-1.4", "a.xlsx", "PDF"),
        (b"", "a.xlsx", "空的"),
        (b"a,b\n1,2\n", "a.csv", "csv 文件"),
        (b"x", "a.docx", "不能导入 .docx"),
        (b"PK\x03\x04junk", "a.xlsx", "损坏"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(cast, unit, period, data, name, said):
    returned = uploaded(cast, data, period, name=name)
    assert said in returned.problems[0]


def test_a_form_of_another_period_is_refused(cast, issue):
    returned = uploaded(cast, filled(issues.file_of(issue)), builders.make_period("2010H1"))
    assert "这是2010年下半年的表，现在收的是2010年上半年" in returned.problems[0]


def test_a_form_that_somebody_else_issued_says_nothing_of_its_unit(cast, issue):
    make_outside(cast, "139", parent="13")
    returned = uploaded(cast, filled(issues.file_of(issue)), issue.period, by="clerk")
    assert "不是您下发的表" in returned.problems[0]
    assert returned.issue is None
    assert "北京" not in returned.problems[0]


def test_a_form_is_taken_once(cast, unit, period, issue):
    data = filled(issues.file_of(issue))
    report = taken(cast, issue, accept=False)
    assert "已经收下，等待接收" in uploaded(cast, data, period).problems[0]
    submissions.accept(report, by=cast.user["root_clerk"])
    assert "已经接收，不能再收" in uploaded(cast, data, period).problems[0]


def test_one_that_was_returned_may_be_mended_and_sent_again(cast, unit, period, issue):
    report = taken(cast, issue, accept=False)
    submissions.return_(report, reason="党员数不对", by=cast.user["root_clerk"])
    again = uploaded(cast, filled(issues.file_of(issue), [(10, 5, 90, 4, 2, 30)]), period)
    assert again.problems == []
    assert returns.take(again, by=cast.user["root_clerk"]).pk == report.pk


def test_an_older_form_is_refused_once_a_newer_one_came(cast, unit, period, issue):
    newer = issues.issue_form(unit, period, by=cast.user["root_clerk"])
    taken(cast, newer)
    returned = uploaded(cast, filled(issues.file_of(issue)), period)
    assert "这是 1 号表，已经收到更新的 2 号" in returned.problems[0]


def test_a_form_from_before_the_last_acceptance_is_refused(cast, unit, period, issue):
    """The unit's own report in between: 上次累计 is another one."""
    rows = [RowFigures(unit.pk, "本级", Numbers(9, 9, 9), Numbers(1, 1, 1), Numbers(1, 1, 1))]
    report = submissions.receive(
        unit, period, rows, reported_on=builders.day("2010-12-01"), by=cast.user["root_clerk"], source="form"
    )
    submissions.accept(report, by=cast.user["root_clerk"])
    assert "“上次累计”已经不对" in uploaded(cast, filled(issues.file_of(issue)), period).problems[0]


def test_a_preview_that_is_no_longer_true_is_not_taken(cast, unit, period, issue, as_user):
    data = filled(issues.file_of(issue))
    first, second = uploaded(cast, data, period), uploaded(cast, data, period)
    office, url = as_user(cast.user["root_clerk"]), reverse("outside_returned", args=[second.pk])
    assert "核对无误" in office.get(url).content.decode()
    returns.take(first, by=cast.user["root_clerk"])
    text = office.get(url).content.decode()
    assert "核对无误" not in text
    assert "等待接收" in text
    assert "。。" not in text
    assert reverse("outside_take", args=[second.pk]) not in text
    with pytest.raises(Stale, match="已经收下"):
        returns.take(first, by=cast.user["root_clerk"])
    with pytest.raises(issues.IssueRefused, match="等待接收"):
        returns.take(second, by=cast.user["root_clerk"])
    assert ProgressReport.objects.count() == 1


def test_a_revoked_form_is_not_taken(cast, unit, period, issue):
    issues.revoke(issue, by=cast.user["root_clerk"])
    assert "已经作废" in uploaded(cast, filled(issues.file_of(issue)), period).problems[0]


# --- who, and when not ----------------------------------------------------------------------------------------------


def test_only_the_superiors_office_issues_and_takes(cast, unit, period, issue):
    for part in ("clerk", "unit_head", "secretary", "stranger"):
        with pytest.raises(Forbidden):
            issues.issue_form(unit, period, by=cast.user[part])
        with pytest.raises(Forbidden):
            issues.revoke(issue, by=cast.user[part])
    returned = uploaded(cast, filled(issues.file_of(issue)), period)
    with pytest.raises(Forbidden, match="别人上传"):
        returns.take(returned, by=cast.user["root_head"])
    with pytest.raises(Forbidden):
        returns.drop(returned, by=cast.user["root_head"])
    assert issues.issue_form(unit, period, by=cast.user["root_head"]).serial == 2


def test_nothing_is_issued_where_it_would_not_be_taken(cast, unit, period, issue):
    with pytest.raises(issues.IssueRefused, match="在系统中填报"):
        issues.issue_form(cast.org["12"], period, by=cast.user["root_clerk"])
    for names, said in (
        (["合计"], "不能叫"),
        (["长" * 201], "超过 200 个字"),
        ([f"分局{n}" for n in range(80)], "最多列"),
    ):
        with pytest.raises(issues.IssueRefused, match=said):
            issues.issue_form(unit, period, names=names, by=cast.user["root_clerk"])
    taken(cast, issue, accept=False)
    with pytest.raises(issues.IssueRefused, match="等待接收"):
        issues.issue_form(unit, period, by=cast.user["root_clerk"])
    assert OutsideIssue.objects.count() == 1


def test_after_the_closing_day_nothing_is_issued_or_taken(cast, unit, period, issue, settings):
    data = filled(issues.file_of(issue))
    settings.TODAY = "2011-03-01"
    with pytest.raises(issues.IssueRefused, match="截止"):
        issues.issue_form(unit, period, by=cast.user["root_clerk"])
    assert uploaded(cast, data, period).problems
    reporting.extend(unit, period, until=builders.day("2011-03-10"), reason="机房搬迁", by=None)
    assert uploaded(cast, data, period).problems == []


def test_the_status_tells_how_far_it_is(cast, unit, period, issue):
    def words():
        return [status.word for _, status in issues.standings([unit], period)[0].issues]

    assert words() == ["已下发"]
    report = taken(cast, issue, accept=False)
    assert words() == ["已报送，待接收"]
    submissions.return_(report, reason="不对", by=cast.user["root_clerk"])
    assert words() == ["已退回"]
    later = issues.issue_form(unit, period, by=cast.user["root_clerk"])
    taken(cast, later)
    assert words()[0] == "已接收"
    issues.revoke(issues.issue_form(unit, period, by=cast.user["root_clerk"]), by=cast.user["root_clerk"])
    assert words()[0] == "已停用"


def test_children_in_the_system_have_lines_of_their_own(cast, unit, period):
    below = builders.make_org("141", "党组", "分支机构", cast.org["14"], name="海淀局党组")
    issue = issues.issue_form(unit, period, by=cast.user["root_clerk"])
    assert [line.name for line in issues.lines(issue)] == ["本级", "海淀局党组"]
    report = taken(cast, issue, [FULL[0], (1, 1, 1, 1, 1, 1)])
    assert [row.organization_id for row in one.rows_of(report)] == [unit.pk, below.pk]


def test_what_was_uploaded_goes_after_a_month(cast, unit, period, issue):
    old = uploaded(cast, b"", period)
    ReturnedForm.objects.filter(pk=old.pk).update(at="2010-10-01T00:00:00+08:00")
    kept = uploaded(cast, b"", period)
    assert list(ReturnedForm.objects.all()) == [kept]


def test_the_way_is_a_form(cast, unit, period):
    assert reporting.way_of(unit) == Way.FORM
    assert list(issues.units(cast.org["1"], period)) == [unit]
    assert figures.EXTRA == 8
