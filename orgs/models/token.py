"""Tokens by which other programs read."""

from __future__ import annotations

from django.db import models


class ApiToken(models.Model):
    """接口令牌: another program reads what its account sees, until a day; only its hash is kept. Written by `orgs.tokens`."""

    user = models.ForeignKey("orgs.User", models.CASCADE, verbose_name="账号", related_name="api_tokens")
    name = models.CharField("用途", max_length=50)
    token_hash = models.CharField("令牌摘要", max_length=64, unique=True)
    created_at = models.DateTimeField("建立时间", auto_now_add=True)
    expires_on = models.DateField("有效期至", help_text="含这一天")
    used_on = models.DateField("最近使用", null=True, blank=True)

    class Meta:
        verbose_name = "接口令牌"
        verbose_name_plural = "接口令牌"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name
