"""/healthz tells whoever asks whether this process can work, and no more."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

pytestmark = pytest.mark.django_db

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


def test_it_answers_without_a_log_in_and_may_not_be_kept(client, settings):
    settings.REDIS_URL = ""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert "no-store" in answer["Cache-Control"]


def test_a_database_that_does_not_answer_is_503_and_named(client, settings, monkeypatch):
    settings.REDIS_URL = ""

    def refuse():
        raise OperationalError("connection to server at 10.1.2.3 failed")

    monkeypatch.setattr(connection, "cursor", refuse)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "unreachable"}


def test_a_configured_redis_that_does_not_answer_is_503_and_named(client, settings):
    settings.REDIS_URL = NOBODY_LISTENS
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"redis": "unreachable"}


@pytest.mark.redis
def test_it_is_well_with_the_real_redis(client):
    assert client.get("/healthz").status_code == 200


def test_it_only_reads(client):
    assert client.post("/healthz").status_code == 405
