"""Who must be covered in a period, and each change of it. Written by reviews, added up by reports (design.md, 4)."""

from django.db import models
from django.db.models import Q


class Measure(models.TextChoices):
    """The three measures of full coverage (R45)."""

    LEADERS = "leaders", "参加点评的领导"
    ORGANIZATIONS = "organizations", "被点评的党组织"
    MEMBERS = "members", "被点评的党员"


class CoverageTarget(models.Model):
    """One that counts in a measure of a period, once, at one organisation (R54a). Written by `reviews.coverage`.

    An organisation counts at itself, a member at the branch, a leader at the post nearest the root.
    """

    # Period and organization have no index of their own: the ones below begin with them.
    period = models.ForeignKey(
        "reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+", db_index=False
    )
    measure = models.CharField("口径", max_length=20, choices=Measure)
    organization = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="计入组织", related_name="+", db_index=False
    )
    person = models.ForeignKey(
        "orgs.Person", models.PROTECT, verbose_name="人员", null=True, blank=True, related_name="+"
    )
    done_on = models.DateField("完成日期", null=True, blank=True)
    since = models.DateField("列入日期", null=True, blank=True, help_text="从这一天起在这里计入；空：以前就在")

    class Meta:
        verbose_name = "覆盖对象"
        verbose_name_plural = "覆盖对象"
        indexes = [models.Index(fields=["organization", "period", "measure"], name="coverage_org")]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "measure", "person"], condition=Q(person__isnull=False), name="one_target_per_person"
            ),
            models.UniqueConstraint(
                fields=["period", "organization"], condition=Q(person__isnull=True), name="one_target_per_org"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_measure_display()} {self.person or self.organization}"


class CoverageTargetPast(models.Model):
    """Where one counted before: [since, until). Written by `reviews.coverage` when a target moves or goes; never changed.

    Together with the targets of today it says who was due, and where, at the end of any day (`reports.past`).
    """

    period = models.ForeignKey(
        "reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+", db_index=False
    )
    measure = models.CharField("口径", max_length=20, choices=Measure)
    organization = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="当时计入组织", related_name="+", db_index=False
    )
    person = models.ForeignKey(
        "orgs.Person", models.PROTECT, verbose_name="人员", null=True, blank=True, related_name="+"
    )
    since = models.DateField("列入日期", null=True, blank=True)
    until = models.DateField("到哪一天", help_text="从这一天起不再计入这里")

    class Meta:
        verbose_name = "以前的覆盖对象"
        verbose_name_plural = "以前的覆盖对象"
        indexes = [models.Index(fields=["organization", "period", "measure"], name="coverage_past_org")]

    def __str__(self) -> str:
        return f"{self.get_measure_display()} {self.person or self.organization}（到 {self.until}）"


class CoverageChange(models.Model):
    """A change not yet folded into the stored totals: appended in the transaction that changed a target."""

    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="+")
    measure = models.CharField("口径", max_length=20, choices=Measure)
    organization = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="计入组织", related_name="+")
    due = models.IntegerField("应数变化", default=0)
    done = models.IntegerField("已数变化", default=0)

    class Meta:
        verbose_name = "覆盖变化"
        verbose_name_plural = "覆盖变化"
        indexes = [models.Index(fields=["period", "organization"], name="change_org")]

    def __str__(self) -> str:
        return f"{self.organization} {self.measure} {self.due:+d}/{self.done:+d}"
