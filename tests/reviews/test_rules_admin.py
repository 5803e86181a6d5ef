"""The admin changes the checklist, with an event; it only shows rules, half-years and duties."""

import pytest
from django.urls import reverse

from orgs.models import AuditEvent
from reviews import duties
from reviews.models import ChecklistPoint, Duty, Period, Rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]


@pytest.fixture
def admin(cast, as_user):
    return as_user(cast.user["admin"])


def page(name, *args):
    return reverse(f"admin:reviews_{name}", args=args)


@pytest.mark.parametrize("model", ["rule", "checklistpoint", "period", "duty"])
def test_the_administrator_lists_searches_and_opens(cast, admin, model):
    duties.regenerate(duties.ensure_period("2010H2"))
    rows = {"rule": Rule, "checklistpoint": ChecklistPoint, "period": Period, "duty": Duty}[model].objects
    assert admin.get(page(f"{model}_changelist"), {"q": "2"}).status_code == 200
    opened = admin.get(page(f"{model}_change", rows.first().pk))
    assert opened.status_code == 200
    assert ("_save" in opened.content.decode()) == (model == "checklistpoint")


@pytest.mark.parametrize("model", ["rule", "period", "duty"])
def test_rules_half_years_and_duties_are_neither_added_nor_changed_nor_deleted(cast, admin, model):
    duties.regenerate(duties.ensure_period("2010H2"))
    row = {"rule": Rule, "period": Period, "duty": Duty}[model].objects.first()
    assert admin.get(page(f"{model}_add")).status_code == 403
    assert admin.post(page(f"{model}_change", row.pk), {}).status_code == 403
    assert admin.post(page(f"{model}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


def test_points_are_switched_off_never_deleted(cast, admin):
    row = ChecklistPoint.objects.first()
    assert admin.post(page("checklistpoint_delete", row.pk), {"post": "yes"}).status_code == 403
    assert ChecklistPoint.objects.filter(pk=row.pk).exists()


def test_the_list_of_duties_asks_the_same_however_many(cast, admin, django_assert_max_num_queries):
    duties.regenerate(duties.ensure_period("2010H2"))
    assert Duty.objects.count() > 20
    with django_assert_max_num_queries(14):
        admin.get(page("duty_changelist"))


@pytest.mark.parametrize("part", ["clerk", "root_head", "member"])
def test_nobody_else_gets_in(cast, as_user, part):
    for model in ("rule", "duty"):
        assert as_user(cast.user[part]).get(page(f"{model}_changelist")).status_code == 302


# --- checklist --------------------------------------------------------------------------------------------------------


def test_a_point_is_changed_with_an_event(cast, admin):
    point = ChecklistPoint.objects.filter(kind="member").first()
    data = {
        "scheme": point.scheme_id,
        "kind": point.kind,
        "order": point.order,
        "text": "新的要点",
        "clause": point.clause,
    }
    assert admin.post(page("checklistpoint_change", point.pk), data).status_code == 302
    point.refresh_from_db()
    assert (point.text, point.is_on) == ("新的要点", False)
    event = AuditEvent.objects.get(model="reviews.checklistpoint")
    assert event.after["text"] == "新的要点"
    assert event.by == cast.user["admin"]
