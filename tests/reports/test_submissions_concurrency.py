"""Two hands on one report, released together: one draft, one sending, one decision."""

from __future__ import annotations

import pytest
from django.db import transaction

from orgs.errors import Stale
from orgs.models import AuditEvent
from reports import reporting, submissions
from reports.models import ProgressReport
from reports.submissions import SubmissionRefused
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


def test_accepting_beside_the_superior_s_sending_is_in_the_sum_or_holds_it_up(cast, period):
    """Whoever comes first: a sum never lacks what was accepted before it was sent."""
    waiting = send(cast.org["132"], period)
    own = submissions.draft(cast.org["13"], period, by=None)
    errors = together(
        lambda: submissions.accept(waiting, by=None),
        lambda: submissions.submit(ProgressReport.objects.get(pk=own.pk), by=None),
    )
    own.refresh_from_db()
    waiting.refresh_from_db()
    assert waiting.state == "accepted"
    if errors:
        assert [type(error) for error in errors] == [SubmissionRefused]
        assert own.state == "draft"
    else:
        assert own.rows.get(organization=cast.org["132"]).based_on == waiting


def test_a_second_acceptance_beside_the_superior_s_sending_leaves_no_sum_of_half(cast, period):
    """With an accepted report already there, the sum rests on the one or on the other, and that one is not reopened."""
    accept_below(cast.org["13"], period)
    own = submissions.draft(cast.org["13"], period, by=None)
    waiting = send(cast.org["132"], period)
    errors = together(
        lambda: submissions.accept(waiting, by=None),
        lambda: submissions.submit(ProgressReport.objects.get(pk=own.pk), by=None),
    )
    own.refresh_from_db()
    assert all(isinstance(error, SubmissionRefused) for error in errors)
    if own.state == "submitted":
        assert own.rows.get(organization=cast.org["132"]).based_on == waiting


def test_taking_back_beside_accepting_leaves_one_of_both(cast, period):
    report = send(cast.org["132"], period)
    errors = together(
        lambda: submissions.take_back(report, by=None),
        lambda: submissions.accept(report, by=None),
    )
    report.refresh_from_db()
    assert [type(error) for error in errors] == [Stale]
    assert report.state in ("draft", "accepted")


def test_reopening_beside_the_superior_s_sending_never_undoes_what_was_summed_up(cast, period):
    report = submissions.accept(send(cast.org["132"], period), by=None)
    own = submissions.draft(cast.org["13"], period, by=None)
    errors = together(
        lambda: submissions.reopen(report, by=None),
        lambda: submissions.submit(ProgressReport.objects.get(pk=own.pk), by=None),
    )
    report.refresh_from_db()
    own.refresh_from_db()
    assert [type(error) for error in errors] == [SubmissionRefused]
    assert (report.state, own.state) in (("accepted", "submitted"), ("submitted", "draft"))


def test_explaining_beside_a_sending_does_not_hide_it(cast, period):
    """Either the explanation comes first, and the report then waits; or it is refused."""
    draft = submissions.draft(cast.org["132"], period, by=None)
    together(
        lambda: reporting.explain(cast.org["132"], period, reason="合并", by=None),
        lambda: submissions.submit(draft, by=None),
    )
    (unit,) = [each for each in reporting.units_below(cast.org["13"], period) if each.reports]
    assert unit.waiting is not None
    assert not unit.is_ready
