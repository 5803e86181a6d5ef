"""Pages of the import: choose a file, look at what it would do, confirm, and the receipt. Administrators only."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from orgs import progress
from orgs.cells import XLSX
from orgs.errors import DomainError
from orgs.importing import aliases, export, job, telling, undo, uploaded
from orgs.importing.gate import MAX_FILE, SUFFIXES
from orgs.models import ImportBatch, ImportJob, ImportState, Organization, OrganizationAlias
from orgs.requests import UserRequest

Answer = TypeVar("Answer")


class UploadForm(forms.Form):
    """Which file, and what is said to be meant."""

    file = forms.FileField(
        label="文件",
        help_text=f"{' '.join(SUFFIXES)}，不超过 {MAX_FILE // 1024 // 1024} MB",
        error_messages={"required": "请选择要导入的文件。", "empty": "文件是空的，请重新选择。"},
        widget=forms.ClearableFileInput(attrs={"accept": ",".join(SUFFIXES)}),
    )
    new_root = forms.BooleanField(
        label="允许新的根组织", required=False, help_text="文件里没有上级代码的组织会成为又一个根组织时才勾选"
    )
    numeric_codes = forms.BooleanField(
        label="接受数字格式的代码", required=False, help_text="代码列是数字单元格，而且确认开头没有丢失的 0 时才勾选"
    )


def administrators_only(view: Callable[..., Answer]) -> Callable[..., Answer]:
    """Everybody else finds no such page, or list."""

    @wraps(view)
    def guarded(request: UserRequest, *args: Any, **kwargs: Any) -> Answer:
        if not (request.user.is_active and request.user.is_superuser):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def _download(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@administrators_only
@require_http_methods(["GET", "POST"])
def import_start(request: UserRequest) -> HttpResponse:
    """Choose a file; below, the imports so far."""
    form = UploadForm(request.POST or None, request.FILES or None) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        try:
            batch = job.upload(
                chosen["file"].read(),
                chosen["file"].name,
                new_root=chosen["new_root"],
                numeric_codes=chosen["numeric_codes"],
                by=request.user,
            )
        except DomainError as error:
            form.add_error("file", str(error))
        else:
            return redirect("import_preview", pk=batch.pk)
    past = ImportBatch.objects.visible_to(request.user).select_related("by", "by__person").defer("counts")
    page = Paginator(past, 20).get_page(request.GET.get("page"))
    page.object_list = [job.notice_death(batch) for batch in page.object_list]
    return render(request, "orgs/import_start.html", {"form": form, "page_obj": page})


@administrators_only
@require_GET
def import_preview(request: UserRequest, pk: int) -> HttpResponse:
    """What the file would do, or what is wrong with it; after the confirmation the receipt."""
    people = ("by__person", "confirmed_by__person", "undone_by__person")
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user).select_related(*people), pk=pk)
    batch = job.notice_death(batch)
    if batch.is_under_way:
        return render(request, "orgs/import_progress.html", _progress(batch))
    applied = batch.state == ImportState.APPLIED
    groups = batch.counts.get("groups", [])
    return render(
        request,
        "orgs/import_preview.html",
        {
            "batch": batch,
            "applied": applied,
            "undone": batch.state == ImportState.UNDONE,
            "hindrance": undo.hindrance(batch) if applied else "",
            "refused": batch.state == ImportState.REFUSED,
            "stopped": batch.state in (ImportState.CANCELLED, ImportState.INTERRUPTED),
            "checked": bool(batch.counts.get("sheets")),
            "nothing_to_do": not any(s["new"] or s["changed"] for s in batch.counts.get("sheets", [])),
            "shown_rows": telling.SHOWN_ROWS,
            # A cause with many rows is folded away under its own words; what is wrong once is read at once.
            "causes": [group for group in groups if group["count"] > 1],
            "singles": [row for group in groups if group["count"] == 1 for row in group["rows"]],
        },
    )


def _progress(batch: ImportBatch) -> dict[str, Any]:
    rows = progress.rows(job.progress_path(batch), job.STAGES) if batch.state != ImportState.QUEUED else {}
    return {
        "batch": batch,
        "rows": rows,
        "to_read": sum(sheet["total"] for sheet in batch.sums),
        "total": sum(sheet["total"] for sheet in batch.sums) or rows.get("read", 0),
        "to_write": sum(sheet["new"] + sheet["changed"] for sheet in batch.sums),
        "writing": batch.job == ImportJob.WRITE,
        "undoing": batch.job == ImportJob.UNDO,
        "cancellable": batch.state in job.CANCELLABLE,
    }


@administrators_only
@require_GET
def import_progress(request: UserRequest, pk: int) -> HttpResponse:
    """How far the import is, asked for by its page again and again; when it has ended the page is loaded anew."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user).select_related("by"), pk=pk)
    batch = job.notice_death(batch)
    if not batch.is_under_way:
        answer = redirect("import_preview", pk=pk) if "HX-Request" not in request.headers else HttpResponse()
        answer["HX-Refresh"] = "true"
        return answer
    return render(request, "orgs/_import_progress.html", _progress(batch))


