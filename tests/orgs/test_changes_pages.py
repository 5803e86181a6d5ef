"""Pages of changes: who may, consequences before anything is written, nothing lost on the way."""

from __future__ import annotations

from html import unescape

import pytest
from django.urls import reverse

from orgs import people
from orgs.models import AuditEvent, Organization
from reviews import duties
from reviews.models import Duty
from tests import builders
from tests.confirming import hidden

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

KINDS = ("rename", "move", "merge", "split", "dissolve")
WHY = "局党组发〔2010〕8号"
MERGE = {"target": "1312", "on": "2010-12-01", "reason": WHY}


@pytest.fixture
def sister(cast) -> Organization:
    return builders.make_org("1312", "党支部", "机关内设机构", cast.org["131"], name="天津局通关处党支部")


def url(kind: str, code: str) -> str:
    return reverse(f"change_{kind}", kwargs={"code": code})


def text(answer) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def org(code: str) -> Organization:
    return Organization.objects.get(code=code)


# --- who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "code", "may"),
    [
        ("admin", "1", True),
        ("admin", "13", True),
        ("clerk", "131", True),
        ("clerk", "1321", True),
        ("clerk", "13", False),  # the organisation of the grant itself
        ("clerk", "12", False),
        ("root_clerk", "12", True),
        ("root_clerk", "13", False),  # across the guidance edge
        ("root_clerk", "1311", False),
        ("bureau_head", "1311", False),
        ("secretary", "1311", False),
        ("stranger", "1311", False),
    ],
)
def test_who_changes_what(cast, as_user, part, code, may):
    client = as_user(cast.user[part])
    for name in ("menu", *KINDS):
        assert client.get(url(name, code)).status_code == (200 if may else 404)
    assert client.post(url("rename", code), {"name": "新", "on": "2010-12-01", "reason": WHY}).status_code == (
        200 if may else 404
    )
    shown = client.get(reverse("organization", kwargs={"code": code}))
    assert (url("menu", code) in shown.content.decode()) == may
    assert not AuditEvent.objects.filter(verb="组织改名").exists()


@pytest.mark.parametrize("kind", ["move", "merge", "dissolve"])
@pytest.mark.parametrize("target", ["12", "信息中心第一党支部", "121", "1", "nonsense", "131\x00"])
def test_an_office_names_only_what_lies_in_its_own_domain(cast, as_user, kind, target):
    data = {"target": target, "on": "2010-12-01", "reason": WHY}
    shown = text(as_user(cast.user["clerk"]).post(url(kind, "1321"), data))
    assert "查看影响" in shown
    assert "找不到" in shown or "看不见的字符" in shown


def test_an_office_cannot_turn_its_own_range_into_guidance(cast, as_user):
    data = {"target": "131", "on": "2010-12-02", "relation": "guidance", "reason": WHY}
    client = as_user(cast.user["clerk"])
    client.post(url("move", "132"), hidden(client.post(url("move", "132"), data)) | {"relation": "guidance"})
    assert (org("132").parent.code, org("132").relation) == ("131", "affiliation")


# --- the way through ------------------------------------------------------------------------------------------------


def test_a_merge_from_the_menu_to_its_end(cast, as_user, sister):
    duties.regenerate(duties.ensure_period("2010H2"))
    client = as_user(cast.user["clerk"])
    assert url("merge", "1311") in text(client.get(url("menu", "1311")))
    preview = client.post(url("merge", "1311"), MERGE)
    shown = text(preview)
    assert "4 名党员自 2010-12-01 起转入“天津局通关处党支部”。" in shown
    assert "应点评党组织减少 1 个" in shown
    assert org("1311").dissolved_on is None
    done = client.post(url("merge", "1311"), hidden(preview), follow=True)
    assert "“天津局检务处党支部”已并入“天津局通关处党支部”。" in text(done)
    assert str(org("1311").dissolved_on) == "2010-12-01"
    assert WHY in AuditEvent.objects.get(verb="撤销组织").summary
    assert not Duty.objects.filter(about_org__code="1311").exists()
    assert client.get(url("menu", "1311")).status_code == 404


