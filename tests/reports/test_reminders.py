"""What is due to whom on a day, once each."""

from __future__ import annotations

import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from orgs import proofs
from orgs.models import Membership, Organization, Scheme, User
from orgs.tasks import prove_tree
from reports import reminders, tasks
from reports.models import Notification, NotificationKind
from reviews import daily, duties, rounds
from reviews.models import Duty, DutyStatus, ItemState, Period, RecordState, RectificationItem
from tests.builders import day, make_bare_record, make_org, make_period, make_person, make_post, make_round, make_user

pytestmark = pytest.mark.django_db


def make_duty(period, acting=None, *, reviewer=None, org, target, **facts) -> Duty:
    """An open duty of `org` towards a person, carried out by `acting`."""
    return Duty.objects.create(
        period=period,
        rule_code=facts.pop("rule_code", "4"),
        reviewer_kind="person",
        reviewer_org=org,
        reviewer=reviewer,
        acting=acting,
        subject="member",
        target_person=target,
        about_org=org,
        basis="affiliation",
        due_on=facts.pop("due_on", period.ends_on),
        **facts,
    )


@pytest.fixture
def period(db):
    return make_period("2010H2")


@pytest.fixture
def duty(cast, period):
    """The secretary of 1311 must review one member."""
    return make_duty(period, cast.person["secretary"], org=cast.org["1311"], target=cast.person["member"])


@pytest.fixture
def item(cast, period):
    """The unit 12 (head: unit_head) must mend something by 20 November; the reviewer is root_head."""
    record = make_bare_record(period, cast.org["1"], cast.person["root_head"], of_org=cast.org["12"])
    return make_item(record, "2010-11-20")


def make_item(record, due_on: str, state=ItemState.TO_PLAN) -> RectificationItem:
    return RectificationItem.objects.create(
        record=record, order=record.items.count() + 1, text="学习不够深入", state=state, due_on=day(due_on)
    )


def keys(on: str) -> set[tuple[str, str]]:
    """(user name, key) of what is due on a day."""
    found = reminders.due(day(on))
    assert len({(one.recipient_id, one.key) for one in found}) == len(found)
    names = dict(User.objects.values_list("pk", "username"))
    return {(names[one.recipient_id], one.key) for one in found}


# --- the step that applies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "step"),
    [
        ("2010-11-30", ""),
        ("2010-12-01", "30"),
        ("2010-12-23", "30"),
        ("2010-12-24", "7"),
        ("2010-12-29", "7"),
        ("2010-12-30", "1"),
        ("2010-12-31", "1"),
        ("2011-01-01", "overdue"),
        ("2012-01-01", "overdue"),
    ],
)
def test_the_step_follows_from_the_days_left(on, step):
    assert reminders.step_for(datetime.date(2010, 12, 31), day(on), [30, 7, 1]) == step


def test_without_steps_only_what_is_overdue_is_reminded_of():
    assert reminders.step_for(datetime.date(2010, 12, 31), day("2010-12-31"), []) == ""
    assert reminders.step_for(datetime.date(2010, 12, 31), day("2011-01-01"), []) == "overdue"


# --- duties ---------------------------------------------------------------------------------------------------


def test_open_duties_of_a_person_are_one_message(cast, period, duty):
    make_duty(period, cast.person["secretary"], org=cast.org["1311"], target=cast.person["bureau_head"])
    assert keys("2010-12-01") == {("secretary", "duties:2010H2:30")}
    only = reminders.due(day("2010-12-01"))[0]
    assert "2 项" in only.title
    assert "还剩 30 天" in only.body
    assert "2010年12月31日" in only.body


def test_too_early_nobody_is_reminded(cast, duty):
    assert keys("2010-11-30") == set()


def test_after_the_end_the_duty_is_overdue(cast, duty):
    assert keys("2011-01-01") == {("secretary", "duties:2010H2:overdue")}
    assert "逾期" in reminders.due(day("2011-01-01"))[0].title


@pytest.mark.parametrize("status", [DutyStatus.DONE, DutyStatus.EXEMPT])
def test_a_settled_duty_is_not_reminded_of(cast, duty, status):
    Duty.objects.filter(pk=duty.pk).update(status=status)
    assert keys("2010-12-30") == set()
    assert keys("2011-02-01") == set()


