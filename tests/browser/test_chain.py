"""The whole of a leadership review in a browser: import, duties, review, coverage, rectification, the three annexes."""

from __future__ import annotations

import csv
import re

import openpyxl
import pytest

from orgs import accounts
from orgs.models import Organization, Person, User
from reports.demonstration import load
from reports.demonstration.people import invent
from reviews.models import Period, Record, RectificationItem
from tests.browser.conftest import DESK, PHONE, fits, log_in
from tests.reports.submitting import accept_below

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "clear-water-2010"
BRANCH, BUREAU = load.BRANCH, load.BUREAU


@pytest.fixture
def workbook(tmp_path):
    """The real tree with its invented people, as an office would send it."""
    with load.DATA.open(encoding="utf-8-sig", newline="") as stream:
        made = invent(list(csv.DictReader(stream)))
    book = openpyxl.Workbook(write_only=True)
    for title, rows in (("组织", made.orgs), ("人员", made.people), ("任职", made.posts), ("分管", made.charges)):
        sheet = book.create_sheet(title)
        sheet.append(list(rows[0]))
        for row in rows:
            sheet.append(list(row.values()))
    path = tmp_path / "质检系统组织与人员.xlsx"
    book.save(path)
    return path


def opened(download, tmp_path):
    """A downloaded workbook."""
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    return openpyxl.load_workbook(path).active


def texts(sheet) -> str:
    """All that stands on a sheet."""
    return "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)


def account(person: Person) -> str:
    """Open an account through the verbs; returns the user name."""
    user, _ = accounts.open_for(person, by=None, password=PASSWORD)
    accounts.password_changed(user)
    return user.username


def fill_in(page, *, problem: str) -> None:
    """The form of a record, as a thumb would."""
    page.get_by_label("点评时间").fill("2010-12-09")
    page.get_by_label("地点", exact=True).fill("党员活动室")
    page.get_by_label("点评形式").select_option("individual")
    if page.get_by_label("前段小结").count():
        page.get_by_label("前段小结").fill("按方案开展活动，组织学习六次。")
    page.get_by_label("主要成绩").fill("立足本职，业务熟练。")
    page.locator("[name=problem]").first.fill(problem)
    page.locator("[name=directions]").fill("制定学习计划，每周检查一次。")
    page.locator("[name=feedback_due_on]").fill("2010-12-28")


def reviewed(page) -> tuple[int, int]:
    """(due, done) members on the coverage page's card."""
    card = page.locator(".coverage-card", has_text="被点评的党员").first.inner_text()
    due, done = re.search(r"应\s*([\d,]+)\s*已\s*([\d,]+)", card).groups()
    return int(due.replace(",", "")), int(done.replace(",", ""))


