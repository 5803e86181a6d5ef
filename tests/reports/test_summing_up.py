"""A superior sums up what it accepted: which units report, what their lines rest on, explanations, deadlines, urging."""

import io
from dataclasses import fields

import pytest
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse
from openpyxl import load_workbook

from orgs.errors import DomainError, Forbidden, Stale
from orgs.models import Category, Organization
from reports import reporting, submissions, urging
from reports.annexes.one import Numbers, RowFigures, rows_of, total
from reports.models import Notification, Nudge, ProgressReport, ReportAbsence, ReportingRule, RowBasis, Way
from reports.nudges import NudgeRefused
from reports.reporting import ReportingRefused
from reports.submissions import SubmissionRefused
from reviews import coverage as targets
from tests.builders import day, make_bare_record, make_org, make_period, make_user
from tests.reports.submitting import accept_below, send


@pytest.fixture
def period(cast, in_2010):
    """The period, with the roster of the day."""
    found = make_period()
    targets.sync(found, day("2010-12-10"))
    return found


def reviewed(cast, period, *, who="lower_secretary", target="lower_member", about="1321"):
    """A confirmed review of a member, counted."""
    record = make_bare_record(
        period, cast.org[about], cast.person[who], of_person=cast.person[target], held_on=day("2010-12-01")
    )
    targets.confirmed(record)


def line(rows, name):
    return next(row for row in rows if row.unit_name == name)


def outside(cast, code="132"):
    reporting.set_way(cast.org[code], Way.FORM, reason="地方单位，不使用本系统", by=None)
    return cast.org[code]


def typed(cast, *, due=5, new=2, done=2, name="塘沽检验检疫局党组", code="132"):
    return [RowFigures(cast.org[code].pk, name, Numbers(1, 1, due), Numbers(0, 0, new), Numbers(0, 0, done))]


def received(cast, period, rows=None, **values):
    values = {"reported_on": day("2010-12-09"), "by": cast.user["clerk"], "source": "form", **values}
    return submissions.receive(cast.org["132"], period, typed(cast) if rows is None else rows, **values)


# --- who reports ----------------------------------------------------------------------------------------------


def test_units_report_and_their_inner_organisations_do_not(cast, period):
    assert {code for code, org in cast.org.items() if reporting.way_of(org) == Way.SYSTEM} == {
        "1", "11", "12", "13", "132",
    }  # fmt: skip


def test_the_shipped_rules_are_data_that_an_administrator_changes(cast, period):
    inner = Category.objects.get(name="机关内设机构", scheme__is_active=True)
    assert ReportingRule.objects.get(category=inner).reporters == "none"
    with pytest.raises(Forbidden):
        reporting.set_reporters(inner, "committees", by=cast.user["root_clerk"])
    reporting.set_reporters(inner, "committees", by=cast.user["admin"])
    assert reporting.way_of(cast.org["131"]) == Way.SYSTEM
    assert reporting.way_of(cast.org["1311"]) == Way.NONE  # a branch


def test_below_what_does_not_report_nobody_does(cast, period):
    reporting.set_way(cast.org["13"], Way.NONE, reason="由总局统计", by=cast.user["root_clerk"])
    assert reporting.way_of(cast.org["132"]) == Way.NONE
    with pytest.raises(SubmissionRefused, match="不单独上报"):
        submissions.draft(cast.org["132"], period, by=cast.user["lower_head"])
    assert line(submissions.rows_now(cast.org["1"], period), cast.org["13"].name).basis == RowBasis.LIVE
    assert not [unit for unit in reporting.units_below(cast.org["13"], period) if unit.reports]


@pytest.mark.parametrize("who", ["clerk", "bureau_head", "member", "stranger", "unit_head"])
def test_only_the_superior_settles_how_a_unit_reports(cast, period, who):
    for verb in (
        lambda by: reporting.set_way(cast.org["13"], Way.FORM, reason="地方单位", by=by),
        lambda by: reporting.explain(cast.org["13"], period, reason="正在合并", by=by),
        lambda by: reporting.withdraw_explanation(cast.org["13"], period, by=by),
        lambda by: reporting.extend(cast.org["13"], period, until=day("2011-03-01"), reason="补报", by=by),
    ):
        with pytest.raises(Forbidden):
            verb(cast.user[who])


# --- sums from what was accepted -------------------------------------------------------------------------------


