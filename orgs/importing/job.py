"""Verbs of an import in the browser: upload, preview, confirm, cancel; the batch stays as the receipt.

Small files are checked and written at once. A large one is a job: `queued`, then `reading`, `checking` and `previewed`;
after the confirmation `queued` again, `writing` and `applied`. One process claims a job (`run`), and whoever lost it
to another one or to a cancellation writes nothing. Writers queue behind the tree's lock.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePath

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from orgs import audit, jobs, progress
from orgs.errors import DomainError, Forbidden
from orgs.importing import aliases, apply, reading, undo, uploaded
from orgs.importing.gate import MAX_FILE
from orgs.importing.plan import Plan
from orgs.importing.telling import describe, show, totals
from orgs.importing.uploaded import book_of, is_large, named_in, options_of
from orgs.jobs import Superseded
from orgs.models import ImportBatch, ImportJob, ImportState, User

CANCELLABLE = (
    ImportState.QUEUED, ImportState.READING, ImportState.CHECKING, ImportState.PREVIEWED, ImportState.REFUSED,
    ImportState.INTERRUPTED,
)  # fmt: skip
REPEATABLE = (ImportState.PREVIEWED, ImportState.REFUSED, ImportState.CANCELLED, ImportState.INTERRUPTED)
STAGES = ("read", "checked", "written")
FINAL = (ImportState.APPLIED, ImportState.UNDONE)


class AlreadyImported(DomainError):
    """The batch was confirmed before."""


class NotNow(DomainError):
    """The batch is in a state in which this cannot be done."""


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
    if len(data) > uploaded.AT_ONCE:
        reading.recognise(data, file_name)
        batch.state, batch.job = ImportState.QUEUED, ImportJob.CHECK
    else:
        show(batch, apply.preview(reading.read(data, file_name), options_of(batch)), can_be_tried=True)
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
    plan = apply.preview(book_of(batch), options_of(batch))
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.is_under_way:
            raise NotNow("这个文件正在处理，请等它结束，或先取消。")
        if batch.state not in FINAL:
            show(batch, plan, can_be_tried=not is_large(batch))
            batch.save(update_fields=["state", "counts", "sums", "note"])
    return plan


def answer(batch: ImportBatch, answers: Mapping[str, str], *, by: User) -> ImportBatch:
    """Say which organisation (code, full or short name) each unknown way of writing of this file means; check again.

    For organisations that are stored the answer is kept as an alias for every later import, for those of the file
    itself when they are imported. Raises Forbidden, NotNow, aliases.NotUnderstood, reading.Unreadable.
    """
    _check_authority(by)
    asked = {unknown["text"] for unknown in batch.counts.get("unknown", [])}
    listed = named_in(batch) if answers else {}
    codes = {text: aliases.meant(said, listed) for text, said in answers.items() if text in asked and said.strip()}
    if not codes:
        raise NotNow("请为至少一个名称选择它指的组织。")
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        _check_state(batch, (ImportState.PREVIEWED, ImportState.REFUSED))
        aliases.learn(codes, by=by)
        batch.answers |= codes
        batch.save(update_fields=["answers"])
    return recheck(batch, by=by)


def recheck(batch: ImportBatch, *, by: User) -> ImportBatch:
    """Check the stored file again, at once or in the background; begins an interrupted or cancelled one anew.

    Raises Forbidden, NotNow, AlreadyImported, reading.Unreadable.
    """
    _check_authority(by)
    if is_large(batch):
        return _enqueue(batch, ImportJob.CHECK, by, REPEATABLE)
    preview_again(batch, by=by)
    batch.refresh_from_db()
    return batch


def confirm(batch: ImportBatch, *, by: User, drawn: bool = False) -> ImportBatch:
    """Import the stored file: planned anew under the tree's lock, applied only without a problem.

    `drawn`: the hierarchy that was understood from the drawing was looked at and is right; asked where there is one.

    A large file is queued for it, and its page tells how far it is. The counts of the batch are those of what was
    done. Raises Forbidden, AlreadyImported, NotNow, apply.Wrong (the batch then shows the problems that came up
    since), TreeBusy, reading.Unreadable.
    """
    _check_authority(by)
    shown = batch.counts.get("drawn")
    if shown:
        if not drawn:
            raise NotNow("请先核对按层级理解的结果，并勾选“按层级理解的结果正确”。")
        batch.drawn = shown["fingerprint"]
        ImportBatch.objects.filter(pk=batch.pk).update(drawn=batch.drawn)
    if is_large(batch):
        return _enqueue(batch, ImportJob.WRITE, by, (ImportState.PREVIEWED,))
    _check_state(ImportBatch.objects.get(pk=batch.pk), (ImportState.PREVIEWED, ImportState.REFUSED))
    book = book_of(batch)  # parsed outside the transaction: nobody waits for a reader
    return _import(batch, book, (ImportState.PREVIEWED, ImportState.REFUSED), by)


def undo_import(batch: ImportBatch, *, by: User) -> ImportBatch:
    """Take an import back, until something else has changed; a large one is a job.

    Raises Forbidden, NotNow, undo.NotUndoable, tree.TreeRefused, people.PeopleRefused, TreeBusy.
    """
    _check_authority(by)
    hindered = undo.hindrance(batch) if batch.state == ImportState.APPLIED else "这个文件没有导入，不需要撤销。"
    if hindered:
        raise undo.NotUndoable(hindered)
    if is_large(batch):
        return _enqueue(batch, ImportJob.UNDO, by, (ImportState.APPLIED,))
    return _undo(batch, (ImportState.APPLIED,), by)


def cancel(batch: ImportBatch, *, by: User) -> ImportBatch:
    """Give the file up, as long as nothing is being written. Raises Forbidden, NotNow, AlreadyImported."""
    _check_authority(by)
    with transaction.atomic():
        cancellable = ImportBatch.objects.filter(pk=batch.pk, state__in=CANCELLABLE)
        kept = cancellable.filter(job=ImportJob.UNDO).update(state=ImportState.APPLIED, run="", note="已取消撤销。")
        if kept or cancellable.update(state=ImportState.CANCELLED, run="", note=""):
            audit.record(by, "取消撤销导入" if kept else "取消导入", [batch], summary=batch.file_name)
    batch.refresh_from_db()
    if not kept and batch.state != ImportState.CANCELLED:
        _check_state(batch, CANCELLABLE)
    return batch


def _enqueue(batch: ImportBatch, job: ImportJob, by: User, states: Sequence[str]) -> ImportBatch:
    """Queue a job, if the batch is in one of these states: of two clicks one does it."""
    who = {"undone_by": by} if job == ImportJob.UNDO else {"confirmed_by": by}
    with transaction.atomic():
        queued = ImportBatch.objects.filter(pk=batch.pk, state__in=states).update(
            state=ImportState.QUEUED, job=job, run="", note="", touched_at=timezone.now(), **who
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
    """Have the queued job done elsewhere."""
    jobs.launch("orgs.tasks.run_import", "run_import", pk)


def run(pk: int) -> bool:
    """Do the queued job of a batch; False when there is none, or another process has it.

    Waits while another change holds the tree. Whatever goes wrong is said on the batch, and nothing is half done.
    """
    return jobs.work(lambda: _claim(pk), _do, _end, progress_path)


def _claim(pk: int) -> ImportBatch | None:
    """The batch, if this process is the one that has its job now."""
    batch = ImportBatch.objects.filter(pk=pk, state=ImportState.QUEUED).first()
    if batch is None:
        return None
    state = ImportState.READING if batch.job == ImportJob.CHECK else ImportState.WRITING
    return batch if jobs.claim(batch, state, job=batch.job) else None


def _do(batch: ImportBatch, tick: progress.Tick) -> None:
    """The job that was claimed."""
    if batch.job == ImportJob.UNDO:
        if batch.undone_by is None:
            raise Forbidden("要撤销的账号已被删除。")
        _check_authority(batch.undone_by)
        _undo(batch, (ImportState.WRITING,), batch.undone_by)
        return
    book = book_of(batch, tick)
    if batch.job == ImportJob.WRITE:
        if batch.confirmed_by is None:
            raise Forbidden("确认导入的账号已被删除，请重新确认。")
        _check_authority(batch.confirmed_by)
        with suppress(apply.Wrong):  # the batch shows them
            _import(batch, book, (ImportState.WRITING,), batch.confirmed_by, tick)
        return
    _settle(batch, ImportState.CHECKING)
    run_id = batch.run
    show(batch, apply.preview(book, options_of(batch), tick), can_be_tried=not is_large(batch))
    _store(batch, run_id)


def _settle(batch: ImportBatch, state: str, note: str = "") -> None:
    """Another state, as long as the job is still this process's. Raises Superseded."""
    mine = ImportBatch.objects.filter(pk=batch.pk, run=batch.run).exclude(state=ImportState.APPLIED)
    if not mine.update(state=state, note=note[:500], touched_at=timezone.now()):
        raise Superseded("这次处理已被取消或由别的进程接手。")


