"""The rules compiled to querysets: which organisation reviews which. Selects only, writes nothing.

A rule row is a row of closed choices (domain.md, section 2); nothing of the notice stands in this module.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from django.db.models import Q, QuerySet

from orgs.errors import DomainError
from orgs.models import Organization, Relation, Scheme
from orgs.querysets import pairs_below, within
from reviews.models import Reach, Rule, RuleSelector, Side

DEEPEST = 20  # levels of a tree (contracts.md, section 1)


class Pair(NamedTuple):
    """A reviewing organisation and a target organisation, by id."""

    reviewer_id: int
    target_id: int


class OrgRule(NamedTuple):
    """A rule that names organisations, with its pairs and the joint reviewers' ids (empty: not joint)."""

    rule: Rule
    pairs: list[Pair]
    co_reviewers: dict[int, list[int]]  # reviewer -> the organisations that review jointly with it


def active(on: datetime.date) -> list[Rule]:
    """Rules of the active scheme that hold on this day, in the notice's order."""
    return [rule for rule in every() if holds(rule, on)]


def holds(rule: Rule, on: datetime.date) -> bool:
    """Switched on, and the day lies within its days."""
    begun = rule.valid_from is None or rule.valid_from <= on
    return rule.is_on and begun and (rule.valid_to is None or on < rule.valid_to)


def every() -> list[Rule]:
    """All rules of the active scheme, those switched off as well."""
    rules = Rule.objects.filter(scheme__is_active=True)
    return list(rules.select_related("scheme").prefetch_related("selectors__category").order_by("order", "code"))


class NoScheme(DomainError):
    """No scheme is active, so there are no rules."""


def scheme() -> Scheme:
    """The active scheme. Raises NoScheme."""
    found = Scheme.objects.filter(is_active=True).first()
    if found is None:
        raise NoScheme("没有启用的方案，不能推定点评任务。请先在后台启用一个方案。")
    return found


def selected(rule: Rule, side: str, prefix: str = "") -> Q | None:
    """Organisations on one side of a rule, as a condition on the path `prefix`; None when the side is not narrowed."""
    found: Q | None = None
    for selector in rule.sides():
        if selector.side == side:
            condition = _condition(selector, prefix)
            found = condition if found is None else found | condition
    return found


def _condition(selector: RuleSelector, prefix: str) -> Q:
    condition = Q()
    if selector.category_id is not None:
        condition &= Q(**{f"{prefix}category": selector.category_id})
    if selector.org_type:
        condition &= Q(**{f"{prefix}org_type": selector.org_type})
    return condition


def alive_at(on: datetime.date, prefix: str) -> Q:
    """The organisation at the path exists on this day."""
    return within(on, f"{prefix}founded_on", f"{prefix}dissolved_on")


def reviewers(rule: Rule, on: datetime.date, by: Collection[int] | None = None) -> QuerySet[Organization]:
    """Living organisations on the reviewing side; of those in `by`, where it is given."""
    found = Organization.objects.alive(on).filter(selected(rule, Side.REVIEWER) or Q())
    return found if by is None else found.filter(pk__in=by)


def named(
    rules: Iterable[Rule], on: datetime.date, only: Q | None = None, by: Collection[int] | None = None
) -> Iterator[OrgRule]:
    """Each rule that names organisations, with its pairs; leftover rules last: they take what nobody else named.

    `only` narrows the targets, `by` the reviewers (joint ones stay together: those of a reviewer in `by`). A fixed
    number of queries for each rule, however many organisations there are.
    """
    rules = [rule for rule in rules if rule.targets_org or rule.targets_head]
    targets = Organization.objects.alive(on).filter(only or Q())
    taken: set[int] = set()
    for rule in rules:
        if not rule.is_leftover:
            found = _joint(rule, on, targets, by) if rule.is_joint else OrgRule(rule, _pairs(rule, on, targets, by), {})
            taken.update(pair.target_id for pair in found.pairs)
            yield found
    for rule in rules:
        if rule.is_leftover:
            left = [pair for pair in _superiors(rule, on, targets, by) if pair.target_id not in taken]
            if by is not None and left:
                # Those that a rule names for a reviewer who is not asked about are taken as well.
                others = [other for other in rules if not other.is_leftover]
                of_left = (only or Q()) & Q(pk__in=[pair.target_id for pair in left])
                taken.update(pair.target_id for found in named(others, on, of_left) for pair in found.pairs)
                left = [pair for pair in left if pair.target_id not in taken]
            yield OrgRule(rule, left, {})


def _pairs(
    rule: Rule, on: datetime.date, targets: QuerySet[Organization], by: Collection[int] | None = None
) -> list[Pair]:
    targets = targets.filter(selected(rule, Side.TARGET) or Q())
    if rule.reach == Reach.BELOW:
        return [Pair(*row) for row in pairs_below(reviewers(rule, on, by), targets)]
    path = "led_by" if rule.reach == Reach.FIELD else "parent"
    where = (selected(rule, Side.REVIEWER, f"{path}__") or Q()) & alive_at(on, f"{path}__")
    rows = targets.filter(where, relation=Relation.AFFILIATION, **{f"{path}__isnull": False})
    if by is not None:
        rows = rows.filter(**{f"{path}__in": by})
    return [Pair(*row) for row in rows.order_by().values_list(f"{path}_id", "pk")]


def _joint(
    rule: Rule, on: datetime.date, targets: QuerySet[Organization], by: Collection[int] | None = None
) -> OrgRule:
    found = co_reviewers(rule, on)
    excluded = [pk for partner_ids in found.values() for pk in partner_ids]
    return OrgRule(rule, _pairs(rule, on, targets.exclude(pk__in=excluded), by), found)


def co_reviewers(rule: Rule, on: datetime.date) -> dict[int, list[int]]:
    """Of a joint rule: those who stand directly under a reviewer, by it; they are no targets of the rule themselves."""
    partners = Organization.objects.alive(on).filter(selected(rule, Side.CO_REVIEWER) or Q())
    rows = partners.filter(parent__in=reviewers(rule, on).order_by().values("pk")).order_by("code")
    found: dict[int, list[int]] = {}
    for reviewer_id, pk in rows.values_list("parent_id", "pk"):
        found.setdefault(reviewer_id, []).append(pk)
    return found


def _superiors(
    rule: Rule, on: datetime.date, targets: QuerySet[Organization], by: Collection[int] | None = None
) -> list[Pair]:
    """Every organisation with its nearest living superior by affiliation (R6: 逐级点评).

    One query for those whose parent lives, and one for each dissolved superior that must be passed over in a row.
    """
    targets = targets.filter(selected(rule, Side.TARGET) or Q(), relation=Relation.AFFILIATION).order_by()
    pairs: list[Pair] = []
    path = "parent"
    for _ in range(DEEPEST):
        targets = targets.filter(**{f"{path}__isnull": False})
        rows = targets.filter(alive_at(on, f"{path}__"))
        if by is not None:
            rows = rows.filter(**{f"{path}__in": by})
        pairs += [Pair(*row) for row in rows.values_list(f"{path}__pk", "pk")]
        targets = targets.filter(~alive_at(on, f"{path}__"), **{f"{path}__relation": Relation.AFFILIATION})
        path = f"{path}__parent"
        if not targets.exists():
            break
    return pairs
