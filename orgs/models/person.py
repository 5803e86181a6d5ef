"""Members, their branches, posts and division of work; each with a half-open span of dates.

A span [from_on, to_on) holds on a day when from_on <= day < to_on; an empty date means always.
"""

import datetime

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Lower

from orgs.querysets import ChargeQuerySet, MembershipQuerySet, PersonQuerySet, PostQuerySet

ALWAYS = Value(datetime.date.min, output_field=models.DateField())
SPAN_IS_FORWARD = Q(from_on__isnull=True) | Q(to_on__isnull=True) | Q(from_on__lte=F("to_on"))


class Gender(models.TextChoices):
    """性别."""

    MALE = "male", "男"
    FEMALE = "female", "女"


class MemberKind(models.TextChoices):
    """人员类别."""

    FULL = "full", "正式党员"
    PROBATIONARY = "probationary", "预备党员"


class PartyStatus(models.TextChoices):
    """党籍状态; only the first is counted and reviewed (A24)."""

    NORMAL = "normal", "正常"
    SUSPENDED = "suspended", "停止党籍"
    EXPELLED = "expelled", "出党"
    LEFT = "left", "已转出"
    DECEASED = "deceased", "已故"


class PostRole(models.TextChoices):
    """职务: 委员 (党委, 党总支, 党支部) and 成员 (党组) are one role with two names, see `Post.title`."""

    SECRETARY = "secretary", "书记"
    DEPUTY = "deputy", "副书记"
    MEMBER = "member", "委员"


ROLE_WORDS = dict(PostRole.choices)


class ChargeKind(models.TextChoices):
    """主次 of a division of work."""

    LEAD = "lead", "主管"
    ASSIST = "assist", "协管"


class Person(models.Model):
    """A Party member. No ID number is kept; the mobile number is optional and masked in lists."""

    number = models.CharField("人员编号", max_length=40, unique=True)
    name = models.CharField("姓名", max_length=100)
    title = models.CharField("单位及职务", max_length=200, blank=True)
    gender = models.CharField("性别", max_length=10, choices=Gender, blank=True)
    born_on = models.DateField("出生日期", null=True, blank=True)
    joined_on = models.DateField("入党日期", null=True, blank=True)
    kind = models.CharField("人员类别", max_length=20, choices=MemberKind, default=MemberKind.FULL)
    status = models.CharField("党籍状态", max_length=20, choices=PartyStatus, default=PartyStatus.NORMAL)
    mobile = models.CharField("手机", max_length=20, blank=True)
    note = models.CharField("备注", max_length=500, blank=True)
    pinyin = models.CharField("拼音", max_length=200, blank=True, help_text="查找用；改姓名时重新生成")
    initials = models.CharField("拼音首字母", max_length=200, blank=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = "人员"
        verbose_name_plural = "人员"
        ordering = ["number"]
        indexes = [
            # PostgreSQL answers "begins with" from an index of this class only.
            models.Index(fields=["pinyin"], name="person_pinyin", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["initials"], name="person_initials", opclasses=["varchar_pattern_ops"]),
        ]
        constraints = [models.UniqueConstraint(Lower("number"), name="person_number_caseless")]

    def __str__(self) -> str:
        return self.name

    @property
    def masked_mobile(self) -> str:
        """138****1234; empty stays empty."""
        return f"{self.mobile[:3]}****{self.mobile[-4:]}" if len(self.mobile) >= 7 else "*" * len(self.mobile)


class Membership(models.Model):
    """组织关系: a person belongs to a branch for a time; at most one at a time."""

    person = models.ForeignKey(Person, models.CASCADE, verbose_name="人员", related_name="memberships")
    branch = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="所属支部", related_name="memberships")
    from_on = models.DateField("转入日期", null=True, blank=True)
    to_on = models.DateField("转出日期", null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = "组织关系"
        verbose_name_plural = "组织关系"
        ordering = ["person", F("from_on").asc(nulls_first=True)]
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(to_on__isnull=True), name="one_open_membership"),
            models.CheckConstraint(condition=SPAN_IS_FORWARD, name="membership_span_is_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.person}（{self.branch}）"


class Post(models.Model):
    """任职: a person holds a role in an organisation for a time. Key: person, organisation, role, from_on."""

    # Without indexes of their own: compound ones begin with them.
    person = models.ForeignKey(Person, models.CASCADE, verbose_name="人员", related_name="posts", db_index=False)
    organization = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="组织", related_name="posts", db_index=False
    )
    role = models.CharField("职务", max_length=20, choices=PostRole)
    is_acting = models.BooleanField("主持工作", default=False)
    from_on = models.DateField("任职日期", null=True, blank=True)
    to_on = models.DateField("免职日期", null=True, blank=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = "任职"
        verbose_name_plural = "任职"
        ordering = ["organization", "person"]
        indexes = [models.Index(fields=["organization", "role"], name="post_org_role")]
        constraints = [
            models.UniqueConstraint("person", "organization", "role", Coalesce("from_on", ALWAYS), name="post_key"),
            models.CheckConstraint(condition=SPAN_IS_FORWARD, name="post_span_is_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.title}"

    @property
    def title(self) -> str:
        """党组书记, 党委委员, 党支部副书记（主持工作）…: the right word for the type (domain.md 4.4)."""
        role = ROLE_WORDS.get(self.role, self.role)
        if self.role == PostRole.MEMBER and self.organization.org_type == "group":
            role = "成员"
        return f"{self.organization.get_org_type_display()}{role}" + ("（主持工作）" if self.is_acting else "")


class Charge(models.Model):
    """分管: a member of a team is in charge of an organisation below it for a time (领导分工)."""

    person = models.ForeignKey(
        Person, models.CASCADE, verbose_name="人员", related_name="charges", db_index=False
    )  # as in Post
    team = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="所在班子", related_name="divisions", db_index=False
    )
    organization = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="分管组织", related_name="charges"
    )
    kind = models.CharField("主次", max_length=10, choices=ChargeKind, default=ChargeKind.LEAD)
    from_on = models.DateField("起始日期", null=True, blank=True)
    to_on = models.DateField("终止日期", null=True, blank=True)

    objects = ChargeQuerySet.as_manager()

    class Meta:
        verbose_name = "分管"
        verbose_name_plural = "分管"
        ordering = ["team", "organization", "kind"]
        indexes = [models.Index(fields=["team", "organization"], name="charge_team_org")]
        constraints = [
            models.UniqueConstraint("person", "team", "organization", Coalesce("from_on", ALWAYS), name="charge_key"),
            models.CheckConstraint(condition=SPAN_IS_FORWARD, name="charge_span_is_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_kind_display()} {self.organization}"
