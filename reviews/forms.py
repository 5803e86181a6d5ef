"""The shape of what is typed on the pages of duties, records and rectifications; no rule of the notice lives here."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Container
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property

from orgs import clock
from orgs.models import Post, User
from reviews import leaders, vocabulary
from reviews.models import ChecklistPoint, Duty, Record, ReviewKind, Verdict
from reviews.records import RecordDraft

# What people really type; the phone's date picker sends the first.
DATE_FORMATS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d"]
DATE_ERROR = "日期看不懂：请从日历中选择，或写成 2010-12-10 的样子。"
PROBLEM_MAX = 1000
NOTE_MAX = 500


class DayField(forms.DateField):
    """A day, by the device's own picker."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = kwargs.pop("attrs", {})
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **attrs}))
        kwargs.setdefault("error_messages", {"invalid": DATE_ERROR, "required": "请填写日期。"})
        super().__init__(input_formats=DATE_FORMATS, **kwargs)

    def to_python(self, value: Any) -> datetime.date | None:
        """A year that no picker means (0001, 9999) is a slip of the thumb."""
        day = super().to_python(value)
        if day is not None and not 1949 <= day.year <= 2100:
            raise forms.ValidationError("年份不对：请检查日期。", code="invalid")
        return day


def _text(label: str, *, rows: int = 0, max_length: int = 20000, help_text: str = "", **attrs: str) -> forms.CharField:
    """An optional text; `rows` makes it a box of that height."""
    widget = forms.Textarea(attrs={"rows": rows, **attrs}) if rows else forms.TextInput(attrs=attrs)
    return forms.CharField(
        label=label,
        required=False,
        max_length=max_length,
        widget=widget,
        help_text=help_text,
        error_messages={"max_length": "太长了：最多 %(limit_value)d 个字，现有 %(show_value)d 个字。"},
    )


def _clean(text: str) -> str:
    """Without blanks around it, and without NUL, which PostgreSQL does not take."""
    return text.replace("\x00", "").strip()


