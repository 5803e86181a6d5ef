"""Verbs of an import in the browser: upload, preview, confirm; the batch stays as the receipt."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from orgs import audit
from orgs.errors import DomainError, Forbidden
from orgs.importing import apply, columns, reading
from orgs.importing.columns import BY_NAME, SHEETS, Options
from orgs.importing.gate import MAX_FILE
from orgs.importing.plan import Change, Plan, Problem
from orgs.models import ImportBatch, ImportState, User

SHOWN_ROWS = 100
SHOWN_PROBLEMS = 200


class AlreadyImported(DomainError):
    """The batch was confirmed before."""


def upload(
    data: bytes, file_name: str, *, new_root: bool = False, numeric_codes: bool = False, by: User
) -> ImportBatch:
    """Read and plan a file, and keep both for the preview. Raises Forbidden, reading.Unreadable, DomainError.

    A file that is refused as a whole is not kept.
    """
    _check_authority(by)
    if len(data) > MAX_FILE:
        raise reading.Unreadable(f"文件超过 {MAX_FILE // 1024 // 1024} MB，请分成几个文件导入。")
    options = Options(new_root=new_root, numeric_codes=numeric_codes)
    book = reading.read(data, file_name)
    plan = apply.preview(book, options)
    batch = ImportBatch(
        # The last 200 characters: the extension is needed to read it again.
        file_name=PurePath(file_name.replace("\\", "/")).name[-200:],
        sha256=book.sha256,
        by=by,
        allow_new_root=new_root,
        allow_numeric_codes=numeric_codes,
    )
    _describe(batch, plan)
    # Stored under a name of our own: what users type never becomes a path.
    batch.file.save(f"{uuid.uuid4().hex}{PurePath(file_name).suffix.lower()}", ContentFile(data), save=False)
    with transaction.atomic():
        batch.save()
        audit.record(by, "上传导入文件", [batch], summary=batch.file_name)
    return batch


def preview_again(batch: ImportBatch, *, by: User) -> Plan:
    """Plan the stored file anew, for the world as it is now; an open batch shows the new result from then on.

    Raises Forbidden, reading.Unreadable.
    """
    _check_authority(by)
    plan = apply.preview(_book(batch), _options(batch))
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.state != ImportState.APPLIED:
            _describe(batch, plan)
            batch.save(update_fields=["state", "counts"])
    return plan


def confirm(batch: ImportBatch, *, by: User) -> ImportBatch:
    """Import the stored file: planned anew under the tree's lock, applied only without a problem.

    The counts of the batch are those of what was done. Raises Forbidden, AlreadyImported, apply.Wrong (the batch then
    shows the problems that came up since), tree.TreeBusy, reading.Unreadable.
    """
    _check_authority(by)
    if ImportBatch.objects.filter(pk=batch.pk, state=ImportState.APPLIED).exists():
        raise AlreadyImported("这个文件已经导入过了，不会重复导入。")
    book = _book(batch)  # parsed outside the transaction: nobody waits for a reader
    try:
        with transaction.atomic():
            batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
            if batch.state == ImportState.APPLIED:
                raise AlreadyImported("这个文件已经导入过了，不会重复导入。")
            plan = apply.import_book(book, _options(batch), by=by)
            _describe(batch, plan)
            batch.state = ImportState.APPLIED
            batch.applied_at = timezone.now()
            batch.save(update_fields=["state", "applied_at", "counts"])
            audit.record(by, "导入", [batch], summary=f"{batch.file_name}：{totals(batch)}")
    except apply.Wrong as wrong:
        _describe(batch, wrong.plan)
        ImportBatch.objects.filter(pk=batch.pk).exclude(state=ImportState.APPLIED).update(
            state=batch.state, counts=batch.counts
        )
        raise
    return batch


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


def _options(batch: ImportBatch) -> Options:
    return Options(new_root=batch.allow_new_root, numeric_codes=batch.allow_numeric_codes)


def _book(batch: ImportBatch) -> reading.Book:
    try:
        with batch.file.open("rb") as stored:
            data = stored.read()
    except OSError as error:
        raise reading.Unreadable("上传的文件已不在服务器上，请重新上传。") from error
    return reading.read(data, batch.file_name)


def _describe(batch: ImportBatch, plan: Plan) -> None:
    """What the preview shows, as plain data; long lists are cut, their lengths are not."""
    batch.state = ImportState.REFUSED if plan.problems else ImportState.PREVIEWED
    batch.counts = {
        "sheets": [
            {"sheet": sheet, "total": counts.total, **asdict(counts)} | _changes(plan, sheet)
            for sheet, counts in plan.counts.items()
        ],
        "problems": [asdict(problem) for problem in plan.problems[:SHOWN_PROBLEMS]],
        "problem_count": len(plan.problems),
        "warnings": [asdict(problem) for problem in plan.warnings[:SHOWN_PROBLEMS]],
        "warning_count": len(plan.warnings),
        "notices": plan.notices[:50],
    }


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
