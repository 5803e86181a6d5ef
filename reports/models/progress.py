"""Annex 1: progress reports, frozen when sent (R52 to R54)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from orgs import scope
from reviews.models import Measure

if TYPE_CHECKING:
    from orgs.models import User


class ReportState(models.TextChoices):
    """States of a report (domain.md 5.10)."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "已上报"
    ACCEPTED = "accepted", "已接收"
    RETURNED = "returned", "已退回"


FROZEN_STATES = [ReportState.SUBMITTED, ReportState.ACCEPTED]


class ReportSource(models.TextChoices):
    """Where the figures come from."""

    SYSTEM = "system", "系统算出"
    FORM = "form", "表格报送"
    LINK = "link", "链接填报"


class RowBasis(models.TextChoices):
    """What the figures of a line rest on."""

    OWN = "own", "本级"
    LIVE = "live", "不单独上报"
    ACCEPTED = "accepted", "已接收的报表"
    ABSENT = "absent", "未报，已说明"
    PENDING = "pending", "报表未接收"
    LEFT = "left", "已不在本单位"
    TYPED = "typed", "报送的数字"


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
    activity = models.CharField("活动", max_length=250, blank=True, help_text="表题第一行，上报时的方案所定")
    reported_on = models.DateField("上报日期")
    state = models.CharField("状态", max_length=20, choices=ReportState, default=ReportState.DRAFT)
    source = models.CharField("数据来源", max_length=10, choices=ReportSource, default=ReportSource.SYSTEM)
    created_by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="填报人", null=True, related_name="+")
    submitted_at = models.DateTimeField("上报时间", null=True, blank=True)
    sent_on = models.DateField("报送日期", null=True, blank=True, help_text="上报那一天")
    counts_on = models.DateField(
        "计时日期", null=True, blank=True, help_text="按时与否看这一天：上报那一天；退回后按期重报的，首次上报那一天"
    )
    resend_by = models.DateField(
        "重报期限", null=True, blank=True, help_text="退回后这一天以前重报的，仍按首次上报计时"
    )
    submitted_by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="上报人", null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField("接收或退回时间", null=True, blank=True)
    return_reason = models.CharField("退回原因", max_length=200, blank=True)
    correction_note = models.CharField(
        "更正说明", max_length=200, blank=True, help_text="累计比上次已接收的报表减少时，须说明原因"
    )

    note = models.CharField("备注", max_length=200, blank=True)

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
    order = models.PositiveIntegerField("序号")
    organization = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="单位", related_name="+")
    unit_name = models.CharField("单位名称", max_length=200)
    basis = models.CharField("依据", max_length=10, choices=RowBasis, blank=True, help_text="早先的报表没有")
    based_on = models.ForeignKey(
        ProgressReport, models.PROTECT, verbose_name="所依据的报表", null=True, blank=True, related_name="+",
        help_text="下级已接收的报表，本行是它的合计",
    )  # fmt: skip
    absence = models.CharField("未报说明", max_length=300, blank=True)
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


class ProgressNames(models.Model):
    """Who stands behind the numbers of a line and measure, frozen with them; packed (`reports.report_names`).

    Lines that rest on a unit's own report have none: that report has them.
    """

    row = models.ForeignKey(ProgressRow, models.CASCADE, verbose_name="报表行", related_name="names")
    measure = models.CharField("口径", max_length=20, choices=Measure)
    packed = models.BinaryField("名单")
    count = models.PositiveIntegerField("人数或组织数")
    knows_new = models.BooleanField("新增可知", default=True, help_text="上一份报表有名单，或没有上一份")

    class Meta:
        verbose_name = "附件1 名单"
        verbose_name_plural = "附件1 名单"
        ordering = ["row", "measure"]
        constraints = [models.UniqueConstraint(fields=["row", "measure"], name="names_once")]

    def __str__(self) -> str:
        return f"{self.row} {self.get_measure_display()}"
