"""Forms of review and grades are the scheme's: offered, renamed, switched off; what was written keeps its words."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from orgs.errors import Forbidden
from orgs.models import AuditEvent, Scheme
from reports import analysis, splits
from reports.annexes import words
from reviews import assignments, draws, records, schemes, vocabulary, work_plans
from reviews.models import Assignment, Grade, GradeOf, OfferedForm, Record, Review
from reviews.vocabulary import Line
from tests import builders
from tests.builders import day
from tests.reviews.record_cases import full_draft, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
KNOWN = ["集中点评", "个别点评", "现场点评", "随机点评", "专题点评", "其他"]


@pytest.fixture
def cases(cast):
    return make_cases(cast)


@pytest.fixture
def scheme(db):
    return Scheme.objects.get(is_active=True)


def lines_of(rows):
    """The list as its page would send it back."""
    return [
        Line(row.name, row.order, row.is_on, row.pk, getattr(row, "of", ""), getattr(row, "most_percent", None))
        for row in rows
    ]


def change_forms(scheme, by, *more, names=None, off=()):
    """Rename by code, switch off by code, add at the end."""
    rows = list(scheme.forms.all())
    base = vocabulary.digest(rows)
    for row in rows:
        row.name = (names or {}).get(row.code, row.name)
        row.is_on = row.is_on and row.code not in off
    return vocabulary.change_forms(scheme, [*lines_of(rows), *more], base=base, reason="统一口径", by=by)


def add_grades(scheme, by=None):
    """As the general scheme ships them."""
    lines = [
        *(Line(name, at, of="organization") for at, name in enumerate(("好", "较好", "一般", "差"), 1)),
        Line("优秀", 1, of="member", most_percent=33),
        Line("合格", 2, of="member"),
    ]
    return vocabulary.change_grades(scheme, lines, base=vocabulary.digest([]), reason="年底评定", by=by)


# --- what ships -------------------------------------------------------------------------------------------------


def test_the_notice_offers_its_five_forms_and_no_grades(scheme):
    assert list(vocabulary.form_names().values()) == KNOWN
    assert not Grade.objects.exists()


def test_the_general_scheme_ships_a_form_of_its_own_and_grades(db):
    added = schemes.add("general", by=None)
    assert [form.name for form in added.forms.all()] == [*KNOWN[:5], "述职点评", "其他"]
    assert [grade.name for grade in added.grades.filter(of="member")] == ["优秀", "合格", "基本合格", "不合格"]
    assert list(added.grades.exclude(most_percent=None).values_list("name", "most_percent")) == [("优秀", 33)]


def test_what_was_there_before_is_given_its_names(cases, cast):
    """Migrated back and forth: forms offered, names beside the codes, in plans as well."""
    record = cases.confirmed()
    plan = work_plans.draft(cast.org["13"], period=cases.period, by=cast.user["clerk"])
    before = Review.objects.get().form_name, list(plan.form_names), list(plan.lines.values_list("form_name", flat=True))
    assert before[0]
    Review.objects.update(form_name="")
    type(plan).objects.update(form_names=[])
    plan.lines.update(form_name="")
    OfferedForm.objects.all().delete()
    module = __import__("reviews.migrations.0020_forms_and_grades_shipped", fromlist=["offer"])
    apps = MigrationExecutor(connection).loader.project_state(("reviews", "0020_forms_and_grades_shipped")).apps
    for step in (module.offer, module.name, module.offer, module.name):
        step(apps, None)
    plan.refresh_from_db()
    after = Review.objects.get().form_name, plan.form_names, list(plan.lines.values_list("form_name", flat=True))
    assert after == before
    assert list(vocabulary.form_names().values()) == KNOWN
    assert words.form(Record.objects.get(pk=record.pk).review).startswith(before[0])


# --- forms ------------------------------------------------------------------------------------------------------


def test_a_form_of_its_own_is_chosen_printed_and_counted(cases, cast, scheme):
    change_forms(scheme, cast.user["admin"], Line("视频点评", 7))
    assert vocabulary.form_names()["own-1"] == "视频点评"
    record = cases.confirmed(form="own-1", form_note="")
    assert words.form(record.review) == "视频点评"
    counted = {row.name: row.reviews for row in splits.by_form(cases.period, cast.org["1"])}
    assert counted == dict.fromkeys(KNOWN, 0) | {"视频点评": 1}


def test_renaming_and_switching_off_leave_what_was_written(cases, cast, scheme, as_user):
    record = cases.confirmed(form="on_site", form_note="")
    change_forms(scheme, cast.user["admin"], names={"meeting": "会议点评"}, off=["on_site"])
    assert words.form(Record.objects.get(pk=record.pk).review) == "现场点评"
    page = as_user(cast.user["secretary"]).get(reverse("record", args=[record.pk])).content.decode()
    assert "现场点评" in page
    rows = {row.name: row for row in splits.by_form(cases.period, cast.org["1"])}
    assert rows["现场点评"].reviews == 1
    assert rows["会议点评"].reviews == 0
    behind = reverse("coverage_behind", args=["1", "form", "on_site"])
    listed = as_user(cast.user["admin"]).get(behind, {"period": "2010H2"}).content.decode()
    assert "现场点评的点评" in listed


def test_what_is_switched_off_is_not_chosen_anew_but_stays_where_it_was(cases, cast, scheme, as_user):
    begun, user = cases.member_record(form="on_site"), cast.user["secretary"]
    change_forms(scheme, cast.user["admin"], off=["on_site"])
    again = records.save_draft(begun, full_draft(begun, form="on_site", place="改在会议室"), by=user)
    assert (again.review.form, again.review.form_name, again.review.place) == ("on_site", "现场点评", "改在会议室")
    other = records.open_draft(cases.of_branch(), by=cast.user["member_in_charge"])
    with pytest.raises(records.BadDraft, match="没有这种点评形式"):
        records.save_draft(other, full_draft(other, form="on_site"), by=cast.user["member_in_charge"])
    client = as_user(cast.user["member_in_charge"])
    page = client.get(reverse("record_edit", args=[other.pk])).content.decode()
    assert 'value="meeting"' in page
    assert 'value="on_site"' not in page
    assert 'value="on_site"' in as_user(user).get(reverse("record_edit", args=[begun.pk])).content.decode()


def test_assigning_and_drawing_take_only_what_is_offered(cases, cast, scheme):
    facts = {"period": cases.period, "acting": cast.person["bureau_head"], "due_on": day("2010-12-20")}
    change_forms(scheme, cast.user["admin"], off=["on_site", "random"])
    target = {"target_org": cast.org["132"], "about_org": cast.org["132"], "by": cast.user["clerk"]}
    with pytest.raises(assignments.AssignmentRefused, match="请选择点评形式"):
        assignments.assign(cast.org["13"], form="on_site", **facts, **target)
    assignments.assign(cast.org["13"], form="topical", topic="质量提升", **facts, **target)
    assert Assignment.objects.get().form_name == "专题点评"
    with pytest.raises(draws.DrawRefused, match="随机点评"):
        draws.define(
            cast.org["13"], frame=draws.Frame(), size=1, occasion="季度", by=cast.user["clerk"], **facts,
        )  # fmt: skip


def test_a_draw_that_was_committed_to_is_drawn_though_the_form_was_switched_off(cases, cast, scheme):
    draw = draws.define(
        cast.org["13"], frame=draws.Frame(), size=1, occasion="季度", by=cast.user["clerk"], period=cases.period,
        acting=cast.person["bureau_head"], due_on=day("2010-12-20"),
    )  # fmt: skip
    change_forms(scheme, cast.user["admin"], off=["random"])
    draws.run(draw, by=cast.user["clerk"])
    assert Assignment.objects.get().form_name == "随机点评"


def test_a_plan_keeps_the_names_it_was_written_with(cases, cast, scheme):
    cases.of_branch()
    clerk = cast.user["clerk"]
    plan = work_plans.draft(cast.org["13"], period=cases.period, by=clerk)
    assert plan.form_names == ["集中点评"]
    change_forms(scheme, cast.user["admin"], names={"meeting": "会议点评"}, off=["individual"])
    line = plan.lines.get()
    kept = work_plans.save(
        plan, texts={}, forms=["meeting", "individual"], combined=[],
        lines={line.pk: work_plans.PlanLine("meeting", None)}, by=clerk,
    )  # fmt: skip
    assert kept.form_names == ["会议点评"]  # as it is called on the day it is written; 个别点评 is no longer offered
    assert kept.lines.get().form_name == "集中点评"  # untouched
    with pytest.raises(work_plans.WorkPlanRefused, match="点评形式不对"):
        work_plans.save(
            plan, texts={}, forms=[], combined=[], by=clerk, lines={line.pk: work_plans.PlanLine("individual", None)}
        )


def test_names_may_change_places(cast, scheme):
    change_forms(scheme, cast.user["admin"], names={"meeting": "个别点评", "individual": "集中点评"})
    assert list(vocabulary.form_names().values())[:2] == ["个别点评", "集中点评"]
    event = AuditEvent.objects.filter(verb="修改点评形式").get()
    assert event.before["forms"].startswith("集中点评、个别点评")
    assert event.after["forms"].startswith("个别点评、集中点评")


@pytest.mark.parametrize(
    ("changes", "more", "said"),
    [
        ({"names": {"meeting": "个别点评"}}, [], "“个别点评”重复了"),
        ({"names": {"meeting": " "}}, [], "名称不能空白"),
        ({"names": {"meeting": "很" * 21}}, [], "太长"),
        ({"off": ["meeting", "individual", "on_site", "random", "topical", "other"]}, [], "至少启用一种"),
        ({}, [Line("别处的", pk=987654)], "不在这个方案里"),
        ({}, [Line("新的", order=1000)], "排序请填"),
        ({}, [Line(f"第{at}种", 9) for at in range(40)], "最多 40 行"),
    ],
)
def test_a_list_that_cannot_be_is_refused_and_nothing_is_written(cast, scheme, changes, more, said):
    before = list(scheme.forms.values_list())
    with pytest.raises(vocabulary.VocabularyRefused, match=said):
        change_forms(scheme, cast.user["admin"], *more, **changes)
    assert list(scheme.forms.values_list()) == before


def test_only_administrators_change_and_only_what_they_saw(cast, scheme):
    with pytest.raises(Forbidden):
        change_forms(scheme, cast.user["clerk"])
    rows = list(scheme.forms.all())
    seen = vocabulary.digest(rows)
    change_forms(scheme, cast.user["admin"], Line("视频点评", 7))
    with pytest.raises(vocabulary.VocabularyRefused, match="刚刚被别人改过"):
        vocabulary.change_forms(scheme, lines_of(rows), base=seen, reason="再改", by=cast.user["admin"])


# --- grades -----------------------------------------------------------------------------------------------------


def test_without_grades_nobody_is_asked_for_one(cases, cast, as_user):
    record, client = cases.member_record(), as_user(cast.user["secretary"])
    assert "评定等次" not in client.get(reverse("record_edit", args=[record.pk])).content.decode()
    with pytest.raises(records.BadDraft, match="没有这个等次"):
        records.save_draft(record, full_draft(record, grade="优秀"), by=cast.user["secretary"])
    assert [section.slug for section in _sections(cast, cases)].count("grades") == 0


def test_a_grade_is_given_kept_and_counted_once_for_each_target(cases, cast, scheme, as_user):
    add_grades(scheme)
    first = cases.confirmed(grade="合格", held_on=day("2010-11-01"))
    page = as_user(cast.user["secretary"]).get(reverse("record", args=[first.pk])).content.decode()
    assert "评定等次" in page
    again = builders.make_bare_record(
        cases.period,
        cast.org["1311"],
        of_person=cast.person["member"],
        about=cast.org["1311"],
        held_on=day("2010-12-01"),
    )
    Record.objects.filter(pk=again.pk).update(grade="优秀", kind="member")
    rows = [(row.of, row.name, row.count, row.is_too_many) for row in splits.by_grade(cases.period, cast.org["1"])]
    assert (GradeOf.MEMBER, "优秀", 1, True) in rows
    assert (GradeOf.MEMBER, "合格", 0, False) in rows
    assert (GradeOf.ORGANIZATION, "好", 0, False) in rows
    section = next(each for each in _sections(cast, cases) if each.slug == "grades")
    line = next(line for line in section.lines if line.name == "党员：优秀")
    assert line.cells == (1, "100%", "≤33%，超过")
    assert "检务处党员" in as_user(cast.user["admin"]).get(line.url).content.decode()
    records.void(Record.objects.get(pk=first.pk), reason="误录", by=cast.user["admin"])


def test_a_grade_is_of_its_kind_and_a_grade_taken_back_stays_written(cases, cast, scheme):
    add_grades(scheme)
    record = cases.branch_record()
    leader = cast.user["member_in_charge"]
    with pytest.raises(records.BadDraft, match="没有这个等次"):
        records.save_draft(record, full_draft(record, grade="优秀"), by=leader)
    record = records.save_draft(record, full_draft(record, grade="较好"), by=leader)
    rows = list(scheme.grades.all())
    lines = [Line(**{**vars(line), "is_on": line.name != "较好"}) for line in lines_of(rows)]
    vocabulary.change_grades(scheme, lines, base=vocabulary.digest(rows), reason="不再使用", by=cast.user["admin"])
    confirmed = records.confirm(record, by=leader)
    assert confirmed.grade == "较好"
    assert [(row.name, row.count) for row in splits.by_grade(cases.period, cast.org["1"]) if row.count] == [("较好", 1)]


def test_the_form_says_how_many_have_the_grade_already(cases, cast, scheme, as_user):
    add_grades(scheme)
    builders_record = builders.make_bare_record(
        cases.period,
        cast.org["1311"],
        of_person=cast.person["secretary"],
        about=cast.org["1311"],
        held_on=day("2010-12-01"),
    )
    Record.objects.filter(pk=builders_record.pk).update(grade="优秀", kind="member")
    record = records.open_draft(cases.of_member(), by=cast.user["secretary"])
    page = as_user(cast.user["secretary"]).get(reverse("record_edit", args=[record.pk])).content.decode()
    assert "“优秀”一般不超过 33%：本组织本期已评 1，其中“优秀” 1。" in page


@pytest.mark.parametrize(
    ("line", "said"),
    [(Line("优", of="nobody"), "请选择对象"), (Line("优", of="member", most_percent=100), "1 至 99")],
)
def test_a_grade_that_cannot_be_is_refused(scheme, line, said):
    with pytest.raises(vocabulary.VocabularyRefused, match=said):
        vocabulary.change_grades(scheme, [line], base=vocabulary.digest([]), reason="年底", by=None)
    assert not Grade.objects.exists()


def _sections(cast, cases):
    return analysis.sections(cast.user["admin"], cases.period, cast.org["1"], day("2010-12-10"))


# --- the pages --------------------------------------------------------------------------------------------------


def posted(client, url, **changes):
    """The page's form, sent back with some changes."""
    context = client.get(url).context
    data = {"base": context["form"]["base"].value(), "reason": "按上级通知"}
    for form in (context["lines"].management_form, *context["lines"]):
        data |= {field.html_name: field.value() for field in form if field.value() is not None}
    return client.post(url, data | changes)


