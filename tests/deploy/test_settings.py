"""The settings come from the environment; with DEBUG=0 an unsafe start is refused, and the refusal names what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-proper-secret-of-more-than-thirty-two-characters"
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG", "TODAY", "HTTPS", "TEST_DB")


def ask(question: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start Django in a process of its own, in nothing but this environment, and evaluate one expression."""
    surroundings = {name: value for name, value in os.environ.items() if name not in OURS}
    code = f"import django; django.setup(); from django.conf import settings; print(({question}))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**surroundings, "DJANGO_SETTINGS_MODULE": "dianping.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"ALLOWED_HOSTS": "example.cn"}, "SECRET_KEY 未设置"),
        ({"ALLOWED_HOSTS": "example.cn", "SECRET_KEY": ""}, "SECRET_KEY 未设置"),
        (
            {"ALLOWED_HOSTS": "example.cn", "SECRET_KEY": "development-only-secret-not-for-production"},
            "SECRET_KEY 是默认值或太短",
        ),
        ({"ALLOWED_HOSTS": "example.cn", "SECRET_KEY": "short"}, "SECRET_KEY 是默认值或太短"),
        ({"SECRET_KEY": SECRET}, "ALLOWED_HOSTS 未设置"),
    ],
)
def test_production_refuses_to_start_and_says_which_setting_is_wrong(environment, named):
    result = ask("settings.DEBUG", DEBUG="0", **environment)
    assert result.returncode != 0
    assert f"环境变量 {named}" in result.stderr


def test_production_starts_with_a_secret_and_its_hosts():
    result = ask("settings.DEBUG, settings.ALLOWED_HOSTS", DEBUG="0", SECRET_KEY=SECRET, ALLOWED_HOSTS="a.cn,b.cn")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "(False, ['a.cn', 'b.cn'])"


def test_without_any_setting_it_is_sqlite_with_immediate_transactions_and_eager_tasks():
    result = ask(
        "settings.DATABASES['default']['ENGINE'], settings.DATABASES['default']['OPTIONS']['transaction_mode'], "
        "settings.CELERY_TASK_ALWAYS_EAGER"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "('django.db.backends.sqlite3', 'IMMEDIATE', True)"


def test_with_redis_tasks_go_to_the_worker_and_survive_its_death():
    result = ask(
        "settings.CELERY_TASK_ALWAYS_EAGER, settings.CELERY_TASK_ACKS_LATE, settings.CELERY_TASK_REJECT_ON_WORKER_LOST",
        REDIS_URL="redis://127.0.0.1:6379/0",
    )
    assert result.stdout.strip() == "(False, True, True)", result.stderr


@pytest.mark.parametrize(
    ("url", "name"),
    [("sqlite:///relative.sqlite3", "relative.sqlite3"), ("sqlite:////srv/absolute.sqlite3", "/srv/absolute.sqlite3")],
)
def test_a_sqlite_url_may_be_relative_or_absolute(url, name):
    result = ask("settings.DATABASES['default']['NAME']", DATABASE_URL=url)
    assert result.stdout.strip() == name, result.stderr


def test_every_task_of_the_beat_schedule_exists():
    question = (
        "[entry['task'] for entry in settings.CELERY_BEAT_SCHEDULE.values() "
        "if entry['task'] not in __import__('dianping').celery_app.tasks]"
    )
    result = ask(f"(__import__('dianping').celery_app.loader.import_default_modules(), {question})[1]")
    assert result.stdout.strip() == "[]", result.stderr
