"""Whatever was sent, accepted, returned, moved or voided: behind every number of a report stands a list that adds up to it."""

from collections import Counter

import pytest
from django.urls import reverse

from orgs import list_files, reorganizing
from orgs.errors import DomainError
from reports import report_lines, report_names, report_rows, reporting, submissions
from reports.annexes.one import Numbers, RowFigures, rows_of
from reports.models import ProgressReport, ReportState, RowBasis, Way
from reports.report_links import links
from reports.report_names import HOLDS, Part, Standing
from reviews import coverage as targets
from reviews import duties
from reviews.models import Measure
from tests.builders import day, make_bare_record, make_period
from tests.hands import Hands
from tests.reports.submitting import accept_below, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
STEPS = 100
UNNAMED = {RowBasis.TYPED, RowBasis.ABSENT}  # lines without names
REPORTING = {"send": 14, "accept": 12, "return_": 2, "take_back": 2, "reopen": 2, "explain": 2, "way": 2, "receive": 3}


class Offices(Hands):
    """Hands that also report."""

    def __init__(self, seed, period, admin):
        super().__init__(seed, [period], admin)
        self.period = period

    def report(self, *states):
        return self.one(ProgressReport.objects.filter(state__in=states))

    def send(self):
        report = submissions.draft(self.one(self.living()), self.period, by=None)
        submissions.submit(report, by=None, correction_note="更正")

    def accept(self):
        submissions.accept(self.report(ReportState.SUBMITTED), by=None)

    def return_(self):
        submissions.return_(self.report(ReportState.SUBMITTED), reason="请核对", by=None)

    def take_back(self):
        submissions.take_back(self.report(ReportState.SUBMITTED), by=None)

    def reopen(self):
        submissions.reopen(self.report(ReportState.ACCEPTED), by=None)

    def explain(self):
        reporting.explain(self.one(self.living()), self.period, reason="合并", by=None)

    def way(self):
        org = self.one(self.living().filter(code__in=["131", "132", "12"]))
        reporting.set_way(org, self.dice.choice([*Way.values, None]), reason="说明", by=None)

    def receive(self):
        org = self.one([org for org in self.living().order_by("pk") if reporting.way_of(org) == Way.FORM])
        last = submissions.previous(org, self.period)
        before = rows_of(last) if last else [RowFigures(org.pk, org.name, Numbers(), Numbers(), Numbers())]
        rows = []
        for row in before:
            new = Numbers(0, 0, self.dice.choice([0, 1, 2]))
            rows.append(RowFigures(row.organization_id, row.unit_name, row.done + new, new, row.done + new))
        submissions.receive(org, self.period, rows, reported_on=day("2010-12-10"), by=None, source="form")


def added_up(report, row, measure, part):
    """What the list behind a number adds up to, and what it is a list of; None where none was kept."""
    lines = report_lines.lines(report, row, measure, part)
    if lines is not None:
        for line in lines:
            if line.leads_to:
                pk, order, of = line.leads_to
                other = ProgressReport.objects.get(pk=pk)
                to = other.rows.get(order=order) if order else None
                said = report_lines.number_of(other, to, measure, of)
                assert said == (line.count if of == part else -line.count), (line, said)
        return sum(line.count for line in lines), "lines"
    names = report_names.of_row(row, measure)
    if names is None:
        was = report_rows.counts_from(report).rows.get(organization=row.organization_id) if row.basis == "left" else row
        return None, was.basis
    count = Counter(name.standing for name in names if name.standing in HOLDS[part])
    found = count.total() - (2 * count[Standing.GONE] if part == Part.NEW else 0)
    if part == Part.NEW and not report_names.knows_new(row, measure):
        assert found == report_lines.number_of(report, row, measure, Part.DONE)
        return report_lines.number_of(report, row, measure, part), "not told apart"
    return found, "names"


@pytest.mark.parametrize("seed", range(2))
def test_every_list_adds_up_to_its_number(cast, seed):
    period = make_period()
    duties.regenerate(period, on=day("2010-12-10"))
    hands = Offices(seed, period, cast.user["admin"])
    events = [*Counter(REPORTING).elements(), *["confirm"] * 10, *["void"] * 4, "move", "transfer", "dissolve"]
    accept_below(cast.org["1"], period)
    for _ in range(STEPS):
        hands.do(hands.dice.choice(events))
        if hands.dice.random() < 0.1:
            try:
                send(hands.one(hands.living().filter(code__in=["1", "13"])), period, again=hands.dice.random() < 0.7,
                     correction_note="更正")  # fmt: skip
            except DomainError:
                continue
    seen = Counter()
    for report in ProgressReport.objects.frozen().order_by("pk"):
        for row in [None, *report.rows.all()]:
            for measure in Measure:
                for part in Part:
                    number = report_lines.number_of(report, row, measure, part)
                    found, kind = added_up(report, row, measure, part)
                    assert found == number or (found is None and kind in UNNAMED), (report.pk, row, measure, part, kind)
                    seen[kind] += bool(number)
    assert seen["lines"] > 20, seen
    assert seen["names"] > 20, seen


