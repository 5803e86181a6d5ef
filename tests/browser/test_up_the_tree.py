"""Annex 1 up three levels by four log-ins: sent, returned, sent again, accepted, summed up, exported, and left as it was."""

from __future__ import annotations

import re

import openpyxl
import pytest
from django.db import transaction

from orgs.models import User
from reports.models import ProgressReport
from reviews import coverage as targets
from tests import builders
from tests.browser.conftest import DESK, PHONE, fits, log_in
from tests.cast import make_cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "clear-water-2010"
UNIT, BUREAU = "塘沽检验检疫局党组", "天津检验检疫局党组"


def with_password(*names: str) -> None:
    """Accounts that log in by the page."""
    for name in names:
        user = User.objects.get(username=name)
        user.set_password(PASSWORD)
        user.save()


def begin(page) -> None:
    """填报, from the list of one's reports."""
    page.goto("/reports/")
    page.get_by_role("button", name="填报").click()
    page.get_by_text("这是草稿").wait_for()
    fits(page)


def send(page) -> None:
    """上报, from the draft."""
    page.get_by_role("button", name="上报", exact=True).click()
    page.get_by_text("已上报，数据已固定").wait_for()
    fits(page)


def waiting(page, name: str) -> None:
    """The report that waits for a decision."""
    page.goto("/reports/")
    page.get_by_role("region", name=re.compile("待接收")).get_by_role("link", name=re.compile(name)).click()
    page.get_by_role("button", name="接收", exact=True).wait_for()


def figures(path, name: str) -> list[int]:
    """The nine numbers of a line of the form."""
    sheet = openpyxl.load_workbook(path).active
    return next([cell.value for cell in row[1:10]] for row in sheet.iter_rows() if row[0].value == name)


def test_annex_1_goes_up_three_levels(open_page, tmp_path, in_2010):
    cast = make_cast()
    period = builders.make_period()
    with transaction.atomic():
        targets.sync(period, builders.day("2010-12-10"))

    def review(who: str, target: str, about: str) -> None:
        record = builders.make_bare_record(
            period, cast.org[about], cast.person[who], of_person=cast.person[target], held_on=builders.day("2010-12-01")
        )
        with transaction.atomic():
            targets.confirmed(record)

    review("lower_secretary", "lower_member", "1321")
    with_password("lower_head", "clerk", "root_clerk", "admin")

    # The administrator settles by when.
    admin = open_page(DESK)
    log_in(admin, "admin", PASSWORD)
    admin.goto("/periods/2010H2/")
    admin.get_by_role("link", name="上报期限").click()
    admin.locator("[name=due_on]").fill("2010-12-20")
    admin.locator("[name=closes_on]").fill("2010-12-31")
    admin.get_by_role("button", name="保存期限").click()
    admin.get_by_text("已设定2010年下半年的上报期限").wait_for()
    fits(admin)

    # The bureau sees that its unit has not reported, and cannot send.
    bureau = open_page(DESK)
    log_in(bureau, "clerk", PASSWORD)
    begin(bureau)
    bureau.get_by_text(f"还没有全部接收：{UNIT}").wait_for()
    assert bureau.get_by_role("button", name="上报", exact=True).count() == 0

    # The unit drafts and sends on a phone; the bureau returns it, and it sends again.
    unit = open_page(PHONE)
    log_in(unit, "lower_head", PASSWORD)
    begin(unit)
    send(unit)
    waiting(bureau, UNIT)
    bureau.get_by_text("数字有疑问，退回").click()
    bureau.get_by_label("退回原因").fill("请核对党员人数")
    bureau.get_by_role("button", name="退回").click()
    bureau.get_by_text("已退回").first.wait_for()
    unit.goto("/reports/")
    unit.get_by_role("link", name=re.compile("已退回")).click()
    unit.get_by_text("请核对党员人数").wait_for()
    fits(unit)
    unit.goto("/reports/")
    unit.get_by_role("button", name="重新填报").click()
    send(unit)

    # The bureau accepts, sums up and sends; the names stand behind the numbers.
    waiting(bureau, UNIT)
    bureau.get_by_role("button", name="接收", exact=True).click()
    bureau.get_by_text("已接收").first.wait_for()
    bureau.goto("/reports/")
    bureau.get_by_role("link", name="继续填报").click()
    bureau.get_by_text("已接收的报表的合计").wait_for()
    send(bureau)
    sent = ProgressReport.objects.get(organization=cast.org["13"])
    line = sent.rows.get(organization=cast.org["132"])
    assert line.done_members == 1
    bureau.locator(f"a[href$='/names/{line.order}/members/done/']").click()
    bureau.get_by_role("link", name="塘沽局综合党支部").click()
    bureau.get_by_text("塘沽党员").wait_for()
    fits(bureau)

    # The root accepts, explains two units that have not reported, sums up, sends and exports.
    root = open_page(DESK)
    log_in(root, "root_clerk", PASSWORD)
    waiting(root, BUREAU)
    root.get_by_role("button", name="接收", exact=True).click()
    root.get_by_text("已接收").first.wait_for()
    for name in ("总局直属机关党委", "信息中心党委"):
        root.goto("/reports/")
        root.get_by_role("link", name=f"{name}：说明、延期、上报方式").click()
        root.get_by_text("写明未报的原因").click()
        root.locator("[name=explain-reason]").fill("机构调整，下次补报")
        root.get_by_role("button", name="保存说明").click()
        root.get_by_text("已写明未报的原因").wait_for()
        fits(root)
    begin(root)
    send(root)
    with root.expect_download() as first:
        root.get_by_role("link", name=re.compile("下载 Excel")).click()
    before = tmp_path / "before.xlsx"
    first.value.save_as(before)
    assert figures(before, BUREAU)[6:] == [1, 0, 1]
    assert figures(before, "合计")[6:] == [1, 0, 1]

    # A review confirmed afterwards leaves what was sent as it was, and is told beside it.
    review("secretary", "member", "1311")
    root.reload()
    root.get_by_text("逐行看原因").click()
    root.get_by_text(re.compile("累计 1 → 2")).first.wait_for()
    fits(root)
    root.go_back()
    with root.expect_download() as second:
        root.get_by_role("link", name=re.compile("下载 Excel")).click()
    after = tmp_path / "after.xlsx"
    second.value.save_as(after)
    for name in ("本级", BUREAU, "信息中心党委", "合计"):
        assert figures(after, name) == figures(before, name)
