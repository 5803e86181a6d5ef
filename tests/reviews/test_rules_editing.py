"""Rules are changed in the browser: validated, previewed exactly, kept as versions; a half-year keeps its own."""

from __future__ import annotations

import dataclasses
import datetime
import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs.errors import Forbidden
from orgs.models import AuditEvent
from reviews import daily, duties, duty_csv, rounds, rule_versions, rules, rules_editing, wording
from reviews.models import Duty, Generation, Period, Rule, RuleVersion
from reviews.rules_editing import Range, RuleDraft
from tests.builders import make_round

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
CODES = ["1A", "1B", "2A", "2B", "2C", "3A", "3B", "4", "5A", "5B", "0"]


@pytest.fixture
def period(cast):
    duties.regenerate(duties.ensure_period("2010H2"))
    return Period.objects.get(code="2010H2")


def rule_of(code):
    return Rule.objects.get(scheme__is_active=True, code=code)


def draft_of(code, **changes) -> RuleDraft:
    return dataclasses.replace(rules_editing.draft_of(rule_of(code)), **changes)


def new_draft(**changes) -> RuleDraft:
    draft = RuleDraft(code="6", clause="补充", text="补充条款", order=20, reviewer_kind="org", reach="child",
                      basis="affiliation", cadence="half_year", targets_org=True)  # fmt: skip
    return dataclasses.replace(draft, **changes)


def save(rule, draft, cast, reason="试点"):
    return rules_editing.save(rule, draft, reason=reason, by=cast.user["admin"])


def pairs(period):
    return {row[:6] for row in duty_csv.rows(period)}


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("1A", "总局×党组 → 直接下级（隶属）国家委×党组 及其负责人，每半年"),
        ("1B", "总局×党组，与直接下级 总局机关×机关党委 共同 → 范围内（含指导）的 国家委×机关党委、总局机关（任何类型）、直属挂靠单位（任何类型） 及其负责人，每半年，双方都要点评"),
        ("4", "党支部 的书记 → 本支部党员，每年"),
        ("5B", "总局×党组 → 范围内（含指导）的 省级质监局×党组、省级质监局×党委，每半年，协助地方党委"),
        ("0", "上级组织 → 直接下级（隶属）其他规则都没有点名的组织 及其负责人，每半年"),
    ],
)  # fmt: skip
def test_each_rule_reads_as_a_sentence(db, code, says):
    assert wording.sentence(rule_of(code)) == says


# --- the preview is what happens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("4", {"is_on": False}),
        ("2B", {"is_on": False}),
        ("2A", {"targets_head": False}),
        ("1B", {"joint": "none", "ranges": (Range("reviewer", "总局", "group"), Range("target", "直属挂靠单位", ""))}),
        ("5A", {"reach": "child"}),
        ("2C", {"ranges": (Range("reviewer", "总局", "group"), Range("reviewer", "直属检验检疫局", "group"))}),
        ("3A", {"valid_from": datetime.date(2011, 1, 1)}),
        ("0", {"is_on": False}),
        ("1A", {"text": "改了说法"}),
    ],
)
def test_what_the_preview_says_is_what_generating_does(period, cast, code, changes):
    before = pairs(period)
    rule, draft = rule_of(code), draft_of(code, **changes)
    (found,) = rules_editing.preview(rule, draft, by=cast.user["admin"])
    assert pairs(period) == before, "nothing was written"
    assert rules_editing.draft_of(rule_of(code)) != draft
    save(rule, draft, cast)
    plan = duties.regenerate(period)
    told = {one: (come, go) for one, come, go in found.counts}
    done = {one: (row.added, row.withdrawn) for one, row in plan.counts.items() if row.added or row.withdrawn}
    assert told == done
    names = [line.target for line in rules_editing.named(found.lines)]
    assert len(names) == len(found.lines)
    assert all(names)


def test_a_new_rule_is_previewed_and_takes_from_the_principle(period, cast):
    draft = new_draft(ranges=(Range("target", "总局机关", "organ_committee"),))
    (found,) = rules_editing.preview(None, draft, by=cast.user["admin"])
    assert found.counts == [("0", 0, 2), ("6", 1, 0)]
    assert not Rule.objects.filter(code="6").exists()
    save(None, draft, cast)
    duties.regenerate(period)
    assert Duty.objects.filter(period=period, rule_code="6", target_org__code="11").exists()


# --- days to come, rounds, the next half-year ------------------------------------------------------------------------


