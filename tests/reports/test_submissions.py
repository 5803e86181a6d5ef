"""Annex 1 up the tree: drafted, sent, frozen, accepted or returned."""

from dataclasses import fields

import pytest
from django.db import transaction
from django.urls import reverse

from orgs.errors import DomainError, Forbidden, Stale
from orgs.models import AuditEvent
from reports import submissions
from reports.annexes.one import Numbers, rows_of, total
from reports.models import ProgressReport
from reports.report_differences import differences
from reports.report_rows import live_rows
from reports.submissions import SubmissionRefused
from reviews import coverage as targets
from reviews.models import CoverageTarget, RecordState
from tests.builders import day, make_bare_record, make_period, make_user
from tests.reports.submitting import accept_below, send


@pytest.fixture
def synced(cast, in_2010):
    """The period, with the roster of the day."""
    period = make_period()
    targets.sync(period, day("2010-12-10"))
    return period


def reviewed(cast, period, *, who="secretary", target="member", about="1311"):
    """A confirmed review of a member, counted."""
    record = make_bare_record(
        period, cast.org[about], cast.person[who], of_person=cast.person[target], held_on=day("2010-12-01")
    )
    targets.confirmed(record)
    return record


def by_name(rows):
    return {row.unit_name: row for row in rows}


def sent(cast, period, code="13", by="clerk", **values):
    return send(cast.org[code], period, by=cast.user[by], **values)


# --- figures ------------------------------------------------------------------------------------------------


def test_rows_are_the_unit_itself_and_each_child_with_all_below_it(cast, synced):
    reviewed(cast, synced)
    rows = submissions.rows_now(cast.org["13"], synced)
    assert [row.unit_name for row in rows] == ["本级", "天津局机关党委", "塘沽检验检疫局党组"]
    assert by_name(rows)["天津局机关党委"].done == Numbers(leaders=1, organizations=0, members=1)
    assert by_name(rows)["天津局机关党委"].new == by_name(rows)["天津局机关党委"].done


def test_rows_of_children_add_up_to_the_parents_row(cast, synced):
    reviewed(cast, synced)
    reviewed(cast, synced, who="lower_secretary", target="lower_member", about="1321")
    above = by_name(submissions.rows_now(cast.org["1"], synced))["天津检验检疫局党组"]
    own = total(submissions.rows_now(cast.org["13"], synced))
    assert (above.due, above.done) == (own.due, own.done)
    assert above.done.members == 2


def test_a_branch_reports_its_own_line_only(cast, synced):
    assert [row.unit_name for row in submissions.rows_now(cast.org["1311"], synced)] == ["本级"]


# --- draft and submit ----------------------------------------------------------------------------------------


def test_a_submitted_report_keeps_its_numbers_whatever_happens_later(cast, synced):
    reviewed(cast, synced)
    report = sent(cast, synced)
    before = rows_of(report)
    reviewed(cast, synced, who="lower_secretary", target="lower_member", about="1321")
    assert rows_of(ProgressReport.objects.get(pk=report.pk)) == before
    assert total(live_rows(cast.org["13"], synced)).done != total(before).done


def test_submitting_takes_the_numbers_of_that_moment_not_of_the_draft(cast, synced):
    accept_below(cast.org["13"], synced)
    report = submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    reviewed(cast, synced)
    report = submissions.submit(report, by=cast.user["clerk"])
    assert total(rows_of(report)).done.members == 1


def test_drafting_twice_gives_one_draft(cast, synced):
    first = submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    second = submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    assert first.pk == second.pk
    assert second.rows.count() == 3


def test_submitting_twice_sends_once(cast, synced):
    accept_below(cast.org["13"], synced)
    report = submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    submissions.submit(report, by=cast.user["clerk"])
    with pytest.raises(Stale, match="已上报"):
        submissions.submit(report, by=cast.user["clerk"])
    assert AuditEvent.objects.filter(verb="上报附件1", object_id=report.pk).count() == 1


@pytest.mark.parametrize("who", ["stranger", "member", "secretary", "lower_head", "root_clerk"])
def test_only_the_office_and_the_head_fill_in(cast, synced, who):
    with pytest.raises(Forbidden):
        submissions.draft(cast.org["13"], synced, by=cast.user[who])
    assert not ProgressReport.objects.exists()


@pytest.mark.parametrize("who", ["clerk", "bureau_head", "admin"])
def test_office_head_and_administrator_fill_in(cast, synced, who):
    assert sent(cast, synced, by=who).submitted_by == cast.user[who]


def test_the_next_report_waits_until_the_last_one_is_decided(cast, synced):
    sent(cast, synced)
    with pytest.raises(SubmissionRefused, match="还没有被接收"):
        submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])


