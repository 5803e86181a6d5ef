"""The office finds every gap of the demonstration, mends three, sees before what each does, and then the duties."""

from __future__ import annotations

import re

import pytest

from orgs import clock
from orgs.models import Organization, Person, User
from reports.demonstration import load
from reviews import duties, gaps
from reviews.models import Duty, Period
from tests.browser.conftest import DESK, PHONE, fits, log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OFFICE = "zongju"


def unexplained(page) -> int:
    """The figure at the top of the worklist."""
    page.goto("/gaps/")
    return int(page.locator(".gap-goal b").inner_text())


def confirm(page, action: str) -> str:
    """What the preview says; then it is done."""
    page.locator("[name=reason]").fill("党组会议决定")
    page.get_by_role("button", name="查看影响").click()
    page.get_by_text("还没有写入").wait_for()
    fits(page)
    told = page.locator("#follows").locator("xpath=ancestor::section").inner_text()
    page.get_by_role("button", name=action).click()
    page.get_by_text("已").first.wait_for()
    return told


def test_the_office_mends_three_gaps(open_page, in_2010):
    load.load(load.AQSIQ)
    period = Period.objects.get(code="2010H2")
    desk = open_page(DESK)
    log_in(desk, OFFICE, load.PASSWORD)
    begun = unexplained(desk)
    lists = dict.fromkeys(desk.locator(".lines .lines-name").all_inner_texts())
    assert list(lists) == ["书记空缺、无人主持工作的组织", "没有点评任务的领导", "不在任何支部的党员"]
    assert begun == sum(int(number) for number in desk.locator(".lines .badge").all_inner_texts())
    fits(desk)

    # A branch without a secretary: one of its members is appointed, and its duties have somebody.
    desk.get_by_role("link", name="书记空缺").click()
    vacant = Organization.objects.get(code=re.search(r"\b\d{9,}\b", desk.locator(".gap").first.inner_text())[0])
    waiting = Duty.objects.open().filter(reviewer_org=vacant, reviewer=None).count()
    assert waiting > 10
    desk.get_by_role("link", name="任命").first.click()
    member = Person.objects.members_of(vacant, clock.today()).order_by("number")[0]
    desk.get_by_label("人员").fill(member.number)
    told = confirm(desk, "确认任命")
    assert f"{waiting - 1} 项任务将换点评人" in told  # all but the one towards himself
    mine = Duty.objects.open().filter(reviewer_org=vacant)
    assert set(mine.values_list("reviewer", flat=True)) == {member.pk}
    assert unexplained(desk) < begun

    # A member in no branch: with the branch comes the duty of its secretary, seen on a phone as well.
    desk.get_by_role("link", name="不在任何支部的党员").click()
    number = re.search(r"\bD\d+\b", desk.locator(".gap").first.inner_text())[0]
    left = unexplained(desk)
    phone = open_page(PHONE)
    log_in(phone, OFFICE, load.PASSWORD)
    phone.goto(f"/people/{number}/transfer/")
    fits(phone)
    phone.get_by_label("转入支部").fill(vacant.code)
    told = confirm(phone, "确认转移")
    assert "2010年下半年：新增 1 项任务" in told
    assert Duty.objects.open().get(period=period, target_person__number=number).reviewer == member
    assert unexplained(desk) == left - 1

    # A leader without any duty: put in charge of an organisation below, he acts for it.
    desk.get_by_role("link", name="没有点评任务的领导").click()
    idle = desk.locator(".gap").first
    number = re.search(r"\bD\d+\b", idle.inner_text())[0]
    idle.get_by_role("link", name="分管").click()
    assert desk.locator("[name=person] option:checked").inner_text().startswith(Person.objects.get(number=number).name)
    team = Organization.objects.get(code=re.search(r"/orgs/(\d+)/", desk.url)[1])
    below = Duty.objects.open().filter(reviewer_org=team, subject="org").order_by("pk").first().target_org
    desk.get_by_label("分管组织").fill(below.code)
    told = confirm(desk, "确认分管")
    assert "项任务将换点评人" in told
    assert Duty.objects.filter(acting__number=number, target_org=below).exists()
    assert unexplained(desk) == left - 2

    # The duties stand in the office's list, and nothing else would change.
    desk.goto(f"/duties/office/?q={Person.objects.get(number=number).name}")
    assert below.name in desk.locator("main").inner_text()
    total = duties.preview(period).total
    assert (total.added, total.withdrawn) == (0, 0)
    kinds = {
        tally.kind.code: tally.open for tally in gaps.tallies(User.objects.get(username=OFFICE), period, clock.today())
    }
    assert kinds["vacant"] == 0