def withdrawn_and_added(numbers):
    return [(row["code"], row["added"], row["withdrawn"]) for row in numbers if row["added"] or row["withdrawn"]]


@pytest.mark.parametrize(
    "change", [{"valid_to": datetime.date(2010, 12, 20)}, {"valid_from": datetime.date(2010, 12, 20)}]
)
@pytest.mark.parametrize("code", ["4", "2A", "1B"])
def test_a_day_to_come_is_previewed_as_the_daily_look_follows_it(period, cast, settings, code, change):
    draft = draft_of(code, **change)
    now, then = rules_editing.preview(rule_of(code), draft, by=cast.user["admin"])
    assert (now.is_later, then.is_later, then.on) == (False, True, datetime.date(2010, 12, 20))
    assert bool(now.lines) == ("valid_from" in change)
    assert then.lines
    save(rule_of(code), draft, cast)
    for preview, day in ((now, "2010-12-10"), (then, "2010-12-20")):
        settings.TODAY = day
        (look,) = daily.follow()
        assert preview.counts == withdrawn_and_added(look.done), day


def test_a_day_that_changes_nothing_more_is_not_told(period, cast):
    admin = cast.user["admin"]
    for days in ("2010-12-10", "2010-11-01", "2011-01-01"):  # today, past, after the half-year
        draft = draft_of("4", valid_to=datetime.date.fromisoformat(days))
        assert [one.is_later for one in rules_editing.preview(rule_of("4"), draft, by=admin)] == [False]
    off = draft_of("4", is_on=False, valid_to=datetime.date(2010, 12, 20))
    assert [one.is_later for one in rules_editing.preview(rule_of("4"), off, by=admin)] == [False]


def test_the_running_round_and_the_next_half_year_are_previewed_too(period, cast, settings):
    made, other, spring = make_round(), make_round("SJ2010", "三季度"), duties.ensure_period("2011H1")
    closed = make_round("YB2010", "已办完")
    for one in (made, spring, closed):
        duties.regenerate(one)
    rounds.close(closed, by=None)
    draft = draft_of("2A", is_on=False)
    found = rules_editing.preview(rule_of("2A"), draft, by=cast.user["admin"])
    assert [(one.period.code, one.on.isoformat()) for one in found] == [
        ("2010H2", "2010-12-10"), ("ND2010", "2010-12-10"), ("2011H1", "2011-01-01"),
    ]  # fmt: skip
    save(rule_of("2A"), draft, cast)
    for one in found:
        plan = duties.regenerate(one.period)
        done = [(code, row.added, row.withdrawn) for code, row in plan.counts.items() if row.added or row.withdrawn]
        assert one.counts == done
        assert done
    assert not other.duties.exists()


def test_the_page_says_the_day_and_saving_generates_all_that_were_previewed(period, cast, as_user):
    made = make_round()
    duties.regenerate(made)
    admin, url = as_user(cast.user["admin"]), reverse("rule_edit", args=[rule_of("4").pk])
    number = Duty.objects.filter(rule_code="4", period=period).count()
    page = admin.post(url, as_posted(draft_of("4", valid_to=datetime.date(2010, 12, 20)), do="preview"))
    assert page.content.decode().count(f"自12月20日起将撤回 {number} 项。") == 2
    off = draft_of("4", is_on=False)
    digest = admin.post(url, as_posted(off, do="preview")).context["digest"]
    admin.post(url, as_posted(off, do="save", previewed=digest, reason="试点", generate="1"))
    assert not Duty.objects.filter(rule_code="4").exists()
    assert {one.period for one in Generation.objects.all()} == {period, made}


# --- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"code": "x"}, "code", "人工指派"),
        ({"code": "4"}, "code", "已经有了"),
        ({"targets_org": False}, "targets_org", "至少选一种"),
        ({"targets_members": True}, "targets_org", "分成两条"),
        ({"reach": "own"}, "reach", "不能选“本组织”"),
        ({"targets_org": False, "targets_team": True}, "reach", "应选“本组织”"),
        ({"targets_org": False, "targets_team": True, "reach": "own"}, "reviewer_kind", "书记本人"),
        ({"joint": "each"}, "joint", "写明共同的一方"),
        ({"ranges": (Range("co_reviewer", "总局机关", ""),)}, "joint", "选了共同点评的一方"),
        ({"joint": "any", "reviewer_kind": "person"}, "joint", "书记本人"),
        ({"is_leftover": True, "reach": "below"}, "reach", "逐级点评"),
        ({"valid_from": datetime.date(2011, 1, 1), "valid_to": datetime.date(2010, 12, 31)}, "valid_to", "生效日期"),
    ],
)
def test_a_rule_that_nobody_could_follow_is_refused_with_the_cure(period, cast, changes, field, says):
    before = Rule.objects.count()
    for verb in (
        lambda draft: save(None, draft, cast),
        lambda draft: rules_editing.preview(None, draft, by=cast.user["admin"]),
    ):
        with pytest.raises(rules_editing.BadRule) as refused:
            verb(new_draft(**changes))
        assert any(problem.field == field and says in problem.message for problem in refused.value.problems)
    assert Rule.objects.count() == before


