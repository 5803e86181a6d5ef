"""Gaps that the office has explained: why somebody is not reviewed or reviews nobody, and that it may stay so."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class AcceptedGap(models.Model):
    """已说明的缺口: accepted with a reason, for one half-year. Written by `reviews.gaps`."""

    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="accepted_gaps")
    kind = models.CharField("类别", max_length=20)
    organization = models.ForeignKey(
        "orgs.Organization", models.CASCADE, verbose_name="组织", null=True, blank=True, related_name="+"
    )
    person = models.ForeignKey(
        "orgs.Person", models.CASCADE, verbose_name="人员", null=True, blank=True, related_name="+"
    )
    reason = models.CharField("说明", max_length=200)
    by = models.ForeignKey("orgs.User", models.PROTECT, verbose_name="说明人", related_name="+")
    at = models.DateTimeField("说明时间", auto_now_add=True)

    class Meta:
        verbose_name = "已说明的缺口"
        verbose_name_plural = "已说明的缺口"
        ordering = ["period", "kind", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(organization__isnull=True) ^ Q(person__isnull=True), name="gap_has_one_place"
            ),
            models.UniqueConstraint(
                fields=["period", "kind", "organization"],
                condition=Q(organization__isnull=False),
                name="one_acceptance_per_org",
            ),
            models.UniqueConstraint(
                fields=["period", "kind", "person"],
                condition=Q(person__isnull=False),
                name="one_acceptance_per_person",
            ),
        ]

    def __str__(self) -> str:
        place = self.organization or self.person
        return f"{place}：{self.reason}"
