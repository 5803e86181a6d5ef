"""Which units report annex 1 to whom (R52, A6), by when, and what is excepted: the choices and who may make them.

The notice lets units report (上报单位), not every organisation: the branches inside a bureau are lines of the bureau's
own form. Which organisations of a 单位类别 report is a rule that the administrator sees and changes; a superior excepts
single units, among them those outside the system. An organisation below one that does not report reports to nobody: it
is counted, live, in that one's line.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When

from orgs import audit, clock, scope
from orgs.errors import DomainError, Forbidden, Stale
from orgs.models import Category, Organization, OrgType
from orgs.querysets import within
from reports.models import (
    ProgressReport,
    ReportAbsence,
    ReportDeadline,
    Reporters,
    ReportExtension,
    ReportingRule,
    ReportingUnit,
    ReportState,
    Way,
)
from reports.models.progress import FROZEN_STATES, works_for
from reviews.models import Period

if TYPE_CHECKING:
    from orgs.models import User

REASON_LENGTH = 200
DUE_AFTER = datetime.timedelta(days=10)  # after the period's last day
CLOSES_AFTER = datetime.timedelta(days=30)
RESEND_WITHIN = datetime.timedelta(days=5)  # after a report was returned


class ReportingRefused(DomainError):
    """A deadline, an exception or an explanation cannot be set like this; the message says what to do."""


# --- who reports ----------------------------------------------------------------------------------------------


def with_way(orgs: Any) -> Any:
    """`own_way`: what the exception of the unit, else the rule of its category says, whatever the superiors do."""
    rule = "category__reporting_rule__reporters"
    return orgs.annotate(
        own_way=Case(
            When(reporting_unit__way__isnull=False, then=F("reporting_unit__way")),
            When(Q(parent__isnull=True) | Q(**{rule: Reporters.ALL}), then=Value(Way.SYSTEM.value)),
            When(Q(**{rule: Reporters.NONE}) | Q(org_type=OrgType.BRANCH), then=Value(Way.NONE.value)),
            default=Value(Way.SYSTEM.value),
        )
    )


def way_of(org: Organization) -> Way:
    """How the organisation reports; NONE also where a superior of it does not report in the system. One query."""
    ways = list(with_way(Organization.objects.above(org, include_self=True)).values_list("own_way", flat=True))
    if not ways or any(way != Way.SYSTEM for way in ways[:-1]):
        return Way.NONE
    return Way(ways[-1])


def counted_on(period: Period) -> datetime.date:
    """The day whose organisations a period's report is about, as its roster: today, after the period its last day."""
    return min(clock.today(), period.ends_on)


def expected(orgs: Any, period: Period) -> Any:
    """Those of whom a report of the period can come: there on that day, or they have sent one."""
    sent = ProgressReport.objects.filter(organization=OuterRef("pk"), period=period, submitted_at__isnull=False)
    return orgs.filter(within(counted_on(period), "founded_on", "dissolved_on") | Exists(sent))


def why_not_expected(org: Organization, period: Period) -> str:
    """Whether the organisation came later or was gone; "" where a report of it can come."""
    if expected(Organization.objects.filter(pk=org.pk), period).exists():
        return ""
    day = counted_on(period)
    return f"{period.name}的附件1按{day}的组织统计，“{org.name}”那一天还没有成立或已经撤销，不报这一期。"


@dataclass(frozen=True)
class Unit:
    """An organisation just below, with how it reports and how far it is in a period."""

    org: Organization
    way: Way
    accepted: ProgressReport | None = None  # the last one
    waiting: ProgressReport | None = None  # sent, not decided
    returned: ProgressReport | None = None
    counts_on: datetime.date | None = None  # the first sending that stands
    absence: ReportAbsence | None = None
    extension: ReportExtension | None = None

    @property
    def reports(self) -> bool:
        """It must report by itself."""
        return self.way != Way.NONE

    @property
    def is_explained(self) -> bool:
        """Nothing is to be expected of it, and why is written down."""
        return self.absence is not None and self.accepted is None and self.waiting is None

    @property
    def is_missing(self) -> bool:
        """It must report, nothing of it stands, and nobody said why."""
        return self.reports and self.accepted is None and self.waiting is None and self.absence is None

    @property
    def is_ready(self) -> bool:
        """Its superior can sum up: it does not report, it was accepted, or its absence is explained."""
        return not self.reports or self.is_explained or (self.accepted is not None and self.waiting is None)

    @property
    def last(self) -> ProgressReport | None:
        """What is looked at first: what waits, what was returned, what was accepted."""
        return self.waiting or self.returned or self.accepted


