"""The admin shows records and changes nothing."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from reviews import records
from reviews.models import Answer, Record, RectificationItem, RectificationStep, Review
from tests.reviews.record_cases import make_cases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
MODELS = ["review", "record", "answer", "rectificationitem", "rectificationstep"]
ROWS = {
    "review": Review,
    "record": Record,
    "answer": Answer,
    "rectificationitem": RectificationItem,
    "rectificationstep": RectificationStep,
}


@pytest.fixture
def cases(cast):
    return make_cases(cast)


@pytest.mark.parametrize("model", MODELS)
def test_the_administrator_lists_searches_and_opens(cases, cast, as_user, model):
    cases.confirmed()
    client = as_user(cast.user["admin"])
    listing = client.get(reverse(f"admin:reviews_{model}_changelist"), {"q": "检务处"})
    assert listing.status_code == 200
    row = ROWS[model].objects.order_by("pk").first()
    page = client.get(reverse(f"admin:reviews_{model}_change", args=[row.pk]))
    assert page.status_code == 200
    assert "_save" not in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_added_changed_or_deleted(cases, cast, as_user, model):
    cases.confirmed()
    client = as_user(cast.user["admin"])
    row = ROWS[model].objects.order_by("pk").first()
    assert client.get(reverse(f"admin:reviews_{model}_add")).status_code == 403
    assert client.post(reverse(f"admin:reviews_{model}_change", args=[row.pk]), {}).status_code == 403
    assert client.post(reverse(f"admin:reviews_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert ROWS[model].objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_lists_ask_the_same_however_many_rows(cases, cast, as_user, model, django_assert_max_num_queries):
    cases.confirmed()
    cases.confirmed_branch()
    client = as_user(cast.user["admin"])
    client.get(reverse(f"admin:reviews_{model}_changelist"))
    with django_assert_max_num_queries(12):
        client.get(reverse(f"admin:reviews_{model}_changelist"))


def test_a_draft_is_in_the_list_too(cases, cast, as_user):
    record = records.open_draft(cases.of_member(), by=cast.user["secretary"])
    page = as_user(cast.user["admin"]).get(reverse("admin:reviews_record_changelist"), {"state__exact": "draft"})
    assert record.target_name in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_a_part_in_it_find_nothing(cases, cast, as_user, model):
    cases.confirmed()
    stranger = cast.user["stranger"]
    stranger.is_staff = True
    stranger.save()
    stranger.user_permissions.set(Permission.objects.filter(content_type__app_label="reviews"))
    row = ROWS[model].objects.order_by("pk").first()
    client = as_user(stranger)
    page = client.get(reverse(f"admin:reviews_{model}_change", args=[row.pk]))
    assert page.status_code == 302
    assert client.get(reverse(f"admin:reviews_{model}_changelist")).context["cl"].result_count == 0
