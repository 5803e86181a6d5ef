"""What a case is, and the few ways in which its file is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from tests.orgs.books import ORG, TREE, book, edited

FILES = Path(__file__).parent.parent / "files"
SHEET = "xl/worksheets/sheet1.xml"
SOUND = {"组织": (4, 0, 0, 0)}  # the small tree, imported for the first time


@dataclass(frozen=True)
class Case:
    """A file, and either the sentence that refuses it, or the problems of its rows, or what is stored of it."""

    name: str
    data: Callable[[], bytes]
    file: str = "a.xlsx"
    refused: str = ""  # stands in the sentence that refuses the whole file
    problems: tuple[str, ...] = ()  # exactly these
    counts: dict[str, tuple[int, int, int, int]] = field(default_factory=lambda: SOUND)
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)  # organisations by code, people by number
    notices: tuple[str, ...] = ()  # among what is said
    options: dict[str, bool] = field(default_factory=dict)
    before: Callable[[], bytes] | None = None  # imported first
    hostile: bool = False  # its peak of memory is measured


def org(code="9", name="新组织", kind="党支部", category="机关内设机构", parent="01", relation=None):
    """A row of 组织."""
    return (code, name, kind, category, parent, relation)


def more(*rows: tuple, people=None, posts=None, charges=None, **headers: list[str]) -> Callable[[], bytes]:
    """The small tree with these rows below it."""
    return lambda: book([*TREE, *rows], people, posts, charges, **headers)


def tree(edit: Callable[[Any], Any] | None = None, *rows: tuple) -> Callable[[], bytes]:
    """The small tree (and these rows), after `edit` had its sheet."""

    def made() -> bytes:
        def on_sheet(opened: Workbook) -> None:
            if edit is not None:
                edit(opened["组织"])

        return edited(book([*TREE, *rows]), on_sheet)

    return made


def set_(**values: Any) -> Callable[[Any], None]:
    """An edit that fills these cells (B6="…")."""

    def edit(page: Any) -> None:
        for place, value in values.items():
            page[place] = value

    return edit


def wrong(row: tuple, *problems: str, **options: Any) -> dict[str, Any]:
    """A sixth row that is refused like this."""
    return {"data": more(row), "problems": problems, **options}


def plus(number: int = 1) -> dict[str, tuple[int, int, int, int]]:
    """The small tree and so many rows more, all new."""
    return {"组织": (4 + number, 0, 0, 0)}


__all__ = ["FILES", "ORG", "SHEET", "SOUND", "TREE", "Case", "more", "org", "plus", "set_", "tree", "wrong"]
