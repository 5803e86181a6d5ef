"""点评形式 and 等次 of the scheme: what there is to choose from, and the verbs that change it (R26, domain.md 5.9).

Whoever uses a form keeps its code and its name, a record the name of its grade: renaming or switching off changes
nothing that was written before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count

from orgs import audit, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import Scheme
from reviews.models import ContentKind, Grade, GradeOf, OfferedForm, Period, Record, ReviewForm

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    from orgs.models import User

NAME = 20
REASON = 200
MOST = 40  # rows of a list
OWN = "own-"  # how the code of a scheme's own form begins

OF_KIND = {
    ContentKind.TEAM: GradeOf.ORGANIZATION,
    ContentKind.BASE: GradeOf.ORGANIZATION,
    ContentKind.TEAM_HEAD: GradeOf.HEAD,
    ContentKind.BASE_HEAD: GradeOf.HEAD,
    ContentKind.MEMBER: GradeOf.MEMBER,
}

Row = OfferedForm | Grade


class VocabularyRefused(DomainError):
    """The list cannot be like this, or somebody changed it meanwhile."""


@dataclass(frozen=True)
class Line:
    """A form or a grade as typed. `pk`: of a row that there is; `of` and `most_percent` are a grade's."""

    name: str
    order: int = 0
    is_on: bool = True
    pk: int | None = None
    of: str = ""
    most_percent: int | None = None


# --- what there is to choose from -----------------------------------------------------------------------------------


def form_names(*, is_on: bool | None = None) -> dict[str, str]:
    """Code -> name of the active scheme's forms, in its order; with `is_on`, only those offered now."""
    found = OfferedForm.objects.filter(scheme__is_active=True).order_by("order", "pk")
    if is_on is not None:
        found = found.filter(is_on=is_on)
    return dict(found.values_list("code", "name"))


def forms(kept: str = "", kept_name: str = "") -> dict[str, str]:
    """Code -> name of what can be chosen: the forms offered now, and the one that was chosen before."""
    found = form_names(is_on=True)
    if kept and kept not in found:
        found[kept] = kept_name or kept
    return found


def usual_form(offered: Container[str], *, is_head: bool) -> str:
    """The code of what this kind of target mostly gets, where it is offered."""
    usual = ReviewForm.INDIVIDUAL if is_head else ReviewForm.MEETING
    return str(usual) if usual in offered else ""


def grades_of(kind: str) -> QuerySet[Grade]:
    """The grades that a record of this `ContentKind` may give, the best first; none where the scheme has none."""
    of = OF_KIND.get(ContentKind(kind))
    return Grade.objects.filter(scheme__is_active=True, is_on=True, of=of).order_by("order", "pk")


def kinds_graded() -> list[GradeOf]:
    """The kinds of targets for which the scheme offers grades."""
    offered = set(Grade.objects.filter(scheme__is_active=True, is_on=True).order_by().values_list("of", flat=True))
    return [of for of in GradeOf if of in offered]


def grades(record: Record) -> list[str]:
    """Names of the grades that the record may give, and the one that it gave before."""
    found = list(grades_of(record.kind).values_list("name", flat=True))
    return [*found, record.grade] if record.grade and record.grade not in found else found


def graded(period: Period, of: GradeOf) -> QuerySet[Record]:
    """Reviews that count in the half-year and gave a grade to this kind of target."""
    kinds = [kind for kind, whom in OF_KIND.items() if whom == of]
    return Record.objects.counted().counting_in(period).filter(kind__in=kinds).exclude(grade="").order_by()


def advice(record: Record) -> str:
    """What to think of before giving the grade: how many at most, and how many it has among those beside."""
    limited = [grade for grade in grades_of(record.kind) if grade.most_percent]
    if not limited:
        return ""
    beside = graded(record.review.period, OF_KIND[ContentKind(record.kind)]).filter(about_org=record.about_org)
    counts = dict(beside.values_list("grade").annotate(Count("pk")))
    every = sum(counts.values())
    said = [
        f"“{grade.name}”一般不超过 {grade.most_percent}%：本组织本期已评 {every}，其中“{grade.name}” {counts.get(grade.name, 0)}"
        for grade in limited
    ]
    return "；".join(said) + "。"


# --- verbs ----------------------------------------------------------------------------------------------------------


def digest(rows: Sequence[Row]) -> str:
    """Names a state of a list, so that nothing is written over what somebody else changed."""
    return hashlib.sha256(repr([(row.pk, *_said(row).items()) for row in rows]).encode()).hexdigest()[:24]


@transaction.atomic
def change_forms(scheme: Scheme, lines: Sequence[Line], *, base: str, reason: str, by: User | None) -> Scheme:
    """修改点评形式: rename, reorder, switch off and on, add. `base`: the digest of the list that this started from.

    A new form gets a code of its own. Rows that are not named stay as they are; nothing is deleted.
    Raises VocabularyRefused, Forbidden.
    """
    lines, reason = _checked(lines, reason, by)
    scheme = Scheme.objects.select_for_update(no_key=True).get(pk=scheme.pk)
    rows = list(scheme.forms.all())
    used = {row.code for row in rows}
    free = (f"{OWN}{number}" for number in range(1, MOST + len(rows) + 1) if f"{OWN}{number}" not in used)
    made = [OfferedForm(scheme=scheme, code=next(free)) for line in lines if line.pk is None]
    before, after = _spelt(rows), _written(rows, made, lines, base)
    if not any(row.is_on for row in after):
        raise VocabularyRefused("至少启用一种点评形式。")
    _put(OfferedForm, rows, made, ["name", "order", "is_on"])
    changes = {scheme.pk: ({"forms": before}, {"forms": _spelt(after)})}
    audit.record(by, "修改点评形式", [scheme], summary=f"{scheme}：{reason}", changes=changes)
    return scheme


