"""Annex 1: progress reports, frozen when sent (R52 to R54)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from orgs import scope

if TYPE_CHECKING:
    from orgs.models import User


class ReportState(models.TextChoices):
    """States of a report (domain.md 5.10)."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "已上报"
    ACCEPTED = "accepted", "已接收"
    RETURNED = "returned", "已退回"


FROZEN_STATES = [ReportState.SUBMITTED, ReportState.ACCEPTED]


def works_for(user: User, prefix: str = "") -> Q:
    """Organisations for which the user fills in, sends and decides: as their office or a superior one, or as head."""
    if scope.seats(user).is_admin:
        return scope.EVERYTHING  # an empty condition must not be joined by "or": it would vanish
    return scope.office_of(user, prefix) | scope.headed(user, prefix)


class ProgressReportQuerySet(models.QuerySet["ProgressReport"]):
    """Progress reports."""

    def editable_by(self, user: User) -> Self:
        """Of the organisations that the user fills in and sends for."""
        return self.filter(works_for(user, "organization__"))

    def decidable_by(self, user: User) -> Self:
        """Of the organisations just below those, by affiliation or guidance: who accepts or returns."""
        return self.filter(works_for(user, "organization__parent__"), organization__parent__isnull=False)

    def visible_to(self, user: User) -> Self:
        """Whatever was sent by the organisations whose sums the user sees; drafts only for who fills them in."""
        if scope.seats(user).is_admin:
            return self
        sent = ~Q(state=ReportState.DRAFT) & scope.seen(user, "organization__")
        return self.filter(works_for(user, "organization__") | sent)

    def frozen(self) -> Self:
        """Sent and not returned."""
        return self.filter(state__in=FROZEN_STATES)


class ProgressReport(models.Model):
    """附件1 完成进度报表 of an organisation for a period. Written by `reports.submissions`; rows frozen when submitted."""

    organization = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="上报单位", related_name="progress_reports"
    )
    period = models.ForeignKey("reviews.Period", models.PROTECT, verbose_name="点评期", related_name="progress_reports")
    unit_name = models.CharField("上报单位名称", max_length=200, help_text="上报时的名称")
    reported_on = models.DateField("上报日期")
    state = models.CharField("状态", max_length=20, choices=ReportState, default=ReportState.DRAFT)
    created_by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="填报人", null=True, related_name="+")
    submitted_at = models.DateTimeField("上报时间", null=True, blank=True)
    submitted_by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="上报人", null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField("接收或退回时间", null=True, blank=True)
    return_reason = models.CharField("退回原因", max_length=200, blank=True)
    correction_note = models.CharField(
        "更正说明", max_length=200, blank=True, help_text="累计比上次已接收的报表减少时，须说明原因"
    )

    objects = ProgressReportQuerySet.as_manager()

    class Meta:
        verbose_name = "附件1 进度报表"
        verbose_name_plural = "附件1 进度报表"
        ordering = ["-reported_on", "-id"]
        indexes = [models.Index(fields=["organization", "period", "state"], name="report_org_period")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "period"],
                condition=Q(state__in=["draft", "returned"]),
                name="one_open_report_per_period",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_name} {self.reported_on}"

    @property
    def is_frozen(self) -> bool:
        """Sent: its numbers never change."""
        return self.state in FROZEN_STATES


class ProgressRow(models.Model):
    """One line of annex 1: 本级, then each child with all below it. due = 应, new = 本次新增, done = 累计."""

    report = models.ForeignKey(ProgressReport, models.CASCADE, verbose_name="报表", related_name="rows")
    order = models.PositiveSmallIntegerField("序号")
    organization = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="单位", related_name="+")
    unit_name = models.CharField("单位名称", max_length=200)
    due_leaders = models.PositiveIntegerField("应参加点评的领导", default=0)
    due_organizations = models.PositiveIntegerField("应点评的党组织", default=0)
    due_members = models.PositiveIntegerField("应点评的党员", default=0)
    new_leaders = models.IntegerField("新增领导", default=0)
    new_organizations = models.IntegerField("新增党组织", default=0)
    new_members = models.IntegerField("新增党员", default=0)
    done_leaders = models.PositiveIntegerField("累计领导", default=0)
    done_organizations = models.PositiveIntegerField("累计党组织", default=0)
    done_members = models.PositiveIntegerField("累计党员", default=0)

    class Meta:
        verbose_name = "附件1 报表行"
        verbose_name_plural = "附件1 报表行"
        ordering = ["report", "order"]
        constraints = [
            models.UniqueConstraint(fields=["report", "order"], name="row_order_unique"),
            models.CheckConstraint(
                condition=Q(done_leaders__lte=F("due_leaders"))
                & Q(done_organizations__lte=F("due_organizations"))
                & Q(done_members__lte=F("due_members")),
                name="done_within_due",
            ),
        ]

    def __str__(self) -> str:
        return self.unit_name
