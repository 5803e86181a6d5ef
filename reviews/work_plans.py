"""Verbs of work plans (R43, domain.md 5.1): drafted, submitted, approved, issued, filed, adjusted, ended."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from orgs import audit, clock, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import Grant, Organization
from reviews import vocabulary
from reviews.drafts import tidy
from reviews.models import (
    Combined,
    Duty,
    DutyStatus,
    Period,
    Subject,
    WorkPlan,
    WorkPlanLine,
    WorkPlanState,
)
from reviews.models.work_plan import UNDER_WAY
from reviews.planned_days import spread, working_days

if TYPE_CHECKING:
    from orgs.models import User

TEXTS = {
    "basis": "指导依据", "leadership": "组织领导", "coverage": "范围与对象", "schedule": "时间安排", "safeguards": "保障措施",
}  # fmt: skip
LONG = 4000
REASON = 200
STANDARD_BASIS = "依据关于开展领导点评工作的通知，结合本单位实际，制定本方案。"


class WorkPlanRefused(DomainError):
    """The plan's state or the values do not allow this."""


@dataclass(frozen=True)
class PlanLine:
    """What is typed of one line."""

    form: str
    planned_on: datetime.date | None


# --- what is asked ----------------------------------------------------------------------------------------------


def works_on(org: Organization, user: User) -> bool:
    """Drafts for the organisation: its office or one above, and who heads it."""
    mine = scope.EVERYTHING if scope.seats(user).is_admin else scope.office_of(user) | scope.headed(user)
    return Organization.objects.filter(mine, pk=org.pk).exists()


def actions(plan: WorkPlan, user: User) -> set[str]:
    """Which verbs the user may use on the plan now."""
    state, found = plan.state, set()
    if works_on(plan.organization, user):
        by_state: dict[str, set[str]] = {
            WorkPlanState.DRAFT: {"save", "refresh", "submit"},
            WorkPlanState.RETURNED: {"save", "refresh", "submit"},
            WorkPlanState.APPROVED: {"issue"},
            WorkPlanState.IN_FORCE: {"adjust", "complete"},
        }
        found |= by_state.get(state, set())
    if _heads(plan, user):
        by_state = {
            WorkPlanState.SUBMITTED: {"approve", "send_back"},
            WorkPlanState.APPROVED: {"send_back"},
            WorkPlanState.IN_FORCE: {"cancel"},
        }
        found |= by_state.get(state, set())
    if state == WorkPlanState.IN_FORCE and plan.filed_on is None and _files(plan, user):
        found.add("file")
    return found


def with_planned_day(rows: QuerySet[Duty]) -> QuerySet[Any]:
    """Duties with `planned_on`: the day that the plan in force names."""
    lines = WorkPlanLine.objects.filter(duty=OuterRef("pk"), plan__state=WorkPlanState.IN_FORCE)
    return rows.annotate(planned_on=Subquery(lines.order_by("pk").values("planned_on")[:1]))


def without_plan(orgs: QuerySet[Organization], period: Period) -> QuerySet[Organization]:
    """Of these, who has no plan in force or completed; `under_way` says the state of one on its way."""
    plans = WorkPlan.objects.filter(organization=OuterRef("pk"), period=period)
    ready = plans.filter(state__in=[WorkPlanState.IN_FORCE, WorkPlanState.COMPLETED])
    coming = plans.filter(state__in=UNDER_WAY).order_by("-version")
    return orgs.exclude(Exists(ready)).annotate(under_way=Subquery(coming.values("state")[:1]))


def versions(plan: WorkPlan) -> QuerySet[WorkPlan]:
    """All versions of the same plan, the newest first."""
    return WorkPlan.objects.filter(organization=plan.organization_id, period=plan.period_id).order_by("-version")


# --- writing ---------------------------------------------------------------------------------------------------


@transaction.atomic
def draft(org: Organization, *, period: Period, by: User) -> WorkPlan:
    """A first version, prefilled from the organisation's duties; the one under way or in force where there is one."""
    if not works_on(org, by):
        raise Forbidden(f"只有“{org}”的负责人、办公室和上级办公室可以起草它的工作方案。")
    org = Organization.objects.select_for_update(no_key=True).get(pk=org.pk)
    known = WorkPlan.objects.filter(organization=org, period=period).order_by("-version")
    found = known.filter(state__in=[*UNDER_WAY, WorkPlanState.IN_FORCE, WorkPlanState.COMPLETED]).first()
    if found is not None:
        return found
    last = known.first()
    plan = WorkPlan.objects.create(
        organization=org, period=period, version=last.version + 1 if last else 1, author=by, basis=STANDARD_BASIS,
    )  # fmt: skip
    follow(plan)
    duties = _duties(plan)
    subjects = [str(label) for value, label in Subject.choices if duties.filter(subject=value).exists()]
    plan.coverage = f"本方案共安排点评 {duties.count()} 项，对象为{'、'.join(subjects)}。" if subjects else ""
    plan.schedule = f"{_said(period.starts_on)}至{_said(period.ends_on)}，具体日期见附表。"
    used = dict(plan.lines.exclude(form="").order_by().values_list("form", "form_name").distinct())
    plan.forms = [*(code for code in vocabulary.form_names() if code in used)]
    plan.form_names = [used[code] for code in plan.forms]
    plan.save(update_fields=["coverage", "schedule", "forms", "form_names"])
    WorkPlanLine.objects.filter(plan=plan).update(is_added=False)
    audit.record(by, "起草工作方案", [plan])
    return plan


