"""The summary workbook (汇总表): an organisation, its children, and every organisation below, with live sums.

Two sheets. 汇总: 本级 and each child with all below it, and 合计. 全部组织: every organisation in the tree's order, what
counts at itself as numbers, and its whole subtree as a formula over the rows below it; so the workbook adds up by itself,
and what it adds up to was computed apart and is stored beside each formula. Children that the user does not see stand
together in one line, as on the page of coverage.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xlsxwriter
from django.db.models import QuerySet
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from orgs import clock, scope
from orgs.cells import clean
from orgs.models import Organization, User
from orgs.progress import Tick, silent
from reports import coverage, reporting
from reports.coverage import Figure, Figures
from reviews.models import Measure, Period

MEASURES = (Measure.LEADERS, Measure.ORGANIZATIONS, Measure.MEMBERS)
TITLES = {Measure.LEADERS: "参加点评的领导", Measure.ORGANIZATIONS: "被点评的党组织", Measure.MEMBERS: "被点评的党员"}
HEAD = 3  # rows above the first line
NOTHING = dict.fromkeys(Measure, Figure())


@dataclass(slots=True)
class Line:
    """An organisation, or its children that the user does not see: what counts at itself, with all below it, and how
    many rows are below it.
    """

    org: Organization
    own: Figures
    total: Figures
    below: int = 0
    others: int = 0  # of how many unseen children of `org`
    children: list[Line] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the line is called."""
        return coverage.others(self.others) if self.others else self.org.name

    @property
    def code(self) -> str:
        """Of an organisation."""
        return "" if self.others else self.org.code


def lines(period: Period, org: Organization, user: User) -> list[Line]:
    """The organisation and every one below that the user sees, in the tree's order; figures of one moment.

    Those that were not there on the day of the roster only where something still counts at or below them. Unseen
    children come after the others, and after them what the user sees below them.
    """
    coverage.tidy()
    with coverage.snapshot():
        rows = list(Organization.objects.visible_to(user).below(org, include_self=True).defer("pinyin", "initials"))
        unseen = list(_unseen(org, user))
        figures = coverage.totals_of_many(period, [*rows, *unseen])
        on = reporting.counted_on(period)
        shown = [row for row in rows if row.pk == org.pk or _stands(row, figures, on)]
        return _from_the_top(_hung(shown, unseen, figures))


def _stands(org: Organization, figures: Mapping[int, Figures], on: datetime.date) -> bool:
    return coverage.Unit.of(org).lives_on(on) or any(figure.due for figure in figures[org.pk].values())


def _unseen(org: Organization, user: User) -> QuerySet[Organization]:
    """Children that the user does not see of those that he sees."""
    children = Organization.objects.below(org).filter(scope.seen(user, "parent__"))
    return children.exclude(scope.seen(user)).order_by().only("pk", "parent")


def _hung(shown: Sequence[Organization], unseen: Sequence[Organization], figures: Mapping[int, Figures]) -> Line:
    """The first with the others below it: each below its superior, or below the unseen children if among them."""
    seen = {row.pk: Line(row, dict(figures[row.pk]), figures[row.pk]) for row in shown}
    apart: dict[int, list[Figures]] = defaultdict(list)
    for child in unseen:
        apart[child.parent_id or 0].append(figures[child.pk])
    others = {}
    for pk, every in apart.items():
        if pk in seen:
            total = coverage.added(every)
            others[pk] = Line(seen[pk].org, dict(total), total, others=len(every))
    for line in list(seen.values())[1:]:
        parent = line.org.parent_id or 0
        if parent in seen:
            _put(line, seen[parent])
        else:  # one of a user's seats, so of a few
            above = list(Organization.objects.above(line.org).values_list("pk", flat=True))
            nearest = next(pk for pk in reversed(above) if pk in seen)
            _put(line, others.get(nearest, seen[nearest]))
    for pk, line in others.items():
        _put(line, seen[pk])
    return seen[shown[0].pk]


def _put(line: Line, at: Line) -> None:
    at.children.append(line)
    for measure in Measure:
        at.own[measure] -= line.total[measure]


def _from_the_top(top: Line) -> list[Line]:
    found, waiting = [], [top]
    while waiting:
        line = waiting.pop()
        found.append(line)
        waiting += reversed(line.children)
    for line in reversed(found):
        line.below = sum(1 + each.below for each in line.children)
    return found


def write(path: Path, period: Period, listed: Sequence[Line], tick: Tick = silent) -> None:
    """Draw the workbook of these lines, the first of which is the organisation itself."""
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(path, options) as book:
        formats = {
            "title": book.add_format({"bold": True, "font_size": 14}),
            "head": book.add_format(
                {"bold": True, "border": 1, "align": "center", "valign": "vcenter", "bg_color": "#F2DCDB"}
            ),
            "number": book.add_format({"num_format": "#,##0"}),
            "rate": book.add_format({"num_format": "0.0%"}),
            "sum": book.add_format({"num_format": "#,##0", "bold": True, "top": 1}),
            "sum_rate": book.add_format({"num_format": "0.0%", "bold": True, "top": 1}),
            "bold": book.add_format({"bold": True, "top": 1}),
        }
        _children(book, formats, period, listed)
        _everything(book, formats, period, listed, tick)


