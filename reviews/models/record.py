"""Reviews that were held, and the record of each target."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from orgs import clock
from reviews import record_scope
from reviews.models.checklist import ContentKind

if TYPE_CHECKING:
    from orgs.models import User
    from reviews.models.period import Period


class ReviewKind(models.TextChoices):
    """日常 or 定期 (R38)."""

    PERIODIC = "periodic", "定期点评"
    DAILY = "daily", "日常点评"


class Review(models.Model):
    """A review that was held: when, where, in which form, by whom. One may have several targets (A31).

    Name and post of the reviewer are kept as they were that day (A20), and what its form was called.
    """

    period = models.ForeignKey("reviews.Period", models.PROTECT, verbose_name="点评期", related_name="reviews")
    kind = models.CharField("日常或定期", max_length=10, choices=ReviewKind, default=ReviewKind.PERIODIC)
    held_on = models.DateField("点评时间", null=True, blank=True)
    place = models.CharField("地点", max_length=200, blank=True)
    form = models.CharField("点评形式代码", max_length=20, blank=True)  # see `OfferedForm`
    form_name = models.CharField("点评形式", max_length=20, blank=True)
    form_note = models.CharField("会议、专题或场合", max_length=200, blank=True)
    participants = models.TextField("参加人员", blank=True)
    assisted_committee = models.CharField("协助的地方党委", max_length=200, blank=True)
    reviewer_org = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="点评组织", related_name="reviews_held"
    )
    reviewer = models.ForeignKey(
        "orgs.Person", models.PROTECT, verbose_name="点评领导", null=True, blank=True, related_name="reviews_held"
    )
    co_orgs = models.ManyToManyField(
        "orgs.Organization", verbose_name="共同点评组织", blank=True, related_name="reviews_joined"
    )
    co_reviewers = models.ManyToManyField(
        "orgs.Person", verbose_name="共同点评领导", blank=True, related_name="reviews_joined"
    )
    reviewer_name = models.CharField("点评领导姓名", max_length=100, blank=True)
    reviewer_title = models.CharField("点评领导单位及职务", max_length=200, blank=True)
    entered_by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="录入人", null=True, related_name="+")
    created_at = models.DateTimeField("录入时间", auto_now_add=True)

    class Meta:
        verbose_name = "点评活动"
        verbose_name_plural = "点评活动"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.reviewer_name or '（未定）'} {self.held_on or '（日期未定）'}"


class RecordState(models.TextChoices):
    """States of a record (domain.md 5.4). From CONFIRMED on it counts; VOIDED counts no more."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "待领导确认"
    CONFIRMED = "confirmed", "已确认"
    DELIVERED = "delivered", "已反馈"
    ACKNOWLEDGED = "acknowledged", "已签收"
    CLOSED = "closed", "已办结"
    VOIDED = "voided", "已作废"


COUNTED_STATES = [RecordState.CONFIRMED, RecordState.DELIVERED, RecordState.ACKNOWLEDGED, RecordState.CLOSED]


class RecordQuerySet(models.QuerySet["Record"]):
    """Records."""

    def counted(self) -> Self:
        """Reviews that count: confirmed and not voided (domain.md 5.4)."""
        return self.filter(state__in=COUNTED_STATES)

    def counting_in(self, period: Period) -> Self:
        """Held in the period, whichever they were entered for: a review of the round is one of the half-year (T11)."""
        held = Q(review__held_on__gte=period.starts_on, review__held_on__lte=period.ends_on)
        return self.filter(Q(review__period=period) | held)

    def entered_by_end_of(self, on: datetime.date) -> Self:
        """Confirmed on this day or before."""
        return self.exclude(confirmed_at__gte=clock.midnight_after(on))

    def counting_at_end_of(self, on: datetime.date) -> Self:
        """That counted when this day ended, whatever became of them since: confirmed by then, and not yet voided."""
        still = Q(state__in=COUNTED_STATES) | Q(state=RecordState.VOIDED, voided_at__gte=clock.midnight_after(on))
        return self.filter(still).entered_by_end_of(on)

    def of_organizations(self) -> Self:
        """That print on annex 2."""
        return self.filter(target_org__isnull=False)

    def of_persons(self) -> Self:
        """That print on annex 3: members and heads (T9)."""
        return self.filter(target_person__isnull=False)

    def visible_to(self, user: User) -> Self:
        """That the user may know of: who reviewed whom, when. The text of a person's record is narrower."""
        return self.filter(record_scope.visible(user))

    def readable_text_by(self, user: User) -> Self:
        """Whose text the user may read (T20)."""
        return self.filter(record_scope.readable(user))

    def editable_by(self, user: User) -> Self:
        """Drafts that the user may go on with: the reviewers, and their offices for them (R46)."""
        return self.filter(record_scope.editable(user))


