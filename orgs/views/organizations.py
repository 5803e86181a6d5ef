"""Pages of organisations: the tree as far as the user sees it, one organisation, and who holds which post in it."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, Q, QuerySet
from django.forms import Form, ModelForm
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from orgs import clock, directory, lists, people, reorganizing, scope, standing
from orgs.errors import DomainError
from orgs.forms import ChargeForm, DayField, DayForm, MemberForm, PostForm
from orgs.models import AuditEvent, Charge, Organization, Person, Post
from orgs.requests import UserRequest

PAGE = 50
HISTORY = 12


def typed(request: UserRequest, name: str) -> str:
    """What was typed to search for, cut to a length that no database minds."""
    return request.GET.get(name, "").strip()[:50].replace("\x00", "")


def found_by(queryset: QuerySet, **key: str) -> Any:
    """The object of the URL, or 404; a NUL in the URL is no key (PostgreSQL refuses it)."""
    if any("\x00" in value for value in key.values()):
        raise Http404
    return get_object_or_404(queryset, **key)


@require_GET
def organizations(request: UserRequest) -> HttpResponse:
    """Where the user's view begins; or what was searched for."""
    on = clock.today()
    query = typed(request, "q")
    context: dict[str, Any] = {"query": query}
    if query:
        found = directory.search(Organization.objects.visible_to(request.user).alive(on), query)
        # A parent outside the user's range stays unnamed.
        parents = Prefetch("parent", Organization.objects.visible_to(request.user))
        page = Paginator(found.prefetch_related(parents), PAGE).get_page(request.GET.get("page"))
        context |= {"page_obj": page, "rows": directory.rows(page.object_list, request.user, on)}
    else:
        context["tops"] = tops = directory.tops(request.user, on)
        if len(tops) == 1:
            context |= {"first_rows": _children(request, tops[0].row.org, on)}
    return render(request, "orgs/organizations.html", context)


@require_GET
def organizations_export(request: UserRequest) -> HttpResponseBase:
    """What was searched for, all its pages, as a workbook."""
    on = clock.today()
    query = typed(request, "q")
    if not query:
        messages.error(request, "请先查找组织，再导出找到的组织。")
        return redirect("organizations")
    found = directory.search(Organization.objects.visible_to(request.user).alive(on), query)
    try:
        file = lists.workbook(
            "组织名单",
            lists.ORGANIZATIONS,
            lists.organizations(found, request.user, on),
            count=found.count(),
            conditions=f"查找：{query}",
            by=request.user,
        )
    except lists.TooLong as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('organizations')}?{request.GET.urlencode()}")
    return FileResponse(file, as_attachment=True, filename="组织名单.xlsx")


@require_GET
def organization_children(request: UserRequest, code: str) -> HttpResponse:
    """The next level, for unfolding in place; without scripts the link leads to the organisation's page."""
    on = clock.today()
    org = found_by(Organization.objects.visible_to(request.user), code=code)
    if not request.headers.get("HX-Request"):
        return redirect("organization", code=org.code)
    return render(request, "orgs/_organization_children.html", {"org": org, "rows": _children(request, org, on)})


def _children(request: UserRequest, org: Organization, on: datetime.date) -> list[directory.OrganizationRow]:
    """The first page of the next level; the template says so when there are more."""
    children = Organization.objects.visible_to(request.user).alive(on).filter(parent=org)
    return directory.rows(children[:PAGE], request.user, on)


@require_GET
def organization(request: UserRequest, code: str) -> HttpResponse:
    """One organisation: facts, team, division of work, what is below it or who belongs to it; as of any day."""
    on = _day_asked_for(request)
    user = request.user
    org = found_by(Organization.objects.visible_to(user).select_related("category"), code=code)
    may = standing.to_organization(user, org)
    context: dict[str, Any] = {"org": org, "may": may, "is_alive": _is_alive(org, on), "on": on}
    context["above"] = Organization.objects.visible_to(user).above(org)
    if may.sees_people:
        context |= _team(request, org, on)
    if not org.is_branch:
        children = Organization.objects.visible_to(user).alive(on).filter(parent=org)
        context["page_obj"] = page = _page(request, children)
        context["rows"] = directory.rows(page.object_list, user, on)
    elif may.sees_people:
        members = Person.objects.counted().members_of(org, on).order_by("number")
        context["page_obj"] = _page(request, directory.with_branch(members, on))
    if may.edits:
        context["history"] = _history(request, org)
        context["changes"] = may.is_office and reorganizing.changeable(user).filter(pk=org.pk).exists()
    if on != clock.today():  # another day is for reading only
        looking = dataclasses.replace(may, edits=False, is_office=False)
        context |= {"may": looking, "changes": False, "endable_posts": set(), "is_another_day": True}
    return render(request, "orgs/organization.html", context)


def _day_asked_for(request: UserRequest) -> datetime.date:
    """The day in the address; without one, or with one that cannot be read (which is said), today."""
    try:
        return DayField(required=False).clean(request.GET.get("on", "")[:20]) or clock.today()
    except ValidationError as error:
        messages.error(request, f"{error.messages[0]}下面是今天的情况。")
        return clock.today()


def _page(request: UserRequest, found: QuerySet) -> Page:
    return Paginator(found, PAGE).get_page(request.GET.get("page"))


def _is_alive(org: Organization, on: datetime.date) -> bool:
    return (org.founded_on is None or org.founded_on <= on) and (org.dissolved_on is None or on < org.dissolved_on)


