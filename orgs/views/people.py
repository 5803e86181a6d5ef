"""Pages of people: the list and one person."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from orgs.models import Person
from orgs.requests import UserRequest

LINES = 50


@require_safe
def people(request: UserRequest) -> HttpResponse:
    """The persons the user sees by name."""
    page = Paginator(Person.objects.visible_to(request.user), LINES).get_page(request.GET.get("page"))
    return render(request, "orgs/people.html", {"page_obj": page})


@require_safe
def person(request: UserRequest, number: str) -> HttpResponse:
    """One person; everybody sees himself. Strangers find nothing."""
    found = get_object_or_404(Person.objects.visible_to(request.user), number=number)
    return render(request, "orgs/person.html", {"person": found})
