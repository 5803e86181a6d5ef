"""Verbs of rectification: from the problem named to its close (R37, domain.md 5.7).

The record's row is the lock of all its items: verbs here and `records.void` wait for each other in one order.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction

from orgs import audit, clock
from orgs.errors import DomainError, Forbidden
from reviews import record_scope
from reviews.drafts import LONG, tidy
from reviews.models import ItemState, Record, RecordState, RectificationItem, RectificationStep
from reviews.models.rectification import OPEN_STATES

if TYPE_CHECKING:
    from orgs.models import User
    from reviews.record_scope import Standing

WORKED_ON = (ItemState.TO_PLAN, ItemState.IN_PROGRESS)
NAME = 100
ANSWERS = "只有被点评人、被点评党组织负责人和上级办公室可以填写整改情况。"
ACCEPTS = "只有负责点评的领导和点评组织可以验收、退回或确定期限，被点评人不能验收自己的整改。"


class RectificationRefused(DomainError):
    """The item's state or the values do not allow this."""


# --- what may be done ------------------------------------------------------------------------------------------


def actions(item: RectificationItem, user: User, *, standing: Standing | None = None) -> set[str]:
    """Which verbs this user may use on it now: plan, report, feed_back, accept, send_back, set_due.

    Where many items of one record are shown, give `record_scope.standing(record, user)` once for all.
    """
    if not item.record.is_counted or item.state not in OPEN_STATES:
        return set()
    at = standing or record_scope.standing(item.record, user)
    found: set[str] = set()
    if at.may_answer:
        if item.state == ItemState.TO_PLAN:
            found |= {"plan"}
        elif item.state == ItemState.IN_PROGRESS:
            found |= {"plan", "report", "feed_back"}
    if at.may_accept:
        found |= {"accept", "send_back"} if item.state == ItemState.PENDING_ACCEPTANCE else {"set_due"}
    return found


# --- the target's verbs ------------------------------------------------------------------------------------------


@transaction.atomic
def plan(
    item: RectificationItem, *, measures: str, responsible: str, due_on: datetime.date | None = None, by: User
) -> RectificationItem:
    """The target says what it will do, who, until when (empty: the day the reviewer set); again to change the plan.

    Raises RectificationRefused for a day after the one the reviewer set: he moves it by `set_due`.
    """
    item = _locked(item)
    _answering(item, by)
    _in_state(item, WORKED_ON, "制定整改措施")
    measures = _text("整改措施", measures)
    responsible = _text("责任人", responsible, most=NAME)
    limit = item.record.feedback_due_on
    due_on = due_on or item.due_on or limit
    if due_on is None:
        raise RectificationRefused("请填写完成时限。")
    if limit is not None and due_on > limit:
        raise RectificationRefused(
            f"完成时限不能晚于领导要求的反馈期限 {limit:%Y-%m-%d}；确需延期的，请负责点评的领导调整期限。"
        )
    _not_before_review(item.record, due_on, "完成时限")
    before = {"measures": item.measures, "responsible": item.responsible, "due_on": item.due_on}
    item.measures, item.responsible, item.due_on = measures, responsible, due_on
    return _step(item, "制定措施" if item.state == ItemState.TO_PLAN else "调整措施", measures, by,
                 state=ItemState.IN_PROGRESS, fields=["measures", "responsible", "due_on"], before=before)  # fmt: skip


@transaction.atomic
def report(item: RectificationItem, *, text: str, by: User) -> RectificationItem:
    """Progress, any number of times; the state stays."""
    item = _locked(item)
    _answering(item, by)
    _in_state(item, [ItemState.IN_PROGRESS], "报进展")
    return _step(item, "报进展", _text("进展情况", text), by)


@transaction.atomic
def feed_back(item: RectificationItem, *, outcome: str, by: User) -> RectificationItem:
    """The target says it is done, and waits for acceptance (R37 「向上级党组织反馈整改措施落实情况」)."""
    item = _locked(item)
    _answering(item, by)
    _in_state(item, [ItemState.IN_PROGRESS], "反馈落实情况")
    before = {"outcome": item.outcome}
    item.outcome = _text("落实情况", outcome)
    return _step(item, "反馈", item.outcome, by, state=ItemState.PENDING_ACCEPTANCE, fields=["outcome"], before=before)


# --- the reviewing side's verbs -----------------------------------------------------------------------------------


@transaction.atomic
def accept(item: RectificationItem, *, by: User) -> RectificationItem:
    """The reviewing side closes it (销号), never the target; the last one closes an acknowledged record."""
    item = _locked(item)
    _accepting(item.record, by)
    _in_state(item, [ItemState.PENDING_ACCEPTANCE], "验收")
    item.closed_on = clock.today()
    item = _step(item, "验收销号", "", by, state=ItemState.CLOSED, fields=["closed_on"])
    close_if_done(item.record, by=by)
    return item


@transaction.atomic
def send_back(item: RectificationItem, *, reason: str, by: User) -> RectificationItem:
    """Not good enough: back to work, with a reason."""
    item = _locked(item)
    _accepting(item.record, by)
    _in_state(item, [ItemState.PENDING_ACCEPTANCE], "退回")
    return _step(item, "退回", _text("退回原因", reason), by, state=ItemState.IN_PROGRESS)


