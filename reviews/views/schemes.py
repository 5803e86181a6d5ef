"""方案: which are there, which is active, and what switching would meet. Administrators only."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from orgs.errors import DomainError
from orgs.models import Scheme
from orgs.requests import UserRequest
from orgs.views.imports import administrators_only
from reviews import schemes


@administrators_only
@require_safe
def scheme_list(request: UserRequest) -> HttpResponse:
    """Every scheme with what stands in its way, and those that can be added."""
    rows = [schemes.switch(scheme) for scheme in Scheme.objects.order_by("-is_active", "code")]
    return render(request, "reviews/schemes.html", {"rows": rows, "to_add": schemes.to_add()})


@administrators_only
@require_POST
def scheme_add(request: UserRequest) -> HttpResponse:
    """新增方案: one that ships with the software."""
    code = request.POST.get("code", "")[:50].replace("\x00", "")
    try:
        added = schemes.add(code, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"已新增方案“{added}”，还没有启用。")
    return redirect("schemes")


@administrators_only
@require_POST
def scheme_activate(request: UserRequest, pk: int) -> HttpResponse:
    """启用方案, where no organisation is in the way."""
    try:
        made = schemes.activate(get_object_or_404(Scheme, pk=pk), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"已启用方案“{made}”。")
    return redirect("schemes")
