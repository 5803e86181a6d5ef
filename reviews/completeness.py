"""Pure: what a record still lacks before it may be confirmed (R31a, R35, domain.md 5.4). Knows no Django.

The words for kinds, forms and roles are the slugs that the models store.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lack:
    """What is missing: the name of the field of `records.RecordDraft` (an answer: `answers`), and what to do."""

    field: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What `lacks` and `hints` look at."""

    kind: str  # ContentKind: team, team_head, base, base_head, member
    held_on: object | None
    place: str
    form: str
    form_note: str
    prior_summary: str
    achievements: str
    problems: tuple[str, ...]
    directions: str
    assists_local_committee: bool = False  # 5A, 5B
    assisted_committee: str = ""
    unanswered_window_points: tuple[str, ...] = ()  # texts
    unanswered_stressed_points: tuple[str, ...] = ()
    reviewer_role: str = ""  # see form_hint


def lacks(facts: Facts) -> list[Lack]:
    """What stands in the way of confirming, in the order of the form; [] when nothing does."""
    raise NotImplementedError


def hints(facts: Facts) -> list[Lack]:
    """What would be better otherwise, but stands in nobody's way."""
    raise NotImplementedError


def form_hint(form: str, reviewer_role: str, target_kind: str) -> str | None:
    """A hint where form, actor and target do not fit (R31a), else None.

    `reviewer_role`: team_head, team_member (of a 党组, 党委, 机关党委 or 党总支), branch_head, branch_member or "" (not known).
    `target_kind`: a ContentKind.
    """
    raise NotImplementedError
