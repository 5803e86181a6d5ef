"""Lists as they are asked for: conditions, order, columns; the page and its file say the same; junk is left out."""

from __future__ import annotations

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from orgs import organizations_table, paging, people, people_table, querysets, tree
from orgs.models import AuditEvent, Organization, Person
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

DAY = builders.day("2010-12-01")
HEADERS = {table.title: {column.name: column.header for column in table.columns} for table in (people_table.TABLE, organizations_table.TABLE)}  # fmt: skip


def shown(client, name: str, **query) -> list[list[str]]:
    """The page's table: heads, then rows, as a person reads it."""
    answer = client.get(reverse(name), query)
    assert answer.status_code == 200
    if "lines" not in answer.context:
        return []
    heads = [head.column.header for head in answer.context["asked"].heads]
    return [heads, *([cell.text for cell in line.cells] for line in answer.context["lines"])]


def filed(client, name: str, **query) -> list[list[str]]:
    """The file's sheet."""
    answer = client.get(reverse(f"{name}_export"), query)
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    return [["" if value is None else str(value) for value in row] for row in sheet.iter_rows(values_only=True)]


def numbers(client, **query) -> list[str]:
    return [row[1].removeprefix("N-") for row in shown(client, "people", **query)[1:]]


def codes(client, **query) -> list[str]:
    return [row[1] for row in shown(client, "organizations", view="list", **query)[1:]]


# --- page and file --------------------------------------------------------------------------------------------------

PEOPLE_ASKED = [
    {"sort": "-number"},
    {"sort": "name", "col": ["number", "status", "posts"]},
    {"sort": "-branch", "col": ["number", "branch", "branch_code"]},
    {"sort": "title", "status": "normal", "kind": "full"},
    {"post": "secretary", "org": "13", "sort": "kind"},
    {"post": "none", "placed": "yes", "sort": "status"},
]
ORGANIZATIONS_ASKED = [
    {"view": "list"},
    {"view": "list", "sort": "-name", "col": ["code", "category", "window"]},
    {"type": "branch", "sort": "code"},
    {"relation": "guidance", "head": "yes", "sort": "-founded"},
    {"q": "局", "sort": "category", "life": "all"},
]


@pytest.mark.parametrize("part", ["clerk", "root_clerk", "secretary", "member", "stranger", "admin"])
@pytest.mark.parametrize(
    ("name", "query"),
    [*(("people", query) for query in PEOPLE_ASKED), *(("organizations", query) for query in ORGANIZATIONS_ASKED)],
)
def test_the_file_is_what_the_page_shows(cast, as_user, part, name, query):
    client = as_user(cast.user[part])
    assert filed(client, name, **query) == shown(client, name, **query)


@pytest.mark.parametrize("table", [people_table.TABLE, organizations_table.TABLE], ids=lambda table: table.title)
def test_every_column_can_be_chosen_and_sorted_both_ways(cast, as_user, table):
    client = as_user(cast.user["admin"])
    name = "people" if table is people_table.TABLE else "organizations"
    usual = {row[1] for row in shown(client, name, view="list")[1:]}
    every = [column.name for column in table.columns]
    heads, *rows = shown(client, name, view="list", col=every)
    assert heads == [column.header for column in table.columns]
    assert {len(row) for row in rows} == {len(every)}
    for column in table.columns:
        for sign in ("", "-") if column.sort else ():
            found = shown(client, name, view="list", sort=sign + column.name)[1:]
            assert {row[1] for row in found} == usual
            assert len(found) == len(usual)


def test_the_first_column_stays_whatever_is_chosen(cast, as_user):
    client = as_user(cast.user["admin"])
    assert shown(client, "people", col=["mobile"])[0] == ["姓名", "手机"]
    assert shown(client, "people", col=["nonsense"])[0] == [
        "姓名",
        "人员编号",
        "所属支部",
        "单位及职务",
        "类别",
        "手机",
    ]


# --- people ---------------------------------------------------------------------------------------------------------


def test_people_by_post(cast, as_user):
    client = as_user(cast.user["admin"])
    builders.make_post(cast.person["member"], cast.org["1311"], "委员")
    assert numbers(client, post="deputy") == ["unit_deputy"]
    assert "secretary" in numbers(client, post="secretary")
    assert numbers(client, post="member") == ["member", "member_in_charge", "organ_head"]
    assert numbers(client, post="none") == ["lower_member"]
    people.remove(cast.person["unit_deputy"].posts.get(), on=DAY, by=None)
    assert numbers(client, post="deputy") == []  # a former one


