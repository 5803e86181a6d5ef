"""Two small gates: an initial password must be changed, and a refusal is a page rather than an error."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from orgs.errors import DomainError, Forbidden, TreeBusy

Handler = Callable[[HttpRequest], HttpResponse]


class PasswordChangeRequired:
    """Whoever was given an initial password goes nowhere before changing it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated and user.must_change_password:
            allowed = (reverse("password_change"), reverse("logout"))
            if request.path not in allowed and not request.path.startswith("/static/"):
                return redirect("password_change")
        return self.get_response(request)


class DomainErrors:
    """A refusal that no view caught becomes a page that says what was refused (409; 403; 503 when the tree is busy)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a DomainError; everything else is left alone."""
        if not isinstance(exception, DomainError):
            return None
        status = 403 if isinstance(exception, Forbidden) else 503 if isinstance(exception, TreeBusy) else 409
        return render(request, "refused.html", {"message": str(exception)}, status=status)
