"""Coverage added up: exact whether folded or not, and however the tree moves (design.md, decision 4)."""

import random
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from orgs import people, tree
from orgs.models import Organization, Person
from reports import coverage
from reports.coverage import Figure
from reports.models import CoverageTotal
from reviews import coverage as targets
from reviews.models import CoverageChange, CoverageTarget, Measure, Record, RecordState
from tests.builders import day, make_bare_record, make_org, make_period, make_person

pytestmark = pytest.mark.django_db
ON = day("2010-12-10")


@pytest.fixture
def period(cast):
    period = make_period("2010H2")
    synced(period)
    return period


def synced(period):
    with transaction.atomic():
        targets.sync(period, ON)


def confirm(record):
    with transaction.atomic():
        Record.objects.filter(pk=record.pk).update(state=RecordState.CONFIRMED)
        targets.confirmed(record)


def void(record):
    with transaction.atomic():
        Record.objects.filter(pk=record.pk).update(state=RecordState.VOIDED)
        targets.voided(record)


def naive(period):
    """Org id -> figures, target by target up the parents: slow, and plainly right."""
    parents = dict(Organization.objects.order_by().values_list("pk", "parent_id"))
    sums = {pk: {measure: Figure() for measure in Measure} for pk in parents}
    for target in CoverageTarget.objects.filter(period=period):
        at = target.organization_id
        while at is not None:
            sums[at][Measure(target.measure)] += Figure(1, int(target.done_on is not None))
            at = parents[at]
    return sums


def assert_exact(period):
    """Every reader says what the naive count says."""
    right = naive(period)
    orgs = list(Organization.objects.all())
    assert coverage.totals(period, orgs) == right
    for org in orgs:
        rows = coverage.by_child(period, org)
        assert coverage.added(row.figures for row in rows) == right[org.pk]
        assert rows[0].figures == coverage.own(period, org)
        assert {row.org.pk: row.figures for row in rows[1:]} == {
            child.pk: right[child.pk] for child in org.get_children()
        }
        for measure in Measure:
            assert coverage.missing(period, org, measure).count() == right[org.pk][measure].missing
    assert coverage.prove(period) == []


# --- figures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "done", "rate"),
    [(0, 0, None), (3, 1, 33.3), (3, 2, 66.6), (1000, 999, 99.9), (10000, 9999, 99.9), (7, 7, 100)],
)
def test_a_rate_is_full_only_when_nobody_is_missing(due, done, rate):
    assert Figure(due, done).rate == rate


