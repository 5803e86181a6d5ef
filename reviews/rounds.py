"""Verbs of rounds: named periods with days and targets of their own (R40, A32), beside the half-years."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from orgs import audit, clock, scope
from orgs.errors import DomainError, Forbidden
from orgs.models import Organization, OrgType
from reviews import cadence, framing, rules
from reviews.drafts import tidy
from reviews.models import Period, PeriodKind, Rule, Subject
from reviews.rules_editing import Problem

if TYPE_CHECKING:
    from orgs.models import User

CODE = re.compile(r"[A-Z0-9]{2,10}")
LIKE_A_HALF_YEAR = re.compile(r"[0-9]{4}H[0-9]*")
NAME = 50
LONGEST = datetime.timedelta(days=731)
TARGETS = {
    Subject.ORG: "targets_org", Subject.HEAD: "targets_head", Subject.TEAM_MEMBER: "targets_team",
    Subject.MEMBER: "targets_members",
}  # fmt: skip


@dataclass(frozen=True)
class RoundDraft:
    """What a round is to be. Of the closed choices, an empty one takes all."""

    code: str
    name: str
    starts_on: datetime.date
    ends_on: datetime.date
    is_general_round: bool = True
    below: Organization | None = None
    org_types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    rule_codes: tuple[str, ...] = ()


class BadRound(DomainError):
    """No such round can be held; `problems` says all that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("；".join(problem.message for problem in problems))
        self.problems = list(problems)


class RoundRefused(DomainError):
    """The round's state does not allow this."""


def draft_of(period: Period) -> RoundDraft:
    """The round as its form shows it."""
    said: dict[str, Any] = {each.name: getattr(period, each.name) for each in fields(RoundDraft)}
    for name in ("org_types", "categories", "subjects", "rule_codes"):
        said[name] = tuple(said[name])
    return RoundDraft(**said)


def is_editable(period: Period) -> bool:
    """Nothing was made of it yet."""
    return period.is_round and period.derived_at is None and not period.duties.exists()


@transaction.atomic
def save(period: Period | None, draft: RoundDraft, *, by: User | None) -> Period:
    """修改轮次, until its duties are generated; or, with None, 建立轮次. Raises BadRound, RoundRefused, Forbidden."""
    _administrators_only(by)
    if period is not None:
        period = _locked(period)
        if not is_editable(period):
            raise RoundRefused(f"“{period}”已经生成任务，不能再修改。要改的话请结束这一轮，另建一轮。")
    said = {each.name: getattr(draft, each.name) for each in fields(RoundDraft)}
    said |= {"code": _folded(draft.code), "name": tidy(draft.name)}
    draft = RoundDraft(**said)
    changed = period if period is not None else Period(kind=PeriodKind.ROUND)
    before = {} if period is None else _plain(draft_of(period))
    for name, value in said.items():
        setattr(changed, name, list(value) if isinstance(value, tuple) else value)
    if found := list(_problems(draft, changed)):
        raise BadRound(found)
    try:
        with transaction.atomic():
            changed.save()
    except IntegrityError:
        raise BadRound([_taken(draft.code)]) from None
    after = _plain(draft)
    was = {name: before.get(name) for name in after if before.get(name) != after[name]}
    verb = "建立轮次" if period is None else "修改轮次"
    if was or period is None:
        audit.record(by, verb, [changed], changes={changed.pk: (was, {name: after[name] for name in was})})
    return changed


@transaction.atomic
def close(period: Period, *, by: User | None) -> Period:
    """结束轮次: its duties stay as they are; nothing is generated, and no change is followed, any more.

    A review held within its days still counts in it when it is confirmed later. Closing twice is closing once.
    """
    _administrators_only(by)
    period = _locked(period)
    if not period.is_round:
        raise RoundRefused("半年按日期自然结束，不用手工结束。")
    if period.closed_at is not None:
        return period
    if period.derived_at is None:
        raise RoundRefused(f"“{period}”还没有生成任务，不用结束；不需要的话不生成即可。")
    period.closed_at = timezone.now()
    period.save(update_fields=["closed_at"])
    open_ones = period.duties.open().count()
    audit.record(by, "结束轮次", [period], summary=f"{period.name}：未完成 {open_ones} 项")
    return period