def test_where_nobody_was_derived_the_named_secretary_is_reminded(cast, period):
    make_duty(period, None, reviewer=cast.person["secretary"], org=cast.org["1311"], target=cast.person["member"])
    assert keys("2010-12-01") == {("secretary", "duties:2010H2:30")}


def test_a_substitute_is_reminded_and_the_one_he_stands_in_for_is_not(cast, period):
    make_duty(
        period,
        cast.person["member_in_charge"],
        reviewer=cast.person["bureau_head"],
        org=cast.org["13"],
        target=cast.person["member"],
    )
    assert keys("2010-12-01") == {("member_in_charge", "duties:2010H2:30")}


def test_a_duty_that_waits_for_a_secretary_reminds_nobody(cast, period):
    make_duty(period, None, org=cast.org["1311"], target=cast.person["member"])
    assert keys("2010-12-30") == set()


def test_without_an_active_account_there_is_no_message(cast, period, duty):
    newcomer = make_person("没有账号", cast.org["1311"])
    make_duty(period, newcomer, org=cast.org["1311"], target=cast.person["member"], rule_code="0")
    cast.user["secretary"].is_active = False
    cast.user["secretary"].save()
    assert keys("2010-12-30") == set()


def test_an_assigned_duty_with_its_own_day_does_not_use_up_the_reminder_of_the_period(cast, period, duty):
    make_duty(
        period,
        cast.person["secretary"],
        org=cast.org["1311"],
        target=cast.person["bureau_head"],
        rule_code="X",
        due_on=day("2010-11-01"),
    )
    assert keys("2010-10-28") == {("secretary", "duties:2010H2:2010-11-01:7")}
    assert ("secretary", "duties:2010H2:7") in keys("2010-12-28")


def test_the_days_come_from_the_scheme(cast, duty):
    Scheme.objects.filter(is_active=True).update(remind_days="60,10")
    assert keys("2010-11-02") == {("secretary", "duties:2010H2:60")}
    assert keys("2010-12-31") == {("secretary", "duties:2010H2:10")}


# --- rectification -----------------------------------------------------------------------------------------------


def test_a_head_is_reminded_before_the_day_of_an_organisations_item(cast, item):
    assert keys("2010-11-19") == {("unit_head", f"rect:{item.pk}:2010-11-20:1")}


def test_an_overdue_item_reminds_the_head_and_the_reviewer(cast, item):
    key = f"rect:{item.pk}:2010-11-20:overdue"
    assert keys("2010-11-21") == {("unit_head", key), ("root_head", key)}


def test_a_persons_item_reminds_the_person_and_the_reviewer(cast, period):
    record = make_bare_record(
        period, cast.org["1311"], cast.person["secretary"], of_person=cast.person["member"], about=cast.org["1311"]
    )
    item = make_item(record, "2010-11-20")
    key = f"rect:{item.pk}:2010-11-20:overdue"
    assert keys("2010-11-21") == {("member", key), ("secretary", key)}


def test_a_new_head_is_reminded_in_place_of_the_old_one(cast, item):
    old = cast.person["unit_head"].posts.get()
    old.to_on = day("2010-11-01")
    old.save()
    make_post(cast.person["unit_deputy"], cast.org["12"], "书记", from_on=day("2010-11-01"))
    assert {name for name, _ in keys("2010-11-21")} == {"unit_deputy", "root_head"}


def test_a_reviewer_who_is_also_the_responsible_head_gets_one_message(cast, period):
    record = make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["12"])
    make_item(record, "2010-11-20")
    assert len(keys("2010-11-21")) == 1


@pytest.mark.parametrize(
    "state", [ItemState.NOTED, ItemState.PENDING_ACCEPTANCE, ItemState.CLOSED, ItemState.CANCELLED]
)
def test_an_item_that_does_not_wait_for_the_target_reminds_nobody(cast, item, state):
    RectificationItem.objects.filter(pk=item.pk).update(state=state)
    assert keys("2010-11-21") == set()