def test_figures_are_exact_before_and_after_folding(cast, period):
    assert_exact(period)
    assert coverage.fold() > 0
    assert not CoverageChange.objects.exists()
    assert_exact(period)
    confirm(make_bare_record(period, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"]))
    assert_exact(period)
    root = coverage.totals(period, [cast.org["1"]])[cast.org["1"].pk]
    assert root[Measure.ORGANIZATIONS] == Figure(9, 1)
    assert root[Measure.LEADERS] == Figure(11, 1)
    assert root[Measure.MEMBERS] == Figure(13, 0)
    coverage.fold()
    assert_exact(period)


def test_folding_nothing_is_nothing(cast, period):
    coverage.fold()
    stored = list(CoverageTotal.objects.order_by("pk").values())
    assert coverage.fold() == 0
    assert list(CoverageTotal.objects.order_by("pk").values()) == stored


def test_folding_goes_batch_by_batch(cast, period, monkeypatch):
    monkeypatch.setattr(coverage, "FOLD_BATCH", 3)
    pending = CoverageChange.objects.count()
    assert coverage.fold() == pending > 6
    assert_exact(period)


def test_pages_fold_when_many_changes_wait(cast, period, monkeypatch):
    assert coverage.tidy() == 0
    monkeypatch.setattr(coverage, "PENDING_IS_MANY", 5)
    assert coverage.tidy() > 5
    assert coverage.tidy() == 0


def test_periods_are_counted_apart(cast, period):
    later = make_period("2011H1")
    synced(later)
    confirm(make_bare_record(later, cast.org["12"], cast.person["unit_head"], of_org=cast.org["121"]))
    coverage.fold()
    assert_exact(period)
    assert_exact(later)
    root = cast.org["1"]
    assert coverage.totals(later, [root])[root.pk][Measure.ORGANIZATIONS].done == 1
    assert coverage.totals(period, [root])[root.pk][Measure.ORGANIZATIONS].done == 0


def test_a_period_without_duties_has_no_figures(cast):
    root = cast.org["1"]
    empty = make_period("2012H1")
    assert coverage.totals(empty, [root])[root.pk][Measure.MEMBERS] == Figure()
    assert coverage.totals(empty, []) == {}
    assert coverage.own(empty, root)[Measure.MEMBERS].rate is None


@pytest.mark.parametrize("asked", [["1"], ["13", "1311"], ["x"], ["x", "131"], ["x1", "1", "13", "132"]])
def test_what_is_pending_counts_in_those_that_hold_it_and_nowhere_else(cast, period, asked):
    """Nested ones, ones of two trees with others between and after them, and pending changes outside all of them."""
    make_org("x", "党组", "总局", name="另一个系统")
    made = {code: make_org(code, "党支部", "直属挂靠单位", Organization.objects.get(code="x")) for code in ("x1", "x2")}
    synced(period)
    confirm(make_bare_record(period, cast.org["1"], of_org=made["x2"]))
    confirm(make_bare_record(period, cast.org["13"], of_org=cast.org["1311"]))
    right = naive(period)
    orgs = list(Organization.objects.filter(code__in=asked))
    assert len(orgs) == len(asked)
    assert coverage.totals(period, orgs) == {org.pk: right[org.pk] for org in orgs}
    coverage.fold()
    assert coverage.totals(period, orgs) == {org.pk: right[org.pk] for org in orgs}


def test_children_stand_in_the_order_of_the_tree_with_their_days(cast, period):
    Organization.objects.filter(pk=cast.org["12"].pk).update(order=9, dissolved_on=ON)
    itself, *children = coverage.by_child(period, cast.org["1"])
    assert (itself.org.code, itself.is_own) == ("1", True)
    expected = Organization.objects.filter(parent=cast.org["1"]).order_by("order", "code")
    assert [row.org.code for row in children] == [org.code for org in expected]
    assert [row.org.dissolved_on for row in children] == [org.dissolved_on for org in expected]
    assert children[-1].org.code == "12"


def test_the_figures_of_an_organisation_removed_meanwhile_are_nothing(cast, period):
    gone = Organization(code="gone", name="误加的组织")
    gone.pk = 10**9
    assert [row.figures[Measure.MEMBERS] for row in coverage.by_child(period, gone)] == [Figure()]
    assert coverage.totals(period, [gone])[gone.pk][Measure.MEMBERS] == Figure()


# --- the tree moves -------------------------------------------------------------------------------------------


def moved_under(org, parent):
    tree.move(Organization.objects.get(pk=org.pk), under=parent and Organization.objects.get(pk=parent.pk), by=None)


@pytest.mark.parametrize("folded", [True, False])
def test_a_moved_subtree_takes_its_sums_along(cast, period, folded):
    confirm(make_bare_record(period, cast.org["131"], of_org=cast.org["1311"]))
    if folded:
        coverage.fold()
    moved_under(cast.org["13"], cast.org["12"])
    assert_exact(period)
    coverage.fold()
    assert_exact(period)


def test_a_move_while_some_changes_are_folded_and_some_wait(cast, period):
    coverage.fold()
    confirm(make_bare_record(period, cast.org["131"], of_org=cast.org["1311"]))
    moved_under(cast.org["131"], cast.org["11"])
    confirm(make_bare_record(period, cast.org["131"], of_person=cast.person["member"], about=cast.org["1311"]))
    moved_under(cast.org["11"], cast.org["132"])
    assert_exact(period)
    coverage.fold()
    assert_exact(period)


def test_organisations_moved_out_of_each_other_at_once(cast, period):
    coverage.fold()
    org = {code: Organization.objects.get(pk=org.pk) for code, org in cast.org.items()}
    # 131 with 1311 goes under 12; in the same change 1311 leaves 131 for 132.
    tree.write_many([], [(org["131"], {"parent": org["12"]}), (org["1311"], {"parent": org["132"]})], by=None)
    assert_exact(period)
    coverage.fold()
    assert_exact(period)


# --- property: any order of events -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_after_any_order_of_events_every_figure_is_the_naive_count(cast, period, seed):
    """Confirm, void, fold, move, transfer, join, sync in random order."""
    dice = random.Random(seed)
    records = []
    persons = list(cast.person.values())

    def reviewed():
        kind = dice.choice(["org", "person", "person"])
        of_org = Organization.objects.get(pk=dice.choice(list(cast.org.values())).pk) if kind == "org" else None
        co = tuple(dice.sample(persons, dice.choice([0, 0, 1, 2])))
        record = make_bare_record(
            period,
            cast.org["1"],
            dice.choice([*persons, None]),
            of_org=of_org,
            of_person=dice.choice(persons) if of_org is None else None,
            with_reviewers=co,
            state=RecordState.DRAFT,
        )
        confirm(record)
        records.append(record)

    def moved():
        org = Organization.objects.get(pk=dice.choice([cast.org[code] for code in cast.org if code != "1"]).pk)
        places = Organization.objects.exclude(org_type="branch").exclude(pk__in=org.get_descendants(include_self=True))
        moved_under(org, dice.choice(sorted(places, key=lambda place: place.code)))

    def transferred():
        branches = [org for org in cast.org.values() if org.is_branch]
        person = dice.choice(persons)
        if person.memberships.get(to_on=None).branch_id != (to := dice.choice(branches)).pk:
            people.transfer(person, to=to, on=ON, by=None)

    def changed_status():
        person = Person.objects.get(pk=dice.choice(persons).pk)
        people.update_many([(person, {"status": dice.choice(["normal", "left"])})], by=None)

    events = [
        reviewed,
        reviewed,
        reviewed,
        lambda: records and void(dice.choice(records)),
        coverage.fold,
        moved,
        transferred,
        changed_status,
        lambda: make_person("", cast.org["111"]),
        lambda: synced(period),
    ]
    for _ in range(25):
        dice.choice(events)()
        if dice.random() < 0.3:
            assert_exact(period)
    assert_exact(period)
    coverage.fold()
    assert_exact(period)


# --- proving and repairing ----------------------------------------------------------------------------------


def ruined(period, cast):
    coverage.fold()
    confirm(make_bare_record(period, cast.org["12"], of_org=cast.org["121"]))
    CoverageTarget.objects.filter(organization=cast.org["121"], measure="organizations").update(done_on=None)
    CoverageTarget.objects.filter(person=cast.person["member"]).update(done_on=ON)
    CoverageTotal.objects.filter(organization=cast.org["13"]).update(leaders_due=99)
    CoverageTotal.objects.filter(organization=cast.org["132"]).delete()


def test_a_wrong_target_and_a_wrong_total_are_found_and_named(cast, period):
    ruined(period, cast)
    findings = coverage.prove()
    assert "2010H2 被点评的党组织：信息中心第一党支部（121）已有有效的点评记录，却记为未完成" in findings
    assert "2010H2 被点评的党员：检务处党员（N-member）记为 2010-12-10 完成，与有效的点评记录不符" in findings
    assert "2010H2 参加点评的领导：天津检验检疫局党组（13）汇总为 0/99，实际为 0/5" in findings
    assert "2010H2 被点评的党员：塘沽检验检疫局党组（132）汇总为 0/0，实际为 0/3" in findings


def test_check_coverage_says_so_and_exits_with_one(cast, period):
    ruined(period, cast)
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("check_coverage", stdout=out)
    assert refused.value.returncode == 1
    assert "信息中心第一党支部" in out.getvalue()


def test_check_coverage_repairs(cast, period):
    ruined(period, cast)
    call_command("check_coverage", "--repair", stdout=StringIO())
    assert_exact(period)
    out = StringIO()
    call_command("check_coverage", stdout=out)
    assert "覆盖统计正确" in out.getvalue()


def test_a_lost_change_is_found(cast, period):
    coverage.fold()
    confirm(make_bare_record(period, cast.org["12"], of_org=cast.org["121"]))
    CoverageChange.objects.all().delete()
    assert len(coverage.prove()) == 3  # at 121, at 12, at the root
    coverage.rebuild(period)
    assert_exact(period)


# --- cost and concurrency -----------------------------------------------------------------------------------


def test_reading_costs_one_query_for_the_figures_whatever_is_stored(cast, period, django_assert_num_queries):
    root = cast.org["1"]
    with django_assert_num_queries(1):  # the children with all their figures
        coverage.by_child(period, root)
    for number in range(30):
        make_org(f"19{number:02d}", "党支部", "直属挂靠单位", cast.org["12"])
    synced(period)
    with django_assert_num_queries(1):
        coverage.by_child(period, root)
    with django_assert_num_queries(1):
        coverage.totals(period, Organization.objects.all()[:0])
        coverage.totals(period, [root])


def in_background(work, stop):
    errors = []

    def run():
        try:
            while not stop.is_set():
                work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_readers_and_two_folds_beside_confirmations_see_only_exact_figures(cast):
    """While 30 reviews are confirmed one after another, a reader never sees a figure fall or jump ahead."""
    period = make_period()
    synced(period)
    people_ = [make_person("", cast.org["111"]) for _ in range(30)]
    synced(period)
    root, stop, seen = cast.org["1"], threading.Event(), []
    reader = in_background(lambda: seen.append(coverage.totals(period, [root])[root.pk][Measure.MEMBERS]), stop)
    folders = [in_background(coverage.fold, stop) for _ in range(2)]
    for person in people_:
        confirm(make_bare_record(period, cast.org["111"], of_person=person, state=RecordState.DRAFT))
    stop.set()
    for thread, errors in [reader, *folders]:
        thread.join(30)
        assert errors == []
    done = [figure.done for figure in seen]
    assert done == sorted(done)
    assert {figure.due for figure in seen} == {13 + 30}
    coverage.fold()
    assert_exact(period)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_fold_leaves_what_somebody_is_deleting(cast):
    """Who removes an organisation deletes its pending changes and then waits for the totals: neither waits in a circle."""
    period = make_period()
    synced(period)
    pending = CoverageChange.objects.count()
    with transaction.atomic():
        gone, _ = CoverageChange.objects.filter(organization=cast.org["1311"]).delete()
        folded: list[int] = []
        folder = threading.Thread(target=lambda: (folded.append(coverage.fold()), connections.close_all()))
        folder.start()
        folder.join(30)
        assert not folder.is_alive()
    assert gone > 0
    assert folded == [pending - gone]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_moves_beside_folds_and_confirmations_stay_exact(cast):
    period = make_period()
    synced(period)
    stop = threading.Event()
    persons = list(cast.person.values())

    def review():
        record = make_bare_record(
            period, cast.org["1"], of_person=random.choice(persons), about=cast.org["111"], state=RecordState.DRAFT
        )
        confirm(record)
        void(record)

    others = [in_background(coverage.fold, stop), in_background(review, stop)]
    for turn in range(16):
        moved_under(cast.org["131"], cast.org["12" if turn % 2 else "13"])
    stop.set()
    for thread, errors in others:
        thread.join(30)
        assert errors == []
    assert_exact(period)
    coverage.fold()
    assert_exact(period)