def _end(batch: ImportBatch, state: str, note: str = "") -> None:
    """The last word on a job that did not succeed, unless somebody else had it already."""
    if batch.job == ImportJob.UNDO and state != ImportState.QUEUED:
        state, note = ImportState.APPLIED, f"没有撤销：{note}"
    with suppress(Superseded):
        _settle(batch, state, note)


def _store(batch: ImportBatch, run_id: str) -> None:
    mine = ImportBatch.objects.filter(pk=batch.pk, run=run_id).exclude(state=ImportState.APPLIED)
    if not mine.update(state=batch.state, counts=batch.counts, sums=batch.sums, note=batch.note):
        raise Superseded("这次处理已被取消或由别的进程接手。")


def progress_path(batch: ImportBatch) -> Path:
    """Where the progress of a batch is told."""
    return Path(batch.file.path).with_suffix(".progress")


def notice_death(batch: ImportBatch) -> ImportBatch:
    """Mark a batch whose process gives no sign of life as interrupted."""
    jobs.notice_death(batch, progress_path(batch), _bury)
    return batch


def _bury(batch: ImportBatch) -> None:
    if batch.job == ImportJob.UNDO:
        batch.state, batch.note = ImportState.APPLIED, "撤销中断了，没有写入任何内容，可以再试。"


