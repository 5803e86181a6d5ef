"""Rounds: made and closed, their targets, and one review that serves the half-year and the round (R40, T11, A22, A32)."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from orgs import personnel
from orgs.errors import Forbidden
from orgs.models import AuditEvent
from reports import coverage as totals
from reviews import assignments, coverage, duties, duty_csv, explaining, gaps, records, rounds
from reviews.models import CoverageTarget, Duty, DutyStatus, Measure, Period, Rule, Subject
from tests import builders
from tests.builders import day
from tests.reviews.record_cases import full_draft

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
ON = day("2010-12-10")


@pytest.fixture
def half(cast):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made, on=ON)
    return made


@pytest.fixture
def general(cast):
    made = builders.make_round()
    duties.regenerate(made, on=ON)
    return made


def draft(**changes):
    said = {
        "code": "ND2010", "name": "年底普遍点评", "starts_on": day("2010-11-01"), "ends_on": day("2010-12-31"), **changes,
    }  # fmt: skip
    return rounds.RoundDraft(**said)


def identity(period):
    """Duties by what they say."""
    rows = Duty.objects.filter(period=period)
    names = (
        "rule_code",
        "reviewer_org__code",
        "reviewer__number",
        "acting__number",
        "subject",
        "target_org__code",
        "target_person__number",
    )
    return sorted(rows.values_list(*names), key=repr)


def duty_of(period, cast, part="member", code="4"):
    return Duty.objects.get(period=period, rule_code=code, target_person=cast.person[part])


def held(duty, cast, part="secretary", on="2010-12-08"):
    """The duty's record, held that day and confirmed."""
    record = records.open_draft(duty, by=cast.user[part])
    return records.confirm(record, full_draft(record, held_on=day(on)), by=cast.user[part])


def status(period, cast, part="member", code="4"):
    return duty_of(period, cast, part, code).status


def covered(period, measure=Measure.MEMBERS):
    rows = CoverageTarget.objects.filter(period=period, measure=measure, done_on__isnull=False)
    return set(rows.values_list("person__number", flat=True))


# --- made, changed, closed ---------------------------------------------------------------------------------------


def test_a_round_is_made_with_its_trail(cast):
    made = rounds.save(None, draft(code="ｎｄ2010", subjects=("member",)), by=cast.user["admin"])
    assert (made.code, made.name, made.is_round, made.due_on) == ("ND2010", "年底普遍点评", True, day("2010-12-31"))
    event = AuditEvent.objects.get(verb="建立轮次")
    assert (event.by, event.object_id) == (cast.user["admin"], made.pk)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"code": "2010H2"}, "code", "像是半年"),
        ({"code": "2010h3"}, "code", "像是半年"),
        ({"code": "年底"}, "code", "字母或数字"),
        ({"code": "A/B"}, "code", "字母或数字"),
        ({"code": ""}, "code", "字母或数字"),
        ({"code": "TAKEN"}, "code", "已经用于"),
        ({"code": "taken"}, "code", "已经用于"),
        ({"name": " "}, "name", "请填写名称"),
        ({"name": "已有的一轮"}, "name", "换一个名称"),
        ({"ends_on": day("2010-10-31")}, "ends_on", "早于开始日期"),
        ({"ends_on": day("2014-10-31")}, "ends_on", "两年"),
        ({"categories": ("总局机关",), "org_types": ("general_branch",)}, "below", "一个组织也没有"),
        ({"rule_codes": ("4",), "subjects": ("org",)}, "subjects", "不会有任务"),
        ({"rule_codes": ("99",)}, "rule_codes", "不在选项里"),
        ({"org_types": ("x",)}, "org_types", "不在选项里"),
    ],
)
def test_a_round_that_cannot_be_is_refused_beside_its_field(cast, changes, field, words):
    builders.make_round("TAKEN", "已有的一轮")
    with pytest.raises(rounds.BadRound) as refused:
        rounds.save(None, draft(**changes), by=None)
    assert words in next(problem.message for problem in refused.value.problems if problem.field == field)
    assert Period.objects.count() == 1


def test_it_is_changed_until_it_is_generated(cast):
    made = rounds.save(None, draft(), by=None)
    rounds.save(made, draft(ends_on=day("2011-01-31")), by=cast.user["admin"])
    event = AuditEvent.objects.get(verb="修改轮次")
    assert (event.before, event.after) == ({"ends_on": "2010-12-31"}, {"ends_on": "2011-01-31"})
    duties.regenerate(made)
    with pytest.raises(rounds.RoundRefused, match="已经生成任务"):
        rounds.save(made, draft(), by=None)


