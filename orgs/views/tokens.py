"""接口令牌: one's own, to issue and to stop."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from orgs import clock, tokens
from orgs.errors import DomainError
from orgs.requests import UserRequest


class TokenForm(forms.Form):
    """What for, and how long."""

    name = forms.CharField(
        label="用途",
        max_length=tokens.NAME,
        help_text="哪个系统来读，例如“综合统计平台”",
        error_messages={"required": "请写明用途。"},
    )
    days = forms.TypedChoiceField(
        label="有效期", coerce=int, choices=[(days, f"{days} 天") for days in tokens.DAYS], initial=tokens.DAYS[1]
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def api_tokens(request: UserRequest) -> HttpResponse:
    """The account's tokens; a new one is shown once."""
    if not tokens.may_issue(request.user):
        raise Http404
    form, secret = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = tokens.issue(request.user, **form.cleaned_data)
            form = TokenForm()
        except DomainError as refusal:
            form.add_error("name", str(refusal))
    context = {"form": form, "secret": secret, "tokens": request.user.api_tokens.all(), "today": clock.today()}
    return render(request, "orgs/api_tokens.html", context)


@require_POST
def api_token_revoke(request: UserRequest, pk: int) -> HttpResponse:
    """It stops at once."""
    token = get_object_or_404(request.user.api_tokens, pk=pk)
    tokens.revoke(token, by=request.user)
    messages.success(request, f"令牌“{token}”已停用。")
    return redirect("api_tokens")
