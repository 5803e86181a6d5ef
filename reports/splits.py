"""Coverage and duties of a subtree split by rule, form, category and window units; what was on time and what late."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass, replace

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from orgs.models import Organization
from orgs.scope import in_range
from reports.coverage import Figure, Figures
from reviews import coverage as targets
from reviews import vocabulary
from reviews.models import CoverageTarget, Duty, DutyStatus, Grade, GradeOf, Measure, Period, Record


@dataclass(frozen=True)
class RuleSplit:
    """The duties towards a subtree's organisations and people under one rule."""

    code: str
    total: int
    done: int
    late: int  # done, but held after its day or entered after the period
    exempt: int
    overdue: int

    @property
    def figure(self) -> Figure:
        """With exemptions: an exempt duty is due, and not done."""
        return Figure(self.total, self.done)

    @property
    def without_exempt(self) -> Figure:
        """Without exemptions: an exempt duty is not due."""
        return Figure(self.total - self.exempt, self.done)


def rule_name(code: str) -> str:
    """规则 1A; 指派 where a duty was assigned by hand."""
    return "指派" if code == "X" else f"规则 {code}"


def by_rule(period: Period, org: Organization, on: datetime.date) -> list[RuleSplit]:
    """Duties by rule, in the order of their codes. Two queries."""
    duties = Duty.objects.filter(in_range(org, "about_org__"), period=period).order_by()
    in_time = Record.objects.counted().filter(duties=OuterRef("pk"), review__held_on__lte=OuterRef("due_on"))
    late = duties.filter(~Exists(in_time.entered_by_end_of(period.ends_on)), status=DutyStatus.DONE)
    late_ones = dict(late.values_list("rule_code").annotate(Count("pk")))
    rows = duties.values_list("rule_code").annotate(
        total=Count("pk"),
        done=Count("pk", filter=Q(status=DutyStatus.DONE)),
        exempt=Count("pk", filter=Q(status=DutyStatus.EXEMPT)),
        overdue=Count("pk", filter=Q(status=DutyStatus.PENDING, due_on__lt=on)),
    )
    return [
        RuleSplit(code, total, done, late_ones.get(code, 0), exempt, overdue)
        for code, total, done, exempt, overdue in sorted(rows)
    ]


@dataclass(frozen=True)
class FormSplit:
    """The reviews that were held in one form."""

    code: str
    name: str
    reviews: int = 0
    orgs: int = 0  # different ones
    persons: int = 0


def by_form(period: Period, org: Organization) -> list[FormSplit]:
    """What counts, by form: those that the scheme offers, then what was used else, under the name it had."""
    rows = Record.objects.counted().counting_in(period).filter(in_range(org, "about_org__")).order_by()
    counted = rows.values_list("review__form").annotate(
        Max("review__form_name"),
        every=Count("pk"),
        orgs=Count("target_org", distinct=True),
        persons=Count("target_person", distinct=True),
    )
    found = {code: FormSplit(code, name or "（未写形式）", *numbers) for code, name, *numbers in counted}
    offered = vocabulary.form_names(is_on=True)
    named = [replace(found.pop(code, FormSplit(code, name)), name=name) for code, name in offered.items()]
    return named + sorted(found.values(), key=lambda split: (not split.code, split.code))


@dataclass(frozen=True)
class GradeSplit:
    """Those whose last grade in the half-year is this one."""

    of: GradeOf
    name: str
    count: int
    graded: int  # all of this kind who got any
    most_percent: int | None

    @property
    def figure(self) -> Figure:
        """Its share of the graded."""
        return Figure(self.graded, self.count)

    @property
    def is_too_many(self) -> bool:
        """More than the scheme wants."""
        return self.most_percent is not None and self.count * 100 > self.graded * self.most_percent


def last_graded(period: Period, org: Organization, of: GradeOf) -> QuerySet[Record]:
    """Of each target of this kind in the subtree, its last review of the half-year that gave a grade."""
    graded = vocabulary.graded(period, of).filter(in_range(org, "about_org__"))
    newest = Window(
        RowNumber(),
        partition_by=[F("target_org"), F("target_person")],
        order_by=[F("review__held_on").desc(nulls_last=True), F("pk").desc()],
    )
    last = graded.annotate(place=newest).filter(place=1)
    return Record.objects.filter(pk__in=last.values("pk")).order_by()


def by_grade(period: Period, org: Organization) -> list[GradeSplit]:
    """The grades of the scheme with how many have them, then those that were given and are no longer offered."""
    offered = Grade.objects.filter(scheme__is_active=True, is_on=True).order_by("order", "pk")
    limits = {(grade.of, grade.name): grade.most_percent for grade in offered}
    found = []
    for of in GradeOf:
        counts = dict(last_graded(period, org, of).values_list("grade").annotate(Count("pk")))
        names = [name for whom, name in limits if whom == of]
        names += sorted(set(counts) - set(names))
        graded = sum(counts.values())
        found += [GradeSplit(of, name, counts.get(name, 0), graded, limits.get((of, name))) for name in names]
    return found


def by_category(period: Period, org: Organization) -> list[tuple[str, Figures]]:
    """Category -> figures of the subtree's targets, in the scheme's order."""
    return _by(period, org, "organization__category__order", "organization__category__name")


def by_window(period: Period, org: Organization) -> list[tuple[str, Figures]]:
    """Window units and the others."""
    words = {True: "窗口单位", False: "其他单位"}
    return [(words[name], figures) for name, figures in reversed(_by(period, org, "organization__is_window_unit"))]


def done_by_day(period: Period, org: Organization) -> dict[Measure, dict[datetime.date, int]]:
    """How many were reached for the first time on each day."""
    done = _targets(period, org).filter(done_on__isnull=False)
    found: dict[Measure, dict[datetime.date, int]] = {measure: {} for measure in Measure}
    for measure, day, count in done.values_list("measure", "done_on").annotate(Count("pk")):
        found[Measure(measure)][day] = count
    return found


def late(period: Period, org: Organization, on: datetime.date) -> dict[Measure, int]:
    """Reached within the period, but entered only after it: every record that covers them was confirmed later."""
    if on <= period.ends_on:
        return dict.fromkeys(Measure, 0)
    return {measure: late_targets(period, org, measure).count() for measure in Measure}


def late_targets(period: Period, org: Organization, measure: Measure) -> QuerySet[CoverageTarget]:
    """Who they are; none before the period is over."""
    in_time = Record.objects.counted().entered_by_end_of(period.ends_on)
    done = _targets(period, org).filter(done_on__isnull=False, measure=measure)
    return done.exclude(targets.covered(measure, in_time, period))


def _targets(period: Period, org: Organization) -> QuerySet[CoverageTarget]:
    return CoverageTarget.objects.filter(in_range(org, "organization__"), period=period).order_by()


def _by(period: Period, org: Organization, *path: str) -> list:
    """Figures by the last of some fields, in the order of all."""
    found: dict[tuple, Figures] = defaultdict(lambda: {measure: Figure() for measure in Measure})
    rows = _targets(period, org).values_list(*path, "measure").annotate(all=Count("pk"), covered=Count("done_on"))
    for *key, measure, due, done in rows:
        found[tuple(key)][Measure(measure)] = Figure(due, done)
    return [(key[-1], found[key]) for key in sorted(found)]
