"""What files may be: the formats that are read, and every refusal of a whole file, with real files."""

from __future__ import annotations

import io
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from xml.parsers import expat

import openpyxl
import pytest
from openpyxl import Workbook

from orgs.importing import child, gate, reading
from orgs.importing.reading import Unreadable, read
from tests.builders import day
from tests.orgs.books import ORG, TREE, book, edited, import_, numbers, plan_of, said, saved, surgery

FILES = Path(__file__).parent / "files"
SHEET = "xl/worksheets/sheet1.xml"


def refusal(data: bytes, name: str = "a.xlsx") -> str:
    with pytest.raises(Unreadable) as caught:
        read(data, name)
    return str(caught.value)


def csv_of(rows=TREE, header=ORG, between=",") -> str:
    return "\r\n".join(between.join(cell or "" for cell in row) for row in [header, *rows])


# --- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("file", "name"), [("good.xls", "a.xls"), ("good.ods", "a.ods"), ("good.xls", "a.et")])
def test_xls_ods_and_et_are_read(file, name):
    made = import_((FILES / file).read_bytes(), name)
    assert numbers(made, "组织") == (4, 0, 0, 0)
    assert made.changes["组织"][0].values["founded_on"] == day("2009-05-01")


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_lost_cells_are_found_in_every_format(kind):
    found = said(plan_of((FILES / f"bad.{kind}").read_bytes(), f"a.{kind}"))
    assert "组织!3 组织代码: 是数字 1，不是文本，开头的 0 可能已经丢失" in found
    assert "组织!5 上级代码: 单元格是错误值（如 #N/A、#REF!）" in found
    assert any(line.startswith("组织!4 组织名称: 是") for line in found)


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_each_encoding(encoding):
    made = plan_of(csv_of().encode(encoding), "a.csv")
    assert said(made) == []
    assert numbers(made, "组织") == (4, 0, 0, 0)


@pytest.mark.django_db
def test_csv_rows_are_numbered_as_a_spreadsheet_shows_them():
    text = csv_of() + '\r\n\r\n9,"处\n支部",党支部,机关内设机构,nix,'
    assert said(plan_of(text.encode(), "a.csv")) == [
        "组织!7 组织名称: 含有看不见的字符 U+000A",
        '组织!7 上级代码: 找不到组织 "nix"',
    ]


@pytest.mark.django_db
def test_a_csv_row_that_does_not_fit_its_header_is_wrong():
    text = csv_of() + "\r\n9,甲,乙支部,党支部,机关内设机构,01,\r\n8,处支部"
    found = said(plan_of(text.encode(), "a.csv"))
    assert "组织!6: 这一行有 7 列，表头只有 6 列" not in found  # the surplus cell is empty
    assert any(line.startswith("组织!7: 这一行只有 2 列") for line in found)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (csv_of().encode("utf-16"), "UTF-16"),
        (csv_of().encode() + b"\xff\xff\xff", "编码"),
        (csv_of(between=";").encode(), "分号"),
        (csv_of().encode() + '\r\n"9,甲'.encode(), "引号"),
        ("甲,乙\r\n1,2".encode(), "表头"),
        (b"", "空"),
        (csv_of(rows=[]).encode(), "没有数据行"),
        (csv_of().encode() + b"\0", "空字符"),
        (book(TREE), "格式"),
    ],
)
def test_a_csv_that_is_not_what_it_claims(data, words):
    assert words in refusal(data, "a.csv")


# --- sheets and headers -------------------------------------------------------------------------------------------------


def test_other_sheets_and_unknown_columns_are_reported():
    data = book([(*row, "x") for row in TREE], 组织=[*ORG, "上级编码"])
    data = edited(data, lambda made: made.create_sheet("附表"))
    assert read(data, "a.xlsx").notices == [
        "工作表“附表”不在导入范围，已忽略",
        "工作表“组织”里不认识的列“上级编码”已忽略",
    ]


