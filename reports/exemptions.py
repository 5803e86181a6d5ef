"""Exemptions beside the rates: who need not be reached any more, with the reason and who approved it.

Counted live from the exempt duties and the explained leaders, of whom there are few: nothing stored that could differ.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from orgs import scope
from orgs.lists import Sheet
from orgs.models import Organization
from orgs.querysets import Subtrees, range_sql, segment_sql, stand_at, stand_sql, start_sql
from orgs.scope import in_range
from reviews.models import AcceptedGap, CoverageTarget, Duty, DutyStatus, Measure, Period

if TYPE_CHECKING:
    from orgs.models import User
    from reports.coverage import Unit

IDLE = "idle"  # the kind of gap: a leader without any duty

LOT = 2000  # rows read at once
DUTY_COLUMNS = [
    ("对象", 28), ("对象所在组织", 28), ("点评组织", 24), ("点评领导", 12), ("规则", 8), ("免除原因", 36), ("批准人", 16),
]  # fmt: skip
LEADER_COLUMNS = [("人员编号", 16), ("姓名", 16), ("单位及职务", 32), ("原因", 36), ("说明人", 16)]

DUTY, GAP, TARGET, ORG = (model._meta.db_table for model in (Duty, AcceptedGap, CoverageTarget, Organization))


def exempt(period: Period, org: Organization, measure: Measure) -> QuerySet[CoverageTarget]:
    """Targets of the measure in the subtree that are missing, and whose duties are all exempt (at least one is); and
    missing leaders without any duty whose office said why (A36: less those exempted with a reason).
    """
    return CoverageTarget.objects.filter(pk__in=RawSQL(f"SELECT target.id {_exempt_sql(period, org, measure)}", []))  # noqa: S608, S611 - of our own, from numbers


def among(period: Period, measure: Measure, targets: Collection[int]) -> set[int]:
    """Those of some targets of the measure, by id, that are exempt."""
    if not targets or not _is_any(period):
        return set()
    these = ", ".join(str(int(pk)) for pk in targets)
    return {pk for (pk,) in _rows(f"SELECT target.id {_exempt_sql(period, None, measure)} AND target.id IN ({these})")}  # noqa: S608 - of our own, from numbers


def counts(period: Period, org: Organization, orgs: Sequence[Organization | Unit]) -> dict[int, dict[Measure, int]]:
    """Organisation id -> exempt targets of its whole subtree, for some organisations at or below `org`.

    Statements of our own, because a page waits for them: to plan the second takes longer than to answer it, and to
    compose it by the ORM several times as long. So the first asks whether there is any.
    """
    found = {each.pk: dict.fromkeys(Measure, 0) for each in orgs}
    if not found or not _is_any(period):
        return found
    free = " UNION ALL ".join(
        f"SELECT target.measure, {stand_sql('org')} {_exempt_sql(period, org, measure)}"  # noqa: S608 - of our own, from numbers
        for measure in Measure
    )
    rows = _rows(
        f"""
        WITH asked AS (SELECT id, {stand_sql("org")} FROM {ORG} org WHERE id IN ({", ".join(map(str, found))}))
        SELECT asked.id, NULL, 0, 0, {stand_sql("asked")} FROM asked
        UNION ALL
        SELECT NULL, measure, count, {start_sql("segment", "asked")}, 0, 0, 0, 0
        FROM (
            SELECT {segment_sql("free", "asked")} AS segment, measure, COUNT(*) AS count FROM ({free}) free GROUP BY 1, 2
        ) counted
        """  # noqa: S608 - of our own, from numbers
    )
    subtrees = Subtrees((row[0], row[4:]) for row in rows if row[0] is not None)
    for pk, measure, count, place, *_stand in rows:
        if pk is None:
            for holder in subtrees.holding(stand_at(place)):
                found[holder][Measure(measure)] += count
    return found


def _is_any(period: Period) -> bool:
    return bool(_rows(f"SELECT 1 {_freed_sql(period)} UNION ALL SELECT 1 {_explained_sql(period)} LIMIT 1"))  # noqa: S608 - of our own, from numbers


def _exempt_sql(period: Period, org: Organization | None, measure: Measure) -> str:
    """FROM and WHERE: targets, as `target`, at their organisation, as `org`, in the subtree (without one: anywhere).

    It starts from the few exempt duties and is one measure's: with alternatives in it, every target would be read.
    """
    freed = _freed_sql(period)
    others = f"FROM {DUTY} WHERE period_id = {int(period.pk)} AND status <> '{DutyStatus.EXEMPT.value}'"
    if measure == Measure.LEADERS:
        who = (
            f"SELECT acting_id {freed} AND acting_id IS NOT NULL UNION SELECT person_id {_explained_sql(period)}"  # noqa: S608 - of our own, from numbers
            f" UNION SELECT reviewer_id {freed} AND acting_id IS NULL AND reviewer_id IS NOT NULL"
        )
        whose = (
            f"target.person_id IN ({who})"
            f" AND NOT EXISTS (SELECT 1 {others} AND acting_id = target.person_id)"
            f" AND NOT EXISTS (SELECT 1 {others} AND acting_id IS NULL AND reviewer_id = target.person_id)"
        )
    else:
        of, by = (
            ("organization_id", "target_org_id")
            if measure == Measure.ORGANIZATIONS
            else ("person_id", "target_person_id")
        )
        whose = (
            f"target.{of} IN (SELECT {by} {freed} AND {by} IS NOT NULL)"
            f" AND NOT EXISTS (SELECT 1 {others} AND {by} = target.{of})"
        )
    below = f" AND {range_sql('org', org)}" if org else ""
    return (
        f"FROM {TARGET} target JOIN {ORG} org ON org.id = target.organization_id"
        f" WHERE target.period_id = {int(period.pk)} AND target.measure = '{measure.value}' AND target.done_on IS NULL"
        f"{below} AND {whose}"
    )


def _freed_sql(period: Period) -> str:
    return f"FROM {DUTY} WHERE period_id = {int(period.pk)} AND status = '{DutyStatus.EXEMPT.value}'"


def _explained_sql(period: Period) -> str:
    return f"FROM {GAP} WHERE period_id = {int(period.pk)} AND kind = '{IDLE}' AND person_id IS NOT NULL"


def _rows(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def leaders(user: User, period: Period, org: Organization) -> QuerySet[AcceptedGap]:
    """The exempt leaders of the subtree that no duty stands for, with the reason, as far as the user sees names."""
    free = exempt(period, org, Measure.LEADERS).filter(scope.seen_people(user, "organization__")).order_by()
    found = AcceptedGap.objects.filter(period=period, kind=IDLE, person__in=free.values("person"))
    return found.select_related("person", "by__person").order_by("person__number")


def sheets(user: User, period: Period, org: Organization) -> list[Sheet]:
    """Both lists as a file."""
    freed, explained = duties(user, period, org), leaders(user, period, org)
    of_duties = (
        (
            duty.target_name, duty.about_org.name, duty.reviewer_org.display_name, duty.acting.name if duty.acting else "",
            duty.rule_code, duty.exempt_reason, duty.exempt_approved_by,
        )
        for duty in freed.iterator(chunk_size=LOT)
    )  # fmt: skip
    of_leaders = (
        (gap.person.number, gap.person.name, gap.person.title, gap.reason, gap.by.display_name)
        for gap in explained.iterator(chunk_size=LOT)
        if gap.person is not None
    )
    return [
        Sheet("免除的任务", DUTY_COLUMNS, of_duties, freed.count()),
        Sheet("没有任务、已说明原因的领导", LEADER_COLUMNS, of_leaders, explained.count()),
    ]


def duties(user: User, period: Period, org: Organization) -> QuerySet[Duty]:
    """The exempt duties of the subtree, as reviewer or as target, that the user may see."""
    here = Q(in_range(org, "about_org__")) | Q(in_range(org, "reviewer_org__"))
    found = Duty.objects.visible_to(user).filter(here, period=period, status=DutyStatus.EXEMPT)
    names = ("target_org", "target_person", "reviewer_org", "about_org", "acting", "reviewer")
    return found.select_related(*names).order_by("about_org", "rule_code", "pk")