# --- inside -----------------------------------------------------------------------------------------------------


def _locked(period: Period) -> Period:
    return Period.objects.select_for_update(of=("self",), no_key=True).select_related("below").get(pk=period.pk)


def _administrators_only(by: User | None) -> None:
    if by is not None and not scope.seats(by).is_admin:
        raise Forbidden("只有系统管理员可以建立、修改和结束轮次。")


def _folded(code: str) -> str:
    """Codes are typed in any width and case."""
    return unicodedata.normalize("NFKC", code).strip().upper()


def _plain(draft: RoundDraft) -> dict[str, object]:
    """As it is kept in the trail."""
    said = {each.name: getattr(draft, each.name) for each in fields(RoundDraft)}
    said = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}
    below = draft.below.code if draft.below is not None else None
    return said | {"below": below, "starts_on": f"{draft.starts_on}", "ends_on": f"{draft.ends_on}"}


def _taken(code: str) -> Problem:
    return Problem("code", f"代码 {code} 已经用于另一个点评期，请换一个。")


def _problems(draft: RoundDraft, period: Period) -> Iterator[Problem]:
    others = Period.objects.exclude(pk=period.pk)
    if LIKE_A_HALF_YEAR.fullmatch(draft.code):
        yield Problem("code", f"“{draft.code}”像是半年的代码。轮次请用别的代码，例如 ND2010。")
    elif not CODE.fullmatch(draft.code):
        yield Problem("code", "代码用 2 至 10 个字母或数字，例如 ND2010。")
    elif others.filter(code=draft.code).exists():
        yield _taken(draft.code)
    if not draft.name or len(draft.name) > NAME:
        yield Problem("name", f"请填写名称（1 至 {NAME} 个字），例如“年底普遍点评”。")
    elif others.filter(name=draft.name).exists():
        yield Problem("name", f"已经有一个点评期叫“{draft.name}”，请换一个名称，例如加上年份。")
    if draft.ends_on < draft.starts_on:
        yield Problem("ends_on", f"截止日期早于开始日期 {draft.starts_on}，请改正。")
    elif draft.ends_on - draft.starts_on > LONGEST:
        yield Problem("ends_on", "一轮最长两年，请改正开始日期或截止日期。")
    yield from _unknown(draft)
    yield from _empty(draft, period)


def _unknown(draft: RoundDraft) -> Iterator[Problem]:
    """Choices that are none of those offered."""
    scheme = rules.scheme()
    offered = {
        "org_types": set(OrgType.values),
        "categories": set(scheme.categories.values_list("name", flat=True)),
        "subjects": set(Subject.values),
        "rule_codes": set(scheme.rules.values_list("code", flat=True)),
    }
    for name, known in offered.items():
        if not set(getattr(draft, name)) <= known:
            yield Problem(name, "有一项不在选项里，请重新选择。")


def _empty(draft: RoundDraft, period: Period) -> Iterator[Problem]:
    """A round that nobody would be reviewed in."""
    lives = Organization.objects.alive(
        cadence.within(clock.today(), draft.starts_on, max(draft.starts_on, draft.ends_on))
    )
    if framing.is_about_some(period) and not lives.filter(framing.within(period)).exists():
        yield Problem("below", "按所选的组织、类型和类别，一个组织也没有。请放宽范围。")
    taken = [rule for rule in rules.every() if framing.takes_rule(period, rule.code)]
    if not any(_leads_to(rule, draft.subjects) for rule in taken):
        yield Problem("subjects", "所选的规则不点评所选的对象，不会有任务。请改选对象或规则。")


def _leads_to(rule: Rule, subjects: Sequence[str]) -> bool:
    return any(getattr(rule, field) for subject, field in TARGETS.items() if not subjects or subject in subjects)
