"""Verbs of records: from the draft to the close (domain.md 5.4).

Every verb locks the record's row, reads it again, asks for authority, then for the state. A verb whose effect is
already there (a double click) returns the record as it is.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from orgs import audit, clock, heads, scope
from orgs.errors import DomainError, Forbidden, Stale
from orgs.models import Membership, Organization, Person, Post
from reviews import completeness, coverage, drafts, duties, record_scope, rectifications, snapshots, vocabulary
from reviews.completeness import Lack
from reviews.drafts import BadDraft as BadDraft
from reviews.drafts import RecordDraft as RecordDraft
from reviews.drafts import tidy
from reviews.models import (
    Answer,
    Assignment,
    ContentKind,
    Duty,
    DutyStatus,
    ItemState,
    Period,
    Record,
    RecordState,
    RectificationItem,
    Review,
)
from reviews.record_content import checklist as checklist
from reviews.record_content import draft_of as draft_of
from reviews.record_content import facts_of, further_duties, served
from reviews.record_content import history as history

if TYPE_CHECKING:
    from orgs.models import User

OPEN = (RecordState.DRAFT, RecordState.SUBMITTED)
REASON = 200
WRITERS = "只有负责点评的领导和点评组织的办公室可以填写这份记录。"


class RecordRefused(DomainError):
    """The record's state or the facts do not allow this."""


class StaleDraft(Stale):
    """Somebody saved the draft meanwhile: `saved_by` (a name), `saved_at`, and its `version` now."""

    def __init__(self, message: str, *, saved_by: str, saved_at: datetime.datetime, version: int) -> None:
        super().__init__(message)
        self.saved_by = saved_by
        self.saved_at = saved_at
        self.version = version


class Incomplete(DomainError):
    """Not ready to be confirmed; `.lacks` names field and cure for each."""

    def __init__(self, lacks: list[Lack]) -> None:
        super().__init__("还不能确认：" + "；".join(lack.message for lack in lacks))
        self.lacks = lacks


# --- what may be done, and what is missing -----------------------------------------------------------------------


def lacks(record: Record) -> list[Lack]:
    """What stands in the way of confirming it as it is stored (R35)."""
    return completeness.lacks(facts_of(record))


def hints(record: Record) -> list[Lack]:
    """What would be better otherwise, as it is stored (R31a and unanswered stressed points)."""
    return completeness.hints(facts_of(record))


def actions(record: Record, user: User) -> set[str]:
    """Which verbs this user may use on it now.

    edit, confirm, submit (confirm on the reviewer's behalf), approve, send_back, deliver, acknowledge, void, discard.
    """
    at = record_scope.standing(record, user)
    reviewing = at.is_reviewer or at.is_office
    found: set[str] = set()
    if record.state == RecordState.DRAFT and at.may_write:
        found |= {"edit", "confirm" if at.is_reviewer else "submit"}
        if reviewing or at.heads_reviewing_branch:
            found.add("discard")
    if record.state == RecordState.SUBMITTED and reviewing:
        found |= {"approve", "send_back"} if at.is_reviewer else {"send_back"}
    if record.state == RecordState.CONFIRMED and reviewing:
        found.add("deliver")
    if record.state == RecordState.DELIVERED and at.may_acknowledge:
        found.add("acknowledge")
    if record.is_counted and at.is_office:
        found.add("void")
    return found


# --- drafts ------------------------------------------------------------------------------------------------------


