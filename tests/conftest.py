"""What every test stands on: no surroundings leak in, and a service that should be there is there or the test fails.

Tests marked `postgres` or `redis` run when DATABASE_URL or REDIS_URL name the service. Without, they are
deselected, and the first line says so; with, a service that does not answer fails them. Nothing skips in silence.
"""

from __future__ import annotations

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connections
from django.test import Client

from tests.cast import Cast, make_cast


def _has_postgres() -> bool:
    return django_settings.DATABASES["default"]["ENGINE"].endswith("postgresql")


def _missing() -> set[str]:
    """Marks whose service the environment does not name."""
    missing = set()
    if not _has_postgres():
        missing.add("postgres")
    if not django_settings.REDIS_URL:
        missing.add("redis")
    return missing


def pytest_report_header() -> str:
    """Say on what the tests run, and what is left out."""
    missing = _missing()
    without = f"; not run, because not configured: {', '.join(sorted(missing))}" if missing else ""
    return f"dianping: database {django_settings.DATABASES['default']['ENGINE']}{without}"


def _commits(item: pytest.Item) -> bool:
    """Whether the test commits for real, so that the database is emptied after it."""
    marker = item.get_closest_marker("django_db")
    names = getattr(item, "fixturenames", ())
    return (marker is not None and marker.kwargs.get("transaction", False)) or bool(
        {"transactional_db", "live_server"} & set(names)
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a service that nobody configured; give tests that commit the shipped rows.

    The scheme and its rules come by migration, and the emptying after a test that commits takes them away.
    """
    for item in items:
        if _commits(item):
            item.add_marker(pytest.mark.django_db(transaction=True, serialized_rollback=True), append=False)
    missing = _missing()
    left_out = [item for item in items if missing & {mark.name for mark in item.iter_markers()}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A configured service that does not answer is a failure, never a skip (a missing database fails by itself)."""
    if item.get_closest_marker("redis"):
        try:
            redis.Redis.from_url(django_settings.REDIS_URL, socket_timeout=3).ping()
        except redis.RedisError as error:
            pytest.fail(f"REDIS_URL={django_settings.REDIS_URL} does not answer: {error}", pytrace=False)


@pytest.fixture(autouse=True)
def plain_settings(settings, tmp_path):
    """Nothing of the developer's own surroundings: no fixed day, files in a temporary place, cheap passwords."""
    settings.TODAY = ""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return settings


@pytest.fixture
def in_2010(settings):
    """The demonstration's day: 10 December 2010."""
    settings.TODAY = "2010-12-10"
    return settings.TODAY


@pytest.fixture
def cast(db) -> Cast:
    """The small named system of tests/cast.py."""
    return make_cast()


@pytest.fixture
def as_user():
    """A client that is logged in: as_user(cast.user["secretary"])."""

    def logged_in(user) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return logged_in


@pytest.fixture
def closed_connections():
    """For tests with threads or child processes: no connection is left behind."""
    yield
    connections.close_all()
