"""From a file that anyone may send to four tables of cells: the gate, a reader in a child process, the headers.

Nothing here knows what the cells mean; `columns` and `plan` do. A file that cannot be taken as a whole raises
`Unreadable`, whose str() is a Chinese sentence.
"""

from __future__ import annotations

import csv
import datetime
import difflib
import hashlib
import io
import logging
import marshal
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orgs.errors import DomainError
from orgs.importing import columns, gate, shapes
from orgs.importing.columns import BLANKS, HIDDEN, SHEETS, Column, Fault
from orgs.importing.memory import uncollected
from orgs.progress import Tick, silent

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent.parent
WALL_SECONDS = 300
HEADER_WITHIN = 200  # rows with a value, in which the header must come
UNDRAWN = (
    "请填写上级代码；或者用一级、二级、三级……列，或在名称前每级多空两格，画出上下级"
    "（Excel 的“增加缩进”只是显示格式，读取不到）。"
)
Row = tuple[int, list[Any]]


class Unreadable(DomainError):
    """The file is refused as a whole; nothing of it was taken."""


@dataclass
class Table:
    """One of the four sheets: which columns it has (column -> position) and its rows with their numbers."""

    sheet: str
    columns: dict[str, int]
    rows: list[Row]
    ragged: dict[int, str] = field(default_factory=dict)  # rows of a csv that do not fit its header
    drawing: shapes.Drawing | None = None  # 组织 without 上级代码, where the rows draw the tree
    odd: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)  # row: column, what is wrong, cure

    def cell(self, cells: list[Any], column: str) -> Any:
        """The raw cell of a column that this table has."""
        at = self.columns[column]
        return cells[at] if at < len(cells) else None


@dataclass
class Book:
    """What a file holds: its tables by sheet name, and what was ignored."""

    tables: dict[str, Table]
    notices: list[str]
    sha256: str


@uncollected()
def read(data: bytes, file_name: str, tick: Tick = silent) -> Book:
    """The tables of a workbook or csv; `tick` is told how many rows are read. Raises Unreadable with a sentence that says what to do."""
    kind = recognise(data, file_name)
    sha256 = hashlib.sha256(data).hexdigest()
    notices: list[str] = []
    if kind == "csv":
        table = _csv_table(data, notices)
        return _book({table.sheet: table}, notices, sha256)
    misnomer = gate.misnomer(kind, file_name)
    if misnomer:
        notices.append(misnomer)
    found = _in_child(data, kind, SHEETS, notices, tick, _check_names)
    tables: dict[str, Table] = {}
    for sheet in SHEETS:
        if sheet in found:
            table_or_none = _table(sheet, found[sheet], notices)
            if table_or_none is not None:
                tables[sheet] = table_or_none
    return _book(tables, notices, sha256)


def cells(data: bytes, file_name: str, sheets: Sequence[str]) -> dict[str, list[Row]]:
    """The rows with a value of these sheets of a workbook that is no import: sheet -> (row number, its cells). A cell
    whose content is lost is a `columns.Fault`; a sheet that is not there has no entry. A csv has no sheets and is refused.

    Raises Unreadable with a sentence that says what to do.
    """
    kind = recognise(data, file_name)
    if kind == "csv":
        raise Unreadable("这是 csv 文件，没有原表的格式；请上传填好的 Excel 表（.xlsx、.xls 或 .et）。")
    return _in_child(data, kind, sheets, [], silent, _check_nothing)


def recognise(data: bytes, file_name: str) -> str:
    """Which kind of file this is, before anything of it is read. Raises Unreadable."""
    try:
        return gate.recognise(data, file_name)
    except gate.Refusal as refusal:
        raise Unreadable(str(refusal)) from refusal


def _book(tables: dict[str, Table], notices: list[str], sha256: str) -> Book:
    if not any(table.rows for table in tables.values()):
        raise Unreadable("文件里没有数据行，请在表头下面填写数据。")
    for table in tables.values():
        if not table.rows:
            notices.append(f"工作表“{table.sheet}”只有表头，没有数据")
    return Book(tables, notices, sha256)


# --- workbooks ------------------------------------------------------------------------------------------------------


CheckNames = Callable[[list[str], list[str]], None]  # of the sheets that there are; the notices


def _in_child(
    data: bytes, kind: str, wanted: Iterable[str], notices: list[str], tick: Tick, check: CheckNames
) -> dict[str, list[Row]]:
    """Sheet -> rows with a value, read by `orgs.importing.child` under its limits: quickly, and where that kills it
    once more with care, which finds out why.
    """
    for how in ("quick", "careful"):
        found = _ask(data, kind, how, wanted, notices, tick, check)
        if found is not None:
            break
    if found is None:
        raise Unreadable("文件过大或内容异常，无法读取。请只保留需要的数据，另存为新的 .xlsx 后再导入。")
    return found


