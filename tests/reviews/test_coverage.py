"""Who must be covered, and what covers them (R45, R54a, A19, A36)."""

import threading
from collections import Counter

import pytest
from django.db import connection, connections, transaction
from django.db.models import Sum

from orgs import people
from orgs.models import Person
from reviews import coverage
from reviews.models import CoverageChange, CoverageTarget, Measure, Record, RecordState
from tests.builders import day, make_bare_record, make_org, make_period, make_person, make_post

pytestmark = pytest.mark.django_db
ON = day("2010-12-10")


@pytest.fixture
def period(cast):
    return make_period("2010H2")


def synced(period, on=ON):
    with transaction.atomic():
        coverage.sync(period, on)


def confirm(record):
    """As records.confirm does it: the state and the count in one transaction."""
    with transaction.atomic():
        Record.objects.filter(pk=record.pk).update(state=RecordState.CONFIRMED)
        coverage.confirmed(record)


def void(record):
    with transaction.atomic():
        Record.objects.filter(pk=record.pk).update(state=RecordState.VOIDED)
        coverage.voided(record)


def roster(period, measure):
    """Key -> organisation code of the targets of a measure."""
    targets = CoverageTarget.objects.filter(period=period, measure=measure).select_related("person", "organization")
    return {(target.person or target.organization.code): target.organization.code for target in targets}


def is_done(period, measure, *, org=None, person=None):
    where = {"organization": org} if org else {"person": person}
    return CoverageTarget.objects.get(period=period, measure=measure, **where).done_on is not None


def assert_changes_add_up(period):
    """All changes ever appended are exactly the targets that stand (nothing was folded in these tests)."""
    expected = Counter()
    for target in CoverageTarget.objects.filter(period=period):
        expected[target.organization_id, target.measure, "due"] += 1
        expected[target.organization_id, target.measure, "done"] += target.done_on is not None
    found = Counter()
    sums = CoverageChange.objects.filter(period=period).values("organization_id", "measure")
    for row in sums.annotate(all_due=Sum("due"), all_done=Sum("done")):
        found[row["organization_id"], row["measure"], "due"] += row["all_due"]
        found[row["organization_id"], row["measure"], "done"] += row["all_done"]
    assert +found == +expected
    assert not -found


# --- the roster ---------------------------------------------------------------------------------------------


def test_every_organisation_but_the_root_is_due_at_itself(cast, period):
    synced(period)
    assert roster(period, Measure.ORGANIZATIONS) == {code: code for code in cast.org if code != "1"}


def test_an_organisation_founded_later_or_dissolved_is_not_due(cast, period):
    make_org("14", "党支部", "直属挂靠单位", cast.org["1"], founded_on=day("2010-12-11"))
    make_org("15", "党支部", "直属挂靠单位", cast.org["1"], dissolved_on=ON)
    make_org("16", "党支部", "直属挂靠单位", cast.org["1"], founded_on=ON)
    synced(period)
    found = roster(period, Measure.ORGANIZATIONS)
    assert {"14", "15", "16"} & found.keys() == {"16"}


def test_every_counted_member_is_due_at_the_branch(cast, period):
    probationary = make_person("预备", cast.org["111"], kind="probationary")
    make_person("停止", cast.org["111"], status="suspended")
    make_person("已故", cast.org["111"], status="deceased")
    make_person("未来", cast.org["111"], on=day("2010-12-11"))
    make_person("无支部")
    synced(period)
    found = roster(period, Measure.MEMBERS)
    assert found.keys() == {*cast.person.values(), probationary}
    assert found[cast.person["bureau_head"]] == "1311"
    assert found[probationary] == "111"


def test_a_leader_counts_once_at_the_post_nearest_the_root_and_ties_go_by_code(cast, period):
    both = make_person("兼任", cast.org["121"])
    make_post(both, cast.org["131"], "委员")
    make_post(both, cast.org["13"], "成员")
    make_post(both, cast.org["12"], "委员")
    synced(period)
    found = roster(period, Measure.LEADERS)
    assert found[both] == "12"
    assert found[cast.person["organ_head"]] == "1"
    assert found[cast.person["member_in_charge"]] == "13"


