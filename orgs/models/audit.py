"""The append-only trail of what was done."""

from collections.abc import Collection
from typing import Self

from django.db import models
from django.db.models import Q


class AuditEventQuerySet(models.QuerySet):
    """Events."""

    def about(self, model: str, ids: Collection[int]) -> Self:
        """Of these objects: their own, and those of runs that may hold one of them (ask `AuditEvent.is_about`)."""
        if not ids:
            return self.none()
        runs = Q(until_id__isnull=False, object_id__lte=max(ids), until_id__gte=min(ids))
        return self.filter(Q(object_id__in=ids, until_id__isnull=True) | runs, model=model)


class AuditEvent(models.Model):
    """Who did what to which object, when. Written by `orgs.audit` in the caller's transaction; never changed.

    With `until_id` it stands for every object from `object_id` to there: a run that was stored in one go.
    """

    at = models.DateTimeField("时间", auto_now_add=True, db_index=True)
    by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="操作人", null=True, blank=True, related_name="audit_events"
    )
    verb = models.CharField("动作", max_length=50)
    model = models.CharField("对象类型", max_length=50)
    object_id = models.BigIntegerField("对象编号", null=True)
    until_id = models.BigIntegerField("到对象编号", null=True, blank=True, help_text="一批连续的对象记作一条")
    summary = models.CharField("说明", max_length=500, blank=True)
    before = models.JSONField("变更前", default=dict, blank=True)
    after = models.JSONField("变更后", default=dict, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = "操作记录"
        verbose_name_plural = "操作记录"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["model", "object_id"], name="audit_object"),
            models.Index(fields=["model", "until_id"], name="audit_run", condition=Q(until_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.summary}"

    def is_about(self, pk: int) -> bool:
        """Of this object, alone or within a run."""
        return self.object_id == pk or bool(self.until_id and (self.object_id or 0) <= pk <= self.until_id)
