"""For any pair: why it is, or is not, a duty. Each reason of the notice has its sentence."""

from __future__ import annotations

import itertools

import pytest
from django.urls import reverse

from orgs import people
from orgs.models import Organization, Person, Scheme
from reviews import duties, explaining
from reviews.models import Duty, DutyStatus, Period, Rule
from tests import builders
from tests.builders import day

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    duties.regenerate(duties.ensure_period("2010H2"))
    return Period.objects.get(code="2010H2")


def fresh(thing):
    """As a page finds it."""
    if isinstance(thing, Organization):
        return Organization.objects.select_related("category", "parent", "led_by").get(pk=thing.pk)
    return thing


def ask(period, reviewer, target):
    return explaining.why_not(fresh(reviewer), fresh(target), period)


def text(answer):
    return "\n".join(line.text for line in answer.lines)


def test_what_is_a_duty_says_so_and_names_it(period, cast):
    answer = ask(period, cast.org["13"], cast.org["132"])
    assert answer.verdict.startswith("是：")
    assert [duty.rule_code for duty in answer.duties] == ["2A"]
    assert any(line.reaches and line.rule.code == "2A" for line in answer.lines)


@pytest.mark.parametrize(
    ("reviewer", "target", "says"),
    [
        ("1", "132", "更上一级的组织（逐级点评，不越级）"),
        ("12", "132", "没有上下级关系"),
        ("1321", "132", "是它的下级"),
        ("1", "1311", "更上一级"),
        ("13", "131", "规则 2B"),
        ("131", "1311", "不是本条的点评主体“天津检验检疫局党组”"),
        ("1", "13", "规则 1A 由“国家质检总局党组”点评，但对象是 国家委×党组"),
        ("13", "1321", "由“塘沽检验检疫局党组”点评"),
        ("13", "13", "不由“天津检验检疫局党组”直接领导"),
    ],
)
def test_an_organisation_is_told_why_it_is_not_the_one(period, cast, reviewer, target, says):
    answer = ask(period, cast.org[reviewer], cast.org[target])
    found = answer.verdict + text(answer)
    if reviewer == target:
        assert "不能点评自己" in found
        return
    assert says in found


def test_a_guidance_edge_is_no_affiliation(period, cast):
    stray = builders.make_org("16", "党委", "直属单位", cast.org["1"], guidance=True)
    answer = ask(period, cast.org["1"], stray)
    assert answer.verdict.startswith("不是")
    assert "没有规则点名" in text(answer)
    assert "指导关系" in text(answer)


def test_the_principle_takes_only_what_nobody_named(period, cast):
    organ = builders.make_org("14", "机关党委", "总局机关", cast.org["1"])
    branch = builders.make_org("141", "党支部", "总局机关", organ)
    duties.regenerate(period)
    answer = ask(period, organ, branch)
    assert "已由上面的规则点名" in text(answer) or answer.duties


def test_who_is_not_in_charge_learns_who_is(period, cast):
    answer = ask(period, cast.person["bureau_head"], cast.org["1311"])
    assert not answer.duties
    assert "由天津局分管成员承担：分管" in text(answer)


@pytest.mark.parametrize(
    ("reviewer", "target", "says"),
    [
        ("secretary", "secretary", "本人都不点评本人"),
        ("bureau_head", "member", "不是“天津局检务处党支部”的书记"),
        ("member", "lower_member", "不是“塘沽局综合党支部”的书记"),
        ("unit_head", "secretary", "不是“天津检验检疫局党组”的班子成员"),
        ("member_in_charge", "bureau_head", "不是“天津局检务处党支部”的书记"),
    ],
)
def test_a_person_is_told_why_not(period, cast, reviewer, target, says):
    answer = ask(period, cast.person[reviewer], cast.person[target])
    assert answer.verdict.startswith("不是")
    assert says in text(answer)


def test_who_heads_the_target_does_not_review_it(period, cast):
    answer = ask(period, cast.person["member_in_charge"], cast.org["131"])
    assert "不能点评自己和自己负责的组织" in text(answer)


def test_the_notice_names_the_secretary_in_person(period, cast):
    answer = ask(period, cast.person["unit_deputy"], cast.org["121"])
    assert "点名由书记本人点评" in text(answer)
    assert "信息中心书记" in text(answer)


def test_a_provincial_head_is_not_asked(period, cast):
    province = builders.make_org("14", "党组", "省级质监局", cast.org["1"], guidance=True)
    head = builders.make_head(province, cast.org["111"])
    duties.regenerate(period)
    assert "规则 5B 只点评组织" in text(ask(period, cast.org["1"], head))


def test_a_vacancy_a_transfer_and_a_lost_standing_are_named(period, cast):
    people.remove(cast.person["secretary"].posts.get(), on=day("2010-12-01"), by=None)
    people.transfer(cast.person["lower_member"], to=None, on=day("2010-12-01"), by=None)
    Person.objects.filter(pk=cast.person["office_secretary"].pk).update(status="suspended")
    cast.person["office_secretary"].refresh_from_db()
    duties.regenerate(period)
    assert "书记空缺" in text(ask(period, None, cast.person["member"]))
    assert "不在任何支部" in text(ask(period, None, cast.person["lower_member"]))
    assert "停止党籍" in text(ask(period, None, cast.person["office_secretary"]))


