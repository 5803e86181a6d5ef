"""Every dirty file that was ever thought of: one case each, with what becomes of it."""

from __future__ import annotations

from tests.orgs.dirty import cells, codes_names, container, csv, dates, headers, people, sheets, tree
from tests.orgs.dirty.case import Case

CASES: list[Case] = [
    case for group in (container, sheets, headers, cells, codes_names, dates, tree, people, csv) for case in group.CASES
]
