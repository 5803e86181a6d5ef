"""django-import-export over the functions of `orgs.importing`: one list, one sheet, the same rules and messages."""

from __future__ import annotations

import re
import uuid
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from import_export import fields, resources
from import_export.admin import ImportExportMixin
from import_export.formats.base_formats import Format
from import_export.forms import ImportForm
from import_export.results import Error, Result, RowResult
from import_export.tmp_storages import BaseStorage
from tablib import Dataset

from orgs import audit, clock
from orgs.admin.base import actor, administers
from orgs.errors import DomainError
from orgs.importing import apply, export, gate, reading, telling
from orgs.importing.columns import SHEETS, Options
from orgs.importing.plan import Change, Plan
from orgs.importing.reading import Book
from orgs.models import User

MOST_ROWS = 5000  # a list page has no place for more; the import page has


class BookDataset(Dataset):
    """The rows as tablib has them, and the book that they come from (with its row numbers and lost cells)."""

    book: Book


class WorkbookFormat(Format):
    """Every file that the import reads, behind the same gate."""

    def __init__(self, encoding: str | None = None) -> None:
        """The encoding of a csv is found by looking, so what the admin proposes is not used."""

    def get_title(self) -> str:
        """As the form shows it."""
        return "工作簿（.xlsx .xls .ods .et）或 csv"

    def can_import(self) -> bool:
        """Yes."""
        return True

    def can_export(self) -> bool:
        """As .xlsx."""
        return True

    def get_extension(self) -> str:
        """Exports are .xlsx."""
        return "xlsx"

    def get_content_type(self) -> str:
        """Of .xlsx."""
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def create_dataset(self, in_stream: bytes) -> Dataset:
        """The first table with rows; `book` has them all. Raises reading.Unreadable."""
        dataset = BookDataset()
        dataset.book = reading.read(in_stream, f"file{_suffix(in_stream)}")
        for table in dataset.book.tables.values():
            headers = [column.header for column in SHEETS[table.sheet] if column.name in table.columns]
            places = [table.columns[column.name] for column in SHEETS[table.sheet] if column.name in table.columns]
            dataset.headers = headers
            for _, cells in table.rows:
                dataset.append([cells[at] if at < len(cells) else None for at in places])
            break
        return dataset


def _suffix(data: bytes) -> str:
    """The extension that fits the content; the form has checked the one that the user's file has."""
    try:
        kind = gate.kind_of(data)
    except gate.Refusal as refusal:
        raise reading.Unreadable(str(refusal)) from refusal
    return f".{kind}"


class UploadStorage(BaseStorage):
    """Files between the preview and the confirmation, under names of our own: no name from outside becomes a path."""

    def _path(self) -> str:
        if not re.fullmatch(r"[0-9a-f]{32}", str(self.name)):
            raise FileNotFoundError(self.name)
        return f"imports/admin/{self.name}"

    def save(self, data: bytes) -> None:
        """Keep it."""
        self.name = uuid.uuid4().hex
        default_storage.save(self._path(), ContentFile(data))

    def read(self) -> bytes:
        """Raises FileNotFoundError."""
        with default_storage.open(self._path(), "rb") as stored:
            return stored.read()

    def remove(self) -> None:
        """It was imported."""
        default_storage.delete(self._path())


class SheetImportForm(ImportForm):
    """Says what is wrong with a file in the import's own words."""

    sheet = ""

    def clean_import_file(self) -> Any:
        """Readable, of this list, and not too long for a list page."""
        chosen = self.cleaned_data["import_file"]
        data = chosen.read()
        chosen.seek(0)
        try:
            book = reading.read(data, chosen.name)
        except reading.Unreadable as error:
            raise ValidationError(str(error)) from error
        if not book.tables.get(self.sheet) or not book.tables[self.sheet].rows:
            raise ValidationError(f"文件里没有“{self.sheet}”的数据，这里只导入“{self.sheet}”。")
        if len(book.tables[self.sheet].rows) > MOST_ROWS:
            raise ValidationError(f"超过 {MOST_ROWS} 行，请使用“导入组织和人员”页面。")
        return chosen


