"""Whoever must act on annex 1 hears of it: what waits, what was returned or accepted, what is due."""

import pytest
from django.urls import reverse

from orgs import accounts
from orgs.models import User
from reports import reminders, report_notices, reporting, submissions
from reports.models import Notification, NotificationKind, Way
from reports.outside import issues, returns
from reviews import coverage as targets
from reviews.models import Period
from tests.builders import day, make_period, make_user
from tests.reports.outside_cases import FULL, filled, make_outside, uploaded
from tests.reports.submitting import accept_below, send


@pytest.fixture
def period(cast, in_2010):
    """The period, with the roster of the day."""
    found = make_period()
    targets.sync(found, day("2010-12-10"))
    Period.objects.filter(pk=found.pk).update(derived_at="2010-07-01T00:00:00Z")
    return found


@pytest.fixture
def ready(cast, period):
    """The draft of the bureau, with all below it accepted and nothing said so far."""
    accept_below(cast.org["13"], period)
    Notification.objects.all().delete()
    return submissions.draft(cast.org["13"], period, by=cast.user["clerk"])


def told():
    """(who, title), and forgotten."""
    found = set(Notification.objects.values_list("recipient__username", "title"))
    Notification.objects.all().delete()
    return found


WAITS, ACCEPTED, RETURNED = (
    f"{word}：天津检验检疫局党组2010年下半年的附件1" for word in ("待接收", "已接收", "已退回")
)


def test_who_decides_hears_of_a_new_report(cast, ready):
    submissions.submit(ready, by=cast.user["clerk"])
    one = Notification.objects.get(recipient=cast.user["root_clerk"])
    assert (one.kind, one.url) == (NotificationKind.REPORTS, reverse("progress_report", args=[ready.pk]))
    assert "请核对后接收或退回" in one.body
    assert told() == {("root_clerk", WAITS), ("root_head", WAITS)}


def test_the_unit_hears_of_what_was_decided_with_the_reason(cast, ready):
    submissions.submit(ready, by=cast.user["clerk"])
    told()
    submissions.return_(ready, reason="请核对党员人数", by=cast.user["root_clerk"])
    assert "退回原因：请核对党员人数" in Notification.objects.get(recipient=cast.user["bureau_head"]).body
    assert told() == {("clerk", RETURNED), ("bureau_head", RETURNED)}
    submissions.draft(cast.org["13"], ready.period, by=cast.user["clerk"])
    submissions.submit(ready, by=cast.user["clerk"])
    assert told() == {("root_clerk", WAITS), ("root_head", WAITS)}, "sent again is another event"
    submissions.accept(ready, by=cast.user["root_clerk"])
    assert told() == {("clerk", ACCEPTED), ("bureau_head", ACCEPTED)}


def test_nobody_hears_of_what_he_did_himself(cast, ready):
    """Who sent for the unit hears of it too; who is on both sides is not told of his own deed."""
    accounts.grant_office(cast.user["clerk"], cast.org["1"], by=None)
    submissions.submit(ready, by=cast.user["clerk"])
    assert told() == {("root_clerk", WAITS), ("root_head", WAITS)}
    accounts.grant_office(cast.user["root_clerk"], cast.org["13"], by=None)
    submissions.accept(ready, by=cast.user["root_clerk"])
    assert told() == {("clerk", ACCEPTED), ("bureau_head", ACCEPTED)}


def test_who_sent_it_for_the_unit_hears_what_became_of_it(cast, ready):
    submissions.submit(ready, by=cast.user["admin"])
    told()
    submissions.return_(ready, reason="请核对", by=cast.user["root_clerk"])
    assert told() == {("clerk", RETURNED), ("bureau_head", RETURNED), ("admin", RETURNED)}


def test_refused_nothing_is_said(cast, ready):
    with pytest.raises(submissions.SubmissionRefused):
        submissions.return_(ready, reason=" ", by=cast.user["root_clerk"])
    assert told() == set()