def follow(plan: WorkPlan) -> tuple[int, int]:
    """Add lines for duties that came since, at the end and marked; says how many came and how many are gone.

    A line whose duty was withdrawn stays, marked. The new ones come with a day proposed: each reviewer's spread over
    the working days that are left. In the caller's transaction.
    """
    known = plan.lines.filter(duty__isnull=False).values("duty")
    last = plan.lines.order_by("-order").values_list("order", flat=True).first() or 0
    new = (
        _duties(plan)
        .exclude(pk__in=known)
        .select_related("reviewer_org", "acting", "reviewer", "target_org", "target_person", "assignment")
    )
    offered = vocabulary.form_names(is_on=True)
    lines = [
        WorkPlanLine(
            plan=plan, duty=duty, order=order, target_name=duty.target_name, subject_name=duty.get_subject_display(),
            reviewer_name=_reviewer_name(duty), is_added=True, **_form(duty, offered),
        )
        for order, duty in enumerate(new.order_by("rule_code", "about_org__code", "pk"), start=last + 1)
    ]  # fmt: skip
    _propose_days(plan.period, lines)
    WorkPlanLine.objects.bulk_create(lines, batch_size=500)
    return len(lines), plan.lines.filter(duty__isnull=True).count()


def _propose_days(period: Period, lines: list[WorkPlanLine]) -> None:
    """A day for each of the new lines, by reviewer and by when it is due."""
    alike: dict[tuple[str, datetime.date], list[WorkPlanLine]] = defaultdict(list)
    for line in lines:
        due_on = line.duty.due_on if line.duty else period.ends_on
        alike[line.reviewer_name, min(due_on, period.ends_on)].append(line)
    first = max(clock.today(), period.starts_on)
    for (_, last), listed in alike.items():
        for line, day in zip(listed, spread(len(listed), working_days(first, last)), strict=True):
            line.planned_on = day


@transaction.atomic
def refresh(plan: WorkPlan, *, by: User) -> tuple[int, int]:
    """Bring the lines of a draft in line with the duties of now; names of reviewers follow successors."""
    plan = _locked(plan)
    _may(plan, by, "refresh", "更新安排")
    for line in plan.lines.filter(duty__isnull=False).select_related(
        "duty__acting", "duty__reviewer", "duty__reviewer_org"
    ):
        name = _reviewer_name(line.duty) if line.duty else line.reviewer_name
        if line.reviewer_name != name:
            WorkPlanLine.objects.filter(pk=line.pk).update(reviewer_name=name)
    came, gone = follow(plan)
    audit.record(by, "更新方案安排", [plan], summary=f"{plan}：新增 {came} 项，已撤回 {gone} 项")
    return came, gone


@transaction.atomic
def save(
    plan: WorkPlan,
    *,
    texts: Mapping[str, str],
    forms: Iterable[str],
    combined: Iterable[str],
    lines: Mapping[int, PlanLine],
    rest_on: datetime.date | None = None,
    by: User,
) -> WorkPlan:
    """Keep what was typed. `lines` by id; `rest_on`: the day for every line that has none."""
    plan = _locked(plan)
    _may(plan, by, "save", "修改")
    before = {name: getattr(plan, name) for name in (*TEXTS, "forms", "form_names", "combined")}
    for name, label in TEXTS.items():
        text = tidy(texts.get(name, ""))
        if len(text) > LONG:
            raise WorkPlanRefused(f"{label}太长：最多 {LONG} 个字，现有 {len(text)} 个，请删减。")
        setattr(plan, name, text)
    offered = vocabulary.form_names(is_on=True)
    known = dict(zip(plan.forms, plan.form_names, strict=True)) | offered
    ticked = set(forms)
    plan.forms = [code for code in known if code in ticked]
    plan.form_names = [known[code] for code in plan.forms]
    plan.combined = [value for value in Combined.values if value in set(combined)]
    _within(plan.period, rest_on, "其余各项")
    changed = []
    for line in plan.lines.filter(duty__isnull=False):
        typed = lines.get(line.pk, PlanLine(line.form, line.planned_on))
        day = typed.planned_on or rest_on
        _within(plan.period, day, line.target_name)
        if typed.form and typed.form not in {line.form, *offered}:
            raise WorkPlanRefused(f"“{line.target_name}”的点评形式不对，请重新选择。")
        if (line.form, line.planned_on) != (typed.form, day):
            if line.form != typed.form:
                line.form, line.form_name = typed.form, offered.get(typed.form, "")
            line.planned_on = day
            changed.append(line)
    WorkPlanLine.objects.bulk_update(changed, ["form", "form_name", "planned_on"], batch_size=500)
    plan.save(update_fields=[*TEXTS, "forms", "form_names", "combined", "saved_at"])
    after = {name: getattr(plan, name) for name in before}
    audit.record(by, "修改工作方案", [plan], changes={plan.pk: (before, after)})
    return plan


