"""Reads one workbook in a process of its own, under limits; started by `reading`, imports nothing of the project's
that needs Django.

    python -m orgs.importing.child FILE KIND HOW SHEET…

Writes messages, each its length (4 bytes) and a marshalled value: {"sheets": […]}, then for each wanted sheet
{"sheet": name} and blocks of its rows with a value, {"rows": [(row number, cells), …], "odd": whether any cell is more
than a plain value}, {"hidden": name, …} where not all of it is shown, and {"end": true}; or {"refused": sentence}.
A date is ["d", "2010-12-31"]; a cell whose content is
lost is ["f", kind]: "error" (#N/A…), "formula" (never calculated), "merged" (hidden under a merged cell), "above" (the same,
merged with cells of its own column only), "time".

python-calamine reads the values. What it loses (an error value comes out as an empty string) and what may kill it
(one value in the far corner asks for 550 GB) is found before, by going through the sheet's own XML or records. HOW is
"quick" or "careful": quick takes a sheet in which no mark of a lost cell occurs without going through it cell by cell;
should that kill the process, whoever started it asks again, carefully, for the reason.
"""

from __future__ import annotations

import datetime
import gc
import marshal
import re
import resource
import struct
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from xml.parsers import expat

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from orgs.importing.gate import DAMAGED, Ole, Refusal

ADDRESS_SPACE = 3 * 1024**3
CPU_SECONDS = 120
ERROR_BYTES = 64 * 1024  # all that it may write to a file: its last words
MAX_COLUMNS = 256
MAX_AREA = 16_000_000
MAX_FAULTS = 200_000
BLOCK = 2000  # rows in a message
REMEMBERED = 20_000  # different texts that are one object each
HIDDEN = ("merged", "above")
PLAIN = {str, int, float, bool, type(None)}
PIECE = 1 << 20
LONGEST_ROW = 16 << 20  # bytes in which a row ends that is looked at as a whole
TRUE = ("1", "true")
SHEET_NS = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main}",
    "http://purl.oclc.org/ooxml/spreadsheetml/main}",
)


@dataclass
class Scan:
    """What was found by counting: how far the values reach, and the cells whose content is lost."""

    rows: int = 0
    columns: int = 0
    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)  # rows that are hidden or filtered away
    hidden_columns: set[int] = field(default_factory=set)

    def hide(self, rows: Iterable[int]) -> None:
        """These rows are not shown."""
        if len(self.hidden) < MAX_FAULTS:
            self.hidden.update(rows)

    def reach(self, row: int, column: int) -> None:
        """A value stands in this cell (from 1)."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)

    def fault(self, row: int, column: int, kind: str) -> None:
        """The content of this cell (from 1) is lost."""
        if len(self.faults) < MAX_FAULTS:
            self.faults[row, column] = kind

    def check(self, sheet: str) -> None:
        """Raises Refusal when the values reach further than a reader can go."""
        if self.columns > MAX_COLUMNS or self.rows * self.columns > MAX_AREA:
            raise Refusal(
                f"工作表“{sheet}”的内容伸到第 {self.rows} 行、第 {self.columns} 列，超出可读范围"
                f"（最多 {MAX_COLUMNS} 列）；请删除远处的多余内容后再导入。"
            )


def column_number(letters: str) -> int:
    """ "A" -> 1, "XFD" -> 16384."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


# A row as every spreadsheet writes it: its own number in each cell, values, no formula, no error, not hidden.
PLAIN_ROW = re.compile(
    rb"""<row r="([0-9]{1,7})"(?![^<>]*hidden=)[^<>]*(?<!/)>(?:"""
    rb"""<c r="[A-Z]{1,3}\1"(?: s="[0-9]+")?(?: t="(?:s|n|b|str|inlineStr)")?"""
    rb"""(?:/>|></c>|>(<)(?:v>[^<]*</v>|is><t(?: xml:space="preserve")?>[^<]*</t></is>)</c>))*+</row>"""
)
VALUED = re.compile(rb"""<c r="([A-Z]{1,3})[0-9]+"[^<>/]*><[vi]""")


def _without_plain_rows(stream: Any, scan: Scan) -> Iterator[bytes]:
    """The XML but for its plain rows: of those only the reach is noted, and the number of the last one is kept.

    Most of a sheet is such rows, and a parser's call for each tag would take longer than reading their values.
    """
    carried = b""
    while piece := stream.read(PIECE):
        piece = carried + piece
        end = piece.rfind(b"</row>") + 6
        if end == 5:
            end = 0 if len(piece) < LONGEST_ROW else len(piece)
        carried, piece = piece[end:], piece[:end]
        at = deepest = 0
        last = b""
        for row in PLAIN_ROW.finditer(piece):
            if at != row.start():
                yield (b'<row r="%s"/>' % last if last else b"") + piece[at : row.start()]
            last, value = row.groups()
            if value:
                deepest = max(deepest, int(last))
            at = row.end()
        if deepest:
            scan.rows = max(scan.rows, deepest)
            letters = {letters.decode() for letters in set(VALUED.findall(piece))}
            scan.columns = max(scan.columns, *map(column_number, letters))
        yield (b'<row r="%s"/>' % last if last else b"") + piece[at:]
    yield carried


