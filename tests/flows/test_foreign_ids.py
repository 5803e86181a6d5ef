"""Ids of what is not the user's, in forms and query strings: refused, and nothing is written.

Who knows a foreign code or number learns from no answer that it names something.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import reverse

from orgs import accounts, people
from orgs.errors import Forbidden
from orgs.models import Charge, Organization, Person, Post, User
from reports.models import ProgressReport
from reviews import coverage, records
from reviews.models import Duty, Record
from tests import builders
from tests.cast import Cast
from tests.flows.test_every_url import URLS, World, client_of, world  # noqa: F401  (a fixture)
from tests.reviews.record_cases import Cases, full_draft, make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

UNTOUCHED_BY_READING = {"session", "accesslog", "accessattempt", "accessfailurelog"}


@pytest.fixture
def cases(cast: Cast) -> Cases:
    return make_cases(cast)


def everything() -> dict[str, list]:
    """Every row of every table of ours, to see that nothing was written."""
    models = [model for app in ("orgs", "reviews", "reports") for model in apps.get_app_config(app).get_models()]
    models += [Record.duties.through]
    return {
        model._meta.label: sorted(model._default_manager.order_by().values_list(), key=repr)
        for model in models
        if model._meta.model_name not in UNTOUCHED_BY_READING and not model._meta.proxy
    }


def without_logins(rows: dict[str, list]) -> dict[str, list]:
    """Logging in leaves its own trace in User.last_login."""
    return {label: found for label, found in rows.items() if label != "orgs.User"}


# Every field that some form knows, filled with something a form would take.
PLAUSIBLE = {
    "reason": "原因", "text": "进展", "outcome": "落实", "measures": "措施", "responsible": "张三", "due_on": "2010-12-20",
    "on": "2010-12-09", "person": "N-member", "role": "member", "name": "改名", "number": "X-1", "title": "改",
    "kind": "full", "status": "expelled", "to": "111", "organization": "1311", "org": "13", "period": "2010H2",
    "target": "person-N-member", "version": "1", "held_on": "2010-12-08", "place": "会议室", "form": "meeting",
    "form_note": "会", "achievements": "成绩", "directions": "方向", "problem": "问题", "reported_on": "2010-12-10",
    "correction_note": "更正", "note": "说明", "code": "2011H1", "from_on": "2010-12-01",
    "occasion": "季度随机点评", "size": "1", "topic": "质量提升", "do": "assign", "approved_by": "张三",
    "confirmed": "1", "q": "检务处",
}  # fmt: skip


@pytest.mark.parametrize("seat", ["nobody", "elsewhere", "sibling"])
def test_who_has_no_business_there_writes_nothing_by_any_url(world, seat):  # noqa: F811
    client = client_of(world.users[seat])
    before = without_logins(everything())
    foreign = {"duty": world.keys["duty"]["pk"], "post": world.keys["post_end"]["pk"]}
    # His own inbox, his own password and the address of his own calendar are his business.
    own = {"login", "logout", "password_change", "notifications_read", "calendar_subscribe", "calendar_revoke"}
    for name in sorted(URLS.keys() - own):
        answer = client.post(world.url(name), PLAUSIBLE | foreign)
        assert answer.status_code < 500, name
    assert without_logins(everything()) == before


def test_a_file_behind_a_get_writes_nothing_but_its_event(world):  # noqa: F811
    """Pages that are read change nothing, whoever reads them; exports leave a line in the trail."""
    before = without_logins(everything())
    before.pop("orgs.AuditEvent")
    for seat in ("secretary", "office"):
        client = client_of(world.users[seat])
        for name in sorted(URLS):
            client.get(world.url(name))
    after = without_logins(everything())
    after.pop("orgs.AuditEvent")
    # Folding pending changes of coverage into stored totals is no change of what they say.
    moved = {label for label in after if after[label] != before[label]}
    assert moved <= {"reviews.CoverageChange", "reports.CoverageTotal"}


def test_the_administrators_side_is_closed_to_everybody_else(cast, as_user):
    names = ["admin:index"]
    for model in apps.get_models():
        if model._meta.app_label in ("orgs", "reviews", "reports"):
            names.append(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    helper = builders.make_user(username="helper", is_staff=True, office=cast.org["13"])
    for name in names:
        try:
            url = reverse(name)
        except Exception:  # noqa: BLE001, S112  (not every model has a list)
            continue
        for part in ("member", "secretary", "clerk", "root_head"):
            answer = as_user(cast.user[part]).get(url)
            assert answer.status_code == 302, f"{part} {url}"
            assert answer["Location"].startswith(reverse("admin:login"))
        if name != "admin:index":  # staff without being an administrator: an empty index, and nothing behind it
            assert as_user(helper).get(url).status_code == 403, url


# --- forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["org-1321", "org-12", "person-N-lower_member", "person-N-unit_head", "org-nix"])
def test_an_ad_hoc_review_of_a_stranger_is_refused(cases, cast, as_user, target):
    client = as_user(cast.user["secretary"])
    before = everything()
    post = cast.person["secretary"].posts.get()
    answer = client.post(reverse("record_new"), {"post": post.pk, "target": target, "period": "2010H2"})
    assert answer.status_code == 404
    assert without_logins(everything()) == without_logins(before)


def test_an_ad_hoc_review_from_somebody_elses_post_is_refused_rather_than_taken_from_ones_own(cases, cast, as_user):
    client = as_user(cast.user["secretary"])
    foreign = cast.person["bureau_head"].posts.get()
    answer = client.post(
        reverse("record_new"), {"post": foreign.pk, "target": "person-N-member", "period": "2010H2"}, follow=True
    )
    assert "请先选择点评对象" in answer.content.decode()
    assert not Record.objects.exists()


def test_a_record_serves_no_duty_that_is_not_its_own(cases, cast, as_user):
    record = cases.member_record()
    foreign = cases.duty("4", "1321", "lower_secretary", person="lower_member", about="1321")
    same_target = cases.duty("2A", "13", "bureau_head", person="member", about="1311")
    client = as_user(cast.user["secretary"])
    for duty in (foreign, same_target):
        data = {"version": record.version, "held_on": "2010-12-08", "form": "meeting", "duty": duty.pk}
        client.post(reverse("record_edit", args=[record.pk]), data)
        with pytest.raises(records.BadDraft):
            records.save_draft(record, full_draft(record, duty_ids=(duty.pk,)), by=cast.user["secretary"])
    record.refresh_from_db()
    assert [duty.rule_code for duty in record.duties.all()] == ["4"]
    assert record.review.co_reviewers.count() == 0


def test_a_duty_is_given_to_nobody_outside_the_team(cases, cast, as_user):
    duty = cases.of_branch()
    client = as_user(cast.user["clerk"])
    for number in ("N-root_head", "N-unit_head", "N-lower_head", "N-member", "N-nix", ""):
        client.post(reverse("duty_reassign", args=[duty.pk]), {"person": number})
        duty.refresh_from_db()
        assert duty.acting == cast.person["member_in_charge"], number


def test_a_report_is_not_begun_for_an_organisation_elsewhere(cases, cast, as_user):
    url = reverse("progress_draft")
    for org, status in (("12", 404), ("1", 404), ("nix", 404)):
        assert as_user(cast.user["clerk"]).post(url, {"org": org, "period": "2010H2"}).status_code == status
    # The guiding office sees the bureau's sums, but does not fill in its form.
    assert as_user(cast.user["root_clerk"]).post(url, {"org": "13", "period": "2010H2"}).status_code == 302
    assert not ProgressReport.objects.exists()


def test_nobody_is_appointed_put_in_charge_or_transferred_across_the_range(cast, as_user):
    client = as_user(cast.user["clerk"])
    before = without_logins(everything())
    for person in ("N-root_head", "N-unit_head", "信息中心书记"):
        answer = client.post(reverse("post_add", args=["13"]), {"person": person, "role": "member"})
        assert "找不到" in answer.content.decode()
    own, foreign = cast.person["member_in_charge"], cast.person["unit_head"]
    for person, org in ((own.pk, "12"), (own.pk, "1"), (own.pk, "13"), (foreign.pk, "131")):
        data = {"person": person, "organization": org, "kind": "lead"}
        assert client.post(reverse("charge_add", args=["13"]), data).status_code == 200
    for branch in ("111", "121", "办公厅党支部"):
        data = {"to": branch, "on": "2010-12-09"}
        assert client.post(reverse("person_transfer", args=["N-member"]), data).status_code == 200
    assert without_logins(everything()) == before


def test_a_field_that_the_form_does_not_show_changes_nothing(cast, as_user):
    client = as_user(cast.user["secretary"])
    data = {
        "name": "检务处党员", "title": "新岗位", "kind": "full", "status": "normal",
        "number": "N-other", "branch": cast.org["121"].pk, "branch_now": cast.org["121"].pk, "user": 1, "id": 1,
    }  # fmt: skip
    assert client.post(reverse("person_edit", args=["N-member"]), data).status_code == 302
    member = Person.objects.get(pk=cast.person["member"].pk)
    assert (member.number, member.title) == ("N-member", "新岗位")
    assert member.memberships.get().branch == cast.org["1311"]


# --- a seat that would lift itself ------------------------------------------------------------------------------


def test_a_secretary_does_not_get_hold_of_a_superior_by_appointing_him(cast, as_user):
    """He sees the team that he sits in; appointing one of it to his branch would make the facts his to edit."""
    secretary, superior = cast.person["secretary"], cast.person["bureau_head"]
    builders.make_post(secretary, cast.org["13"], "成员")
    people.transfer(superior, to=cast.org["1321"], on=builders.day("2010-12-01"), by=None)
    user = User.objects.get(pk=cast.user["secretary"].pk)
    assert Person.objects.visible_to(user).filter(pk=superior.pk).exists()
    answer = as_user(user).post(reverse("post_add", args=["1311"]), {"person": superior.number, "role": "member"})
    assert "找不到" in answer.content.decode()
    assert not Post.objects.filter(person=superior, organization=cast.org["1311"]).exists()
    assert as_user(user).get(reverse("person_edit", args=[superior.number])).status_code == 404


def test_nobody_writes_or_voids_his_own_review(cases, cast, as_user):
    """A member becomes secretary of his branch, and its clerk, while the predecessor's draft about him is open."""
    record = cases.member_record()
    people.remove(cast.person["secretary"].posts.get(), on=builders.day("2010-12-09"), by=None)
    builders.make_post(cast.person["member"], cast.org["1311"], "书记", from_on=builders.day("2010-12-09"))
    himself = User.objects.get(pk=cast.user["member"].pk)
    for _ in range(2):  # as head alone, then with the office
        assert not Record.objects.visible_to(himself).exists()
        assert not Record.objects.editable_by(himself).exists()
        assert as_user(himself).get(reverse("record_edit", args=[record.pk])).status_code == 404
        with pytest.raises(Forbidden):
            records.save_draft(record, full_draft(record), by=himself)
        with pytest.raises(Forbidden):
            records.discard(record, by=himself)
        accounts.grant_office(himself, cast.org["1311"], by=None)
        himself = User.objects.get(pk=himself.pk)
    record = records.confirm(record, by=cast.user["secretary"])
    assert Record.objects.readable_text_by(himself).get() == record
    assert "void" not in records.actions(record, himself)
    with pytest.raises(Forbidden):
        records.void(record, reason="不服", by=himself)
    records.void(record, reason="补录有误", by=cast.user["clerk"])


