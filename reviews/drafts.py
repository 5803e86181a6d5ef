"""What the form of a record holds, and what of it can be kept: shape and limits, not completeness."""

from __future__ import annotations

import datetime
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orgs import clock
from orgs.errors import DomainError
from reviews.completeness import Lack
from reviews.models import ReviewKind, Verdict

if TYPE_CHECKING:
    from reviews.models import Record

LONG = 20_000  # characters in a text
LINE = 200
PROBLEM = 1000
PROBLEMS = 50
NOTE = 500
MOST_MEMBERS = 10_000_000
# What no database, no XML and no reader wants: control characters but tab and line feed, and halves of characters.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

# field: (Chinese name, most characters)
TEXTS = {
    "place": ("地点", LINE),
    "form_note": ("会议、专题或场合", LINE),
    "participants": ("参加人员", LONG),
    "assisted_committee": ("协助的地方党委", LINE),
    "prior_summary": ("前段小结", LONG),
    "achievements": ("主要成绩", LONG),
    "directions": ("努力方向", LONG),
}


class BadDraft(DomainError):
    """Values that cannot be kept; `.lacks` names field and cure for each."""

    def __init__(self, lacks: list[Lack]) -> None:
        super().__init__("；".join(lack.message for lack in lacks))
        self.lacks = lacks


@dataclass(frozen=True)
class RecordDraft:
    """What the form holds. `answers`: checklist point id -> (verdict, note). `duty_ids`: further duties it serves."""

    version: int
    kind: str = "periodic"  # ReviewKind
    held_on: datetime.date | None = None
    place: str = ""
    form: str = ""
    form_note: str = ""
    participants: str = ""
    assisted_committee: str = ""
    prior_summary: str = ""
    achievements: str = ""
    problems: tuple[str, ...] = ()
    directions: str = ""
    feedback_due_on: datetime.date | None = None
    member_count: int | None = None
    grade: str = ""
    answers: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    duty_ids: tuple[int, ...] = ()


def tidy(text: str) -> str:
    """Line ends as \\n, no unprintable characters, no blanks around. Words stay as they are."""
    return UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def cleaned(
    draft: RecordDraft, record: Record, *, point_ids: set[int], forms: Container[str], grades: Container[str]
) -> RecordDraft:
    """The draft as it will be kept: tidied, empty problems and answers dropped.

    Raises BadDraft with every value that cannot be kept. `point_ids`: the points that may be answered; `forms` and
    `grades`: what may be chosen (codes of forms, names of grades).
    """
    texts = {name: tidy(getattr(draft, name)) for name in TEXTS}
    problems = tuple(text for text in map(tidy, draft.problems) if text)
    answers = {pk: (verdict, tidy(note)) for pk, (verdict, note) in draft.answers.items() if verdict or tidy(note)}
    tidied = settled(draft, **texts, problems=problems, answers=answers)
    found = [
        Lack(name, f"{label}太长：最多 {most} 个字，现有 {len(texts[name])} 个，请删减")
        for name, (label, most) in TEXTS.items()
        if len(texts[name]) > most
    ]
    found += (
        _choices(tidied, forms, grades) + _days(tidied, record) + _problems(problems) + _answers(answers, point_ids)
    )
    if draft.member_count is not None and not 0 <= draft.member_count <= MOST_MEMBERS:
        found.append(Lack("member_count", "党员人数应当是 0 或正整数，请改正"))
    if found:
        raise BadDraft(found)
    return tidied


def settled(draft: RecordDraft, **values: object) -> RecordDraft:
    """The draft with these values instead."""
    return replace(draft, **values)  # type: ignore[arg-type]


def _choices(draft: RecordDraft, forms: Container[str], grades: Container[str]) -> list[Lack]:
    found = []
    if draft.kind not in ReviewKind.values:
        found.append(Lack("kind", "请在日常点评和定期点评中选择一项"))
    if draft.form and draft.form not in forms:
        found.append(Lack("form", "没有这种点评形式，请重新选择"))
    if draft.grade and draft.grade not in grades:
        found.append(Lack("grade", "没有这个等次，请重新选择"))
    return found


def _days(draft: RecordDraft, record: Record) -> list[Lack]:
    found = []
    period = record.review.period
    if draft.held_on is not None:
        if not period.starts_on <= draft.held_on <= period.ends_on:
            span = f"{_chinese(period.starts_on)}至{_chinese(period.ends_on)}"
            found.append(Lack("held_on", f"点评时间应在本期（{span}）之内，请改正"))
        elif draft.held_on > clock.latest():
            found.append(Lack("held_on", "点评时间不能晚于今天，请在点评之后填写"))
        elif draft.feedback_due_on is not None and draft.feedback_due_on < draft.held_on:
            found.append(Lack("feedback_due_on", "整改反馈期限不能早于点评时间，请改正"))
    if draft.feedback_due_on is not None and not 1900 < draft.feedback_due_on.year < 2200:
        found.append(Lack("feedback_due_on", "整改反馈期限的年份不对，请改正"))
    return found


def _problems(problems: tuple[str, ...]) -> list[Lack]:
    found = [
        Lack("problems", f"第 {number} 条问题太长：最多 {PROBLEM} 个字，请删减或分成几条")
        for number, text in enumerate(problems, 1)
        if len(text) > PROBLEM
    ]
    if len(problems) > PROBLEMS:
        found.append(Lack("problems", f"问题最多 {PROBLEMS} 条，现有 {len(problems)} 条，请合并"))
    return found


def _answers(answers: Mapping[int, tuple[str, str]], point_ids: set[int]) -> list[Lack]:
    found = []
    for pk, (verdict, note) in answers.items():
        if pk not in point_ids:
            found.append(Lack("answers", "有一条要点不属于这份记录，请刷新页面后重填"))
        elif verdict and verdict not in Verdict.values:
            found.append(Lack("answers", "要点评价只能选是、部分或否，请重新选择"))
        elif len(note) > NOTE:
            found.append(Lack("answers", f"要点说明最多 {NOTE} 个字，请删减"))
    return found


def _chinese(day: datetime.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
