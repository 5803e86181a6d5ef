"""A problem followed to its close (R37, domain.md 5.7)."""

import pytest

from orgs.errors import Forbidden
from orgs.models import AuditEvent
from reviews import records, rectifications
from reviews.models import ItemState, Record, RecordState, RectificationItem
from reviews.rectifications import RectificationRefused
from tests.builders import day
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
YEAR_END = day("2010-12-31")


@pytest.fixture
def cases(cast):
    return make_cases(cast)


@pytest.fixture
def item(cases):
    """The first of two problems of the member, to be planned until the year's end."""
    return cases.confirmed(feedback_due_on=YEAR_END).items.get(order=1)


def planned(item, user, **changes):
    facts = {"measures": "每周学习", "responsible": "本人", "due_on": day("2010-12-20")} | changes
    return rectifications.plan(item, by=user, **facts)


def fed_back(item, user):
    planned(item, user)
    return rectifications.feed_back(item, outcome="已学四次", by=user)


def steps(item):
    return [(step.verb, step.text) for step in item.steps.all()]


# --- the way through -------------------------------------------------------------------------------------------


def test_an_item_is_planned_worked_on_fed_back_and_closed(item, cast):
    me, secretary = cast.user["member"], cast.user["secretary"]
    assert planned(item, me).state == ItemState.IN_PROGRESS
    rectifications.report(item, text="学了两次", by=me)
    rectifications.report(item, text="学了三次", by=me)
    assert rectifications.feed_back(item, outcome="已学四次", by=me).state == ItemState.PENDING_ACCEPTANCE
    closed = rectifications.accept(item, by=secretary)
    closed.refresh_from_db()
    assert (closed.state, closed.closed_on) == (ItemState.CLOSED, day("2010-12-10"))
    assert (closed.measures, closed.responsible, closed.due_on) == ("每周学习", "本人", day("2010-12-20"))
    assert steps(closed) == [
        ("下达", ""),
        ("制定措施", "每周学习"),
        ("报进展", "学了两次"),
        ("报进展", "学了三次"),
        ("反馈", "已学四次"),
        ("验收销号", ""),
    ]
    events = AuditEvent.objects.filter(model="reviews.rectificationitem", object_id=item.pk).order_by("pk")
    assert [event.verb for event in events] == ["整改制定措施", "整改报进展", "整改报进展", "整改反馈", "整改验收销号"]
    assert (events.last().before["state"], events.last().after["state"]) == ("pending_acceptance", "closed")


def test_what_is_not_good_enough_goes_back_to_work(item, cast):
    fed_back(item, cast.user["member"])
    with pytest.raises(RectificationRefused, match="退回原因"):
        rectifications.send_back(item, reason=" ", by=cast.user["secretary"])
    back = rectifications.send_back(item, reason="没有学习记录", by=cast.user["secretary"])
    assert back.state == ItemState.IN_PROGRESS
    assert steps(back)[-1] == ("退回", "没有学习记录")
    again = rectifications.feed_back(item, outcome="补了记录", by=cast.user["member"])
    assert again.outcome == "补了记录"


def test_a_plan_may_be_changed_while_worked_on(item, cast):
    planned(item, cast.user["member"])
    changed = planned(item, cast.user["member"], measures="每天学习", due_on=None)
    assert (changed.measures, changed.due_on) == ("每天学习", day("2010-12-20"))
    assert steps(changed)[-1] == ("调整措施", "每天学习")


def test_the_last_item_closes_an_acknowledged_record(item, cast):
    record = records.deliver(item.record, by=cast.user["secretary"])
    records.acknowledge(record, by=cast.user["member"])
    for each in record.items.all():
        assert Record.objects.get(pk=record.pk).state == RecordState.ACKNOWLEDGED
        fed_back(each, cast.user["member"])
        rectifications.accept(each, by=cast.user["secretary"])
    assert Record.objects.get(pk=record.pk).state == RecordState.CLOSED


def test_a_record_that_was_not_acknowledged_does_not_close(item, cast):
    for each in item.record.items.all():
        fed_back(each, cast.user["member"])
        rectifications.accept(each, by=cast.user["secretary"])
    assert Record.objects.get(pk=item.record_id).state == RecordState.CONFIRMED


def test_overdue_is_shown_while_it_waits_for_work(item, cast):
    planned(item, cast.user["member"], due_on=day("2010-12-09"))
    item.refresh_from_db()
    assert item.is_overdue(day("2010-12-10"))
    assert not item.is_overdue(day("2010-12-09"))
    assert list(RectificationItem.objects.overdue(day("2010-12-10"))) == [item]
    rectifications.feed_back(item, outcome="完成", by=cast.user["member"])
    assert not RectificationItem.objects.overdue(day("2010-12-10")).exists()