def test_a_joint_duty_is_seen_by_both_sides_and_by_nobody_else(cases, cast):
    facts = {"person": "unit_head", "about": "12", "subject": "head", "joint_group": "1B:12"}
    first, partner = cases.duty("1B", "1", "root_head", **facts), cases.duty("1B", "11", "organ_head", **facts)
    other = cases.duty("5A", "1", "root_head", org="13", joint_group="1B:13")
    organ_clerk = builders.make_user(username="organ_clerk", office=cast.org["11"])
    for user in (cast.user["organ_head"], organ_clerk):
        assert set(Duty.objects.visible_to(user)) == {first, partner}
    assert other in Duty.objects.visible_to(cast.user["root_head"])
    # Another period's group of the same name opens nothing.
    past = Duty.objects.create(
        **{
            field.attname: getattr(first, field.attname)
            for field in Duty._meta.concrete_fields
            if field.name not in ("id", "period")
        },
        period=builders.make_period("2010H1"),
    )
    assert past not in Duty.objects.visible_to(organ_clerk)
    for part in ("secretary", "unit_secretary", "stranger", "office_secretary"):
        assert not Duty.objects.visible_to(cast.user[part]).exists(), part


# --- searching -------------------------------------------------------------------------------------------------


def plain(answer, *typed: str) -> str:
    """The page without its tokens and without what was typed."""
    page = re.sub(r"[A-Za-z0-9]{64}", "", answer.content.decode())
    for word in typed:
        page = page.replace(word, "").replace(quote(word), "")
    return page


