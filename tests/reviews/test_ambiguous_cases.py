"""The hard cases of domain.md, section 2.1: a named test for each, on the small system of tests/cast.py.

What is looked at more closely elsewhere is named in the docstring.
"""

from __future__ import annotations

import datetime

import pytest

from orgs import irregularities, people, tree
from orgs.models import Charge, Organization, Person, Scheme
from reports import coverage as figures
from reviews import duties, overview, records, snapshots
from reviews.models import CoverageTarget, Duty, DutyStatus, Joint, Measure, Record, Rule, RuleSelector, Side, Subject
from reviews.record_content import further_duties
from reviews.views.duties import carry_over
from tests import builders
from tests.builders import day
from tests.reviews.record_cases import full_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
ON = datetime.date(2010, 12, 10)
FIRST_HALF = datetime.date(2010, 6, 30)


@pytest.fixture
def period(cast):
    return duties.ensure_period("2010H2")


@pytest.fixture
def derived(period):
    """Derives the half-year anew; answers its duties by condition."""

    def derive(**where):
        duties.regenerate(period, on=ON)
        return Duty.objects.filter(period=period, **where).order_by("rule_code", "pk")

    return derive


def said(rows) -> set[tuple[str, str, str]]:
    """(rule, reviewing organisation, target) by code and number."""
    return {
        (duty.rule_code, duty.reviewer_org.code, (duty.target_org or duty.target_person).code)
        if duty.target_org
        else (duty.rule_code, duty.reviewer_org.code, duty.target_person.number)
        for duty in rows
    }


def confirm(duty: Duty, cast, part: str, **changes) -> Record:
    record = records.open_draft(duty, by=cast.user[part])
    return records.confirm(record, full_draft(record, **changes), by=cast.user[part])


# --- who reviews --------------------------------------------------------------------------------------------------


def test_a01_joint_reviewers_each_have_a_duty_and_one_record_may_serve_both(cast, derived):
    pair = derived(rule_code="1B", target_org__code="12")
    assert said(pair) == {("1B", "1", "12"), ("1B", "11", "12")}
    assert {duty.joint_group for duty in pair} == {"1B:12"}
    first, partner = pair.get(reviewer_org__code="1"), pair.get(reviewer_org__code="11")
    confirm(first, cast, "root_head", duty_ids=(partner.pk,))
    assert {duty.status for duty in derived(rule_code="1B", target_org__code="12")} == {DutyStatus.DONE}
    assert CoverageTarget.objects.filter(measure=Measure.ORGANIZATIONS, organization__code="12").count() == 1


def test_a01_done_apart_each_closes_only_its_own(cast, derived):
    pair = derived(rule_code="1B", target_org__code="12")
    confirm(pair.get(reviewer_org__code="1"), cast, "root_head")
    assert derived(rule_code="1B", target_org__code="12", reviewer_org__code="11").get().status == DutyStatus.PENDING


@pytest.mark.parametrize("is_late", [False, True])
def test_a01_a_scheme_may_say_that_any_one_suffices(cast, derived, is_late):
    """Whether the rule said so before the record was confirmed or only afterwards."""
    rule = Rule.objects.filter(code="1B")
    if not is_late:
        rule.update(joint=Joint.ANY)
    pair = derived(rule_code="1B", target_org__code="12")
    record = confirm(pair.get(reviewer_org__code="1"), cast, "root_head")
    rule.update(joint=Joint.ANY)
    assert {duty.status for duty in derived(rule_code="1B", target_org__code="12")} == {DutyStatus.DONE}
    # The partner's leader did not take part, and other targets still wait.
    leaders = CoverageTarget.objects.filter(measure=Measure.LEADERS, done_on__isnull=False)
    assert {target.person for target in leaders} == {cast.person["root_head"]}
    assert not derived(rule_code="1B", target_org__code="111", status=DutyStatus.DONE).exists()
    records.void(record, reason="误录", by=cast.user["admin"])
    assert {duty.status for duty in pair.all()} == {DutyStatus.PENDING}