@transaction.atomic
def open_draft(duty: Duty, *, by: User) -> Record:
    """The open draft of this duty, or a new one; a double click gives the same one twice.

    Allowed to who carries it out, to the branch's secretary, to the office of the reviewing organisation (代录, R46).
    A draft begun by a predecessor passes to whoever carries the duty out now (A20).
    """
    _may_begin(duty.reviewer_org, [duty.acting_id, duty.reviewer_id], by)
    found = _open_record_of(duty)
    if found is not None:
        return _hand_over(found, duty, by)
    rows = Duty.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.select_related("period", "about_org__category", "reviewer_org", "acting", "reviewer").filter(
        pk=duty.pk
    )
    duty_now = locked.first()
    if duty_now is None:
        raise RecordRefused("这项任务刚刚被撤回，请返回任务列表。")
    duty = duty_now
    found = _open_record_of(duty)
    if found is not None:
        return found
    if duty.status != DutyStatus.PENDING:
        raise RecordRefused(f"任务“{duty}”{duty.get_status_display()}，不需要再填写点评记录。")
    reviewer = duty.acting or duty.reviewer
    if reviewer is None:
        raise RecordRefused(f"任务“{duty}”还没有明确由谁点评，请先由上级指派点评领导。")
    if reviewer.pk == duty.target_person_id:
        raise RecordRefused("不能点评自己，请由上级改派其他领导。")
    review = Review(period=duty.period, reviewer_org=duty.reviewer_org, reviewer=reviewer, entered_by=by)
    assigned = Assignment.objects.filter(duty=duty).first()
    if assigned is not None:
        review.form, review.form_name, review.form_note = assigned.form, assigned.form_name, assigned.topic
    record = Record(
        kind=snapshots.kind_of_duty(duty),
        target_org=duty.target_org,
        target_person=duty.target_person,
        about_org=duty.about_org,
    )
    _begin(review, record, by)
    record.duties.add(duty)
    return record


@transaction.atomic
def open_ad_hoc(
    *,
    period: Period,
    reviewer_org: Organization,
    reviewer: Person,
    target_org: Organization | None = None,
    target_person: Person | None = None,
    about_org: Organization,
    by: User,
) -> Record:
    """A new draft outside the list of duties (A27): counts for its target, serves nobody's duty.

    The reviewer holds a leading post in `reviewer_org`, which is `about_org` or stands above it by affiliation or
    guidance. Nobody reviews himself or what he heads. An untouched draft of the same kind is given again.
    """
    _may_begin(reviewer_org, [reviewer.pk], by)
    # The reviewer's row is the lock: two clicks make one draft.
    reviewer = Person.objects.select_for_update(no_key=True).get(pk=reviewer.pk)
    on = snapshots.day_of(period, None)
    if not snapshots.may_lead(reviewer, reviewer_org, on):
        raise RecordRefused(f"{reviewer.name}不是“{reviewer_org}”的班子成员或书记，不能以它的名义点评。")
    if not Organization.objects.above(about_org, include_self=True).filter(pk=reviewer_org.pk).exists():
        raise RecordRefused(f"“{about_org}”不在“{reviewer_org}”的隶属或指导范围内，不能点评。")
    if target_org is not None and target_person is None:
        kind = _ad_hoc_organization(reviewer_org, reviewer, target_org, about_org, on)
    elif target_person is not None and target_org is None:
        kind = _ad_hoc_person(reviewer, target_person, about_org, on)
    else:
        raise RecordRefused("请选择一个点评对象：一个党组织，或一名党员。")
    known = Record.objects.filter(
        state=RecordState.DRAFT, version=1, duties=None, kind=kind, target_org=target_org,
        target_person=target_person, about_org=about_org, review__period=period,
        review__reviewer=reviewer, review__reviewer_org=reviewer_org,
    ).first()  # fmt: skip
    if known is not None:
        return known
    review = Review(period=period, reviewer_org=reviewer_org, reviewer=reviewer, entered_by=by)
    record = Record(kind=kind, target_org=target_org, target_person=target_person, about_org=about_org)
    return _begin(review, record, by)


@transaction.atomic
def save_draft(record: Record, draft: RecordDraft, *, by: User) -> Record:
    """Keep what was typed, complete or not. Raises StaleDraft, BadDraft, RecordRefused, Forbidden.

    Typing is not audited line by line: the record keeps who saved it last, and when, until it counts.
    """
    record = _locked(record)
    _writing(record, by)
    _in_state(record, [RecordState.DRAFT], "修改")
    return _keep(record, draft, by)


@transaction.atomic
def discard(record: Record, *, by: User) -> None:
    """Throw a draft away. Raises RecordRefused for anything that was confirmed: that is voided, and stays."""
    record = _locked(record)
    at = record_scope.standing(record, by)
    if not (at.is_reviewer or at.is_office or at.heads_reviewing_branch):
        raise Forbidden(WRITERS)
    _in_state(record, [RecordState.DRAFT], "删除")
    audit.record(by, "删除草稿", [record])
    review = record.review
    record.delete()
    if not review.records.exists():
        review.delete()


