"""The append-only trail of what was done."""

from django.db import models


class AuditEvent(models.Model):
    """Who did what to which object, when. Written by `orgs.audit.record` in the caller's transaction; never changed."""

    at = models.DateTimeField("时间", auto_now_add=True, db_index=True)
    by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="操作人", null=True, blank=True, related_name="audit_events"
    )
    verb = models.CharField("动作", max_length=50)
    model = models.CharField("对象类型", max_length=50)
    object_id = models.BigIntegerField("对象编号", null=True)
    summary = models.CharField("说明", max_length=500, blank=True)
    before = models.JSONField("变更前", default=dict, blank=True)
    after = models.JSONField("变更后", default=dict, blank=True)

    class Meta:
        verbose_name = "操作记录"
        verbose_name_plural = "操作记录"
        ordering = ["-id"]
        indexes = [models.Index(fields=["model", "object_id"], name="audit_object")]

    def __str__(self) -> str:
        return f"{self.verb} {self.summary}"
