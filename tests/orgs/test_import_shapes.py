"""Trees that are drawn: each way of drawing, good and broken; pure first, then through a workbook to the database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orgs.importing import apply, export, job, reading, shapes
from orgs.importing.columns import Fault, Options
from orgs.importing.shapes import Stored
from orgs.models import ImportBatch, Organization
from tests import builders
from tests.orgs.books import book, edited, plan_of, said

MERGED = Fault("merged")
LEVELS = ["一级组织", "二级组织", "三级组织", "单位类别"]


def nodes(header: list[str], rows: list[list[Any]], **columns: int) -> list[shapes.Node]:
    drawing = shapes.recognise(header, list(enumerate(rows, start=2)), columns)
    assert drawing is not None
    return drawing.nodes


def tree(found: list[shapes.Node]) -> list[tuple[int, str, str]]:
    """Row, name, the parent's name."""
    return [(node.row, node.name, node.parent.name if node.parent else "") for node in found]


def odd(found: list[shapes.Node]) -> list[str]:
    return [f"{node.row}: {message}" for node in found for message, _ in node.odd]


# --- levels --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        ["一级", "二级"],
        ["一级组织", "二级组织"],
        ["1级", "2级"],
        ["第一级单位", "第二级单位★"],
        ["一级党组织名称", "二级党组织名称"],
    ],
)
def test_headers_of_levels(header):
    assert shapes.level_columns(["序号", *header]) == [1, 2]


@pytest.mark.parametrize("header", [["一级组织"], ["二级组织", "三级组织"], ["组织名称", "上级代码"], [None, 3]])
def test_other_headers_are_no_levels(header):
    assert shapes.level_columns(header) == []


def test_a_staircase_of_levels():
    rows = [
        ["局党组"],
        [None, "机关党委"],
        [None, None, "办公室党支部"],
        [None, None, "人事处党支部"],
        [None, "县局党委"],
    ]
    assert tree(nodes(LEVELS, rows)) == [
        (2, "局党组", ""), (3, "机关党委", "局党组"), (4, "办公室党支部", "机关党委"), (5, "人事处党支部", "机关党委"),
        (6, "县局党委", "局党组"),
    ]  # fmt: skip


def test_levels_repeated_in_every_row_and_merged_ones_are_the_same():
    repeated = [
        ["局党组", "机关党委", "办公室党支部"],
        ["局党组", "机关党委", "人事处党支部"],
        ["局党组", "县局党委", None],
    ]
    merged = [["局党组", "机关党委", "办公室党支部"], [MERGED, MERGED, "人事处党支部"], [MERGED, "县局党委", None]]
    expected = [
        (2, "局党组", ""), (2, "机关党委", "局党组"), (2, "办公室党支部", "机关党委"), (3, "人事处党支部", "机关党委"),
        (4, "县局党委", "局党组"),
    ]  # fmt: skip
    for rows in (repeated, merged):
        found = nodes(LEVELS, rows)
        assert (tree(found), odd(found)) == (expected, [])


def test_a_level_skipped_is_a_problem():
    found = nodes(LEVELS, [["局党组"], [None, None, "办公室党支部"]])
    assert odd(found) == ["3: 上面没有第 2 级的组织，跳过了一级"]


def test_a_merged_range_over_two_parents_is_a_problem():
    found = nodes(LEVELS, [["甲局", "机关党委", "一支部"], ["乙局", MERGED, "二支部"]])
    assert odd(found) == ["3: 第 2 级的合并单元格跨过了两个上级"]


def test_a_name_twice_under_one_parent_is_a_problem_and_under_two_is_none():
    rows = [
        ["局党组"],
        [None, "甲党委"],
        [None, None, "办公室党支部"],
        [None, None, "办公室党支部"],
        [None, "乙党委"],
        [None, None, "办公室党支部"],
    ]
    assert odd(nodes(LEVELS, rows)) == ["5: “办公室党支部”在“甲党委”之下出现了两次（第 4 行）"]


def test_a_row_without_any_name_is_a_problem():
    assert odd(nodes(LEVELS, [["局党组"], [None, None, None, "机关内设机构"]])) == ["3: 这一行没有组织名称"]


# --- indentation ---------------------------------------------------------------------------------------------


def test_indentation_by_blanks_and_full_width_blanks():
    for one in ("  ", "\u3000", "\u00a0\u00a0"):
        rows = [["局党组"], [f"{one}机关党委"], [f"{one}{one}办公室党支部"], [f"{one}县局党委"]]
        found = nodes(["组织名称"], rows, name=0)
        assert tree(found) == [
            (2, "局党组", ""), (3, "机关党委", "局党组"), (4, "办公室党支部", "机关党委"), (5, "县局党委", "局党组"),
        ]  # fmt: skip
        assert odd(found) == []


