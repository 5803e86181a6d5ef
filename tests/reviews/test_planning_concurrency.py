"""Draws, work plans and bulk arrangements by two hands at once."""

from __future__ import annotations

import pytest

from orgs.errors import DomainError
from orgs.models import AuditEvent
from reviews import assignments, draws, work_plans
from reviews.models import Draw, DrawState, Duty, DutyStatus, WorkPlan, WorkPlanState
from tests import builders
from tests.builders import day
from tests.cast import make_cast
from tests.reviews.record_cases import make_cases
from tests.together import together

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closed_connections", "in_2010"),
]


@pytest.fixture
def cases():
    return make_cases(make_cast())


def test_a_draw_run_twice_at_once_makes_one_set_of_duties(cases):
    cast, clerk = cases.cast, cases.cast.user["clerk"]
    draw = draws.define(
        cast.org["13"], period=cases.period, acting=cast.person["bureau_head"], frame=draws.Frame(), size=3,
        due_on=day("2010-12-20"), occasion="季度随机点评", by=clerk,
    )  # fmt: skip
    assert together(*[lambda: draws.run(draw, by=clerk)] * 4) == []
    drawn = Draw.objects.get()
    assert draws.is_reproducible(drawn)
    assert sorted(Duty.objects.values_list("target_org__code", flat=True)) == drawn.drawn
    assert AuditEvent.objects.filter(verb="随机抽取").count() == 1


def test_a_draw_run_and_voided_at_once_leaves_no_duty(cases):
    cast, clerk = cases.cast, cases.cast.user["clerk"]
    draw = draws.define(
        cast.org["13"], period=cases.period, acting=cast.person["bureau_head"], frame=draws.Frame(), size=3,
        due_on=day("2010-12-20"), occasion="季度随机点评", by=clerk,
    )  # fmt: skip
    errors = together(lambda: draws.run(draw, by=clerk), lambda: draws.void(draw, reason="范围有误", by=clerk))
    assert Draw.objects.get().state == DrawState.VOIDED
    assert not Duty.objects.exists()
    assert all(isinstance(error, draws.DrawRefused) for error in errors), errors


def submitted(cases) -> WorkPlan:
    clerk = cases.cast.user["clerk"]
    cases.of_branch()
    plan = work_plans.draft(cases.cast.org["13"], period=cases.period, by=clerk)
    texts = {"basis": "通知", "leadership": "组长：书记"}
    work_plans.save(plan, texts=texts, forms=["meeting"], combined=[], lines={}, rest_on=day("2010-12-15"), by=clerk)
    return work_plans.submit(plan, by=clerk)


def test_a_plan_approved_and_returned_at_once_has_one_winner(cases):
    plan, head = submitted(cases), cases.cast.user["bureau_head"]
    errors = together(
        lambda: work_plans.approve(plan, by=head), lambda: work_plans.send_back(plan, reason="补充联络员", by=head)
    )
    assert [type(error) for error in errors] == [work_plans.WorkPlanRefused]
    plan.refresh_from_db()
    (verb,) = AuditEvent.objects.filter(verb__in=["批准工作方案", "退回工作方案"]).values_list("verb", flat=True)
    assert (plan.state, verb) in {
        (WorkPlanState.APPROVED, "批准工作方案"), (WorkPlanState.RETURNED, "退回工作方案")
    }  # fmt: skip
    assert bool(plan.approver_name) == (plan.state == WorkPlanState.APPROVED)


def test_two_first_drafts_at_once_are_one(cases):
    cases.of_branch()
    org, clerk = cases.cast.org["13"], cases.cast.user["clerk"]
    assert together(*[lambda: work_plans.draft(org, period=cases.period, by=clerk)] * 3) == []
    assert WorkPlan.objects.get().lines.count() == 1


def team_duties(cases) -> list[Duty]:
    """Three duties of the bureau, which any of its team may carry out."""
    cases.of_branch()
    cases.duty("2B", "13", "member_in_charge", org="1321")
    cases.duty("2A", "13", "member_in_charge", org="132")
    return list(Duty.objects.order_by("pk"))


def test_two_bulk_reassignments_at_once_leave_one_leader_for_all(cases):
    cast, clerk, found = cases.cast, cases.cast.user["clerk"], team_duties(cases)
    deputy = builders.make_person("天津局副书记", cast.org["1311"])
    builders.make_post(deputy, cast.org["13"], "副书记")
    third = builders.make_person("天津局成员", cast.org["1311"])
    builders.make_post(third, cast.org["13"], "成员")
    to_deputy = assignments.reassigning(acting=deputy, reason="病假", by=clerk)
    to_third = assignments.reassigning(acting=third, reason="调任", by=clerk)
    errors = together(
        lambda: assignments.carry_out(found, to_deputy), lambda: assignments.carry_out(reversed(found), to_third)
    )
    assert errors == []
    (last,) = set(Duty.objects.values_list("acting__name", flat=True))
    said = list(AuditEvent.objects.filter(verb="转派任务").order_by("pk").values_list("summary", flat=True))
    first = ({deputy.name, third.name} - {last}).pop()
    assert [words.split("：")[0] for words in said] == [f"天津局分管成员 → {first}"] * 3 + [f"{first} → {last}"] * 3


def test_a_bulk_exemption_and_a_bulk_reassignment_at_once_are_each_whole(cases):
    cast, clerk, found = cases.cast, cases.cast.user["clerk"], team_duties(cases)
    exempt = assignments.exempting(reason="筹建", approved_by="张三", by=clerk)
    other = assignments.reassigning(acting=cast.person["organ_head"], reason="病假", by=clerk)
    builders.make_post(cast.person["organ_head"], cast.org["13"], "成员")
    errors = together(
        lambda: assignments.carry_out(found, exempt), lambda: assignments.carry_out(reversed(found), other)
    )
    assert all(isinstance(error, DomainError) for error in errors), errors
    assert set(Duty.objects.values_list("status", flat=True)) == {DutyStatus.EXEMPT}
    # The exemption came second where both went through, first where the reassignment met exempt duties.
    wanted = "天津局分管成员" if errors else "机关党委书记"
    assert set(Duty.objects.values_list("acting__name", flat=True)) == {wanted}
