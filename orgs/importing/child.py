"""Reads one workbook in a process of its own, under limits; started by `reading`, imports nothing of the project's
that needs Django.

    python -m orgs.importing.child FILE KIND HOW SHEET…

Writes messages, each its length (4 bytes) and a marshalled value: {"sheets": […]}, then for each wanted sheet
{"sheet": name} and blocks of its rows with a value, {"rows": [(row number, cells), …], "odd": whether any cell is more
than a plain value}, {"hidden": name, …} where not all of it is shown, and {"end": true}; or {"refused": sentence}.
A date is ["d", "2010-12-31"]; a cell whose content is lost is ["f", kind]: "error" (#N/A…), "formula" (never
calculated), "merged" (hidden under a merged cell), "above" (the same, merged with cells of its own column only), "time".

python-calamine reads the values. What it loses (an error value comes out as an empty string) and what may kill it
(one value in the far corner asks for 550 GB) is found before, by going through the sheet's own XML or records. HOW is
"quick" or "careful": quick takes a sheet in which no mark of a lost cell occurs without going through it cell by cell;
should that kill the process, whoever started it asks again, carefully, for the reason.
"""

from __future__ import annotations

import datetime
import gc
import marshal
import resource
import struct
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from orgs.importing.gate import DAMAGED, Refusal
from orgs.importing.scan import MAX_COLUMNS, MAX_FAULTS, Scan
from orgs.importing.scan_ods import scan_ods
from orgs.importing.scan_xls import refuse_password, scan_xls
from orgs.importing.scan_xlsx import is_plain, scan_xlsx, xlsx_parts

ADDRESS_SPACE = 3 * 1024**3
CPU_SECONDS = 120
ERROR_BYTES = 64 * 1024  # all that it may write to a file: its last words
BLOCK = 2000  # rows in a message
REMEMBERED = 20_000  # different texts that are one object each
HIDDEN = ("merged", "above")
PLAIN = {str, int, float, bool, type(None)}


def _scan(path: str, kind: str, wanted: dict[str, int], *, careful: bool) -> dict[str, Scan | None]:
    """Sheet name -> what was found by counting, for the wanted sheets (name -> position in the book); None for a sheet
    that looks plain, unless it must be gone through carefully.
    """
    if kind == "xls":
        with open(path, "rb") as stream:
            in_order = scan_xls(stream.read())
        return {name: in_order[at] if at < len(in_order) else Scan() for name, at in wanted.items()}
    with zipfile.ZipFile(path) as archive:
        if kind == "ods":
            with archive.open("content.xml") as content:
                scans = scan_ods(content)
            return {name: scans.get(name, Scan()) for name in wanted}
        parts = xlsx_parts(archive)
        found: dict[str, Scan | None] = {}
        for name in wanted:
            if name not in parts:
                raise Refusal(f"文件已损坏：找不到工作表“{name}”的内容。")
            if not careful:
                with archive.open(parts[name]) as content:
                    if is_plain(content):
                        found[name] = None
                        continue
            with archive.open(parts[name]) as content:
                found[name] = scan_xlsx(content)
        # Members that were not gone through are at least inflated once: their stated size is then known to be true.
        for member in archive.infolist():
            if member.filename not in parts.values():
                with archive.open(member) as content:
                    while content.read(1 << 20):
                        pass
        return found


def encode(value: Any) -> Any:
    """A cell as JSON carries it."""
    if value.__class__ in PLAIN:
        return None if value == "" else value
    if isinstance(value, datetime.datetime):
        return ["d", value.date().isoformat()]
    if isinstance(value, datetime.date):
        return ["d", value.isoformat()]
    return ["f", "time"]


