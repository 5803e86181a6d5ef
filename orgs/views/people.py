"""Pages of people: the list, one person, changes of facts and branch, and the person's account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from orgs import accounts, clock, history, people_table, personnel, standing, tables
from orgs.admin.base import changed_values
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.foreseeing import Plan
from orgs.forms import PersonForm
from orgs.list_files import list_view
from orgs.lists import ListFile
from orgs.models import Organization, Person, User
from orgs.paging import page_of
from orgs.requests import UserRequest
from orgs.views.foreseeing import Data, Page, change
from orgs.views.organizations import found_by


@require_GET
def people_list(request: UserRequest) -> HttpResponse:
    """People whom the user may see by name, mobile numbers masked."""
    asked = tables.asked(people_table.TABLE, request.GET, request.user, clock.today())
    page = page_of(request, asked.select(Person.objects.visible_to(request.user)))
    meant = people_table.organizations_meant(asked.values["org"], request.user) if asked.values["org"] else []
    lines = asked.lines(asked.prepared(page))
    context = {"asked": asked, "page_obj": page, "lines": lines, "org": meant[0] if len(meant) == 1 else None}
    return render(request, "orgs/people.html", context)


@list_view
def people_export(request: UserRequest) -> ListFile:
    """The list of people as it is shown, all its pages, as a workbook."""
    asked = tables.asked(people_table.TABLE, request.GET, request.user, clock.today())
    return asked.file(asked.select(Person.objects.visible_to(request.user)), reverse("people"))


@require_GET
def person(request: UserRequest, number: str) -> HttpResponse:
    """One person: facts, branch, posts, division of work, account."""
    on = clock.today()
    shown = found_by(Person.objects.visible_to(request.user), number=number)
    may = standing.to_person(request.user, shown)
    memberships = list(shown.memberships.select_related("branch"))
    posts = list(shown.posts.select_related("organization").order_by("organization__level", "role", "from_on"))
    charges = list(shown.charges.valid(on).select_related("team", "organization"))
    orgs = {row.branch_id for row in memberships} | {post.organization_id for post in posts}
    orgs |= {charge.organization_id for charge in charges}
    context: dict[str, Any] = {
        "person": shown,
        "may": may,
        "memberships": memberships,
        "current": next((row for row in memberships if _holds(row, on)), None),
        "posts": [post for post in posts if _holds(post, on)],
        "steps": history.of_person(shown) if may.sees_all_facts else [],
        "charges": charges,
        "linked": set(
            Organization.objects.visible_to(request.user).filter(pk__in=orgs).order_by().values_list("pk", flat=True)
        ),
    }
    if may.manages_account:
        context["account"] = _account(shown)
    return render(request, "orgs/person.html", context)


def _holds(row: Any, on: Any) -> bool:
    return (row.from_on is None or row.from_on <= on) and (row.to_on is None or on < row.to_on)


@require_http_methods(["GET", "POST"])
def person_edit(request: UserRequest, number: str) -> HttpResponse:
    """Correct a person's facts; what duties hang on is done after a look at what follows."""
    shown = found_by(Person.objects.editable_by(request.user), number=number)
    form = PersonForm(request.POST or None, instance=shown)
    own = reverse("person", args=[shown.number])
    page = Page(
        "修改人员信息", "保存", "人员", f"{shown.name}（{shown.number}）", "", ((shown.name, own),), own, look="保存"
    )

    if request.method == "POST" and form.is_valid() and not personnel.COUNTING & set(form.changed_data):
        personnel.correct(shown, changed_values(form), by=request.user)
        messages.success(request, "已保存。" if form.has_changed() else "没有改动。")
        return redirect(own)

    def plan(data: Data) -> Plan:
        corrected = Change(ChangeKind.CORRECT, None, clock.today(), persons=(shown.pk,))
        return Plan(corrected, lambda: personnel.correct(shown, changed_values(form), by=request.user))

    return change(request, page, form, plan=plan, done=lambda data: "已保存。", only_if_it_matters=True)


# --- accounts ----------------------------------------------------------------------------------------------------


@never_cache
@require_POST
def account_open(request: UserRequest, number: str) -> HttpResponse:
    """Open the person's account and show its initial password, this once."""
    shown = _of_managed_account(request, number)
    try:
        account, secret = accounts.open_for(shown, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("person", number=number)
    return render(request, "orgs/person_account.html", {"person": shown, "account": account, "secret": secret})


@never_cache
@require_POST
def account_reset(request: UserRequest, number: str) -> HttpResponse:
    """Give the person's account a new initial password and show it, this once."""
    shown = _of_managed_account(request, number)
    account = _account(shown)
    if account is None:
        messages.error(request, f"{shown.name}还没有账号，请先开通。")
        return redirect("person", number=number)
    secret = accounts.reset_password(account, by=request.user)
    return render(request, "orgs/person_account.html", {"person": shown, "account": account, "secret": secret})


def _of_managed_account(request: UserRequest, number: str) -> Person:
    shown: Person = found_by(Person.objects.visible_to(request.user), number=number)
    if not standing.manages_account(request.user, shown):
        raise Http404
    return shown


def _account(person: Person) -> User | None:
    """The account of a person who was fetched within the scope."""
    account: User | None = getattr(person, "user", None)
    return account