def test_only_administrators(cast):
    with pytest.raises(Forbidden):
        rounds.save(None, draft(), by=cast.user["root_clerk"])
    with pytest.raises(Forbidden):
        rounds.close(builders.make_round(), by=cast.user["root_clerk"])


def test_a_closed_round_is_not_generated_nor_followed(half, general, cast):
    rounds.close(general, by=cast.user["admin"])
    before = identity(general)
    with pytest.raises(duties.DutyRefused, match="已经结束"):
        duties.regenerate(general)
    personnel.transfer([cast.person["member"]], to=cast.org["111"], on=ON, reason="调动", by=None)
    assert identity(general) == before
    assert identity(half) != before
    assert rounds.close(general, by=cast.user["admin"]).closed_at is not None
    assert AuditEvent.objects.filter(verb="结束轮次").count() == 1


def test_a_half_year_and_what_was_not_generated_are_not_closed(half):
    for period in (half, builders.make_round()):
        with pytest.raises(rounds.RoundRefused):
            rounds.close(period, by=None)


def test_the_half_year_stays_the_period_of_the_day(half, general):
    assert Period.objects.current(ON) == half
    assert Period.objects.current(day("2011-02-01")) == half


# --- its targets ----------------------------------------------------------------------------------------------------


def test_a_round_of_all_has_the_duties_of_a_second_half_year(half, general):
    assert identity(general) == identity(half)


def test_a_round_in_the_first_half_takes_members_too(cast):
    spring = builders.make_round("CH2011", "春季点评", "2011-03-01", "2011-05-31")
    duties.regenerate(spring, on=day("2011-04-01"))
    assert Duty.objects.filter(period=spring, rule_code="4").exists()


@pytest.mark.parametrize(
    ("choices", "belongs"),
    [
        ({"subjects": ("member",)}, lambda duty: duty.subject == Subject.MEMBER),
        ({"subjects": ("head", "org")}, lambda duty: duty.subject in (Subject.HEAD, Subject.ORG)),
        ({"org_types": ("branch",)}, lambda duty: duty.about_org.org_type == "branch"),
        ({"categories": ("直属挂靠单位", "分支机构")}, lambda duty: duty.about_org.category.name in ("直属挂靠单位", "分支机构")),
        ({"rule_codes": ("4", "0")}, lambda duty: duty.rule_code in ("4", "0")),
        ({"below": "13"}, lambda duty: duty.about_org.code.startswith("13")),
        ({"below": "13", "subjects": ("member",)}, lambda duty: duty.rule_code == "4" and duty.about_org.code.startswith("13")),
    ],
)  # fmt: skip
def test_a_round_takes_of_the_same_duties_what_its_choices_say(half, cast, choices, belongs):
    choices = {**choices, **({"below": cast.org[choices["below"]]} if "below" in choices else {})}
    some = builders.make_round(**choices)
    duties.regenerate(some, on=ON)
    asked = [duty.pk for duty in Duty.objects.filter(period=half) if belongs(duty)]
    expected = Duty.objects.filter(pk__in=asked)
    assert 0 < len(asked) < Duty.objects.filter(period=half).count()
    names = ("rule_code", "reviewer_org", "acting", "target_org", "target_person")
    assert sorted(expected.values_list(*names), key=repr) == sorted(
        Duty.objects.filter(period=some).values_list(*names), key=repr
    )
    # Due is whom these duties name, and no one else.
    due = CoverageTarget.objects.filter(period=some)
    named = set(expected.values_list("target_person", flat=True)) - {None}
    assert set(due.filter(measure=Measure.MEMBERS).values_list("person", flat=True)) <= named
    orgs = set(expected.values_list("target_org", flat=True)) - {None}
    assert set(due.filter(measure=Measure.ORGANIZATIONS).values_list("organization", flat=True)) == orgs
    assert totals.prove() == []


@pytest.mark.parametrize(("is_general", "is_due"), [(True, True), (False, False)])
def test_a_new_organisation_is_due_in_a_general_round_whatever_its_age(cast, is_general, is_due):
    new = builders.make_org("14", "党委", "直属挂靠单位", cast.org["1"], founded_on=day("2010-11-20"))
    made = builders.make_round(is_general_round=is_general)
    duties.regenerate(made, on=ON)
    assert Duty.objects.filter(period=made, target_org=new).exists() == is_due


