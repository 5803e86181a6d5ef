"""Two hands on one unit's report, released together: one upload, one sending wins."""

from __future__ import annotations

import pytest

from orgs.errors import DomainError, Stale
from reports.annexes.one import Numbers
from reports.models import OutsideIssue, ProgressReport
from reports.outside import issues, returns
from reports.outside.figures import Answer
from tests import builders
from tests.cast import make_cast
from tests.reports.outside_cases import filled, make_outside
from tests.together import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True, serialized_rollback=True)]
ANSWER = [Answer("本级", Numbers(10, 5, 100), Numbers(4, 2, 30))]


@pytest.fixture
def cast(in_2010):
    return make_cast()


@pytest.fixture
def unit(cast):
    return make_outside(cast)


@pytest.fixture
def period(cast):
    return builders.make_period()


def test_the_same_file_taken_four_times_at_once_is_taken_once(cast, unit, period):
    by = cast.user["root_clerk"]
    data = filled(issues.file_of(issues.issue_form(unit, period, by=by)))
    made = [returns.upload(data, "a.xlsx", period=period, by=by) for _ in range(2)]
    errors = together(*[lambda each=each: returns.take(each, by=by) for each in [*made, *made]])
    assert len(errors) == 3
    assert {type(error) for error in errors} <= {Stale, issues.IssueRefused}
    assert ProgressReport.objects.count() == 1


def test_a_link_used_four_times_at_once_sends_once(cast, unit, period):
    issue, _ = issues.issue_link(unit, period, until=builders.day("2010-12-24"), by=cast.user["root_clerk"])
    errors = together(*[lambda: issues.send(issue, ANSWER, note="", sender="甲")] * 4)
    assert [type(error) for error in errors] == [issues.IssueRefused] * 3
    assert all("已经报送过一次" in str(error) for error in errors)
    assert ProgressReport.objects.count() == 1


def test_a_form_and_a_link_at_once_bring_one_report(cast, unit, period):
    by = cast.user["root_clerk"]
    form = issues.issue_form(unit, period, by=by)
    link, _ = issues.issue_link(unit, period, until=builders.day("2010-12-24"), by=by)
    returned = returns.upload(filled(issues.file_of(form)), "a.xlsx", period=period, by=by)
    errors = together(lambda: returns.take(returned, by=by), lambda: issues.send(link, ANSWER, note="", sender="甲"))
    assert len(errors) == 1
    assert isinstance(errors[0], DomainError)
    assert ProgressReport.objects.count() == 1


def test_revoking_and_sending_at_once_agree(cast, unit, period):
    by = cast.user["root_clerk"]
    issue, _ = issues.issue_link(unit, period, until=builders.day("2010-12-24"), by=by)
    errors = together(lambda: issues.revoke(issue, by=by), lambda: issues.send(issue, ANSWER, note="", sender="甲"))
    assert len(errors) == 1
    issue.refresh_from_db()
    assert (issue.revoked_at is None) == ProgressReport.objects.exists()


def test_issuing_at_once_numbers_them_apart(cast, unit, period):
    by = cast.user["root_clerk"]
    assert together(*[lambda: issues.issue_form(unit, period, by=by)] * 4) == []
    assert sorted(OutsideIssue.objects.values_list("serial", flat=True)) == [1, 2, 3, 4]
