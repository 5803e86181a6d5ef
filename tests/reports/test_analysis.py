"""The analysis of a subtree: each figure beside a count by hand, for whoever may see it, with a fixed number of queries."""

import datetime
import io

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from orgs import clock
from orgs.models import AuditEvent, Scheme
from reports import analysis, coverage, exemptions, five, quality, splits
from reports.coverage import Figure
from reviews import coverage as targets
from reviews import duties
from reviews.models import (
    CoverageTarget,
    Duty,
    DutyStatus,
    Grade,
    ItemState,
    Measure,
    Record,
    RectificationItem,
    WorkPlan,
)
from tests.builders import day, make_bare_record, make_org, make_period, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    period = make_period("2010H2")
    duties.regenerate(period, on=day("2010-12-10"))
    return period


def confirmed(period, at, *, entered="2010-12-01", form="meeting", **facts):
    record = make_bare_record(period, at, **facts)
    record.review.form = form
    record.review.save()
    record.confirmed_at = timezone.make_aware(datetime.datetime.fromisoformat(f"{entered}T23:59:00"))
    record.save()
    with transaction.atomic():
        targets.confirmed(record)
    return record


def section(user, period, org, slug):
    return next(each for each in analysis.sections(user, period, org, clock.today()) if each.slug == slug)


def lines(found):
    return {line.name: line.cells for line in found.lines}


# --- exemptions -------------------------------------------------------------------------------------------------


def test_a_target_is_exempt_when_all_its_duties_are_and_it_is_not_done(cast, period):
    root, member = cast.org["1"], cast.person["member"]
    assert not any(exemptions.exempt(period, root, each).exists() for each in Measure)
    of_member = list(Duty.objects.filter(period=period, target_person=member))
    assert of_member
    for duty in of_member:
        duties.exempt(duty, reason="长期病休", approved_by="天津局书记", by=cast.user["admin"])
    branch = cast.org["1311"]
    orgs = [root, cast.org["13"], branch, cast.org["12"]]
    found = exemptions.counts(period, root, orgs)
    assert [found[org.pk][Measure.MEMBERS] for org in orgs] == [1, 1, 1, 0]
    assert lines(section(cast.user["admin"], period, branch, "measures"))["被点评的党员"] == (4, 0, 0, 0, 1, "0%", "0%")
    duties.resume(Duty.objects.get(pk=of_member[0].pk), by=cast.user["admin"])
    assert not any(exemptions.exempt(period, root, each).exists() for each in Measure)
    duties.exempt(Duty.objects.get(pk=of_member[0].pk), reason="病休", approved_by="书记", by=cast.user["admin"])
    confirmed(period, branch, of_person=member, about=branch)
    assert not any(exemptions.exempt(period, root, each).exists() for each in Measure)


def test_exempt_counts_are_those_of_a_count_one_by_one(cast, period):
    leader = CoverageTarget.objects.filter(period=period, measure=Measure.LEADERS).latest("pk").person
    of_leader = set(Duty.objects.filter(period=period).of_person(leader))
    assert of_leader
    for duty in of_leader | set(Duty.objects.filter(period=period).order_by("pk")[::2]):
        duties.exempt(duty, reason="病休", approved_by="书记", by=cast.user["admin"])

    def is_exempt(target):
        of = Duty.objects.filter(period=period)
        if target.measure == Measure.ORGANIZATIONS:
            own = of.filter(target_org=target.organization)
        elif target.measure == Measure.MEMBERS:
            own = of.filter(target_person=target.person)
        else:
            own = of.of_person(target.person)
        states = set(own.values_list("status", flat=True))
        return target.done_on is None and states == {DutyStatus.EXEMPT}

    for measure in Measure:
        every = CoverageTarget.objects.filter(period=period, measure=measure)
        right = {target.pk for target in every if is_exempt(target)}
        assert right, measure
        assert set(exemptions.exempt(period, cast.org["1"], measure).values_list("pk", flat=True)) == right


def test_exempt_duties_are_listed_with_reason_and_approver(cast, period, as_user):
    duty = Duty.objects.filter(period=period, target_person=cast.person["member"]).first()
    duties.exempt(duty, reason="长期病休", approved_by="王书记", by=cast.user["admin"])
    url = reverse("coverage_exempt", args=["13"])
    text = as_user(cast.user["clerk"]).get(url).content.decode()
    assert "长期病休" in text
    assert "王书记" in text
    assert "长期病休" not in as_user(cast.user["root_clerk"]).get(url).content.decode()  # not across the guidance edge


