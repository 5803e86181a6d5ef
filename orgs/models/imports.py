"""Imports: the file between its preview and its confirmation, and the receipt afterwards."""

from django.db import models

from orgs.querysets import ImportBatchQuerySet


class ImportState(models.TextChoices):
    """States of an import."""

    QUEUED = "queued", "排队中"
    READING = "reading", "读取中"
    CHECKING = "checking", "核对中"
    PREVIEWED = "previewed", "待确认"
    REFUSED = "refused", "有错误"
    WRITING = "writing", "写入中"
    APPLIED = "applied", "已导入"
    CANCELLED = "cancelled", "已取消"
    INTERRUPTED = "interrupted", "中断"


class ImportJob(models.TextChoices):
    """What waits to be done, or is being done, with a file."""

    CHECK = "check", "核对"
    WRITE = "write", "写入"


UNDER_WAY = (ImportState.QUEUED, ImportState.READING, ImportState.CHECKING, ImportState.WRITING)


class ImportBatch(models.Model):
    """导入: one uploaded workbook; kept as a receipt (who, when, file hash, counts). Written by `orgs.importing.job`."""

    file = models.FileField("文件", upload_to="imports/")
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件指纹", max_length=64)
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="导入人", null=True, related_name="+")
    created_at = models.DateTimeField("上传时间", auto_now_add=True)
    applied_at = models.DateTimeField("导入时间", null=True, blank=True)
    state = models.CharField("状态", max_length=20, choices=ImportState, default=ImportState.PREVIEWED)
    job = models.CharField("任务", max_length=10, choices=ImportJob, default=ImportJob.CHECK)
    # Who does the job now: only that process may go on, whatever another one believes.
    run = models.CharField("执行标识", max_length=32, blank=True)
    touched_at = models.DateTimeField("任务时间", null=True, blank=True)
    confirmed_by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="确认人", null=True, blank=True, related_name="+"
    )
    note = models.CharField("说明", max_length=500, blank=True)
    allow_new_root = models.BooleanField("允许新的根组织", default=False)
    allow_numeric_codes = models.BooleanField("接受数字格式的代码", default=False)
    counts = models.JSONField("计数", default=dict)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = "导入记录"
        verbose_name_plural = "导入记录"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_under_way(self) -> bool:
        """Waits for a process, or one works on it."""
        return self.state in UNDER_WAY
