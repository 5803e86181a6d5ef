"""The template of the live tree: codes to pick, however many organisations; and nothing of it is imported."""

from __future__ import annotations

import io
import time

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs.importing import export, reading
from orgs.models import Organization
from tests.orgs.books import edited, plan_of

pytestmark = pytest.mark.django_db
PICKED = {
    ("组织", "F"): "A", ("人员", "C"): "E", ("任职", "B"): "A", ("分管", "B"): "A", ("分管", "C"): "A",
}  # fmt: skip


def lists(data: bytes) -> dict[tuple[str, str], tuple[str, str]]:
    """(sheet, column) -> (formula, style) of the drop-downs that refer to 组织一览."""
    opened = load_workbook(io.BytesIO(data))
    return {
        (sheet.title, str(check.sqref)[0]): (check.formula1, check.errorStyle)
        for sheet in opened
        for check in sheet.data_validations.dataValidation
        if "组织一览" in str(check.formula1)
    }


def test_codes_are_picked_from_the_organisations_there_are(cast):
    data = export.template()
    count = Organization.objects.count()
    branches = Organization.objects.filter(org_type="branch").count()
    rows = {"A": count + 1, "E": branches + 1}
    assert lists(data) == {
        place: (f"'组织一览'!${letter}$2:${letter}${rows[letter]}", "warning") for place, letter in PICKED.items()
    }
    sheet = load_workbook(io.BytesIO(data))["组织一览"]
    assert [cell.value for cell in sheet[1]] == ["组织代码", "组织名称", "上级代码", None, "党支部代码", "党支部名称"]
    listed = {row[0]: row[1:3] for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert listed["1311"] == ("天津局检务处党支部", "131")


def test_the_list_is_not_imported_and_not_spoken_of(cast):
    assert not any("组织一览" in notice for notice in reading.read(export.template(), "a.xlsx").notices)


def test_of_a_subtree(cast, as_user):
    client = as_user(cast.user["admin"])
    answer = client.get(reverse("import_template"), {"org": "131"})
    codes = [
        row[0] for row in load_workbook(io.BytesIO(answer.content))["组织一览"].iter_rows(min_row=2, values_only=True)
    ]
    assert sorted(codes) == ["131", "1311"]
    assert client.get(reverse("import_template"), {"org": "no"}).status_code == 404


def test_without_organisations_there_is_no_list(db):
    assert lists(export.template()) == {}
    assert "组织一览" not in load_workbook(io.BytesIO(export.template())).sheetnames


def test_a_name_that_looks_like_a_formula_stays_a_text(cast):
    Organization.objects.filter(code="1311").update(name="=1+1")
    sheet = load_workbook(io.BytesIO(export.template()))["组织一览"]
    [cell] = [row[1] for row in sheet.iter_rows(min_row=2) if row[0].value == "1311"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_fifty_thousand_organisations_stay_fast(cast):
    """The list is a range, not a text in each column: only 组织一览 grows."""
    parent = cast.org["131"]
    free = Organization.objects.order_by("-rght").values_list("rght", flat=True)[0] + 1
    same = {"org_type": "branch", "category": parent.category, "parent": parent, "tree_id": parent.tree_id, "level": 3}
    Organization._base_manager.bulk_create(
        (
            Organization(code=f"9{n:06d}", name=f"第{n}党支部", lft=free + 2 * n, rght=free + 2 * n + 1, **same)
            for n in range(50_000)
        ),
        batch_size=1000,
    )
    begun = time.monotonic()
    data = export.template()
    assert time.monotonic() - begun < 30  # about 4 s
    assert len(data) < 6_000_000
    opened = load_workbook(io.BytesIO(data), read_only=True)
    assert sum(1 for _ in opened["组织一览"].iter_rows()) == 1 + Organization.objects.count()
    assert all(len(formula) < 40 for formula, _ in lists(data).values())


def test_the_filled_example_still_imports(db):
    assert plan_of(export.template()).problems == []
    assert plan_of(edited(export.template(), lambda opened: None)).problems == []