def _ask(
    data: bytes, kind: str, how: str, wanted: Iterable[str], notices: list[str], tick: Tick, check: CheckNames
) -> dict[str, list[Row]] | None:
    """One process's answer; None when it died."""
    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as copy, tempfile.TemporaryFile() as errors:
        copy.write(data)
        copy.flush()
        command = [sys.executable, "-m", "orgs.importing.child", copy.name, kind, how, *wanted]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
        # The child gets a list, no shell, and a file that this process named.
        with subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=environment
        ) as child:
            assert child.stdout is not None  # noqa: S101 - for the type checker: stdout is a pipe
            watch = threading.Timer(WALL_SECONDS, child.kill)
            watch.start()
            try:
                said: list[str] = []
                found, ended = _listen(child.stdout, said, tick, check)
            except BaseException:
                child.kill()
                raise
            finally:
                watch.cancel()
            status = child.wait()
        if not ended or status != 0:
            errors.seek(0)
            logger.warning("import reader died, status %s: %s", status, errors.read()[-500:].decode("utf-8", "replace"))
            return None
    notices.extend(said)
    return found


def _listen(stream: Any, notices: list[str], tick: Tick, check: CheckNames) -> tuple[dict[str, list[Row]], bool]:
    found: dict[str, list[Row]] = {}
    rows: list[Row] = []
    ended = False
    count = 0
    while head := stream.read(4):
        if len(head) < 4:
            break
        data = stream.read(int.from_bytes(head, "little"))
        try:
            message = marshal.loads(data)  # noqa: S302 - written by our own process, from plain values
        except (EOFError, ValueError, TypeError):  # it died while it wrote
            break
        if "hidden" in message:
            notices.append(_unseen(message))
        elif "rows" in message:
            block = message["rows"]
            if message["odd"]:
                block = [(number, [_cell(cell) for cell in cells]) for number, cells in block]
            rows.extend(block)
            count += len(block)
            tick("read", count)
        elif "sheets" in message:
            check(message["sheets"], notices)
        elif "sheet" in message:
            rows = found[message["sheet"].strip(BLANKS)] = []
        elif "refused" in message:
            if message.get("reason"):
                logger.info("import reader refused: %s", message["reason"])
            raise Unreadable(
                message["refused"] or "文件已损坏或过大，无法读取。请用 Excel 或 WPS 打开后另存为新的 .xlsx。"
            )
        else:
            ended = True
    tick("read", count)
    return found, ended


def _unseen(message: dict[str, Any]) -> str:
    """What is hidden is imported like the rest, and said."""
    parts = [
        f"{message[of]} {word}"
        for of, word in (("rows", "行（隐藏或被筛选）"), ("columns", "列（隐藏）"))
        if message[of]
    ]
    sheet = message["hidden"].strip(BLANKS)
    if message["whole"]:
        return f"工作表“{sheet}”是隐藏的，照样导入"
    return f"工作表“{sheet}”有看不见的内容，照样导入：" + "、".join(parts)


def _cell(cell: Any) -> Any:
    if isinstance(cell, list):
        return datetime.date.fromisoformat(cell[1]) if cell[0] == "d" else Fault(cell[1])
    return cell


def _check_nothing(names: list[str], notices: list[str]) -> None:
    """Whoever asked looks himself at what is there."""


def _check_names(names: list[str], notices: list[str]) -> None:
    trimmed = [name.strip(BLANKS) for name in names]
    for sheet in SHEETS:
        if trimmed.count(sheet) > 1:
            raise Unreadable(f"文件里有两个叫“{sheet}”的工作表，请只保留一个。")
    if not set(trimmed) & set(SHEETS):
        shown = "、".join(names[:10])
        raise Unreadable(f"找不到要导入的工作表：应有“组织”“人员”“任职”“分管”中的至少一个，文件里是：{shown}。")
    notices.extend(
        f"工作表“{name}”不在导入范围，已忽略"
        for name in trimmed
        if name not in SHEETS and name not in (columns.NOTES, columns.OVERVIEW)
    )


# --- headers --------------------------------------------------------------------------------------------------------


def _headers(sheet: str, cells: list[Any]) -> dict[str, list[int]]:
    """Column name -> the positions at which its header stands in this row: under its own name, else a usual one."""
    places: dict[str, list[int]] = {}
    for at, cell in enumerate(cells):
        places.setdefault(columns.header_key(cell), []).append(at)
    found: dict[str, list[int]] = {}
    for column in SHEETS[sheet]:
        for header in (column.header, *columns.SYNONYMS[sheet].get(column.name, ())):
            if header in places:
                found[column.name] = places[header]
                break
    return found


