"""What the import understands without being asked, and whom it proposes for a code that nobody has."""

from __future__ import annotations

import pytest

from orgs.importing import columns
from orgs.importing.columns import SHEETS
from orgs.importing.nearest import ANSWERED, Nearest
from orgs.importing.reading import read
from tests.orgs.books import ORG, POST, TREE, book, edited, import_, numbers, plan_of, said

# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["上级组织代码", "上级组织", "上级党组织", "所属上级", "上 级\n单位"])
def test_usual_names_of_a_column_are_understood_and_said(header):
    found = read(book(TREE, 组织=[*ORG[:4], header, "关系"]), "a.xlsx")
    assert found.tables["组织"].columns["parent"] == 4
    assert found.notices == [f"工作表“组织”的列“{columns.header_key(header)}”按“上级代码”理解"]


@pytest.mark.django_db
def test_a_workbook_all_of_whose_headers_are_synonyms_is_imported_the_same():
    header = ["党组织代码", "党组织名称*", "党组织类型", "单位性质", "上级党组织代码", "与上级关系"]
    made = import_(book(TREE, [("P1", "张三", "011")], 组织=header, 人员=["工号", "姓名", "所在支部代码"]))
    assert numbers(made, "组织") == (4, 0, 0, 0)
    assert numbers(made, "人员") == (1, 0, 0, 0)
    again = import_(book(TREE, [("P1", "张三", "011")]))
    assert numbers(again, "组织") == (0, 0, 4, 0)


def test_the_template_s_own_header_goes_before_a_synonym():
    rows = [(*row, "随便") for row in TREE]
    found = read(book(rows, 组织=[*ORG, "上级组织"]), "a.xlsx")
    assert found.tables["组织"].columns["parent"] == 4
    assert found.notices == ["工作表“组织”里不认识的列“上级组织”已忽略"]


def test_a_code_goes_before_a_name_among_synonyms():
    rows = [(*row[:4], "示例局", row[4]) for row in TREE]
    found = read(book(rows, 组织=[*ORG[:4], "上级组织", "上级组织代码"]), "a.xlsx")
    assert found.tables["组织"].columns["parent"] == 5


def test_synonyms_below_a_title_are_found():
    def title(made):
        made["组织"].insert_rows(1, 2)
        made["组织"]["A1"] = "党组织代码一览表"

    data = edited(book(TREE, 组织=["组织编码", "组织全称", "组织类别", "单位类型", "上级组织", "领导关系"]), title)
    table = read(data, "a.xlsx").tables["组织"]
    assert [number for number, _ in table.rows] == [4, 5, 6, 7]


@pytest.mark.parametrize("sheet", SHEETS)
def test_no_synonym_is_a_header_or_means_two_columns(sheet):
    headers = [column.header for column in SHEETS[sheet]]
    words = [word for words in columns.SYNONYMS[sheet].values() for word in words]
    assert not set(words) & set(headers)
    assert len(words) == len(set(words))
    assert set(columns.SYNONYMS[sheet]) <= {column.name for column in SHEETS[sheet]}
    assert all(columns.header_key(word) == word for word in words)


# --- candidates -------------------------------------------------------------------------------------------------------


def org_problem(parent: str) -> str:
    (line,) = said(plan_of(book([*TREE, ("7", "某党支部", "党支部", "机关内设机构", parent, None)])))
    return line


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("0019", '，是否指 "001"（示例局党组）？'),
        ("示例局机关党委", '，是否指 "01"（示例局机关党委）？'),
        ("机关党委", '，是否指 "01"（示例局机关党委）？'),
        ("11", '，是否指 "011"（办公室党支部）？'),
        ("1", '，是否指 "001"（示例局党组）、"01"（示例局机关党委）？'),
        ("完全不同", ""),
        ("xyz", ""),
        ("77", ""),
    ],
)
def test_an_unknown_parent_comes_with_its_nearest_candidates(typed, hint):
    assert org_problem(typed) == f'组织!6 上级代码: 找不到组织 "{typed}"{hint}'


@pytest.mark.django_db
def test_a_row_is_no_candidate_for_its_own_parent():
    (line,) = said(plan_of(book([*TREE, ("700001", "某党支部", "党支部", "机关内设机构", "700002", None)])))
    assert line == '组织!6 上级代码: 找不到组织 "700002"'


@pytest.mark.django_db
def test_branches_and_posts_get_candidates_from_what_is_stored():
    import_(book(TREE))
    found = said(plan_of(book(None, [("P1", "张三", "检务处党支部")], [("P1", "0O1", "书记")], 任职=POST[:3])))
    assert found == [
        '人员!2 所属支部代码: 找不到组织 "检务处党支部"，是否指 "012"（检务处党支部）？',
        '任职!2 组织代码: 找不到组织 "0O1"，是否指 "001"（示例局党组）、"01"（示例局机关党委）？',
    ]


def test_names_borne_by_several_are_all_named_up_to_three():
    nearest = Nearest({str(n): (str(n), "办公室党支部") for n in range(100, 110)})
    assert [code for _, code, _ in nearest.to("办公室党支部")] == ["100", "101", "102"]


def test_a_file_with_every_code_wrong_asks_only_so_often():
    nearest = Nearest({f"a{n:05}": (f"a{n:05}", "") for n in range(1000)})
    answers = [bool(nearest.to(f"a{n:05}x")) for n in range(ANSWERED + 20)]
    assert answers == [True] * ANSWERED + [False] * 20
    assert nearest.to("a00000x")  # an answer once given is given again


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("认监委政法部支部", "a"),
        ("国家认监委实验室党支部", "b"),
        ("国家认监委实验室与监测部党支部", "b"),
        ("省局财务处", ""),
    ],
)
def test_a_name_that_is_shortened_or_mistyped_finds_its_organisation(written, meant):
    known = {
        "a": ("a", "国家认监委政策与法律事务部党支部"),
        "b": ("b", "国家认监委实验室与检测监管部党支部"),
        "c": ("c", "国家标准委办公室党支部"),
    }
    found = Nearest(known).to(written)
    assert (found[0][0] if found else "") == meant
