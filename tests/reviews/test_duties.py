"""Generating, following, settling and explaining duties."""

from __future__ import annotations

import datetime

import pytest
from django.core.management import call_command

from orgs import people, tree
from orgs.errors import Forbidden
from orgs.models import Organization, Scheme
from reviews import duties, records
from reviews.models import Basis, Duty, DutyStatus, Period, Rule, RuleSelector
from tests import builders
from tests.reviews.record_cases import full_draft as draft_for

pytestmark = pytest.mark.django_db
ON = datetime.date(2010, 12, 10)


@pytest.fixture
def period(cast):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made, on=ON)
    return made


def rows(period, **where):
    return Duty.objects.filter(period=period, **where)


def test_generating_again_keeps_everything(period):
    before = list(rows(period).order_by("pk").values_list("pk", flat=True))
    plan = duties.regenerate(period, on=ON)
    assert (plan.total.added, plan.total.withdrawn, plan.total.kept) == (0, 0, len(before))
    assert list(rows(period).order_by("pk").values_list("pk", flat=True)) == before


def test_the_preview_counts_what_generating_does_and_writes_nothing(cast):
    period = duties.ensure_period("2010H2")
    preview = duties.preview(period, ON)
    assert not rows(period).exists()
    plan = duties.regenerate(period, on=ON)
    assert preview.counts == plan.counts


def test_every_rule_has_its_line_even_with_nothing_to_do(period, capsys):
    call_command("generate_duties", "2010H2", "--on", "2010-12-10")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["1A", "1B", "2A", "2B", "2C", "3A", "3B", "4", "5A", "5B", "0"]
    assert lines[0] == "1A: 新增 0, 撤回 0, 保留 0"


@pytest.mark.parametrize(("code", "status"), [("2010", 2), ("2010H3", 2), ("2010h2", 2), ("9999H1", 2)])
def test_a_period_that_is_no_half_year_is_a_wrong_call(code, status):
    with pytest.raises(SystemExit) as left:
        call_command("generate_duties", code)
    assert left.value.code == status
    assert not Period.objects.exists()


def test_a_dry_run_leaves_no_period_behind(cast, capsys):
    call_command("generate_duties", "2011H1", "--dry-run")
    assert "2A: 新增 2" in capsys.readouterr().out
    assert not Period.objects.exists()


def test_yearly_rules_wait_for_the_second_half(cast):
    period = duties.ensure_period("2011H1")
    plan = duties.regenerate(period)
    assert plan.counts["4"].added == plan.counts["2C"].added == plan.counts["3B"].added == 0
    assert plan.counts["2A"].added > 0


def test_the_duty_of_a_post_passes_to_the_successor_with_its_id(period, cast):
    duty = rows(period, rule_code="4", target_person=cast.person["member"]).get()
    post = cast.person["secretary"].posts.get()
    people.remove(post, on=datetime.date(2010, 11, 1), by=None)
    duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert (duty.reviewer, duty.acting) == (None, None)
    people.appoint(
        cast.person["bureau_head"], cast.org["1311"], "secretary", from_on=datetime.date(2010, 11, 5), by=None
    )
    plan = duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert duty.reviewer == cast.person["bureau_head"]
    assert plan.counts["4"].kept > 0


def test_a_substitute_stays_while_the_post_is_vacant(period, cast):
    people.remove(cast.person["secretary"].posts.get(), on=datetime.date(2010, 11, 1), by=None)
    duties.regenerate(period, on=ON)
    duty = rows(period, rule_code="4", target_person=cast.person["member"]).get()
    duties.reassign(duty, acting=cast.person["member_in_charge"], reason="病假", by=cast.user["clerk"])
    duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert (duty.reviewer, duty.acting) == (None, cast.person["member_in_charge"])


def test_a_target_that_left_is_withdrawn_and_one_with_a_counted_record_is_kept(period, cast):
    duty = rows(period, rule_code="4", target_person=cast.person["member"]).get()
    record = records.open_draft(duty, by=cast.user["secretary"])
    records.confirm(record, draft_for(record), by=cast.user["secretary"])
    other = rows(period, rule_code="4", target_person=cast.person["lower_member"]).get()
    for part in ("member", "lower_member"):
        people.transfer(cast.person[part], to=None, on=datetime.date(2010, 11, 1), by=None)
    plan = duties.regenerate(period, on=ON)
    assert plan.counts["4"].withdrawn == 1
    assert not rows(period, pk=other.pk).exists()
    assert rows(period, pk=duty.pk, status=DutyStatus.DONE).exists()