def test_a_line_is_what_was_accepted_and_not_what_is_now(cast, period):
    reviewed(cast, period)
    accept_below(cast.org["13"], period)
    make_person_reviewed = line(submissions.rows_now(cast.org["13"], period), "塘沽检验检疫局党组")
    assert make_person_reviewed.basis == RowBasis.ACCEPTED
    assert make_person_reviewed.done == Numbers(1, 0, 1)
    reviewed(cast, period, target="lower_head")
    assert line(submissions.rows_now(cast.org["13"], period), "塘沽检验检疫局党组").done == Numbers(1, 0, 1)
    accept_below(cast.org["13"], period)
    assert line(submissions.rows_now(cast.org["13"], period), "塘沽检验检疫局党组").done == Numbers(1, 0, 2)


def test_what_is_not_accepted_stands_live_is_marked_and_holds_up_the_sending(cast, period):
    reviewed(cast, period)
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    row = line(rows_of(report), "塘沽检验检疫局党组")
    assert (row.basis, row.done) == (RowBasis.PENDING, Numbers(1, 0, 1))
    with pytest.raises(SubmissionRefused, match="还没有全部接收：塘沽检验检疫局党组"):
        submissions.submit(report, by=cast.user["clerk"])
    waiting = send(cast.org["132"], period, by=cast.user["lower_head"])
    with pytest.raises(SubmissionRefused, match="塘沽"):
        submissions.submit(report, by=cast.user["clerk"])
    submissions.accept(waiting, by=cast.user["clerk"])
    sent = submissions.submit(report, by=cast.user["clerk"])
    assert line(rows_of(sent), "塘沽检验检疫局党组").based_on_id == waiting.pk


def test_a_new_report_of_a_unit_must_be_decided_before_the_sum(cast, period):
    accept_below(cast.org["13"], period)
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    again = send(cast.org["132"], period, by=cast.user["lower_head"])
    with pytest.raises(SubmissionRefused, match="塘沽"):
        submissions.submit(report, by=cast.user["clerk"])
    submissions.return_(again, reason="请核对", by=cast.user["clerk"])
    assert submissions.submit(report, by=cast.user["clerk"]).state == "submitted"  # the earlier one stands


def test_an_explained_unit_counts_what_is_due_and_nothing_done(cast, period):
    reviewed(cast, period)
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    reporting.explain(cast.org["132"], period, reason="正在合并，12月底补报", by=cast.user["clerk"])
    sent = submissions.submit(report, by=cast.user["clerk"])
    row = line(rows_of(sent), "塘沽检验检疫局党组")
    assert (row.basis, row.due.members, row.done) == (RowBasis.ABSENT, 3, Numbers())
    assert row.absence == "正在合并，12月底补报（clerk，2010年12月10日）"
    reporting.withdraw_explanation(cast.org["132"], period, by=cast.user["clerk"])
    assert line(rows_of(ProgressReport.objects.get(pk=sent.pk)), "塘沽检验检疫局党组").absence == row.absence


def test_the_form_says_who_is_absent_and_why_wherever_it_is_shown(cast, period, as_user, tmp_path):
    reporting.explain(cast.org["132"], period, reason="正在合并，12月底补报", by=cast.user["clerk"])
    note = "未报说明：塘沽检验检疫局党组：正在合并，12月底补报（clerk，2010年12月10日）"
    out = tmp_path / "表.xlsx"
    call_command("export_annex", "1", "--org", "13", "--period", "2010H2", str(out))
    assert under_the_table(out) == [note]
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    client = as_user(cast.user["clerk"])
    for step in ("draft", "sent"):
        file = client.get(reverse("progress_report_annex", args=[report.pk]))
        assert under_the_table(io.BytesIO(file.content)) == [note], step
        for page in ("progress_report", "progress_report_print"):
            assert f'<p class="sheet-note">{note}</p>' in client.get(reverse(page, args=[report.pk])).text, (page, step)
        if step == "draft":
            submissions.submit(report, by=cast.user["clerk"])
            reporting.withdraw_explanation(cast.org["132"], period, by=cast.user["clerk"])  # what was sent keeps it


def under_the_table(file):
    """What stands below 合计, in the range that is printed."""
    page = load_workbook(file)["附件1"]
    column = [cell.value for cell in page["A"]]
    assert page.print_area.endswith(f"$J${len(column)}")
    return column[column.index("合计") + 1 :]