def test_headers_are_found_whatever_their_spaces_stars_and_order():
    header = ["单 位\n类别＊", " 组织名称*", "组织\u3000代码★", "组织类型"]
    rows = [(row[3], row[1], row[0], row[2]) for row in TREE[:1]]
    table = read(book(rows, 组织=header), "a.xlsx").tables["组织"]
    assert table.columns == {"code": 2, "name": 1, "org_type": 3, "category": 0}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (book(TREE, 组织=["a", "b", "c", "d", "e", "f"]), "找不到表头"),
        (book(TREE, 组织=["组织代码", "组织名称", "组织类型", "甲", "上级代码", "关系"]), "缺少必填的列：单位类别"),
        (book(TREE, 组织=[*ORG[:4], "组织代码", "关系"]), "组织代码”出现了两次"),
        (book([]), "没有数据行"),
        (book([(None, " ", "\u3000", None, None, None)]), "没有数据行"),
        (edited(book(TREE), lambda made: setattr(made["组织"], "title", "Sheet1")), "找不到要导入的工作表"),
        (edited(book(TREE), lambda made: made.create_sheet("组织 ")), "两个叫“组织”"),
        (saved(Workbook()), "找不到要导入的工作表"),
    ],
)
def test_refused_for_its_sheets_or_headers(data, words):
    assert words in refusal(data)


# --- what a file is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (book(TREE), "a.csv", ".xlsx"),
        (book(TREE), "a.docx", "不能导入 .docx"),
        (book(TREE), "a", "没有扩展名"),
        (b"%PDF-1.4 ...", "a.xlsx", "PDF"),
        (b"<html><table>", "a.xls", "网页"),
        (b"just text", "a.xlsx", "不是电子表格"),
        (b"PK\x05\x06" + b"\0" * 18, "a.xlsx", "损坏"),
        (book(TREE)[:2000], "a.xlsx", "损坏"),
        (gate.OLE_MAGIC + b"\0" * 600, "a.xls", "损坏"),
        (gate.OLE_MAGIC + b"\xff" * 40, "a.xls", "损坏"),
        ((FILES / "good.xls").read_bytes()[:1500], "a.xls", "不是电子表格"),
    ],
)
def test_a_file_is_judged_by_its_content(data, name, words):
    assert words in refusal(data, name)


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        ((FILES / "good.xls").read_bytes(), "a.xlsx", "xls"),
        ((FILES / "good.ods").read_bytes(), "a.xlsx", "ods"),
        (book(TREE), "a.xls", "xlsx"),
    ],
)
def test_a_workbook_whose_name_does_not_fit_is_read_by_its_content_and_it_is_said(data, name, kind):
    read = reading.read(data, name)
    assert any(f"其实是 .{kind} 格式" in notice for notice in read.notices)
    assert read.tables["组织"].rows


def test_an_et_file_may_be_either_kind():
    assert reading.read(book(TREE), "a.et").notices == []


