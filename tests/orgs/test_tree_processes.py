"""Real processes that write the tree at once, each over a connection of its own: it stays sound, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
BEGINNING = 150


def start(database: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "DATABASE_URL": database, "DEBUG": "1", "LOG_LEVEL": "ERROR", "TODAY": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.orgs.tree_writer", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen[str], said: str = "") -> dict:
    """What it tells at its end. A process that died (of a deadlock, or a locked database) fails the test."""
    out, err = process.communicate(said, timeout=120)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def write_at_once(database: str, processes: int, writes: int) -> None:
    began = set(answer(start(database, "grow", str(BEGINNING)))["codes"])
    writers = [start(database, "write", f"w{number}", str(writes)) for number in range(processes)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            if writer.stdout.readline() != "ready\n":
                answer(writer)
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        told = [answer(writer) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    at_last = answer(start(database, "tell"))
    assert at_last["findings"] == []
    added = [code for one in told for code in one["added"]]
    deleted = [code for one in told for code in one["deleted"]]
    assert len(deleted) == len(set(deleted)), "deleted twice"
    assert sorted(at_last["codes"]) == sorted((began | set(added)) - set(deleted))
    did = sum((Counter(one["did"]) for one in told), Counter())
    assert did.total() == processes * writes
    assert did["busy"] == 0, "nobody waits for ten seconds"
    for verb in ("add", "move", "update", "delete", "dissolve"):
        assert did[verb] > 0, did
    assert did["move"] > processes * writes / 8, did


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_eight_processes_at_once_leave_a_sound_tree():
    database = connection.settings_dict
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    address = f"{database['HOST']}:{database['PORT'] or 5432}"
    write_at_once(f"postgres://{database['USER']}{password}@{address}/{database['NAME']}", processes=8, writes=100)


def test_two_processes_at_once_on_sqlite_leave_a_sound_tree(tmp_path):
    database = f"sqlite:///{tmp_path / 'tree.sqlite3'}"
    environment = {**os.environ, "DATABASE_URL": database, "DEBUG": "1", "LOG_LEVEL": "ERROR"}
    migrated = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stderr
    write_at_once(database, processes=2, writes=50)