def test_an_explanation_is_refused_where_there_is_a_report(cast, period):
    with pytest.raises(ReportingRefused, match="原因"):
        reporting.explain(cast.org["132"], period, reason=" ", by=cast.user["clerk"])
    with pytest.raises(ReportingRefused, match="不单独上报"):
        reporting.explain(cast.org["131"], period, reason="不报", by=cast.user["clerk"])
    report = send(cast.org["132"], period, by=cast.user["lower_head"])
    with pytest.raises(ReportingRefused, match="先接收或退回"):
        reporting.explain(cast.org["132"], period, reason="不报", by=cast.user["clerk"])
    submissions.accept(report, by=cast.user["clerk"])
    with pytest.raises(ReportingRefused, match="已有接收"):
        reporting.explain(cast.org["132"], period, reason="不报", by=cast.user["clerk"])


def test_what_the_level_above_summed_up_is_not_undone(cast, period):
    send(cast.org["13"], period, by=cast.user["clerk"])
    below = ProgressReport.objects.get(organization=cast.org["132"])
    assert not submissions.may(below, cast.user["bureau_head"]).reopen
    with pytest.raises(SubmissionRefused, match="先撤回本级的"):
        submissions.reopen(below, by=cast.user["bureau_head"])


def test_from_the_branches_to_the_root_the_sums_agree(cast, period):
    reviewed(cast, period)
    root = send(cast.org["1"], period, by=cast.user["root_clerk"])
    bureau = ProgressReport.objects.get(organization=cast.org["13"])
    row = line(rows_of(root), cast.org["13"].name)
    assert (row.due, row.done) == (total(rows_of(bureau)).due, total(rows_of(bureau)).done)
    assert total(rows_of(root)).done == Numbers(1, 0, 1)


# --- deadlines ------------------------------------------------------------------------------------------------


def test_a_deadline_is_ten_days_after_the_period_until_it_is_set(cast, period):
    assert reporting.deadline(period) == reporting.Deadline(day("2011-01-10"), day("2011-01-30"), is_default=True)
    for by in ("root_clerk", "clerk"):
        with pytest.raises(Forbidden):
            reporting.set_deadline(period, due_on=day("2010-12-31"), closes_on=day("2011-01-05"), by=cast.user[by])
    with pytest.raises(ReportingRefused, match="截止日不能早于"):
        reporting.set_deadline(period, due_on=day("2010-12-31"), closes_on=day("2010-12-30"), by=cast.user["admin"])
    reporting.set_deadline(period, due_on=day("2010-12-09"), closes_on=day("2011-01-05"), by=cast.user["admin"])
    assert reporting.deadline(period).due_on == day("2010-12-09")


def test_on_time_late_and_missing_are_told_apart(cast, period, settings, as_user):
    reporting.set_deadline(period, due_on=day("2010-12-10"), closes_on=day("2011-01-05"), by=cast.user["admin"])
    send(cast.org["12"], period)
    settings.TODAY = "2010-12-11"
    send(cast.org["13"], period)
    tally = as_user(cast.user["root_clerk"]).get(reverse("progress_reports")).context["tally"]
    assert tally == {"units": 3, "on_time": 1, "late": 1, "missing": 1, "explained": 0, "accepted": 0}


def test_after_the_closing_day_only_a_named_exception_reports(cast, period, settings):
    settings.TODAY = "2011-02-01"
    with pytest.raises(SubmissionRefused, match="2011-01-30截止"):
        submissions.draft(cast.org["132"], period, by=cast.user["lower_head"])
    with pytest.raises(ReportingRefused, match="截止日"):
        reporting.extend(cast.org["132"], period, until=day("2011-01-30"), reason="补报", by=cast.user["clerk"])
    reporting.extend(cast.org["132"], period, until=day("2011-02-02"), reason="合并中", by=cast.user["clerk"])
    report = submissions.draft(cast.org["132"], period, by=cast.user["lower_head"])
    settings.TODAY = "2011-02-03"
    assert not submissions.may(report, cast.user["lower_head"]).submit
    with pytest.raises(SubmissionRefused, match="延期"):
        submissions.submit(report, by=cast.user["lower_head"])
    settings.TODAY = "2011-02-02"
    sent = submissions.submit(report, by=cast.user["lower_head"])
    settings.TODAY = "2011-02-03"
    assert not submissions.may(sent, cast.user["lower_head"]).take_back
    with pytest.raises(SubmissionRefused, match="截止"):
        submissions.take_back(sent, by=cast.user["lower_head"])
    assert submissions.accept(sent, by=cast.user["clerk"]).state == "accepted"