@administrators_only
@require_POST
def import_cancel(request: UserRequest, pk: int) -> HttpResponse:
    """Give the file up before anything is written."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=pk)
    try:
        job.cancel(batch, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已取消，没有写入任何内容。")
    return redirect("import_preview", pk=pk)


@administrators_only
@require_POST
def import_confirm(request: UserRequest, pk: int) -> HttpResponse:
    """Import the file of this preview."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=pk)
    try:
        batch = job.confirm(batch, by=request.user, drawn="drawn" in request.POST)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        if batch.state == ImportState.APPLIED:
            messages.success(request, f"导入完成。{telling.totals(batch)}")
    return redirect("import_preview", pk=pk)


@administrators_only
@require_POST
def import_answer(request: UserRequest, pk: int) -> HttpResponse:
    """Say which organisations the unknown names of the file mean; it is checked again with them."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=pk)
    answers = {}
    for at, unknown in enumerate(batch.counts.get("unknown", [])):
        said = request.POST.get(f"other-{at}", "").strip() or request.POST.get(f"choice-{at}", "")
        if said.strip() and "\x00" not in said:
            answers[unknown["text"]] = said
    try:
        batch = job.answer(batch, answers, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已按选定的 {len(answers)} 个组织重新核对，以后的导入也这样理解。")
    return redirect("import_preview", pk=pk)


@administrators_only
@require_POST
def import_undo(request: UserRequest, pk: int) -> HttpResponse:
    """Take an import back."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=pk)
    try:
        batch = job.undo_import(batch, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        if not batch.is_under_way:
            messages.success(request, "已撤销这次导入，恢复到导入之前。")
    return redirect("import_preview", pk=pk)


@administrators_only
@require_GET
def import_aliases(request: UserRequest) -> HttpResponse:
    """What files write for which organisation, chosen when something was imported."""
    known = OrganizationAlias.objects.visible_to(request.user).select_related("organization", "by__person")
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if text:
        named = Q(organization__name__icontains=text) | Q(organization__code__iexact=text)
        known = known.filter(Q(text__icontains=text) | named)
    page = Paginator(known, 50).get_page(request.GET.get("page"))
    return render(request, "orgs/import_aliases.html", {"page_obj": page, "q": text})


@administrators_only
@require_POST
def import_alias_remove(request: UserRequest, pk: int) -> HttpResponse:
    """Later imports do not understand this way of writing any more."""
    alias = get_object_or_404(OrganizationAlias.objects.visible_to(request.user), pk=pk)
    aliases.forget(alias, by=request.user)
    messages.success(request, f"已删除别名“{alias.text}”。")
    return redirect("import_aliases")


@administrators_only
@require_POST
def import_recheck(request: UserRequest, pk: int) -> HttpResponse:
    """Look again: the system may have changed since the preview."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=pk)
    try:
        batch = job.recheck(batch, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        if not batch.is_under_way:
            messages.success(request, "已重新核对。")
    return redirect("import_preview", pk=pk)


@administrators_only
@require_GET
def import_errors(request: UserRequest, pk: int) -> HttpResponse:
    """Every problem and warning as a workbook."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=pk)
    stored = batch.counts.get("problems", []), batch.counts.get("warnings", [])
    if batch.counts.get("problem_count", 0) <= len(stored[0]):
        problems, warnings = ([telling.problem_of(row) for row in rows] for rows in stored)
        return _download(export.errors(problems, warnings, uploaded.sent(batch)), f"import-{batch.pk}-errors.xlsx")
    try:
        plan = job.preview_again(batch, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("import_preview", pk=pk)
    return _download(
        export.errors(plan.problems, plan.warnings, uploaded.sent(batch)), f"import-{batch.pk}-errors.xlsx"
    )


@administrators_only
@require_GET
def import_template(request: UserRequest) -> HttpResponse:
    """The workbook to fill in, with the organisations there are; of a subtree by ?org=CODE."""
    org = None
    if request.GET.get("org"):
        org = get_object_or_404(
            Organization.objects.visible_to(request.user), code=request.GET["org"].replace("\x00", "")
        )
    return _download(export.template(org), "template.xlsx")