def test_a_rename_a_move_and_an_end(cast, as_user, sister):
    client = as_user(cast.user["clerk"])
    for kind, data, message in (
        ("rename", {"name": "通关一处党支部", "short_name": "通关一处", "on": "2010-12-02", "reason": WHY}, "已改名为"),
        ("move", {"target": "塘沽检验检疫局党组", "on": "2010-12-02", "reason": WHY}, "已转到"),
        ("dissolve", {"on": "2010-12-03", "reason": WHY}, "已撤销"),
    ):
        preview = client.post(url(kind, "1312"), data)
        assert "还没有写入" in text(preview)
        assert message in text(client.post(url(kind, "1312"), hidden(preview), follow=True))
    found = org("1312")
    assert (found.name, found.short_name, found.parent.code) == ("通关一处党支部", "通关一处", "132")
    assert str(found.dissolved_on) == "2010-12-03"


def test_a_refusal_keeps_everything_that_was_typed(cast, as_user):
    data = {"target": "", "on": "2010-12-01", "reason": WHY}
    shown = text(as_user(cast.user["clerk"]).post(url("dissolve", "1311"), data))
    assert "还有 4 名党员，请写明由哪个支部接收" in shown
    assert WHY in shown
    assert "2010-12-01" in shown


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"on": "2010-13-40"}, "看不懂日期"),
        ({"on": "2010-12-20"}, "还没有到"),
        ({"reason": ""}, "请写明原因"),
        ({"target": ""}, "必填"),
        ({"target": "1311"}, "找不到"),
        ({"target": "131"}, "找不到"),
    ],
)
def test_what_is_missing_or_wrong_is_named(cast, as_user, sister, changed, message):
    assert message in text(as_user(cast.user["clerk"]).post(url("merge", "1311"), MERGE | changed))
    assert org("1311").dissolved_on is None


def test_back_from_the_preview_gives_the_form_as_it_was(cast, as_user, sister):
    client = as_user(cast.user["clerk"])
    preview = client.post(url("merge", "1311"), MERGE)
    shown = text(client.post(url("merge", "1311"), hidden(preview) | {"back": "1"}))
    assert "查看影响" in shown
    assert WHY in shown
    assert org("1311").dissolved_on is None


def test_what_became_different_meanwhile_is_shown_again_and_not_done(cast, as_user, sister):
    client = as_user(cast.user["clerk"])
    sent = hidden(client.post(url("merge", "1311"), MERGE))
    people.transfer(cast.person["lower_member"], to=cast.org["1311"], on=builders.day("2010-12-01"), by=None)
    again = client.post(url("merge", "1311"), sent)
    assert "情况有了变化" in text(again)
    assert "5 名党员" in text(again)
    assert org("1311").dissolved_on is None
    client.post(url("merge", "1311"), hidden(again))
    assert org("1311").dissolved_on is not None


@pytest.mark.parametrize("junk", ["", "null", "[", "[" * 100000, '{"a": 1}', '["anything"]', "\x00"])
def test_a_confirmation_of_nothing_that_was_shown_does_nothing(cast, as_user, sister, junk):
    assert "还没有写入" in text(as_user(cast.user["clerk"]).post(url("merge", "1311"), MERGE | {"seen": junk}))
    assert org("1311").dissolved_on is None


def test_the_same_confirmation_twice_is_done_once(cast, as_user, sister):
    client = as_user(cast.user["clerk"])
    sent = hidden(client.post(url("merge", "1311"), MERGE))
    assert client.post(url("merge", "1311"), sent).status_code == 302
    assert client.post(url("merge", "1311"), sent).status_code == 404
    assert AuditEvent.objects.filter(verb="撤销组织").count() == 1