def test_leaders_are_all_posts_of_committees_and_only_the_secretary_of_a_branch(cast, period):
    deputy_of_branch, member_of_general_branch = make_person(), make_person()
    general_branch = make_org("17", "党总支", "直属挂靠单位", cast.org["1"])
    make_post(deputy_of_branch, cast.org["1311"], "副书记")
    make_post(member_of_general_branch, general_branch, "委员")
    synced(period)
    found = roster(period, Measure.LEADERS)
    assert deputy_of_branch not in found
    assert cast.person["member"] not in found
    assert found[member_of_general_branch] == "17"
    assert found[cast.person["secretary"]] == "1311"
    assert found[cast.person["unit_deputy"]] == "12"


@pytest.mark.parametrize(
    ("from_on", "to_on", "counts"),
    [
        (None, None, True),
        (None, "2010-07-01", False),  # out of office on the first day of the period
        (None, "2010-07-02", True),  # in office in the period, if only for a day
        ("2010-12-10", None, True),
        ("2010-12-11", None, False),
    ],
)
def test_who_was_in_office_in_the_period_counts(cast, period, from_on, to_on, counts):
    person = make_person()
    post = make_post(person, cast.org["12"], "委员", from_on=from_on and day(from_on))
    if to_on:
        people.remove(post, on=day(to_on), by=None)
    synced(period)
    assert (person in roster(period, Measure.LEADERS)) is counts


def test_the_day_is_kept_within_the_period(cast, period):
    make_org("18", "党支部", "直属挂靠单位", cast.org["1"], founded_on=day("2011-01-01"))
    synced(period, day("2011-03-01"))
    assert "18" not in roster(period, Measure.ORGANIZATIONS)


def test_syncing_again_changes_nothing(cast, period):
    synced(period)
    before = list(CoverageTarget.objects.order_by("pk").values()), CoverageChange.objects.count()
    synced(period)
    assert (list(CoverageTarget.objects.order_by("pk").values()), CoverageChange.objects.count()) == before
    assert_changes_add_up(period)


def test_each_change_is_one_row_for_an_organisation_and_measure(cast, period):
    synced(period)
    keys = list(CoverageChange.objects.values_list("organization_id", "measure"))
    assert len(keys) == len(set(keys))


# --- what covers ----------------------------------------------------------------------------------------------


def test_a_confirmed_record_covers_its_target_its_reviewer_and_the_co_reviewers(cast, period):
    synced(period)
    head, co = cast.person["unit_head"], cast.person["unit_deputy"]
    confirm(make_bare_record(period, cast.org["12"], head, of_org=cast.org["121"], with_reviewers=(co,)))
    assert is_done(period, Measure.ORGANIZATIONS, org=cast.org["121"])
    assert is_done(period, Measure.LEADERS, person=head)
    assert is_done(period, Measure.LEADERS, person=co)
    assert CoverageTarget.objects.filter(done_on__isnull=False).count() == 3
    assert_changes_add_up(period)


def test_confirming_twice_counts_once(cast, period):
    synced(period)
    record = make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"])
    confirm(record)
    confirm(record)
    confirm(make_bare_record(period, cast.org["1"], cast.person["unit_head"], of_org=cast.org["121"]))
    assert CoverageTarget.objects.filter(done_on__isnull=False).count() == 2
    assert_changes_add_up(period)


def test_a_head_reviewed_as_head_is_a_member_reviewed(cast, period):
    synced(period)
    secretary = cast.person["secretary"]
    confirm(make_bare_record(period, cast.org["13"], cast.person["bureau_head"], of_person=secretary))
    assert is_done(period, Measure.MEMBERS, person=secretary)
    assert not is_done(period, Measure.LEADERS, person=secretary)


def test_voiding_opens_what_nothing_else_covers(cast, period):
    synced(period)
    first = make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"])
    second = make_bare_record(period, cast.org["1"], cast.person["unit_head"], of_org=cast.org["121"])
    confirm(first)
    confirm(second)
    void(first)
    assert is_done(period, Measure.ORGANIZATIONS, org=cast.org["121"])
    void(second)
    void(second)
    assert not CoverageTarget.objects.filter(done_on__isnull=False).exists()
    assert_changes_add_up(period)


