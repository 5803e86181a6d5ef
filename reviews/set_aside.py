"""搁置: single lines of a preview that are not carried out, each with a reason and a name, for the rest of the period.

Every generation, every change that duties follow and every preview respects them (`reviews.aligning`). Who is not
reviewed for it is still due, and stands on the list of gaps: the notice leaves nobody out.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from orgs import audit, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import Organization, Person
from reviews.models import GenerationLine, GenerationState, Period, SetAside

if TYPE_CHECKING:
    from orgs.models import User

REASON = 200

Key = tuple[int, int | None, int | None]  # reviewing organisation, target organisation, target person
Keys = dict[tuple[str, bool], set[Key]]  # of a rule, new or going: what is not to be carried out


class SetAsideRefused(DomainError):
    """It cannot be set aside as it is."""


def of(period: Period) -> Keys:
    """What is set aside in a period. One query."""
    found: Keys = defaultdict(set)
    if period.pk is None:
        return found
    rows = SetAside.objects.filter(period=period.pk).order_by()
    for code, is_added, *key in rows.values_list(
        "rule_code", "is_added", "reviewer_org_id", "target_org_id", "target_person_id"
    ):
        found[code, is_added].add((key[0], key[1], key[2]))
    return found


@transaction.atomic
def set_aside(line: GenerationLine, *, reason: str, by: User) -> SetAside:
    """搁置 a line of a preview: this duty is not made, or not withdrawn. Raises SetAsideRefused, Forbidden."""
    _administrators_only(by)
    reason = reason.strip()
    if not reason or len(reason) > REASON:
        raise SetAsideRefused(f"请写明搁置的原因（1 至 {REASON} 个字），例如“正在筹建，下期再评”。")
    if line.generation.state != GenerationState.PREVIEWED:
        raise SetAsideRefused("这次预览已经生成或取消，不能再搁置；需要时请重新预览。")
    there = Organization.objects.filter(pk=line.reviewer_org).exists() and (
        Organization.objects.filter(pk=line.target_org).exists()
        if line.target_org is not None
        else Person.objects.filter(pk=line.target_person or 0).exists()
    )
    if not there:
        raise SetAsideRefused("这项任务的点评组织或对象已被删除，请重新预览。")
    made = SetAside(
        period=line.generation.period, rule_code=line.rule_code, is_added=line.is_added, reviewer_org_id=line.reviewer_org,
        subject=line.subject, target_org_id=line.target_org, target_person_id=line.target_person, reason=reason, by=by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError as error:
        raise SetAsideRefused("这一条已经搁置了。") from error
    audit.record(by, "搁置任务变化", [made], summary=f"{_word(made)}：{reason}")
    return made


@transaction.atomic
def take_back(one: SetAside, *, by: User) -> None:
    """取消搁置: the next generation carries it out, if the rules still say so."""
    _administrators_only(by)
    audit.record(by, "取消搁置", [one], summary=_word(one))
    SetAside.objects.filter(pk=one.pk).delete()


def _word(one: SetAside) -> str:
    return f"规则 {one.rule_code} {'不新增' if one.is_added else '不撤回'}“{one.target_org or one.target_person}”"


def _administrators_only(by: User) -> None:
    if not scope.seats(by).is_admin:
        raise Forbidden("只有系统管理员可以搁置任务变化。")