def test_at_the_root_nobody_waits(cast, period):
    send(cast.org["1"], period, by=cast.user["root_clerk"])
    assert ("root_clerk", "待接收：国家质检总局党组2010年下半年的附件1") not in told()


def test_what_came_by_a_form_waits_too(cast, period):
    issue = issues.issue_form(make_outside(cast), period, by=cast.user["root_clerk"])
    returns.take(uploaded(cast, filled(issues.file_of(issue), FULL), period), by=cast.user["root_clerk"])
    (only,) = told()
    assert only[0] == "root_head"


# --- before the deadline -----------------------------------------------------------------------------------------


def reminded(on):
    """Who is reminded, under which key."""
    names = dict(User.objects.values_list("pk", "username"))
    return {(names[one.recipient_id], one.key) for one in report_notices.due(day(on))}


def test_three_days_before_and_on_the_day_who_has_not_sent_is_reminded(cast, period):
    who = {"root_clerk", "root_head", "organ_head", "unit_head", "clerk", "bureau_head", "lower_head"}
    for on, step in (("2011-01-06", None), ("2011-01-07", "3"), ("2011-01-09", "3"), ("2011-01-10", "0")):
        key = f"report-due:2010H2:2011-01-10:{step}"
        assert reminded(on) == ({(name, key) for name in who} if step else set()), on
    assert reminded("2011-01-11") == set()
    (one,) = [each for each in report_notices.due(day("2011-01-07")) if each.recipient_id == cast.user["clerk"].pk]
    assert one.body == (
        "还剩 3 天，天津检验检疫局党组还没有上报2010年下半年的领导点评工作完成进度报表（附件1），"
        "请在2011年1月10日前核对并上报。"
    )
    assert one.url == f"{reverse('progress_reports')}?org=13&period=2010H2"


def test_it_is_one_of_the_daily_reminders_and_sent_once(cast, period):
    reminders.send_due(day("2011-01-07"))
    count = Notification.objects.filter(key__startswith="report-due:").count()
    assert count == 7
    reminders.send_due(day("2011-01-07"))
    reminders.send_due(day("2011-01-08"))
    assert Notification.objects.filter(key__startswith="report-due:").count() == count
    reminders.send_due(day("2011-01-10"))
    assert Notification.objects.filter(key__startswith="report-due:").count() == 2 * count


def test_who_has_sent_is_explained_or_does_not_report_is_left_alone(cast, period):
    send(cast.org["132"], period)
    reporting.explain(cast.org["12"], period, reason="合并", by=None)
    reporting.set_way(cast.org["11"], Way.FORM, reason="不用本系统", by=None)
    assert {who for who, _ in reminded("2011-01-07")} == {"root_clerk", "root_head", "clerk", "bureau_head"}
    report = submissions.ProgressReport.objects.get(organization=cast.org["132"])
    submissions.return_(report, reason="请核对", by=cast.user["clerk"])
    assert "lower_head" in {who for who, _ in reminded("2011-01-07")}


def test_below_what_does_not_report_nobody_is_reminded(cast, period):
    reporting.set_way(cast.org["13"], Way.NONE, reason="由总局统计", by=None)
    assert not {"clerk", "bureau_head", "lower_head"} & {who for who, _ in reminded("2011-01-07")}


def test_the_day_that_was_set_counts_and_one_message_tells_of_several_units(cast, period):
    reporting.set_deadline(period, due_on=day("2010-12-20"), closes_on=day("2011-01-05"), by=cast.user["admin"])
    both = make_user(username="both", office=cast.org["12"])
    accounts.grant_office(both, cast.org["11"], by=None)
    assert reminded("2011-01-07") == set()
    assert ("both", "report-due:2010H2:2010-12-20:0") in reminded("2010-12-20")
    (one,) = [each for each in report_notices.due(day("2010-12-20")) if each.recipient_id == both.pk]
    assert "总局直属机关党委、信息中心党委还没有上报" in one.body


def test_of_a_period_without_duties_nothing_is_due(cast, period):
    Period.objects.update(derived_at=None)
    assert reminded("2011-01-07") == set()
