"""What every administrator's page has in common: who may, how a refusal is shown, how input is cleaned."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from orgs import changes, foreseeing, tree
from orgs.changes import Change
from orgs.errors import DomainError
from orgs.foreseeing import Plan
from orgs.importing.columns import BY_NAME, MASKED, Bad, Options
from orgs.models import User


def administers(request: HttpRequest) -> bool:
    """The administrators' side is for administrators; offices and leaders have pages of their own."""
    return bool(request.user.is_active and request.user.is_superuser)


def actor(request: HttpRequest) -> User:
    """Who does it: behind `has_*_permission` nobody is anonymous."""
    return cast(User, request.user)


class ForAdministrators(admin.ModelAdmin):
    """Nothing is deleted here: organisations are dissolved, posts end, accounts are switched off. Only an organisation
    on which nothing hangs, because it was added by mistake, can be taken away.
    """

    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return administers(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Administrators."""
        return administers(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return administers(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Administrators."""
        return administers(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: history is kept."""
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A refusal of a verb is said on the form's page; nothing was written."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


class Unseen(Exception):
    """What saving would do to duties and figures was not shown yet, or not this."""

    def __init__(self, what: str, consequences: list[str]) -> None:
        super().__init__()
        self.what, self.consequences = what, consequences


class Foreseen(ForAdministrators):
    """What is saved is done with what follows from it; where duties or figures become different, after a look at it."""

    def planned(self, obj: Any, form: forms.ModelForm, change: bool) -> Change | None:
        """What saving means to whoever derives something; None: nothing hangs on it."""
        raise NotImplementedError

    def write(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        """Save it, by its verbs."""
        raise NotImplementedError

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        """Write it and announce it. Raises Unseen, and whatever the verbs raise; nothing stays written then."""
        with transaction.atomic():
            tree.lock()
            planned = self.planned(obj, form, change)
            if planned is None:
                self.write(request, obj, form, change)
                return
            plan = Plan(planned, lambda: self.write(request, obj, form, change))
            follows = foreseeing.enter(plan, by=actor(request))
            if not changes.is_quiet(follows) and request.POST.getlist("seen") != follows:
                raise Unseen(f"{self.opts.verbose_name}：{obj}", follows)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What follows is asked about with everything that was typed, and is done when it comes back as it was shown."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Unseen as unseen:
            typed = [
                (name, value) for name, values in request.POST.lists() for value in values if name not in NOT_TYPED
            ]
            context = {
                **self.admin_site.each_context(request),
                "title": "请确认对点评任务和统计的影响",
                "opts": self.opts,
                "what": unseen.what,
                "consequences": unseen.consequences,
                "is_other": "seen" in request.POST,
                "typed": typed,
            }
            return TemplateResponse(request, "admin/orgs/foreseen.html", context)


NOT_TYPED = frozenset({"csrfmiddlewaretoken", "seen"})


class ReadOnly(ForAdministrators):
    """Lists and shows only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Verbs add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Verbs change."""
        return False


class ColumnsForm(forms.ModelForm):
    """Texts are cleaned as the import cleans them (`sheet` names whose columns), so that both refuse the same."""

    sheet = ""

    def clean(self) -> dict[str, Any] | None:
        """Refuse hidden characters and the like; fold codes."""
        cleaned = super().clean()
        data = self.cleaned_data if cleaned is None else cleaned
        for name, column in BY_NAME[self.sheet].items():
            typed = data.get(name)
            if isinstance(typed, str) and typed and not column.words and name != "category":
                try:
                    value = column.value(typed, Options())
                    if value is MASKED:
                        raise Bad("号码是遮盖的，请填写完整号码")
                    data[name] = value
                except Bad as bad:
                    self.add_error(name, ValidationError("，".join(part for part in (bad.message, bad.cure) if part)))
        return data


def changed_values(form: forms.ModelForm, *without: str) -> dict[str, Any]:
    """Field -> new value of the model fields that the form changes."""
    fields = {field.name for field in form._meta.model._meta.concrete_fields}
    return {name: form.cleaned_data[name] for name in form.changed_data if name in fields and name not in without}