def test_the_whole_chain(open_page, workbook, tmp_path, in_2010):
    User.objects.create_superuser("admin", password=PASSWORD)

    # The administrator imports the tree and has the duties generated.
    admin = open_page(DESK)
    log_in(admin, "admin", PASSWORD)
    admin.goto("/import/")
    admin.locator("input[type=file]").set_input_files(workbook)
    admin.get_by_role("button", name="上传并预览").click()
    admin.wait_for_url("**/import/*/")
    assert "414" in admin.locator(".import-counts").inner_text()
    fits(admin)
    admin.get_by_role("button", name=re.compile("确认")).first.click()
    admin.get_by_text("导入完成").first.wait_for()
    assert Organization.objects.count() == 414
    admin.goto("/periods/")
    admin.locator("[name=code]").fill("2010H2")
    admin.get_by_role("button", name="建立").click()
    admin.wait_for_url("**/periods/2010H2/")
    admin.get_by_role("button", name="预览变化").click()
    admin.get_by_text("还没有写入").wait_for()
    admin.get_by_role("button", name="确认生成").click()
    admin.get_by_role("heading", name="任务已生成").wait_for()
    fits(admin)

    branch = Organization.objects.get(code=BRANCH)
    secretary = Person.objects.get(posts__organization=branch, posts__role="secretary")
    office = User.objects.create_user("office", password=PASSWORD)
    accounts.grant_office(office, Organization.objects.get(code=BUREAU), by=None)

    # The office above looks before.
    desk = open_page(DESK)
    log_in(desk, "office", PASSWORD)
    desk.goto(f"/coverage/{BUREAU}/")
    due, before = reviewed(desk)
    assert before == 0
    assert due > 100

    # The branch secretary reviews the first member, on a phone.
    phone = open_page(PHONE)
    log_in(phone, account(secretary), PASSWORD)
    phone.wait_for_url("**/duties/")
    fits(phone)
    phone.get_by_role("button", name=re.compile("^点评")).first.click()
    phone.wait_for_url("**/edit/")
    fits(phone)
    phone.get_by_role("button", name="确认完成").click()
    phone.get_by_text("还不能确认").wait_for()
    fill_in(phone, problem="学习笔记不完整。")
    phone.get_by_text("已保存").first.wait_for()
    phone.get_by_role("button", name="确认完成").click()
    phone.get_by_text("点评完成").first.wait_for()
    fits(phone)
    member_record = Record.objects.get(target_person__isnull=False)
    assert member_record.state == "confirmed"
    assert member_record.branch_name == branch.name

    # The figures of the office are right at once.
    desk.reload()
    assert reviewed(desk) == (due, 1)

    # The member plans and feeds back; the secretary accepts.
    item = RectificationItem.objects.get(record=member_record)
    member = open_page(PHONE)
    log_in(member, account(member_record.target_person), PASSWORD)
    member.goto(f"/rectifications/{item.pk}/")
    member.get_by_label("整改措施").fill("补齐学习笔记，每周两小时。")
    member.get_by_label("责任人").fill("本人")
    member.locator("[name=due_on]").fill("2010-12-20")
    member.get_by_role("button", name="保存措施").click()
    member.get_by_text("反馈落实情况").first.click()
    member.get_by_label("落实情况").fill("学习笔记已补齐。")
    member.get_by_role("button", name=re.compile("反馈，申请验收")).click()
    member.get_by_text("待验收").first.wait_for()
    fits(member)
    phone.goto(f"/rectifications/{item.pk}/")
    phone.get_by_role("button", name=re.compile("验收")).click()
    phone.get_by_text("已销号").first.wait_for()

    # A member of the bureau's team reviews an organisation: annex 2.
    leader = Organization.objects.get(code=BRANCH).duties_about.get(rule_code="2B", subject="org").acting
    leading = open_page(DESK)
    log_in(leading, account(leader), PASSWORD)
    leading.get_by_role("button", name=re.compile("^点评")).first.click()
    leading.wait_for_url("**/edit/")
    fill_in(leading, problem="活动载体不够新颖。")
    for group in leading.locator("fieldset:has(input[type=radio])").all():
        group.locator("label", has_text="是").first.click()
    leading.get_by_role("button", name="确认完成").click()
    leading.get_by_text("点评完成").first.wait_for()
    org_record = Record.objects.get(target_org__isnull=False)

    # The three annexes, opened.
    with leading.expect_download() as two:
        leading.evaluate(f"location.href = '/records/{org_record.pk}/annex.xlsx'")
    sheet = opened(two.value, tmp_path)
    assert org_record.target_name in texts(sheet)
    assert "下阶段工作建议" in texts(sheet)
    with phone.expect_download() as three:
        phone.evaluate(f"location.href = '/records/{member_record.pk}/annex.xlsx'")
    sheet = opened(three.value, tmp_path)
    assert "点评问题整改落实情况" in texts(sheet)
    assert "学习笔记已补齐。" in texts(sheet)
    desk.goto("/reports/")
    desk.get_by_role("button", name="填报").click()
    desk.get_by_role("link", name=re.compile("下载 Excel")).wait_for()
    with desk.expect_download() as one:
        desk.get_by_role("link", name=re.compile("下载 Excel")).click()
    sheet = opened(one.value, tmp_path)
    assert "截至本次上报累计完成点评工作情况" in texts(sheet)
    assert "合计" in texts(sheet)
    accept_below(Organization.objects.get(code=BUREAU), Period.objects.get())  # the units below have sent theirs
    desk.reload()
    desk.get_by_role("button", name="上报", exact=True).click()
    desk.get_by_text("已上报").first.wait_for()