# --- on time, by rule, form, category, window ------------------------------------------------------------------------


def test_a_review_entered_after_the_period_counts_in_it_and_is_marked_late(cast, period, settings):
    branch = cast.org["1311"]
    confirmed(period, branch, of_person=cast.person["member"], about=branch, entered="2010-12-31")
    confirmed(period, branch, of_person=cast.person["secretary"], about=branch, entered="2011-01-01")
    after = day("2011-01-10")
    assert splits.late(period, branch, day("2010-12-31"))[Measure.MEMBERS] == 0
    assert splits.late(period, branch, after)[Measure.MEMBERS] == 1
    figure = coverage.totals(period, [branch])[branch.pk][Measure.MEMBERS]
    assert (figure.due, figure.done) == (4, 2)
    confirmed(period, branch, of_person=cast.person["secretary"], about=branch, entered="2010-12-30")
    assert splits.late(period, branch, after)[Measure.MEMBERS] == 0


def test_duties_by_rule_add_up_and_know_what_was_late(cast, period):
    branch, member = cast.org["1311"], cast.person["member"]
    duty = Duty.objects.get(period=period, rule_code="4", target_person=member)
    record = confirmed(period, branch, of_person=member, about=branch, held_on=day("2010-12-01"))
    record.duties.add(duty)
    Duty.objects.filter(pk=duty.pk).update(status=DutyStatus.DONE, due_on=day("2010-11-30"))
    rows = {row.code: row for row in splits.by_rule(period, cast.org["1"], day("2010-12-10"))}
    assert sum(row.total for row in rows.values()) == Duty.objects.filter(period=period).count()
    assert (rows["4"].done, rows["4"].late) == (1, 1)
    Duty.objects.filter(pk=duty.pk).update(due_on=day("2010-12-01"))
    again = {row.code: row for row in splits.by_rule(period, cast.org["1"], day("2010-12-10"))}
    assert (again["4"].done, again["4"].late) == (1, 0)
    assert again["4"].overdue == 0
    late = {row.code: row for row in splits.by_rule(period, cast.org["1"], day("2011-01-01"))}
    assert late["4"].overdue == late["4"].total - 1


def test_forms_categories_and_windows_add_up_to_the_totals(cast, period):
    branch = cast.org["1311"]
    confirmed(period, branch, of_person=cast.person["member"], about=branch, form="on_site")
    confirmed(period, cast.org["13"], of_org=branch, form="")
    forms = {row.name: (row.reviews, row.orgs, row.persons) for row in splits.by_form(period, cast.org["1"])}
    assert forms["现场点评"] == (1, 0, 1)
    assert forms["（未写形式）"] == (1, 1, 0)
    total = coverage.totals(period, [cast.org["1"]])[cast.org["1"].pk]
    for rows in (splits.by_category(period, cast.org["1"]), splits.by_window(period, cast.org["1"])):
        assert coverage.added(figures for _, figures in rows) == total
    assert [name for name, _ in splits.by_window(period, cast.org["1"])] == ["窗口单位", "其他单位"]
    window = dict(splits.by_window(period, cast.org["1"]))["窗口单位"]
    assert (window[Measure.ORGANIZATIONS].due, window[Measure.ORGANIZATIONS].done) == (1, 1)


# --- rectification, quality, 五有 ---------------------------------------------------------------------------------


def test_rectification_counts_open_overdue_closed_and_how_long(cast, period):
    branch = cast.org["1311"]
    record = confirmed(period, branch, of_person=cast.person["member"], about=branch, held_on=day("2010-11-01"))
    facts = [
        (ItemState.IN_PROGRESS, day("2010-12-01"), None),
        (ItemState.TO_PLAN, day("2010-12-20"), None),
        (ItemState.CLOSED, None, day("2010-11-11")),
        (ItemState.CLOSED, None, day("2010-11-21")),
        (ItemState.CANCELLED, None, None),
        (ItemState.NOTED, None, None),
    ]
    for order, (state, due_on, closed_on) in enumerate(facts):
        RectificationItem.objects.create(
            record=record, order=order, text="问题", state=state, due_on=due_on, closed_on=closed_on
        )
    found = quality.rectified(period, cast.org["13"], day("2010-12-10"))
    assert found == quality.Rectified(open=2, overdue=1, closed=2, cancelled=1, days=15.0)
    assert quality.rectified(period, cast.org["12"], day("2010-12-10")) == quality.Rectified()


