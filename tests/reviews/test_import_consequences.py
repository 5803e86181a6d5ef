"""What an import does to duties and figures: told in the preview, and so done, by every way of importing."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs.importing import job, uploaded
from orgs.models import Organization
from reports import coverage
from reviews import consequences, duties
from reviews.models import CoverageTarget, Duty
from tests import builders
from tests.orgs.books import book, import_

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
LEAVING = [("N-member", "改名", "111")]


@pytest.fixture
def period(cast):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made)
    return made


def test_without_duties_that_is_said(cast):
    batch = job.upload(book(people=LEAVING), "a.xlsx", by=cast.user["admin"])
    assert batch.counts["effects"] == ["本期还没有生成点评任务，任务和覆盖统计不受影响。"]


def test_a_small_file_tells_exactly_and_nothing_of_it_stays(cast, period, as_user):
    before = sorted(Duty.objects.values_list("pk", "reviewer_org__code", "acting__number"))
    batch = job.upload(book(people=LEAVING), "a.xlsx", by=cast.user["admin"])
    assert sorted(Duty.objects.values_list("pk", "reviewer_org__code", "acting__number")) == before
    told = batch.counts["effects"]
    assert "1 名党员的任务将由“总局办公厅党支部”书记承担。" in told
    page = as_user(cast.user["admin"]).get(reverse("import_preview", args=[batch.pk])).content.decode()
    assert "总局办公厅党支部”书记承担" in page
    job.confirm(batch, by=cast.user["admin"])
    assert Duty.objects.get(rule_code="4", target_person__number="N-member").reviewer_org.code == "111"
    assert CoverageTarget.objects.get(measure="members", person__number="N-member").organization.code == "111"


def test_a_file_without_a_change_tells_nothing(cast, period):
    rows = [("1311", Organization.objects.get(code="1311").name, "党支部", "机关内设机构", "131", "隶属")]
    assert job.upload(book(rows), "a.xlsx", by=cast.user["admin"]).counts["effects"] == []


def test_the_command_follows_as_well(cast, period):
    rows = [("1399", "新党支部", "党支部", "机关内设机构", "131", "隶属")]
    import_(book(rows))
    assert Duty.objects.filter(target_org__code="1399").exists()
    coverage.fold()
    assert coverage.prove(period) == []


def test_of_a_large_system_the_extent_is_estimated(cast, period, monkeypatch):
    monkeypatch.setattr(consequences, "LARGE", 3)
    concerned = Duty.objects.open().filter(target_person__number="N-member").count()
    batch = job.upload(book(people=LEAVING), "a.xlsx", by=cast.user["admin"])
    assert batch.counts["effects"] == [
        f"涉及约 {concerned} 项未完成任务，任务和覆盖统计在{period.name}下一次生成任务时随之调整。"
    ]
    job.confirm(batch, by=cast.user["admin"])
    assert Duty.objects.get(rule_code="4", target_person__number="N-member").reviewer_org.code == "1311"


def test_of_a_large_file_in_a_small_system_too_and_it_follows_at_once(cast, period, monkeypatch):
    monkeypatch.setattr(uploaded, "AT_ONCE", 10)
    monkeypatch.setattr(job, "launch", lambda pk: None)
    batch = job.upload(book(people=LEAVING), "a.xlsx", by=cast.user["admin"])
    job.run(batch.pk)
    batch.refresh_from_db()
    assert batch.counts["effects"][0].endswith("任务和覆盖统计在导入时随之调整。")


def test_what_cannot_be_done_is_found_when_it_is_tried(cast, period, monkeypatch):
    """A refusal that the plan does not foresee is on the preview, not a surprise at the confirmation."""
    from orgs import people  # noqa: PLC0415

    def refuse(*_args, **_more):
        raise people.PeopleRefused("这项任职已经存在。")

    monkeypatch.setattr(people, "transfer_many", refuse)
    batch = job.upload(book(people=LEAVING), "a.xlsx", by=cast.user["admin"])
    assert (batch.state, batch.note) == ("refused", "这项任职已经存在。")


def test_secretaries_and_places_are_part_of_the_extent(cast, period, monkeypatch):
    monkeypatch.setattr(consequences, "LARGE", 3)
    secretary = builders.make_person("新书记", cast.org["1311"], number="N-next")
    vacant = builders.make_org("133", "党支部", "机关内设机构", cast.org["13"], name="空缺支部")
    duties.regenerate(period)
    posts = [(secretary.number, vacant.code, "书记", builders.day("2010-12-01"), None, None)]
    for rows in ({"posts": posts}, {"orgs": [("132", "塘沽", "党委", "分支机构", "1", "指导")]}):
        batch = job.upload(book(**rows), "a.xlsx", by=cast.user["admin"])
        assert "项未完成任务" in "".join(batch.counts["effects"]), batch.counts["problems"]
