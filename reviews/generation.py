"""Verbs of a generation on the pages: preview, confirm, cancel; jobs in the background of a large system.

A generation is `queued`, then `checking` and `previewed`; confirmed, `queued` again, `writing` and `applied`. One process
claims a job (`run`), and whoever lost it to another one or to a cancellation writes nothing. In a small system the same
job is done at once. What is written is derived anew: the preview shows what was true when it was made.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from orgs import audit, bulk, clock, jobs, progress, scope
from orgs.errors import DomainError, Forbidden
from orgs.jobs import Superseded
from orgs.models import Organization
from reviews import cadence, duties, ended
from reviews.aligning import Counts, DutyPlan, align
from reviews.derive import Derivation
from reviews.models import Duty, Generation, GenerationJob, GenerationLine, GenerationState, Period, Rule
from reviews.wanted import Wanted

if TYPE_CHECKING:
    from orgs.models import User

AT_ONCE = 2000  # organisations; a larger system's generation is a job in the background
ASKED = 1.0  # seconds between two looks whether the job was cancelled
STAGES = ("derived", "towrite", "written", "withdrawn")
CANCELLABLE = (
    GenerationState.QUEUED, GenerationState.CHECKING, GenerationState.PREVIEWED, GenerationState.WRITING,
    GenerationState.REFUSED, GenerationState.INTERRUPTED,
)  # fmt: skip
COLUMNS = (
    "generation_id", "rule_code", "is_added", "reviewer_kind", "reviewer_org", "acting", "subject", "target_org",
    "target_person", "about_org", "reasons", "ended",
)  # fmt: skip


class NotNow(DomainError):
    """The period or the generation is in a state in which this cannot be done."""


class UnderWay(DomainError):
    """Somebody else's generation of the period is under way: `generation`."""

    def __init__(self, generation: Generation) -> None:
        who = generation.by.display_name if generation.by else "已删除的账号"
        super().__init__(
            f"{who}正在{generation.get_job_display()}{generation.period.name}的任务，请等它结束，或先取消。"
        )
        self.generation = generation


def hindrance(period: Period) -> str:
    """Why the period's duties cannot be generated on the pages now; "" where they can.

    Only the running period and the next one are made (a period that was made before may be brought up to date).
    """
    today = clock.today()
    if period.closed_at is not None:
        return f"{period.name}已经结束：任务保持现状，不再生成和调整。"
    if period.derived_at is not None:
        return ""
    if period.ends_on < today:
        return f"{period.name}已经结束，没有生成过任务，不能再补；确需补的，由维护人员用 generate_duties 命令办理。"
    if period.starts_on > cadence.months_later(today, 6) + datetime.timedelta(days=1):
        return f"{period.name}还早：只生成本期和下一期的任务。"
    return ""


def start(
    period: Period, *, on: datetime.date | None = None, by: User, job: GenerationJob = GenerationJob.CHECK
) -> Generation:
    """Preview the period's duties for a day, or (WRITE) generate them straight away; at once in a small system.

    Raises Forbidden, NotNow, UnderWay.
    """
    _administrators_only(by)
    if why := hindrance(period):
        raise NotNow(why)
    others = Generation.objects.filter(period=period, is_daily=False).select_related("by__person", "period")
    for other in others.filter(state__in=[GenerationState.QUEUED, GenerationState.CHECKING, GenerationState.WRITING]):
        notice_death(other)
    made = Generation(
        period=period, on=duties.day_of(period, on), job=job, by=by, touched_at=timezone.now(),
        confirmed_by=by if job == GenerationJob.WRITE else None,
    )  # fmt: skip
    try:
        with transaction.atomic():
            made.save()
            audit.record(by, f"开始{made.get_job_display()}任务", [made])
    except IntegrityError as error:
        for other in others:
            if other.is_under_way:
                raise UnderWay(other) from error
        raise NotNow("另一次生成刚刚结束，请再试一次。") from error
    return _begin(made)


