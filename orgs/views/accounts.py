"""Log in, log out, change the password; Django's own views in our words."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from django import forms
from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy

from orgs import accounts


class LogInForm(AuthenticationForm):
    """User name and password; a refusal never says which of the two was wrong."""

    error_messages = {
        "invalid_login": "用户名或密码不对。请核对大小写；忘记密码请找本单位办公室或系统管理员重置。",
        "inactive": "这个账号已停用，请联系系统管理员。",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "用户名"
        self.fields["username"].widget.attrs |= {"class": "form-control", "autocapitalize": "none"}
        self.fields["password"].widget.attrs["class"] = "form-control"


class LogIn(LoginView):
    """Whoever is logged in already goes on."""

    template_name = "registration/login.html"
    authentication_form = LogInForm
    redirect_authenticated_user = True


class LogOut(LogoutView):
    """By POST only."""


class ChangePasswordForm(PasswordChangeForm):
    """In our look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"
            field.widget = _without_autofocus(field.widget)


def _without_autofocus(widget: forms.Widget) -> forms.Widget:
    widget.attrs.pop("autofocus", None)
    return widget


class ChangePassword(PasswordChangeView):
    """One's own; with it the first log-in is over."""

    template_name = "registration/password_change.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        accounts.password_changed(form.user)
        messages.success(self.request, "密码已修改，下次登录请用新密码。")
        return answer


def locked_out(request: HttpRequest, credentials: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
    """Too many wrong passwords: how long to wait (AXES_LOCKOUT_CALLABLE)."""
    return render(request, "registration/locked_out.html", {"span": get_cool_off(request)}, status=429)
