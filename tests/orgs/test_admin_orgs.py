"""The administrators' side: over the verbs, in Chinese, for administrators only; import and export on the lists."""

from __future__ import annotations

import io

import pytest
from django.contrib import admin as django_admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from orgs import tree
from orgs.models import AuditEvent, Grant, Membership, Organization, Person, Post, User
from tests import builders
from tests.orgs.books import TREE, book, numbers, plan_of

pytestmark = pytest.mark.django_db
OURS = [
    "organization",
    "person",
    "membership",
    "post",
    "charge",
    "scheme",
    "category",
    "user",
    "auditevent",
    "importbatch",
]


@pytest.fixture
def client(cast, as_user):
    return as_user(cast.user["admin"])


def url(model: str, what: str = "changelist", *arguments) -> str:
    return reverse(f"admin:orgs_{model}_{what}", args=arguments)


def form_of(client, address: str) -> dict[str, str]:
    """The values that the form of a page holds, as a browser would send them back."""
    page = client.get(address)
    form = page.context["adminform"].form
    values: dict[str, str] = {}
    for bound in form:
        value = bound.value()
        if value is True:
            values[bound.html_name] = "on"
        elif value is not None and value is not False:
            values[bound.html_name] = str(value)
    for inline in page.context["inline_admin_formsets"]:
        for bound in inline.formset.management_form:
            values[bound.html_name] = str(bound.value())
        for form_ in inline.formset.forms:
            for bound in form_:
                value = bound.value()
                values[bound.html_name] = "" if value is None or value is False else str(value)
    return values


def save(client, address: str, **changes) -> str:
    """Open, change, save; returns the page that follows."""
    values = {name: value for name, value in (form_of(client, address) | changes).items() if value is not None}
    return client.post(address, values, follow=True).content.decode()


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", OURS)
def test_every_list_and_page_opens(client, model):
    assert client.get(url(model)).status_code == 200
    assert client.get(url(model) + "?q=局").status_code == 200
    first = django_admin.site._registry[{m._meta.model_name: m for m in django_admin.site._registry}[model]].model
    row = first._default_manager.first()
    if row is not None:
        assert client.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", OURS)
def test_staff_without_the_administrator_s_right_gets_nowhere(cast, as_user, model):
    clerk = builders.make_user(username="staff", is_staff=True)
    assert as_user(clerk).get(url(model)).status_code == 403


@pytest.mark.parametrize("model", ["membership", "auditevent", "importbatch"])
def test_history_is_to_look_at(client, model):
    assert client.get(url(model, "add")).status_code == 403


@pytest.mark.parametrize("model", [model for model in OURS if model != "organization"])
def test_nothing_is_deleted(client, model):
    assert client.post(url(model, "delete", 1)).status_code in (302, 403)  # 302: there is no such row
    assert "delete_selected" not in client.get(url(model)).content.decode()


def test_an_audit_event_cannot_be_changed(client, cast):
    event = AuditEvent.objects.first()
    assert client.post(url("auditevent", "change", event.pk), {"verb": "x"}).status_code == 403
    event.refresh_from_db()
    assert event.verb != "x"


# --- organisations ------------------------------------------------------------------------------------------------------


def test_an_organisation_is_added_through_the_tree(client, cast):
    page = save(
        client, url("organization", "add"), code="１３１２", name="天津局新支部", org_type="branch",
        category=str(builders.category("机关内设机构").pk), parent=str(cast.org["131"].pk), relation="affiliation", order="0",
    )  # fmt: skip
    assert "天津局新支部" in page
    made = Organization.objects.get(code="1312")
    assert made.led_by.code == "13"
    assert tree.prove() == []
    assert AuditEvent.objects.filter(verb="新增组织", object_id=made.pk, by=cast.user["admin"]).exists()


