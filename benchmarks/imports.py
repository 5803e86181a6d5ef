"""What importing a workbook costs, beside what nobody can do without: reading the file and storing the rows bare; and
beside what PostgreSQL takes for the same rows in the real tables, with their indexes and foreign keys.

    make bench ONLY=imports                         44,704 organisations, 200,000 people, a post for each organisation
    make bench ONLY=imports IMPORT_ORGS=665277 IMPORT_PEOPLE=0

The tree has the shape of the country's divisions: 31, 342, 2,846, 41,484 and, in the larger one, 620,573. Each step
runs in a process of its own, so that its peak memory is its own. The stock django-import-export resource gets
STOCK_SECONDS (120), for as many rows as it can do in them.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import connection, transaction
from python_calamine import CalamineWorkbook

from benchmarks.memory import peak_megabytes

LEVELS = (31, 342, 2846, 41484, 620573)
KINDS = ("党组", "党委", "党委", "党总支", "党总支")
SHEETS: dict[str, tuple[str, ...]] = {
    "组织": (
        "组织代码", "组织名称", "组织类型", "单位类别", "简称", "上级代码", "关系", "窗口单位", "成立日期", "撤销日期", "排序",
    ),
    "人员": (
        "人员编号", "姓名", "所属支部代码", "单位及职务", "性别", "出生日期", "入党日期", "人员类别", "党籍状态", "手机", "转入日期", "备注",
    ),
    "任职": ("人员编号", "组织代码", "职务", "任职日期", "免职日期", "主持工作"),
}  # fmt: skip
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"
STOCK_CHUNK = 500
Row = tuple[Any, ...]


# --- the workbook -----------------------------------------------------------------------------------------------------


def organizations(count: int) -> Iterator[Row]:
    """Root, then level after level, each one's units evenly over the level above; the last level are branches."""
    above: list[str] = ["000"]
    yield ("000", "总局党组", "党组", "总局", "总局", "", "", "否", "", "", 0)
    left = count - 1
    for level, size in enumerate(LEVELS):
        size = min(size, left)
        left -= size
        below: list[str] = []
        for number in range(size):
            parent = above[number * len(above) // size]
            code = f"{level + 1}{number:06}"
            below.append(code)
            kind = KINDS[level] if left else "党支部"
            unit = "直属检验检疫局" if level == 0 else "分支机构" if level == 1 else "机关内设机构"
            name = f"{SURNAMES[number % 20]}{GIVEN[number // 20 % 20]}{'省市县乡村'[level]}第{number}{kind}"
            yield (code, name, kind, unit, "", parent, "指导" if level == 0 else "隶属", "否", "2001-07-01", "", number)
        above = below
        if not left:
            return


def people(count: int, branches: list[str]) -> Iterator[Row]:
    """Members evenly over the branches."""
    for number in range(count):
        name = SURNAMES[number % 20] + GIVEN[number // 20 % 20] + GIVEN[number // 400 % 20]
        yield (
            f"P{number:07}", name, branches[number % len(branches)], f"第{number % 977}科科员", "男女"[number % 2],
            f"{1950 + number % 40}-{1 + number % 12:02}-{1 + number % 28:02}", f"{1990 + number % 20}-07-01",
            "正式党员", "正常", f"138{number:08}", "2005-01-01", "",
        )  # fmt: skip


def posts(orgs: list[str], people_count: int) -> Iterator[Row]:
    """A 书记 for each organisation."""
    for number, org in enumerate(orgs):
        if people_count:
            yield (f"P{number % people_count:07}", org, "书记", "2009-01-01", "", "否")


def wrong(sheet: str, number: int, row: Row) -> Row:
    """The row with one mistake in it, of several kinds by turns."""
    cells = list(row)
    if sheet == "组织":
        at, value = ((2, "支部"), (5, f"X{number}"), (8, "去年"), (10, "第一"), (1, ""))[number % 5]
    elif sheet == "人员":
        at, value = ((2, f"X{number}"), (4, "先生"), (5, "1960-02-31"), (9, "无"), (1, "甲\u200b乙"))[number % 5]
    else:
        at, value = ((0, f"X{number}"), (1, f"X{number}"), (2, "主任"), (3, "去年"))[number % 4]
    cells[at] = value
    return tuple(cells)


def rows(orgs: int, members: int) -> Iterator[tuple[str, Iterator[Row]]]:
    """Sheet by sheet."""
    codes: list[str] = []
    branches: list[str] = []
    for row in organizations(orgs):
        codes.append(row[0])
        if row[2] == "党支部":
            branches.append(row[0])
    yield "组织", organizations(orgs)
    if members:
        yield "人员", people(members, branches)
        yield "任职", posts(codes, members)


def write_workbook(path: Path, orgs: int, members: int, *, all_wrong: bool = False) -> int:
    """Returns how many rows it has below the headers."""
    xlsxwriter = importlib.import_module("xlsxwriter")
    count = 0
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False}) as book:
        for sheet, listed in rows(orgs, members):
            page = book.add_worksheet(sheet)
            page.write_row(0, 0, SHEETS[sheet])
            for number, row in enumerate(listed, start=1):
                page.write_row(number, 0, wrong(sheet, number, row) if all_wrong else row)
                count += 1
    return count


