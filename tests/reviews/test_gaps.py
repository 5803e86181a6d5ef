"""The worklist of gaps: each kind is found, has its cure, and can be explained by the office that has it."""

from __future__ import annotations

import io
import re

import pytest
from django.db import IntegrityError, connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.http import urlencode
from openpyxl import load_workbook

from orgs import list_files, people, tree
from orgs.errors import Forbidden
from orgs.models import AuditEvent, Charge, Person
from reviews import duties, gap_filter, gaps
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
    """One alone: a list of one."""
    return gaps.accept(kind, [key], period=period, on=ON, reason=reason, by=by).done[0]


def test_an_explained_gap_counts_no_more_and_keeps_reason_and_author(vacancy, period, cast):
    before = gaps.unexplained(gaps.tallies(cast.user["clerk"], period, ON))
    gap = accept(vacancy, "1311", period, cast.user["clerk"])
    assert gaps.unexplained(gaps.tallies(cast.user["clerk"], period, ON)) == before - 1
    assert found("vacant", cast.user["clerk"], period) == set()
    assert found("vacant", cast.user["clerk"], period, accepted=True) == {"1311"}
    assert (gap.reason, gap.by) == ("正在物色人选", cast.user["clerk"])
    assert AuditEvent.objects.filter(verb="说明缺口", by=cast.user["clerk"]).count() == 1
    gaps.withdraw([gap.pk], by=cast.user["clerk"])
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
        gaps.withdraw([gap.pk], by=cast.user["root_clerk"])
    assert AcceptedGap.objects.count() == 1


# --- pages ---------------------------------------------------------------------------------------------------------------


def test_the_office_finds_mends_and_explains_in_the_browser(vacancy, period, cast, as_user):
    clerk = as_user(cast.user["clerk"])
    url = reverse("gaps")
    assert "未说明的缺口" in clerk.get(url).content.decode()
    listed = clerk.get(url, {"kind": "vacant"}).content.decode()
    assert reverse("post_add", args=["1311"]) in listed
    sent = {"key": "1311", "reason": "正在物色人选"}
    answer = clerk.post(f"{url}?kind=vacant", sent, follow=True)
    assert "已记下 1 条说明" in answer.content.decode()
    shown = clerk.get(url, {"kind": "vacant", "show": "accepted"}).content.decode()
    assert "正在物色人选" in shown
    gap = AcceptedGap.objects.get()
    told = clerk.post(f"{url}?kind=vacant&show=accepted", {"key": [gap.pk, 999_999]}, follow=True).content.decode()
    assert "已撤销 1 条说明" in told
    assert "另有 1 条先前已经撤销" in told
    assert not AcceptedGap.objects.exists()


def test_a_refusal_is_said_and_keeps_what_was_ticked_and_typed(vacancy, cast, as_user):
    clerk, url = as_user(cast.user["clerk"]), f"{reverse('gaps')}?kind=vacant"
    answer = clerk.post(url, {"key": "1311", "reason": ""})
    assert "请写明为什么" in answer.content.decode()
    assert re.search(r'value="1311"[^>]* checked', answer.content.decode())
    answer = clerk.post(url, {"reason": "长期<病休>"})
    assert "请先勾选" in answer.content.decode()
    assert 'value="长期&lt;病休&gt;"' in answer.content.decode()
    assert not AcceptedGap.objects.exists()


@pytest.mark.parametrize("sent", [{"key": ["x\x00", "13"], "reason": "\x00a"}, {"key": ["9" * 30, "-1", ""]}, {}])
@pytest.mark.parametrize("show", ["", "accepted"])
def test_the_page_bears_junk(vacancy, cast, as_user, sent, show):
    clerk = as_user(cast.user["clerk"])
    query = f"kind=vacant&show={show}&org=%00&category=x&q=%00%25_&page=x&period=%00"
    assert clerk.post(f"{reverse('gaps')}?{query}", sent).status_code == 200
    assert clerk.post(f"{reverse('gaps')}?kind=nothing", sent).status_code == 404
    assert clerk.get(f"{reverse('gaps_export')}?{query}").status_code == 200
    assert not AcceptedGap.objects.exists()


