"""Annex 1 as of any day: the reviews of that day and before, the names of that day, 新增 since the report before it."""

import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs import clock, reorganizing
from reports import annex_days, reporting, submissions
from reports.annexes import one
from reports.models import ProgressReport, RowBasis
from reports.report_rows import live_rows, rows_now
from reviews import coverage as targets
from reviews.models import Record
from tests.builders import day, make_bare_record, make_period, make_person, make_post, make_user
from tests.reports.submitting import accept_below, send

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


def sent_on(cast, period, on, *, dated=None):
    """The bureau's report, sent on a day."""
    with clock.standing_at(day(on)):
        accept_below(cast.org["13"], period)
        report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
        return submissions.submit(report, by=cast.user["clerk"], reported_on=day(dated or on))


def accepted_on(cast, report, on):
    with clock.standing_at(day(on)):
        submissions.accept(report, by=cast.user["root_clerk"])


def test_new_counts_from_the_last_report_accepted_up_to_that_day(cast, period):
    review(cast, period, "2010-11-20")
    accepted_on(cast, sent_on(cast, period, "2010-12-01"), "2010-12-01")
    assert line(cast, period, "2010-11-30").new.members == 1
    assert line(cast, period, "2010-12-01").new.members == 0
    assert line(cast, period, "2010-12-01").done.members == 1


def test_a_report_counts_from_the_day_on_which_it_was_sent_however_it_is_dated(cast, period):
    review(cast, period, "2010-12-05")
    accepted_on(cast, sent_on(cast, period, "2010-12-08", dated="2010-12-01"), "2010-12-08")
    assert [line(cast, period, f"2010-12-0{on}").new.members for on in (3, 5, 7, 8)] == [0, 1, 1, 0]


def test_a_report_counts_from_the_day_on_which_it_was_accepted(cast, period):
    review(cast, period, "2010-11-20")
    report = sent_on(cast, period, "2010-12-01")
    accepted_on(cast, report, "2010-12-07")
    assert [line(cast, period, f"2010-12-0{on}").new.members for on in (1, 6, 7)] == [1, 1, 0]


def test_at_a_root_the_report_counts_from_its_sending(cast, period):
    review(cast, period, "2010-11-20")
    with clock.standing_at(day("2010-12-01")):
        send(cast.org["1"], period)
    days = ("2010-11-30", "2010-12-02")
    found = [one.total(annex_days.rows(cast.org["1"], period, day(on), cast.user["admin"])) for on in days]
    assert [row.new.members for row in found] == [1, 0]


def test_what_left_keeps_its_line_so_that_the_sums_follow(cast, period):
    review(cast, period, "2010-11-20")
    report = sent_on(cast, period, "2010-12-01")
    accepted_on(cast, report, "2010-12-01")
    reorganizing.move(
        cast.org["131"], under=cast.org["12"], on=day("2010-12-05"), reason="机构改革", by=cast.user["admin"]
    )
    before = one.total(one.rows_of(report)).done
    for on, has_left in (("2010-12-04", False), ("2010-12-06", True), ("2010-12-10", True)):
        found = annex_days.rows(cast.org["13"], period, day(on), cast.user["clerk"])
        assert one.total(found).done == before + one.total(found).new, on
        left = [row for row in found if row.basis == RowBasis.LEFT]
        assert [(row.unit_name, row.new.members) for row in left] == ([("天津局机关党委", -1)] if has_left else []), on


def test_today_it_is_what_would_be_sent_now(cast, period, as_user):
    """A unit that has not reported since, or whose absence is explained, stands with what it signed."""
    accept_below(cast.org["13"], period)
    lower = make_bare_record(
        period, cast.org["1321"], cast.person["lower_secretary"], of_person=cast.person["lower_member"]
    )
    targets.confirmed(lower)
    clerk, today = cast.user["clerk"], day("2010-12-10")
    assert line(cast, period, "2010-12-10", "132").done.members == 0
    assert annex_days.rows(cast.org["13"], period, today, clerk) == rows_now(cast.org["13"], period)
    draft = submissions.draft(cast.org["13"], period, by=clerk)
    client, query = as_user(clerk), {"period": period.code}
    files = [
        client.get(reverse("annex_day_file", args=["13"]), query).content,
        client.get(reverse("progress_report_annex", args=[draft.pk])).content,
    ]
    cells = [[row[:10] for row in load_workbook(io.BytesIO(file)).active.iter_rows(values_only=True)] for file in files]
    assert cells[0][:-1] == cells[1]
    assert cells[0][-1][0] == annex_days.NOTE_OF_TODAY
    assert annex_days.NOTE_OF_TODAY in client.get(reverse("annex_day_print", args=["13"]), query).content.decode()


def test_of_what_stands_together_it_says_how_many_have_not_reported(cast, period):
    make_post(person := make_person("无分管的成员", cast.org["1311"]), cast.org["13"], "成员")
    user, today = make_user(person), day("2010-12-10")
    assert (
        "其他下级中有 1 个的报表还没有接收，暂按现在的数字。"
        in annex_days.sheet(cast.org["13"], period, today, user).notes
    )
    reporting.explain(cast.org["132"], period, reason="只给上级看的原因", by=None)
    notes = annex_days.sheet(cast.org["13"], period, today, user).notes
    assert "其他下级中有 1 个未报，已说明原因，累计按零计算。" in notes
    assert not any("只给上级看的原因" in note for note in notes)


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


def test_a_day_to_come_is_today_and_says_so(cast, period, as_user):
    text = as_user(cast.user["clerk"]).get(reverse("annex_day", args=["13"]), {"on": "2011-03-01"}).content.decode()
    assert "2010年12月10日" in text
    assert annex_days.NOTE not in text
    assert annex_days.NOTE_OF_TODAY in text


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
