"""A form as data: text cleaned, widths estimated, nothing lost where it does not fit."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.annexes.sheet import (
    CONTINUED,
    TALLEST_ROW,
    Passage,
    appendix,
    clean,
    day,
    fit,
    height_of,
    numbered,
    wrap,
)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        (None, ""),
        ("  甲 ", "甲"),
        ("甲\x00\x07乙\x1b", "甲乙"),
        ("甲\r\n乙\r丙\t丁", "甲\n乙\n丙 丁"),
        ("甲\ud800乙\ufffe", "甲乙"),
        ("=1+1", "=1+1"),
        (0, "0"),
    ],
)
def test_text_loses_what_a_cell_cannot_hold_and_nothing_else(given_text, kept):
    assert clean(given_text) == kept


def test_days_are_written_as_the_form_does_and_no_day_is_blank():
    assert day(datetime.date(2010, 12, 20)) == "2010年12月20日"
    assert day(datetime.date(2010, 7, 1)) == "2010年7月1日"
    assert day(None) == ""


def test_several_problems_are_numbered_and_a_single_one_is_not():
    assert numbered(["主题不突出", "", "承诺不全"]) == "1. 主题不突出\n2. 承诺不全"
    assert numbered(["主题不突出"]) == "主题不突出"
    assert numbered([]) == ""


def test_a_chinese_character_takes_twice_the_room_of_a_digit():
    assert wrap("质" * 12, 130) == ["质" * 9, "质" * 3]
    assert wrap("1" * 19, 130) == ["1" * 19]


def test_a_word_longer_than_a_line_is_broken_and_kept():
    assert "".join(wrap("x" * 500, 100)) == "x" * 500
    assert len(wrap("x" * 500, 100)) > 30


def test_each_line_feed_makes_a_line():
    assert height_of("一\n二\n三", 200) > height_of("一", 200)


TEXTS = st.text(alphabet="质检系统 ab\n，。“", max_size=3000).map(clean)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_what_does_not_fit_goes_on_where_the_cell_ends_and_nothing_is_lost(texts):
    passages = [Passage(f"栏{place}", text, 300) for place, text in enumerate(texts)]
    shown, heights, rest = fit(passages, 500, least=84)
    assert sum(heights) <= 500 + 1e-6
    assert max(heights) <= TALLEST_ROW
    more = {passage.label: passage.text for passage in rest}
    for passage, text, height in zip(passages, shown, heights, strict=True):
        assert height_of(text, 300) <= height + 1e-6
        follows = more.get(f"{passage.label}（续）")
        if follows is None:
            assert text == passage.text
        else:
            joined = text.removesuffix(f"\n{CONTINUED}") + follows
            assert "".join(joined.split()) == "".join(passage.text.split())


def test_short_texts_share_the_page_and_need_no_appendix():
    _texts, heights, rest = fit([Passage("甲", "一句话", 300)] * 4, 500, least=84)
    assert heights == [125] * 4
    assert rest == []


def test_an_appendix_holds_a_very_long_text_in_rows_that_excel_can_draw():
    page = appendix("附页", "附件2附页：", "某党委", [Passage("前段小结", "质" * 20000, 400)])
    assert "".join(row.cells[0].text for row in page.rows[1:]) == "质" * 20000
    assert max(row.height for row in page.rows) <= TALLEST_ROW