# --- one step, in a process of its own --------------------------------------------------------------------------------


def _bare(path: Path) -> dict[str, Any]:
    """The least: the file through python-calamine, its rows by COPY into tables without a key or an index."""
    began = time.perf_counter()
    book = CalamineWorkbook.from_path(path)
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    read = time.perf_counter() - began
    with transaction.atomic(), connection.cursor() as cursor:
        for number, found in enumerate(sheets.values()):
            names = ", ".join(f"c{at} text" for at in range(len(found[0])))
            cursor.execute(f"CREATE TABLE bare_{number} ({names})")
            if connection.vendor == "postgresql":
                text = "\n".join(["\t".join([str(cell).replace("\t", " ") for cell in row]) for row in found[1:]])
                cursor.cursor.copy_expert(f"COPY bare_{number} FROM STDIN", io.StringIO(text))
            else:
                marks = ", ".join(["%s"] * len(found[0]))
                cursor.executemany(f"INSERT INTO bare_{number} VALUES ({marks})", found[1:])  # noqa: S608
    seconds = time.perf_counter() - began
    with connection.cursor() as cursor:
        for number in range(len(sheets)):
            cursor.execute(f"DROP TABLE bare_{number}")
    return {"seconds": seconds, "reading": read, "rows": sum(len(found) - 1 for found in sheets.values())}


def _check(path: Path) -> dict[str, Any]:
    """Read and check; what a preview does."""
    apply, reading, columns = (
        importlib.import_module(f"orgs.importing.{name}") for name in ("apply", "reading", "columns")
    )
    began = time.perf_counter()
    book = reading.read(path.read_bytes(), path.name)
    read = time.perf_counter() - began
    plan = apply.preview(book, columns.Options())
    return {
        "seconds": time.perf_counter() - began,
        "reading": read,
        "problems": len(plan.problems),
        "counts": {sheet: [c.new, c.changed, c.unchanged, c.wrong] for sheet, c in plan.counts.items()},
    }


def _import(path: Path) -> dict[str, Any]:
    """Read, check, write and prove."""
    apply, reading, columns = (
        importlib.import_module(f"orgs.importing.{name}") for name in ("apply", "reading", "columns")
    )
    began = time.perf_counter()
    book = reading.read(path.read_bytes(), path.name)
    read = time.perf_counter() - began
    plan = apply.import_book(book, columns.Options(), by=None)
    return {
        "seconds": time.perf_counter() - began,
        "reading": read,
        "counts": {sheet: [c.new, c.changed, c.unchanged, c.wrong] for sheet, c in plan.counts.items()},
    }


def _stored(_: Path) -> dict[str, Any]:
    """The rows that the import stored, by COPY into the same tables when they are empty: what PostgreSQL itself takes
    for their indexes, constraints and foreign keys. Undone.
    """
    tables = ("orgs_organization", "orgs_person", "orgs_membership", "orgs_post")
    kept: dict[str, io.BytesIO] = {}
    parts: dict[str, float] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.cursor.copy_expert(f"COPY {table} TO STDOUT", kept.setdefault(table, io.BytesIO()))
            kept[table].seek(0)
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        for table in tables:
            began = time.perf_counter()
            cursor.cursor.copy_expert(f"COPY {table} FROM STDIN", kept[table])
            parts[table] = time.perf_counter() - began
        began = time.perf_counter()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        parts["references"] = time.perf_counter() - began
        transaction.set_rollback(True)
    return {"seconds": sum(parts.values()), "references": parts["references"]}


def _stock(path: Path) -> dict[str, Any]:
    """django-import-export as it comes, on a django-mptt model: the organisations, for a while."""
    # The models can be defined only when Django is set up.
    import tablib  # noqa: PLC0415
    from django.db import models  # noqa: PLC0415
    from import_export import fields, resources, widgets  # noqa: PLC0415
    from mptt.models import MPTTModel, TreeForeignKey  # noqa: PLC0415

    class Division(MPTTModel):
        code = models.CharField(max_length=40, unique=True)
        name = models.CharField(max_length=200)
        parent = TreeForeignKey("self", null=True, blank=True, on_delete=models.CASCADE)

        class Meta:
            app_label = "orgs"  # it must be an installed one

    class DivisionResource(resources.ModelResource):
        parent = fields.Field("parent", "parent", widgets.ForeignKeyWidget(Division, "code"))

        class Meta:
            model = Division
            import_id_fields = ("code",)
            fields = ("code", "name", "parent")

    with connection.schema_editor() as editor:
        editor.create_model(Division)
    allowed = float(os.environ.get("STOCK_SECONDS") or 120)
    listed = organizations(int(os.environ.get("IMPORT_ORGS") or 44704))
    count = 0
    began = time.perf_counter()
    while (seconds := time.perf_counter() - began) < allowed and (chunk := list(islice(listed, STOCK_CHUNK))):
        data = tablib.Dataset(*[(row[0], row[1], row[5]) for row in chunk], headers=["code", "name", "parent"])
        result = DivisionResource().import_data(data, raise_errors=True)
        assert not result.has_errors()
        count += len(chunk)
    seconds = time.perf_counter() - began
    with connection.schema_editor() as editor:
        editor.delete_model(Division)
    return {"seconds": seconds, "rows": count}


