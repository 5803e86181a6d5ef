"""On time or late is told by the first sending, where what was returned comes back within five days."""

import importlib

import pytest
from django.apps import apps
from django.urls import reverse

from reports import reporting, submissions
from reports.models import Notification, ProgressReport
from reports.outside import issues, returns
from reports.submissions import SubmissionRefused
from reviews import coverage as targets
from tests.builders import day, make_period
from tests.reports.outside_cases import FULL, filled, make_outside, uploaded
from tests.reports.submitting import accept_below, send


@pytest.fixture
def period(cast, in_2010):
    """Due on 10 December (today), closed on the 15th."""
    found = make_period()
    targets.sync(found, day("2010-12-10"))
    reporting.set_deadline(found, due_on=day("2010-12-10"), closes_on=day("2010-12-15"), by=cast.user["admin"])
    return found


@pytest.fixture
def returned(cast, period, settings):
    """Sent on time, returned on the 13th."""
    report = send(cast.org["13"], period, by=cast.user["clerk"])
    settings.TODAY = "2010-12-13"
    return submissions.return_(report, reason="请核对", by=cast.user["root_clerk"])


def resent(cast, report):
    submissions.draft(cast.org["13"], report.period, by=cast.user["clerk"])
    return submissions.submit(ProgressReport.objects.get(pk=report.pk), by=cast.user["clerk"])


def is_late(cast, report):
    (unit,) = [unit for unit in reporting.units_below(cast.org["1"], report.period) if unit.org.code == "13"]
    return reporting.deadline(report.period).is_late(unit.counts_on)


@pytest.mark.parametrize(("on", "late"), [("2010-12-13", False), ("2010-12-18", False), ("2010-12-19", True)])
def test_resent_within_five_days_it_is_on_time(cast, returned, settings, on, late):
    """Also after the closing day, within those days; later only with an extension."""
    settings.TODAY = on
    if late:
        reporting.extend(cast.org["13"], returned.period, until=day(on), reason="补报", by=cast.user["root_clerk"])
    report = resent(cast, returned)
    assert report.sent_on == day(on)
    assert is_late(cast, report) == late


def test_after_the_days_for_it_the_closing_day_holds_again(cast, returned, settings):
    settings.TODAY = "2010-12-19"
    with pytest.raises(SubmissionRefused, match="截止"):
        resent(cast, returned)


def test_who_was_late_stays_late(cast, period, settings):
    settings.TODAY = "2010-12-12"
    report = send(cast.org["13"], period, by=cast.user["clerk"])
    submissions.return_(report, reason="请核对", by=cast.user["root_clerk"])
    assert is_late(cast, resent(cast, report))


def test_what_the_unit_took_back_itself_counts_from_the_new_sending(cast, period, settings):
    report = send(cast.org["13"], period, by=cast.user["clerk"])
    submissions.take_back(report, by=cast.user["clerk"])
    settings.TODAY = "2010-12-11"
    report.refresh_from_db()
    assert is_late(cast, submissions.submit(report, by=cast.user["clerk"]))


def test_resent_taken_back_and_sent_within_the_days_it_is_on_time(cast, returned, settings):
    report = submissions.take_back(resent(cast, returned), by=cast.user["clerk"])
    settings.TODAY = "2010-12-17"
    assert submissions.may(report, cast.user["clerk"]).submit
    assert not is_late(cast, submissions.submit(report, by=cast.user["clerk"]))


def test_the_pages_and_the_message_say_so(cast, returned, as_user):
    client = as_user(cast.user["clerk"])
    url = reverse("progress_report", args=[returned.pk])
    assert "2010年12月18日以前重新上报的，仍按首次上报的 12月10日计算是否按时" in client.get(url).text
    told = Notification.objects.get(recipient=cast.user["bureau_head"], title__startswith="已退回：天津")
    assert "2010-12-18以前重新报送的" in told.body
    report = resent(cast, returned)
    text = client.get(url).text
    assert "12月13日上报" in text
    assert "按首次上报的 12月10日计算是否按时" in text
    assert "逾期" not in text
    unit = reverse("progress_unit", args=["13", report.period.code])
    assert "逾期" not in as_user(cast.user["root_clerk"]).get(unit).text
    tally = as_user(cast.user["root_clerk"]).get(reverse("progress_reports")).context["tally"]
    assert (tally["on_time"], tally["late"]) == (1, 0)


def test_a_form_that_comes_back_mended_is_on_time_too(cast, period, settings):
    unit = make_outside(cast)
    issue = issues.issue_form(unit, period, by=cast.user["root_clerk"])

    def taken():
        returned = uploaded(cast, filled(issues.file_of(issue), FULL), period)
        return returns.take(returned, by=cast.user["root_clerk"])

    report = taken()
    settings.TODAY = "2010-12-16"
    submissions.return_(report, reason="请核对", by=cast.user["root_head"])
    assert taken().counts_on == day("2010-12-10")


def test_what_was_there_before_counts_from_its_day(cast, period):
    accept_below(cast.org["1"], period)
    ProgressReport.objects.update(counts_on=None)
    importlib.import_module("reports.migrations.0016_resent_counts_from_the_first").counts_from_its_day(apps, None)
    assert set(ProgressReport.objects.values_list("counts_on", flat=True)) == {day("2010-12-10")}
