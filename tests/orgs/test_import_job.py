"""Large files: jobs in the background with their progress; queued, cancelled, interrupted, begun again."""

from __future__ import annotations

import datetime
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from orgs import jobs, progress, tree
from orgs.errors import Forbidden, TreeBusy
from orgs.importing import apply, job, reading, uploaded
from orgs.models import AuditEvent, ImportBatch, ImportJob, ImportState, Membership, Organization, Person
from orgs.tasks import run_import
from tests import builders
from tests.orgs.books import TREE, book, import_

ROOT = Path(__file__).resolve().parents[2]
GOOD = book(TREE, [("P1", "张三", "011")])
WRONG = book([*TREE, ("9", "某党支部", "党支部", "机关内设机构", "nix", None)])


@pytest.fixture
def launched(monkeypatch):
    """Everything is large; what would be done elsewhere is noted and left to the test."""
    noted: list[int] = []
    monkeypatch.setattr(uploaded, "AT_ONCE", 0)
    monkeypatch.setattr(job, "launch", noted.append)
    return noted


@pytest.fixture
def boss(db):
    return builders.make_user(username="boss", is_superuser=True, is_staff=True)


@pytest.fixture
def batch(boss, launched, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        return job.upload(GOOD, "a.xlsx", by=boss)


def state_of(batch) -> str:
    batch.refresh_from_db()
    return batch.state


def ready(batch, boss) -> ImportBatch:
    """Checked and confirmed: queued for the write."""
    job.run(batch.pk)
    batch.refresh_from_db()
    return job.confirm(batch, by=boss)


# --- the way of a large file ------------------------------------------------------------------------------------------


def test_a_large_file_is_queued_checked_confirmed_and_written(batch, boss, launched):
    assert (batch.state, launched) == (ImportState.QUEUED, [batch.pk])
    assert job.run(batch.pk)
    assert state_of(batch) == ImportState.PREVIEWED
    assert batch.counts["sheets"][0]["new"] == 4
    assert not Organization.objects.exists()
    assert job.confirm(batch, by=boss).state == ImportState.QUEUED
    assert not Organization.objects.exists()
    assert run_import(batch.pk)
    assert state_of(batch) == ImportState.APPLIED
    assert (Organization.objects.count(), Person.objects.count()) == (4, 1)
    assert batch.confirmed_by == boss
    assert AuditEvent.objects.get(verb="导入").by == boss
    assert progress.rows(job.progress_path(batch), job.STAGES) == {"read": 7, "checked": 5, "written": 5}


def test_its_launch_waits_for_the_commit(boss, launched, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as waiting:
        made = job.upload(GOOD, "a.xlsx", by=boss)
    assert launched == []
    for callback in waiting:
        callback()
    assert launched == [made.pk]


def test_a_second_worker_does_nothing(batch, boss):
    assert job.run(batch.pk)
    assert not job.run(batch.pk)
    batch.refresh_from_db()
    job.confirm(batch, by=boss)
    assert job.run(batch.pk)
    assert not job.run(batch.pk)
    assert not job.run(987654)
    assert AuditEvent.objects.filter(verb="导入").count() == 1


def test_two_clicks_queue_it_once(batch, boss, launched, django_capture_on_commit_callbacks):
    job.run(batch.pk)
    batch.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        job.confirm(batch, by=boss)
        with pytest.raises(job.NotNow, match="正在处理"):
            job.confirm(batch, by=boss)
    assert launched == [batch.pk] * 2  # the check and one write


def test_wrong_rows_are_shown_and_cannot_be_confirmed(boss, launched):
    made = job.upload(WRONG, "a.xlsx", by=boss)
    job.run(made.pk)
    assert state_of(made) == ImportState.REFUSED
    assert made.counts["problem_count"] == 1
    with pytest.raises(job.NotNow, match="有错误"):
        job.confirm(made, by=boss)


def test_rows_that_became_wrong_since_are_shown_by_the_write(batch, boss):
    ready(batch, boss)
    import_(book([("x1", "另一局党组", "党组", "直属检验检疫局", None, None)]))  # another root is there now
    assert job.run(batch.pk)
    assert state_of(batch) == ImportState.REFUSED
    assert batch.counts["problem_count"]
    assert not Organization.objects.filter(code="011").exists()


def test_a_file_of_the_wrong_kind_is_refused_at_once(boss, launched):
    with pytest.raises(reading.Unreadable, match="PDF"):
        job.upload(b"%PDF-1.4", "a.xlsx", by=boss)
    assert not ImportBatch.objects.exists()


def test_a_file_that_cannot_be_read_says_so_on_its_page(boss, launched, as_user):
    made = job.upload(book([]), "a.xlsx", by=boss)
    assert job.run(made.pk)
    assert state_of(made) == ImportState.REFUSED
    page = as_user(boss).get(reverse("import_preview", args=[made.pk])).content.decode()
    assert "文件里没有数据行" in page


def test_who_lost_the_right_to_import_meanwhile_imports_nothing(batch, boss):
    ready(batch, boss)
    boss.is_superuser = False
    boss.save()
    assert job.run(batch.pk)
    assert state_of(batch) == ImportState.REFUSED
    assert "只有系统管理员" in batch.note
    assert not Organization.objects.exists()


def test_the_command_does_a_queued_job(batch, capsys):
    call_command("run_import", str(batch.pk))
    assert state_of(batch) == ImportState.PREVIEWED
    call_command("run_import", str(batch.pk))
    assert "没有要做的" in capsys.readouterr().out


# --- queue, cancel, death ---------------------------------------------------------------------------------------------


def test_a_writer_waits_in_the_queue_while_the_tree_is_busy(batch, boss, monkeypatch):
    ready(batch, boss)
    states = []
    real = apply.import_book

    def busy(*arguments, **named):
        if len(states) < 2:
            raise TreeBusy("忙")
        return real(*arguments, **named)

    monkeypatch.setattr(apply, "import_book", busy)
    monkeypatch.setattr(jobs.time, "sleep", lambda _: states.append(state_of(batch)))
    assert job.run(batch.pk)
    assert states == ["queued", "queued"]
    assert state_of(batch) == ImportState.APPLIED


def test_a_waiting_writer_can_be_cancelled(batch, boss, monkeypatch):
    ready(batch, boss)

    def busy(*_, **__):
        raise TreeBusy("忙")

    monkeypatch.setattr(apply, "import_book", busy)
    monkeypatch.setattr(jobs.time, "sleep", lambda _: job.cancel(batch, by=boss))
    job.run(batch.pk)
    assert state_of(batch) == ImportState.CANCELLED
    assert AuditEvent.objects.filter(verb="取消导入").exists()


def test_a_check_that_is_cancelled_meanwhile_stays_cancelled(batch, boss, monkeypatch):
    real = apply.preview

    def cancelled_meanwhile(*arguments):
        made = real(*arguments)
        job.cancel(ImportBatch.objects.get(pk=batch.pk), by=boss)
        return made

    monkeypatch.setattr(apply, "preview", cancelled_meanwhile)
    job.run(batch.pk)
    assert state_of(batch) == ImportState.CANCELLED
    assert batch.counts == {}


@pytest.mark.parametrize("state", ["writing", "applied", "cancelled"])
def test_what_is_being_written_or_done_cannot_be_cancelled(batch, boss, state):
    ImportBatch.objects.update(state=state)
    if state == "cancelled":
        assert job.cancel(batch, by=boss).state == state  # once more does no harm
    else:
        with pytest.raises((job.NotNow, job.AlreadyImported)):
            job.cancel(batch, by=boss)
    assert state_of(batch) == state


def test_an_unexpected_error_is_an_interruption_and_leaves_nothing(batch, boss, monkeypatch):
    ready(batch, boss)
    monkeypatch.setattr(apply, "_charges", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        job.run(batch.pk)
    assert state_of(batch) == ImportState.INTERRUPTED
    assert not Organization.objects.exists()


@pytest.mark.parametrize("state", ["reading", "checking", "writing"])
def test_a_process_without_a_sign_of_life_is_an_interruption(batch, boss, state):
    long_ago = timezone.now() - datetime.timedelta(seconds=jobs.DEAD_AFTER + 5)
    ImportBatch.objects.update(state=state, run="dead", touched_at=long_ago)
    batch.refresh_from_db()
    with progress.Reporter(job.progress_path(batch)):
        assert job.notice_death(batch).state == state
    os.utime(job.progress_path(batch), (long_ago.timestamp(), long_ago.timestamp()))
    assert job.notice_death(batch).state == ImportState.INTERRUPTED
    assert state_of(batch) == ImportState.INTERRUPTED
    again = job.recheck(batch, by=boss)
    assert (again.state, again.job) == (ImportState.QUEUED, ImportJob.CHECK)
    assert job.run(batch.pk)
    assert state_of(batch) == ImportState.PREVIEWED


def test_who_was_taken_for_dead_writes_nothing(batch, boss, monkeypatch):
    ready(batch, boss)
    real = job.book_of

    def slow(*arguments):
        ImportBatch.objects.filter(pk=batch.pk).update(state=ImportState.QUEUED, run="")
        return real(*arguments)

    monkeypatch.setattr(job, "book_of", slow)
    assert job.run(batch.pk)
    assert state_of(batch) == ImportState.QUEUED
    assert not Organization.objects.exists()


def test_a_process_that_never_began_is_an_interruption_unless_a_broker_keeps_the_job(batch, settings):
    ImportBatch.objects.update(touched_at=timezone.now() - datetime.timedelta(seconds=jobs.START_WITHIN + 5))
    batch.refresh_from_db()
    settings.REDIS_URL = "redis://nowhere"
    assert job.notice_death(batch).state == ImportState.QUEUED
    settings.REDIS_URL = ""
    assert job.notice_death(batch).state == ImportState.INTERRUPTED


def test_only_administrators_queue_and_cancel(batch, cast):
    for verb in (job.cancel, job.confirm, job.recheck):
        with pytest.raises(Forbidden):
            verb(batch, by=cast.user["root_head"])
    assert state_of(batch) == ImportState.QUEUED


# --- launching --------------------------------------------------------------------------------------------------------


def test_celery_is_asked_when_there_is_a_broker_else_a_process(monkeypatch, settings):
    sent, begun = [], []

    class Child:
        def wait(self):
            return 0

    monkeypatch.setattr(jobs.current_app, "send_task", lambda *arguments, **_: sent.append(arguments))
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda command, **_: begun.append(command) or Child())
    settings.REDIS_URL = "redis://nowhere"
    job.launch(7)
    assert (sent, begun) == ([("orgs.tasks.run_import", [7])], [])
    settings.REDIS_URL = ""
    job.launch(8)
    assert begun[0][-2:] == ["run_import", "8"]

    def refuse(*_, **__):
        raise jobs.BrokerError

    settings.REDIS_URL = "redis://nowhere"
    monkeypatch.setattr(jobs.current_app, "send_task", refuse)
    job.launch(9)
    assert begun[1][-1] == "9"


# --- pages ------------------------------------------------------------------------------------------------------------


def test_the_page_tells_the_progress_and_asks_again(batch, boss, as_user):
    client = as_user(boss)
    where = reverse("import_preview", args=[batch.pk])
    page = client.get(where).content.decode()
    assert "排队中" in page
    assert f'hx-get="{reverse("import_progress", args=[batch.pk])}"' in page
    assert "取消" in page
    ImportBatch.objects.update(state="writing", job="write", run="r", touched_at=timezone.now())
    with progress.Reporter(job.progress_path(batch)) as reporter:
        reporter.rows.update(read=1234, checked=1200, written=56)
    part = client.get(reverse("import_progress", args=[batch.pk]), HTTP_HX_REQUEST="true").content.decode()
    assert "已读取 1234 行" in part
    assert "已写入 56 行" in part
    assert reverse("import_cancel", args=[batch.pk]) not in client.get(where).content.decode()
    assert "写入中" in client.get(reverse("import_start")).content.decode()


def test_the_page_is_loaded_anew_when_the_job_has_ended(batch, boss, as_user):
    job.run(batch.pk)
    client = as_user(boss)
    answer = client.get(reverse("import_progress", args=[batch.pk]), HTTP_HX_REQUEST="true")
    assert answer["HX-Refresh"] == "true"
    assert client.get(reverse("import_progress", args=[batch.pk])).status_code == 302
    assert "新增 4 行" in client.get(reverse("import_preview", args=[batch.pk])).content.decode()


def test_cancel_and_begin_again_in_the_browser(batch, boss, as_user):
    client = as_user(boss)
    page = client.post(reverse("import_cancel", args=[batch.pk]), follow=True).content.decode()
    assert "已取消" in page
    assert not job.run(batch.pk)
    page = client.post(reverse("import_recheck", args=[batch.pk]), follow=True).content.decode()
    assert "排队中" in page
    job.run(batch.pk)
    page = client.post(reverse("import_confirm", args=[batch.pk]), follow=True).content.decode()
    assert "排队中" in page
    job.run(batch.pk)
    assert "导入完成" in client.get(reverse("import_preview", args=[batch.pk])).content.decode()
    page = client.post(reverse("import_cancel", args=[batch.pk]), follow=True).content.decode()
    assert "已经导入过了" in page


def test_a_small_file_is_still_done_at_once(boss, as_user, monkeypatch):
    monkeypatch.setattr(job, "launch", lambda pk: pytest.fail("no job"))
    page = as_user(boss).post(reverse("import_start"), {"file": SimpleUploadedFile("a.xlsx", GOOD)}, follow=True)
    assert "新增 4 行" in page.content.decode()


# --- the writer is killed ---------------------------------------------------------------------------------------------


MOMENTS = 10


def large_book(word: str) -> bytes:
    """Some hundred branches with 3,000 members; the word stands in every name, so that each version differs in all."""
    orgs = [*TREE, *((f"b{n}", f"{word}第{n}党支部", "党支部", "机关内设机构", "01", None) for n in range(300))]
    return book(orgs, [(f"P{n}", f"张{word}", f"b{(n + len(word)) % 300}") for n in range(3000)])


def stored_words() -> tuple[list, list, list]:
    """What of a version is stored: names of branches, names of people, where they belong."""
    branches = Organization.objects.filter(code__startswith="b").order_by("code").values_list("code", "name")
    people = Person.objects.order_by("number").values_list("number", "name")
    places = (
        Membership.objects.filter(to_on=None).order_by("person__number").values_list("person__number", "branch__code")
    )
    return list(branches), list(people), list(places)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("closed_connections")
def test_a_writer_killed_at_ten_random_moments_leaves_the_old_state_or_the_new(launched, monkeypatch):
    boss = builders.make_user(username="boss", is_superuser=True, is_staff=True)
    monkeypatch.setattr(jobs, "DEAD_AFTER", 0.5)
    values = connection.settings_dict
    address = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    surroundings = {**os.environ, "DATABASE_URL": address, "MEDIA_ROOT": str(django_settings.MEDIA_ROOT), "TODAY": ""}

    def checked(made: ImportBatch) -> ImportBatch:
        job.run(made.pk)
        made.refresh_from_db()
        assert made.state == ImportState.PREVIEWED
        return made

    def working(made: ImportBatch) -> subprocess.Popen:
        """A worker of its own that has begun to write."""
        job.confirm(made, by=boss)
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "run_import", str(made.pk)],
            cwd=ROOT,
            env=surroundings,
            start_new_session=True,
        )
        while state_of(made) == ImportState.QUEUED and worker.poll() is None:
            time.sleep(0.02)
        return worker

    first = checked(job.upload(large_book("甲"), "0.xlsx", by=boss))
    worker, began = working(first), time.monotonic()
    assert worker.wait(120) == 0
    length = time.monotonic() - began
    assert state_of(first) == ImportState.APPLIED
    dice = random.Random(4)
    batch, kept, version = None, 0, 1
    for at in range(MOMENTS):
        if batch is None:
            version += 1
            batch = checked(job.upload(large_book("甲乙"[version % 2] * version), f"{version}.xlsx", by=boss))
        before = stored_words()
        worker = working(batch)
        time.sleep(length * (at + dice.random()) / MOMENTS)
        with suppress(ProcessLookupError):  # it was faster
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        time.sleep(0.7)  # the server notices the death, or ends a commit that was on its way
        with transaction.atomic():
            tree.lock()  # nobody holds it any more
        assert tree.prove() == []
        if state_of(batch) == ImportState.APPLIED:
            wanted = "甲乙"[version % 2] * version
            assert {name for _, name in stored_words()[1]} == {f"张{wanted}"}
            assert {name[: len(wanted)] for _, name in stored_words()[0]} == {wanted}
            batch = None
            continue
        kept += 1
        assert stored_words() == before
        batch.refresh_from_db()
        assert job.notice_death(batch).state == ImportState.INTERRUPTED
        checked(job.recheck(batch, by=boss))
    assert kept, "no kill came before the end"
    if batch is not None:  # what was interrupted last is begun again, and ends
        assert working(batch).wait(120) == 0
        assert state_of(batch) == ImportState.APPLIED