# --- one review, two purposes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened_in", ["half", "general"])
def test_a_review_within_both_serves_both_and_voiding_reopens_both(half, general, cast, opened_in):
    record = held(duty_of({"half": half, "general": general}[opened_in], cast), cast)
    assert status(half, cast) == status(general, cast) == DutyStatus.DONE
    assert covered(half) == covered(general) == {"N-member"}
    assert covered(half, Measure.LEADERS) == covered(general, Measure.LEADERS) == {"N-secretary"}
    assert totals.prove() == []
    records.void(record, reason="填错对象", by=cast.user["clerk"])
    assert status(half, cast) == status(general, cast) == DutyStatus.PENDING
    assert covered(half) == covered(general) == set()
    assert totals.prove() == []


def test_a_review_before_the_round_serves_the_half_year_alone(half, general, cast):
    held(duty_of(half, cast), cast, on="2010-10-31")
    assert (status(half, cast), status(general, cast)) == (DutyStatus.DONE, DutyStatus.PENDING)
    assert (covered(half), covered(general)) == ({"N-member"}, set())


def test_a_round_made_after_the_review_finds_it_done(half, cast):
    record = held(duty_of(half, cast), cast)
    made = builders.make_round()
    duties.regenerate(made, on=ON)
    assert status(made, cast) == DutyStatus.DONE
    assert covered(made) == {"N-member"}
    records.void(record, reason="填错对象", by=cast.user["clerk"])
    assert status(half, cast) == status(made, cast) == DutyStatus.PENDING
    assert totals.prove() == []


def test_a_half_year_made_after_the_round_finds_it_done(general, cast):
    held(duty_of(general, cast), cast)
    half = duties.ensure_period("2010H2")
    duties.regenerate(half, on=ON)
    assert status(half, cast) == DutyStatus.DONE
    assert Duty.objects.filter(period=half, status=DutyStatus.DONE).count() == 1


def test_a_round_across_half_years_counts_in_each_its_own_days(cast, settings):
    settings.TODAY = "2011-01-20"
    across = builders.make_round(first="2010-12-01", last="2011-01-31")
    old, new = duties.ensure_period("2010H2"), duties.ensure_period("2011H1")
    for period in (across, old, new):
        duties.regenerate(period)
    bureau = Duty.objects.get(period=across, rule_code="2B", target_org=cast.org["1311"])
    record = records.open_draft(bureau, by=cast.user["member_in_charge"])
    records.confirm(record, full_draft(record, held_on=day("2011-01-10")), by=cast.user["member_in_charge"])
    done = set(Duty.objects.filter(status=DutyStatus.DONE).values_list("period__code", "rule_code"))
    assert done == {("ND2010", "2B"), ("2011H1", "2B")}
    assert totals.prove() == []


def test_an_exempt_duty_stays_exempt(half, general, cast):
    duties.exempt(duty_of(general, cast), reason="长期病休", by=cast.user["clerk"])
    held(duty_of(half, cast), cast)
    assert (status(half, cast), status(general, cast)) == (DutyStatus.DONE, DutyStatus.EXEMPT)


def test_what_was_done_under_another_part_is_not_the_same(half, general, cast):
    """The bureau's review of its member as the branch's head is no review of the branch."""
    held(
        Duty.objects.get(period=half, rule_code="2B", target_person=cast.person["secretary"]), cast, "member_in_charge"
    )
    of_branch = Duty.objects.get(period=general, rule_code="2B", target_org=cast.org["1311"])
    assert of_branch.status == DutyStatus.PENDING
    assert (
        Duty.objects.get(period=general, rule_code="2B", target_person=cast.person["secretary"]).status
        == DutyStatus.DONE
    )


def test_an_assigned_duty_is_one_of_its_own(half, general, cast):
    assignments.assign(
        cast.org["13"], period=half, acting=cast.person["member_in_charge"], target_org=cast.org["1311"],
        about_org=cast.org["1311"], form="on_site", due_on=half.ends_on, by=cast.user["clerk"],
    )  # fmt: skip
    assigned = Duty.objects.get(rule_code="X")
    held(assigned, cast, "member_in_charge")
    assert Duty.objects.get(period=general, rule_code="2B", target_org=cast.org["1311"]).status == DutyStatus.PENDING


def test_a_draft_is_begun_once_whichever_of_the_two_is_opened(half, general, cast):
    first = records.open_draft(duty_of(half, cast), by=cast.user["secretary"])
    assert records.open_draft(duty_of(general, cast), by=cast.user["secretary"]) == first