# --- what may, and the verbs ---------------------------------------------------------------------------------------


def test_what_may_says_of_a_unit_is_what_the_verbs_do(cast, period, settings):
    """Every user, every step, in every state of the unit 132."""
    unit = cast.org["132"]
    verbs = {
        "draft": lambda by: submissions.draft(unit, period, by=by),
        "receive": lambda by: submissions.receive(
            unit, period, typed(cast), reported_on=day("2010-12-09"), by=by, source="form"
        ),
        "explain": lambda by: reporting.explain(unit, period, reason="合并", by=by),
        "extend": lambda by: reporting.extend(unit, period, until=day("2011-03-01"), reason="合并", by=by),
        "set_way": lambda by: reporting.set_way(unit, Way.NONE, reason="合并", by=by),
    }
    tried = set()

    def compare(state):
        for user in cast.user.values():
            found = submissions.may_for(unit, period, user)
            for name, verb in verbs.items():
                did = True
                with transaction.atomic():
                    try:
                        verb(user)
                    except DomainError:
                        did = False
                    transaction.set_rollback(True)
                assert getattr(found, name) == did, (state, user, name)
                if did:
                    tried.add((state, name))

    compare("nothing")
    report = send(unit, period, by=cast.user["lower_head"])
    compare("sent")
    submissions.accept(report, by=cast.user["clerk"])
    compare("accepted")
    settings.TODAY = "2011-02-01"
    compare("closed")
    settings.TODAY = "2010-12-10"
    ProgressReport.objects.all().delete()
    outside(cast)
    compare("outside")
    settings.TODAY = "2010-06-30"
    compare("not begun")
    settings.TODAY = "2010-12-10"
    reporting.set_way(unit, Way.NONE, reason="合并", by=None)
    compare("silent")
    assert {"receive", "draft", "explain", "extend", "set_way"} == {name for _, name in tried}
    assert ("closed", "draft") not in tried
    assert ("outside", "receive") in tried
    assert not {("not begun", "receive"), ("not begun", "draft")} & tried


@pytest.mark.parametrize("state", ["draft", "submitted", "accepted", "returned"])
@pytest.mark.parametrize("closed", [False, True])
def test_what_may_says_of_a_unit_s_report_is_what_the_verbs_do(cast, period, settings, state, closed):
    """Also with a unit below that is not accepted, and after the closing day."""
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    if state != "draft":
        accept_below(cast.org["13"], period)
        report = submissions.submit(report, by=cast.user["clerk"])
    if state == "accepted":
        report = submissions.accept(report, by=cast.user["root_clerk"])
    if state == "returned":
        report = submissions.return_(report, reason="请核对", by=cast.user["root_clerk"])
    settings.TODAY = "2011-02-01" if closed else "2010-12-10"
    verbs = {
        "submit": submissions.submit, "discard": submissions.discard, "take_back": submissions.take_back, "accept": submissions.accept,
        "return_": lambda report, by: submissions.return_(report, reason="请核对", by=by), "reopen": submissions.reopen,
    }  # fmt: skip
    for user in cast.user.values():
        may = submissions.may(ProgressReport.objects.get(pk=report.pk), user)
        for name, verb in verbs.items():
            did = True
            with transaction.atomic():
                try:
                    verb(report, by=user)
                except DomainError:
                    did = False
                transaction.set_rollback(True)
            assert getattr(may, name) == did, (user, name)
    assert {field.name for field in fields(submissions.May)} == {*verbs, "fill_in", "why_not"}


# --- what a unit outside sent -------------------------------------------------------------------------------------


