"""Random draws (R30): what was drawn from, with which seed, and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property

from orgs import clock, scope
from orgs.models import Organization

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
        """From the commitment on: of the organisations that draw, and of every organisation in the frame.

        Its team, its office and its head, and those above who see its persons (`scope.seen_people`).
        """
        if scope.seats(user).is_admin:
            return self
        # By the organisations' ids: from a few of them the index leads to the draws, joined the whole table is read.
        inside = Organization.objects.filter(scope.seen_people(user)).order_by().values("pk")
        concerned = DrawCandidate.objects.filter(organization__in=inside).order_by()
        return self.filter(scope.seen_people(user, "reviewer_org__") | Q(pk__in=concerned.values("draw")))

    def with_sizes(self) -> Self:
        """Each with `frame_size`: how many are in its frame."""
        rows = DrawCandidate.objects.filter(draw=OuterRef("pk")).order_by().values("draw").annotate(number=Count("pk"))
        return self.annotate(frame_size=Coalesce(Subquery(rows.values("number"), output_field=IntegerField()), 0))


class Draw(models.Model):
    """随机抽取. Written by `reviews.draws`; from the commitment on, nothing that decides the result changes.

    The frame is one `DrawCandidate` an organisation; `quotas` {stratum: places}, `drawn` the codes that came out.
    """

    period = models.ForeignKey("reviews.Period", models.PROTECT, verbose_name="点评期", related_name="draws")
    reviewer_org = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="点评组织", related_name="draws")
    acting = models.ForeignKey("orgs.Person", models.PROTECT, verbose_name="点评领导", related_name="draws")
    occasion = models.CharField("事由", max_length=200)
    due_on = models.DateField("截止日期")
    conditions = models.CharField("抽样范围", max_length=500)
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
    created_at = models.DateTimeField("制定时间", default=clock.now, editable=False)
    drawn_at = models.DateTimeField("抽取时间", null=True, blank=True)
    void_reason = models.CharField("作废原因", max_length=200, blank=True)

    objects = DrawQuerySet.as_manager()

    class Meta:
        verbose_name = "随机抽取"
        verbose_name_plural = "随机抽取"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.occasion

    @cached_property
    def frame(self) -> list[tuple[str, str, str]]:
        """Code, name and stratum of everybody in the frame, in order of code. Read once: it never changes."""
        return list(self.candidates.order_by("pk").values_list("code", "name", "stratum"))

    @property
    def codes(self) -> list[tuple[str, str]]:
        """Code and stratum of everybody in the frame."""
        return [(code, stratum) for code, _name, stratum in self.frame]

    @property
    def is_revealed(self) -> bool:
        """The seed may be shown: there is a result."""
        return self.drawn_at is not None


class DrawCandidate(models.Model):
    """One organisation in a draw's frame, as it was when the draw was committed to. Written with the draw, never changed."""

    # Without indexes of their own: compound ones begin with them.
    draw = models.ForeignKey(Draw, models.CASCADE, verbose_name="随机抽取", related_name="candidates", db_index=False)
    organization = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="组织", related_name="+", null=True, db_index=False,
        help_text="空：名单固定以后组织被删除",
    )  # fmt: skip
    code = models.CharField("组织代码", max_length=40)
    name = models.CharField("组织名称", max_length=200)
    stratum = models.CharField("层", max_length=50)

    class Meta:
        verbose_name = "抽样名单"
        verbose_name_plural = "抽样名单"
        ordering = ["pk"]
        indexes = [models.Index(fields=["organization", "draw"], name="draw_candidate_org")]
        constraints = [models.UniqueConstraint(fields=["draw", "code"], name="draw_candidate_code")]

    def __str__(self) -> str:
        return f"{self.name}（{self.draw}）"
