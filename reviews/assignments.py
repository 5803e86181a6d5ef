"""Verbs of assigned duties (随机, 专题, 现场; A27): beside what the rules ask for, under rule X."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q

from orgs import audit, heads, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import Membership, Organization, Person, Post
from reviews import duties, snapshots, vocabulary
from reviews.aligning import BY_HAND
from reviews.drafts import tidy
from reviews.models import Assignment, Basis, Draw, Duty, Period, Record, ReviewerKind, ReviewForm, Subject

if TYPE_CHECKING:
    from orgs.models import User

REASON = 200
MOST_AT_ONCE = 200


class AssignmentRefused(DomainError):
    """The facts or the state do not allow this."""


def works_for(user: User) -> Q:
    """Organisations in whose name the user may assign and draw: of his offices and below, and those he heads."""
    at = scope.seats(user)
    return scope.EVERYTHING if at.is_admin else scope.office_of(user) | scope.headed(user)


def assigning(org: Organization, by: User) -> None:
    """Raises Forbidden unless `by` may assign in the organisation's name."""
    if not Organization.objects.filter(works_for(by), pk=org.pk).exists():
        raise Forbidden(f"只有“{org}”的负责人、办公室和上级办公室可以指派或抽取。")


@transaction.atomic
def assign(
    reviewer_org: Organization,
    *,
    period: Period,
    acting: Person,
    target_org: Organization | None = None,
    target_person: Person | None = None,
    about_org: Organization,
    form: str,
    due_on: datetime.date,
    topic: str = "",
    reason: str = "",
    draw: Draw | None = None,
    by: User,
) -> Duty:
    """指派: `acting` reviews the target in the organisation's name, until that day.

    The organisation is `about_org` or stands above it by affiliation or guidance; nobody reviews himself or what
    he heads. One assigned duty for each reviewer and target in a period. Generation leaves it alone.
    """
    assigning(reviewer_org, by)
    topic, reason = tidy(topic)[:REASON], tidy(reason)[:REASON]
    forms = vocabulary.form_names(is_on=None if draw else True)
    if form not in forms:
        raise AssignmentRefused("请选择点评形式。")
    if form == ReviewForm.TOPICAL and not topic:
        raise AssignmentRefused("专题点评要写明是哪个专题，例如“质量提升”。")
    if not period.starts_on <= due_on <= period.ends_on:
        raise AssignmentRefused(f"截止日期须在{period}内（{period.starts_on} 至 {period.ends_on}），请改正。")
    if (target_org is None) == (target_person is None):
        raise AssignmentRefused("请选择一个点评对象：一个党组织，或一名党员。")
    on = snapshots.day_of(period, None)
    if not snapshots.may_lead(acting, reviewer_org, on):
        raise AssignmentRefused(f"{acting.name}不是“{reviewer_org}”的班子成员或书记，不能以它的名义点评。")
    if not Organization.objects.above(about_org, include_self=True).filter(pk=reviewer_org.pk).exists():
        raise AssignmentRefused(f"“{about_org}”不在“{reviewer_org}”的隶属或指导范围内，不能指派。")
    if target_org is not None:
        subject = _of_organization(reviewer_org, acting, target_org, about_org, on)
    else:
        assert target_person is not None  # noqa: S101 - one of the two, as said above
        subject = _of_person(acting, target_person, about_org, on)
    facts = {"period": period, "rule_code": BY_HAND, "reviewer_org": reviewer_org}
    target = {"target_org": target_org, "target_person": target_person}
    name = target_org.name if target_org else target_person.name  # type: ignore[union-attr]
    try:
        with transaction.atomic():
            duty = Duty.objects.create(
                **facts, **target, reviewer_kind=ReviewerKind.ORG, acting=acting, is_assigned=True, subject=subject,
                about_org=about_org, basis=Basis.ASSIGNED, due_on=due_on,
            )  # fmt: skip
    except IntegrityError:
        raise AssignmentRefused(
            f"“{reviewer_org}”本期已经有一项指派的任务点评“{name}”，不能重复指派；要改的先撤回原来那项。"
        ) from None
    Assignment.objects.create(duty=duty, form=form, form_name=forms[form], topic=topic, reason=reason, draw=draw, by=by)
    audit.record(by, "指派任务", [duty], summary=f"{reviewer_org}：{acting.name}点评{name}（{forms[form]}）")
    return duty


