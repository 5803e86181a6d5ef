"""docker-compose.yml, without Docker: each service's very command runs against the local PostgreSQL and Redis."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
import yaml
from django.conf import settings
from psycopg2 import sql

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OUR_SERVICES = ["migrate", "web", "worker", "beat"]
REDIS_DATABASE = 14  # apart from the other tests: a worker answers only in its own
FILLED_IN = {
    "SECRET_KEY": "a-proper-secret-of-more-than-thirty-two-characters",
    "ALLOWED_HOSTS": "dianping.example.cn",
    "POSTGRES_PASSWORD": "abc123",
}


class Unset(Exception):
    """Compose would refuse to start, with this message."""


def interpolate(text: str, values: dict[str, str]) -> str:
    """${NAME}, ${NAME:-default} and ${NAME:?message}, as Compose does."""

    def value(match: re.Match[str]) -> str:
        name, operator, word = match.groups()
        if values.get(name):
            return values[name]
        if operator == "?":
            raise Unset(word)
        return word if operator == "-" else ""

    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", value, text)


def environment_of(name: str, values: dict[str, str] = FILLED_IN) -> dict[str, str]:
    """What Compose would put into the container of a service."""
    return {key: interpolate(str(value), values) for key, value in SERVICES[name]["environment"].items()}


# --- the file itself -------------------------------------------------------------------------------


def test_it_has_the_services_and_volumes_that_the_system_needs():
    assert set(SERVICES) == {"db", "redis", *OUR_SERVICES}
    assert SERVICES["db"]["image"] == "postgres:15"
    assert SERVICES["redis"]["image"] == "redis:7"
    assert set(COMPOSE["volumes"]) == {"db", "media", "redis"}


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_nothing_starts_before_the_database_is_migrated_and_redis_answers(name):
    waits = SERVICES[name]["depends_on"]
    assert waits["migrate"]["condition"] == "service_completed_successfully"
    assert waits["redis"]["condition"] == "service_healthy"


@pytest.mark.parametrize("name", ["db", "redis", "web", "worker"])
def test_what_others_wait_for_has_a_health_check(name):
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("missing", sorted(FILLED_IN))
def test_a_missing_secret_stops_compose_and_names_it(missing):
    with pytest.raises(Unset, match=missing):
        environment_of("web", {**FILLED_IN, missing: ""})


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_our_services_run_in_production_mode_on_the_database_and_redis_of_the_file(name):
    environment = environment_of(name)
    assert environment["DEBUG"] == "0"
    assert environment["DATABASE_URL"] == "postgres://dianping:abc123@db:5432/dianping"
    assert environment["REDIS_URL"] == "redis://redis:6379/0"


def test_the_example_of_the_environment_names_every_variable_of_the_file():
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)", text))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_the_image_does_not_run_as_root_and_carries_no_secret():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER dianping" in lines
    assert not [line for line in lines if line.startswith("ENV") and "SECRET" in line]
    assert ".env" in (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


# --- the commands ------------------------------------------------------------------------------------

real_services = [pytest.mark.redis, pytest.mark.postgres]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class System:
    """The services with the local PostgreSQL and Redis in place of the containers `db` and `redis`."""

    def __init__(self, database: str, directory: Path) -> None:
        server = settings.DATABASES["default"]
        password = f":{server['PASSWORD']}" if server["PASSWORD"] else ""
        self.directory = directory
        self.port = free_port()
        self.local = {
            "DATABASE_URL": f"postgres://{server['USER']}{password}@{server['HOST']}:{server['PORT'] or 5432}/{database}",
            "REDIS_URL": re.sub(r"/\d*$", "", settings.REDIS_URL) + f"/{REDIS_DATABASE}",
            "MEDIA_ROOT": str(directory / "media"),
            "STATIC_ROOT": str(directory / "static"),
            # As in the Dockerfile; and the image's Python is this one.
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(directory),
        }

    def environment(self, name: str) -> dict[str, str]:
        """The container's environment, with the local services."""
        found = {**environment_of(name), **self.local}
        if "PORT" in found:
            found["PORT"] = str(self.port)
        return found

    def where(self, name: str) -> Path:
        """/app is the repository; another working directory is a temporary one."""
        return self.directory if "working_dir" in SERVICES[name] else ROOT

    def run(self, name: str, command: list[str], timeout: int = 120) -> subprocess.CompletedProcess[str]:
        """Run a command in the service's surroundings, to its end."""
        return subprocess.run(
            command,
            cwd=self.where(name),
            env=self.environment(name),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextmanager
    def up(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """The service's very command, until the block ends; then it must stop on SIGTERM."""
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                SERVICES[name]["command"],
                cwd=self.where(name),
                env=self.environment(name),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    raise

    def log(self, name: str) -> str:
        """What the service said."""
        return (self.directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def health(self, name: str) -> subprocess.CompletedProcess[str]:
        """The service's health check."""
        return self.run(name, SERVICES[name]["healthcheck"]["test"][1:], timeout=60)


def until(condition, process: subprocess.Popen[bytes], seconds: int = 60) -> bool:
    """Wait for it, as long as the process lives."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if condition():
            return True
        time.sleep(0.5)
    return False


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Iterator[System]:
    """A database of its own, migrated by the service's command, and the static files as the image collects them."""
    server = settings.DATABASES["default"]
    name = f"dianping_compose_{uuid.uuid4().hex[:8]}"
    admin = psycopg2.connect(
        host=server["HOST"],
        port=server["PORT"] or 5432,
        user=server["USER"],
        password=server["PASSWORD"],
        dbname="postgres",
    )
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        made = System(name, tmp_path_factory.mktemp("compose"))
        migrated = made.run("migrate", SERVICES["migrate"]["command"])
        assert migrated.returncode == 0, migrated.stderr
        collected = made.run("web", ["python", "manage.py", "collectstatic", "--noinput", "--verbosity=0"])
        assert collected.returncode == 0, collected.stderr
        yield made
    finally:
        with admin.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        admin.close()


def for_real(test):
    """Marks of the tests that need both services."""
    for mark in real_services:
        test = mark(test)
    return test


@for_real
def test_migrate_may_run_again(system):
    again = system.run("migrate", SERVICES["migrate"]["command"])
    assert again.returncode == 0
    assert "No migrations to apply" in again.stdout or "没有" in again.stdout


@for_real
def test_web_serves_and_its_health_check_agrees(system):
    with system.up("web") as process:
        assert until(lambda: system.health("web").returncode == 0, process), system.log("web")
        request = urllib.request.Request(
            f"http://127.0.0.1:{system.port}/accounts/login/", headers={"Host": "dianping.example.cn"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - our own server
            page = response.read().decode()
        assert response.status == 200
        assert "Content-Security-Policy" in response.headers
        stylesheet = re.search(r'href="(/static/[^"]+\.css)"', page)
        assert stylesheet, "the page names its style sheet by its hashed name"
        with urllib.request.urlopen(f"http://127.0.0.1:{system.port}{stylesheet[1]}", timeout=10) as response:
            assert response.status == 200
    assert system.health("web").returncode != 0, "a health check that never fails proves nothing"


@for_real
def test_worker_answers_its_health_check(system):
    assert system.health("worker").returncode != 0
    with system.up("worker") as process:
        assert until(lambda: " ready." in system.log("worker"), process), system.log("worker")
        answer = system.health("worker")
        assert answer.returncode == 0, answer.stderr
        assert "pong" in answer.stdout
        for task in ("reports.tasks.send_reminders", "reports.tasks.deliver_mail", "orgs.tasks.prove_tree"):
            assert task in system.log("worker")


@for_real
def test_beat_starts_and_writes_its_schedule(system):
    with system.up("beat") as process:
        assert until(lambda: list(system.directory.glob("celerybeat-schedule*")), process), system.log("beat")
        assert until(lambda: "beat: Starting" in system.log("beat"), process), system.log("beat")
        time.sleep(1)
        assert process.poll() is None, system.log("beat")


def test_no_command_needs_a_shell():
    for name in OUR_SERVICES:
        command = SERVICES[name]["command"]
        assert isinstance(command, list), f"{name}: {shlex.join(command)}"
