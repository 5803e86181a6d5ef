"""A draft binds nobody: it is discarded at will, and never stands in the way of undoing what was decided before it."""

import pytest
from django.urls import reverse

from orgs.errors import Forbidden, Stale
from orgs.models import AuditEvent
from reports import reporting, submissions
from reports.annexes.one import rows_of, total
from reports.models import ProgressReport, ProgressRow, Way
from reports.outside import issues
from reports.submissions import SubmissionRefused
from reviews import coverage as targets
from tests.builders import day, make_bare_record, make_period
from tests.reports.submitting import accept_below, send


@pytest.fixture
def period(cast, in_2010):
    """The period, with the roster of the day."""
    found = make_period()
    targets.sync(found, day("2010-12-10"))
    return found


@pytest.fixture
def accepted(cast, period):
    """The bureau's report, accepted."""
    return submissions.accept(send(cast.org["13"], period, by=cast.user["clerk"]), by=cast.user["root_clerk"])


def reviewed(cast, period):
    record = make_bare_record(
        period, cast.org["1311"], cast.person["secretary"], of_person=cast.person["member"], held_on=day("2010-12-01")
    )
    targets.confirmed(record)


def begun(cast, period, code="13"):
    return submissions.draft(cast.org[code], period, by=cast.user["clerk" if code == "13" else "root_clerk"])


def test_a_draft_is_discarded_as_if_it_had_never_been_begun(cast, period, accepted):
    draft = begun(cast, period)
    assert submissions.discard(draft, by=cast.user["bureau_head"]) is None
    assert list(ProgressReport.objects.filter(organization=cast.org["13"])) == [accepted]
    event = AuditEvent.objects.get(verb="放弃附件1草稿")
    assert (event.object_id, event.by, event.before, event.after) == (
        draft.pk, cast.user["bureau_head"], {"state": "draft"}, {"state": ""},
    )  # fmt: skip


@pytest.mark.parametrize("who", ["stranger", "member", "lower_head", "root_clerk"])
def test_only_who_fills_in_discards(cast, period, who):
    draft = begun(cast, period)
    assert not submissions.may(draft, cast.user[who]).discard
    with pytest.raises(Forbidden):
        submissions.discard(draft, by=cast.user[who])


def test_what_was_sent_is_not_discarded(cast, period, accepted):
    assert not submissions.may(accepted, cast.user["clerk"]).discard
    with pytest.raises(Stale, match="不是草稿"):
        submissions.discard(accepted, by=cast.user["clerk"])


def test_a_draft_that_was_returned_is_the_returned_one_again_as_it_was_sent(cast, period):
    sent = send(cast.org["13"], period, by=cast.user["clerk"])
    as_sent = rows_of(sent)
    submissions.return_(sent, reason="请核对", by=cast.user["root_clerk"])
    reviewed(cast, period)
    draft = begun(cast, period)
    assert draft.pk == sent.pk
    assert total(submissions.rows_shown(draft)).done != total(as_sent).done
    kept = submissions.discard(draft, by=cast.user["clerk"])
    assert (kept.state, kept.return_reason, rows_of(kept)) == ("returned", "请核对", as_sent)
    again = submissions.submit(begun(cast, period), by=cast.user["clerk"])
    assert total(rows_of(again)).done != total(as_sent).done


def test_one_click_of_the_unit_does_not_take_the_superior_s_undo_away(cast, period, accepted):
    """Reopened, the draft waits; accepted anew, it goes on with figures of that moment."""
    draft = begun(cast, period)
    assert submissions.may(accepted, cast.user["root_clerk"]).reopen
    submissions.reopen(accepted, by=cast.user["root_clerk"])
    found = submissions.may(draft, cast.user["clerk"])
    assert (found.submit, found.discard, "还没有被接收" in found.why_not) == (False, True, True)
    with pytest.raises(SubmissionRefused, match="还没有被接收"):
        submissions.submit(draft, by=cast.user["clerk"])
    submissions.accept(accepted, by=cast.user["root_clerk"])
    reviewed(cast, period)
    accept_below(cast.org["13"], period)
    sent = submissions.submit(draft, by=cast.user["clerk"])
    assert (total(rows_of(sent)).new, total(rows_of(sent)).done.members) == (total(rows_of(sent)).done, 1)


def test_returned_the_report_takes_the_place_of_the_draft_after_it(cast, period, accepted):
    draft = begun(cast, period)
    submissions.reopen(accepted, by=cast.user["root_clerk"])
    submissions.return_(accepted, reason="请核对", by=cast.user["root_clerk"])
    assert not ProgressReport.objects.filter(pk=draft.pk).exists()
    assert AuditEvent.objects.get(verb="放弃附件1草稿").by == cast.user["root_clerk"]
    assert begun(cast, period).pk == accepted.pk


def test_at_the_root_a_mistaken_draft_does_not_make_the_sent_report_irrevocable(cast, period):
    sent = send(cast.org["1"], period, by=cast.user["root_clerk"])
    draft = begun(cast, period, "1")
    assert submissions.may(sent, cast.user["root_clerk"]).take_back
    submissions.take_back(sent, by=cast.user["root_clerk"])
    assert not ProgressReport.objects.filter(pk=draft.pk).exists()
    assert begun(cast, period, "1").pk == sent.pk


def test_a_superior_s_draft_does_not_hold_what_was_taken_back(cast, period):
    report = send(cast.org["132"], period)
    submissions.accept(report, by=None)
    own = begun(cast, period)
    row = ProgressRow.objects.get(report=own, based_on=report)
    submissions.reopen(report, by=None)
    submissions.take_back(report, by=None)
    submissions.discard(report, by=None)
    row.refresh_from_db()
    assert row.based_on is None


def test_a_draft_from_which_an_issued_form_counts_on_is_kept(cast, period):
    report = submissions.accept(send(cast.org["132"], period), by=None)
    reporting.set_way(cast.org["132"], Way.FORM, reason="网络不通", by=None)
    issues.issue_form(cast.org["132"], period, by=cast.user["clerk"])
    submissions.reopen(report, by=None)
    submissions.take_back(report, by=None)
    with pytest.raises(SubmissionRefused, match="下发的表格"):
        submissions.discard(report, by=None)


def test_on_the_page(cast, period, as_user):
    draft = begun(cast, period)
    client = as_user(cast.user["clerk"])
    page, url = reverse("progress_report", args=[draft.pk]), reverse("progress_discard", args=[draft.pk])
    assert url in client.get(page).text
    answer = client.post(url, follow=True)
    assert answer.redirect_chain == [(f"{reverse('progress_reports')}?org=13&period={period.code}", 302)]
    assert "已放弃草稿。" in answer.text
    assert client.post(url).status_code == 404
    sent = send(cast.org["13"], period, by=cast.user["clerk"])
    url = reverse("progress_discard", args=[sent.pk])
    assert "不是草稿" in client.post(url, follow=True).text
    assert as_user(cast.user["stranger"]).post(url).status_code == 404
