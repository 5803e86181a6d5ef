"""What files write instead of codes: candidates chosen once are kept, and understood in every later import."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower

from orgs import audit
from orgs.errors import DomainError
from orgs.importing.columns import BLANKS, CHARGES, NONE_CODE, ORGS, PEOPLE, POSTS, Options, key
from orgs.importing.reading import Book, Table
from orgs.models import Organization, OrganizationAlias, User

# The columns in which a code names an organisation that must be there.
NAMING = {ORGS: ("parent",), PEOPLE: ("branch",), POSTS: ("organization",), CHARGES: ("team", "organization")}
CHUNK = 400
LONGEST = 200
FEW = 8


class NotUnderstood(DomainError):
    """The answer names no organisation, or more than one."""


def compared(text: str) -> str:
    """A way of writing, for comparing: widths folded, blanks at the ends dropped, case ignored."""
    return unicodedata.normalize("NFKC", text).strip(BLANKS).casefold()


def translate(book: Book, options: Options) -> Book:
    """The book with known ways of writing replaced by the codes they stand for; each one is said in a notice.

    A real code, stored or in the file itself, is never replaced. The book that was read is not changed.
    """
    known = _known(options)
    written = _written(book, known) if known else {}
    if not written:
        return book
    written = {text: count for text, count in written.items() if text not in _codes_of(book)}
    taken = _stored_codes(written)
    codes = {text: known[text] for text in written if text not in taken}
    if not codes:
        return book
    names = _names(codes.values())
    notices = [
        f"“{spelled}”按别名理解为 {codes[text]} {names.get(key(codes[text]), '（本文件中的组织）')}（{count} 行）"
        for text, (spelled, count) in written.items()
        if text in codes
    ]
    tables = {sheet: _translated(table, codes) for sheet, table in book.tables.items()}
    return replace(book, tables=tables, notices=[*book.notices, *notices])


def learn(answers: Mapping[str, str], *, by: User | None) -> None:
    """Keep what each way of writing stands for (text -> code), for organisations that are stored; the last word counts."""
    with transaction.atomic():
        orgs = {key(org.code): org for org in Organization.objects.filter(_code_in(answers.values()))}
        known: list[OrganizationAlias] = []
        for text, code in answers.items():
            org = orgs.get(key(code))
            if org is None or compared(text) == key(code):
                continue
            alias, _ = OrganizationAlias.objects.update_or_create(
                key=compared(text)[:LONGEST], defaults={"text": text[:LONGEST], "organization": org, "by": by}
            )
            known.append(alias)
        audit.record(by, "选定组织别名", known)


def forget(alias: OrganizationAlias, *, by: User | None) -> None:
    """Later imports do not understand this way of writing any more."""
    with transaction.atomic():
        audit.record(by, "删除组织别名", [alias])
        alias.delete()


def meant(answer: str, also: Mapping[str, str] | None = None) -> str:
    """The code of the organisation that is named by code, full name or short name. `also`: codes by key and name, of
    a file. Raises NotUnderstood with the organisations it could be.
    """
    text = answer.strip(BLANKS)
    folded = compared(text)
    listed = also or {}
    if folded in listed:
        return listed[folded]
    found = list(Organization.objects.filter(_code_in([folded]))[:1])
    if not found:
        found = list(
            Organization.objects.filter(Q(name__iexact=text) | Q(short_name__iexact=text)).order_by("code")[:FEW]
        )
    if not found:
        raise NotUnderstood(f"没有代码、全称或简称是“{text[:60]}”的组织，请核对。")
    if len(found) > 1:
        some = "、".join(f"{org.code} {org.name}" for org in found[:3])
        raise NotUnderstood(f"叫“{text[:60]}”的组织不止一个（{some}…），请填写组织代码。")
    return found[0].code


# --- inside ----------------------------------------------------------------------------------------------------------


def _known(options: Options) -> dict[str, str]:
    """Compared text -> code: the kept ones, before them what was chosen for this very file."""
    kept = OrganizationAlias.objects.order_by().values_list("key", "organization__code")
    return dict(kept) | {compared(text): code for text, code in options.answers}


def _cells(table: Table) -> list[int]:
    return [table.columns[name] for name in NAMING[table.sheet] if name in table.columns]


def _text(cell: Any) -> str:
    return compared(cell) if isinstance(cell, str) else ""


def _written(book: Book, known: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """Compared text -> how it is spelled, and in how many rows, of the known ones that this file writes."""
    spelled: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for table in book.tables.values():
        places = _cells(table)
        for _, cells in table.rows:
            here = {_text(cells[at]): cells[at] for at in places if at < len(cells)}
            for text, cell in here.items():
                if text in known and text != NONE_CODE:
                    spelled.setdefault(text, cell.strip(BLANKS))
                    counts[text] += 1
    return {text: (spelled[text], count) for text, count in counts.items()}


def _codes_of(book: Book) -> set[str]:
    table = book.tables.get(ORGS)
    if table is None or "code" not in table.columns:
        return set()
    return {_text(table.cell(cells, "code")) for _, cells in table.rows}


def _code_in(codes: Iterable[str]) -> Q:
    listed = {*codes}
    return Q(code__in=listed) | Q(pk__in=_lowered({code.lower() for code in listed}))


def _lowered(codes: set[str]) -> Any:
    return Organization.objects.order_by().alias(lowered=Lower("code")).filter(lowered__in=codes).values("pk")


def _stored_codes(texts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    listed = sorted(texts)
    for start in range(0, len(listed), CHUNK):
        rows = Organization.objects.order_by().filter(_code_in(listed[start : start + CHUNK]))
        found.update(key(code) for code in rows.values_list("code", flat=True))
    return found


def _names(codes: Iterable[str]) -> dict[str, str]:
    rows = Organization.objects.order_by().filter(_code_in(codes))
    return {key(code): name for code, name in rows.values_list("code", "name")}


def _translated(table: Table, codes: Mapping[str, str]) -> Table:
    places = _cells(table)
    rows = []
    for number, cells in table.rows:
        if any(at < len(cells) and _text(cells[at]) in codes for at in places):
            cells = list(cells)
            for at in places:
                if at < len(cells):
                    cells[at] = codes.get(_text(cells[at]), cells[at])
        rows.append((number, cells))
    return replace(table, rows=rows)
