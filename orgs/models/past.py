"""What organisations were before they were changed."""

from __future__ import annotations

from django.db import models

from orgs.models.organization import OrgType, Relation


class OrganizationPast(models.Model):
    """组织沿革: a former state of an organisation. Written by `orgs.past.keep` when the tree is changed; never changed.

    It was so on every day before `until`, back to the `until` of the row before. What holds since the last of them is
    the organisation's own row; when it was founded and dissolved stands there, too. One row an organisation and day.
    """

    organization = models.ForeignKey(
        "orgs.Organization", models.CASCADE, verbose_name="组织", related_name="pasts", db_index=False
    )
    until = models.DateField("到哪一天", help_text="从这一天起不再如此")
    name = models.CharField("当时名称", max_length=200)
    short_name = models.CharField("当时简称", max_length=100, blank=True)
    org_type = models.CharField("当时类型", max_length=20, choices=OrgType)
    category = models.ForeignKey("orgs.Category", models.PROTECT, verbose_name="当时单位类别", related_name="+")
    parent = models.ForeignKey(
        "orgs.Organization",
        models.PROTECT,
        verbose_name="当时上级",
        null=True,
        blank=True,
        related_name="past_children",
    )
    relation = models.CharField("当时与上级关系", max_length=20, choices=Relation)

    class Meta:
        verbose_name = "组织沿革"
        verbose_name_plural = "组织沿革"
        ordering = ["organization", "until"]
        constraints = [models.UniqueConstraint(fields=["organization", "until"], name="one_past_per_day")]

    def __str__(self) -> str:
        return f"{self.name}（到 {self.until}）"
