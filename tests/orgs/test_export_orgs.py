"""What is exported imports again as all-unchanged, and holds no live formula."""

from __future__ import annotations

import datetime
import io

import pytest
from openpyxl import load_workbook

from orgs import people, tree
from orgs.importing import export
from orgs.models import (
    Charge,
    Grant,
    Membership,
    Organization,
    OrganizationPast,
    Person,
    Post,
    User,
)
from tests import builders
from tests.orgs.books import import_, numbers, plan_of, said
from tests.orgs.test_import_command import run

pytestmark = pytest.mark.django_db


def sheet_rows(data: bytes, name: str) -> list[tuple]:
    return list(load_workbook(io.BytesIO(data))[name].iter_rows(min_row=2, values_only=True))


def test_the_round_trip_changes_nothing(cast, in_2010):
    org, person = cast.org["1311"], cast.person["member"]
    Organization.objects.filter(pk=org.pk).update(
        short_name="检务处", founded_on=datetime.date(2009, 1, 1), dissolved_on=datetime.date(2020, 1, 1), order=7
    )
    Person.objects.filter(pk=person.pk).update(
        mobile="13800138000", born_on=datetime.date(1970, 2, 3), gender="female", kind="probationary", note="=1+1"
    )
    cast.person["free"] = builders.make_person("游离", number="N-free")
    builders.make_post(cast.person["lower_member"], cast.org["132"], "成员", from_on=datetime.date(2010, 1, 1))
    for full in (True, False):
        made = plan_of(export.workbook(full_mobiles=full))
        assert said(made) == []
        for sheet, total in (("组织", 10), ("人员", 14), ("任职", 14), ("分管", 1)):
            assert numbers(made, sheet) == (0, 0, total, 0), sheet


def test_a_subtree_has_its_people_posts_and_divisions(cast):
    data = export.workbook(cast.org["13"])
    assert [row[0] for row in sheet_rows(data, "组织")] == ["13", "131", "1311", "132", "1321"]
    assert {row[1] for row in sheet_rows(data, "人员")} == {
        "天津局书记", "天津局分管成员", "检务处支部书记", "检务处党员", "塘沽局书记", "塘沽支部书记", "塘沽党员",
    }  # fmt: skip
    assert {row[1] for row in sheet_rows(data, "任职")} == {"13", "131", "1311", "132", "1321"}
    assert sheet_rows(data, "分管") == [("N-member_in_charge", "13", "1311", "主管", None, None)]
    made = plan_of(data)
    assert [numbers(made, sheet)[::3] for sheet in ("组织", "人员", "任职", "分管")] == [(0, 0)] * 4


def test_words_fit_the_type_of_the_organisation(cast):
    rows = {(row[0], row[1]): row[2] for row in sheet_rows(export.workbook(), "任职")}
    assert rows["N-member_in_charge", "13"] == "成员"
    builders.make_post(cast.person["member"], cast.org["131"], "委员")
    rows = {(row[0], row[1]): row[2] for row in sheet_rows(export.workbook(), "任职")}
    assert rows["N-member", "131"] == "委员"


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A0", "+1", "-1", "@x", "#N/A"])
def test_no_text_becomes_a_formula(cast, name):
    Person.objects.filter(number="N-member").update(title=name)
    sheet = load_workbook(io.BytesIO(export.workbook()))["人员"]
    cell = next(row[3] for row in sheet.iter_rows() if row[0].value == "N-member")
    assert (cell.value, cell.data_type) == (name, "s")
    assert numbers(plan_of(export.workbook()), "人员")[1] == 0


def test_codes_stand_in_columns_of_text(cast):
    sheet = load_workbook(io.BytesIO(export.workbook()))["组织"]
    assert sheet["A2"].number_format == "@"
    assert sheet.column_dimensions["A"].number_format == "@"
    assert sheet["A1"].value == "组织代码★"


def test_a_thousand_people_cost_a_few_queries(cast, django_assert_max_num_queries):
    Person.objects.bulk_create(Person(number=f"X{n}", name="甲") for n in range(1000))
    with django_assert_max_num_queries(8):
        export.workbook()


def test_the_template_imports_into_an_empty_system():
    made = import_(export.template())
    assert said(made) == []
    assert [str(warning) for warning in made.warnings] == []
    assert made.notices == []
    assert numbers(made, "组织") == (5, 0, 0, 0)
    assert numbers(plan_of(export.template()), "人员") == (0, 0, 3, 0)


def test_the_template_explains_itself():
    opened = load_workbook(io.BytesIO(export.template()))
    assert opened.sheetnames == ["组织", "人员", "任职", "分管", "说明"]
    lists = {str(check.sqref)[0]: check.formula1 for check in opened["组织"].data_validations.dataValidation}
    assert lists["C"] == '"党组,党委,机关党委,党总支,党支部"'
    assert "直属检验检疫局" in lists["D"]
    notes = [row[3] for row in opened["说明"].iter_rows(min_row=10, values_only=True)]
    assert any("党支部" in note for note in notes if note)


def test_the_command_writes_what_the_import_reads(cast, tmp_path):
    out = tmp_path / "out.xlsx"
    assert run("export_orgs", str(out))[0] == 0
    status, printed, _ = run("import_orgs", str(out))
    assert status == 0
    assert "组织: 新增 0, 更新 0, 未变 10, 错误 0" in printed


