"""Pages of changes of an organisation: 改名, 调整上级, 合并, 分设, 撤销.

For administrators, and for offices below the organisation of their grant, within the domain.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from orgs import reorganizing, scope
from orgs.change_forms import CHANGES, plan_of
from orgs.changes import ChangeKind
from orgs.requests import UserRequest
from orgs.views.foreseeing import Page, change
from orgs.views.organizations import found_by


@require_GET
def change_menu(request: UserRequest, code: str) -> HttpResponse:
    """What can be done with the organisation, and what each means."""
    org = found_by(reorganizing.changeable(request.user), code=code)
    return render(request, "orgs/change_menu.html", {"org": org})


@require_http_methods(["GET", "POST"])
def change_rename(request: UserRequest, code: str) -> HttpResponse:
    """改名."""
    return _change(request, code, ChangeKind.RENAME)


@require_http_methods(["GET", "POST"])
def change_move(request: UserRequest, code: str) -> HttpResponse:
    """调整上级."""
    return _change(request, code, ChangeKind.MOVE)


@require_http_methods(["GET", "POST"])
def change_merge(request: UserRequest, code: str) -> HttpResponse:
    """合并."""
    return _change(request, code, ChangeKind.MERGE)


@require_http_methods(["GET", "POST"])
def change_split(request: UserRequest, code: str) -> HttpResponse:
    """分设."""
    return _change(request, code, ChangeKind.SPLIT)


@require_http_methods(["GET", "POST"])
def change_dissolve(request: UserRequest, code: str) -> HttpResponse:
    """撤销."""
    return _change(request, code, ChangeKind.DISSOLVE)


def _change(request: UserRequest, code: str, kind: ChangeKind) -> HttpResponse:
    org = found_by(reorganizing.changeable(request.user).select_related("parent", "category"), code=code)
    what = CHANGES[kind]
    form = what.form(
        request.POST or None,
        org=org,
        receivers=reorganizing.receivers(request.user),
        changes_relation=scope.seats(request.user).is_admin,
    )
    own = reverse("organization", args=[org.code])
    page = Page(
        what.title,
        what.action,
        "组织",
        f"{org.name}（{org.code}）",
        f"{f'现在的上级：{org.parent.name}。' if org.parent else ''}{what.note}",
        ((org.name, own), ("变更", reverse("change_menu", args=[org.code]))),
        own,
        what.is_final,
    )
    return change(
        request,
        page,
        form,
        plan=lambda data: plan_of(kind, org, data, by=request.user),
        done=lambda data: what.done(org, data),
    )