def _begin(book: Any, formats: dict[str, Any], name: str, title: str, widths: Sequence[int]) -> Any:
    sheet = book.add_worksheet(name)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD - 2, HEAD - 1)
    sheet.write_string(0, 0, title, formats["title"])
    return sheet


def _rate(sheet: Any, row: int, column: int, figure: Figure, style: Any) -> None:
    """已 of 应, which stand in the two columns before it; cut like everywhere: 100% only when nobody is missing."""
    due, done = xl_rowcol_to_cell(row, column - 2), xl_rowcol_to_cell(row, column - 1)
    value = figure.done * 1000 // figure.due / 1000 if figure.due else ""
    sheet.write_formula(row, column, f'=IF({due}=0,"",ROUNDDOWN({done}*1000/{due},0)/1000)', style, value)


def _children(book: Any, formats: dict[str, Any], period: Period, listed: Sequence[Line]) -> None:
    """本级, each child with all below it, and 合计 as sums of the lines above."""
    top = listed[0]
    sheet = _begin(
        book,
        formats,
        "汇总",
        clean(f"{top.org.name} {period.name}领导点评汇总表（{clock.today()}）"),
        [14, 40, *[9] * 9],
    )
    _heads(sheet, formats, ["组织代码", "单位"], 2)
    children = [(top.code, "本级", top.own), *((line.code, line.name, line.total) for line in top.children)]
    row = HEAD
    for code, name, figures in children:
        sheet.write_string(row, 0, clean(code))
        sheet.write_string(row, 1, clean(name))
        for number, measure in enumerate(MEASURES):
            column = 2 + 3 * number
            sheet.write_number(row, column, figures[measure].due, formats["number"])
            sheet.write_number(row, column + 1, figures[measure].done, formats["number"])
            _rate(sheet, row, column + 2, figures[measure], formats["rate"])
        row += 1
    sheet.write_string(row, 0, "", formats["bold"])
    sheet.write_string(row, 1, "合计", formats["bold"])
    for number, measure in enumerate(MEASURES):
        for place, value in enumerate((top.total[measure].due, top.total[measure].done)):
            column = 2 + 3 * number + place
            name = xl_col_to_name(column)
            sheet.write_formula(row, column, f"=SUM({name}{HEAD + 1}:{name}{row})", formats["sum"], value)
        _rate(sheet, row, 4 + 3 * number, top.total[measure], formats["sum_rate"])
    sheet.freeze_panes(HEAD, 2)


def _everything(book: Any, formats: dict[str, Any], period: Period, listed: Sequence[Line], tick: Tick) -> None:
    """Every organisation: 本级 as numbers, with all below it as sums of the 本级 of its rows."""
    title = clean(f"{listed[0].org.name}及以下全部组织 {period.name}（{clock.today()}）")
    sheet = _begin(book, formats, "全部组织", title, [14, 46, 10, 14, *[8] * 6, *[9] * 9])
    sheet.merge_range(HEAD - 2, 4, HEAD - 2, 9, "本级", formats["head"])
    for column, word in enumerate(["组织代码", "组织名称", "组织类型", "上级代码"]):
        sheet.write_string(HEAD - 1, column, word, formats["head"])
    for number, word in enumerate(("领导应", "领导已", "组织应", "组织已", "党员应", "党员已")):
        sheet.write_string(HEAD - 1, 4 + number, word, formats["head"])
    _heads(sheet, formats, [], 10)
    codes = {line.org.pk: line.org.code for line in listed}
    depth = listed[0].org.level
    for number, line in enumerate(listed):
        row = HEAD + number
        org, level, parent_id = line.org, line.org.level, line.org.parent_id
        if line.others:
            level, parent_id = level + 1, org.pk
        sheet.write_string(row, 0, clean(line.code))
        sheet.write_string(row, 1, "　" * (level - depth) + clean(line.name))
        sheet.write_string(row, 2, "" if line.others else org.get_org_type_display())
        sheet.write_string(row, 3, clean(codes.get(parent_id or 0, "")))
        for place, measure in enumerate(MEASURES):
            own, total = line.own[measure], line.total[measure]
            for side, (mine, all_below) in enumerate(((own.due, total.due), (own.done, total.done))):
                column = 4 + 2 * place + side
                sheet.write_number(row, column, mine, formats["number"])
                name = xl_col_to_name(column)
                formula = f"=SUM({name}{row + 1}:{name}{row + 1 + line.below})"
                sheet.write_formula(row, 10 + 3 * place + side, formula, formats["number"], all_below)
            _rate(sheet, row, 12 + 3 * place, total, formats["rate"])
        tick("written", number + 1)
    sheet.freeze_panes(HEAD, 2)
    sheet.autofilter(HEAD - 1, 0, HEAD - 1 + len(listed), 18)


def _heads(sheet: Any, formats: dict[str, Any], words: Sequence[str], first: int) -> None:
    """Two rows: what is counted; 应, 已, 率."""
    for column, word in enumerate(words):
        sheet.merge_range(HEAD - 2, column, HEAD - 1, column, word, formats["head"])
    for number, measure in enumerate(MEASURES):
        column = first + 3 * number
        sheet.merge_range(HEAD - 2, column, HEAD - 2, column + 2, TITLES[measure], formats["head"])
    for number in range(len(MEASURES)):
        for place, word in enumerate(("应", "已", "率")):
            sheet.write_string(HEAD - 1, first + 3 * number + place, word, formats["head"])