def test_the_command_refuses_what_it_cannot_do(cast, tmp_path):
    out = str(tmp_path / "out.xlsx")
    assert run("export_orgs", out, "--org", "nix") == (1, "", '找不到组织 "nix"。\n')
    assert run("export_orgs", str(tmp_path / "out.csv"))[0] == 2
    assert run("export_orgs", str(tmp_path / "no" / "out.xlsx"))[0] == 2
    assert run("export_orgs")[0] == 2
    assert run("export_orgs", out, "--org", "13")[0] == 0


# --- out, emptied, in again -----------------------------------------------------------------------------------------


def everything() -> dict[str, list[tuple]]:
    """All that a workbook carries, by codes and numbers: the tree in its order, people, posts, divisions of work."""
    orgs = Organization.objects.in_tree().values_list(
        "code", "name", "short_name", "org_type", "category__name", "parent__code", "relation", "is_window_unit",
        "founded_on", "dissolved_on", "order", "level", "domain__code", "led_by__code", "pinyin", "initials",
    )  # fmt: skip
    people = Person.objects.order_by("number").values_list(
        "number", "name", "title", "gender", "born_on", "joined_on", "kind", "status", "mobile", "note", "pinyin"
    )
    dated = ("from_on", "to_on")
    memberships = Membership.objects.order_by("person__number").values_list("person__number", "branch__code", *dated)
    posts = Post.objects.order_by("organization__code", "person__number", "role", "from_on").values_list(
        "person__number", "organization__code", "role", "is_acting", *dated
    )
    charges = Charge.objects.order_by("team__code", "organization__code", "person__number").values_list(
        "person__number", "team__code", "organization__code", "kind", *dated
    )
    found = {"组织": orgs, "人员": people, "组织关系": memberships, "任职": posts, "分管": charges}
    return {name: list(rows) for name, rows in found.items()}


def emptied() -> None:
    """Nobody and nothing is left."""
    for model in (Charge, Post, Membership, Person, Grant, OrganizationPast):
        model.objects.all().delete()
    User.objects.all().delete()
    for org in Organization.objects.order_by("-level"):
        Organization.objects.filter(pk=org.pk).delete()


def lived_in(cast) -> None:
    """Dates, orders, an acting head, a former post, somebody without a branch, codes that begin alike."""
    on = builders.day
    tree.update(cast.org["132"], {"order": 0}, by=None)
    tree.update(cast.org["131"], {"order": 5, "short_name": "津机关"}, by=None)
    tree.update(cast.org["12"], {"founded_on": on("2001-03-04")}, by=None)
    for code in ("A100", "A10"):
        builders.make_org(code, "党委", "直属挂靠单位", cast.org["1"])
    builders.make_org("A10-1", parent=Organization.objects.get(code="A10"))
    gone = builders.make_org("12X", "党总支", "直属挂靠单位内设", cast.org["12"])
    tree.dissolve(gone, on=on("2010-06-01"), by=None)
    people.transfer(cast.person["member"], to=cast.org["1321"], on=on("2010-05-06"), by=None)
    Membership.objects.filter(person=cast.person["member"], to_on__isnull=False).delete()  # history is not carried
    builders.make_person("游离", number="N-free", mobile="13800138000", note="=1+1")
    builders.make_post(cast.person["member"], cast.org["1321"], "副书记", acting=True, from_on=on("2010-05-06"))
    former = builders.make_post(cast.person["lower_member"], cast.org["132"], "成员", from_on=on("2009-01-01"))
    people.remove(former, on=on("2010-01-01"), by=None)
    charge = builders.make_charge(cast.person["bureau_head"], cast.org["13"], cast.org["132"], assist=True)
    people.update_charges([(charge, {"from_on": on("2010-02-03")})], by=None)


def test_exported_emptied_imported_it_is_the_same(cast, in_2010):
    lived_in(cast)
    before, data = everything(), export.workbook()
    emptied()
    assert not any(everything().values())
    made = import_(data)
    assert said(made) == []
    after = everything()
    for name, rows in before.items():
        assert after[name] == rows, name
    assert tree.prove() == []
    again = plan_of(export.workbook())
    for sheet, rows in (("组织", "组织"), ("人员", "人员"), ("任职", "任职"), ("分管", "分管")):
        assert numbers(again, sheet) == (0, 0, len(before[rows]), 0), sheet


def test_after_an_import_the_tree_is_edited_at_once(cast, in_2010):
    data = export.workbook()
    emptied()
    import_(data)
    parent = Organization.objects.get(code="131")
    added = builders.make_org("1315", parent=parent)
    assert added.parent_id == parent.pk
    found = Organization.objects.below(Organization.objects.get(code="13")).order_by("code")
    assert list(found.values_list("code", flat=True)) == ["131", "1311", "1315", "132", "1321"]
    tree.move(added, under=Organization.objects.get(code="132"), by=None)
    added.refresh_from_db()
    assert added.domain_id == Organization.objects.get(code="13").pk
    assert tree.prove() == []


def test_a_subtree_is_no_beginning_of_codes(cast, in_2010):
    lived_in(cast)
    builders.make_org("A100-1", parent=Organization.objects.get(code="A100"))
    data = export.workbook(Organization.objects.get(code="A10"))
    assert [row[0] for row in sheet_rows(data, "组织")] == ["A10", "A10-1"]
