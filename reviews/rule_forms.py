"""The shape of a rule as it is typed: plain selects, one row for each category × type."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms

from orgs.models import Category, OrgType
from reviews import rules, rules_editing, schemes, vocabulary
from reviews.forms import DayField, Styled
from reviews.models import Basis, Cadence, GradeOf, Joint, Reach, ReviewerKind, Side
from reviews.rule_versions import Switches
from reviews.rules_editing import Problem, Range, RuleDraft

SPARE = 3  # empty rows beside those that are filled
MOST = 40  # rows of one side
SIDES = {
    Side.REVIEWER: "点评的一方",
    Side.CO_REVIEWER: "共同点评的一方（点评方的直接下级）",
    Side.TARGET: "被点评的一方",
}


class CadenceForm(Styled):
    """How often each kind of target is reviewed; an empty choice leaves its rules as they are."""

    organizations = forms.ChoiceField(label="党组织及其负责人", required=False)
    team = forms.ChoiceField(label="班子成员", required=False)
    members = forms.ChoiceField(label="党员", required=False)
    reason = forms.CharField(label="修改原因", max_length=200, required=False, help_text="保存时必填，留在版本记录里")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for field in self.base_fields.values():
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", "不变"), *Cadence.choices]
        super().__init__(*args, **kwargs)
        for kind, of_kind in rules_editing.cadences().items():
            said = "；".join(f"{rule.code} {rule.get_cadence_display()}" for rule in of_kind)
            self.fields[kind].help_text = f"现在：{said}" if said else "现在没有规则点评"

    def digest(self) -> str:
        """Names what was previewed, so that nothing else is saved."""
        said = [(kind, self.cleaned_data[kind]) for kind in rules_editing.KINDS]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:24]


class SwitchesForm(Styled):
    """What a scheme decides about duties beside its rules."""

    leaders_as_members = forms.BooleanField(
        label="班子成员在所在支部接受点评", required=False, help_text="不勾选：在上级班子任职的党员不由所在支部书记点评"
    )
    new_org_months = forms.IntegerField(
        label="新建组织起评月数", min_value=0, max_value=schemes.MOST_MONTHS,
        help_text="到期末存在满几个月才应点评；0 为不论成立多久都点评",
    )  # fmt: skip
    reason = forms.CharField(label="修改原因", max_length=200, required=False, help_text="保存时必填，留在操作记录里")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["leaders_as_members"].widget.attrs["class"] = "form-check-input"

    def wanted(self) -> Switches:
        """What was typed, of a valid form."""
        return Switches(*(self.cleaned_data[name] for name in Switches._fields))

    def digest(self) -> str:
        """Names what was previewed, so that nothing else is saved."""
        return hashlib.sha256(repr(self.wanted()).encode()).hexdigest()[:24]


class WordForm(Styled):
    """One form of review, as a line of the scheme's list."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    order = forms.IntegerField(label="排序", min_value=0, max_value=999, required=False)
    name = forms.CharField(label="名称", max_length=vocabulary.NAME, required=False)
    is_on = forms.BooleanField(label="启用", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_on"].widget.attrs["class"] = "form-check-input"
        for name, words in {"order": "排序", "name": "名称", "most_percent": "上限%"}.items():
            if name in self.fields:
                self.fields[name].widget.attrs["placeholder"] = words

    def line(self) -> vocabulary.Line:
        """What was typed, of a valid form."""
        said = {name: value for name, value in self.cleaned_data.items() if name in self.fields}
        said |= {"name": said["name"].replace("\x00", ""), "order": said["order"] or 0}
        return vocabulary.Line(**said)


class GradeForm(WordForm):
    """One grade, as a line of the scheme's list."""

    of = forms.ChoiceField(label="对象", choices=GradeOf.choices, required=False)
    most_percent = forms.IntegerField(label="比例上限（%）", min_value=1, max_value=99, required=False)


class WordsForm(Styled):
    """Why the list is changed, and from which state of it."""

    base = forms.CharField(max_length=24, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="修改原因", max_length=vocabulary.REASON, help_text="留在操作记录里",
        error_messages={"required": "请写明修改原因。"},
    )  # fmt: skip


def lines_of(form: type[WordForm]) -> type[forms.BaseFormSet]:
    """A list of such lines, with some empty ones at the end."""
    return forms.formset_factory(
        form, extra=SPARE, max_num=vocabulary.MOST + SPARE, absolute_max=vocabulary.MOST + SPARE
    )


class RuleForm(Styled):
    """One rule, and why it is changed."""

    code = forms.CharField(label="规则代码", max_length=10, help_text="例如 6A；保存后不能改")
    order = forms.IntegerField(label="排序", min_value=0, max_value=999, help_text="名单和报表中的先后")
    clause = forms.CharField(label="条款", max_length=50, help_text="例如 二（一）1")
    text = forms.CharField(label="条款原文", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    reviewer_kind = forms.ChoiceField(label="点评主体", choices=ReviewerKind.choices)
    reach = forms.ChoiceField(label="对象范围", choices=Reach.choices)
    targets_org = forms.BooleanField(label="点评组织", required=False)
    targets_head = forms.BooleanField(label="点评负责人", required=False)
    targets_team = forms.BooleanField(label="点评本班子成员", required=False)
    targets_members = forms.BooleanField(label="点评本支部党员", required=False)
    is_leftover = forms.BooleanField(label="只补其他规则都没有点名的组织（原则条款）", required=False)
    joint = forms.ChoiceField(label="共同点评", choices=Joint.choices)
    basis = forms.ChoiceField(label="依据", choices=[row for row in Basis.choices if row[0] != Basis.ASSIGNED])
    cadence = forms.ChoiceField(label="频次", choices=Cadence.choices, help_text="每年的随下半年生成")
    assists_local_committee = forms.BooleanField(label="协助地方党委", required=False)
    is_on = forms.BooleanField(label="启用", required=False)
    valid_from = DayField(label="生效日期", required=False, help_text="空白：一直有效")
    valid_to = DayField(label="失效日期", required=False, help_text="自这一天起不再有效")
    reason = forms.CharField(label="修改原因", max_length=200, required=False, help_text="保存时必填，留在版本记录里")

    def __init__(self, *args: Any, draft: RuleDraft | None = None, **kwargs: Any) -> None:
        initial = {name: getattr(draft, name) for name in self.base_fields if name != "reason"} if draft else {}
        categories = Category.objects.filter(scheme=rules.scheme()).order_by("order")
        self.categories = [("", "任何类别"), *((category.name, category.name) for category in categories)]
        self.types = [("", "任何类型"), *OrgType.choices]
        # After the choices: a bound form is looked at at once.
        super().__init__(*args, initial={"is_on": True, "joint": Joint.NONE, **initial}, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.BooleanField):
                field.widget.attrs["class"] = "form-check-input"
        ranges = self._typed() if self.is_bound else draft.ranges if draft else ()
        self.sides = [self._side(side, [one for one in ranges if one.side == side]) for side in SIDES]

    def _typed(self) -> tuple[Range, ...]:
        found = []
        for side in SIDES:
            for at in range(MOST):
                category = self.data.get(f"{side.value}-{at}-category", "")
                org_type = self.data.get(f"{side.value}-{at}-type", "")
                if category or org_type:
                    found.append(Range(side.value, category, org_type))
        return tuple(found)

    def _side(self, side: Side, filled: list[Range]) -> dict[str, Any]:
        rows = [*filled, *[Range(side.value)] * SPARE][:MOST]
        return {"side": side.value, "label": SIDES[side], "rows": rows, "is_used": bool(filled)}

    def clean(self) -> dict[str, Any]:
        """Only categories and types that there are."""
        data = super().clean() or self.cleaned_data
        ranges = self._typed() if self.is_bound else ()
        categories, types = dict(self.categories), dict(self.types)
        if any(one.category not in categories or one.org_type not in types for one in ranges):
            self.add_error(None, "有一行的单位类别或组织类型不在选项里，请重新选择。")
        data["ranges"] = tuple(sorted(set(ranges)))
        return data

    def draft(self) -> RuleDraft:
        """What was typed, of a valid form."""
        said = {name: value for name, value in self.cleaned_data.items() if name != "reason"}
        return RuleDraft(**{**said, "code": said["code"].strip(), "text": said["text"].replace("\x00", "")})

    def show(self, found: list[Problem]) -> None:
        """Say beside the fields what is wrong."""
        for problem in found:
            self.mark(problem.field, problem.message)

    def digest(self) -> str:
        """Names what was previewed, so that nothing else is saved."""
        return hashlib.sha256(repr(self.draft()).encode()).hexdigest()[:24]