def _table(sheet: str, rows: list[Row], notices: list[str]) -> Table | None:
    """Find the header (the row with most known ones) and cut the table out; an empty sheet is only noted."""
    rows = [row for row in rows if not all(map(_is_blank, row[1]))]
    if not rows:
        notices.append(f"工作表“{sheet}”是空的，已忽略")
        return None
    best: dict[str, list[int]] = {}
    at = -1
    for index, (_, cells) in enumerate(rows[:HEADER_WITHIN]):
        found = _headers(sheet, cells)
        if len(found) > len(best):
            best, at = found, index
        if sheet == columns.ORGS and shapes.level_columns(cells):
            best, at = found, index
            break
    if at < 0:
        raise Unreadable(f"工作表“{sheet}”里找不到表头，请使用模板：第一行是“{SHEETS[sheet][0].header}”等列名。")
    header = rows[at][1]
    places = {name: found[0] for name, found in best.items()}
    rows[at + 1 :] = _without_remarks(sheet, rows[at + 1 :], places.get(SHEETS[sheet][0].name), notices)
    drawing = shapes.recognise(header, rows[at + 1 :], places) if sheet == columns.ORGS else None
    if drawing is not None:
        levels = shapes.level_columns(header)
        positions = _positions(sheet, best, header, notices, drawn=True, known=levels)
        return Table(sheet, positions, [(node.row, node.cells) for node in drawing.nodes], drawing=drawing)
    if sheet == columns.ORGS and "parent" not in best and "code" not in best:
        raise Unreadable("工作表“组织”没有“组织代码”和“上级代码”列。" + UNDRAWN)
    positions = _positions(sheet, best, header, notices)
    del rows[: at + 1]
    rows = [row for row in rows if _has_value(row[1], positions)]
    _spread(sheet, rows, positions, notices)
    return Table(sheet, positions, rows)


def _spread(sheet: str, rows: list[Row], positions: dict[str, int], notices: list[str]) -> None:
    """What a cell merged over several rows says is meant for each of them, in columns where rows may say the same."""
    for name in columns.SHARED[sheet]:
        at = positions.get(name)
        if at is None:
            continue
        spread, value = 0, None
        for _, cells in rows:
            if at >= len(cells):
                continue
            if cells[at] == Fault("above"):
                cells[at] = value
                spread += 1
            else:
                value = cells[at]
        if spread:
            header = columns.BY_NAME[sheet][name].header
            notices.append(f"工作表“{sheet}”的列“{header}”有合并单元格，合并的 {spread} 行都按合并的内容理解")


def _positions(
    sheet: str,
    found: dict[str, list[int]],
    cells: list[Any],
    notices: list[str],
    *,
    drawn: bool = False,
    known: Sequence[int] = (),
) -> dict[str, int]:
    """`drawn`: required columns are found otherwise. `known`: positions whose headers are known besides."""
    for column in SHEETS[sheet]:
        if len(found.get(column.name, ())) > 1:
            raise Unreadable(f"工作表“{sheet}”里列“{column.header}”出现了两次，请只保留一列。")
    missing = [column.header for column in SHEETS[sheet] if column.required and column.name not in found]
    if missing and not drawn:
        raise Unreadable(f"工作表“{sheet}”缺少必填的列：" + "、".join(missing) + "。")
    for column in SHEETS[sheet]:
        header = columns.header_key(cells[found[column.name][0]]) if column.name in found else column.header
        if header != column.header:
            notices.append(f"工作表“{sheet}”的列“{header}”按“{column.header}”理解")
    taken = {positions[0] for positions in found.values()} | set(known)
    unknown = [columns.header_key(cell) for at, cell in enumerate(cells) if at not in taken and not _is_blank(cell)]
    for header in unknown:
        close = difflib.get_close_matches(header, [c.header for c in SHEETS[sheet] if c.name not in found], 1, 0.5)
        hint = f"（是不是“{close[0]}”？）" if close else ""
        notices.append(f"工作表“{sheet}”里不认识的列“{header[:30]}”已忽略{hint}")
    return {name: positions[0] for name, positions in found.items()}


TOTALS = ("合计", "总计", "小计", "共计", "总合计")
REMARK = re.compile(r"(注|说明|备注)[:：]|(填表|填报|审核|复核|制表|联系)(人|单位|部门|日期|时间|电话)?[:：]")


