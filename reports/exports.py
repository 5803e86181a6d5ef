"""Verbs of exports: asked for, made (in the background for a large range), kept for their owner, removed.

An export is `queued`, then `writing` and `done`. One process claims it (`run`); a process that dies leaves it to be asked
for again. The file is its owner's alone and goes after KEPT_DAYS days, or when it is deleted.
"""

from __future__ import annotations

import datetime
import tempfile
import uuid
import zipfile
from functools import partial
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from orgs import audit, jobs, list_files, lists, progress
from orgs.errors import DomainError, Forbidden
from orgs.models import Organization, User
from reports import summary
from reports.models import Export, ExportKind, ExportState
from reports.models.export import UNDER_WAY
from reports.models.progress import works_for
from reports.outside import issues
from reviews.models import Period

KEPT_DAYS = 7
FORMS_AT_ONCE = 100  # units; each form is drawn in about 10 ms
AT_ONCE = 1000  # organisations; a larger range is a job in the background
MOST = 20  # files of one account
STAGES = ("total", "written")


class ExportRefused(DomainError):
    """It cannot be made, or not now."""


def ask(org: Organization, period: Period, *, by: User, kind: ExportKind = ExportKind.SUMMARY) -> Export:
    """The summary workbook of an organisation and all below it, or new forms for the units outside the system just
    below it; a second click finds the one under way. Raises Forbidden, ExportRefused.
    """
    _check(org, by, kind)
    is_small = _is_small(org, period, kind)
    return _asked(Export(by=by, organization=org, period=period, kind=kind), is_small=is_small)


def ask_list(address: str, *, by: User) -> Export:
    """A long list as a workbook: the one at that address of the application, as the user would get it.

    Raises what telling the list raises, ExportRefused.
    """
    found = list_files.told_at(address, by)
    asked = {"address": address, "name": found.name, "conditions": found.conditions}
    return _asked(Export(by=by, kind=ExportKind.LIST, asked=asked), is_small=False)


def _asked(new: Export, *, is_small: bool) -> Export:
    remove_old()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=new.by_id)  # two clicks come one after the other
        mine = Export.objects.filter(by=new.by)
        for other in mine.filter(state__in=UNDER_WAY):
            if other.is_like(new) and notice_death(other).is_under_way:
                return other
        if mine.count() >= MOST:
            raise ExportRefused(f"您已有 {MOST} 个导出文件，请先删除不用的。")
        new.touched_at = timezone.now()
        new.save(force_insert=True)
        audit.record(new.by, f"导出{new.get_kind_display()}", [new])
    if is_small:
        run(new.pk)
        new.refresh_from_db()
    else:
        transaction.on_commit(partial(jobs.launch, "reports.tasks.run_export", "run_export", new.pk))
    return new


def _is_small(org: Organization, period: Period, kind: str) -> bool:
    if kind == ExportKind.FORMS:
        return issues.units(org, period).count() <= FORMS_AT_ONCE
    return Organization.objects.below(org, include_self=True).order_by()[: AT_ONCE + 1].count() <= AT_ONCE


def take(export: Export) -> IO[bytes]:
    """The file of a finished export, for its owner as long as he may see what is in it.

    Raises Forbidden and what telling a list raises when he may not any more, FileNotFoundError when it is gone.
    """
    if export.kind == ExportKind.LIST:
        list_files.told_at(export.asked["address"], export.by)
    else:
        _still(export)
    return export.file.open("rb")


def run(pk: int) -> bool:
    """Make a queued export; False when there is none, or another process has it."""
    return jobs.work(lambda: _claim(pk), _do, _end, progress_path)


def progress_path(export: Export) -> Path:
    """Where the progress of an export is told."""
    return Path(settings.MEDIA_ROOT) / "exports" / f"{export.pk}.progress"


def notice_death(export: Export) -> Export:
    """Mark one whose process gives no sign of life as interrupted."""
    jobs.notice_death(export, progress_path(export), _bury)
    return export


def _bury(export: Export) -> None:
    export.note = "生成的进程中断了，请删除后重新导出。"


@transaction.atomic
def delete(export: Export, *, by: User) -> None:
    """Gone at once, its file with it; one that is being made is given up."""
    audit.record(by, "删除导出文件", [export])
    _remove(export)


