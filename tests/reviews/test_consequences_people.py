"""Changes of people: what they do to duties and figures (A18 to A22), told before, exactly so done."""

from __future__ import annotations

import datetime
import random

import pytest

from orgs import foreseeing, personnel, reorganizing
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.foreseeing import Plan
from orgs.models import Charge, Membership, Organization, Person, Post
from reports import coverage
from reviews import duties, records
from reviews.models import CoverageTarget, Duty, DutyStatus, Measure
from tests import builders
from tests.reviews.record_cases import full_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]

DAY = builders.day("2010-11-01")
LATE = builders.day("2010-12-05")
WHY = {"reason": "工作调动", "by": None}


@pytest.fixture
def sister(cast):
    org = builders.make_org("1312", "党支部", "机关内设机构", cast.org["131"], name="通关处党支部")
    builders.make_head(org, org, "通关书记")
    return org


@pytest.fixture
def period(cast, sister):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made)
    return made


def transferring(person: Person, to: Organization | None, on: datetime.date = DAY) -> Plan:
    return Plan(
        Change(ChangeKind.TRANSFER, None, on, to, (person.pk,)),
        lambda: personnel.transfer([person], to=to, on=on, **WHY),
    )


def removing(post: Post, on: datetime.date = DAY) -> Plan:
    return Plan(
        Change(ChangeKind.REMOVE, post.organization, on, persons=(post.person_id,)),
        lambda: personnel.remove(post, on=on, **WHY),
    )


def appointing(person: Person, org: Organization, role: str, *, acting=False, on: datetime.date = DAY) -> Plan:
    return Plan(
        Change(ChangeKind.APPOINT, org, on, persons=(person.pk,)),
        lambda: personnel.appoint(person, org, role, is_acting=acting, on=on, **WHY),
    )


def done(plan: Plan) -> list[str]:
    """Seen, and then done exactly so."""
    return foreseeing.carry_out(plan, seen=foreseeing.foresee(plan))


def of_member(cast) -> Duty:
    return Duty.objects.get(rule_code="4", target_person=cast.person["member"])


# --- A18: 书记空缺 ---------------------------------------------------------------------------------------------


def test_a18_a_vacant_secretary_leaves_the_duty_on_the_post_with_nobody_to_do_it(period, cast):
    told = done(removing(cast.person["secretary"].posts.get()))
    assert any("不再有负责人" in line for line in told)
    assert any("暂时没有点评人" in line for line in told)
    duty = of_member(cast)
    assert (duty.reviewer_org.code, duty.reviewer, duty.acting, duty.status) == ("1311", None, None, DutyStatus.PENDING)
    # Towards him as head nothing is due any more; his branch stays due.
    assert not Duty.objects.filter(subject="head", about_org__code="1311").exists()
    assert Duty.objects.filter(subject="org", target_org__code="1311").exists()


def test_a18_who_is_acting_head_takes_over(period, cast):
    done(removing(cast.person["secretary"].posts.get()))
    told = done(appointing(cast.person["member"], cast.org["1311"], "deputy", acting=True))
    assert "“天津局检务处党支部”的负责人变为检务处党员（主持工作）。" in told
    others = Duty.objects.filter(rule_code="4", reviewer_org__code="1311")
    assert {duty.acting for duty in others} == {cast.person["member"]}
    assert not others.filter(target_person=cast.person["member"]).exists()


# --- A19: 组织关系转移 ------------------------------------------------------------------------------------------


def test_a19_open_duties_follow_to_the_new_branchs_secretary(period, cast, sister):
    told = done(transferring(cast.person["member"], sister))
    assert told[0] == "检务处党员自 2010-11-01 起由“天津局检务处党支部”转入“通关处党支部”。"
    assert "1 名党员的任务将由“通关处党支部”书记承担。" in told
    duty = of_member(cast)
    assert (duty.reviewer_org, duty.acting.name) == (sister, "通关书记")
    assert coverage.prove() == []


def test_a19_a_completed_review_counts_wherever_he_goes(period, cast, sister):
    record = records.open_draft(of_member(cast), by=cast.user["secretary"])
    records.confirm(record, full_draft(record), by=cast.user["secretary"])
    told = done(transferring(cast.person["member"], sister, LATE))
    assert "1 项本期已经点评，不用再次点评。" in told
    target = CoverageTarget.objects.get(measure=Measure.MEMBERS, person=cast.person["member"])
    assert (target.organization, target.done_on is not None) == (sister, True)
    of_him = Duty.objects.filter(rule_code="4", target_person=cast.person["member"])
    assert {(duty.reviewer_org.code, duty.status) for duty in of_him} == {("1311", "done"), ("1312", "done")}
    record.refresh_from_db()
    assert record.about_org.code == "1311"
    assert coverage.prove() == []
    records.void(record, reason="填错", by=cast.user["clerk"])
    assert of_him.open().filter(reviewer_org=sister).exists()  # then the new branch owes it