def test_a02_heads_of_the_national_commissions_go_with_their_groups(cast, derived):
    commission = builders.make_org("15", "党组", "国家委", cast.org["1"])
    head = builders.make_head(commission, cast.org["111"])
    assert said(derived(rule_code="1A")) == {("1A", "1", "15"), ("1A", "1", head.number)}


def test_a03_who_is_acting_stands_for_the_head_and_a_vacancy_is_a_gap(cast, derived):
    people.remove(cast.person["lower_head"].posts.get(organization=cast.org["132"]), on=day("2010-11-01"), by=None)
    assert said(derived(rule_code="2A")) == {("2A", "13", "132")}
    assert "132" in overview.without_head(ON).values_list("code", flat=True)
    deputy = builders.make_person("副书记", cast.org["1321"], number="N-deputy")
    builders.make_post(deputy, cast.org["132"], "副书记", acting=True)
    assert said(derived(rule_code="2A")) == {("2A", "13", "132"), ("2A", "13", "N-deputy")}


def test_a04_a_provincial_bureau_is_reviewed_without_its_head(cast, derived):
    province = builders.make_org("14", "党组", "省级质监局", cast.org["1"], guidance=True)
    head = builders.make_head(province, cast.org["111"])
    rows = derived(about_org=province).exclude(rule_code__in=["2C", "4"])
    assert said(rows) == {("5B", "1", "14")}
    assert not derived(target_person=head, subject=Subject.HEAD).exists()


def test_a05_guidance_is_never_taken_for_affiliation(cast, derived):
    assert {rule for rule, _, _ in said(derived(about_org__code="13", subject__in=["org", "head"]))} == {"5A"}
    stray = builders.make_org("16", "党委", "直属单位", cast.org["1"], guidance=True)
    assert not derived(about_org=stray, subject__in=["org", "head"]).exists()
    assert stray in overview.unnamed(duties.ensure_period("2010H2"), ON)


def test_a06_reports_add_up_along_guidance_where_duties_stop(cast, derived, period):
    derived()
    root, bureau = (figures.totals(period, [cast.org[code]])[cast.org[code].pk] for code in ("1", "13"))
    assert root[Measure.MEMBERS].due == 13
    assert bureau[Measure.MEMBERS].due == 7
    assert not derived(reviewer_org__code="1", target_org__code__in=["131", "132", "1311"]).exists()


def test_a07_a_member_in_charge_of_nothing_acts_for_nobody_and_may_review_ad_hoc(cast, derived, period):
    idle = builders.make_person("无分管成员", cast.org["1311"], number="N-idle")
    builders.make_post(idle, cast.org["13"], "成员")
    assert not derived(acting=idle).exists()
    assert CoverageTarget.objects.filter(measure=Measure.LEADERS, person=idle).exists()
    record = records.open_ad_hoc(
        period=period, reviewer_org=cast.org["13"], reviewer=idle, target_org=cast.org["1311"],
        about_org=cast.org["1311"], by=cast.user["clerk"],
    )  # fmt: skip
    assert record.review.reviewer == idle


def test_a08_a_unit_in_nobodys_charge_stays_with_the_team_and_says_so(cast, derived):
    Charge.objects.all().delete()
    duty = derived(rule_code="2B", target_org__code="1311").get()
    assert (duty.reviewer_org, duty.acting) == (cast.org["13"], cast.person["bureau_head"])
    assert any("未明确分管" in line for line in duties.explain(duty).lines)


def test_a09_of_two_in_charge_the_one_who_leads_acts(cast, derived):
    assistant = builders.make_person("协管", cast.org["1311"], number="A-first")
    builders.make_post(assistant, cast.org["13"], "成员")
    builders.make_charge(assistant, cast.org["13"], cast.org["1311"], assist=True)
    assert derived(rule_code="2B", target_org__code="1311").get().acting == cast.person["member_in_charge"]
    builders.make_charge(assistant, cast.org["13"], cast.org["1321"])
    builders.make_charge(cast.person["member_in_charge"], cast.org["13"], cast.org["1321"])
    doubled = irregularities.BY_CODE["doubled"].find(cast.user["admin"], ON)
    assert {charge.organization.code for charge in doubled} == {"1321"}