def test_a_report_is_not_dated_in_the_future(cast, synced):
    with pytest.raises(SubmissionRefused, match="晚于今天"):
        submissions.draft(cast.org["13"], synced, by=cast.user["clerk"], reported_on=day("2010-12-11"))


def test_a_report_is_not_dated_before_its_period(cast, synced, settings):
    with pytest.raises(SubmissionRefused, match="2010-07-01"):
        submissions.draft(cast.org["13"], synced, by=cast.user["clerk"], reported_on=day("2010-06-30"))
    report = submissions.draft(cast.org["132"], synced, by=cast.user["lower_head"])
    with pytest.raises(submissions.WrongDay, match="2010-07-01"):
        submissions.submit(report, by=cast.user["lower_head"], reported_on=day("1990-01-01"))
    settings.TODAY = "2010-06-30"
    assert "还不能填报" in submissions.may_for(cast.org["13"], synced, cast.user["clerk"]).why_not
    with pytest.raises(SubmissionRefused, match="从2010-07-01开始"):
        submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])


def test_a_report_is_not_dated_before_the_last_one(cast, synced):
    submissions.accept(sent(cast, synced, reported_on=day("2010-12-09")), by=cast.user["root_clerk"])
    with pytest.raises(SubmissionRefused, match="2010-12-09"):
        submissions.draft(cast.org["13"], synced, by=cast.user["clerk"], reported_on=day("2010-12-08"))


def test_more_done_than_due_is_refused_and_nothing_is_written(cast, synced, monkeypatch):
    wrong = [submissions.RowFigures(cast.org["13"].pk, "本级", Numbers(), Numbers(1), Numbers(1))]
    monkeypatch.setattr(submissions, "rows_now", lambda org, period: wrong)
    with pytest.raises(SubmissionRefused, match="check_coverage"):
        submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    assert not ProgressReport.objects.exists()


# --- accept and return ----------------------------------------------------------------------------------------


def test_new_counts_from_the_last_accepted_report_row_by_row(cast, synced):
    reviewed(cast, synced)
    submissions.accept(sent(cast, synced), by=cast.user["root_clerk"])
    reviewed(cast, synced, who="lower_secretary", target="lower_member", about="1321")
    rows = by_name(rows_of(sent(cast, synced)))
    assert rows["天津局机关党委"].new == Numbers()
    assert rows["天津局机关党委"].done == Numbers(1, 0, 1)
    assert rows["塘沽检验检疫局党组"].new == rows["塘沽检验检疫局党组"].done == Numbers(1, 0, 1)


def test_a_returned_report_does_not_count_as_reported(cast, synced):
    reviewed(cast, synced)
    report = submissions.return_(sent(cast, synced), reason="请核对党员人数", by=cast.user["root_clerk"])
    assert (report.state, report.return_reason) == ("returned", "请核对党员人数")
    again = sent(cast, synced)
    assert again.pk == report.pk
    assert total(rows_of(again)).new.members == 1
    assert (again.state, again.return_reason) == ("submitted", "")


def test_a_return_needs_a_reason(cast, synced):
    report = sent(cast, synced)
    with pytest.raises(SubmissionRefused, match="退回原因"):
        submissions.return_(report, reason="  ", by=cast.user["root_clerk"])


@pytest.mark.parametrize("verb", ["accept", "return_"])
@pytest.mark.parametrize("who", ["clerk", "bureau_head", "member", "stranger", "unit_head"])
def test_only_the_superior_decides(cast, synced, verb, who):
    report = sent(cast, synced)
    values = {"reason": "请核对"} if verb == "return_" else {}
    with pytest.raises(Forbidden):
        getattr(submissions, verb)(report, by=cast.user[who], **values)
    report.refresh_from_db()
    assert report.state == "submitted"


@pytest.mark.parametrize("who", ["root_clerk", "root_head", "admin"])
def test_office_and_head_of_the_guiding_organisation_decide(cast, synced, who):
    assert submissions.accept(sent(cast, synced), by=cast.user[who]).state == "accepted"


def test_nobody_accepts_what_he_sent_himself(cast, synced):
    report = sent(cast, synced, code="11", by="root_clerk")
    with pytest.raises(Forbidden, match="自己上报"):
        submissions.accept(report, by=cast.user["root_clerk"])
    assert submissions.accept(report, by=cast.user["root_head"]).state == "accepted"


def test_a_report_is_decided_once(cast, synced):
    report = sent(cast, synced)
    submissions.accept(report, by=cast.user["root_clerk"])
    with pytest.raises(Stale, match="已接收"):
        submissions.return_(report, reason="晚了", by=cast.user["root_clerk"])