def confirm(generation: Generation, *, by: User) -> Generation:
    """Write what was previewed, derived anew. Of two clicks one does it. Raises Forbidden, NotNow, UnderWay."""
    _administrators_only(by)
    if why := hindrance(generation.period):
        raise NotNow(why)
    if is_outdated(generation):
        raise NotNow("这次预览之后又有新的预览或生成，请看最近的一次。")
    rows = Generation.objects.filter(pk=generation.pk, state=GenerationState.PREVIEWED)
    values = {"job": GenerationJob.WRITE, "run": "", "note": "", "touched_at": timezone.now(), "confirmed_by": by}
    try:
        with transaction.atomic():
            queued = rows.update(state=GenerationState.QUEUED, **values)
    except IntegrityError as error:
        raise UnderWay(
            Generation.objects.select_related("by__person", "period").exclude(pk=generation.pk).filter(
                period=generation.period_id, is_daily=False
            )[0]
        ) from error  # fmt: skip
    generation.refresh_from_db()
    if not queued:
        said = "已经生成过了" if generation.state == GenerationState.APPLIED else generation.get_state_display()
        raise NotNow(f"这次预览{said}，不能再确认；需要时请重新预览。")
    return _begin(generation)


def is_outdated(generation: Generation) -> bool:
    """A later preview or generation of the period took its place."""
    later = Generation.objects.filter(
        period=generation.period_id,
        pk__gt=generation.pk,
        state__in=[GenerationState.PREVIEWED, GenerationState.APPLIED],
    )
    return later.filter(is_daily=False).exists() or (generation.is_daily and later.exists())


def cancel(generation: Generation, *, by: User) -> Generation:
    """Give it up; nothing is written. Raises Forbidden, NotNow."""
    _administrators_only(by)
    try:
        with transaction.atomic():
            rows = Generation.objects.filter(pk=generation.pk, state__in=CANCELLABLE)
            if rows.update(state=GenerationState.CANCELLED, run="", note=""):
                audit.record(by, "取消生成任务", [generation])
    except OperationalError as error:
        raise NotNow("正在写入，不能取消，请等它结束。") from error
    generation.refresh_from_db()
    if generation.state != GenerationState.CANCELLED:
        raise NotNow(f"这次生成{generation.get_state_display()}，不能取消。")
    return generation


# --- in the background ------------------------------------------------------------------------------------------------


def launch(pk: int) -> None:
    """Have the queued job done elsewhere."""
    jobs.launch("reviews.tasks.run_generation", "run_generation", pk)


def run(pk: int, *, waits: bool = True) -> bool:
    """Do the queued job of a generation; False when there is none, or another process has it.

    Waits while another change holds the tree, unless told not to: then it stays queued.
    """
    return jobs.work(lambda: _claim(pk), _do, _end, progress_path, waits=waits)


def progress_path(generation: Generation) -> Path:
    """Where the progress of a generation is told."""
    return Path(settings.MEDIA_ROOT) / "generations" / f"{generation.pk}.progress"


def notice_death(generation: Generation) -> Generation:
    """Mark one whose process gives no sign of life as interrupted."""
    jobs.notice_death(generation, progress_path(generation), _bury)
    return generation


def _bury(generation: Generation) -> None:
    generation.note = "处理的进程中断了，没有写入任何内容，可以重新预览。"


def _begin(generation: Generation) -> Generation:
    if not is_large():
        run(generation.pk, waits=False)
        generation.refresh_from_db()
    if generation.state == GenerationState.QUEUED:
        transaction.on_commit(partial(launch, generation.pk))
    return generation


def is_large() -> bool:
    """Whether a generation takes longer than a page may."""
    return Organization.objects.order_by()[: AT_ONCE + 1].count() > AT_ONCE


def _claim(pk: int) -> Generation | None:
    """The generation, if this process is the one that has its job now."""
    found = (
        Generation.objects.select_related("period", "confirmed_by").filter(pk=pk, state=GenerationState.QUEUED).first()
    )
    if found is None:
        return None
    state = GenerationState.CHECKING if found.job == GenerationJob.CHECK else GenerationState.WRITING
    return found if jobs.claim(found, state, job=found.job) else None


def _do(generation: Generation, tick: progress.Tick) -> None:
    """The job that was claimed; its result and its last state are one transaction."""
    if generation.job == GenerationJob.CHECK:
        with transaction.atomic():
            look(generation, tick)
            settle(generation, GenerationState.PREVIEWED)
        return
    if generation.confirmed_by is None:
        raise Forbidden("确认生成的账号已被删除，请重新预览。")
    _administrators_only(generation.confirmed_by)
    with transaction.atomic():
        write(generation, tick, by=generation.confirmed_by)
        settle(generation, GenerationState.APPLIED)