def _parse(stream: Any, start: Callable, end: Callable | None = None, text: Callable | None = None) -> None:
    """Go through XML once; a document type is refused, so nothing can be expanded."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = start
    if end:
        parser.EndElementHandler = end
    if text:
        parser.CharacterDataHandler = text

    def refuse(*_: Any) -> None:
        raise Refusal("文件里有不允许的内容（文档类型声明），请用 Excel 重新另存为 .xlsx。")

    parser.StartDoctypeDeclHandler = refuse
    if isinstance(stream, Iterator):
        for piece in stream:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    else:
        parser.ParseFile(stream)


# --- .xlsx ------------------------------------------------------------------------------------------------------


def xlsx_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name -> its part in the archive."""
    targets: dict[str, str] = {}
    sheets: dict[str, str] = {}

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name.endswith("}Relationship"):
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name.endswith("}sheet"):
            for key, value in attributes.items():
                if key.endswith("}id"):
                    sheets[attributes.get("name", "")] = value

    book = "xl/workbook.xml"
    with archive.open("xl/_rels/workbook.xml.rels") as stream:
        _parse(stream, relation)
    with archive.open(book) as stream:
        _parse(stream, sheet)
    parts: dict[str, str] = {}
    known = set(archive.namelist())
    for name, key in sheets.items():
        target = targets.get(key, "")
        path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if path in known:
            parts[name] = path
    return parts


def scan_xlsx(stream: Any) -> Scan:
    """Go through a sheet's XML: the cells with a value, errors, formulas never calculated, merged ranges."""
    scan = Scan()
    kinds = {ns + name: name for ns in SHEET_NS for name in ("row", "c", "v", "f", "is", "mergeCell", "col")}
    row = column = 0
    ref: str | None = None
    kind = ""
    formula = value = inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, ref, kind, formula, value, inside
        what = kinds.get(name)
        if what == "c":
            column += 1
            ref = attributes.get("r")
            kind = attributes.get("t", "")
            formula = value = inside = False
        elif what == "v" or what == "is":
            inside = True
        elif what == "f":
            formula = True
        elif what == "row":
            number = attributes.get("r", "")
            row = int(number) if number.isdigit() else row + 1
            column = 0
            if attributes.get("hidden") in TRUE:
                scan.hide([row])
        elif what == "col":
            if attributes.get("hidden") in TRUE:
                first, last = (int(attributes[end]) for end in ("min", "max"))
                scan.hidden_columns.update(range(first, min(last, MAX_COLUMNS) + 1))
        elif what == "mergeCell":
            corners = attributes.get("ref", "").split(":")
            if len(corners) == 2 and len(scan.merged) < MAX_FAULTS:
                (top, left), (bottom, right) = (_place(corner) for corner in corners)
                scan.merged.append((top, left, bottom, right))

    def text(_: str) -> None:
        nonlocal value
        if inside:
            value = True

    def end(name: str) -> None:
        nonlocal column, inside, row
        what = kinds.get(name)
        if what == "c":
            if ref:
                row, column = _place(ref)
            if formula or value:
                scan.reach(row, column)
                if kind == "e":
                    scan.fault(row, column, "error")
                elif formula and not value and kind != "str":
                    scan.fault(row, column, "formula")
        elif what == "v" or what == "is":
            inside = False

    _parse(_without_plain_rows(stream, scan), start, end, text)
    return scan


def _place(ref: str) -> tuple[int, int]:
    """ "C4" -> (4, 3)."""
    ref = ref.replace("$", "")
    letters = ref.rstrip("0123456789")
    digits = ref[len(letters) :]
    if not (1 <= len(letters) <= 3 and letters.isascii() and letters.isalpha() and digits):
        raise Refusal("文件已损坏：单元格的位置不对。")
    return int(digits), column_number(letters.upper())


# --- .ods -------------------------------------------------------------------------------------------------------