def _import(
    batch: ImportBatch, book: reading.Book, states: Sequence[str], by: User, tick: progress.Tick = progress.silent
) -> ImportBatch:
    """Write the book and the receipt in one transaction, if the batch is still in one of these states and ours."""
    run_id = batch.run
    begun = time.monotonic()
    try:
        with transaction.atomic():
            batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
            _check_state(batch, states)
            if batch.run != run_id:
                raise Superseded("这次导入已由别的进程接手。")
            plan = apply.import_book(book, options_of(batch), by=by, tick=tick)
            describe(batch, plan)
            batch.state = ImportState.APPLIED
            batch.applied_at = timezone.now()
            batch.confirmed_by = by
            batch.seconds = round(time.monotonic() - begun, 2)
            aliases.learn(batch.answers, by=by)
            undo.keep(batch, plan)
            batch.save(update_fields=["state", "applied_at", "confirmed_by", "seconds", "counts", "sums", "note"])
            audit.record(by, undo.DONE, [batch], summary=f"{batch.file_name}：{totals(batch)}")
    except apply.Wrong as wrong:
        describe(batch, wrong.plan)
        _store(batch, run_id)
        raise
    return batch


def _undo(batch: ImportBatch, states: Sequence[str], by: User) -> ImportBatch:
    """Take the import back and say so on its receipt, if the batch is still in one of these states and ours."""
    run_id = batch.run
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.state not in states or batch.run != run_id:
            raise Superseded("这次撤销已由别的进程接手。")
        undo.undo(batch, by=by)
        batch.state, batch.note = ImportState.UNDONE, ""
        batch.undone_at, batch.undone_by = timezone.now(), by
        batch.save(update_fields=["state", "note", "undone_at", "undone_by"])
        batch.journal.delete()
        audit.record(by, undo.VERB, [batch], summary=f"{batch.file_name}：{totals(batch)}")
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


def _check_authority(by: User) -> None:
    """Whole trees are imported by administrators."""
    if not (by.is_active and by.is_superuser):
        raise Forbidden("只有系统管理员可以导入。")