def test_every_kind_has_its_page_with_the_same_number_of_queries(period, cast, as_user, django_assert_max_num_queries):
    admin = as_user(cast.user["admin"])
    for kind in gaps.KINDS:
        with django_assert_max_num_queries(12):
            assert admin.get(reverse("gaps"), {"kind": kind.code}).status_code == 200


def test_before_anything_was_generated_the_page_says_so(cast, as_user):
    assert "还没有任务" in as_user(cast.user["clerk"]).get(reverse("gaps")).content.decode()


# --- several at once -----------------------------------------------------------------------------------------------------


@pytest.fixture
def idle(period, cast):
    """Three leaders of the bureau without any duty."""
    for number in ("N-i1", "N-i2", "N-i3"):
        builders.make_post(builders.make_person(f"闲{number}", cast.org["1311"], number=number), cast.org["13"], "成员")
    again(period)
    return gaps.BY_CODE["idle"]


def accept_many(kind, keys, period, by, reason="长期病休"):
    return gaps.accept(kind, keys, period=period, on=ON, reason=reason, by=by)


def test_many_are_explained_with_one_reason_and_a_trail_for_each(idle, period, cast):
    outcome = accept_many(idle, ["N-i1", "N-i2", "N-i1"], period, cast.user["clerk"])
    assert [gap.person.number for gap in outcome.done] == ["N-i1", "N-i2"]
    assert outcome.left_out == []
    assert found("idle", cast.user["clerk"], period, accepted=True) == {"N-i1", "N-i2"}
    events = AuditEvent.objects.filter(verb="说明缺口")
    assert {event.object_id for event in events} == {gap.pk for gap in outcome.done}
    assert {event.after["kind"] for event in events} == {idle.title}
    assert len(gaps.withdraw([gap.pk for gap in outcome.done], by=cast.user["clerk"])) == 2
    assert AuditEvent.objects.filter(verb="撤销缺口说明").count() == 2
    assert not AcceptedGap.objects.exists()


def test_what_was_mended_or_explained_meanwhile_is_named_and_left_out(idle, period, cast):
    accept_many(idle, ["N-i2"], period, cast.user["admin"], "已有的说明")
    builders.make_charge(Person.objects.get(number="N-i3"), cast.org["13"], cast.org["132"])
    again(period)
    outcome = accept_many(idle, ["N-i1", "N-i2", "N-i3", "N-stranger"], period, cast.user["clerk"])
    assert [gap.person.number for gap in outcome.done] == ["N-i1"]
    assert outcome.left_out == ["闲N-i2", "闲N-i3", "N-stranger"], "whom he does not see stays a number"
    assert AcceptedGap.objects.get(person__number="N-i2").reason == "已有的说明"