def scan_ods(stream: Any) -> dict[str, Scan]:
    """The same for every sheet of an .ods; repeated rows and cells are counted, not unrolled."""
    scans: dict[str, Scan] = {}
    depth = row = column = repeat = 0
    scan = Scan()

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, row, column, repeat, scan
        what = name.rpartition("}")[2]
        plain = {key.rpartition("}")[2]: value for key, value in attributes.items()} if attributes else {}
        if what == "table" and ":table:" in name:
            depth += 1
            if depth == 1:
                scan = scans[plain.get("name", "")] = Scan()
                row = 0
                repeat = 1
        elif depth != 1:
            return
        elif what == "table-row":
            row += repeat if row else 1
            repeat = _count(plain.get("number-rows-repeated"))
            column = 0
            if plain.get("visibility") in ("collapse", "filter"):
                scan.hide(range(row, row + min(repeat, MAX_FAULTS)))
        elif what in ("table-cell", "covered-table-cell"):
            times = _count(plain.get("number-columns-repeated"))
            broken = any(key.endswith("}value-type") and value == "error" for key, value in attributes.items())
            typed = any(key.endswith("office:1.0}value-type") for key in attributes)
            if typed or "formula" in plain:
                scan.reach(row + repeat - 1, column + times)
            lost = "error" if broken else "formula" if "formula" in plain and not typed else ""
            if what == "covered-table-cell" and not lost and not typed:
                lost = "merged"
            if lost:
                for down in range(min(repeat, 1000)):
                    for right in range(min(times, MAX_COLUMNS)):
                        scan.fault(row + down, column + 1 + right, lost)
            column += times

    def end(name: str) -> None:
        nonlocal depth
        if name.endswith("table:1.0}table"):
            depth -= 1

    _parse(stream, start, end)
    return scans


def _count(value: str | None) -> int:
    return max(1, int(value)) if value and value.isdigit() else 1


# --- .xls -------------------------------------------------------------------------------------------------------


def scan_xls(data: bytes) -> list[Scan]:
    """The same for every worksheet of an .xls, in order, from its records."""
    ole = Ole(data)
    stream = ole.read("Workbook" if "Workbook" in ole.streams else "Book")
    scans: list[Scan] = []
    scan: Scan | None = None
    nested = 0  # charts inside a sheet are substreams of their own
    for kind, body in _records(stream):
        if kind == 0x0809 and len(body) >= 4:  # BOF
            if scan is not None:
                nested += 1
            elif struct.unpack_from("<H", body, 2)[0] in (0x0010, 0x0020, 0x0040):
                scan = Scan()
                scans.append(scan)
        elif kind == 0x000A and scan is not None:  # EOF
            if nested:
                nested -= 1
            else:
                scan = None
        elif scan is None or nested:
            continue
        elif kind == 0x0208 and len(body) >= 14:  # ROW
            if body[12] & 0x20:
                scan.hide([struct.unpack_from("<H", body)[0] + 1])
        elif kind == 0x0205 and len(body) >= 8:  # BOOLERR
            row, column = struct.unpack_from("<2H", body)
            if body[7]:
                scan.fault(row + 1, column + 1, "error")
        elif kind == 0x0006 and len(body) >= 14:  # FORMULA
            row, column = struct.unpack_from("<2H", body)
            if body[12:14] == b"\xff\xff" and body[6] == 2:
                scan.fault(row + 1, column + 1, "error")
        elif kind == 0x00E5 and len(body) >= 2:  # MERGEDCELLS
            (count,) = struct.unpack_from("<H", body)
            for at in range(2, 2 + 8 * count, 8):
                top, bottom, left, right = struct.unpack_from("<4H", body, at)
                scan.merged.append((top + 1, left + 1, bottom + 1, right + 1))
    return scans


def _refuse_password(data: bytes) -> None:
    """The reader would only say that it cannot read."""
    ole = Ole(data)
    for kind, _ in _records(ole.read("Workbook" if "Workbook" in ole.streams else "Book")):
        if kind == 0x002F:
            raise Refusal("文件加了密码，请取消密码后再导入。")
        if kind == 0x000A:
            return


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<2H", stream, at)
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


# --- values -----------------------------------------------------------------------------------------------------


# What stands where a cell is lost, merged or hidden, where a document type is declared, or where names have a prefix;
# each under a letter of it that is rare in a sheet's XML, because one letter is found eight times as fast.
TELLING = (
    (b"f", (b"<f",)),
    (b":", (b":f", b":c ", b":c>")),
    (b'"', (b'"e"',)),
    (b"'", (b"'e'",)),
    (b"g", (b"mergeCell",)),
    (b"!", (b"<!DOCTYPE",)),
    (b"d", (b"hidden=",)),
    (b"\0", (b"\0",)),
)


def _is_plain(stream: Any) -> bool:
    """Nothing in the sheet's XML tells of a lost or hidden cell."""
    carried = b""
    while piece := stream.read(PIECE):
        piece = carried + piece
        if any(letter in piece and any(mark in piece for mark in marks) for letter, marks in TELLING):
            return False
        carried = piece[-16:]
    return True


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
                    if _is_plain(content):
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
            _refuse_password(stream.read())
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
