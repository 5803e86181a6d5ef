"""Pages of changes of people: 组织关系转移, 任职, 免职, 分管. What each does is shown before it is done."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orgs import clock, personnel, scope, standing, tables
from orgs.changes import Change, ChangeKind
from orgs.foreseeing import Plan
from orgs.models import Organization, Person
from orgs.personnel_forms import (
    ChargeEndForm,
    ChargeForm,
    HandOverForm,
    MembersTransferForm,
    PostEndForm,
    PostForm,
    TransferForm,
)
from orgs.requests import UserRequest
from orgs.views.foreseeing import Data, Page, change
from orgs.views.organizations import found_by


def _of(org: Organization, title: str, action: str, note: str, whom: str = "") -> Page:
    """A page about an organisation; about one of its people where `whom` says so."""
    own = reverse("organization", args=[org.code])
    return Page(
        title, action, "人员" if whom else "组织", whom or f"{org.name}（{org.code}）", note, ((org.name, own),), own
    )


# --- 组织关系 --------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def person_transfer(request: UserRequest, number: str) -> HttpResponse:
    """组织关系转移 of one, within the range of the user's office, or out of the system."""
    shown = found_by(standing.transferable(request.user), number=number)
    on = clock.today()
    form = TransferForm(
        request.POST or None, branches=Organization.objects.filter(scope.office_of(request.user)).alive(on)
    )
    own = reverse("person", args=[shown.number])
    current = shown.memberships.valid(on).select_related("branch").first()
    note = f"现在的支部：{current.branch.name}。" if current else "现在不属于任何支部。"
    whom = f"{shown.name}（{shown.number}）"
    page = Page("组织关系转移", "确认转移", "人员", whom, note, ((shown.name, own),), own)

    def done(data: Data) -> str:
        return f"已把{shown.name}{'转到' + data['branch'].name if data['branch'] else '转出本系统'}。"

    plan = _transfer(request, lambda data: [shown])
    return change(request, page, form, plan=plan, done=done, after=reverse("people"))


@require_http_methods(["GET", "POST"])
def members_transfer(request: UserRequest, code: str) -> HttpResponse:
    """组织关系转移 of many: ticked in a branch, or by their numbers."""
    orgs = Organization.objects.filter(scope.office_of(request.user))
    org = found_by(orgs, code=code)  # a dissolved one too: whoever was left there must go somewhere
    persons = standing.transferable(request.user)
    form = MembersTransferForm(request.POST or None, org=org, persons=persons, branches=orgs.alive(clock.today()))
    note = (
        "转到同一个支部，从同一天起。不在列表里的，粘贴人员编号。"
        if org.is_branch
        else "粘贴人员编号，转到同一个支部。"
    )
    page = _of(org, "批量转移组织关系", "确认转移", note)

    def done(data: Data) -> str:
        where = f"转到{data['branch'].name}" if data["branch"] else "转出本系统"
        return f"已把 {len(data['persons'])} 名党员{where}。"

    return change(request, page, form, plan=_transfer(request, lambda data: data["persons"]), done=done)


def _transfer(request: UserRequest, whom: Callable[[Data], list[Person]]) -> Callable[[Data], Plan]:
    def plan(data: Data) -> Plan:
        persons = whom(data)
        return Plan(
            Change(ChangeKind.TRANSFER, None, data["on"], data["branch"], tuple(person.pk for person in persons)),
            lambda: personnel.transfer(
                persons, to=data["branch"], on=data["on"], reason=data["reason"], by=request.user
            ),
        )

    return plan


# --- 任免 ------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def post_add(request: UserRequest, code: str) -> HttpResponse:
    """Appoint somebody of the user's own people; 书记 and 主持工作 are the office's to name.

    Whoever is appointed becomes the user's to edit: seeing a name (one's own superiors) is not enough.
    """
    org = found_by(Organization.objects.editable_by(request.user).alive(clock.today()), code=code)
    may = standing.to_organization(request.user, org)
    persons = Person.objects.editable_by(request.user)
    form = PostForm(request.POST or None, org=org, persons=persons, names_head=may.is_office)

    def plan(data: Data) -> Plan:
        return Plan(
            Change(ChangeKind.APPOINT, org, data["on"], persons=(data["found"].pk,)),
            lambda: personnel.appoint(
                data["found"],
                org,
                data["role"],
                is_acting=data.get("is_acting", False),
                on=data["on"],
                reason=data["reason"],
                by=request.user,
            ),
        )

    page = _of(org, "任职", "确认任命", "")
    return change(request, page, form, plan=plan, done=lambda data: f"已任命{data['found'].name}。")


