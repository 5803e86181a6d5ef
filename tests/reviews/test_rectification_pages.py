"""Rectification over HTTP: the list, one item, and each step of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from reviews import rectifications, waiting
from reviews.models import ItemState, RectificationItem
from tests.builders import day
from tests.reviews.record_cases import Cases, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def cases(cast) -> Cases:
    """The cast with a period."""
    return make_cases(cast)


@pytest.fixture
def item(cases) -> RectificationItem:
    """The first problem of the member, handed down, to be fed back by Christmas."""
    return cases.confirmed(feedback_due_on=day("2010-12-25")).items.order_by("order").first()


def step(client, item, action, **data):
    """Post one step, as its form does."""
    return client.post(reverse(f"rectification_{action}", args=[item.pk]), data, follow=True)


def test_from_the_problem_to_its_close(item, cast, as_user):
    member, secretary = as_user(cast.user["member"]), as_user(cast.user["secretary"])
    step(member, item, "plan", measures="每周自学", responsible="本人", due_on="2010-12-20")
    step(member, item, "report", text="学了两次")
    step(member, item, "feed_back", outcome="已坚持一个月")
    item.refresh_from_db()
    assert item.state == ItemState.PENDING_ACCEPTANCE
    page = step(secretary, item, "accept")
    item.refresh_from_db()
    assert item.state == ItemState.CLOSED
    for text in ("每周自学", "学了两次", "已坚持一个月", "验收销号"):
        assert text in page.text


def test_what_is_not_good_enough_goes_back_with_a_reason(item, cast, as_user):
    member, secretary = as_user(cast.user["member"]), as_user(cast.user["secretary"])
    step(member, item, "plan", measures="每周自学", responsible="本人")
    step(member, item, "feed_back", outcome="做了")
    page = step(secretary, item, "send_back", reason="")
    assert "请写明原因" in page.text
    item.refresh_from_db()
    assert item.state == ItemState.PENDING_ACCEPTANCE
    step(secretary, item, "send_back", reason="请写明学了什么")
    item.refresh_from_db()
    assert item.state == ItemState.IN_PROGRESS
    assert "请写明学了什么" in member.get(reverse("rectification", args=[item.pk])).text


def test_nobody_accepts_his_own(item, cast, as_user):
    member = as_user(cast.user["member"])
    step(member, item, "plan", measures="每周自学", responsible="本人")
    step(member, item, "feed_back", outcome="做了")
    page = step(member, item, "accept")
    item.refresh_from_db()
    assert item.state == ItemState.PENDING_ACCEPTANCE
    assert reverse("rectification_accept", args=[item.pk]) not in page.text


def test_an_incomplete_plan_comes_back_with_everything_typed(item, cast, as_user):
    page = step(as_user(cast.user["member"]), item, "plan", measures="写得很长的措施", responsible="", due_on="哪天")
    item.refresh_from_db()
    assert item.state == ItemState.TO_PLAN
    assert "写得很长的措施" in page.text
    assert "请填写责任人" in page.text
    assert "日期看不懂" in page.text


def test_a_day_after_the_one_demanded_is_refused_and_what_was_typed_stays(item, cast, as_user):
    page = step(
        as_user(cast.user["member"]), item, "plan", measures="慢慢来的措施", responsible="本人", due_on="2011-05-01"
    )
    item.refresh_from_db()
    assert item.state == ItemState.TO_PLAN
    assert "不能晚于" in page.text
    assert "慢慢来的措施" in page.text


def test_the_page_offers_only_what_the_user_may_do(item, cast, as_user):
    url = reverse("rectification", args=[item.pk])
    assert reverse("rectification_plan", args=[item.pk]) in as_user(cast.user["member"]).get(url).text
    page = as_user(cast.user["secretary"]).get(url).text
    assert reverse("rectification_accept", args=[item.pk]) not in page
    assert as_user(cast.user["clerk"]).get(url).status_code == 200


def test_strangers_and_those_who_may_not_read_find_nothing(item, cast, as_user):
    for part in ("stranger", "lower_secretary", "bureau_head"):
        client = as_user(cast.user[part])
        assert client.get(reverse("rectification", args=[item.pk])).status_code == 404, part
        assert client.post(reverse("rectification_accept", args=[item.pk])).status_code == 404, part
        assert "学习不够经常" not in client.get(reverse("rectifications")).text, part


def test_problems_of_a_draft_are_not_handed_down_yet(cases, cast, as_user):
    record = cases.member_record()
    line = record.items.first()
    client = as_user(cast.user["secretary"])
    assert list(client.get(reverse("rectifications"), {"tab": "all"}).context["page_obj"]) == []
    assert client.get(reverse("rectification", args=[line.pk])).status_code == 404


def test_each_tab_shows_its_own(item, cast, as_user):
    member, secretary = as_user(cast.user["member"]), as_user(cast.user["secretary"])

    def tabs(client):
        return {name: number for name, _, number in client.get(reverse("rectifications")).context["tabs"]}

    assert tabs(member) == {"todo": 2, "accept": 0, "all": 2}
    assert tabs(secretary) == {"todo": 0, "accept": 0, "all": 2}
    step(member, item, "plan", measures="每周自学", responsible="本人")
    step(member, item, "feed_back", outcome="做了")
    assert tabs(member) == {"todo": 1, "accept": 0, "all": 2}
    assert tabs(secretary) == {"todo": 0, "accept": 1, "all": 2}


def test_what_waits_is_what_the_verbs_allow(item, cast, as_user):
    member, secretary = cast.user["member"], cast.user["secretary"]
    waits = waiting.items_to_work_on(member)
    assert {found.pk for found in waits} == {found.pk for found in RectificationItem.objects.all()}
    assert all("plan" in rectifications.actions(found, member) for found in waits)
    rectifications.plan(item, measures="学", responsible="本人", by=member)
    rectifications.feed_back(RectificationItem.objects.get(pk=item.pk), outcome="学了", by=member)
    assert [found.pk for found in waiting.items_to_accept(secretary)] == [item.pk]
    assert all("accept" in rectifications.actions(found, secretary) for found in waiting.items_to_accept(secretary))


def test_overdue_is_red_and_can_be_filtered(item, cast, as_user, settings):
    client = as_user(cast.user["member"])
    url = reverse("rectifications")
    assert list(client.get(url, {"state": "overdue"}).context["page_obj"]) == []
    settings.TODAY = "2010-12-26"
    page = client.get(url, {"state": "overdue"})
    assert len(page.context["page_obj"]) == 2
    assert "已逾期" in page.text


@pytest.mark.parametrize("query", ["tab=x", "state=x", "q=%00", "page=-1", "page=99999999999999999999"])
def test_a_junk_filter_is_no_error(item, cast, as_user, query):
    assert as_user(cast.user["member"]).get(f"{reverse('rectifications')}?{query}").status_code == 200


def test_steps_are_posts(item, cast, as_user):
    client = as_user(cast.user["member"])
    for action in ("plan", "report", "feed_back", "accept", "send_back"):
        assert client.get(reverse(f"rectification_{action}", args=[item.pk])).status_code == 405
