"""频次: for all rules of a kind of target at once; previewed, saved with a reason, kept as versions. Administrators only."""

import pytest
from django.urls import reverse

from reviews import duties, rule_versions, rules_editing
from reviews.models import Duty, Rule, RuleVersion
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
HERE = "/rules/cadence/"


@pytest.fixture
def admin(cast, as_user):
    return as_user(cast.user["admin"])


@pytest.fixture
def first_half(cast, settings):
    settings.TODAY = "2011-03-01"
    made = duties.ensure_period("2011H1")
    duties.regenerate(made)
    return made


@pytest.mark.parametrize("part", ["root_clerk", "clerk", "secretary", "stranger"])
def test_only_administrators_find_it(cast, as_user, part):
    assert as_user(cast.user[part]).get(HERE).status_code == 404
    assert as_user(cast.user[part]).post(HERE, {"members": "half_year", "do": "save"}).status_code == 404


def test_members_half_yearly_is_previewed_exactly_saved_and_generated(first_half, admin):
    assert not Duty.objects.filter(rule_code="4").exists()
    shown = admin.post(HERE, {"members": "half_year", "do": "preview"})
    digest = shown.context["digest"]
    ((preview, _),) = shown.context["previews"]
    assert [code for code, _, _ in preview.counts] == ["4"]
    assert Rule.objects.get(code="4").cadence == "year"
    typed = {"members": "half_year", "reason": "2011 年每半年都点评党员", "do": "save", "previewed": digest}
    assert admin.post(HERE, typed)["Location"] == reverse("rules")
    assert Rule.objects.get(code="4").cadence == "half_year"
    assert RuleVersion.objects.filter(rule__code="4").count() == 2
    duties.regenerate(first_half)
    made = Duty.objects.filter(rule_code="4").values_list("reviewer_org", "target_person")
    told = [(line.reviewer_org_id, line.target_person_id) for line in preview.lines if line.is_added]
    assert sorted(made) == sorted(told)
    assert told


def test_nothing_else_than_what_was_previewed_is_saved(first_half, admin):
    digest = admin.post(HERE, {"team": "half_year", "do": "preview"}).context["digest"]
    answer = admin.post(HERE, {"members": "half_year", "reason": "改", "do": "save", "previewed": digest})
    assert answer.status_code == 200
    assert Rule.objects.get(code="4").cadence == "year"


def test_a_reason_is_asked_for(first_half, admin):
    digest = admin.post(HERE, {"members": "half_year", "do": "preview"}).context["digest"]
    answer = admin.post(HERE, {"members": "half_year", "do": "save", "previewed": digest})
    assert "请写明修改原因" in answer.content.decode()
    assert Rule.objects.get(code="4").cadence == "year"


def test_what_is_so_already_is_no_change(first_half, admin):
    page = admin.post(HERE, {"members": "year", "organizations": "half_year", "do": "preview"}).content.decode()
    assert "频次没有变化" in page


def test_a_rule_of_two_kinds_cannot_have_two_cadences(cast):
    Rule.objects.filter(code="4").update(targets_team=True)
    with pytest.raises(rules_editing.BadRule, match="规则 4 同时点评几种对象"):
        rules_editing.with_cadences({"team": "half_year", "members": "year"})


def test_heads_and_organisations_follow_together(cast, admin):
    half = duties.ensure_period("2010H1")
    changes = rules_editing.with_cadences({"organizations": "year"})
    assert {rule.code for rule, _ in changes} == {"0", "1A", "1B", "2A", "2B", "3A", "5A", "5B"}
    rules_editing.save_all(changes, reason="每年一次", by=cast.user["admin"])
    duties.regenerate(half)
    assert not Duty.objects.filter(period=half).exists()
    made = builders.make_round()
    duties.regenerate(made)
    assert Duty.objects.filter(period=made, subject="org").exists()
    assert len(rule_versions.stamp(Rule.objects.filter(code="0"))) == 1
