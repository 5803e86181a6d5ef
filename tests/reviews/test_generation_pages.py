"""Pages of a generation: what the preview says is what is written; lines are listed, exported and set aside."""

import datetime
import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs import people
from orgs.models import AuditEvent, Scheme
from reviews import duties, generation, previewing, set_aside
from reviews.models import (
    Duty,
    Generation,
    GenerationJob,
    GenerationLine,
    GenerationState,
    Period,
    Rule,
    SetAside,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def admin(cast, as_user):
    return as_user(cast.user["admin"])


@pytest.fixture
def period(cast):
    return duties.ensure_period("2010H2")


@pytest.fixture
def generated(period):
    duties.regenerate(period)
    return Period.objects.get(pk=period.pk)


@pytest.fixture
def large(monkeypatch):
    """Large enough for the background, where nobody works until `generation.run` is called."""
    monkeypatch.setattr(generation, "AT_ONCE", 0)
    launched = []
    monkeypatch.setattr(generation.jobs, "launch", lambda task, command, pk: launched.append(pk))
    return launched


def previewed(admin, on="2010-12-10", code="2010H2"):
    answer = admin.post(reverse("period_generate", args=[code]), {"on": on})
    made = Generation.objects.latest("pk")
    assert answer["Location"] == reverse("generation", args=[made.pk])
    return made


def page(admin, name, pk, **params):
    answer = admin.get(reverse(name, args=[pk]), params)
    assert answer.status_code == 200
    return answer


def post(admin, name, pk, **data):
    return admin.post(reverse(name, args=[pk]), data, follow=True)


def away(cast, part="member"):
    people.transfer(cast.person[part], to=None, on=datetime.date(2010, 12, 1), by=None)


NAMES = ("generation", "generation_progress", "generation_lines", "generation_lines_file")
POSTS = ("generation_confirm", "generation_cancel")


@pytest.mark.parametrize("part", ["root_clerk", "clerk", "root_head", "secretary", "member", "stranger"])
def test_only_administrators_find_them(generated, cast, admin, as_user, part):
    Duty.objects.filter(rule_code="4").delete()
    made = previewed(admin)
    line = made.lines.first()
    kept = set_aside.set_aside(made.lines.last(), reason="病休", by=cast.user["admin"])
    client = as_user(cast.user[part])
    for name in (*NAMES, *POSTS):
        assert client.get(reverse(name, args=[made.pk])).status_code == 404, name
        answer = client.post(reverse(name, args=[made.pk]))
        assert answer.status_code == (405 if name == "generation_lines_file" else 404), (
            name
        )  # a list is never posted to
    assert client.post(reverse("line_set_aside", args=[line.pk]), {"reason": "病休"}).status_code == 404
    assert client.post(reverse("set_aside_withdraw", args=[kept.pk])).status_code == 404
    assert SetAside.objects.get() == kept
    made.refresh_from_db()
    assert made.state == GenerationState.PREVIEWED


def test_the_preview_says_what_generating_does_and_writes_no_duty(period, admin):
    made = previewed(admin)
    assert not Duty.objects.exists()
    assert Period.objects.get().derived_on is None
    answer = page(admin, "generation", made.pk)
    total = answer.context["total"]
    assert total.added == made.lines.filter(is_added=True).count() > 0
    assert "还没有写入" in answer.content.decode()
    done = post(admin, "generation_confirm", made.pk).content.decode()
    assert f"新增 {total.added}，撤回 0，保留 0" in done
    made.refresh_from_db()
    assert made.state == GenerationState.APPLIED
    assert made.done == made.foreseen
    assert Duty.objects.count() == total.added
    assert Period.objects.get().derived_on == datetime.date(2010, 12, 10)


def test_the_lines_are_exactly_the_duties_that_are_made(period, admin):
    made = previewed(admin)
    names = ("rule_code", "reviewer_org", "acting", "subject", "target_org", "target_person", "about_org")
    lines = set(made.lines.values_list(*names))
    generation.confirm(made, by=made.by)
    assert set(Duty.objects.values_list(*names)) == lines
    assert len(lines) == made.lines.count()


def test_generating_again_changes_nothing(generated, admin):
    before = set(Duty.objects.values_list("pk", flat=True))
    made = previewed(admin)
    assert "任务没有增减" in page(admin, "generation", made.pk).content.decode()
    post(admin, "generation_confirm", made.pk)
    assert set(Duty.objects.values_list("pk", flat=True)) == before


def test_the_day_decides_who_is_asked(period, cast, admin):
    away(cast)
    before, after = (previewed(admin, day).foreseen for day in ("2010-11-30", "2010-12-01"))
    assert generation.total(before).added == generation.total(after).added + 1


def test_without_a_day_it_is_today_kept_within_the_half_year(generated, admin, settings):
    settings.TODAY = "2011-02-01"
    admin.post(reverse("period_generate", args=["2010H2"]))
    assert Generation.objects.get().on == datetime.date(2010, 12, 31)


def test_a_refusal_is_said_and_nothing_is_written(period, admin):
    Scheme.objects.update(is_active=False)
    answer = admin.post(reverse("period_generate", args=["2010H2"]), follow=True)
    assert "没有启用的方案" in answer.content.decode()
    assert Generation.objects.get().state == GenerationState.REFUSED
    assert not Duty.objects.exists()


# --- lists --------------------------------------------------------------------------------------------------------


def test_the_lists_tell_who_by_whom_and_why(generated, cast, admin):
    Duty.objects.filter(rule_code="2B", reviewer_org=cast.org["13"]).delete()
    away(cast)
    Duty.objects.filter(rule_code="4", target_person=cast.person["member"]).delete()
    gone = Duty.objects.filter(rule_code="4", target_person=cast.person["lower_member"]).get()
    gone.pk = None
    gone.target_person = cast.person["member"]
    gone.save(force_insert=True)
    made = previewed(admin)
    added = page(admin, "generation_lines", made.pk, which="added", rule="2B")
    text = added.content.decode()
    assert "检务处党支部" in text
    assert "所领导的机关内设机构或直属单位的基层党组织" in text
    withdrawn = page(admin, "generation_lines", made.pk, which="withdrawn").content.decode()
    assert "检务处党员" in withdrawn
    assert "检务处党员已不在任何支部" in withdrawn
    assert "没有这样的变化" in page(admin, "generation_lines", made.pk, which="added", q="检务处党员").content.decode()
    found = page(admin, "generation_lines", made.pk, which="added", q="检务处").context["lines"]
    assert found
    assert all("检务处" in line.target + line.about + line.reviewer for line in found)


@pytest.mark.parametrize(
    "params", [{"which": "x"}, {"page": "-1"}, {"rule": "9" * 40}, {"q": "\x00"}, {"q": "%' OR 1=1"}]
)
def test_a_choice_that_is_none_is_no_error(generated, admin, params):
    made = previewed(admin)
    page(admin, "generation_lines", made.pk, **params)
    page(admin, "generation_lines_file", made.pk, **params)


def test_a_longer_list_asks_no_more(generated, cast, admin, django_assert_max_num_queries):
    Duty.objects.filter(rule_code="4").delete()
    few = previewed(admin)
    with django_assert_max_num_queries(40) as queries:
        page(admin, "generation_lines", few.pk)
        page(admin, "generation", few.pk)
    asked = len(queries)
    Duty.objects.all().delete()
    many = previewed(admin)
    assert many.lines.count() > 3 * GenerationLine.objects.filter(rule_code="4").count()
    with django_assert_max_num_queries(asked):
        page(admin, "generation_lines", many.pk)
        page(admin, "generation", many.pk)


def test_the_workbook_holds_the_list_as_it_is_shown(generated, cast, admin):
    Duty.objects.filter(rule_code="4").delete()
    made = previewed(admin)
    set_aside.set_aside(
        made.lines.get(target_person=cast.person["member"].pk), reason="长期病休", by=cast.user["admin"]
    )
    answer = page(admin, "generation_lines_file", made.pk, which="added", rule="4")
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert len(rows) == made.lines.count()
    (mine,) = [row for row in rows if row[5] == "检务处党员"]
    assert mine[:2] == ("新增", "4")
    assert mine[-1] == "长期病休"
    assert AuditEvent.objects.filter(verb="导出", by=cast.user["admin"]).exists()


def test_a_list_that_is_too_long_for_one_file_says_so(generated, admin, monkeypatch):
    Duty.objects.filter(rule_code="4").delete()
    made = previewed(admin)
    monkeypatch.setattr("orgs.list_files.MOST_AT_ONCE", 1)
    answer = admin.get(reverse("generation_lines_file", args=[made.pk]), follow=True)
    assert "后台生成" in answer.content.decode()


# --- 搁置 -----------------------------------------------------------------------------------------------------------


def test_a_new_line_that_is_set_aside_is_counted_kept_out_and_taken_back(generated, cast, admin):
    Duty.objects.filter(rule_code="4", target_person=cast.person["member"]).delete()
    made = previewed(admin)
    line = made.lines.get()
    answer = post(admin, "line_set_aside", line.pk, reason="长期病休", query="which=added&rule=4")
    assert "已搁置：检务处党员" in answer.content.decode()
    assert answer.context["wanted"]["rule"] == "4"
    assert previewing.total(previewing.rows(made)).added == 0
    assert previewing.total(previewing.rows(made)).aside == 1
    post(admin, "generation_confirm", made.pk)
    made.refresh_from_db()
    assert (generation.total(made.done).added, generation.total(made.done).aside) == (0, 1)
    assert not Duty.objects.filter(target_person=cast.person["member"], rule_code="4").exists()
    listed = page(admin, "generation_lines", made.pk, which="aside").content.decode()
    assert "长期病休" in listed
    assert "本期搁置了" in admin.get(reverse("period", args=["2010H2"])).content.decode()
    post(admin, "set_aside_withdraw", SetAside.objects.get().pk)
    again = previewed(admin)
    assert again.lines.get().target_person == cast.person["member"].pk
    post(admin, "generation_confirm", again.pk)
    assert Duty.objects.filter(target_person=cast.person["member"], rule_code="4").exists()


@pytest.mark.parametrize("reason", ["", "  ", "长" * 201])
def test_without_a_reason_nothing_is_set_aside(generated, admin, reason):
    Duty.objects.filter(rule_code="4").delete()
    made = previewed(admin)
    answer = post(admin, "line_set_aside", made.lines.first().pk, reason=reason)
    assert "请写明搁置的原因" in answer.content.decode()
    assert not SetAside.objects.exists()


def test_twice_is_once_and_after_the_generation_it_is_too_late(generated, admin):
    Duty.objects.filter(rule_code="4").delete()
    made = previewed(admin)
    first, last = made.lines.first(), made.lines.last()
    post(admin, "line_set_aside", first.pk, reason="病休")
    assert "已经搁置了" in post(admin, "line_set_aside", first.pk, reason="病休").content.decode()
    post(admin, "generation_confirm", made.pk)
    assert "不能再搁置" in post(admin, "line_set_aside", last.pk, reason="病休").content.decode()
    assert SetAside.objects.count() == 1


def test_an_organisation_whose_duties_are_set_aside_is_a_gap_with_the_reason(period, cast, admin):
    made = previewed(admin)
    org = cast.org["1311"]
    for line in made.lines.filter(target_org=org.pk):
        set_aside.set_aside(line, reason="正在筹建", by=cast.user["admin"])
    post(admin, "generation_confirm", made.pk)
    assert not Duty.objects.filter(target_org=org).exists()
    shown = admin.get(reverse("gaps"), {"period": "2010H2", "kind": "unreached"}).content.decode()
    assert org.name in shown
    assert "已搁置：正在筹建" in shown


def test_a_member_whose_duty_is_set_aside_is_a_gap_with_the_reason(period, cast, admin):
    made = previewed(admin)
    for line in made.lines.filter(target_person=cast.person["member"].pk):
        set_aside.set_aside(line, reason="长期病休", by=cast.user["admin"])
    post(admin, "generation_confirm", made.pk)
    shown = admin.get(reverse("gaps"), {"period": "2010H2", "kind": "unreached_people"}).content.decode()
    assert "检务处党员" in shown
    assert "已搁置：长期病休" in shown


# --- confirming, cancelling, one after the other ------------------------------------------------------------------


def test_a_preview_is_confirmed_once(period, admin):
    made = previewed(admin)
    post(admin, "generation_confirm", made.pk)
    events = AuditEvent.objects.filter(verb="生成任务").count()
    assert "不能再确认" in post(admin, "generation_confirm", made.pk).content.decode()
    assert AuditEvent.objects.filter(verb="生成任务").count() == events == 1


def test_what_changed_since_the_preview_is_written_as_it_is_now(period, cast, admin):
    made = previewed(admin)
    away(cast)
    post(admin, "generation_confirm", made.pk)
    made.refresh_from_db()
    assert generation.total(made.done).added == generation.total(made.foreseen).added - 1


def test_only_the_last_preview_can_be_confirmed(period, admin):
    first, second = previewed(admin), previewed(admin)
    assert "之后又有新的预览" in post(admin, "generation_confirm", first.pk).content.decode()
    assert not Duty.objects.exists()
    assert not first.lines.exists()
    post(admin, "generation_confirm", second.pk)
    assert Duty.objects.exists()


def test_a_cancelled_preview_writes_nothing_and_can_be_repeated(period, admin):
    made = previewed(admin)
    assert "没有写入任何内容" in post(admin, "generation_cancel", made.pk).content.decode()
    assert "不能再确认" in post(admin, "generation_confirm", made.pk).content.decode()
    assert not Duty.objects.exists()
    assert "重新预览" in page(admin, "generation", made.pk).content.decode()
    previewed(admin)


def test_a_deed_is_never_a_get(period, admin):
    made = previewed(admin)
    for name in POSTS:
        assert admin.get(reverse(name, args=[made.pk])).status_code == 405


# --- in the background ----------------------------------------------------------------------------------------------


def test_in_a_large_system_it_is_a_job_that_is_left_and_found_again(
    period, cast, admin, large, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        made = previewed(admin)
    assert large == [made.pk]
    waiting = page(admin, "generation", made.pk).content.decode()
    assert "排队中" in waiting
    assert "可以离开这个页面" in waiting
    assert reverse("generation", args=[made.pk]) in admin.get(reverse("period", args=["2010H2"])).content.decode()
    assert page(admin, "generation_progress", made.pk).templates[0].name == "reviews/_generation_progress.html"
    assert generation.run(made.pk)
    assert (
        admin.get(reverse("generation_progress", args=[made.pk]), headers={"HX-Request": "1"})["HX-Refresh"] == "true"
    )
    assert "还没有写入" in page(admin, "generation", made.pk).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        post(admin, "generation_confirm", made.pk)
    assert large == [made.pk] * 2
    assert "正在生成" in page(admin, "generation", made.pk).content.decode()
    assert not Duty.objects.exists()
    assert generation.run(made.pk)
    assert not generation.run(made.pk)
    made.refresh_from_db()
    assert made.done == made.foreseen
    assert Duty.objects.exists()


def test_a_second_one_leads_to_the_one_under_way(period, admin, large):
    made = previewed(admin)
    answer = admin.post(reverse("period_generate", args=["2010H2"]), follow=True)
    assert answer.request["PATH_INFO"] == reverse("generation", args=[made.pk])
    assert "请等它结束，或先取消" in answer.content.decode()
    assert Generation.objects.count() == 1


def test_what_was_cancelled_while_it_waited_is_not_done(period, admin, large):
    made = previewed(admin)
    post(admin, "generation_cancel", made.pk)
    assert not generation.run(made.pk)
    made.refresh_from_db()
    assert made.state == GenerationState.CANCELLED


def test_what_is_cancelled_while_it_runs_writes_nothing(period, cast, admin, large, monkeypatch):
    made = generation.start(period, by=cast.user["admin"], job=GenerationJob.WRITE)
    monkeypatch.setattr(generation, "ASKED", -1.0)
    said = generation._Watch.tick

    def cancelled_meanwhile(self, stage, number):
        Generation.objects.filter(pk=made.pk).update(state=GenerationState.CANCELLED, run="")
        said(self, stage, number)

    monkeypatch.setattr(generation._Watch, "tick", cancelled_meanwhile)
    assert generation.run(made.pk)
    assert not Duty.objects.exists()
    assert Period.objects.get().derived_on is None


def test_a_process_that_died_is_told_and_the_preview_can_be_repeated(period, admin, large, monkeypatch):
    made = previewed(admin)
    Generation.objects.filter(pk=made.pk).update(
        state=GenerationState.CHECKING, run="dead", touched_at=datetime.datetime(2010, 1, 1, tzinfo=datetime.UTC)
    )
    assert "处理的进程中断了" in page(admin, "generation", made.pk).content.decode()
    previewed(admin)


def test_writing_straight_away_takes_the_rules_as_they_are_by_then(generated, cast, large):
    made = generation.start(generated, by=cast.user["admin"], job=GenerationJob.WRITE)
    Rule.objects.filter(code="4").update(is_on=False)
    assert generation.run(made.pk)
    made.refresh_from_db()
    assert made.state == GenerationState.APPLIED
    assert not Duty.objects.filter(rule_code="4").exists()
