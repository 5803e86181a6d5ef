"""What going through a sheet finds: how far its values reach, and the cells whose content is lost.

Runs in the child process of `reading`: imports nothing that needs Django.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from orgs.importing.gate import Refusal

MAX_COLUMNS = 256
MAX_AREA = 16_000_000
MAX_FAULTS = 200_000
TRUE = ("1", "true")


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


def parse_xml(stream: Any, start: Callable, end: Callable | None = None, text: Callable | None = None) -> None:
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
