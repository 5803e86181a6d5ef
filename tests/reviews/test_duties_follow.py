"""What happens to duties when posts change hands: one duty stays one, and a substitute stands in only while he may."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from orgs import people, tree
from reviews import duties, duty_csv, overview, records
from reviews.models import Duty, DutyStatus, Rule, RuleSelector
from tests import builders
from tests.reviews.record_cases import full_draft

pytestmark = pytest.mark.django_db
ON = datetime.date(2010, 12, 10)
LEFT = datetime.date(2010, 11, 1)


@pytest.fixture
def period(cast):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made, on=ON)
    return made


def rows(period, **where):
    return Duty.objects.filter(period=period, **where)


def end_post(person, org):
    people.remove(person.posts.get(organization=org), on=LEFT, by=None)


def two_teams_with_one_secretary(cast):
    """The 书记 of 天津局 heads 塘沽局 too; one person is a member of both teams."""
    end_post(cast.person["lower_head"], cast.org["132"])
    builders.make_post(cast.person["bureau_head"], cast.org["132"], "书记", from_on=LEFT)
    both = builders.make_person("两边成员", cast.org["1321"])
    builders.make_post(both, cast.org["13"], "成员")
    builders.make_post(both, cast.org["132"], "成员")
    return both


def test_a_member_of_two_teams_of_one_secretary_is_one_duty_that_names_both(period, cast):
    both = two_teams_with_one_secretary(cast)
    duties.regenerate(period, on=ON)
    duty = rows(period, rule_code="2C", target_person=both).get()
    assert duty.reviewer_org == cast.org["13"]
    assert [reason["org"] for reason in duty.reasons] == ["13", "132"]
    assert sum("班子成员" in line for line in duties.explain(duty).lines) == 2


@pytest.mark.parametrize("is_done", [False, True])
def test_it_stays_one_when_the_first_of_the_posts_ends(period, cast, is_done):
    both = two_teams_with_one_secretary(cast)
    duties.regenerate(period, on=ON)
    duty = rows(period, rule_code="2C", target_person=both).get()
    if is_done:
        record = records.open_draft(duty, by=cast.user["bureau_head"])
        records.confirm(record, full_draft(record), by=cast.user["bureau_head"])
    end_post(both, cast.org["13"])
    plan = duties.regenerate(period, on=ON)
    again = duties.regenerate(period, on=ON)
    assert (plan.counts["2C"].added, plan.counts["2C"].withdrawn) == (0, 0)
    assert again.counts["2C"] == replace(plan.counts["2C"], changed=0)
    kept = rows(period, rule_code="2C", target_person=both).get()
    assert (kept.pk, kept.status) == (duty.pk, DutyStatus.DONE if is_done else DutyStatus.PENDING)
    # What was done keeps the organisation in whose name it was done; what is open goes with the post.
    assert kept.reviewer_org == (cast.org["13"] if is_done else cast.org["132"])


def test_two_vacant_posts_are_two_duties_since_two_may_fill_them(period, cast):
    both = two_teams_with_one_secretary(cast)
    end_post(cast.person["bureau_head"], cast.org["13"])
    people.remove(
        cast.person["bureau_head"].posts.get(organization=cast.org["132"]), on=datetime.date(2010, 11, 2), by=None
    )
    duties.regenerate(period, on=ON)
    waiting = rows(period, rule_code="2C", target_person=both)
    assert {(duty.reviewer_org.code, duty.reviewer) for duty in waiting} == {("13", None), ("132", None)}
    lines = [row for row in duty_csv.rows(period) if row[0] == "2C" and row[5] == both.number]
    assert len(lines) == 1, "the file has one line for each rule, reviewer (nobody yet) and target"


def substitute(period, cast):
    """The branch's post is vacant, and a leader of the bureau stands in for it."""
    end_post(cast.person["secretary"], cast.org["1311"])
    duties.regenerate(period, on=ON)
    duty = rows(period, rule_code="4", target_person=cast.person["member"]).get()
    return duties.reassign(duty, acting=cast.person["member_in_charge"], reason="病假", by=cast.user["clerk"])


def test_the_new_secretary_takes_over_from_the_substitute(period, cast):
    duty = substitute(period, cast)
    people.appoint(cast.person["lower_head"], cast.org["1311"], "secretary", from_on=ON, by=None)
    duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert (duty.reviewer, duty.acting) == (cast.person["lower_head"], cast.person["lower_head"])
    assert not duty.is_assigned


def test_who_left_the_team_is_its_acting_person_no_more(period, cast):
    duty = rows(period, rule_code="2B", target_org=cast.org["1311"]).get()
    duties.reassign(duty, acting=cast.person["bureau_head"], reason="病假", by=cast.user["clerk"])
    duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert duty.acting == cast.person["bureau_head"]
    end_post(cast.person["bureau_head"], cast.org["13"])
    duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert (duty.acting, duty.is_assigned) == (cast.person["member_in_charge"], False)


