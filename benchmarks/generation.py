"""Generating all duties beside a bare INSERT … SELECT of the same rows, in a process of its own; and what reads them.

Measured with a tenth of the members first, so that the growth shows. Each size has a database of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import django

from benchmarks.memory import peak_megabytes

DAY = "2010-12-24"
PERIOD, EARLIER = "2010H2", "2009H2"


class Run(NamedTuple):
    """One generation, as its own process measured it."""

    seconds: float
    megabytes: float
    added: int
    kept: int


def _child() -> None:
    """Generate in a fresh process, and say how long it took and how much memory the process had at most."""
    django.setup()
    from reviews import duties  # noqa: PLC0415 - only now, because it reads the settings

    began = time.perf_counter()
    total = duties.regenerate(duties.ensure_period(PERIOD)).total
    took = time.perf_counter() - began
    sys.stdout.write(json.dumps([took, peak_megabytes(), total.added, total.kept]) + "\n")


if __name__ == "__main__":
    _child()
    sys.exit()


from django.db import connection, transaction  # noqa: E402 - the parent has its settings
from django.test import override_settings  # noqa: E402
from django.urls import reverse  # noqa: E402

from benchmarks.coverage import Times  # noqa: E402
from benchmarks.measures import Line, timed  # noqa: E402
from benchmarks.pages import Page, _client, _median  # noqa: E402
from orgs.models import Person, Post, PostRole, User  # noqa: E402
from reviews import duties  # noqa: E402
from reviews.models import Duty, Period  # noqa: E402


def generate() -> Run:
    """The period's duties, in a process of its own, on this database."""
    facts = connection.settings_dict
    if connection.vendor == "postgresql":
        where = f"postgres://{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"
    else:
        where = f"sqlite:///{facts['NAME']}"
    connection.close()
    # Not as in development: there Django keeps every statement in memory.
    around = {
        **os.environ,
        "DATABASE_URL": where,
        "TODAY": DAY,
        "DEBUG": "0",
        "SECRET_KEY": "k" * 60,
        "ALLOWED_HOSTS": "x",
    }
    command = [sys.executable, "-m", "benchmarks.generation"]
    answer = subprocess.run(command, env=around, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return Run(*json.loads(answer.stdout.splitlines()[-1]))


def bare_insert() -> float:
    """Seconds for the same rows into the same table by one statement, from a table without indexes; taken out again."""
    earlier = Period.objects.create(code=EARLIER, name=EARLIER, starts_on="2009-07-01", ends_on="2009-12-31")
    columns = ", ".join(field.column for field in Duty._meta.concrete_fields if field.column not in ("id", "period_id"))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE bench_rows AS SELECT {columns} FROM reviews_duty")  # noqa: S608 - names of ours
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO reviews_duty (period_id, {columns}) SELECT %s, {columns} FROM bench_rows",  # noqa: S608
            [earlier.pk],
        )
    took = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_rows")
        cursor.execute("DELETE FROM reviews_duty WHERE period_id = %s", [earlier.pk])
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE reviews_duty")
    earlier.delete()
    return took


def measure() -> Iterator[Line]:
    """On the world that is there."""
    first = generate()
    assert first.added == Duty.objects.count() > 0, "the generation did not write what it said"
    bare = bare_insert()
    again = generate()
    assert (again.added, again.kept) == (0, first.added), "a second generation changed the duties"
    words = "a bare INSERT … SELECT of the rows"
    yield Times(
        f"generate {first.added:,} duties, with who must be covered", first.seconds, f"{words} (meant: at most 3)", bare
    )
    yield Times("again, nothing changes", again.seconds, f"{words} (meant: at most 1)", bare)
    peak = max(first.megabytes, again.megabytes)
    yield Line(f"peak memory of the process: {peak:,.0f} MB", first.seconds, "(meant: at most 300 MB)")
    took, plan = timed(lambda: duties.preview(Period.objects.get(code=PERIOD)))
    assert plan.total.kept == first.added, "the preview says something else"
    yield Times("preview, nothing changes", took, words, bare)
    yield from _reading()


@override_settings(ALLOWED_HOSTS=["testserver"])
def _reading() -> Iterator[Line]:
    """The busiest reviewer's list, and the explanation of a duty, beside a page that looks one person up by its key."""
    admin = User.objects.create(username="bench-generation", is_superuser=True, is_staff=True)
    head = Post.objects.filter(role=PostRole.SECRETARY, organization__org_type="branch").first()
    assert head is not None, "no branch has a secretary"
    lookup, text = _median(_client(admin), reverse("person", args=[head.person.number]))
    assert head.person.name in text, "the person's page does not name him"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT acting_id, COUNT(*) FROM reviews_duty WHERE acting_id IS NOT NULL GROUP BY acting_id ORDER BY 2 DESC LIMIT 1"
        )
        busiest, count = cursor.fetchone()
    client = _client(User.objects.create(username="bench-busiest", person=Person.objects.get(pk=busiest)))
    words = "a person's page (meant: at most 3)"
    took, text = _median(client, reverse("my_duties"))
    duty = Duty.objects.filter(acting=busiest).order_by("pk").last()
    assert duty is not None, "the busiest reviewer has no duty"
    yield Page(f"my duties of the busiest reviewer ({count:,})", took, words, lookup)
    took, text = _median(client, reverse("duty", args=[duty.pk]))
    assert duty.target_name in text, "the duty's page does not name its target"
    yield Page("a duty with its explanation", took, words, lookup)
    target = f"person:{head.person.number}"
    took, _ = _median(_client(admin), f"{reverse('duty_why')}?period={PERIOD}&target={target}")
    yield Page("why (not): who reviews a person", took, words, lookup)
