"""Imports: the file between its preview and its confirmation, and the receipt afterwards."""

from django.db import models

from orgs.querysets import ImportBatchQuerySet, OrganizationAliasQuerySet


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
    UNDONE = "undone", "已撤销"


class ImportJob(models.TextChoices):
    """What waits to be done, or is being done, with a file."""

    CHECK = "check", "核对"
    WRITE = "write", "写入"
    UNDO = "undo", "撤销"


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
    # What lists show of the counts: for each sheet its name, rows, new, updated, moved, unchanged and wrong.
    sums = models.JSONField("各表行数", default=list)
    # Codes chosen for what the file wrote, until the organisations exist and an alias can be kept.
    answers = models.JSONField("选定的组织", default=dict)
    drawn = models.CharField("确认的层级", max_length=64, blank=True)
    seconds = models.FloatField("写入用时（秒）", null=True, blank=True)
    undone_at = models.DateTimeField("撤销时间", null=True, blank=True)
    undone_by = models.ForeignKey(
        "orgs.User", models.SET_NULL, verbose_name="撤销人", null=True, blank=True, related_name="+"
    )

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


class ImportJournal(models.Model):
    """导入前的值: what undoes an import, compressed JSON. Written by `orgs.importing.undo` with the import itself."""

    batch = models.OneToOneField(ImportBatch, models.CASCADE, verbose_name="导入记录", related_name="journal")
    data = models.BinaryField("内容")

    class Meta:
        verbose_name = "导入前的值"
        verbose_name_plural = "导入前的值"

    def __str__(self) -> str:
        return f"{self.batch}"


class OrganizationAlias(models.Model):
    """组织别名: what files write where the code of an organisation is wanted; chosen once, then understood.

    Written by `orgs.importing.aliases`; a real code always goes before an alias.
    """

    text = models.CharField("写法", max_length=200)
    key = models.CharField("比较用写法", max_length=200, unique=True, editable=False)
    organization = models.ForeignKey("orgs.Organization", models.CASCADE, verbose_name="组织", related_name="aliases")
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="选定人", null=True, related_name="+")
    at = models.DateTimeField("选定时间", auto_now_add=True)

    objects = OrganizationAliasQuerySet.as_manager()

    class Meta:
        verbose_name = "组织别名"
        verbose_name_plural = "组织别名"
        ordering = ["text"]

    def __str__(self) -> str:
        return f"{self.text} → {self.organization}"