def test_what_was_typed_is_kept_accepted_and_summed_up(cast, period):
    outside(cast)
    report = received(cast, period, note="传真报来")
    assert (report.state, report.source, report.submitted_by, report.note) == ("submitted", "form", None, "传真报来")
    assert not submissions.may(report, cast.user["lower_head"]).take_back
    submissions.accept(report, by=cast.user["clerk"])
    row = line(submissions.rows_now(cast.org["13"], period), "塘沽检验检疫局党组")
    assert (row.due.members, row.done.members, row.basis) == (5, 2, RowBasis.ACCEPTED)
    again = received(cast, period, typed(cast, new=1, done=3))
    assert rows_of(again)[0].new.members == 1


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"due": 1}, "累计 2 大于应点评 1"),
        ({"new": 1}, "不等于上次已接收的累计 0 加本次新增 1"),
        ({"due": -1, "new": -2, "done": -2}, "不能小于零"),
    ],
)
def test_figures_that_cannot_be_are_refused_by_name(cast, period, figures, said):
    outside(cast)
    with pytest.raises(SubmissionRefused, match="塘沽检验检疫局党组") as refused:
        received(cast, period, typed(cast, **figures))
    assert said in str(refused.value)
    assert not ProgressReport.objects.exists()


def test_lines_are_neither_doubled_nor_lost(cast, period):
    outside(cast)
    for rows, said in (([], "一行数字也没有"), (typed(cast) * 2, "两行")):
        with pytest.raises(SubmissionRefused, match=said):
            received(cast, period, rows)
    submissions.accept(received(cast, period), by=cast.user["clerk"])
    with pytest.raises(SubmissionRefused, match="这次没有"):
        received(cast, period, typed(cast, name="另一行"))
    with pytest.raises(SubmissionRefused, match="备注"):
        received(cast, period, typed(cast, new=-1, done=1))
    assert received(cast, period, typed(cast, new=-1, done=1), note="一份作废").correction_note == "一份作废"


def test_only_the_superior_enters_and_only_for_who_is_outside(cast, period, settings):
    with pytest.raises(SubmissionRefused, match="不是用表格上报"):
        received(cast, period)
    outside(cast)
    with pytest.raises(Forbidden):
        received(cast, period, by=cast.user["lower_head"])
    with pytest.raises(SubmissionRefused, match="晚于今天"):
        received(cast, period, reported_on=day("2010-12-11"))
    with pytest.raises(SubmissionRefused, match="2010-07-01"):
        received(cast, period, reported_on=day("1990-01-01"))
    with pytest.raises(SubmissionRefused, match="表格还是由链接"):
        received(cast, period, source="system")
    with pytest.raises(SubmissionRefused, match="用表格上报"):
        submissions.draft(cast.org["132"], period, by=cast.user["lower_head"])
    first = received(cast, period, by=None, source="link")
    with pytest.raises(SubmissionRefused, match="还没有被接收"):
        received(cast, period)
    submissions.return_(first, reason="数字不符", by=cast.user["clerk"])
    assert received(cast, period).pk == first.pk
    settings.TODAY = "2011-02-01"
    submissions.accept(first, by=cast.user["clerk"])
    with pytest.raises(SubmissionRefused, match="截止"):
        received(cast, period)


# --- 催报 -----------------------------------------------------------------------------------------------------


def test_who_has_not_reported_is_urged_once_a_day(cast, period, settings):
    office = make_user(username="unit_office", office=cast.org["12"])
    nudge = urging.send(cast.org["1"], period, words="请尽快上报", by=cast.user["root_clerk"])
    told = set(Notification.objects.values_list("recipient__username", flat=True))
    assert told == {"organ_head", "unit_head", "unit_office", "bureau_head", "clerk"}
    assert (nudge.measure, nudge.sent, nudge.missing) == ("", 5, 3)
    assert f"org=12&period={period.code}" in Notification.objects.get(recipient=office).url
    with pytest.raises(NudgeRefused, match="今天都已经催过"):
        urging.send(cast.org["1"], period, words="再催一次", by=cast.user["root_head"])
    settings.TODAY = "2010-12-11"
    send(cast.org["13"], period)
    reporting.explain(cast.org["11"], period, reason="机构调整", by=None)
    assert urging.send(cast.org["1"], period, words="请尽快上报", by=cast.user["root_clerk"]).sent == 2


@pytest.mark.parametrize("who", ["stranger", "member", "secretary", "clerk", "lower_head"])
def test_only_who_sums_up_urges(cast, period, who):
    with pytest.raises(NudgeRefused, match="只有"):
        urging.send(cast.org["1"], period, words="请尽快上报", by=cast.user[who])
    assert not Nudge.objects.exists()


# --- pages ------------------------------------------------------------------------------------------------------