def test_people_by_status_kind_and_branch(cast, as_user):
    client = as_user(cast.user["admin"])
    people.update_many([(cast.person["member"], {"kind": "probationary"})], by=None)
    people.update_many([(cast.person["secretary"], {"status": "suspended"})], by=None)
    people.transfer(cast.person["lower_member"], to=None, on=DAY, by=None)
    assert numbers(client, kind="probationary") == ["member"]
    assert numbers(client, status="suspended") == ["secretary"]
    assert numbers(client, placed="no") == ["lower_member"]
    assert "lower_member" not in numbers(client, placed="yes")
    assert numbers(client, org="塘沽检验检疫局党组") == ["lower_head", "lower_secretary"]
    assert numbers(client, branch="塘沽", post="none") == []


def test_a_subtree_is_a_range_and_not_the_beginning_of_a_code(cast, as_user):
    builders.make_org("A10", "党委", "直属挂靠单位", cast.org["1"])
    builders.make_org("A100", "党委", "直属挂靠单位", cast.org["1"])
    ten, hundred = (Organization.objects.get(code=code) for code in ("A10", "A100"))
    inside = builders.make_org("A100-1", parent=ten)
    outside = builders.make_org("A10-1", parent=hundred)
    builders.make_person("在内", inside, number="IN")
    builders.make_person("在外", outside, number="OUT")
    assert numbers(as_user(cast.user["admin"]), org="A10") == ["IN"]


def test_people_are_sorted_by_their_branch_of_today_those_without_last(cast, as_user):
    people.transfer(cast.person["lower_member"], to=None, on=DAY, by=None)
    people.transfer(cast.person["member"], to=cast.org["1321"], on=DAY, by=None)
    client = as_user(cast.user["admin"])
    for sign in ("", "-"):
        rows = shown(client, "people", sort=f"{sign}branch")[1:]
        branches = [row[2] for row in rows]
        assert len(rows) == len({row[1] for row in rows}) == 13
        changes = [at for at in range(1, len(branches)) if branches[at] != branches[at - 1]]
        assert len(changes) == len(set(branches)) - 1  # each branch stands together
        assert branches[-1] == ""
    by_pinyin = [row[2] for row in shown(client, "people", sort="branch")[1:]]
    assert by_pinyin.index("塘沽局综合党支部") < by_pinyin.index("天津局检务处党支部")
    assert "N-member" in {row[1] for row in rows if row[2] == "塘沽局综合党支部"}


@pytest.mark.parametrize(
    "part", ["clerk", "root_clerk", "secretary", "member", "bureau_head", "unit_deputy", "stranger"]
)
def test_both_ways_of_asking_whom_one_sees_give_the_same(cast, part, monkeypatch):
    builders.make_post(cast.person["member"], cast.org["132"], "成员", from_on=DAY)
    people.transfer(cast.person["lower_member"], to=cast.org["1311"], on=DAY, by=None)
    user = cast.user[part]

    def found() -> list[set[str]]:
        return [
            set(rows.values_list("number", flat=True))
            for rows in (Person.objects.visible_to(user), Person.objects.editable_by(user))
        ]

    few = found()
    monkeypatch.setattr(querysets, "WIDE", 0)
    assert found() == few


# --- organisations --------------------------------------------------------------------------------------------------


def test_organisations_by_condition(cast, as_user):
    client = as_user(cast.user["admin"])
    assert codes(client, type="branch") == ["111", "121", "1311", "1321"]
    assert codes(client, category="直属挂靠单位") == ["12"]
    assert codes(client, relation="guidance") == ["13"]
    assert codes(client, window="yes") == ["1311"]
    assert codes(client, head="no") == []
    people.remove(cast.person["secretary"].posts.get(), on=DAY, by=None)
    assert codes(client, head="no") == ["1311"]
    assert "1311" not in codes(client, head="yes")


def test_living_and_dissolved_organisations(cast, as_user):
    builders.make_org("1312", parent=cast.org["131"])
    tree.dissolve(Organization.objects.get(code="1312"), on=DAY, by=None)
    client = as_user(cast.user["admin"])
    assert "1312" not in codes(client, q="131")
    assert codes(client, life="dissolved") == ["1312"]
    assert {"1312", "1311"} <= set(codes(client, life="all"))


