"""The request of a view behind the log-in: `request.user` is an account, never anonymous (LoginRequiredMiddleware)."""

from __future__ import annotations

from django.http import HttpRequest

from orgs.models import User


class UserRequest(HttpRequest):
    """For annotations only; Django makes plain requests."""

    user: User
