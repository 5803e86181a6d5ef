"""The tree's lock, and what is read again under it."""

from __future__ import annotations

from django.db import OperationalError, connection

from orgs.errors import DomainError, TreeBusy
from orgs.models import Organization

LOCK_SPACE, LOCK_TREE = 20100, 1


class TreeRefused(DomainError):
    """The change would break the tree; the message names the organisation and the cure."""


def lock() -> None:
    """Hold the tree until the transaction ends; nobody else changes it meanwhile, readers are not disturbed.

    Raises TreeBusy when another change holds it for too long (lock_timeout), RuntimeError outside a transaction.
    On SQLite the transaction itself is the lock: it begins IMMEDIATE.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("tree.lock() outside a transaction protects nothing")
    if connection.vendor == "postgresql":
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, LOCK_TREE])
        except OperationalError as error:
            raise TreeBusy("组织树正在被其他人修改（例如导入），请稍后再试。") from error


def again(org: Organization) -> Organization:
    """The organisation as it is stored now; under the lock, as it stays. Raises TreeRefused where it is gone."""
    stored = Organization.objects.select_related("parent").filter(pk=org.pk).first()
    if stored is None:
        raise TreeRefused(f"“{org.name}”已被别人删除，请刷新页面。")
    return stored
