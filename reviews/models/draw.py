"""Random draws (R30): what was drawn from, with which seed, and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef

from orgs import scope
from reviews.models.assignment import Assignment

if TYPE_CHECKING:
    from orgs.models import User


class DrawState(models.TextChoices):
    """A draw is committed to, then drawn; either may be voided."""

    COMMITTED = "committed", "待抽取"
    DRAWN = "drawn", "已抽取"
    VOIDED = "voided", "已作废"


class SeedSource(models.TextChoices):
    """Where the seed comes from."""

    SYSTEM = "system", "系统随机产生"
    PUBLIC = "public", "公开来源的数字"


class DrawQuerySet(models.QuerySet["Draw"]):
    """Draws."""

    def visible_to(self, user: User) -> Self:
        """Of the organisations one heads or whose office one works in, and those that drew one of them."""
        if scope.seats(user).is_admin:
            return self
        mine = scope.office_of(user, "reviewer_org__") | scope.headed(user, "reviewer_org__")
        about = scope.office_of(user, "duty__about_org__") | scope.headed(user, "duty__about_org__")
        return self.filter(mine | Exists(Assignment.objects.filter(about, draw=OuterRef("pk"))))


class Draw(models.Model):
    """随机抽取. Written by `reviews.draws`; from the commitment on, nothing that decides the result changes.

    `frame` is [[code, name, stratum], …] in order of code, `quotas` {stratum: places}, `drawn` the codes that came out.
    """

    period = models.ForeignKey("reviews.Period", models.PROTECT, verbose_name="点评期", related_name="draws")
    reviewer_org = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="点评组织", related_name="draws")
    acting = models.ForeignKey("orgs.Person", models.PROTECT, verbose_name="点评领导", related_name="draws")
    occasion = models.CharField("事由", max_length=200)
    due_on = models.DateField("截止日期")
    conditions = models.CharField("抽样范围", max_length=500)
    frame = models.JSONField("抽样名单")
    quotas = models.JSONField("各层名额")
    size = models.PositiveIntegerField("抽取数量")
    frame_hash = models.CharField("名单摘要", max_length=64)
    seed = models.CharField("种子", max_length=100)
    seed_source = models.CharField("种子来源", max_length=10, choices=SeedSource)
    seed_note = models.CharField("公开来源", max_length=200, blank=True)
    commitment = models.CharField("承诺值", max_length=64)
    state = models.CharField("状态", max_length=10, choices=DrawState, default=DrawState.COMMITTED)
    drawn = models.JSONField("抽取结果", default=list)
    created_by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="制定人", null=True, related_name="+")
    created_at = models.DateTimeField("制定时间", auto_now_add=True)
    drawn_at = models.DateTimeField("抽取时间", null=True, blank=True)
    void_reason = models.CharField("作废原因", max_length=200, blank=True)

    objects = DrawQuerySet.as_manager()

    class Meta:
        verbose_name = "随机抽取"
        verbose_name_plural = "随机抽取"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.occasion

    @property
    def codes(self) -> list[tuple[str, str]]:
        """Code and stratum of everybody in the frame."""
        return [(code, stratum) for code, _name, stratum in self.frame]

    @property
    def is_revealed(self) -> bool:
        """The seed may be shown: there is a result."""
        return self.drawn_at is not None
