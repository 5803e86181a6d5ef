"""Work plans from draft to close, and what stands on them."""

from __future__ import annotations

import pytest
from django.urls import reverse
from icalendar import Calendar

from orgs.errors import Forbidden
from reviews import calendars, planned_days, work_plans
from reviews.models import WorkPlan
from reviews.work_plans import WorkPlanRefused
from tests.builders import day
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
TEXTS = {"basis": "通知", "leadership": "组长：书记"}


@pytest.fixture
def cases(cast):
    return make_cases(cast)


def drafted(cases):
    cases.of_branch()
    return work_plans.draft(cases.cast.org["13"], period=cases.period, by=cases.cast.user["clerk"])


def saved(cases, on="2010-12-15"):
    plan = drafted(cases)
    lines = {line.pk: work_plans.PlanLine(line.form, day(on)) for line in plan.lines.all()}
    return work_plans.save(
        plan, texts=TEXTS, forms=["meeting"], combined=["summary"], lines=lines, by=cases.cast.user["clerk"]
    )


def in_force(cases):
    clerk = cases.cast.user["clerk"]
    plan = work_plans.submit(saved(cases), by=clerk)
    plan = work_plans.approve(plan, by=cases.cast.user["bureau_head"])
    return work_plans.issue(plan, by=clerk)


def test_it_begins_with_the_duties_and_twice_gives_the_same(cases):
    plan = drafted(cases)
    assert list(plan.lines.values_list("target_name", "reviewer_name", "is_added")) == [
        ("天津局检务处党支部", "天津局分管成员", False)
    ]
    assert work_plans.draft(plan.organization, period=plan.period, by=cases.cast.user["clerk"]) == plan


def test_each_reviewers_days_are_spread_over_the_working_days_left(cases):
    lines = drafted(cases).lines.all()
    assert [line.planned_on for line in lines] == [day("2010-12-10")]  # today, a Friday
    days = planned_days.working_days(day("2010-12-10"), day("2010-12-31"))
    assert (days[0], days[1], days[-1], len(days)) == (day("2010-12-10"), day("2010-12-13"), day("2010-12-31"), 16)
    found = planned_days.spread(40, days)
    assert found == sorted(found)
    assert max(found.count(each) for each in days) == 3  # 40 reviews on 16 days
    assert planned_days.spread(2, []) == [None, None]


def test_it_is_submitted_whole_and_approved_by_the_head_only(cases):
    cast, plan = cases.cast, drafted(cases)
    with pytest.raises(WorkPlanRefused, match="组织领导"):
        work_plans.submit(plan, by=cast.user["clerk"])
    with pytest.raises(WorkPlanRefused, match="之间"):
        work_plans.save(
            plan, texts=TEXTS, forms=[], combined=[], lines={}, rest_on=day("2011-01-15"), by=cast.user["clerk"]
        )
    bare = {line.pk: work_plans.PlanLine(line.form, None) for line in plan.lines.all()}
    plan = work_plans.save(plan, texts=TEXTS, forms=["meeting"], combined=[], lines=bare, by=cast.user["clerk"])
    with pytest.raises(WorkPlanRefused, match="没有计划日期"):
        work_plans.submit(plan, by=cast.user["clerk"])


def test_filed_by_the_superior_and_seen_on_the_duty_and_in_the_calendar(cases, as_user):
    cast, plan = cases.cast, in_force(cases)
    for who in ("clerk", "bureau_head"):
        with pytest.raises(WorkPlanRefused):
            work_plans.file(plan, by=cast.user[who])
    with pytest.raises(Forbidden):
        work_plans.file(plan, by=cast.user["stranger"])
    plan = work_plans.file(plan, by=cast.user["root_clerk"])
    assert plan.filed_on == day("2010-12-10")
    person = cast.person["member_in_charge"]
    events = Calendar.from_ical(calendars.of(person, lambda duty: f"http://x/{duty.pk}")).walk("VEVENT")
    assert {(str(event["SUMMARY"]), event.decoded("DTSTART")) for event in events} == {
        ("点评截止：天津局检务处党支部", day("2010-12-31")),
        ("点评计划：天津局检务处党支部", day("2010-12-15")),
    }
    assert all(event.walk("VALARM") for event in events)
    assert "计划 12月15日" in as_user(cast.user["member_in_charge"]).get(reverse("my_duties")).content.decode()


def test_its_author_does_not_approve_it_where_somebody_else_could_have_submitted(cases):
    head = cases.cast.user["bureau_head"]
    plan = work_plans.submit(saved(cases), by=head)
    with pytest.raises(WorkPlanRefused, match="自己提交"):
        work_plans.approve(plan, by=head)
    plan = work_plans.send_back(plan, reason="由联络员提交", by=head)
    plan = work_plans.submit(plan, by=cases.cast.user["clerk"])
    assert work_plans.approve(plan, by=head).approver_name == "天津局书记"