def units_below(org: Organization, period: Period, *, of: QuerySet[Organization] | None = None) -> list[Unit]:
    """The organisations just below of whom a report can come, in the tree's order; `of` narrows them. Five queries.

    Below an organisation that does not report itself, nobody does.
    """
    rows = (Organization.objects.all() if of is None else of).filter(parent=org)
    children = list(expected(with_way(rows), period).select_related("category").order_by("order", "code"))
    reports_itself = way_of(org) == Way.SYSTEM
    sent = ProgressReport.objects.filter(organization__parent=org, period=period).exclude(state=ReportState.DRAFT)
    by_unit: dict[int, dict[str, ProgressReport]] = {}
    first: dict[int, datetime.date] = {}
    for report in sent.order_by("submitted_at", "pk"):
        by_unit.setdefault(report.organization_id, {})[report.state] = report
        if report.state in FROZEN_STATES and report.counts_on is not None:
            day = first.setdefault(report.organization_id, report.counts_on)
            first[report.organization_id] = min(day, report.counts_on)
    absences = {
        each.organization_id: each
        for each in ReportAbsence.objects.filter(organization__parent=org, period=period).select_related("by__person")
    }
    longer = ReportExtension.objects.filter(organization__parent=org, period=period).select_related("by__person")
    extensions = {each.organization_id: each for each in longer}
    units = []
    for child in children:
        known = by_unit.get(child.pk, {})
        units.append(
            Unit(
                child,
                Way(child.own_way) if reports_itself else Way.NONE,
                accepted=known.get(ReportState.ACCEPTED),
                waiting=known.get(ReportState.SUBMITTED),
                returned=known.get(ReportState.RETURNED),
                counts_on=first.get(child.pk),
                absence=absences.get(child.pk),
                extension=extensions.get(child.pk),
            )
        )
    return units


def exceptions() -> QuerySet[ReportingUnit]:
    """The units that report otherwise than their category says; for administrators."""
    return ReportingUnit.objects.select_related("organization", "by__person").order_by("organization")


# --- by when ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deadline:
    """`due_on`: the last day on time; `closes_on`: the last day at all."""

    due_on: datetime.date
    closes_on: datetime.date
    is_default: bool = False

    def is_late(self, counts_on: datetime.date | None) -> bool:
        """Sent after the day on which it was due."""
        return counts_on is not None and counts_on > self.due_on


def deadline(period: Period) -> Deadline:
    """What the administrators set, else ten and thirty days after the period's last day."""
    found = ReportDeadline.objects.filter(period=period).first()
    if found is not None:
        return Deadline(found.due_on, found.closes_on)
    return Deadline(period.ends_on + DUE_AFTER, period.ends_on + CLOSES_AFTER, is_default=True)


def is_open(org: Organization, period: Period, on: datetime.date | None = None) -> bool:
    """It can be drafted and sent on this day (today): not after the closing day, or the unit was given longer, or its
    report was returned and the days for sending it again are not over.

    One query while the period is open.
    """
    on = on or clock.today()
    if on <= deadline(period).closes_on:
        return True
    if ReportExtension.objects.filter(organization=org, period=period, until__gte=on).exists():
        return True
    returned = ProgressReport.objects.filter(organization=org, period=period, resend_by__gte=on)
    return returned.exclude(state=ReportState.ACCEPTED).exists()


# --- who may -------------------------------------------------------------------------------------------------------


def fills_in(user: User, org: Organization) -> bool:
    """Works for the organisation: its office or a superior one, its head, an administrator."""
    return Organization.objects.filter(works_for(user), pk=org.pk).exists()


