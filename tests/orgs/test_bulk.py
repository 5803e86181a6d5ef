"""Rows written past the models read back as if the models had written them."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orgs import bulk
from orgs.models import Person, Post
from reviews.models import CoverageTarget, Duty
from tests.builders import day, make_org, make_period

pytestmark = pytest.mark.django_db
COLUMNS = ("period_id", "measure", "organization_id", "person_id", "done_on", "since")


@pytest.fixture
def period():
    return make_period()


def test_values_read_back_as_they_were_given(period):
    orgs = [make_org(f"{number}") for number in range(1, 4)]
    rows = [
        (period.pk, "organizations", org.pk, None, day("2010-12-10") if org == orgs[0] else None, None) for org in orgs
    ]
    bulk.insert(CoverageTarget, COLUMNS, iter(rows))
    assert list(CoverageTarget.objects.order_by("pk").values_list(*COLUMNS)) == rows


def test_texts_and_json_keep_every_character(period):
    org = make_org("1")
    odd = "引号'双引号\"反斜\\杠%s\n\\.\n换行\t，\\N𠮷"
    values = {
        "period_id": period.pk, "rule_id": None, "rule_code": "X", "basis": "assigned", "due_on": day("2010-12-31"),
        "created_at": timezone.now(),
        "status": "pending", "is_assigned": True, "exempt_reason": odd, "target_org_id": org.pk,
        "target_person_id": None, "exempt_approved_by": "", "reviewer_kind": "org", "reviewer_org_id": org.pk, "reviewer_id": None,
        "acting_id": None, "subject": "org", "about_org_id": org.pk, "joint_group": "",
        "reasons": [{"org": odd, "acting": True, "since": None}],
    }  # fmt: skip
    bulk.insert(Duty, tuple(values), [tuple(values.values())])
    duty = Duty.objects.get()
    assert {name: getattr(duty, name) for name in values} == values


def test_many_rows_go_in_portions(period, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 2)
    orgs = [make_org(f"{number}") for number in range(1, 6)]
    bulk.insert(CoverageTarget, COLUMNS, ((period.pk, "organizations", org.pk, None, None, None) for org in orgs))
    assert CoverageTarget.objects.count() == 5


def test_no_rows_are_no_error(period):
    bulk.insert(CoverageTarget, COLUMNS, [])
    assert not CoverageTarget.objects.exists()


def test_a_column_without_values_is_refused_by_name(period):
    with pytest.raises(ValueError, match="since"):
        bulk.insert(CoverageTarget, COLUMNS[:-1], [])


def test_what_the_database_refuses_is_djangos_error(period):
    row = (period.pk, "organizations", make_org("1").pk, None, None, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert(CoverageTarget, COLUMNS, [row, row])
    assert not CoverageTarget.objects.exists()


def test_stored_instances_gain_keys_that_nobody_else_gets():
    first = Person.objects.create(number="1", name="甲")
    persons = [Person(number=f"{number}", name="乙", title='一, "二"\n\\.') for number in range(2, 5)]
    bulk.store(persons)
    last = Person.objects.create(number="5", name="丙")
    assert len({first.pk, last.pk, *(person.pk for person in persons)}) == 5
    assert list(Person.objects.filter(name="乙").order_by("pk")) == persons
    read = Person.objects.get(pk=persons[0].pk)
    assert (read.title, read.born_on, read.kind) == ('一, "二"\n\\.', None, "full")
    persons[0].name = "丁"
    persons[0].save()
    assert Person.objects.count() == 5


def test_keys_are_not_given_again_after_the_last_row_was_deleted():
    gone = Person.objects.create(number="1", name="甲")
    key = gone.pk
    gone.delete()
    person = Person(number="2", name="乙")
    bulk.store([person])
    assert person.pk > key


def test_a_number_that_is_taken_is_djangos_error():
    Person.objects.create(number="a", name="甲")
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.store([Person(number="A", name="乙")])


def test_an_instance_made_past_the_model_is_as_the_model_makes_it():
    org, person = make_org("1"), Person.objects.create(number="1", name="甲")
    values = {"number": "2", "name": "乙", "born_on": day("1960-01-02")}
    made, usual = bulk.instance(Person, values), Person(**values)
    for one in (made, usual):
        assert one._state.adding
        assert one.pk is None
    assert {field.name: getattr(made, field.attname) for field in Person._meta.fields} == {
        field.name: getattr(usual, field.attname) for field in Person._meta.fields
    }
    post = bulk.instance(Post, {"role": "member"}, person=person, organization=org)
    assert (post.person_id, post.organization_id) == (person.pk, org.pk)
    assert post.person is person
    assert post.organization is org
    post.save()
    assert Post.objects.get().organization == org


def test_rows_are_completed_just_before_they_are_sent():
    persons = [Person(number=f"{number}", name="乙") for number in range(3)]
    bulk.store(persons, prepare=lambda person: setattr(person, "title", f"第{person.number}"))
    assert list(Person.objects.order_by("number").values_list("title", flat=True)) == ["第0", "第1", "第2"]
    assert [person.title for person in persons] == ["第0", "第1", "第2"]
