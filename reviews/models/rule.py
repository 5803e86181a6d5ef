"""The rules of who reviews whom, as rows of closed choices: no expressions, no code (design.md, decision 1)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orgs.models import OrgType
from reviews.models.duty import Basis, ReviewerKind


class Reach(models.TextChoices):
    """How a rule's targets are reached from its reviewer (domain.md, section 2)."""

    CHILD = "child", "直接下级（隶属）"
    BELOW = "below", "所属范围内（按类别）"
    FIELD = "field", "所领导的基层组织（越过机关党委）"
    OWN = "own", "本组织"


class Cadence(models.TextChoices):
    """How often (R39)."""

    HALF_YEAR = "half_year", "每半年"
    YEAR = "year", "每年"


class Joint(models.TextChoices):
    """Whether two organisations answer for one target together, and who of them must act (A1)."""

    NONE = "none", "不是共同点评"
    EACH = "each", "双方都要点评（一次联合点评可同时完成）"
    ANY = "any", "任何一方点评即可"


class Rule(models.Model):
    """One sentence of the notice. `reviews.rules` compiles it to querysets; shipped by migration."""

    scheme = models.ForeignKey("orgs.Scheme", models.PROTECT, verbose_name="方案", related_name="rules")
    code = models.CharField("规则", max_length=10)
    order = models.PositiveSmallIntegerField("排序", default=0)
    clause = models.CharField("条款", max_length=50, help_text="例如 二（一）1")
    text = models.TextField("条款原文")
    reviewer_kind = models.CharField("点评主体", max_length=10, choices=ReviewerKind, help_text="组织，或书记本人")
    reach = models.CharField("对象范围", max_length=10, choices=Reach)
    targets_org = models.BooleanField("点评组织", default=False)
    targets_head = models.BooleanField("点评负责人", default=False)
    targets_team = models.BooleanField("点评本班子成员", default=False)
    targets_members = models.BooleanField("点评本支部党员", default=False)
    is_leftover = models.BooleanField(
        "只补其余", default=False, help_text="只适用于其他规则都没有点名的组织（原则条款）"
    )
    basis = models.CharField("依据", max_length=20, choices=Basis)
    cadence = models.CharField("频次", max_length=10, choices=Cadence, default=Cadence.HALF_YEAR)
    joint = models.CharField(
        "共同点评", max_length=10, choices=Joint, default=Joint.NONE, help_text="两个组织共同负责：各有一项任务"
    )
    assists_local_committee = models.BooleanField("协助地方党委", default=False)
    is_on = models.BooleanField("启用", default=True)
    valid_from = models.DateField("生效日期", null=True, blank=True)
    valid_to = models.DateField("失效日期", null=True, blank=True)

    class Meta:
        verbose_name = "点评规则"
        verbose_name_plural = "点评规则"
        ordering = ["scheme", "order"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "code"], name="rule_unique_in_scheme"),
            models.CheckConstraint(
                condition=Q(targets_org=True) | Q(targets_head=True) | Q(targets_team=True) | Q(targets_members=True),
                name="rule_has_targets",
            ),
        ]

    kept_selectors: list[RuleSelector] | None = None  # of a rule that was made from a kept version

    def __str__(self) -> str:
        return f"{self.code} {self.clause}"

    def sides(self) -> list[RuleSelector]:
        """Its selectors: those that are stored or, of a kept version, those of that time."""
        return list(self.selectors.all()) if self.kept_selectors is None else self.kept_selectors

    @property
    def is_joint(self) -> bool:
        """Two organisations answer for the target."""
        return self.joint != Joint.NONE


class Side(models.TextChoices):
    """Which side of a rule a selector describes."""

    REVIEWER = "reviewer", "点评主体"
    CO_REVIEWER = "co_reviewer", "共同点评主体（主体的直接下级）"
    TARGET = "target", "点评对象"


class RuleSelector(models.Model):
    """Category × type on one side of a rule; an empty category or type means any. Several on a side: any of them."""

    rule = models.ForeignKey(Rule, models.CASCADE, verbose_name="规则", related_name="selectors")
    side = models.CharField("哪一方", max_length=20, choices=Side)
    category = models.ForeignKey("orgs.Category", models.PROTECT, verbose_name="单位类别", null=True, blank=True)
    org_type = models.CharField("组织类型", max_length=20, choices=OrgType, blank=True)

    class Meta:
        verbose_name = "规则范围"
        verbose_name_plural = "规则范围"
        ordering = ["rule", "side", "id"]

    def __str__(self) -> str:
        category = self.category.name if self.category else "任何类别"
        return f"{category} × {self.get_org_type_display() or '任何类型'}"