def test_a10_a_secretary_in_his_superiors_team_has_two_duties_and_one_record_may_serve_both(cast, derived):
    rows = derived(target_person=cast.person["member_in_charge"], acting=cast.person["bureau_head"])
    assert said(rows) == {("2B", "13", "N-member_in_charge"), ("2C", "13", "N-member_in_charge")}
    head, member = rows.get(rule_code="2B"), rows.get(rule_code="2C")
    record = records.open_draft(head, by=cast.user["bureau_head"])
    assert further_duties(record) == [member]
    records.confirm(record, full_draft(record, duty_ids=(member.pk,)), by=cast.user["bureau_head"])
    assert {duty.status for duty in rows.all()} == {DutyStatus.DONE}
    assert CoverageTarget.objects.filter(measure=Measure.MEMBERS, person=cast.person["member_in_charge"]).count() == 1


def test_a11_nobody_reviews_himself_or_what_he_heads(cast, derived):
    builders.make_charge(cast.person["member_in_charge"], cast.org["13"], cast.org["131"])
    rows = derived(rule_code="2B", about_org__code="131")
    assert rows.count() == 2
    assert {duty.acting for duty in rows} == {cast.person["bureau_head"]}
    assert not [duty for duty in derived() if duty.target_person_id in (duty.acting_id, duty.reviewer_id)
                and duty.target_person_id is not None]  # fmt: skip


def test_a12_leaders_are_ordinary_members_of_their_branch_unless_the_scheme_says_otherwise(cast, derived):
    duty = derived(rule_code="4", target_person=cast.person["bureau_head"]).get()
    assert duty.reviewer == cast.person["secretary"]
    Scheme.objects.update(leaders_as_members=False)
    assert not derived(rule_code="4", target_person=cast.person["bureau_head"]).exists()
    assert CoverageTarget.objects.filter(measure=Measure.MEMBERS, person=cast.person["bureau_head"]).exists()


def test_a13_a_secretary_is_covered_from_above_not_by_himself(cast, derived):
    assert said(derived(target_person=cast.person["secretary"])) == {("2B", "13", "N-secretary")}


def test_a14_organ_committees_of_bureaux_and_of_commissions(cast, derived):
    commission = builders.make_org("15", "党组", "国家委", cast.org["1"])
    organ = builders.make_org("151", "机关党委", "国家委", commission)
    builders.make_org("1511", "党支部", "国家委机关", organ)
    unit = builders.make_org("133", "党总支", "直属单位", cast.org["13"])
    builders.make_org("1331", "党支部", "直属单位", unit)
    orgs = derived(subject=Subject.ORG)
    assert said(orgs.filter(target_org__code="1511")) == {("0", "151", "1511")}
    assert said(orgs.filter(target_org__code="151")) == {("1B", "1", "151"), ("1B", "11", "151")}
    # Under the bureau's 机关党委: the bureau's own, by division of work; so is the 机关党委 itself.
    assert said(orgs.filter(target_org__code="1311")) == {("2B", "13", "1311")}
    assert said(orgs.filter(target_org__code="131")) == {("2B", "13", "131")}
    # Under another base organisation: one level up.
    assert said(orgs.filter(target_org__code="1331")) == {("0", "133", "1331")}


def test_a15_inside_a_unit_only_its_top_organisation_falls_under_rule_3(cast, derived):
    inner = builders.make_org("122", "党总支", "直属挂靠单位内设", cast.org["12"])
    builders.make_org("1221", "党支部", "直属挂靠单位内设", inner)
    orgs = derived(subject=Subject.ORG)
    assert said(orgs.filter(target_org=inner)) == {("3A", "12", "122")}
    assert said(orgs.filter(target_org__code="1221")) == {("0", "122", "1221")}


def test_a16_a_unit_that_is_one_branch_has_no_rule_3(cast, derived):
    unit = builders.make_org("17", "党支部", "直属挂靠单位", cast.org["1"])
    secretary = builders.make_head(unit, unit)
    member = builders.make_person("成员", unit)
    rows = derived(about_org=unit)
    assert said(rows) == {
        *((("1B", org, target)) for org in ("1", "11") for target in ("17", secretary.number)),
        ("4", "17", member.number),
    }