@require_http_methods(["GET", "POST"])
def post_end(request: UserRequest, pk: int) -> HttpResponse:
    """免职 on a day."""
    post = get_object_or_404(standing.changeable_posts(request.user, clock.today()), pk=pk)
    form = PostEndForm(request.POST or None)

    def plan(data: Data) -> Plan:
        return Plan(
            Change(ChangeKind.REMOVE, post.organization, data["on"], persons=(post.person_id,)),
            lambda: personnel.remove(post, on=data["on"], reason=data["reason"], by=request.user),
        )

    note = f"{post.organization.name}，{post.title}。最后一项职务免去后，他在本班子的分管也随之终止。"
    page = _of(post.organization, "免职", "确认免职", note, f"{post.person.name}（{post.person.number}）")
    return change(request, page, form, plan=plan, done=lambda data: f"已免去{post.person.name}的{post.title}职务。")


# --- 分管 ------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def charge_add(request: UserRequest, code: str) -> HttpResponse:
    """Put a member of the team in charge of an organisation below it; for its office."""
    on = clock.today()
    org = found_by(Organization.objects.filter(scope.office_of(request.user)).alive(on), code=code)
    team = Person.objects.filter(pk__in=org.posts.valid(on).values("person")).order_by("number")
    below = Organization.objects.visible_to(request.user).alive(on).below(org)
    form = ChargeForm(
        request.POST or None,
        persons=team,
        organizations=below,
        initial={
            "organization": tables.typed(request.GET, "organization"),
            "person": team.filter(number=tables.typed(request.GET, "person")).first(),
        },
    )

    def plan(data: Data) -> Plan:
        return Plan(
            Change(ChangeKind.DIVISION, org, data["on"], data["found"], (data["person"].pk,)),
            lambda: personnel.put_in_charge(
                data["person"],
                org,
                data["found"],
                kind=data["kind"],
                on=data["on"],
                reason=data["reason"],
                by=request.user,
            ),
        )

    page = _of(org, "分管", "确认分管", "")
    return change(
        request, page, form, plan=plan, done=lambda data: f"已由{data['person'].name}分管{data['found'].name}。"
    )


@require_http_methods(["GET", "POST"])
def charge_end(request: UserRequest, pk: int) -> HttpResponse:
    """A division of work ends on a day."""
    charge = get_object_or_404(standing.changeable_charges(request.user, clock.today()), pk=pk)
    form = ChargeEndForm(request.POST or None)

    def plan(data: Data) -> Plan:
        return Plan(
            Change(ChangeKind.DIVISION, charge.team, data["on"], charge.organization, (charge.person_id,)),
            lambda: personnel.end_charge(charge, on=data["on"], reason=data["reason"], by=request.user),
        )

    note = f"{charge.team.name}，{charge.get_kind_display()}{charge.organization.name}。"
    page = _of(charge.team, "终止分管", "确认终止", note, f"{charge.person.name}（{charge.person.number}）")
    return change(
        request, page, form, plan=plan, done=lambda data: f"{charge.person.name}不再分管{charge.organization.name}。"
    )


@require_http_methods(["GET", "POST"])
def charge_handover(request: UserRequest, code: str) -> HttpResponse:
    """All of one person's division of work in a team goes to another member of it."""
    on = clock.today()
    org = found_by(Organization.objects.filter(scope.office_of(request.user)).alive(on), code=code)
    team = Person.objects.filter(pk__in=org.posts.valid(on).values("person")).order_by("number")
    sharing = Person.objects.filter(pk__in=org.divisions.valid(on).values("person")).order_by("number")
    form = HandOverForm(request.POST or None, persons=team, sharing=sharing)

    def plan(data: Data) -> Plan:
        both = (data["person"], data["to"])
        return Plan(
            Change(ChangeKind.DIVISION, org, data["on"], persons=tuple(person.pk for person in both)),
            lambda: personnel.hand_over(
                data["person"], org, to=data["to"], on=data["on"], reason=data["reason"], by=request.user
            ),
        )

    page = _of(org, "交接分工", "确认交接", "一人分管的全部组织交给另一名班子成员，主次不变。")
    return change(
        request, page, form, plan=plan, done=lambda data: f"{data['person'].name}的分工已交给{data['to'].name}。"
    )
