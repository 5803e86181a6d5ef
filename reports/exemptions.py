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


def exempt(period: Period, org: Organization) -> QuerySet[CoverageTarget]:
    """Targets in the subtree that are missing, and whose duties are all exempt (at least one is); and missing leaders
    without any duty whose office said why (A36: less those exempted with a reason).
    """
    duties = Duty.objects.filter(period=period).order_by()
    freed, others = duties.filter(status=DutyStatus.EXEMPT), duties.exclude(status=DutyStatus.EXEMPT)
    by_hand = {"acting__isnull": True}
    of_orgs = Q(
        measure=Measure.ORGANIZATIONS, organization__in=freed.filter(target_org__isnull=False).values("target_org")
    )
    of_members = Q(
        measure=Measure.MEMBERS, person__in=freed.filter(target_person__isnull=False).values("target_person")
    )
    of_leaders = Q(measure=Measure.LEADERS) & (
        Q(person__in=freed.filter(acting__isnull=False).values("acting"))
        | Q(person__in=freed.filter(**by_hand, reviewer__isnull=False).values("reviewer"))
        | Q(person__in=AcceptedGap.objects.filter(period=period, kind=IDLE).order_by().values("person"))
    )
    still = {
        Measure.ORGANIZATIONS: others.filter(target_org=OuterRef("organization")),
        Measure.MEMBERS: others.filter(target_person=OuterRef("person")),
    }
    missing = CoverageTarget.objects.filter(in_range(org, "organization__"), period=period, done_on__isnull=True)
    return missing.filter(
        (of_orgs & ~Exists(still[Measure.ORGANIZATIONS]))
        | (of_members & ~Exists(still[Measure.MEMBERS]))
        | (
            of_leaders
            & ~Exists(others.filter(acting=OuterRef("person")))
            & ~Exists(others.filter(**by_hand, reviewer=OuterRef("person")))
        )
    )


def counts(period: Period, org: Organization, orgs: Iterable[Organization | Unit]) -> dict[int, dict[Measure, int]]:
    """Organisation id -> exempt targets of its whole subtree, for some organisations at or below `org`. Two queries."""
    asked = list(Organization.objects.filter(pk__in=[each.pk for each in orgs]).order_by().values_list("pk", *stand()))
    subtrees = Subtrees((pk, tuple(place)) for pk, *place in asked)
    found: dict[int, dict[Measure, int]] = defaultdict(lambda: dict.fromkeys(Measure, 0))
    for measure, *place in exempt(period, org).order_by().values_list("measure", *stand("organization__")):
        for pk in subtrees.holding(tuple(place)):
            found[pk][Measure(measure)] += 1
    return found


def leaders(user: User, period: Period, org: Organization) -> QuerySet[AcceptedGap]:
    """The exempt leaders of the subtree that no duty stands for, with the reason, as far as the user sees names."""
    free = exempt(period, org).filter(scope.seen_people(user, "organization__"), measure=Measure.LEADERS).order_by()
    found = AcceptedGap.objects.filter(period=period, kind=IDLE, person__in=free.values("person"))
    return found.select_related("person", "by__person").order_by("person__number")


def duties(user: User, period: Period, org: Organization) -> QuerySet[Duty]:
    """The exempt duties of the subtree, as reviewer or as target, that the user may see."""
    here = Q(in_range(org, "about_org__")) | Q(in_range(org, "reviewer_org__"))
    found = Duty.objects.visible_to(user).filter(here, period=period, status=DutyStatus.EXEMPT)
    names = ("target_org", "target_person", "reviewer_org", "about_org", "acting", "reviewer")
    return found.select_related(*names).order_by("about_org", "rule_code", "pk")
