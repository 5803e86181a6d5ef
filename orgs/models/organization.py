"""Party organisations, as a tree."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from mptt.managers import TreeManager
from mptt.models import MPTTModel, TreeForeignKey

from orgs.querysets import OrganizationQuerySet


class OrgType(models.TextChoices):
    """组织类型 (contracts.md, section 1)."""

    GROUP = "group", "党组"
    COMMITTEE = "committee", "党委"
    ORGAN_COMMITTEE = "organ_committee", "机关党委"
    GENERAL_BRANCH = "general_branch", "党总支"
    BRANCH = "branch", "党支部"


class Relation(models.TextChoices):
    """How an organisation hangs under its parent; never fire affiliation rules on guidance (A5)."""

    AFFILIATION = "affiliation", "隶属"
    GUIDANCE = "guidance", "指导"


OrganizationManager = TreeManager.from_queryset(OrganizationQuerySet)


class Organization(MPTTModel):
    """A Party organisation. Written by `orgs.tree` only, which also keeps `domain` and `led_by`.

    Life is half-open: it exists on a day when founded_on <= day < dissolved_on; an empty date means always.
    """

    code = models.CharField("组织代码", max_length=40, unique=True)
    name = models.CharField("组织名称", max_length=200)
    short_name = models.CharField("简称", max_length=100, blank=True)
    org_type = models.CharField("组织类型", max_length=20, choices=OrgType)
    # Foreign keys without an index of their own, here and below: a compound one begins with them.
    category = models.ForeignKey(
        "orgs.Category", models.PROTECT, verbose_name="单位类别", related_name="organizations", db_index=False
    )
    parent = TreeForeignKey(
        "self", models.PROTECT, verbose_name="上级组织", null=True, blank=True, related_name="children"
    )
    relation = models.CharField(
        "与上级关系",
        max_length=20,
        choices=Relation,
        default=Relation.AFFILIATION,
        help_text="隶属或指导；根组织不看此项",
    )
    is_window_unit = models.BooleanField(
        "窗口单位", default=False, help_text="直接面对企业、群众的窗口单位和部门（二（二））"
    )
    founded_on = models.DateField("成立日期", null=True, blank=True)
    dissolved_on = models.DateField("撤销日期", null=True, blank=True, help_text="自这一天起不再存在")
    order = models.PositiveIntegerField("排序", default=0)
    tree_id = models.PositiveIntegerField(editable=False)  # django-mptt's own would have an index: org_range begins so
    pinyin = models.CharField("拼音", max_length=200, blank=True, help_text="查找用；改名称时重新生成")
    initials = models.CharField("拼音首字母", max_length=200, blank=True)
    short_pinyin = models.CharField("简称拼音", max_length=200, blank=True)
    short_initials = models.CharField("简称拼音首字母", max_length=200, blank=True)
    domain = models.ForeignKey(
        "self",
        models.DO_NOTHING,
        verbose_name="隶属域",
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
    )
    led_by = models.ForeignKey(
        "self", models.DO_NOTHING, verbose_name="领导班子所在组织", null=True, editable=False, related_name="+",
        db_constraint=False, help_text="隶属链上最近的非机关党委上级",
    )  # fmt: skip

    objects = OrganizationManager()

    class Meta:
        verbose_name = "组织"
        verbose_name_plural = "组织"
        ordering = ["tree_id", "lft"]
        indexes = [
            models.Index(fields=["tree_id", "lft", "rght"], include=["id"], name="org_range"),
            models.Index(fields=["category", "org_type"], name="org_kind"),
            # PostgreSQL answers "begins with" from an index of this class only.
            models.Index(fields=["pinyin"], name="org_pinyin", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["initials"], name="org_initials", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["short_pinyin"], name="org_short_pinyin", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["short_initials"], name="org_short_initials", opclasses=["varchar_pattern_ops"]),
        ]
        constraints = [
            models.UniqueConstraint(Lower("code"), name="org_code_caseless"),
            models.CheckConstraint(condition=Q(lft__lt=F("rght")), name="org_lft_before_rght"),
            models.CheckConstraint(condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="org_not_own_parent"),
            models.UniqueConstraint(fields=["tree_id"], condition=Q(parent__isnull=True), name="org_one_root_per_tree"),
            # And org_lft_unique, on PostgreSQL only: migration 0003 says why it is no UniqueConstraint.
        ]

    class MPTTMeta:
        order_insertion_by = ["order", "code"]

    def __str__(self) -> str:
        return self.name

    # django-mptt counts by the width of the numbers, which here have gaps: these ask the rows instead.

    def get_descendant_count(self) -> int:
        """How many organisations hang below it."""
        return 0 if self._state.adding else Organization.objects.below(self).count()

    def is_leaf_node(self) -> bool:
        """Whether nothing hangs below it."""
        return self._state.adding or not Organization.objects.filter(parent=self).exists()

    def get_leafnodes(self, include_self: bool = False) -> QuerySet[Organization]:
        """Those below it that have nothing below them, in the tree's order."""
        children = Organization.objects.filter(parent=OuterRef("pk")).order_by()
        return Organization.objects.below(self, include_self=include_self).filter(~Exists(children))

    @property
    def is_branch(self) -> bool:
        """A 党支部: the only type that has members of its own."""
        return self.org_type == OrgType.BRANCH

    @property
    def is_team(self) -> bool:
        """党组 or 党委: content of R17/R19 rather than R20/R23."""
        return self.org_type in (OrgType.GROUP, OrgType.COMMITTEE)

    @property
    def display_name(self) -> str:
        """The short name where there is one."""
        return self.short_name or self.name


# django-mptt adds one on (tree_id, lft), with which org_range begins.
Organization._meta.indexes = [index for index in Organization._meta.indexes if index.fields != ["tree_id", "lft"]]
