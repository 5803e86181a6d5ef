"""Half-years."""

from __future__ import annotations

import datetime

from django.db import models


class PeriodQuerySet(models.QuerySet["Period"]):
    """Periods."""

    def current(self, on: datetime.date) -> Period | None:
        """The period that holds this day; else the last one before it; else the first of all."""
        return (
            self.filter(starts_on__lte=on, ends_on__gte=on).first()
            or self.filter(ends_on__lt=on).order_by("-ends_on").first()
            or self.order_by("starts_on").first()
        )


class Period(models.Model):
    """A half-year (R39): 2010H2 is July to December 2010. Written by `reviews.duties.ensure_period`."""

    code = models.CharField("代码", max_length=10, unique=True, help_text="例如 2010H2")
    name = models.CharField("名称", max_length=50)
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期", help_text="含这一天")
    is_general_round = models.BooleanField(
        "普遍点评", default=False, help_text="年底前普遍开展一次（二（四））：新建组织不论成立多久都应点评"
    )
    derived_on = models.DateField("推定日", null=True, blank=True, help_text="任务按这一天的组织、任职和分管推定")
    derived_at = models.DateTimeField("最近生成时间", null=True, blank=True)

    rule_versions = models.ManyToManyField(
        "reviews.RuleVersion", verbose_name="所用规则", blank=True, related_name="periods"
    )

    objects = PeriodQuerySet.as_manager()

    class Meta:
        verbose_name = "点评期"
        verbose_name_plural = "点评期"
        ordering = ["-starts_on"]

    def __str__(self) -> str:
        return self.name

    @property
    def due_on(self) -> datetime.date:
        """Duties of this period are due on its last day."""
        return self.ends_on

    @property
    def is_second_half(self) -> bool:
        """Yearly rules make their duties with the second half-year."""
        return self.starts_on.month == 7