def oversees(user: User, org: Organization) -> bool:
    """Works for the organisation just above; at a root: an administrator."""
    if org.parent_id is None:
        return scope.seats(user).is_admin
    return Organization.objects.filter(works_for(user), pk=org.parent_id).exists()


def hold(org: Organization) -> Organization:
    """Lock the organisation and the one above, always in the same order; returns it as it is now.

    Whatever changes what a superior sums up holds the superior too. Raises Stale where it was moved meanwhile.
    """
    pks = sorted({org.pk, org.parent_id or org.pk})
    held = {
        each.pk: each for each in Organization.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    }
    found = held[org.pk]
    if found.parent_id is not None and found.parent_id not in held:
        raise Stale(f"“{found.name}”刚刚换了上级，请重新打开页面再试。")
    return found


# --- the verbs ------------------------------------------------------------------------------------------------


@transaction.atomic
def set_reporters(category: Category, reporters: str, *, by: User | None) -> ReportingRule:
    """Which organisations of a 单位类别 report by themselves. Raises Forbidden, ReportingRefused."""
    category = Category.objects.select_for_update(no_key=True).get(pk=category.pk)
    _administrators_only(by, "上报单位的规则")
    if reporters not in Reporters.values:
        raise ReportingRefused("请选择哪些组织单独上报。")
    rule = ReportingRule.objects.filter(category=category).first() or ReportingRule(category=category)
    before = {"reporters": rule.reporters if rule.pk else ""}
    rule.reporters = reporters
    rule.save()
    audit.record(by, "设定上报单位", [rule], summary=str(rule), changes={rule.pk: (before, {"reporters": reporters})})
    return rule


@transaction.atomic
def set_way(org: Organization, way: str | None, *, reason: str = "", by: User | None) -> ReportingUnit | None:
    """Except one unit from its category's rule; None goes back to the rule. Raises Forbidden, ReportingRefused."""
    org = hold(org)
    _must_oversee(org, by)
    reason = reason.strip()
    if org.parent_id is None:
        raise ReportingRefused("最上级的组织没有上级，不设上报方式。")
    if way is not None and way not in Way.values:
        raise ReportingRefused("请选择上报方式。")
    if way is not None and not reason:
        raise ReportingRefused("请说明为什么与单位类别的规则不同。")
    if ProgressReport.objects.filter(organization=org, state=ReportState.SUBMITTED).exists():
        raise ReportingRefused(f"“{org.name}”有待接收的报表：请先接收或退回，再改上报方式。")
    found = ReportingUnit.objects.filter(organization=org).first()
    before = {"way": found.way if found else ""}
    if way is None:
        if found is not None:
            found.delete()
        found = None
    else:
        found = found or ReportingUnit(organization=org)
        found.way, found.reason, found.by = way, reason[:REASON_LENGTH], by
        found.save()
    audit.record(
        by, "设定上报方式", [org], summary=f"{org.name}：{reason}", changes={org.pk: (before, {"way": way or ""})}
    )
    return found


@transaction.atomic
def set_deadline(period: Period, *, due_on: datetime.date, closes_on: datetime.date, by: User | None) -> ReportDeadline:
    """The day on which annex 1 of a period is due, and the closing day. Raises Forbidden, ReportingRefused."""
    period = Period.objects.select_for_update(no_key=True).get(pk=period.pk)
    _administrators_only(by, "上报期限")
    if due_on < period.starts_on:
        raise ReportingRefused(f"上报期限不能早于点评期的第一天（{period.starts_on}）。")
    if closes_on < due_on:
        raise ReportingRefused("截止日不能早于上报期限。")
    found = ReportDeadline.objects.filter(period=period).first() or ReportDeadline(period=period)
    before = {"due_on": found.due_on, "closes_on": found.closes_on} if found.pk else {}
    found.due_on, found.closes_on = due_on, closes_on
    found.save()
    changes = {found.pk: (before, {"due_on": due_on, "closes_on": closes_on})}
    audit.record(by, "设定上报期限", [found], summary=f"{period.name}：{due_on}，截止 {closes_on}", changes=changes)
    return found


