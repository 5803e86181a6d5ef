"""An organisation's page as of any day: who was in it, who led it, what lay below it."""

from __future__ import annotations

from html import unescape

import pytest
from django.urls import reverse

from orgs import people, reorganizing
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

DAY = builders.day("2010-10-01")


def page(client, code: str, on: str = ""):
    return client.get(reverse("organization", kwargs={"code": code}), {"on": on} if on else {})


def text(answer) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_members_team_and_division_of_work_are_those_of_the_day(cast, as_user):
    people.transfer(cast.person["member"], to=cast.org["1321"], on=DAY, by=None)
    people.remove(cast.person["secretary"].posts.get(), on=DAY, by=None)
    client = as_user(cast.user["clerk"])
    then, now = page(client, "1311", "2010-09-30"), page(client, "1311")
    assert "N-member" in {person.number for person in then.context["page_obj"]}
    assert "N-member" not in {person.number for person in now.context["page_obj"]}
    assert [post.person.name for post in then.context["posts"]] == ["检务处支部书记"]
    assert list(now.context["posts"]) == []
    assert "按 2010年9月30日 显示" in text(then)
    assert "回到今天" not in text(now)


def test_what_was_dissolved_since_is_below_on_the_day_before(cast, as_user):
    reorganizing.merge(cast.org["132"], into=cast.org["131"], on=DAY, reason="合并", by=None)
    client = as_user(cast.user["clerk"])
    below = {
        on: {row.org.code for row in page(client, "13", on).context["rows"]} for on in ("2010-09-30", "2010-10-01")
    }
    assert below == {"2010-09-30": {"131", "132"}, "2010-10-01": {"131"}}
    assert "已撤销" in text(page(client, "132"))
    assert "已撤销" not in text(page(client, "132", "2010-09-30"))


def test_another_day_offers_no_changes(cast, as_user):
    client = as_user(cast.user["clerk"])
    offered = ("post_add", "member_add", "change_menu")
    today, then = text(page(client, "1311")), text(page(client, "1311", "2010-09-30"))
    for name in offered:
        url = reverse(name, kwargs={"code": "1311"})
        assert url in today
        assert url not in then
    assert "免职" in today
    assert "免职" not in then


@pytest.mark.parametrize("on", ["2010-13-01", "昨天", "1", "\x00", "1066-01-01", "9" * 5000, "2010-09-30\x00"])
def test_a_day_that_cannot_be_read_is_said_and_today_is_shown(cast, as_user, on):
    answer = page(as_user(cast.user["clerk"]), "1311", on)
    assert "下面是今天的情况" in text(answer)
    assert str(answer.context["on"]) == "2010-12-10"


def test_a_day_opens_nothing_that_is_not_the_users_to_see(cast, as_user):
    assert page(as_user(cast.user["secretary"]), "1321", "2010-09-30").status_code == 404
    assert "检务处支部书记" not in text(page(as_user(cast.user["member"]), "1311", "2010-09-30"))