# --- days --------------------------------------------------------------------------------------------------------


def test_without_a_day_of_its_own_a_plan_takes_the_reviewers(item, cast):
    assert planned(item, cast.user["member"], due_on=None).due_on == YEAR_END


def test_a_day_after_the_reviewers_is_refused_until_he_moves_it(item, cast):
    late = day("2011-01-31")
    with pytest.raises(RectificationRefused, match="2010-12-31"):
        planned(item, cast.user["member"], due_on=late)
    rectifications.set_due(item.record, on=late, by=cast.user["secretary"])
    assert planned(item, cast.user["member"], due_on=late).due_on == late


def test_where_nobody_set_a_day_the_plan_names_one(cases, cast):
    item = cases.confirmed().items.get(order=1)
    assert item.due_on is None
    with pytest.raises(RectificationRefused, match="完成时限"):
        planned(item, cast.user["member"], due_on=None)
    assert planned(item, cast.user["member"], due_on=day("2011-03-31")).due_on == day("2011-03-31")


def test_moving_the_day_moves_what_hangs_on_it(item, cast):
    record = item.record
    other = record.items.get(order=2)
    planned(item, cast.user["member"], due_on=day("2010-12-20"))
    rectifications.set_due(record, on=day("2011-01-31"), by=cast.user["secretary"])
    item.refresh_from_db()
    other.refresh_from_db()
    # His own earlier day stays, the open one follows.
    assert (item.due_on, other.due_on) == (day("2010-12-20"), day("2011-01-31"))
    rectifications.set_due(record, on=day("2010-12-15"), by=cast.user["secretary"])
    item.refresh_from_db()
    assert item.due_on == day("2010-12-15")


@pytest.mark.parametrize("on", ["2010-12-07", "2999-01-01"])
def test_an_impossible_day_is_refused(item, cast, on):
    with pytest.raises(RectificationRefused):
        rectifications.set_due(item.record, on=day(on), by=cast.user["secretary"])
    with pytest.raises(RectificationRefused):
        planned(item, cast.user["member"], due_on=day(on))


def test_a_drafts_day_is_set_in_its_form(cases, cast):
    with pytest.raises(RectificationRefused, match="草稿"):
        rectifications.set_due(cases.member_record(), on=YEAR_END, by=cast.user["secretary"])


# --- who ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["member", "secretary", "clerk", "admin"])
def test_the_target_plans_or_his_secretary_or_the_office(item, cast, part):
    assert planned(item, cast.user[part]).state == ItemState.IN_PROGRESS


@pytest.mark.parametrize("part", ["bureau_head", "member_in_charge", "stranger", "lower_member", "root_clerk"])
def test_nobody_else_speaks_for_the_target(item, cast, part):
    with pytest.raises(Forbidden):
        planned(item, cast.user[part])
    planned(item, cast.user["member"])
    with pytest.raises(Forbidden):
        rectifications.report(item, text="看看", by=cast.user[part])
    with pytest.raises(Forbidden):
        rectifications.feed_back(item, outcome="完成", by=cast.user[part])


@pytest.mark.parametrize("part", ["secretary", "clerk", "admin"])
def test_the_reviewing_side_accepts(item, cast, part):
    fed_back(item, cast.user["member"])
    assert rectifications.accept(item, by=cast.user[part]).state == ItemState.CLOSED


@pytest.mark.parametrize("part", ["member", "bureau_head", "stranger", "root_clerk"])
def test_nobody_else_accepts_and_never_the_target(item, cast, part):
    fed_back(item, cast.user["member"])
    with pytest.raises(Forbidden):
        rectifications.accept(item, by=cast.user[part])
    with pytest.raises(Forbidden):
        rectifications.send_back(item, reason="不行", by=cast.user[part])
    with pytest.raises(Forbidden):
        rectifications.set_due(item.record, on=YEAR_END, by=cast.user[part])


def test_the_target_who_works_in_the_office_does_not_accept_his_own(cases, cast):
    item = cases.confirmed().items.get(order=1)
    user = cast.user["member"]
    user.grants.create(organization=cast.org["13"])
    user = type(user).objects.get(pk=user.pk)
    planned(item, user)
    rectifications.feed_back(item, outcome="完成", by=user)
    with pytest.raises(Forbidden):
        rectifications.accept(item, by=user)