def _team(request: UserRequest, org: Organization, on: datetime.date) -> dict[str, Any]:
    """Posts, head first, and the division of work: by this team, and over this organisation."""
    posts = list(org.posts.valid(on).select_related("person", "organization").order_by("from_on", "person__number"))
    rank = {"secretary": 0, "deputy": 1, "member": 2}
    posts.sort(key=lambda post: (rank[post.role], not post.is_acting))
    visible_team = scope.seen_people(request.user, "team__")
    over = Charge.objects.valid(on).filter(visible_team, organization=org).select_related("person", "team")
    divided = org.divisions.valid(on).select_related("person", "organization").order_by("person", "organization__code")
    return {
        "posts": posts,
        "endable_posts": set(
            standing.changeable_posts(request.user, on).filter(organization=org).values_list("pk", flat=True)
        ),
        "divided": divided,
        "in_charge": over,
    }


def _history(request: UserRequest, org: Organization) -> QuerySet[AuditEvent]:
    """What was done to the organisation, its posts and its division of work, the latest first."""
    own = Organization.objects.editable_by(request.user).filter(pk=org.pk)
    return AuditEvent.objects.filter(
        Q(model="orgs.organization", object_id__in=own.values("pk"))
        | Q(model="orgs.post", object_id__in=Post.objects.filter(organization__in=own).values("pk"))
        | Q(model="orgs.charge", object_id__in=Charge.objects.filter(team__in=own).values("pk"))
    ).select_related("by", "by__person")[:HISTORY]


# --- changes ---------------------------------------------------------------------------------------------------


def _answer(
    request: UserRequest, org: Organization, form: Form | ModelForm, title: str, action: str, note: str = ""
) -> HttpResponse:
    context = {"org": org, "form": form, "title": title, "action": action, "note": note}
    return render(request, "orgs/organization_form.html", context)


@require_http_methods(["GET", "POST"])
def member_add(request: UserRequest, code: str) -> HttpResponse:
    """A new member of a branch."""
    org = found_by(Organization.objects.editable_by(request.user).alive(clock.today()), code=code)
    if not org.is_branch:
        raise Http404
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = people.add(form.instance, org, form.cleaned_data["on"], by=request.user)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已把{person.name}加入{org.name}。")
            return redirect("person", number=person.number)
    return _answer(
        request, org, form, "新增党员", "加入本支部", "从其他支部转来的，请由上级办公室办理转移，不要重复新增。"
    )


@require_http_methods(["GET", "POST"])
def post_add(request: UserRequest, code: str) -> HttpResponse:
    """Appoint somebody of the user's own people; 书记 and 主持工作 are the office's to name.

    Whoever is appointed becomes the user's to edit: seeing a name (one's own superiors) is not enough.
    """
    org = found_by(Organization.objects.editable_by(request.user).alive(clock.today()), code=code)
    may = standing.to_organization(request.user, org)
    persons = Person.objects.editable_by(request.user)
    form = PostForm(request.POST or None, org=org, persons=persons, names_head=may.is_office)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            post = people.appoint(
                data["found"],
                org,
                data["role"],
                from_on=data["from_on"],
                is_acting=data.get("is_acting", False),
                by=request.user,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已任命{post.person.name}为{post.title}。")
            return redirect("organization", code=org.code)
    return _answer(request, org, form, "任职", "任命")


@require_http_methods(["GET", "POST"])
def post_end(request: UserRequest, pk: int) -> HttpResponse:
    """免职 on a day."""
    post = get_object_or_404(standing.changeable_posts(request.user, clock.today()), pk=pk)
    form = DayForm(request.POST or None, label="免职日期")
    if request.method == "POST" and form.is_valid():
        try:
            people.remove(post, on=form.cleaned_data["on"], by=request.user)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已免去{post.person.name}的{post.title}职务。")
            return redirect("organization", code=post.organization.code)
    note = (
        f"{post.person.name}，{post.organization.name}，{post.title}。最后一项职务免去后，他在本班子的分管也随之终止。"
    )
    return _answer(request, post.organization, form, "免职", "免职", note)


@require_http_methods(["GET", "POST"])
def charge_add(request: UserRequest, code: str) -> HttpResponse:
    """Put a member of the team in charge of an organisation below it; for its office."""
    on = clock.today()
    org = found_by(Organization.objects.filter(scope.office_of(request.user)).alive(on), code=code)
    team = Person.objects.filter(pk__in=org.posts.valid(on).values("person"))
    below = Organization.objects.visible_to(request.user).alive(on).below(org)
    known = {"organization": typed(request, "organization")}
    form = ChargeForm(request.POST or None, persons=team, organizations=below, initial=known)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            people.put_in_charge(
                data["person"], org, data["found"], kind=data["kind"], from_on=data["from_on"], by=request.user
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已由{data['person'].name}分管{data['found'].name}。")
            return redirect("organization", code=org.code)
    return _answer(request, org, form, "分管", "保存")


@require_http_methods(["GET", "POST"])
def charge_end(request: UserRequest, pk: int) -> HttpResponse:
    """A division of work ends on a day."""
    charge = get_object_or_404(standing.changeable_charges(request.user, clock.today()), pk=pk)
    form = DayForm(request.POST or None, label="终止日期")
    if request.method == "POST" and form.is_valid():
        try:
            people.update_charges([(charge, {"to_on": form.cleaned_data["on"]})], by=request.user)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{charge.person.name}不再分管{charge.organization.name}。")
            return redirect("organization", code=charge.team.code)
    note = f"{charge.person.name}（{charge.team.name}）{charge.get_kind_display()}{charge.organization.name}。"
    return _answer(request, charge.team, form, "终止分管", "终止", note)