def test_a_vacant_post_takes_the_heads_duty_away_and_says_so(period, cast):
    assert "空缺" not in text(ask(period, None, cast.org["132"]))
    assert Duty.objects.filter(subject="head", about_org=cast.org["132"]).exists()
    people.remove(cast.person["lower_head"].posts.get(), on=day("2010-12-01"), by=None)
    duties.regenerate(period)
    answer = ask(period, None, cast.org["132"])
    assert "“塘沽检验检疫局党组”书记空缺，也没有人主持工作：规则 2A 对负责人的任务落空" in text(answer)
    assert "对组织的任务照旧" in text(answer)
    assert [duty.subject for duty in answer.duties] == ["org"]
    Rule.objects.filter(code="2A").update(targets_head=False)
    assert "规则 2A 只点评组织，不受影响" in text(ask(period, None, cast.org["132"]))


def test_off_young_and_yearly_are_named(cast):
    Rule.objects.filter(code="2A").update(is_on=False)
    Organization.objects.filter(code="1321").update(founded_on=day("2011-05-01"))
    duties.regenerate(duties.ensure_period("2011H1"), on=day("2011-06-01"))
    spring = Period.objects.get(code="2011H1")
    assert "规则 2A 本来点名" in text(ask(spring, cast.org["13"], cast.org["132"]))
    assert "不满 3 个月" in text(ask(spring, cast.org["132"], cast.org["1321"]))
    assert "每年一次" in text(ask(spring, cast.person["secretary"], cast.person["member"]))
    Scheme.objects.update(leaders_as_members=False)
    duties.regenerate(duties.ensure_period("2010H2"))
    winter = Period.objects.get(code="2010H2")
    assert "不在所在支部接受点评" in text(ask(winter, cast.person["secretary"], cast.person["bureau_head"]))


def test_a_leader_without_duties_is_told_why(period, cast):
    idle = builders.make_person("无分管", cast.org["1311"])
    builders.make_post(idle, cast.org["13"], "成员")
    duties.regenerate(period)
    assert "没有分管组织" in text(explaining.why_idle(idle, period))
    busy = explaining.why_idle(cast.person["secretary"], period)
    assert busy.duties
    assert not busy.lines
    assert "没有任职" in text(explaining.why_idle(cast.person["member"], period))


def test_every_pair_gets_an_answer_that_agrees_with_the_duties(period, cast):
    """All organisations and people of the cast with each other: the verdict is what is stored, with a reason."""
    things = [fresh(thing) for thing in (*cast.org.values(), *cast.person.values())]
    stored = Duty.objects.filter(period=period).exclude(status=DutyStatus.EXEMPT)
    for reviewer, target in itertools.product(things, things):
        of_target = {"target_org": target} if isinstance(target, Organization) else {"target_person": target}
        rows = stored.filter(**of_target)
        mine = rows.filter(reviewer_org=reviewer) if isinstance(reviewer, Organization) else rows.of_person(reviewer)
        answer = explaining.why_not(reviewer, target, period)
        assert answer.verdict.startswith("是") == mine.exists(), (reviewer, target)
        assert answer.lines or target == cast.org["1"], (reviewer, target)
        assert "None" not in text(answer)
        if rows.exists():
            assert any(line.reaches for line in answer.lines), (reviewer, target)


# --- the page -----------------------------------------------------------------------------------------------------------


def page(client, **query):
    return client.get(reverse("duty_why"), {"period": "2010H2", **query})


def test_the_page_takes_names_codes_and_keys(period, cast, as_user):
    clerk = as_user(cast.user["clerk"])
    for reviewer, target in [("13", "132"), ("天津检验检疫局党组", "塘沽检验检疫局党组"), ("org:13", "org:132")]:
        answer = page(clerk, reviewer=reviewer, target=target)
        assert answer.context["answer"].verdict.startswith("是：")
    again = page(clerk, reviewer=answer.context["boxes"][0].words, target=answer.context["boxes"][1].words)
    assert again.context["answer"].verdict.startswith("是：")


def test_several_names_are_offered_to_choose_from(period, cast, as_user):
    answer = page(as_user(cast.user["clerk"]), target="塘沽")
    assert "answer" not in answer.context
    assert len(answer.context["boxes"][1].candidates) > 1
    assert "target=org%3A132" in answer.content.decode()


def test_nobody_asks_about_whom_he_does_not_see(period, cast, as_user):
    member = as_user(cast.user["member"])
    assert page(member, target="person:N-secretary").context["boxes"][1].nothing
    assert page(member, target="org:132").context["boxes"][1].nothing
    own = page(member, target="person:N-member", reviewer="org:13")
    assert "检务处支部书记" in own.content.decode()
    guide = as_user(cast.user["root_clerk"])
    assert page(guide, target="org:1311").context["boxes"][1].nothing, "across the guidance edge"
