"""Verbs of schemes: add one that ships with the software, make another one the active one, change its switches."""

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
from reviews import rules_editing
from reviews.models import ChecklistPoint, Duty, Grade, GradeOf, OfferedForm, Period, Rule, RuleSelector
from reviews.rule_versions import Switches, is_closed, switches_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from orgs.models import User
    from reviews.rules_editing import RulePreview

MOST_MONTHS = 12
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
    def forms(self) -> str:
        """The forms that it offers, in words."""
        return "、".join(form.name for form in self.scheme.forms.all() if form.is_on)

    @property
    def grades(self) -> str:
        """The grades that it has, in words; empty where it asks for none."""
        offered = [grade for grade in self.scheme.grades.all() if grade.is_on]
        found = {of: [grade.name for grade in offered if grade.of == of] for of in GradeOf}
        return "；".join(f"{of.label} {'、'.join(names)}" for of, names in found.items() if names)

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
    """新增方案: categories, rules, checklist, forms and grades of a shipped scheme; not active. Raises SchemeRefused, Forbidden."""
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
    OfferedForm.objects.bulk_create(
        OfferedForm(scheme=scheme, code=code, name=name, order=order)
        for order, (code, name) in enumerate(said["forms"].items(), start=1)
    )
    Grade.objects.bulk_create(
        Grade(scheme=scheme, of=of, name=name, order=order, most_percent=most)
        for of, grades in said["grades"].items()
        for order, (name, most) in enumerate(grades, start=1)
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


def preview_switches(scheme: Scheme, wanted: Switches, *, by: User | None) -> list[RulePreview]:
    """Which duties would come and go in the periods that follow the scheme. Writes nothing. Raises SchemeRefused, Forbidden."""
    _check(wanted, by)
    if not scheme.is_active:
        return []
    was = switches_of(scheme)

    def write() -> Callable[[Rule], bool]:
        Scheme.objects.filter(pk=scheme.pk).update(**wanted._asdict())
        of_members = wanted.leaders_as_members != was.leaders_as_members
        of_orgs = wanted.new_org_months != was.new_org_months
        return lambda rule: of_members and rule.targets_members or of_orgs and (rule.targets_org or rule.targets_head)

    return rules_editing.foreseen(write)


@transaction.atomic
def change_switches(scheme: Scheme, wanted: Switches, *, reason: str, by: User | None) -> Scheme:
    """修改方案设置. Duties follow when the half-year is generated; one that is over keeps what it was made with.

    Raises SchemeRefused, Forbidden.
    """
    _check(wanted, by)
    reason = reason.strip()
    if not reason or len(reason) > rules_editing.REASON:
        raise SchemeRefused(f"请写明修改原因（1 至 {rules_editing.REASON} 个字）。")
    scheme = Scheme.objects.select_for_update(no_key=True).get(pk=scheme.pk)
    was, now = switches_of(scheme)._asdict(), wanted._asdict()
    changed = [name for name in now if now[name] != was[name]]
    if not changed:
        return scheme
    for name in changed:
        setattr(scheme, name, now[name])
    scheme.save(update_fields=changed)
    values = {name: was[name] for name in changed}, {name: now[name] for name in changed}
    audit.record(by, "修改方案设置", [scheme], summary=f"{scheme}：{reason}", changes={scheme.pk: values})
    return scheme


def kept_otherwise(scheme: Scheme) -> list[Period]:
    """Half-years that are over and were made with other switches than the scheme has now, the latest first."""
    made = Period.objects.filter(new_org_months__isnull=False, rule_versions__rule__scheme=scheme).distinct()
    others = made.exclude(**switches_of(scheme)._asdict())
    return [period for period in others.order_by("-starts_on") if is_closed(period)]


def _check(wanted: Switches, by: User | None) -> None:
    _administrators_only(by)
    if not 0 <= wanted.new_org_months <= MOST_MONTHS:
        raise SchemeRefused(f"新建组织起评月数请填 0 至 {MOST_MONTHS}。")


def _administrators_only(by: User | None) -> None:
    if by is not None and not scope.seats(by).is_admin:
        raise Forbidden("只有系统管理员可以新增、启用和修改方案。")
