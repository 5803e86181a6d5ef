"""Verbs of an import in the browser: upload, preview, confirm, cancel; the batch stays as the receipt.

Small files are checked and written at once. A large one is a job: `queued`, then `reading`, `checking` and `previewed`;
after the confirmation `queued` again, `writing` and `applied`. One process claims a job (`run`), and whoever lost it
to another one or to a cancellation writes nothing. Writers queue behind the tree's lock.
"""

from __future__ import annotations

import hashlib
import logging
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from orgs import audit
from orgs.errors import DomainError, Forbidden, TreeBusy
from orgs.importing import apply, columns, progress, reading
from orgs.importing.columns import BY_NAME, SHEETS, Options
from orgs.importing.gate import MAX_FILE
from orgs.importing.plan import Change, Plan, Problem
from orgs.models import ImportBatch, ImportJob, ImportState, User

SHOWN_ROWS = 100
SHOWN_PROBLEMS = 200
SHOWN_CAUSES, SHOWN_OF_A_CAUSE = 40, 20
AT_ONCE = 1024 * 1024  # larger files are jobs in the background
WAIT_SECONDS = 2.0  # until a writer that found the tree busy tries again
DEAD_AFTER = 20.0  # seconds without a sign of life
START_WITHIN = 90.0  # seconds in which a process of its own has begun
CANCELLABLE = (
    ImportState.QUEUED, ImportState.READING, ImportState.CHECKING, ImportState.PREVIEWED, ImportState.REFUSED,
    ImportState.INTERRUPTED,
)  # fmt: skip
REPEATABLE = (ImportState.PREVIEWED, ImportState.REFUSED, ImportState.CANCELLED, ImportState.INTERRUPTED)

UNEXPECTED = "处理时出现意外错误，没有写入任何内容；请重新核对，仍不行请联系维护人员。"

logger = logging.getLogger(__name__)


class AlreadyImported(DomainError):
    """The batch was confirmed before."""


class NotNow(DomainError):
    """The batch is in a state in which this cannot be done."""


class Superseded(DomainError):
    """The job was cancelled or taken over meanwhile; whoever notices writes nothing."""


def upload(
    data: bytes, file_name: str, *, new_root: bool = False, numeric_codes: bool = False, by: User
) -> ImportBatch:
    """Keep a file and plan it for the preview: a small one at once, a large one as a job in the background.

    A file that is refused as a whole is not kept, where that can be seen at once; a job says it on its page.
    Raises Forbidden, reading.Unreadable, DomainError.
    """
    _check_authority(by)
    if len(data) > MAX_FILE:
        raise reading.Unreadable(f"文件超过 {MAX_FILE // 1024 // 1024} MB，请分成几个文件导入。")
    batch = ImportBatch(
        # The last 200 characters: the extension is needed to read it again.
        file_name=PurePath(file_name.replace("\\", "/")).name[-200:],
        sha256=hashlib.sha256(data).hexdigest(),
        by=by,
        allow_new_root=new_root,
        allow_numeric_codes=numeric_codes,
        touched_at=timezone.now(),
    )
    if len(data) > AT_ONCE:
        reading.recognise(data, file_name)
        batch.state, batch.job = ImportState.QUEUED, ImportJob.CHECK
    else:
        _describe(batch, apply.preview(reading.read(data, file_name), _options(batch)))
    # Stored under a name of our own: what users type never becomes a path.
    batch.file.save(f"{uuid.uuid4().hex}{PurePath(file_name).suffix.lower()}", ContentFile(data), save=False)
    with transaction.atomic():
        batch.save()
        audit.record(by, "上传导入文件", [batch], summary=batch.file_name)
        if batch.state == ImportState.QUEUED:
            _launch_on_commit(batch)
    return batch


def preview_again(batch: ImportBatch, *, by: User) -> Plan:
    """Plan the stored file anew, for the world as it is now; an open batch shows the new result from then on.

    Raises Forbidden, NotNow, reading.Unreadable.
    """
    _check_authority(by)
    plan = apply.preview(_book(batch), _options(batch))
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.is_under_way:
            raise NotNow("这个文件正在处理，请等它结束，或先取消。")
        if batch.state != ImportState.APPLIED:
            _describe(batch, plan)
            batch.save(update_fields=["state", "counts", "note"])
    return plan