def flagged_as_encrypted(data: bytes) -> bytes:
    """The encryption bit of every member set, in both directories of the archive."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + at] |= 1
            place = changed.find(mark, place + 4)
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (surgery(book(TREE), add={"xl/vbaProject.bin": b"x"}), "宏"),
        (surgery(book(TREE), change={"[Content_Types].xml": ("sheet.main", "sheet.macroEnabled.main")}), "宏"),
        (surgery(book(TREE), add={"xl/externalLinks/externalLink1.xml": b"<x/>"}), "链接"),
        (surgery(book(TREE), add={"xl/embeddings/oleObject1.bin": b"x"}), "嵌入"),
        (surgery(book(TREE), add={"../../etc/x": b"x"}), "外部位置"),
        (surgery(book(TREE), add={"/etc/x": b"x"}), "外部位置"),
        (surgery(book(TREE), add={"xl/WORKBOOK.xml": b"x"}), "重名"),
        (surgery(book(TREE), add={f"xl/x{n}": b"" for n in range(600)}), "部件过多"),
        (surgery(book(TREE), add={"xl/x": b" " * 50_000_000}), "膨胀"),
        (
            surgery(book(TREE), change={"[Content_Types].xml": ("spreadsheetml.sheet.main", "wordprocessingml.x")}),
            "Word",
        ),
        (b"%PDF-1.4\n" + book(TREE), "PDF"),
        (b"PK\x03\x04" + b"x" * 100 + book(TREE), "夹带"),
        (flagged_as_encrypted(book(TREE)), "密码"),
        (surgery(book(TREE), change={SHEET: ("<worksheet", '<!DOCTYPE x [<!ENTITY a "b">]><worksheet')}), "文档类型"),
        (surgery(book(TREE), change={SHEET: ("</sheetData>", "")}), "损坏"),
    ],
)
def test_a_container_that_is_not_sound_is_refused(data, words):
    assert words in refusal(data)


def test_an_encrypted_workbook_is_named_as_such(tmp_path):
    """Office keeps an encrypted .xlsx in a compound file with a stream of that name."""
    plain = bytearray((FILES / "good.xls").read_bytes())
    name = "Workbook".encode("utf-16-le")
    at = plain.find(name + b"\0\0")
    encrypted = "EncryptedPackage".encode("utf-16-le")
    plain[at : at + len(encrypted)] = encrypted
    struct.pack_into("<H", plain, at + 64, len(encrypted) + 2)
    assert "密码" in refusal(bytes(plain), "a.xlsx")


# --- how far values reach -------------------------------------------------------------------------------------------------


def test_empty_formatted_cells_far_away_do_no_harm():
    def paint(made):
        made["组织"]["XFD1048576"].font = openpyxl.styles.Font(bold=True)

    assert len(read(edited(book(TREE), paint), "a.xlsx").tables["组织"].rows) == 4


def test_a_value_in_the_far_corner_is_refused_before_it_is_read():
    said_ = refusal(edited(book(TREE), lambda made: made["组织"].__setitem__("XFD1048576", "x")))
    assert "第 1048576 行、第 16384 列" in said_


@pytest.mark.parametrize("dimension", ["A1:B2", "A1:XFD1048576"])
def test_a_wrong_stated_dimension_neither_hides_nor_harms(dimension):
    data = surgery(book(TREE), change={SHEET: ('<dimension ref="[^"]*" ?/>', f'<dimension ref="{dimension}"/>')})
    assert len(read(data, "a.xlsx").tables["组织"].rows) == 4


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


def test_a_lying_size_in_the_directory_is_found():
    """A member that inflates to more than it says."""
    stream = io.BytesIO(book(TREE))
    with zipfile.ZipFile(stream) as archive:
        member = archive.getinfo("xl/styles.xml")
    data = bytearray(stream.getvalue())
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        length = struct.unpack_from("<H", data, place + 28)[0]
        if data[place + 46 : place + 46 + length] == b"xl/styles.xml":
            struct.pack_into("<I", data, place + 24, member.file_size // 2)
        place = data.find(b"PK\x01\x02", place + 4)
    assert "损坏" in refusal(bytes(data))


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
    monkeypatch.setattr(child, "PIECE", piece)
    ours = child.scan_xlsx(io.BytesIO(xml.encode()))
    monkeypatch.setattr(child, "PLAIN_ROW", re.compile(b"(?!)"))
    assert ours == child.scan_xlsx(io.BytesIO(xml.encode()))


@pytest.mark.parametrize("damage", ["<row", '<!DOCTYPE a [<!ENTITY b "c">]>', "</worksheet>"])
def test_damage_between_plain_rows_is_still_seen(damage):
    xml = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{PLAIN.format(1)}{damage}{PLAIN.format(2)}</sheetData></worksheet>"
    )
    with pytest.raises((expat.ExpatError, gate.Refusal)):
        child.scan_xlsx(io.BytesIO(xml.encode()))
