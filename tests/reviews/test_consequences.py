"""What a change of an organisation does to duties and figures: told before, exactly so done, in one transaction."""

from __future__ import annotations

import pytest

from orgs import foreseeing, reorganizing
from orgs.changes import Change, ChangeKind
from orgs.foreseeing import Plan
from orgs.models import AuditEvent, Organization
from reports import coverage
from reviews import concerned, consequences, duties, records
from reviews.models import CoverageChange, CoverageTarget, Duty, DutyStatus, Measure, Record
from tests import builders
from tests.reviews.record_cases import full_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

DAY = builders.day("2010-12-01")
WHY = {"reason": "机构改革"}


@pytest.fixture
def sister(cast):
    """A branch under the same organ committee, with a secretary of its own."""
    org = builders.make_org("1312", "党支部", "机关内设机构", cast.org["131"], name="通关处党支部")
    builders.make_head(org, org, "通关书记")
    return org


@pytest.fixture
def period(cast, sister):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made)
    return made


def merging(cast, sister) -> Plan:
    org = Organization.objects.get(code="1311")
    return Plan(
        Change(ChangeKind.MERGE, org, DAY, sister),
        lambda: reorganizing.merge(org, into=sister, on=DAY, by=cast.user["clerk"], **WHY),
    )


def moving(cast, code: str, under: str) -> Plan:
    org, new = Organization.objects.get(code=code), Organization.objects.get(code=under)
    return Plan(
        Change(ChangeKind.MOVE, org, builders.day("2010-12-10"), new),
        lambda: reorganizing.move(org, under=new, on=builders.day("2010-12-10"), by=None, **WHY),
    )


def rows() -> list:
    models = (Duty, CoverageTarget, CoverageChange, AuditEvent, Organization)
    return [sorted(model._default_manager.order_by().values_list(), key=repr) for model in models]


def test_a_merge_tells_who_takes_over_what_goes_and_what_is_counted(period, cast, sister):
    before = rows()
    told = foreseeing.foresee(merging(cast, sister))
    assert rows() == before
    members = Duty.objects.filter(period=period, rule_code="4", reviewer_org__code="1311").count()
    assert members == 3  # the branch's members but its secretary
    assert f"{members} 名党员的任务将由“通关处党支部”书记承担。" in told
    assert any("项任务将撤回" in line for line in told)
    assert any("应点评党组织减少 1 个" in line for line in told)


def test_what_was_told_is_what_is_done(period, cast, sister):
    told = foreseeing.foresee(merging(cast, sister))
    duties_before = set(Duty.objects.values_list("pk", flat=True))
    foreseeing.carry_out(merging(cast, sister), seen=told)
    assert not Duty.objects.filter(period=period, about_org__code="1311").exists()
    assert not CoverageTarget.objects.filter(organization__code="1311").exists()
    taken = Duty.objects.filter(period=period, rule_code="4", reviewer_org=sister)
    assert taken.count() == 4  # three members and who was secretary; not the new branch's own secretary
    assert set(taken.values_list("acting__name", flat=True)) == {"通关书记"}
    gone = len(duties_before - set(Duty.objects.values_list("pk", flat=True)))
    assert f"本期 {gone - 3} 项任务将撤回。" in told
    assert duties.preview(period).total.added == duties.preview(period).total.withdrawn == 0
    assert coverage.prove() == []


def test_what_was_reviewed_stays_done_and_counted_with_the_person(period, cast, sister):
    duty = Duty.objects.get(rule_code="4", target_person=cast.person["member"])
    record = records.open_draft(duty, by=cast.user["secretary"])
    records.confirm(record, full_draft(record), by=cast.user["secretary"])
    foreseeing.carry_out(merging(cast, sister), seen=foreseeing.foresee(merging(cast, sister)))
    target = CoverageTarget.objects.get(measure=Measure.MEMBERS, person=cast.person["member"])
    assert (target.organization, target.done_on is not None) == (sister, True)
    assert Duty.objects.filter(pk=duty.pk, status=DutyStatus.DONE).exists()
    assert coverage.prove() == []