def recheck(batch: ImportBatch, *, by: User) -> ImportBatch:
    """Check the stored file again, at once or in the background; begins an interrupted or cancelled one anew.

    Raises Forbidden, NotNow, AlreadyImported, reading.Unreadable.
    """
    _check_authority(by)
    if _is_large(batch):
        return _enqueue(batch, ImportJob.CHECK, by, REPEATABLE)
    preview_again(batch, by=by)
    batch.refresh_from_db()
    return batch


def confirm(batch: ImportBatch, *, by: User) -> ImportBatch:
    """Import the stored file: planned anew under the tree's lock, applied only without a problem.

    A large file is queued for it, and its page tells how far it is. The counts of the batch are those of what was
    done. Raises Forbidden, AlreadyImported, NotNow, apply.Wrong (the batch then shows the problems that came up
    since), tree.TreeBusy, reading.Unreadable.
    """
    _check_authority(by)
    if _is_large(batch):
        return _enqueue(batch, ImportJob.WRITE, by, (ImportState.PREVIEWED,))
    _check_state(ImportBatch.objects.get(pk=batch.pk), (ImportState.PREVIEWED, ImportState.REFUSED))
    book = _book(batch)  # parsed outside the transaction: nobody waits for a reader
    return _import(batch, book, (ImportState.PREVIEWED, ImportState.REFUSED), by)


def cancel(batch: ImportBatch, *, by: User) -> ImportBatch:
    """Give the file up, as long as nothing is being written. Raises Forbidden, NotNow, AlreadyImported."""
    _check_authority(by)
    with transaction.atomic():
        cancellable = ImportBatch.objects.filter(pk=batch.pk, state__in=CANCELLABLE)
        if cancellable.update(state=ImportState.CANCELLED, run="", note=""):
            audit.record(by, "取消导入", [batch], summary=batch.file_name)
    batch.refresh_from_db()
    if batch.state != ImportState.CANCELLED:
        _check_state(batch, CANCELLABLE)
    return batch


# --- in the background ------------------------------------------------------------------------------------------------


def _enqueue(batch: ImportBatch, job: ImportJob, by: User, states: Sequence[str]) -> ImportBatch:
    """Queue a job, if the batch is in one of these states: of two clicks one does it."""
    with transaction.atomic():
        queued = ImportBatch.objects.filter(pk=batch.pk, state__in=states).update(
            state=ImportState.QUEUED, job=job, run="", note="", touched_at=timezone.now(), confirmed_by=by
        )
        if queued:
            _launch_on_commit(batch)
    batch.refresh_from_db()
    if not queued:
        _check_state(batch, states)
    return batch


def _launch_on_commit(batch: ImportBatch) -> None:
    transaction.on_commit(partial(launch, batch.pk))


def launch(pk: int) -> None:
    """Have the queued job done elsewhere: by a Celery worker, or without a broker by a process of its own."""
    if settings.REDIS_URL:
        try:
            current_app.send_task("orgs.tasks.run_import", [pk], retry=False)
        except BrokerError:
            logger.warning("the broker does not answer, import %s runs in a process of its own", pk)
        else:
            return
    command = [sys.executable, str(reading.ROOT / "manage.py"), "run_import", str(pk)]
    # A list, no shell; the number comes from the database. A session of its own, so that it outlives the server.
    child = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=reading.ROOT, start_new_session=True
    )
    threading.Thread(target=child.wait, daemon=True).start()  # so that no dead process is left in the table


def run(pk: int) -> bool:
    """Do the queued job of a batch; False when there is none, or another process has it.

    Waits while another change holds the tree. Whatever goes wrong is said on the batch, and nothing is half done.
    """
    while True:
        batch = _claim(pk)
        if batch is None:
            return False
        try:
            with progress.Reporter(progress_path(batch)) as reporter:
                _do(batch, reporter.tick)
        except Superseded:
            return True
        except (TreeBusy, OperationalError) as error:
            if not isinstance(error, TreeBusy) and "lock" not in str(error):
                _end(batch, ImportState.INTERRUPTED, UNEXPECTED)
                raise
            # Somebody else is writing, an import perhaps: back into the queue, where it can still be cancelled.
            _end(batch, ImportState.QUEUED)
            time.sleep(WAIT_SECONDS)
        except DomainError as error:
            _end(batch, ImportState.REFUSED, str(error))
            return True
        except Exception:
            _end(batch, ImportState.INTERRUPTED, UNEXPECTED)
            raise
        else:
            return True


