"""Duties beside the rules: by hand, many at once, and withdrawn."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from orgs.errors import Forbidden
from reviews import assignments, duties, duty_csv, records
from reviews.assignments import AssignmentRefused
from reviews.models import Duty, DutyStatus
from tests.builders import day
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast):
    return make_cases(cast)


def assign(cases, **changes):
    cast = cases.cast
    org = cast.org[changes.pop("org", "132")]
    facts = {
        "period": cases.period,
        "acting": cast.person["bureau_head"],
        "target_org": org,
        "about_org": org,
        "form": "topical",
        "due_on": day("2010-12-20"),
        "topic": "质量提升",
        "by": cast.user["clerk"],
    } | changes
    return assignments.assign(cast.org["13"], **facts)


def test_it_is_in_the_csv_and_generation_leaves_it_alone(cases):
    duty = assign(cases)
    duties.regenerate(cases.period)
    duties.regenerate(cases.period)
    assert Duty.objects.filter(pk=duty.pk).exists()
    assert ("X", "org", "13", "N-bureau_head", "org", "132", "assigned", "", "2010-12-20", "pending") in set(
        duty_csv.rows(cases.period)
    )


def test_its_form_and_topic_are_in_the_draft(cases):
    review = records.open_draft(assign(cases), by=cases.cast.user["bureau_head"]).review
    assert (review.form, review.form_note) == ("topical", "质量提升")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"org": "13"}, "不能点评自己所在的组织"),
        ({"org": "12"}, "不在“天津检验检疫局党组”的隶属或指导范围内"),
        ({"org": "11"}, "不在"),
        ({"due_on": day("2011-01-01")}, "截止日期须在"),
        ({"topic": " "}, "哪个专题"),
    ],
)
def test_what_is_refused_says_why(cases, changes, words):
    with pytest.raises(AssignmentRefused, match=words):
        assign(cases, **changes)
    assert not Duty.objects.exists()


def test_nobody_reviews_what_he_heads_or_himself(cases):
    cast = cases.cast
    with pytest.raises(AssignmentRefused, match="自己负责的组织"):
        assign(cases, acting=cast.person["member_in_charge"], org="131")
    with pytest.raises(AssignmentRefused, match="不能点评自己"):
        assign(cases, target_org=None, target_person=cast.person["bureau_head"], about_org=cast.org["1311"])


def test_twice_is_refused_and_a_stranger_forbidden(cases):
    assign(cases)
    with pytest.raises(AssignmentRefused, match="不能重复指派"):
        assign(cases)
    for who in ("secretary", "stranger", "root_clerk"):
        with pytest.raises(Forbidden):
            assign(cases, org="131", by=cases.cast.user[who])


def test_withdrawn_only_while_nothing_is_recorded(cases):
    clerk, duty = cases.cast.user["clerk"], assign(cases)
    with pytest.raises(AssignmentRefused, match="原因"):
        assignments.withdraw(duty, reason=" ", by=clerk)
    draft = records.open_draft(duty, by=cases.cast.user["bureau_head"])
    with pytest.raises(AssignmentRefused, match="草稿"):
        assignments.withdraw(duty, reason="误派", by=clerk)
    records.discard(draft, by=cases.cast.user["bureau_head"])
    assignments.withdraw(duty, reason="误派", by=clerk)
    assert not Duty.objects.exists()


def test_many_are_previewed_without_a_trace_and_done_together_or_not_at_all(cases, as_user):
    cast = cases.cast
    one, two = cases.of_branch(), cases.duty("1B", "13", "bureau_head", org="132")
    done = cases.duty("1A", "13", "bureau_head", org="131", status=DutyStatus.DONE)
    action = assignments.exempting(reason="长期病休", approved_by="王书记", by=cast.user["clerk"])
    said = assignments.try_out([one, two, done], action)
    assert [bool(outcome.refusal) for outcome in said] == [False, False, True]
    assert set(Duty.objects.values_list("status", flat=True)) == {"pending", "done"}
    with pytest.raises(duties.DutyRefused):
        assignments.carry_out([one, done], action)
    assert Duty.objects.get(pk=one.pk).status == "pending"
    browser = as_user(cast.user["clerk"])
    facts = {
        "duty": [one.pk, two.pk],
        "do": "exempt",
        "reason": "长期病休",
        "approved_by": "王书记",
        "period": "2010H2",
    }
    page = browser.post(reverse("duties_bulk"), facts).content.decode()
    assert "确认免除 2 项" in page
    assert Duty.objects.filter(status="exempt").count() == 0
    browser.post(reverse("duties_bulk"), facts | {"confirmed": "1"})
    exempt = Duty.objects.filter(status="exempt").values_list("exempt_reason", "exempt_approved_by")
    assert set(exempt) == {("长期病休", "王书记")}


def test_who_heads_it_assigns_and_its_office_does_all(cases, as_user):
    cases.of_branch()
    for user, offered in (("bureau_head", ["assign"]), ("clerk", ["reassign", "exempt", "assign"])):
        page = as_user(cases.cast.user[user]).get(reverse("office_duties")).content.decode()
        assert re.findall(r'name="begin"\s+value="(\w+)"', page) == offered


def test_what_was_typed_stays_when_something_is_missing(cases, as_user):
    duty = cases.of_branch()
    browser = as_user(cases.cast.user["clerk"])
    begun = browser.post(reverse("duties_bulk"), {"duty": [duty.pk], "begin": "exempt"}).content.decode()
    assert "批准人" in begun
    assert "由谁点评" not in begun
    for junk in ({"begin": "nonsense"}, {"do": "nonsense"}, {"do": "assign", "due_on": "9999-99-99"}):
        assert browser.post(reverse("duties_bulk"), {"duty": [duty.pk]} | junk).status_code == 200
    facts = {"duty": [duty.pk], "do": "exempt", "reason": "长期病休"}
    page = browser.post(reverse("duties_bulk"), facts).content.decode()
    assert "请写明免除原因（例如空缺、撤销、长期病休）和批准人" in page
    assert 'value="长期病休"' in page
    assert Duty.objects.get().status == DutyStatus.PENDING
    again = browser.post(reverse("duties_bulk"), facts | {"approved_by": "王书记", "edit": "1"}).content.decode()
    assert 'value="王书记"' in again
    assert "确认免除" not in again
    asked = {"post": cases.cast.person["bureau_head"].posts.get().pk, "target": "org-132", "period": "2010H2"}
    page = browser.post(reverse("duty_assign"), asked | {"q": "塘沽", "form": "topical", "due_on": "2010-12-20"})
    assert "要写明是哪个专题" in page.content.decode()
    assert 'value="org-132" selected' in page.content.decode()


def test_ticked_duties_of_others_are_not_touched(cases, as_user):
    other = cases.of_bureau()  # the root's
    facts = {"duty": [other.pk], "do": "exempt", "reason": "x", "approved_by": "y", "confirmed": "1"}
    as_user(cases.cast.user["clerk"]).post(reverse("duties_bulk"), facts)
    assert Duty.objects.get(pk=other.pk).status == "pending"


def test_assigned_on_the_page_and_listed(cases, as_user):
    cast = cases.cast
    browser = as_user(cast.user["clerk"])
    post = cast.person["bureau_head"].posts.get()
    page = browser.get(reverse("duty_assign"), {"post": post.pk, "q": "塘沽"}).content.decode()
    assert "org-132" in page
    facts = {"post": post.pk, "target": "org-132", "form": "on_site", "due_on": "2010-12-20", "period": "2010H2"}
    answer = browser.post(reverse("duty_assign"), facts, follow=True).content.decode()
    assert "现场点评" in answer
    assert "塘沽检验检疫局党组" in browser.get(reverse("office_duties")).content.decode()