# --- confirming ----------------------------------------------------------------------------------------------------


@transaction.atomic
def confirm(record: Record, draft: RecordDraft | None = None, *, by: User) -> Record:
    """The review counts from now on. Entered for the leader, it waits for his approval instead (R46).

    `draft`: what the form holds, saved first. Raises Incomplete, and what `save_draft` raises. Confirming twice
    is confirming once.
    """
    record = _locked(record)
    at = _writing(record, by)
    if record.is_counted or (record.state == RecordState.SUBMITTED and not at.is_reviewer):
        return record
    _in_state(record, OPEN, "确认")
    if record.state == RecordState.DRAFT and draft is not None:
        record = _keep(record, draft, by)
    snapshots.refresh(record)
    missing = lacks(record)
    if missing:
        raise Incomplete(missing)
    if at.is_reviewer:
        return _count(record, "确认点评", by)
    record.review.save(update_fields=snapshots.REVIEW_SNAPSHOT_FIELDS)
    return _move(record, RecordState.SUBMITTED, "提交领导确认", by, fields=snapshots.SNAPSHOT_FIELDS)


@transaction.atomic
def approve(record: Record, *, by: User) -> Record:
    """The leader himself confirms what was entered for him."""
    record = _locked(record)
    if not record_scope.standing(record, by).is_reviewer:
        raise Forbidden("只有负责点评的领导本人可以确认。")
    if record.is_counted:
        return record
    _in_state(record, [RecordState.SUBMITTED], "确认")
    return _count(record, "领导确认", by)


@transaction.atomic
def send_back(record: Record, *, reason: str, by: User) -> Record:
    """The leader gives it back to be mended, or the office takes it back; it is a draft again."""
    record = _locked(record)
    at = record_scope.standing(record, by)
    if not (at.is_reviewer or at.is_office):
        raise Forbidden("只有负责点评的领导和点评组织的办公室可以退回修改。")
    _in_state(record, [RecordState.SUBMITTED], "退回")
    return _move(record, RecordState.DRAFT, "退回修改", by, note=_reason(reason, "退回原因"))


@transaction.atomic
def void(record: Record, *, reason: str, by: User) -> Record:
    """It counts no more; its duties are open again, its open items cancelled. By the office, with a reason."""
    record = _locked(record)
    if not record_scope.standing(record, by).is_office:
        raise Forbidden("只有点评组织及其上级的办公室可以作废点评记录。")
    if record.state == RecordState.VOIDED:
        return record
    _in_state(record, list(_counted()), "作废")
    record.void_reason = _reason(reason, "作废原因")
    record.voided_at = clock.now()
    fields = ["void_reason", "voided_at"]
    record = _move(record, RecordState.VOIDED, "作废点评", by, fields=fields, note=record.void_reason)
    rectifications.cancel(record, by=by, reason=f"点评记录作废：{record.void_reason}")
    duties.reopen(record)
    coverage.voided(record)
    return record


# --- telling the target ----------------------------------------------------------------------------------------------


@transaction.atomic
def deliver(record: Record, *, by: User) -> Record:
    """The target was told (反馈)."""
    record = _locked(record)
    at = record_scope.standing(record, by)
    if not (at.is_reviewer or at.is_office):
        raise Forbidden("只有负责点评的领导和点评组织的办公室可以反馈点评意见。")
    if record.is_counted and record.state != RecordState.CONFIRMED:
        return record
    _in_state(record, [RecordState.CONFIRMED], "反馈")
    return _move(record, RecordState.DELIVERED, "反馈点评", by)


