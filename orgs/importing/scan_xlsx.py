"""Going through the XML of an .xlsx; most of it in great steps, because most rows are plain.

Runs in the child process of `reading`: imports nothing that needs Django.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Any

from orgs.importing.gate import Refusal
from orgs.importing.scan import MAX_COLUMNS, MAX_FAULTS, TRUE, Scan, column_number, parse_xml

PIECE = 1 << 20
LONGEST_ROW = 16 << 20  # bytes in which a row ends that is looked at as a whole
SHEET_NS = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main}",
    "http://purl.oclc.org/ooxml/spreadsheetml/main}",
)
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
        parse_xml(stream, relation)
    with archive.open(book) as stream:
        parse_xml(stream, sheet)
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

    parse_xml(_without_plain_rows(stream, scan), start, end, text)
    return scan


def _place(ref: str) -> tuple[int, int]:
    """ "C4" -> (4, 3)."""
    ref = ref.replace("$", "")
    letters = ref.rstrip("0123456789")
    digits = ref[len(letters) :]
    if not (1 <= len(letters) <= 3 and letters.isascii() and letters.isalpha() and digits):
        raise Refusal("文件已损坏：单元格的位置不对。")
    return int(digits), column_number(letters.upper())


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


def is_plain(stream: Any) -> bool:
    """Nothing in the sheet's XML tells of a lost or hidden cell."""
    carried = b""
    while piece := stream.read(PIECE):
        piece = carried + piece
        if any(letter in piece and any(mark in piece for mark in marks) for letter, marks in TELLING):
            return False
        carried = piece[-16:]
    return True
