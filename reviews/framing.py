"""What a round takes of all that the rules ask for: closed choices, one beside the other. Selects only.

The rules are asked as ever, and what they answer is narrowed: so a leftover rule takes no more in a round than in a
half-year, and the same duty has the same rule in both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from orgs.models import Organization, OrgType
from reviews.models import Period, Subject

if TYPE_CHECKING:
    from reviews.derive import Due


def organizations(period: Period) -> QuerySet[Organization]:
    """Those that the period is about, or whose heads, teams and members it is about; all, for a half-year."""
    found = Organization.objects.order_by()
    if period.below is not None:
        found = Organization.objects.below(period.below, include_self=True).order_by()
    if period.org_types:
        found = found.filter(org_type__in=period.org_types)
    if period.categories:
        found = found.filter(category__name__in=period.categories)
    return found


def is_about_some(period: Period) -> bool:
    """Not about all organisations."""
    return bool(period.below_id or period.org_types or period.categories)


def has(period: Period, org: Organization) -> bool:
    """The period is about this organisation."""
    return not is_about_some(period) or organizations(period).filter(pk=org.pk).exists()


def within(period: Period, prefix: str = "") -> Q:
    """The organisation at the path is one that the period is about, as a condition."""
    return Q(**{f"{prefix}pk__in": organizations(period).values("pk")}) if is_about_some(period) else Q()


def takes_rule(period: Period, code: str) -> bool:
    """The period takes the duties of this rule."""
    return not period.rule_codes or code in period.rule_codes


def takes_subject(period: Period, subject: str) -> bool:
    """The period takes duties towards this kind of target."""
    return not period.subjects or subject in period.subjects


def words(period: Period) -> list[str]:
    """What a round is limited to, each choice in a few words; nothing for one that takes all."""
    found = []
    if period.below is not None:
        found.append(f"“{period.below.name}”及其以下")
    if period.org_types:
        found.append("、".join(OrgType(value).label for value in period.org_types))
    if period.categories:
        found.append("、".join(period.categories))
    if period.subjects:
        found.append("只点评" + "、".join(Subject(value).label for value in period.subjects))
    if period.rule_codes:
        found.append("只按规则 " + "、".join(period.rule_codes))
    return found


class Frame:
    """The choices of a period, read once: what it takes of the duties that a rule asks for."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self.orgs = set(organizations(period).values_list("pk", flat=True)) if is_about_some(period) else None

    def takes(self, dues: Iterable[Due]) -> Iterable[Due]:
        """Those of a rule's duties that the period takes, if it takes the rule. Before they are merged: who heads two organisations, one of
        them outside, is due for the other."""
        if not self.period.is_narrowed:
            return dues
        return (
            due
            for due in dues
            if takes_subject(self.period, due.subject) and (self.orgs is None or due.about_org_id in self.orgs)
        )
