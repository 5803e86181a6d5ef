"""附件3: 领导点评党员参加创先争优活动情况表, four columns, one page (domain.md 1.G, R57, R58)."""

from __future__ import annotations

from reports.annexes import words
from reports.annexes.sheet import (
    A4,
    MARGIN,
    Cell,
    Passage,
    Role,
    Row,
    Sheet,
    appendix,
    clean,
    day,
    fit,
    label,
    numbered,
    row_height,
)
from reviews import rectifications
from reviews.models import Record

WIDTHS = (86.0, 162.0, 86.0, 164.0)
LEAST_LINE, LEAST_TEXT = 34.0, 84.0
HEAD = 24 + 2 * 28


def sheet(record: Record) -> Sheet:
    """The form of a person's record, heads too (T9).

    The notice's text has lost what stood before 所属支部; 性别 stands there (docs/decisions.md). 姓名, 点评时间 and
    主要成绩 are lost likewise and certain in sense. The last cell stays blank until something was fed back (R58).
    """
    review, person = record.review, record.target_person
    lines = [
        ("姓名", record.target_name, "单位及职务", record.target_title),
        ("性别", person.get_gender_display() if person else "", "所属支部", record.branch_name),
        ("点评领导", words.reviewers(review), "点评时间", day(review.held_on)),
        ("点评地点", review.place, "点评形式", words.form(review)),
    ]
    rows = []
    for name, value, name2, value2 in lines:
        cells = (label(name), Cell(clean(value)), label(name2), Cell(clean(value2)))
        rows.append(Row(cells, row_height(cells, WIDTHS, least=LEAST_LINE)))
    room = max(A4[1] - 2 * MARGIN - HEAD - sum(row.height for row in rows), 4 * LEAST_TEXT)

    items = list(record.items.all())
    wide = sum(WIDTHS[1:])
    passages = [
        Passage("主要成绩", clean(record.achievements), wide),
        Passage("存在问题", numbered(item.text for item in items), wide),
        Passage("整改意见建议", clean(record.directions), wide),
        Passage("点评问题整改落实情况", clean(rectifications.annex_text(items)), wide),
    ]
    texts, heights, rest = fit(passages, room, least=LEAST_TEXT)
    for part, text, height in zip(passages, texts, heights, strict=True):
        rows.append(Row((label(part.label), Cell(text, Role.TEXT, across=3)), height))
    title = f"{clean(record.target_name)}　{day(review.held_on)}"
    return Sheet(
        name="附件3",
        caption="附件3：",
        title=(words.activity(), "领导点评党员参加创先争优活动情况表"),
        widths=WIDTHS,
        rows=tuple(rows),
        appendix=(appendix("附件3附页", "附件3附页：", title, rest),) if rest else (),
    )
