"""Who logs in, and what was granted beyond what posts give."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from orgs.querysets import SpanQuerySet


class User(AbstractUser):
    """An account. What it may see and do follows from its person's posts and from grants (`orgs.scope`)."""

    person = models.OneToOneField(
        "orgs.Person", models.SET_NULL, verbose_name="对应人员", null=True, blank=True, related_name="user"
    )
    must_change_password = models.BooleanField("首次登录须改密码", default=False)

    class Meta:
        verbose_name = "账号"
        verbose_name_plural = "账号"

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The person's name, or the account's."""
        return self.person.name if self.person else (self.first_name or self.username)


class GrantRole(models.TextChoices):
    """What a grant gives."""

    OFFICE = "office", "办公室（联络员）"


class Grant(models.Model):
    """授权: an account works in the office of an organisation, for its whole subtree, for a time."""

    user = models.ForeignKey(User, models.CASCADE, verbose_name="账号", related_name="grants")
    organization = models.ForeignKey("orgs.Organization", models.PROTECT, verbose_name="组织", related_name="grants")
    role = models.CharField("角色", max_length=20, choices=GrantRole, default=GrantRole.OFFICE)
    from_on = models.DateField("起始日期", null=True, blank=True)
    to_on = models.DateField("终止日期", null=True, blank=True)

    objects = SpanQuerySet.as_manager()

    class Meta:
        verbose_name = "授权"
        verbose_name_plural = "授权"
        constraints = [
            models.UniqueConstraint(fields=["user", "organization", "role"], name="grant_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} {self.get_role_display()}"
