"""A process that works in the system of DATABASE_URL at random, for tests of two at once; TODAY says the day.

    python -m tests.reports.coverage_worker begin
    python -m tests.reports.coverage_worker work SEED TIMES   says "ready", waits for a line, works, tells what it did
    python -m tests.reports.coverage_worker end               compares once more, before and after folding what waits

Each answers with one line of JSON. `work` does everything in `OFTEN` so many times, in an order of its own, and after
each thing compares the readers with the recount. What a rule refuses is told; any other error ends the process.
"""

from __future__ import annotations

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dianping.settings")
django.setup()

from django.conf import settings  # noqa: E402 - after the settings

from orgs import clock  # noqa: E402
from orgs.models import Organization, User  # noqa: E402
from reports import coverage  # noqa: E402
from reviews import duties  # noqa: E402
from reviews.models import CoverageChange, Period  # noqa: E402
from tests import builders  # noqa: E402
from tests.cast import make_cast  # noqa: E402
from tests.hands import Hands  # noqa: E402
from tests.reports.recount import assert_exact, due, reached  # noqa: E402

OFTEN = {
    "confirm": 7, "void": 3, "transfer": 3, "move": 3, "merge": 1, "dissolve": 1, "split": 1, "exempt": 3, "resume": 2,
    "generate": 2, "fold": 3, "appoint": 1, "remove": 1, "suspend": 1,
}  # fmt: skip
TRIES = 5


def begin() -> dict:
    """The small system with some more branches, in a half-year and a round that hold the same days."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    make_cast()
    for parent, code in (("11", "112"), ("12", "122"), ("131", "1312"), ("132", "1322")):
        branch = builders.make_org(code, "党支部", "机关内设机构", Organization.objects.get(code=parent))
        secretary = builders.make_head(branch, branch)
        builders.make_user(secretary)
        builders.make_person("", branch)
    periods = [builders.make_period(), builders.make_round()]
    duties.regenerate_many(periods, on=clock.today())
    return {"figures": figures()}


def work(seed: int, times: int) -> dict:
    """Everything in its turn, and a look after each."""
    hands = Hands(seed, list(Period.objects.order_by("pk")), User.objects.get(username="admin"))
    deck = [event for event, often in OFTEN.items() for _ in range(often * times)]
    hands.dice.shuffle(deck)
    print("ready", flush=True)  # noqa: T201 - what the test waits for
    sys.stdin.readline()
    for number, event in enumerate(deck, 1):
        for _ in range(TRIES):  # what a rule refuses of one it allows of another
            said = hands.do(event)
            if hands.did[event]:
                break
        codes = list(Organization.objects.order_by("pk").values_list("code", flat=True))
        for period in hands.periods:
            after = f"{period.code}, seed {seed}, after {number} ({said})"
            assert_exact(period, after, opened={"1", *hands.dice.sample(codes, 3)})
    return {"did": hands.did, "refused": hands.refused}


def end() -> dict:
    """The figures as the workers left them, and folded."""
    left, waiting = figures(), CoverageChange.objects.count()
    coverage.fold()
    return {"figures": [left, figures()], "waiting": [waiting, CoverageChange.objects.count()]}


def figures() -> dict:
    """Of each period and measure (due, done) at the root: as it is read, and counted anew."""
    told: dict[str, dict] = {}
    for period in Period.objects.order_by("pk"):
        assert_exact(period, f"{period.code}, nobody at work")
        root = Organization.objects.get(code="1")
        read, done = coverage.totals(period, [root])[root.pk], reached(period)
        counted = {measure: [0, 0] for measure in read}
        for measure, who, _ in due(period):
            counted[measure][0] += 1
            counted[measure][1] += (measure, who) in done
        told[period.code] = {
            measure: {"read": [read[measure].due, read[measure].done], "counted": counted[measure]} for measure in read
        }
    return told


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    answer = {"begin": begin, "work": work, "end": end}[what](*map(int, numbers))
    print(json.dumps(answer, ensure_ascii=False))  # noqa: T201 - the answer
