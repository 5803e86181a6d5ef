"""The draw's algorithm: by its own words, by an independent program, and for any sizes."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews import sampling

FRAME = [(f"{number:03d}", "甲" if number < 7 else "乙") for number in range(10)]


def test_a_draw_can_be_made_by_hand():
    by_hand = sorted((hashlib.sha256(f"7|{code}".encode()).hexdigest(), code) for code, name in FRAME if name == "甲")
    drawn = sampling.draw("7", FRAME, {"甲": 3, "乙": 0})
    assert drawn == sorted(code for _key, code in by_hand[:3])


def test_the_order_of_the_frame_does_not_matter_but_the_seed_does():
    quotas = {"甲": 3, "乙": 2}
    assert sampling.draw("s", FRAME, quotas) == sampling.draw("s", FRAME[::-1], quotas)
    assert len({tuple(sampling.draw(str(seed), FRAME, quotas)) for seed in range(50)}) > 20


def test_the_script_that_is_offered_gives_the_same_list_and_commitment():
    quotas = {"甲": 2, "乙": 1}
    text = sampling.frame_text(FRAME, quotas)
    said = subprocess.run(
        [sys.executable, "-X", "utf8", "-"],
        input=sampling.script("种'子", text).encode(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert said.split()[1] == sampling.commitment("种'子", sampling.frame_hash(FRAME, quotas))
    assert said.split()[2:] == sampling.draw("种'子", FRAME, quotas)


def test_places_follow_the_largest_remainder():
    assert sampling.proportional({"甲": 60, "乙": 30, "丙": 10}, 10) == {"甲": 6, "乙": 3, "丙": 1}
    assert sampling.proportional({"甲": 45, "乙": 35, "丙": 20}, 5) == {"甲": 2, "乙": 2, "丙": 1}
    assert sampling.proportional({"甲": 98, "乙": 1, "丙": 1}, 4) == {"甲": 2, "乙": 1, "丙": 1}
    assert sampling.proportional({"甲": 98, "乙": 1, "丙": 1}, 2) == {"甲": 2, "乙": 0, "丙": 0}


@pytest.mark.parametrize("size", [0, -1, 11])
def test_a_size_that_cannot_be_is_refused(size):
    with pytest.raises(ValueError, match=str(size)):
        sampling.proportional({"甲": 10}, size)


@given(st.dictionaries(st.text("甲乙丙丁戊己", min_size=1, max_size=2), st.integers(0, 40), min_size=1), st.data())
def test_places_add_up_fit_and_leave_nobody_out(strata, data):
    total = sum(strata.values())
    if not total:
        return
    size = data.draw(st.integers(1, total))
    places = sampling.proportional(strata, size)
    assert sum(places.values()) == size
    assert all(places[name] <= strata[name] for name in places)
    full = [name for name, count in strata.items() if count]
    if size >= len(full):
        assert all(places[name] >= 1 for name in full)
