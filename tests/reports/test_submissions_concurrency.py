"""Two hands on one report, released together: one draft, one sending, one decision."""

from __future__ import annotations

import pytest
from django.db import transaction

from orgs.errors import Stale
from orgs.models import AuditEvent
from reports import submissions
from reports.models import ProgressReport
from reviews import coverage as targets
from tests.builders import day, make_period
from tests.cast import make_cast
from tests.reports.submitting import accept_below, send
from tests.together import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


@pytest.fixture
def cast(in_2010):
    """The small named system, committed."""
    return make_cast()


@pytest.fixture
def period(cast):
    """The period, with the roster of the day."""
    found = make_period()
    with transaction.atomic():
        targets.sync(found, day("2010-12-10"))
    return found


def test_a_double_click_on_draft_makes_one_draft(cast, period):
    for code in ("13", "132", "12"):
        errors = together(*[lambda c=code: submissions.draft(cast.org[c], period, by=None)] * 4)
        assert errors == []
        report = ProgressReport.objects.get(organization=cast.org[code])
        assert report.rows.count() == len(submissions.rows_now(cast.org[code], period))


def test_a_double_click_on_submit_sends_once(cast, period):
    accept_below(cast.org["13"], period)
    report = submissions.draft(cast.org["13"], period, by=None)
    errors = together(*[lambda: submissions.submit(ProgressReport.objects.get(pk=report.pk), by=None)] * 4)
    assert [type(error) for error in errors] == [Stale] * 3
    assert AuditEvent.objects.filter(verb="上报附件1", object_id=report.pk).count() == 1


def test_accepting_and_returning_at_once_leave_one_decision(cast, period):
    report = send(cast.org["13"], period, by=cast.user["clerk"])
    errors = together(
        lambda: submissions.accept(report, by=cast.user["root_clerk"]),
        lambda: submissions.return_(report, reason="请核对", by=cast.user["root_head"]),
    )
    assert [type(error) for error in errors] == [Stale]
    assert ProgressReport.objects.get(pk=report.pk).state in ("accepted", "returned")
    assert AuditEvent.objects.filter(verb__in=["接收附件1", "退回附件1"], object_id=report.pk).count() == 1