def remove_old() -> int:
    """Delete what was kept long enough; returns how many."""
    old = list(Export.objects.filter(created_at__lt=timezone.now() - datetime.timedelta(days=KEPT_DAYS)))
    with transaction.atomic():
        for export in old:
            _remove(export)
    return len(old)


def _remove(export: Export) -> None:
    Export.objects.filter(pk=export.pk).delete()
    if export.file.name:
        transaction.on_commit(partial(export.file.storage.delete, export.file.name))
    transaction.on_commit(partial(progress_path(export).unlink, missing_ok=True))


def _check(org: Organization, by: User, kind: str) -> None:
    if kind == ExportKind.FORMS and not Organization.objects.filter(works_for(by), pk=org.pk).exists():
        raise Forbidden("只有本单位的办公室或负责人可以给下属单位下发表格。")
    if not Organization.objects.visible_to(by).filter(pk=org.pk).exists():
        raise Forbidden("只能导出您看得到的组织。")


def _still(export: Export) -> tuple[Organization, Period]:
    """Of which organisation and period it is; raises Forbidden when its owner may not have it any more."""
    org, period = export.organization, export.period
    if org is None or period is None:
        raise ExportRefused("没有写明是哪个组织、哪个点评期的。")
    _check(org, export.by, export.kind)
    return org, period


def _claim(pk: int) -> Export | None:
    """The export, if this process is the one that makes it."""
    found = Export.objects.select_related("by__person", "organization", "period").filter(pk=pk).first()
    return found if found is not None and jobs.claim(found, ExportState.WRITING) else None


def _do(export: Export, tick: progress.Tick) -> None:
    """The figures of one moment, drawn into a file, which is the owner's when it is whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"export{suffix(export)}"
        count = WRITERS[ExportKind(export.kind)](export, path, tick)
        with path.open("rb") as stream:
            export.file.save(f"{uuid.uuid4().hex}{path.suffix}", File(stream), save=False)
    mine = Export.objects.filter(pk=export.pk, run=export.run).exclude(run="")
    values = {"state": ExportState.DONE, "done_at": timezone.now(), "organizations": count, "note": ""}
    if not mine.update(**values, file=export.file.name, asked=export.asked):
        export.file.delete(save=False)
        raise jobs.Superseded("这次导出已被删除或由别的进程接手。")


def suffix(export: Export) -> str:
    """The extension of its file."""
    return ".zip" if export.kind == ExportKind.FORMS else ".xlsx"


def _write_summary(export: Export, path: Path, tick: progress.Tick) -> int:
    org, period = _still(export)
    listed = summary.lines(period, org, export.by)
    tick("total", len(listed))
    summary.write(path, period, listed, tick)
    return sum(not line.others for line in listed)


def _write_forms(export: Export, path: Path, tick: progress.Tick) -> int:
    """A form for each unit outside the system, issued now; why one has none stands in a text beside them."""
    org, period = _still(export)
    units = list(issues.units(org, period))
    tick("total", len(units))
    refused = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for at, unit in enumerate(units, start=1):
            try:
                issue = issues.issue_form(unit, period, by=export.by)
            except DomainError as refusal:
                refused.append(f"{unit.code} {unit.name}：{refusal}")
            else:
                archive.writestr(f"{issues.file_name(issue)}.xlsx", issues.file_of(issue))
            tick("written", at)
        if refused:
            archive.writestr("没有下发的单位.txt", "\r\n".join(["\ufeff", *refused]))
    made = len(units) - len(refused)
    if not made:
        raise ExportRefused(refused[0] if refused else "下面没有用表格上报的单位。")
    return made


def _write_list(export: Export, path: Path, tick: progress.Tick) -> int:
    """The list as its page shows it now, for who asked: what he may no longer see is not there."""
    found = list_files.told_at(export.asked["address"], export.by)
    tick("total", found.count)
    written = lists.write(path, found.sheets, tick)
    list_files.note(found, export.by)
    export.asked |= {"name": found.name, "conditions": found.conditions}  # as of now, too
    return written


WRITERS = {ExportKind.SUMMARY: _write_summary, ExportKind.FORMS: _write_forms, ExportKind.LIST: _write_list}


def _end(export: Export, ending: jobs.Ending, note: str) -> None:
    """The last word on one that did not succeed, unless somebody else had it already."""
    Export.objects.filter(pk=export.pk, run=export.run).update(state=ending, note=note[:500], touched_at=timezone.now())