@pytest.mark.parametrize(("day", "is_late"), [("2010-12-01", False), ("2010-12-02", True), ("2010-12-10", True)])
def test_a19_less_than_thirty_days_before_the_end_is_flagged(period, cast, sister, day, is_late):
    told = foreseeing.foresee(transferring(cast.person["member"], sister, builders.day(day)))
    assert any("不到 30 天" in line for line in told) == is_late


def test_a19_a_day_before_the_period_leaves_what_is_over_alone(period, cast, sister):
    before = duties.ensure_period("2010H1")
    told = done(transferring(cast.person["member"], sister, builders.day("2010-06-01")))
    assert any("生效日期早于2010年下半年" in line for line in told)
    before.refresh_from_db()
    assert before.derived_at is None


# --- A20: the reviewer goes --------------------------------------------------------------------------------------


def test_a20_the_successor_gets_the_open_duties_and_done_ones_keep_their_name(period, cast):
    record = records.open_draft(of_member(cast), by=cast.user["secretary"])
    records.confirm(record, full_draft(record), by=cast.user["secretary"])
    open_before = Duty.objects.filter(rule_code="4", reviewer_org__code="1311", status=DutyStatus.PENDING).count()
    assert open_before == 2
    done(removing(cast.person["secretary"].posts.get()))
    successor = builders.make_person("继任书记", cast.org["1311"])
    told = done(appointing(successor, cast.org["1311"], "secretary"))
    assert any("项任务将换点评人" in line for line in told)
    passed = Duty.objects.filter(rule_code="4", reviewer_org__code="1311", status=DutyStatus.PENDING)
    assert set(passed.values_list("acting__name", flat=True)) == {"继任书记"}
    record.refresh_from_db()
    assert record.review.reviewer == cast.person["secretary"]
    assert of_member(cast).acting == cast.person["secretary"]


def test_a20_division_of_work_decides_who_carries_out_the_teams_duty(period, cast):
    org, team = cast.org["1311"], cast.org["13"]
    charge = Charge.objects.get(organization=org)
    duty = Duty.objects.filter(reviewer_org=team, target_org=cast.org["131"]).first()
    ending = Plan(
        Change(ChangeKind.DIVISION, team, DAY, org, (charge.person_id,)),
        lambda: personnel.end_charge(charge, on=DAY, **WHY),
    )
    assert any("不再主管“天津局检务处党支部”" in line for line in done(ending))
    head = cast.person["bureau_head"]
    starting = Plan(
        Change(ChangeKind.DIVISION, team, DAY, cast.org["132"], (cast.person["member_in_charge"].pk,)),
        lambda: personnel.put_in_charge(
            cast.person["member_in_charge"], team, cast.org["132"], kind="lead", on=DAY, **WHY
        ),
    )
    told = done(starting)
    assert "天津局分管成员自 2010-11-01 起主管“塘沽检验检疫局党组”。" in told
    passing = Plan(
        Change(ChangeKind.DIVISION, team, DAY, persons=(cast.person["member_in_charge"].pk, head.pk)),
        lambda: personnel.hand_over(cast.person["member_in_charge"], team, to=head, on=DAY, **WHY),
    )
    assert "天津局书记自 2010-11-01 起主管“塘沽检验检疫局党组”。" in done(passing)
    assert duty is not None
    assert duties.preview(period).total.added == duties.preview(period).total.withdrawn == 0


# --- A21: 合并, 撤销 ---------------------------------------------------------------------------------------------


def test_a21_duties_of_a_merged_branchs_members_go_to_the_receiving_one(period, cast, sister):
    org = Organization.objects.get(code="1311")
    merging = Plan(
        Change(ChangeKind.MERGE, org, DAY, sister), lambda: reorganizing.merge(org, into=sister, on=DAY, **WHY)
    )
    done(merging)
    assert of_member(cast).reviewer_org == sister
    assert not Duty.objects.filter(reviewer_org=org).exists()


def test_a21_what_is_dissolved_is_not_due_any_more(period, cast, sister):
    org = Organization.objects.get(code="1321")
    assert Duty.objects.filter(target_org=org).exists()
    dissolving = Plan(
        Change(ChangeKind.DISSOLVE, org, DAY, sister), lambda: reorganizing.dissolve(org, to=sister, on=DAY, **WHY)
    )
    told = done(dissolving)
    assert any("应点评党组织减少 1 个" in line for line in told)
    assert not Duty.objects.filter(target_org=org).exists()
    assert not CoverageTarget.objects.filter(organization=org).exists()