@transaction.atomic
def acknowledge(record: Record, *, note: str = "", by: User) -> Record:
    """The target has received it (签收), with a remark if he likes. With nothing left to mend it is closed."""
    record = _locked(record)
    if not record_scope.standing(record, by).may_acknowledge:
        raise Forbidden("只有被点评人，或被点评党组织的书记、副书记和办公室可以签收。")
    if record.state in (RecordState.ACKNOWLEDGED, RecordState.CLOSED):
        return record
    _in_state(record, [RecordState.DELIVERED], "签收")
    note = tidy(note)
    if len(note) > REASON:
        raise RecordRefused(f"说明太长：最多 {REASON} 个字，现有 {len(note)} 个，请删减。")
    record = _move(record, RecordState.ACKNOWLEDGED, "签收点评", by, note=note)
    rectifications.close_if_done(record, by=by)
    return record


# --- shared ----------------------------------------------------------------------------------------------------------


def _counted() -> tuple[RecordState, ...]:
    return (RecordState.CONFIRMED, RecordState.DELIVERED, RecordState.ACKNOWLEDGED, RecordState.CLOSED)


def _locked(record: Record) -> Record:
    """The record as it is now, held until the transaction ends."""
    rows = Record.objects.select_for_update(of=("self",), no_key=True).select_related(
        "review__period",
        "review__reviewer",
        "review__reviewer_org",
        "target_org__category",
        "target_person",
        "about_org",
    )
    found = rows.filter(pk=record.pk).first()
    if found is None:
        raise RecordRefused("这份点评记录已被删除，请返回列表。")
    return found


def _open_record_of(duty: Duty) -> Record | None:
    """The draft of this duty, or the same leader's of the same duty in a period beside it: it will serve both."""
    opened = Record.objects.filter(state__in=OPEN).order_by("pk")
    found = opened.filter(duties=duty).first()
    if found is not None:
        return found
    beside = list(Period.objects.beside(duty.period).values_list("pk", flat=True))
    if not beside:
        return None
    reviewer_id = duty.acting_id or duty.reviewer_id
    return opened.filter(duties__in=duties.same_elsewhere([duty], beside), review__reviewer=reviewer_id).first()


def _may_begin(reviewer_org: Organization, person_ids: list[int | None], by: User) -> None:
    """Who may begin a record: the leader himself, the branch's secretary, the office for them; administrators."""
    person_id = by.person_id
    own = person_id is not None and person_id in person_ids
    secretary = reviewer_org.is_branch and any(org.pk == reviewer_org.pk for org in scope.seats(by).heads)
    if own or secretary or Organization.objects.filter(scope.office_of(by), pk=reviewer_org.pk).exists():
        return
    raise Forbidden(WRITERS)


def _hand_over(record: Record, duty: Duty, by: User) -> Record:
    """A draft that is still a predecessor's becomes that of who carries the duty out now (A20)."""
    reviewer = duty.acting or duty.reviewer
    stale = reviewer is not None and record.review.reviewer_id != reviewer.pk
    if not stale or served(record)[:1] != [duty.pk] or record.state != RecordState.DRAFT:
        return record
    record = _locked(record)
    if record.state != RecordState.DRAFT:
        return record
    before = record.review.reviewer_name
    record.review.reviewer = reviewer
    snapshots.refresh(record)
    record.review.save(update_fields=["reviewer", *snapshots.REVIEW_SNAPSHOT_FIELDS])
    after = {"reviewer": record.review.reviewer_name}
    audit.record(by, "移交草稿", [record], changes={record.pk: ({"reviewer": before}, after)})
    return record


def _begin(review: Review, record: Record, by: User) -> Record:
    """Save a new draft, prefilled."""
    on = snapshots.day_of(review.period, None)
    role = snapshots.role_of(review.reviewer, review.reviewer_org, on)
    if not review.form:
        review.form, review.form_name = _usual_form(record.kind, role)
    if review.period.starts_on <= clock.today() <= review.period.ends_on:
        review.held_on = clock.today()  # mostly logged on site, the same day
    record.review = review
    record.saved_by = by
    if record.target_org is not None:
        record.member_count = snapshots.member_count(record.target_org, on)
    snapshots.refresh(record)
    review.save()
    record.review = review
    record.save()
    audit.record(by, "新建点评草稿", [record])
    return record


