"""The files of the lists: exactly what the page shows, for whom it shows it, and nothing that runs in a spreadsheet."""

from __future__ import annotations

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from orgs import list_files, people
from orgs.models import AuditEvent
from tests import builders

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


def rows(answer) -> list[tuple]:
    """Everything in the file's only sheet."""
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    assert len(book.sheetnames) == 1
    return list(book.active.iter_rows(values_only=True))


def people_file(client, **query) -> list[tuple]:
    return rows(client.get(reverse("people_export"), query))


def people_page(client, **query) -> list[str]:
    return [person.number for person in client.get(reverse("people"), query).context["page_obj"]]


@pytest.mark.parametrize("part", ["clerk", "root_clerk", "secretary", "member", "stranger", "admin"])
@pytest.mark.parametrize(
    "query", [{}, {"q": "书记"}, {"branch": "塘沽"}, {"org": "132"}, {"org": "12"}, {"q": "无此人"}]
)
def test_the_file_of_people_has_the_pages_rows_in_the_pages_order(cast, as_user, part, query):
    client = as_user(cast.user[part])
    header, *found = people_file(client, **query)
    assert header == ("姓名", "人员编号", "所属支部", "单位及职务", "类别", "手机")
    assert [row[1] for row in found] == people_page(client, **query)


def test_a_row_of_people_says_what_the_page_says_and_masks_the_mobile(cast, as_user):
    people.update_many([(cast.person["member"], {"mobile": "13812345678", "kind": "probationary"})], by=None)
    people.update_many([(cast.person["secretary"], {"status": "suspended"})], by=None)
    found = {row[1]: row for row in people_file(as_user(cast.user["clerk"]))}
    assert found["N-member"] == (
        "检务处党员", "N-member", "天津局检务处党支部", "检务处党员岗位", "预备党员", "138****5678",
    )  # fmt: skip
    assert found["N-secretary"][4] == "停止党籍"


def test_texts_stay_texts(cast, as_user):
    builders.make_person("=1+1", cast.org["1311"], number="007", title="@SUM(A1)")
    answer = as_user(cast.user["clerk"]).get(reverse("people_export"), {"q": "007"})
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    cells = {cell.value: cell.data_type for cell in sheet[2] if cell.value is not None}
    assert {"=1+1": "s", "007": "s", "@SUM(A1)": "s"}.items() <= cells.items()


def test_every_page_of_the_list_is_in_the_file(cast, as_user):
    for _ in range(60):
        builders.make_person(branch=cast.org["1311"])
    client = as_user(cast.user["clerk"])
    assert len(people_page(client)) == 50
    assert len(people_file(client, page="2")) == 1 + 60 + 7


def org_file(client, **query) -> list[tuple]:
    return rows(client.get(reverse("organizations_export"), query))


@pytest.mark.parametrize("part", ["clerk", "root_clerk", "secretary", "member", "stranger", "admin"])
@pytest.mark.parametrize("query", ["党支部", "13", "塘沽", "没有"])
def test_the_file_of_organisations_has_the_pages_rows_in_the_pages_order(cast, as_user, part, query):
    client = as_user(cast.user[part])
    shown = client.get(reverse("organizations"), {"q": query}).context["rows"]
    header, *found = org_file(client, q=query)
    assert header[:3] == ("组织名称", "组织代码", "上级组织")
    assert [row[1] for row in found] == [row.org.code for row in shown]


def test_a_row_of_organisations_says_what_the_page_says(cast, as_user):
    found = {row[1]: row for row in org_file(as_user(cast.user["admin"]), q="13")}
    assert found["13"] == (
        "天津检验检疫局党组", "13", "国家质检总局党组", "党组", "指导", "书记 天津局书记", None, 2,
    )  # fmt: skip
    assert found["1311"][2] == "国家质检总局党组 › 天津检验检疫局党组 › 天津局机关党委"
    assert found["1311"][5:] == ("书记 检务处支部书记", 4, None)


def test_heads_across_the_guidance_edge_and_parents_outside_the_range_stay_unnamed(cast, as_user):
    over_the_edge = {row[1]: row for row in org_file(as_user(cast.user["root_clerk"]), q="13")}
    assert over_the_edge["13"][5] is None
    assert over_the_edge["1311"][6] == 4  # a sum is no name
    own = {row[1]: row for row in org_file(as_user(cast.user["clerk"]), q="13")}
    assert own["13"][2] is None


def test_who_took_which_list_is_in_the_trail(cast, as_user):
    people_file(as_user(cast.user["clerk"]), q="书记", branch="塘沽")
    event = AuditEvent.objects.get(verb="导出")
    assert event.by == cast.user["clerk"]
    assert event.summary == "人员名单（查找：书记，支部：塘沽），2 条"


def test_a_list_too_long_is_offered_for_the_background_and_nothing_is_noted(cast, as_user, monkeypatch):
    monkeypatch.setattr(list_files, "MOST_AT_ONCE", 2)
    answer = as_user(cast.user["clerk"]).get(reverse("people_export"), {"q": "局"}, follow=True)
    assert answer.redirect_chain[0][0].startswith(reverse("export_long"))
    assert "后台生成" in answer.content.decode()
    assert "/people/?q=%E5%B1%80" in answer.content.decode()
    assert not AuditEvent.objects.filter(verb="导出").exists()


@pytest.mark.parametrize(("name", "query"), [("people_export", {}), ("organizations_export", {"q": "党支部"})])
def test_queries_do_not_grow_with_the_rows(cast, as_user, name, query):
    client = as_user(cast.user["admin"])

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            rows(client.get(reverse(name), query))
        return len(queries)

    few = asked()
    for at in range(30):
        builders.make_person(branch=cast.org["1311"])
        if at < 5:
            builders.make_org(f"131{at + 5}", parent=cast.org["131"])
    assert asked() == few