def test_at_the_root_nobody_is_above_so_the_last_sent_report_counts(cast, synced):
    reviewed(cast, synced)
    first = sent(cast, synced, code="1", by="root_clerk")
    with pytest.raises(Forbidden):
        submissions.accept(first, by=cast.user["admin"])
    second = sent(cast, synced, code="1", by="root_clerk")
    assert second.pk != first.pk
    assert total(rows_of(second)).new == Numbers()
    assert total(rows_of(second)).done == total(rows_of(first)).done


def test_a_decrease_needs_a_note_and_shows_as_a_negative_number(cast, synced):
    record = reviewed(cast, synced)
    submissions.accept(sent(cast, synced), by=cast.user["root_clerk"])
    record.state = RecordState.VOIDED
    record.save()
    targets.voided(record)
    with pytest.raises(SubmissionRefused, match="更正说明"):
        sent(cast, synced)
    report = submissions.submit(
        ProgressReport.objects.get(state="draft", organization=cast.org["13"]),
        by=cast.user["clerk"],
        correction_note="一份记录作废",
    )
    assert report.correction_note == "一份记录作废"
    assert by_name(rows_of(report))["天津局机关党委"].new == Numbers(-1, 0, -1)
    assert total(rows_of(report)).done == Numbers()


def test_a_unit_that_left_keeps_a_row_so_that_the_sums_still_follow(cast, synced):
    reviewed(cast, synced)
    first = submissions.accept(sent(cast, synced), by=cast.user["root_clerk"])
    first.rows.filter(unit_name="天津局机关党委").update(organization=cast.org["12"], unit_name="已移出的党委")
    rows = submissions.rows_now(cast.org["13"], synced)
    assert by_name(rows)["已移出的党委"].new == Numbers(-1, 0, -1)
    assert total(rows).done == total(rows_of(first)).done + total(rows).new


# --- undone, until the next level has gone on ------------------------------------------------------------------------


def allowed(report, user):
    """The names of what he may do."""
    found = submissions.may(ProgressReport.objects.get(pk=report.pk), user)
    return {field.name for field in fields(found) if getattr(found, field.name) is True}


def test_the_report_knows_what_each_may_do(cast, synced):
    clerk, above, stranger = (cast.user[who] for who in ("clerk", "root_clerk", "stranger"))
    accept_below(cast.org["13"], synced)
    report = submissions.draft(cast.org["13"], synced, by=clerk)
    assert (allowed(report, clerk), allowed(report, above)) == ({"fill_in", "submit", "discard"}, set())
    submissions.submit(report, by=clerk)
    assert (allowed(report, clerk), allowed(report, above)) == ({"take_back"}, {"accept", "return_"})
    submissions.accept(report, by=above)
    assert (allowed(report, clerk), allowed(report, above)) == (set(), {"reopen"})
    submissions.reopen(report, by=above)
    submissions.return_(report, reason="请核对", by=above)
    assert (allowed(report, clerk), allowed(report, above)) == ({"fill_in"}, set())
    assert allowed(report, stranger) == set()


def test_what_it_says_is_what_the_verbs_do(cast, synced):
    """Every user, every state, every step: open where `may` says so, refused everywhere else."""
    verbs = {
        "submit": submissions.submit, "discard": submissions.discard, "take_back": submissions.take_back, "accept": submissions.accept,
        "return_": lambda report, by: submissions.return_(report, reason="请核对", by=by), "reopen": submissions.reopen,
    }  # fmt: skip
    accept_below(cast.org["13"], synced)
    report = submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    states = [None, ("submit", "clerk"), ("accept", "root_clerk"), ("reopen", "root_clerk"), ("return_", "root_clerk")]
    tried = 0
    for step in states:
        if step:
            verbs[step[0]](report, by=cast.user[step[1]])
        for user in cast.user.values():
            for name, verb in verbs.items():
                said, did = name in allowed(report, user), True
                with transaction.atomic():
                    try:
                        verb(report, by=user)
                    except DomainError:
                        did = False
                    transaction.set_rollback(True)
                assert said == did, (step, user, name)
                tried += did
    assert tried > 10


def test_taken_back_it_is_a_draft_with_live_numbers_again(cast, synced):
    report = sent(cast, synced)
    reviewed(cast, synced)
    submissions.take_back(report, by=cast.user["bureau_head"])
    report.refresh_from_db()
    assert (report.state, report.submitted_at, report.submitted_by) == ("draft", None, None)
    assert total(rows_of(submissions.submit(report, by=cast.user["clerk"]))).done.members == 1
    submissions.accept(report, by=cast.user["root_clerk"])
    with pytest.raises(Stale, match="已接收"):
        submissions.take_back(report, by=cast.user["clerk"])


