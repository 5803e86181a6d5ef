"""What numbering needs to know of organisations, read as plain rows: all of them, a subtree, the line to the root."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db import connection

from orgs.models import Organization
from orgs.tree.locking import TreeRefused

NUMBERS = ("tree_id", "lft", "rght", "level", "domain_id", "led_by_id")


class Node(NamedTuple):
    """What numbering needs to know of an organisation."""

    id: int
    parent_id: int | None
    relation: str
    org_type: str
    order: int
    code: str
    tree_id: int
    lft: int
    rght: int
    level: int
    domain_id: int | None
    led_by_id: int | None


def stored_rows() -> Iterator[tuple]:
    """Every organisation as the numbers order them, as plain rows of Node's fields; never all in memory."""
    rows = Organization.objects.order_by("tree_id", "lft", "-rght", "id").values_list(*Node._fields)
    return rows.iterator(chunk_size=10000)


def stored_nodes() -> list[Node]:
    """Every organisation, in no order."""
    rows = Organization.objects.order_by().values_list(*Node._fields)
    return [Node(*row) for row in rows.iterator(chunk_size=10000)]


def by_parent(nodes: Iterable[Node]) -> dict[int | None, list[Node]]:
    """Id of the parent (None: roots) -> its children in (order, code)."""
    children: dict[int | None, list[Node]] = defaultdict(list)
    for node in nodes:
        children[node.parent_id].append(node)
    for siblings in children.values():
        siblings.sort(key=lambda node: (node.order, node.code))
    return children


def _linked(pk: int, link: str) -> list[Node]:
    """The organisation and whatever the link leads to, step by step. UNION, not UNION ALL: a circle ends."""
    table = Organization._meta.db_table
    names = ", ".join(f'"{name}"' for name in Node._fields)
    own = ", ".join(f'o."{name}"' for name in Node._fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE found AS (SELECT {names} FROM {table} WHERE id = %s "  # noqa: S608 - names of our own
            f"UNION SELECT {own} FROM {table} o JOIN found ON {link}) SELECT {names} FROM found",
            [pk],
        )
        return [Node(*row) for row in cursor.fetchall()]


def subtree_of(pk: int) -> list[Node]:
    """The organisation and all below it, by parent links."""
    return _linked(pk, "o.parent_id = found.id")


def line_of(pk: int) -> list[Node]:
    """The organisation, its parent, and so on to the root, by parent links. Raises TreeRefused where they circle."""
    known = {node.id: node for node in _linked(pk, "o.id = found.parent_id")}
    line = [known.pop(pk)]
    while line[-1].parent_id is not None:
        parent = known.pop(line[-1].parent_id, None)
        if parent is None and not Organization.objects.filter(pk=line[-1].parent_id).exists():
            raise TreeRefused(f"{named(line[-1].id)}的上级组织已被别人删除，请刷新页面，另选上级。")
        if parent is None and line[-1].parent_id == pk:
            first, under = named(pk), named(line[1].id)
            raise TreeRefused(f"{first}不能挂到{under}之下：后者就在它之下，上级关系会形成循环。请另选上级。")
        if parent is None:
            raise TreeRefused(f"{named(line[-1].id)}与它的上级互为上级（循环），请先运行 check_tree --repair。")
        line.append(parent)
    return line


def named(pk: int) -> str:
    """Name and code, for a message."""
    return "“{}”（{}）".format(*Organization.objects.values_list("name", "code").get(pk=pk))