def test_a_record_that_is_being_voided_covers_nothing_even_before_its_state_is_written(cast, period):
    synced(period)
    record = make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"])
    confirm(record)
    with transaction.atomic():
        coverage.voided(record)
    assert not CoverageTarget.objects.filter(done_on__isnull=False).exists()


def test_a_record_of_another_period_or_a_draft_covers_nothing(cast, period):
    later = make_period("2011H1")
    make_bare_record(period, cast.org["12"], of_org=cast.org["121"], state=RecordState.DRAFT)
    make_bare_record(period, cast.org["12"], of_org=cast.org["121"], state=RecordState.SUBMITTED)
    make_bare_record(period, cast.org["12"], of_org=cast.org["121"], state=RecordState.VOIDED)
    make_bare_record(later, cast.org["12"], of_org=cast.org["121"])
    synced(period)
    assert not CoverageTarget.objects.filter(done_on__isnull=False).exists()


@pytest.mark.parametrize(
    "state", [RecordState.CONFIRMED, RecordState.DELIVERED, RecordState.ACKNOWLEDGED, RecordState.CLOSED]
)
def test_sync_finds_the_records_that_were_there_before_the_target(cast, period, state):
    co = cast.person["unit_deputy"]
    make_bare_record(
        period, cast.org["12"], of_org=cast.org["121"], with_reviewers=(co,), state=state, held_on=day("2010-09-09")
    )
    synced(period)
    done = CoverageTarget.objects.filter(done_on=day("2010-09-09")).values_list("measure", flat=True)
    assert sorted(done) == [Measure.LEADERS, Measure.ORGANIZATIONS]
    assert_changes_add_up(period)


def test_without_a_target_confirming_changes_nothing(cast, period):
    record = make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"])
    confirm(record)
    void(record)
    assert not CoverageChange.objects.exists()


# --- the roster changes ---------------------------------------------------------------------------------------


def test_what_was_done_goes_with_the_member_to_his_new_branch(cast, period):
    synced(period)
    member = cast.person["member"]
    confirm(make_bare_record(period, cast.org["1311"], cast.person["secretary"], of_person=member))
    people.transfer(member, to=cast.org["1321"], on=day("2010-12-01"), by=None)
    synced(period)
    assert roster(period, Measure.MEMBERS)[member] == "1321"
    assert is_done(period, Measure.MEMBERS, person=member)
    assert_changes_add_up(period)


def test_who_leaves_the_roster_leaves_with_what_was_done(cast, period):
    synced(period)
    member = cast.person["member"]
    confirm(make_bare_record(period, cast.org["1311"], cast.person["secretary"], of_person=member))
    people.update_many([(member, {"status": "left"})], by=None)
    synced(period)
    assert member not in roster(period, Measure.MEMBERS)
    assert_changes_add_up(period)


def test_a_leader_moves_to_a_post_nearer_the_root(cast, period):
    synced(period)
    lower_head = cast.person["lower_head"]
    confirm(make_bare_record(period, cast.org["132"], lower_head, of_org=cast.org["1321"]))
    make_post(lower_head, cast.org["13"], "成员", from_on=day("2010-12-01"))
    synced(period)
    assert roster(period, Measure.LEADERS)[lower_head] == "13"
    assert is_done(period, Measure.LEADERS, person=lower_head)
    assert_changes_add_up(period)