def test_a_new_version_replaces_the_old_one_when_it_is_issued(cases):
    cast, old = cases.cast, in_force(cases)
    clerk = cast.user["clerk"]
    gone = old.lines.get().duty
    cases.duty("1B", "13", "bureau_head", org="132")
    new = work_plans.adjust(old, by=clerk)
    assert work_plans.adjust(old, by=clerk) == new
    assert list(new.lines.values_list("target_name", "is_added")) == [
        ("天津局检务处党支部", False),
        ("塘沽检验检疫局党组", True),
    ]
    gone.delete()
    assert new.lines.first().is_withdrawn
    work_plans.save(new, texts=TEXTS, forms=["meeting"], combined=[], lines={}, rest_on=day("2010-12-20"), by=clerk)
    new = work_plans.submit(new, by=clerk)
    work_plans.issue(work_plans.approve(new, by=cast.user["bureau_head"]), by=clerk)
    assert list(work_plans.versions(new).values_list("version", "state")) == [(2, "in_force"), (1, "superseded")]


def test_it_ends_with_its_duties_done_or_a_reason(cases):
    plan = in_force(cases)
    with pytest.raises(WorkPlanRefused, match="1 项点评没有完成"):
        work_plans.complete(plan, by=cases.cast.user["clerk"])
    assert work_plans.complete(plan, reason="顺延", by=cases.cast.user["clerk"]).state == "completed"


def test_who_has_none_is_listed_and_counted(cases, as_user):
    in_force(cases)
    page = as_user(cases.cast.user["clerk"]).get(reverse("work_plans_missing"))
    assert "4 个组织还没有执行中或已完成的方案（您负责的共 5 个）" in page.content.decode()
    found = as_user(cases.cast.user["clerk"]).get(reverse("work_plans_missing"), {"type": "branch"}).content.decode()
    assert ">天津局检务处党支部<" in found
    assert ">天津局机关党委<" not in found


def test_written_on_the_page(cases, as_user):
    plan = drafted(cases)
    browser, line = as_user(cases.cast.user["clerk"]), plan.lines.get()
    facts = TEXTS | {"forms": ["on_site"], f"line-{line.pk}-on": "2010-12-12", f"line-{line.pk}-form": "on_site"}
    page = browser.post(reverse("work_plan_edit", args=[plan.pk]), facts, follow=True).content.decode()
    assert "12月12日" in page
    assert WorkPlan.objects.get().forms == ["on_site"]


def test_turning_the_page_keeps_what_was_typed(cases, as_user, monkeypatch):
    monkeypatch.setattr("reviews.views.work_plans.LINES", 1)
    plan = drafted(cases)
    first = plan.lines.get()
    plan.lines.create(target_name="第二个", reviewer_name="甲", duty=first.duty, order=2)
    browser, url = as_user(cases.cast.user["clerk"]), reverse("work_plan_edit", args=[plan.pk])
    first, second = plan.lines.all()
    facts = TEXTS | {"page": "1", "go_on": "2", f"line-{first.pk}-on": "2010-12-12", f"line-{first.pk}-form": "on_site"}
    turned = browser.post(url, facts, follow=True)
    assert turned.redirect_chain[-1][0] == f"{url}?page=2"
    assert f"line-{second.pk}-on" in turned.content.decode()
    first.refresh_from_db()
    assert (first.planned_on, first.form) == (day("2010-12-12"), "on_site")


def test_a_refusal_keeps_what_was_typed(cases, as_user):
    plan = drafted(cases)
    browser, line = as_user(cases.cast.user["clerk"]), plan.lines.get()
    facts = TEXTS | {f"line-{line.pk}-on": "2011-02-03", f"line-{line.pk}-form": "on_site"}
    page = browser.post(reverse("work_plan_edit", args=[plan.pk]), facts).content.decode()
    assert "须在 2010-07-01 至 2010-12-31 之间" in page
    assert 'value="2011-02-03"' in page
    assert '<option value="on_site" selected>' in page
    page = browser.post(
        reverse("work_plan_edit", args=[plan.pk]), facts | {f"line-{line.pk}-on": "哪天"}
    ).content.decode()
    assert "“天津局检务处党支部”的计划" in page
    before = (line.planned_on, line.form)
    line.refresh_from_db()
    assert (line.planned_on, line.form) == before


def test_the_calendars_secret_address_works_until_it_is_revoked(cases, as_user, client):
    cases.of_branch()
    user = cases.cast.user["member_in_charge"]
    page = as_user(user).post(reverse("calendar_subscribe"))
    address = page.context["address"]
    assert "天津局检务处党支部" in Calendar.from_ical(client.get(address).content).walk("VEVENT")[0]["SUMMARY"]
    assert client.get(address[:-6] + "x.ics").status_code == 404
    as_user(user).post(reverse("calendar_revoke"))
    assert client.get(address).status_code == 404
