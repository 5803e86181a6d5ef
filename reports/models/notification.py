"""Messages to users: in the application, and by e-mail where there is an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from orgs.models import User


class NotificationKind(models.TextChoices):
    """What a message is about."""

    DUTIES = "duties", "点评任务"
    RECTIFICATION = "rectification", "整改事项"
    REPORTS = "reports", "进度报表"
    SYSTEM = "system", "系统检查"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Messages."""

    def visible_to(self, user: User) -> Self:
        """A message is for its recipient alone."""
        return self.filter(recipient=user)

    def unread(self) -> Self:
        """Not yet opened."""
        return self.filter(read_at__isnull=True)

    def unread_first(self) -> Self:
        """Unread before read, the newest first."""
        return self.order_by(F("read_at").desc(nulls_first=True), "-id")


class Notification(models.Model):
    """提醒: one message to one user, once for each key. Written by `reports.notices`.

    The row is the outbox of the e-mail as well: it is due while mailed_at is empty and the user has an address.
    """

    recipient = models.ForeignKey("orgs.User", models.CASCADE, verbose_name="收件人", related_name="notifications")
    key = models.CharField("提醒键", max_length=100, help_text="同一收件人同一键只提醒一次")
    kind = models.CharField("类别", max_length=20, choices=NotificationKind)
    title = models.CharField("标题", max_length=200)
    body = models.TextField("内容", blank=True)
    url = models.CharField("链接", max_length=200, blank=True)
    created_at = models.DateTimeField("时间", auto_now_add=True)
    read_at = models.DateTimeField("已读时间", null=True, blank=True)
    mailed_at = models.DateTimeField("邮件发出时间", null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField("邮件尝试次数", default=0)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = "提醒"
        verbose_name_plural = "提醒"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["recipient", "read_at"], name="notification_inbox"),
            models.Index(fields=["id"], condition=Q(mailed_at__isnull=True), name="notification_outbox"),
        ]
        constraints = [models.UniqueConstraint(fields=["recipient", "key"], name="notify_once")]

    def __str__(self) -> str:
        return self.title