def test_a_review_held_earlier_in_the_year_counts_for_the_yearly_duty(cast):
    spring = duties.ensure_period("2010H1")
    secretary = cast.user["secretary"]
    record = records.open_ad_hoc(
        period=spring,
        reviewer_org=cast.org["1311"],
        reviewer=cast.person["secretary"],
        target_person=cast.person["member"],
        about_org=cast.org["1311"],
        by=secretary,
    )
    records.confirm(record, draft_for(record, held_on=datetime.date(2010, 4, 1)), by=secretary)
    period = duties.ensure_period("2010H2")
    duties.regenerate(period, on=ON)
    duty = rows(period, rule_code="4", target_person=cast.person["member"]).get()
    assert duty.status == DutyStatus.DONE
    records.void(record, reason="误录", by=cast.user["clerk"])
    duty.refresh_from_db()
    assert duty.status == DutyStatus.PENDING


def test_an_organisation_founded_late_is_due_only_in_the_general_round(cast):
    Organization.objects.filter(code="132").update(founded_on=datetime.date(2010, 11, 1))
    general = duties.ensure_period("2010H2")
    duties.regenerate(general, on=ON)
    assert rows(general, target_org__code="132").exists()
    Organization.objects.filter(code="132").update(founded_on=datetime.date(2011, 4, 2))
    ordinary = duties.ensure_period("2011H1")
    duties.regenerate(ordinary, on=datetime.date(2011, 6, 1))
    assert not rows(ordinary, target_org__code="132").exists()
    Organization.objects.filter(code="132").update(founded_on=datetime.date(2011, 4, 1))
    duties.regenerate(ordinary, on=datetime.date(2011, 6, 1))
    assert rows(ordinary, target_org__code="132").exists()


def test_a_dissolved_organisation_leaves(period, cast):
    people.transfer(cast.person["lower_member"], to=None, on=datetime.date(2010, 11, 1), by=None)
    for part in ("lower_head", "lower_secretary"):
        people.transfer(cast.person[part], to=None, on=datetime.date(2010, 11, 1), by=None)
    tree.dissolve(cast.org["1321"], on=datetime.date(2010, 12, 1), by=None)
    duties.regenerate(period, on=ON)
    assert not rows(period, about_org=cast.org["1321"]).exists()


@pytest.mark.usefixtures("in_2010")
def test_a_rule_switched_off_withdraws_its_duties_and_still_has_a_line(period):
    Rule.objects.filter(code="2B").update(is_on=False)
    plan = duties.regenerate(period, on=ON)
    assert plan.counts["2B"].withdrawn > 0
    assert not rows(period, rule_code="2B").exists()
    # What 2B no longer names falls to the principle.
    assert rows(period, rule_code="0", target_org__code="1311").exists()


@pytest.mark.usefixtures("in_2010")
@pytest.mark.parametrize("code", ["2B", "4"])
def test_the_basis_of_open_duties_follows_the_rule(period, code):
    Rule.objects.filter(code=code).update(basis=Basis.GUIDANCE)
    before = rows(period, rule_code=code).count()
    assert duties.preview(period, ON).counts[code].changed == before > 0
    duties.regenerate(period, on=ON)
    assert set(rows(period, rule_code=code).values_list("basis", flat=True)) == {Basis.GUIDANCE}


def test_a_scheme_may_leave_leaders_to_their_teams(period, cast, in_2010):
    assert rows(period, rule_code="4", target_person=cast.person["bureau_head"]).exists()
    Scheme.objects.update(leaders_as_members=False)
    duties.regenerate(period, on=ON)
    assert not rows(period, rule_code="4", target_person=cast.person["bureau_head"]).exists()
    assert rows(period, rule_code="4", target_person=cast.person["member"]).exists()


def test_a_provincial_bureau_entered_as_affiliated_still_falls_under_5b_only(cast):
    builders.make_org("14", "党组", "省级质监局", cast.org["1"])
    period = duties.ensure_period("2010H2")
    duties.regenerate(period, on=ON)
    assert list(rows(period, target_org__code="14").values_list("rule_code", flat=True)) == ["5B"]


