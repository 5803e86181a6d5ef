"""Two units that do not work in the system: one sends its form back and has it accepted, one reports by a link and waits."""

from __future__ import annotations

import datetime
import io

from openpyxl import load_workbook

from orgs import clock
from orgs.models import Organization, User
from reports import reporting, submissions
from reports.annexes.one import Numbers
from reports.models import OutsideIssue, Way
from reports.outside import issues, returns
from reports.outside.figures import Answer
from reports.outside.workbook import FIRST, SHEET
from reviews.models import Period

BY_FORM, BY_LINK = "001041", "001046"  # 河北, 黑龙江
SET_ON, ISSUED_ON, BACK_ON, SENT_ON = (datetime.date(2010, *day) for day in ((9, 8), (11, 29), (12, 7), (12, 9)))
WHY = "地方单位，不在系统中填报"
DUE, NEW = (Numbers(9, 31, 1286), Numbers(2, 3, 118)), (Numbers(6, 24, 902), Numbers(2, 2, 97))
INNER = ("省计量科学研究院党委", "省特种设备检验研究院党委")  # of the one by form, of the one by link


def report_from_outside(period: Period, office: User) -> None:
    """Through the verbs, by the office above them."""
    by_form, by_link = (Organization.objects.get(code=code) for code in (BY_FORM, BY_LINK))
    with clock.standing_at(SET_ON):
        for org in (by_form, by_link):
            reporting.set_way(org, Way.FORM, reason=WHY, by=office)
    with clock.standing_at(ISSUED_ON):
        form = issues.issue_form(by_form, period, names=INNER[:1], by=office)
        link, _ = issues.issue_link(by_link, period, until=period.ends_on, names=INNER[1:], by=office)
    with clock.standing_at(BACK_ON):
        data = _filled_in(form, BACK_ON)
        returned = returns.upload(data, f"{issues.file_name(form)}.xlsx", period=period, by=office)
        submissions.accept(returns.take(returned, by=office), by=office)
    with clock.standing_at(SENT_ON):
        issues.opened(link)
        issues.send(link, _answers(link), note="", sender="王联络")


def _answers(issue: OutsideIssue) -> list[Answer]:
    lines = zip(issues.lines(issue), DUE, NEW, strict=True)
    return [Answer(line.name, due, new) for line, due, new in lines]


def _filled_in(issue: OutsideIssue, on: datetime.date) -> bytes:
    """The form as the unit's spreadsheet saves it: the yellow cells filled in, the values of the formulas with them."""
    book = load_workbook(io.BytesIO(issues.file_of(issue)))
    sheet = book[SHEET]
    sheet["I4"] = on
    answers = _answers(issue)
    numbers = [(*answer.due.each, *answer.new.each, *answer.new.each) for answer in answers]
    total = next(row for row in range(FIRST + 1, sheet.max_row + 1) if sheet.cell(row, 1).value == "合计")
    sums = tuple(map(sum, zip(*numbers, strict=True)))
    for row, values in [*enumerate(numbers, start=FIRST + 1), (total, sums)]:
        for column, value in enumerate(values, start=2):
            sheet.cell(row, column).value = value
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
