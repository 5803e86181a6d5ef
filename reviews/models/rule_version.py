"""What a rule said, each time it was changed."""

from __future__ import annotations

from django.db import models


class RuleVersion(models.Model):
    """规则版本: the whole content of a rule, never changed again. Written by `reviews.rule_versions`.

    `content`: the rule's own fields by name, and `selectors`: [[side, name of the category, type], …].
    """

    rule = models.ForeignKey("reviews.Rule", models.PROTECT, verbose_name="规则", related_name="versions")
    number = models.PositiveSmallIntegerField("版次")
    content = models.JSONField("内容")
    reason = models.CharField("修改原因", max_length=200, blank=True)
    by = models.ForeignKey("orgs.User", models.PROTECT, verbose_name="修改人", null=True, blank=True, related_name="+")
    at = models.DateTimeField("修改时间", auto_now_add=True)

    class Meta:
        verbose_name = "规则版本"
        verbose_name_plural = "规则版本"
        ordering = ["rule", "-number"]
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_number_unique")]

    def __str__(self) -> str:
        return f"规则 {self.content.get('code', '')} 第 {self.number} 版"