class Styled(forms.Form):
    """A form whose widgets carry Bootstrap's classes; what is wrong is marked on the field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for name, field in self.fields.items():
            kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            field.widget.attrs.setdefault("class", kind)
            if self.is_bound and name in self.errors:
                field.widget.attrs["class"] += " is-invalid"

    def said(self) -> str:
        """What is wrong, in one line."""
        return "；".join(str(message) for found in self.errors.values() for message in found)

    def mark(self, name: str, message: str) -> None:
        """Say on the field what is missing; on the form where there is no such field."""
        self.add_error(name if name in self.fields else None, message)
        if name in self.fields:
            self.fields[name].widget.attrs["class"] += " is-invalid"


class LeaderForm(Styled):
    """With a leader to choose (`post`), who is searched for (`leader`) where they are many; see `_leader.html`."""

    begins_empty = False  # nobody is chosen until somebody chooses, even from a short list
    leader = forms.CharField(
        label="查找领导", max_length=50, required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "姓名、拼音、编号，或组织名称、代码"}),
    )  # fmt: skip
    post = forms.CharField(label="由谁点评", widget=forms.Select, error_messages={"required": "请选择由谁点评。"})

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        field, asks = self.fields["post"], self.begins_empty or self.leaders.default is None
        field.widget.choices = [*([("", "请选择")] if asks else []), *self.leaders.options]
        field.help_text = self.leaders.said

    @cached_property
    def leaders(self) -> leaders.Choice:
        """Whom there is to choose from, and who is chosen."""
        # Not by self["post"]: a bound field, once asked for, keeps the help of before.
        typed = self.data if self.is_bound else self.initial
        words, chosen = (str(typed.get(name) or "") for name in ("leader", "post"))
        return leaders.choice(self.user, words=_clean(words)[:50], chosen=chosen)

    def clean_post(self) -> Post | None:
        """A post from which the user may have reviewed."""
        if self.cleaned_data["post"] and self.leaders.chosen is None:
            raise forms.ValidationError("请选择由谁点评。")
        return self.leaders.chosen


@dataclasses.dataclass(frozen=True)
class PointRow:
    """One line of the checklist as it is drawn."""

    point: ChecklistPoint
    verdict: str
    note: str

    @property
    def choices(self) -> list[tuple[str, str]]:
        """是, 部分, 否."""
        return list(Verdict.choices)


class RecordForm(Styled):
    """The record as its form shows it: facts of the review, texts, problems line by line, answers, further duties."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label="日常或定期", choices=ReviewKind.choices, required=False)
    held_on = DayField(label="点评时间", required=False)
    place = _text("地点", max_length=200, placeholder="例如：支部活动室", autocomplete="off")
    form = forms.CharField(label="点评形式", required=False, widget=forms.Select)
    form_note = _text("会议、专题或场合", max_length=200, placeholder="例如：支部党员大会、民主生活会")
    participants = _text("参加人员", rows=2, placeholder="可不填；例如：支部全体党员")
    assisted_committee = _text("协助的地方党委", max_length=200, placeholder="例如：中共天津市委")
    member_count = forms.IntegerField(label="党员人数", min_value=0, max_value=10_000_000, required=False)
    prior_summary = _text("前段小结", rows=4, help_text="由被点评党组织提供：前一阶段开展活动的情况")
    achievements = _text("主要成绩", rows=4)
    directions = _text("整改意见建议", rows=4)
    grade = forms.CharField(label="评定等次", required=False, widget=forms.Select)
    feedback_due_on = DayField(label="整改反馈期限", required=False, help_text="要求对方在这一天前反馈整改落实情况")

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        record: Record,
        stored: RecordDraft,
        points: list[ChecklistPoint],
        duties: list[Duty],
        assists: bool,
    ) -> None:
        self.record, self.stored, self.points, self.duties = record, stored, points, duties
        self.typed = data if data is not None else QueryDict()
        self.offered = vocabulary.forms(record.review.form, record.review.form_name)
        self.grades = vocabulary.grades(record)
        super().__init__(data, initial={name: getattr(stored, name) for name in self.base_fields}, auto_id="id_%s")
        self.fields["version"].widget.attrs["autocomplete"] = "off"
        self.fields["form"].widget.choices = [("", "请选择"), *self.offered.items()]
        if self.grades:
            self.fields["grade"].widget.choices = [("", "不评等次"), *((name, name) for name in self.grades)]
            self.fields["grade"].help_text = vocabulary.advice(record)
        else:
            del self.fields["grade"]
        if record.is_of_person:
            for name in ("prior_summary", "member_count"):
                del self.fields[name]
        else:
            self.fields["directions"].label = "下阶段工作建议"
        if not assists:
            del self.fields["assisted_committee"]
        self.fields["held_on"].widget.attrs["max"] = clock.today().isoformat()

    def clean_form(self) -> str:
        """A form that the scheme offers."""
        return self._one_of("form", self.offered)

    def clean_grade(self) -> str:
        """A grade that the scheme has for this kind of target."""
        return self._one_of("grade", self.grades)

    def _one_of(self, name: str, offered: Container[str]) -> str:
        value: str = self.cleaned_data[name]
        if value and value not in offered:
            raise forms.ValidationError("没有这个选项，请重新选择。")
        return value

    @property
    def problems_label(self) -> str:
        """The words of annex 2 and of annex 3 (R57)."""
        return "存在问题" if self.record.is_of_person else "存在的问题和不足"

    @property
    def problems(self) -> list[str]:
        """Problems as typed, or as stored."""
        if not self.is_bound:
            return list(self.stored.problems)
        return [text for text in (_clean(line) for line in self.typed.getlist("problem")) if text]

    @property
    def spare_lines(self) -> range:
        """Empty lines under the problems, so that the form works without scripts; the script leaves one."""
        return range(3)

    @property
    def answers(self) -> dict[int, tuple[str, str]]:
        """Point id -> (verdict, note), for the points of this record only; anything else posted is ignored."""
        if not self.is_bound:
            return dict(self.stored.answers)
        found = {}
        for point in self.points:
            verdict = self.typed.get(f"point-{point.pk}", "")
            note = _clean(self.typed.get(f"note-{point.pk}", ""))
            if verdict in Verdict.values or note:
                found[point.pk] = (verdict if verdict in Verdict.values else "", note)
        return found

    def point_rows(self) -> list[PointRow]:
        """The checklist with its answers."""
        answers = self.answers
        return [PointRow(point, *answers.get(point.pk, ("", ""))) for point in self.points]

    @property
    def duty_ids(self) -> tuple[int, ...]:
        """Further duties ticked."""
        if not self.is_bound:
            return tuple(self.stored.duty_ids)
        ticked = set(self.typed.getlist("duty"))
        return tuple(duty.pk for duty in self.duties if str(duty.pk) in ticked)

    def duty_rows(self) -> list[tuple[Duty, bool]]:
        """Further duties that it may serve, and whether they are ticked."""
        ticked = set(self.duty_ids)
        return [(duty, duty.pk in ticked) for duty in self.duties]

    def clean(self) -> dict[str, Any]:
        """Lines that are too long are named; nothing is cut off silently."""
        for number, text in enumerate(self.problems, start=1):
            if len(text) > PROBLEM_MAX:
                self.add_error(
                    None, f"第 {number} 个问题太长：最多 {PROBLEM_MAX} 个字，现有 {len(text)} 个字。请拆成几条。"
                )
        for number, row in enumerate(self.point_rows(), start=1):
            if len(row.note) > NOTE_MAX:
                self.add_error(None, f"第 {number} 个要点的说明太长：最多 {NOTE_MAX} 个字。")
        return self.cleaned_data

    @property
    def base_version(self) -> int:
        """The version that this page started from; after a conflict, the one it was told to overwrite (`take`)."""
        taken = self.typed.get("take", "")
        if taken.isascii() and taken.isdigit() and len(taken) < 10:
            return int(taken)
        return self.cleaned_data.get("version") or 0

    def draft(self) -> RecordDraft:
        """What was typed. Where a value cannot be read the stored one stays, so that the rest can still be saved."""
        self.errors  # noqa: B018 - reading it validates
        kept = {
            name: self.cleaned_data.get(name, getattr(self.stored, name))
            for name in self.fields
            if name not in ("version", "kind")
        }
        answers = {pk: (verdict, note[:NOTE_MAX]) for pk, (verdict, note) in self.answers.items()}
        problems = tuple(text for text in self.problems if len(text) <= PROBLEM_MAX)
        return dataclasses.replace(
            self.stored,
            **kept,
            version=self.base_version,
            kind=self.cleaned_data.get("kind") or self.stored.kind,
            problems=problems,
            answers=answers,
            duty_ids=self.duty_ids,
        )


