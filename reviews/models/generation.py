"""Generations of a period's duties: what was previewed, what was done, and what somebody set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from orgs import scope
from reviews.models.duty import Subject

if TYPE_CHECKING:
    from orgs.models import User


class AdministratorsQuerySet(models.QuerySet):
    """What only administrators have before them."""

    def visible_to(self, user: User) -> Self:
        """All of it, or nothing."""
        return self if scope.seats(user).is_admin else self.none()


class GenerationState(models.TextChoices):
    """States of a generation."""

    QUEUED = "queued", "排队中"
    CHECKING = "checking", "推算中"
    PREVIEWED = "previewed", "待确认"
    WRITING = "writing", "写入中"
    APPLIED = "applied", "已生成"
    REFUSED = "refused", "没有生成"
    CANCELLED = "cancelled", "已取消"
    INTERRUPTED = "interrupted", "中断"


class GenerationJob(models.TextChoices):
    """What waits to be done, or is being done."""

    CHECK = "check", "预览"
    WRITE = "write", "生成"


UNDER_WAY = (GenerationState.QUEUED, GenerationState.CHECKING, GenerationState.WRITING)


class Generation(models.Model):
    """任务生成: one comparison of a period's duties with the rules of a day, previewed and then written.

    Kept as the receipt. Written by `reviews.generation`; the daily ones (`is_daily`) by `reviews.daily`.
    """

    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="generations")
    on = models.DateField("推定日")
    is_daily = models.BooleanField("每日核对", default=False)
    state = models.CharField("状态", max_length=20, choices=GenerationState, default=GenerationState.QUEUED)
    job = models.CharField("工作", max_length=10, choices=GenerationJob, default=GenerationJob.CHECK)
    # Who does the job now: only that process may go on, whatever another one believes.
    run = models.CharField("执行标识", max_length=32, blank=True)
    touched_at = models.DateTimeField("工作时间", null=True, blank=True)
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="预览人", null=True, blank=True, related_name="+")
    confirmed_by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="确认人", null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField("时间", auto_now_add=True)
    applied_at = models.DateTimeField("生成时间", null=True, blank=True)
    seconds = models.FloatField("写入用时（秒）", null=True, blank=True)
    note = models.CharField("说明", max_length=500, blank=True)
    # A list, rule by rule: {"code", "added", "withdrawn", "kept", "changed", "aside"}.
    foreseen = models.JSONField("预览的数字", default=list)
    done = models.JSONField("生成的数字", default=list)

    objects = AdministratorsQuerySet.as_manager()

    class Meta:
        verbose_name = "任务生成"
        verbose_name_plural = "任务生成"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["period"], condition=Q(state__in=UNDER_WAY, is_daily=False), name="one_generation_under_way"
            ),
            models.UniqueConstraint(fields=["period", "on"], condition=Q(is_daily=True), name="one_daily_look"),
        ]

    def __str__(self) -> str:
        return f"{self.period} {self.on}"

    @property
    def is_under_way(self) -> bool:
        """Waits for a process, or one works on it."""
        return self.state in UNDER_WAY


class GenerationLine(models.Model):
    """预览明细: a duty that would come or go. Plain numbers instead of references: a preview holds nobody back."""

    # No index of its own: the one below begins with it.
    generation = models.ForeignKey(
        Generation, models.CASCADE, verbose_name="任务生成", related_name="lines", db_index=False
    )
    rule_code = models.CharField("规则代码", max_length=10)
    is_added = models.BooleanField("新增", help_text="否则撤回")
    reviewer_kind = models.CharField("点评主体", max_length=10)
    reviewer_org = models.BigIntegerField("点评组织")
    acting = models.BigIntegerField("点评领导", null=True, blank=True)
    subject = models.CharField("对象身份", max_length=20, choices=Subject)
    target_org = models.BigIntegerField("被点评组织", null=True, blank=True)
    target_person = models.BigIntegerField("被点评人", null=True, blank=True)
    about_org = models.BigIntegerField("对象所在组织")
    reasons = models.JSONField("由来", default=list)  # of new ones; as `Duty.reasons`
    ended = models.CharField("为何撤回", max_length=200, blank=True)

    objects = AdministratorsQuerySet.as_manager()

    class Meta:
        verbose_name = "预览明细"
        verbose_name_plural = "预览明细"
        ordering = ["id"]
        indexes = [models.Index(fields=["generation", "is_added", "rule_code"], name="generation_line_list")]

    def __str__(self) -> str:
        return f"{self.rule_code} {'新增' if self.is_added else '撤回'}"


class SetAside(models.Model):
    """搁置: a line of a preview that is not to be carried out in its period. Written by `reviews.set_aside`."""

    period = models.ForeignKey("reviews.Period", models.CASCADE, verbose_name="点评期", related_name="set_aside")
    rule_code = models.CharField("规则代码", max_length=10)
    is_added = models.BooleanField("新增", help_text="不新增；否则不撤回")
    reviewer_org = models.ForeignKey("orgs.Organization", models.CASCADE, verbose_name="点评组织", related_name="+")
    subject = models.CharField("对象身份", max_length=20, choices=Subject)
    target_org = models.ForeignKey(
        "orgs.Organization", models.CASCADE, verbose_name="被点评组织", null=True, blank=True, related_name="+"
    )
    target_person = models.ForeignKey(
        "orgs.Person", models.CASCADE, verbose_name="被点评人", null=True, blank=True, related_name="+"
    )
    reason = models.CharField("原因", max_length=200)
    by = models.ForeignKey("orgs.User", models.PROTECT, verbose_name="搁置人", related_name="+")
    at = models.DateTimeField("搁置时间", auto_now_add=True)

    objects = AdministratorsQuerySet.as_manager()

    class Meta:
        verbose_name = "搁置的任务变化"
        verbose_name_plural = "搁置的任务变化"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(target_org__isnull=True) ^ Q(target_person__isnull=True), name="set_aside_has_one_target"
            ),
            models.UniqueConstraint(
                fields=["period", "rule_code", "is_added", "reviewer_org", "target_org"],
                condition=Q(target_org__isnull=False),
                name="set_aside_once_per_org",
            ),
            models.UniqueConstraint(
                fields=["period", "rule_code", "is_added", "reviewer_org", "target_person"],
                condition=Q(target_person__isnull=False),
                name="set_aside_once_per_person",
            ),
        ]

    def __str__(self) -> str:
        target = self.target_org or self.target_person
        return f"{self.rule_code} {target}"
