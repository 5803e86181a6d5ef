"""Workbooks for the import's tests: real files, by openpyxl and by surgery on the zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

from openpyxl import Workbook, load_workbook

from orgs.importing import apply, reading
from orgs.importing.columns import Options
from orgs.importing.plan import Plan

ORG = ["组织代码★", "组织名称★", "组织类型★", "单位类别★", "上级代码", "关系"]
PERSON = ["人员编号★", "姓名★", "所属支部代码★"]
POST = ["人员编号★", "组织代码★", "职务★", "任职日期", "免职日期", "主持工作"]
CHARGE = ["人员编号★", "所在班子代码★", "分管组织代码★", "主次", "起始日期", "终止日期"]
HEADERS = {"组织": ORG, "人员": PERSON, "任职": POST, "分管": CHARGE}

# A sound small tree: 001 > 01 > 011 (a branch), 012 (a branch).
TREE = [
    ("001", "示例局党组", "党组", "直属检验检疫局", None, None),
    ("01", "示例局机关党委", "机关党委", "机关内设机构", "001", "隶属"),
    ("011", "办公室党支部", "党支部", "机关内设机构", "01", "隶属"),
    ("012", "检务处党支部", "党支部", "机关内设机构", "01", None),
]


def saved(book: Workbook) -> bytes:
    """The bytes of a workbook."""
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def book(orgs=None, people=None, posts=None, charges=None, **headers) -> bytes:
    """An .xlsx with these rows; `headers` replaces a sheet's header (组织=[…])."""
    made = Workbook()
    made.remove(made.active)
    for sheet, rows in (("组织", orgs), ("人员", people), ("任职", posts), ("分管", charges)):
        if rows is not None:
            page = made.create_sheet(sheet)
            page.append(headers.get(sheet, HEADERS[sheet]))
            for row in rows:
                page.append(row)
    return saved(made)


def edited(data: bytes, edit: Callable[[Workbook], None]) -> bytes:
    """The workbook after `edit` had it."""
    opened = load_workbook(io.BytesIO(data))
    edit(opened)
    return saved(opened)


def surgery(
    data: bytes, *, add: dict[str, bytes] | None = None, change: dict[str, tuple[str, str]] | None = None
) -> bytes:
    """The same archive with members added, or with a regular expression replaced in members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            if change and member.filename in change:
                pattern, replacement = change[member.filename]
                text, count = re.subn(pattern, replacement, content.decode("utf-8"), flags=re.DOTALL)
                assert count, f"{pattern} is not in {member.filename}"
                content = text.encode("utf-8")
            new.writestr(member.filename, content)
        for name, content in (add or {}).items():
            new.writestr(name, content)
    return stream.getvalue()


def plan_of(data: bytes, name: str = "a.xlsx", **options: bool) -> Plan:
    """What importing these bytes would do."""
    return apply.preview(reading.read(data, name), Options(**options))


def import_(data: bytes, name: str = "a.xlsx", **options: bool) -> Plan:
    """Import these bytes."""
    return apply.import_book(reading.read(data, name), Options(**options), by=None)


def said(plan: Plan) -> list[str]:
    """The problems as the command prints them."""
    return [str(problem) for problem in plan.problems]


def numbers(plan: Plan, sheet: str) -> tuple[int, int, int, int]:
    """New, changed, unchanged, wrong."""
    counts = plan.counts[sheet]
    return counts.new, counts.changed, counts.unchanged, counts.wrong
