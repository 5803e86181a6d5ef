"""Verbs of random draws (R30): defined and committed to, drawn once, voided with a reason."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from orgs import audit, clock
from orgs.errors import DomainError
from orgs.models import Category, Organization, OrgType, Person, Post, Relation
from reviews import assignments, sampling, snapshots, vocabulary
from reviews.aligning import BY_HAND
from reviews.drafts import tidy
from reviews.models import Draw, DrawCandidate, DrawState, Duty, Period, Record, ReviewForm, SeedSource

if TYPE_CHECKING:
    from orgs.models import User

MOST = 20_000  # organisations in a frame: each is kept with the draw
BATCH = 2_000
ALL = "全部"


class DrawRefused(DomainError):
    """The facts or the draw's state do not allow this."""


@dataclass(frozen=True)
class Frame:
    """From which organisations is drawn; an empty condition does not narrow."""

    under: Organization | None = None  # a subtree below the reviewing organisation
    category: Category | None = None
    org_type: str = ""
    relation: str = ""
    window_units: bool = False
    not_reviewed: bool = False  # this period
    by_category: bool = True  # strata

    def said(self, reviewer_org: Organization) -> str:
        """The conditions in words."""
        words = [f"“{self.under or reviewer_org}”以下的组织"]
        words += [f"单位类别：{self.category}"] if self.category else []
        words += [f"组织类型：{OrgType(self.org_type).label}"] if self.org_type else []
        words += [f"与上级关系：{Relation(self.relation).label}"] if self.relation else []
        words += ["窗口单位"] if self.window_units else []
        words += ["本期尚未点评"] if self.not_reviewed else []
        return "，".join([*words, "按单位类别分层" if self.by_category else "不分层"])


@dataclass(frozen=True)
class Drawn:
    """One that came out, as it was frozen; whether a duty is there, and the duty if the user may see it."""

    candidate: DrawCandidate
    is_given: bool
    duty: Duty | None


def candidates(reviewer_org: Organization, acting: Person, period: Period, frame: Frame) -> QuerySet[Organization]:
    """Whom the frame holds on the day: alive, below, not headed by the reviewer, not yet assigned this period."""
    on = snapshots.day_of(period, None)
    found = Organization.objects.alive(on).below(reviewer_org)
    if frame.under is not None:
        found = found.below(frame.under, include_self=True)
    if frame.category is not None:
        found = found.filter(category=frame.category)
    if frame.org_type:
        found = found.filter(org_type=frame.org_type)
    if frame.relation:
        found = found.filter(relation=frame.relation)
    if frame.window_units:
        found = found.filter(is_window_unit=True)
    if frame.not_reviewed:
        found = found.exclude(Exists(Record.objects.counted().counting_in(period).filter(target_org=OuterRef("pk"))))
    headed = Post.objects.valid(on).heads().filter(person=acting, organization=OuterRef("pk"))
    known = Duty.objects.filter(period=period, rule_code=BY_HAND, reviewer_org=reviewer_org, target_org=OuterRef("pk"))
    return found.exclude(Exists(headed)).exclude(Exists(known)).select_related("category").order_by("code")


def strata(found: QuerySet[Organization], frame: Frame) -> list[DrawCandidate]:
    """The frame as it will be kept, by code; nothing is written. One more than `MOST` where there are more."""
    rows = [
        DrawCandidate(organization=org, code=org.code, name=org.name, stratum=org.category.name if frame.by_category else ALL)
        for org in found[: MOST + 1]
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row.code)