def _usual_form(kind: str, role: str) -> tuple[str, str]:
    """Code and name of what this kind of target mostly gets; none where it would not fit (a wrong guess is worse than none)."""
    offered = vocabulary.form_names(is_on=True)
    code = vocabulary.usual_form(offered, is_head=kind in (ContentKind.TEAM_HEAD, ContentKind.BASE_HEAD))
    return ("", "") if not code or completeness.form_hint(code, role, kind) else (code, offered[code])


def _ad_hoc_organization(
    reviewer_org: Organization, reviewer: Person, target: Organization, about_org: Organization, on: datetime.date
) -> ContentKind:
    if target.pk != about_org.pk:
        raise RecordRefused("点评对象与所在组织不一致，请重新选择。")
    head = heads.head_of(target, on)
    if target.pk == reviewer_org.pk or (head is not None and head.person_id == reviewer.pk):
        raise RecordRefused("不能点评自己所在的组织或自己担任书记的组织。")
    return snapshots.content_kind(target)


def _ad_hoc_person(reviewer: Person, target: Person, about_org: Organization, on: datetime.date) -> ContentKind:
    if target.pk == reviewer.pk:
        raise RecordRefused("不能点评自己。")
    here = Membership.objects.valid(on).filter(person=target, branch=about_org).exists()
    if not here and not Post.objects.valid(on).filter(person=target, organization=about_org).exists():
        raise RecordRefused(f"{target.name}不是“{about_org}”的党员或班子成员，请重新选择所在组织。")
    head = heads.head_of(about_org, on)
    if head is not None and head.person_id == target.pk:
        return snapshots.content_kind(about_org, of_head=True)
    return ContentKind.MEMBER


def _writing(record: Record, by: User) -> record_scope.Standing:
    at = record_scope.standing(record, by)
    if not at.may_write:
        raise Forbidden(WRITERS)
    return at


def _in_state(record: Record, states: tuple[RecordState, ...] | list[RecordState], verb: str) -> None:
    if record.state not in states:
        raise RecordRefused(f"这份点评记录现在是“{record.get_state_display()}”，不能{verb}。请刷新页面看最新情况。")


def _reason(text: str, label: str) -> str:
    text = tidy(text)
    if not text:
        raise RecordRefused(f"请填写{label}。")
    if len(text) > REASON:
        raise RecordRefused(f"{label}太长：最多 {REASON} 个字，现有 {len(text)} 个，请删减。")
    return text


def _move(
    record: Record, state: RecordState, verb: str, by: User, *, fields: list[str] | None = None, note: str = ""
) -> Record:
    """Into another state, with its audit event."""
    before = record.state
    record.state = state
    record.save(update_fields=["state", *(fields or [])])
    summary = f"{record}：{note}" if note else ""
    audit.record(by, verb, [record], summary=summary, changes={record.pk: ({"state": before}, {"state": state})})
    return record


def _count(record: Record, verb: str, by: User) -> Record:
    """From now on it counts: items go down, duties are done, the target is covered; all in this transaction."""
    snapshots.refresh(record)
    record.review.save(update_fields=snapshots.REVIEW_SNAPSHOT_FIELDS)
    record.confirmed_at, record.confirmed_by = clock.now(), by
    fields = ["confirmed_at", "confirmed_by", *snapshots.SNAPSHOT_FIELDS]
    record = _move(record, RecordState.CONFIRMED, verb, by, fields=fields)
    rectifications.hand_down(record, by=by)
    duties.settle(record)
    coverage.confirmed(record)
    duties.settle(record)  # again: a period beside may have been made while this waited to be counted in it
    return record


