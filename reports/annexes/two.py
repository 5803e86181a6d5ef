"""附件2: 领导点评党组织创先争优情况登记表, five columns, one page (domain.md 1.G, R55, R56)."""

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
    height_of,
    label,
    numbered,
    row_height,
)
from reviews.models import Record

WIDTHS = (84.0, 98.0, 126.0, 80.0, 110.0)
LEAST_LINE, LEAST_TEXT = 38.0, 84.0
HEAD = 24 + 2 * 28
MAY_APPEND = "（可另附页）"
APPENDED = "（另附页）"


def sheet(record: Record) -> Sheet:
    """The form of an organisation's record. 前段小结 goes to an appendix page where it does not fit (R56)."""
    review = record.review
    members = "" if record.member_count is None else str(record.member_count)
    lines = [
        ("党组织名称", record.target_name, "党员人数", members),
        ("点评时间", day(review.held_on), "地点", review.place),
        ("点评领导姓名", words.reviewers(review), "单位及职务", words.reviewer_titles(review)),
    ]
    rows = []
    for name, value, name2, value2 in lines:
        cells = (label(name), Cell(clean(value), across=2), label(name2), Cell(clean(value2)))
        rows.append(Row(cells, row_height(cells, WIDTHS, least=LEAST_LINE)))
    room = max(A4[1] - 2 * MARGIN - HEAD - sum(row.height for row in rows), 4 * LEAST_TEXT)

    wide, narrow = sum(WIDTHS[1:]), sum(WIDTHS[2:])
    summary = clean(record.prior_summary)
    spoken = [
        Passage("主要成绩", clean(record.achievements), narrow),
        Passage("存在的问题和不足", numbered(item.text for item in record.items.all()), narrow),
        Passage("下阶段工作建议", clean(record.directions), narrow),
    ]
    shown = f"{summary}\n{MAY_APPEND}" if summary else MAY_APPEND
    needed = [height_of(shown, wide), *(height_of(part.text, part.width) for part in spoken)]
    overflows = sum(max(need, LEAST_TEXT) for need in needed) > room or needed[0] > room / 2
    if summary and overflows:
        shown = APPENDED
    texts, heights, rest = fit([Passage("前段小结", shown, wide), *spoken], room, least=LEAST_TEXT)
    rows.append(Row((label("前段小结"), Cell(texts[0], Role.TEXT, across=4)), heights[0]))
    for place, part in enumerate(spoken, start=1):
        said = (label(part.label), Cell(texts[place], Role.TEXT, across=3))
        rows.append(Row((label("领导点评", down=3), *said) if place == 1 else said, heights[place]))

    annexed = [Passage("前段小结", summary, wide)] if shown == APPENDED else []
    more = [*annexed, *rest]
    title = f"{clean(record.target_name)}　{day(review.held_on)}"
    return Sheet(
        name="附件2",
        caption="附件2：",
        title=(words.activity(), "领导点评党组织创先争优情况登记表"),
        widths=WIDTHS,
        rows=tuple(rows),
        appendix=(appendix("附件2附页", "附件2附页：", title, more),) if more else (),
    )