def test_whether_there_is_a_head_is_not_told_across_the_guidance_edge(cast, as_user):
    people.remove(cast.person["secretary"].posts.get(), on=DAY, by=None)
    client = as_user(cast.user["root_clerk"])
    assert {"13", "1311"} <= set(codes(client))
    assert not {"13", "131", "1311", "132"} & set(codes(client, head="no") + codes(client, head="yes"))


def test_the_exact_code_or_name_comes_first_then_what_begins_so(cast, as_user):
    builders.make_org("90", parent=cast.org["12"], name="东办公室党支部")
    builders.make_org("91", parent=cast.org["12"], name="办公室二党支部")
    builders.make_org("92", parent=cast.org["12"], name="办公室")
    client = as_user(cast.user["admin"])
    assert codes(client, q="办公室") == ["92", "91", "90"]
    assert codes(client, q="13")[0] == "13"
    assert codes(client, q="131")[0] == "131"


def test_same_names_are_told_apart_by_their_superiors(cast, as_user):
    for code, parent in (("95", "12"), ("96", "132")):
        builders.make_org(code, parent=cast.org[parent], name="同名党支部")
    found = {row[1]: row[2] for row in shown(as_user(cast.user["admin"]), "organizations", q="同名")[1:]}
    assert found == {
        "95": "国家质检总局党组 › 信息中心党委",
        "96": "国家质检总局党组 › 天津检验检疫局党组 › 塘沽检验检疫局党组",
    }
    assert {row[2] for row in shown(as_user(cast.user["lower_head"]), "organizations", q="同名")[1:]} == {
        "塘沽检验检疫局党组"
    }


# --- heads and address ----------------------------------------------------------------------------------------------


def test_the_heads_say_the_order_and_turn_it(cast, as_user):
    client = as_user(cast.user["admin"])
    heads = {
        head.column.name: head for head in client.get("/people/?sort=number&post=none&page=3").context["asked"].heads
    }
    assert heads["number"].aria == "ascending"
    assert heads["name"].aria == "none"
    assert heads["mobile"].url == ""
    assert heads["number"].url == "?sort=-number&post=none"  # the page is not kept
    text = client.get("/people/?sort=-number").content.decode()
    assert text.count('aria-sort="descending"') == 1
    assert '<option value="-number" selected>' in text


def test_conditions_are_named_in_the_trail(cast, as_user):
    filed(as_user(cast.user["clerk"]), "people", post="none", status="normal", org="132")
    assert AuditEvent.objects.get(verb="导出").summary == "人员名单（组织：132，党籍状态：正常，任职：没有任职），1 条"


@pytest.mark.parametrize("junk", ["\x00", "-", "--name", "nonsense", "9" * 90, "<script>", "[]", " "])
def test_junk_is_left_out(cast, as_user, junk):
    client = as_user(cast.user["clerk"])
    every = ["sort", "col", "status", "kind", "post", "placed", "count", "page"]
    assert numbers(client, **dict.fromkeys(every, junk)) == numbers(client)
    every = ["sort", "col", "type", "category", "relation", "window", "head", "life", "count", "page"]
    assert codes(client, **dict.fromkeys(every, junk)) == codes(client)


# --- pages and counts -----------------------------------------------------------------------------------------------


def test_long_lists_are_counted_to_a_bound_and_exactly_on_request(cast, as_user, monkeypatch):
    for _ in range(120):
        builders.make_person(branch=cast.org["1311"])
    monkeypatch.setattr(paging, "COUNTED", 100)
    client = as_user(cast.user["admin"])
    text = client.get(reverse("people")).content.decode()
    assert "100+" in text
    assert "第 1 / 2+ 页" in text
    exact = client.get(reverse("people"), {"count": "exact", "page": "3"})
    assert exact.context["page_obj"].paginator.count == 133
    assert len(exact.context["page_obj"]) == 33
    assert len(client.get(reverse("people"), {"page": "2"}).context["page_obj"]) == 50
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("people"))
    counts = [query["sql"] for query in asked if "COUNT(*)" in query["sql"] and "orgs_person" in query["sql"]]
    assert counts
    assert all("LIMIT 101" in sql for sql in counts)


@pytest.mark.parametrize("name", ["people", "organizations"])
def test_the_queries_do_not_grow_with_the_rows(cast, as_user, name):
    client = as_user(cast.user["clerk"])

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            shown(client, name, view="list", col=list(HEADERS["人员名单" if name == "people" else "组织名单"]))
        return len(queries)

    few = asked()
    for at in range(12):
        builders.make_person(branch=builders.make_org(f"131{at:02}", parent=cast.org["131"]))
    assert asked() == few
    assert few <= 20