def test_an_item_of_a_record_that_does_not_count_reminds_nobody(cast, item):
    item.record.state = RecordState.VOIDED
    item.record.save()
    assert keys("2010-11-21") == set()


def test_an_item_without_a_day_reminds_nobody(cast, item):
    RectificationItem.objects.filter(pk=item.pk).update(due_on=None)
    assert keys("2012-01-01") == set()


def test_a_day_that_was_moved_is_reminded_of_anew(cast, item):
    reminders.send_due(day("2010-11-21"))
    RectificationItem.objects.filter(pk=item.pk).update(due_on=day("2010-12-10"))
    assert ("unit_head", f"rect:{item.pk}:2010-12-10:1") in keys("2010-12-10")


def test_the_problem_itself_is_not_in_the_message(cast, item):
    for one in reminders.due(day("2010-11-21")):
        assert item.text not in one.title + one.body


# --- what the proofs found ------------------------------------------------------------------------------------------


def test_findings_of_the_nightly_proof_reach_the_administrators(cast, caplog):
    Organization.objects.filter(code="1311").update(level=7)  # damage
    assert prove_tree() > 0
    assert "组织树" in caplog.text
    assert {name for name, key in keys("2010-11-21") if key.startswith("proof:")} == {"admin"}
    first = reminders.send_due(day("2010-11-21"))[NotificationKind.SYSTEM]
    again = reminders.send_due(day("2010-11-22"))[NotificationKind.SYSTEM]
    assert (first.new, again.new) == (1, 0)


def test_a_sound_tree_is_no_news(cast):
    assert prove_tree() == 0
    assert keys("2010-11-21") == set()


def test_no_findings_leave_no_trace(cast):
    proofs.note("组织树", [], [cast.org["1"]])
    assert keys("2010-11-21") == set()


# --- sending ------------------------------------------------------------------------------------------------------------


def test_each_reminder_is_sent_once_however_often_it_runs(cast, duty, item):
    first = reminders.send_due(day("2010-12-24"))
    assert first[NotificationKind.DUTIES] == reminders.Sent(new=1, known=0)
    assert first[NotificationKind.RECTIFICATION] == reminders.Sent(new=2, known=0)
    for _ in range(3):
        again = reminders.send_due(day("2010-12-25"))
        assert again[NotificationKind.DUTIES] == reminders.Sent(new=0, known=1)
    assert Notification.objects.count() == 3


def test_each_step_is_sent(cast, duty):
    for on in ("2010-12-01", "2010-12-24", "2010-12-30", "2011-01-01", "2011-01-02"):
        reminders.send_due(day(on))
    assert list(Notification.objects.order_by("pk").values_list("key", flat=True)) == [
        "duties:2010H2:30",
        "duties:2010H2:7",
        "duties:2010H2:1",
        "duties:2010H2:overdue",
    ]


def test_days_without_a_run_are_caught_up_without_sending_passed_steps(cast, duty):
    reminders.send_due(day("2010-12-26"))
    assert [one.key for one in Notification.objects.all()] == ["duties:2010H2:7"]


def test_the_row_of_another_run_in_the_same_instant_is_no_error(cast, duty, monkeypatch):
    """The look before the insert sees nothing; the unique key decides."""
    reminders.send_due(day("2010-12-24"))
    monkeypatch.setattr(Notification.objects, "filter", lambda **_: Notification.objects.none())
    reminders.send_due(day("2010-12-24"))
    monkeypatch.undo()
    assert Notification.objects.count() == 1


def test_selection_costs_the_same_for_more_people(cast, period, duty, django_assert_max_num_queries):
    for number in range(20):
        person = make_person(f"书记{number}", cast.org["1311"])
        make_user(person)
        make_duty(period, person, org=cast.org["1311"], target=cast.person["member"], rule_code=f"R{number}")
        org = make_org(f"9{number:02}", parent=cast.org["12"])
        make_post(person, org, "书记")
        make_item(make_bare_record(period, cast.org["1"], cast.person["root_head"], of_org=org), "2010-11-20")
    with django_assert_max_num_queries(10):
        found = reminders.due(day("2010-12-24"))
    assert len(found) == 21 + 40


