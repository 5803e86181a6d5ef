"""Imports: the file between its preview and its confirmation, and the receipt afterwards."""

from django.db import models

from orgs.querysets import ImportBatchQuerySet


class ImportState(models.TextChoices):
    """States of an import."""

    PREVIEWED = "previewed", "待确认"
    REFUSED = "refused", "有错误"
    APPLIED = "applied", "已导入"


class ImportBatch(models.Model):
    """导入: one uploaded workbook; kept as a receipt (who, when, file hash, counts). Written by `orgs.importing.job`."""

    file = models.FileField("文件", upload_to="imports/")
    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件指纹", max_length=64)
    by = models.ForeignKey("orgs.User", models.SET_NULL, verbose_name="导入人", null=True, related_name="+")
    created_at = models.DateTimeField("上传时间", auto_now_add=True)
    applied_at = models.DateTimeField("导入时间", null=True, blank=True)
    state = models.CharField("状态", max_length=20, choices=ImportState, default=ImportState.PREVIEWED)
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
