"""Accounts: who may log in, and what is granted beyond what posts give."""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction

from orgs import audit
from orgs.errors import DomainError
from orgs.models import Grant, GrantRole, Organization, Person, User

# Without the letters and digits that are mistaken for each other when read from paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class AccountRefused(DomainError):
    """The account cannot be opened or changed."""


def initial_password() -> str:
    """Twelve characters that can be dictated on the telephone."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


def open_for(
    person: Person,
    *,
    by: User | None,
    username: str | None = None,
    password: str | None = None,
    is_closed: bool = False,
) -> tuple[User, str]:
    """Open an account for a person; returns it with its initial password, which must be changed at first log-in.

    A closed one has no password (""), and nobody logs in before it is reset. The user name defaults to the person's number. Raises AccountRefused when the person has one or it is taken.
    """
    if User.objects.filter(person=person).exists():
        raise AccountRefused(f"{person.name}已经有账号。忘记密码请用“重置密码”。")
    secret = "" if is_closed else password or initial_password()
    user = User(username=username or person.number, person=person, must_change_password=True)
    user.set_password(secret or None)  # None: unusable
    try:
        with transaction.atomic():
            user.save()
            audit.record(by, "开通账号", [user])
    except IntegrityError as error:
        raise AccountRefused(f"用户名“{user.username}”已被使用，请换一个。") from error
    return user, secret


def reset_password(user: User, *, by: User | None) -> str:
    """A new initial password, which must be changed at the next log-in."""
    secret = initial_password()
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        locked.set_password(secret)
        locked.must_change_password = True
        locked.save(update_fields=["password", "must_change_password"])
        audit.record(by, "重置密码", [locked])
    return secret


def password_changed(user: User) -> None:
    """The user chose a password: the first log-in is over."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(must_change_password=False)
        audit.record(user, "修改密码", [user])
    user.must_change_password = False


def grant_office(user: User, org: Organization, *, by: User | None) -> Grant:
    """Let an account work in the office of an organisation, for its whole subtree. Twice is once."""
    with transaction.atomic():
        grant, created = Grant.objects.get_or_create(user=user, organization=org, role=GrantRole.OFFICE)
        if created:
            audit.record(by, "授权", [grant])
    return grant


def revoke(grant: Grant, *, by: User | None) -> None:
    """Take a grant back, at once."""
    with transaction.atomic():
        audit.record(by, "收回授权", [grant])
        grant.delete()
