"""Messages are written once for each recipient and key, however many write at the same time, for whatever period."""

import pytest
from django.db import transaction
from django.urls import reverse

from orgs.models import Organization
from reports import notices, nudges, urging
from reports.models import Notification, NotificationKind, Nudge
from reports.notices import Message
from reports.nudges import NudgeRefused
from reviews import coverage as targets
from reviews import duties
from reviews.models import Measure
from tests.builders import day, make_period, make_round, make_user
from tests.cast import make_cast
from tests.together import together


def message(user, key="urge:1"):
    return Message(user.pk, key, NotificationKind.REPORTS, "题" * 300, "内容", "/")


def test_a_message_is_written_once(cast):
    first, second = message(cast.user["clerk"]), message(cast.user["root_clerk"])
    assert notices.write([first]) == [first]
    assert notices.fresh([first, second]) == [second]
    assert notices.write([first, second]) == [second]
    assert notices.write([first, second]) == []
    assert {len(row.title) for row in Notification.objects.all()} == {200}


def test_what_another_wrote_in_the_same_instant_is_no_error(cast, monkeypatch):
    one = message(cast.user["clerk"])
    notices.write([one])
    monkeypatch.setattr(notices, "fresh", list)
    notices.write([one])
    assert Notification.objects.count() == 1


def test_who_answers_for_organisations(cast):
    both = make_user(username="both", office=cast.org["12"])
    gone = make_user(username="gone", office=cast.org["12"], is_active=False)
    found = notices.accounts_of([cast.org["12"], cast.org["13"]], day("2010-12-10"))
    assert found[both.pk] == [cast.org["12"]]
    assert found[cast.user["bureau_head"].pk] == [cast.org["13"]]
    assert not {gone.pk, cast.user["root_clerk"].pk, cast.user["member"].pk} & found.keys()


def test_who_waits_too_long_for_another_is_told(cast, in_2010, as_user, monkeypatch):
    """On both pages."""

    def busy():
        raise notices.Busy("别人正在催办，请稍后再试。")

    monkeypatch.setattr(notices, "hold", busy)
    make_period()
    client = as_user(cast.user["clerk"])
    for url in (reverse("progress_urge", args=["13", "2010H2"]), reverse("coverage_remind", args=["1311", "members"])):
        assert "别人正在催办" in client.post(url, {"text": "请抓紧"}, follow=True).text


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_held(db):
    with pytest.raises(RuntimeError, match="transaction"):
        notices.hold()


@pytest.fixture
def committed(in_2010):
    """The small named system, committed, with a half-year and a round on the same day."""
    cast = make_cast()
    half, whole = make_period(), make_round()
    with transaction.atomic():
        for period in (half, whole):
            targets.sync(period, day("2010-12-10"))
    return cast, half, whole


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("closed_connections")
def test_two_offices_urge_reports_in_two_periods_at_once(committed):
    """Each is told what it really sent, and nobody hears twice."""
    cast, half, whole = committed
    root = Organization.objects.get(code="1")
    for turn in range(3):
        Notification.objects.all().delete()
        Nudge.objects.all().delete()
        errors = together(
            lambda: urging.send(root, half, words="请尽快上报", by=cast.user["root_clerk"]),
            lambda: urging.send(root, whole, words="请尽快上报", by=cast.user["root_head"]),
            lambda: urging.send(root, half, words="请尽快上报", by=cast.user["root_head"]),
        )
        assert {type(error) for error in errors} <= {NudgeRefused}, (turn, errors)
        assert sum(Nudge.objects.values_list("sent", flat=True)) == Notification.objects.count() == 4


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("closed_connections")
def test_two_offices_urge_reviewers_in_two_periods_at_once(committed):
    cast, half, whole = committed
    for period in (half, whole):
        duties.regenerate(period, on=day("2010-12-10"))
    org = Organization.objects.get(code="1311")

    def urge(period, who):
        return lambda: nudges.send(org, period=period, measure=Measure.MEMBERS, words="请抓紧", by=cast.user[who])

    errors = together(urge(half, "clerk"), urge(whole, "bureau_head"), urge(whole, "clerk"))
    assert {type(error) for error in errors} <= {NudgeRefused}, errors
    assert sum(Nudge.objects.values_list("sent", flat=True)) == Notification.objects.count() > 0