STEPS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "bare": _bare,
    "check": _check,
    "import": _import,
    "stored": _stored,
    "stock": _stock,
}


def main(arguments: list[str]) -> None:
    """One step on one file; prints what it found as JSON."""
    step, path = arguments
    django.setup()
    settings.DEBUG = False  # or Django keeps every query in memory
    found = STEPS[step](Path(path))
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    found["memory"], found["reader_memory"] = round(peak_megabytes()), children.ru_maxrss // 1024
    found["cpu"] = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    print(json.dumps(found))


# --- all of them ------------------------------------------------------------------------------------------------------


def _step(step: str, path: Path) -> dict[str, Any]:
    """The step in a process of its own, on the database of this run."""
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"]
    url = urlsplit(url)._replace(path=f"/{name}").geturl() if connection.vendor == "postgresql" else f"sqlite:///{name}"
    command = [sys.executable, "-m", "benchmarks.imports", step, str(path)]
    # A list, no shell.
    done = subprocess.run(  # noqa: S603
        command, env={**os.environ, "DATABASE_URL": url}, stdout=subprocess.PIPE, check=True, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(directory: Path) -> Iterator[str]:
    """Lines to print. Raises AssertionError when a result is wrong."""
    orgs = int(os.environ.get("IMPORT_ORGS") or 44704)
    members = int(os.environ.get("IMPORT_PEOPLE") or 200_000)
    good, bad = directory / "good.xlsx", directory / "bad.xlsx"
    count = write_workbook(good, orgs, members)
    write_workbook(bad, orgs, members, all_wrong=True)
    yield (
        f"import of {count:,} rows ({orgs:,} organisations, {members:,} people, posts), {good.stat().st_size / 2**20:.1f} MB"
    )
    bare = _step("bare", good)
    assert bare["rows"] == count, bare
    yield _line("python-calamine + COPY into bare tables (the measure)", bare)
    check = _step("check", good)
    assert sum(new for new, *_ in check["counts"].values()) == count, check
    yield _line("check of the good file", check)
    refused = _step("check", bad)
    assert sum(counts[3] for counts in refused["counts"].values()) == count, refused
    yield _line("check of a file with every row wrong", refused, check, "check of the good file", 1.2)
    whole = _step("import", good)
    assert whole["counts"] == check["counts"], whole
    yield _line("import: read, check, write, prove", whole, bare, "the measure", 4)
    yield _line("check of the good file", check, whole, "import", 0.6)
    if connection.vendor == "postgresql":
        stored = _step("stored", good)
        both = {"seconds": bare["reading"] + stored["seconds"]}
        yield (
            f"{'the same rows by COPY into the real tables, emptied':<58} {stored['seconds']:>8.1f} s, of which foreign "
            f"keys {stored['references']:.1f} s   import ÷ (reading + this): {whole['seconds'] / both['seconds']:.2f}"
        )
    again = _step("import", good)
    assert sum(counts[2] for counts in again["counts"].values()) == count, again
    yield _line("import again, all unchanged", again, whole, "import", 0.6)
    stock = _step("stock", good)
    ours, theirs = whole["seconds"] / count, stock["seconds"] / stock["rows"]
    yield (
        f"{'stock django-import-export on django-mptt':<58} {stock['seconds']:>8.1f} s   {stock['rows']:,} rows: "
        f"{theirs * 1000:.2f} ms a row, ours {ours * 1000:.3f} ms: {theirs / ours:.0f} × faster (wanted: 20)"
    )


def _line(
    what: str, found: dict[str, Any], beside: dict[str, Any] | None = None, baseline: str = "", bound: float = 0
) -> str:
    reading = f", of which reading {found['reading']:.1f} s" if "reading" in found else ""
    memory = (
        f"   CPU without the database's {found['cpu']:.1f} s, {found['memory']} MB, reader {found['reader_memory']} MB"
    )
    ratio = f"   {found['seconds'] / beside['seconds']:.2f} × {baseline} (wanted: {bound})" if beside else ""
    return f"{what:<58} {found['seconds']:>8.1f} s{reading}{memory}{ratio}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dianping.settings")
    main(sys.argv[1:])
