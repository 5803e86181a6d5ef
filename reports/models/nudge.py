"""What was urged, by whom, to how many."""

from django.db import models

from reviews.models import Measure


class Nudge(models.Model):
    """催办: one message to all who can still reach those missing at an organisation. Written by `reports.nudges`; with
    an empty measure 催报, to those who report for the units below it, by `reports.urging`.
    """

    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+")
    organization = models.ForeignKey("orgs.Organization", models.CASCADE, verbose_name="组织", related_name="+")
    measure = models.CharField("口径", max_length=20, choices=Measure, blank=True, help_text="空的是催报")
    missing = models.PositiveIntegerField("当时还差")
    text = models.CharField("内容", max_length=500)
    sent = models.PositiveIntegerField("发给", help_text="收到提醒的人数")
    spared = models.PositiveIntegerField("当天已催办过", help_text="同一天已收到别的催办，不再打扰的人数")
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="催办人", null=True, related_name="+")
    on = models.DateField("日期")
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = "催办"
        verbose_name_plural = "催办"
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "period"], name="nudge_place")]

    def __str__(self) -> str:
        return f"{self.organization} {self.get_measure_display()} {self.on}"
