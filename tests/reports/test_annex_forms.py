"""Annexes 1 to 3 as workbooks: golden cells in the layout of domain.md 1.G."""

import datetime
import io
import re
import tracemalloc

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from reports.annexes import one, three, two
from reports.annexes.one import Numbers, RowFigures
from reports.annexes.sheet import Cell, Role, Row, Sheet
from reports.annexes.xlsx import workbook_bytes
from reviews import coverage as targets
from reviews.models import ItemState, RectificationItem
from tests.builders import day, make_bare_record, make_period
from tests.libreoffice import converted
from tests.reports.submitting import send

pytestmark = pytest.mark.django_db
ACTIVITY = "全国质检系统“以质取胜、创先争优”活动"


def opened(sheet):
    """The workbook as a reader finds it."""
    return load_workbook(io.BytesIO(workbook_bytes([sheet])))


def labels(page):
    """Every text on the page, by its cell."""
    return {cell.coordinate: cell.value for row in page.iter_rows() for cell in row if cell.value is not None}


def merged(page):
    """Merged ranges."""
    return {str(found) for found in page.merged_cells.ranges}


@pytest.fixture
def org_record(cast, in_2010):
    record = make_bare_record(
        make_period(), cast.org["1"], cast.person["root_head"], of_org=cast.org["12"], held_on=day("2010-12-20")
    )
    review = record.review
    review.place, review.form, review.form_name = "三楼会议室", "meeting", "集中点评"
    review.reviewer_name, review.reviewer_title = "王建国", "总局党组书记、局长"
    review.save()
    record.member_count = 128
    record.prior_summary, record.achievements, record.directions = "前段开展了活动。", "成绩突出。", "继续努力。"
    record.save()
    for order, text in enumerate(["主题不够突出", "承诺没有全覆盖"], start=1):
        RectificationItem.objects.create(record=record, order=order, text=text, state=ItemState.TO_PLAN)
    return record


@pytest.fixture
def member_record(cast, in_2010):
    record = make_bare_record(
        make_period(),
        cast.org["1311"],
        cast.person["secretary"],
        of_person=cast.person["member"],
        held_on=day("2010-12-20"),
    )
    review = record.review
    review.place, review.form, review.form_note = "检务大厅", "meeting", "支部党员大会"
    review.form_name = "集中点评"
    review.reviewer_name, review.reviewer_title = "李支书", "检务处党支部书记"
    review.save()
    record.target_title, record.branch_name = "检务处科员", "天津局检务处党支部"
    record.achievements, record.directions = "业务熟练。", "加强学习。"
    record.save()
    cast.person["member"].gender = "female"
    cast.person["member"].save()
    record.target_person = cast.person["member"]
    RectificationItem.objects.create(record=record, order=1, text="联系企业不够", state=ItemState.TO_PLAN)
    return record


# --- 附件2 ----------------------------------------------------------------------------------------------------


def test_annex_2_has_the_labels_and_the_layout_of_the_notice(org_record):
    book = opened(two.sheet(org_record))
    assert book.sheetnames == ["附件2"]
    page = book["附件2"]
    assert labels(page) == {
        "A1": "附件2：",
        "A2": ACTIVITY,
        "A3": "领导点评党组织创先争优情况登记表",
        "A4": "党组织名称",
        "B4": "信息中心党委",
        "D4": "党员人数",
        "E4": "128",
        "A5": "点评时间",
        "B5": "2010年12月20日",
        "D5": "地点",
        "E5": "三楼会议室",
        "A6": "点评领导姓名",
        "B6": "王建国",
        "D6": "单位及职务",
        "E6": "总局党组书记、局长",
        "A7": "前段小结",
        "B7": "前段开展了活动。\n（可另附页）",
        "A8": "领导点评",
        "B8": "主要成绩",
        "C8": "成绩突出。",
        "B9": "存在的问题和不足",
        "C9": "1. 主题不够突出\n2. 承诺没有全覆盖",
        "B10": "下阶段工作建议",
        "C10": "继续努力。",
    }
    assert merged(page) == {
        "A1:E1", "A2:E2", "A3:E3", "B4:C4", "B5:C5", "B6:C6", "B7:E7", "A8:A10", "C8:E8", "C9:E9", "C10:E10",
    }  # fmt: skip


