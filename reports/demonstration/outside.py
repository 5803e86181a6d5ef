"""Two units that do not work in the system: one sends its form back and has it accepted, one reports by a link and waits."""

from __future__ import annotations

import datetime
import io

from openpyxl import load_workbook

from orgs import clock
from orgs.models import Organization, User
from reports import reporting, submissions
from reports.annexes.one import OWN, TOTAL, Numbers
from reports.models import Way
from reports.outside import issues, returns
from reports.outside.figures import Answer
from reports.outside.workbook import FIRST, SHEET
from reviews.models import Period

BY_FORM, BY_LINK = "001041", "001046"  # 河北, 黑龙江
SET_ON, ISSUED_ON, BACK_ON, SENT_ON = (datetime.date(2010, *day) for day in ((9, 8), (11, 29), (12, 7), (12, 9)))
WHY = "地方单位，不在系统中填报"
ANSWERS = {  # 应 and 新增 of 本级, and of a unit of its own that the office lists apart
    BY_FORM: [
        (OWN, Numbers(9, 31, 1286), Numbers(6, 24, 902)),
        ("省计量科学研究院党委", Numbers(2, 3, 118), Numbers(2, 2, 97)),
    ],
    BY_LINK: [
        (OWN, Numbers(8, 27, 1043), Numbers(8, 19, 655)),
        ("省特种设备检验研究院党委", Numbers(3, 4, 162), Numbers(1, 3, 120)),
    ],
}


def report_from_outside(period: Period, office: User) -> None:
    """Through the verbs, by the office above them."""
    by_form, by_link = (Organization.objects.get(code=code) for code in (BY_FORM, BY_LINK))
    with clock.standing_at(SET_ON):
        for org in (by_form, by_link):
            reporting.set_way(org, Way.FORM, reason=WHY, by=office)
    with clock.standing_at(ISSUED_ON):
        form = issues.issue_form(by_form, period, names=[ANSWERS[BY_FORM][1][0]], by=office)
        link, _ = issues.issue_link(by_link, period, until=period.ends_on, names=[ANSWERS[BY_LINK][1][0]], by=office)
    with clock.standing_at(BACK_ON):
        data = _filled_in(issues.file_of(form), _answers(BY_FORM))
        returned = returns.upload(data, f"{issues.file_name(form)}.xlsx", period=period, by=office)
        submissions.accept(returns.take(returned, by=office), by=office)
    with clock.standing_at(SENT_ON):
        issues.opened(link)
        issues.send(link, _answers(BY_LINK), note="", sender="王联络")


def _answers(code: str) -> list[Answer]:
    return [Answer(*answer) for answer in ANSWERS[code]]


def _filled_in(form: bytes, answers: list[Answer]) -> bytes:
    """The form as the unit's spreadsheet saves it: the yellow cells filled in, the values of the formulas with them."""
    book = load_workbook(io.BytesIO(form))
    sheet = book[SHEET]
    sheet["I4"] = clock.today()
    numbers = [(*answer.due.each, *answer.new.each, *answer.new.each) for answer in answers]
    total = next(row for row in range(FIRST + 1, sheet.max_row + 1) if sheet.cell(row, 1).value == TOTAL)
    sums = tuple(map(sum, zip(*numbers, strict=True)))
    for row, values in [*enumerate(numbers, start=FIRST + 1), (total, sums)]:
        for column, value in enumerate(values, start=2):
            sheet.cell(row, column).value = value
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
