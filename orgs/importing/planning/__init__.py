"""From rows and the world to a plan: what would be new, changed and unchanged, or every problem there is.

Pure: no Django, no clock, no database; `world` says what is stored, `apply` carries a plan out. A plan with a problem
is never carried out. Keys are codes compared without case (`columns.key`).
"""

from __future__ import annotations

from orgs.importing.columns import SHEETS, Options
from orgs.importing.plan import Plan, World
from orgs.importing.planning.organizations import Organizations
from orgs.importing.planning.people import People
from orgs.importing.planning.posts import Posts
from orgs.importing.reading import Book
from orgs.progress import Tick, silent

__all__ = ["make"]


class Planner(Organizations, People, Posts):
    """Builds one plan; each sheet sees the final state of the sheets before it."""

    def make(self) -> Plan:
        """The plan, with every problem of every sheet."""
        self._organizations()
        self._people()
        spans = self._posts()
        self._charges(spans)
        for sheet in self.book.tables:
            counts = self.plan.counts[sheet]
            wrong = self.wrong[sheet]
            counts.wrong = sum(number in wrong for number, _ in self.book.tables[sheet].rows)
            counts.new = sum(1 for c in self.plan.changes[sheet] if c.stored is None and c.row not in wrong)
            counts.changed = sum(1 for c in self.plan.changes[sheet] if c.stored is not None and c.row not in wrong)
            counts.moved = sum(1 for c in self.plan.changes[sheet] if c.is_move and c.row not in wrong)
            counts.unchanged = len(self.book.tables[sheet].rows) - counts.wrong - counts.new - counts.changed
        self.plan.org_ids = {found: org["pk"] for found, org in self.world.orgs.items()}
        self.plan.person_ids = {found: person["pk"] for found, person in self.world.persons.items()}
        places = {sheet: at for at, sheet in enumerate(SHEETS)}
        for found in (self.plan.problems, self.plan.warnings):
            found.sort(key=lambda problem: (places[problem.sheet], problem.row or 0))
        return self.plan


def make(book: Book, world: World, options: Options, tick: Tick = silent) -> Plan:
    """The plan of a file for the world as it is stored; `tick` is told how many rows are checked."""
    return Planner(book, world, options, tick).make()
