"""Rows written past the models read back as if the models had written them."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orgs import bulk
from reviews.models import CoverageTarget, Duty
from tests.builders import day, make_org, make_period

pytestmark = pytest.mark.django_db
COLUMNS = ("period_id", "measure", "organization_id", "person_id", "done_on")


@pytest.fixture
def period():
    return make_period()


def test_values_read_back_as_they_were_given(period):
    orgs = [make_org(f"{number}") for number in range(1, 4)]
    rows = [(period.pk, "organizations", org.pk, None, day("2010-12-10") if org == orgs[0] else None) for org in orgs]
    bulk.insert(CoverageTarget, COLUMNS, iter(rows))
    assert list(CoverageTarget.objects.order_by("pk").values_list(*COLUMNS)) == rows


def test_texts_and_json_keep_every_character(period):
    org = make_org("1")
    odd = "引号'双引号\"反斜\\杠%s\n换行，𠮷"
    values = {
        "period_id": period.pk, "rule_id": None, "rule_code": "X", "basis": "assigned", "due_on": day("2010-12-31"),
        "created_at": timezone.now(),
        "status": "pending", "is_assigned": True, "exempt_reason": odd, "target_org_id": org.pk,
        "target_person_id": None, "reviewer_kind": "org", "reviewer_org_id": org.pk, "reviewer_id": None,
        "acting_id": None, "subject": "org", "about_org_id": org.pk, "joint_group": "",
        "reasons": [{"org": odd, "acting": True, "since": None}],
    }  # fmt: skip
    bulk.insert(Duty, tuple(values), [tuple(values.values())])
    duty = Duty.objects.get()
    assert {name: getattr(duty, name) for name in values} == values


def test_many_rows_go_in_portions(period, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 2)
    orgs = [make_org(f"{number}") for number in range(1, 6)]
    bulk.insert(CoverageTarget, COLUMNS, ((period.pk, "organizations", org.pk, None, None) for org in orgs))
    assert CoverageTarget.objects.count() == 5


def test_no_rows_are_no_error(period):
    bulk.insert(CoverageTarget, COLUMNS, [])
    assert not CoverageTarget.objects.exists()


def test_a_column_without_values_is_refused_by_name(period):
    with pytest.raises(ValueError, match="done_on"):
        bulk.insert(CoverageTarget, COLUMNS[:-1], [])


def test_what_the_database_refuses_is_djangos_error(period):
    row = (period.pk, "organizations", make_org("1").pk, None, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert(CoverageTarget, COLUMNS, [row, row])
    assert not CoverageTarget.objects.exists()
