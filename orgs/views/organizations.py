"""Pages of organisations: the tree as far as the user sees it, one organisation, and who holds which post in it."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.db.models import Exists, Q, QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from orgs import (
    clock,
    directory,
    history,
    organizations_table,
    past,
    people_table,
    personnel,
    reorganizing,
    scope,
    standing,
    tables,
    treeview,
)
from orgs.changes import Change, ChangeKind
from orgs.foreseeing import Plan
from orgs.forms import MemberForm
from orgs.list_files import list_view
from orgs.lists import ListFile
from orgs.models import AuditEvent, Charge, Organization, Person, Post
from orgs.paging import page_of
from orgs.requests import UserRequest
from orgs.views.as_of import day_asked_for, day_context
from orgs.views.foreseeing import Data, Page, change

HISTORY = 12


def found_by(queryset: QuerySet, **key: str) -> Any:
    """The object of the URL, or 404; a NUL in the URL is no key (PostgreSQL refuses it)."""
    if any("\x00" in value for value in key.values()):
        raise Http404
    return get_object_or_404(queryset, **key)


@require_GET
def organizations(request: UserRequest) -> HttpResponse:
    """Where the user's view begins, as a tree; or the list of what was asked for."""
    on = day_asked_for(request)
    asked = tables.asked(organizations_table.of(on), request.GET, request.user, on)
    if asked.is_narrowed or request.GET.get("view") == "list":
        page = page_of(request, asked.select(organizations_table.every(request.user)))
        rows = asked.prepared(page)
        context: dict[str, Any] = {"page_obj": page, "rows": rows, "lines": asked.lines(rows)} | day_context(on)
        return render(request, "orgs/organizations.html", context | {"asked": asked, "is_list": True})
    tops = directory.tops(request.user, on)
    code = tables.typed(request.GET, "open")
    to = Organization.objects.visible_to(request.user).alive(on).filter(code=code).first() if code else None
    context = {"asked": asked, "tops": tops, "nodes": treeview.nodes(tops, request.user, on, to)} | day_context(on)
    return render(request, "orgs/organizations.html", context)


@list_view
def organizations_export(request: UserRequest) -> ListFile:
    """The list of organisations as it is shown, all its pages, as a workbook."""
    on = day_asked_for(request)
    asked = tables.asked(organizations_table.of(on), request.GET, request.user, on)
    return asked.file(asked.select(organizations_table.every(request.user)), reverse("organizations"))


@require_GET
def organization_children(request: UserRequest, code: str) -> HttpResponse:
    """A page of the next level, for unfolding in place; without scripts the link leads to the organisation's page."""
    on = day_asked_for(request)
    org = found_by(Organization.objects.visible_to(request.user), code=code)
    page = treeview.page_number(request.GET.get("page", ""))
    if not request.headers.get("HX-Request"):
        carried = day_context(on)["day_query"] or (f"?page={page}" if page > 1 else "")
        return redirect(reverse("organization", args=[org.code]) + carried)
    level = treeview.level(org, request.user, on, page)
    way = request.GET.get("way", "")
    name = "orgs/_organization_nodes.html" if way in ("before", "after") else "orgs/_organization_children.html"
    return render(request, name, {"level": level, "way": way} | day_context(on))


@require_GET
def organization(request: UserRequest, code: str) -> HttpResponse:
    """One organisation: facts, team, division of work, what is below it or who belongs to it; as of any day."""
    on = day_asked_for(request)
    user = request.user
    today = found_by(Organization.objects.visible_to(user).select_related("category"), code=code)
    org = past.one_as_of(today, on)
    may = standing.to_organization(user, org)
    context: dict[str, Any] = {"org": org, "may": may, "is_alive": _is_alive(org, on)} | day_context(on)
    context |= {"above": _above(request, org, on), "opening": directory.opening(today)}
    if may.sees_people:
        context |= _team(request, org, on)
        context["heads"] = history.heads_of(today)
    if not org.is_branch:
        children = past.under(Organization.objects.visible_to(user), [org.pk], on)
        context["page_obj"] = page = page_of(request, children)
        context["rows"] = rows = directory.rows(page, user, on)
        context["nodes"] = [treeview.Node(row) for row in rows]
    elif may.sees_people:
        members = Person.objects.counted().members_of(org, on).order_by("number")
        asked = tables.asked(people_table.TABLE, QueryDict(), user, on)
        asked = dataclasses.replace(asked, columns=tables.usual(people_table.TABLE, without=("branch",)))
        context["page_obj"] = page = page_of(request, members)
        context |= {"asked": asked, "lines": asked.lines(asked.prepared(page))}
    context["steps"] = history.of_organization(today, user, with_reasons=may.edits)
    if may.edits:
        context["history"] = _history(request, org)
        context["changes"] = may.is_office and reorganizing.changeable(user).filter(pk=org.pk).exists()
    if context["is_another_day"]:  # for reading only
        looking = dataclasses.replace(may, edits=False, is_office=False)
        context |= {"may": looking, "changes": False, "endable_posts": set()}
    return render(request, "orgs/organization.html", context)


def _above(request: UserRequest, org: Organization, on: datetime.date) -> list[Organization]:
    """The superiors of that day whom the user sees, root first."""
    if on >= clock.today():
        return list(Organization.objects.visible_to(request.user).above(org))
    uppers = past.above(org, on)
    seen = Organization.objects.visible_to(request.user).filter(pk__in=[upper.pk for upper in uppers])
    visible = set(seen.order_by().values_list("pk", flat=True))
    return [upper for upper in uppers if upper.pk in visible]


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
        | Q(Exists(own), model="orgs.organization", until_id__gte=org.pk, object_id__lt=org.pk)
        | Q(model="orgs.post", object_id__in=Post.objects.filter(organization__in=own).values("pk"))
        | Q(model="orgs.charge", object_id__in=Charge.objects.filter(team__in=own).values("pk"))
    ).select_related("by", "by__person")[:HISTORY]


# --- changes ---------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def member_add(request: UserRequest, code: str) -> HttpResponse:
    """A new member of a branch."""
    org = found_by(Organization.objects.editable_by(request.user).alive(clock.today()), code=code)
    if not org.is_branch:
        raise Http404
    form = MemberForm(request.POST or None)

    def plan(data: Data) -> Plan:
        on = data["on"]
        joined = Change(ChangeKind.JOIN, None, on or clock.today(), org, number=data["number"])
        return Plan(joined, lambda: personnel.join(form.instance, org, on=on, by=request.user))

    own = reverse("organization", args=[org.code])
    note = "从其他支部转来的，请由上级办公室办理转移，不要重复新增。"
    page = Page("新增党员", "加入本支部", "支部", f"{org.name}（{org.code}）", note, ((org.name, own),), own)
    return change(request, page, form, plan=plan, done=lambda data: f"已把{data['name']}加入{org.name}。")
