"""Two processes work in one system at once, by the verbs of the product and in any order: confirm, void, transfer, move,
merge, exempt, generate, fold and more. Whoever looks, after whatever step, reads what a plain recount of that moment says.
"""

from __future__ import annotations

from collections import Counter

import pytest

from reviews.models import Measure
from tests import processes

WORKER = "tests.reports.coverage_worker"
TODAY = "2010-12-10"
PERIODS = {"2010H2", "ND2010"}
EVENTS = {
    "confirm", "void", "transfer", "move", "merge", "dissolve", "split", "exempt", "resume", "generate", "fold", "appoint",
    "remove", "suspend",
}  # fmt: skip


def work_at_once(database: str, seeds: tuple[int, int], times: int) -> None:
    processes.asked(WORKER, database, "begin", TODAY=TODAY)
    each = [("work", str(seed), str(times)) for seed in seeds]
    told = processes.at_once(WORKER, database, *each, TODAY=TODAY)
    did = sum((Counter(one["did"]) for one in told), Counter())
    refused = sum((Counter(one["refused"]) for one in told), Counter())
    assert set(did) == EVENTS, (did, refused)
    assert did.total() > refused.total(), (did, refused)
    at_last = processes.asked(WORKER, database, "end", TODAY=TODAY)
    left, folded = at_last["figures"]
    assert left == folded
    assert set(left) == PERIODS
    for measures in left.values():
        assert set(measures) == set(Measure.values)
        for figure in measures.values():
            assert figure["read"] == figure["counted"]
        assert any(figure["counted"][1] > 0 for figure in measures.values())
    assert at_last["waiting"][1] == 0
    assert "覆盖统计正确" in processes.manage(database, "check_coverage", TODAY=TODAY)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_processes_at_once_leave_every_reader_with_the_recount():
    work_at_once(processes.postgres(), seeds=(1, 2), times=2)


def test_two_processes_at_once_on_sqlite_leave_every_reader_with_the_recount(tmp_path):
    work_at_once(processes.sqlite(tmp_path / "coverage.sqlite3"), seeds=(3, 4), times=2)