def test_indentation_that_skips_a_level_or_fits_none():
    assert odd(nodes(["组织名称"], [["局"], ["  甲"], ["      乙"]], name=0)) == ["4: 比上一行深了 2 级，跳过了一级"]
    found = nodes(["组织名称"], [["局"], ["  甲"], ["     乙"]], name=0)
    assert odd(found) == ["4: 名称前有 5 格空格，与上面各级都对不上"]


def test_a_written_parent_or_a_stray_blank_is_no_drawing():
    rows = [(2, ["a", "甲"]), (3, ["b", "  乙"])]
    assert shapes.recognise(["组织代码", "组织名称"], rows, {"code": 0, "name": 1, "parent": 2}) is None
    rows = [(2, ["a", "甲"]), (3, ["b", " 乙"]), (4, ["c", "丙"]), (5, ["d", "丁"])]
    assert shapes.recognise(["组织代码", "组织名称"], rows, {"code": 0, "name": 1}) is None


# --- codes, types, categories ----------------------------------------------------------------------------------


@dataclass
class Drawn:
    """As much of a table and a book as `settle` asks for."""

    drawing: shapes.Drawing | None
    columns: dict[str, int]
    rows: list[Any] = field(default_factory=list)
    odd: dict[int, Any] = field(default_factory=dict)


@dataclass
class Holder:
    tables: dict[str, Drawn]


def settled(header: list[str], rows: list[list[Any]], stored: list[Stored], **columns: int) -> shapes.Understood:
    drawing = shapes.recognise(header, list(enumerate(rows, start=2)), columns)
    understood = shapes.settle(Holder({"组织": Drawn(drawing, columns)}), lambda: stored)
    assert understood is not None
    return understood


STORED = [
    Stored("001", "局党组", None, "直属检验检疫局", "group"),
    Stored("001001", "机关党委", "001", "机关内设机构", "organ_committee"),
    Stored("001001007", "老支部", "001001", "机关内设机构", "branch"),
]


def test_codes_are_those_of_the_stored_ones_or_come_after_them():
    rows = [
        ["局党组"],
        [None, "机关党委"],
        [None, None, "老支部"],
        [None, None, "新党支部"],
        [None, "县局党委"],
        [None, None, "二党总支"],
    ]
    found = settled(LEVELS, rows, STORED, category=3)
    facts = [(node.code, node.above, node.org_type, node.category, node.origin) for node in found.nodes]
    assert facts == [
        ("001", None, "党组", "直属检验检疫局", "已有组织"),
        ("001001", "001", "机关党委", "机关内设机构", "已有组织"),
        ("001001007", "001001", "党支部", "机关内设机构", "已有组织"),
        ("001001008", "001001", "党支部", "机关内设机构", "新代码"),
        ("001002", "001", "党委", "直属检验检疫局", "新代码"),
        ("001002001", "001002", "党总支", "直属检验检疫局", "新代码"),
    ]
    assert [(row, column) for row, column, *_ in found.warnings] == [(5, "category"), (6, "category"), (7, "category")]


def test_a_code_in_the_file_is_kept_and_never_proposed_again():
    header = ["组织代码", *LEVELS]
    rows = [
        ["001", "局党组"],
        ["001001008", None, "甲党委"],
        [None, None, None, "乙支部"],
        [None, None, "机关党委"],
        [None, None, None, "丙支部"],
    ]
    found = settled(header, rows, STORED, code=0)
    assert [node.code for node in found.nodes] == ["001", "001001008", "001001008001", "001001", "001001009"]
    assert found.nodes[1].above == "001"


def test_the_fingerprint_is_of_what_was_understood():
    one = settled(LEVELS, [["局党组"], [None, "甲党委"]], STORED)
    other = settled(LEVELS, [["局党组"], [None, "乙党委"]], STORED)
    assert one.fingerprint == settled(LEVELS, [["局党组"], [None, "甲党委"]], STORED).fingerprint != other.fingerprint


# --- through a workbook ----------------------------------------------------------------------------------------


def drawn_book(merge: bool = False) -> bytes:
    """A bureau's tree by levels, its top one stored as 13."""
    rows = [
        ["天津局党组", "新设机关党委", "办公室党支部", "机关内设机构"],
        [None, None, "人事处党支部", "机关内设机构"],
        [None, "塘沽分局党总支", None, "分支机构"],
    ]
    data = book(rows, 组织=LEVELS)
    if not merge:
        return data

    def merged(opened):
        opened["组织"].merge_cells("A2:A4")
        opened["组织"].merge_cells("B2:B3")

    return edited(data, merged)