def test_an_organisations_head_answers_and_does_not_accept(cases, cast):
    item = cases.confirmed_branch().items.get(order=1)
    planned(item, cast.user["secretary"])
    rectifications.feed_back(item, outcome="完成", by=cast.user["secretary"])
    with pytest.raises(Forbidden):
        rectifications.accept(item, by=cast.user["secretary"])
    # The reviewing organisation's head accepts for the member in charge.
    assert rectifications.accept(item, by=cast.user["bureau_head"]).state == ItemState.CLOSED


def test_each_is_offered_what_he_may_do(item, cast):
    me, secretary, stranger = cast.user["member"], cast.user["secretary"], cast.user["stranger"]
    assert rectifications.actions(item, me) == {"plan"}
    assert rectifications.actions(item, secretary) == {"plan", "set_due"}
    item = planned(item, me)
    assert rectifications.actions(item, me) == {"plan", "report", "feed_back"}
    item = rectifications.feed_back(item, outcome="完成", by=me)
    assert rectifications.actions(item, me) == set()
    assert rectifications.actions(item, secretary) == {"accept", "send_back"}
    assert rectifications.actions(item, stranger) == set()
    item = rectifications.accept(item, by=secretary)
    assert rectifications.actions(item, secretary) == set()


# --- states --------------------------------------------------------------------------------------------------


def test_a_wrong_state_is_refused_and_named(item, cast):
    me, secretary = cast.user["member"], cast.user["secretary"]
    for verb in (
        lambda: rectifications.report(item, text="早了", by=me),
        lambda: rectifications.feed_back(item, outcome="早了", by=me),
        lambda: rectifications.accept(item, by=secretary),
        lambda: rectifications.send_back(item, reason="早了", by=secretary),
    ):
        with pytest.raises(RectificationRefused, match="待制定措施"):
            verb()
    fed_back(item, me)
    with pytest.raises(RectificationRefused, match="待验收"):
        planned(item, me)
    rectifications.accept(item, by=secretary)
    with pytest.raises(RectificationRefused, match="已销号"):
        rectifications.accept(item, by=secretary)


def test_an_item_of_a_voided_record_is_left_alone(item, cast):
    records.void(item.record, reason="重复", by=cast.user["clerk"])
    with pytest.raises(RectificationRefused, match="已取消"):
        planned(item, cast.user["member"])
    item.refresh_from_db()
    item.record.refresh_from_db()
    assert rectifications.actions(item, cast.user["member"]) == set()


@pytest.mark.parametrize(
    "change", [{"measures": " "}, {"responsible": ""}, {"responsible": "长" * 101}, {"measures": "长" * 20_001}]
)
def test_a_plan_says_what_and_who(item, cast, change):
    with pytest.raises(RectificationRefused):
        planned(item, cast.user["member"], **change)
    item.refresh_from_db()
    assert (item.state, item.steps.count()) == (ItemState.TO_PLAN, 1)


def test_words_are_needed_for_progress_and_outcome(item, cast):
    planned(item, cast.user["member"])
    with pytest.raises(RectificationRefused, match="进展"):
        rectifications.report(item, text="\n", by=cast.user["member"])
    with pytest.raises(RectificationRefused, match="落实情况"):
        rectifications.feed_back(item, outcome="", by=cast.user["member"])


# --- annex 3 ---------------------------------------------------------------------------------------------------


def test_the_last_cell_is_blank_until_something_is_fed_back(item, cast):
    record = item.record
    assert rectifications.annex_text(record.items.all()) == ""
    planned(item, cast.user["member"])
    assert rectifications.annex_text(record.items.all()) == ""


def test_the_last_cell_joins_measures_and_outcomes(item, cast):
    record = item.record
    fed_back(item, cast.user["member"])
    assert rectifications.annex_text(record.items.all()) == "1．整改措施：每周学习\n落实情况：已学四次"
    rectifications.accept(item, by=cast.user["secretary"])
    fed_back(record.items.get(order=2), cast.user["member"])
    assert rectifications.annex_text(record.items.all()) == (
        "1．整改措施：每周学习\n落实情况：已学四次（2010年12月10日销号）\n2．整改措施：每周学习\n落实情况：已学四次"
    )


def test_a_single_problem_needs_no_number(cases, cast):
    record = cases.confirmed(problems=("只有一条",))
    fed_back(record.items.get(), cast.user["member"])
    assert rectifications.annex_text(record.items.all()) == "整改措施：每周学习\n落实情况：已学四次"
