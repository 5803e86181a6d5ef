"""Logging in and out, the initial password, and who hands passwords out."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from orgs import accounts
from orgs.models import AuditEvent, User
from tests import builders

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}")


def log_in(client: Client, username: str, password: str, **extra):
    return client.post(reverse("login"), {"username": username, "password": password, **extra})


# --- in and out --------------------------------------------------------------------------------------------


def test_the_right_password_leads_home(cast, client):
    answer = log_in(client, "member", "member")
    assert (answer.status_code, answer["Location"]) == (302, reverse("home"))


def test_a_wrong_password_does_not_say_what_was_wrong(cast, client):
    known, unknown = log_in(client, "member", "nonsense"), log_in(client, "nobody", "nonsense")
    for answer in (known, unknown):
        assert answer.status_code == 200
        assert "用户名或密码不对" in answer.content.decode()


def test_five_wrong_passwords_close_the_account_for_a_while_and_say_how_long(cast, client):
    for _ in range(4):
        assert log_in(client, "member", "nonsense").status_code == 200
    answer = log_in(client, "member", "nonsense")
    assert answer.status_code == 429
    assert "15 分钟" in answer.content.decode()
    assert log_in(client, "member", "member").status_code == 429
    # Somebody else behind the same address is not kept out.
    assert log_in(client, "secretary", "secretary").status_code == 302


def test_a_switched_off_account_does_not_get_in(cast, client):
    User.objects.filter(username="member").update(is_active=False)
    assert log_in(client, "member", "member").status_code == 200


def test_the_way_on_never_leads_to_another_site(cast, client):
    assert log_in(client, "member", "member", next="https://example.org/")["Location"] == reverse("home")


def test_who_is_logged_in_is_not_asked_again(cast, as_user):
    assert as_user(cast.user["member"]).get(reverse("login"))["Location"] == reverse("home")


def test_logging_out_takes_a_post(cast, as_user):
    client = as_user(cast.user["member"])
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout"))["Location"] == reverse("login")
    assert client.get(reverse("people")).status_code == 302


@pytest.mark.parametrize(
    ("part", "page"),
    [("clerk", "coverage"), ("admin", "coverage"), ("secretary", "my_duties"), ("member", "my_duties"), ("stranger", "my_duties")],
)  # fmt: skip
def test_home_is_where_the_work_is(cast, as_user, part, page):
    answer = as_user(cast.user[part]).get(reverse("home"))
    assert answer["Location"] == reverse(page)
    assert as_user(cast.user[part]).get(answer["Location"], follow=True).status_code == 200


# --- the initial password ----------------------------------------------------------------------------------


def test_an_initial_password_leads_nowhere_but_to_a_new_one(cast):
    user, secret = accounts.open_for(builders.make_person("新人", cast.org["1311"], number="N-new"), by=None)
    client = Client()
    log_in(client, "N-new", secret)
    for name in ("home", "people", "my_duties", "admin:index"):
        assert client.get(reverse(name))["Location"] == reverse("password_change")
    page = client.get(reverse("password_change"))
    assert "第一次登录" in page.content.decode()
    fields = {"old_password": secret, "new_password1": "Wutong-2010-an", "new_password2": "Wutong-2010-an"}
    assert client.post(reverse("password_change"), fields)["Location"] == reverse("home")
    assert client.get(reverse("my_duties")).status_code == 200
    user.refresh_from_db()
    assert not user.must_change_password
    assert AuditEvent.objects.filter(verb="修改密码", object_id=user.pk).count() == 1


@pytest.mark.parametrize("password", ["12345678", "short", "password"])
def test_a_weak_password_is_refused(cast, as_user, password):
    client = as_user(cast.user["member"])
    fields = {"old_password": "member", "new_password1": password, "new_password2": password}
    answer = client.post(reverse("password_change"), fields)
    assert answer.status_code == 200
    assert "密码" in answer.content.decode()
    assert cast.user["member"].check_password("member")


# --- handing passwords out ------------------------------------------------------------------------------------


@pytest.fixture
def newcomer(cast):
    return builders.make_person("新党员", cast.org["1311"], number="N-newcomer")


def opening(number: str) -> str:
    return reverse("account_open", kwargs={"number": number})


def resetting(number: str) -> str:
    return reverse("account_reset", kwargs={"number": number})


def test_an_office_opens_an_account_and_sees_its_password_once(cast, as_user, newcomer):
    client = as_user(cast.user["clerk"])
    answer = client.post(opening(newcomer.number))
    secret = SECRET.search(answer.content.decode()).group()
    assert "no-store" in answer["Cache-Control"]
    assert log_in(Client(), newcomer.number, secret).status_code == 302
    assert User.objects.get(person=newcomer).must_change_password
    assert secret not in client.get(reverse("person", kwargs={"number": newcomer.number})).content.decode()
    event = AuditEvent.objects.get(verb="开通账号", by=cast.user["clerk"])
    assert secret not in f"{event.summary}{event.before}{event.after}"


def test_a_second_account_is_refused_in_words(cast, as_user, newcomer):
    client = as_user(cast.user["clerk"])
    client.post(opening(newcomer.number))
    answer = client.post(opening(newcomer.number), follow=True)
    assert "已经有账号" in answer.content.decode()
    assert User.objects.filter(person=newcomer).count() == 1


def test_a_reset_ends_the_old_password(cast, as_user):
    answer = as_user(cast.user["clerk"]).post(resetting("N-member"))
    secret = SECRET.search(answer.content.decode()).group()
    user = User.objects.get(username="member")
    assert user.check_password(secret)
    assert user.must_change_password


def test_resetting_what_is_not_there_says_so(cast, as_user, newcomer):
    answer = as_user(cast.user["clerk"]).post(resetting(newcomer.number), follow=True)
    assert "还没有账号" in answer.content.decode()


@pytest.mark.parametrize(
    "part", ["stranger", "member", "secretary", "bureau_head", "member_in_charge", "root_clerk", "lower_head"]
)
def test_nobody_but_the_office_of_the_domain_hands_out_passwords(cast, as_user, newcomer, part):
    """root_clerk sits above a guidance edge; secretary and heads see the person, but are no office."""
    client = as_user(cast.user[part])
    assert client.post(opening(newcomer.number)).status_code == 404
    assert client.post(resetting("N-member")).status_code == 404
    assert not User.objects.filter(person=newcomer).exists()
    assert cast.user["member"].check_password("member")


def widen_by_post(cast):
    builders.make_post(cast.person["member"], cast.org["1"], "成员")


def widen_by_grant(cast):
    accounts.grant_office(cast.user["member"], cast.org["1"], by=None)


def widen_by_administration(cast):
    User.objects.filter(username="member").update(is_superuser=True)


def widen_by_a_post_to_come(cast):
    builders.make_post(cast.person["member"], cast.org["12"], "委员", from_on=builders.day("2199-01-01"))


@pytest.mark.parametrize("widen", [widen_by_post, widen_by_grant, widen_by_administration, widen_by_a_post_to_come])
def test_an_office_gets_no_hold_of_an_account_that_reaches_beyond_it(cast, as_user, widen):
    widen(cast)
    answer = as_user(cast.user["clerk"]).post(resetting("N-member"))
    assert answer.status_code == 404
    assert User.objects.get(username="member").check_password("member")


def test_an_administrator_may(cast, as_user):
    assert SECRET.search(as_user(cast.user["admin"]).post(resetting("N-root_head")).content.decode())


def test_looking_changes_nothing(cast, as_user, newcomer):
    assert as_user(cast.user["clerk"]).get(opening(newcomer.number)).status_code == 405
    assert not User.objects.filter(person=newcomer).exists()