SEARCHES = [
    ("people", {}, "q"), ("people", {}, "branch"), ("organizations", {}, "q"), ("records", {}, "q"), ("my_duties", {}, "q"),
    ("my_duties", {}, "leader"), ("rectifications", {}, "q"), ("record_new", {}, "q"),
    ("coverage_missing", {"code": "13", "measure": "members"}, "q"),
    ("coverage_missing", {"code": "13", "measure": "leaders"}, "q"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "keys", "field"), SEARCHES)
def test_a_search_tells_nothing_about_people_across_the_edge(cases, cast, as_user, name, keys, field):
    with transaction.atomic():
        coverage.sync(cases.period, builders.day("2010-12-10"))
    cases.confirmed()
    cases.duty("5A", "1", "root_head", org="13")
    Duty.objects.create(
        period=cases.period, rule_code="1A", reviewer_kind="org", reviewer_org=cast.org["1"], subject="org",
        target_org=cast.org["12"], about_org=cast.org["12"], basis="affiliation", due_on=cases.period.ends_on,
    )  # fmt: skip
    url = reverse(name, kwargs=keys)
    for part in ("root_clerk", "root_head"):
        client = as_user(cast.user[part])
        for real, invented in (("检务处党员", "检务处仙员"), ("N-member", "N-mxmber"), ("塘沽局书记", "塘沽局书讠")):
            one, none = (client.get(url, {field: word, "as": "office"}) for word in (real, invented))
            assert plain(one, real) == plain(none, invented), f"{part} {real}"


