"""Pages of organisations: the tree level by level, and one organisation."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from orgs.models import Organization
from orgs.requests import UserRequest

LINES = 50


@require_safe
def organizations(request: UserRequest) -> HttpResponse:
    """The organisations the user sees."""
    found = Organization.objects.visible_to(request.user).select_related("category")
    page = Paginator(found, LINES).get_page(request.GET.get("page"))
    return render(request, "orgs/organizations.html", {"page_obj": page})


@require_safe
def organization(request: UserRequest, code: str) -> HttpResponse:
    """One organisation. Strangers find nothing."""
    org = get_object_or_404(Organization.objects.visible_to(request.user).select_related("category"), code=code)
    return render(request, "orgs/organization.html", {"org": org})