def _within(period: Period, day: datetime.date | None, name: str) -> None:
    if day is not None and not period.starts_on <= day <= period.ends_on:
        raise WorkPlanRefused(f"“{name}”的计划日期须在 {period.starts_on} 至 {period.ends_on} 之间，请改正。")


# --- states ------------------------------------------------------------------------------------------------------


@transaction.atomic
def submit(plan: WorkPlan, *, by: User) -> WorkPlan:
    """To the 书记, complete: with a basis, forms, and a day for every line whose duty stands."""
    plan = _locked(plan)
    _may(plan, by, "submit", "提交")
    if not plan.basis or not plan.leadership:
        raise WorkPlanRefused("请先填写指导依据和组织领导（领导小组、办公室、联络员），再提交。")
    if not plan.forms:
        raise WorkPlanRefused("请至少选择一种点评形式，再提交。")
    bare = plan.lines.filter(duty__isnull=False, planned_on__isnull=True)
    first = bare.first()
    if first is not None:
        raise WorkPlanRefused(f"还有 {bare.count()} 项没有计划日期（例如“{first.target_name}”），请填好再提交。")
    return _move(
        plan, WorkPlanState.SUBMITTED, "提交工作方案", by, author=by, submitted_on=clock.today(), return_reason=""
    )


@transaction.atomic
def approve(plan: WorkPlan, *, by: User) -> WorkPlan:
    """By who heads the organisation; not who submitted it, where its office has somebody else to do that."""
    plan = _locked(plan)
    _may(plan, by, "approve", "批准")
    if plan.author_id == by.pk and _office_people(plan).exclude(user=by).exists():
        raise WorkPlanRefused("方案是您自己提交的，不能自己批准：请先退回，由本组织办公室的联络员提交。")
    return _move(
        plan, WorkPlanState.APPROVED, "批准工作方案", by, approved_on=clock.today(), approver_name=by.display_name
    )


@transaction.atomic
def send_back(plan: WorkPlan, *, reason: str, by: User) -> WorkPlan:
    """Back to its author, with a reason."""
    plan = _locked(plan)
    _may(plan, by, "send_back", "退回")
    return _move(plan, WorkPlanState.RETURNED, "退回工作方案", by, return_reason=_reason(reason, "退回原因"), approved_on=None, approver_name="")  # fmt: skip


@transaction.atomic
def issue(plan: WorkPlan, *, by: User) -> WorkPlan:
    """Issue the approved plan: in force from now on, in the place of an earlier version."""
    plan = _locked(plan)
    _may(plan, by, "issue", "印发")
    for old in versions(plan).filter(state=WorkPlanState.IN_FORCE):
        _move(old, WorkPlanState.SUPERSEDED, "方案由新版代替", by)
    return _move(plan, WorkPlanState.IN_FORCE, "印发工作方案", by, issued_on=clock.today())


@transaction.atomic
def file(plan: WorkPlan, *, by: User) -> WorkPlan:
    """备案, recorded by the superior's office."""
    plan = _locked(plan)
    if plan.filed_on is not None:
        return plan
    _may(plan, by, "file", "备案")
    return _move(plan, WorkPlanState.IN_FORCE, "工作方案备案", by, filed_on=clock.today())


@transaction.atomic
def adjust(plan: WorkPlan, *, by: User) -> WorkPlan:
    """A new version to work on; the one in force stays until the new one is issued. Twice gives the same one."""
    plan = _locked(plan)
    coming = versions(plan).filter(state__in=UNDER_WAY).first()
    if coming is not None and works_on(plan.organization, by):
        return coming
    _may(plan, by, "adjust", "调整")
    last = versions(plan).first()
    fresh = WorkPlan.objects.create(
        organization=plan.organization, period=plan.period, version=(last or plan).version + 1, author=by,
        forms=plan.forms, form_names=plan.form_names, combined=plan.combined, **{name: getattr(plan, name) for name in TEXTS},
    )  # fmt: skip
    names = ("duty_id", "reviewer_name", "target_name", "subject_name", "form", "form_name", "planned_on")
    WorkPlanLine.objects.bulk_create(
        (
            WorkPlanLine(plan=fresh, order=order, **{name: getattr(line, name) for name in names})
            for order, line in enumerate(plan.lines.all(), start=1)
        ),
        batch_size=500,
    )
    follow(fresh)
    audit.record(by, "调整工作方案", [fresh])
    return fresh


