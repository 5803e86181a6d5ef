"""Numbers with gaps, and what is inherited down the tree; written where they are different."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from psycopg2.extras import execute_values

from orgs.models import Organization, OrgType, Relation
from orgs.tree.locking import TreeRefused
from orgs.tree.nodes import NUMBERS, Node, by_parent, stored_nodes

MAX_DEPTH = 20
# Numbers are four bytes on PostgreSQL. A tree numbered anew takes three steps for each organisation: one before it,
# one in it, and one more at the end of its parent, where the next one mostly comes. 5 million leave a step of 128.
LAST = 2_000_000_000
WIDEST = 1 << 16


def renumber() -> int:
    """Number every tree anew in (order, code) of siblings and keep `domain` and `led_by`; returns rows written.

    Inside the lock. Raises TreeRefused for a cycle (rows that no root reaches) or a depth over 20.
    """
    nodes = stored_nodes()
    return write_different(nodes, wanted_numbers(nodes))


def wanted_numbers(nodes: Sequence[Node]) -> dict[int, tuple]:
    """NUMBERS of each, as a whole numbering gives them. Raises TreeRefused."""
    children = by_parent(nodes)
    wanted: dict[int, tuple] = {}
    free = max((root.tree_id for root in children[None]), default=0)
    taken: set[int] = set()
    step = step_for(len(nodes))
    for root in sorted(children[None], key=lambda node: node.tree_id):
        tree_id = root.tree_id
        if tree_id in taken or tree_id < 1:
            free += 1
            tree_id = free
        taken.add(tree_id)
        number_tree(root, tree_id, step, children, wanted)
    if len(wanted) != len(nodes):
        lost = [node.code for node in nodes if node.id not in wanted]
        raise TreeRefused(f"上级关系形成循环，{len(lost)} 个组织到不了根组织：" + "、".join(lost[:5]))
    return wanted


def step_for(size: int) -> int:
    """How far apart a tree of that size is numbered: a power of two, so that growing a little changes little."""
    fits = min(WIDEST, LAST // (3 * max(size, 1)))
    return 1 << max(fits.bit_length() - 1, 0)


def number_tree(root: Node, tree_id: int, step: int, children: Mapping, wanted: dict[int, tuple]) -> None:
    """A whole tree: its root spans all numbers, so that there is always room behind the last child."""
    number_siblings([root], None, tree_id, 1 - step, step, children, wanted)
    _, first, _, *inherited = wanted[root.id]
    wanted[root.id] = (tree_id, first, LAST, *inherited)


def number_siblings(
    tops: Sequence[Node],
    under: Node | None,
    tree_id: int,
    after: int,
    step: int,
    children: Mapping[int | None, list[Node]],
    wanted: dict[int, tuple],
) -> None:
    """Number siblings and all below them behind the number `after`: (tree_id, lft, rght, level, domain, led_by) of
    each into `wanted`. No recursion. Takes three steps for each organisation but one.
    """
    counter = after
    # (node, level, domain, led_by, lft) on the way down; lft is set when the node is entered
    stack: list[tuple[Node, int, int, int | None, int | None]] = []
    for top in reversed(tops):
        if under is None:
            stack.append((top, 0, top.id, None, None))
        else:
            stack.append((top, under.level + 1, *_inherited(top, under, under.domain_id or 0, under.led_by_id), None))
    while stack:
        node, level, domain, led_by, lft = stack.pop()
        below = children.get(node.id)
        if lft is not None:
            counter += step * (1 + len(below or ()))
            wanted[node.id] = (tree_id, lft, counter, level, domain, led_by)
            continue
        counter += step
        if level >= MAX_DEPTH:
            raise TreeRefused(f"组织“{node.code}”的层级超过 {MAX_DEPTH} 层，请检查上级代码。")
        if not below:
            wanted[node.id] = (tree_id, counter, counter + step, level, domain, led_by)
            counter += step
            continue
        stack.append((node, level, domain, led_by, counter))
        for child in reversed(below):
            stack.append((child, level + 1, *_inherited(child, node, domain, led_by), None))


def _inherited(child: Node, parent: Node, domain: int, led_by: int | None) -> tuple[int, int | None]:
    """(domain, led_by) of a child, from those of its parent."""
    if child.relation == Relation.GUIDANCE:
        return child.id, None
    return domain, led_by if parent.org_type == OrgType.ORGAN_COMMITTEE else parent.id


def write_different(nodes: Iterable[Node], wanted: Mapping[int, tuple]) -> int:
    """Write those whose numbers are not the wanted ones; returns how many."""
    rows = [(node.id, *wanted[node.id]) for node in nodes if node[6:] != wanted[node.id]]
    _write_numbers(rows)
    return len(rows)


def _write_numbers(rows: list[tuple]) -> None:
    """Write (id, *NUMBERS) of the rows that changed, in one statement on PostgreSQL."""
    if not rows:
        return
    table = Organization._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sets = ", ".join(f"{name} = v.{name}" for name in NUMBERS)
            names = ", ".join(("id", *NUMBERS))
            execute_values(
                cursor.cursor,
                f"UPDATE {table} AS o SET {sets} FROM (VALUES %s) AS v ({names}) WHERE o.id = v.id",  # noqa: S608
                rows,
                template="(%s::bigint, %s::int, %s::int, %s::int, %s::int, %s::bigint, %s::bigint)",
                page_size=5000,
            )
        else:
            sets = ", ".join(f"{name} = %s" for name in NUMBERS)
            cursor.executemany(
                f"UPDATE {table} SET {sets} WHERE id = %s",  # noqa: S608
                [(*row[1:], row[0]) for row in rows],
            )
