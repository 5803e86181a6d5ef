"""Half-years, and named rounds within or across them."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from reviews.models.record import Record

if TYPE_CHECKING:
    from reviews.models.record import Review


class PeriodKind(models.TextChoices):
    """Half-years follow each other; a round is held when it is called for (R40, A32)."""

    HALF_YEAR = "half_year", "半年"
    ROUND = "round", "轮次"


class PeriodQuerySet(models.QuerySet["Period"]):
    """Periods."""

    def half_years(self) -> Self:
        """The half-years alone."""
        return self.filter(kind=PeriodKind.HALF_YEAR)

    def rounds(self) -> Self:
        """The rounds alone."""
        return self.filter(kind=PeriodKind.ROUND)

    def running(self, on: datetime.date) -> Self:
        """That hold this day and were made: what changes concerns them. In the order in which they are locked."""
        return self.filter(
            starts_on__lte=on, ends_on__gte=on, derived_at__isnull=False, closed_at__isnull=True
        ).order_by("pk")

    def followed(self, on: datetime.date) -> Self:
        """That were made and are neither over on this day nor closed: running ones, and those to come."""
        return self.filter(ends_on__gte=on, derived_at__isnull=False, closed_at__isnull=True).order_by("pk")

    def of_review(self, review: Review) -> Self:
        """In which the review counts: its own, all that hold its day, and those of whose duties it serves one (a yearly
        duty from January on). In the order in which they are locked."""
        # From the review's few records: asked from the periods, the database may read all their duties.
        served = Record.duties.through.objects.filter(record__review=review).order_by().values("duty__period")
        own = Q(pk=review.period_id) | Q(pk__in=served)
        held = review.held_on
        return self.filter(own | Q(starts_on__lte=held, ends_on__gte=held) if held else own).order_by("pk")

    def beside(self, period: Period) -> Self:
        """Others that have days in common with it."""
        return self.filter(starts_on__lte=period.ends_on, ends_on__gte=period.starts_on).exclude(pk=period.pk)

    def current(self, on: datetime.date) -> Period | None:
        """The half-year that holds this day; else the last one before it; else the first of all; else a round likewise."""
        for found in (self.half_years(), self):
            period = (
                found.filter(starts_on__lte=on, ends_on__gte=on).first()
                or found.filter(ends_on__lt=on).order_by("-ends_on").first()
                or found.order_by("starts_on").first()
            )
            if period is not None:
                return period
        return None


class Period(models.Model):
    """A half-year (R39): 2010H2 is July to December 2010; or a round (R40): 年底普遍点评, with days and targets of its own.

    Half-years are written by `reviews.duties.ensure_period`, rounds by `reviews.rounds`. What a round takes of the rules'
    duties is said by closed choices; an empty one takes all.
    """

    kind = models.CharField("种类", max_length=10, choices=PeriodKind, default=PeriodKind.HALF_YEAR)
    code = models.CharField("代码", max_length=10, unique=True, help_text="半年例如 2010H2，轮次例如 ND2010")
    name = models.CharField("名称", max_length=50)
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期", help_text="含这一天")
    is_general_round = models.BooleanField(
        "普遍点评", default=False, help_text="年底前普遍开展一次（二（四））：新建组织不论成立多久都应点评"
    )
    derived_on = models.DateField("推定日", null=True, blank=True, help_text="任务按这一天的组织、任职和分管推定")
    derived_at = models.DateTimeField("最近生成时间", null=True, blank=True)

    below = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="限于", null=True, blank=True, related_name="+",
        help_text="只点评这个组织及其以下",
    )  # fmt: skip
    org_types = models.JSONField("组织类型", default=list, blank=True)
    categories = models.JSONField("单位类别", default=list, blank=True, help_text="名称")
    subjects = models.JSONField("对象身份", default=list, blank=True)
    rule_codes = models.JSONField("规则", default=list, blank=True, help_text="规则代码")
    closed_at = models.DateTimeField("结束时间", null=True, blank=True, help_text="轮次由管理员结束，不再生成和调整")

    rule_versions = models.ManyToManyField(
        "reviews.RuleVersion", verbose_name="所用规则", blank=True, related_name="periods"
    )
    # The scheme's switches with which it was made; written with the versions, empty before.
    leaders_as_members = models.BooleanField("班子成员在所在支部接受点评", null=True, blank=True, editable=False)
    new_org_months = models.PositiveSmallIntegerField("新建组织起评月数", null=True, blank=True, editable=False)

    objects = PeriodQuerySet.as_manager()

    class Meta:
        verbose_name = "点评期"
        verbose_name_plural = "点评期"
        ordering = ["-starts_on"]

    def __str__(self) -> str:
        return self.name

    @property
    def due_on(self) -> datetime.date:
        """Duties of this period are due on its last day."""
        return self.ends_on

    @property
    def is_round(self) -> bool:
        """Not a half-year."""
        return self.kind == PeriodKind.ROUND

    @property
    def is_second_half(self) -> bool:
        """July to December."""
        return not self.is_round and self.starts_on.month == 7

    @property
    def takes_yearly(self) -> bool:
        """Yearly rules make their duties with the second half-year, and with every round (R40: all are reviewed)."""
        return self.is_round or self.is_second_half

    @property
    def is_narrowed(self) -> bool:
        """A round that takes only some of what the rules ask for."""
        return bool(self.below_id or self.org_types or self.categories or self.subjects or self.rule_codes)
