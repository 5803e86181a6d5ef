"""The tree view: a level of thousands by fifties, and the way down to one organisation."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs import treeview
from orgs.models import Organization
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

HTMX = {"HX-Request": "true"}


def crowd(cast, count: int = 120) -> list[str]:
    """So many branches directly under the bureau's 机关党委; their codes in the tree's order."""
    for at in range(count):
        builders.make_org(f"131-{at:03}", parent=Organization.objects.get(pk=cast.org["131"].pk))
    found = Organization.objects.filter(parent=cast.org["131"]).in_tree()
    return list(found.values_list("code", flat=True))


def part(client, code: str, **query) -> str:
    answer = client.get(reverse("organization_children", args=[code]), query, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(text: str) -> list[str]:
    """Codes of the organisations in a piece of the tree."""
    return re.findall(r'href="/orgs/([^/"]+)/(?:\?on=[\d-]+)?">', text)


def test_a_long_level_is_shown_fifty_at_a_time_to_its_end(cast, as_user):
    client, codes = as_user(cast.user["clerk"]), crowd(cast)
    first = part(client, "131")
    assert listed(first) == codes[:50]
    found, text = codes[:50], first
    while "再显示 50 个" in text:
        page = re.search(r"\?page=(\d+)&amp;way=after", text)
        assert page
        text = part(client, "131", page=page.group(1), way="after")
        assert "<ul" not in text
        assert "显示前面" not in text
        found += listed(text)
    assert found == codes


def test_without_scripts_the_link_leads_to_that_page_of_the_organisation(cast, as_user):
    client, codes = as_user(cast.user["clerk"]), crowd(cast, 60)
    answer = client.get(reverse("organization_children", args=["131"]), {"page": "2", "way": "after"}, follow=True)
    assert answer.redirect_chain == [("/orgs/131/?page=2", 302)]
    assert [row.org.code for row in answer.context["rows"]] == codes[50:]


def marked(answer) -> list[str]:
    """The chain of opened nodes down to the marked one."""

    def walk(nodes, above):
        for node in nodes:
            chain = [*above, node.row.org.code]
            if node.is_marked:
                return chain
            if node.level and (found := walk(node.level.nodes, chain)):
                return found
        return None

    assert answer.status_code == 200
    return walk(answer.context["nodes"], []) or []


@pytest.mark.parametrize(
    ("who", "code", "chain"),
    [
        ("admin", "1311", ["1", "13", "131", "1311"]),
        ("admin", "1", ["1"]),
        ("clerk", "1321", ["13", "132", "1321"]),
        ("clerk", "13", ["13"]),
        ("clerk", "12", []),  # not his
        ("secretary", "1311", ["1311"]),
        ("member_in_charge", "1311", ["131", "1311"]),  # from the nearest beginning
        ("member_in_charge", "13", ["13"]),
        ("stranger", "13", []),
        ("admin", "nonsense", []),
    ],
)
def test_the_tree_opens_down_to_an_organisation_and_marks_it(cast, as_user, who, code, chain):
    answer = as_user(cast.user[who]).get(reverse("organizations"), {"open": code})
    assert marked(answer) == chain
    assert answer.content.decode().count('id="opened"') == bool(chain)


def test_the_way_down_leads_through_the_page_on_which_each_stands(cast, as_user):
    client, codes = as_user(cast.user["clerk"]), crowd(cast)
    answer = client.get(reverse("organizations"), {"open": codes[77]})
    assert marked(answer) == ["13", "131", codes[77]]
    text = answer.content.decode()
    assert "显示前面 50 个" in text
    assert "再显示 50 个" in text
    assert set(codes[50:100]) <= set(listed(text))
    before = part(client, "131", page="1", way="before")
    assert listed(before) == codes[:50]
    assert "再显示" not in before


def test_a_hit_leads_to_its_place_in_the_tree(cast, as_user):
    client = as_user(cast.user["clerk"])
    text = client.get(reverse("organizations"), {"q": "塘沽局综合"}).content.decode()
    assert 'href="/orgs/?open=1321#opened"' in text
    assert marked(client.get("/orgs/?open=1321")) == ["13", "132", "1321"]


def test_the_queries_do_not_grow_with_the_level(cast, as_user):
    client = as_user(cast.user["admin"])

    def asked(path: str, **query) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path, query, headers=HTMX if "children" in path else {}).status_code == 200
        return len(queries)

    pages = [("/orgs/", {}), ("/orgs/", {"open": "1311"}), ("/orgs/131/children/", {})]
    few = [asked(path, **query) for path, query in pages]
    crowd(cast, 80)
    assert [asked(path, **query) for path, query in pages] == few
    assert max(few) <= 30


@pytest.mark.parametrize(("text", "page"), [("", 1), ("0", 1), ("-1", 1), ("x", 1), ("²", 1), ("9" * 40, 1), ("7", 7)])
def test_a_page_is_a_number(text, page):
    assert treeview.page_number(text) == page