@transaction.atomic
def explain(org: Organization, period: Period, *, reason: str, by: User | None) -> ReportAbsence:
    """未报说明: why the superior sums up without this unit's report. Raises Forbidden, ReportingRefused."""
    org = hold(org)
    _must_oversee(org, by)
    reason = reason.strip()
    if not reason:
        raise ReportingRefused("请写明未报的原因。")
    why_not = why_not_explain(org, period)
    if why_not:
        raise ReportingRefused(why_not)
    found = ReportAbsence.objects.filter(organization=org, period=period).first()
    found = found or ReportAbsence(organization=org, period=period)
    before = {"reason": found.reason} if found.pk else {}
    found.reason, found.by, found.on = reason[:REASON_LENGTH], by, clock.today()
    found.save()
    changes = {org.pk: (before, {"reason": found.reason})}
    audit.record(by, "说明未报附件1", [org], summary=f"{org.name} {period.code}：{reason}", changes=changes)
    return found


def why_not_explain(org: Organization, period: Period) -> str:
    """What stands against an explanation; "" where nothing does."""
    if org.parent_id is None or way_of(org) == Way.NONE:
        return f"“{org.name}”不单独上报附件1，不需要说明。"
    why_not = why_not_expected(org, period)
    if why_not:
        return why_not
    sent = ProgressReport.objects.filter(organization=org, period=period)
    if sent.filter(state=ReportState.SUBMITTED).exists():
        return f"“{org.name}”有待接收的报表：请先接收或退回。"
    if sent.filter(state=ReportState.ACCEPTED).exists():
        return f"“{org.name}”本期已有接收的报表，汇总时按它计算，不需要说明。"
    return ""


@transaction.atomic
def withdraw_explanation(org: Organization, period: Period, *, by: User | None) -> None:
    """Take the explanation back; what was sent with it keeps it. Raises Forbidden, Stale."""
    org = hold(org)
    _must_oversee(org, by)
    found = ReportAbsence.objects.filter(organization=org, period=period).first()
    if found is None:
        raise Stale(f"“{org.name}”没有未报说明，可能已经撤销。")
    changes = {org.pk: ({"reason": found.reason}, {"reason": ""})}
    found.delete()
    audit.record(by, "撤销未报说明", [org], summary=f"{org.name} {period.code}", changes=changes)


@transaction.atomic
def extend(org: Organization, period: Period, *, until: datetime.date, reason: str, by: User | None) -> ReportExtension:
    """延期: this unit may still draft and send after the closing day, until a day. Raises Forbidden, ReportingRefused."""
    org = hold(org)
    _must_oversee(org, by)
    reason = reason.strip()
    if way_of(org) == Way.NONE:
        raise ReportingRefused(f"“{org.name}”不单独上报附件1，不需要延期。")
    why_not = why_not_expected(org, period)
    if why_not:
        raise ReportingRefused(why_not)
    if not reason:
        raise ReportingRefused("请写明延期的原因。")
    closes_on = deadline(period).closes_on
    if until <= closes_on or until < clock.today():
        raise ReportingRefused(f"延至的日期须在截止日（{closes_on}）之后，且不早于今天。")
    found = ReportExtension.objects.filter(organization=org, period=period).first()
    found = found or ReportExtension(organization=org, period=period)
    before = {"until": found.until} if found.pk else {}
    found.until, found.reason, found.by, found.on = until, reason[:REASON_LENGTH], by, clock.today()
    found.save()
    changes = {org.pk: (before, {"until": until, "reason": found.reason})}
    audit.record(by, "批准延期上报", [org], summary=f"{org.name} {period.code} 延至 {until}：{reason}", changes=changes)
    return found


def _must_oversee(org: Organization, by: User | None) -> None:
    """The superior's office and head; None is the system itself."""
    if by is not None and not oversees(by, org):
        raise Forbidden("只有上级组织的办公室或负责人可以这样做。")


def _administrators_only(by: User | None, what: str) -> None:
    if by is not None and not scope.seats(by).is_admin:
        raise Forbidden(f"只有系统管理员可以设定{what}。")
