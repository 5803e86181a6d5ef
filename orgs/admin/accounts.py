"""账号 in the admin: open one for a person, give a new initial password, grant the work of an office."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from orgs import accounts, audit
from orgs.admin.base import ForAdministrators, actor, changed_values
from orgs.models import Grant, Person, User

admin.site.unregister(Group)  # what an account may do follows from posts and grants, not from groups


class OpenAccountForm(forms.ModelForm):
    """Open an account: for a person, or (an administrator, an office) for nobody in particular."""

    class Meta:
        model = User
        fields = ("person", "username", "first_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].required = False
        self.fields["username"].help_text = "空白为人员编号"
        self.fields["first_name"].label = "显示名"
        self.fields["first_name"].help_text = "没有对应人员时填写，例如：天津局办公室"

    def clean(self) -> dict[str, Any] | None:
        """A person's number is the user name that is always at hand."""
        data = super().clean() or self.cleaned_data
        person: Person | None = data.get("person")
        if not data.get("username"):
            if person is None:
                self.add_error("username", "没有对应人员时，请填写用户名。")
            else:
                data["username"] = person.number
        if data.get("username") and User.objects.filter(username__iexact=data["username"]).exists():
            self.add_error("username", "用户名已被使用，请换一个。")
        return data


class GrantInline(admin.TabularInline):
    """In whose office the account works."""

    model = Grant
    extra = 0
    autocomplete_fields = ("organization",)
    fields = ("organization", "role", "from_on", "to_on")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change the account."""
        return True

    has_change_permission = has_delete_permission = has_view_permission = has_add_permission


@admin.register(User)
class UserAdmin(ForAdministrators, DjangoUserAdmin):
    """Accounts; an initial password is shown once and must be changed at the first log-in."""

    list_display = ("username", "display", "grants_of", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "must_change_password")
    list_select_related = ("person",)
    search_fields = ("username", "first_name", "person__name", "=person__number")
    ordering = ("username",)
    filter_horizontal = ()
    autocomplete_fields = ("person",)
    inlines = [GrantInline]
    actions = ["reset_passwords"]
    add_form = OpenAccountForm
    fieldsets = (
        (None, {"fields": ("username", "password", "person", "first_name")}),
        ("权限", {"fields": ("is_active", "is_staff", "is_superuser", "must_change_password")}),
        ("记录", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("person", "username", "first_name")}),)
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With the grants that the list shows."""
        return super().get_queryset(request).prefetch_related("grants__organization")

    @admin.display(description="姓名")
    def display(self, user: User) -> str:
        """The person's name, or the account's."""
        return user.display_name

    @admin.display(description="授权")
    def grants_of(self, user: User) -> str:
        """Offices."""
        return "、".join(grant.organization.display_name for grant in user.grants.all()) or "—"

    def get_inlines(self, request: HttpRequest, obj: User | None = None) -> list:
        """An account is granted something once it exists."""
        return self.inlines if obj else []

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:
        """Open the account by its verb, or save the switches with an event."""
        if change:
            after = changed_values(form, "password")
            before = {name: form.initial.get(name) for name in after}
            with transaction.atomic():
                super().save_model(request, obj, form, change)
                audit.record(actor(request), "修改账号", [obj], changes={obj.pk: (before, after)})
            return
        name = form.cleaned_data["username"]
        if obj.person:
            opened, secret = accounts.open_for(obj.person, by=actor(request), username=name)
            obj.pk = opened.pk
            obj.refresh_from_db()
        else:
            with transaction.atomic():
                obj.username = name
                obj.set_unusable_password()
                super().save_model(request, obj, form, change)
                audit.record(actor(request), "开通账号", [obj])
                secret = accounts.reset_password(obj, by=actor(request))
                obj.refresh_from_db()
        self._hand_over(request, obj, secret)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page, for a password that was agreed on; recorded, and to be changed at the next log-in."""
        with transaction.atomic():
            answer = super().user_change_password(request, id, form_url)
            if request.method == "POST" and answer.status_code == 302:
                user = User.objects.select_for_update().get(pk=id)
                if user != request.user:
                    user.must_change_password = True
                    user.save(update_fields=["must_change_password"])
                audit.record(actor(request), "重置密码", [user])
        return answer

    def save_formset(self, request: HttpRequest, form: forms.ModelForm, formset: Any, change: bool) -> None:
        """Grants: given and taken back by their verbs; other days are saved with an event."""
        with transaction.atomic():
            formset.save(commit=False)
            for grant in formset.deleted_objects:
                accounts.revoke(grant, by=actor(request))
            for grant in formset.new_objects:
                made = accounts.grant_office(grant.user, grant.organization, by=actor(request))
                self._redate(request, made, grant)
            for grant, _ in formset.changed_objects:
                self._redate(request, grant, grant)

    def _redate(self, request: HttpRequest, stored: Grant, wanted: Grant) -> None:
        """The days of a grant, and whose office it is."""
        stored.organization = wanted.organization
        stored.from_on, stored.to_on = wanted.from_on, wanted.to_on
        stored.save(update_fields=["organization", "from_on", "to_on"])
        audit.record(
            actor(request), "修改授权", [stored],
            changes={stored.pk: ({}, {"from_on": stored.from_on, "to_on": stored.to_on})},
        )  # fmt: skip

    def _hand_over(self, request: HttpRequest, user: User, secret: str) -> None:
        text = f"{user.display_name}（用户名 {user.username}）的初始密码：{secret}　请转告本人，首次登录须修改；密码只显示这一次。"
        self.message_user(request, text, messages.WARNING)

    @admin.action(description="重置密码（所选，最多 20 个）", permissions=["change"])
    def reset_passwords(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """A new initial password for each, shown once."""
        chosen = list(queryset.select_related("person")[:21])
        if len(chosen) > 20:
            self.message_user(request, "一次最多重置 20 个账号。", messages.ERROR)
            return
        for user in chosen:
            self._hand_over(request, user, accounts.reset_password(user, by=actor(request)))
