"""One's own duties for the calendar of a phone or computer."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orgs.requests import UserRequest
from reviews import calendars
from reviews.models import Duty

TYPE = "text/calendar; charset=utf-8"


def _link(request: HttpRequest) -> Callable[[Duty], str]:
    return lambda duty: request.build_absolute_uri(reverse("duty", args=[duty.pk]))


@require_safe
def calendar_settings(request: UserRequest) -> HttpResponse:
    """Download, subscribe, stop."""
    return render(request, "reviews/calendar.html", {"is_subscribed": calendars.is_subscribed(request.user)})


@never_cache
@require_safe
def calendar_file(request: UserRequest) -> HttpResponse:
    """The calendar as a file."""
    headers = {"Content-Disposition": 'attachment; filename="duties.ics"'}
    return HttpResponse(calendars.of(request.user.person, _link(request)), content_type=TYPE, headers=headers)


@never_cache
@require_POST
def calendar_subscribe(request: UserRequest) -> HttpResponse:
    """A new secret address, shown once; the old one stops."""
    token = calendars.subscribe(request.user, by=request.user)
    address = request.build_absolute_uri(reverse("calendar_feed", args=[token]))
    return render(request, "reviews/calendar.html", {"is_subscribed": True, "address": address})


@require_POST
def calendar_revoke(request: UserRequest) -> HttpResponse:
    """The secret address stops."""
    calendars.revoke(request.user, by=request.user)
    messages.success(request, "订阅地址已失效。")
    return redirect("calendar_settings")


@login_not_required
@never_cache
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar by its secret address, for programs that cannot log in; anything else is not there."""
    user = calendars.whose(token)
    if user is None:
        raise Http404
    return HttpResponse(calendars.of(user.person, _link(request)), content_type=TYPE)
