"""Operating-system processes that work on one database, each over a connection of its own.

A worker is a module of the tests (`python -m …`) that answers with one line of JSON. One of several that work at once
says "ready" first, and waits for a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300


def postgres() -> str:
    """The DATABASE_URL of the test's own database on PostgreSQL."""
    database = connection.settings_dict
    password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    address = f"{database['HOST']}:{database['PORT'] or 5432}"
    return f"postgres://{database['USER']}{password}@{address}/{database['NAME']}"


def sqlite(path: Path) -> str:
    """The DATABASE_URL of a new file with all tables: the tests' own database is in memory, for one process alone."""
    database = f"sqlite:///{path}"
    manage(database, "migrate", "--verbosity", "0")
    return database


def manage(database: str, *arguments: str, **environment: str) -> str:
    """What a command of manage.py says; it must end well."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=_around(database, environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def asked(module: str, database: str, *arguments: str, **environment: str) -> dict:
    """The answer of one worker."""
    return _answer(_start(module, database, arguments, environment))


def at_once(module: str, database: str, *each: tuple[str, ...], **environment: str) -> list[dict]:
    """The answers of several workers, one for each list of arguments, released together when all are ready."""
    workers = [_start(module, database, arguments, environment) for arguments in each]
    try:
        for worker in workers:
            assert worker.stdout is not None
            if worker.stdout.readline() != "ready\n":
                _answer(worker)
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return [_answer(worker) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _start(
    module: str, database: str, arguments: tuple[str, ...], environment: dict[str, str]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=_around(database, environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _around(database: str, environment: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database, "DEBUG": "1", "LOG_LEVEL": "ERROR", "TODAY": "", **environment}


def _answer(worker: subprocess.Popen[str]) -> dict:
    """What it tells at its end. A process that died (of a deadlock, or a locked database) fails the test."""
    out, err = worker.communicate("", timeout=PATIENCE)
    assert worker.returncode == 0, err
    return json.loads(out.splitlines()[-1])