def _keep(record: Record, draft: RecordDraft, by: User) -> Record:
    """Write the draft into the record that is held."""
    points = {point.pk for point in checklist(record)}
    forms = vocabulary.forms(record.review.form, record.review.form_name)
    grades = vocabulary.grades(record)
    draft = drafts.cleaned(draft, record, point_ids=points, forms=forms, grades=grades)
    offered = {duty.pk: duty for duty in further_duties(record)}
    wanted = tuple(sorted(set(draft.duty_ids)))
    stored = draft_of(record)
    if wanted != stored.duty_ids:  # held, so that none is withdrawn before the record refers to it
        offered = {pk: offered[pk] for pk in duties.hold({*served(record), *wanted}) if pk in offered}
    if not set(wanted) <= set(offered):
        raise BadDraft([Lack("duty_ids", "有一项同时完成的任务已不能选择，请刷新页面后重选")])
    draft = drafts.settled(draft, duty_ids=wanted, member_count=_member_count(record, stored, draft))
    if draft == drafts.settled(stored, version=draft.version):
        return record  # nothing new: a second tab that only looked, or an answer that was lost on the way
    if draft.version != record.version:
        raise _stale(record, by)
    review = record.review
    for name in ("kind", "held_on", "place", "form", "form_note", "participants", "assisted_committee"):
        setattr(review, name, getattr(draft, name))
    review.form_name = forms.get(draft.form, "")
    for name in ("prior_summary", "achievements", "directions", "feedback_due_on", "member_count", "grade"):
        setattr(record, name, getattr(draft, name))
    snapshots.refresh(record)
    record.version += 1
    record.saved_by = by
    review.save()
    record.save()
    _keep_problems(record, draft.problems)
    _keep_answers(record, draft)
    if draft.duty_ids != stored.duty_ids:
        _keep_duties(record, [offered[pk] for pk in draft.duty_ids])
    return record


def _member_count(record: Record, stored: RecordDraft, draft: RecordDraft) -> int | None:
    """党员人数 of the day held, unless somebody typed another (A28: editable)."""
    if record.target_org is None:
        return None
    period = record.review.period
    if draft.member_count is not None and draft.member_count != stored.member_count:
        return draft.member_count
    then = snapshots.member_count(record.target_org, snapshots.day_of(period, draft.held_on))
    if draft.member_count is None or stored.held_on == draft.held_on:
        return then if draft.member_count is None else draft.member_count
    was = snapshots.member_count(record.target_org, snapshots.day_of(period, stored.held_on))
    return then if stored.member_count == was else draft.member_count


def _stale(record: Record, by: User) -> StaleDraft:
    saved_at = timezone.localtime(record.saved_at)
    if record.saved_by_id == by.pk:
        who = "您在另一个页面"
    else:
        who = record.saved_by.display_name if record.saved_by else "其他人"
    message = f"这份草稿在 {saved_at:%m-%d %H:%M} 已由{who}保存，您的修改没有保存。请复制刚填写的内容，刷新页面后再填。"
    name = record.saved_by.display_name if record.saved_by else ""
    return StaleDraft(message, saved_by=name, saved_at=record.saved_at, version=record.version)


def _keep_problems(record: Record, problems: tuple[str, ...]) -> None:
    """One item for each line, in order; a line that stays in its place keeps its item."""
    items = list(record.items.order_by("order"))
    changed = []
    for item, text in zip(items, problems, strict=False):
        if item.text != text:
            item.text = text
            changed.append(item)
    RectificationItem.objects.bulk_update(changed, ["text"])
    RectificationItem.objects.bulk_create(
        RectificationItem(record=record, order=number, text=text, state=ItemState.NOTED)
        for number, text in enumerate(problems[len(items) :], len(items) + 1)
    )
    record.items.filter(order__gt=len(problems)).delete()


def _keep_answers(record: Record, draft: RecordDraft) -> None:
    record.answers.exclude(point__in=list(draft.answers)).delete()
    Answer.objects.bulk_create(
        [
            Answer(record=record, point_id=pk, verdict=verdict, note=note)
            for pk, (verdict, note) in draft.answers.items()
        ],
        update_conflicts=True,
        unique_fields=["record", "point"],
        update_fields=["verdict", "note"],
    )


def _keep_duties(record: Record, further: list[Duty]) -> None:
    """The duties it serves beside the one it was opened from; joint partners are named as co-reviewers (A1)."""
    first = Duty.objects.filter(pk__in=served(record)[:1])
    record.duties.remove(*record.duties.exclude(pk__in=[duty.pk for duty in (*first, *further)]))
    record.duties.add(*further)
    review = record.review
    review.co_orgs.set({duty.reviewer_org_id for duty in further} - {review.reviewer_org_id})
    partners = [duty.acting_id or duty.reviewer_id for duty in further]
    review.co_reviewers.set({pk for pk in partners if pk is not None and pk != review.reviewer_id})
