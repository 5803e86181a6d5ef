"""What rows may say: every row error of the contract, and what is no error."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl.utils import get_column_letter

from orgs import tree
from orgs.importing import columns, plan
from orgs.importing.apply import Wrong
from orgs.models import (
    ChargeKind,
    Gender,
    MemberKind,
    Membership,
    Organization,
    OrgType,
    PartyStatus,
    Person,
    Post,
    PostRole,
    Relation,
)  # fmt: skip
from tests.builders import day
from tests.orgs.books import ORG, PERSON, POST, TREE, book, edited, import_, numbers, plan_of, said, surgery

pytestmark = pytest.mark.django_db


def org(code="9", name="新组织", kind="党支部", category="机关内设机构", parent="01", relation=None):
    return (code, name, kind, category, parent, relation)


def problems_of_org(*rows, **options):
    return said(plan_of(book([*TREE, *rows]), **options))


def test_words_are_those_of_the_models():
    for words, choices in (
        (columns.ORG_TYPES, OrgType), (columns.RELATIONS, Relation), (columns.GENDERS, Gender),
        (columns.MEMBER_KINDS, MemberKind), (columns.STATUSES, PartyStatus), (columns.CHARGE_KINDS, ChargeKind),
    ):  # fmt: skip
        assert words == {choice.label: choice.value for choice in choices}
    assert {word: slug for word, slug in columns.ROLES.items() if word != "成员"} == {
        r.label: r.value for r in PostRole
    }
    assert plan.MAX_DEPTH == tree.MAX_DEPTH


def test_rows_come_in_any_order():
    made = import_(
        book(
            list(reversed(TREE)),
            [("P1", "张三", "011"), ("P2", "李四", "-")],
            [("P1", "001", "成员")],
            [("P1", "001", "012")],
        )
    )
    assert numbers(made, "组织") == (4, 0, 0, 0)
    assert Organization.objects.get(code="011").parent.code == "01"
    assert tree.prove() == []
    assert Membership.objects.get().branch.code == "011"
    assert not Person.objects.get(number="P2").memberships.exists()


def test_importing_twice_changes_nothing():
    data = book(TREE, [("P1", "张三", "011")], [("P1", "001", "书记")], [("P1", "001", "012")])
    import_(data)
    again = import_(data)
    assert [numbers(again, sheet) for sheet in ("组织", "人员", "任职", "分管")] == [
        (0, 0, 4, 0), (0, 0, 1, 0), (0, 0, 1, 0), (0, 0, 1, 0),
    ]  # fmt: skip


def test_one_wrong_row_and_nothing_is_stored():
    with pytest.raises(Wrong) as caught:
        import_(book([*TREE, org(parent="0019")], [("P1", "张三", "011")]))
    assert said(caught.value.plan) == ['组织!6 上级代码: 找不到组织 "0019"，是否指 "001"（示例局党组）？']
    assert not Organization.objects.exists()
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (org(parent="0019"), '组织!6 上级代码: 找不到组织 "0019"，是否指 "001"（示例局党组）？'),
        (org(parent="9"), "组织!6 上级代码: 上级不能是自己"),
        (org(code="０１１"), '组织!6 组织代码: 代码 "011" 与第 4 行重复'),
        (org(code=" 011 "), '组织!6 组织代码: 代码 "011" 与第 4 行重复'),
        (org(code=None), "组织!6 组织代码: 不能为空"),
        (org(name=None), "组织!6 组织名称: 不能为空"),
        (org(name="名" * 201), "组织!6 组织名称: 超过 200 个字（现有 201 个）"),
        (org(name=12), "组织!6 组织名称: 是数字 12，不是名称"),
        (org(name=True), "组织!6 组织名称: 是逻辑值（TRUE/FALSE），不是名称"),
        (org(code=True), "组织!6 组织代码: 是逻辑值（TRUE/FALSE），不是代码"),
        (org(code=19), "组织!6 组织代码: 是数字 19，不是文本，开头的 0 可能已经丢失"),
        (org(parent=1), "组织!6 上级代码: 是数字 1，不是文本，开头的 0 可能已经丢失"),
        (org(code="9\u200b"), "组织!6 组织代码: 含有看不见的字符 U+200B"),
        (org(name="办\u202e公室"), "组织!6 组织名称: 含有看不见的字符 U+202E"),
        (org(name="办公\n室"), "组织!6 组织名称: 含有看不见的字符 U+000A"),
        (org(code="9/1"), '组织!6 组织代码: 代码 "9/1" 里有空格或斜杠'),
        (org(kind="支部"), '组织!6 组织类型: 不认识 "支部"'),
        (org(category="外星局"), '组织!6 单位类别: 没有单位类别 "外星局"'),
        (org(relation="领导"), '组织!6 关系: 不认识 "领导"'),
        (org(kind="党委", parent="011"), '组织!6 上级代码: 上级 "011" 是党支部，下面不能再设组织'),
        (org(parent=None), '组织!6 上级代码: 没有上级，会成为又一个根组织（已有 "001"）'),
    ],
)
def test_a_wrong_organisation_is_named_with_its_place(row, problem):
    assert problems_of_org(row) == [problem]


def test_control_characters_out_of_escapes_are_refused():
    data = edited(book([*TREE, org()]), lambda made: made["组织"].__setitem__("B6", "甲_x0000_丙"))
    assert problems_of_data(data) == ["组织!6 组织名称: 含有看不见的字符 U+0000"]


def problems_of_data(data, **options):
    return said(plan_of(data, **options))


def test_full_width_is_folded_in_codes_and_kept_in_names():
    import_(book([*TREE, org(code="ＡＢ９", name="Ａ处（甲）党支部")]))
    stored = Organization.objects.get(code="AB9")
    assert stored.name == "Ａ处（甲）党支部"


def test_codes_differ_by_more_than_case():
    import_(book([*TREE, org(code="ab")]))
    assert numbers(plan_of(book([org(code="AB")])), "组织") == (0, 0, 1, 0)


def test_a_cycle_names_every_row_in_it():
    found = problems_of_org(org("a", parent="b", kind="党委"), org("b", parent="a", kind="党委"))
    assert found == ["组织!6 上级代码: 上级关系形成循环：a → b → a", "组织!7 上级代码: 上级关系形成循环：a → b → a"]


def test_a_cycle_through_stored_organisations_is_found():
    import_(book(TREE))
    found = said(plan_of(book([("001", "示例局党组", "党组", "直属检验检疫局", "01", None)])))
    assert found == ["组织!2 上级代码: 上级关系形成循环：001 → 01 → 001"]


def test_a_tree_deeper_than_twenty_is_refused():
    chain = [("d1", "一", "党委", "直属单位", None, None)]
    chain += [(f"d{n}", f"第{n}层", "党委", "直属单位", f"d{n - 1}", None) for n in range(2, 21)]
    assert said(plan_of(book(chain))) == []
    assert said(plan_of(book([*chain, ("d21", "第21层", "党支部", "直属单位", "d20", None)]))) == [
        "组织!22 上级代码: 层级超过 20 层"
    ]


def test_a_second_root_wants_a_yes():
    row = org("2", kind="党组", parent=None)
    assert len(problems_of_org(row)) == 1
    assert problems_of_org(row, new_root=True) == []


def test_an_emptied_parent_does_not_become_a_root_by_itself():
    import_(book(TREE))
    assert said(plan_of(book([("012", "检务处党支部", "党支部", "机关内设机构", None, None)]))) == [
        '组织!2 上级代码: 没有上级，会成为又一个根组织（已有 "001"）'
    ]


def test_a_branch_cannot_take_children_by_changing_its_type():
    import_(book(TREE))
    found = said(plan_of(book([("01", "示例局机关党委", "党支部", "机关内设机构", "001", None)])))
    assert found == ['组织!2 组织类型: 下面还有组织 "011"，不能改为党支部']


def test_a_branch_with_members_stays_a_branch():
    import_(book(TREE, [("P1", "张三", "011")]))
    row = ("011", "办公室党支部", "党总支", "机关内设机构", "01", None)
    assert said(plan_of(book([row]))) == ["组织!2 组织类型: 还有 1 名党员属于这个党支部，不能改为别的类型"]
    assert said(plan_of(book([row], [("P1", "张三", "012")]))) == []


def test_number_cells_are_codes_only_when_said_so():
    rows = [(1, "局党组", "党组", "直属检验检疫局", None, None), (12, "处支部", "党支部", "机关内设机构", 1, None)]
    assert len(said(plan_of(book(rows)))) == 3
    import_(book(rows), numeric_codes=True)
    assert Organization.objects.get(code="12").parent.code == "1"
    assert len(said(plan_of(book([(1.5, "局党组", "党组", "直属检验检疫局", None, None)]), numeric_codes=True))) == 1


def test_error_values_and_formulas_are_no_empty_cells():
    def spoil(made):
        page = made["组织"]
        page["E5"] = "#N/A"
        page["B4"] = '="办公室"&"党支部"'
        page["E4"] = "=E5"

    found = problems_of_data(edited(book(TREE), spoil))
    assert found == [
        "组织!4 组织名称: 公式没有计算结果",
        "组织!4 上级代码: 公式没有计算结果",
        "组织!5 上级代码: 单元格是错误值（如 #N/A、#REF!）",
    ]


def test_a_calculated_formula_is_its_value():
    data = book(TREE)
    data = edited(data, lambda made: made["组织"].__setitem__("B4", "=1"))
    data = surgery(
        data,
        change={
            "xl/worksheets/sheet1.xml": (
                r'<c r="B4"[^>]*><f>1</f><v ?/></c>',
                '<c r="B4" t="str"><f>1</f><v>办公室支部</v></c>',
            )
        },
    )
    assert problems_of_data(data) == []


def test_what_a_merged_cell_hides_is_no_root():
    def merge(made):
        made["组织"].merge_cells("E4:E5")

    assert problems_of_data(edited(book(TREE), merge)) == ["组织!5 上级代码: 单元格被合并，内容只在合并区域的左上角"]


@pytest.mark.parametrize(
    ("cell", "stored"),
    [
        ("2010-12-31", "2010-12-31"),
        ("2010年12月31日", "2010-12-31"),
        ("2010/12/31", "2010-12-31"),
        ("2010.12", "2010-12-01"),
        (datetime.date(2010, 12, 31), "2010-12-31"),
        (datetime.datetime(2010, 12, 31, 0, 0), "2010-12-31"),  # noqa: DTZ001 - a cell has no zone
        (" 2010/1/5 ", "2010-01-05"),
        ("２０１０-１２-３１", "2010-12-31"),
        (2010.12, "2010-12-01"),
    ],
)
def test_dates_in_every_spelling(cell, stored):
    import_(book([(*row, cell) for row in TREE], 组织=[*ORG, "成立日期"]))
    assert Organization.objects.get(code="012").founded_on == day(stored)


@pytest.mark.parametrize("cell", ["2010-02-30", "去年", "2010", 40543, 2010.1, "12/31/2010", "0210-01-01", True])
def test_what_is_no_date(cell):
    rows = [(*row, None) for row in TREE[:3]] + [(*TREE[3], cell)]
    found = said(plan_of(book(rows, 组织=[*ORG, "成立日期"])))
    assert len(found) == 1
    assert found[0].startswith("组织!5 成立日期: ")


def test_a_missing_column_leaves_and_an_empty_cell_clears():
    import_(book([(*row, "简") for row in TREE], 组织=[*ORG, "简称"]))
    import_(book(TREE))
    assert Organization.objects.get(code="011").short_name == "简"
    made = import_(book([(*row, None) for row in TREE], 组织=[*ORG, "简称"]))
    assert numbers(made, "组织") == (0, 4, 0, 0)
    assert Organization.objects.get(code="011").short_name == ""


def test_a_changed_parent_is_a_move():
    import_(book([*TREE, org("02", kind="党总支", parent="001")]))
    made = import_(book([("012", "检务处党支部", "党支部", "机关内设机构", "02", None)]))
    assert numbers(made, "组织") == (0, 1, 0, 0)
    assert made.changes["组织"][0].old == {"parent": "01"}
    assert Organization.objects.get(code="012").parent.code == "02"
    assert tree.prove() == []


def test_a_provincial_bureau_by_affiliation_is_warned_of_and_imported():
    rows = [
        ("1", "总局党组", "党组", "总局", None, None),
        ("11", "浙江省质监局党组", "党组", "省级质监局", "1", "隶属"),
    ]
    made = import_(book(rows))
    assert [str(w) for w in made.warnings] == ['组织!3 关系: 省级质监局 "11" 的关系是隶属，通常应为指导']
    guided = [rows[0], (*rows[1][:5], "指导")]
    assert import_(book(guided)).warnings == []


# --- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("P9", "赵五", "01"), '人员!2 所属支部代码: "01" 不是党支部，党员只能属于党支部'),
        (("P9", "赵五", "xx"), '人员!2 所属支部代码: 找不到组织 "xx"'),
        (("P9", "赵五", None), "人员!2 所属支部代码: 不能为空"),
        ((7, "赵五", "-"), "人员!2 人员编号: 是数字 7，不是文本，开头的 0 可能已经丢失"),
        (("P9", 5, "-"), "人员!2 姓名: 是数字 5，不是名称"),
    ],
)
def test_a_wrong_person_is_named_with_its_place(row, problem):
    assert said(plan_of(book(TREE, [row]))) == [problem]


def test_a_changed_branch_is_a_transfer_today(in_2010):
    import_(book(TREE, [("P1", "张三", "011")]))
    data = book(people=[("P1", "张三", "012")])
    assert numbers(import_(data), "人员") == (0, 1, 0, 0)
    old, new = Membership.objects.order_by("pk")
    assert (old.branch.code, old.to_on) == ("011", day("2010-12-10"))
    assert (new.branch.code, new.from_on, new.to_on) == ("012", day("2010-12-10"), None)
    assert numbers(import_(data), "人员") == (0, 0, 1, 0)


def test_a_transfer_takes_the_day_that_is_given(in_2010):
    header = [*PERSON, "转入日期"]
    import_(book(TREE, [("P1", "张三", "011", "2009-01-01")], 人员=header))
    early = plan_of(book(people=[("P1", "张三", "012", "2008-01-01")], 人员=header))
    assert said(early) == ["人员!2 转入日期: 转入日期 2008-01-01 早于现支部的转入日期 2009-01-01"]
    import_(book(people=[("P1", "张三", "012", "2010-03-01")], 人员=header))
    assert Membership.objects.get(to_on=None).from_on == day("2010-03-01")


def test_another_day_for_the_same_branch_corrects_it():
    header = [*PERSON, "转入日期"]
    import_(book(TREE, [("P1", "张三", "011", "2009-01-01")], 人员=header))
    assert numbers(import_(book(people=[("P1", "张三", "011", "2009-02-01")], 人员=header)), "人员") == (0, 1, 0, 0)
    assert Membership.objects.get().from_on == day("2009-02-01")
    assert numbers(import_(book(people=[("P1", "张三", "011", None)], 人员=header)), "人员") == (0, 0, 1, 0)


def test_a_dash_ends_the_membership(in_2010):
    import_(book(TREE, [("P1", "张三", "011")]))
    data = book(people=[("P1", "张三", "-")])
    import_(data)
    assert Membership.objects.get().to_on == day("2010-12-10")
    assert numbers(import_(data), "人员") == (0, 0, 1, 0)


def test_a_masked_mobile_means_unchanged_and_an_empty_one_clears():
    header = [*PERSON, "手机"]
    import_(book(TREE, [("P1", "张三", "011", 13800138000)], 人员=header))
    assert Person.objects.get().mobile == "13800138000"
    assert numbers(import_(book(people=[("P1", "张三", "011", "138****8000")], 人员=header)), "人员") == (0, 0, 1, 0)
    import_(book(people=[("P1", "张三", "011", None)], 人员=header))
    assert Person.objects.get().mobile == ""


# --- posts and divisions of work --------------------------------------------------------------------------------------

PEOPLE = [("P1", "张三", "011"), ("P2", "李四", "012")]


def problems_with(posts=None, charges=None):
    return said(plan_of(book(TREE, PEOPLE, posts, charges)))


def test_either_word_for_a_member_is_the_same():
    import_(book(TREE, PEOPLE, [("P1", "001", "委员"), ("P2", "01", "成员")]))
    assert {post.title for post in Post.objects.all()} == {"党组成员", "机关党委委员"}
    again = import_(book(posts=[("P1", "001", "成员"), ("P2", "01", "委员")]))
    assert numbers(again, "任职") == (0, 0, 2, 0)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("P7", "001", "书记")], ['任职!2 人员编号: 找不到人员 "P7"']),
        ([("P1", "77", "书记")], ['任职!2 组织代码: 找不到组织 "77"']),
        ([("P1", "001", "主任")], ['任职!2 职务: 不认识 "主任"']),
        ([("P1", "001", "书记"), ("P2", "001", "书记")], ['任职!3 职务: 组织 "001" 同一时间有两名书记（另一名：P1）']),
        (
            [("P1", "001", "书记", None, "2010-07-01"), ("P2", "001", "书记", "2010-06-30")],
            ['任职!3 职务: 组织 "001" 同一时间有两名书记（另一名：P1）'],
        ),
        ([("P1", "001", "书记", None, "2010-07-01"), ("P2", "001", "书记", "2010-07-01")], []),
        (
            [("P1", "001", "书记", "2010-07-01", "2010-01-01")],
            ["任职!2 免职日期: 免职日期 2010-01-01 早于任职日期 2010-07-01"],
        ),
        (
            [("P1", "001", "成员"), ("P1", "001", "委员")],
            ["任职!3 人员编号: 同一人、同一组织、同一职务、同一任职日期，与第 2 行重复"],
        ),
        ([("P1", "001", "成员"), ("P1", "001", "委员", "2010-01-01")], ["任职!3 任职日期: 与同一人的同一职务时间重叠"]),
    ],
)
def test_wrong_posts(rows, found):
    padded = [(*row, *[None] * (len(POST) - len(row))) for row in rows]
    assert problems_with(padded) == found


def test_a_second_secretary_beside_a_stored_one_is_refused():
    import_(book(TREE, PEOPLE, [("P1", "001", "书记")]))
    assert len(said(plan_of(book(posts=[("P2", "001", "书记")])))) == 1
    made = import_(book(posts=[("P2", "001", "书记", "2010-07-01"), ("P1", "001", "书记", None, "2010-07-01")]))
    assert numbers(made, "任职") == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("P1", "001", "012"), []),
        (("P2", "001", "012"), ['分管!2 所在班子代码: "P2" 没有在 "001" 任职']),
        (("P1", "001", "001"), ['分管!2 分管组织代码: "001" 不在 "001" 之下']),
        (("P1", "001", "77"), ['分管!2 分管组织代码: 找不到组织 "77"']),
        (("P1", "001", "012", "主办"), ['分管!2 主次: 不认识 "主办"']),
    ],
)
def test_divisions_of_work(row, found):
    assert problems_with([("P1", "001", "成员")], [row]) == found


def test_guidance_is_below_too():
    rows = [("1", "总局党组", "党组", "总局", None, None), ("11", "某局党组", "党组", "直属检验检疫局", "1", "指导")]
    made = plan_of(book(rows, [("P1", "张三", "-")], [("P1", "1", "成员")], [("P1", "1", "11")]))
    assert said(made) == []


def test_two_in_charge_are_warned_of():
    made = plan_of(
        book(TREE, PEOPLE, [("P1", "001", "成员"), ("P2", "001", "成员")], [("P1", "001", "012"), ("P2", "001", "012")])
    )
    assert said(made) == []
    assert len(made.warnings) == 1


# --- counts -----------------------------------------------------------------------------------------------------------


def test_counts_add_up_to_the_rows():
    import_(book(TREE))
    rows = [
        TREE[0],
        (*TREE[1][:1], "改了名的机关党委", *TREE[1][2:]),
        org("9"),
        org("8", parent="nix"),
        org("7", name=None),
    ]
    made = plan_of(book(rows))
    assert numbers(made, "组织") == (1, 1, 1, 2)
    assert made.counts["组织"].total == 5


def test_every_row_wrong_is_no_slower_and_every_one_is_listed():
    rows = [org(f"x{n}", parent=f"nix{n}") for n in range(3000)]
    found = problems_of_org(*rows)
    assert len(found) == 3000
    assert found[-1] == '组织!3005 上级代码: 找不到组织 "nix2999"'


def test_a_table_may_begin_at_c4_and_rows_are_numbered_as_the_sheet_does():
    def shift(made):
        made["组织"].insert_rows(1, 3)
        made["组织"].insert_cols(1, 2)
        made["组织"]["A1"] = "组织一览表"
        made["组织"][f"{get_column_letter(3)}8"] = None

    assert problems_of_data(edited(book(TREE), shift)) == ["组织!8 组织代码: 不能为空"]


def _queries_of(rows: int, offset: int) -> int:
    """How many statements an import of so many organisations, people and posts takes."""
    branches = [(f"{offset + n}", f"第{offset + n}党支部", "党支部", "机关内设机构", "01", None) for n in range(rows)]
    people = [(f"p{offset + n}", "张三", f"{offset + n}") for n in range(rows)]
    posts = [(f"p{offset + n}", f"{offset + n}", "书记", None, None, None) for n in range(rows)]
    data = book(branches, people, posts)
    with CaptureQueriesContext(connection) as captured:
        plan = import_(data)
    assert sum(counts.new for counts in plan.counts.values()) == 3 * rows
    return len(captured)


def test_the_statements_of_an_import_do_not_grow_with_its_rows():
    import_(book(TREE))
    assert _queries_of(300, 20000) == _queries_of(60, 10000)
