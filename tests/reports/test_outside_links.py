"""One-time links: opened without a log-in, filled in with the same checks, sent once; and the office's pages."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs import clock
from orgs.errors import Forbidden
from orgs.models import AuditEvent
from reports import submissions
from reports.annexes import one
from reports.models import Export, OutsideIssue, ProgressReport, ReturnedForm
from reports.outside import issues, returns
from tests import builders
from tests.reports.outside_cases import filled, make_outside

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
UNTIL = builders.day("2010-12-24")
SENT = {
    "sender": "王联络", "note": "",
    **{f"line0-due_{at}": value for at, value in enumerate((10, 5, 100))},
    **{f"line0-new_{at}": value for at, value in enumerate((4, 2, 30))},
}  # fmt: skip


@pytest.fixture
def period(cast):
    return builders.make_period()


@pytest.fixture
def unit(cast):
    return make_outside(cast)


@pytest.fixture
def link(cast, unit, period):
    """The issue and its secret."""
    return issues.issue_link(unit, period, until=UNTIL, by=cast.user["root_clerk"])


@pytest.fixture
def office(cast, as_user):
    return as_user(cast.user["root_clerk"])


def opened(secret) -> tuple[Client, str]:
    """A browser that opened the link, and the address of its form."""
    client = Client()
    answer = client.get(reverse("fill_open", args=[secret]))
    assert answer.status_code == 302
    return client, answer["Location"]


def page(answer) -> str:
    return answer.content.decode()


# --- the link ---------------------------------------------------------------------------------------------------------


def test_a_link_is_opened_filled_in_and_sent(link):
    issue, secret = link
    client, url = opened(secret)
    text = page(client.get(url))
    assert "北京质监局党组14" in text
    assert "天津" not in text
    assert secret not in text
    assert client.post(url, SENT).status_code == 302
    receipt = page(client.get(url))
    assert "14-2010H2-1" in receipt
    assert "等待上级接收" in receipt
    report = ProgressReport.objects.get()
    assert (report.source, report.state, report.reported_on) == ("link", "submitted", clock.today())
    assert one.rows_of(report)[0].each == (10, 5, 100, 4, 2, 30, 4, 2, 30)
    verbs = list(AuditEvent.objects.filter(model="reports.outsideissue").order_by("pk").values_list("verb", "by"))
    by = issue.issued_by_id
    assert verbs == [("下发附件1链接", by), ("打开附件1链接", None), ("经链接报送附件1", None)]
    assert "王联络" in AuditEvent.objects.get(verb="经链接报送附件1").summary


def test_it_may_be_opened_more_than_once_but_sent_once(link):
    _, secret = link
    for _ in range(3):
        client, url = opened(secret)
    assert AuditEvent.objects.filter(verb="打开附件1链接").count() == 1
    client.post(url, SENT)
    other, url = opened(secret)
    answer = other.post(url, SENT | {"line0-new_0": 5})
    assert answer.status_code == 200
    assert "已报送" in page(answer)
    assert one.rows_of(ProgressReport.objects.get())[0].new.leaders == 4


def test_the_secret_is_kept_nowhere(link):
    issue, secret = link
    client, url = opened(secret)
    assert secret not in url
    assert secret not in str(dict(client.session.items()))
    assert secret not in str(OutsideIssue.objects.filter(pk=issue.pk).values())
    assert not AuditEvent.objects.filter(summary__contains=secret).exists()


def test_its_pages_are_found_and_kept_by_nobody(link):
    _, secret = link
    client = Client()
    first = client.get(reverse("fill_open", args=[secret]))
    assert first["Referrer-Policy"] == "no-referrer"
    second = client.get(first["Location"])
    for answer in (first, second):
        assert "noindex" in answer["X-Robots-Tag"]
        assert "no-store" in answer["Cache-Control"]
    assert second["Referrer-Policy"] == "same-origin"
    assert client.get(reverse("fill_open", args=["falsch"]))["Referrer-Policy"] == "no-referrer"


def test_only_who_opened_the_link_comes_to_its_form(cast, unit, period, link, as_user):
    issue, secret = link
    url = reverse("fill_in", args=[issue.pk])
    other, other_secret = issues.issue_link(make_outside(cast, "15"), period, until=UNTIL, by=cast.user["root_clerk"])
    stranger, _ = opened(other_secret)
    for client in (Client(), stranger, as_user(cast.user["stranger"]), as_user(cast.user["root_clerk"])):
        assert client.get(url).status_code == 404
        assert client.post(url, SENT).status_code == 404
    assert not ProgressReport.objects.exists()


def test_a_forged_request_is_refused(link):
    _, secret = link
    client = Client(enforce_csrf_checks=True)
    url = client.get(reverse("fill_open", args=[secret]))["Location"]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page(client.get(url)))[1]
    assert client.post(url, SENT).status_code == 403
    assert client.post(url, SENT | {"csrfmiddlewaretoken": token}).status_code == 302


def test_wrong_secrets_are_counted_like_wrong_passwords(link):
    _, secret = link
    client = Client()
    answers = [client.get(reverse("fill_open", args=[f"wrong{at}"])).status_code for at in range(8)]
    assert answers[:4] == [404] * 4
    assert answers[-3:] == [429] * 3
    assert client.get(reverse("fill_open", args=[secret])).status_code == 429
    other = Client(REMOTE_ADDR="10.1.2.3")
    assert other.get(reverse("fill_open", args=[secret])).status_code == 302


def test_a_link_ends(cast, unit, period, link, settings):
    issue, secret = link
    client, url = opened(secret)
    settings.TODAY = "2010-12-25"
    answer = client.post(url, SENT)
    assert (answer.status_code, "已经过期" in page(answer)) == (410, True)
    settings.TODAY = "2010-12-24"
    assert client.get(url).status_code == 200
    issues.revoke(issue, by=cast.user["root_clerk"])
    answer = client.post(url, SENT)
    assert (answer.status_code, "已经停用" in page(answer)) == (410, True)
    assert not ProgressReport.objects.exists()


def test_a_newer_one_that_was_sent_ends_it(cast, unit, period, link):
    _, secret = link
    client, url = opened(secret)
    _, newer = issues.issue_link(unit, period, until=UNTIL, by=cast.user["root_clerk"])
    sender, there = opened(newer)
    assert sender.post(there, SENT).status_code == 302
    answer = client.post(url, SENT)
    assert (answer.status_code, "更新的 2 号" in page(answer)) == (410, True)


WRONG = {
    "nothing": ({"line0-new_0": ""}, "没有填，没有的请填 0"),
    "text": ({"line0-due_0": "十"}, "应点评领导请填写整数"),
    "below zero": ({"line0-due_0": "-1"}, "应点评领导不能小于 0"),
    "too large": ({"line0-due_2": "99999999999"}, "应点评党员数字过大"),
    "more than due": ({"line0-new_0": "11"}, "领导累计 11（上次 0 + 新增 11）大于应点评数 10"),
    "taken back too much": ({"line0-new_0": "-1", "note": "重复"}, "累计成了 -1"),
    "nobody": ({"sender": " "}, "请填写填报人姓名"),
    "an unnamed line": ({"line1-due_0": "3"}, "没有写单位名称"),
    "the name of a line there is": ({"line1-name": "本级"}, "增加的行不能叫“本级”"),
    "NUL": ({"line1-name": "a\x00b"}, "没有填"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_sent(link, what):
    values, said = WRONG[what]
    client, url = opened(link[1])
    answer = client.post(url, SENT | values)
    assert answer.status_code == 400
    assert said in page(answer), re.findall(r'role="alert">([^<]*)', page(answer))
    assert 'value="5"' in page(answer), "what was typed stays"
    assert not ProgressReport.objects.exists()


def test_lines_of_its_own_and_a_correction(cast, unit, period, link):
    client, url = opened(link[1])
    numbers = zip(("due_0", "due_1", "due_2", "new_0", "new_1", "new_2"), (3, 1, 20, 1, 0, 5), strict=True)
    extra = {f"line3-{part}": value for part, value in numbers} | {"line3-name": " 朝阳 分局 "}
    assert client.post(url, SENT | extra).status_code == 302
    report = submissions.accept(ProgressReport.objects.get(), by=cast.user["root_clerk"])
    assert [row.unit_name for row in one.rows_of(report)] == ["本级", "朝阳 分局"]
    assert "上级已接收" in page(client.get(url))
    _, secret = issues.issue_link(unit, period, until=UNTIL, by=cast.user["root_clerk"])
    client, url = opened(secret)
    text = page(client.get(url))
    assert "朝阳 分局" in text
    assert 'data-last="30"' in text
    assert 'value="100"' in text, "应 as last reported"
    later = (
        dict(SENT)
        | {f"line0-new_{at}": 0 for at in range(3)}
        | {
            f"line1-{part}": value
            for part, value in zip(
                ("due_0", "due_1", "due_2", "new_0", "new_1", "new_2"), (3, 1, 20, 0, 0, -2), strict=True
            )
        }
    )
    answer = client.post(url, later)
    assert "请填写“更正说明”" in page(answer)
    assert client.post(url, later | {"note": "重复计算"}).status_code == 302
    assert ProgressReport.objects.order_by("-pk").first().correction_note == "重复计算"


def test_a_returned_report_tells_the_unit_why(cast, unit, period, link):
    client, url = opened(link[1])
    client.post(url, SENT)
    submissions.return_(ProgressReport.objects.get(), reason="党员数与名册不符", by=cast.user["root_clerk"])
    text = page(client.get(url))
    assert "党员数与名册不符" in text
    assert "索取新的链接" in text


def test_only_the_superiors_office_makes_links(cast, unit, period):
    for part in ("clerk", "unit_head", "stranger"):
        with pytest.raises(Forbidden):
            issues.issue_link(unit, period, until=UNTIL, by=cast.user[part])
    for until in ("2010-12-09", "2011-06-01"):
        with pytest.raises(issues.IssueRefused, match="有效期"):
            issues.issue_link(unit, period, until=builders.day(until), by=cast.user["root_clerk"])


# --- the office's pages -----------------------------------------------------------------------------------------------


def test_the_office_issues_sees_and_revokes(office, unit, period):
    text = page(office.get(reverse("outside_units")))
    assert "北京质监局党组14" in text
    assert "还没有下发" in text
    here = reverse("outside_unit", args=["14"])
    answer = office.post(reverse("outside_unit_form", args=["14"]), {"period": period.code, "names": "海淀分局"})
    assert answer["Location"] == f"{here}?period=2010H2"
    issue = OutsideIssue.objects.get()
    answer = office.get(reverse("outside_file", args=[issue.pk]))
    assert answer.content[:2] == b"PK"
    assert "2010H2_1%E5%8F%B7.xlsx" in answer["Content-Disposition"]
    answer = office.post(
        reverse("outside_unit_link", args=["14"]), {"period": period.code, "until": "2010-12-20", "names": ""}
    )
    address = re.search(r"<code>(\S+)</code>", page(answer))[1]
    assert address.startswith("http://testserver/fill/")
    assert Client().get(address).status_code == 302
    text = page(office.get(here))
    assert address not in text, "shown once"
    assert "已打开" in text
    made = OutsideIssue.objects.get(way="link")
    assert office.get(reverse("outside_file", args=[made.pk])).status_code == 404
    office.post(reverse("outside_revoke", args=[made.pk]))
    assert "已停用" in page(office.get(here))


def test_the_links_host_is_what_the_settings_say(office, unit, period, settings):
    settings.LINK_SITE_URL = "https://bao.example.cn/"
    answer = office.post(
        reverse("outside_unit_link", args=["14"]), {"period": period.code, "until": "2010-12-20", "names": ""}
    )
    assert "<code>https://bao.example.cn/fill/" in page(answer)


def test_several_files_come_back_at_once(office, cast, unit, period):
    other = make_outside(cast, "15")
    made = [issues.issue_form(each, period, by=cast.user["root_clerk"]) for each in (unit, other)]
    files = [SimpleUploadedFile(f"{at}.xlsx", filled(issues.file_of(issue))) for at, issue in enumerate(made)]
    files.append(SimpleUploadedFile("别的.xlsx", b"%PDF"))
    answer = office.post(reverse("outside_upload"), {"org": "1", "period": period.code, "files": files}, follow=True)
    text = page(answer)
    assert "2 个可以收下，1 个有问题" in text
    assert "这是 PDF 文件" in text
    for returned in ReturnedForm.objects.filter(issue__isnull=False):
        url = reverse("outside_returned", args=[returned.pk])
        assert "核对无误" in page(office.get(url))
        answer = office.post(reverse("outside_take", args=[returned.pk]))
        assert answer["Location"] == reverse("progress_report", args=[ProgressReport.objects.order_by("-pk")[0].pk])
        assert "已收下" in page(office.get(url))
    assert ProgressReport.objects.filter(state="submitted").count() == 2
    wrong = ReturnedForm.objects.get(issue=None)
    assert "这是 PDF 文件" in page(office.get(reverse("outside_returned", args=[wrong.pk])))
    office.post(reverse("outside_drop", args=[wrong.pk]))
    assert not ReturnedForm.objects.filter(pk=wrong.pk).exists()


def test_the_preview_stands_beside_the_last_report(office, cast, unit, period):
    def sent(values):
        issue = issues.issue_form(unit, period, by=cast.user["root_clerk"])
        data = filled(issues.file_of(issue), values)
        return returns.upload(data, "a.xlsx", period=period, by=cast.user["root_clerk"])

    first = sent([(10, 5, 100, 4, 2, 30)])
    assert "本期第一份" in page(office.get(reverse("outside_returned", args=[first.pk])))
    submissions.accept(returns.take(first, by=cast.user["root_clerk"]), by=cast.user["root_clerk"])
    second = sent([(11, 5, 100, 1, 2, 30)])
    text = page(office.get(reverse("outside_returned", args=[second.pk])))
    assert "原 10" in text
    assert "原 5" not in text
    assert "2010年12月10日已接收的报表对照" in text


def test_all_forms_come_as_one_file(office, cast, unit, period):
    other = make_outside(cast, "15")
    issue = issues.issue_form(other, period, by=cast.user["root_clerk"])
    data = filled(issues.file_of(issue))
    returns.take(returns.upload(data, "a.xlsx", period=period, by=cast.user["root_clerk"]), by=cast.user["root_clerk"])
    answer = office.post(reverse("outside_issue_all"), {"org": "1", "period": period.code}, follow=True)
    assert "附件1下发表" in page(answer)
    export = Export.objects.get()
    assert (export.state, export.organizations) == ("done", 1)
    got = office.get(reverse("export_file", args=[export.pk]))
    with zipfile.ZipFile(io.BytesIO(b"".join(got.streaming_content))) as archive:
        names = archive.namelist()
        assert names == ["附件1_14_北京质监局党组14_2010H2_1号.xlsx", "没有下发的单位.txt"]
        assert "等待接收" in archive.read("没有下发的单位.txt").decode()
        form = archive.read(names[0])
    assert returns.upload(filled(form), "b.xlsx", period=period, by=cast.user["root_clerk"]).problems == []


def test_all_forms_for_nobody_is_said(office, cast, period):
    office.post(reverse("outside_issue_all"), {"org": "1", "period": period.code})
    export = Export.objects.get()
    assert (export.state, export.note) == ("refused", "下面没有用表格上报的单位。")


def test_units_in_guidance_are_set_to_report_by_form(office, cast, period):
    text = page(office.get(reverse("outside_units")))
    assert "天津检验检疫局党组" in text
    assert 'value="12"' not in text, "only units in guidance"
    data = {"org": "1", "period": period.code, "codes": ["13", "12"], "reason": "网络不通"}
    assert "请先勾选" in page(office.post(reverse("outside_set"), data | {"codes": []}, follow=True))
    assert "说明为什么" in page(office.post(reverse("outside_set"), data | {"reason": " "}, follow=True))
    assert "1 个单位改为用表格上报" in page(office.post(reverse("outside_set"), data, follow=True))
    assert list(issues.units(cast.org["1"], period)) == [cast.org["13"]]


def test_junk_is_answered_with_a_sentence(office, unit, period):
    for url, data in (
        (reverse("outside_unit_link", args=["14"]), {"period": period.code, "until": "morgen"}),
        (reverse("outside_unit_form", args=["14"]), {"period": period.code, "names": "合计"}),
    ):
        assert office.post(url, data).status_code == 400
    for data in ({}, {"org": "1", "period": "x"}, {"org": "\x00", "period": "2010H2"}):
        assert office.post(reverse("outside_upload"), data).status_code == 404
    answer = office.post(reverse("outside_upload"), {"org": "1", "period": period.code}, follow=True)
    assert "请选择交回的表" in page(answer)


def test_queries_are_constant(office, cast, unit, period):
    def count(url):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert office.get(url).status_code == 200
        return len(caught)

    by = cast.user["root_clerk"]
    issues.issue_form(unit, period, by=by)
    urls = [reverse("outside_units"), reverse("outside_unit", args=["14"])]
    few = [count(url) for url in urls]
    for number in range(20, 26):
        other = make_outside(cast, str(number))
        issues.issue_link(other, period, until=UNTIL, by=by)
        issue = issues.issue_form(unit, period, by=by)
        returns.upload(filled(issues.file_of(issue)), "a.xlsx", period=period, by=by)
    assert [count(url) for url in urls] == few
