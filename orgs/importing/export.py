"""The workbook of a subtree, the template with its notes, and the list of errors: the same columns as the import.

What is written imports again as all-unchanged. Every text is written as text (never as a formula), in columns
formatted as text, so that codes keep their zeros when somebody edits the file.
"""

from __future__ import annotations

import datetime
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from orgs.cells import LIVE
from orgs.importing import columns
from orgs.importing.columns import CHARGES, NONE_CODE, NOTES, ORGS, OVERVIEW, PEOPLE, POSTS, SHEETS, Column
from orgs.importing.plan import Problem
from orgs.importing.reading import Book, Table
from orgs.models import Category, Charge, Membership, Organization, Person, Post

Values = Iterator[Sequence[Any]]
HEADER = PatternFill("solid", start_color="B3261E")
OPTIONAL = PatternFill("solid", start_color="6B6B6B")
WRONG = PatternFill("solid", start_color="F4B6B0")
LONGEST_GAP, MOST_COMMENTS = 1000, 2000
WHITE = Font(bold=True, color="FFFFFF")
LINE = Border(bottom=Side(style="thin", color="999999"))
ROWS_CHECKED = 5000  # rows of the template that have drop-down lists


# --- rows -----------------------------------------------------------------------------------------------------------


def organizations(orgs: QuerySet[Organization]) -> Values:
    """Rows of 组织, parents first."""
    fields = (
        "code", "name", "org_type", "category__name", "short_name", "parent__code", "relation", "is_window_unit",
        "founded_on", "dissolved_on", "order",
    )  # fmt: skip
    for row in orgs.values_list(*fields).iterator(chunk_size=5000):
        code, name, org_type, category, short, parent, relation, *rest = row
        yield (code, name, org_type, category, short, parent, relation if parent is not None else None, *rest)


def persons(people: QuerySet[Person], *, full_mobiles: bool = True) -> Values:
    """Rows of 人员; the branch is that of the open membership, `-` where there is none."""
    fields = (
        "pk", "number", "name", "title", "gender", "born_on", "joined_on", "kind", "status", "mobile", "note",
    )  # fmt: skip
    for chunk in _chunks(people.order_by("number").only(*fields).iterator(chunk_size=2000)):
        opened = Membership.objects.filter(to_on__isnull=True, person__in=[person.pk for person in chunk])
        of = {pk: place for pk, *place in opened.values_list("person_id", "branch__code", "from_on")}
        for person in chunk:
            branch, moved_on = of.get(person.pk, (NONE_CODE, None))
            mobile = person.mobile if full_mobiles else person.masked_mobile
            yield (
                person.number, person.name, branch, person.title, person.gender, person.born_on, person.joined_on,
                person.kind, person.status, mobile, moved_on, person.note,
            )  # fmt: skip


def _chunks(rows: Iterable[Person]) -> Iterator[list[Person]]:
    chunk: list[Person] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == 800:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def posts(rows: QuerySet[Post]) -> Values:
    """Rows of 任职, with the word that fits the organisation's type."""
    fields = ("person__number", "organization__code", "role", "organization__org_type", "from_on", "to_on", "is_acting")
    ordered = rows.order_by("organization__code", "person__number", "role", "from_on")
    for number, code, role, org_type, *rest in ordered.values_list(*fields).iterator(chunk_size=5000):
        yield (number, code, columns.role_word(role, org_type), *rest)


def charges(rows: QuerySet[Charge]) -> Values:
    """Rows of 分管."""
    ordered = rows.order_by("team__code", "organization__code", "person__number", "from_on")
    fields = ("person__number", "team__code", "organization__code", "kind", "from_on", "to_on")
    yield from ordered.values_list(*fields).iterator(chunk_size=5000)