def test_copies_holes_and_reviews_without_problems_are_found(cast, period, as_user):
    branch = cast.org["1311"]
    for part, text in (("member", "很好"), ("secretary", "很好"), ("bureau_head", "不同")):
        record = confirmed(period, branch, of_person=cast.person[part], about=branch)
        record.achievements, record.directions = text, "继续努力"
        record.save()
    RectificationItem.objects.create(record=record, order=1, text="问题")
    counts = {fault: quality.faulty(period, branch, fault).count() for fault in quality.FAULTS}
    assert counts == {"copies": 2, "holes": 3, "no_problems": 2}
    names = as_user(cast.user["clerk"]).get(reverse("coverage_quality", args=["13", "copies"])).content.decode()
    assert "检务处党员" in names
    guiding = as_user(cast.user["root_clerk"]).get(reverse("coverage_quality", args=["13", "copies"])).content.decode()
    assert "检务处党员" not in guiding
    assert "另有 2 份" in guiding


def test_the_five_say_what_is_not_recorded(cast, period):
    def states():
        return [(light.name, light.state) for light in five.lights(period, cast.org["12"])]

    assert states() == [
        ("有计划", "没有"), ("有组织", "没有"), ("有记录", "没有"), ("有检查", "未登记"), ("有评定", "未登记"),
    ]  # fmt: skip
    WorkPlan.objects.create(organization=cast.org["12"], period=period, state="in_force", leadership="领导小组")
    WorkPlan.objects.create(organization=cast.org["121"], period=period, state="in_force")
    assert states()[:2] == [("有计划", "达到"), ("有组织", "部分")]


def test_where_the_scheme_offers_grades_the_fifth_is_who_was_graded(cast, period):
    def fifth(code="1311"):
        return five.lights(period, cast.org[code])[-1]

    assert (fifth().state, fifth().figure) == ("未登记", None)
    assert "没有设评定等次" in fifth().what
    scheme, member = Scheme.objects.get(is_active=True), cast.person["member"]
    Grade.objects.create(scheme=scheme, of="member", name="合格", order=1)
    due = {
        duty.target_person_id
        for duty in Duty.objects.filter(
            period=period, about_org=cast.org["1311"], subject__in=["member", "team_member"]
        )
    }
    assert member.pk in due
    assert (fifth().state, fifth().figure) == ("没有", Figure(len(due), 0))
    for _ in range(2):  # each target once
        record = confirmed(period, cast.org["1311"], of_person=member, about=cast.org["1311"])
        Record.objects.filter(pk=record.pk).update(grade="合格")
    assert fifth().figure == Figure(len(due), 1)
    assert fifth("132").figure.done == 0
    assert "党员" in fifth().what
    assert "党组织" not in fifth().what
    Grade.objects.create(scheme=scheme, of="organization", name="好", order=1)
    assert fifth().figure == Figure(len(due) + 1, 1)
    of_branch = confirmed(period, cast.org["13"], of_org=cast.org["1311"])
    Record.objects.filter(pk=of_branch.pk).update(grade="好")
    assert fifth().figure == Figure(len(due) + 1, 2)
    page = section(cast.user["admin"], period, cast.org["1311"], "five")
    assert lines(page)["有评定"][1:3] == (len(due) + 1, 2)


def test_what_was_held_before_the_period_is_no_pace(cast, period):
    """A yearly review of May counts in the second half-year; on 3 July nothing follows from it."""
    confirmed(period, cast.org["1"], of_org=cast.org["12"])
    done = CoverageTarget.objects.filter(period=period, measure=Measure.ORGANIZATIONS, done_on__isnull=False)
    assert done.update(done_on=day("2010-05-10")) == 1
    found = next(
        each
        for each in analysis.sections(cast.user["admin"], period, cast.org["1"], day("2010-07-03"))
        if each.slug == "pace"
    )
    due, *_ = lines(found)["被点评的党组织"]
    assert lines(found)["被点评的党组织"][1:5] == (1, 2, "落后", 1)
    assert due == 9
    assert "2010-07-01 以前已完成的" in found.note
    assert "被点评的党组织 1" in found.note


# --- before and beside -------------------------------------------------------------------------------------------