def test_an_organisation_added_by_mistake_is_deleted_and_no_other(client, cast):
    assert "delete_selected" not in client.get(url("organization")).content.decode()
    mistake = builders.make_org("1319", parent=cast.org["131"])
    assert "1319" in client.get(url("organization", "delete", mistake.pk)).content.decode()
    client.post(url("organization", "delete", mistake.pk), {"post": "yes"})
    assert not Organization.objects.filter(pk=mistake.pk).exists()
    assert AuditEvent.objects.filter(verb="删除组织", object_id=mistake.pk, by=cast.user["admin"]).exists()
    page = client.post(url("organization", "delete", cast.org["1311"].pk), {"post": "yes"}, follow=True)
    assert "不能删除" in page.content.decode()
    assert Organization.objects.filter(code="1311").exists()
    assert tree.prove() == []


def test_a_changed_parent_is_a_move(client, cast):
    save(client, url("organization", "change", cast.org["1311"].pk), parent=str(cast.org["13"].pk), name="改名支部")
    moved = Organization.objects.get(code="1311")
    assert (moved.parent.code, moved.name, moved.level) == ("13", "改名支部", 2)
    assert tree.prove() == []


def test_a_cycle_is_said_and_not_stored(client, cast):
    page = save(client, url("organization", "change", cast.org["13"].pk), parent=str(cast.org["131"].pk))
    assert "循环" in page or "自己" in page or "下级" in page
    assert Organization.objects.get(code="13").parent.code == "1"
    assert tree.prove() == []


def test_nothing_hangs_under_a_branch(client, cast):
    page = save(client, url("organization", "change", cast.org["132"].pk), parent=str(cast.org["1311"].pk))
    assert "党支部" in page
    assert Organization.objects.get(code="132").parent.code == "13"


def test_an_emptied_parent_is_no_new_root(client, cast):
    page = save(client, url("organization", "change", cast.org["131"].pk), parent="")
    assert "请选择上级组织" in page
    assert Organization.objects.get(code="131").parent.code == "13"


def test_an_end_dissolves_and_is_refused_while_there_are_members(client, cast, in_2010):
    page = save(client, url("organization", "change", cast.org["1311"].pk), dissolved_on="2010-12-01")
    assert "名党员" in page
    assert Organization.objects.get(code="1311").dissolved_on is None


@pytest.mark.parametrize("name", ["办\u200b公室", "名" * 201])
def test_input_is_cleaned_as_the_import_cleans_it(client, cast, name):
    save(client, url("organization", "change", cast.org["1311"].pk), name=name)
    assert Organization.objects.get(code="1311").name == "天津局检务处党支部"


# --- people -------------------------------------------------------------------------------------------------------------


def test_a_person_is_added_with_a_branch(client, cast):
    save(
        client, url("person", "add"), number="N-new", name="新党员", kind="full", status="normal",
        branch_now=str(cast.org["111"].pk), moved_on="2010-05-01",
    )  # fmt: skip
    membership = Membership.objects.get(person__number="N-new")
    assert (membership.branch.code, membership.from_on) == ("111", builders.day("2010-05-01"))


def test_another_branch_is_a_transfer(client, cast, in_2010):
    save(client, url("person", "change", cast.person["member"].pk), branch_now=str(cast.org["111"].pk), name="改名党员")
    old, new = Membership.objects.filter(person=cast.person["member"]).order_by("pk")
    assert old.to_on == new.from_on == builders.day("2010-12-10")
    assert Person.objects.get(number="N-member").name == "改名党员"


def test_a_branch_that_is_none_is_refused(client, cast):
    save(client, url("person", "change", cast.person["member"].pk), branch_now=str(cast.org["131"].pk))
    assert Membership.objects.get(person=cast.person["member"]).branch.code == "1311"


def test_a_second_secretary_is_refused_on_the_page(client, cast):
    page = save(
        client,
        url("post", "add"),
        person=str(cast.person["member"].pk),
        organization=str(cast.org["1311"].pk),
        role="secretary",
    )
    assert "同时有两名书记" in page
    assert not Post.objects.filter(person=cast.person["member"]).exists()


