"""Calendar subscriptions."""

from __future__ import annotations

from django.db import models


class CalendarToken(models.Model):
    """日历订阅: an account's secret address; only its hash is kept. Written by `reviews.calendars`."""

    user = models.OneToOneField("orgs.User", models.CASCADE, verbose_name="账号", related_name="calendar_token")
    token_hash = models.CharField("地址摘要", max_length=64, unique=True)
    created_at = models.DateTimeField("开通时间", auto_now_add=True)

    class Meta:
        verbose_name = "日历订阅"
        verbose_name_plural = "日历订阅"

    def __str__(self) -> str:
        return str(self.user)
