"""What the demonstration shows of units outside the system, without the rest of it."""

import pytest
from django.urls import reverse

from reports.annexes.one import rows_of, total
from reports.demonstration import load
from reports.demonstration.outside import ANSWERS, BY_FORM, BY_LINK, report_from_outside
from reports.models import ProgressReport, ReportState
from tests.builders import make_org, make_period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def loaded(cast):
    """The two units below the root of the cast, whose office has them report."""
    for code in (BY_FORM, BY_LINK):
        make_org(code, "党组", "省级质监局", cast.org["1"], name=f"质监局党组{code}", guidance=True)
    period = make_period()
    report_from_outside(period, cast.user["root_clerk"])
    return period


def test_one_came_by_form_and_is_accepted_the_other_by_link_and_waits(loaded):
    reports = {report.organization.code: report for report in ProgressReport.objects.all()}
    assert {code: (report.source, report.state) for code, report in reports.items()} == {
        BY_FORM: ("form", ReportState.ACCEPTED), BY_LINK: ("link", ReportState.SUBMITTED),
    }  # fmt: skip
    for code, report in reports.items():
        sums = total(rows_of(report))
        assert (sums.due, sums.done) == tuple(sum(answers[1:], start=answers[0]) for answers in zip(*(
            answer[1:] for answer in ANSWERS[code]
        ), strict=True))  # fmt: skip


def test_the_office_sees_a_filled_page(loaded, cast, as_user):
    client = as_user(cast.user["root_clerk"])
    page = client.get(f"{reverse('outside_units')}?period={loaded.code}").text
    for words in ("表格 1 号 · 11月29日 · 已接收", "一次性链接 1 号 · 11月29日 · 已报送，待接收", "12月7日", "已收下"):
        assert words in page, words
    unit = client.get(f"{reverse('outside_unit', args=[BY_LINK])}?period={loaded.code}").text
    assert "2010-11-29" in unit
    assert "12-09" in unit


def test_they_are_none_of_those_that_report_in_the_system():
    assert not {BY_FORM, BY_LINK} & {*load.REPORTING, load.BUREAU}
