"""五有 of a subtree (domain.md 5.11). What the system does not hold yet is said, not guessed."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from orgs.models import Organization
from orgs.scope import in_range
from reports.coverage import Figure
from reviews import vocabulary
from reviews.models import Duty, DutyStatus, GradeOf, Period, Subject, WorkPlan, WorkPlanState

GRADED = {
    GradeOf.ORGANIZATION: ("target_org", [Subject.ORG]),
    GradeOf.HEAD: ("target_person", [Subject.HEAD]),
    GradeOf.MEMBER: ("target_person", [Subject.TEAM_MEMBER, Subject.MEMBER]),
}
HELD = [WorkPlanState.IN_FORCE, WorkPlanState.COMPLETED]


@dataclass(frozen=True)
class Light:
    """One of the five: how many of how many, or None where the system holds nothing of it."""

    name: str
    figure: Figure | None
    what: str
    url_name: str = ""  # where the missing ones are named

    @property
    def state(self) -> str:
        """达到, 部分, 没有 or 未登记."""
        if self.figure is None or not self.figure.due:
            return "未登记"
        return "达到" if not self.figure.missing else "部分" if self.figure.done else "没有"


def lights(period: Period, org: Organization) -> list[Light]:
    """The five, for the organisation and all below it; 有评定 where the scheme offers grades. Four queries, and two for
    each kind of target that is graded.
    """
    alive = Organization.objects.below(org, include_self=True).alive(period.ends_on).count()
    plans = WorkPlan.objects.filter(in_range(org, "organization__"), period=period, state__in=HELD).order_by()
    held = plans.aggregate(
        plans=Count("organization", distinct=True),
        led=Count("organization", filter=~Q(leadership=""), distinct=True),
    )
    duties = Duty.objects.filter(in_range(org, "about_org__"), period=period).exclude(status=DutyStatus.EXEMPT)
    records = duties.order_by().aggregate(all=Count("pk"), done=Count("pk", filter=Q(status=DutyStatus.DONE)))
    return [
        Light("有计划", Figure(alive, held["plans"]), "有已印发工作方案的组织", "work_plans_missing"),
        Light(
            "有组织", Figure(alive, held["led"]), "方案写明了组织领导的组织；动员情况系统尚不登记", "work_plans_missing"
        ),
        Light("有记录", Figure(records["all"], records["done"]), "已有完整点评记录的任务（免除的不计）"),
        Light("有检查", None, "系统尚不登记检查，请另行掌握"),
        _graded(period, duties),
    ]


def _graded(period: Period, duties: QuerySet[Duty]) -> Light:
    """Of those with a duty towards them, who was given a grade in the half-year; each target once for each kind."""
    kinds = vocabulary.kinds_graded()
    if not kinds:
        return Light("有评定", None, "现行方案没有设评定等次，系统不登记评定，请另行掌握")
    figure = Figure()
    for of in kinds:
        target, subjects = GRADED[of]
        due = duties.filter(subject__in=subjects).order_by()
        given = due.filter(**{f"{target}__in": vocabulary.graded(period, of).values(target)})
        counted = (rows.aggregate(count=Count(target, distinct=True))["count"] for rows in (due, given))
        figure += Figure(*counted)
    words = "、".join(of.label for of in kinds)
    return Light("有评定", figure, f"本期评了等次的{words}（按点评任务的对象，免除的不计）；等次以外的评定系统不登记")
