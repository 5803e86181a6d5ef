"""每日核对: what the day alone changed in the running period's duties, found once a day and followed or announced.

Posts begin and end, members pass their probation and organisations become old enough without anybody doing anything.
The scheme says whether the duties follow at once (每日自动调整任务) or wait for an administrator.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from orgs import clock, tree
from reviews import coverage, generation, rules
from reviews.aligning import Counts
from reviews.models import Generation, GenerationJob, GenerationState, Period


def follow() -> list[Generation]:
    """Look at every running period once a day, however often and side by side it is asked. Returns today's looks."""
    return [_look(period) for period in Period.objects.running(clock.today())]


@transaction.atomic
def _look(period: Period) -> Generation:
    """One transaction: a process that dies leaves the day to the next one."""
    tree.lock()
    today = clock.today()
    known = Generation.objects.filter(period=period, on=today, is_daily=True).first()
    if known is not None:
        return known
    made = Generation.objects.create(
        period=period, on=today, is_daily=True, state=GenerationState.CHECKING, run=uuid.uuid4().hex,
        touched_at=timezone.now(),
    )  # fmt: skip
    generation.look(made)
    if rules.scheme().adjusts_daily:
        made.job = GenerationJob.WRITE
        Generation.objects.filter(pk=made.pk).update(job=made.job)
        generation.write(made, by=None)
        generation.settle(made, GenerationState.APPLIED)
    elif differs(made):
        generation.settle(made, GenerationState.PREVIEWED)
    else:  # duties stay as they are; who counts without one (a deputy whose post begins) follows all the same
        if period.derived_on is not None:
            coverage.sync(period, today)
        generation.settle(made, GenerationState.APPLIED)
    return made


def differs(look: Generation) -> bool:
    """Whether the day changed anything."""
    total = generation.total(look.foreseen)
    return bool(total.added or total.withdrawn or total.changed)


@dataclass(frozen=True)
class Told:
    """A daily look as pages and messages tell it."""

    look: Generation
    counts: Counts
    words: str


def told(look: Generation | None) -> Told | None:
    """What a daily look found, and whether it was followed; None for none."""
    if look is None:
        return None
    counts = generation.total(look.foreseen)
    if not differs(look):
        words = "任务与当天的组织、任职和党员一致，没有变化。"
    else:
        found = f"新增 {counts.added} 项，撤回 {counts.withdrawn} 项，换人或依据有变 {counts.changed} 项"
        words = f"{found}，{'已自动调整' if look.done else '请核对后确认'}。"
    return Told(look, counts, words)
