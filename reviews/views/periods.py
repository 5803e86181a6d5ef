"""Pages of half-years: their duties by rule, and the generation with its preview. Administrators only."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from orgs import scope
from orgs.requests import UserRequest
from reviews.models import Period


@require_safe
def periods(request: UserRequest) -> HttpResponse:
    """Every half-year."""
    if not scope.seats(request.user).is_admin:
        raise Http404
    return render(request, "reviews/periods.html", {"periods": Period.objects.all()})


@require_safe
def period(request: UserRequest, code: str) -> HttpResponse:
    """One half-year."""
    if not scope.seats(request.user).is_admin:
        raise Http404
    return render(request, "reviews/period.html", {"period": get_object_or_404(Period, code=code)})
