"""Celery tasks, eager and in a real worker on Redis: at least once delivered, once in effect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from orgs.tasks import prove_tree
from reports import tasks
from reports.models import Notification, NotificationKind
from reviews.models import Duty
from tests.builders import make_period, make_user

ROOT = Path(__file__).resolve().parents[2]


# --- shells -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_task_runs_on_an_empty_database(settings):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    assert prove_tree() == 0
    assert tasks.prove_coverage() == 0
    tasks.fold_coverage()
    assert tasks.deliver_mail() == 0


@pytest.mark.django_db
def test_findings_of_coverage_are_logged_and_reach_the_administrators(monkeypatch, caplog, in_2010):
    make_period()
    admin = make_user(username="admin", is_superuser=True)
    monkeypatch.setattr("reports.coverage.prove", lambda: ["12 应 3，存 4"])
    assert tasks.prove_coverage() == 1
    assert "覆盖汇总: 12 应 3，存 4" in caplog.text
    assert tasks.send_reminders.run() == 1
    message = Notification.objects.get()
    assert (message.recipient, message.kind) == (admin, NotificationKind.SYSTEM)
    assert "12 应 3，存 4" in message.body


@pytest.mark.django_db
def test_a_sound_coverage_is_no_news(in_2010):
    make_period()
    make_user(username="admin", is_superuser=True)
    assert tasks.prove_coverage() == 0
    assert tasks.send_reminders.run() == 0


# --- a real worker --------------------------------------------------------------------------------------


class Worker:
    """`celery -A dianping worker` as a process of its own, on this test database and a queue of its own."""

    def __init__(self, log: Path) -> None:
        self.queue = f"test-{uuid.uuid4().hex[:12]}"
        self.log = log
        database = connection.settings_dict
        password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
        address = f"{database['HOST']}:{database['PORT'] or 5432}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"postgres://{database['USER']}{password}@{address}/{database['NAME']}",
            "REDIS_URL": settings.REDIS_URL,
            "TODAY": "2010-12-24",
            "DEBUG": "1",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        command = [sys.executable, "-m", "celery", "-A", "dianping", "worker", "--loglevel=INFO", "--concurrency=1"]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, f"--queues={self.queue}", f"--hostname={self.queue}@%h", "--without-mingle"],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        assert until(lambda: " ready." in self.said()), self.said()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """The log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def children(self) -> list[int]:
        """Its pool processes."""
        assert self.process is not None
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in found.split()]


def until(condition, seconds: float = 60) -> bool:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


def succeeded(worker: Worker) -> int:
    """Finished runs of send_reminders."""
    return sum(
        "Task reports.tasks.send_reminders[" in line and "succeeded" in line for line in worker.said().splitlines()
    )


@pytest.fixture
def worker(tmp_path) -> Iterator[Worker]:
    with Worker(tmp_path / "worker.log") as running:
        yield running


@pytest.fixture
def duty(transactional_db, cast) -> Duty:
    """Committed, so that another process sees it; due in a week on the worker's day."""
    period = make_period("2010H2")
    return Duty.objects.create(
        period=period,
        rule_code="4",
        reviewer_kind="person",
        reviewer_org=cast.org["1311"],
        acting=cast.person["secretary"],
        subject="member",
        target_person=cast.person["member"],
        about_org=cast.org["1311"],
        basis="affiliation",
        due_on=period.ends_on,
    )


@pytest.mark.redis
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_runs_in_a_real_worker_leave_one_message(duty, worker):
    for _ in range(2):
        tasks.send_reminders.apply_async(queue=worker.queue)
    assert until(lambda: succeeded(worker) == 2), worker.said()
    assert [message.key for message in Notification.objects.all()] == ["duties:2010H2:7"]


@pytest.mark.redis
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_sends_once_all_the_same(duty, worker, cast):
    """The insert is held up by our own uncommitted row, so that the child dies in the very middle of it."""
    with transaction.atomic():
        Notification.objects.create(
            recipient=cast.user["secretary"], key="duties:2010H2:7", kind=NotificationKind.DUTIES, title="held"
        )
        for _ in range(2):
            tasks.send_reminders.apply_async(queue=worker.queue)
        assert until(_somebody_waits, 30), worker.said()
        [child] = worker.children()
        os.kill(child, signal.SIGKILL)
        assert until(lambda: "WorkerLostError" in worker.said(), 30), worker.said()
        transaction.set_rollback(True)
    assert until(lambda: succeeded(worker) >= 2, 90), worker.said()
    assert [message.title for message in Notification.objects.all()] != ["held"]
    assert Notification.objects.count() == 1


def _somebody_waits() -> bool:
    """Another connection waits for a lock that this one holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone()[0] > 0
