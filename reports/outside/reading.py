"""What a returned form says, and everything that is wrong with it: each problem names the cell and the cure.

The file passes the import's gate and its limited reader (`orgs.importing.reading`); here the cells get their meaning. The
lines are those of the issue: nothing that the unit could have changed, but for the cells to fill in, is believed.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from xlsxwriter.utility import xl_col_to_name

from orgs.cells import clean
from orgs.importing import columns
from orgs.importing import reading as cells_of
from orgs.importing.columns import BLANKS, FAULTS, Bad, Column, Fault, Options
from reports.annexes.one import MEASURES, TOTAL, Numbers
from reports.outside import figures
from reports.outside.figures import MOST, NOTE_LENGTH, Answer, Line
from reports.outside.workbook import DATE_LABEL, FIRST, HEADER, IDENTITY, SHEET, Identity

GROUPS = ("应点评", "新增", "累计")
DAY = Column("reported_on", "上报日期", columns.date, required=True)
Row = tuple[int, list[Any]]


class NotOurs(Exception):
    """The file is no form of this system; str() is the Chinese sentence."""


@dataclass
class Filled:
    """What a unit filled in, and what is wrong with it."""

    reported_on: datetime.date | None = None
    note: str = ""
    answers: list[Answer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Cells:
    """A returned file: which form it is, and the rows of its sheet."""

    identity: Identity
    rows: list[Row]


def read(data: bytes, file_name: str) -> Cells:
    """The cells of a returned file. Raises orgs.importing.reading.Unreadable, NotOurs."""
    found = cells_of.cells(data, file_name, [SHEET, IDENTITY])
    marks = [_text(cell) for _, cells in found.get(IDENTITY, []) for cell in cells if _text(cell)]
    if not marks:
        raise NotOurs(
            "文件里没有表的标识：这不是系统下发的表，或者内容被复制到了别的工作簿。请在下发的原表里填写，保存后交回。"
        )
    identity = Identity.opened(marks[0])
    if identity is None:
        raise NotOurs("表的标识被改动过，不能收。请重新下发，在新下发的表里填写。")
    if SHEET not in found:
        raise NotOurs(f"文件里没有“{SHEET}”工作表（可能改了名）。请把工作表名称改回“{SHEET}”，或在重新下发的表里填写。")
    return Cells(identity, found[SHEET])


def understand(rows: Sequence[Row], lines: Sequence[Line]) -> Filled:
    """What the rows say of the lines that were issued."""
    filled = Filled()
    top = next((at for at, (_, cells) in enumerate(rows) if _text(_at(cells, 0)) == HEADER), None)
    end = next((at for at in range(len(rows) - 1, -1, -1) if _text(_at(rows[at][1], 0)) == TOTAL), None)
    if top is None or end is None or end <= top:
        word = HEADER if top is None else TOTAL
        filled.problems.append(f"A 列里找不到“{word}”：表的格式被改动过，请在重新下发的表里填写")
        return filled
    _day(rows[:top], filled)
    _note(rows[end + 1 :], filled)
    body = [row for row in rows[top + 1 : end] if row[0] > rows[top][0] + 1 and _is_filled(row[1])]
    sums = _lines(body, lines, filled)
    if sums is not None:
        _total(rows[end], sums, filled)
    if not filled.problems:
        problem = figures.correction_problem(filled.answers, filled.note)
        filled.problems += [problem] if problem else []
    return filled


def _at(cells: Sequence[Any], column: int) -> Any:
    return cells[column] if column < len(cells) else None


def _text(cell: Any) -> str:
    return cell.strip(BLANKS) if isinstance(cell, str) else ""


def _is_blank(cell: Any) -> bool:
    return cell is None or cell == Fault("merged") or (isinstance(cell, str) and not cell.strip(BLANKS))


def _is_filled(cells: Sequence[Any]) -> bool:
    """A name, 应 or 新增: the formulas of an added line that nobody used say nothing."""
    return not all(map(_is_blank, cells[:7]))


def _day(rows: Sequence[Row], filled: Filled) -> None:
    """上报日期, right of its label."""
    for number, cells in rows:
        label = next((at for at, cell in enumerate(cells) if _text(cell) == DATE_LABEL.strip()), None)
        if label is None:
            continue
        # Label and day are merged over two columns each.
        day = next((at for at in range(label + 1, len(cells)) if not _is_blank(cells[at])), label + 2)
        try:
            filled.reported_on = DAY.value(_at(cells, day), Options())
        except Bad as bad:
            filled.problems.append(f"{xl_col_to_name(day)}{number} 上报日期{_sentence(bad)}")
        return
    filled.problems.append("找不到“上报日期”：表的格式被改动过，请在重新下发的表里填写")


def _sentence(bad: Bad) -> str:
    return f"{bad.message}，{bad.cure}" if bad.cure else bad.message


def _note(rows: Sequence[Row], filled: Filled) -> None:
    """更正说明, right of its label."""
    for number, cells in rows:
        if not _text(_at(cells, 0)).startswith(figures.CORRECTION):
            continue
        said = next((cell for cell in cells[1:] if not _is_blank(cell)), "")
        note = clean(said) if isinstance(said, str) else ""
        if said and not isinstance(said, str):
            filled.problems.append(f"B{number} {figures.CORRECTION}不是文字，请用文字写明原因")
        elif len(note) > NOTE_LENGTH:
            filled.problems.append(f"B{number} {figures.CORRECTION}超过 {NOTE_LENGTH} 个字，请写短些")
        filled.note = note[:NOTE_LENGTH]
        return


def _lines(body: Sequence[Row], lines: Sequence[Line], filled: Filled) -> list[Numbers] | None:
    """Fills in the answers; the sums of 应, 新增, 累计 where every number could be read."""
    before = len(filled.problems)
    wanted = {clean(line.name): at for at, line in enumerate(lines)}
    placed: dict[int, Row] = {}
    others: list[Row] = []
    for row in body:
        at = wanted.get(_text(_at(row[1], 0)))
        if at is None or at in placed:
            others.append(row)
        else:
            placed[at] = row
    for at, line in enumerate(lines):
        if at not in placed:
            changed = next((row for row in others if row[0] == FIRST + 1 + at), None)
            if changed is None:
                filled.problems.append(f"缺少“{line.name}”这一行：请在下发的原表里填写，不要删行")
            else:
                others.remove(changed)
                filled.problems.append(f"A{changed[0]} 单位名称应是“{line.name}”，请改回来，不要改动下发的名称")
    if len(others) > figures.EXTRA:
        filled.problems.append(f"增加的行有 {len(others)} 行，最多 {figures.EXTRA} 行：请合并，或请上级在下发时列出")
        return None
    sums = [Numbers()] * len(GROUPS)
    taken = [line.name for line in lines]
    queue: list[tuple[Row, Line | None]] = [(placed[at], line) for at, line in enumerate(lines) if at in placed]
    queue += [(row, None) for row in others]
    for row, asked in queue:
        answer = _line(row, asked, taken, filled)
        if answer is not None:
            filled.answers.append(answer)
            done = (asked.done if asked else Numbers()) + answer.new
            sums = [have + more for have, more in zip(sums, (answer.due, answer.new, done), strict=True)]
    return sums if len(filled.problems) == before else None


def _line(row: Row, line: Line | None, taken: list[str], filled: Filled) -> Answer | None:
    """One line: name, 应, 新增; and 累计, which must be what it was and 新增."""
    number, cells = row
    before = len(filled.problems)
    if line is None:
        name, problem = _new_name(_at(cells, 0), taken)
        if problem:
            filled.problems.append(f"A{number} {problem}")
        taken.append(name)
    else:
        name = line.name
    last = line.done if line else Numbers()
    shown = name or f"第 {number} 行"
    read = [_number(cells, number, column, shown, filled) for column in range(1, 10)]
    if any(value is None for value in read):
        return None
    values = [value for value in read if value is not None]
    due, new, done = (Numbers(*values[at : at + 3]) for at in (0, 3, 6))
    for at, what in figures.excess(due, new, last):
        filled.problems.append(f"{xl_col_to_name(7 + at)}{number}（{shown}）{what}，请核对应点评数和新增数")
    for at, (said, should) in enumerate(zip(done.each, (last + new).each, strict=True)):
        if said != should:
            filled.problems.append(
                f"{xl_col_to_name(7 + at)}{number}（{shown}）{MEASURES[at]}累计是 {said}，"
                f"应为上次累计 {last.each[at]} + 新增 {new.each[at]} = {should}，请恢复公式或改正后再交"
            )
    return Answer(name, due, new) if len(filled.problems) == before else None


def _new_name(cell: Any, taken: Sequence[str]) -> tuple[str, str]:
    """The name of an added line, and what is wrong with it."""
    if not isinstance(cell, str) and not _is_blank(cell):
        return "", "单位名称不是文字，请写单位名称"
    name = cell.strip(BLANKS) if isinstance(cell, str) else ""
    problem = figures.name_problem(name, taken)
    return name, f"{problem}，请改正" if problem else ""


def _number(cells: Sequence[Any], row: int, column: int, name: str, filled: Filled) -> int | None:
    """A whole number; 应 and 累计 from 0."""
    cell = _at(cells, column)
    place = f"{xl_col_to_name(column)}{row}（{name} {GROUPS[(column - 1) // 3]}{MEASURES[(column - 1) % 3]}）"
    wrong = ""
    if _is_blank(cell):
        wrong = "没有填，没有的请填 0" if column < 7 else "没有数字，请恢复公式"
    elif isinstance(cell, Fault):
        wrong = "{}，{}".format(*FAULTS[cell.kind])
    elif isinstance(cell, str):
        wrong = f"是文字“{cell[:20]}”，不是数字；请把单元格改成数字格式，重新输入"
    elif isinstance(cell, bool) or not isinstance(cell, int | float):
        wrong = "不是数字，请填写整数"
    elif not float(cell).is_integer():
        wrong = f"是 {cell}，不是整数，请填写整数"
    elif abs(cell) > MOST:
        wrong = f"是 {int(cell)}，数字过大，请核对"
    elif cell < 0 and not 4 <= column <= 6:
        wrong = f"是 {int(cell)}，小于 0，请填写不小于 0 的整数"
    if wrong:
        filled.problems.append(f"{place}{wrong}")
        return None
    return int(cell)


def _total(row: Row, sums: Sequence[Numbers], filled: Filled) -> None:
    """合计 is the sum of the lines."""
    number, cells = row
    for at, should in enumerate(value for numbers in sums for value in numbers.each):
        column = 1 + at
        said = _number(cells, number, column, TOTAL, filled)
        if said is not None and said != should:
            filled.problems.append(
                f"{xl_col_to_name(column)}{number}（合计 {GROUPS[at // 3]}{MEASURES[at % 3]}）是 {said}，"
                f"各行相加是 {should}，请恢复公式或改正后再交"
            )