def test_a17_the_ministrys_organ_committee_falls_to_the_principle_and_its_team_to_nobody(cast, derived):
    assert said(derived(about_org__code="11")) == {("0", "1", "11"), ("0", "1", "N-organ_head")}
    assert not derived(subject=Subject.TEAM_MEMBER, reviewer_org__code__in=["1", "11"]).exists()
    assert not derived(target_org__code="1").exists()
    scheme = Scheme.objects.get(is_active=True)
    rule = Rule.objects.create(scheme=scheme, code="1C", order=3, clause="补充", text="总局党组书记对本班子成员进行点评。",
                               reviewer_kind="person", reach="own", targets_team=True, basis="team", cadence="year")  # fmt: skip
    RuleSelector.objects.create(rule=rule, side=Side.REVIEWER, category=builders.category("总局"), org_type="group")
    assert said(derived(rule_code="1C")) == {("1C", "1", "N-organ_head")}


def test_a18_a_vacant_post_keeps_its_duties_and_takes_a_substitute(cast, derived):
    people.remove(cast.person["secretary"].posts.get(), on=day("2010-11-01"), by=None)
    duty = derived(rule_code="4", target_person=cast.person["member"]).get()
    assert (duty.reviewer, duty.acting, duty.due_on) == (None, None, day("2010-12-31"))
    duties.reassign(duty, acting=cast.person["bureau_head"], reason="病假", by=cast.user["clerk"])
    duty = derived(rule_code="4", target_person=cast.person["member"]).get()
    assert (duty.reviewer, duty.acting) == (None, cast.person["bureau_head"])
    # As a target: the organisation stays, the head's duty falls away.
    assert said(derived(rule_code="2B", about_org__code="1311")) == {("2B", "13", "1311")}


def test_a19_duties_follow_the_member_and_a_review_held_counts_where_he_goes(cast, derived, period):
    duty = derived(rule_code="4", target_person=cast.person["member"]).get()
    confirm(duty, cast, "secretary")
    people.transfer(cast.person["member"], to=cast.org["1321"], on=day("2010-12-09"), by=None)
    people.transfer(cast.person["lower_member"], to=cast.org["1311"], on=day("2010-12-09"), by=None)
    rows = derived(rule_code="4", target_person=cast.person["lower_member"])
    assert said(rows) == {("4", "1311", "N-lower_member")}
    target = CoverageTarget.objects.get(measure=Measure.MEMBERS, person=cast.person["member"])
    assert (target.organization, target.done_on is not None) == (cast.org["1321"], True)
    assert any("不足 30 天" in line for line in duties.explain(rows.get()).lines)


def test_a20_open_duties_pass_to_the_successor_and_records_keep_the_old_name(cast, derived):
    rows = derived(rule_code="4", reviewer=cast.person["secretary"])
    done = rows.get(target_person=cast.person["member"])
    record = confirm(done, cast, "secretary")
    people.remove(cast.person["secretary"].posts.get(), on=day("2010-12-09"), by=None)
    builders.make_post(cast.person["member_in_charge"], cast.org["1311"], "书记", from_on=day("2010-12-09"))
    pending = derived(rule_code="4", reviewer_org__code="1311", status=DutyStatus.PENDING)
    assert {duty.reviewer for duty in pending} == {cast.person["member_in_charge"]}
    record.review.refresh_from_db()
    assert record.review.reviewer_name == cast.person["secretary"].name
    done.refresh_from_db()
    assert done.reviewer == cast.person["secretary"]


# --- organisations that come and go ----------------------------------------------------------------------------------


def test_a21_what_is_dissolved_is_not_due_any_more_and_its_records_stay(cast, derived, period):
    confirm(derived(rule_code="2B", target_org__code="1321").get(), cast, "lower_head")
    for part in ("lower_head", "lower_secretary", "lower_member"):
        people.transfer(cast.person[part], to=cast.org["1311"], on=day("2010-12-01"), by=None)
    people.remove(cast.person["lower_secretary"].posts.get(), on=day("2010-12-01"), by=None)
    tree.dissolve(cast.org["1321"], on=day("2010-12-01"), by=None)
    left = derived(about_org__code="1321")
    assert {duty.status for duty in left} == {DutyStatus.DONE}
    assert Record.objects.counted().filter(target_org__code="1321").exists()
    assert not CoverageTarget.objects.filter(period=period, organization__code="1321").exists()
    assert said(derived(rule_code="4", target_person=cast.person["lower_member"])) == {("4", "1311", "N-lower_member")}


