"""Units outside the system: forms and links that were issued to them, and files that came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from orgs import clock
from reports.models.progress import ReportState, works_for

if TYPE_CHECKING:
    from orgs.models import User


class IssueWay(models.TextChoices):
    """How an issue reaches the unit and comes back."""

    FORM = "form", "表格"
    LINK = "link", "一次性链接"


class OutsideIssueQuerySet(models.QuerySet["OutsideIssue"]):
    """Issues."""

    def editable_by(self, user: User) -> Self:
        """Of the units just below the organisations for which the user works: who issues, takes in, revokes."""
        return self.filter(works_for(user, "organization__parent__"), organization__parent__isnull=False)


class OutsideIssue(models.Model):
    """下发: a form or a link for a unit outside the system and a period. Written by `reports.outside.issues`.

    Numbered for each unit and period. Of a link only the digest of its secret is kept.
    """

    organization = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="单位", related_name="+")
    period = models.ForeignKey("reviews.Period", models.PROTECT, verbose_name="点评期", related_name="+")
    way = models.CharField("方式", max_length=10, choices=IssueWay)
    serial = models.PositiveIntegerField("序号", help_text="同一单位、同一点评期从 1 起")
    activity = models.CharField("活动", max_length=250, blank=True, help_text="表题第一行，下发时的方案所定")
    unit_name = models.CharField("单位名称", max_length=200, help_text="下发时的名称")
    period_name = models.CharField("点评期名称", max_length=50, help_text="下发时的名称")
    lines = models.JSONField("各行", default=list, help_text="单位、名称、上次的应和累计")
    basis = models.ForeignKey(
        "reports.ProgressReport", models.PROTECT, verbose_name="接续的报表", null=True, related_name="+",
        help_text="上次累计取自这份已接收的报表",
    )  # fmt: skip
    issued_at = models.DateTimeField("下发时间", default=clock.now, editable=False)
    issued_by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="下发人", null=True, related_name="+")
    token_hash = models.CharField("链接摘要", max_length=64, null=True, unique=True)  # noqa: DJ001 - unique where there is one
    expires_on = models.DateField("链接有效期至", null=True, blank=True, help_text="含这一天")
    opened_at = models.DateTimeField("首次打开时间", null=True, blank=True)
    revoked_at = models.DateTimeField("停用时间", null=True, blank=True)
    received_at = models.DateTimeField("收到时间", null=True, blank=True)
    report = models.ForeignKey(
        "reports.ProgressReport", models.PROTECT, verbose_name="收到的报表", null=True, related_name="issues"
    )

    objects = OutsideIssueQuerySet.as_manager()

    class Meta:
        verbose_name = "表格和链接下发"
        verbose_name_plural = "表格和链接下发"
        ordering = ["organization", "period", "-serial"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "period", "serial"], name="outside_serial_unique"),
            models.CheckConstraint(
                condition=Q(way=IssueWay.FORM, token_hash__isnull=True, expires_on__isnull=True)
                | Q(way=IssueWay.LINK, token_hash__isnull=False, expires_on__isnull=False),
                name="outside_link_has_its_secret",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization} {self.period} {self.get_way_display()} {self.serial} 号"

    @property
    def is_link(self) -> bool:
        """By a one-time link."""
        return self.way == IssueWay.LINK

    @property
    def is_decided(self) -> bool:
        """What it brought was accepted."""
        return self.report is not None and self.report.state == ReportState.ACCEPTED


class ReturnedFormQuerySet(models.QuerySet["ReturnedForm"]):
    """Files that came back."""

    def visible_to(self, user: User) -> Self:
        """Those that the user uploaded himself: what is in one that was refused says nothing of whose it is."""
        return self.filter(by=user)


class ReturnedForm(models.Model):
    """交回的表: an uploaded file as it was read, to be looked at and then taken in. Written by `reports.outside.returns`."""

    by = models.ForeignKey("orgs.User", models.CASCADE, verbose_name="上传人", related_name="+")
    at = models.DateTimeField("上传时间", default=clock.now, editable=False)
    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+")
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件指纹", max_length=64)
    issue = models.ForeignKey(OutsideIssue, models.CASCADE, verbose_name="所属下发", null=True, related_name="returned")
    reported_on = models.DateField("上报日期", null=True)
    note = models.CharField("更正说明", max_length=200, blank=True)
    answers = models.JSONField("各行", default=list, help_text="名称、应、新增")
    problems = models.JSONField("问题", default=list)
    taken_at = models.DateTimeField("收下时间", null=True, blank=True)

    objects = ReturnedFormQuerySet.as_manager()

    class Meta:
        verbose_name = "交回的表"
        verbose_name_plural = "交回的表"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.file_name
