"""What a review looks at: the five content checklists and the window add-on (R16 to R25)."""

from django.db import models


class ContentKind(models.TextChoices):
    """Whose content: two for organisations, two for their heads, one for members (二（二）)."""

    TEAM = "team", "党组（党委）"
    TEAM_HEAD = "team_head", "党组（党委）负责人"
    BASE = "base", "基层党组织"
    BASE_HEAD = "base_head", "基层党组织书记"
    MEMBER = "member", "党员"
    WINDOW = "window", "窗口单位"


class ChecklistPoint(models.Model):
    """One point to be looked at, in the notice's words. Shipped by migration; editable by administrators."""

    scheme = models.ForeignKey("orgs.Scheme", models.PROTECT, verbose_name="方案", related_name="checklist")
    kind = models.CharField("内容类别", max_length=20, choices=ContentKind)
    order = models.PositiveSmallIntegerField("排序", default=0)
    text = models.CharField("要点", max_length=200)
    is_stressed = models.BooleanField("重点", default=False, help_text="通知中“重点点评”“突出点评”的问题")
    clause = models.CharField("条款", max_length=50)
    is_on = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = "点评要点"
        verbose_name_plural = "点评要点"
        ordering = ["scheme", "kind", "order"]
        constraints = [models.UniqueConstraint(fields=["scheme", "kind", "order"], name="point_order_unique")]

    def __str__(self) -> str:
        return self.text
