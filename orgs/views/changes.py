"""Pages of changes of an organisation: choose, fill in, see what follows, confirm.

For administrators, and for offices below the organisation of their grant, within the domain. Nothing is written until
the consequences were shown, and nothing that was typed is lost on the way.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from orgs import reorganizing, scope
from orgs.change_forms import CHANGES, ChangeForm, plan_of, spell, unspell
from orgs.changes import ChangeKind
from orgs.errors import DomainError
from orgs.models import Organization
from orgs.requests import UserRequest
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
def change_dissolve(request: UserRequest, code: str) -> HttpResponse:
    """撤销."""
    return _change(request, code, ChangeKind.DISSOLVE)


def _change(request: UserRequest, code: str, kind: ChangeKind) -> HttpResponse:
    """The form; then, from the same address, its consequences; then, with what was shown, the change itself."""
    org = found_by(reorganizing.changeable(request.user).select_related("parent"), code=code)
    form = CHANGES[kind].form(
        request.POST or None,
        org=org,
        receivers=reorganizing.receivers(request.user),
        changes_relation=scope.seats(request.user).is_admin,
    )
    if request.method == "POST" and form.is_valid() and "back" not in request.POST:
        plan = plan_of(kind, org, form.cleaned_data, by=request.user)
        try:
            if "seen" not in request.POST:
                return _preview(request, org, kind, form, reorganizing.foresee(plan))
            reorganizing.carry_out(plan, seen=unspell(request.POST["seen"]))
        except reorganizing.Different as error:
            messages.warning(request, str(error))
            return _preview(request, org, kind, form, error.consequences)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, CHANGES[kind].done(org, form.cleaned_data))
            return redirect("organization", code=org.code)
    return render(request, "orgs/change_form.html", {"org": org, "form": form, "what": CHANGES[kind]})


def _preview(
    request: UserRequest, org: Organization, kind: ChangeKind, form: ChangeForm, consequences: list[str]
) -> HttpResponse:
    context = {"org": org, "form": form, "what": CHANGES[kind], "consequences": consequences}
    return render(request, "orgs/change_preview.html", context | {"seen": spell(consequences)})