@pytest.fixture
def tianjin(cast):
    Organization.objects.filter(code="13").update(name="天津局党组")
    return cast


@pytest.mark.django_db
@pytest.mark.parametrize("merge", [False, True])
def test_a_drawn_tree_is_imported_after_it_was_confirmed(tianjin, as_user, merge):
    client = as_user(tianjin.user["admin"])
    page = client.post(
        reverse("import_start"), {"file": SimpleUploadedFile("画.xlsx", drawn_book(merge))}, follow=True
    ).content.decode()
    batch = ImportBatch.objects.get()
    assert batch.state == "previewed", batch.counts["problems"]
    assert "按层级理解的结果" in page
    assert "新设机关党委" in page
    confirm = reverse("import_confirm", args=[batch.pk])
    page = client.post(confirm, follow=True).content.decode()
    assert "请先核对按层级理解的结果" in page
    assert not Organization.objects.filter(name="新设机关党委").exists()
    page = client.post(confirm, {"drawn": "on"}, follow=True).content.decode()
    assert "导入完成" in page
    organ = Organization.objects.get(name="新设机关党委")
    assert (organ.parent.code, organ.org_type, organ.code[:2]) == ("13", "organ_committee", "13")
    assert [org.name for org in organ.get_children()] == ["办公室党支部", "人事处党支部"]
    assert Organization.objects.get(name="塘沽分局党总支").parent.code == "13"
    [sums] = ImportBatch.objects.get().sums
    assert sums["new"] + sums["updated"] + sums["moved"] + sums["unchanged"] + sums["wrong"] == sums["total"] == 5


@pytest.mark.django_db
def test_what_was_confirmed_must_be_what_is_imported(tianjin):
    batch = job.upload(drawn_book(), "画.xlsx", by=tianjin.user["admin"])
    builders.make_org("13009", "机关党委", "机关内设机构", tianjin.org["13"], name="新设机关党委")
    with pytest.raises(apply.NotLookedAt):
        job.confirm(batch, by=tianjin.user["admin"], drawn=True)
    with pytest.raises(apply.NotLookedAt):
        apply.import_book(reading.read(drawn_book(), "a.xlsx"), Options(), by=None)


@pytest.mark.django_db
def test_a_broken_drawing_names_the_row_and_comes_back_written_out(tianjin):
    data = book([["天津局党组"], [None, None, "办公室党支部", "机关内设机构"]], 组织=LEVELS)
    plan = plan_of(data)
    assert said(plan) == ["组织!3 组织名称: 上面没有第 2 级的组织，跳过了一级"]
    assert plan.counts["组织"].total == 2
    read = apply.settled(reading.read(data, "a.xlsx"))
    marked = export.errors(plan.problems, [], read)
    mended = edited(marked, lambda opened: opened.remove(opened["错误清单"]))
    again = plan_of(mended)
    assert said(again) == []
    assert again.drawn is None


@pytest.mark.django_db
@pytest.mark.parametrize("header", [LEVELS, [*LEVELS, "组织代码"]])
def test_a_new_top_without_a_code_is_one_problem_with_its_cure(tianjin, header):
    names = [["天津局新党组"], [None, "新设机关党委"], [None, None, "办公室党支部"]]
    plan = plan_of(book([[*row, *[None] * (3 - len(row)), "机关内设机构"] for row in names], 组织=header))
    message = '最上一级的“天津局新党组”系统里没有，文件里也没有它的代码，是否指 "天津局党组"？'
    assert said(plan) == [
        f"组织!2 组织名称: {message}",
        '组织!2 上级代码: 没有上级，会成为又一个根组织（已有 "1"）',
    ]
    assert "加一列“组织代码”" in plan.problems[0].cure


@pytest.mark.django_db
def test_excels_own_indent_cannot_be_read_and_that_is_said(tianjin):
    with pytest.raises(reading.Unreadable, match="增加缩进"):
        reading.read(book([["局党组", "党组"], ["机关党委", "机关党委"]], 组织=["组织名称", "组织类型"]), "a.xlsx")


def test_nothing_drawn_is_left_as_it_is():
    assert shapes.settle(Holder({}), list) is None
    assert shapes.settle(Holder({"组织": Drawn(None, {})}), list) is None
    assert replace(Drawn(None, {}), rows=[1]).rows == [1]
