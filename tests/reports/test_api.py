"""What other programs read: the account's scope and nothing else, page by page, without a change to anything."""

from __future__ import annotations

import re

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs import accounts, clock, tokens
from orgs.models import ApiToken, AuditEvent, Organization
from reports import coverage, submissions
from reports.api import api
from reviews import coverage as targets
from reviews.models import Duty, Measure
from tests.builders import day
from tests.reports.submitting import accept_below
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
PLACES = [
    "organizations", "organizations/1311", "periods", "duties?period=2010H2", "coverage/13?period=2010H2", "reports",
]  # fmt: skip


@pytest.fixture
def cases(cast):
    return make_cases(cast)


def reader(user):
    """A program with a token of the account: path -> (status, JSON)."""
    secret = tokens.issue(user, name="综合统计平台", days=90)
    client = Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)

    def read(path):
        answer = client.get(f"/api/v1/{path}")
        return answer.status_code, answer.json()

    return read


def everything(read, path):
    """All pages of a list."""
    items, after = [], 0
    while after is not None:
        status, page = read(f"{path}{'&' if '?' in path else '?'}limit=2&after={after}")
        assert status == 200
        assert len(page["items"]) <= 2
        items += page["items"]
        after = page["next"]
    return items


@pytest.mark.parametrize("path", PLACES)
def test_without_a_good_token_nothing_is_told(cases, cast, client, as_user, path):
    secret = tokens.issue(cast.user["clerk"], name="平台", days=30)
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": secret}, {"Authorization": "Bearer \udcff"}):
        assert client.get(f"/api/v1/{path}", headers=headers).status_code == 401
    assert as_user(cast.user["admin"]).get(f"/api/v1/{path}").status_code == 401  # a log-in is no token
    good = {"Authorization": f"Bearer {secret}"}
    assert client.get(f"/api/v1/{path}", headers=good).status_code == 200
    for method in ("post", "put", "delete", "patch"):
        assert getattr(client, method)(f"/api/v1/{path}", headers=good).status_code == 405
    for change in ({"is_active": False}, {"is_active": True, "must_change_password": True}):
        type(cast.user["clerk"]).objects.filter(pk=cast.user["clerk"].pk).update(**change)
        assert client.get(f"/api/v1/{path}", headers=good).status_code == 401


def test_every_operation_is_tried_above():
    paths = {re.sub(r"\{\w+\}", "", path.removeprefix("/api/v1/")) for path in api.get_openapi_schema()["paths"]}
    assert paths == {re.sub(r"\?.*|(?<=/)\d+", "", path) for path in PLACES}


def test_a_token_ends_on_its_day_and_when_it_is_stopped(cases, cast, settings):
    read = reader(cast.user["clerk"])
    assert read("periods")[0] == 200
    token = ApiToken.objects.get()
    assert (token.expires_on, token.used_on) == (day("2011-03-10"), clock.today())
    settings.TODAY = "2011-03-10"
    assert read("periods")[0] == 200
    settings.TODAY = "2011-03-11"
    assert read("periods")[0] == 401
    settings.TODAY = "2010-12-10"
    tokens.revoke(token, by=cast.user["clerk"])
    assert read("periods")[0] == 401
    assert set(AuditEvent.objects.filter(model="orgs.apitoken").values_list("verb", flat=True)) == {
        "建立接口令牌",
        "停用接口令牌",
    }


@pytest.mark.parametrize("who", ["clerk", "root_clerk", "admin"])
def test_lists_are_what_the_account_sees(cases, cast, who):
    for made in (cases.of_branch, cases.of_member, cases.of_bureau):
        made()
    user = cast.user[who]
    read = reader(user)
    codes = [row["code"] for row in everything(read, "organizations")]
    assert sorted(codes) == sorted(
        Organization.objects.visible_to(user).alive(clock.today()).values_list("code", flat=True)
    )
    assert len(codes) == len(set(codes))
    ids = [row["id"] for row in everything(read, "duties?period=2010H2")]
    assert ids == sorted(Duty.objects.visible_to(user).values_list("pk", flat=True))
    assert ids
    for org in Organization.objects.all():
        is_seen = Organization.objects.visible_to(user).filter(pk=org.pk).exists()
        for path in (f"organizations/{org.code}", f"coverage/{org.code}?period=2010H2"):
            assert read(path)[0] == (200 if is_seen else 404), path