def test_annex_2_is_set_up_for_one_upright_page_of_a4_with_every_cell_boxed(org_record):
    page = opened(two.sheet(org_record))["附件2"]
    assert (page.page_setup.paperSize, page.page_setup.orientation) == (9, "portrait")
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert (page.page_setup.fitToWidth or 1, page.page_setup.fitToHeight or 1) == (1, 1)
    assert page.print_area == "'附件2'!$A$1:$E$10"
    assert {cell.border.left.style for cell in page["A"][3:]} == {"thin"}
    assert {cell.border.right.style for cell in page["E"][3:]} == {"thin"}
    for cell in (*page[4], *page[6], page["C10"], page["D10"], page["E10"]):
        assert (cell.border.top.style, cell.border.bottom.style) == ("thin", "thin")
    assert page["B7"].alignment.wrap_text
    assert sum(page.row_dimensions[row].height for row in range(1, 11)) <= 842 - 2 * 48


def test_a_long_summary_goes_to_an_appendix_page_and_the_form_says_so(org_record):
    org_record.prior_summary = "本单位紧紧围绕活动主题开展工作。" * 150
    book = opened(two.sheet(org_record))
    assert book.sheetnames == ["附件2", "附件2附页"]
    assert book["附件2"]["B7"].value == "（另附页）"
    appended = "".join(str(value) for value in labels(book["附件2附页"]).values())
    assert org_record.prior_summary in appended
    assert book["附件2附页"].page_setup.fitToHeight == 0


def test_empty_cells_of_annex_2_stay_blank(cast, in_2010):
    record = make_bare_record(make_period(), cast.org["1"], of_org=cast.org["12"], held_on=day("2010-12-20"))
    page = opened(two.sheet(record))["附件2"]
    assert [page[at].value for at in ("E4", "E5", "B6", "E6", "C8", "C9", "C10")] == [None] * 7
    assert page["B7"].value == "（可另附页）"


def test_joint_reviewers_are_named_with_their_posts(org_record, cast):
    org_record.review.co_reviewers.set([cast.person["organ_head"]])
    org_record.review.co_orgs.set([cast.org["11"]])
    page = opened(two.sheet(org_record))["附件2"]
    assert page["B6"].value == "王建国、机关党委书记"
    assert page["E6"].value == "总局党组书记、局长；总局直属机关党委书记"


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-2+3", "@SUM(A1)"])
def test_text_never_becomes_a_formula(org_record, text):
    org_record.achievements = text
    cell = opened(two.sheet(org_record))["附件2"]["C8"]
    assert (cell.value, cell.data_type) == (text, "s")


def test_control_characters_do_not_break_the_file(org_record):
    org_record.achievements = "成绩\x00\x0b突出\ud800"
    assert opened(two.sheet(org_record))["附件2"]["C8"].value == "成绩突出"


# --- 附件3 ----------------------------------------------------------------------------------------------------


def test_annex_3_has_the_labels_and_the_layout_of_the_notice(member_record):
    page = opened(three.sheet(member_record))["附件3"]
    assert labels(page) == {
        "A1": "附件3：",
        "A2": ACTIVITY,
        "A3": "领导点评党员参加创先争优活动情况表",
        "A4": "姓名",
        "B4": "检务处党员",
        "C4": "单位及职务",
        "D4": "检务处科员",
        "A5": "性别",
        "B5": "女",
        "C5": "所属支部",
        "D5": "天津局检务处党支部",
        "A6": "点评领导",
        "B6": "李支书",
        "C6": "点评时间",
        "D6": "2010年12月20日",
        "A7": "点评地点",
        "B7": "检务大厅",
        "C7": "点评形式",
        "D7": "集中点评（支部党员大会）",
        "A8": "主要成绩",
        "B8": "业务熟练。",
        "A9": "存在问题",
        "B9": "联系企业不够",
        "A10": "整改意见建议",
        "B10": "加强学习。",
        "A11": "点评问题整改落实情况",
    }
    assert merged(page) == {"A1:D1", "A2:D2", "A3:D3", "B8:D8", "B9:D9", "B10:D10", "B11:D11"}
    assert (page.page_setup.paperSize, page.page_setup.orientation) == (9, "portrait")
    assert page.print_area == "'附件3'!$A$1:$D$11"


