"""What files may be: the formats that are read, and every refusal of a whole file, with real files."""

from __future__ import annotations

import io
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from xml.parsers import expat

import openpyxl
import pytest

from orgs.importing import child, gate, reading, scan_xlsx
from orgs.importing.reading import Unreadable, read
from tests.builders import day
from tests.orgs.books import TREE, book, edited, import_, numbers

FILES = Path(__file__).parent / "files"
SHEET = "xl/worksheets/sheet1.xml"


def refusal(data: bytes, name: str = "a.xlsx") -> str:
    with pytest.raises(Unreadable) as caught:
        read(data, name)
    return str(caught.value)


# --- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("file", "name"), [("good.xls", "a.xls"), ("good.ods", "a.ods"), ("good.xls", "a.et")])
def test_xls_ods_and_et_are_read(file, name):
    made = import_((FILES / file).read_bytes(), name)
    assert numbers(made, "组织") == (4, 0, 0, 0)
    assert made.changes["组织"][0].values["founded_on"] == day("2009-05-01")


# --- sheets and headers -------------------------------------------------------------------------------------------------


# --- what a file is ---------------------------------------------------------------------------------------------------


# --- how far values reach -------------------------------------------------------------------------------------------------


def test_rows_after_many_empty_ones_are_still_read():
    def far(made):
        made["组织"]["A5000"] = "9"

    table = read(edited(book(TREE), far), "a.xlsx").tables["组织"]
    assert table.rows[-1][0] == 5000


# --- the child --------------------------------------------------------------------------------------------------------


def test_the_child_has_limits():
    code = "from orgs.importing import child; import resource; child.limit(); print(resource.getrlimit(resource.RLIMIT_AS))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=reading.ROOT
    ).stdout
    assert shown.strip() == str((child.ADDRESS_SPACE, child.ADDRESS_SPACE))
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != child.ADDRESS_SPACE


def test_a_reader_that_dies_is_one_clear_sentence(monkeypatch, tmp_path):
    """An abort inside the reader (as one cell in the far corner causes) is no crash of ours."""
    fake = tmp_path / "python"
    fake.write_text('#!/bin/sh\necho \'{"sheets": ["组织"]}\'\nkill -ABRT $$\n')
    fake.chmod(0o755)
    monkeypatch.setattr(reading.sys, "executable", str(fake))
    assert refusal(book(TREE)) == "文件过大或内容异常，无法读取。请只保留需要的数据，另存为新的 .xlsx 后再导入。"


def test_a_reader_that_never_ends_is_ended(monkeypatch, tmp_path):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setattr(reading.sys, "executable", str(fake))
    monkeypatch.setattr(reading, "WALL_SECONDS", 0.5)
    assert "无法读取" in refusal(book(TREE))


def test_openpyxl_is_defused():
    assert openpyxl.DEFUSEDXML


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    read(book(TREE), "a.xlsx")
    assert list(tmp_path.iterdir()) == []
    shutil.rmtree(tmp_path)


def test_every_mutilation_is_a_sentence():
    """Bytes overwritten here and there: read or refused, never another error."""
    for data, name in ((book(TREE), "a.xlsx"), ((FILES / "good.xls").read_bytes(), "a.xls")):
        for at in range(0, len(data), max(1, len(data) // 12)):
            broken = bytearray(data)
            broken[at : at + 16] = b"\xff" * 16
            with suppress(Unreadable):
                read(bytes(broken), name)


# --- going through the XML ---------------------------------------------------------------------------------------------

PLAIN = (
    '<row r="{0}" spans="1:3"><c r="A{0}" s="1" t="s"><v>0</v></c><c r="B{0}"><v>1.5</v></c><c r="C{0}" s="2"/></row>'
)
INLINE = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t xml:space="preserve"> 甲</t></is></c></row>'
EMPTY = '<row r="{0}"><c r="ZZ{0}" s="1"/><c r="AAA{0}" s="1"></c></row>'
FORMULA = '<row r="{0}"><c r="A{0}"><f>1+1</f></c><c r="B{0}" t="e"><v>#N/A</v></c></row>'
UNNUMBERED = "<row><c><v>1</v></c><c><f>1+1</f></c></row>"
ELSEWHERE = '<row r="{0}"><c r="D9{0}"><v>1</v></c></row>'
COMMENT = '<!-- <row r="{0}"><c r="A{0}"/></row> -->'


@pytest.mark.parametrize("piece", [1, 50, 1 << 20])
@pytest.mark.parametrize(
    "rows",
    [
        [],
        [PLAIN] * 5,
        [PLAIN, INLINE, EMPTY, FORMULA, PLAIN, UNNUMBERED],
        [UNNUMBERED, PLAIN, UNNUMBERED, UNNUMBERED],
        [FORMULA, COMMENT, ELSEWHERE, PLAIN],
        [EMPTY] * 3,
        [PLAIN, "\n  ", INLINE, '<row r="{0}"/>', UNNUMBERED],
    ],
)
def test_rows_that_no_parser_sees_are_counted_as_a_parser_counts_them(monkeypatch, rows, piece):
    inside = "".join(row.format(number) for number, row in enumerate(rows, start=3))
    xml = (
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<sheetData>{inside}</sheetData><mergeCells><mergeCell ref="A3:B4"/></mergeCells></worksheet>'
    )
    monkeypatch.setattr(scan_xlsx, "PIECE", piece)
    ours = scan_xlsx.scan_xlsx(io.BytesIO(xml.encode()))
    monkeypatch.setattr(scan_xlsx, "PLAIN_ROW", re.compile(b"(?!)"))
    assert ours == scan_xlsx.scan_xlsx(io.BytesIO(xml.encode()))


@pytest.mark.parametrize("damage", ["<row", '<!DOCTYPE a [<!ENTITY b "c">]>', "</worksheet>"])
def test_damage_between_plain_rows_is_still_seen(damage):
    xml = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{PLAIN.format(1)}{damage}{PLAIN.format(2)}</sheetData></worksheet>"
    )
    with pytest.raises((expat.ExpatError, gate.Refusal)):
        scan_xlsx.scan_xlsx(io.BytesIO(xml.encode()))