def test_what_several_reports_of_a_unit_added_is_told_report_by_report(cast, as_user, review_of):
    """The first has one new, the second none; the bureau's first report counts both."""
    period = review_of("lower_secretary", "lower_member", "1321")
    first = submissions.accept(send(cast.org["132"], period), by=None)
    second = submissions.accept(send(cast.org["132"], period), by=None)
    report = send(cast.org["13"], period, again=False)
    row = report.rows.get(organization=cast.org["132"])
    assert row.new_members == 1
    url = reverse("progress_names", args=[report.pk, row.order, "members", "new"])
    assert url in links(report).values()
    page = as_user(cast.user["clerk"]).get(url)
    assert page.context["count"] == 1
    assert [line.count for line, _ in page.context["lines"]] == [1, 0]
    assert reverse("progress_names", args=[first.pk, 0, "members", "new"]) in page.text
    assert reverse("progress_names", args=[second.pk, 0, "members", "new"]) not in page.text  # nothing behind a nought
    file = list_files.told_at(f"{url[:-1]}.xlsx", cast.user["clerk"])
    assert [row[1] for row in file.sheets[0].rows] == [1, 0]
    submissions.accept(report, by=None)
    review_of("lower_secretary", "lower_head", "1321")
    send(cast.org["13"], period)
    again = ProgressReport.objects.filter(organization=cast.org["13"]).latest("pk")
    page = as_user(cast.user["clerk"]).get(reverse("progress_names", args=[again.pk, row.order, "members", "new"]))
    assert [line.count for line, _ in page.context["lines"]] == [1]  # only the third


def test_what_the_last_report_counted_before_the_unit_reported_is_taken_off(cast, as_user, review_of):
    period = review_of("lower_secretary", "lower_member", "1321")
    reporting.set_way(cast.org["132"], Way.NONE, reason="由上级统计", by=None)
    first = submissions.accept(send(cast.org["13"], period), by=None)
    reporting.set_way(cast.org["132"], None, by=None)
    review_of("lower_secretary", "lower_head", "1321")
    report = send(cast.org["13"], period)
    row, was = (each.rows.get(organization=cast.org["132"]) for each in (report, first))
    page = as_user(cast.user["clerk"]).get(reverse("progress_names", args=[report.pk, row.order, "members", "new"]))
    assert (page.context["count"], [line.count for line, _ in page.context["lines"]]) == (1, [2, -1])
    assert "此前已计入" in page.text
    assert reverse("progress_names", args=[first.pk, was.order, "members", "done"]) in page.text


def test_who_reports_no_more_is_told_apart_by_its_own_last_report(cast, review_of):
    period = review_of("lower_secretary", "lower_member", "1321")
    submissions.accept(send(cast.org["13"], period), by=None)
    reporting.set_way(cast.org["132"], Way.NONE, reason="由上级统计", by=None)
    review_of("lower_secretary", "lower_head", "1321")
    row = send(cast.org["13"], period).rows.get(organization=cast.org["132"])
    assert report_names.knows_new(row, Measure.MEMBERS)
    new = [name.name for name in report_names.of_row(row, Measure.MEMBERS) if name.standing == Standing.NEW]
    assert (row.new_members, new) == (1, ["塘沽局书记"])


@pytest.fixture
def review_of(cast):
    """Enter a review, counted; the period with the roster of the day."""
    period = make_period()
    targets.sync(period, day("2010-12-10"))

    def enter(who, whom, at):
        person = {"of_person": cast.person[whom], "held_on": day("2010-12-01")}
        targets.confirmed(make_bare_record(period, cast.org[at], cast.person[who], **person))
        return period

    return enter


def test_what_left_has_its_names(cast, as_user, review_of):
    """A line with a list of its own: who was done in it, as counted here no more."""
    period = review_of("secretary", "member", "1311")
    submissions.accept(send(cast.org["13"], period), by=None)
    admin = cast.user["admin"]
    reorganizing.move(cast.org["131"], under=cast.org["12"], on=day("2010-12-10"), reason="调整", by=admin)
    report = send(cast.org["13"], period, correction_note="划出")
    row = report.rows.get(basis=RowBasis.LEFT)
    names = report_names.of_row(row, Measure.MEMBERS)
    assert [(name.name, name.standing) for name in names] == [("检务处党员", Standing.GONE)]
    url = reverse("progress_names", args=[report.pk, row.order, "members", "new"])
    client = as_user(admin)
    assert url in client.get(reverse("progress_report", args=[report.pk])).text
    page = client.get(url)
    assert page.context["count"] == row.new_members == -1
    assert "检务处党员" in page.text
    assert "比上次减少" in page.text
    above = as_user(cast.user["clerk"]).get(url).text  # whose the branch is no more
    assert "检务处党员" not in above
    assert "另有比上次减少的 1 名" in above


def test_what_left_and_had_reported_leads_to_its_report(cast, as_user, review_of):
    period = review_of("lower_secretary", "lower_member", "1321")
    first = submissions.accept(send(cast.org["13"], period), by=None)
    below = first.rows.get(organization=cast.org["132"]).based_on
    admin = cast.user["admin"]
    reorganizing.move(cast.org["132"], under=cast.org["12"], on=day("2010-12-10"), reason="调整", by=admin)
    report = send(cast.org["13"], period, correction_note="划出")
    row = report.rows.get(basis=RowBasis.LEFT)
    url = reverse("progress_names", args=[report.pk, row.order, "members", "new"])
    assert url in links(report).values()
    page = as_user(admin).get(url)
    lines = [(line.name, line.count) for line, _ in page.context["lines"]]
    assert (page.context["count"], lines) == (-1, [("本级", 0), ("塘沽局综合党支部", -1)])
    branch = below.rows.get(organization=cast.org["1321"])
    assert reverse("progress_names", args=[below.pk, branch.order, "members", "done"]) in page.text
    assert "已不在本单位" in page.text
