"""Random operations, and after each of them every reader says what a plain recount says.

Two processes at once do it in `test_coverage_processes`.
"""

from __future__ import annotations

import pytest

from reports import coverage
from reviews import duties
from tests.builders import day, make_period
from tests.hands import Hands
from tests.reports.recount import assert_exact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_2010")]
ON = day("2010-12-10")


@pytest.mark.parametrize("seed", range(4))
def test_after_each_of_many_operations_every_reader_is_the_recount(cast, seed):
    period = make_period()
    duties.regenerate(period, on=ON)
    hands = Hands(seed, [period], cast.user["admin"])
    assert_exact(period, "generated")
    for _ in range(30):
        assert_exact(period, hands.act())
    assert coverage.prove(period) == []
    coverage.fold()
    assert_exact(period, "folded at the end")
    assert hands.done > 15
