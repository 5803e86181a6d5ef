"""Work in the background that a page follows: launched, claimed by one process, queued behind others, ended.

What a job is, its row knows: `state`, `run` (who does it now) and `touched_at`. A Celery worker does it, or without a
broker a process of its own. What a job writes is one transaction of its own, with its row's last state inside it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from celery import current_app
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from orgs import progress
from orgs.errors import DomainError, TreeBusy

WAIT_SECONDS = 2.0  # until a writer that found the tree busy tries again
DEAD_AFTER = 20.0  # seconds without a sign of life
START_WITHIN = 90.0  # seconds in which a process of its own has begun
ROOT = Path(__file__).resolve().parent.parent

UNEXPECTED = "处理时出现意外错误，没有写入任何内容；请重新核对，仍不行请联系维护人员。"

logger = logging.getLogger(__name__)
Job = TypeVar("Job")


class Superseded(DomainError):
    """The job was cancelled or taken over meanwhile; whoever notices writes nothing."""


class Ending(StrEnum):
    """States in which a job ends that did not succeed, or waits for its turn again."""

    QUEUED = "queued"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


def launch(task: str, command: str, pk: int) -> None:
    """Have a queued job done elsewhere: by a Celery worker, or without a broker by a process of its own."""
    if settings.REDIS_URL:
        try:
            current_app.send_task(task, [pk], retry=False)
        except BrokerError:
            logger.warning("the broker does not answer, %s %s runs in a process of its own", command, pk)
        else:
            return
    # A list, no shell; the number comes from the database. A session of its own, so that it outlives the server.
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, str(ROOT / "manage.py"), command, str(pk)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    threading.Thread(target=child.wait, daemon=True).start()  # so that no dead process is left in the table


def work(
    claim: Callable[[], Job | None],
    do: Callable[[Job, progress.Tick], None],
    end: Callable[[Job, Ending, str], None],
    path: Callable[[Job], Path],
    *,
    waits: bool = True,
) -> bool:
    """Do a queued job; False when there is none, or another process has it.

    While another change holds the tree it waits, or leaves the job queued if it must not. Whatever goes wrong is said by `end`, and nothing is half done.
    """
    while True:
        job = claim()
        if job is None:
            return False
        try:
            with progress.Reporter(path(job)) as reporter:
                do(job, reporter.tick)
        except Superseded:
            return True
        except (TreeBusy, OperationalError) as error:
            if not isinstance(error, TreeBusy) and "lock" not in str(error):
                end(job, Ending.INTERRUPTED, UNEXPECTED)
                raise
            # Somebody else is writing, an import perhaps: back into the queue, where it can still be cancelled.
            end(job, Ending.QUEUED, "")
            if not waits:
                return True
            time.sleep(WAIT_SECONDS)
        except DomainError as error:
            end(job, Ending.REFUSED, str(error))
            return True
        except Exception:
            end(job, Ending.INTERRUPTED, UNEXPECTED)
            raise
        else:
            return True


def claim(job: Any, state: str, /, **same: object) -> bool:
    """Make a queued job this process's, unless another one was faster, it was given up, or `same` holds no more."""
    run = uuid.uuid4().hex
    rows = type(job)._default_manager.filter(pk=job.pk, state=Ending.QUEUED, **same)
    if not rows.update(state=state, run=run, touched_at=timezone.now()):
        return False
    job.state, job.run = state, run
    return True


def notice_death(job: Any, path: Path, bury: Callable[[Any], None]) -> None:
    """Mark a job whose process gives no sign of life as interrupted; its transaction went back with it.

    `bury` says in `note` what becomes of it, and may name another state.
    """
    is_queued = job.state == Ending.QUEUED
    if not job.is_under_way or not looks_dead(job.touched_at, path, is_queued=is_queued):
        return
    with suppress(OperationalError), transaction.atomic():
        # A row that is locked belongs to a writer that lives.
        can_skip = connection.features.has_select_for_update_skip_locked
        rows = type(job)._default_manager.select_for_update(skip_locked=can_skip)
        if rows.filter(pk=job.pk, state=job.state, run=job.run).first() is not None:
            job.state, job.run = Ending.INTERRUPTED.value, ""
            bury(job)
            job.save(update_fields=["state", "run", "note"])


def looks_dead(touched_at: datetime | None, path: Path, *, is_queued: bool) -> bool:
    """Whether whoever has the job gives no sign of life any more."""
    if touched_at is None:
        return False
    if is_queued and settings.REDIS_URL:
        return False  # the broker keeps it, however long the queue is
    patience = START_WITHIN if is_queued else DEAD_AFTER
    return time.time() - max(touched_at.timestamp(), progress.last_sign(path)) > patience