def test_the_superior_settles_it_on_the_unit_s_page(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    place = ["132", period.code]
    assert "还没有上报" in client.get(reverse("progress_unit", args=place)).text
    empty = client.post(reverse("progress_unit_explain", args=place), {"explain-reason": ""})
    assert empty.status_code == 400
    assert "请填写原因" in empty.text
    client.post(reverse("progress_unit_explain", args=place), {"explain-reason": "机构合并"})
    assert "机构合并（clerk，2010年12月10日）" in client.get(reverse("progress_unit", args=place)).text
    client.post(reverse("progress_unit_unexplain", args=place))
    assert not ReportAbsence.objects.exists()
    client.post(
        reverse("progress_unit_extend", args=place), {"extend-until": "2011-02-20", "extend-reason": "机构合并"}
    )
    client.post(reverse("progress_unit_way", args=place), {"way-way": "form", "way-reason": "不使用本系统"})
    page = client.get(reverse("progress_unit", args=place)).text
    assert "延至 2011年2月20日" in page
    assert "用表格上报（单独设定：不使用本系统" in page
    assert client.get(reverse("progress_unit", args=["12", period.code])).status_code == 404
    assert as_user(cast.user["lower_member"]).get(reverse("progress_unit", args=place)).status_code == 404


def test_the_administrator_sets_the_deadline_and_the_rules(cast, period, as_user):
    client = as_user(cast.user["admin"])
    assert "按点评期结束后 10 天、30 天计算" in client.get(reverse("progress_settings")).text
    url = reverse("progress_deadline", args=[period.code])
    wrong = client.post(url, {"due_on": "2011-01-10", "closes_on": "2011-01-01"})
    assert wrong.status_code == 400
    assert "截止日不能早于上报期限" in wrong.text
    client.post(url, {"due_on": "2011-01-05", "closes_on": "2011-01-15"})
    assert reporting.deadline(period).closes_on == day("2011-01-15")
    inner = Category.objects.get(name="机关内设机构", scheme__is_active=True)
    client.post(reverse("progress_rule"), {"category": inner.pk, "reporters": "committees"})
    assert reporting.way_of(cast.org["131"]) == Way.SYSTEM
    assert (
        "请选择哪些组织单独上报"
        in client.post(reverse("progress_rule"), {"category": inner.pk, "reporters": "some"}, follow=True).text
    )


def test_the_draft_s_page_names_what_is_missing_and_where_the_lines_come_from(cast, period, as_user):
    report = submissions.draft(cast.org["13"], period, by=cast.user["clerk"])
    client = as_user(cast.user["clerk"])
    page = client.get(reverse("progress_report", args=[report.pk])).text
    assert "还没有全部接收：塘沽检验检疫局党组" in page
    assert "报表还没有接收，暂按现在的数字：塘沽检验检疫局党组" in page
    assert reverse("progress_unit", args=["132", period.code]) in page
    assert reverse("progress_submit", args=[report.pk]) not in page
    accept_below(cast.org["13"], period)
    page = client.get(reverse("progress_report", args=[report.pk])).text
    assert "已接收的报表的合计" in page
    assert reverse("progress_submit", args=[report.pk]) in page


def test_urging_on_the_page(cast, period, as_user):
    client = as_user(cast.user["clerk"])
    assert "催报：可提醒 1 人" in client.get(reverse("progress_reports")).text
    told = client.post(reverse("progress_urge", args=["13", period.code]), {"text": "请上报"}, follow=True).text
    assert "已催报 1 人" in told
    assert "1 人今天已催过" in told


def test_a_unit_moved_meanwhile_is_told_so(cast, period):
    before = Organization.objects.get(pk=cast.org["132"].pk)
    Organization.objects.filter(pk=cast.org["132"].pk).update(parent=cast.org["12"])
    with transaction.atomic(), pytest.raises(Stale, match="换了上级"):
        reporting.hold(before)


def test_many_units_cost_as_many_questions_as_few(cast, period, django_assert_num_queries):
    with django_assert_num_queries(7):
        submissions.rows_now(cast.org["1"], period)
    for number in range(30):
        make_org(f"14{number:02}", "党委", "直属挂靠单位", cast.org["1"])
    root = Organization.objects.get(code="1")
    with django_assert_num_queries(7):
        assert len(submissions.rows_now(root, period)) == 34
