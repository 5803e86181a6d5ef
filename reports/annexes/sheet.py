"""A form as data: what stands in which cell, how wide, how high. Pure: the workbook and the page draw the same Sheet.

Lengths are points (1/72 inch). Excel does not fit the height of merged cells to their text, so heights are
estimated here, on the safe side, from the width of the characters.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from orgs.cells import clean

FONT_SIZE = 12.0
LINE_HEIGHT = 18.0  # of a 12 pt line, in the widest of the fonts that may stand in for 仿宋
PADDING = 10.0  # left and right, or above and below, together
MARGIN = 48.0
A4 = (595.0, 842.0)
TALLEST_ROW = 400.0  # Excel ends at 409
CHUNK = 17  # lines; two such rows fill a page
NOT_FIRST = tuple("，。、；：！？）》”’,.;:!?)")  # never the first on the next page
CONTINUED = "（接附页）"


class Role(StrEnum):
    """What a cell is for; the drawers choose font, alignment and border by it."""

    LABEL = "label"
    VALUE = "value"  # short, centred
    TEXT = "text"  # long, from the top left
    NUMBER = "number"
    LINE = "line"  # above the table, without a border
    LINE_END = "line-end"
    HEADING = "heading"  # on an appendix page, without a border
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `number` is set where the cell holds a number, `mark` where it deserves a second look.

    `href` is where a page leads from it.
    """

    text: str = ""
    role: Role = Role.VALUE
    across: int = 1
    down: int = 1
    number: int | None = None
    mark: bool = False
    href: str = ""

    @property
    def tag(self) -> str:
        """The element that a page draws it with."""
        return "th" if self.role in (Role.LABEL, Role.HEADING) else "td"


@dataclass(frozen=True, slots=True)
class Row:
    """Cells from left to right, leaving out places that a cell above reaches down to."""

    cells: tuple[Cell, ...]
    height: float

    @property
    def pixels(self) -> int:
        """The height on a screen."""
        return round(self.height * 4 / 3)

    @property
    def flows(self) -> bool:
        """Running text: a page lets it be as high as it is."""
        return all(cell.role in (Role.HEADING, Role.PARAGRAPH) for cell in self.cells)


@dataclass(frozen=True)
class Sheet:
    """A form. `head` rows stand above the table, the first `header_rows` of `rows` repeat on each page."""

    name: str
    caption: str
    title: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[Row, ...]
    head: tuple[Row, ...] = ()
    header_rows: int = 0
    landscape: bool = False
    one_page: bool = True
    notes: tuple[str, ...] = ()
    appendix: tuple[Sheet, ...] = field(default=())

    @property
    def table_head(self) -> tuple[Row, ...]:
        """The rows that repeat on each page."""
        return self.rows[: self.header_rows]

    @property
    def table_body(self) -> tuple[Row, ...]:
        """The rows after them."""
        return self.rows[self.header_rows :]

    @property
    def shares(self) -> list[int]:
        """Widths in per cent, as a page states them."""
        return [round(100 * width / sum(self.widths)) for width in self.widths]


@lru_cache(maxsize=10_000)
def number(value: int, mark: bool = False, href: str = "") -> Cell:
    """A cell with a number; the same one for the same number, which a long table has over and over."""
    return Cell(text=str(value), role=Role.NUMBER, number=value, mark=mark, href=href)


def label(text: str, *, across: int = 1, down: int = 1) -> Cell:
    """A cell with a printed label of the form."""
    return Cell(text=text, role=Role.LABEL, across=across, down=down)


def day(on: datetime.date | None) -> str:
    """2010年12月20日; nothing for nothing (T18, T19)."""
    return f"{on.year}年{on.month}月{on.day}日" if on else ""


def numbered(texts: Iterable[str]) -> str:
    """Several texts as lines 1. 2. 3., a single one as it is; empty ones left out."""
    kept = [text for text in map(clean, texts) if text]
    if len(kept) < 2:
        return "".join(kept)
    return "\n".join(f"{place}. {text}" for place, text in enumerate(kept, start=1))


@lru_cache(maxsize=10_000)
def char_width(char: str) -> int:
    """2 for what a Chinese font draws over the full width (quotation marks too), else 1."""
    return 2 if unicodedata.east_asian_width(char) in "WFA" else 1


def wrap(text: str, width: float) -> list[str]:
    """The lines that a text takes in a cell of this width. Words of Latin letters stay whole where they can."""
    room = max(2, int((width - PADDING) / (FONT_SIZE / 2)) - 1)  # one less: punctuation is pushed to the next line
    return [line for paragraph in text.split("\n") for line in _wrap_paragraph(paragraph, room)]