def test_an_acceptance_stands_once_the_level_above_has_sent_its_own(cast, synced):
    report = submissions.accept(sent(cast, synced), by=cast.user["root_clerk"])
    own = sent(cast, synced, code="1", by="root_clerk", again=False)
    assert allowed(report, cast.user["root_clerk"]) == set()
    with pytest.raises(SubmissionRefused, match="先撤回本级的"):
        submissions.reopen(report, by=cast.user["root_clerk"])
    submissions.take_back(own, by=cast.user["root_clerk"])
    assert submissions.reopen(report, by=cast.user["root_clerk"]).state == "submitted"


def test_an_acceptance_stands_once_the_unit_goes_on(cast, synced):
    report = submissions.accept(sent(cast, synced), by=cast.user["root_clerk"])
    later = sent(cast, synced)
    for step in ("sent", "returned", "drafted again"):
        if step == "returned":
            submissions.return_(later, reason="请核对", by=cast.user["root_clerk"])
        if step == "drafted again":
            submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
        assert not submissions.may(report, cast.user["root_clerk"]).reopen, step
    with pytest.raises(SubmissionRefused, match="下一份"):
        submissions.reopen(report, by=cast.user["root_clerk"])


def test_at_the_root_only_the_last_report_is_taken_back(cast, synced):
    first = sent(cast, synced, code="1", by="root_clerk")
    sent(cast, synced, code="1", by="root_clerk")
    with pytest.raises(SubmissionRefused, match="下一份"):
        submissions.take_back(first, by=cast.user["root_clerk"])


def test_what_changed_since_is_told_line_by_line(cast, synced):
    report = submissions.accept(sent(cast, synced), by=cast.user["root_clerk"])
    assert differences(report) == []
    reviewed(cast, synced)
    told = {(line.unit_name, line.measure): (line.done, line.done_now) for line in differences(report)}
    assert told == {("天津局机关党委", "参加点评的领导"): (0, 1), ("天津局机关党委", "被点评的党员"): (0, 1)}
    following = sent(cast, synced)
    assert total(rows_of(following)).new == Numbers(1, 0, 1)
    assert differences(following) == []


def test_on_the_page(cast, synced, as_user):
    report = sent(cast, synced)
    clerk, above = as_user(cast.user["clerk"]), as_user(cast.user["root_clerk"])
    url = reverse("progress_report", args=[report.pk])
    assert "现在的数字与上报时相同" in clerk.get(url).text
    assert reverse("progress_take_back", args=[report.pk]) not in above.get(url).text
    clerk.post(reverse("progress_take_back", args=[report.pk]))
    report.refresh_from_db()
    assert report.state == "draft"
    clerk.post(reverse("progress_submit", args=[report.pk]), {"reported_on": "2010-12-10"})
    above.post(reverse("progress_accept", args=[report.pk]))
    reviewed(cast, synced)
    page = above.get(url).text
    assert "撤销接收" in page
    assert "累计（现在）" in page
    above.post(reverse("progress_reopen", args=[report.pk]))
    report.refresh_from_db()
    assert report.state == "submitted"


def test_every_step_leaves_a_trace(cast, synced):
    report = sent(cast, synced)
    submissions.return_(report, reason="请核对", by=cast.user["root_clerk"])
    events = AuditEvent.objects.filter(model="reports.progressreport", object_id=report.pk).order_by("pk")
    assert [event.verb for event in events] == ["填报附件1", "上报附件1", "退回附件1"]
    assert "请核对" in events[2].summary


# --- who sees ---------------------------------------------------------------------------------------------------


def test_a_draft_is_seen_only_by_who_fills_it_in(cast, synced):
    submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    seeing = {part for part, user in cast.user.items() if ProgressReport.objects.visible_to(user).exists()}
    assert seeing == {"clerk", "bureau_head", "admin"}


def test_a_sent_report_is_seen_by_those_who_see_the_units_sums(cast, synced):
    report = sent(cast, synced)
    seeing = {
        part
        for part, user in cast.user.items()
        if ProgressReport.objects.visible_to(user).filter(pk=report.pk).exists()
    }
    assert seeing == {"clerk", "bureau_head", "member_in_charge", "admin", "root_clerk", "root_head"}


def test_the_roster_is_the_denominator(cast, synced):
    members = CoverageTarget.objects.filter(period=synced, measure="members").count()
    assert total(submissions.rows_now(cast.org["1"], synced)).due.members == members == len(cast.person)


def test_an_office_far_away_sees_nothing(cast, synced):
    sent(cast, synced)
    other = make_user(username="unit_clerk", office=cast.org["12"])
    assert not ProgressReport.objects.visible_to(other).exists()
    assert not ProgressReport.objects.decidable_by(other).exists()