@transaction.atomic
def complete(plan: WorkPlan, *, reason: str = "", by: User) -> WorkPlan:
    """Done: every duty of it is done or exempt, or it is said why not."""
    plan = _locked(plan)
    _may(plan, by, "complete", "办结")
    left = plan.lines.filter(duty__status=DutyStatus.PENDING).count()
    reason = tidy(reason)[:REASON]
    if left and not reason:
        raise WorkPlanRefused(f"还有 {left} 项点评没有完成，请写明未完成原因。")
    return _move(plan, WorkPlanState.COMPLETED, "工作方案完成", by, ended_on=clock.today(), end_reason=reason)


@transaction.atomic
def cancel(plan: WorkPlan, *, reason: str, by: User) -> WorkPlan:
    """中止, by who heads the organisation, with a reason."""
    plan = _locked(plan)
    _may(plan, by, "cancel", "中止")
    return _move(plan, WorkPlanState.CANCELLED, "中止工作方案", by, ended_on=clock.today(), end_reason=_reason(reason, "中止原因"))  # fmt: skip


# --- inside -----------------------------------------------------------------------------------------------------


def _duties(plan: WorkPlan) -> QuerySet[Duty]:
    found = Duty.objects.filter(period=plan.period_id, reviewer_org=plan.organization_id)
    return found.exclude(status=DutyStatus.EXEMPT)


def _said(day: datetime.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _reviewer_name(duty: Duty) -> str:
    person = duty.acting or duty.reviewer
    return person.name if person else "（待明确）"


def _form(duty: Duty, offered: Mapping[str, str]) -> dict[str, str]:
    """As assigned; else what its kind of target mostly gets. Code and name."""
    assigned = getattr(duty, "assignment", None)
    if assigned is not None:
        return {"form": assigned.form, "form_name": assigned.form_name}
    code = vocabulary.usual_form(offered, is_head=duty.subject == Subject.HEAD)
    return {"form": code, "form_name": offered.get(code, "")}


def _heads(plan: WorkPlan, user: User) -> bool:
    return any(org.pk == plan.organization_id for org in scope.seats(user).heads)


def _files(plan: WorkPlan, user: User) -> bool:
    """Works in the superior's office; for a root, in its own."""
    above = plan.organization.parent_id or plan.organization_id
    return Organization.objects.filter(scope.office_of(user), pk=above).exists()


def _office_people(plan: WorkPlan) -> QuerySet[Grant]:
    return Grant.objects.valid(clock.today()).filter(organization=plan.organization_id, user__is_active=True)


def _locked(plan: WorkPlan) -> WorkPlan:
    """The plan as it is now; refused where somebody changed its state since the caller read it."""
    rows = WorkPlan.objects.select_for_update(of=("self",)).select_related("organization", "period")
    found = rows.filter(pk=plan.pk).first()
    if found is None:
        raise WorkPlanRefused("这份工作方案已不存在，请返回列表。")
    if found.state != plan.state:
        raise WorkPlanRefused(f"方案刚刚被别人办理，现在是“{found.get_state_display()}”，请看清以后再办。")
    return found


def _may(plan: WorkPlan, by: User, action: str, words: str) -> None:
    """Raises Forbidden for who never may, WorkPlanRefused where the state does not allow it."""
    if action in actions(plan, by):
        return
    is_somebody = works_on(plan.organization, by) or _heads(plan, by) or _files(plan, by)
    if not is_somebody:
        raise Forbidden("只有本组织的负责人、办公室和上级办公室可以办理工作方案。")
    raise WorkPlanRefused(
        f"方案现在是“{plan.get_state_display()}”，您不能{words}："
        "批准、退回、中止由本组织书记（或主持工作的负责人）办理，备案由上级办公室登记，其余由本组织办公室办理。"
    )


def _reason(text: str, label: str) -> str:
    text = tidy(text)
    if not text:
        raise WorkPlanRefused(f"请填写{label}。")
    if len(text) > REASON:
        raise WorkPlanRefused(f"{label}太长：最多 {REASON} 个字，现有 {len(text)} 个，请删减。")
    return text


def _move(plan: WorkPlan, state: WorkPlanState, verb: str, by: User, **values: Any) -> WorkPlan:
    values["state"] = state
    before = {name: getattr(plan, name) for name in values}
    for name, value in values.items():
        setattr(plan, name, value)
    plan.save(update_fields=list(values))
    audit.record(by, verb, [plan], changes={plan.pk: (before, values)})
    return plan