@pytest.mark.parametrize("code", CODES)
def test_every_shipped_rule_is_one_that_can_be_followed_and_saved_as_it_is(db, cast, code):
    rule = rule_of(code)
    assert rules_editing.problems(rules_editing.draft_of(rule), rule) == []
    content = rule_versions.content_of(rule)
    save(rule, rules_editing.draft_of(rule), cast)
    assert rule_versions.content_of(rule_of(code)) == content
    assert RuleVersion.objects.filter(rule=rule).count() == 1


def test_only_administrators_with_a_reason_change_rules(period, cast):
    with pytest.raises(Forbidden):
        rules_editing.save(rule_of("4"), draft_of("4", is_on=False), reason="试点", by=cast.user["clerk"])
    with pytest.raises(rules_editing.BadRule, match="修改原因"):
        save(rule_of("4"), draft_of("4", is_on=False), cast, reason=" ")
    assert rule_of("4").is_on


# --- versions ----------------------------------------------------------------------------------------------------------


def test_a_change_keeps_the_old_content_as_a_version_and_leaves_a_trail(period, cast):
    save(rule_of("4"), draft_of("4", cadence="half_year"), cast, reason="每半年点评党员")
    first, second = RuleVersion.objects.filter(rule=rule_of("4")).order_by("number")
    assert (first.content["cadence"], second.content["cadence"]) == ("year", "half_year")
    assert (second.reason, second.by) == ("每半年点评党员", cast.user["admin"])
    event = AuditEvent.objects.get(verb="修改点评规则")
    assert (event.before, event.after) == ({"cadence": "year"}, {"cadence": "half_year"})


def test_an_old_version_comes_back_as_a_new_one(period, cast):
    save(rule_of("1B"), draft_of("1B", joint="any"), cast)
    old = RuleVersion.objects.get(rule=rule_of("1B"), number=1)
    rules_editing.restore(old, reason="恢复", by=cast.user["admin"])
    assert rule_versions.content_of(rule_of("1B")) == old.content
    assert [version.number for version in RuleVersion.objects.filter(rule=rule_of("1B"))] == [3, 2, 1]


def test_a_half_year_that_is_over_keeps_the_rules_it_was_made_with(period, cast, settings):
    before = pairs(period)
    settings.TODAY = "2011-03-01"
    save(rule_of("2A"), draft_of("2A", is_on=False, text="改了"), cast)
    save(None, new_draft(ranges=(Range("target", "分支机构", ""),)), cast)
    plan = duties.regenerate(period, on=datetime.date(2010, 12, 10))
    assert (plan.total.added, plan.total.withdrawn) == (0, 0)
    assert pairs(period) == before
    assert {version.rule.code for version in period.rule_versions.all()} == set(CODES)
    duty = Duty.objects.filter(period=period, rule_code="2A").first()
    assert "地方两局" in duties.explain(duty).text
    spring = duties.ensure_period("2011H1")
    duties.regenerate(spring)
    assert {rule for rule, *_ in pairs(spring)} & {"2A", "6"} == {"6"}
    assert rules.every() != rule_versions.governing(period)


def test_a_half_year_that_runs_takes_the_rules_of_the_day(period, cast):
    save(rule_of("2A"), draft_of("2A", is_on=False), cast)
    duties.regenerate(period)
    assert not Duty.objects.filter(period=period, rule_code="2A").exists()
    used = period.rule_versions.get(rule=rule_of("2A"))
    assert (used.number, used.content["is_on"]) == (2, False)


# --- pages ---------------------------------------------------------------------------------------------------------------


