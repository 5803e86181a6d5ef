"""Duties: who must review whom in a period."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from orgs import scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orgs.models import Person, User
    from reviews.models.period import Period


BY_HAND = "X"  # rule code of duties that no rule made


class ReviewerKind(models.TextChoices):
    """Whether the notice names the organisation or its 书记 in person (contracts.md, section 3)."""

    ORG = "org", "组织"
    PERSON = "person", "书记本人"


class Subject(models.TextChoices):
    """What the target is to the reviewer."""

    ORG = "org", "党组织"
    HEAD = "head", "负责人"
    TEAM_MEMBER = "team_member", "班子成员"
    MEMBER = "member", "党员"


class Basis(models.TextChoices):
    """Why the reviewer is responsible (contracts.md, section 3)."""

    AFFILIATION = "affiliation", "隶属关系"
    DIVISION = "division", "领导分工"
    TEAM = "team", "班子成员"
    GUIDANCE = "guidance", "指导关系"
    ASSIGNED = "assigned", "指派"


class DutyStatus(models.TextChoices):
    """States of a duty; overdue is derived from due_on, never stored (domain.md 5.3)."""

    PENDING = "pending", "未点评"
    DONE = "done", "已完成"
    EXEMPT = "exempt", "已免除"


class DutyQuerySet(models.QuerySet["Duty"]):
    """Duties."""

    def open(self) -> Self:
        """Not yet done and not exempt."""
        return self.filter(status=DutyStatus.PENDING)

    def visible_to(self, user: User) -> Self:
        """One's own as reviewer or target, those of organisations one heads or whose office one works in (T20: no texts).

        Who reviews jointly sees the partner's duty, too: one record may serve both (A1).
        """
        if scope.seats(user).is_admin:
            return self
        reviewing = scope.office_of(user, "reviewer_org__") | scope.headed(user, "reviewer_org__")
        about = scope.office_of(user, "about_org__") | scope.headed(user, "about_org__")
        if user.person_id:
            reviewing |= Q(acting=user.person_id) | Q(reviewer=user.person_id)
            about |= Q(target_person=user.person_id)
        same = {name: OuterRef(name) for name in ("period", "joint_group", "subject")}
        partners = self.model._default_manager.filter(reviewing, **same).order_by()
        return self.filter(reviewing | about | (~Q(joint_group="") & Exists(partners)))

    def once(self, periods: Sequence[Period]) -> Self:
        """Of these, the same duty in several of the periods only once: that of the first period, which the others go with.

        The same: towards the same target in the same part, of the same organisation or 书记, and in the same state.
        """
        same = {name: OuterRef(name) for name in ("subject", "status")}
        rows = self.filter(
            Q(target_org=OuterRef("target_org")) | Q(target_person=OuterRef("target_person")),
            Q(reviewer_org=OuterRef("reviewer_org")) | Q(reviewer=OuterRef("reviewer")),
            **same,
        ).exclude(rule_code=BY_HAND)
        found = self
        for at, period in enumerate(periods):
            if at:
                before = Exists(rows.filter(period__in=periods[:at]).order_by())
                found = found.exclude(Q(before, ~Q(rule_code=BY_HAND), period=period))
        return found

    def of_person(self, person: Person | None) -> Self:
        """That this person carries out: as acting person, or as the 书记 named."""
        return self.filter(Q(acting=person) | Q(reviewer=person, acting__isnull=True))


class Duty(models.Model):
    """点评任务. Written by `reviews.duties`; one per period, rule, reviewer and target.

    `reviewer_org` is the reviewing organisation or, where the notice names the 书记, the organisation whose
    书记 it is (so an open duty passes to the successor, A20). `acting` carries it out. `about_org` is the target
    organisation, or the one whose head, team member or branch member the target person is. `reasons` lists every
    post that leads here: [{"org": code, "post": …, "charge": …, "since": …}], as `reviews.derive` writes it.
    """

    # No index of their own: each of a million rows pays for it, and the indexes below begin with the period.
    period = models.ForeignKey(
        "reviews.Period", models.PROTECT, verbose_name="点评期", related_name="duties", db_index=False
    )
    rule = models.ForeignKey("reviews.Rule", models.PROTECT, verbose_name="规则", null=True, blank=True, db_index=False)
    rule_code = models.CharField("规则代码", max_length=10, help_text="X 为指派")
    reviewer_kind = models.CharField("点评主体", max_length=10, choices=ReviewerKind)
    reviewer_org = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="点评组织", related_name="duties_as_reviewer"
    )
    reviewer = models.ForeignKey(
        "orgs.Person", models.PROTECT, verbose_name="点评书记", null=True, blank=True, related_name="duties_as_reviewer"
    )
    acting = models.ForeignKey(
        "orgs.Person", models.PROTECT, verbose_name="点评领导", null=True, blank=True, related_name="duties_as_acting"
    )
    is_assigned = models.BooleanField("人工指派", default=False, help_text="点评领导由上级指派，重新生成时不变")
    subject = models.CharField("对象身份", max_length=20, choices=Subject)
    target_org = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="被点评组织", null=True, blank=True, related_name="duties_as_target"
    )  # fmt: skip
    target_person = models.ForeignKey(
        "orgs.Person", models.PROTECT, verbose_name="被点评人", null=True, blank=True, related_name="duties_as_target"
    )
    about_org = models.ForeignKey(
        "orgs.Organization", models.PROTECT, verbose_name="对象所在组织", related_name="duties_about"
    )
    basis = models.CharField("依据", max_length=20, choices=Basis)
    reasons = models.JSONField("由来", default=list)
    joint_group = models.CharField("共同点评组", max_length=60, blank=True)
    due_on = models.DateField("截止日期")
    status = models.CharField("状态", max_length=10, choices=DutyStatus, default=DutyStatus.PENDING)
    exempt_reason = models.CharField("免除原因", max_length=200, blank=True)
    exempt_approved_by = models.CharField("免除批准人", max_length=50, blank=True)
    created_at = models.DateTimeField("生成时间", auto_now_add=True)

    objects = DutyQuerySet.as_manager()

    class Meta:
        verbose_name = "点评任务"
        verbose_name_plural = "点评任务"
        ordering = ["period", "rule_code", "id"]
        indexes = [
            models.Index(fields=["period", "acting", "status"], name="duty_acting"),
            models.Index(fields=["period", "reviewer_org"], name="duty_reviewer_org"),
            models.Index(fields=["period", "about_org"], name="duty_about_org"),
            # Few of a million: read beside every rate.
            models.Index(fields=["period"], condition=Q(status="exempt"), name="duty_exempt"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["period", "rule_code", "reviewer_org", "target_org"],
                condition=Q(target_org__isnull=False),
                name="one_duty_per_target_org",
            ),
            models.UniqueConstraint(
                fields=["period", "rule_code", "reviewer_org", "target_person"],
                condition=Q(target_person__isnull=False),
                name="one_duty_per_target_person",
            ),
            models.CheckConstraint(
                condition=Q(target_org__isnull=True) ^ Q(target_person__isnull=True), name="duty_has_one_target"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_code} {self.target_name}"

    @property
    def target_name(self) -> str:
        """Name of the organisation or person."""
        target = self.target_org or self.target_person
        return target.name if target else ""

    def is_same_as(self, other: Duty) -> bool:
        """The same duty in another period: one review serves both (T11). A member's branch may be another by now."""
        same = (self.subject, self.target_org_id, self.target_person_id)
        if BY_HAND in (self.rule_code, other.rule_code) or self.period_id == other.period_id:
            return False
        if same != (other.subject, other.target_org_id, other.target_person_id):
            return False
        by = self.reviewer_id is not None and self.reviewer_id == other.reviewer_id
        return by or self.subject == Subject.MEMBER or self.reviewer_org_id == other.reviewer_org_id

    def is_overdue(self, on: datetime.date) -> bool:
        """Open after its day."""
        return self.status == DutyStatus.PENDING and on > self.due_on
