"""Real processes that write the tree at once, each over a connection of its own: it stays sound, and nothing is lost."""

from __future__ import annotations

from collections import Counter

import pytest

from tests import processes

WRITER = "tests.orgs.tree_writer"
BEGINNING = 150


def write_at_once(database: str, writers: int, writes: int) -> None:
    began = set(processes.asked(WRITER, database, "grow", str(BEGINNING))["codes"])
    told = processes.at_once(WRITER, database, *[("write", f"w{number}", str(writes)) for number in range(writers)])
    at_last = processes.asked(WRITER, database, "tell")
    assert at_last["findings"] == []
    added = [code for one in told for code in one["added"]]
    deleted = [code for one in told for code in one["deleted"]]
    assert len(deleted) == len(set(deleted)), "deleted twice"
    assert sorted(at_last["codes"]) == sorted((began | set(added)) - set(deleted))
    did = sum((Counter(one["did"]) for one in told), Counter())
    assert did.total() == writers * writes
    assert did["busy"] == 0, "nobody waits for ten seconds"
    for verb in ("add", "move", "update", "delete", "dissolve"):
        assert did[verb] > 0, did
    assert did["move"] > writers * writes / 8, did


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_eight_processes_at_once_leave_a_sound_tree():
    write_at_once(processes.postgres(), writers=8, writes=100)


def test_two_processes_at_once_on_sqlite_leave_a_sound_tree(tmp_path):
    write_at_once(processes.sqlite(tmp_path / "tree.sqlite3"), writers=2, writes=50)