def test_a_post_ends_with_its_division_of_work(client, cast):
    post = cast.person["member_in_charge"].posts.get(organization=cast.org["13"])
    save(client, url("post", "change", post.pk), to_on="2010-12-01")
    assert cast.person["member_in_charge"].charges.get().to_on == builders.day("2010-12-01")


def test_a_division_of_work_wants_a_post(client, cast):
    page = save(
        client, url("charge", "add"), person=str(cast.person["member"].pk), team=str(cast.org["13"].pk),
        organization=str(cast.org["131"].pk), kind="lead",
    )  # fmt: skip
    assert "不能分管其下级组织" in page
    assert not cast.person["member"].charges.exists()


def test_mobile_numbers_are_masked_in_the_list(client, cast):
    Person.objects.filter(number="N-member").update(mobile="13800138000")
    page = client.get(url("person")).content.decode()
    assert "138****8000" in page
    assert "13800138000" not in page


@pytest.mark.parametrize("model", ["organization", "person", "post", "charge", "membership"])
def test_lists_cost_no_query_a_row(client, cast, model, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        client.get(url(model))


# --- accounts -----------------------------------------------------------------------------------------------------------


def test_an_account_is_opened_for_a_person(client, cast):
    person = builders.make_person("新人", cast.org["111"], number="N-9")
    page = save(client, url("user", "add"), person=str(person.pk), username="")
    user = User.objects.get(username="N-9")
    assert user.must_change_password
    assert "初始密码" in page
    assert user.check_password(page.split("初始密码：")[1].split("\u3000")[0])


def test_an_account_without_a_person_wants_a_name(client):
    assert "请填写用户名" in save(client, url("user", "add"), username="", person="")
    save(client, url("user", "add"), username="tj-office", first_name="天津局办公室")
    assert User.objects.get(username="tj-office").must_change_password


def test_passwords_are_reset_by_the_verb(client, cast):
    user = cast.user["member"]
    page = client.post(
        url("user"), {"action": "reset_passwords", "_selected_action": [user.pk]}, follow=True
    ).content.decode()
    user.refresh_from_db()
    assert user.must_change_password
    assert user.check_password(page.split("初始密码：")[1].split("\u3000")[0])
    assert AuditEvent.objects.filter(verb="重置密码", object_id=user.pk).exists()


def test_an_agreed_password_is_recorded_and_must_be_changed(client, cast):
    user = cast.user["member"]
    secret = "heping-tianqi-2010"
    client.post(
        reverse("admin:auth_user_password_change", args=[user.pk]),
        {"password1": secret, "password2": secret, "usable_password": "true"},
    )
    user.refresh_from_db()
    assert user.check_password(secret)
    assert user.must_change_password
    assert AuditEvent.objects.filter(verb="重置密码", object_id=user.pk, by=cast.user["admin"]).exists()


def test_an_office_is_granted_and_taken_back(client, cast):
    address = url("user", "change", cast.user["stranger"].pk)
    save(
        client,
        address,
        **{"grants-TOTAL_FORMS": "1", "grants-0-organization": str(cast.org["13"].pk), "grants-0-role": "office"},
    )
    assert Grant.objects.get(user=cast.user["stranger"]).organization.code == "13"
    assert AuditEvent.objects.filter(verb="授权", by=cast.user["admin"]).exists()
    save(client, address, **{"grants-0-DELETE": "on"})
    assert not Grant.objects.filter(user=cast.user["stranger"]).exists()


# --- import and export ----------------------------------------------------------------------------------------------------


def upload(client, model: str, data: bytes, name: str = "a.xlsx"):
    return client.post(
        url(model, "import"), {"import_file": SimpleUploadedFile(name, data), "format": "0", "resource": "0"}
    )


def confirm(client, model: str, page):
    hidden = {name: field.value() for name, field in ((f.name, f) for f in page.context["confirm_form"])}
    return client.post(url(model, "process_import"), hidden, follow=True)


def test_the_list_of_organisations_imports_over_the_same_functions(client, cast):
    rows = [
        ("1311", "改名支部", "党支部", "机关内设机构", "131", "隶属"),
        ("1312", "新支部", "党支部", "机关内设机构", "131", None),
    ]
    page = upload(client, "organization", book(rows, people=[("N-x", "不在此导入", "1311")]))
    assert "天津局检务处党支部 → 改名支部" in page.content.decode()
    assert Organization.objects.get(code="1311").name == "天津局检务处党支部"
    assert "新增 1、更新 1、未变 0" in confirm(client, "organization", page).content.decode()
    assert Organization.objects.get(code="1312").led_by.code == "13"
    assert Organization.objects.get(code="1311").name == "改名支部"
    assert not Person.objects.filter(number="N-x").exists()
    assert tree.prove() == []


def test_the_list_of_people_imports_over_the_same_functions(client, cast):
    page = upload(client, "person", book(people=[("N-member", "检务处党员", "111")]))
    confirm(client, "person", page)
    assert Membership.objects.get(person=cast.person["member"], to_on=None).branch.code == "111"


def test_wrong_rows_are_shown_with_the_sheet_s_numbers(client, cast):
    rows = [*TREE[:0], ("1312", "新支部", "党支部", "机关内设机构", "0019", None)]
    page = upload(client, "organization", book(rows))
    text = page.content.decode()
    assert "找不到组织 &quot;0019&quot;" in text
    assert "上级代码" in text
    assert "confirm_form" not in page.context
    assert not Organization.objects.filter(code="1312").exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.4", "这是 PDF 文件"),
        (book(people=[("N-x", "甲", "1311")]), "文件里没有“组织”的数据"),
        (book([(f"x{n}", "甲", "党支部", "机关内设机构", "131", None) for n in range(5001)]), "超过 5000 行"),
    ],
)
def test_files_that_do_not_belong_here_are_refused(client, cast, data, words):
    assert words in upload(client, "organization", data).content.decode()