class SheetResource(resources.ModelResource):
    """One sheet: rows -> plan -> apply; its results in django-import-export's words."""

    sheet: ClassVar[str] = ""

    @classmethod
    def get_display_name(cls) -> str:
        """The sheet."""
        return cls.sheet

    def get_user_visible_fields(self) -> list[fields.Field]:
        """The sheet's columns."""
        return [fields.Field(column_name=column.title) for column in SHEETS[self.sheet]]

    def import_data(self, dataset: Any, dry_run: bool = False, **kwargs: Any) -> Result:
        """Plan the rows; not dry: apply them, all or nothing. Problems become invalid rows with the sheet's numbers."""
        result = Result()
        result.diff_headers = [column.header for column in SHEETS[self.sheet]]
        book = Book({self.sheet: dataset.book.tables[self.sheet]}, [], dataset.book.sha256)
        by: User | None = kwargs.get("user")
        try:
            # A shallow copy to be used up: the cells are shown afterwards.
            used = Book(dict(book.tables), [], book.sha256)
            plan = apply.preview(book, Options()) if dry_run else apply.import_book(used, Options(), by=by)
        except apply.Wrong as wrong:
            plan = wrong.plan
        except DomainError as error:
            result.append_base_error(Error(error))
            return result
        result.total_rows = plan.counts[self.sheet].total
        self._problems(result, plan, book)
        self._rows(result, plan)
        return result

    def _problems(self, result: Result, plan: Plan, book: Book) -> None:
        table = book.tables[self.sheet]
        cells = dict(table.rows)
        wrong: dict[int, dict[str, list[str]]] = {}
        for problem in plan.problems:
            text = "；".join(part for part in (problem.message, problem.cure) if part)
            wrong.setdefault(problem.row or 0, {}).setdefault(problem.column or "整行", []).append(text)
        for number, errors in wrong.items():
            row = {
                column.header: table.cell(cells[number], column.name)
                for column in SHEETS[self.sheet]
                if column.name in table.columns
            }
            result.append_invalid_row(number, row, ValidationError(errors))
            result.totals[RowResult.IMPORT_TYPE_INVALID] += 1

    def _rows(self, result: Result, plan: Plan) -> None:
        for new, kind in ((True, RowResult.IMPORT_TYPE_NEW), (False, RowResult.IMPORT_TYPE_UPDATE)):
            for change in plan.kept(self.sheet, new=new):
                row = RowResult()
                row.import_type = kind
                row.object_repr = change.label
                row.diff = self._diff(change)
                result.append_row_result(row)
                result.increment_row_result_total(row)
        result.totals[RowResult.IMPORT_TYPE_SKIP] = plan.counts[self.sheet].unchanged

    def _diff(self, change: Change) -> list[str]:
        """One text a column: the new value, `old → new` where it changes, the key always."""
        texts = []
        for at, column in enumerate(SHEETS[self.sheet]):
            if column.name not in change.values:
                texts.append(change.label if at == 0 else "")
                continue
            new = telling.shown(self.sheet, column.name, change.values[column.name])
            old = telling.shown(self.sheet, column.name, change.old.get(column.name))
            texts.append(new if change.stored is None else f"{old or '（空）'} → {new or '（空）'}")
        return texts


class SheetExchange(ImportExportMixin):
    """Import and export of a list page; `sheet` says which."""

    sheet = ""
    formats: ClassVar[list[type[Format]]] = [WorkbookFormat]
    import_template_name = "admin/orgs/import.html"
    tmp_storage_class = UploadStorage
    skip_export_form = True
    skip_admin_log = True  # the audit trail has it, with before and after

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return administers(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Administrators."""
        return administers(request)

    def get_import_form_class(self, request: HttpRequest) -> type[forms.Form]:
        """The form that knows this sheet."""
        return type("ImportForm", (SheetImportForm,), {"sheet": self.sheet})

    def export_values(self, queryset: QuerySet) -> Any:
        """Rows of the sheet for these objects."""
        raise NotImplementedError

    def get_export_data(self, file_format: Format, request: HttpRequest, queryset: QuerySet, **kwargs: Any) -> bytes:
        """The rows of the list as it is filtered, as the import reads them."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        data = export.write({self.sheet: self.export_values(queryset)})
        audit.record(actor(request), f"导出{self.sheet}", [actor(request)], summary=f"{self.sheet}列表")
        return data

    def get_export_filename(self, request: HttpRequest, queryset: QuerySet, file_format: Format) -> str:
        """organization-2010-12-10.xlsx."""
        return f"{self.model._meta.model_name}-{clock.today()}.xlsx"

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """The confirmation; a form that was tampered with, or whose file is gone, begins anew."""
        try:
            return super().process_import(request, **kwargs)
        except (FileNotFoundError, ValueError, IndexError, DomainError):
            messages.error(request, "找不到要确认的文件，请重新上传。")
            return self._begin_anew()

    def _begin_anew(self) -> HttpResponse:
        info = self.model._meta.app_label, self.model._meta.model_name
        return HttpResponseRedirect(reverse("admin:{}_{}_import".format(*info)))

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        """Where the world changed since the preview, the file is refused: said as it is."""
        if not result.has_errors() and not result.has_validation_errors():
            return super().process_result(result, request)
        reasons = [str(error.error) for error in result.base_errors]
        reasons += [f"第 {row.number} 行：{'；'.join(row.error.messages)}" for row in result.invalid_rows[:5]]
        messages.error(request, "没有导入任何内容。" + "；".join(reasons))
        return self._begin_anew()

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        """As the import page counts."""
        counts = result.totals
        messages.success(
            request,
            f"导入完成：{self.sheet} 新增 {counts[RowResult.IMPORT_TYPE_NEW]}、"
            f"更新 {counts[RowResult.IMPORT_TYPE_UPDATE]}、未变 {counts[RowResult.IMPORT_TYPE_SKIP]}。",
        )
