"""A second scheme: added, made active only where no organisation is in the way; and nothing of the first in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from orgs.errors import Forbidden
from orgs.models import AuditEvent, Category, Organization, Person, Post, Scheme
from reports.models import CoverageTotal
from reviews import duties, duty_csv, rule_versions, rules, rules_editing, schemes, why_not, wording
from reviews.models import ChecklistPoint, ContentKind, Duty, DutyStatus, Period, Rule
from reviews.rule_versions import Switches
from tests import builders

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
# Words of one system; they belong to its scheme, its demonstration, the tests and the documents.
OURS = re.compile("质检|总局|认监委|标准委|国家委|直属挂靠|检验检疫|质监局|质量监督")
DATA = re.compile(r"/migrations/|/demonstration/|^reports/management/commands/demo\.py$|^static/vendor/")


def test_nothing_of_one_system_is_in_the_code():
    found = []
    for room in ("orgs", "reviews", "reports", "dianping", "templates", "static"):
        for path in sorted((ROOT / room).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in (".py", ".html", ".js", ".css", ".json", ".txt") and not DATA.search(name):
                lines = path.read_text(encoding="utf-8").splitlines()
                found += [f"{name}:{at} {line.strip()}" for at, line in enumerate(lines, 1) if OURS.search(line)]
    assert not found, "\n" + "\n".join(found)


def test_a_fresh_database_holds_the_first_scheme_and_nothing_else():
    assert list(Scheme.objects.values_list("code", "is_active")) == [("aqsiq-2010", True)]
    assert [scheme["code"] for scheme in schemes.to_add()] == ["general"]
    assert not Category.objects.exclude(scheme__code="aqsiq-2010").exists()


def test_a_shipped_scheme_is_added_whole_and_only_once(cast):
    added = schemes.add("general", by=cast.user["admin"])
    assert not added.is_active
    for rule in Rule.objects.filter(scheme=added):
        assert rules_editing.problems(rules_editing.draft_of(rule), rule) == []
    kinds = set(ChecklistPoint.objects.filter(scheme=added).values_list("kind", flat=True))
    assert kinds == set(ContentKind.values)
    with pytest.raises(schemes.SchemeRefused, match="已经有了"):
        schemes.add("general", by=cast.user["admin"])
    with pytest.raises(Forbidden):
        schemes.add("general", by=cast.user["clerk"])


def test_it_does_not_become_active_while_organisations_have_the_others_categories(cast):
    added = schemes.add("general", by=None)
    known = schemes.switch(added)
    assert known.organizations == 10
    assert not known.is_possible
    with pytest.raises(schemes.SchemeRefused, match="还有 10 个组织"):
        schemes.activate(added, by=cast.user["admin"])
    assert Scheme.objects.get(is_active=True).code == "aqsiq-2010"
    with pytest.raises(Forbidden):
        schemes.activate(added, by=cast.user["clerk"])


def test_in_an_empty_system_it_becomes_active_and_back(db):
    admin = builders.make_user(username="admin", is_superuser=True)
    added = schemes.add("general", by=admin)
    assert schemes.switch(added).is_possible
    schemes.activate(added, by=admin)
    assert Scheme.objects.get(is_active=True) == added
    assert [wording.sentence(rule) for rule in rules.every()] == [
        "党组、党委、党总支 的书记 → 本班子成员，每年",
        "党支部 的书记 → 本支部党员，每年",
        "上级组织 → 直接下级（隶属）其他规则都没有点名的组织 及其负责人，每半年",
    ]
    schemes.activate(Scheme.objects.get(code="aqsiq-2010"), by=admin)
    assert Scheme.objects.get(is_active=True).code == "aqsiq-2010"


def test_the_university_is_loaded_with_duties_and_reviews(capsys):
    call_command("demo", "--scheme", "general")
    assert "xuexiao" in capsys.readouterr().out
    assert Scheme.objects.get(is_active=True).code == "general"
    assert 35 <= Organization.objects.count() <= 45
    assert 250 <= Person.objects.count() <= 350
    assert not Organization.objects.exclude(category__scheme__code="general").exists()
    assert set(Duty.objects.values_list("rule_code", flat=True)) == {"0", "1", "4"}
    reviewed = Duty.objects.filter(status=DutyStatus.DONE).count()
    assert reviewed > 30
    # By the principle: every organisation but the root, from the one above it, with its head.
    orgs = Duty.objects.filter(rule_code="0", target_org__isnull=False)
    assert orgs.count() == Organization.objects.count() - 1
    assert all(duty.reviewer_org_id == duty.target_org.parent_id for duty in orgs.select_related("target_org"))
    assert CoverageTotal.objects.exists()


def test_the_page_adds_and_says_what_stands_in_the_way(cast, as_user):
    admin = as_user(cast.user["admin"])
    added = admin.post(reverse("scheme_add"), {"code": "general"}, follow=True).content.decode()
    assert "还没有启用" in added
    assert "10" in re.search(r"还有 <b class=\"num\">(\d+)</b> 个组织", added)[1]
    scheme = Scheme.objects.get(code="general")
    refused = admin.post(reverse("scheme_activate", args=[scheme.pk]), follow=True).content.decode()
    assert "还有 10 个组织用着其他方案的单位类别" in refused
    assert as_user(cast.user["clerk"]).get(reverse("schemes")).status_code == 404


# --- switches --------------------------------------------------------------------------------------------------------


@pytest.fixture
def period(cast, in_2010):
    duties.regenerate(duties.ensure_period("2010H2"))
    return Period.objects.get(code="2010H2")


def active():
    return Scheme.objects.get(is_active=True)


def left_out(period):
    """Members with a duty, of those who lead something that is no branch."""
    leads = Post.objects.exclude(organization__org_type="branch").values("person")
    return Duty.objects.filter(period=period, subject="member", target_person__in=leads).count()


def test_a_period_that_is_over_keeps_the_switches_it_was_made_with(period, cast, settings):
    assert left_out(period)
    told = rule_versions.switches(period)
    settings.TODAY = "2011-02-01"
    wanted = Switches(leaders_as_members=False, new_org_months=6)
    schemes.change_switches(active(), wanted, reason="新办法", by=cast.user["admin"])
    before = sorted(duty_csv.rows(period))
    duties.regenerate(period)
    assert sorted(duty_csv.rows(period)) == before
    assert rule_versions.switches(Period.objects.get(pk=period.pk)) == told
    leader = cast.person["member_in_charge"]
    assert not any("方案规定" in line.text for line in why_not.why_not(None, leader, period).lines)
    assert schemes.kept_otherwise(active()) == [period]
    present = duties.ensure_period("2011H1")
    duties.regenerate(present)
    present.refresh_from_db()
    assert (present.leaders_as_members, present.new_org_months) == wanted


def test_a_running_period_follows_and_keeps_what_it_was_last_made_with(period, cast):
    wanted = Switches(leaders_as_members=False, new_org_months=3)
    schemes.change_switches(active(), wanted, reason="新办法", by=cast.user["admin"])
    duties.regenerate(period)
    period.refresh_from_db()
    assert not left_out(period)
    assert rule_versions.switches(period) == wanted


def test_young_organisations_of_a_past_period_are_counted_by_its_months(cast, in_2010, settings):
    builders.make_org("139", "党支部", "机关内设机构", cast.org["13"], founded_on=builders.day("2011-02-01"))
    settings.TODAY = "2011-06-01"
    period = duties.ensure_period("2011H1")
    duties.regenerate(period)
    assert Duty.objects.filter(period=period, target_org__code="139").exists()
    settings.TODAY = "2011-08-01"
    schemes.change_switches(active(), Switches(True, 6), reason="新办法", by=None)
    duties.regenerate(period)
    assert Duty.objects.filter(period=period, target_org__code="139").exists()


def test_switches_are_previewed_exactly_saved_by_administrators_and_left_in_the_trail(period, cast):
    wanted = Switches(leaders_as_members=False, new_org_months=3)
    (preview,) = schemes.preview_switches(active(), wanted, by=cast.user["admin"])
    assert active().leaders_as_members
    assert [(code, come) for code, come, _ in preview.counts] == [("4", 0)]
    before = Duty.objects.filter(period=period).count()
    schemes.change_switches(active(), wanted, reason="新办法", by=cast.user["admin"])
    duties.regenerate(period)
    assert before - Duty.objects.filter(period=period).count() == len(preview.lines)
    event = AuditEvent.objects.get(verb="修改方案设置")
    assert (event.before, event.after) == ({"leaders_as_members": True}, {"leaders_as_members": False})
    assert "新办法" in event.summary


def test_switches_are_refused_without_authority_reason_or_sense(cast):
    wanted = Switches(leaders_as_members=False, new_org_months=3)
    with pytest.raises(Forbidden):
        schemes.change_switches(active(), wanted, reason="新办法", by=cast.user["clerk"])
    with pytest.raises(Forbidden):
        schemes.preview_switches(active(), wanted, by=cast.user["clerk"])
    with pytest.raises(schemes.SchemeRefused, match="原因"):
        schemes.change_switches(active(), wanted, reason=" ", by=cast.user["admin"])
    with pytest.raises(schemes.SchemeRefused, match="0 至 12"):
        schemes.change_switches(active(), Switches(True, 13), reason="新办法", by=cast.user["admin"])
    assert active().leaders_as_members
    schemes.change_switches(active(), Switches(True, 3), reason="没有变化", by=cast.user["admin"])
    assert not AuditEvent.objects.filter(verb="修改方案设置").exists()


def test_the_page_of_switches_previews_saves_and_generates(period, cast, as_user):
    admin, url = as_user(cast.user["admin"]), reverse("scheme_switches", args=[active().pk])
    typed = {"new_org_months": "3", "do": "preview"}
    page = admin.post(url, typed)
    assert "撤回" in page.content.decode()
    typed |= {"do": "save", "previewed": page.context["digest"], "generate": "1"}
    assert "请写明修改原因" in admin.post(url, typed).content.decode()
    assert active().leaders_as_members
    other = admin.post(url, typed | {"new_org_months": "4", "reason": "新办法"})
    assert other.status_code == 200, "not what was previewed"
    assert active().leaders_as_members
    admin.post(url, typed | {"reason": "新办法"})
    assert not active().leaders_as_members
    assert not left_out(period)
    assert "设置没有变化" in admin.post(url, typed).content.decode()
    assert "不在所在支部接受点评" in admin.get(reverse("schemes")).content.decode()


def test_the_page_of_switches_bears_junk(cast, as_user):
    admin, url = as_user(cast.user["admin"]), reverse("scheme_switches", args=[active().pk])
    for months in ("", "x", "-1", "99999999999", "3.5", "\x00"):
        assert admin.post(url, {"new_org_months": months, "do": "save"}).status_code == 200
    assert active().new_org_months == 3


def test_switches_of_a_scheme_that_is_not_active_touch_no_duty(period, cast):
    added = schemes.add("general", by=None)
    assert schemes.preview_switches(added, Switches(False, 6), by=cast.user["admin"]) == []
    schemes.change_switches(added, Switches(False, 6), reason="新办法", by=cast.user["admin"])
    assert rule_versions.switches(period) == Switches(True, 3)