def read(path: str, kind: str, wanted: list[str], *, careful: bool) -> Iterator[Any]:
    """The messages to write; see the module. Raises Refusal, or whatever the readers raise."""
    with open(path, "rb") as stream:
        if kind == "xls":
            refuse_password(stream.read())
            stream.seek(0)
        book = CalamineWorkbook.from_filelike(stream)
        names = list(book.sheet_names)
        hidden = {sheet.name: sheet.visible != SheetVisibleEnum.Visible for sheet in book.sheets_metadata}
        yield {"sheets": names}
        chosen = {name: at for at, name in enumerate(names) if name.strip(" \u3000\u00a0\ufeff") in wanted}
        # Quickly means side by side: the reader runs in a thread of its own, without Python's lock.
        beside = ThreadPoolExecutor(1)
        loading = {} if careful else {name: beside.submit(book.get_sheet_by_name, name) for name in chosen}
        scans = _scan(path, kind, chosen, careful=careful)
        for name, scan in scans.items():
            if scan is not None:
                scan.check(name)
        for name in chosen:
            yield {"sheet": name}
            sheet = book.get_sheet_by_name(name) if careful else loading.pop(name).result()
            scan = scans[name]
            if scan is None:
                scan = Scan()
                if sheet.end:
                    scan.reach(sheet.end[0] + 1, sheet.end[1] + 1)
                scan.check(name)
            rows = _rows(sheet, scan)
            unseen = 0
            while block := list(islice(rows, BLOCK)):
                if scan.hidden:
                    unseen += sum(number in scan.hidden for number, _ in block)
                yield {"rows": block, "odd": not all(PLAIN.issuperset(map(type, cells)) for _, cells in block)}
            columns = sum(column <= scan.columns for column in scan.hidden_columns)
            if unseen or columns or hidden[name]:
                yield {"hidden": name, "rows": unseen, "columns": columns, "whole": hidden[name]}
    yield {"end": True}


class _Plain(dict[str, "str | None"]):
    """Text -> the same text, one object for all cells that say it; nothing for an empty one."""

    def __missing__(self, text: str) -> str | None:
        return self.setdefault(text, text or None)


def _rows(sheet: Any, scan: Scan) -> Iterator[Any]:
    lost = scan.faults
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), kind in lost.items():
        by_row.setdefault(row, []).append((column, kind))
    for top, left, bottom, right in scan.merged:
        if (bottom - top + 1) * (right - left + 1) <= MAX_FAULTS:
            for row in range(top, bottom + 1):
                for column in range(left, min(right, MAX_COLUMNS) + 1):
                    if (row, column) != (top, left):
                        by_row.setdefault(row, []).append((column, "above" if left == right else "merged"))
    plain = _Plain()
    # Rows are numbered from the sheet's first, but columns begin where the values do.
    indent = [None] * (sheet.start[1] if sheet.start else 0)
    for number, values in enumerate(sheet.iter_rows(), start=1):
        cells = indent + [plain[value] if value.__class__ is str else encode(value) for value in values]
        if len(plain) > REMEMBERED:
            plain.clear()
        if number not in by_row:
            if cells.count(None) < len(cells):
                yield number, cells
            continue
        for column, kind in by_row.get(number, ()):
            if column <= len(cells):
                if kind not in HIDDEN or cells[column - 1] is None:
                    cells[column - 1] = ["f", kind]
            elif kind not in HIDDEN:
                cells.extend([None] * (column - len(cells)))
                cells[column - 1] = ["f", kind]
        if any(cell is not None and not (cell.__class__ is list and cell[1] in HIDDEN) for cell in cells):
            yield number, cells
    # Rows below the last one that calamine sees hold nothing but lost cells.
    end = sheet.end[0] + 1 if sheet.end else 0
    for number in sorted(row for row in by_row if row > end):
        found = [(column, kind) for column, kind in by_row[number] if kind not in HIDDEN]
        if found:
            cells = [None] * max(column for column, _ in found)
            for column, kind in found:
                cells[column - 1] = ["f", kind]
            yield number, cells


def limit() -> None:
    """No more memory and time than an honest workbook needs; no files but its last words."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ERROR_BYTES, ERROR_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> None:
    """Read and write; every failure of a reader becomes a refusal."""
    limit()
    gc.disable()  # a short life without circles: looking for them took a third of it
    path, kind, how, *wanted = arguments
    write = sys.stdout.buffer.write

    def send(message: Any) -> None:
        data = marshal.dumps(message)
        write(struct.pack("<I", len(data)))
        write(data)

    try:
        for message in read(path, kind, wanted, careful=how != "quick"):
            send(message)
    except Refusal as refusal:
        send({"refused": str(refusal)})
    except (*DAMAGED, CalamineError, expat.ExpatError, OverflowError, MemoryError) as error:
        send({"refused": "", "reason": f"{type(error).__name__}: {error}"[:300]})


if __name__ == "__main__":
    main(sys.argv[1:])
