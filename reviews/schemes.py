"""Verbs of schemes: add one that ships with the software, and make another one the active one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count

from orgs import audit, scope, tree
from orgs.errors import DomainError, Forbidden
from orgs.models import Category, Organization, Scheme
from reviews.models import ChecklistPoint, Duty, Rule, RuleSelector

if TYPE_CHECKING:
    from orgs.models import User

SHIPPED = Path(__file__).parent / "schemes_shipped"


class SchemeRefused(DomainError):
    """The scheme is not there, is there already, or cannot become the active one."""


@dataclass(frozen=True)
class Switch:
    """What stands in the way of a scheme, and what would become of the duties."""

    scheme: Scheme
    in_use: list[tuple[str, int]]  # categories of other schemes, with how many organisations have them
    duties: int  # of rules of other schemes, in half-years whose duties were derived

    @property
    def organizations(self) -> int:
        """How many organisations have a category of another scheme."""
        return sum(number for _, number in self.in_use)

    @property
    def is_possible(self) -> bool:
        """No organisation would be left with a category that its scheme does not know."""
        return not self.in_use and not self.scheme.is_active


def to_add() -> list[dict[str, Any]]:
    """Schemes that ship with the software and are not in the database."""
    known = set(Scheme.objects.values_list("code", flat=True))
    shipped = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SHIPPED.glob("*.json"))]
    return [scheme for scheme in shipped if scheme["code"] not in known]


@transaction.atomic
def add(code: str, *, by: User | None) -> Scheme:
    """新增方案: categories, rules and checklist of a shipped scheme; not active. Raises SchemeRefused, Forbidden."""
    _administrators_only(by)
    said = next((one for one in to_add() if one["code"] == code), None)
    if said is None:
        raise SchemeRefused(f"方案“{code}”已经有了，或不随系统提供。")
    facts = {name: said[name] for name in ("code", "name", "basis", "activity_name", "system_name")}
    scheme = Scheme.objects.create(**facts)
    categories = {
        row["name"]: Category.objects.create(scheme=scheme, order=order, **row)
        for order, row in enumerate(said["categories"], start=1)
    }
    for order, row in enumerate(said["rules"], start=1):
        plain = {name: value for name, value in row.items() if name not in ("targets", "selectors")}
        targets = {f"targets_{name}": True for name in row["targets"]}
        rule = Rule.objects.create(scheme=scheme, order=order, **plain, **targets)
        RuleSelector.objects.bulk_create(
            RuleSelector(rule=rule, side=side, category=categories.get(name), org_type=org_type)
            for side, name, org_type in row["selectors"]
        )
    ChecklistPoint.objects.bulk_create(
        ChecklistPoint(scheme=scheme, kind=kind, order=order, text=text, is_stressed=stressed, clause=part["clause"])
        for kind, part in said["checklist"].items()
        for order, (text, stressed) in enumerate(part["points"], start=1)
    )
    audit.record(by, "新增方案", [scheme])
    return scheme


def switch(scheme: Scheme) -> Switch:
    """What making it the active one would meet. Selects only."""
    others = Organization.objects.exclude(category__scheme=scheme).order_by()
    counted = others.values("category__name").annotate(number=Count("pk")).order_by("category__order")
    duties = Duty.objects.filter(rule__isnull=False).exclude(rule__scheme=scheme).count()
    return Switch(scheme, [(row["category__name"], row["number"]) for row in counted], duties)


@transaction.atomic
def activate(scheme: Scheme, *, by: User | None) -> Scheme:
    """启用方案. Refused while organisations have categories of another scheme: no rule would name them rightly."""
    _administrators_only(by)
    tree.lock()  # nobody adds an organisation meanwhile
    known = switch(scheme)
    if known.in_use:
        named = "、".join(f"{name} {number} 个" for name, number in known.in_use[:5])
        raise SchemeRefused(
            f"还有 {known.organizations} 个组织用着其他方案的单位类别（{named}），不能启用“{scheme}”。"
            "换方案请用空的数据库，或先把这些组织改为新方案的类别。"
        )
    Scheme.objects.filter(is_active=True).exclude(pk=scheme.pk).update(is_active=False)
    Scheme.objects.filter(pk=scheme.pk).update(is_active=True)
    scheme.refresh_from_db()
    audit.record(by, "启用方案", [scheme])
    return scheme


def _administrators_only(by: User | None) -> None:
    if by is not None and not scope.seats(by).is_admin:
        raise Forbidden("只有系统管理员可以新增和启用方案。")