@transaction.atomic
def define(
    reviewer_org: Organization,
    *,
    period: Period,
    acting: Person,
    frame: Frame,
    size: int,
    quotas: Mapping[str, int] | None = None,
    due_on: datetime.date,
    occasion: str,
    seed: str = "",
    seed_note: str = "",
    by: User,
) -> Draw:
    """Freeze the frame, fix the seed, and keep the commitment to both, before anything is drawn.

    `quotas`: places of each stratum; without, in proportion. `seed`: from a public source named in `seed_note`;
    without, made here and kept secret until the draw.
    """
    assignments.assigning(reviewer_org, by)
    occasion, seed, seed_note = tidy(occasion)[:200], tidy(seed), tidy(seed_note)[:200]
    on = snapshots.day_of(period, None)
    if not occasion:
        raise DrawRefused("请写明为什么抽取（事由）。")
    if ReviewForm.RANDOM not in vocabulary.form_names(is_on=True):
        raise DrawRefused("现行方案没有启用“随机点评”这种形式，请先由系统管理员在“方案”中启用。")
    if not snapshots.may_lead(acting, reviewer_org, on):
        raise DrawRefused(f"{acting.name}不是“{reviewer_org}”的班子成员或书记，不能以它的名义点评。")
    if not period.starts_on <= due_on <= period.ends_on:
        raise DrawRefused(f"截止日期须在{period}内（{period.starts_on} 至 {period.ends_on}），请改正。")
    if seed and not seed_note:
        raise DrawRefused("自己填写种子时，请写明公开来源，例如某期彩票的开奖号码。")
    if len(seed) > 100 or "\n" in seed:
        raise DrawRefused("种子最多 100 个字，写在一行里。")
    rows = strata(candidates(reviewer_org, acting, period, frame), frame)
    if len(rows) > MOST:
        raise DrawRefused(f"抽样范围超过 {MOST} 个组织，请用条件缩小范围。")
    if not rows:
        raise DrawRefused("没有符合条件的组织，请放宽抽样范围。")
    codes = [(row.code, row.stratum) for row in rows]
    places = _places(codes, size, quotas)
    hashed = sampling.frame_hash(codes, places)
    source = SeedSource.PUBLIC if seed else SeedSource.SYSTEM
    seed = seed or secrets.token_hex(32)
    draw = Draw.objects.create(
        period=period, reviewer_org=reviewer_org, acting=acting, occasion=occasion, due_on=due_on,
        conditions=frame.said(reviewer_org)[:500], quotas=places, size=sum(places.values()), frame_hash=hashed,
        seed=seed, seed_source=source, seed_note=seed_note, commitment=sampling.commitment(seed, hashed), created_by=by,
    )  # fmt: skip
    for row in rows:
        row.draw = draw
    DrawCandidate.objects.bulk_create(rows, batch_size=BATCH)
    audit.record(
        by, "制定抽取", [draw], summary=f"{occasion}：{len(rows)} 个中抽 {draw.size} 个，承诺值 {draw.commitment}"
    )
    return draw


def _places(codes: list[tuple[str, str]], size: int, quotas: Mapping[str, int] | None) -> dict[str, int]:
    sizes = sampling.sizes(codes)
    if quotas is None:
        if not 1 <= size <= len(codes):
            raise DrawRefused(f"抽取数量须在 1 到 {len(codes)}（符合条件的组织数）之间。")
        return sampling.proportional(sizes, size)
    for name, places in quotas.items():
        if not 0 <= places <= sizes.get(name, 0):
            raise DrawRefused(f"“{name}”有 {sizes.get(name, 0)} 个组织符合条件，名额不能是 {places}。")
    if not sum(quotas.values()):
        raise DrawRefused("各层名额合起来至少 1 个。")
    return {name: quotas.get(name, 0) for name in sizes}


