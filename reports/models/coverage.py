"""Stored totals of coverage."""

from django.db import models

from reviews.models import Measure


class CoverageTotal(models.Model):
    """Sums over the subtree of an organisation, without the pending changes. Written by `reports.coverage`."""

    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+")
    measure = models.CharField("口径", max_length=20, choices=Measure)
    organization = models.ForeignKey("orgs.Organization", models.CASCADE, verbose_name="组织", related_name="+")
    due = models.IntegerField("应", default=0)
    done = models.IntegerField("已", default=0)

    class Meta:
        verbose_name = "覆盖汇总"
        verbose_name_plural = "覆盖汇总"
        constraints = [
            models.UniqueConstraint(fields=["organization", "period", "measure"], name="one_total_per_measure"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} {self.get_measure_display()} {self.done}/{self.due}"
