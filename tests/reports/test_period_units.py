"""Whose reports belong to a period: units that were there on the day of its roster, or have sent one; not those of today."""

import pytest
from django.urls import reverse

from orgs.models import Organization
from reports import annex_days, reporting, submissions, summary, urging
from reports.models import Way
from reports.outside import issues
from reports.reporting import ReportingRefused
from reports.submissions import SubmissionRefused
from reviews import coverage as targets
from tests.builders import day, make_org, make_period, make_user
from tests.reports.submitting import accept_below, send


@pytest.fixture
def period(cast, in_2010):
    """The period, with the roster of the day."""
    found = make_period()
    targets.sync(found, day("2010-12-10"))
    return found


@pytest.fixture
def late(cast, period, settings):
    """A unit below 13 that was founded in January; it is January now."""
    settings.TODAY = "2011-01-06"
    parent = Organization.objects.get(pk=cast.org["13"].pk)
    return make_org("139", "党组", "分支机构", parent, name="滨海局党组", founded_on=day("2011-01-05"))


def dissolved(cast, code, on):
    Organization.objects.filter(code=code).update(dissolved_on=day(on))
    return Organization.objects.get(code=code)


def codes(org, period):
    return [unit.org.code for unit in reporting.units_below(org, period) if unit.reports]


def test_a_unit_founded_after_the_period_holds_nothing_up(cast, period, late, as_user):
    assert reporting.way_of(late) == Way.SYSTEM
    assert codes(cast.org["13"], period) == ["132"]
    assert "滨海局党组" not in [row.unit_name for row in submissions.rows_now(cast.org["13"], period)]
    assert [unit.org.code for unit in urging.missing(cast.org["13"], period, cast.user["clerk"])] == ["132"]
    sent = send(cast.org["13"], period, by=cast.user["clerk"])
    assert sent.state == "submitted"
    page = as_user(cast.user["clerk"]).get(reverse("progress_reports"), {"org": "13", "period": period.code})
    assert (page.context["tally"]["units"], page.context["tally"]["missing"]) == (1, 0)
    assert "滨海局党组" not in page.text


def test_of_the_period_in_which_it_was_founded_it_reports(cast, period, late, settings):
    after = make_period("2011H1")
    assert codes(cast.org["13"], after) == ["132", "139"]
    settings.TODAY = "2010-12-10"
    assert codes(cast.org["13"], period) == ["132"], "nor before the day on which it will be founded"


def test_it_is_told_why_it_has_nothing_to_report(cast, period, late, as_user):
    office = make_user(username="late", office=late)
    why = "2010年下半年的附件1按2010-12-31的组织统计，“滨海局党组”那一天还没有成立或已经撤销，不报这一期。"
    assert submissions.may_for(late, period, office).why_not == why
    assert not submissions.may_for(late, period, office).draft
    for verb in (
        lambda: submissions.draft(late, period, by=office),
        lambda: reporting.explain(late, period, reason="新成立", by=cast.user["clerk"]),
        lambda: reporting.extend(late, period, until=day("2011-03-01"), reason="新成立", by=cast.user["clerk"]),
    ):
        with pytest.raises((SubmissionRefused, ReportingRefused), match="还没有成立"):
            verb()
    found = submissions.may_for(late, period, cast.user["clerk"])
    assert (found.explain, found.extend) == (False, False)
    page = as_user(cast.user["clerk"]).get(reverse("progress_unit", args=["139", period.code]))
    assert why in page.text


def test_nor_is_a_form_issued_for_it(cast, period, late):
    reporting.set_way(late, Way.FORM, reason="不用本系统", by=None)
    assert list(issues.units(cast.org["13"], period)) == []
    assert not submissions.may_for(late, period, cast.user["clerk"]).receive
    with pytest.raises(issues.IssueRefused, match="还没有成立"):
        issues.issue_form(late, period, by=cast.user["clerk"])


def test_a_form_has_lines_for_the_children_of_the_period(cast, period, late):
    reporting.set_way(cast.org["13"], Way.FORM, reason="不用本系统", by=None)
    made = issues.issue_form(cast.org["13"], period, by=cast.user["root_clerk"])
    assert "滨海局党组" not in [line.name for line in issues.lines(made)]


def test_a_unit_dissolved_since_stays_in_the_old_period(cast, period, settings):
    accept_below(cast.org["13"], period)
    settings.TODAY = "2011-01-06"
    gone = dissolved(cast, "132", "2011-01-03")
    assert codes(cast.org["13"], period) == ["132"]
    row = next(row for row in submissions.rows_now(cast.org["13"], period) if row.unit_name == gone.name)
    assert (row.basis, row.due.members) == ("accepted", 3)
    assert codes(cast.org["13"], make_period("2011H1")) == []


def test_a_unit_dissolved_within_the_period_counts_where_it_has_reported(cast, period, settings):
    settings.TODAY = "2010-12-20"
    dissolved(cast, "12", "2010-12-15")
    assert codes(cast.org["1"], period) == ["11", "13"]
    settings.TODAY = "2010-12-10"
    accept_below(cast.org["13"], period)
    settings.TODAY = "2010-12-20"
    dissolved(cast, "132", "2010-12-15")
    targets.sync(period, day("2010-12-20"))
    assert codes(cast.org["13"], period) == ["132"]
    row = next(row for row in submissions.rows_now(cast.org["13"], period) if row.unit_name == cast.org["132"].name)
    assert row.basis == "accepted"


def test_the_summary_and_the_annex_of_a_day_know_the_units_of_the_period(cast, period, late, as_user):
    names = [line.org.name for line in summary.lines(period, cast.org["13"], cast.user["clerk"])]
    assert "滨海局党组" not in names
    rows = annex_days.rows(cast.org["13"], period, day("2011-01-06"), cast.user["clerk"])
    assert "滨海局党组" not in [row.unit_name for row in rows]
    page = as_user(cast.user["clerk"]).get(reverse("coverage_org", args=["13"]), {"period": period.code})
    assert "滨海局党组" not in page.text
