"""Duties that no rule made: by hand, or by a draw."""

from __future__ import annotations

from django.db import models


class Assignment(models.Model):
    """指派: why a duty of rule X is there. Written by `reviews.assignments`; goes with its duty."""

    duty = models.OneToOneField("reviews.Duty", models.CASCADE, verbose_name="点评任务", related_name="assignment")
    form = models.CharField("点评形式代码", max_length=20)  # see `OfferedForm`
    form_name = models.CharField("点评形式", max_length=20)
    topic = models.CharField("专题或场合", max_length=200, blank=True)
    reason = models.CharField("指派原因", max_length=200, blank=True)
    draw = models.ForeignKey(
        "reviews.Draw", models.PROTECT, verbose_name="随机抽取", null=True, blank=True, related_name="assignments"
    )
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="指派人", null=True, related_name="+")
    at = models.DateTimeField("指派时间", auto_now_add=True)

    class Meta:
        verbose_name = "指派"
        verbose_name_plural = "指派"

    def __str__(self) -> str:
        return f"{self.form_name} {self.topic}".strip()