def test_a_tampered_confirmation_begins_anew(client, cast):
    for name in ("../../etc/passwd", "0" * 32, ""):
        answer = client.post(
            url("organization", "process_import"),
            {"import_file_name": name, "original_file_name": "a.xlsx", "format": "0", "resource": "0"},
        )
        assert answer.status_code in (200, 302)
    answer = client.post(
        url("organization", "process_import"),
        {"import_file_name": "0" * 32, "original_file_name": "a.xlsx", "format": "77", "resource": "0"},
    )
    assert answer.status_code == 302


def test_a_refusal_after_the_preview_is_said(client, cast):
    page = upload(client, "organization", book([("1312", "新支部", "党支部", "机关内设机构", "132", None)]))
    Organization.objects.filter(code="132").update(org_type="branch")
    text = confirm(client, "organization", page).content.decode()
    assert "没有导入任何内容" in text
    assert not Organization.objects.filter(code="1312").exists()


@pytest.mark.parametrize(("model", "sheet", "total"), [("organization", "组织", 10), ("person", "人员", 13)])
def test_the_export_of_a_list_imports_again_as_unchanged(client, cast, model, sheet, total):
    answer = client.get(url(model, "export"))
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert numbers(plan_of(answer.content), sheet) == (0, 0, total, 0)
    assert AuditEvent.objects.filter(verb=f"导出{sheet}").exists()


def test_the_export_is_of_the_list_as_it_is_filtered(client, cast):
    answer = client.get(url("organization", "export") + "?org_type__exact=branch")
    rows = list(load_workbook(io.BytesIO(answer.content))["组织"].iter_rows(min_row=2, values_only=True))
    assert {row[2] for row in rows} == {"党支部"}


@pytest.mark.parametrize("model", ["organization", "person"])
def test_import_and_export_are_the_administrator_s(cast, as_user, model):
    clerk = as_user(builders.make_user(username="staff", is_staff=True))
    assert clerk.get(url(model, "export")).status_code == 403
    assert upload(clerk, model, book(TREE)).status_code == 403