def test_a22_a_new_organisation_is_due_after_three_months(cast):
    ordinary = duties.ensure_period("2011H1")
    for founded, is_due in [("2011-04-01", True), ("2011-04-02", False)]:
        Organization.objects.filter(code="132").update(founded_on=day(founded))
        duties.regenerate(ordinary, on=day("2011-06-01"))
        assert Duty.objects.filter(period=ordinary, target_org__code="132").exists() == is_due


def test_a23_probationary_members_are_reviewed(cast, derived):
    Person.objects.filter(pk=cast.person["member"].pk).update(kind="probationary")
    assert derived(rule_code="4", target_person=cast.person["member"]).exists()


@pytest.mark.parametrize("status", ["suspended", "expelled", "transferred", "deceased"])
def test_a24_who_is_no_member_in_order_is_not_reviewed(cast, derived, status):
    Person.objects.filter(pk=cast.person["member"].pk).update(status=status)
    assert not derived(target_person=cast.person["member"]).exists()


def test_a24_who_is_hard_to_reach_stays_in_the_number_with_a_reason(cast, derived):
    duty = derived(rule_code="4", target_person=cast.person["member"]).get()
    duties.exempt(duty, reason="流动党员，难以点评", approved_by="王书记", by=cast.user["clerk"])
    assert derived(pk=duty.pk, status=DutyStatus.EXEMPT, exempt_reason="流动党员，难以点评").exists()
    target = CoverageTarget.objects.get(measure=Measure.MEMBERS, person=cast.person["member"])
    assert target.done_on is None


def test_a25_the_branch_decides_not_where_one_works(cast, derived):
    Person.objects.filter(pk=cast.person["member"].pk).update(title="塘沽局综合科科长")
    assert said(derived(rule_code="4", target_person=cast.person["member"])) == {("4", "1311", "N-member")}


def test_a26_two_posts_make_one_duty_that_names_both(cast, derived):
    second = builders.make_org("1312", "党支部", "机关内设机构", cast.org["131"])
    builders.make_post(cast.person["secretary"], second, "书记")
    duty = derived(rule_code="2B", target_person=cast.person["secretary"]).get()
    assert [reason["org"] for reason in duty.reasons] == ["1311", "1312"]


def test_a27_a_review_outside_the_list_counts_for_its_target_and_does_nobodys_duty(cast, derived, period):
    duty = derived(rule_code="2B", target_org__code="1311").get()
    record = records.open_ad_hoc(
        period=period, reviewer_org=cast.org["1"], reviewer=cast.person["root_head"], target_org=cast.org["1311"],
        about_org=cast.org["1311"], by=cast.user["root_head"],
    )  # fmt: skip
    records.confirm(record, full_draft(record), by=cast.user["root_head"])
    duty.refresh_from_db()
    assert duty.status == DutyStatus.PENDING
    assert CoverageTarget.objects.get(
        measure=Measure.ORGANIZATIONS, organization__code="1311"
    ).done_on  # across the guidance edge


def test_a28_a_group_counts_the_members_of_its_branches_and_the_number_may_be_typed(cast, derived):
    assert snapshots.member_count(cast.org["13"], ON) == 7
    record = records.open_draft(derived(rule_code="5A", target_org__code="13").get(), by=cast.user["root_head"])
    record = records.save_draft(record, full_draft(record, member_count=70), by=cast.user["root_head"])
    assert record.member_count == 70


def test_a29_a_bureau_led_by_a_committee_is_a_bureau(cast, derived):
    Organization.objects.filter(code="13").update(org_type="committee")
    assert {rule for rule, _, _ in said(derived(about_org__code="13", subject__in=["org", "head"]))} == {"5A"}
    assert derived(rule_code="2A", reviewer_org__code="13").exists()
    assert derived(rule_code="2C", reviewer_org__code="13").exists()


