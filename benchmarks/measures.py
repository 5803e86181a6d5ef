"""What is measured, and against what. Every line checks that both ways gave the same answer."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from benchmarks import imports, world
from orgs import clock
from orgs.models import User
from reports import reminders
from reviews import duties
from reviews.models import Duty

SAMPLE = 500
HEAD = f"{'':<58} {'ours':>10} {'baseline':>10} {'ratio':>12}   baseline is"
OF_THEIR_OWN = ("imports", "growth", "generation")  # groups with databases of their own


@dataclass(frozen=True)
class Line:
    """One comparison."""

    what: str
    ours: float
    baseline: str
    theirs: float | None = None

    def __str__(self) -> str:
        if self.theirs is None:
            return f"{self.what:<58} {seconds(self.ours):>10}   {self.baseline}"
        ratio = f"{self.theirs / self.ours:,.1f} ×"
        return f"{self.what:<58} {seconds(self.ours):>10} {seconds(self.theirs):>10} {ratio:>12}   {self.baseline}"


def seconds(value: float) -> str:
    """As a table shows it."""
    return f"{value * 1000:,.1f} ms" if value < 1 else f"{value:,.2f} s"


def timed(work: Callable[[], Any], repeat: int = 1) -> tuple[float, Any]:
    """The best of some runs, and the answer."""
    best, answer = float("inf"), None
    for _ in range(repeat):
        began = time.perf_counter()
        answer = work()
        best = min(best, time.perf_counter() - began)
    return best, answer


@contextmanager
def _undone() -> Iterator[None]:
    """What happens inside leaves no trace."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


Group = Callable[..., Iterator[Line]]


def run(orgs: int, members: int, directory: Path, groups: Mapping[str, Group]) -> int:
    """Make the database, build, measure, print; 1 when a result is wrong. The database is dropped at the end.

    People are built where a group needs them: the tree alone does not. Imports have a database of their own, empty;
    growth has two, generations have one for each size.
    """
    settings.DEBUG = False  # or Django keeps every query in memory
    try:
        if "imports" in groups:
            with _database(directory):
                for text in imports.measure(directory):
                    print(text, flush=True)
                print()
        if "growth" in groups:
            print(HEAD)
            for line in groups["growth"](partial(_database, directory)):
                print(line, flush=True)
            print()
        if "generation" in groups:
            _tenth_and_all(orgs, members, directory, groups["generation"])
        counted = {name: measure for name, measure in groups.items() if name not in OF_THEIR_OWN}
        if counted:
            with _database(directory):
                _world(orgs, members if set(counted) - {"tree"} else 0)
                for measure in counted.values():
                    for line in measure():
                        print(line, flush=True)
    except AssertionError as error:
        print(f"WRONG: {error}")
        return 1
    return 0


def _tenth_and_all(orgs: int, members: int, directory: Path, measure: Group) -> None:
    """A group on a tenth of the members, then on all."""
    for count in (members // 10, members):
        with _database(directory):
            _world(orgs, count)
            for line in measure():
                print(line, flush=True)
        print()


@contextmanager
def _database(directory: Path) -> Iterator[None]:
    """A fresh one, dropped at the end."""
    is_sqlite = connection.vendor == "sqlite"
    name = connection.settings_dict["NAME"]
    wanted = os.environ.get("TEST_DB") or "bench_dianping"
    connection.settings_dict["TEST"]["NAME"] = str(directory / "bench.sqlite3") if is_sqlite else wanted
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _world(orgs: int, members: int) -> None:
    began = time.perf_counter()
    world.build(orgs, members)
    print(
        f"{connection.vendor}, Python {platform.python_version()}, {platform.machine()}: "
        f"{orgs:,} organisations, {members:,} members (built in {time.perf_counter() - began:.1f} s)\n"
    )
    print(HEAD)


# --- duties ---------------------------------------------------------------------------------------------------


def _duties() -> Iterator[Line]:
    period = duties.ensure_period("2010H2")
    seconds, _ = timed(lambda: duties.regenerate(period, on=clock.today()))
    count = Duty.objects.count()
    assert count, "no duties"
    sample = list(Duty.objects.order_by("pk")[:SAMPLE])

    def one_by_one() -> None:
        for duty in sample:
            duty.pk = None
            duty.rule_code = "bench"
            duty.save(force_insert=True)

    with _undone():
        baseline, _ = timed(one_by_one)
    scaled = baseline / len(sample) * count
    yield Line(
        f"derive and write {count:,} duties, with who must be covered",
        seconds,
        f"only saving them, one save() each ({len(sample)} saved, scaled)",
        scaled,
    )
    seconds, _ = timed(lambda: duties.regenerate(period, on=clock.today()))
    assert Duty.objects.count() == count, "a second run changed the duties"
    yield Line("derive again, nothing changes", seconds, "the same", scaled)


# --- reminders -------------------------------------------------------------------------------------------------------


def _reminders() -> Iterator[Line]:
    people = Duty.objects.open().filter(acting__isnull=False).order_by().values_list("acting", flat=True).distinct()
    User.objects.bulk_create((User(username=f"u{pk}", person_id=pk) for pk in people), batch_size=world.BATCH)
    users = User.objects.count()
    seconds, found = timed(lambda: reminders.due(clock.today()), 3)
    assert len(found) == users, f"{len(found)} reminders for {users} people"
    sample = list(User.objects.select_related("person")[:SAMPLE])
    baseline, _ = timed(lambda: [Duty.objects.open().of_person(user.person).count() for user in sample])
    yield Line(
        f"select the reminders of {users:,} people",
        seconds,
        f"a count for each person ({len(sample)} counted, scaled)",
        baseline / len(sample) * users,
    )
    seconds, _ = timed(lambda: reminders.send_due(clock.today()))
    yield Line("write them", seconds, "(no baseline)")
    seconds, counts = timed(lambda: reminders.send_due(clock.today()))
    assert sum(count.new for count in counts.values()) == 0, "reminders were sent twice"
    yield Line("run again, nothing to send", seconds, "(no baseline)")


GROUPS: dict[str, Group] = {"duties": _duties, "reminders": _reminders}