def _without_remarks(sheet: str, rows: list[Row], code_at: int | None, notices: list[str]) -> list[Row]:
    """The rows but for totals and the notes below a table (填表人：…), which are said: they have no code."""
    kept: list[Row] = []
    left: dict[str, list[str]] = {}
    for number, cells in rows:
        code = cells[code_at] if code_at is not None and code_at < len(cells) else None
        if code.__class__ is str and code[:1].isascii() and code[:1] not in BLANKS:
            kept.append((number, cells))  # most of them, and this loop is run for each
            continue
        at, first = next(((at, cell) for at, cell in enumerate(cells) if not _is_blank(cell)), (0, None))
        what = ""
        if isinstance(first, str):
            if at == code_at or _is_blank(code) or code in HIDDEN:
                text = columns.header_key(first)
                what = "合计" if text.rstrip(":：") in TOTALS else "表下的说明" if REMARK.match(text) else ""
        if what:
            left.setdefault(what, []).append(str(number))
        else:
            kept.append((number, cells))
    for what, found in left.items():
        more = "等" if len(found) > 10 else ""
        notices.append(f"工作表“{sheet}”第 {'、'.join(found[:10])}{more} 行是{what}，已忽略")
    return kept


def _is_blank(cell: Any) -> bool:
    return cell is None or (cell.__class__ is str and not cell.strip(BLANKS))


def _has_value(cells: list[Any], positions: dict[str, int]) -> bool:
    """Anything in a known column; what a merged cell hides is no value."""
    for at in positions.values():
        if at < len(cells) and not _is_blank(cells[at]) and cells[at] not in HIDDEN:
            return True
    return False


# --- csv ------------------------------------------------------------------------------------------------------------


def _csv_table(data: bytes, notices: list[str]) -> Table:
    """The one sheet that a csv holds, found by its headers."""
    rows = list(_csv_rows(_decode(data, notices)))
    if not rows:
        raise Unreadable("文件里没有内容。")
    best: tuple[int, int, str, int] | None = None
    for index, (_, cells) in enumerate(rows[:HEADER_WITHIN]):
        for sheet, listed in SHEETS.items():
            found = _headers(sheet, cells)
            complete = all(column.name in found for column in listed if column.required)
            score = (complete, len(found))
            if found and (best is None or score > best[:2]):
                best = (*score, sheet, index)
    if best is None:
        first = "".join(str(cell) for cell in rows[0][1])
        hint = (
            "看起来列之间用的是分号或制表符，请另存为用逗号分隔的 csv。"
            if ";" in first or "\t" in first
            else "请使用模板的列名。"
        )
        raise Unreadable("csv 里找不到已知的表头，" + hint)
    _, _, sheet, at = best
    header = rows[at][1]
    positions = _positions(sheet, _headers(sheet, header), header, notices)
    notices.append(f"按表头识别为“{sheet}”")
    table = Table(sheet, positions, [])
    code_at = positions.get(SHEETS[sheet][0].name)
    for number, cells in _without_remarks(sheet, rows[at + 1 :], code_at, notices):
        if not any(cells):
            continue
        surplus = [cell for cell in cells[len(header) :] if cell.strip(BLANKS)]
        if surplus:
            table.ragged[number] = f"这一行有 {len(cells)} 列，表头只有 {len(header)} 列"
        elif len(cells) < len(header):
            table.ragged[number] = f"这一行只有 {len(cells)} 列，表头有 {len(header)} 列"
        elif not _has_value(cells, positions):
            continue
        table.rows.append((number, [_plain(cell) for cell in cells]))
    return table


def _plain(cell: str) -> str:
    """Without the apostrophe that our own csv puts before what a spreadsheet would take for a formula."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in "=+-@\t\r" else cell


def _decode(data: bytes, notices: list[str]) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("csv 是 UTF-16 编码，请另存为“CSV UTF-8（逗号分隔）”。")
    if b"\0" in data:
        raise Unreadable("这不是 csv 文本文件（含有空字符）。")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        decoded = data.decode("gb18030")
    except UnicodeDecodeError:
        raise Unreadable("csv 的编码既不是 UTF-8 也不是 GB18030，请另存为“CSV UTF-8（逗号分隔）”。") from None
    notices.append("按 GB18030 编码读取")
    return decoded


def _csv_rows(decoded: str) -> Iterator[Row]:
    """Rows numbered as a spreadsheet shows them: a quoted line break does not begin a new one."""
    reader = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, cells
    except csv.Error as error:
        raise Unreadable(f"csv 第 {number + 1} 行附近的引号不成对，请检查后重新保存。") from error


def column_of(sheet: str, name: str) -> Column:
    """The column of a sheet by the field it fills."""
    return columns.BY_NAME[sheet][name]
