"""Undo of an import: everything is as before, until something else has changed; and what refuses it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orgs import accounts, people, tree
from orgs.importing import export, job, undo, uploaded
from orgs.models import AuditEvent, Charge, ImportBatch, ImportJob, Membership, Organization, Person, Post
from reports import coverage
from reviews import duties
from reviews.models import CoverageTarget, Duty
from tests import builders
from tests.orgs.books import edited

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


def everything() -> dict[str, list]:
    """All rows, but for the ids of memberships that were made anew, and where the tree's gaps lie."""
    besides = {Organization: ("lft", "rght"), Membership: ("id",)}
    rows: dict[str, list] = {}
    for model in (Organization, Person, Post, Charge, Membership):
        fields = [field.attname for field in model._meta.concrete_fields if field.name not in besides.get(model, ())]
        rows[model.__name__] = sorted(model._default_manager.order_by().values_list(*fields), key=repr)
    return rows


def reviewing() -> list:
    names = (
        "rule_code",
        "reviewer_org__code",
        "reviewer__number",
        "acting__number",
        "target_org__code",
        "target_person__number",
        "status",
    )
    told = sorted(Duty.objects.order_by().values_list(*names), key=repr)
    targets = CoverageTarget.objects.order_by().values_list(
        "measure", "organization__code", "person__number", "done_on"
    )
    return [told, sorted(targets, key=repr)]


def changed_book() -> bytes:
    """The whole tree with a bit of everything: new, renamed, moved, dismissed, appointed, divided anew."""

    def edit(opened):
        orgs, persons, posts, charges = (opened[name] for name in ("组织", "人员", "任职", "分管"))
        for row in orgs.iter_rows(min_row=2):
            if row[0].value == "1311":
                row[1].value, row[4].value = "改名的党支部", "改名支部"
            if row[0].value == "132":
                row[5].value = "999"
        orgs.append(["999", "新设党委", "党委", "分支机构", None, "13"])
        orgs.append(["9991", "新设党支部", "党支部", "分支机构", None, "999"])
        for row in persons.iter_rows(min_row=2):
            if row[0].value == "N-member":
                row[1].value, row[2].value = "改名党员", "9991"
        persons.append(["NEW1", "新党员", "9991"])
        for row in posts.iter_rows(min_row=2):
            if row[1].value == "1311" and row[2].value == "书记":
                row[4].value = builders.day("2010-12-01")
        posts.append(["NEW1", "9991", "书记"])
        posts.append(["N-member", "999", "书记"])
        for row in charges.iter_rows(min_row=2):
            row[3].value = "协管"
        charges.append(["N-member", "999", "9991", "主管"])

    return edited(export.workbook(), edit)


@pytest.fixture
def period(cast):
    made = duties.ensure_period("2010H2")
    duties.regenerate(made)
    coverage.fold()
    return made


@pytest.fixture
def imported(period, cast) -> ImportBatch:
    batch = job.upload(changed_book(), "a.xlsx", by=cast.user["admin"])
    assert batch.state == "previewed", batch.counts["problems"]
    return job.confirm(batch, by=cast.user["admin"])


def test_everything_is_as_before(period, cast):
    before, duties_before = everything(), reviewing()
    batch = job.upload(changed_book(), "a.xlsx", by=cast.user["admin"])
    assert everything() == before  # what was tried for the preview is taken back
    batch = job.confirm(batch, by=cast.user["admin"])
    assert Organization.objects.get(code="132").parent.code == "999"
    assert reviewing() != duties_before
    coverage.fold()
    batch = job.undo_import(batch, by=cast.user["admin"])
    assert (batch.state, batch.undone_by) == ("undone", cast.user["admin"])
    after = everything()
    for name, rows in before.items():
        assert after[name] == rows, name
    assert reviewing() == duties_before
    assert tree.prove() == []
    coverage.fold()
    assert coverage.prove(period) == []
    assert AuditEvent.objects.filter(verb="撤销导入", model="orgs.importbatch").count() == 1


def test_pending_changes_of_the_figures_are_kept_right_as_well(imported, cast, period):
    """Nothing was folded between the import and its undo."""
    job.undo_import(imported, by=cast.user["admin"])
    coverage.fold()
    assert coverage.prove(period) == []


def test_the_receipt_offers_it_and_tells_by_whom(imported, cast, as_user):
    client = as_user(cast.user["admin"])
    where = reverse("import_preview", args=[imported.pk])
    assert "撤销这次导入" in client.get(where).content.decode()
    page = client.post(reverse("import_undo", args=[imported.pk]), follow=True).content.decode()
    assert "恢复到导入之前" in page
    assert "导入已撤销" in page
    page = client.post(reverse("import_undo", args=[imported.pk]), follow=True).content.decode()
    assert "这个文件没有导入，不需要撤销" in page


def test_it_ends_with_the_next_change(imported, cast, as_user):
    people.update_many([(cast.person["secretary"], {"title": "处长"})], by=None)
    with pytest.raises(undo.NotUndoable, match="导入之后已有别的变更（修改人员"):
        job.undo_import(imported, by=cast.user["admin"])
    page = as_user(cast.user["admin"]).get(reverse("import_preview", args=[imported.pk])).content.decode()
    assert "撤销这次导入" not in page
    assert "导入之后已有别的变更" in page


def test_another_file_without_a_change_does_not_hinder(imported, cast):
    again = job.upload(export.workbook(), "b.xlsx", by=cast.user["admin"])
    job.confirm(again, by=cast.user["admin"])
    assert undo.hindrance(imported) == ""


def test_what_already_hangs_on_a_new_person_refuses_it(imported, cast):
    accounts.open_for(Person.objects.get(number="NEW1"), by=cast.user["admin"])
    before = everything()
    with pytest.raises(people.PeopleRefused, match="已经用到了（账号"):
        job.undo_import(imported, by=cast.user["admin"])
    assert everything() == before
    assert ImportBatch.objects.get(pk=imported.pk).state == "applied"


def test_what_already_hangs_on_a_new_organisation_refuses_it(imported, cast):
    user = builders.make_user(username="office")
    accounts.grant_office(user, Organization.objects.get(code="999"), by=cast.user["admin"])
    with pytest.raises(tree.TreeRefused, match="已经用到了（授权"):
        job.undo_import(imported, by=cast.user["admin"])
    assert Organization.objects.filter(code="999").exists()


def test_a_large_one_is_a_job_and_keeps_the_receipt_when_it_cannot(imported, cast, monkeypatch):
    monkeypatch.setattr(uploaded, "AT_ONCE", 10)
    monkeypatch.setattr(job, "launch", lambda pk: None)
    queued = job.undo_import(imported, by=cast.user["admin"])
    assert (queued.state, queued.job) == ("queued", ImportJob.UNDO)
    people.update_many([(cast.person["secretary"], {"title": "处长"})], by=None)
    assert job.run(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.note[:5]) == ("applied", "没有撤销：")


def test_a_large_one_is_undone_by_its_job_or_given_up_before(imported, cast, monkeypatch):
    monkeypatch.setattr(uploaded, "AT_ONCE", 10)
    monkeypatch.setattr(job, "launch", lambda pk: None)
    job.undo_import(imported, by=cast.user["admin"])
    assert job.cancel(imported, by=cast.user["admin"]).state == "applied"
    job.undo_import(imported, by=cast.user["admin"])
    assert job.run(imported.pk)
    imported.refresh_from_db()
    assert imported.state == "undone"
    assert not Organization.objects.filter(code="999").exists()