@transaction.atomic
def change_grades(scheme: Scheme, lines: Sequence[Line], *, base: str, reason: str, by: User | None) -> Scheme:
    """修改评定等次. As `change_forms`; a list without any grade switched on asks for none. Raises VocabularyRefused, Forbidden."""
    lines, reason = _checked(lines, reason, by)
    for line in lines:
        if line.of not in GradeOf.values:
            raise VocabularyRefused(f"等次“{line.name}”请选择对象：党组织、负责人或党员。")
        if line.most_percent is not None and not 1 <= line.most_percent <= 99:
            raise VocabularyRefused(f"等次“{line.name}”的比例上限请填 1 至 99，不限请留空。")
    scheme = Scheme.objects.select_for_update(no_key=True).get(pk=scheme.pk)
    rows = list(scheme.grades.all())
    made = [Grade(scheme=scheme) for line in lines if line.pk is None]
    before, after = _spelt(rows), _written(rows, made, lines, base)
    _put(Grade, rows, made, ["of", "name", "order", "most_percent", "is_on"])
    changes = {scheme.pk: ({"grades": before}, {"grades": _spelt(after)})}
    audit.record(by, "修改评定等次", [scheme], summary=f"{scheme}：{reason}", changes=changes)
    return scheme


def _checked(lines: Sequence[Line], reason: str, by: User | None) -> tuple[list[Line], str]:
    if by is not None and not scope.seats(by).is_admin:
        raise Forbidden("只有系统管理员可以修改方案的点评形式和等次。")
    reason = reason.strip()
    if not reason or len(reason) > REASON:
        raise VocabularyRefused(f"请写明修改原因（1 至 {REASON} 个字）。")
    found = [line for line in lines if line.name.strip() or line.pk is not None]
    for line in found:
        if not line.name.strip():
            raise VocabularyRefused("名称不能空白；不再使用的，请取消“启用”。")
        if len(line.name.strip()) > NAME:
            raise VocabularyRefused(f"“{line.name.strip()[:NAME]}…”太长：名称最多 {NAME} 个字。")
        if not 0 <= line.order <= 999:
            raise VocabularyRefused(f"“{line.name}”的排序请填 0 至 999。")
    return found, reason


def _written(rows: Sequence[Row], made: Sequence[Row], lines: Sequence[Line], base: str) -> list[Row]:
    """The rows and the new ones, with what was typed in them; all of the list. Raises VocabularyRefused."""
    if digest(rows) != base:
        raise VocabularyRefused("这张表刚刚被别人改过，您的修改没有保存。请重新打开后再改。")
    if len(rows) + len(made) > MOST:
        raise VocabularyRefused(f"最多 {MOST} 行。")
    known, fresh = {row.pk: row for row in rows}, iter(made)
    for line in lines:
        row = next(fresh) if line.pk is None else known.get(line.pk)
        if row is None:
            raise VocabularyRefused(f"“{line.name}”不在这个方案里，请重新打开后再改。")
        row.name, row.order, row.is_on = line.name.strip(), line.order, line.is_on
        if isinstance(row, Grade):
            row.of, row.most_percent = line.of, line.most_percent
    after = [*rows, *made]
    names = [(getattr(row, "of", ""), row.name) for row in after]
    if twice := next((name for of, name in names if names.count((of, name)) > 1), None):
        raise VocabularyRefused(f"“{twice}”重复了，请改名，或取消“启用”多余的一个之后改名。")
    return after


def _put(model: type[Model], rows: Sequence[Row], made: Sequence[Row], fields: list[str]) -> None:
    """Two may have changed names with each other: each first gets a name that nobody has."""
    names = {row.pk: row.name for row in rows}
    for row in rows:
        row.name = f"~{row.pk}"
    model._default_manager.bulk_update(rows, ["name"])
    for row in rows:
        row.name = names[row.pk]
    model._default_manager.bulk_update(rows, fields)
    model._default_manager.bulk_create(made)


def _spelt(rows: Sequence[Row]) -> str:
    """The list in words."""
    words = []
    for row in sorted(rows, key=lambda row: (getattr(row, "of", ""), row.order)):
        of = row.get_of_display() if isinstance(row, Grade) else ""
        most = f"≤{row.most_percent}%" if isinstance(row, Grade) and row.most_percent else ""
        words.append(f"{of}{row.name}{most}{'' if row.is_on else '（停用）'}")
    return "、".join(words)


def _said(row: Row) -> dict[str, Any]:
    names = (
        ("of", "name", "order", "most_percent", "is_on")
        if isinstance(row, Grade)
        else ("code", "name", "order", "is_on")
    )
    return {name: getattr(row, name) for name in names}
