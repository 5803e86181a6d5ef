"""The file of a batch: read again, with the options and answers that belong to it."""

from __future__ import annotations

from orgs import progress
from orgs.importing import aliases, apply, columns, reading
from orgs.importing.columns import ORGS, Options
from orgs.models import ImportBatch

AT_ONCE = 1024 * 1024  # larger files are jobs in the background


def is_large(batch: ImportBatch) -> bool:
    """Whether it is a job for the background; a file that is gone is not."""
    try:
        return bool(batch.file.size > AT_ONCE)
    except OSError:
        return False


def options_of(batch: ImportBatch) -> Options:
    """What was said to be meant."""
    return Options(
        new_root=batch.allow_new_root,
        numeric_codes=batch.allow_numeric_codes,
        answers=tuple(sorted(batch.answers.items())),
        drawn=batch.drawn,
    )


def book_of(batch: ImportBatch, tick: progress.Tick = progress.silent) -> reading.Book:
    """What the stored file holds. Raises reading.Unreadable."""
    try:
        with batch.file.open("rb") as stored:
            data = stored.read()
    except OSError as error:
        raise reading.Unreadable("上传的文件已不在服务器上，请重新上传。") from error
    return reading.read(data, batch.file_name, tick)


def sent(batch: ImportBatch) -> reading.Book | None:
    """What the stored file holds, for marking it; None for a large one and one that cannot be read any more."""
    if is_large(batch):
        return None
    try:
        return apply.settled(book_of(batch))
    except reading.Unreadable:
        return None


def named_in(batch: ImportBatch) -> dict[str, str]:
    """Code and name, as they are compared, -> code of the file's own organisations; of the candidates for a large one."""
    book = sent(batch)
    table = book.tables.get(ORGS) if book else None
    if table is None:
        near = [code for unknown in batch.counts.get("unknown", []) for code, _ in unknown["candidates"]]
        return {aliases.compared(code): code for code in near}
    named: dict[str, str] = {}
    for name in ("name", "code"):
        for _, cells in table.rows if {"code", "name"} <= set(table.columns) else ():
            code, text = table.cell(cells, "code"), table.cell(cells, name)
            if isinstance(code, str) and isinstance(text, str):
                named[aliases.compared(text)] = code.strip(columns.BLANKS)
    return named
