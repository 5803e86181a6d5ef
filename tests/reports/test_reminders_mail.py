"""The message row is the outbox: e-mails go out one by one, failures are counted and do not hold up the others."""

from __future__ import annotations

import datetime

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from reports import reminders
from reports.models import Notification, NotificationKind
from tests.builders import make_user

pytestmark = pytest.mark.django_db


class Refusing(EmailBackend):
    """Refuses addresses that begin with "bad"."""

    def send_messages(self, messages):
        if any(message.to[0].startswith("bad") for message in messages):
            raise ConnectionResetError("refused")
        return super().send_messages(messages)


class Down(EmailBackend):
    """A server that does not answer."""

    def open(self):
        raise ConnectionRefusedError("down")


def make_message(user, key: str = "k", **facts) -> Notification:
    return Notification.objects.create(
        recipient=user,
        key=key,
        kind=NotificationKind.DUTIES,
        title="还有 1 项",
        body="请点评。",
        url="/duties/",
        **facts,
    )


@pytest.fixture
def reachable(db):
    return make_user(username="reachable", email="reachable@example.cn")


def test_a_message_is_mailed_once(reachable, settings):
    settings.SITE_URL = "http://dianping.example.cn"
    row = make_message(reachable)
    assert reminders.deliver_mail() == reminders.Delivered(sent=1)
    assert reminders.deliver_mail() == reminders.Delivered()
    assert len(mail.outbox) == 1
    assert mail.outbox[0].to == ["reachable@example.cn"]
    assert mail.outbox[0].subject == "【领导点评】还有 1 项"
    assert "http://dianping.example.cn/duties/" in mail.outbox[0].body
    row.refresh_from_db()
    assert row.mailed_at is not None


def test_text_is_not_escaped_in_a_plain_mail(reachable):
    Notification.objects.create(
        recipient=reachable, key="k", kind=NotificationKind.DUTIES, title="t", body="“以质取胜”<局> & 处"
    )
    reminders.deliver_mail()
    assert "“以质取胜”<局> & 处" in mail.outbox[0].body


def test_without_an_address_the_message_stays_in_the_application(db):
    make_message(make_user(username="nobody"))
    assert reminders.deliver_mail() == reminders.Delivered()


def test_a_closed_account_gets_no_mail(db):
    make_message(make_user(username="gone", email="gone@example.cn", is_active=False))
    assert reminders.deliver_mail() == reminders.Delivered()


def test_an_old_message_is_no_news(reachable):
    row = make_message(reachable)
    Notification.objects.filter(pk=row.pk).update(created_at=timezone.now() - datetime.timedelta(days=15))
    assert reminders.deliver_mail() == reminders.Delivered()


def test_one_failure_does_not_stop_the_others_and_is_given_up_after_three_attempts(reachable, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    bad = make_message(make_user(username="bad", email="bad@example.cn"))
    good = make_message(reachable)
    assert reminders.deliver_mail() == reminders.Delivered(sent=1, failed=1)
    assert reminders.deliver_mail() == reminders.Delivered(failed=1)
    assert reminders.deliver_mail() == reminders.Delivered(failed=1, parked=1)
    assert reminders.deliver_mail() == reminders.Delivered()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.mailed_at, bad.mail_attempts) == (None, 3)
    assert good.mailed_at is not None


def test_a_malformed_address_is_a_failure_of_that_message_only(reachable, settings):
    make_message(make_user(username="odd", email="odd@example.cn\nBcc: all@example.cn"))
    make_message(reachable)
    assert reminders.deliver_mail() == reminders.Delivered(sent=1, failed=1)


def test_a_server_that_is_down_costs_no_attempt(reachable, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Down"
    row = make_message(reachable)
    for _ in range(5):
        assert reminders.deliver_mail() == reminders.Delivered()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert reminders.deliver_mail() == reminders.Delivered(sent=1)
    row.refresh_from_db()
    assert row.mail_attempts == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_message_that_another_process_is_sending_is_passed_over(reachable):
    row = make_message(reachable, "held")
    make_message(reachable, "free")
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM reports_notification WHERE id = %s FOR UPDATE", [row.pk])
            assert reminders.deliver_mail() == reminders.Delivered(sent=1)
        other.rollback()
        assert reminders.deliver_mail() == reminders.Delivered(sent=1)
        assert len(mail.outbox) == 2
    finally:
        other.close()
