"""The rules compiled to querysets: which organisation reviews which. Selects only, writes nothing.

A rule row is a row of closed choices (domain.md, section 2); nothing of the notice stands in this module.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db.models import Q, QuerySet

from orgs.errors import DomainError
from orgs.models import Organization, Relation, Scheme
from orgs.querysets import within
from reviews.models import Reach, Rule, RuleSelector, Side


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
    rules = Rule.objects.filter(scheme__is_active=True, is_on=True).filter(within(on, "valid_from", "valid_to"))
    return list(rules.select_related("scheme").prefetch_related("selectors__category").order_by("order", "code"))


def every() -> list[Rule]:
    """All rules of the active scheme, those switched off as well."""
    return list(Rule.objects.filter(scheme__is_active=True).order_by("order", "code"))


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
    for selector in rule.selectors.all():
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


def reviewers(rule: Rule, on: datetime.date) -> QuerySet[Organization]:
    """Living organisations on the reviewing side."""
    return Organization.objects.alive(on).filter(selected(rule, Side.REVIEWER) or Q())


def named(rules: Iterable[Rule], on: datetime.date) -> Iterator[OrgRule]:
    """Each rule that names organisations, with its pairs; leftover rules last: they take what nobody else named."""
    rules = [rule for rule in rules if rule.targets_org or rule.targets_head]
    taken: set[int] = set()
    for rule in rules:
        if not rule.is_leftover:
            found = _joint(rule, on) if rule.is_joint else OrgRule(rule, _pairs(rule, on), {})
            taken.update(pair.target_id for pair in found.pairs)
            yield found
    for rule in rules:
        if rule.is_leftover:
            yield OrgRule(rule, [pair for pair in _superiors(rule, on) if pair.target_id not in taken], {})


def _pairs(rule: Rule, on: datetime.date, besides: Q | None = None) -> list[Pair]:
    targets = Organization.objects.alive(on).filter(selected(rule, Side.TARGET) or Q())
    if besides is not None:
        targets = targets.filter(besides)
    if rule.reach == Reach.BELOW:
        return [
            Pair(reviewer.pk, pk)
            for reviewer in reviewers(rule, on)
            for pk in targets.below(reviewer).order_by().values_list("pk", flat=True)
        ]
    path = "led_by" if rule.reach == Reach.FIELD else "parent"
    where = (selected(rule, Side.REVIEWER, f"{path}__") or Q()) & alive_at(on, f"{path}__")
    rows = targets.filter(where, relation=Relation.AFFILIATION, **{f"{path}__isnull": False})
    return [Pair(*row) for row in rows.order_by().values_list(f"{path}_id", "pk")]


def _joint(rule: Rule, on: datetime.date) -> OrgRule:
    """The co-reviewers stand directly under the reviewer; they are no targets of the rule themselves."""
    partners = Organization.objects.alive(on).filter(selected(rule, Side.CO_REVIEWER) or Q())
    rows = partners.filter(parent__in=reviewers(rule, on).values("pk")).order_by("code")
    co_reviewers: dict[int, list[int]] = {}
    for reviewer_id, pk in rows.values_list("parent_id", "pk"):
        co_reviewers.setdefault(reviewer_id, []).append(pk)
    excluded = {pk for partner_ids in co_reviewers.values() for pk in partner_ids}
    pairs = [pair for pair in _pairs(rule, on) if pair.target_id not in excluded]
    return OrgRule(rule, pairs, co_reviewers)


def _superiors(rule: Rule, on: datetime.date) -> list[Pair]:
    """Every organisation with its nearest living superior by affiliation (R6: 逐级点评)."""
    rows = Organization.objects.order_by().values_list("pk", "parent_id", "relation", "founded_on", "dissolved_on")
    known = {pk: (parent, relation, _lives(founded, ended, on)) for pk, parent, relation, founded, ended in rows}
    wanted = selected(rule, Side.TARGET)
    narrowed = None
    if wanted is not None:
        narrowed = set(Organization.objects.filter(wanted).values_list("pk", flat=True))
    pairs = []
    for pk, (_parent, _relation, lives) in known.items():
        if not lives or (narrowed is not None and pk not in narrowed):
            continue
        superior = _superior(pk, known)
        if superior is not None:
            pairs.append(Pair(superior, pk))
    return pairs


def _superior(pk: int, known: dict[int, tuple[int | None, str, bool]]) -> int | None:
    parent, relation, _ = known[pk]
    while parent is not None and relation == Relation.AFFILIATION:
        above, relation, lives = known[parent]
        if lives:
            return parent
        parent = above
    return None


def _lives(founded: datetime.date | None, ended: datetime.date | None, on: datetime.date) -> bool:
    return (founded is None or founded <= on) and (ended is None or on < ended)
