"""Every page of a change goes the same way: fill in, see what follows, confirm.

Nothing is written until the consequences were shown, and nothing that was typed is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from orgs import changes, foreseeing
from orgs.change_forms import spell, unspell
from orgs.errors import DomainError
from orgs.foreseeing import Different, Plan
from orgs.forms import Entered
from orgs.requests import UserRequest

Data = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """What a page of a change says around its form."""

    title: str
    action: str  # the button that does it
    about: str  # 组织 or 人员
    whom: str
    note: str
    crumbs: tuple[tuple[str, str], ...]  # words and address
    back: str  # the address for who thinks better of it
    is_final: bool = False  # cannot simply be taken back
    look: str = "查看影响"  # the button that comes before


def change(
    request: UserRequest,
    page: Page,
    form: Entered,
    *,
    plan: Callable[[Data], Plan],
    done: Callable[[Data], str],
    after: str = "",
    only_if_it_matters: bool = False,
) -> HttpResponse:
    """The form; then, from the same address, its consequences; then, with what was shown, the change itself.

    `plan` and `done` are asked with what the form found; `after` is the address to go to (default: back).
    `only_if_it_matters`: it is done at once where neither duties nor figures become different.
    """
    if request.method == "POST" and form.is_valid() and "back" not in request.POST:
        asked = plan(form.cleaned_data)
        try:
            if "seen" not in request.POST:
                follows = foreseeing.foresee(asked)
                if not (only_if_it_matters and changes.is_quiet(follows)):
                    return _preview(request, page, form, follows)
                foreseeing.carry_out(asked, seen=follows)
            else:
                foreseeing.carry_out(asked, seen=unspell(request.POST["seen"]))
        except Different as error:
            messages.warning(request, str(error))
            return _preview(request, page, form, error.consequences)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, done(form.cleaned_data))
            return redirect(after or page.back)
    return render(request, "orgs/change_form.html", {"page": page, "form": form})


def _preview(request: UserRequest, page: Page, form: Entered, consequences: list[str]) -> HttpResponse:
    context = {"page": page, "form": form, "consequences": consequences, "seen": spell(consequences)}
    return render(request, "orgs/change_preview.html", context)
