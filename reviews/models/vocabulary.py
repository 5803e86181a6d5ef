"""The words that a scheme offers to reviewers: forms of review and grades."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class ReviewForm(models.TextChoices):
    """The forms that the software knows something of: the five of 二（三） and 其他 (R26)."""

    MEETING = "meeting", "集中点评"
    INDIVIDUAL = "individual", "个别点评"
    ON_SITE = "on_site", "现场点评"
    RANDOM = "random", "随机点评"
    TOPICAL = "topical", "专题点评"
    OTHER = "other", "其他"


class OfferedForm(models.Model):
    """点评形式 of a scheme: known ones, under a name of its own, and its own (R26「创新点评方式」).

    A code of `ReviewForm` carries what the software knows of it: whom it fits (R31a), whether a topic is asked for,
    whether draws make it. A form of the scheme's own is only offered, printed and counted.
    Written by `reviews.vocabulary`; never deleted, because reviews keep the code. They keep the name as well.
    """

    scheme = models.ForeignKey("orgs.Scheme", models.PROTECT, verbose_name="方案", related_name="forms")
    code = models.SlugField("代码", max_length=20)
    name = models.CharField("名称", max_length=20)
    order = models.PositiveSmallIntegerField("排序", default=0)
    is_on = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = "点评形式"
        verbose_name_plural = "点评形式"
        ordering = ["scheme", "order", "id"]
        constraints = [
            models.UniqueConstraint(fields=["scheme", "code"], name="form_code_unique"),
            models.UniqueConstraint(fields=["scheme", "name"], name="form_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class GradeOf(models.TextChoices):
    """Who is graded (domain.md 5.9)."""

    ORGANIZATION = "organization", "党组织"
    HEAD = "head", "党组织负责人"
    MEMBER = "member", "党员"


class Grade(models.Model):
    """等次 that a scheme offers for a kind of target, the best first; a scheme without any asks for none.

    `most_percent`: of all graded in a half-year, so many at most should have it (优秀一般不超过三分之一): a warning.
    Written by `reviews.vocabulary`; records keep the name.
    """

    scheme = models.ForeignKey("orgs.Scheme", models.PROTECT, verbose_name="方案", related_name="grades")
    of = models.CharField("对象", max_length=20, choices=GradeOf)
    name = models.CharField("等次", max_length=20)
    order = models.PositiveSmallIntegerField("排序", default=0)
    most_percent = models.PositiveSmallIntegerField(
        "比例上限（%）", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(99)]
    )
    is_on = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = "评定等次"
        verbose_name_plural = "评定等次"
        ordering = ["scheme", "of", "order", "id"]
        constraints = [models.UniqueConstraint(fields=["scheme", "of", "name"], name="grade_unique")]

    def __str__(self) -> str:
        return self.name
