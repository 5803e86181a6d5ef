"""催办: who hears of it, nobody twice on a day, only for whoever stands above, and what the log says."""

import pytest
from django.urls import reverse

from orgs import clock
from orgs.models import AuditEvent
from reports import missing, nudges
from reports.models import Notification, Nudge
from reviews import duties, gaps
from reviews.models import Duty, Measure
from tests.builders import day, make_period, make_person, make_post, make_user
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
    assert "超过 3 行" in page.text
    assert "逐级点到下级组织" in page.text
    seen = as_user(cast.user["member_in_charge"]).get(reverse("coverage_missing", args=["1311", "members"]))
    assert "逐级点到下级组织" not in seen.text


def free(cast, period, person):
    for duty in Duty.objects.filter(period=period, target_person=person):
        duties.exempt(duty, reason="长期病休", approved_by="书记", by=cast.user["admin"])


def test_who_is_exempt_is_not_counted_among_those_to_urge_for(cast, period, as_user):
    free(cast, period, cast.person["member"])
    client = as_user(cast.user["clerk"])
    page = client.get(reverse("coverage_missing", args=["1311", "members"]))
    assert "还有 3 名未被点评的党员" in page.context["nudge_text"]
    assert page.context["total"] == 4
    assert [entry.target.person.number for entry in page.context["entries"] if entry.is_exempt] == ["N-member"]
    assert page.text.count('border">免除') == 1
    file = client.get(reverse("coverage_missing_file", args=["1311", "members", "csv"]))
    lines = b"".join(file).decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines if line.endswith("免除,")] == ["N-member"]
    assert send(cast, period).missing == 3
    past = client.get(reverse("coverage_missing", args=["1311", "members"]), {"on": "2010-12-09"})
    assert not any(entry.is_exempt for entry in past.context["entries"])


def test_an_explained_leader_is_not_urged(cast, period, as_user):
    idle = make_person("无分管", cast.org["1311"], number="N-idle")
    make_post(idle, cast.org["13"], "成员")
    account = make_user(idle, username="idle")
    duties.regenerate(period, on=day("2010-12-10"))
    assert account.pk in nudges.audience(cast.user["clerk"], period, cast.org["13"], Measure.LEADERS).fresh
    before = nudges.to_urge(cast.user["clerk"], period, cast.org["13"], Measure.LEADERS).count()
    gaps.accept(gaps.BY_CODE["idle"], ["N-idle"], period=period, on=clock.today(), reason="病休", by=cast.user["clerk"])
    assert account.pk not in nudges.audience(cast.user["clerk"], period, cast.org["13"], Measure.LEADERS).fresh
    assert nudges.to_urge(cast.user["clerk"], period, cast.org["13"], Measure.LEADERS).count() == before - 1
    page = as_user(cast.user["clerk"]).get(reverse("coverage_missing", args=["13", "leaders"]))
    assert {entry.target.person.number for entry in page.context["entries"] if entry.is_exempt} == {"N-idle"}
    file = as_user(cast.user["clerk"]).get(reverse("coverage_missing_file", args=["13", "leaders", "csv"]))
    line = next(line for line in b"".join(file).decode().splitlines() if line.startswith("N-idle"))
    assert line.endswith(",免除")


def test_where_all_are_exempt_there_is_nobody_to_urge_for(cast, period, as_user):
    for target in missing.named_today(cast.user["clerk"], period, cast.org["1311"], Measure.MEMBERS):
        free(cast, period, target.person)
    page = as_user(cast.user["clerk"]).get(reverse("coverage_missing", args=["1311", "members"]))
    assert "audience" not in page.context
    assert page.context["total"] == 4


@pytest.mark.parametrize(
    ("on", "words"),
    [("2010-12-31", "请在2010年12月31日前完成"), ("2011-01-01", "期限2010年12月31日已过，请尽快完成")],
)
def test_after_the_period_the_text_does_not_ask_for_what_is_past(cast, period, settings, on, words):
    settings.TODAY = on
    assert words in nudges.text(period, cast.org["13"], Measure.MEMBERS, 3)


def test_unnamed_organisations_are_counted_as_such(cast, period, as_user):
    page = as_user(cast.user["member_in_charge"]).get(reverse("coverage_missing", args=["13", "organizations"]))
    assert page.context["unnamed"] == 2
    assert "另有 2 个" in page.text
    assert (
        "另有 4 名" in as_user(cast.user["root_clerk"]).get(reverse("coverage_missing", args=["1311", "members"])).text
    )


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
