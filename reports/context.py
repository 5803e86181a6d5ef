"""What every page shows of `reports`."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from reports.models import Notification


def inbox(request: HttpRequest) -> dict[str, object]:
    """`unread_count`: the user's unread messages; counted only when a template asks (one indexed query)."""
    user = getattr(request, "user", None)
    if user is None:
        return {"unread_count": 0}
    return {
        "unread_count": SimpleLazyObject(
            lambda: Notification.objects.visible_to(user).unread().count() if user.is_authenticated else 0
        )
    }
