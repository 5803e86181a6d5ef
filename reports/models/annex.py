"""Annexes 2 and 3 are views of a record: proxies, so that each has its admin list and export."""

from typing import Any, ClassVar

from django.db import models

from reviews.models import Record
from reviews.models.record import RecordQuerySet


class OrganizationFormManager(models.Manager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    """Records of organisations."""

    def get_queryset(self):
        """Those that print on annex 2."""
        return super().get_queryset().filter(target_org__isnull=False)


class MemberFormManager(models.Manager.from_queryset(RecordQuerySet)):  # type: ignore[misc]
    """Records of persons."""

    def get_queryset(self):
        """Those that print on annex 3: members and heads (T9)."""
        return super().get_queryset().filter(target_person__isnull=False)


class OrganizationForm(Record):
    """附件2 领导点评党组织创先争优情况登记表: a record of an organisation."""

    objects: ClassVar[Any] = OrganizationFormManager()

    class Meta:
        proxy = True
        verbose_name = "附件2 登记表（党组织）"
        verbose_name_plural = "附件2 登记表（党组织）"


class MemberForm(Record):
    """附件3 领导点评党员参加创先争优活动情况表: a record of a person."""

    objects: ClassVar[Any] = MemberFormManager()

    class Meta:
        proxy = True
        verbose_name = "附件3 情况表（党员）"
        verbose_name_plural = "附件3 情况表（党员）"
