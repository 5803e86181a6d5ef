"""A scheme: the words and switches of one system's leadership reviews, as data."""

from django.db import models
from django.db.models import Q


class Scheme(models.Model):
    """One system's way of doing reviews (`aqsiq-2010`); exactly one is active. Shipped by migration."""

    code = models.SlugField("代码", unique=True)
    name = models.CharField("名称", max_length=100)
    basis = models.TextField("依据文件", blank=True)
    is_active = models.BooleanField("启用", default=False)
    activity_name = models.CharField("活动名称", max_length=100, blank=True, help_text="表头中带引号的活动名称")
    system_name = models.CharField(
        "系统名称", max_length=100, blank=True, help_text="各附件表头中活动名称之前的字，例如“全国某某系统”"
    )
    new_org_months = models.PositiveSmallIntegerField(
        "新建组织起评月数", default=3, help_text="期内存在满几个月才应点评（A22）"
    )
    leaders_as_members = models.BooleanField(
        "班子成员在所在支部接受点评", default=True, help_text="A12，二（一）4“本支部党员”"
    )
    adjusts_daily = models.BooleanField(
        "每日自动调整任务", default=True, help_text="每天核对时任务随日期变化自动调整；不勾选则只提示，由管理员确认"
    )
    remind_days = models.CharField(
        "提前提醒天数", max_length=50, default="30,7,1", help_text="截止日前第几天提醒，用逗号分隔"
    )

    class Meta:
        verbose_name = "方案"
        verbose_name_plural = "方案"
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="one_active_scheme"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def activity_title(self) -> str:
        """The first line of the forms: system, then the activity in quotation marks."""
        return f"{self.system_name}“{self.activity_name}”活动" if self.activity_name else self.system_name

    def remind_steps(self) -> list[int]:
        """Days before a deadline on which to remind, largest first."""
        return sorted({int(part) for part in self.remind_days.split(",") if part.strip().isdigit()}, reverse=True)


class Category(models.Model):  # type: ignore[django-manager-missing]  # mptt has no types
    """单位类别: what kind of unit an organisation belongs to; rules pick their targets by it (domain.md 3.1)."""

    scheme = models.ForeignKey(Scheme, models.PROTECT, verbose_name="方案", related_name="categories")
    name = models.CharField("名称", max_length=50)
    order = models.PositiveSmallIntegerField("排序", default=0)
    committee_leads = models.BooleanField(
        "党委按党组（党委）内容点评", default=False, help_text="否则该类别的党委是基层党组织（A33，二（二）1、2）"
    )

    usually_guidance = models.BooleanField(
        "上级通常只是指导", default=False, help_text="由地方党委领导的单位：登记成隶属时，导入会提醒，异常情况会列出"
    )

    class Meta:
        verbose_name = "单位类别"
        verbose_name_plural = "单位类别"
        ordering = ["scheme", "order"]
        constraints = [models.UniqueConstraint(fields=["scheme", "name"], name="category_unique_in_scheme")]

    def __str__(self) -> str:
        return self.name
