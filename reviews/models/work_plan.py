"""Work plans (工作方案, R43; domain.md 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from orgs import scope

if TYPE_CHECKING:
    from orgs.models import User


class WorkPlanState(models.TextChoices):
    """States of a plan; SUPERSEDED is an old version after its successor came into force."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "待审批"
    RETURNED = "returned", "已退回"
    APPROVED = "approved", "已批准"
    IN_FORCE = "in_force", "执行中"
    COMPLETED = "completed", "已完成"
    CANCELLED = "cancelled", "已中止"
    SUPERSEDED = "superseded", "已由新版代替"


EDITABLE = [WorkPlanState.DRAFT, WorkPlanState.RETURNED]
UNDER_WAY = [*EDITABLE, WorkPlanState.SUBMITTED, WorkPlanState.APPROVED]


class Combined(models.TextChoices):
    """What reviews may be joined with (R41)."""

    SUMMARY = "summary", "年终工作总结"
    APPRAISAL = "appraisal", "年度考核"
    INTEGRITY = "integrity", "惩治和预防腐败体系检查"
    OTHER = "other", "其他工作"


class WorkPlanQuerySet(models.QuerySet["WorkPlan"]):
    """Work plans."""

    def visible_to(self, user: User) -> Self:
        """Of organisations one heads or belongs to the team of, and of those in whose office (or above) one works.

        The superior's office across a guidance edge sees them from their filing on, not drafts.
        """
        at = scope.seats(user)
        if at.is_admin:
            return self
        own = scope.office_of(user, "organization__") | scope.headed(user, "organization__")
        issued = Q(state__in=[WorkPlanState.IN_FORCE, WorkPlanState.COMPLETED, WorkPlanState.SUPERSEDED])
        team = Q(organization__in=[org.pk for org in at.teams])
        return self.filter(own | (issued & (team | filing(user))))


def filing(user: User) -> Q:
    """Plans of organisations whose superior's office the user works in, whichever the relation."""
    return scope.office_of(user, "organization__parent__")


class WorkPlan(models.Model):
    """工作方案: one organisation's plan for a period, one row a version. Written by `reviews.work_plans`."""

    organization = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="组织", related_name="work_plans"
    )
    period = models.ForeignKey("reviews.Period", models.PROTECT, verbose_name="点评期", related_name="work_plans")
    version = models.PositiveSmallIntegerField("版本", default=1)
    state = models.CharField("状态", max_length=12, choices=WorkPlanState, default=WorkPlanState.DRAFT)
    basis = models.TextField("指导依据", blank=True)
    leadership = models.TextField("组织领导", blank=True, help_text="领导小组、办公室、联络员")
    coverage = models.TextField("范围与对象", blank=True)
    schedule = models.TextField("时间安排", blank=True)
    forms = models.JSONField("点评形式代码", default=list)  # see `OfferedForm`
    form_names = models.JSONField("点评形式", default=list)
    combined = models.JSONField("结合工作", default=list)
    safeguards = models.TextField("保障措施", blank=True)
    author = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="起草人", null=True, related_name="+")
    created_at = models.DateTimeField("起草时间", auto_now_add=True)
    saved_at = models.DateTimeField("保存时间", auto_now=True)
    submitted_on = models.DateField("提交日期", null=True, blank=True)
    return_reason = models.CharField("退回原因", max_length=200, blank=True)
    approved_on = models.DateField("批准日期", null=True, blank=True)
    approver_name = models.CharField("批准人", max_length=100, blank=True)
    issued_on = models.DateField("印发日期", null=True, blank=True)
    filed_on = models.DateField("备案日期", null=True, blank=True, help_text="由上级办公室登记")
    ended_on = models.DateField("结束日期", null=True, blank=True)
    end_reason = models.CharField("未完成或中止原因", max_length=200, blank=True)

    objects = WorkPlanQuerySet.as_manager()

    class Meta:
        verbose_name = "工作方案"
        verbose_name_plural = "工作方案"
        ordering = ["-period__starts_on", "organization__code", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "period", "version"], name="one_plan_per_version"),
            models.UniqueConstraint(
                fields=["organization", "period"], condition=Q(state="in_force"), name="one_plan_in_force"
            ),
            models.UniqueConstraint(
                fields=["organization", "period"],
                condition=Q(state__in=["draft", "returned", "submitted", "approved"]),
                name="one_plan_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization} {self.period} 工作方案（第{self.version}版）"

    @property
    def is_editable(self) -> bool:
        """Its words and days may still be changed."""
        return self.state in EDITABLE

    @property
    def combined_names(self) -> list[str]:
        """结合工作 in words."""
        return [str(label) for value, label in Combined.choices if value in self.combined]


class WorkPlanLine(models.Model):
    """方案安排: who reviews whom, in which form, when. Names are kept; the duty may be withdrawn later."""

    plan = models.ForeignKey(WorkPlan, models.CASCADE, verbose_name="工作方案", related_name="lines")
    duty = models.ForeignKey(
        "reviews.Duty", models.SET_NULL, verbose_name="点评任务", null=True, blank=True, related_name="plan_lines"
    )
    order = models.PositiveIntegerField("序号")
    reviewer_name = models.CharField("点评领导", max_length=200, blank=True)
    target_name = models.CharField("点评对象", max_length=200)
    subject_name = models.CharField("对象身份", max_length=20)
    form = models.CharField("点评形式代码", max_length=20, blank=True)  # see `OfferedForm`
    form_name = models.CharField("点评形式", max_length=20, blank=True)
    planned_on = models.DateField("计划日期", null=True, blank=True)
    is_added = models.BooleanField("后增", default=False, help_text="方案拟定以后新增的任务")

    class Meta:
        verbose_name = "方案安排"
        verbose_name_plural = "方案安排"
        ordering = ["plan", "order"]
        constraints = [models.UniqueConstraint(fields=["plan", "order"], name="plan_line_order_unique")]

    def __str__(self) -> str:
        return self.target_name

    @property
    def is_withdrawn(self) -> bool:
        """Its duty is no longer asked for."""
        return self.duty_id is None
