"""Who reports annex 1 by itself, until when, and what is excepted. Written by `reports.reporting`."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from orgs.models import User


class Reporters(models.TextChoices):
    """Which organisations of a category report by themselves; the others stand live in their superior's form."""

    NONE = "none", "都不单独上报"
    COMMITTEES = "committees", "党组、党委、机关党委、党总支"
    ALL = "all", "全部，包括党支部"


class ReportingRule(models.Model):
    """Which organisations of a 单位类别 report annex 1 (R52: 上报单位); a category without a row: committees."""

    category = models.OneToOneField(
        "orgs.Category", models.CASCADE, verbose_name="单位类别", related_name="reporting_rule"
    )
    reporters = models.CharField("单独上报的", max_length=20, choices=Reporters, default=Reporters.COMMITTEES)

    class Meta:
        verbose_name = "上报单位规则"
        verbose_name_plural = "上报单位规则"
        ordering = ["category"]

    def __str__(self) -> str:
        return f"{self.category}：{self.get_reporters_display()}"


class Way(models.TextChoices):
    """How a unit's report arrives."""

    SYSTEM = "system", "在系统中填报"
    FORM = "form", "用表格上报"
    NONE = "none", "不单独上报"


class ReportingUnit(models.Model):
    """A unit that reports otherwise than its category says: 用表格上报 are the units outside the system."""

    organization = models.OneToOneField(
        "orgs.Organization", models.CASCADE, verbose_name="单位", related_name="reporting_unit"
    )
    way = models.CharField("上报方式", max_length=10, choices=Way)
    reason = models.CharField("说明", max_length=200, blank=True)
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="设定人", null=True, related_name="+")
    at = models.DateTimeField("时间", auto_now=True)

    class Meta:
        verbose_name = "上报方式"
        verbose_name_plural = "上报方式"
        ordering = ["organization"]

    def __str__(self) -> str:
        return f"{self.organization}：{self.get_way_display()}"


class ReportDeadline(models.Model):
    """By which day annex 1 of a period is due, and the last day on which it is taken; without a row: the default."""

    period = models.OneToOneField(
        "reviews.Period", models.CASCADE, verbose_name="点评期", related_name="report_deadline"
    )
    due_on = models.DateField("上报期限", help_text="这一天及以前上报的为按时")
    closes_on = models.DateField("截止日", help_text="这一天以后不能再填报和上报，除非经批准延期")

    class Meta:
        verbose_name = "上报期限"
        verbose_name_plural = "上报期限"
        ordering = ["period"]
        constraints = [
            models.CheckConstraint(condition=models.Q(closes_on__gte=models.F("due_on")), name="closes_after_due"),
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.due_on}"


class ReportAbsence(models.Model):
    """Why a unit's report is missing from its superior's sums of a period; frozen into the superior's report."""

    organization = models.ForeignKey("orgs.Organization", models.CASCADE, verbose_name="单位", related_name="+")
    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+")
    reason = models.CharField("原因", max_length=200)
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="说明人", null=True, related_name="+")
    on = models.DateField("说明日期")

    class Meta:
        verbose_name = "未报说明"
        verbose_name_plural = "未报说明"
        ordering = ["period", "organization"]
        constraints = [models.UniqueConstraint(fields=["organization", "period"], name="one_absence_per_period")]

    def __str__(self) -> str:
        return f"{self.organization} {self.period}：{self.reason}"

    @property
    def words(self) -> str:
        """As the form's page says it, and as it is frozen."""
        return absence_words(self.reason, self.by, self.on)


def absence_words(reason: str, by: User | None, on: datetime.date) -> str:
    """Reason, who, when."""
    who = by.display_name if by else "系统"
    return f"{reason}（{who}，{on.year}年{on.month}月{on.day}日）"


class ReportExtension(models.Model):
    """延期: one unit may report after the closing day, until a day."""

    organization = models.ForeignKey("orgs.Organization", models.CASCADE, verbose_name="单位", related_name="+")
    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+")
    until = models.DateField("延至", help_text="含这一天")
    reason = models.CharField("原因", max_length=200)
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="批准人", null=True, related_name="+")
    on = models.DateField("批准日期")

    class Meta:
        verbose_name = "延期上报"
        verbose_name_plural = "延期上报"
        ordering = ["period", "organization"]
        constraints = [models.UniqueConstraint(fields=["organization", "period"], name="one_extension_per_period")]

    def __str__(self) -> str:
        return f"{self.organization} {self.period}：延至 {self.until}"