class ReasonForm(Styled):
    """Why something is sent back, voided or exempted."""

    reason = forms.CharField(
        label="原因",
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "请写明原因。", "max_length": "原因最多 200 个字。"},
    )


class ExemptForm(ReasonForm):
    """Why a duty is taken away, and who approved it."""

    approved_by = forms.CharField(
        label="批准人",
        max_length=50,
        help_text="批准免除的领导，例如“党委书记王某”",
        error_messages={"required": "请写明批准人。", "max_length": "批准人最多 50 个字。"},
    )


class PlanForm(Styled):
    """What will be done about a problem."""

    measures = forms.CharField(
        label="整改措施",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "请填写整改措施。"},
    )
    responsible = forms.CharField(label="责任人", max_length=100, error_messages={"required": "请填写责任人。"})
    due_on = DayField(label="完成时限", required=False, help_text="不填则按点评领导要求的反馈期限")


class ProgressForm(Styled):
    """What has been done so far."""

    text = forms.CharField(
        label="进展",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "请填写进展。"},
    )


class FeedbackForm(Styled):
    """What came of it."""

    outcome = forms.CharField(
        label="落实情况",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "请填写落实情况。"},
    )


class DueForm(Styled):
    """The day by which the reviewer wants to hear."""

    on = DayField(label="整改反馈期限")


class NoteForm(Styled):
    """A remark of the target when it receives the review."""

    note = _text("说明（可不填）", rows=2, max_length=200)


class AdHocForm(forms.Form):
    """The target of a review outside the list of duties: "org-<code>" or "person-<number>"."""

    target = forms.RegexField(regex=r"^(org|person)-.{1,40}$", error_messages={"invalid": "请选择点评对象。"})
