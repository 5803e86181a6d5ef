"""What a record still lacks, without a database (R31a, R35, domain.md 5.4)."""

import datetime
from dataclasses import replace

import pytest

from reviews.completeness import Facts, form_hint, hints, lacks

MEMBER = Facts(
    kind="member",
    held_on=datetime.date(2010, 12, 8),
    place="三楼会议室",
    form="meeting",
    form_note="支部党员大会",
    prior_summary="",
    achievements="成绩",
    problems=("不足",),
    directions="方向",
    reviewer_role="branch_head",
)
BRANCH = replace(MEMBER, kind="base", prior_summary="小结", reviewer_role="team_head")


def fields(facts):
    return [lack.field for lack in lacks(facts)]


def test_complete_records_lack_nothing():
    assert lacks(MEMBER) == []
    assert lacks(BRANCH) == []
    assert hints(MEMBER) == []


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"held_on": None}, "held_on"),
        ({"place": "  "}, "place"),
        ({"form": ""}, "form"),
        ({"form": "topical", "form_note": ""}, "form_note"),
        ({"form": "other", "form_note": " "}, "form_note"),
        ({"achievements": ""}, "achievements"),
        ({"problems": ()}, "problems"),
        ({"problems": (" ", "")}, "problems"),
        ({"directions": "\n"}, "directions"),
        ({"assists_local_committee": True}, "assisted_committee"),
        ({"unanswered_window_points": ("服务态度",)}, "answers"),
    ],
)
def test_each_thing_the_notice_demands_is_asked_for(missing, field):
    assert fields(replace(MEMBER, **missing)) == [field]


def test_everything_missing_is_named_at_once_in_the_order_of_the_form():
    empty = replace(
        BRANCH, held_on=None, place="", form="", prior_summary="", achievements="", problems=(), directions=""
    )
    assert fields(empty) == ["held_on", "place", "form", "prior_summary", "achievements", "problems", "directions"]


def test_the_words_are_those_of_the_target():
    def message(facts):
        return "".join(lack.message for lack in lacks(replace(facts, problems=(), directions="")))

    assert "不足" in message(MEMBER)
    assert "整改意见建议" in message(MEMBER)
    assert "存在的问题" in message(BRANCH)
    assert "下阶段工作建议" in message(BRANCH)


@pytest.mark.parametrize("form", ["on_site", "random"])
def test_the_summary_may_be_missing_where_there_was_no_time_for_one(form):
    assert lacks(replace(BRANCH, form=form, prior_summary="")) == []


def test_the_summary_is_the_organisations_never_a_persons():
    assert fields(replace(BRANCH, prior_summary="")) == ["prior_summary"]
    assert lacks(replace(MEMBER, kind="base_head", prior_summary="")) == []


def test_unanswered_stressed_points_are_a_hint_and_no_block():
    facts = replace(MEMBER, unanswered_stressed_points=("廉洁自律",))
    assert lacks(facts) == []
    assert [hint.field for hint in hints(facts)] == ["answers"]


def test_a_meeting_without_its_name_is_a_hint():
    assert [hint.field for hint in hints(replace(MEMBER, form_note=""))] == ["form_note"]


@pytest.mark.parametrize(
    ("form", "role", "kind"),
    [
        ("meeting", "team_head", "base"),
        ("meeting", "branch_head", "member"),
        ("individual", "team_head", "base_head"),
        ("individual", "branch_head", "member"),
        ("on_site", "team_member", "team"),
        ("on_site", "team_member", "member"),
        ("random", "team_member", "base"),
        ("topical", "team_head", "team"),
        ("topical", "branch_head", "member"),
        ("other", "branch_member", "team"),
        ("", "", "base"),
        ("individual", "", "member"),
    ],
)
def test_forms_that_fit_get_no_hint(form, role, kind):
    assert form_hint(form, role, kind) is None


@pytest.mark.parametrize(
    ("form", "role", "kind", "word"),
    [
        ("meeting", "team_head", "team", "基层党组织"),
        ("individual", "team_head", "base", "不用于党组织"),
        ("individual", "team_member", "base_head", "负责人"),
        ("on_site", "branch_head", "member", "基层党委"),
        ("random", "team_head", "member", "不用于个人"),
        ("topical", "team_member", "base", "负责人"),
    ],
)
def test_forms_that_do_not_fit_get_a_hint(form, role, kind, word):
    assert word in (form_hint(form, role, kind) or "")
