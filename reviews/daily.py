"""每日核对: what the day alone changed in the running period's duties, found once a day and followed or announced.

Posts begin and end, members pass their probation and organisations become old enough without anybody doing anything.
The scheme says whether the duties follow at once (每日自动调整任务) or wait for an administrator.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from orgs import clock, tree
from reviews import generation, rules
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
    else:
        generation.settle(made, GenerationState.PREVIEWED if differs(made) else GenerationState.APPLIED)
    return made


def differs(look: Generation) -> bool:
    """Whether the day changed anything."""
    total = generation.total(look.foreseen)
    return bool(total.added or total.withdrawn or total.changed)