def test_the_task_is_a_shell_over_the_same_function(cast, duty, in_2010, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    settings.TODAY = "2010-12-24"
    assert tasks.send_reminders() == 1
    assert tasks.send_reminders() == 0


# --- half-years and rounds ---------------------------------------------------------------------------------------------


def test_a_duty_of_a_half_year_and_of_a_round_is_reminded_of_once(cast, period, duty):
    made = make_round()
    facts = {"org": cast.org["1311"], "reviewer": cast.person["secretary"]}
    Duty.objects.filter(pk=duty.pk).update(reviewer=cast.person["secretary"])
    make_duty(made, cast.person["secretary"], target=cast.person["member"], **facts)
    make_duty(made, cast.person["secretary"], target=cast.person["bureau_head"], **facts)
    both = {one.key: one.title for one in reminders.due(day("2010-12-20"))}
    assert len(both) == 2
    assert all("1 项" in title for title in both.values())


def test_a_duty_of_two_half_years_is_two_duties(cast, period, duty):
    make_duty(make_period("2011H1"), cast.person["secretary"], org=cast.org["1311"], target=cast.person["member"])
    assert keys("2011-06-20") == {("secretary", "duties:2010H2:overdue"), ("secretary", "duties:2011H1:30")}


def test_the_round_that_is_over_gives_way_to_the_half_year_that_ends_next(cast, period, duty):
    made = make_round(first="2010-11-01", last="2010-12-15")
    make_duty(made, cast.person["secretary"], org=cast.org["1311"], target=cast.person["member"])
    assert keys("2010-12-10") == {("secretary", "duties:ND2010:7")}
    assert keys("2010-12-20") == {("secretary", "duties:2010H2:30")}
    Duty.objects.filter(pk=duty.pk).delete()
    assert keys("2010-12-20") == {("secretary", "duties:ND2010:overdue")}


def test_a_closed_round_reminds_nobody(cast, in_2010):
    made = make_round()
    make_duty(made, cast.person["secretary"], org=cast.org["1311"], target=cast.person["member"])
    Period.objects.filter(pk=made.pk).update(derived_at=timezone.now())
    assert keys("2010-12-20") != set()
    made.refresh_from_db()
    rounds.close(made, by=cast.user["admin"])
    assert keys("2010-12-20") == set()
    assert keys("2011-02-01") == set()


# --- the daily look at the duties ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("adjusts", "word"), [(True, "已自动调整"), (False, "请核对后确认")])
def test_administrators_hear_what_the_daily_look_found(cast, in_2010, adjusts, word):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made)
    Scheme.objects.update(adjusts_daily=adjusts)
    Membership.objects.filter(person=cast.person["member"]).update(to_on=day("2010-12-10"))
    (look,) = daily.follow()
    reminders.send_due(day("2010-12-10"))
    reminders.send_due(day("2010-12-11"))
    told = Notification.objects.get(key=f"daily:{look.pk}")
    assert told.recipient == cast.user["admin"]
    assert "撤回 1 项" in told.body
    assert word in told.body
    assert told.url == reverse("generation", args=[look.pk])


def test_a_day_without_changes_is_no_news(cast, in_2010):
    duties.regenerate(duties.ensure_period("2010H2"))
    daily.follow()
    assert not [one for one in reminders.due(day("2010-12-10")) if one.key.startswith("daily:")]


# --- the command ----------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("send_reminders", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_counts_and_sends_once(cast, duty):
    assert "点评任务: 新发 1, 已发过 0" in run("--on", "2010-12-24")
    assert "点评任务: 新发 0, 已发过 1" in run("--on", "2010-12-24")
    assert Notification.objects.count() == 1


def test_a_dry_run_counts_and_writes_nothing(cast, duty):
    assert "点评任务: 应发 1, 已发过 0" in run("--on", "2010-12-24", "--dry-run")
    assert not Notification.objects.exists()


def test_without_a_day_the_command_takes_today(cast, duty, settings):
    settings.TODAY = "2010-12-24"
    assert "新发 1" in run()


def test_a_wrong_day_is_a_wrong_call(db):
    with pytest.raises(CommandError, match="不是日期") as refused:
        run("--on", "2010-13-01")
    assert refused.value.returncode == 2