def _claim(pk: int) -> ImportBatch | None:
    """The batch, if this process is the one that has its job now."""
    batch = ImportBatch.objects.filter(pk=pk, state=ImportState.QUEUED).first()
    if batch is None:
        return None
    state = ImportState.WRITING if batch.job == ImportJob.WRITE else ImportState.READING
    run_id = uuid.uuid4().hex
    claimed = ImportBatch.objects.filter(pk=pk, state=ImportState.QUEUED, job=batch.job).update(
        state=state, run=run_id, touched_at=timezone.now()
    )
    if not claimed:
        return None
    batch.state, batch.run = state, run_id
    return batch


def _do(batch: ImportBatch, tick: progress.Tick) -> None:
    """The job that was claimed."""
    book = _book(batch, tick)
    if batch.job == ImportJob.WRITE:
        if batch.confirmed_by is None:
            raise Forbidden("确认导入的账号已被删除，请重新确认。")
        _check_authority(batch.confirmed_by)
        with suppress(apply.Wrong):  # the batch shows them
            _import(batch, book, (ImportState.WRITING,), batch.confirmed_by, tick)
        return
    _settle(batch, ImportState.CHECKING)
    run_id = batch.run
    _describe(batch, apply.preview(book, _options(batch), tick))
    _store(batch, run_id)


def _settle(batch: ImportBatch, state: str, note: str = "") -> None:
    """Another state, as long as the job is still this process's. Raises Superseded."""
    mine = ImportBatch.objects.filter(pk=batch.pk, run=batch.run).exclude(state=ImportState.APPLIED)
    if not mine.update(state=state, note=note[:500], touched_at=timezone.now()):
        raise Superseded("这次处理已被取消或由别的进程接手。")


def _end(batch: ImportBatch, state: str, note: str = "") -> None:
    """The last word on a job that did not succeed, unless somebody else had it already."""
    with suppress(Superseded):
        _settle(batch, state, note)


def _store(batch: ImportBatch, run_id: str) -> None:
    mine = ImportBatch.objects.filter(pk=batch.pk, run=run_id).exclude(state=ImportState.APPLIED)
    if not mine.update(state=batch.state, counts=batch.counts, note=batch.note):
        raise Superseded("这次处理已被取消或由别的进程接手。")


def progress_path(batch: ImportBatch) -> Path:
    """Where the progress of a batch is told."""
    return Path(batch.file.path).with_suffix(".progress")


def notice_death(batch: ImportBatch) -> ImportBatch:
    """Mark a batch whose process gives no sign of life as interrupted; its transaction went back with it."""
    if not batch.is_under_way or batch.touched_at is None:
        return batch
    patience = DEAD_AFTER
    if batch.state == ImportState.QUEUED:
        if settings.REDIS_URL:
            return batch  # the broker keeps it, however long the queue is
        patience = START_WITHIN
    last = max(batch.touched_at.timestamp(), progress.last_sign(progress_path(batch)))
    if time.time() - last <= patience:
        return batch
    with suppress(OperationalError), transaction.atomic():
        # A row that is locked belongs to a writer that lives.
        rows = ImportBatch.objects.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        dead = rows.filter(pk=batch.pk, state=batch.state, run=batch.run).first()
        if dead is not None:
            dead.state, dead.run = ImportState.INTERRUPTED, ""
            dead.save(update_fields=["state", "run"])
            return dead
    return batch


def _import(
    batch: ImportBatch, book: reading.Book, states: Sequence[str], by: User, tick: progress.Tick = progress.silent
) -> ImportBatch:
    """Write the book and the receipt in one transaction, if the batch is still in one of these states and ours."""
    run_id = batch.run
    try:
        with transaction.atomic():
            batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
            _check_state(batch, states)
            if batch.run != run_id:
                raise Superseded("这次导入已由别的进程接手。")
            plan = apply.import_book(book, _options(batch), by=by, tick=tick)
            _describe(batch, plan)
            batch.state = ImportState.APPLIED
            batch.applied_at = timezone.now()
            batch.confirmed_by = by
            batch.save(update_fields=["state", "applied_at", "confirmed_by", "counts", "note"])
            audit.record(by, "导入", [batch], summary=f"{batch.file_name}：{totals(batch)}")
    except apply.Wrong as wrong:
        _describe(batch, wrong.plan)
        _store(batch, run_id)
        raise
    return batch


def _check_state(batch: ImportBatch, states: Sequence[str]) -> None:
    """Raises AlreadyImported, NotNow."""
    if batch.state in states:
        return
    if batch.state == ImportState.APPLIED:
        raise AlreadyImported("这个文件已经导入过了，不会重复导入。")
    if batch.is_under_way:
        raise NotNow("这个文件正在处理，请等它结束。")
    raise NotNow(f"这个文件现在是“{batch.get_state_display()}”，请先重新核对。")