def test_exempting_needs_a_reason_and_the_office(period, cast):
    duty = rows(period, rule_code="2A", subject="org").get()
    with pytest.raises(duties.DutyRefused, match="原因"):
        duties.exempt(duty, reason=" ", approved_by="王书记", by=cast.user["clerk"])
    with pytest.raises(Forbidden):
        duties.exempt(duty, reason="撤销", approved_by="王书记", by=cast.user["secretary"])
    duties.exempt(duty, reason="机构正在撤销", approved_by="王书记", by=cast.user["clerk"])
    assert rows(period, pk=duty.pk, status=DutyStatus.EXEMPT).exists()
    duties.regenerate(period, on=ON)
    assert rows(period, pk=duty.pk, status=DutyStatus.EXEMPT).exists()
    duties.resume(duty, by=cast.user["clerk"])
    assert rows(period, pk=duty.pk, status=DutyStatus.PENDING).exists()


@pytest.mark.parametrize(("part", "said"), [("stranger_person", "班子成员"), ("lower_head", "负责人")])
def test_reassigning_stays_within_the_team(period, cast, part, said):
    duty = rows(period, rule_code="2A", subject="org").get()
    person = builders.make_person() if part == "stranger_person" else cast.person[part]
    with pytest.raises(duties.DutyRefused, match=said):
        duties.reassign(duty, acting=person, reason="病假", by=cast.user["clerk"])


def test_the_notice_names_the_secretary_himself(period, cast):
    duty = rows(period, rule_code="4", target_person=cast.person["member"]).get()
    with pytest.raises(duties.DutyRefused, match="书记本人"):
        duties.reassign(duty, acting=cast.person["bureau_head"], reason="病假", by=cast.user["clerk"])


def test_the_explanation_names_rule_basis_and_division_of_work(period, cast):
    why = duties.explain(rows(period, rule_code="2B", target_org__code="1311").get())
    assert (why.clause, why.basis) == ("二（一）2", "领导分工")
    assert "对分管的机关内设机构和直属单位基层党组织及其负责人进行点评" in why.text
    assert any("天津局分管成员" in line and "主管该组织" in line for line in why.lines)


def test_the_explanation_of_a_joint_duty_names_the_partner(period, cast):
    why = duties.explain(rows(period, rule_code="1B", target_org__code="12", reviewer_org__code="1").get())
    assert [duty.reviewer_org.code for duty in why.joint] == ["11"]


@pytest.mark.parametrize("code", ["1A", "1B", "2A", "2B", "2C", "3A", "3B", "4", "5A", "5B", "0"])
def test_every_shipped_rule_has_its_clause_and_its_literal_text(code):
    rule = Rule.objects.get(code=code)
    assert rule.clause.startswith("二（一）")
    assert len(rule.text) > 15


def test_every_explanation_reads_as_sentences(period):
    for duty in rows(period).select_related("rule", "acting", "target_person", "reviewer_org"):
        why = duties.explain(duty)
        assert why.lines
        assert all("None" not in line and "{" not in line for line in why.lines)


def test_strangers_see_no_duty_and_the_office_sees_its_own(period, cast):
    assert not Duty.objects.visible_to(cast.user["stranger"]).exists()
    seen = set(Duty.objects.visible_to(cast.user["clerk"]).values_list("about_org__code", flat=True))
    assert "1311" in seen
    assert "121" not in seen
    own = Duty.objects.visible_to(cast.user["member"])
    assert {duty.target_person for duty in own} == {cast.person["member"]}


def test_a_selector_without_category_means_any(cast):
    rule = Rule.objects.get(code="4")
    assert RuleSelector.objects.get(rule=rule).category is None


def test_exporting_writes_the_header_and_sorted_rows(period, tmp_path, capsys):
    target = tmp_path / "duties.csv"
    call_command("export_duties", "2010H2", str(target))
    lines = target.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "rule,reviewer_kind,reviewer,acting_person,target_kind,target,basis,joint_group,due_on,status"
    assert lines[1:] == sorted(lines[1:])
    assert "1B,org,11,N-organ_head,org,12,affiliation,1B:12,2010-12-31,pending" in lines
    call_command("export_duties", "2010H2")
    assert capsys.readouterr().out.splitlines() == lines


def test_exporting_a_period_that_is_not_there_says_so(db, capsys):
    with pytest.raises(SystemExit) as left:
        call_command("export_duties", "2010H1")
    assert left.value.code == 1
    assert "2010H1" in capsys.readouterr().err