class Record(models.Model):
    """点评记录: what was said to one target. Annex 2 (organisation) or 3 (person). Written by `reviews.records`.

    Names, posts, branch and member count are snapshots of the day it was held (T10).
    """

    review = models.ForeignKey(Review, models.PROTECT, verbose_name="点评活动", related_name="records")
    kind = models.CharField("内容类别", max_length=20, choices=ContentKind)
    target_org = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="被点评组织", null=True, blank=True, related_name="records"
    )
    target_person = models.ForeignKey(
        "orgs.Person", models.PROTECT, verbose_name="被点评人", null=True, blank=True, related_name="records"
    )
    about_org = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="对象所在组织", related_name="records_about"
    )
    duties = models.ManyToManyField("reviews.Duty", verbose_name="完成的任务", blank=True, related_name="records")
    target_name = models.CharField("对象名称", max_length=200)
    target_title = models.CharField("对象单位及职务", max_length=200, blank=True)
    branch_name = models.CharField("所属支部", max_length=200, blank=True)
    member_count = models.PositiveIntegerField("党员人数", null=True, blank=True)
    prior_summary = models.TextField("前段小结", blank=True)
    achievements = models.TextField("主要成绩", blank=True)
    directions = models.TextField("努力方向", blank=True, help_text="附件2：下阶段工作建议；附件3：整改意见建议")
    feedback_due_on = models.DateField(
        "整改反馈期限", null=True, blank=True, help_text="由负责点评的领导要求（二（四）5）"
    )
    grade = models.CharField("评定等次", max_length=20, blank=True)  # see `Grade`
    state = models.CharField("状态", max_length=20, choices=RecordState, default=RecordState.DRAFT)
    version = models.PositiveIntegerField("版本", default=1)
    confirmed_at = models.DateTimeField("确认时间", null=True, blank=True)
    confirmed_by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="确认人", null=True, blank=True, related_name="+"
    )
    void_reason = models.CharField("作废原因", max_length=200, blank=True)
    voided_at = models.DateTimeField("作废时间", null=True, blank=True)
    saved_at = models.DateTimeField("保存时间", auto_now=True)
    saved_by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="保存人", null=True, blank=True, related_name="+"
    )

    objects = RecordQuerySet.as_manager()

    class Meta:
        verbose_name = "点评记录"
        verbose_name_plural = "点评记录"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["target_org", "state"], name="record_target_org"),
            models.Index(fields=["target_person", "state"], name="record_target_person"),
            models.Index(fields=["about_org", "state"], name="record_about_org"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(target_org__isnull=True) ^ Q(target_person__isnull=True), name="record_has_one_target"
            ),
        ]

    def __str__(self) -> str:
        return self.target_name

    @property
    def is_counted(self) -> bool:
        """Confirmed and not voided."""
        return self.state in COUNTED_STATES

    @property
    def is_entered_late(self) -> bool:
        """补录: it counts for its period, but was confirmed only after the period's last day."""
        return (
            self.is_counted
            and self.confirmed_at is not None
            and timezone.localtime(self.confirmed_at).date() > self.review.period.ends_on
        )

    @property
    def is_of_person(self) -> bool:
        """Prints on annex 3; its text is for few eyes (T20)."""
        return self.target_person_id is not None


class Verdict(models.TextChoices):
    """Answer to a checklist point."""

    YES = "yes", "是"
    PARTLY = "partly", "部分"
    NO = "no", "否"


class Answer(models.Model):
    """The reviewer's answer to one point of the checklist."""

    record = models.ForeignKey(Record, models.CASCADE, verbose_name="点评记录", related_name="answers")
    point = models.ForeignKey("reviews.ChecklistPoint", models.PROTECT, verbose_name="要点")
    verdict = models.CharField("结论", max_length=10, choices=Verdict, blank=True)
    note = models.CharField("说明", max_length=500, blank=True)

    class Meta:
        verbose_name = "要点评价"
        verbose_name_plural = "要点评价"
        ordering = ["point"]
        constraints = [models.UniqueConstraint(fields=["record", "point"], name="one_answer_per_point")]

    def __str__(self) -> str:
        return f"{self.point} {self.get_verdict_display()}"
