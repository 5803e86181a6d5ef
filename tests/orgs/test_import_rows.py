"""What rows may say: every row error of the contract, and what is no error."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orgs import tree
from orgs.importing import columns
from orgs.importing.apply import Wrong
from orgs.importing.planning.rows import MAX_DEPTH
from orgs.models import (
    ChargeKind,
    Gender,
    MemberKind,
    Membership,
    Organization,
    OrgType,
    PartyStatus,
    Person,
    PostRole,
    Relation,
)  # fmt: skip
from tests.builders import day
from tests.orgs.books import ORG, PERSON, TREE, book, edited, import_, numbers, plan_of, said, surgery

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
    assert MAX_DEPTH == tree.MAX_DEPTH


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


def problems_of_data(data, **options):
    return said(plan_of(data, **options))


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
        made["组织"].merge_cells("D4:E5")

    assert problems_of_data(edited(book(TREE), merge)) == [
        "组织!4 上级代码: 单元格被合并，内容只在合并区域的左上角",
        "组织!5 单位类别: 单元格被合并，内容只在合并区域的左上角",
        "组织!5 上级代码: 单元格被合并，内容只在合并区域的左上角",
    ]


def test_what_many_rows_share_may_be_merged_over_them():
    def merge(made):
        made["组织"].merge_cells("E4:E5")
        made["组织"].merge_cells("D3:D5")
        made["人员"].merge_cells("C2:C4")

    people = [(f"P{number}", f"党员{number}", "011") for number in range(1, 4)]
    made = import_(edited(book(TREE, people), merge))
    assert numbers(made, "组织") == (4, 0, 0, 0)
    assert [org.parent.code for org in Organization.objects.filter(code__in=("011", "012"))] == ["01", "01"]
    assert Membership.objects.filter(branch__code="011").count() == 3
    assert [notice for notice in made.notices if "合并" in notice] == [
        "工作表“组织”的列“单位类别”有合并单元格，合并的 2 行都按合并的内容理解",
        "工作表“组织”的列“上级代码”有合并单元格，合并的 1 行都按合并的内容理解",
        "工作表“人员”的列“所属支部代码”有合并单元格，合并的 2 行都按合并的内容理解",
    ]


@pytest.mark.parametrize(
    ("post", "said_of_it"),
    [
        (("P9", "001", "成员"), "任职!2 人员编号"),
        (("P1", "009", "成员"), "任职!2 组织代码"),
        (("P1", "001", "主任"), "任职!2 职务"),
        (("P1", "001", "成员", "2010-01-01", "2009-01-01"), "任职!2 免职日期"),
    ],
)
def test_a_wrong_post_is_one_mistake_not_another_for_each_division_of_work(post, said_of_it):
    people = [("P1", "甲", "011"), ("P2", "乙", "011")]
    charges = [("P1", "001", "01"), ("P1", "001", "012")]
    [only] = said(plan_of(book(TREE, people, [post], charges)))
    assert only.startswith(said_of_it)
    right = [("P2", "01", "委员")]
    assert len(said(plan_of(book(TREE, people, right, charges)))) == 2  # nothing is unsure: nobody serves there


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


def test_a_second_secretary_beside_a_stored_one_is_refused():
    import_(book(TREE, PEOPLE, [("P1", "001", "书记")]))
    assert len(said(plan_of(book(posts=[("P2", "001", "书记")])))) == 1
    made = import_(book(posts=[("P2", "001", "书记", "2010-07-01"), ("P1", "001", "书记", None, "2010-07-01")]))
    assert numbers(made, "任职") == (1, 1, 0, 0)


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
    _queries_of(10, 30000)  # for the first persons, fewer questions are asked
    assert _queries_of(300, 20000) == _queries_of(60, 10000)
