"""Pages of progress reports, and of annexes 2 and 3: who gets them, what they say, what they do."""

import io
from urllib.parse import unquote

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgs.models import AuditEvent
from reports import submissions
from reports.models import ProgressReport
from reviews import coverage as targets
from reviews.models import RecordState
from tests.builders import day, make_bare_record, make_org, make_period
from tests.reports.submitting import accept_below, send


@pytest.fixture
def synced(cast, in_2010):
    """The period, with the roster of the day."""
    period = make_period()
    targets.sync(period, day("2010-12-10"))
    return period


@pytest.fixture
def report(cast, synced):
    """A report of the bureau, sent by its clerk."""
    return send(cast.org["13"], synced, by=cast.user["clerk"])


@pytest.fixture
def record(cast, synced):
    """A review of the member by the branch secretary."""
    found = make_bare_record(synced, cast.org["1311"], cast.person["secretary"], of_person=cast.person["member"])
    found.achievements = "只给少数人看的成绩"
    found.save()
    return found


@pytest.fixture
def org_record(cast, synced):
    """A review of the lower bureau by the bureau."""
    return make_bare_record(synced, cast.org["13"], cast.person["bureau_head"], of_org=cast.org["132"])


def text_of(response):
    return response.content.decode()


def sheets_of(response):
    return load_workbook(io.BytesIO(response.content)).sheetnames


# --- the list ------------------------------------------------------------------------------------------------


def test_the_office_sees_its_reports_and_what_waits_below(cast, as_user, report):
    page = as_user(cast.user["root_clerk"]).get(reverse("progress_reports"))
    assert page.status_code == 200
    assert [found.pk for found in page.context["inbox"]] == [report.pk]
    names = [unit.org.name for unit in page.context["page_obj"]]
    assert names == ["总局直属机关党委", "信息中心党委", "天津检验检疫局党组"]
    assert "未上报" in text_of(page)


def test_the_sender_finds_nothing_to_accept(cast, as_user, report):
    page = as_user(cast.user["clerk"]).get(reverse("progress_reports"))
    assert list(page.context["inbox"]) == []
    assert [found.pk for found in page.context["reports"]] == [report.pk]


def test_whoever_reports_for_nobody_is_told_so(cast, as_user, synced):
    page = as_user(cast.user["stranger"]).get(reverse("progress_reports"))
    assert "没有您负责填报的单位" in text_of(page)


def test_before_the_first_period_the_page_says_so(cast, as_user, in_2010):
    page = as_user(cast.user["clerk"]).get(reverse("progress_reports"))
    assert "还没有点评期" in text_of(page)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?org=13", 200),
        ("?org=132&page=zzz", 200),
        ("?org=12", 404),
        ("?org=nope", 404),
        ("?org=%00", 404),
        ("?period=2010H2", 200),
        ("?period=2010H9", 404),
        ("?period=%00", 404),
    ],
)
def test_the_list_takes_only_what_the_user_may_see(cast, as_user, synced, query, status):
    assert as_user(cast.user["clerk"]).get(reverse("progress_reports") + query).status_code == status


def test_the_list_costs_the_same_with_more_children(cast, as_user, synced, django_assert_max_num_queries):
    for number in range(40):
        make_org(f"13{number + 50}", "党委", "分支机构", cast.org["13"])
    client = as_user(cast.user["clerk"])
    with django_assert_max_num_queries(30):
        page = client.get(reverse("progress_reports"))
    assert len(page.context["page_obj"]) == 41


# --- one report -----------------------------------------------------------------------------------------------


def test_from_draft_to_accepted_through_the_pages(cast, as_user, synced):
    clerk, root = as_user(cast.user["clerk"]), as_user(cast.user["root_clerk"])
    accept_below(cast.org["13"], synced)
    drafted = clerk.post(reverse("progress_draft"), {"org": "13", "period": "2010H2"})
    report = ProgressReport.objects.get(organization=cast.org["13"])
    assert drafted.url == reverse("progress_report", args=[report.pk])
    assert "这是草稿" in text_of(clerk.get(drafted.url))
    clerk.post(reverse("progress_submit", args=[report.pk]), {"reported_on": "2010-12-09"})
    report.refresh_from_db()
    assert (report.state, report.reported_on) == ("submitted", day("2010-12-09"))
    assert "上报日期：2010年12月9日" in text_of(root.get(drafted.url))
    root.post(reverse("progress_accept", args=[report.pk]))
    report.refresh_from_db()
    assert report.state == "accepted"
    assert "已接收" in text_of(clerk.get(drafted.url))


