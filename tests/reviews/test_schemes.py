"""A second scheme: added, made active only where no organisation is in the way; and nothing of the first in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from orgs.errors import Forbidden
from orgs.models import Category, Organization, Person, Scheme
from reports.models import CoverageTotal
from reviews import rules, rules_editing, schemes, wording
from reviews.models import ChecklistPoint, ContentKind, Duty, DutyStatus, Rule
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
