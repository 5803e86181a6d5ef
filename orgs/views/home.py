"""Where one lands after logging in."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from orgs import scope
from orgs.requests import UserRequest


@require_safe
def home(request: UserRequest) -> HttpResponse:
    """Offices and administrators watch the coverage; everybody else has duties or a record of his own."""
    at = scope.seats(request.user)
    watches = at.offices or (at.is_admin and not at.has_post)
    return redirect("coverage" if watches else "my_duties")