def cell_value(column: Column, value: Any) -> Any:
    """A stored value as a cell holds it: a word for a choice, a date as a date, everything else as text."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime.date):
        # Spreadsheets know no day before 1900.
        return value if value.year >= 1900 else value.isoformat()
    if column.words and column.name not in ("role", "branch"):
        return column.show(value)
    return value


# --- workbooks ------------------------------------------------------------------------------------------------------


def workbook(org: Organization | None = None, *, full_mobiles: bool = True) -> bytes:
    """The four sheets of a subtree (of everything, without `org`) as .xlsx.

    People: the members of its branches and whoever holds a post in it; posts: those in it; divisions of work: of
    its teams. Without `org` also people who belong to no branch.
    """
    orgs = Organization.objects.all()
    people, held, divided = Person.objects.all(), Post.objects.all(), Charge.objects.all()
    if org is not None:
        orgs = Organization.objects.below(org, include_self=True)
        inside = orgs.order_by().values("pk")
        members = Membership.objects.filter(branch__in=inside, to_on__isnull=True).values("person")
        held = Post.objects.filter(organization__in=inside)
        people = Person.objects.filter(Q(pk__in=members) | Q(pk__in=held.order_by().values("person")))
        divided = Charge.objects.filter(team__in=inside)
    return write(
        {
            ORGS: organizations(orgs),
            PEOPLE: persons(people, full_mobiles=full_mobiles),
            POSTS: posts(held),
            CHARGES: charges(divided),
        }
    )


def write(sheets: dict[str, Iterable[Sequence[Any]]]) -> bytes:
    """A workbook of these sheets, rows in the order of `columns.SHEETS`."""
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        listed = SHEETS[name]
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for at, column in enumerate(listed, start=1):
            dimension = sheet.column_dimensions[get_column_letter(at)]
            dimension.width = column.width
            if column.text:
                dimension.number_format = "@"
        sheet.append([_header(sheet, column) for column in listed])
        for row in rows:
            sheet.append([_cell(sheet, column, value) for column, value in zip(listed, row, strict=True)])
    return _bytes(book)


def _header(sheet: Any, column: Column) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, column.title)
    cell.fill = HEADER if column.required else OPTIONAL
    cell.font = WHITE
    cell.border = LINE
    return cell


def _cell(sheet: Any, column: Column, value: Any) -> Any:
    return text_cell(sheet, cell_value(column, value), as_text=column.text)


def text_cell(sheet: Any, value: Any, *, as_text: bool = True) -> Any:
    """A cell in which a text stays a text: never a formula, never an error value."""
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet)
    cell.value = None
    cell._value = ILLEGAL_CHARACTERS_RE.sub("", value)  # setting .value would make "=1+1" a formula
    cell.data_type = "s"
    if as_text:
        cell.number_format = "@"
    if value.startswith(LIVE):
        cell.quotePrefix = True
    return cell


def _bytes(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def errors(problems: Sequence[Problem], warnings: Sequence[Problem] = (), read: Book | None = None) -> bytes:
    """The list of problems as a workbook: where, what, the value, the cure.

    With the book that was read its sheets follow, rows at their places, wrong cells filled and commented, and what is
    wrong in the row in a last column 错误; mended, the file can be uploaded as it is.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet("错误清单")
    sheet.freeze_panes = "A2"
    titles = (("性质", 8), ("工作表", 10), ("行", 8), ("列", 16), ("问题", 60), ("原值", 30), ("怎么改", 50))
    header = []
    for at, (title, width) in enumerate(titles, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
        cell = WriteOnlyCell(sheet, title)
        cell.fill, cell.font = HEADER, WHITE
        header.append(cell)
    sheet.append(header)
    for kind, found in (("错误", problems), ("提醒", warnings)):
        for p in found:
            texts = (kind, p.sheet, p.row, p.column, p.message, p.value, p.cure)
            sheet.append([text_cell(sheet, value) if value != "" else None for value in texts])
    if read is not None:
        for table in read.tables.values():
            _marked(book, table, [problem for problem in problems if problem.sheet == table.sheet])
    return _bytes(book)


def _marked(book: Workbook, table: Table, problems: list[Problem]) -> None:
    """The rows of a sheet as they were read, with the wrong cells marked."""
    by_row: dict[int, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_row[problem.row or 0].append(problem)
    listed = [column for column in SHEETS[table.sheet] if column.name in table.columns]
    sheet = book.create_sheet(table.sheet)
    sheet.freeze_panes = "A2"
    for at, column in enumerate(listed, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = column.width
        sheet.column_dimensions[get_column_letter(at)].number_format = "@" if column.text else "General"
    sheet.column_dimensions[get_column_letter(len(listed) + 1)].width = 60
    sheet.append([*(_header(sheet, column) for column in listed), "错误"])
    written, comments = 1, 0
    for number, cells in table.rows:
        if 0 < number - written - 1 <= LONGEST_GAP:  # the same row numbers as in the file that was sent
            for _ in range(number - written - 1):
                sheet.append([])
                written += 1
        wrong = by_row.get(number, [])
        row: list[Any] = []
        for column in listed:
            value = table.cell(cells, column.name)
            value = None if isinstance(value, columns.Fault) else value
            here = [problem for problem in wrong if problem.column == column.header]
            if not here:
                row.append(text_cell(sheet, value, as_text=column.text))
                continue
            cell = text_cell(sheet, value, as_text=column.text)
            if not isinstance(cell, Cell):
                cell = WriteOnlyCell(sheet, value)
            cell.fill = WRONG
            comments += 1
            if comments <= MOST_COMMENTS:
                cell.comment = Comment("\n".join(_told(problem) for problem in here), "核对")
            row.append(cell)
        row.append(
            text_cell(sheet, "；".join(f"{p.column}：{_told(p)}" if p.column else _told(p) for p in wrong) or None)
        )
        sheet.append(row)
        written += 1


def _told(problem: Problem) -> str:
    return f"{problem.message}。{problem.cure}" if problem.cure else problem.message


# --- the template ---------------------------------------------------------------------------------------------------

LEADING = ""  # stands for a category of the active scheme that is led by a team
EXAMPLE: dict[str, tuple[tuple[Any, ...], ...]] = {
    ORGS: (
        ("001", "示例局党组", "党组", LEADING, "示例局", None, None, "否", None, None, 1),
        ("001001", "示例局机关党委", "机关党委", "机关内设机构", None, "001", "隶属", "否", None, None, 1),
        ("001001001", "示例局办公室党支部", "党支部", "机关内设机构", "办公室支部", "001001", "隶属", "否", None, None, 1),
        ("001001002", "示例局检务处党支部", "党支部", "机关内设机构", "检务处支部", "001001", "隶属", "是", datetime.date(2010, 7, 1), None, 2),
        ("001002", "示例县局党委", "党委", "分支机构", None, "001", "隶属", "是", None, None, 2),
    ),
    PEOPLE: (
        ("R0001", "张示例", "001001001", "示例局局长", "男", datetime.date(1958, 3, 1), datetime.date(1980, 7, 1), "正式党员", "正常", None, None, None),
        ("R0002", "李示例", "001001002", "示例局副局长", "女", datetime.date(1962, 5, 1), datetime.date(1985, 7, 1), "正式党员", "正常", None, None, None),
        ("R0003", "王示例", "001001002", "检务处处长", "男", None, None, "正式党员", "正常", None, datetime.date(2010, 7, 1), "由外单位转入"),
    ),
    POSTS: (
        ("R0001", "001", "书记", None, None, None),
        ("R0002", "001", "成员", datetime.date(2009, 1, 1), None, None),
        ("R0003", "001001002", "书记", datetime.date(2010, 7, 1), None, None),
    ),
    CHARGES: (("R0002", "001", "001001002", "主管", None, None),),
}  # fmt: skip


# Where a code is wanted, it may be picked from 组织一览: all organisations, or the 党支部 only.
PICKED = {
    (ORGS, "parent"): "all",
    (PEOPLE, "branch"): "branches",
    (POSTS, "organization"): "all",
    (CHARGES, "team"): "all",
    (CHARGES, "organization"): "all",
}


def template(org: Organization | None = None) -> bytes:
    """The workbook to fill in: four sheets with a filled example, drop-down lists, 说明 with the notes, and 组织一览 with
    the organisations there are (of a subtree, with `org`), from which codes can be picked.
    """
    book = Workbook()
    ranges, listed_orgs = _overview_rows(org)
    book.remove(book.active)
    categories = list(Category.objects.filter(scheme__is_active=True).order_by("order").values_list("name", flat=True))
    for name, listed in SHEETS.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for at, column in enumerate(listed, start=1):
            letter = get_column_letter(at)
            head = sheet.cell(1, at, column.title)
            head.fill = HEADER if column.required else OPTIONAL
            head.font, head.border = WHITE, LINE
            dimension = sheet.column_dimensions[letter]
            dimension.width = max(column.width, 2 * len(column.title) + 2)
            dimension.number_format = "@" if column.text else "yyyy-mm-dd" if column.name.endswith("_on") else "General"
            words = categories if column.name == "category" else list(column.words)
            if words and column.name != "branch":
                _drop_down(sheet, letter, words)
            if (name, column.name) in PICKED and ranges:
                _pick_list(sheet, letter, ranges.get(PICKED[name, column.name]))
        for row, values in enumerate(_example(name, categories), start=2):
            for at, (column, value) in enumerate(zip(listed, values, strict=True), start=1):
                cell = sheet.cell(row, at)
                if isinstance(value, str) and value:
                    _write_text(cell, value)
                elif value != "":
                    cell.value = value
                if column.text:
                    cell.number_format = "@"
    _notes(book, categories)
    if listed_orgs:
        _overview(book, listed_orgs)
    return _bytes(book)


def _overview_rows(org: Organization | None) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    """Where in 组织一览 the codes stand (all, branches), and its rows: branches are listed once more beside the others."""
    orgs = Organization.objects.below(org, include_self=True) if org else Organization.objects.all()
    rows = list(orgs.filter(dissolved_on__isnull=True).values_list("code", "name", "parent__code", "org_type"))
    branches = [(code, name) for code, name, _, kind in rows if kind == "branch"]
    if not rows:
        return {}, []
    ranges = {"all": f"'{OVERVIEW}'!$A$2:$A${len(rows) + 1}"}
    if branches:
        ranges["branches"] = f"'{OVERVIEW}'!$E$2:$E${len(branches) + 1}"
    beside = [*branches, *[(None, None)] * (len(rows) - len(branches))]
    return ranges, [(*row[:3], None, *branch) for row, branch in zip(rows, beside, strict=True)]


def _overview(book: Workbook, rows: list[tuple[Any, ...]]) -> None:
    sheet = book.create_sheet(OVERVIEW)
    sheet.freeze_panes = "A2"
    titles = ("组织代码", "组织名称", "上级代码", None, "党支部代码", "党支部名称")
    for at, (title, width) in enumerate(zip(titles, (18, 40, 18, 3, 18, 40), strict=True), start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
        sheet.column_dimensions[get_column_letter(at)].number_format = "@"
        if title:
            head = sheet.cell(1, at, title)
            head.fill, head.font, head.border = OPTIONAL, WHITE, LINE
    for number, row in enumerate(rows, start=2):
        for at, value in enumerate(row, start=1):
            if value is not None:
                _write_text(sheet.cell(number, at), value)


def _write_text(cell: Any, value: str) -> None:
    """A text that stays a text, whatever it begins with."""
    cell._value = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell.data_type = "s"
    if value.startswith(LIVE):
        cell.quotePrefix = True


def _pick_list(sheet: Any, letter: str, where: str | None) -> None:
    """Codes to pick from a range of 组织一览; another text is allowed after a question."""
    if where is None:
        return
    check = DataValidation(type="list", formula1=where, allow_blank=True, showErrorMessage=True, errorStyle="warning")
    check.errorTitle, check.error = "组织一览里没有", "组织一览里没有这个代码。本文件新增的组织可以照填。"
    check.add(f"{letter}2:{letter}{ROWS_CHECKED}")
    sheet.add_data_validation(check)


def _example(name: str, categories: list[str]) -> Iterator[tuple[Any, ...]]:
    """The example in the words of the active scheme."""
    leading = Category.objects.filter(scheme__is_active=True, committee_leads=True).order_by("order").first()
    for row in EXAMPLE[name]:
        if name == ORGS and row[3] not in categories and categories:
            row = (*row[:3], leading.name if leading and row[3] == LEADING else categories[0], *row[4:])
        yield row


def _drop_down(sheet: Any, letter: str, words: list[str]) -> None:
    listed = '"' + ",".join(words) + '"'
    if len(listed) > 255:  # longer lists make Excel call the file damaged
        return
    check = DataValidation(type="list", formula1=listed, allow_blank=True, showErrorMessage=True)
    check.error = "请从列表中选择"
    check.errorTitle = "不在列表中"
    check.add(f"{letter}2:{letter}{ROWS_CHECKED}")
    sheet.add_data_validation(check)


def _notes(book: Workbook, categories: list[str]) -> None:
    sheet = book.create_sheet(NOTES)
    lines: list[tuple[str, ...]] = [
        ("填写说明",),
        ("1. 带★的列必填；没有要改的列可以整列删去，删去的列保持原值；单元格留空则清空原值。",),
        ("2. 代码和编号请按文本填写（模板已设为文本格式），001 才不会变成 1。",),
        ("3. 各行先后不限：下级可以排在上级前面，任职可以排在人员前面。文件里没有的组织和人员不会被删除。",),
        (
            "4. 日期写成 2010-12-31、2010年12月31日、2010/12/31、2010.12.31、20101231、2010.12（当月 1 日），或用日期单元格；空白表示一直。",
        ),
        ("5. 全部正确才会导入；有一行错误，整个文件都不导入，并逐条列出工作表、行、列和改法。",),
        ("6. 各表第 2 行起是示例，正式填写前请删除；“组织一览”是系统里现有的组织，供查找和选择代码，不会导入。",),
        (),
        ("工作表", "列", "必填", "怎么填"),
    ]
    for name, listed in SHEETS.items():
        for column in listed:
            note = "、".join(categories) if column.name == "category" and categories else column.note
            lines.append((name, column.header, "★" if column.required else "", note))
    for row, values in enumerate(lines, start=1):
        for at, value in enumerate(values, start=1):
            cell = sheet.cell(row, at)
            if value:
                _write_text(cell, value)
            cell.alignment = Alignment(vertical="top", wrap_text=row > 9 and at == 4)
    sheet["A1"].font = Font(bold=True, size=14)
    for cell in sheet[9]:
        cell.fill, cell.font = HEADER, WHITE
    for letter, width in zip("ABCD", (10, 16, 8, 90), strict=True):
        sheet.column_dimensions[letter].width = width