def test_a_transfer_is_followed_in_both_and_what_is_reviewed_stays_so(half, general, cast):
    held(duty_of(half, cast), cast)
    personnel.transfer([cast.person["member"]], to=cast.org["111"], on=ON, reason="调动", by=None)
    personnel.transfer([cast.person["lower_member"]], to=cast.org["111"], on=ON, reason="调动", by=None)
    for period in (half, general):
        rows = Duty.objects.filter(period=period, rule_code="4", target_person=cast.person["lower_member"])
        assert [duty.reviewer_org.code for duty in rows] == ["111"]
        of_member = Duty.objects.filter(period=period, rule_code="4", target_person=cast.person["member"])
        assert {duty.status for duty in of_member} == {DutyStatus.DONE}
    assert totals.prove() == []


def test_a_round_made_after_a_transfer_asks_the_new_branch_for_no_second_review(half, cast):
    held(duty_of(half, cast), cast)
    personnel.transfer([cast.person["member"]], to=cast.org["111"], on=ON, reason="调动", by=None)
    made = builders.make_round()
    duties.regenerate(made, on=ON)
    duty = Duty.objects.get(period=made, rule_code="4", target_person=cast.person["member"])
    assert (duty.reviewer_org.code, duty.status) == ("111", DutyStatus.DONE)


def test_the_partner_of_a_joint_review_is_settled_in_both(half, general, cast):
    Rule.objects.filter(code="1B").update(joint="any")
    target = {"rule_code": "1B", "target_org": cast.org["12"]}
    duty = Duty.objects.get(period=half, reviewer_org=cast.org["11"], **target)
    held(duty, cast, "organ_head")
    assert set(Duty.objects.filter(**target).values_list("status", flat=True)) == {DutyStatus.DONE}
    assert Duty.objects.filter(**target).count() == 4


def test_why_there_is_no_duty_in_a_narrowed_round_is_said(half, cast):
    some = builders.make_round(below=cast.org["13"], subjects=("member",))
    duties.regenerate(some, on=ON)
    outside = explaining.why_not(None, cast.org["12"], some)
    assert "不在年底普遍点评的范围内（“天津检验检疫局党组”及其以下；只点评党员）" in outside.lines[0].text
    inside = explaining.why_not(None, cast.org["1311"], some)
    assert "只取规则所要求的一部分" in inside.lines[0].text
    assert not any("范围" in line.text for line in explaining.why_not(None, cast.org["12"], half).lines[:1])


@pytest.mark.parametrize("choices", [{}, {"subjects": ("member",)}, {"org_types": ("branch",)}])
def test_gaps_of_a_round_are_those_within_it(cast, choices):
    some = builders.make_round(**choices)
    duties.regenerate(some, on=ON)
    for tally in gaps.tallies(cast.user["admin"], some, ON):
        for row in tally.kind.rows(cast.user["admin"], some, ON):
            assert not (tally.kind.code == "unreached" and "subjects" in choices), row
            assert not (tally.kind.code == "unreached" and row.org_type != "branch" and "org_types" in choices), row


# --- commands, files, figures --------------------------------------------------------------------------------------


def test_the_commands_take_a_round_by_its_code(cast, capsys):
    builders.make_round(subjects=("member",))
    call_command("generate_duties", "ND2010", "--on", "2010-12-10")
    assert "2C: 新增 0, 撤回 0, 保留 0" in capsys.readouterr().out
    call_command("export_duties", "ND2010")
    rows = capsys.readouterr().out.splitlines()[1:]
    assert rows
    assert {row.split(",")[0] for row in rows} == {"4"}


def test_a_code_that_is_no_round_is_a_wrong_call(cast):
    with pytest.raises(SystemExit) as left:
        call_command("generate_duties", "ND2010")
    assert left.value.code == 2


def test_generating_again_keeps_everything(half, general, cast):
    held(duty_of(half, cast), cast)
    before = identity(general)
    plan = duties.regenerate(general, on=ON)
    assert (plan.total.added, plan.total.withdrawn) == (0, 0)
    assert identity(general) == before
    assert not coverage.unproven(general).exists()


def test_the_csv_of_the_half_year_is_the_same_with_a_round_beside(half, cast):
    before = list(duty_csv.lines(half))
    duties.regenerate(builders.make_round(), on=ON)
    duties.regenerate(half, on=ON)
    assert list(duty_csv.lines(half)) == before