def test_children_out_of_sight_stand_together_in_the_figures(cases, cast, as_user):
    """As on the page: he sits in the team of 13 and works in the office of 131, and is not in charge of 132."""
    accounts.grant_office(cast.user["member_in_charge"], cast.org["131"], by=None)
    with transaction.atomic():
        targets.sync(cases.period, day("2010-12-10"))
    status, told = reader(cast.user["member_in_charge"])("coverage/13?period=2010H2")
    assert status == 200
    assert [(row["code"], row["name"]) for row in told["rows"]] == [
        ("13", "天津检验检疫局党组"), ("131", "天津局机关党委"), ("", "其他下级（1 个）"),
    ]  # fmt: skip
    for measure in Measure:
        for part in ("due", "done"):
            assert sum(row[measure][part] for row in told["rows"]) == told["total"][measure][part]
    _status, whole = reader(cast.user["clerk"])("coverage/13?period=2010H2")
    assert whole["total"] == told["total"]
    assert [row["code"] for row in whole["rows"]] == ["13", "131", "132"]
    assert {**whole["rows"][2], "code": "", "name": "其他下级（1 个）"} == told["rows"][2]


def test_a_superior_out_of_sight_is_not_named(cases, cast):
    read = reader(cast.user["clerk"])
    for row in everything(read, "organizations"):
        parent = Organization.objects.get(code=row["code"]).parent
        is_seen = Organization.objects.visible_to(cast.user["clerk"]).filter(pk=parent.pk).exists()
        assert row["parent"] == (parent.code if is_seen else None)


def test_lists_are_narrowed(cases, cast):
    read = reader(cast.user["clerk"])
    duty = cases.of_branch()
    assert [row["code"] for row in read("organizations?parent=13&type=branch")[1]["items"]] == sorted(
        Organization.objects.filter(parent__code="13", org_type="branch").values_list("code", flat=True)
    )
    assert {row["code"] for row in read("organizations?q=检务处")[1]["items"]} == {"1311"}
    found = read(f"duties?period=2010H2&rule={duty.rule_code}&status=pending&reviewer_org=13&about_org=1311")[1][
        "items"
    ]
    assert [row["id"] for row in found] == [duty.pk]
    assert found[0] | {"id": 0} == {
        "id": 0, "rule": duty.rule_code, "reviewer_kind": "org", "reviewer_org": "13",
        "reviewer_person": None, "about_org": "1311",
        "acting_person": cast.person["member_in_charge"].number, "target_org": "1311", "target_person": None,
        "basis": duty.basis, "joint_group": "", "due_on": "2010-12-31", "status": "pending",
    }  # fmt: skip
    assert read("duties?period=2010H2&status=done")[1] == {"items": [], "next": None}


def test_coverage_adds_up_and_is_what_the_page_says(cases, cast):
    cases.confirmed()
    with transaction.atomic():
        targets.sync(cases.period, day("2010-12-10"))
    told = reader(cast.user["clerk"])("coverage/13?period=2010H2")[1]
    figures = coverage.added(row.figures for row in coverage.by_child(cases.period, cast.org["13"]))
    for measure in Measure:
        assert told["total"][measure.value] == {"due": figures[measure].due, "done": figures[measure].done}
        for word in ("due", "done"):
            assert sum(row[measure.value][word] for row in told["rows"]) == told["total"][measure.value][word]
    assert told["rows"][0]["is_own"]
    assert told["total"]["members"]["done"] > 0


