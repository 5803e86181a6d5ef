"""Stored totals of coverage."""

from django.db import models


class CoverageTotal(models.Model):
    """Sums over the subtree of an organisation, without the pending changes. Written by `reports.coverage`.

    One row holds all three measures (R45): whoever reads one reads them all, and a third of the rows is a third of
    the work.
    """

    # No index of their own: the constraint begins with the organisation, and nobody asks for a period alone.
    period = models.ForeignKey(
        "reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+", db_index=False
    )
    organization = models.ForeignKey(
        "orgs.Organization", models.CASCADE, verbose_name="组织", related_name="+", db_index=False
    )
    leaders_due = models.IntegerField("领导应参加", default=0)
    leaders_done = models.IntegerField("领导已参加", default=0)
    organizations_due = models.IntegerField("党组织应点评", default=0)
    organizations_done = models.IntegerField("党组织已点评", default=0)
    members_due = models.IntegerField("党员应点评", default=0)
    members_done = models.IntegerField("党员已点评", default=0)

    class Meta:
        verbose_name = "覆盖汇总"
        verbose_name_plural = "覆盖汇总"
        constraints = [models.UniqueConstraint(fields=["organization", "period"], name="one_total_per_org")]

    def __str__(self) -> str:
        return f"{self.organization} {self.members_done}/{self.members_due}"
