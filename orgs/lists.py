"""Lists as a workbook: the same rows, in the same order and within the same scope, as the page shows them."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO

from django.db.models import Prefetch, QuerySet
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from orgs import audit, directory
from orgs.errors import DomainError
from orgs.importing.export import text_cell
from orgs.models import Membership, Organization, PartyStatus, Person, PostRole, User

MOST_ROWS = 50_000  # what one request writes in about ten seconds; a longer list is narrowed down first
AT_ONCE = 400

# header, width
Columns = Sequence[tuple[str, int]]
PEOPLE: Columns = (("姓名", 14), ("人员编号", 16), ("所属支部", 30), ("单位及职务", 36), ("类别", 12), ("手机", 16))
ORGANIZATIONS: Columns = (
    ("组织名称", 40), ("组织代码", 20), ("上级组织", 30), ("组织类型", 12), ("与上级关系", 12), ("负责人", 24),
    ("党员", 8), ("下级", 8),
)  # fmt: skip

Row = Sequence[str | int | None]


class TooLong(DomainError):
    """More rows than one file takes."""


def people(persons: QuerySet[Person]) -> Iterator[Row]:
    """Rows of the list of people, as `directory.with_branch` gives them; mobile numbers masked."""
    for person in persons.iterator(chunk_size=AT_ONCE):
        current: list[Membership] = person.current  # type: ignore[attr-defined]
        branch = current[0].branch.display_name if current else ""
        is_normal = person.status == PartyStatus.NORMAL
        kind = person.get_kind_display() if is_normal else person.get_status_display()
        yield person.name, person.number, branch, person.title, kind, person.masked_mobile


def organizations(found: QuerySet[Organization], user: User, on: datetime.date) -> Iterator[Row]:
    """Rows of organisations that were searched for; the head only where the user sees persons."""
    # A parent outside the user's range stays unnamed.
    parents = Prefetch("parent", Organization.objects.visible_to(user))
    everything = found.prefetch_related(parents).iterator(chunk_size=AT_ONCE)
    while shown := list(islice(everything, AT_ONCE)):
        for row in directory.rows(shown, user, on):
            org = row.org
            yield (
                org.name,
                org.code,
                org.parent.display_name if org.parent else "",
                org.get_org_type_display(),
                org.get_relation_display() if org.parent_id else "",
                _head(row),
                row.members if org.is_branch else None,
                None if org.is_branch else row.children,
            )


def _head(row: directory.OrganizationRow) -> str:
    if row.head is None:
        return "书记空缺" if row.sees_head else ""
    word = "书记" if row.head.role == PostRole.SECRETARY else "主持工作"
    return f"{word} {row.head.person.name}"


def workbook(title: str, columns: Columns, rows: Iterable[Row], *, count: int, conditions: str, by: User) -> IO[bytes]:
    """A workbook of one sheet as an open temporary file, and the trail of who took it. Raises TooLong.

    Rows go to the disk as they come, so that memory does not grow with them. A text stays a text.
    """
    if count > MOST_ROWS:
        raise TooLong(f"共有 {count} 条，一个 Excel 文件最多导出 {MOST_ROWS} 条，请先用查找条件缩小范围。")
    audit.record(by, "导出", [by], summary=f"{title}（{conditions or '全部'}），{count} 条")
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    bold, header = Font(bold=True), []
    for at, (name, width) in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
        cell = WriteOnlyCell(sheet, name)
        cell.font = bold
        header.append(cell)
    sheet.append(header)
    for row in rows:
        sheet.append([text_cell(sheet, value) if value != "" else None for value in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the answer that streams it
    book.save(file)
    file.seek(0)
    return file