# --- A22: new organisations ----------------------------------------------------------------------------------------


def splitting(cast, on: datetime.date, members: list[Person]) -> Plan:
    org = Organization.objects.get(code="1311")
    facts = {"code": "1319", "name": "检务二处党支部"}
    return Plan(
        Change(ChangeKind.SPLIT, org, on, Organization(**facts), tuple(person.pk for person in members)),
        lambda: reorganizing.split(org, members=members, on=on, **facts, **WHY),
    )


def test_a22_a_new_organisation_is_not_due_before_three_months_its_members_are(cast, sister, settings):
    settings.TODAY = "2011-11-20"
    made = duties.ensure_period("2011H2")
    duties.regenerate(made)
    told = done(splitting(cast, builders.day("2011-11-10"), [cast.person["member"], cast.person["bureau_head"]]))
    assert "由“天津局检务处党支部”分设“检务二处党支部”，自 2011-11-10 起成立。" in told
    assert "2 名党员自 2011-11-10 起转入“检务二处党支部”。" in told
    assert not Duty.objects.filter(period=made, target_org__code="1319").exists()
    assert of_member(cast).reviewer_org.code == "1319"


def test_a22_the_general_round_asks_for_it_all_the_same(period, cast):
    done(splitting(cast, DAY, [cast.person["member"]]))
    assert Duty.objects.filter(period=period, target_org__code="1319").exists()
    assert of_member(cast).reviewer_org.code == "1319"
    assert of_member(cast).acting is None


# --- told and done, at random ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_what_is_told_is_what_happens_for_changes_at_random(period, cast, sister, seed):
    """Whatever comes after whatever: refused by both, or told and done alike; duties and figures stay in line."""
    dice = random.Random(seed)
    made = 0
    for serial in range(12):
        plan = _any_plan(dice, f"{seed}{serial}")
        try:
            told = foreseeing.foresee(plan)
        except DomainError as refused:
            with pytest.raises(type(refused)):
                plan.do()
            continue
        assert foreseeing.carry_out(plan, seen=told) == told
        made += 1
    assert made >= 3
    assert duties.preview(period).total.added == duties.preview(period).total.withdrawn == 0
    assert coverage.prove() == []
    assert Membership.objects.filter(to_on__isnull=True).count() <= Person.objects.count()


def _any_plan(dice: random.Random, serial: str) -> Plan:
    on = builders.day(dice.choice(["2010-10-01", "2010-11-01", "2010-12-01", "2010-12-10"]))
    orgs = list(Organization.objects.order_by("code"))
    org, other = dice.choice(orgs), dice.choice(orgs)
    branches = [one for one in orgs if one.is_branch]
    branch = dice.choice(branches)
    person = dice.choice(list(Person.objects.order_by("number")))
    post = dice.choice(list(Post.objects.order_by("pk")))
    match dice.randrange(9):
        case 0:
            return transferring(person, branch, on)
        case 1:
            return removing(post, on)
        case 2:
            return appointing(person, org, dice.choice(["secretary", "deputy", "member"]), on=on)
        case 3:
            return Plan(
                Change(ChangeKind.DIVISION, org, on, other, (person.pk,)),
                lambda: personnel.put_in_charge(person, org, other, kind="lead", on=on, **WHY),
            )
        case 4:
            return Plan(
                Change(ChangeKind.MOVE, org, on, other), lambda: reorganizing.move(org, under=other, on=on, **WHY)
            )
        case 5:
            return Plan(
                Change(ChangeKind.MERGE, org, on, other), lambda: reorganizing.merge(org, into=other, on=on, **WHY)
            )
        case 6:
            return Plan(
                Change(ChangeKind.DISSOLVE, branch, on, dice.choice(branches)),
                lambda: reorganizing.dissolve(branch, to=branches[0], on=on, **WHY),
            )
        case 7:
            name = f"新{serial}"
            return Plan(Change(ChangeKind.RENAME, org, on), lambda: reorganizing.rename(org, name=name, on=on, **WHY))
        case _:
            members = list(Person.objects.filter(memberships__branch=branch, memberships__to_on__isnull=True)[:1])
            facts = {"code": f"S{serial}", "name": f"分设{serial}"}
            return Plan(
                Change(ChangeKind.SPLIT, branch, on, Organization(**facts), tuple(one.pk for one in members)),
                lambda: reorganizing.split(branch, members=members, on=on, **facts, **WHY),
            )
