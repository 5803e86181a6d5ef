"""Template words that every page uses."""

from __future__ import annotations

import datetime

from django import template
from django.template.context import Context

register = template.Library()

# Django's word for a message's level -> Bootstrap's
LEVELS = {"debug": "secondary", "error": "danger"}


@register.filter
def alert_level(level: str) -> str:
    """error -> danger; the others are the same in both vocabularies."""
    return LEVELS.get(level, level)


@register.filter
def minutes(span: datetime.timedelta | None) -> int:
    """Whole minutes of a span of time, never less than one."""
    return max(1, round(span.total_seconds() / 60)) if span else 1


@register.simple_tag(takes_context=True)
def with_page(context: Context, number: int | str, name: str = "page") -> str:
    """The query string of this page with another page number (or whatever is named), everything else kept."""
    query = context["request"].GET.copy()
    query[name] = str(number)
    return f"?{query.urlencode()}"