def test_a_return_needs_its_reason_and_shows_it(cast, as_user, report):
    root = as_user(cast.user["root_clerk"])
    url = reverse("progress_return", args=[report.pk])
    empty = root.post(url, {"reason": ""})
    assert empty.status_code == 400
    assert "请填写退回原因" in text_of(empty)
    root.post(url, {"reason": "人数不符"})
    assert "人数不符" in text_of(as_user(cast.user["clerk"]).get(reverse("progress_report", args=[report.pk])))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "这个字段是必填项"),
        ("昨天", "请填写正确的日期"),
        ("2010-13-40", "请填写正确的日期"),
        ("2010-12-31", "上报日期不能晚于今天。"),
        ("2010-06-30", "上报日期不能早于2010年下半年的第一天（2010-07-01）。"),
        ("1990-01-01", "上报日期不能早于2010年下半年的第一天（2010-07-01）。"),
    ],
)
def test_a_wrong_day_is_refused_at_its_field(cast, as_user, synced, typed, said):
    accept_below(cast.org["13"], synced)
    report = submissions.draft(cast.org["13"], synced, by=cast.user["clerk"])
    page = as_user(cast.user["clerk"]).post(
        reverse("progress_submit", args=[report.pk]), {"reported_on": typed}, follow=True
    )
    assert page.status_code == 400
    assert said in "".join(page.context["submit_form"].errors["reported_on"])
    assert said in text_of(page)
    report.refresh_from_db()
    assert report.state == "draft"


@pytest.mark.parametrize("action", ["progress_submit", "progress_accept", "progress_return"])
def test_the_pages_refuse_whom_the_verbs_refuse(cast, as_user, report, action):
    values = {"reported_on": "2010-12-10", "reason": "请核对"}
    page = as_user(cast.user["bureau_head"]).post(reverse(action, args=[report.pk]), values, follow=True)
    assert page.status_code == 200
    report.refresh_from_db()
    assert report.state == "submitted"


@pytest.mark.parametrize("name", ["progress_report", "progress_report_annex", "progress_report_print"])
@pytest.mark.parametrize("who", ["stranger", "unit_head", "lower_head"])
def test_a_stranger_gets_404(cast, as_user, report, name, who):
    assert as_user(cast.user[who]).get(reverse(name, args=[report.pk])).status_code == 404


@pytest.mark.parametrize("name", ["progress_submit", "progress_accept", "progress_return"])
def test_a_stranger_can_do_nothing(cast, as_user, report, name):
    assert as_user(cast.user["stranger"]).post(reverse(name, args=[report.pk])).status_code == 404


@pytest.mark.parametrize("name", ["progress_report", "progress_report_annex", "record_annex", "record_print"])
@pytest.mark.parametrize("pk", [0, 987654321, 10**30])
def test_an_unknown_number_is_404(cast, as_user, synced, name, pk):
    assert as_user(cast.user["admin"]).get(reverse(name, args=[pk])).status_code == 404


@pytest.mark.parametrize("name", ["progress_draft", "progress_submit", "progress_accept", "progress_return"])
def test_changes_are_posts(cast, as_user, report, name):
    url = reverse(name, args=[] if name == "progress_draft" else [report.pk])
    assert as_user(cast.user["clerk"]).get(url).status_code == 405


def test_the_workbook_of_a_report(cast, as_user, report):
    response = as_user(cast.user["root_clerk"]).get(reverse("progress_report_annex", args=[report.pk]))
    assert sheets_of(response) == ["附件1"]
    assert "附件1_天津检验检疫局党组_2010-12-10.xlsx" in unquote(response["Content-Disposition"])
    assert AuditEvent.objects.filter(verb="导出附件1", by=cast.user["root_clerk"]).count() == 1