def test_the_half_year_before_stands_beside_this_one(cast, period):
    assert "没有更早" in section(cast.user["admin"], period, cast.org["12"], "before").note
    before = make_period("2010H1")
    with transaction.atomic():
        targets.sync(before, day("2010-06-10"))
    confirmed(before, cast.org["1"], of_org=cast.org["121"], entered="2010-06-01")
    found = lines(section(cast.user["admin"], period, cast.org["12"], "before"))
    assert found["被点评的党组织"] == (2, 1, "50%", 2, 0, "0%", -50.0)


def test_siblings_are_ranked_and_equals_share_a_place(cast, period):
    make_org("14", "党委", "直属挂靠单位", cast.org["1"], name="标准中心党委")
    cast.org["1"].refresh_from_db()
    with transaction.atomic():
        targets.sync(period, day("2010-12-10"))
    confirmed(period, cast.org["1"], of_org=cast.org["12"])
    found = analysis.siblings(cast.user["admin"], period, cast.org["12"], Measure.ORGANIZATIONS)
    assert [(line.name, line.cells[0]) for line in found.lines] == [
        ("信息中心党委（本单位）", 1),
        ("总局直属机关党委", 2),
        ("天津检验检疫局党组", 2),
        ("标准中心党委", 2),
    ]
    assert analysis.siblings(cast.user["clerk"], period, cast.org["13"], Measure.MEMBERS) is None


def test_the_place_is_among_all_siblings_also_those_out_of_sight(cast, period):
    """In charge of one of three, he reads the second place of three, not the first of one; the others stay unnamed."""
    for code in ("133", "134"):
        make_org(code, "党支部", "分支机构", cast.org["13"], name=f"分支{code}")
        cast.org["13"].refresh_from_db()
    with transaction.atomic():
        targets.sync(period, day("2010-12-10"))
    confirmed(period, cast.org["13"], of_org=cast.org["132"])
    user = cast.user["member_in_charge"]
    found = analysis.siblings(user, period, cast.org["131"], Measure.ORGANIZATIONS)
    assert [(line.name, line.cells[0]) for line in found.lines] == [("天津局机关党委（本单位）", 2)]
    assert "在全部 4 个下级中的，这里列出您可以查看的 1 个" in found.note
    assert "塘沽" not in str(found)
    whole = analysis.siblings(cast.user["clerk"], period, cast.org["131"], Measure.ORGANIZATIONS)
    assert [line.cells[0] for line in whole.lines] == [1, 2, 2, 2]
    assert "全部" not in whole.note


# --- page and file ------------------------------------------------------------------------------------------------


def test_page_and_workbook_show_the_same_numbers(cast, period, as_user):
    confirmed(period, cast.org["131"], of_person=cast.person["member"], about=cast.org["1311"])
    client = as_user(cast.user["clerk"])
    page = client.get(reverse("coverage_details", args=["13"]) + "?rank=members")
    assert page.status_code == 200
    book = load_workbook(io.BytesIO(b"".join(client.get(reverse("coverage_details_file", args=["13"])))))
    assert book.sheetnames == [each.title for each in page.context["sections"]]
    for each in page.context["sections"]:
        stored = [list(row) for row in book[each.title].iter_rows(values_only=True)]
        assert stored == [list(each.columns), *([line.name, *line.cells] for line in each.lines)]
    assert AuditEvent.objects.filter(verb="导出", summary__contains="统计分析").count() == 1


def test_the_number_of_queries_does_not_grow(cast, period, as_user):
    client = as_user(cast.user["root_clerk"])

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert client.get(reverse("coverage_details", args=["1"]) + "?rank=members").status_code == 200
        return len(found)

    queries()
    before = queries()
    for number in range(15):
        org = make_org(f"12{number:02}", "党支部", "直属挂靠单位内设", cast.org["12"])
        make_person("", org)
    duties.regenerate(period, on=day("2010-12-10"))
    for target in CoverageTarget.objects.filter(measure=Measure.MEMBERS, period=period):
        confirmed(period, cast.org["1"], of_person=target.person, about=target.organization, form="random")
    assert queries() == before


@pytest.mark.parametrize("query", ["?rank=junk", "?period=1999H1"])
def test_junk_is_not_found(cast, period, as_user, query):
    assert as_user(cast.user["clerk"]).get(reverse("coverage_details", args=["13"]) + query).status_code == 404


def test_without_a_period_the_page_says_so(cast, as_user):
    answer = as_user(cast.user["clerk"]).get(reverse("coverage_details", args=["13"]))
    assert "还没有点评期" in answer.content.decode()