def test_drafts_of_what_is_withdrawn_are_told_and_kept(period, cast, sister):
    duty = Duty.objects.get(rule_code="4", target_person=cast.person["member"])
    record = records.open_draft(duty, by=cast.user["secretary"])
    told = foreseeing.foresee(merging(cast, sister))
    assert "其中 1 项已经开始填写；草稿保留在点评记录里，但不再对应任务。" in told
    foreseeing.carry_out(merging(cast, sister), seen=told)
    assert Record.objects.filter(pk=record.pk).exists()


def test_a_move_tells_where_it_counts_from_now_on(period, cast):
    told = foreseeing.foresee(moving(cast, "132", "12"))
    assert any("2 个党组织" in line and "改计入“信息中心党委”" in line for line in told)
    under = CoverageTarget.objects.filter(period=period, measure=Measure.MEMBERS, organization__code="1321").count()
    bureau = Organization.objects.get(code="13")
    due = coverage.totals(period, [bureau])[bureau.pk][Measure.MEMBERS].due
    foreseeing.carry_out(moving(cast, "132", "12"), seen=told)
    assert coverage.totals(period, [bureau])[bureau.pk][Measure.MEMBERS].due == due - under
    assert coverage.prove() == []


def test_a_period_that_was_never_derived_stays_so(cast, sister):
    made = duties.ensure_period("2010H2")
    told = foreseeing.foresee(merging(cast, sister))
    assert "本期还没有生成点评任务，任务和覆盖统计不受影响。" in told
    foreseeing.carry_out(merging(cast, sister), seen=told)
    made.refresh_from_db()
    assert made.derived_at is None
    assert not Duty.objects.exists()


def test_a_period_that_is_over_is_final(period, cast, sister, settings):
    settings.TODAY = "2011-01-05"
    before = list(Duty.objects.order_by("pk").values())
    foreseeing.carry_out(merging(cast, sister), seen=foreseeing.foresee(merging(cast, sister)))
    assert list(Duty.objects.order_by("pk").values()) == before


def test_a_rename_leaves_duties_alone(period, cast):
    org = Organization.objects.get(code="1311")
    plan = Plan(
        Change(ChangeKind.RENAME, org, DAY), lambda: reorganizing.rename(org, name="新名", on=DAY, by=None, **WHY)
    )
    derived = AuditEvent.objects.filter(verb="生成任务").count()
    assert foreseeing.foresee(plan)[-1] == "点评任务和覆盖统计不变。"
    plan.do()
    assert AuditEvent.objects.filter(verb="生成任务").count() == derived


def test_a_change_follows_however_large_the_system_is(period, cast, sister, monkeypatch):
    monkeypatch.setattr(consequences, "LARGE", 5)
    told = foreseeing.foresee(merging(cast, sister))
    foreseeing.carry_out(merging(cast, sister), seen=told)
    assert Duty.objects.filter(period=period, rule_code="4", reviewer_org=sister).count() == 4
    total = duties.preview(period).total
    assert (total.added, total.withdrawn) == (0, 0)


def test_what_follows_is_in_the_trail_with_its_counts(period, cast, sister):
    before = AuditEvent.objects.filter(verb="生成任务").count()
    foreseeing.carry_out(merging(cast, sister), seen=foreseeing.foresee(merging(cast, sister)))
    event = AuditEvent.objects.get(verb="任务随变更调整")
    assert event.summary.startswith(f"{period.name}：新增 4，撤回 5，")
    assert AuditEvent.objects.filter(verb="生成任务").count() == before


def test_what_concerns_very_many_waits_for_the_next_generation_and_says_so(period, cast, sister, monkeypatch):
    monkeypatch.setattr(concerned, "MOST", 2)
    before = list(Duty.objects.order_by("pk").values())
    told = foreseeing.foresee(merging(cast, sister))
    assert any("下一次生成任务时" in line for line in told)
    foreseeing.carry_out(merging(cast, sister), seen=told)
    assert list(Duty.objects.order_by("pk").values()) == before
    assert Organization.objects.get(code="1311").dissolved_on == DAY