def test_the_last_cell_of_annex_3_is_filled_once_the_problem_is_fed_back(member_record):
    item = member_record.items.get()
    item.state, item.measures, item.outcome = ItemState.PENDING_ACCEPTANCE, "每月走访", "已走访三家"
    item.save()
    text = opened(three.sheet(member_record))["附件3"]["B11"].value
    assert "每月走访" in text
    assert "已走访三家" in text


def test_a_form_of_the_units_own_is_printed_by_its_name(member_record):
    member_record.review.form, member_record.review.form_note = "other", "视频点评"
    assert opened(three.sheet(member_record))["附件3"]["D7"].value == "视频点评"


def test_long_texts_of_annex_3_go_on_on_an_appendix_page_and_the_form_keeps_to_its_page(member_record):
    member_record.achievements = "业务熟练，群众满意。" * 200
    member_record.directions = "加强学习，改进作风。" * 200
    book = opened(three.sheet(member_record))
    page = book["附件3"]
    assert book.sheetnames == ["附件3", "附件3附页"]
    assert page["B8"].value.endswith("（接附页）")
    assert page["B9"].value == "联系企业不够"
    assert sum(page.row_dimensions[row].height for row in range(1, 12)) <= 842 - 2 * 48
    assert "主要成绩（续）" in labels(book["附件3附页"]).values()


# --- 附件1 ----------------------------------------------------------------------------------------------------

ROWS = [
    RowFigures(1, "本级", Numbers(3, 0, 0), Numbers(1, 0, 0), Numbers(2, 0, 0)),
    RowFigures(2, "直属机关党委", Numbers(4, 5, 60), Numbers(2, -1, 10), Numbers(3, 2, 30)),
]


def annex_1(rows=ROWS):
    return opened(one.sheet("国家质检总局党组", datetime.date(2010, 12, 20), rows))["附件1"]


def test_annex_1_has_ten_columns_under_two_header_rows():
    page = annex_1()
    found = labels(page)
    assert found["A1"] == "附件1："
    assert found["A2"] == ACTIVITY
    assert found["A3"] == "领导点评工作完成进度报表"
    assert found["A4"] == "上报单位：国家质检总局党组"
    assert found["G4"] == "上报日期：2010年12月20日"
    assert found["A5"] == "单位名称"
    assert found["B5"] == "应参加点评的领导、党组织党员数量"
    assert found["E5"] == "本次上报新增完成点评的情况"
    assert found["H5"] == "截至本次上报累计完成点评工作情况"
    assert [page.cell(6, column).value for column in range(2, 11)] == ["领导", "党组织", "党员"] * 3
    assert {"A5:A6", "B5:D5", "E5:G5", "H5:J5"} <= merged(page)
    assert page.max_column == 10


def test_annex_1_holds_numbers_and_their_sums():
    page = annex_1()
    lines = [[cell.value for cell in row] for row in page["A7:J9"]]
    assert lines == [
        ["本级", 3, 0, 0, 1, 0, 0, 2, 0, 0],
        ["直属机关党委", 4, 5, 60, 2, -1, 10, 3, 2, 30],
        ["合计", 7, 5, 60, 3, -1, 10, 5, 2, 30],
    ]
    assert page["B7"].data_type == "n"
    assert page["F8"].font.color.rgb == "FFC00000"
    assert page["E8"].font.color is None


def test_annex_1_lies_across_a4_and_repeats_its_head():
    page = annex_1(ROWS * 40)
    assert (page.page_setup.paperSize, page.page_setup.orientation) == (9, "landscape")
    assert (page.page_setup.fitToWidth or 1, page.page_setup.fitToHeight) == (1, 0)
    assert page.print_title_rows == "$5:$6"


def test_several_forms_of_one_name_become_several_pages(org_record):
    sheet = two.sheet(org_record)
    book = load_workbook(io.BytesIO(workbook_bytes([sheet, sheet])))
    assert book.sheetnames == ["附件2", "附件2 2"]


# --- as LibreOffice opens them --------------------------------------------------------------------------------


