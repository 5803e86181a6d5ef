"""My messages: mine only, unread first, opened by POST."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.urls import reverse

from reports.context import inbox
from reports.models import Notification, NotificationKind
from tests.builders import make_user

pytestmark = pytest.mark.django_db


def make_message(user, key: str, **facts) -> Notification:
    facts = {"title": f"标题{key}", "body": f"内容{key}", "url": "/duties/", **facts}
    return Notification.objects.create(recipient=user, key=key, kind=NotificationKind.DUTIES, **facts)


@pytest.fixture
def mine(db):
    return make_user(username="mine")


@pytest.fixture
def other(db):
    return make_user(username="other")


def test_the_list_shows_mine_only_unread_first(mine, other, as_user):
    old = make_message(mine, "old")
    as_user(mine).post(reverse("notification_open", args=[old.pk]))
    make_message(mine, "new")
    make_message(mine, "newer")
    make_message(other, "foreign")
    page = as_user(mine).get(reverse("notifications"))
    assert page.status_code == 200
    assert [one.key for one in page.context["page_obj"]] == ["newer", "new", "old"]
    assert "标题foreign" not in page.content.decode()


def test_an_empty_list_says_why(mine, as_user):
    assert "没有提醒" in as_user(mine).get(reverse("notifications")).content.decode()


def test_opening_marks_read_and_goes_where_the_message_points(mine, as_user):
    message = make_message(mine, "one")
    answer = as_user(mine).post(reverse("notification_open", args=[message.pk]))
    assert (answer.status_code, answer["Location"]) == (302, "/duties/")
    message.refresh_from_db()
    first = message.read_at
    assert first is not None
    as_user(mine).post(reverse("notification_open", args=[message.pk]))
    message.refresh_from_db()
    assert message.read_at == first


def test_a_message_that_points_nowhere_leads_back_to_the_list(mine, as_user):
    message = make_message(mine, "one", url="")
    assert as_user(mine).post(reverse("notification_open", args=[message.pk]))["Location"] == reverse("notifications")


def test_looking_does_not_mark_read(mine, as_user):
    message = make_message(mine, "one")
    assert as_user(mine).get(reverse("notification_open", args=[message.pk])).status_code == 405
    as_user(mine).get(reverse("notifications"))
    message.refresh_from_db()
    assert message.read_at is None


def test_a_stranger_gets_404_and_changes_nothing(mine, other, as_user):
    message = make_message(mine, "one")
    foreign = as_user(other).post(reverse("notification_open", args=[message.pk]))
    missing = as_user(other).post(reverse("notification_open", args=[message.pk + 1000]))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    message.refresh_from_db()
    assert message.read_at is None


def test_all_read_marks_mine_only(mine, other, as_user):
    make_message(mine, "one")
    make_message(mine, "two")
    make_message(other, "foreign")
    as_user(mine).post(reverse("notifications_read"))
    assert not Notification.objects.filter(recipient=mine, read_at=None).exists()
    assert Notification.objects.filter(recipient=other, read_at=None).count() == 1
    assert as_user(mine).get(reverse("notifications_read")).status_code == 405


@pytest.mark.parametrize("page", ["0", "-1", "999", "x", "１"])
def test_a_junk_page_number_shows_a_page(mine, as_user, page):
    make_message(mine, "one")
    assert as_user(mine).get(reverse("notifications"), {"page": page}).status_code == 200


def test_the_list_costs_the_same_for_more_messages(mine, as_user, django_assert_max_num_queries):
    for number in range(120):
        make_message(mine, str(number))
    browser = as_user(mine)
    with django_assert_max_num_queries(6):
        page = browser.get(reverse("notifications"))
    assert len(page.context["page_obj"]) == 50


def test_log_in_comes_first(client):
    answer = client.get(reverse("notifications"))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))


def test_the_count_of_unread_is_asked_for_only_when_shown(mine, django_assert_num_queries):
    make_message(mine, "one")
    request = RequestFactory().get("/")
    request.user = mine
    with django_assert_num_queries(0):
        context = inbox(request)
    with django_assert_num_queries(1):
        assert str(context["unread_count"]) == "1"
        assert context["unread_count"] == 1


def test_nobody_has_no_unread_messages(django_assert_num_queries):
    request = RequestFactory().get("/")
    with django_assert_num_queries(0):
        assert inbox(request)["unread_count"] == 0
        request.user = AnonymousUser()
        assert inbox(request)["unread_count"] == 0
