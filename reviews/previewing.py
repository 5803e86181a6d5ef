"""What a generation would do, or did, as it is shown: numbers by rule, and lines with names and reasons. Selects only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields

from django.db.models import Q, QuerySet

from orgs import directory
from orgs.models import Organization, Person
from reviews import explaining, rule_versions, set_aside
from reviews.aligning import Counts
from reviews.models import Duty, Generation, GenerationLine, GenerationState, Period, Rule, SetAside, Subject

FEW = 500  # ids in one condition, and lines named together


@dataclass(frozen=True)
class Row:
    """What happens to one rule's duties."""

    code: str
    clause: str
    counts: Counts


@dataclass(frozen=True)
class Shown:
    """A line by name, with why it comes or goes; `aside`: somebody set it aside."""

    pk: int
    rule_code: str
    is_added: bool
    reviewer: str
    acting: str
    subject: str
    target: str
    key: str
    about: str
    why: list[str] = field(default_factory=list)
    aside: SetAside | None = None


def rows(generation: Generation) -> list[Row]:
    """By rule, in the notice's order: what was done or, before that, what would be done now that lines were set aside."""
    is_done = generation.state == GenerationState.APPLIED and generation.done
    said = generation.done if is_done else generation.foreseen
    clauses = {rule.code: rule.clause for rule in rule_versions.governing(generation.period)}
    since = Counter() if is_done else _aside_since(generation)
    found = []
    for numbers in said:
        counts = Counts(**{each.name: numbers.get(each.name, 0) for each in fields(Counts)})
        code = numbers["code"]
        come, go = since[code, True], since[code, False]
        counts.added -= come
        counts.withdrawn -= go
        counts.kept += go
        counts.aside += come + go
        found.append(Row(code, clauses.get(code, "规则已不在"), counts))
    return found


def total(found: Iterable[Row]) -> Counts:
    """All rules together."""
    listed = [row.counts for row in found]
    return Counts(*(sum(getattr(counts, each.name) for counts in listed) for each in fields(Counts)))


def _aside_since(generation: Generation) -> Counter[tuple[str, bool]]:
    """Lines of the preview that were set aside after it was made, by rule and direction."""
    keys = set_aside.of(generation.period)
    persons = {person for found in keys.values() for _, _, person in found if person is not None}
    orgs = {org for found in keys.values() for _, org, _ in found if org is not None}
    counted: Counter[tuple[str, bool]] = Counter()
    for name, ids in (("target_person", persons), ("target_org", orgs)):
        listed = sorted(ids)
        for start in range(0, len(listed), FEW):
            lines = generation.lines.filter(**{f"{name}__in": listed[start : start + FEW]}).order_by()
            for code, is_added, *key in lines.values_list(
                "rule_code", "is_added", "reviewer_org", "target_org", "target_person"
            ):
                counted[code, is_added] += tuple(key) in keys.get((code, is_added), ())
    return counted


def lines(generation: Generation, *, rule: str = "", is_added: bool | None = None, text: str = "") -> QuerySet:
    """The lines of a generation: of one rule, one direction, or about whom or by whom the text names."""
    found = generation.lines.order_by("pk")
    if rule:
        found = found.filter(rule_code=rule)
    if is_added is not None:
        found = found.filter(is_added=is_added)
    if text:
        orgs = Organization.objects.filter(directory.named_organization(text)).order_by().values("pk")
        people = Person.objects.filter(directory.named_person(text)).order_by().values("pk")
        found = found.filter(
            Q(target_person__in=people) | Q(target_org__in=orgs) | Q(about_org__in=orgs) | Q(reviewer_org__in=orgs)
        )
    return found


def aside(period: Period) -> QuerySet[SetAside]:
    """What is set aside in a period, the latest first."""
    found = SetAside.objects.filter(period=period)
    return found.select_related("reviewer_org", "target_org", "target_person", "by__person")


def shown(found: Sequence[GenerationLine], period: Period) -> list[Shown]:
    """Some hundreds of lines; a fixed number of queries."""
    org_ids = {pk for line in found for pk in (line.reviewer_org, line.target_org, line.about_org) if pk}
    person_ids = {pk for line in found for pk in (line.acting, line.target_person) if pk}
    orgs, people = Organization.objects.in_bulk(org_ids), Person.objects.in_bulk(person_ids)
    rules = {rule.code: rule for rule in rule_versions.governing(period)}
    codes = {reason.get(name) for line in found for reason in line.reasons for name in ("org", "of", "by")} - {None}
    by_code = {org.code: org for org in Organization.objects.filter(code__in=codes)}
    targets = Q(target_org__in=org_ids) | Q(target_person__in=person_ids)
    known = {_key(one): one for one in aside(period).filter(targets)}
    made = []
    for line in found:
        reviewer, about = orgs.get(line.reviewer_org), orgs.get(line.about_org)
        target = orgs.get(line.target_org or 0) or people.get(line.target_person or 0)
        why = [line.ended] if line.ended else []
        if line.is_added and reviewer is not None and about is not None and target is not None:
            duty = _duty(line, rules.get(line.rule_code), reviewer, about, people)
            why = explaining.sentences(duty, by_code)
        made.append(
            Shown(
                line.pk, line.rule_code, line.is_added, reviewer.name if reviewer else "（已删除）",
                people[line.acting].name if line.acting in people else "", Subject(line.subject).label,
                target.name if target else "（已删除）",
                target.number if isinstance(target, Person) else target.code if target else "",
                about.name if about and line.target_person else "", why,
                known.get((line.rule_code, line.is_added, line.reviewer_org, line.target_org, line.target_person)),
            )
        )  # fmt: skip
    return made


def named(found: QuerySet[GenerationLine], period: Period) -> Iterator[Shown]:
    """All of them, some hundreds at a time."""
    last = 0
    while chunk := list(found.filter(pk__gt=last)[:FEW]):
        last = chunk[-1].pk
        yield from shown(chunk, period)


def _key(one: SetAside) -> tuple:
    return one.rule_code, one.is_added, one.reviewer_org_id, one.target_org_id, one.target_person_id


def _duty(
    line: GenerationLine, rule: Rule | None, reviewer: Organization, about: Organization, people: dict[int, Person]
) -> Duty:
    """The duty that the line would become, not stored, with what its explanation reads."""
    person = people.get(line.target_person or 0)
    return Duty(
        rule=rule, rule_code=line.rule_code, basis=rule.basis if rule else "", reviewer_kind=line.reviewer_kind,
        reviewer_org=reviewer, reviewer=None, acting=people.get(line.acting or 0), subject=line.subject,
        target_person=person, about_org=about, reasons=line.reasons,
    )  # fmt: skip