def test_a30_the_first_half_year_is_a_general_round(cast, derived, period):
    Organization.objects.filter(code="132").update(founded_on=day("2010-12-01"))
    assert period.is_general_round
    duty = derived(rule_code="2A", target_org__code="132").get()
    assert duty.due_on == day("2010-12-31")


def test_a31_one_event_serves_the_organisation_and_its_head_with_two_texts(cast, derived):
    rows = derived(rule_code="2A", about_org__code="132")
    assert {duty.subject for duty in rows} == {Subject.ORG, Subject.HEAD}
    of_org = records.open_draft(rows.get(subject=Subject.ORG), by=cast.user["bureau_head"])
    of_org = records.save_draft(of_org, full_draft(of_org), by=cast.user["bureau_head"])
    of_head = records.open_draft(rows.get(subject=Subject.HEAD), by=cast.user["bureau_head"])
    of_head = records.save_draft(of_head, carry_over(of_org, of_head), by=cast.user["bureau_head"])
    assert (of_org.kind, of_head.kind) == ("team", "team_head")
    assert of_head.review.held_on == of_org.review.held_on
    assert of_head.achievements == ""


def test_a32_members_may_be_reviewed_each_half_year(cast):
    spring = duties.ensure_period("2011H1")
    duties.regenerate(spring)
    assert not Duty.objects.filter(period=spring, rule_code="4").exists()
    Rule.objects.filter(code="4").update(cadence="half_year")
    duties.regenerate(spring)
    assert Duty.objects.filter(period=spring, rule_code="4", target_person=cast.person["member"]).exists()


def test_a33_a_committee_of_a_bureaus_own_unit_falls_under_2b_only(cast, derived):
    builders.make_org("133", "党委", "直属单位", cast.org["13"])
    assert said(derived(target_org__code="133")) == {("2B", "13", "133")}


def test_a34_inside_a_bureaus_own_unit_the_principle_holds_and_no_team_is_named(cast, derived):
    unit = builders.make_org("133", "党委", "直属单位", cast.org["13"])
    inner = builders.make_org("1331", "党支部", "直属单位", unit)
    builders.make_head(unit, inner)
    builders.make_post(builders.make_person("委员", inner), unit, "委员")
    assert said(derived(target_org=inner)) == {("0", "133", "1331")}
    assert not derived(reviewer_org=unit, subject=Subject.TEAM_MEMBER).exists()


def test_a35_a_department_with_a_committee_falls_under_1b_and_its_branches_to_the_principle(cast, derived):
    department = builders.make_org("112", "党委", "总局机关", cast.org["11"])
    builders.make_org("1121", "党支部", "总局机关内设", department)
    assert said(derived(target_org=department)) == {("1B", "1", "112"), ("1B", "11", "112")}
    assert said(derived(target_org__code="1121")) == {("0", "112", "1121")}
    assert not derived(rule_code="1B", target_org__code="11").exists()


def test_a36_all_leaders_are_on_the_roster_and_an_ad_hoc_review_is_taking_part(cast, derived, period):
    derived()
    roster = CoverageTarget.objects.filter(period=period, measure=Measure.LEADERS)
    plain = {"member", "lower_member"}
    assert {target.person.number for target in roster} == {f"N-{part}" for part in cast.person.keys() - plain}
    record = records.open_ad_hoc(
        period=period, reviewer_org=cast.org["12"], reviewer=cast.person["unit_deputy"], target_org=cast.org["121"],
        about_org=cast.org["121"], by=cast.user["unit_deputy"],
    )  # fmt: skip
    records.confirm(record, full_draft(record), by=cast.user["unit_deputy"])
    assert [target.person for target in roster.filter(done_on__isnull=False)] == [cast.person["unit_deputy"]]


def test_every_case_has_its_test():
    numbers = {name[6:8] for name in globals() if name.startswith("test_a") and name[6:8].isdigit()}
    assert numbers == {f"{number:02d}" for number in range(1, 37)}
