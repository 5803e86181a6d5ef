"""The only writer of the organisation tree.

django-mptt's own writes are not safe side by side (docs/decisions.md, 2), so every change takes one lock first,
re-reads and writes. Numbers leave gaps: what is new or moved finds room between its neighbours, and only where a gap
is used up the smallest enclosing subtree that has room is numbered anew. Bulk changes number the whole tree once.
What was written is proven in the same transaction: an unsound tree never commits.
"""

from orgs.tree.locking import TreeRefused, again, lock
from orgs.tree.numbering import MAX_DEPTH, renumber
from orgs.tree.proof import prove
from orgs.tree.repairing import Repair, repair
from orgs.tree.verbs import add, delete, dissolve, move, update
from orgs.tree.writing import write_many

__all__ = [
    "MAX_DEPTH",
    "Repair",
    "TreeRefused",
    "add",
    "again",
    "delete",
    "dissolve",
    "lock",
    "move",
    "prove",
    "renumber",
    "repair",
    "update",
    "write_many",
]
