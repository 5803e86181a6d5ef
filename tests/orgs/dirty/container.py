"""What a file is, and what its container hides."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from orgs.importing import gate
from tests.orgs.books import TREE, book, surgery
from tests.orgs.dirty.case import FILES, SHEET, Case


def flagged_as_encrypted() -> bytes:
    """The encryption bit of every member set, in both directories of the archive."""
    changed = bytearray(book(TREE))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + at] |= 1
            place = changed.find(mark, place + 4)
    return bytes(changed)


def encrypted_package() -> bytes:
    """Office keeps an encrypted .xlsx in a compound file with a stream of that name."""
    plain = bytearray((FILES / "good.xls").read_bytes())
    at = plain.find("Workbook".encode("utf-16-le") + b"\0\0")
    name = "EncryptedPackage".encode("utf-16-le")
    plain[at : at + len(name)] = name
    struct.pack_into("<H", plain, at + 64, len(name) + 2)
    return bytes(plain)


def xls_with_password() -> bytes:
    """The record after the first BOF says that the rest is encrypted."""
    plain = bytearray((FILES / "good.xls").read_bytes())
    at = plain.find(b"\x09\x08\x10\x00")
    struct.pack_into("<H", plain, at + 20, 0x002F)
    return bytes(plain)


def lying_size() -> bytes:
    """A member that inflates to more than the directory says."""
    stream = io.BytesIO(book(TREE))
    with zipfile.ZipFile(stream) as archive:
        size = archive.getinfo("xl/styles.xml").file_size
    data = bytearray(stream.getvalue())
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        length = struct.unpack_from("<H", data, place + 28)[0]
        if data[place + 46 : place + 46 + length] == b"xl/styles.xml":
            struct.pack_into("<I", data, place + 24, size // 2)
        place = data.find(b"PK\x01\x02", place + 4)
    return bytes(data)


def with_(name: str, content: bytes = b"x") -> Callable[[], bytes]:
    return lambda: surgery(book(TREE), add={name: content})


def changed(member: str, pattern: str, replacement: str) -> Callable[[], bytes]:
    return lambda: surgery(book(TREE), change={member: (pattern, replacement)})


def file(name: str) -> Callable[[], bytes]:
    return lambda: (FILES / name).read_bytes()


def declared(entities: str, use: str = "&a;") -> Callable[[], bytes]:
    """A document type before the sheet, and its entity in a cell."""

    def made() -> bytes:
        data = changed(SHEET, "<worksheet", f"<!DOCTYPE x [{entities}]><worksheet")()
        return surgery(
            data, change={SHEET: ("</sheetData>", f'<row r="6"><c r="A6" t="str"><v>{use}</v></c></row></sheetData>')}
        )

    return made


def million_styled_rows() -> bytes:
    rows = "".join(f'<row r="{number}" s="1" customFormat="1"/>' for number in range(6, 1_000_006))
    return changed(SHEET, "</sheetData>", rows + "</sheetData>")()


LAUGHS = (
    '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)) + '<!ENTITY a "&a9;">'
)

CASES = [
    Case("a pdf called xlsx", lambda: b"%PDF-1.4 ...", refused="这是 PDF 文件"),
    Case("a pdf in front of a workbook", lambda: b"%PDF-1.4\n" + book(TREE), refused="这是 PDF 文件"),
    Case("something in front of a workbook", lambda: b"PK\x03\x04" + b"x" * 100 + book(TREE), refused="夹带"),
    Case("a png called xlsx", lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 200, refused="内容却不是电子表格"),
    Case("html called xls", lambda: b"<html><table><tr><td>1", "a.xls", refused="网页或 XML 文件"),
    Case("text called xlsx", lambda: b"just text", refused="内容却不是电子表格"),
    Case("a docx by its name", lambda: book(TREE), "a.docx", refused="不能导入 .docx"),
    Case(
        "a docx called xlsx",
        changed("[Content_Types].xml", "spreadsheetml.sheet.main", "wordprocessingml.x"),
        refused="这是 Word 文档",
    ),
    Case("a name without an extension", lambda: book(TREE), "a", refused="没有扩展名"),
    Case("an empty file", lambda: b"", refused="文件是空的"),
    Case("an empty archive", lambda: b"PK\x05\x06" + b"\0" * 18, refused="损坏"),
    Case("a truncated workbook", lambda: book(TREE)[:2000], refused="损坏"),
    Case("a truncated xls", lambda: file("good.xls")()[:1500], "a.xls", refused="不是电子表格"),
    Case("a compound file of zeros", lambda: gate.OLE_MAGIC + b"\0" * 600, "a.xls", refused="损坏"),
    Case("a compound file cut short", lambda: gate.OLE_MAGIC + b"\xff" * 40, "a.xls", refused="损坏"),
    Case("a sheet whose xml breaks off", changed(SHEET, "</sheetData>", ""), refused="损坏"),
    Case("a member larger than it says", lying_size, refused="损坏"),
    Case("a workbook with a password", encrypted_package, refused="文件加了密码"),
    Case("an xls with a password", xls_with_password, "a.xls", refused="文件加了密码"),
    Case("an archive with a password", flagged_as_encrypted, refused="文件加了密码"),
    Case("macros", with_("xl/vbaProject.bin"), refused="文件带有宏"),
    Case("macros by content type", changed("[Content_Types].xml", "sheet.main", "sheet.macroEnabled.main"), refused="宏"),
    Case("a sheet of macros", with_("xl/macrosheets/sheet1.xml"), refused="宏表"),
    Case("links to another workbook", with_("xl/externalLinks/externalLink1.xml", b"<x/>"), refused="链接了别的工作簿"),
    Case("an embedded object", with_("xl/embeddings/oleObject1.bin"), refused="嵌入了其他对象"),
    Case("a member that climbs out", with_("../../etc/x"), refused="外部位置"),
    Case("a member at the root", with_("/etc/x"), refused="外部位置"),
    Case("a member twice", with_("xl/WORKBOOK.xml"), refused="重名的部件"),
    Case(
        "3,000 members", lambda: surgery(book(TREE), add={f"xl/x{n}": b"" for n in range(3000)}),
        refused="部件过多（30", hostile=True,
    ),
    Case("a zip bomb", with_("xl/x", b" " * 50_000_000), refused="异常膨胀", hostile=True),
    Case("an entity in the sheet", declared('<!ENTITY a "b">'), refused="文档类型声明"),
    Case("a billion laughs", declared(LAUGHS), refused="文档类型声明", hostile=True),
    Case("an external entity", declared('<!ENTITY a SYSTEM "file:///etc/passwd">'), refused="文档类型声明", hostile=True),
    Case("a million empty formatted rows", million_styled_rows, hostile=True),
    Case("an xls", file("good.xls"), "a.xls"),
    Case("an ods", file("good.ods"), "a.ods"),
    Case("an et of WPS", file("good.xls"), "a.et"),
    Case("an xlsx called et", lambda: book(TREE), "a.et"),
    Case("an xls called xlsx", file("good.xls"), notices=("文件名是 .xlsx，内容其实是 .xls 格式，已按内容读取",)),
    Case("an ods called xlsx", file("good.ods"), notices=("文件名是 .xlsx，内容其实是 .ods 格式，已按内容读取",)),
    Case("an xlsx called xls", lambda: book(TREE), "a.xls", notices=("文件名是 .xls，内容其实是 .xlsx 格式，已按内容读取",)),
    Case("an xlsx called csv", lambda: book(TREE), "a.csv", refused="内容其实是 .xlsx 格式"),
]  # fmt: skip