def test_foreign_filters_are_as_good_as_unknown_ones(cases, cast, as_user):
    client = as_user(cast.user["secretary"])
    for name, field in (("people", "org"), ("progress_reports", "org"), ("records", "period"), ("coverage", "org")):
        answers = [client.get(reverse(name), {field: value}) for value in ("121", "nix9")]
        assert answers[0].status_code == answers[1].status_code, name
        if answers[0].status_code == 200:
            assert plain(answers[0], "121") == plain(answers[1], "nix9"), name


@pytest.mark.parametrize("junk", ["长" * 5000, "9999-99-99", "²", "0" * 5000, "2010H2\r\nX: 1"])
def test_very_long_and_odd_values_are_answered(world, junk):  # noqa: F811
    client = client_of(world.users["office"])
    found = []
    for name in sorted(URLS.keys() - {"logout", "password_change"}):
        values = dict.fromkeys(
            "page q org period state measure sort branch show as leader on tab mine post".split(), junk
        )
        if client.get(world.url(name), values).status_code >= 500:
            found.append(name)
    assert not found


def test_the_list_of_units_below_shows_a_team_member_only_what_he_is_in_charge_of(cases, cast, as_user):
    page = as_user(cast.user["member_in_charge"]).get(reverse("progress_reports"), {"org": "13"}).content.decode()
    assert "塘沽检验检疫局党组" not in page
    page = as_user(cast.user["clerk"]).get(reverse("progress_reports"), {"org": "13"}).content.decode()
    assert "塘沽检验检疫局党组" in page
    assert Charge.objects.filter(person=cast.person["member_in_charge"]).exists()
    assert Organization.objects.filter(parent=cast.org["13"]).count() == 2
