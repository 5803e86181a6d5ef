"""Annex 1 as of any day: the reviews of that day and before, the names of that day, 新增 since the report before it."""

import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs import clock, reorganizing
from reports import annex_days, submissions
from reports.annexes import one
from reports.models import ProgressReport, ReportState
from reports.report_rows import live_rows
from reviews import coverage as targets
from reviews.models import Record
from tests.builders import day, make_bare_record, make_period, make_person, make_post, make_user
from tests.reports.submitting import accept_below

pytestmark = pytest.mark.usefixtures("in_2010")


@pytest.fixture
def period(cast):
    """The period, with the roster of the day."""
    found = make_period()
    with clock.standing_at(day("2010-11-01")):
        targets.sync(found, day("2010-12-10"))
    return found


def review(cast, period, held_on):
    """A review of the member, held and entered on a day."""
    record = make_bare_record(period, cast.org["1311"], cast.person["secretary"], of_person=cast.person["member"])
    record.review.held_on = day(held_on)
    record.review.save()
    Record.objects.filter(pk=record.pk).update(confirmed_at=f"{held_on}T10:00:00+08:00")
    record.refresh_from_db()
    targets.confirmed(record)
    return record


def line(cast, period, on, code="131"):
    rows = annex_days.rows(cast.org["13"], period, day(on), cast.user["clerk"])
    return next(row for row in rows if row.organization_id == cast.org[code].pk)


def test_a_day_before_the_review_does_not_know_it(cast, period):
    review(cast, period, "2010-11-20")
    assert line(cast, period, "2010-11-19").done.members == 0
    assert line(cast, period, "2010-11-20").done.members == 1
    now = next(row for row in live_rows(cast.org["13"], period) if row.organization_id == cast.org["131"].pk)
    assert (line(cast, period, "2010-12-10").due, line(cast, period, "2010-12-10").done) == (now.due, now.done)


def test_new_counts_from_the_last_report_accepted_up_to_that_day(cast, period):
    review(cast, period, "2010-11-20")
    accept_below(cast.org["13"], period)
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"], reported_on=day("2010-12-01"))
    submissions.submit(report, by=cast.user["clerk"])
    ProgressReport.objects.filter(pk=report.pk).update(state=ReportState.ACCEPTED)
    assert line(cast, period, "2010-11-30").new.members == 1
    assert line(cast, period, "2010-12-01").new.members == 0
    assert line(cast, period, "2010-12-01").done.members == 1


def test_the_names_are_those_of_the_day(cast, period):
    old = cast.org["131"].name
    reorganizing.rename(
        cast.org["131"], name="改过名的机关党委", on=day("2010-12-05"), reason="机构改革", by=cast.user["admin"]
    )
    assert line(cast, period, "2010-12-01").unit_name == old
    assert line(cast, period, "2010-12-10").unit_name == "改过名的机关党委"


def test_the_page_the_file_and_the_print_say_the_same(cast, period, as_user):
    review(cast, period, "2010-11-20")
    client = as_user(cast.user["clerk"])
    query = {"period": period.code, "on": "2010-11-25"}
    for name in ("annex_day", "annex_day_print"):
        text = client.get(reverse(name, args=["13"]), query).content.decode()
        assert "2010年11月25日" in text
        assert "不是上报的报表" in text
    book = load_workbook(io.BytesIO(client.get(reverse("annex_day_file", args=["13"]), query).content))
    cells = [cell for row in book.active.iter_rows(values_only=True) for cell in row if cell is not None]
    assert any("2010年11月25日" in str(cell) for cell in cells)
    assert any("不是上报的报表" in str(cell) for cell in cells)


def test_a_day_to_come_is_today_and_says_nothing_of_the_past(cast, period, as_user):
    text = as_user(cast.user["clerk"]).get(reverse("annex_day", args=["13"]), {"on": "2011-03-01"}).content.decode()
    assert "2010年12月10日" in text
    assert "不是上报的报表" not in text


def test_reading_it_leaves_no_report(cast, period, as_user):
    as_user(cast.user["clerk"]).get(reverse("annex_day", args=["13"]), {"on": "2010-11-25"})
    assert not ProgressReport.objects.exists()


def test_who_is_in_charge_of_nothing_sees_the_units_below_in_one_line(cast, period):
    make_post(person := make_person("无分管的成员", cast.org["1311"]), cast.org["13"], "成员")
    user = make_user(person)
    found = annex_days.rows(cast.org["13"], period, day("2010-12-09"), user)
    assert [row.unit_name for row in found] == ["本级", "其他下级（2 个）"]
    whole = annex_days.rows(cast.org["13"], period, day("2010-12-09"), cast.user["clerk"])
    assert one.total(found).each == one.total(whole).each