@transaction.atomic
def set_due(record: Record, *, on: datetime.date, by: User) -> Record:
    """The reviewing side sets or moves the day for feedback.

    Items still worked on take it when they had no day, the old one, or a later one; a plan with an earlier day
    keeps its own.
    """
    record = _locked_record(record)
    _accepting(record, by)
    if not record.is_counted:
        raise RectificationRefused(f"记录“{record}”{record.get_state_display()}，不能确定整改反馈期限。")
    _not_before_review(record, on, "整改反馈期限")
    old = record.feedback_due_on
    if old == on:
        return record
    record.feedback_due_on = on
    record.save(update_fields=["feedback_due_on"])
    text = f"反馈期限 {on:%Y-%m-%d}"
    for item in record.items.filter(state__in=WORKED_ON):
        if item.due_on is None or item.due_on == old or item.due_on > on:
            before = {"due_on": item.due_on}
            item.due_on = on
            _step(item, "确定期限", text, by, fields=["due_on"], before=before)
    audit.record(by, "确定整改期限", [record], changes={record.pk: ({"feedback_due_on": old}, {"feedback_due_on": on})})
    return record


# --- with the record --------------------------------------------------------------------------------------------


def hand_down(record: Record, *, by: User) -> None:
    """The record was confirmed: its problems become items to be worked on. The caller holds the record."""
    items = list(record.items.filter(state=ItemState.NOTED))
    for item in items:
        item.state, item.due_on = ItemState.TO_PLAN, record.feedback_due_on
    RectificationItem.objects.bulk_update(items, ["state", "due_on"])
    RectificationStep.objects.bulk_create(RectificationStep(item=item, by=by, verb="下达") for item in items)


def cancel(record: Record, *, by: User, reason: str) -> None:
    """The record was voided: what is still open needs no work. The caller holds the record."""
    items = list(record.items.filter(state__in=OPEN_STATES))
    for item in items:
        item.state = ItemState.CANCELLED
    RectificationItem.objects.bulk_update(items, ["state"])
    RectificationStep.objects.bulk_create(
        RectificationStep(item=item, by=by, verb="取消", text=reason) for item in items
    )


def close_if_done(record: Record, *, by: User) -> None:
    """An acknowledged record with nothing open is done (办结). The caller holds the record."""
    if record.state == RecordState.ACKNOWLEDGED and not record.items.open().exists():
        record.state = RecordState.CLOSED
        record.save(update_fields=["state"])
        audit.record(by, "点评办结", [record])


def annex_text(items: Iterable[RectificationItem]) -> str:
    """The last cell of annex 3: measures and outcome of each problem; "" while none is fed back or closed (R58)."""
    items = list(items)
    parts = []
    for item in sorted(items, key=lambda item: item.order):
        if item.state not in (ItemState.PENDING_ACCEPTANCE, ItemState.CLOSED):
            continue
        number = f"{item.order}．" if len(items) > 1 else ""
        closed = (
            f"（{item.closed_on.year}年{item.closed_on.month}月{item.closed_on.day}日销号）" if item.closed_on else ""
        )
        parts.append(f"{number}整改措施：{item.measures}\n落实情况：{item.outcome}{closed}")
    return "\n".join(parts)


# --- shared ---------------------------------------------------------------------------------------------------------


def _locked_record(record: Record) -> Record:
    locked = Record.objects.select_for_update(of=("self",), no_key=True).select_related("review")
    found = locked.filter(pk=record.pk).first()
    if found is None:
        raise RectificationRefused("这份点评记录已不存在，请返回列表。")
    return found


def _locked(item: RectificationItem) -> RectificationItem:
    """The item as it is now, its record held."""
    record = _locked_record(item.record)
    found = record.items.filter(pk=item.pk).first()
    if found is None:
        raise RectificationRefused("这条整改事项已不存在，请返回列表。")
    found.record = record
    return found


def _answering(item: RectificationItem, by: User) -> None:
    if not record_scope.standing(item.record, by).may_answer:
        raise Forbidden(ANSWERS)


def _accepting(record: Record, by: User) -> None:
    if not record_scope.standing(record, by).may_accept:
        raise Forbidden(ACCEPTS)


def _in_state(item: RectificationItem, states: Iterable[str], verb: str) -> None:
    if item.state not in states or not item.record.is_counted:
        raise RectificationRefused(
            f"这条整改事项现在是“{item.get_state_display()}”，不能{verb}。请刷新页面看最新情况。"
        )


def _text(label: str, text: str, *, most: int = LONG) -> str:
    text = tidy(text)
    if not text:
        raise RectificationRefused(f"请填写{label}。")
    if len(text) > most:
        raise RectificationRefused(f"{label}太长：最多 {most} 个字，现有 {len(text)} 个，请删减。")
    return text


def _not_before_review(record: Record, day: datetime.date, label: str) -> None:
    held_on = record.review.held_on
    if held_on is not None and day < held_on:
        raise RectificationRefused(f"{label}不能早于点评时间 {held_on:%Y-%m-%d}，请改正。")
    if day.year > 2200:
        raise RectificationRefused(f"{label}的年份不对，请改正。")


def _step(
    item: RectificationItem,
    verb: str,
    text: str,
    by: User,
    *,
    state: str | None = None,
    fields: Iterable[str] = (),
    before: dict | None = None,
) -> RectificationItem:
    """Write the item, its step and the audit event together."""
    was = {**(before or {}), "state": item.state}
    if state is not None:
        item.state = state
    fields = [*fields, "state"]
    item.save(update_fields=fields)
    RectificationStep.objects.create(item=item, by=by, verb=verb, text=text)
    after = {name: getattr(item, name) for name in fields}
    audit.record(by, f"整改{verb}", [item], changes={item.pk: ({name: was.get(name) for name in fields}, after)})
    return item
