"""The trail is written past the ORM; what it holds is what the ORM would have written."""

from __future__ import annotations

import datetime

import pytest
from django.db import transaction
from django.utils import timezone

from orgs import audit
from orgs.models import AuditEvent, Organization, Post
from tests.builders import day

pytestmark = pytest.mark.django_db
FIELDS = ("by_id", "verb", "model", "object_id", "summary", "before", "after")


def test_an_event_reads_back_as_it_was_written(cast):
    org = cast.org["131"]
    before = {"name": '引号 " 与 % 和 \\', "parent": cast.org["13"], "founded_on": day("2009-05-01"), "flag": None}
    began = timezone.now()
    audit.record(
        cast.user["admin"], "修改组织", [org], changes={org.pk: (before, {"order": 3, "is_window_unit": True})}
    )
    event = AuditEvent.objects.latest("pk")
    assert event.by == cast.user["admin"]
    assert (event.verb, event.model, event.object_id) == ("修改组织", "orgs.organization", org.pk)
    assert event.summary == str(org)
    assert event.before == {
        "name": '引号 " 与 % 和 \\', "parent": str(cast.org["13"]), "founded_on": "2009-05-01", "flag": None,
    }  # fmt: skip
    assert event.after == {"order": 3, "is_window_unit": True}
    assert began <= event.at <= timezone.now() + datetime.timedelta(seconds=1)


def test_the_row_is_the_one_that_the_orm_writes(cast):
    org = cast.org["131"]
    audit.record(None, "试", [org], summary="长" * 600)
    raw = AuditEvent.objects.latest("pk")
    orm = AuditEvent.objects.create(verb="试", model="orgs.organization", object_id=org.pk, summary="长" * 500)
    assert [getattr(raw, name) for name in FIELDS] == [getattr(orm, name) for name in FIELDS]
    assert (
        AuditEvent.objects.filter(before={}, after={}, at__date=timezone.localdate(), pk__in=[raw.pk, orm.pk]).count()
        == 2
    )
    assert AuditEvent.objects.filter(before__isnull=True).count() == 0


def test_one_event_an_object_in_their_order_and_none_for_nothing(cast):
    orgs = list(Organization.objects.order_by("pk"))
    seen = AuditEvent.objects.count()
    audit.record(None, "试", orgs * 300)
    made = list(AuditEvent.objects.order_by("pk").values_list("object_id", flat=True)[seen:])
    assert made == [org.pk for org in orgs] * 300
    audit.record(None, "无", [])
    assert not AuditEvent.objects.filter(verb="无").exists()


def test_an_event_goes_back_with_its_transaction(cast):
    with transaction.atomic():
        audit.record(None, "收回", [cast.org["131"]])
        transaction.set_rollback(True)
    assert not AuditEvent.objects.filter(verb="收回").exists()


def test_a_name_may_ask_the_database(cast, monkeypatch):
    """PostgreSQL answers nothing while rows are copied: all are named before."""
    monkeypatch.setattr(audit, "AT_ONCE", 2)
    posts = list(Post.objects.order_by("pk"))  # each says its person, who is not loaded
    changes = {post.pk: ({"was": cast.org["13"]}, {}) for post in posts}
    audit.record(None, "试", posts, changes=changes)
    told = AuditEvent.objects.filter(verb="试").order_by("pk").values_list("object_id", "summary")
    assert list(told) == [(post.pk, str(post)) for post in posts]