def look(generation: Generation, tick: progress.Tick = progress.silent) -> DutyPlan:
    """Keep what a generation would do, line by line, instead of the period's earlier previews. Caller's transaction."""
    _forget_earlier(generation)
    derivation = Derivation(generation.period, generation.on)
    lines = _Lines(generation, tick, derivation)
    plan = align(derivation, generation.period, write=False, witness=lines)
    generation.foreseen = _numbers(plan)
    return plan


def write(generation: Generation, tick: progress.Tick = progress.silent, *, by: User | None) -> DutyPlan:
    """Generate the period's duties for the generation's day. In the caller's transaction."""
    begun = time.monotonic()
    plan = duties.regenerate(generation.period, on=generation.on, by=by, witness=_Watch(generation, tick))
    generation.done, generation.applied_at = _numbers(plan), timezone.now()
    generation.seconds = round(time.monotonic() - begun, 2)
    return plan


def settle(generation: Generation, state: str) -> None:
    """The last state, as long as the job is still this process's. Raises Superseded."""
    generation.state, generation.note = state, ""
    names = ("state", "note", "foreseen", "done", "applied_at", "seconds")
    values = {name: getattr(generation, name) for name in names}
    mine = Generation.objects.filter(pk=generation.pk, run=generation.run).exclude(run="")
    if not mine.update(**values, touched_at=timezone.now()):
        raise Superseded("这次生成已被取消或由别的进程接手。")


def _end(generation: Generation, ending: jobs.Ending, note: str) -> None:
    """The last word on a job that did not succeed, unless somebody else had it already."""
    mine = Generation.objects.filter(pk=generation.pk, run=generation.run)
    mine.update(state=ending, note=note[:500], touched_at=timezone.now())


class _Watch:
    """Tells how far the job is, and stops it when it was cancelled."""

    def __init__(self, generation: Generation, tick: progress.Tick) -> None:
        self.generation, self.say, self.asked = generation, tick, time.monotonic()

    def come(self, wanted: Wanted) -> None:
        """Not needed."""

    def go(self, rule: Rule, ids: Sequence[int]) -> None:
        """Not needed."""

    def tick(self, stage: str, number: int) -> None:
        """Raises Superseded."""
        self.say(stage, number)
        if time.monotonic() - self.asked > ASKED and self.generation.run:
            self.asked = time.monotonic()
            if not Generation.objects.filter(pk=self.generation.pk, run=self.generation.run).exists():
                raise Superseded("这次生成已被取消或由别的进程接手。")


class _Lines(_Watch):
    """Stores every duty that would come or go."""

    def __init__(self, generation: Generation, tick: progress.Tick, derivation: Derivation) -> None:
        super().__init__(generation, tick)
        self.derivation = derivation

    def come(self, wanted: Wanted) -> None:
        """New ones, with their reasons."""
        wanted.keep_lines(self.generation.pk)

    def go(self, rule: Rule, ids: Sequence[int]) -> None:
        """Withdrawn ones, with what ended."""
        why = ended.sentences(rule, ids, self.derivation)
        names = (
            "reviewer_kind", "reviewer_org_id", "acting_id", "subject", "target_org_id", "target_person_id", "about_org_id",
        )  # fmt: skip
        rows = list(Duty.objects.filter(pk__in=ids).order_by("pk").values_list("pk", *names))
        gone = [(self.generation.pk, rule.code, False, *row, [], why[pk][:200]) for pk, *row in rows]
        bulk.insert(GenerationLine, COLUMNS, gone)


def _forget_earlier(generation: Generation) -> None:
    """Only the last preview of a period keeps its lines (and the daily looks theirs)."""
    if generation.is_daily:
        return
    previews = Generation.objects.filter(period=generation.period_id, is_daily=False).order_by()
    old = GenerationLine.objects.filter(generation__in=previews.values("pk"))
    old._raw_delete(old.db)  # a million rows, and nothing hangs on them


def _numbers(plan: DutyPlan) -> list[dict[str, Any]]:
    return [{"code": code, **asdict(counts)} for code, counts in plan.counts.items()]


def total(numbers: list[dict[str, Any]]) -> Counts:
    """All rules of `foreseen` or `done` together."""
    return Counts(*(sum(row[name] for row in numbers) for name in asdict(Counts())))


def _administrators_only(by: User) -> None:
    if not (by.is_active and scope.seats(by).is_admin):
        raise Forbidden("只有系统管理员可以生成任务。")
