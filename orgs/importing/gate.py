"""The gate before any reader: what a file really is, judged by its bytes, and whether its container is sound.

Every check here answers with a Chinese sentence (`Refusal`); nothing is parsed that has not passed. The limits are
those that a workbook of half a million rows stays under with room to spare.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import PurePath

MAX_FILE = 50 * 1024 * 1024
MAX_MEMBERS = 500
MAX_INFLATED = 800 * 1024 * 1024
MAX_RATIO = 200  # deflate cannot exceed about 1,000; sheets of real cells stay under 50
RATIO_MATTERS_FROM = 2 * 1024 * 1024
SUFFIXES = (".xlsx", ".xls", ".ods", ".et", ".csv")
ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORKBOOK_TYPES = ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",)
ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"

DAMAGED = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError,
    KeyError, IndexError, OSError, struct.error,
)  # fmt: skip


class Refusal(Exception):
    """The whole file is refused; str() is the Chinese sentence."""


def recognise(data: bytes, file_name: str) -> str:
    """ "xlsx", "xls", "ods" or "csv": the reader to use, after every check of the container.

    Raises Refusal with a sentence that says what the file is and what to do.
    """
    suffix = PurePath(file_name).suffix.lower()
    if suffix not in SUFFIXES:
        raise Refusal(f"不能导入 {suffix or '没有扩展名的'} 文件，请另存为 .xlsx（也接受 .xls、.ods、.et、.csv）。")
    if not data:
        raise Refusal("文件是空的，请重新选择。")
    if len(data) > MAX_FILE:
        raise Refusal(f"文件超过 {MAX_FILE // 1024 // 1024} MB，请分成几个文件导入。")
    kind = kind_of(data)
    if kind == "csv" and suffix != ".csv":
        raise Refusal(f"文件名是 {suffix}，内容却不是电子表格，请用 Excel 或 WPS 打开后另存为 .xlsx。")
    if kind != "csv" and suffix == ".csv":
        raise Refusal(f"文件名是 .csv，内容其实是 .{kind} 格式，请改成正确的扩展名或另存为 .xlsx 后再导入。")
    return kind


def misnomer(kind: str, file_name: str) -> str:
    """What to say of a workbook whose name does not fit its content; "" where it fits. It is read by its content."""
    suffix = PurePath(file_name).suffix.lower()
    fitting = {".et": ("xls", "xlsx")}.get(suffix, (suffix.removeprefix("."),))
    return "" if kind in fitting else f"文件名是 {suffix}，内容其实是 .{kind} 格式，已按内容读取"


def kind_of(data: bytes) -> str:
    """What the bytes are, whatever the file is called. Raises Refusal as `recognise` does."""
    if data.startswith(ZIP_MAGIC):
        return _zip_kind(data)
    if data.startswith(OLE_MAGIC):
        return _ole_kind(data)
    if data.startswith(b"PK"):
        raise Refusal("文件已损坏（压缩包不完整），请重新保存后再导入。")
    if data.startswith(b"%PDF"):
        raise Refusal("这是 PDF 文件，不是电子表格。")
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta")):
        raise Refusal("这是网页或 XML 文件，只是改了扩展名；请用 Excel 打开后另存为 .xlsx。")
    return "csv"


# --- zip: .xlsx and .ods ---------------------------------------------------------------------------------------


def _zip_kind(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(members)
            names = {member.filename for member in members}
            if "[Content_Types].xml" in names:
                return _ooxml_kind(archive, names)
            if "mimetype" in names:
                return _ods_kind(archive, names)
    except DAMAGED as error:
        raise Refusal("文件已损坏，无法读取，请用 Excel 或 WPS 打开后重新保存。") from error
    raise Refusal("这是一个压缩包，不是电子表格。")


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if not members or min(member.header_offset for member in members) != 0:
        raise Refusal("文件已损坏：电子表格前面夹带了其他内容。")
    if len(members) > MAX_MEMBERS:
        raise Refusal(f"文件里的部件过多（{len(members)} 个），不像正常的电子表格，请重新另存为 .xlsx。")
    seen: set[str] = set()
    for member in members:
        name = member.filename
        if name.casefold() in seen:
            raise Refusal(f"文件里有重名的部件（{name[:50]}），请用 Excel 重新另存为 .xlsx。")
        seen.add(name.casefold())
        # orig_filename keeps what the archive really says, before Python cuts it at a NUL.
        raw = member.orig_filename
        if name.startswith("/") or "\\" in raw or "\0" in raw or ".." in name.split("/") or ":" in name:
            raise Refusal("文件里有指向外部位置的部件，请用 Excel 重新另存为 .xlsx。")
        if member.flag_bits & 0x1:
            raise Refusal("文件加了密码，请取消密码后再导入。")
        if member.file_size > RATIO_MATTERS_FROM and member.file_size > MAX_RATIO * max(member.compress_size, 1):
            raise Refusal("文件解压后异常膨胀，已拒绝；请把数据复制到新的工作簿再导入。")
    if sum(member.file_size for member in members) > MAX_INFLATED:
        raise Refusal("文件解压后过大，已拒绝；请分成几个文件导入。")


def _ooxml_kind(archive: zipfile.ZipFile, names: set[str]) -> str:
    if archive.getinfo("[Content_Types].xml").file_size > 1024 * 1024:
        raise Refusal("文件已损坏：内容目录异常。")
    types = archive.read("[Content_Types].xml").decode("utf-8", "replace")
    lowered = {name.casefold() for name in names}
    if "macroenabled" in types.casefold() or any(name.endswith("vbaproject.bin") for name in lowered):
        raise Refusal("文件带有宏，请另存为不带宏的 .xlsx 后再导入。")
    if any("xlmacrosheet" in name or "/macrosheets/" in name for name in lowered):
        raise Refusal("文件带有宏表，请另存为不带宏的 .xlsx 后再导入。")
    if any("/externallinks/" in name for name in lowered):
        raise Refusal("文件链接了别的工作簿，请把链接粘贴为值后再导入。")
    if any("/embeddings/" in name or "/activex/" in name for name in lowered):
        raise Refusal("文件里嵌入了其他对象，请删除后再导入。")
    if any(wanted in types for wanted in WORKBOOK_TYPES):
        return "xlsx"
    if "wordprocessingml" in types:
        raise Refusal("这是 Word 文档，不是电子表格。")
    if "presentationml" in types:
        raise Refusal("这是演示文稿，不是电子表格。")
    raise Refusal("文件里没有工作簿，请用 Excel 重新另存为 .xlsx。")


def _ods_kind(archive: zipfile.ZipFile, names: set[str]) -> str:
    if archive.getinfo("mimetype").file_size > 200 or archive.read("mimetype").strip() != ODS_TYPE:
        raise Refusal("这不是 .ods 电子表格。")
    if "content.xml" not in names:
        raise Refusal("文件已损坏：没有内容部分。")
    if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise Refusal("文件加了密码，请取消密码后再导入。")
    if any(name.startswith(("Basic/", "Scripts/")) for name in names):
        raise Refusal("文件带有宏，请删除宏后再导入。")
    return "ods"


# --- OLE: .xls and .et -------------------------------------------------------------------------------------------


class Ole:
    """Enough of a compound file to list its streams and read one: the directory and the two allocation tables."""

    FREE = 0xFFFFFFFA  # sector numbers from here on are marks, not sectors

    def __init__(self, data: bytes) -> None:
        """Raises Refusal for a damaged file."""
        self.data = data
        try:
            self.sector = 1 << struct.unpack_from("<H", data, 30)[0]
            self.mini = 1 << struct.unpack_from("<H", data, 32)[0]
            if self.sector not in (512, 4096) or self.mini != 64:
                raise Refusal("文件已损坏，无法读取。")
            (first_dir,) = struct.unpack_from("<I", data, 48)
            self.cutoff, first_mini, _, first_difat, difats = struct.unpack_from("<5I", data, 56)
            self.fat = self._table(self._fat_sectors(first_difat, difats))
            self.minifat = self._table(self._chain(first_mini, self.fat))
            self.streams = self._directory(b"".join(self._sectors(self._chain(first_dir, self.fat))))
        except struct.error as error:
            raise Refusal("文件已损坏，无法读取。") from error

    def _fat_sectors(self, difat: int, count: int) -> list[int]:
        found = list(struct.unpack_from("<109I", self.data, 76))
        for _ in range(min(count, 10000)):
            if difat >= self.FREE:
                break
            row = struct.unpack_from(f"<{self.sector // 4}I", self.data, (difat + 1) * self.sector)
            found.extend(row[:-1])
            difat = row[-1]
        return [number for number in found if number < self.FREE]

    def _table(self, sectors: list[int]) -> list[int]:
        numbers: list[int] = []
        for part in self._sectors(sectors):
            numbers.extend(struct.unpack(f"<{len(part) // 4}I", part[: len(part) // 4 * 4]))
        return numbers

    def _sectors(self, numbers: list[int]) -> list[bytes]:
        return [self.data[(number + 1) * self.sector : (number + 2) * self.sector] for number in numbers]

    def _chain(self, start: int, table: list[int]) -> list[int]:
        found: list[int] = []
        while start < self.FREE:
            if start >= len(table) or len(found) > len(table):  # out of the file, or a loop
                raise Refusal("文件已损坏，无法读取。")
            found.append(start)
            start = table[start]
        return found

    def _directory(self, raw: bytes) -> dict[str, tuple[int, int, int]]:
        """name -> (type, first sector, size)."""
        found: dict[str, tuple[int, int, int]] = {}
        for offset in range(0, len(raw) - 127, 128):
            (length,) = struct.unpack_from("<H", raw, offset + 64)
            kind = raw[offset + 66]
            if kind not in (1, 2, 5) or not 2 <= length <= 64:
                continue
            name = raw[offset : offset + length - 2].decode("utf-16-le", "replace")
            start, size = struct.unpack_from("<2I", raw, offset + 116)
            found["" if kind == 5 else name] = (kind, start, size)
        return found

    def read(self, name: str) -> bytes:
        """The bytes of one stream. Raises Refusal for a damaged chain."""
        _, start, size = self.streams[name]
        if size >= self.cutoff:
            return b"".join(self._sectors(self._chain(start, self.fat)))[:size]
        root = b"".join(self._sectors(self._chain(self.streams[""][1], self.fat)))
        parts = [root[number * self.mini : (number + 1) * self.mini] for number in self._chain(start, self.minifat)]
        return b"".join(parts)[:size]


def _ole_kind(data: bytes) -> str:
    streams = Ole(data).streams
    if "EncryptedPackage" in streams:
        raise Refusal("文件加了密码，请取消密码后再导入。")
    if "_VBA_PROJECT_CUR" in streams or "VBA" in streams:
        raise Refusal("文件带有宏，请另存为 .xlsx 后再导入。")
    if "Workbook" in streams or "Book" in streams:
        return "xls"
    if "WordDocument" in streams:
        raise Refusal("这是 Word 文档，不是电子表格。")
    raise Refusal("这不是电子表格，请用 Excel 或 WPS 另存为 .xlsx。")