@transaction.atomic
def run(draw: Draw, *, by: User) -> Draw:
    """Draw, reveal the seed, and make the duties. Once: a second click gives the same draw again.

    Who was dissolved, came to be headed by the reviewer, or got an assigned duty since the frame was frozen stays in
    the result (it is what the seed gives), but gets no new duty.
    """
    draw = _locked(draw, by)
    if draw.state == DrawState.DRAWN:
        return draw
    if draw.state != DrawState.COMMITTED:
        raise DrawRefused(f"抽取“{draw}”{draw.get_state_display()}，不能再抽。")
    draw.drawn = sampling.draw(draw.seed, draw.codes, draw.quotas)
    draw.state, draw.drawn_at = DrawState.DRAWN, clock.now()
    draw.save(update_fields=["drawn", "state", "drawn_at"])
    audit.record(by, "随机抽取", [draw], summary=f"{draw}：抽出 {len(draw.drawn)} 个，种子 {draw.seed}")
    # By what was frozen, not by today's codes.
    taken = draw.candidates.filter(code__in=draw.drawn).order_by().values("organization")
    for org in Organization.objects.filter(pk__in=taken).order_by("code"):
        try:
            with transaction.atomic():
                assignments.assign(
                    draw.reviewer_org, period=draw.period, acting=draw.acting, target_org=org, about_org=org,
                    form=ReviewForm.RANDOM, due_on=draw.due_on, topic=draw.occasion, reason="随机抽取", draw=draw, by=by,
                )  # fmt: skip
        except assignments.AssignmentRefused as refusal:
            audit.record(by, "抽中未派", [draw], summary=f"{org}：{refusal}"[:500])
    return draw


@transaction.atomic
def void(draw: Draw, *, reason: str, by: User) -> Draw:
    """Void it, with a reason: its duties without any record are withdrawn, the record of the draw stays."""
    draw = _locked(draw, by)
    reason = tidy(reason)
    if not reason:
        raise DrawRefused("请写明作废原因。")
    if len(reason) > 200:
        raise DrawRefused(f"作废原因太长：最多 200 个字，现有 {len(reason)} 个。")
    if draw.state == DrawState.VOIDED:
        return draw
    before, draw.state, draw.void_reason = draw.state, DrawState.VOIDED, reason
    draw.save(update_fields=["state", "void_reason"])
    for duty in Duty.objects.filter(assignment__draw=draw).exclude(records__isnull=False).order_by("pk"):
        assignments.withdraw(duty, reason=f"抽取作废：{reason}", by=by)
    changes = {draw.pk: ({"state": before}, {"state": draw.state})}
    audit.record(by, "作废抽取", [draw], summary=f"{draw}：{reason}"[:500], changes=changes)
    return draw


def result(draw: Draw, user: User) -> list[Drawn]:
    """What came out, in order of code."""
    given = Duty.objects.filter(assignment__draw=draw)
    everybodys = set(given.order_by().values_list("target_org", flat=True))
    visible = {duty.target_org_id: duty for duty in given.visible_to(user)}
    rows = draw.candidates.filter(code__in=draw.drawn) if draw.drawn else ()
    return [Drawn(row, row.organization_id in everybodys, visible.get(row.organization_id)) for row in rows]


def beside(draw: Draw, user: User) -> tuple[list[Draw], int]:
    """The other draws of the same organisation and period, voided ones too, the newest first; and how many more there
    are that the user cannot see.
    """
    others = Draw.objects.filter(reviewer_org=draw.reviewer_org_id, period=draw.period_id).exclude(pk=draw.pk)
    shown = list(others.visible_to(user).with_sizes())
    return shown, others.count() - len(shown)


def is_reproducible(draw: Draw) -> bool:
    """Drawn again from what is kept, it gives the same list, and the seed is the one committed to."""
    hashed = sampling.frame_hash(draw.codes, draw.quotas)
    return (
        hashed == draw.frame_hash
        and sampling.commitment(draw.seed, hashed) == draw.commitment
        and sampling.draw(draw.seed, draw.codes, draw.quotas) == draw.drawn
    )


def _locked(draw: Draw, by: User) -> Draw:
    now = (
        Draw.objects.select_for_update(of=("self",)).select_related("reviewer_org", "acting", "period").get(pk=draw.pk)
    )
    assignments.assigning(now.reviewer_org, by)
    return now