def _of_organization(
    reviewer_org: Organization, acting: Person, target: Organization, about_org: Organization, on: datetime.date
) -> Subject:
    if target.pk != about_org.pk:
        raise AssignmentRefused("点评对象与所在组织不一致，请重新选择。")
    if not Organization.objects.alive(on).filter(pk=target.pk).exists():
        raise AssignmentRefused(f"“{target}”在 {on} 已撤销或尚未成立，不能指派。")
    head = heads.head_of(target, on)
    if target.pk == reviewer_org.pk or (head is not None and head.person_id == acting.pk):
        raise AssignmentRefused(f"不能点评自己所在的组织或自己负责的组织（{target}），请换一位领导或换一个对象。")
    return Subject.ORG


def _of_person(acting: Person, target: Person, about_org: Organization, on: datetime.date) -> Subject:
    if target.pk == acting.pk:
        raise AssignmentRefused(f"{target.name}不能点评自己。")
    head = heads.head_of(about_org, on)
    if head is not None and head.person_id == target.pk:
        return Subject.HEAD
    if Membership.objects.valid(on).filter(person=target, branch=about_org).exists():
        return Subject.MEMBER
    if Post.objects.valid(on).filter(person=target, organization=about_org).exists():
        return Subject.TEAM_MEMBER
    raise AssignmentRefused(f"{target.name}不是“{about_org}”的党员或班子成员，请重新选择所在组织。")


@transaction.atomic
def withdraw(duty: Duty, *, reason: str, by: User) -> None:
    """Take an assigned duty back, with a reason, while nothing is recorded, not even a draft."""
    found = Duty.objects.select_for_update(of=("self",), no_key=True).select_related("reviewer_org").filter(pk=duty.pk)
    now = found.first()
    if now is None:
        raise AssignmentRefused("这项任务刚刚被撤回，不用再处理。")
    assigning(now.reviewer_org, by)
    reason = tidy(reason)
    if not reason:
        raise AssignmentRefused("请写明撤回原因。")
    if now.rule_code != BY_HAND:
        raise AssignmentRefused("只有指派的任务可以撤回；规则产生的任务请用免除。")
    if Record.objects.filter(duties=now).exists():
        raise AssignmentRefused(f"任务“{now}”已经有点评记录或草稿，不能撤回。")
    audit.record(by, "撤回指派", [now], summary=f"{now.target_name}：{reason}"[:500])
    now.delete()


# --- many at once ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What an action does, or would do, to one duty."""

    duty: Duty
    words: str
    refusal: str = ""


Action = Callable[[Duty], str]


def exempting(*, reason: str, approved_by: str, by: User) -> Action:
    """Exempt each, with who approved it."""

    def act(duty: Duty) -> str:
        done = duties.exempt(duty, reason=reason, approved_by=approved_by, by=by)
        return f"免除：{done.exempt_reason}（{done.exempt_approved_by}批准）"

    return act


def reassigning(*, acting: Person, reason: str, by: User) -> Action:
    """Give each to another leader: a successor or a substitute."""

    def act(duty: Duty) -> str:
        was = duty.acting.name if duty.acting else "（无）"
        duties.reassign(duty, acting=acting, reason=reason, by=by)
        return f"转派：{was} → {acting.name}"

    return act


def assigning_more(*, acting: Person, form: str, due_on: datetime.date, topic: str, reason: str, by: User) -> Action:
    """One more duty towards the target of each, in the name of the same organisation."""

    def act(duty: Duty) -> str:
        more = assign(
            duty.reviewer_org, period=duty.period, acting=acting, target_org=duty.target_org,
            target_person=duty.target_person, about_org=duty.about_org, form=form, due_on=due_on, topic=topic,
            reason=reason, by=by,
        )  # fmt: skip
        return f"另行指派{acting.name}{more.assignment.form_name}，{due_on}前"

    return act


def try_out(found: Iterable[Duty], action: Action) -> list[Outcome]:
    """What the action would do to each; everything is taken back."""
    outcomes = []
    with transaction.atomic():
        for duty in found:
            try:
                with transaction.atomic():
                    outcomes.append(Outcome(duty, action(duty)))
            except DomainError as refusal:
                outcomes.append(Outcome(duty, "", str(refusal)))
        transaction.set_rollback(True)
    return outcomes


@transaction.atomic
def carry_out(found: Iterable[Duty], action: Action) -> int:
    """Do it to all of them or, if one refuses, to none; two hands at once come one after the other."""
    number = 0
    rows = Duty.objects.filter(pk__in=[duty.pk for duty in found]).order_by("pk")
    # Locked before they are read with whom they name: a join made while waiting would show who was named before.
    locked = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    for duty in rows.filter(pk__in=locked).select_related("acting", "period", "about_org"):
        action(duty)
        number += 1
    return number
