"""The worklist of gaps: each kind is found, has its cure, and can be explained by the office that has it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs import people, tree
from orgs.errors import Forbidden
from orgs.models import AuditEvent, Charge, Person
from reviews import duties, gaps
from reviews.models import AcceptedGap, Duty, Period
from tests import builders
from tests.builders import day

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
ON = day("2010-12-10")


@pytest.fixture
def period(cast):
    duties.regenerate(duties.ensure_period("2010H2"))
    return Period.objects.get(code="2010H2")


def found(kind, user, period, **how):
    """What is on the list: codes and numbers."""
    rows = gaps.BY_CODE[kind].rows(user, period, ON, **how)
    return {entry.key for entry in gaps.entries(gaps.BY_CODE[kind], rows, period)}


def again(period):
    duties.regenerate(period)
    period.refresh_from_db()


def test_the_small_system_has_the_gaps_it_has(period, cast):
    open_ = {tally.kind.code: tally.open for tally in gaps.tallies(cast.user["admin"], period, ON) if tally.open}
    assert open_.keys() == {"idle", "uncharged"}
    assert found("uncharged", cast.user["admin"], period) == {"131", "1321"}
    assert found("idle", cast.user["admin"], period) == {"N-unit_deputy"}


def test_an_organisation_that_no_rule_reaches(period, cast):
    builders.make_org("16", "党委", "直属单位", cast.org["1"], guidance=True)
    builders.make_org("161", "党支部", "直属单位", cast.org["13"], guidance=True)
    assert found("unreached", cast.user["admin"], period) >= {"16", "161"}


def test_a_member_that_nobody_reviews(period, cast):
    Duty.objects.filter(target_person=cast.person["member"]).delete()
    assert "N-member" in found("unreached_people", cast.user["clerk"], period)


def test_a_vacant_post_leads_to_the_page_that_appoints_and_is_gone_after(period, cast):
    people.remove(cast.person["secretary"].posts.get(), on=day("2010-12-01"), by=None)
    again(period)
    assert found("vacant", cast.user["clerk"], period) == {"1311"}
    rows = gaps.BY_CODE["vacant"].rows(cast.user["clerk"], period, ON)
    entry = gaps.entries(gaps.BY_CODE["vacant"], rows, period)[0]
    assert entry.cures[0].url == reverse("post_add", args=["1311"])
    assert "项由书记本人点评的任务在等" in entry.note
    builders.make_post(cast.person["member"], cast.org["1311"], "书记", from_on=day("2010-12-02"))
    assert found("vacant", cast.user["clerk"], period) == set()


def test_a_team_without_another_member(period, cast):
    for part, code in [("bureau_head", "13"), ("member_in_charge", "13")]:
        people.remove(cast.person[part].posts.get(organization=cast.org[code]), on=day("2010-12-01"), by=None)
    again(period)
    assert "13" in found("unmanned", cast.user["clerk"], period)


def test_a_leader_without_any_duty(period, cast):
    idle = builders.make_person("无分管", cast.org["1311"], number="N-idle")
    builders.make_post(idle, cast.org["13"], "成员")
    again(period)
    assert "N-idle" in found("idle", cast.user["clerk"], period)
    builders.make_charge(idle, cast.org["13"], cast.org["132"])
    again(period)
    assert "N-idle" not in found("idle", cast.user["clerk"], period)


def test_an_organisation_in_nobodys_charge_leads_to_the_filled_form(period, cast, as_user):
    Charge.objects.all().delete()
    again(period)
    kind = gaps.BY_CODE["uncharged"]
    rows = kind.rows(cast.user["clerk"], period, ON)
    entry = next(entry for entry in gaps.entries(kind, rows, period) if entry.key == "1311")
    form = as_user(cast.user["clerk"]).get(entry.cures[0].url)
    assert 'value="1311"' in form.content.decode()
    builders.make_charge(cast.person["member_in_charge"], cast.org["13"], cast.org["1311"])
    again(period)
    assert "1311" not in found("uncharged", cast.user["clerk"], period)


def test_a_member_without_a_branch_and_one_who_is_none_any_more(period, cast):
    people.transfer(cast.person["lower_head"], to=None, on=day("2010-12-01"), by=None)
    people.transfer(cast.person["lower_member"], to=None, on=day("2010-12-01"), by=None)
    Person.objects.filter(pk=cast.person["lower_member"].pk).update(status="left")
    assert found("homeless", cast.user["admin"], period) == {"N-lower_head"}
    assert found("homeless", cast.user["clerk"], period) == {"N-lower_head"}, "he heads 塘沽局"
    assert found("homeless", cast.user["root_clerk"], period) == set()


def test_what_was_dissolved_without_a_review_is_told_but_no_gap(period, cast):
    for part in ("lower_head", "lower_secretary", "lower_member"):
        people.transfer(cast.person[part], to=cast.org["1311"], on=day("2010-12-01"), by=None)
    people.remove(cast.person["lower_secretary"].posts.get(), on=day("2010-12-01"), by=None)
    tree.dissolve(cast.org["1321"], on=day("2010-12-01"), by=None)
    again(period)
    assert found("dissolved", cast.user["clerk"], period) == {"1321"}
    tallies = gaps.tallies(cast.user["clerk"], period, ON)
    assert gaps.unexplained(tallies) == sum(tally.open for tally in tallies) - 1


def test_offices_have_their_own_and_not_beyond_a_guidance_edge(period, cast):
    people.remove(cast.person["secretary"].posts.get(), on=day("2010-12-01"), by=None)
    people.remove(cast.person["unit_secretary"].posts.get(), on=day("2010-12-01"), by=None)
    assert found("vacant", cast.user["clerk"], period) == {"1311"}
    assert found("vacant", cast.user["root_clerk"], period) == {"121"}
    assert found("vacant", cast.user["admin"], period) == {"1311", "121"}


# --- explaining ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def vacancy(period, cast):
    people.remove(cast.person["secretary"].posts.get(), on=day("2010-12-01"), by=None)
    again(period)
    return gaps.BY_CODE["vacant"]


def accept(kind, key, period, by, reason="正在物色人选"):
    return gaps.accept(kind, key, period=period, on=ON, reason=reason, by=by)


def test_an_explained_gap_counts_no_more_and_keeps_reason_and_author(vacancy, period, cast):
    before = gaps.unexplained(gaps.tallies(cast.user["clerk"], period, ON))
    gap = accept(vacancy, "1311", period, cast.user["clerk"])
    assert gaps.unexplained(gaps.tallies(cast.user["clerk"], period, ON)) == before - 1
    assert found("vacant", cast.user["clerk"], period) == set()
    assert found("vacant", cast.user["clerk"], period, accepted=True) == {"1311"}
    assert (gap.reason, gap.by) == ("正在物色人选", cast.user["clerk"])
    assert AuditEvent.objects.filter(verb="说明缺口", by=cast.user["clerk"]).count() == 1
    gaps.withdraw(gap, by=cast.user["clerk"])
    assert found("vacant", cast.user["clerk"], period) == {"1311"}


def test_a_gap_of_a_person_is_explained_too(period, cast):
    idle = builders.make_person("无分管", cast.org["1311"], number="N-idle")
    builders.make_post(idle, cast.org["13"], "成员")
    again(period)
    accept(gaps.BY_CODE["idle"], "N-idle", period, cast.user["clerk"], "长期病休")
    assert "N-idle" not in found("idle", cast.user["clerk"], period)


@pytest.mark.parametrize("reason", ["", "  ", "字" * 201])
def test_it_needs_a_reason(vacancy, period, cast, reason):
    with pytest.raises(gaps.GapRefused, match="写明"):
        accept(vacancy, "1311", period, cast.user["clerk"], reason)


def test_nobody_explains_what_is_not_his_or_no_gap(vacancy, period, cast):
    for key, part in [("1311", "root_clerk"), ("1311", "stranger"), ("132", "clerk"), ("x", "clerk")]:
        with pytest.raises(Forbidden):
            accept(vacancy, key, period, cast.user[part])
    gap = accept(vacancy, "1311", period, cast.user["clerk"])
    with pytest.raises(gaps.GapRefused, match="已经有说明"):
        accept(vacancy, "1311", period, cast.user["admin"])
    with pytest.raises(Forbidden):
        gaps.withdraw(gap, by=cast.user["root_clerk"])
    assert AcceptedGap.objects.count() == 1


# --- pages ---------------------------------------------------------------------------------------------------------------


def test_the_office_finds_mends_and_explains_in_the_browser(vacancy, period, cast, as_user):
    clerk = as_user(cast.user["clerk"])
    url = reverse("gaps")
    assert "未说明的缺口" in clerk.get(url).content.decode()
    listed = clerk.get(url, {"kind": "vacant"}).content.decode()
    assert reverse("post_add", args=["1311"]) in listed
    sent = {"period": "2010H2", "kind": "vacant", "key": "1311", "reason": "正在物色人选"}
    answer = clerk.post(reverse("gap_accept"), sent, follow=True)
    assert "已记下说明" in answer.content.decode()
    shown = clerk.get(url, {"kind": "vacant", "show": "accepted"}).content.decode()
    assert "正在物色人选" in shown
    gap = AcceptedGap.objects.get()
    clerk.post(reverse("gap_withdraw", args=[gap.pk]))
    assert not AcceptedGap.objects.exists()


def test_a_refusal_is_said(vacancy, cast, as_user):
    sent = {"period": "2010H2", "kind": "vacant", "key": "1311", "reason": ""}
    answer = as_user(cast.user["clerk"]).post(reverse("gap_accept"), sent, follow=True)
    assert "请写明为什么" in answer.content.decode()


def test_every_kind_has_its_page_with_the_same_number_of_queries(period, cast, as_user, django_assert_max_num_queries):
    admin = as_user(cast.user["admin"])
    for kind in gaps.KINDS:
        with django_assert_max_num_queries(12):
            assert admin.get(reverse("gaps"), {"kind": kind.code}).status_code == 200


def test_before_anything_was_generated_the_page_says_so(cast, as_user):
    assert "还没有任务" in as_user(cast.user["clerk"]).get(reverse("gaps")).content.decode()
