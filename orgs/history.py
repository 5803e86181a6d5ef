"""What happened to an organisation and to a person, in time: what, since when, why, who did it.

What was so is read from the rows themselves; why and by whom from the audit trail, where it is known (what was
imported or was so before the system came has neither).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db.models import Model
from django.utils import timezone

from orgs import past
from orgs.models import AuditEvent, Category, Organization, OrganizationPast, OrgType, Person, Relation, User

WHY = "原因："
Known = tuple[str, "User | None"]  # why, by whom
UNKNOWN: Known = ("", None)
ALWAYS = datetime.date.min


@dataclass(frozen=True)
class Step:
    """One line of a history. `on` None: it was always so; `to` only for what lasted for a time."""

    on: datetime.date | None
    what: str
    why: str = ""
    by: User | None = None
    to: datetime.date | None = None
    lasts: bool = False  # a span, which goes on where `to` is None


def of_organization(org: Organization, user: User, *, with_reasons: bool) -> list[Step]:
    """Founded, renamed, moved, merged with, split from, dissolved: the latest first. Superiors whom the user does not
    see stay unnamed; why and by whom is for who edits the organisation.
    """
    events = list(_events("orgs.organization", [org.pk])) if with_reasons else []
    steps = []
    if org.founded_on is not None:
        steps.append(Step(org.founded_on, "成立"))
    states = [*org.pasts.all()]
    names = _superiors(user, [org, *states]) if states else {}
    kinds = dict(Category.objects.values_list("pk", "name")) if states else {}
    for before, after in pairwise([*states, org]):
        what = _became(before, after, names, kinds)
        if what:
            on = before.until
            steps.append(Step(on, what, *_known(events, on, ("组织改名", "调整上级", "修改组织"))))
    for event in events:
        if event.verb in ("合并", "分设"):
            words, _, why = event.summary.partition("。" + WHY)
            steps.append(Step(_day(event), words, why, event.by))
    if org.dissolved_on is not None:
        words, known = "撤销", UNKNOWN
        for event in events:
            if event.verb == "撤销组织" and "起并入" in event.summary:
                words = event.summary.partition("。" + WHY)[0]
        known = _known(events, org.dissolved_on, ("撤销组织",), key="dissolved_on")
        steps.append(Step(org.dissolved_on, words, *known))
    return sorted(steps, key=lambda step: step.on or ALWAYS, reverse=True)


def heads_of(org: Organization) -> list[Step]:
    """Who was 书记 or 主持工作, in turn, the latest first; for who sees the organisation's people."""
    posts = list(org.posts.heads().select_related("person", "organization"))
    return _spans(posts, [f"{post.person.name}，{post.title}" for post in posts], "orgs.post")


def of_person(person: Person) -> list[Step]:
    """组织关系, 任职 and 分管 in time, the latest first."""
    memberships = list(person.memberships.select_related("branch"))
    trail = list(_events("orgs.person", [person.pk]))
    steps = []
    for row in memberships:
        words = f"组织关系在“{past.one_as_of(row.branch, row.from_on).name if row.from_on else row.branch.name}”"
        found = next((event for event in trail if event.verb == "组织关系" and _is(event, row.from_on)), None)
        why, by = _why(found)
        steps.append(Step(row.from_on, words, why, by, row.to_on, lasts=True))
    posts = list(person.posts.select_related("organization"))
    steps += _spans(posts, [f"{post.organization.name}，{post.title}" for post in posts], "orgs.post")
    charges = list(person.charges.select_related("organization", "team"))
    words_of = [f"{row.get_kind_display()}“{row.organization.name}”（{row.team.display_name}）" for row in charges]
    steps += _spans(charges, words_of, "orgs.charge")
    return sorted(steps, key=lambda step: step.on or ALWAYS, reverse=True)


# --- inside ----------------------------------------------------------------------------------------------------------


def _spans(rows: Iterable[Any], words: Iterable[str], model: str) -> list[Step]:
    """Posts or divisions of work with what is known of their begin and their end."""
    rows = [row for row in rows if row.from_on is None or row.from_on != row.to_on]  # others were never held
    words = list(words)
    by_row: dict[int, list[AuditEvent]] = {}
    for event in _events(model, [row.pk for row in rows]):
        for row in rows if event.until_id else ():
            if event.is_about(row.pk):
                by_row.setdefault(row.pk, []).append(event)
        if not event.until_id:
            by_row.setdefault(event.object_id or 0, []).append(event)
    steps = []
    for row, what in zip(rows, words, strict=False):
        known = [_why(event) for event in by_row.get(row.pk, ())]
        why = "；".join(dict.fromkeys(reason for reason, _ in reversed(known) if reason))
        by = known[0][1] if known else None
        steps.append(Step(row.from_on, what, why, by, row.to_on, lasts=True))
    return sorted(steps, key=lambda step: step.on or ALWAYS, reverse=True)


def _events(model: str, ids: list[int]) -> Iterable[AuditEvent]:
    """The latest first."""
    return AuditEvent.objects.about(model, ids[:500]).select_related("by", "by__person")


def _why(event: AuditEvent | None) -> Known:
    return (event.after.get("reason", "") or event.summary.partition(WHY)[2], event.by) if event else UNKNOWN


def _known(events: list[AuditEvent], on: datetime.date, verbs: tuple[str, ...], key: str = "on") -> Known:
    """Why and by whom something of that day was done."""
    return _why(next((event for event in events if event.verb in verbs and _is(event, on, key)), None))


def _is(event: AuditEvent, on: datetime.date | None, key: str = "on") -> bool:
    return on is not None and _day(event, key) == on


def _day(event: AuditEvent, key: str = "on") -> datetime.date:
    """Since when; without it, the day on which it was entered."""
    try:
        return datetime.date.fromisoformat(event.after.get(key) or "")
    except (TypeError, ValueError):
        return timezone.localtime(event.at).date()


def _superiors(user: User, states: list[Model]) -> dict[int, str]:
    ids = {row.parent_id for row in states}  # type: ignore[attr-defined]
    return dict(Organization.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "name"))


def _became(
    before: Organization | OrganizationPast,
    after: Organization | OrganizationPast,
    names: dict[int, str],
    kinds: dict[int, str],
) -> str:
    parts = []
    if before.name != after.name:
        parts.append(f"由“{before.name}”改名为“{after.name}”")
    elif before.short_name != after.short_name:
        parts.append(f"简称由“{before.short_name or '无'}”改为“{after.short_name or '无'}”")
    if before.parent_id != after.parent_id:
        old, new = (f"“{names[pk]}”" if pk in names else "其他上级" for pk in (before.parent_id, after.parent_id))
        parts.append(f"由{old}转到{new}之下")
    if before.relation != after.relation:
        parts.append(f"与上级关系由{Relation(before.relation).label}改为{Relation(after.relation).label}")
    if before.org_type != after.org_type:
        parts.append(f"由{OrgType(before.org_type).label}改为{OrgType(after.org_type).label}")
    if before.category_id != after.category_id:
        parts.append(f"单位类别由{kinds[before.category_id]}改为{kinds[after.category_id]}")
    return "，".join(parts)
