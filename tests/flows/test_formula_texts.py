"""Texts that a spreadsheet would take for a formula: in no file of ours do they run."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs.importing import apply, export, reading
from orgs.importing.columns import Options
from orgs.lists import Sheet, csv_lines
from orgs.models import Category, Organization, Person
from tests.flows.test_every_url import World, world  # noqa: F401 - a fixture
from tests.orgs.books import ORG, TREE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

LIVE = ("=", "+", "-", "@", "\t", "\r")
TEXTS = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)")
FILES = (
    ("organizations_export", "?q=13"),
    ("organization_roster", ""),
    ("people_export", ""),
    ("import_template", ""),
    ("import_errors", ""),
    ("draw_export", ""),
    ("work_plans_missing_file", ""),
    ("period_duties_csv", ""),
    ("progress_report_annex", ""),
    ("record_annex", ""),
)


@pytest.fixture
def live(cast):
    """Every organisation and person of the cast is called by such a text, and some codes and a category too."""
    for at, org in enumerate(Organization.objects.order_by("pk")):
        text = TEXTS[at % len(TEXTS)]
        Organization.objects.filter(pk=org.pk).update(name=f"{text} {org.name} cmd", short_name=text)
    for at, person in enumerate(Person.objects.order_by("pk")):
        text = TEXTS[at % len(TEXTS)]
        Person.objects.filter(pk=person.pk).update(
            name=f"{text}{person.name}", title=text, note=text, number=f"{text[0]}{person.number}"
        )
    for found in (*cast.org.values(), *cast.person.values()):
        found.refresh_from_db()
    return cast


def body(answer) -> bytes:
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def texts_of(data: bytes) -> list[str]:
    """Every text in a workbook or csv, after the proof that none of them is a formula."""
    found: list[str] = []
    if data.startswith(b"PK"):
        for sheet in load_workbook(io.BytesIO(data)):
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.value is None or cell.data_type in ("s", "n", "d", "b"), (
                        sheet.title,
                        cell.coordinate,
                        cell.value,
                    )
                    if isinstance(cell.value, str):
                        found.append(cell.value)
        return found
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
        for text in row:
            assert not text.startswith(LIVE), row
            found.append(text.removeprefix("'"))
    return found


def test_no_file_of_the_system_holds_a_formula(live, world: World, client):  # noqa: F811
    client.force_login(world.users["admin"])
    seen: dict[str, bool] = {}
    for name, query in FILES:
        answer = client.get(world.url(name) + query)
        seen[name] = any(text.startswith(LIVE) for text in texts_of(body(answer)))
    for kind in ("csv", "xlsx"):
        for own in ("", "&own=1"):
            path = reverse("coverage_missing_file", args=["13", "members", kind])
            texts = texts_of(body(client.get(f"{path}?period=2010H2{own}")))
        seen[f"coverage {kind}"] = bool(texts)
        names = reverse("progress_names_file", kwargs={**world.keys["progress_names_file"], "line": 2, "kind": kind})
        seen[f"names {kind}"] = any(text.startswith(LIVE) for text in texts_of(body(client.get(names))))
    # The texts were there to run; the error list is that of a sound template.
    assert [name for name, live_text in seen.items() if not live_text] in ([], ["import_errors"])


def test_what_is_exported_imports_unchanged(live):
    made = apply.preview(reading.read(export.workbook(), "a.xlsx"), Options())
    assert [str(problem) for problem in made.problems] == []
    assert made.is_empty
    assert any(text.startswith("=") for text in texts_of(export.workbook()))


def test_a_category_like_a_formula_does_not_run_in_the_template(live):
    first = Category.objects.filter(scheme__is_active=True).order_by("order").first()
    Category.objects.filter(pk=first.pk).update(name="=1+1")
    assert any(text.startswith("=1+1、") for text in texts_of(export.template()))


def test_the_problems_of_a_file_do_not_run(live):
    rows = [ORG, *TREE, ("=1+1", "=cmd|' /C calc'!A0", "=x", "@y", "-2", "+3")]
    read = reading.read("\n".join(",".join(cell or "" for cell in row) for row in rows).encode(), "a.csv")
    plan = apply.preview(read, Options())
    assert "=cmd|' /C calc'!A0" in texts_of(export.errors(plan.problems, plan.warnings, read))


@pytest.mark.parametrize("text", [*TEXTS, "\t=1", "\r=1"])
def test_a_csv_guards_every_beginning(text):
    mark, head, line = csv_lines(Sheet("名单", [("编号", 10), ("姓名", 10)], [[text, "甲"]], 1))
    assert (mark, head.strip()) == ("\ufeff", "编号,姓名")
    assert next(csv.reader(io.StringIO(line, newline="")))[0] == f"'{text}"