def test_libreoffice_opens_what_is_downloaded_and_finds_the_same_in_it(
    org_record, member_record, cast, as_user, tmp_path
):
    org_record.prior_summary = "=1+1\n" + "本单位紧紧围绕活动主题开展工作。" * 150
    org_record.save()
    targets.sync(org_record.review.period, day("2010-12-20"))
    report = send(cast.org["13"], org_record.review.period)
    client = as_user(cast.user["admin"])
    paths = {
        "one.xlsx": reverse("progress_report_annex", args=[report.pk]),
        "two.xlsx": reverse("record_annex", args=[org_record.pk]),
        "three.xlsx": reverse("record_annex", args=[member_record.pk]),
    }
    files = {name: client.get(path).content for name, path in paths.items()}
    made = converted(files, tmp_path, "xlsx")
    for name, data in files.items():
        given, found = (load_workbook(io.BytesIO(data)) for data in (data, made[name]))
        assert found.sheetnames == given.sheetnames
        for page in given:
            assert labels(found[page.title]) == labels(page), name
            assert merged(found[page.title]) == merged(page)
            assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n"}
            assert found[page.title].print_area == page.print_area
    pages = {
        name: len(re.findall(rb"/Type\s*/Page\b", data)) for name, data in converted(files, tmp_path, "pdf").items()
    }
    assert pages == {"one.xlsx": 1, "two.xlsx": 3, "three.xlsx": 1}


# --- long ones ------------------------------------------------------------------------------------------------


def test_a_long_annex_1_leaves_memory_row_by_row():
    """Its texts stand in their cells, as xlsxwriter writes them when a row goes to the disk at once."""
    rows = [RowFigures(at, f"单位{at}", Numbers(3, 2, 1), Numbers(), Numbers()) for at in range(3000)]
    sheet = one.sheet("总局", datetime.date(2010, 12, 20), rows)
    tracemalloc.start()
    data = workbook_bytes([sheet])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000, f"{peak:,} bytes for 30,000 cells"
    page = load_workbook(io.BytesIO(data))["附件1"]
    assert [page.cell(row, 1).value for row in (7, 3006, 3007)] == ["单位0", "单位2999", "合计"]
    assert page["D3007"].value == 3000


def test_a_cell_that_reaches_down_keeps_its_text_and_leaves_the_rows_below_theirs():
    down = [
        Row((Cell("=1+1", Role.LABEL, down=down), Cell("甲")), 30.0) for down in (1, 2)
    ]  # fmt: skip
    for rows in (
        (*down, Row((Cell("乙"),), 30.0)),
        (
            Row((Cell("{=1+1}", Role.LABEL, down=3), Cell("甲")), 30.0),
            Row((Cell("乙"),), 30.0),
            Row((Cell("丙"),), 30.0),
        ),
    ):
        page = opened(Sheet("表", "", (), (80.0, 80.0), rows)).active
        assert (
            [cell.value for cell in page["B"]] == ["甲", "甲", "乙"]
            if rows[0].cells[0].down == 1
            else ["甲", "乙", "丙"]
        )
        assert {cell.data_type for cell in page["A"] if cell.value} == {"s"}
        assert merged(page) == {"A2:A3"} if rows[0].cells[0].down == 1 else {"A1:A3"}
        assert [page.row_dimensions[at].height for at in (1, 2, 3)] == [30.0] * 3


def test_a_row_with_more_cells_than_columns_is_refused():
    with pytest.raises(ValueError, match="row 1 has more cells"):
        opened(Sheet("表", "", (), (80.0,), (Row((Cell("甲"), Cell("乙")), 30.0),)))


def test_a_text_is_cut_where_excel_ends_and_quoted_where_it_looks_like_a_formula(org_record):
    page = opened(Sheet("表", "", (), (80.0, 80.0), (Row((Cell("质" * 40_000), Cell("=1+1")), 30.0),))).active
    assert page["A1"].value == "质" * 32_767
    assert (page["A1"].quotePrefix, page["B1"].quotePrefix) == (False, True)


def test_columns_are_as_wide_in_every_program_whatever_its_own_font():
    """The Normal style's font, by whose digits widths are counted, is one that is as wide everywhere."""
    book = opened(one.sheet("总局", datetime.date(2010, 12, 20), ROWS))
    assert (book._fonts[0].name, book._fonts[0].size, book._fonts[0].scheme) == ("Arial", 10, None)
    assert {cell.font.name for cell in book["附件1"][7]} == {"仿宋"}
    assert book["附件1"].column_dimensions["A"].width == pytest.approx((152 * 4 / 3 - 5) / 7, abs=0.01)
