"""What the day alone changes is followed once a day; what is set aside neither comes nor goes."""

import datetime

import pytest
from django.core.management import call_command

from orgs.errors import Forbidden
from orgs.models import Membership, Post, Scheme
from reports import coverage
from reviews import daily, duties, ended, generation, rounds, set_aside
from reviews.derive import Derivation
from reviews.models import CoverageTarget, Duty, Generation, GenerationLine, GenerationState, Measure, Rule
from tests.builders import make_round

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def period(cast):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made)
    made.refresh_from_db()
    return made


def end_membership(cast):
    """Past every verb: only the day tells it."""
    Membership.objects.filter(person=cast.person["member"]).update(to_on=datetime.date(2010, 12, 10))


def test_the_day_is_followed_once(period, cast, capsys):
    end_membership(cast)
    call_command("follow_duties")
    assert "撤回 1" in capsys.readouterr().out
    assert not Duty.objects.filter(rule_code="4", target_person=cast.person["member"]).exists()
    line = GenerationLine.objects.get()
    assert (line.is_added, line.ended) == (False, "检务处党员已不在任何支部。")
    daily.follow()
    assert Generation.objects.count() == 1


def test_a_round_is_looked_at_too_until_it_is_closed(period, cast):
    made = make_round()
    duties.regenerate(made)
    assert {look.period for look in daily.follow()} == {period, made}
    Generation.objects.all().delete()
    rounds.close(made, by=None)
    assert [look.period for look in daily.follow()] == [period]


def test_in_a_round_a_yearly_duty_ends_for_its_own_reason(period, cast):
    made = make_round(first="2011-01-01", last="2011-05-31", code="CJ2011", name="春季点评")
    Rule.objects.filter(code="4").update(cadence="year")
    duties.regenerate(made, on=datetime.date(2011, 1, 5))
    gone = Duty.objects.get(period=made, rule_code="4", target_person=cast.person["member"])
    end_membership(cast)
    said = ended.sentences(gone.rule, [gone.pk], Derivation(made, datetime.date(2011, 1, 5)))
    assert said == {gone.pk: "检务处党员已不在任何支部。"}


def test_a_scheme_may_only_announce_it(period, cast):
    Scheme.objects.update(adjusts_daily=False)
    end_membership(cast)
    (look,) = daily.follow()
    assert look.state == GenerationState.PREVIEWED
    assert daily.differs(look)
    assert Duty.objects.filter(rule_code="4", target_person=cast.person["member"]).exists()


def test_who_counts_without_a_duty_follows_the_day_even_where_duties_wait(period, cast):
    Scheme.objects.update(adjusts_daily=False)
    head = cast.person["member"]
    Post.objects.create(person=head, organization=cast.org["131"], role="deputy", from_on=datetime.date(2010, 12, 10))
    leaders = CoverageTarget.objects.filter(period=period, measure=Measure.LEADERS, person=head)
    assert not leaders.exists()
    (look,) = daily.follow()
    assert look.state == GenerationState.APPLIED
    assert leaders.get().organization == cast.org["131"]
    assert coverage.prove(period) == []


def test_what_is_set_aside_is_respected_until_it_is_taken_back(period, cast):
    mine = Duty.objects.filter(rule_code="4", target_person=cast.person["member"])
    end_membership(cast)
    begun = generation.start(period, by=cast.user["admin"])
    assert begun.state == GenerationState.PREVIEWED
    made = set_aside.set_aside(begun.lines.get(), reason="正在核实", by=cast.user["admin"])
    assert generation.confirm(begun, by=cast.user["admin"]).state == GenerationState.APPLIED
    assert generation.total(begun.done).aside == 1
    assert mine.exists()
    set_aside.take_back(made, by=cast.user["admin"])
    assert duties.regenerate(period).total.withdrawn == 1
    assert not mine.exists()


def test_a_new_duty_that_is_set_aside_is_not_made(period, cast):
    Duty.objects.filter(rule_code="4", target_person=cast.person["member"]).delete()
    begun = generation.start(period, by=cast.user["admin"])
    set_aside.set_aside(begun.lines.get(), reason="病休", by=cast.user["admin"])
    assert duties.regenerate(period).total.added == 0
    assert duties.preview(period).total.aside == 1


def test_only_administrators(period, cast):
    with pytest.raises(Forbidden):
        generation.start(period, by=cast.user["clerk"])
