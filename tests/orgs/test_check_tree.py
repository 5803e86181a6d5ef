"""check_tree: proves the stored tree, and mends what can be mended."""

from __future__ import annotations

import pytest
from django.db.models import F

from orgs import tree
from orgs.models import AuditEvent, Organization
from tests.orgs.test_import_command import run

pytestmark = pytest.mark.django_db


def test_a_sound_tree_is_said_to_be_sound(cast):
    assert run("check_tree") == (0, "组织树完整\n", "")
    assert run("check_tree", "--repair") == (0, "组织树完整\n", "")


def test_an_unsound_numbering_is_found_and_mended(cast):
    Organization.objects.filter(code="131").update(level=F("level") + 3)
    Organization.objects.filter(code="1321").update(domain=cast.org["1"])
    status, _, err = run("check_tree")
    assert status == 1
    assert "131 的层级不对" in err
    assert "1321 的隶属域或领导班子不对" in err
    assert tree.prove()
    status, out, _ = run("check_tree", "--repair")
    assert status == 0
    assert "共修复" in out
    assert tree.prove() == []
    assert AuditEvent.objects.filter(verb="修复组织树").exists()


def test_a_circle_is_named_broken_and_told(cast):
    before = dict(Organization.objects.values_list("code", "parent"))
    Organization.objects.filter(code="131").update(parent=cast.org["1311"])
    status, _, err = run("check_tree")
    assert status == 1
    assert "循环" in err
    status, out, _ = run("check_tree", "--repair")
    assert status == 0
    assert "已改挂：" in out
    assert "check_coverage" in out
    assert tree.prove() == []
    assert dict(Organization.objects.values_list("code", "parent")) == before


def test_what_only_a_human_can_decide_is_named_and_left(cast):
    Organization.objects.filter(code="131").update(org_type="branch")
    status, _, err = run("check_tree", "--repair")
    assert status == 1
    assert "挂在党支部 131 下面" in err


def test_a_wrong_call_is_exit_2():
    assert run("check_tree", "--mend")[0] == 2
