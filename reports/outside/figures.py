"""What a unit outside the system is asked and what it answers, line by line; and what is wrong with an answer. Pure.

Two ways lead here, the form and the page of a link; both are held to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from orgs.cells import clean
from orgs.importing.columns import BLANKS, hidden_character
from reports.annexes.one import MEASURES, OWN, TOTAL, Numbers, RowFigures

EXTRA = 8  # lines that the unit may add for units of its own that have none
MOST = 10_000_000  # more than there are Party members in any unit; a slip of the finger is longer
NAME_LENGTH = 200
NOTE_LENGTH = 200
CORRECTION = "更正说明"


@dataclass(frozen=True)
class Line:
    """A line as it was issued: whose, under which name, and what the last accepted report said of it."""

    organization_id: int
    name: str
    due: Numbers | None = None  # 应, as last reported
    done: Numbers = Numbers()

    def as_json(self) -> list[Any]:
        """To be kept with the issue."""
        return [self.organization_id, self.name, self.due.each if self.due else None, self.done.each]

    @classmethod
    def of_json(cls, kept: Sequence[Any]) -> Line:
        """As it was kept."""
        organization_id, name, due, done = kept
        return cls(organization_id, name, Numbers(*due) if due else None, Numbers(*done))


@dataclass(frozen=True)
class Answer:
    """A line as the unit filled it in."""

    name: str
    due: Numbers
    new: Numbers


def lines_of(org_id: int, below: Iterable[tuple[int, str]], last: Sequence[RowFigures]) -> list[Line]:
    """本级, the unit's organisations in the system, and every line of the last accepted report, each once."""
    known = {(row.organization_id, row.unit_name): row for row in last}
    # Lines are told apart by organisation and name: within a period a renamed organisation keeps its line's name.
    name_of = {row.organization_id: row.unit_name for row in last if row.organization_id != org_id}
    wanted = [(org_id, OWN), *((org, name_of.get(org, name)) for org, name in below)]
    found = []
    for key in wanted:
        row = known.get(key)
        found.append(Line(*key, row.due if row else None, row.done if row else Numbers()))
    taken = {org for org, _ in wanted if org != org_id}
    found += [
        Line(row.organization_id, row.unit_name, row.due, row.done)
        for row in last
        if row.organization_id not in taken and (row.organization_id, row.unit_name) != (org_id, OWN)
    ]
    return found


def rows_of(lines: Sequence[Line], answers: Sequence[Answer]) -> list[RowFigures]:
    """The report's rows: the lines as issued, in their order, then those that the unit added, which count at itself."""
    own = lines[0].organization_id
    rows = []
    for at, answer in enumerate(answers):
        line = lines[at] if at < len(lines) else Line(own, answer.name)
        rows.append(RowFigures(line.organization_id, line.name, answer.due, answer.new, line.done + answer.new))
    return rows


def name_problem(name: str, taken: Iterable[str]) -> str:
    """What is wrong with the name of an added line; "" where nothing is."""
    if not name:
        return "没有写单位名称"
    if len(name) > NAME_LENGTH:
        return f"单位名称超过 {NAME_LENGTH} 个字"
    if hidden_character(name):
        return f"单位名称里有看不见的字符（{hidden_character(name)}），请重新输入"
    if name in (OWN, TOTAL):
        return f"增加的行不能叫“{name}”，请写下属单位的名称"
    if name in taken:
        return f"“{name}”写了两行，请合并成一行"
    return ""


def tidy_name(text: str) -> str:
    """As names are kept: one line, without blanks around."""
    return " ".join(clean(text).split()).strip(BLANKS)


def excess(due: Numbers, new: Numbers, last: Numbers) -> list[tuple[int, str]]:
    """(which measure, what is wrong) where 累计 would be above 应 or below zero."""
    found = []
    for at, (should, more, before) in enumerate(zip(due.each, new.each, last.each, strict=True)):
        done = before + more
        if done > should:
            found.append((at, f"{MEASURES[at]}累计 {done}（上次 {before} + 新增 {more}）大于应点评数 {should}"))
        elif done < 0:
            found.append((at, f"{MEASURES[at]}累计成了 {done}：新增 {more} 比上次累计 {before} 还要多减"))
    return found


def correction_problem(answers: Iterable[Answer], note: str) -> str:
    """A 新增 below zero takes back what was reported, and is explained; "" where all is well."""
    if any(answer.new.has_decrease for answer in answers) and not note.strip():
        return f"有新增数小于 0（累计比上次减少）：请填写“{CORRECTION}”，写明原因"
    return ""
