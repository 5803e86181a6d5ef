"""Problems found, and what became of them (R37, domain.md 5.7)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from reviews import record_scope

if TYPE_CHECKING:
    from orgs.models import User


class ItemState(models.TextChoices):
    """States of a rectification item; overdue is derived from due_on."""

    NOTED = "noted", "未下达"
    TO_PLAN = "to_plan", "待制定措施"
    IN_PROGRESS = "in_progress", "整改中"
    PENDING_ACCEPTANCE = "pending_acceptance", "待验收"
    CLOSED = "closed", "已销号"
    CANCELLED = "cancelled", "已取消"


OPEN_STATES = [ItemState.TO_PLAN, ItemState.IN_PROGRESS, ItemState.PENDING_ACCEPTANCE]


class RectificationQuerySet(models.QuerySet["RectificationItem"]):
    """Rectification items."""

    def open(self) -> Self:
        """Still to be worked on or accepted."""
        return self.filter(state__in=OPEN_STATES)

    def overdue(self, on: datetime.date) -> Self:
        """Open, not yet fed back, and past the day."""
        return self.filter(state__in=[ItemState.TO_PLAN, ItemState.IN_PROGRESS], due_on__lt=on)

    def visible_to(self, user: User) -> Self:
        """Handed down, and of a record whose text the user may read: an item is part of that text (T20)."""
        return self.filter(record_scope.readable(user, "record__"), ~Q(state=ItemState.NOTED))


class RectificationItem(models.Model):
    """整改事项: one problem named in a record. A line of a draft is NOTED; confirming the record hands it down.

    Written by `reviews.rectifications` (and, while the record is a draft, by `reviews.records.save_draft`).
    """

    record = models.ForeignKey("reviews.Record", models.CASCADE, verbose_name="点评记录", related_name="items")
    order = models.PositiveSmallIntegerField("序号")
    text = models.CharField("存在问题", max_length=1000)
    state = models.CharField("状态", max_length=20, choices=ItemState, default=ItemState.NOTED)
    measures = models.TextField("整改措施", blank=True)
    responsible = models.CharField("责任人", max_length=100, blank=True)
    due_on = models.DateField("完成时限", null=True, blank=True)
    outcome = models.TextField("落实情况", blank=True)
    closed_on = models.DateField("销号日期", null=True, blank=True)

    objects = RectificationQuerySet.as_manager()

    class Meta:
        verbose_name = "整改事项"
        verbose_name_plural = "整改事项"
        ordering = ["record", "order"]
        indexes = [models.Index(fields=["state", "due_on"], name="item_due")]
        constraints = [models.UniqueConstraint(fields=["record", "order"], name="item_order_unique")]

    def __str__(self) -> str:
        return self.text

    def is_overdue(self, on: datetime.date) -> bool:
        """Open, not yet fed back, and past its day."""
        waiting = self.state in (ItemState.TO_PLAN, ItemState.IN_PROGRESS)
        return waiting and self.due_on is not None and on > self.due_on


class RectificationStep(models.Model):
    """办理过程: what was done on an item, by whom, when; append-only."""

    item = models.ForeignKey(RectificationItem, models.CASCADE, verbose_name="整改事项", related_name="steps")
    at = models.DateTimeField("时间", auto_now_add=True)
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="办理人", null=True, related_name="+")
    verb = models.CharField("动作", max_length=20)
    text = models.TextField("内容", blank=True)

    class Meta:
        verbose_name = "整改过程"
        verbose_name_plural = "整改过程"
        ordering = ["item", "id"]

    def __str__(self) -> str:
        return f"{self.verb} {self.text}"
