"""The navigation says where one is, once, and offers what one may do."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from tests import builders
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


def nav(page: str) -> tuple[list[str], list[str]]:
    """The entries beside the page, and those that are marked."""
    side = page[page.index('class="side-nav"') : page.index('class="bottom-nav"')]
    entries = re.findall(r'<a href="[^"]*"\s+class="(here)?"[^>]*>.*?<span>([^<]+)</span>', side, re.DOTALL)
    return [label for _, label in entries], [label for here, label in entries if here]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("my_duties", "我的任务"),
        ("office_duties", "任务安排"),
        ("duty_assign", "任务安排"),
        ("draws", "任务安排"),
        ("draw_new", "任务安排"),
        ("work_plans_missing", "工作方案"),
        ("duty_why", "任务缺口"),
        ("schemes", "点评规则"),
        ("people", "人员"),
        ("export_list", "覆盖情况"),
    ],
)
def test_one_entry_is_marked(cast, as_user, name, label):
    make_cases(cast)
    page = as_user(cast.user["admin"]).get(reverse(name)).content.decode()
    assert nav(page)[1] == [label]


def test_who_arranges_nothing_is_not_offered_it(cast, as_user):
    aside = builders.make_person("天津局班子成员", cast.org["1311"])
    builders.make_post(aside, cast.org["13"], "成员")
    offered = {
        name: "任务安排" in nav(as_user(user).get(reverse("records")).content.decode())[0]
        for name, user in {
            "aside": builders.make_user(aside), "member": cast.user["member"], "head": cast.user["secretary"],
            "office": cast.user["clerk"],
        }.items()
    }  # fmt: skip
    assert offered == {"aside": False, "member": False, "head": True, "office": True}


def test_a_page_is_marked_where_its_reader_comes_from(cast, as_user):
    aside = builders.make_user(builders.make_person("天津局班子成员", cast.org["1311"]))
    builders.make_post(aside.person, cast.org["13"], "成员")
    for user, label in ((aside, "我的任务"), (cast.user["clerk"], "任务安排")):
        assert nav(as_user(user).get(reverse("draws")).content.decode())[1] == [label]