def test_an_administrator_changes_forms_and_grades_on_their_pages(cast, scheme, as_user):
    client = as_user(cast.user["admin"])
    url = reverse("scheme_forms", args=[scheme.pk])
    spare = scheme.forms.count()
    answer = posted(
        client, url, **{"line-0-name": "会议点评", f"line-{spare}-name": "视频点评", f"line-{spare}-order": "7"}
    )
    assert answer.status_code == 302
    assert list(vocabulary.form_names(is_on=True).values()) == ["会议点评", *KNOWN[1:], "视频点评"]
    url = reverse("scheme_grades", args=[scheme.pk])
    posted(
        client, url, **{"line-0-name": "优秀", "line-0-of": "member", "line-0-most_percent": "33", "line-0-order": "1"}
    )
    assert [(grade.of, grade.name, grade.most_percent) for grade in scheme.grades.all()] == [("member", "优秀", 33)]
    page = client.get(reverse("schemes")).content.decode()
    assert "会议点评、个别点评" in page
    assert "党员 优秀" in page


def test_what_cannot_be_read_is_said_on_its_line_and_nothing_is_lost(cast, scheme, as_user):
    client, url = as_user(cast.user["admin"]), reverse("scheme_grades", args=[scheme.pk])
    answer = posted(client, url, **{"line-0-name": "优秀", "line-0-of": "member", "line-0-most_percent": "300"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "比例上限（%）：" in page
    assert 'value="优秀"' in page
    assert not Grade.objects.exists()
    for junk in ({}, {"line-TOTAL_FORMS": "9" * 30, "line-INITIAL_FORMS": "x"}, {"base": "\x00", "reason": "\x00"}):
        assert client.post(url, junk).status_code == 200


def test_others_find_no_such_page(cast, scheme, as_user):
    for name in ("scheme_forms", "scheme_grades"):
        assert as_user(cast.user["clerk"]).get(reverse(name, args=[scheme.pk])).status_code == 404
