"""Verbs of 接口令牌: how another program reads in the name of an account."""

from __future__ import annotations

import datetime
import hashlib
import secrets

from django.db import transaction

from orgs import audit, clock, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import ApiToken, User

MOST = 10  # of one account
DAYS = (30, 90, 365)  # how long one may be good for
NAME = 50


class TokenRefused(DomainError):
    """The token cannot be issued."""


def digest(secret: str) -> str:
    """What is kept of a secret: it cannot be read back."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def may_issue(user: User) -> bool:
    """Who works in an office, and administrators: whoever sums up for others."""
    at = scope.seats(user)
    return bool(at.offices) or at.is_admin


@transaction.atomic
def issue(user: User, *, name: str, days: int) -> str:
    """A new token of the account; the secret is told only now. Raises Forbidden, TokenRefused."""
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not may_issue(user):
        raise Forbidden("只有办公室和系统管理员可以建立接口令牌。")
    name = " ".join(name.split())
    if not name or len(name) > NAME:
        raise TokenRefused(f"请写明用途，最多 {NAME} 个字，例如“综合统计平台”。")
    if days not in DAYS:
        raise TokenRefused(f"有效期请选 {'、'.join(map(str, DAYS))} 天之一。")
    if user.api_tokens.count() >= MOST:
        raise TokenRefused(f"一个账号最多 {MOST} 个令牌，请先停用不再用的。")
    secret = secrets.token_urlsafe(32)
    expires_on = clock.today() + datetime.timedelta(days=days)
    made = ApiToken.objects.create(user=user, name=name, token_hash=digest(secret), expires_on=expires_on)
    audit.record(user, "建立接口令牌", [made], summary=f"{name}，有效期至 {expires_on}")
    return secret


@transaction.atomic
def revoke(token: ApiToken, *, by: User) -> None:
    """The token stops at once."""
    audit.record(by, "停用接口令牌", [token], summary=token.name)
    ApiToken.objects.filter(pk=token.pk).delete()


def whose(secret: str) -> User | None:
    """The account in whose name the secret reads, while the token and the account are good."""
    today = clock.today()
    found = ApiToken.objects.filter(token_hash=digest(secret), expires_on__gte=today, user__is_active=True)
    token = found.select_related("user__person").first()
    if token is None or token.user.must_change_password:
        return None
    if token.used_on != today:
        ApiToken.objects.filter(pk=token.pk).update(used_on=today)
    return token.user
