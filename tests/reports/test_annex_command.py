"""export_annex: writes a form, or says in Chinese why not (contracts.md, section 2)."""

import io

import pytest
from django.core.management import call_command
from openpyxl import load_workbook

from reviews import coverage as targets
from reviews.models import RecordState
from tests.builders import day, make_bare_record, make_period
from tests.reports.submitting import send


@pytest.fixture
def synced(cast, in_2010):
    """The period, with the roster of the day."""
    period = make_period()
    targets.sync(period, day("2010-12-10"))
    return period


@pytest.fixture
def out(tmp_path):
    return tmp_path / "表.xlsx"


def member_record(cast, period, **facts):
    return make_bare_record(
        period, cast.org["1311"], cast.person["secretary"], of_person=cast.person["member"], **facts
    )


def refused(*args):
    """The exit status and the message of a refusal."""
    said = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("export_annex", *map(str, args), stderr=said)
    return left.value.code, said.getvalue().strip()


def test_annex_1_shows_what_would_be_sent_now_while_nothing_was_sent(cast, synced, out, capsys):
    call_command("export_annex", "1", "--org", "13", "--period", "2010H2", str(out))
    page = load_workbook(out)["附件1"]
    assert page["A4"].value == "上报单位：天津检验检疫局党组"
    assert page["G4"].value == "上报日期：2010年12月10日"
    assert [page.cell(row, 1).value for row in range(7, 11)] == [
        "本级",
        "天津局机关党委",
        "塘沽检验检疫局党组",
        "合计",
    ]
    assert "尚未上报" in capsys.readouterr().out


def test_annex_1_shows_the_last_sent_report_as_sent(cast, synced, out, capsys):
    send(cast.org["13"], synced, by=cast.user["clerk"], reported_on=day("2010-12-08"))
    targets.confirmed(member_record(cast, synced))
    call_command("export_annex", "1", "--org", "13", "--period", "2010H2", str(out))
    page = load_workbook(out)["附件1"]
    assert page["G4"].value == "上报日期：2010年12月8日"
    assert page["J10"].value == 0
    assert "已上报" in capsys.readouterr().out


def test_annex_3_of_a_members_record(cast, synced, out, capsys):
    record = member_record(cast, synced)
    call_command("export_annex", "3", "--review", str(record.pk), str(out))
    assert load_workbook(out)["附件3"]["B4"].value == "检务处党员"
    assert str(record.pk) in capsys.readouterr().out


def test_annex_2_of_an_organisations_record(cast, synced, out):
    record = make_bare_record(synced, cast.org["1"], cast.person["root_head"], of_org=cast.org["12"])
    call_command("export_annex", "2", "--review", str(record.pk), str(out))
    assert load_workbook(out)["附件2"]["B4"].value == "信息中心党委"


def test_the_form_must_fit_the_target(cast, synced, out):
    of_person = member_record(cast, synced)
    of_org = make_bare_record(synced, cast.org["1"], of_org=cast.org["12"])
    assert refused("2", "--review", of_person.pk, out) == (
        1,
        f"点评记录 {of_person.pk} 的对象是党员（负责人），应导出附件3",
    )
    assert refused("3", "--review", of_org.pk, out) == (1, f"点评记录 {of_org.pk} 的对象是党组织，应导出附件2")
    assert not out.exists()


@pytest.mark.parametrize("state", [RecordState.DRAFT, RecordState.SUBMITTED, RecordState.VOIDED])
def test_only_what_counts_is_exported(cast, synced, out, state):
    record = member_record(cast, synced, state=state)
    status, message = refused("3", "--review", record.pk, out)
    assert status == 1
    assert state.label in message
    assert not out.exists()


@pytest.mark.parametrize("junk", ["999999", "abc", "-1", "9" * 40, "１", "0x1"])
def test_an_unknown_record_is_refused(cast, synced, out, junk):
    assert refused("3", f"--review={junk}", out) == (1, f"找不到点评记录 “{junk}”")


def test_an_unknown_organisation_or_period_is_refused(cast, synced, out):
    assert refused("1", "--org", "0000", "--period", "2010H2", out) == (1, "找不到组织 “0000”")
    status, message = refused("1", "--org", "13", "--period", "2099H1", out)
    assert status == 1
    assert "2099H1" in message


@pytest.mark.parametrize(
    "args",
    [
        ["1", "--org", "13", "o.xlsx"],
        ["2", "o.xlsx"],
        ["3", "--review", "1", "--org", "13", "o.xlsx"],
        ["1", "--org", "13", "--period", "2010H2", "o.xls"],
        ["1", "--org", "13", "--period", "2010H2", "--review", "1", "o.xlsx"],
    ],
)
def test_a_wrong_call_ends_with_2(cast, synced, args):
    assert refused(*args)[0] == 2


def test_a_place_that_cannot_be_written_is_said(cast, synced, tmp_path):
    status, message = refused("1", "--org", "13", "--period", "2010H2", tmp_path / "no" / "o.xlsx")
    assert status == 1
    assert "无法写入" in message
