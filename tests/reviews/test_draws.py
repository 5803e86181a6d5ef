"""Random draws: committed to before, repeatable after, once and for all."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.errors import Forbidden
from reviews import draws, sampling
from reviews.models import Draw, Duty
from tests.builders import day, make_bare_record, make_period, make_round
from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


def define(cast: Cast, **changes) -> Draw:
    facts = {
        "period": make_period(),
        "acting": cast.person["bureau_head"],
        "frame": draws.Frame(),
        "size": 2,
        "due_on": day("2010-12-20"),
        "occasion": "季度随机点评",
        "by": cast.user["clerk"],
    } | changes
    return draws.define(cast.org["13"], **facts)


def test_the_seed_is_committed_before_and_shown_after(cast, as_user):
    draw = define(cast)
    browser, url = as_user(cast.user["clerk"]), reverse("draw", args=[draw.pk])
    page = browser.get(url).content.decode()
    assert draw.commitment in page
    assert draw.seed not in page
    assert draw.commitment == sampling.commitment(draw.seed, draw.frame_hash)
    browser.post(reverse("draw_run", args=[draw.pk]))
    page = browser.get(url, {"check": 1}).content.decode()
    assert draw.seed in page
    assert "复核一致" in page
    drawn = Draw.objects.get()
    assert drawn.drawn == sampling.draw(draw.seed, draw.codes, draw.quotas)
    assert sorted(Duty.objects.values_list("target_org__code", flat=True)) == drawn.drawn
    assert set(Duty.objects.values_list("rule_code", "joint_group", "assignment__form")) == {("X", "", "random")}


def test_a_record_that_was_tampered_with_is_found_out(cast):
    draw = draws.run(define(cast), by=cast.user["clerk"])
    assert draws.is_reproducible(draw)
    for name, value in (("seed", "other"), ("drawn", ["131"]), ("quotas", {**draw.quotas, "分支机构": 9})):
        changed = Draw.objects.get()
        setattr(changed, name, value)
        assert not draws.is_reproducible(changed), name


def test_a_second_click_draws_nothing_more(cast):
    draw = define(cast)
    first = draws.run(draw, by=cast.user["clerk"])
    again = draws.run(draw, by=cast.user["clerk"])
    assert (first.drawn, first.drawn_at) == (again.drawn, again.drawn_at)
    assert Duty.objects.count() == 2


def test_the_frame_leaves_out_the_reviewers_own_and_follows_its_conditions(cast):
    period, acting = make_period(), cast.person["member_in_charge"]

    def codes(**conditions):
        return [org.code for org in draws.candidates(cast.org["13"], acting, period, draws.Frame(**conditions))]

    assert codes() == ["1311", "132", "1321"]  # not 13 itself, nor 131, which he heads
    assert codes(window_units=True) == ["1311"]
    assert codes(org_type="branch") == ["1311", "1321"]
    assert codes(under=cast.org["132"]) == ["132", "1321"]


def test_a_review_of_a_round_is_one_of_the_half_year_that_holds_its_day(cast):
    half_year, around, later = (
        make_period(), make_round(), make_round("SJ2010", "岁末点评", first="2010-12-20", last="2010-12-31")
    )  # fmt: skip
    make_bare_record(around, cast.org["132"], of_org=cast.org["1321"], held_on=day("2010-12-01"))
    make_bare_record(half_year, cast.org["13"], of_org=cast.org["132"], held_on=day("2010-12-02"))
    make_bare_record(half_year, cast.org["131"], of_org=cast.org["1311"], held_on=day("2010-12-02"), state="draft")

    def left(period):
        found = draws.candidates(cast.org["13"], cast.person["bureau_head"], period, draws.Frame(not_reviewed=True))
        return {org.code for org in found}

    assert left(half_year) == left(around) == left(later) - {"132", "1321"}
    assert {"132", "1321", "1311"} <= left(later)
    assert "1311" in left(half_year)


def test_voided_its_open_duties_go_and_its_record_stays(cast):
    clerk, draw = cast.user["clerk"], draws.run(define(cast), by=cast.user["clerk"])
    with pytest.raises(draws.DrawRefused, match="原因"):
        draws.void(draw, reason="", by=clerk)
    draws.void(draw, reason="范围有误", by=clerk)
    assert not Duty.objects.exists()
    assert Draw.objects.get().drawn == draw.drawn
    with pytest.raises(draws.DrawRefused, match="已作废"):
        draws.run(draw, by=clerk)


def test_a_public_seed_names_its_source_and_a_stranger_draws_nothing(cast):
    with pytest.raises(draws.DrawRefused, match="公开来源"):
        define(cast, seed="0712182533")
    draw = define(cast, seed="0712182533", seed_note="双色球 2010144 期", quotas={"机关内设机构": 1})
    assert (draw.seed, draw.quotas["机关内设机构"], draw.size) == ("0712182533", 1, 1)
    with pytest.raises(draws.DrawRefused, match="1 到 4"):
        define(cast, size=9)
    for who in ("secretary", "root_clerk"):
        with pytest.raises(Forbidden):
            draws.run(draw, by=cast.user[who])


def test_defined_on_the_page_and_exported(cast, as_user):
    make_period()
    browser = as_user(cast.user["clerk"])
    facts = {"post": cast.person["bureau_head"].posts.get().pk, "occasion": "抽查", "size": 1, "due_on": "2010-12-20"}
    counted = browser.post(reverse("draw_new"), facts | {"look": 1, "by_category": "on"}).content.decode()
    assert "机关内设机构 3" in counted
    assert not Draw.objects.exists()
    browser.post(reverse("draw_new"), facts)
    export = browser.get(reverse("draw_export", args=[Draw.objects.get().pk]))
    assert b"".join(export.streaming_content)[:2] == b"PK"