def test_reports_are_told_as_sent_and_drafts_are_not(cases, cast):
    read = reader(cast.user["clerk"])
    report = submissions.draft(cast.org["13"], cases.period, by=cast.user["clerk"])
    accept_below(cast.org["13"], cases.period)
    assert read("reports?organization=13")[1]["items"] == []
    submissions.submit(report, by=cast.user["clerk"])
    (told,) = read("reports?period=2010H2&organization=13")[1]["items"]
    assert (told["organization"], told["state"], told["reported_on"]) == ("13", "submitted", "2010-12-10")
    lines = report.rows.values_list("unit_name", "organization__code", "basis", "absence")
    assert [(row["unit"], row["organization"], row["basis"], row["absence"]) for row in told["rows"]] == list(lines)
    assert told["sent_on"] == "2010-12-10"


def test_what_makes_no_sense_is_said(cases, cast):
    read = reader(cast.user["clerk"])
    for path, status, words in (
        ("duties", 422, "参数不对：period"),
        ("duties?period=2011H9", 404, "点评期“2011H9”不存在"),
        ("duties?period=2010H2&status=lost", 422, "status"),
        ("organizations?limit=100000", 422, "limit"),
        ("organizations?after=-1&limit=x", 422, "after、limit"),
        ("organizations?after=99999999999999999999", 422, "after"),
        ("organizations/%00", 404, "组织"),
        ("organizations/nowhere", 404, "组织“nowhere”不存在，或不在您的范围内"),
        ("coverage/13?period=%00", 404, "点评期"),
    ):
        answered, told = read(path)
        assert (answered, words in told["detail"]) == (status, True), (path, told)
    for path in (
        "organizations?q=%00",
        "organizations?parent=a%00",
        "duties?period=2010H2&rule=%00",
        "reports?period=%00",
    ):
        assert read(path)[0] == 422, path


@pytest.mark.parametrize("path", PLACES)
def test_the_cost_does_not_grow_with_what_is_listed(cases, cast, path):
    read = reader(cast.user["admin"])
    read(path)
    counts = []
    for narrow in ("limit=2", "limit=500"):
        with CaptureQueriesContext(connection) as asked:
            read(f"{path}{'&' if '?' in path else '?'}{narrow}")
        counts.append(len(asked))
    assert counts[0] == counts[1] < 12


def test_its_description_stands_on_the_own_server(cast, as_user, client):
    for name in ("api:openapi-view", "api:openapi-json"):
        assert client.get(reverse(name)).status_code == 302
    browser = as_user(cast.user["clerk"])
    page = browser.get(reverse("api:openapi-view")).content.decode()
    assert "swagger-ui" in page
    assert not re.search(r"(src|href)=[\"'](https?:)?//", page)
    described = browser.get(reverse("api:openapi-json")).json()
    assert described["info"]["title"] == "领导点评系统接口"
    assert all(operation["get"]["summary"] for operation in described["paths"].values())


def test_tokens_are_the_offices_and_shown_once(cast, as_user):
    url = reverse("api_tokens")
    for stranger in ("secretary", "stranger"):
        assert as_user(cast.user[stranger]).get(url).status_code == 404
        assert as_user(cast.user[stranger]).post(url, {"name": "平台", "days": "30"}).status_code == 404
    browser = as_user(cast.user["clerk"])
    assert "请写明用途" in browser.post(url, {"name": " ", "days": "30"}).content.decode()
    assert browser.post(url, {"name": "平台", "days": "31"}).status_code == 200
    assert not ApiToken.objects.exists()
    page = browser.post(url, {"name": "平台", "days": "30"}).content.decode()
    (secret,) = re.findall(r"<code>([\w-]{43})</code>", page)
    assert tokens.whose(secret) == cast.user["clerk"]
    token = ApiToken.objects.get()
    assert secret not in browser.get(url).content.decode()
    assert as_user(cast.user["admin"]).post(reverse("api_token_revoke", args=[token.pk])).status_code == 404
    browser.post(reverse("api_token_revoke", args=[token.pk]))
    assert tokens.whose(secret) is None
    for number in range(tokens.MOST):
        tokens.issue(cast.user["clerk"], name=f"平台{number}", days=30)
    assert "最多 10 个" in browser.post(url, {"name": "又一个", "days": "30"}).content.decode()
