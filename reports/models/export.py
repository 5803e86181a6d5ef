"""Long files that are made in the background and kept for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from orgs.models import User


class ExportState(models.TextChoices):
    """States of an export."""

    QUEUED = "queued", "排队中"
    WRITING = "writing", "生成中"
    DONE = "done", "已生成"
    REFUSED = "refused", "没有生成"
    INTERRUPTED = "interrupted", "中断"


class ExportKind(models.TextChoices):
    """What is made."""

    SUMMARY = "summary", "汇总表"
    FORMS = "forms", "附件1下发表"
    LIST = "list", "名单"


UNDER_WAY = (ExportState.QUEUED, ExportState.WRITING)


class ExportQuerySet(models.QuerySet["Export"]):
    """Exports."""

    def visible_to(self, user: User) -> Self:
        """Those that the user asked for: nobody else sees them."""
        return self.filter(by=user)


class Export(models.Model):
    """导出: the summary workbook of an organisation and all below it, the forms for the units outside the system just
    below it, or a long list of some page, for who asked for it. Written by `reports.exports`.
    """

    kind = models.CharField("种类", max_length=10, choices=ExportKind, default=ExportKind.SUMMARY)
    by = models.ForeignKey("orgs.User", models.CASCADE, verbose_name="导出人", related_name="exports")
    organization = models.ForeignKey(
        "orgs.Organization", models.CASCADE, verbose_name="组织", null=True, blank=True, related_name="+"
    )
    period = models.ForeignKey(
        "reviews.Period", models.CASCADE, verbose_name="点评期", null=True, blank=True, related_name="+"
    )
    asked = models.JSONField("名单", default=dict, blank=True, help_text="地址、名称、条件")
    state = models.CharField("状态", max_length=20, choices=ExportState, default=ExportState.QUEUED)
    # Who makes it now: only that process may go on, whatever another one believes.
    run = models.CharField("执行标识", max_length=32, blank=True)
    touched_at = models.DateTimeField("任务时间")
    created_at = models.DateTimeField("申请时间", auto_now_add=True)
    done_at = models.DateTimeField("生成时间", null=True, blank=True)
    organizations = models.PositiveIntegerField("组织数或行数", default=0)
    file = models.FileField("文件", upload_to="exports/", blank=True)
    note = models.CharField("说明", max_length=500, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = "导出"
        verbose_name_plural = "导出"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.title} {self.note_of}"

    @property
    def title(self) -> str:
        """What it is of: an organisation, or the name of a list."""
        return self.asked["name"] if self.kind == ExportKind.LIST else str(self.organization)

    @property
    def note_of(self) -> str:
        """What else says which it is."""
        return self.asked["conditions"] if self.kind == ExportKind.LIST else f"{self.period}{self.get_kind_display()}"

    @property
    def file_name(self) -> str:
        """As it is downloaded, without an ending."""
        if self.organization is None or self.period is None:
            return self.title
        kind = "点评汇总表" if self.kind == ExportKind.SUMMARY else self.get_kind_display()
        return f"{self.period.code}{kind}_{self.organization.code}"

    @property
    def counted_in(self) -> str:
        """What its number counts."""
        return {ExportKind.FORMS: "个单位", ExportKind.LIST: "行"}.get(ExportKind(self.kind), "个组织")

    def is_like(self, other: Export) -> bool:
        """Asks for the same."""
        of = ("by_id", "kind", "organization_id", "period_id", "asked")
        return all(getattr(self, name) == getattr(other, name) for name in of)

    @property
    def is_under_way(self) -> bool:
        """Waits for a process, or one works on it."""
        return self.state in UNDER_WAY