def test_who_comes_to_head_the_target_acts_towards_it_no_more(period, cast):
    duty = rows(period, rule_code="2B", target_org=cast.org["1311"]).get()
    duties.reassign(duty, acting=cast.person["bureau_head"], reason="病假", by=cast.user["clerk"])
    end_post(cast.person["secretary"], cast.org["1311"])
    builders.make_post(cast.person["bureau_head"], cast.org["1311"], "书记", from_on=ON)
    duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert duty.acting == cast.person["member_in_charge"]


def test_nobody_may_be_assigned_to_review_what_he_heads(period, cast):
    builders.make_post(cast.person["secretary"], cast.org["13"], "成员")
    duty = rows(period, rule_code="2B", target_org=cast.org["1311"]).get()
    with pytest.raises(duties.DutyRefused, match="负责人"):
        duties.reassign(duty, acting=cast.person["secretary"], reason="病假", by=cast.user["clerk"])


def test_a_secretary_who_heads_the_unit_below_leaves_it_to_his_team(period, cast):
    end_post(cast.person["unit_secretary"], cast.org["121"])
    builders.make_post(cast.person["unit_head"], cast.org["121"], "书记", from_on=ON)
    duties.regenerate(period, on=ON)
    duty = rows(period, rule_code="3A").get()
    assert (duty.reviewer_kind, duty.target_org, duty.acting) == ("org", cast.org["121"], cast.person["unit_deputy"])
    assert any("同时是" in line for line in duties.explain(duty).lines)


def test_an_exempt_duty_stays_exempt_and_goes_when_nothing_asks_for_it(period, cast):
    duty = rows(period, rule_code="4", target_person=cast.person["member"]).get()
    duties.exempt(duty, reason="长期病休", approved_by="王书记", by=cast.user["clerk"])
    duties.regenerate(period, on=ON)
    duty.refresh_from_db()
    assert duty.status == DutyStatus.EXEMPT
    people.transfer(cast.person["member"], to=None, on=LEFT, by=None)
    duties.regenerate(period, on=ON)
    assert not rows(period, pk=duty.pk).exists()


def test_what_is_assigned_by_hand_is_never_withdrawn(period, cast):
    duty = Duty.objects.create(
        period=period, rule_code="X", reviewer_kind="org", reviewer_org=cast.org["13"], acting=cast.person["bureau_head"],
        subject="org", target_org=cast.org["1321"], about_org=cast.org["1321"], basis="assigned", due_on=period.due_on,
    )  # fmt: skip
    plan = duties.regenerate(period, on=ON)
    assert rows(period, pk=duty.pk).exists()
    assert "X" not in plan.counts
    assert duties.explain(duty).lines == ["由“天津检验检疫局党组”指派。"]


def test_a_review_of_a_head_is_not_one_of_a_team_member(cast):
    """Held in spring by the same 书记 of the same person, but as head of the branch: the year's duty stays open."""
    spring = duties.ensure_period("2010H1")
    duties.regenerate(spring, on=datetime.date(2010, 6, 1))
    duty = rows(spring, rule_code="2A", target_person=cast.person["lower_head"]).get()
    record = records.open_draft(duty, by=cast.user["bureau_head"])
    records.confirm(record, full_draft(record, held_on=datetime.date(2010, 5, 1)), by=cast.user["bureau_head"])
    builders.make_post(cast.person["lower_head"], cast.org["13"], "成员", from_on=LEFT)
    autumn = duties.ensure_period("2010H2")
    duties.regenerate(autumn, on=ON)
    assert rows(autumn, rule_code="2C", target_person=cast.person["lower_head"]).get().status == DutyStatus.PENDING


def test_what_hangs_by_guidance_only_and_no_rule_names_is_shown(period, cast):
    builders.make_org("14", "党总支", "直属检验检疫局", cast.org["1"], guidance=True)
    plan = duties.regenerate(period, on=ON)
    assert plan.total.added == 0
    assert [org.code for org in overview.unnamed(period, ON)] == ["14"]
    tree.dissolve(overview.unnamed(period, ON).get(), on=LEFT, by=None)
    assert not overview.unnamed(period, ON).exists()


def test_every_side_of_a_shipped_rule_that_names_a_category_has_it():
    """A category spelt otherwise than in the scheme would mean any."""
    wide = RuleSelector.objects.filter(category=None)
    assert [(selector.rule.code, selector.side, selector.org_type) for selector in wide] == [
        ("4", "reviewer", "branch")
    ]
    assert {rule.code for rule in Rule.objects.exclude(joint="none")} == {"1B"}
    assert {rule.code for rule in Rule.objects.filter(targets_head=False, targets_org=True)} == {"5B"}
    assert {rule.code for rule in Rule.objects.filter(cadence="year")} == {"2C", "3B", "4"}