def _wrap_paragraph(paragraph: str, room: int) -> list[str]:
    if 2 * len(paragraph) <= room or sum(map(char_width, paragraph)) <= room:
        return [paragraph]
    lines: list[str] = []
    line, used = "", 0
    for piece in _pieces(paragraph, room):
        size = sum(map(char_width, piece))
        if line and used + size > room:
            lines.append(line)
            line, used = "", 0
        line, used = line + piece, used + size
    return [*lines, line]


def _pieces(paragraph: str, room: int) -> Iterable[str]:
    """Wide characters and blanks singly, runs of narrow ones together but never longer than a line."""
    word = ""
    for char in paragraph:
        if char_width(char) == 2 or char == " " or len(word) >= room:
            if word:
                yield word
            word = ""
        if char_width(char) == 2 or char == " ":
            yield char
        else:
            word += char
    if word:
        yield word


def height_of(text: str, width: float, *, least: float = 0.0) -> float:
    """The height that a text needs in a cell of this width."""
    return max(least, len(wrap(text, width)) * LINE_HEIGHT + PADDING)


def row_height(cells: Sequence[Cell], widths: Sequence[float], *, least: float, padding: float = PADDING) -> float:
    """The height of a row by its tallest cell (a number is never wrapped); for rows that no cell above reaches into."""
    tallest, column = least, 0
    for cell in cells:
        if cell.down == 1 and cell.number is None:
            width = sum(widths[column : column + cell.across])
            tallest = max(tallest, height_of(cell.text, width) - PADDING + padding)
        column += cell.across
    return min(tallest, TALLEST_ROW)


@dataclass(frozen=True)
class Passage:
    """A long text and the width of its cell."""

    label: str
    text: str
    width: float


def fit(passages: Sequence[Passage], room: float, *, least: float) -> tuple[list[str], list[float], list[Passage]]:
    """Texts and heights of the cells so that they fill `room`, and what goes on to the appendix page.

    What does not fit is cut at a line; the cell then ends with （接附页） and the rest is handed back.
    Nothing is lost, and nothing grows beyond the page.
    """
    lines = [wrap(passage.text, passage.width) for passage in passages]
    needs = [min(max(least, len(found) * LINE_HEIGHT + PADDING), TALLEST_ROW) for found in lines]
    heights = _fill(needs, room)
    texts: list[str] = []
    rest: list[Passage] = []
    for passage, found, height in zip(passages, lines, heights, strict=True):
        places = int((height - PADDING) / LINE_HEIGHT)
        if len(found) <= places:
            texts.append(passage.text)
            continue
        shown = _head_of(passage.text, found[: max(1, places - 1)])
        texts.append(f"{shown.rstrip()}\n{CONTINUED}")
        rest.append(Passage(f"{passage.label}（续）", passage.text[len(shown) :].strip(), passage.width))
    return texts, heights, rest


def _head_of(text: str, lines: Sequence[str]) -> str:
    """The beginning of the text that these, its first lines, make up; a line feed counts where the text has one."""
    at = 0
    for line in lines:
        at += len(line)
        if text[at : at + 1] == "\n":
            at += 1
    while at > 1 and text[at : at + 1] in NOT_FIRST:
        at -= 1
    return text[:at]


def _fill(needs: Sequence[float], room: float) -> list[float]:
    """Heights that add up to `room`: the small ones get what they need, the others share what is left."""
    spare = room - sum(needs)
    if spare >= 0:
        return [min(need + spare / len(needs), TALLEST_ROW) for need in needs]
    heights: dict[int, float] = {}
    left = room
    for place in sorted(range(len(needs)), key=needs.__getitem__):
        heights[place] = min(needs[place], left / (len(needs) - len(heights)))
        left -= heights[place]
    return [heights[place] for place in range(len(needs))]


def appendix(name: str, caption: str, title: str, passages: Sequence[Passage]) -> Sheet:
    """The page 另附页: each passage under its label, a row for each paragraph, long ones cut into several rows."""
    width = A4[0] - 2 * MARGIN
    rows: list[Row] = []
    for passage in passages:
        rows.append(Row((Cell(passage.label, Role.HEADING),), LINE_HEIGHT + 2 * PADDING))
        for paragraph in passage.text.split("\n"):
            lines = wrap(paragraph, width)
            for start in range(0, len(lines), CHUNK):
                part = "".join(lines[start : start + CHUNK])
                rows.append(Row((Cell(part, Role.PARAGRAPH),), height_of(part, width)))
    return Sheet(name=name, caption=caption, title=(title,), widths=(width,), rows=tuple(rows), one_page=False)
