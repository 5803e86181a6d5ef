"""催办: who hears of it, nobody twice on a day, only for whoever stands above, and what the log says."""

import pytest
from django.urls import reverse

from orgs.models import AuditEvent
from reports import nudges
from reports.models import Notification, Nudge
from reviews import duties
from reviews.models import Measure
from tests.builders import day, make_period, make_user
from tests.together import together

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    period = make_period("2010H2")
    duties.regenerate(period, on=day("2010-12-10"))
    return period


def send(cast, period, part="clerk", code="1311", measure=Measure.MEMBERS, words="请抓紧。"):
    return nudges.send(cast.org[code], period=period, measure=measure, words=words, by=cast.user[part])


def test_those_who_can_still_reach_the_missing_hear_of_it_once(cast, period):
    nudge = send(cast, period)
    heard = set(Notification.objects.values_list("recipient__username", flat=True))
    assert "secretary" in heard  # carries out rule 4 in his branch
    assert (nudge.sent, nudge.spared, nudge.missing) == (len(heard), 0, 4)
    assert Notification.objects.filter(body="请抓紧。").count() == nudge.sent
    assert AuditEvent.objects.filter(verb="催办").count() == 1


def test_nobody_is_urged_twice_on_a_day_whatever_the_reason(cast, period, settings):
    first = send(cast, period)
    with pytest.raises(nudges.NudgeRefused, match="明天再催"):
        send(cast, period)
    wider = send(cast, period, code="13", measure=Measure.LEADERS)
    assert wider.spared == first.sent
    keys = list(Notification.objects.values_list("recipient", "key"))
    assert len(keys) == len(set(keys)) == first.sent + wider.sent
    settings.TODAY = "2010-12-11"
    assert send(cast, period).sent == first.sent


def test_missing_leaders_hear_themselves(cast, period):
    send(cast, period, code="132", measure=Measure.LEADERS)
    assert set(Notification.objects.values_list("recipient__username", flat=True)) == {"lower_head", "lower_secretary"}


@pytest.mark.parametrize("part", ["root_clerk", "member", "stranger", "member_in_charge"])
def test_who_does_not_stand_above_may_not(cast, period, part):
    with pytest.raises(nudges.NudgeRefused, match="办公室和负责人"):
        send(cast, period, part=part)
    assert not Nudge.objects.exists()


@pytest.mark.parametrize("words", ["", "  ", "字" * 501])
def test_nothing_to_say_or_too_much_is_refused(cast, period, words):
    with pytest.raises(nudges.NudgeRefused, match="500"):
        send(cast, period, words=words)


def test_a_list_too_long_is_urged_further_down(cast, period, as_user, monkeypatch):
    monkeypatch.setattr(nudges, "MOST", 3)
    with pytest.raises(nudges.NudgeRefused, match="下级组织"):
        send(cast, period)
    page = as_user(cast.user["clerk"]).get(reverse("coverage_missing", args=["1311", "members"]))
    assert "audience" not in page.context


def test_without_accounts_the_text_is_to_be_copied(cast, period):
    for user in cast.user.values():
        if user.person_id:
            user.is_active = False
            user.save()
    with pytest.raises(nudges.NudgeRefused, match="复制"):
        send(cast, period)


def test_the_page_offers_the_text_sends_it_and_shows_the_log(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    page = client.get(reverse("coverage_missing", args=["1311", "members"]))
    assert "还有 4 名未被点评的党员，请在2010年12月31日前" in page.context["nudge_text"]
    url = reverse("coverage_remind", args=["1311", "members"])
    answer = client.post(url, {"text": page.context["nudge_text"]}, follow=True)
    assert "已催办" in answer.content.decode()
    assert "当时还差 4" in answer.content.decode()
    again = client.post(url, {"text": "再催"}, follow=True)
    assert "明天再催" in again.content.decode()
    assert as_user(cast.user["root_clerk"]).post(url, {"text": "x"}).status_code == 404
    assert (
        "audience"
        not in as_user(cast.user["member_in_charge"]).get(reverse("coverage_missing", args=["1311", "members"])).context
    )


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("closed_connections")
def test_two_at_once_urge_nobody_twice(cast):
    period = make_period("2010H2")
    duties.regenerate(period, on=day("2010-12-10"))
    other = make_user(username="clerk2", office=cast.org["13"])
    cast.user["clerk2"] = other
    errors = together(lambda: send(cast, period), lambda: send(cast, period, part="clerk2"))
    assert [type(error) for error in errors] == [nudges.NudgeRefused]
    assert Nudge.objects.count() == 1
