"""The import in the browser: upload, preview, confirm, receipt; for administrators only."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from orgs.importing import apply, job, telling
from orgs.importing.reading import Unreadable
from orgs.models import AuditEvent, ImportBatch, Organization, Person
from tests import builders
from tests.orgs.books import ORG, TREE, book
from tests.orgs.dirty import CASES

pytestmark = pytest.mark.django_db
CHANGED = [("1311", "天津局检务处第一党支部", "党支部", "机关内设机构", "131", "隶属")]
WRONG = [("1311", "天津局检务处党支部", "党支部", "机关内设机构", "0019", "隶属")]


@pytest.fixture
def admin(db, as_user):
    return as_user(builders.make_user(username="boss", is_superuser=True, is_staff=True))


def upload(client, data: bytes, name: str = "组织 a.xlsx", **ticks):
    return client.post(reverse("import_start"), {"file": SimpleUploadedFile(name, data), **ticks}, follow=True)


def test_upload_preview_confirm_receipt(admin):
    page = upload(admin, book(TREE, [("P1", "张三", "011")])).content.decode()
    batch = ImportBatch.objects.get()
    assert "新增 4 行" in page
    assert "示例局党组" in page
    assert not Organization.objects.exists()
    page = admin.post(reverse("import_confirm", args=[batch.pk]), follow=True).content.decode()
    assert "导入完成" in page
    assert Organization.objects.count() == 4
    batch.refresh_from_db()
    assert batch.state == "applied"
    assert batch.applied_at is not None
    assert telling.totals(batch).startswith("组织 新增 4、更新 0、未变 0")
    assert batch.file_name == "组织 a.xlsx"
    assert "组织" not in batch.file.name
    assert AuditEvent.objects.filter(verb="导入", by__username="boss").count() == 1


def test_the_preview_shows_old_and_new(cast, admin):
    page = upload(admin, book(CHANGED)).content.decode()
    assert "天津局检务处党支部" in page
    assert "天津局检务处第一党支部" in page
    assert "更新 1 行" in page


def test_wrong_rows_cannot_be_confirmed(cast, admin):
    page = upload(admin, book(WRONG)).content.decode()
    batch = ImportBatch.objects.get()
    assert batch.state == "refused"
    assert "找不到组织 &quot;0019&quot;" in page
    assert "先在本表中添加这个上级" in page
    assert "disabled" in page
    answer = admin.post(reverse("import_confirm", args=[batch.pk]), follow=True)
    assert "没有导入任何内容" in answer.content.decode()
    assert Organization.objects.get(code="1311").parent.code == "131"


def test_the_list_of_errors_is_a_workbook(cast, admin):
    upload(admin, book(WRONG))
    answer = admin.get(reverse("import_errors", args=[ImportBatch.objects.get().pk]))
    rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))
    assert rows[1][1:5] == ("组织", 2, "上级代码", '找不到组织 "0019"')


def test_more_errors_than_shown_are_all_in_the_workbook(cast, admin):
    rows = [(f"x{n}", "甲支部", "党支部", "机关内设机构", f"nix{n}", None) for n in range(250)]
    page = upload(admin, book(rows)).content.decode()
    assert "全部 250 处见清单" in page
    answer = admin.get(reverse("import_errors", args=[ImportBatch.objects.get().pk]))
    assert load_workbook(io.BytesIO(answer.content)).active.max_row == 251


def test_a_second_confirmation_is_refused(admin):
    upload(admin, book(TREE))
    where = reverse("import_confirm", args=[ImportBatch.objects.get().pk])
    admin.post(where)
    page = admin.post(where, follow=True).content.decode()
    assert "已经导入过了" in page
    assert AuditEvent.objects.filter(verb="导入").count() == 1


def test_what_changed_since_the_preview_counts(cast, admin):
    """Planned anew under the lock: a parent that has gone meanwhile refuses the whole file."""
    data = book([("1312", "新支部", "党支部", "机关内设机构", "999", None)])
    upload(admin, book([("999", "新总支", "党总支", "机关内设机构", "131", None)]))
    first = ImportBatch.objects.get()
    upload(admin, data)
    second = ImportBatch.objects.exclude(pk=first.pk).get()
    assert second.state == "refused"
    admin.post(reverse("import_confirm", args=[first.pk]))
    admin.post(reverse("import_recheck", args=[second.pk]))
    second.refresh_from_db()
    assert second.state == "previewed"
    Organization.objects.filter(code="999").update(org_type="branch")
    with pytest.raises(apply.Wrong):
        job.confirm(second, by=first.by)
    second.refresh_from_db()
    assert second.state == "refused"
    assert not Organization.objects.filter(code="1312").exists()


def test_a_file_refused_whole_is_said_and_not_kept(admin):
    page = upload(admin, b"%PDF-1.4").content.decode()
    assert "这是 PDF 文件，不是电子表格。" in page
    assert not ImportBatch.objects.exists()


def test_ticks_say_what_is_meant(cast, admin):
    rows = [(77, "乙局党组", "党组", "直属检验检疫局", None, None)]
    upload(admin, book(rows), new_root="on", numeric_codes="on")
    batch = ImportBatch.objects.get()
    assert batch.state == "previewed"
    assert batch.allow_new_root
    admin.post(reverse("import_confirm", args=[batch.pk]))
    assert Organization.objects.get(code="77").parent is None


def test_a_stored_file_that_is_gone_is_said(cast, admin):
    upload(admin, book(CHANGED))
    batch = ImportBatch.objects.get()
    batch.file.storage.delete(batch.file.name)
    assert "请重新上传" in admin.post(reverse("import_confirm", args=[batch.pk]), follow=True).content.decode()
    with pytest.raises(Unreadable):
        job.preview_again(batch, by=batch.by)


def test_the_template_is_a_download(admin):
    answer = admin.get(reverse("import_template"))
    assert answer["Content-Disposition"] == 'attachment; filename="template.xlsx"'
    assert load_workbook(io.BytesIO(answer.content)).sheetnames[0] == "组织"


def test_names_in_files_are_escaped(cast, admin):
    rows = [("1311", "<script>alert(1)</script>", "党支部", "机关内设机构", "131", "隶属")]
    page = upload(admin, book(rows), "<b>.xlsx").content.decode()
    assert "<script>alert" not in page
    assert "<b>.xlsx" not in page


def test_mobile_numbers_are_masked_in_the_preview(cast, admin):
    header = ["人员编号", "姓名", "所属支部代码", "手机"]
    page = upload(admin, book(people=[("N-member", "检务处党员", "1311", "13800138000")], 人员=header)).content.decode()
    assert "138****8000" in page
    assert "13800138000" not in page


@pytest.mark.parametrize("who", ["root_clerk", "root_head", "member", "stranger"])
def test_nobody_else_finds_the_pages(cast, as_user, admin, who):
    upload(admin, book(CHANGED))
    pk = ImportBatch.objects.get().pk
    client = as_user(cast.user[who])
    for name, arguments in (
        ("import_start", []),
        ("import_template", []),
        ("import_preview", [pk]),
        ("import_errors", [pk]),
    ):
        assert client.get(reverse(name, args=arguments)).status_code == 404
    for name in ("import_confirm", "import_recheck"):
        assert client.post(reverse(name, args=[pk])).status_code == 404
    with pytest.raises(job.Forbidden):
        job.upload(book(CHANGED), "a.xlsx", by=cast.user[who])
    assert Organization.objects.get(code="1311").name == "天津局检务处党支部"


@pytest.mark.parametrize("query", ["?page=999", "?page=x", "?page=-1"])
def test_junk_is_no_error(admin, query):
    assert admin.get(reverse("import_start") + query).status_code == 200
    assert admin.get(reverse("import_preview", args=[12345])).status_code == 404
    assert admin.post(reverse("import_start"), {}).status_code == 200


def test_a_thousand_rows_cost_no_query_each(cast, django_assert_max_num_queries):
    header = [*ORG, "排序"]
    orgs = [(f"b{n}", f"第{n}支部", "党支部", "机关内设机构", "131", None, n) for n in range(300)]
    people = [(f"q{n}", "甲", f"b{n % 300}") for n in range(1000)]
    user = cast.user["admin"]
    batch = job.upload(
        book(orgs, people, [(f"q{n}", f"b{n}", "书记") for n in range(300)], 组织=header), "a.xlsx", by=user
    )
    with django_assert_max_num_queries(120):
        job.confirm(batch, by=user)
    assert Person.objects.filter(number__startswith="q").count() == 1000


def test_problems_are_grouped_by_their_cause(cast, admin):
    rows = [(f"b{n}", f"第{n}支部", "党支部", "机关内设机构", f"nix{n}", None) for n in range(25)]
    page = upload(admin, book([*rows, ("c1", "丙支部", "支部", "机关内设机构", "131", None)])).content.decode()
    groups = ImportBatch.objects.get().counts["groups"]
    assert [(group["column"], group["cause"], group["count"], len(group["rows"])) for group in groups] == [
        ("上级代码", '找不到组织 "…"', 25, 20),
        ("组织类型", '不认识 "…"', 1, 1),
    ]
    assert "25 处，显示前 20 处" in page
    assert "全部 26 处见清单" in page
    assert "nix19" in page
    assert "nix20" not in page


def test_the_download_holds_the_sent_sheets_with_the_wrong_cells_marked(cast, admin):
    upload(admin, book(WRONG))
    batch = ImportBatch.objects.get()
    made = load_workbook(io.BytesIO(admin.get(reverse("import_errors", args=[batch.pk])).content))
    assert made.sheetnames == ["错误清单", "组织"]
    assert '找不到组织 "0019"' in made["组织"]["E2"].comment.text
    batch.file.storage.delete(batch.file.name)
    made = load_workbook(io.BytesIO(admin.get(reverse("import_errors", args=[batch.pk])).content))
    assert made.sheetnames == ["错误清单"]


@pytest.mark.parametrize(
    "name",
    ["a pdf in front of a workbook", "a zip bomb", "a billion laughs", "a workbook with a password", "macros", "a value in the far corner"],
)  # fmt: skip
def test_a_hostile_upload_is_answered_by_its_sentence(admin, name):
    (case,) = (case for case in CASES if case.name == name)
    answer = upload(admin, case.data(), case.file)
    assert answer.status_code == 200
    assert case.refused in answer.content.decode()
    assert not Organization.objects.exists()
