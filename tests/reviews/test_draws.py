"""Random draws: committed to before, repeatable after, once and for all."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils import timezone

from orgs import audit, clock, removal, tree
from orgs.errors import Forbidden
from orgs.models import Organization
from reviews import draws, sampling
from reviews.models import Draw, DrawCandidate, Duty
from tests.builders import day, make_bare_record, make_org, make_period, make_person, make_post, make_round, make_user
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
    DrawCandidate.objects.filter(code="132").update(stratum="机关内设机构")
    assert not draws.is_reproducible(Draw.objects.get())


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


# --- who sees it ---------------------------------------------------------------------------------------------------


def seats_of(cast: Cast) -> dict:
    """Beside the cast: the office of an organisation in the frame, one beside it, a deputy of the drawn branch."""
    deputy = make_person("检务处副书记", cast.org["1311"])
    make_post(deputy, cast.org["1311"], "副书记")
    return cast.user | {
        "deputy": make_user(deputy, username="deputy"),
        "office_131": make_user(username="office_131", office=cast.org["131"]),
        "office_132": make_user(username="office_132", office=cast.org["132"]),
        "office_12": make_user(username="office_12", office=cast.org["12"]),
    }


DRAWING = {"clerk", "bureau_head", "admin", "member_in_charge"}  # the office, the head, the team
IN_FRAME = {"secretary", "deputy", "office_131"}  # of 1311: drawn or not
OTHER_IN_FRAME = {"lower_head", "lower_secretary", "office_132"}  # of 1321
OUTSIDE = {
    "member", "lower_member", "stranger", "root_clerk", "root_head", "unit_head", "office_12", "office_secretary",
}  # fmt: skip


@pytest.mark.parametrize("drawn", [False, True])
def test_whoever_is_in_the_frame_sees_the_whole_record(cast, as_user, drawn):
    """Drawn or not, from the commitment on; who only belongs to a branch does not, nor who guides, nor a stranger."""
    users = seats_of(cast)
    wide = define(cast, frame=draws.Frame(org_type="branch", by_category=False), size=1)
    narrow = define(cast, frame=draws.Frame(under=cast.org["131"], org_type="branch"), size=1, occasion="只对机关")
    if drawn:
        wide, narrow = (draws.run(one, by=cast.user["clerk"]) for one in (wide, narrow))
        assert (len(wide.drawn), narrow.drawn) == (1, ["1311"])
    for who in DRAWING | IN_FRAME | OTHER_IN_FRAME | OUTSIDE:
        browser = as_user(users[who])
        sees = {
            draw
            for draw, seats in ((wide, DRAWING | IN_FRAME | OTHER_IN_FRAME), (narrow, DRAWING | IN_FRAME))
            if who in seats
        }
        assert set(Draw.objects.visible_to(users[who])) == sees, who
        listed = browser.get(reverse("draws")).content.decode()
        for one in (wide, narrow):
            answers = {browser.get(reverse(name, args=[one.pk])).status_code for name in ("draw", "draw_export")}
            assert answers == ({200} if one in sees else {404}), who
            assert (reverse("draw", args=[one.pk]) in listed) == (one in sees), who


def test_a_draw_across_a_guidance_edge_is_seen_on_both_sides(cast):
    """The root draws among all: a bureau that it only guides stands in the frame like any other."""
    everybody = draws.define(
        cast.org["1"], period=make_period(), acting=cast.person["root_head"], frame=draws.Frame(org_type="branch"), size=1,
        due_on=day("2010-12-20"), occasion="全系统抽查", by=cast.user["root_clerk"],
    )  # fmt: skip
    users = seats_of(cast)
    seeing = {who for who, user in users.items() if everybody in Draw.objects.visible_to(user)}
    assert seeing >= {"root_clerk", "root_head", "clerk", "bureau_head", "secretary", "unit_secretary", "office_12"}
    assert seeing.isdisjoint({"member", "lower_member", "stranger"})
    only_there = define(cast)
    assert not Draw.objects.visible_to(users["root_clerk"]).filter(pk=only_there.pk).exists()


def test_who_is_in_the_frame_reads_and_checks_and_does_nothing_else(cast, as_user):
    draw, browser = define(cast, size=1), as_user(cast.user["lower_secretary"])
    url = reverse("draw", args=[draw.pk])
    before = browser.get(url).content.decode()
    assert draw.seed not in before
    assert draw.seed not in b"".join(browser.get(reverse("draw_export", args=[draw.pk])).streaming_content).decode(
        "latin1"
    )
    for words in (
        draw.commitment,
        draw.frame_hash,
        "组织\t1311\t机关内设机构",
        "1311 天津局检务处党支部 机关内设机构\n",
        "“天津检验检疫局党组”以下的组织",
    ):
        assert words in before
    for name, facts in (("draw_run", {}), ("draw_void", {"reason": "不满意"})):
        assert "现在抽取" not in before
        assert "作废这次抽取" not in before
        said = browser.post(reverse(name, args=[draw.pk]), facts, follow=True).content.decode()
        assert "负责人、办公室和上级办公室" in said
    assert Draw.objects.get().state == "committed"
    draws.run(draw, by=cast.user["clerk"])
    after = browser.get(url, {"check": 1}).content.decode()
    assert draw.seed in after
    assert "复核一致" in after
    assert "复核程序" in after


def test_a_duty_that_one_may_not_see_is_said_to_be_there_and_not_shown(cast, as_user):
    draw = draws.run(define(cast, size=4), by=cast.user["clerk"])
    page = as_user(cast.user["lower_secretary"]).get(reverse("draw", args=[draw.pk]))
    rows = {row.candidate.code: (row.is_given, row.duty is not None) for row in page.context["rows"]}
    assert rows == {"131": (True, False), "1311": (True, False), "132": (True, False), "1321": (True, True)}
    assert page.content.decode().count("已派任务") == 3
    assert "未派任务" not in page.content.decode()


def test_the_way_there_is_on_ones_duties_and_on_the_duty(cast, as_user):
    draw = draws.run(define(cast, frame=draws.Frame(org_type="branch"), size=2), by=cast.user["clerk"])
    duty = Duty.objects.get(target_org=cast.org["1311"])
    for who in ("secretary", "lower_secretary", "bureau_head"):
        assert "随机抽取（1）" in as_user(cast.user[who]).get(reverse("my_duties")).content.decode(), who
    for who in ("member", "unit_head", "stranger"):
        assert "随机抽取（" not in as_user(cast.user[who]).get(reverse("my_duties")).content.decode(), who
    url = reverse("draw", args=[draw.pk])
    assert url in as_user(cast.user["secretary"]).get(reverse("duty", args=[duty.pk])).content.decode()
    # A superior office that knows of the duty and not of the draw is not sent to a page that is not there.
    for who in cast.user.values():
        page = as_user(who).get(reverse("duty", args=[duty.pk]))
        assert (url in page.content.decode()) == (page.status_code == 200 and Draw.objects.visible_to(who).exists()), (
            who
        )


def test_who_arranges_nothing_comes_back_to_his_duties(cast, as_user):
    define(cast)
    deputy = seats_of(cast)["deputy"]
    page = as_user(deputy).get(reverse("draws")).content.decode()
    crumbs = page[page.index('class="crumbs"') :].split("</nav>")[0]
    assert "我的任务" in crumbs
    assert 'class="here" aria-current="page"' in " ".join(page.split())
    assert "任务安排" in as_user(cast.user["clerk"]).get(reverse("draws")).content.decode().split('class="crumbs"')[1]
    empty = as_user(cast.user["unit_deputy"]).get(reverse("draws")).content.decode()
    assert "没有涉及您的组织的随机抽取" in empty


def test_the_other_draws_of_the_period_stand_beside_with_why_they_were_voided(cast, as_user):
    clerk = cast.user["clerk"]
    first = draws.void(draws.run(define(cast, occasion="第一次"), by=clerk), reason="结果不理想", by=clerk)
    never = draws.void(define(cast, occasion="没有抽"), reason="范围写错", by=clerk)
    narrow = define(cast, occasion="只对塘沽", frame=draws.Frame(under=cast.org["132"]), size=1)
    last = define(cast, occasion="最后一次")
    define(cast, occasion="明年上半年", period=make_period("2011H1"), due_on=day("2011-03-01"))
    make_org("133", "党支部", "机关内设机构", cast.org["131"])
    lower = draws.define(
        cast.org["131"], period=make_period(), acting=cast.person["member_in_charge"], frame=draws.Frame(), size=1,
        due_on=day("2010-12-20"), occasion="机关自己的", by=cast.user["admin"],
    )  # fmt: skip
    for who, beside, unseen in (("clerk", [narrow, never, first], 0), ("secretary", [never, first], 1)):
        page = as_user(cast.user[who]).get(reverse("draw", args=[last.pk]))
        assert (page.context["others"], page.context["unseen"]) == (beside, unseen), who
        assert "作废原因：结果不理想" in page.content.decode()
        assert "作废原因：范围写错" in page.content.decode()
        assert never.seed not in page.content.decode()
        assert ("只对塘沽" in page.content.decode()) == (who == "clerk")
    alone = as_user(cast.user["secretary"]).get(reverse("draw", args=[lower.pk])).content.decode()
    assert "没有其他抽取" in alone


def test_pages_of_draws_ask_the_same_however_many(cast, as_user, django_assert_max_num_queries):
    draw = draws.run(define(cast, size=1), by=cast.user["clerk"])
    browser, asked = as_user(cast.user["secretary"]), {}
    addresses = {
        name: reverse(name, args=args) for name, args in (("draws", []), ("draw", [draw.pk]), ("my_duties", []))
    }
    for name, url in addresses.items():
        browser.get(url)
        with django_assert_max_num_queries(60) as queries:
            browser.get(url)
        asked[name] = len(queries)
    for number in range(6):
        make_org(f"14{number}", "党支部", "分支机构", cast.org["132"])
    cast.org["13"].refresh_from_db()
    for number in range(6):
        draws.run(define(cast, size=1, occasion=f"又抽{number}"), by=cast.user["clerk"])
    for name, url in addresses.items():
        with django_assert_max_num_queries(asked[name]):
            browser.get(url)


# --- as it was ------------------------------------------------------------------------------------------------------


def test_the_record_keeps_names_and_codes_of_the_commitment(cast, as_user):
    draw = define(cast, size=4)
    Draw.objects.update(created_at=datetime.datetime(2010, 12, 1, 4, tzinfo=datetime.UTC))
    tree.update(cast.org["13"], {"name": "天津海关党委"}, by=None)
    tree.update(cast.org["1321"], {"name": "塘沽海关综合支部", "code": "9"}, by=None)
    new = make_org(
        "1321", "党支部", "机关内设机构", cast.org["132"], name="另一个支部"
    )  # with the code that became free
    draw = draws.run(draw, by=cast.user["clerk"])
    assert draws.is_reproducible(Draw.objects.get())
    assert Duty.objects.filter(target_org=cast.org["1321"]).exists()
    assert not Duty.objects.filter(target_org=new).exists()
    page = as_user(cast.user["lower_secretary"]).get(reverse("draw", args=[draw.pk])).content.decode()
    drawn = page[page.index('id="drawn"') : page.index('id="how"')]
    assert "塘沽局综合党支部" in drawn
    assert "塘沽海关" not in drawn
    assert "天津检验检疫局党组 · 2010年下半年" in page


def test_a_draw_is_dated_by_the_clock(cast):
    draw = draws.run(define(cast, size=1), by=cast.user["clerk"])
    assert {timezone.localdate(at) for at in (draw.created_at, draw.drawn_at)} == {clock.today()}
    assert clock.today().year == 2010


def test_an_organisation_in_a_frame_is_not_deleted(cast):
    spare = make_org("139", "党支部", "机关内设机构", cast.org["132"])
    define(cast, frame=draws.Frame(under=spare), size=1)
    with pytest.raises(tree.TreeRefused, match="抽样名单"):
        tree.delete(spare, by=None)


@pytest.mark.django_db(transaction=True)
def test_stored_draws_become_rows_and_give_the_same_again(cast):
    """By migration, there and back: same hash, same list, and each row knows its organisation by the code of then."""
    before = [("reviews", "0013_index_generation_lines")]
    clerk = cast.user["clerk"]
    spare = make_org("139", "党支部", "机关内设机构", cast.org["131"])
    for code in ("13", "131", "132"):
        cast.org[code].refresh_from_db()
    run = draws.run(define(cast, frame=draws.Frame(under=cast.org["132"])), by=clerk)
    open_one = define(cast, frame=draws.Frame(by_category=False, under=cast.org["131"]), size=1)
    stored = {draw.pk: (draw.frame, draw.frame_hash, draw.commitment, draw.drawn) for draw in (run, open_one)}
    try:
        old = MigrationExecutor(connection).migrate(before).apps.get_model("reviews", "Draw")
        frames = dict(old.objects.values_list("pk", "frame"))
        assert frames == {pk: [list(row) for row in frame] for pk, (frame, *_) in stored.items()}
        tree.update(cast.org["1321"], {"code": "9"}, by=None)
        new = make_org("1321", "党支部", "机关内设机构", cast.org["132"])
        audit.record(None, "删除组织", [spare], changes={spare.pk: ({"code": "139"}, {})})
        removal.delete(Organization, [spare.pk])
    finally:
        forward = MigrationExecutor(connection)  # to the last of all: later tests use this database
        forward.migrate(forward.loader.graph.leaf_nodes())
    found = {draw.pk: draw for draw in Draw.objects.all()}
    assert {pk: (one.frame, one.frame_hash, one.commitment, one.drawn) for pk, one in found.items()} == stored
    assert all(sampling.frame_hash(draw.codes, draw.quotas) == draw.frame_hash for draw in found.values())
    assert draws.is_reproducible(found[run.pk])
    rows = {(code, org) for code, org in DrawCandidate.objects.values_list("code", "organization")}
    assert rows == {(code, cast.org[code].pk) for code in ("131", "1311", "132", "1321")} | {("139", None)}
    assert new.pk not in dict(rows).values()
