"""Which organisation may have been meant by a code that nobody has. Pure."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping

FEW = 3  # candidates that are named
ALIKE = 0.74  # how alike two codes must be
ANSWERED = 100  # different codes for which candidates are looked for: a file with every row wrong stays as fast
LOOKS_LIKE = str.maketrans("oil", "011")  # letters typed for digits
NAMED = 20  # different names for which all names are gone through
COMPARED = 400  # codes that are compared letter by letter
LAST = "\U0010ffff"  # behind every other character


class Nearest:
    """The known organisations (key -> code, name), asked for what is near an unknown code."""

    def __init__(self, known: Mapping[str, tuple[str, str]], short: Mapping[str, str] | None = None) -> None:
        self.known = known
        self.answers: dict[str, list[str]] = {}
        self.named = 0
        self.by_name: dict[str, list[str]] = defaultdict(list)
        self.without_zeros: dict[str, list[str]] = defaultdict(list)
        for key, (_, name) in known.items():
            self.by_name[name.casefold()].append(key)
            self.without_zeros[key.translate(LOOKS_LIKE).lstrip("0")].append(key)
        for key, name in (short or {}).items():
            self.by_name[name.casefold()].append(key)
        self.forwards = sorted(known)
        self.backwards = sorted(key[::-1] for key in known)

    def to(self, unknown: str) -> list[tuple[str, str, str]]:
        """(key, code, name) of the nearest ones: whose name it is, who has it without the zeros, whose code is alike."""
        if unknown not in self.answers:
            if len(self.answers) >= ANSWERED:
                return []
            self.answers[unknown] = self._look(unknown)
        return [(key, *self.known[key]) for key in self.answers[unknown]]

    def _look(self, unknown: str) -> list[str]:
        exact = self.by_name.get(unknown) or self.without_zeros.get(unknown.translate(LOOKS_LIKE).lstrip("0"))
        if exact:
            return list(dict.fromkeys(exact))[:FEW]
        if any("\u4e00" <= letter <= "\u9fff" for letter in unknown) and len(unknown) >= 3:
            part = list(dict.fromkeys(key for name, keys in self.by_name.items() if unknown in name for key in keys))
            if 0 < len(part) <= FEW:
                return part
            if self.named < NAMED:
                self.named += 1
                return self._by_likeness(unknown)
        half = max(1, len(unknown) // 2)
        head, tail = unknown[:half], unknown[-half:]
        found = {*_beginning(self.forwards, head), *(key[::-1] for key in _beginning(self.backwards, tail[::-1]))}
        alike = sorted(key for key in found if abs(len(key) - len(unknown)) <= 1)
        # The ones that share the most at the beginning, should there be too many.
        if len(alike) > COMPARED:
            alike = sorted(alike, key=lambda key: -_common(key, unknown))[:COMPARED]
        return difflib.get_close_matches(unknown, alike, FEW, ALIKE)

    def _by_likeness(self, unknown: str) -> list[str]:
        """Whose name this is an abbreviation of, the shortest first; else whose
        name is alike.
        """
        letters = set(unknown)
        sharing = [name for name in self.by_name if len(letters & set(name)) >= ALIKE * len(letters)]
        short_for = sorted((name for name in sharing if _is_short_for(unknown, name)), key=len)[:FEW]
        if not short_for and len(sharing) <= COMPARED * 5:
            short_for = difflib.get_close_matches(unknown, sharing, FEW, ALIKE)
        return list(dict.fromkeys(key for name in short_for for key in self.by_name[name]))[:FEW]


def _beginning(ordered: list[str], head: str) -> list[str]:
    """Those of the ordered texts that begin with this."""
    first = bisect_left(ordered, head)
    return ordered[first : bisect_left(ordered, head + LAST, first)]


def _is_short_for(short: str, name: str) -> bool:
    """All of its letters come in the name, in this order."""
    letters = iter(name)
    return all(letter in letters for letter in short)


def _common(one: str, other: str) -> int:
    """How many letters two codes share at their beginning."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