def test_all_or_nothing_is_explained(idle, period, cast, monkeypatch):
    def breaks(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(gaps.audit, "record", breaks)
    with pytest.raises(RuntimeError):
        accept_many(idle, ["N-i1", "N-i2"], period, cast.user["clerk"])
    assert not AcceptedGap.objects.exists()


def test_who_loses_a_race_looks_again(idle, period, cast, monkeypatch):
    tried = gaps._accept
    calls = []

    def beaten(kind, keys, *rest):
        calls.append(keys)
        if len(calls) == 1:
            accept_first = rest[:2]
            tried(kind, ["N-i1"], *accept_first, "别人先说明", cast.user["admin"])
            raise IntegrityError
        return tried(kind, keys, *rest)

    monkeypatch.setattr(gaps, "_accept", beaten)
    outcome = accept_many(idle, ["N-i1", "N-i2"], period, cast.user["clerk"])
    assert [gap.person.number for gap in outcome.done] == ["N-i2"]
    assert outcome.left_out == ["闲N-i1"]


def test_nobody_withdraws_what_is_not_his(idle, period, cast):
    gap = accept_many(idle, ["N-i1"], period, cast.user["clerk"]).done[0]
    for part in ("root_clerk", "stranger"):
        with pytest.raises(Forbidden):
            gaps.withdraw([gap.pk], by=cast.user[part])
    assert AcceptedGap.objects.count() == 1


def test_explaining_many_asks_as_often_as_explaining_one(idle, period, cast, django_assert_num_queries):
    assert found("idle", cast.user["clerk"], period)  # his seats are read
    with CaptureQueriesContext(connection) as one:
        accept_many(idle, ["N-i1"], period, cast.user["clerk"])
    with django_assert_num_queries(len(one)):
        accept_many(idle, ["N-i2", "N-i3"], period, cast.user["clerk"])


# --- asked for ----------------------------------------------------------------------------------------------------------


def keys_of(kind, period, user, **asked):
    return found(kind, user, period, only=gap_filter.asked(QueryDict(urlencode(asked)), user))


def test_gaps_are_narrowed_by_organisation_category_and_words(idle, period, cast):
    admin = cast.user["admin"]
    everybody = {"N-unit_deputy", "N-i1", "N-i2", "N-i3"}
    assert keys_of("idle", period, admin) == everybody
    assert keys_of("idle", period, admin, org="13") == {"N-i1", "N-i2", "N-i3"}
    assert keys_of("idle", period, admin, org=cast.org["13"].name) == {"N-i1", "N-i2", "N-i3"}
    assert keys_of("idle", period, admin, org="1") == everybody
    assert keys_of("idle", period, admin, category=cast.org["13"].category.name) == {"N-i1", "N-i2", "N-i3"}
    assert keys_of("idle", period, admin, q="闲N-i2") == {"N-i2"}
    assert keys_of("idle", period, admin, q="N-i") == {"N-i1", "N-i2", "N-i3"}
    assert keys_of("idle", period, admin, q="xiann") == {"N-i1", "N-i2", "N-i3"}
    assert keys_of("idle", period, admin, org="13", q="N-unit") == set()
    assert keys_of("idle", period, admin, org="没有的") == set()
    assert keys_of("uncharged", period, admin, org="132") == {"1321"}
    assert keys_of("uncharged", period, admin, q="131") == {"131"}


def test_a_member_without_a_branch_is_found_by_his_posts(period, cast):
    people.transfer(cast.person["lower_head"], to=None, on=day("2010-12-01"), by=None)
    assert keys_of("homeless", period, cast.user["admin"], org="13") == {"N-lower_head"}
    assert keys_of("homeless", period, cast.user["admin"], org="12") == set()


@pytest.mark.parametrize("kind", [kind.code for kind in gaps.KINDS])
def test_every_kind_is_narrowed(period, cast, kind):
    for asked in ({"org": "13"}, {"category": "分支机构"}, {"q": "天津"}, {"org": "13", "category": "x", "q": "tj"}):
        assert keys_of(kind, period, cast.user["admin"], **asked) <= keys_of(kind, period, cast.user["admin"])


def test_nobody_finds_by_an_organisation_that_he_does_not_see(idle, period, cast):
    assert gap_filter.asked(QueryDict("org=12"), cast.user["clerk"]).orgs == ()
    assert "找不到组织" in gap_filter.asked(QueryDict("org=12"), cast.user["clerk"]).refusal


def test_counts_links_and_explaining_keep_what_was_asked_for(idle, period, cast, as_user):
    admin, url = as_user(cast.user["admin"]), reverse("gaps")
    page = admin.get(url, {"org": "13"})
    counted = {tally.kind.code: tally.open for tally in page.context["tallies"]}
    assert counted["idle"] == 3
    assert "org=13&amp;kind=idle" in page.content.decode()
    answer = admin.post(f"{url}?kind=idle&org=13&q=N-i&page=1", {"key": ["N-i1", "N-i2"], "reason": "长期病休"})
    assert answer["Location"] == f"{url}?kind=idle&org=13&q=N-i&page=1"
    shown = admin.get(answer["Location"]).content.decode()
    assert "闲N-i3" in shown
    assert "闲N-i1" not in shown
    assert "N-unit_deputy" not in shown
    assert 'value="N-i"' in shown
    assert "找不到组织“没有的”" in admin.get(url, {"kind": "idle", "org": "没有的"}).content.decode()


def test_the_list_asks_as_often_for_many_as_for_few(idle, period, cast, as_user, django_assert_num_queries):
    admin, url = as_user(cast.user["admin"]), f"{reverse('gaps')}?kind=idle&org=13&q=N-"
    accept_many(idle, ["N-i1"], period, cast.user["admin"])
    admin.get(url)
    for show in ("", "&show=accepted"):
        with CaptureQueriesContext(connection) as few:
            admin.get(url + show)
        for number in range(12 if show else 8):
            key = f"N-m{show}{number}"
            builders.make_post(builders.make_person("多", cast.org["1311"], number=key), cast.org["13"], "成员")
        again(period)
        if show:
            accept_many(idle, [f"N-m{show}{number}" for number in range(12)], period, cast.user["admin"])
        with django_assert_num_queries(len(few)):
            admin.get(url + show)


# --- as a workbook -------------------------------------------------------------------------------------------------------


def book_of(answer):
    return load_workbook(io.BytesIO(b"".join(answer.streaming_content)))


def test_all_kinds_are_taken_away_a_sheet_for_each(idle, period, cast, as_user):
    accept_many(idle, ["N-i1"], period, cast.user["clerk"])
    book = book_of(as_user(cast.user["clerk"]).get(reverse("gaps_export")))
    assert book.sheetnames == [kind.title for kind in gaps.KINDS]
    rows = {row[1]: row for row in book[idle.title].iter_rows(min_row=2, values_only=True)}
    assert rows.keys() == {"N-i1", "N-i2", "N-i3"}
    assert rows["N-i2"][3:] == ("分管、指派、为什么", "未说明", None, None, None)
    assert rows["N-i1"][4:7] == ("已说明", "长期病休", cast.user["clerk"].display_name)
    assert rows["N-i1"][7].startswith("20")
    assert "N-unit_deputy" not in rows, "of another office"
    event = AuditEvent.objects.filter(verb="导出").latest("pk")
    assert event.by == cast.user["clerk"]


def test_one_kind_is_taken_away_as_it_is_shown(idle, period, cast, as_user):
    accept_many(idle, ["N-i1"], period, cast.user["clerk"])
    clerk, url = as_user(cast.user["clerk"]), reverse("gaps_export")

    def keys(query):
        (sheet,) = book_of(clerk.get(f"{url}?kind=idle&{query}")).worksheets
        return [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]

    assert keys("") == ["N-i2", "N-i3"]
    assert keys("q=N-i3") == ["N-i3"]
    assert keys("show=accepted") == ["N-i1"]


def test_too_long_a_list_is_offered_for_the_background(idle, cast, as_user, monkeypatch):
    monkeypatch.setattr(list_files, "MOST_AT_ONCE", 1)
    answer = as_user(cast.user["clerk"]).get(f"{reverse('gaps_export')}?kind=idle", follow=True)
    assert answer.redirect_chain[0][0].startswith(reverse("export_long"))
    assert f"{reverse('gaps')}?kind=idle" in answer.content.decode()


def test_a_text_like_a_formula_stays_a_text(idle, period, cast, as_user):
    Person.objects.filter(number="N-i1").update(name="=1+1")
    accept_many(idle, ["N-i1"], period, cast.user["clerk"], "=HYPERLINK(1)")
    book = book_of(as_user(cast.user["clerk"]).get(f"{reverse('gaps_export')}?kind=idle&show=accepted"))
    row = book[idle.title][2]
    assert [row[0].value, row[5].value] == ["=1+1", "=HYPERLINK(1)"]
    assert {cell.data_type for cell in row} <= {"s", "n"}