def test_mend_takes_what_is_done_from_the_records(cast, period):
    synced(period)
    confirm(make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"]))
    CoverageTarget.objects.filter(measure=Measure.LEADERS).update(done_on=ON)
    CoverageTarget.objects.filter(measure=Measure.ORGANIZATIONS).update(done_on=None)
    wrong = coverage.unproven(period).count()
    # All leaders, who reviewed by the day alone, and the organisation.
    assert wrong == CoverageTarget.objects.filter(measure=Measure.LEADERS).count() + 1
    with transaction.atomic():
        assert coverage.mend(period) == wrong
    assert not coverage.unproven(period).exists()
    assert CoverageTarget.objects.filter(done_on__isnull=False).count() == 2


def test_done_is_the_day_of_the_earliest_review(cast, period):
    synced(period)

    def held(on):
        record = make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"])
        record.review.held_on = day(on)
        record.review.save()
        return record

    def done_on():
        return CoverageTarget.objects.get(measure=Measure.ORGANIZATIONS, organization=cast.org["121"]).done_on

    early, late = held("2010-10-05"), held("2010-12-05")
    confirm(late)
    assert done_on() == day("2010-12-05")
    confirm(early)
    assert done_on() == day("2010-10-05")
    assert_changes_add_up(period)
    void(early)
    assert done_on() == day("2010-12-05")
    assert not coverage.unproven(period).exists()
    assert_changes_add_up(period)


def test_a_wrong_day_is_found_and_mended_and_changes_no_sum(cast, period):
    synced(period)
    confirm(make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"]))
    CoverageTarget.objects.filter(done_on__isnull=False).update(done_on=day("2010-07-02"))
    assert coverage.unproven(period).count() == 2  # the organisation and who reviewed it
    with transaction.atomic():
        assert coverage.mend(period) == 2
    assert not coverage.unproven(period).exists()
    assert_changes_add_up(period)


# --- cost and concurrency -------------------------------------------------------------------------------------


def test_the_queries_of_a_sync_do_not_grow_with_the_people(cast, period, django_assert_max_num_queries):
    for _ in range(60):
        make_person("", cast.org["111"])
    with django_assert_max_num_queries(50):
        synced(period)


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_can_be_held():
    with pytest.raises(RuntimeError):
        coverage.hold(1, alone=True)


def side_by_side(*works):
    """Run each in a thread of its own, released together; raise what any of them raised."""
    barrier, errors = threading.Barrier(len(works)), []

    def run(work):
        try:
            barrier.wait(10)
            work()
        except Exception as error:  # noqa: BLE001 - handed to the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_records_of_one_target_confirmed_at_once_count_once(cast):
    period = make_period()
    synced(period)
    head = cast.person["unit_head"]
    for _ in range(10):
        records = [
            make_bare_record(period, cast.org["12"], head, of_org=cast.org["121"], state=RecordState.DRAFT)
            for _ in range(4)
        ]
        side_by_side(*(lambda record=record: confirm(record) for record in records))
        assert_changes_add_up(period)
        assert CoverageTarget.objects.filter(done_on__isnull=False).count() == 2
        side_by_side(*(lambda record=record: void(record) for record in records))
        assert_changes_add_up(period)
        assert not CoverageTarget.objects.filter(done_on__isnull=False).exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_confirming_one_while_the_other_is_voided_leaves_it_covered(cast):
    period = make_period()
    synced(period)
    for _ in range(20):
        going = make_bare_record(period, cast.org["12"], of_org=cast.org["121"], state=RecordState.DRAFT)
        coming = make_bare_record(period, cast.org["12"], of_org=cast.org["121"], state=RecordState.DRAFT)
        confirm(going)
        side_by_side(lambda: void(going), lambda: confirm(coming))  # noqa: B023 - run at once
        assert is_done(period, Measure.ORGANIZATIONS, org=cast.org["121"])
        void(coming)
        assert_changes_add_up(period)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_confirming_during_a_sync_is_counted_exactly(cast):
    period = make_period()
    synced(period)
    for turn in range(10):
        record = make_bare_record(period, cast.org["12"], of_org=cast.org["121"], state=RecordState.DRAFT)
        member = cast.person["member"]
        Person.objects.filter(pk=member.pk).update(status="left" if turn % 2 else "normal")
        of_member = make_bare_record(period, cast.org["1311"], of_person=member, state=RecordState.DRAFT)
        side_by_side(lambda: synced(period), lambda: confirm(record), lambda: confirm(of_member))  # noqa: B023
        assert_changes_add_up(period)
        assert not coverage.unproven(period).exists()
        void(record)
        void(of_member)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_whoever_waits_too_long_for_a_sync_is_told_so(cast):
    period = make_period()
    synced(period)
    record = make_bare_record(period, cast.org["12"], of_org=cast.org["121"], state=RecordState.DRAFT)

    def impatient():
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
            coverage.confirmed(record)

    refused = []

    def ask():
        try:
            impatient()
        except coverage.CoverageBusy as error:
            refused.append(str(error))

    with transaction.atomic():
        coverage.hold(period.pk, alone=True)
        side_by_side(ask)
    assert refused == ["本期的点评任务正在重新生成，请稍后再试。"]
