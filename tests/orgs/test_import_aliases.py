"""What files write for organisations: offered, chosen once, kept, said, listed, removed; a code always goes before."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orgs.errors import Forbidden
from orgs.importing import aliases, job
from orgs.models import AuditEvent, ImportBatch, Membership, OrganizationAlias
from tests import builders
from tests.orgs.books import book, import_, plan_of, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]
PEOPLE = [("N1", "张三", "检务处支部"), ("N2", "李四", "检务处支部")]


def upload(client, data: bytes):
    return client.post(reverse("import_start"), {"file": SimpleUploadedFile("a.xlsx", data)}, follow=True)


@pytest.fixture
def admin(cast, as_user):
    return as_user(cast.user["admin"])


def test_an_unknown_branch_is_chosen_in_the_browser_and_understood_from_then_on(cast, admin):
    cast.org["1311"].__class__.objects.filter(pk=cast.org["1311"].pk).update(short_name="检务处支部")
    page = upload(admin, book(people=PEOPLE)).content.decode()
    batch = ImportBatch.objects.get()
    [unknown] = batch.counts["unknown"]
    assert (unknown["text"], unknown["count"], unknown["candidates"][0][0]) == ("检务处支部", 2, "1311")
    assert 'name="choice-0"' in page
    page = admin.post(reverse("import_answer", args=[batch.pk]), {"choice-0": "1311"}, follow=True).content.decode()
    batch.refresh_from_db()
    assert batch.state == "previewed"
    assert "“检务处支部”按别名理解为 1311 天津局检务处党支部（2 行）" in page
    alias = OrganizationAlias.objects.get()
    assert (alias.text, alias.organization.code, alias.by) == ("检务处支部", "1311", cast.user["admin"])
    admin.post(reverse("import_confirm", args=[batch.pk]))
    assert Membership.objects.filter(branch__code="1311", person__number__in=["N1", "N2"]).count() == 2
    # Another file, in another width and with blanks around: understood at once, by the command as well.
    assert said(import_(book(people=[("N3", "王五", "\u3000检务处支部 ")]))) == []


@pytest.mark.parametrize("said_as", ["1311", "天津局检务处党支部", " 1311 "])
def test_another_organisation_by_code_or_name(admin, said_as):
    upload(admin, book(people=[("N1", "张三", "某某支部")]))
    batch = ImportBatch.objects.get()
    admin.post(reverse("import_answer", args=[batch.pk]), {"other-0": said_as, "choice-0": "131"})
    assert OrganizationAlias.objects.get().organization.code == "1311"


def test_an_answer_that_names_nothing_is_refused_with_a_sentence(admin):
    upload(admin, book(people=[("N1", "张三", "某某支部")]))
    where = reverse("import_answer", args=[ImportBatch.objects.get().pk])
    assert (
        "没有代码、全称或简称是“无此支部”的组织"
        in admin.post(where, {"other-0": "无此支部"}, follow=True).content.decode()
    )
    assert "请为至少一个名称选择" in admin.post(where, {}, follow=True).content.decode()
    assert not OrganizationAlias.objects.exists()


def test_a_name_of_several_organisations_is_not_guessed(cast):
    builders.make_org("1399", "党支部", "机关内设机构", cast.org["131"], name="天津局检务处党支部")
    with pytest.raises(aliases.NotUnderstood, match="不止一个"):
        aliases.meant("天津局检务处党支部")


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ({"orgs": [("9", "新支部", "党支部", "机关内设机构", "机关委", None)]}, "parent"),
        ({"people": [("N1", "张三", "机关委")]}, "branch"),
        ({"posts": [("N-member", "机关委", "书记", None, None, None)]}, "organization"),
        ({"charges": [("N-member", "机关委", "1311", None, None, None)]}, "team"),
        ({"charges": [("N-member", "13", "机关委", None, None, None)]}, "organization"),
    ],
)
def test_every_column_that_names_an_organisation_offers_and_understands(rows, place, cast):
    data = book(**rows)
    assert "机关委" in plan_of(data).candidates
    aliases.learn({"机关委": "131"}, by=None)
    assert not any("找不到组织" in line for line in said(plan_of(data)))


def test_an_alias_never_goes_before_a_code(cast):
    aliases.learn({"1311": "111", "新代码": "111"}, by=None)
    assert plan_of(book(people=[("N1", "张三", "1311")])).changes["人员"][0].move[0] == "1311"
    rows = [("新代码", "新支部", "党支部", "机关内设机构", "131", None)]
    plan = plan_of(book(rows, [("N1", "张三", "新代码")]))
    assert plan.changes["人员"][0].move[0] == "新代码"
    assert not any("按别名" in notice for notice in plan.notices)


def test_ways_of_writing_are_compared_without_width_case_and_blanks(cast):
    aliases.learn({"ＡＢ支部": "1311"}, by=None)
    aliases.learn({"ab支部 ": "111"}, by=None)
    assert OrganizationAlias.objects.get().organization.code == "111"


def test_an_organisation_of_the_file_itself_is_chosen_and_kept_when_it_is_there(cast, admin):
    rows = [("1388", "稽查处党支部", "党支部", "机关内设机构", "131", None)]
    upload(admin, book(rows, [("N1", "张三", "稽查支部")]))
    batch = ImportBatch.objects.get()
    admin.post(reverse("import_answer", args=[batch.pk]), {"other-0": "稽查处党支部"})
    batch.refresh_from_db()
    assert (batch.state, batch.answers) == ("previewed", {"稽查支部": "1388"})
    assert not OrganizationAlias.objects.exists()
    admin.post(reverse("import_confirm", args=[batch.pk]))
    assert OrganizationAlias.objects.get().organization.code == "1388"


def test_aliases_are_listed_with_who_and_when_and_removed(cast, admin):
    aliases.learn({"检务支部": "1311"}, by=cast.user["admin"])
    page = admin.get(reverse("import_aliases"), {"q": "检务"}).content.decode()
    assert "检务支部" in page
    assert "1311" in page
    admin.post(reverse("import_alias_remove", args=[OrganizationAlias.objects.get().pk]))
    assert not OrganizationAlias.objects.exists()
    assert AuditEvent.objects.filter(verb="删除组织别名").exists()
    assert "找不到组织" in said(plan_of(book(people=[("N1", "张三", "检务支部")])))[0]


def test_only_administrators_answer(cast):
    batch = job.upload(book(people=PEOPLE), "a.xlsx", by=cast.user["admin"])
    with pytest.raises(Forbidden):
        job.answer(batch, {"检务处支部": "1311"}, by=cast.user["clerk"])
