"""Exemptions beside the rates: who need not be reached any more, with the reason and who approved it.

Counted live from the exempt duties and the explained leaders, of whom there are few: nothing stored that could differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from orgs import scope
from orgs.models import Organization
from orgs.querysets import Subtrees, stand
from orgs.scope import in_range
from reviews.models import AcceptedGap, CoverageTarget, Duty, DutyStatus, Measure, Period

if TYPE_CHECKING:
    from orgs.models import User
    from reports.coverage import Unit

IDLE = "idle"  # the kind of gap: a leader without any duty


def exempt(period: Period, org: Organization, measure: Measure) -> QuerySet[CoverageTarget]:
    """Targets of the measure in the subtree that are missing, and whose duties are all exempt (at least one is); and
    missing leaders without any duty whose office said why (A36: less those exempted with a reason).

    A statement for each measure, because it starts from the few exempt duties: with alternatives, every target is read.
    """
    duties = Duty.objects.filter(period=period).order_by()
    freed, others = duties.filter(status=DutyStatus.EXEMPT), duties.exclude(status=DutyStatus.EXEMPT)
    found = CoverageTarget.objects.filter(
        in_range(org, "organization__"), period=period, measure=measure, done_on__isnull=True
    )
    if measure == Measure.ORGANIZATIONS:
        orgs = freed.filter(target_org__isnull=False).values("target_org")
        return found.filter(~Exists(others.filter(target_org=OuterRef("organization"))), organization__in=orgs)
    if measure == Measure.MEMBERS:
        members = freed.filter(target_person__isnull=False).values("target_person")
        return found.filter(~Exists(others.filter(target_person=OuterRef("person"))), person__in=members)
    acting = freed.filter(acting__isnull=False).values("acting")
    secretaries = freed.filter(acting__isnull=True, reviewer__isnull=False).values("reviewer")
    explained = AcceptedGap.objects.filter(period=period, kind=IDLE).order_by().values("person")
    return found.filter(
        ~Exists(others.filter(acting=OuterRef("person"))),
        ~Exists(others.filter(acting__isnull=True, reviewer=OuterRef("person"))),
        person__in=acting.union(secretaries, explained),
    )


def counts(period: Period, org: Organization, orgs: Iterable[Organization | Unit]) -> dict[int, dict[Measure, int]]:
    """Organisation id -> exempt targets of its whole subtree, for some organisations at or below `org`. Two queries."""
    asked = list(Organization.objects.filter(pk__in=[each.pk for each in orgs]).order_by().values_list("pk", *stand()))
    subtrees = Subtrees((pk, tuple(place)) for pk, *place in asked)
    found: dict[int, dict[Measure, int]] = defaultdict(lambda: dict.fromkeys(Measure, 0))
    free = [exempt(period, org, each).order_by().values_list("measure", *stand("organization__")) for each in Measure]
    for measure, *place in free[0].union(*free[1:], all=True):
        for pk in subtrees.holding(tuple(place)):
            found[pk][Measure(measure)] += 1
    return found


def leaders(user: User, period: Period, org: Organization) -> QuerySet[AcceptedGap]:
    """The exempt leaders of the subtree that no duty stands for, with the reason, as far as the user sees names."""
    free = exempt(period, org, Measure.LEADERS).filter(scope.seen_people(user, "organization__")).order_by()
    found = AcceptedGap.objects.filter(period=period, kind=IDLE, person__in=free.values("person"))
    return found.select_related("person", "by__person").order_by("person__number")


def duties(user: User, period: Period, org: Organization) -> QuerySet[Duty]:
    """The exempt duties of the subtree, as reviewer or as target, that the user may see."""
    here = Q(in_range(org, "about_org__")) | Q(in_range(org, "reviewer_org__"))
    found = Duty.objects.visible_to(user).filter(here, period=period, status=DutyStatus.EXEMPT)
    names = ("target_org", "target_person", "reviewer_org", "about_org", "acting", "reviewer")
    return found.select_related(*names).order_by("about_org", "rule_code", "pk")
