"""Every dirty file: taken with the meaning that a person would expect, or refused with a sentence; never half."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orgs import tree
from orgs.importing import reading
from orgs.importing.apply import Wrong
from orgs.importing.reading import Unreadable
from orgs.models import AuditEvent, Charge, Membership, Organization, Person, Post
from tests.orgs.books import import_, numbers, said
from tests.orgs.dirty import CASES
from tests.orgs.dirty.case import Case

MOST_MEMORY = 500 * 1024  # KB
# Not its own ru_maxrss: that begins with what the process that started it had in memory.
MEASURE = """
import resource, sys
from orgs.errors import DomainError
from orgs.importing import reading
try:
    reading.read(open(sys.argv[1], "rb").read(), sys.argv[2])
except DomainError:
    pass
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


def everything() -> list:
    """All that an import may write."""
    models = (Organization, Person, Membership, Post, Charge, AuditEvent)
    return [list(model.objects.order_by("pk").values()) for model in models]


def stored(key: str, field: str):
    """A field of an organisation or of a person; `parent` is a code."""
    found = Organization.objects.filter(code=key).first() or Person.objects.get(number=key)
    value = getattr(found, field)
    return value.code if isinstance(value, Organization) else value


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_becomes_of_it(case: Case):
    if case.before:
        import_(case.before())
    before = everything()
    if case.refused:
        with pytest.raises(Unreadable) as unreadable:
            import_(case.data(), case.file, **case.options)
        assert case.refused in str(unreadable.value)
        assert everything() == before
    elif case.problems:
        with pytest.raises(Wrong) as wrong:
            import_(case.data(), case.file, **case.options)
        assert said(wrong.value.plan) == list(case.problems)
        assert everything() == before
    else:
        made = import_(case.data(), case.file, **case.options)
        assert {sheet: numbers(made, sheet) for sheet in case.counts} == case.counts
        assert set(case.notices) <= set(made.notices), made.notices
        for key, fields in case.stored.items():
            assert {field: stored(key, field) for field in fields} == fields
        assert tree.prove() == []


@pytest.mark.parametrize("case", [case for case in CASES if case.hostile], ids=lambda case: case.name)
def test_what_is_hostile_costs_little_memory(case: Case, tmp_path):
    file = tmp_path / case.file
    file.write_bytes(case.data())
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file), case.file],
        capture_output=True, text=True, check=True, cwd=reading.ROOT, timeout=60,
    )  # fmt: skip
    assert int(measured.stdout) < MOST_MEMORY


def test_there_are_many_and_each_has_a_name_of_its_own():
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(case.hostile for case in CASES) >= 8
    assert all(case.refused or case.problems or case.counts for case in CASES)