def test_a_report_prints_across_the_page(cast, as_user, report):
    page = text_of(as_user(cast.user["clerk"]).get(reverse("progress_report_print", args=[report.pk])))
    assert "sheet-landscape" in page
    assert 'colspan="3">应参加点评的领导、党组织党员数量</th>' in page
    assert "style=" not in page


# --- annexes 2 and 3 ----------------------------------------------------------------------------------------


def test_a_members_record_prints_as_annex_3_and_an_organisations_as_annex_2(cast, as_user, record, org_record):
    client = as_user(cast.user["clerk"])
    assert sheets_of(client.get(reverse("record_annex", args=[record.pk]))) == ["附件3"]
    assert sheets_of(client.get(reverse("record_annex", args=[org_record.pk]))) == ["附件2"]
    assert "领导点评党员参加创先争优活动情况表" in text_of(client.get(reverse("record_print", args=[record.pk])))
    printed = text_of(client.get(reverse("record_print", args=[org_record.pk])))
    assert 'rowspan="3">领导点评</th>' in printed


@pytest.mark.parametrize("name", ["record_annex", "record_print"])
def test_a_persons_text_is_for_few_eyes(cast, as_user, record, name):
    url = reverse(name, args=[record.pk])
    reading = {part for part, user in cast.user.items() if as_user(user).get(url).status_code == 200}
    assert reading == {"member", "secretary", "clerk", "admin"}


@pytest.mark.parametrize("state", [RecordState.DRAFT, RecordState.VOIDED])
def test_what_does_not_count_is_refused_with_a_reason(cast, as_user, record, state):
    record.state = state
    record.save()
    page = as_user(cast.user["secretary"]).get(reverse("record_annex", args=[record.pk]))
    assert page.status_code in (404, 409)
    assert "spreadsheet" not in page["Content-Type"]


def test_text_on_the_printed_page_is_escaped(cast, as_user, record):
    record.achievements = "<script>alert(1)</script>"
    record.save()
    page = text_of(as_user(cast.user["secretary"]).get(reverse("record_print", args=[record.pk])))
    assert "&lt;script&gt;alert" in page


def test_downloads_and_prints_leave_a_trace(cast, as_user, record):
    client = as_user(cast.user["secretary"])
    client.get(reverse("record_annex", args=[record.pk]))
    client.get(reverse("record_print", args=[record.pk]))
    verbs = AuditEvent.objects.filter(by=cast.user["secretary"]).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["导出附件3", "打印附件3"]


# --- the admin ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["progressreport", "organizationform", "memberform"])
def test_the_admin_lists_and_shows_without_writing(cast, as_user, report, record, org_record, model):
    pk = {"progressreport": report.pk, "organizationform": org_record.pk, "memberform": record.pk}[model]
    client = as_user(cast.user["admin"])
    assert client.get(reverse(f"admin:reports_{model}_changelist")).status_code == 200
    page = client.get(reverse(f"admin:reports_{model}_change", args=[pk]))
    assert page.status_code == 200
    assert "导出 Excel" in text_of(page)
    assert 'name="_save"' not in text_of(page)
    assert client.get(reverse(f"admin:reports_{model}_add")).status_code == 403


@pytest.mark.parametrize(
    ("model", "names"),
    [("progressreport", ["附件1"]), ("organizationform", ["附件2"]), ("memberform", ["附件3", "附件3 2"])],
)
def test_the_admin_exports_the_chosen_forms(cast, as_user, synced, report, record, org_record, model, names):
    make_bare_record(synced, cast.org["1311"], cast.person["secretary"], of_person=cast.person["bureau_head"])
    pks = {
        "progressreport": [report.pk],
        "organizationform": [org_record.pk],
        "memberform": list(type(record).objects.of_persons().values_list("pk", flat=True)),
    }[model]
    values = {"action": "export_excel", "_selected_action": pks}
    response = as_user(cast.user["admin"]).post(reverse(f"admin:reports_{model}_changelist"), values)
    assert sheets_of(response) == names


def test_the_admin_exports_no_draft(cast, as_user, record):
    record.state = RecordState.DRAFT
    record.save()
    values = {"action": "export_excel", "_selected_action": [record.pk]}
    page = as_user(cast.user["admin"]).post(reverse("admin:reports_memberform_changelist"), values, follow=True)
    assert "没有可以导出的登记表" in text_of(page)
