"""Going through the XML of an .ods.

Runs in the child process of `reading`: imports nothing that needs Django.
"""

from __future__ import annotations

from typing import Any

from orgs.importing.scan import MAX_COLUMNS, MAX_FAULTS, Scan, parse_xml


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

    parse_xml(stream, start, end)
    return scans


def _count(value: str | None) -> int:
    return max(1, int(value)) if value and value.isdigit() else 1