def totals(batch: ImportBatch) -> str:
    """ "组织 新增 3、更新 0、未变 1；…" of a batch."""
    return "；".join(
        f"{sheet['sheet']} 新增 {sheet['new']}、更新 {sheet['changed']}、未变 {sheet['unchanged']}"
        for sheet in batch.counts.get("sheets", [])
    )


def _check_authority(by: User) -> None:
    """Whole trees are imported by administrators."""
    if not (by.is_active and by.is_superuser):
        raise Forbidden("只有系统管理员可以导入。")


def _is_large(batch: ImportBatch) -> bool:
    """Whether it is a job for the background; a file that is gone is not."""
    try:
        return bool(batch.file.size > AT_ONCE)
    except OSError:
        return False


def _options(batch: ImportBatch) -> Options:
    return Options(new_root=batch.allow_new_root, numeric_codes=batch.allow_numeric_codes)


def _book(batch: ImportBatch, tick: progress.Tick = progress.silent) -> reading.Book:
    try:
        with batch.file.open("rb") as stored:
            data = stored.read()
    except OSError as error:
        raise reading.Unreadable("上传的文件已不在服务器上，请重新上传。") from error
    return reading.read(data, batch.file_name, tick)


def sent(batch: ImportBatch) -> reading.Book | None:
    """What the stored file holds, for marking it; None for a large one and one that cannot be read any more."""
    if _is_large(batch):
        return None
    try:
        return _book(batch)
    except reading.Unreadable:
        return None


def _describe(batch: ImportBatch, plan: Plan) -> None:
    """What the preview shows, as plain data; long lists are cut, their lengths are not."""
    batch.state = ImportState.REFUSED if plan.problems else ImportState.PREVIEWED
    batch.note = ""
    batch.counts = {
        "sheets": [
            {"sheet": sheet, "total": counts.total, **asdict(counts)} | _changes(plan, sheet)
            for sheet, counts in plan.counts.items()
        ],
        "problems": [asdict(problem) for problem in plan.problems[:SHOWN_PROBLEMS]],
        "groups": _groups(plan.problems),
        "problem_count": len(plan.problems),
        "warnings": [asdict(problem) for problem in plan.warnings[:SHOWN_PROBLEMS]],
        "warning_count": len(plan.warnings),
        "notices": plan.notices[:50],
    }


def _groups(problems: list[Problem]) -> list[dict[str, Any]]:
    """Problems by cause, the most frequent first: what differs from row to row is left out of the cause."""
    found: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        cause = re.sub(r"[0-9]+(-[0-9]+)*", "…", re.sub(r'"[^"]*"', '"…"', problem.message.split("，是否指 ")[0]))
        found.setdefault((problem.sheet, problem.column, cause), []).append(problem)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [
        {
            "sheet": sheet,
            "column": column,
            "cause": cause,
            "count": len(rows),
            "rows": [asdict(row) for row in rows[:SHOWN_OF_A_CAUSE]],
        }
        for (sheet, column, cause), rows in ordered[:SHOWN_CAUSES]
    ]


def _changes(plan: Plan, sheet: str) -> dict[str, Any]:
    new, changed = plan.kept(sheet, new=True), plan.kept(sheet, new=False)
    return {
        "new_rows": [_row(change) for change in new[:SHOWN_ROWS]],
        "changed_rows": [_row(change) for change in changed[:SHOWN_ROWS]],
    }


def _row(change: Change) -> dict[str, Any]:
    """One row as the preview shows it: its fields, old -> new, in Chinese."""
    fields = []
    for column in SHEETS[change.sheet]:
        if column.name in change.values:
            new = shown(change.sheet, column.name, change.values[column.name])
            old = shown(change.sheet, column.name, change.old.get(column.name))
            if change.stored is not None or new:
                fields.append({"header": column.header, "old": old, "new": new})
    return {"row": change.row, "label": change.label, "fields": fields}


def shown(sheet: str, name: str, value: Any) -> str:
    """A value of a plan as a reader understands it; a mobile number is masked."""
    if value is None or value == "":
        return columns.NONE_CODE if name == "branch" else ""
    if name == "mobile":
        return f"{value[:3]}****{value[-4:]}" if len(value) >= 7 else "****"
    return BY_NAME[sheet][name].show(value)


def problem_of(stored: dict[str, Any]) -> Problem:
    """A problem as the batch keeps it."""
    return Problem(**stored)
