"""Mending a tree that others damaged, from the parent links."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from django.db import transaction

from orgs import audit
from orgs.models import Organization, OrgType, User
from orgs.tree.locking import TreeRefused, lock
from orgs.tree.nodes import Node, by_parent, named, stored_nodes
from orgs.tree.numbering import renumber
from orgs.tree.proof import from_the_roots, prove
from orgs.tree.writing import write_changed


class Repair(NamedTuple):
    """What a repair found, and what it did to parent links (numbers apart), in Chinese."""

    found: list[str]
    moves: list[str]


def repair(*, by: User | None = None) -> Repair:
    """Mend the tree from the parent links, under the lock: break circles, then number everything anew.

    A circle of parents has no place: its highest member, by the level and numbers stored, is hung under the nearest
    organisation whose stored numbers hold it and that a root reaches (mostly where it hung before), else under the
    root of its tree number, else under the first root; only where there is no root at all it becomes one. Its
    relation stays. Raises TreeRefused if something is left that only a human can decide.
    """
    with transaction.atomic():
        lock()
        found = prove()
        moves = _break_circles(by)
        renumber()
        remaining = prove()
        if remaining:
            raise TreeRefused("无法自动修复，请先改正上级关系：" + "；".join(remaining[:5]))
        if found:
            audit.record(by, "修复组织树", Organization.objects.filter(parent=None), summary=f"修复 {len(found)} 处")
    return Repair(found, moves)


def _break_circles(by: User | None) -> list[str]:
    """Take one organisation out of every circle of parents; says what was done, one sentence each."""
    nodes = stored_nodes()
    known = {node.id: node for node in nodes}
    children = by_parent(nodes)
    reached = {node.id for node in from_the_roots(nodes)}
    moves: list[str] = []
    for node in sorted(_highest_of_circles(known, reached), key=_height):
        old = known[node.parent_id] if node.parent_id is not None else node
        new = _refuge(node, [known[pk] for pk in reached])
        there = f"{named(new.id)}之下" if new else "没有任何上级（当时没有根组织，它成为根组织）"
        said = f"{named(node.id)}与它的下级互为上级：原上级{named(old.id)}，现改挂到{there}"
        org = Organization.objects.get(pk=node.id)
        goal = Organization.objects.get(pk=new.id) if new else None
        write_changed([(org, {"parent": goal})], by, "修复组织树", said, None)
        moves.append(said)
        known[node.id] = node._replace(parent_id=new.id if new else None)
        saved = [node]
        for one in saved:
            reached.add(one.id)
            saved.extend(child for child in children.get(one.id, []) if child.id != node.id)
    return moves


def _height(node: Node) -> tuple[int, int, int]:
    return (node.level, node.lft, node.id)


def _highest_of_circles(known: Mapping[int, Node], reached: Collection[int]) -> Iterator[Node]:
    """The member of each circle that stands highest by what is stored."""
    seen = set(reached)
    for node in known.values():
        path: list[int] = []
        pk = node.id
        while pk not in seen:
            seen.add(pk)
            path.append(pk)
            pk = known[pk].parent_id or pk
        if pk in path:
            yield min((known[member] for member in path[path.index(pk) :]), key=_height)


def _refuge(node: Node, reached: Iterable[Node]) -> Node | None:
    """Where an organisation out of a circle is hung; None: there is nothing to hang it under."""
    places = [place for place in reached if place.org_type != OrgType.BRANCH]
    holding = [
        place for place in places if place.tree_id == node.tree_id and place.lft < node.lft and node.rght < place.rght
    ]
    if holding:
        return max(holding, key=lambda place: place.lft)
    roots = [place for place in places if place.parent_id is None]
    return min(roots, key=lambda root: (root.tree_id != node.tree_id, root.tree_id), default=None)
