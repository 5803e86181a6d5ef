"""Going through the records of an .xls.

Runs in the child process of `reading`: imports nothing that needs Django.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from orgs.importing.gate import Ole, Refusal
from orgs.importing.scan import Scan


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


def refuse_password(data: bytes) -> None:
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
