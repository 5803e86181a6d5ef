"""Versions of rules: kept whenever a rule is used or changed, so that a half-year keeps the rules it was made with, and
the switches of the scheme beside them.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from orgs import clock
from orgs.models import Category, Scheme
from reviews import rules
from reviews.models import Period, Rule, RuleSelector, RuleVersion

if TYPE_CHECKING:
    from orgs.models import User

FIELDS = (
    "code", "order", "clause", "text", "reviewer_kind", "reach", "targets_org", "targets_head", "targets_team",
    "targets_members", "is_leftover", "basis", "cadence", "joint", "assists_local_committee", "is_on",
)  # fmt: skip
DAYS = ("valid_from", "valid_to")


class Switches(NamedTuple):
    """What a scheme decides about duties beside its rules; fields as `Scheme` and `Period` have them."""

    leaders_as_members: bool  # A12
    new_org_months: int  # A22


def content_of(rule: Rule) -> dict[str, Any]:
    """Everything that the rule says, as plain values; equal for rules that say the same."""
    days = {name: getattr(rule, name).isoformat() if getattr(rule, name) else None for name in DAYS}
    ranges = [[row.side, row.category.name if row.category else "", row.org_type] for row in rule.sides()]
    return {name: getattr(rule, name) for name in FIELDS} | days | {"selectors": sorted(map(_plain, ranges))}


def rule_of(version: RuleVersion) -> Rule:
    """The rule as it was, with its selectors; not to be saved."""
    content = version.content
    days = {name: datetime.date.fromisoformat(content[name]) if content.get(name) else None for name in DAYS}
    scheme_id = version.rule.scheme_id
    rule = Rule(pk=version.rule_id, scheme_id=scheme_id, **{name: content[name] for name in FIELDS}, **days)
    known = {category.name: category for category in Category.objects.filter(scheme=scheme_id)}
    rule.kept_selectors = [
        RuleSelector(rule=rule, side=side, category=known.get(name), org_type=org_type)
        for side, name, org_type in content["selectors"]
        if not name or name in known
    ]
    return rule


def stamp(of: Iterable[Rule], *, by: User | None = None, reason: str = "") -> list[RuleVersion]:
    """The version of each rule that says what the rule says now; a new one where it was changed since the last."""
    wanted = list(of)
    latest: dict[int, RuleVersion] = {}
    for version in RuleVersion.objects.filter(rule__in=wanted).order_by("rule", "number"):
        latest[version.rule_id] = version
    found = []
    for rule in wanted:
        content, known = content_of(rule), latest.get(rule.pk)
        if known is None or known.content != content:
            number = known.number + 1 if known else 1
            known = RuleVersion.objects.create(rule=rule, number=number, content=content, by=by, reason=reason)
        found.append(known)
    return found


def is_closed(period: Period) -> bool:
    """Over (or a round that was closed), and made: from then on it keeps the rules that it was made with."""
    is_over = period.ends_on < clock.today() or period.closed_at is not None
    return period.pk is not None and is_over and period.rule_versions.exists()


def governing(period: Period) -> list[Rule]:
    """The rules of a half-year, those switched off as well: of one that is over, as they were when it was made."""
    if not is_closed(period):
        return rules.every()
    versions = period.rule_versions.select_related("rule")
    return sorted((rule_of(version) for version in versions), key=lambda rule: (rule.order, rule.code))


def switches_of(scheme: Scheme) -> Switches:
    """As the scheme has them now."""
    return Switches(*(getattr(scheme, name) for name in Switches._fields))


def switches(period: Period) -> Switches:
    """The switches of a half-year: the active scheme's; of one that is over, as they were when it was made. Raises NoScheme."""
    kept = Switches(*(getattr(period, name) for name in Switches._fields))
    return kept if None not in kept and is_closed(period) else switches_of(rules.scheme())


def bind(period: Period) -> None:
    """The half-year was made with the rules and switches as they are now. Nothing for one that is over and was made before."""
    if is_closed(period):
        return
    versions = stamp(rules.every())
    bound = set(period.rule_versions.values_list("pk", flat=True))
    if bound != {version.pk for version in versions}:
        period.rule_versions.set(versions)
    _keep(period, switches_of(rules.scheme()))


def _keep(period: Period, now: Switches) -> None:
    if any(getattr(period, name) != value for name, value in now._asdict().items()):
        for name, value in now._asdict().items():
            setattr(period, name, value)
        period.save(update_fields=Switches._fields)


def _plain(row: list[str]) -> list[str]:
    return [str(value) for value in row]