def as_posted(draft: RuleDraft, **more):
    """The form as the browser sends it."""
    sent = {}
    for each in dataclasses.fields(draft):
        value = getattr(draft, each.name)
        if isinstance(value, bool):
            sent |= {each.name: "on"} if value else {}
        elif each.name != "ranges":
            sent[each.name] = "" if value is None else value
    for at, one in enumerate(draft.ranges):
        sent |= {f"{one.side}-{at}-category": one.category, f"{one.side}-{at}-type": one.org_type}
    return sent | more


def test_the_administrator_changes_a_rule_after_seeing_what_it_does(period, cast, as_user):
    admin = as_user(cast.user["admin"])
    assert wording.sentence(rule_of("2A")) in admin.get(reverse("rules")).content.decode()
    url, draft = reverse("rule_edit", args=[rule_of("2A").pk]), draft_of("2A", is_on=False)
    assert admin.get(url).status_code == 200
    seen = admin.post(url, as_posted(draft, do="preview"))
    page = seen.content.decode()
    assert "还没有保存" in page
    assert reverse("organization", args=["132"]) in page
    digest = seen.context["digest"]
    refused = admin.post(url, as_posted(draft, do="save", previewed=digest))
    assert "请写明修改原因" in refused.content.decode()
    assert rule_of("2A").is_on
    other = admin.post(url, as_posted(draft_of("2A", targets_head=False), do="save", previewed=digest, reason="试点"))
    assert "内容在预览之后改过" in other.content.decode()
    assert rule_of("2A").is_on
    sent = as_posted(draft, do="save", previewed=digest, reason="试点", generate="1")
    done = admin.post(url, sent, follow=True)
    assert "生成任务：新增" in done.content.decode()
    assert not Duty.objects.filter(period=period, rule_code="2A").exists()


def test_all_changes_come_as_a_workbook(period, cast, as_user):
    draft = draft_of("4", is_on=False)
    url = reverse("rule_edit", args=[rule_of("4").pk])
    answer = as_user(cast.user["admin"]).post(url, as_posted(draft, do="excel"))
    rows = list(load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active.values)
    assert len(rows) == 1 + Duty.objects.filter(rule_code="4").count()
    assert (
        "2010年下半年",
        "2010-12-10",
        "4",
        "撤回",
        "天津局检务处党支部",
        "检务处支部书记",
        "党员",
        "检务处党员",
    ) in rows


def test_a_new_rule_is_added_and_an_old_version_fills_the_form(period, cast, as_user):
    admin = as_user(cast.user["admin"])
    draft = new_draft(ranges=(Range("target", "总局机关", "organ_committee"),))
    seen = admin.post(reverse("rule_new"), as_posted(draft, do="preview"))
    admin.post(reverse("rule_new"), as_posted(draft, do="save", previewed=seen.context["digest"], reason="试点"))
    assert rules_editing.draft_of(rule_of("6")) == draft
    save(rule_of("6"), dataclasses.replace(draft, clause="新条款"), cast)
    listed = admin.get(reverse("rule_versions", args=[rule_of("6").pk])).content.decode()
    assert "第 2 版" in listed
    old = RuleVersion.objects.get(rule=rule_of("6"), number=1)
    form = admin.post(reverse("rule_restore", args=[old.pk]))
    assert "还没有保存" in form.content.decode()
    assert 'value="补充"' in form.content.decode()
    assert rule_of("6").clause == "新条款"


def test_a_category_that_is_none_is_refused(period, cast, as_user):
    sent = as_posted(new_draft(), do="preview") | {"target-0-category": "没有这样的类别"}
    assert "不在选项里" in as_user(cast.user["admin"]).post(reverse("rule_new"), sent).content.decode()


@pytest.mark.parametrize("part", ["clerk", "root_head", "member"])
def test_nobody_else_finds_the_pages(cast, as_user, part):
    client = as_user(cast.user[part])
    assert client.get(reverse("rules")).status_code == 404
    assert client.post(reverse("rule_new"), as_posted(new_draft(), do="save")).status_code == 404


def test_without_a_half_year_a_rule_can_be_changed_as_well(cast, as_user):
    admin, draft = as_user(cast.user["admin"]), draft_of("4", is_on=False)
    url = reverse("rule_edit", args=[rule_of("4").pk])
    seen = admin.post(url, as_posted(draft, do="preview"))
    assert "还没有进行中的点评期" in seen.content.decode()
    admin.post(url, as_posted(draft, do="save", previewed=seen.context["digest"], reason="试点"))
    assert not rule_of("4").is_on
