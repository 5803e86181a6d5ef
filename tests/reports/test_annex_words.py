"""What was sent or issued keeps the wording that stood on it, whatever becomes of the scheme; a draft shows that of now."""

import importlib
import io

import pytest
from django.apps import apps
from django.urls import reverse
from openpyxl import load_workbook

from orgs.models import Organization, Scheme
from reports import submissions
from reports.annexes import one
from reports.models import OutsideIssue, ProgressReport
from reports.outside import issues, returns
from reviews import coverage as targets
from reviews import schemes
from reviews.models import Period
from tests.builders import day, make_period
from tests.reports.outside_cases import FULL, filled, make_outside, uploaded
from tests.reports.submitting import accept_below, send

THEN = "全国质检系统“以质取胜、创先争优”活动"


@pytest.fixture
def period(cast, in_2010):
    """The period, with the roster of the day."""
    found = make_period()
    targets.sync(found, day("2010-12-10"))
    return found


@pytest.fixture(params=["edited", "switched"])
def changed(request, cast):
    """Changes the wording, in either way; returns the new one."""

    def change():
        if request.param == "edited":
            Scheme.objects.filter(is_active=True).update(system_name="全国质检系统", activity_name="群众满意")
            return "全国质检系统“群众满意”活动"
        added = schemes.add("general", by=cast.user["admin"])
        Scheme.objects.filter(is_active=True).update(is_active=False)
        Scheme.objects.filter(pk=added.pk).update(is_active=True)
        return "“创先争优”活动"

    return change


def title(report):
    return submissions.sheet_of(ProgressReport.objects.get(pk=report.pk)).title[0]


def test_a_sent_form_keeps_its_title_on_page_paper_and_file(cast, period, changed, as_user):
    sent = send(cast.org["13"], period, by=cast.user["clerk"])
    assert title(sent) == THEN
    changed()
    assert title(sent) == THEN
    client = as_user(cast.user["clerk"])
    for name in ("progress_report", "progress_report_print"):
        assert f"<span>{THEN}</span>" in client.get(reverse(name, args=[sent.pk])).text, name
    file = client.get(reverse("progress_report_annex", args=[sent.pk]))
    assert THEN in [cell.value for cell in load_workbook(io.BytesIO(file.content))["附件1"]["A"]]


def test_a_draft_shows_the_wording_of_now_and_keeps_it_when_it_is_sent(cast, period, changed):
    accept_below(cast.org["13"], period)
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    assert title(report) == THEN
    now = changed()
    assert title(report) == now
    submissions.submit(report, by=cast.user["clerk"])
    assert title(report) == now


def test_returned_it_keeps_it_and_sent_again_takes_that_of_the_day(cast, period, changed):
    report = send(cast.org["13"], period, by=cast.user["clerk"])
    submissions.return_(report, reason="请核对", by=cast.user["root_clerk"])
    now = changed()
    assert title(report) == THEN
    submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    assert title(report) == now
    submissions.discard(ProgressReport.objects.get(pk=report.pk), by=cast.user["clerk"])
    assert title(report) == THEN


def cells(file):
    return [[cell.value for cell in row] for row in load_workbook(io.BytesIO(file))["附件1"].iter_rows()]


def test_an_issued_form_is_the_same_whenever_it_is_asked_for(cast, period, changed):
    unit = make_outside(cast)
    issue = issues.issue_form(unit, period, by=cast.user["root_clerk"])
    before = cells(issues.file_of(issue))
    changed()
    Organization.objects.filter(pk=unit.pk).update(name="改了名的局")
    Period.objects.filter(pk=period.pk).update(name="另一个名称")
    again = OutsideIssue.objects.get(pk=issue.pk)
    assert cells(issues.file_of(again)) == before
    report = returns.take(uploaded(cast, filled(issues.file_of(again), FULL), again.period), by=cast.user["root_clerk"])
    assert title(report) == THEN, "what the unit filled in"


def test_what_was_there_before_keeps_the_words_of_today(cast, period):
    sent = send(cast.org["13"], period, by=cast.user["clerk"])
    draft = submissions.draft(cast.org["12"], period, by=None)
    issue = issues.issue_form(make_outside(cast), period, by=cast.user["root_clerk"])
    ProgressReport.objects.update(activity="")
    OutsideIssue.objects.update(activity="", unit_name="", period_name="")
    importlib.import_module("reports.migrations.0015_annex_keeps_its_words").keep_today_s_words(apps, None)
    assert ProgressReport.objects.get(pk=sent.pk).activity == THEN
    assert ProgressReport.objects.get(pk=draft.pk).activity == ""
    issue.refresh_from_db()
    assert (issue.activity, issue.unit_name, issue.period_name) == (THEN, issue.organization.name, "2010年下半年")
    assert one.of_report(draft).title[0] == THEN
