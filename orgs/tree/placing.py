"""A few find their places in the gaps, and what is around them is proven; many are numbered with the whole tree."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Collate

from orgs.models import Organization, OrgType
from orgs.tree import numbering
from orgs.tree.locking import TreeRefused
from orgs.tree.nodes import Node, by_parent, line_of, named, subtree_of
from orgs.tree.numbering import number_siblings, number_tree, step_for, write_different
from orgs.tree.proof import faults, prove

# Fields that decide where an organisation stands among the others, and what those below it inherit.
ORDER = frozenset({"parent", "parent_id", "order", "code"})
INHERITED = frozenset({"parent", "parent_id", "relation", "org_type"})
# A subtree is numbered anew within its own bounds only where that leaves so many free numbers in each gap.
ROOMY = 64
# Behind the last sibling more will follow: one that comes there takes an eighth of what it could.
MORE_TO_COME = 8
# More organisations than this in one go are numbered with the whole tree, once.
FEW = 50


def settle(
    new: set[int], changed: Sequence[tuple[Organization, Mapping[str, Any]]], moved: Mapping[int, int | None]
) -> None:
    """Give what is new, moved or changed its numbers and what it inherits, and prove it.

    Raises TreeRefused for a cycle, a depth over 20, something under a 党支部.
    """
    astray = {*new, *moved}
    shifted = {org.pk for org, values in changed if ORDER & set(values)} - astray
    heirs = {org.pk for org, values in changed if INHERITED & set(values)} - astray
    if not (astray or shifted or heirs):
        return
    if len(astray | shifted | heirs) > FEW or not _settle_few(astray, shifted, heirs):
        numbering.renumber()
        findings = prove()
        if findings:
            raise TreeRefused("组织树不完整，没有写入：" + "；".join(findings[:5]))


def _settle_few(astray: set[int], shifted: set[int], heirs: set[int]) -> bool:
    """Place the astray (their numbers say nothing) and the shifted (their numbers may still be right), and see that
    what is below the heirs inherits the right things; from the root downwards, each touching only what it must.

    False: the whole tree has to be numbered, because there was no room, or because it was not sound before.
    """
    depth: dict[int, int] = {}
    for pk in astray | shifted | heirs:
        line = line_of(pk)
        _refuse_misplaced(line)
        depth[pk] = len(line)
    tops: list[int] = []
    for pk in sorted(depth, key=depth.__getitem__):
        if pk not in astray | shifted | heirs:
            continue  # numbered with one above it
        line = line_of(pk)
        if pk in astray or (pk in shifted and not _is_in_place(line, astray | shifted)):
            top, nodes, wanted = _find_room(line, astray | shifted)
            if not top:
                return False
            astray -= wanted.keys()
            shifted -= wanted.keys()
        else:
            shifted.discard(pk)
            if pk not in heirs:
                continue
            top, nodes, wanted = pk, *_kept_numbers(line)
        heirs -= wanted.keys()
        write_different(nodes, wanted)
        tops.append(top)
    return not any(_faults_around(top) for top in tops)


def _refuse_misplaced(line: Sequence[Node]) -> None:
    """Nothing hangs under a 党支部."""
    node = line[0]
    if len(line) > 1 and line[1].org_type == OrgType.BRANCH:
        raise TreeRefused(f"{named(node.id)}不能挂在党支部{named(line[1].id)}下面：党支部下不能再设组织，请另选上级。")
    if node.org_type == OrgType.BRANCH and (below := Organization.objects.filter(parent=node.id).count()):
        raise TreeRefused(f"{named(node.id)}下面还有 {below} 个组织，不能是党支部；请先把它们转到别的上级。")


def _neighbours(node: Node, without: Collection[int]) -> tuple[int | None, int | None]:
    """Where the sibling before ends and the sibling behind begins, in (order, code); None: there is none."""
    # As Python compares texts, by code points: whatever language the database sorts by.
    code = Collate("code", "C") if connection.vendor == "postgresql" else F("code")
    siblings = Organization.objects.filter(parent=node.parent_id).exclude(pk__in={node.id, *without})
    siblings = siblings.annotate(key=code)
    before = siblings.filter(Q(order__lt=node.order) | Q(order=node.order, key__lt=node.code))
    behind = siblings.filter(Q(order__gt=node.order) | Q(order=node.order, key__gt=node.code))
    return (
        before.order_by("-order", "-key").values_list("rght", flat=True).first(),
        behind.order_by("order", "key").values_list("lft", flat=True).first(),
    )


def _is_in_place(line: Sequence[Node], without: Collection[int]) -> bool:
    """Whether its numbers lie in its parent and between its neighbours; those of `without` are not placed yet."""
    node = line[0]
    if len(line) == 1:
        return True
    parent = line[1]
    end, begin = _neighbours(node, without)
    low, high = parent.lft if end is None else end, parent.rght if begin is None else begin
    return node.tree_id == parent.tree_id and low < node.lft and node.rght < high


def _find_room(line: Sequence[Node], without: Collection[int]) -> tuple[int, list[Node], dict[int, tuple]]:
    """(what is numbered, its nodes, their numbers): the organisation with all below it, between its neighbours; or
    everything below the nearest organisation above it that has room. What is numbered is 0 if only the root has.
    """
    node = line[0]
    nodes = subtree_of(node.id)
    wanted: dict[int, tuple] = {}
    if len(line) == 1:
        number_tree(node, node.tree_id, step_for(len(nodes)), by_parent(nodes), wanted)
        return node.id, nodes, wanted
    parent = line[1]
    end, begin = _neighbours(node, without)
    low, high = parent.lft if end is None else end, parent.rght if begin is None else begin
    step = min(numbering.WIDEST, (high - low) // (3 * len(nodes)))
    if step > 0:
        if begin is None:
            step = max(step // MORE_TO_COME, min(step, ROOMY))
        number_siblings([node], parent, parent.tree_id, low, step, by_parent(nodes), wanted)
        return node.id, nodes, wanted
    for above in line[1:-1]:
        nodes = [below for below in subtree_of(above.id) if below.id != above.id]
        step = (above.rght - above.lft) // (3 * len(nodes) + 1)
        if step >= min(ROOMY, numbering.WIDEST):
            children = by_parent(nodes)
            number_siblings(
                children[above.id], above, above.tree_id, above.lft, min(step, numbering.WIDEST), children, wanted
            )
            return above.id, nodes, wanted
    return 0, [], {}


def _kept_numbers(line: Sequence[Node]) -> tuple[list[Node], dict[int, tuple]]:
    """The organisation with all below it, where they stand; with what they inherit now."""
    nodes = subtree_of(line[0].id)
    wanted: dict[int, tuple] = {}
    under = line[1] if len(line) > 1 else None
    number_siblings([line[0]], under, 0, 0, 1, by_parent(nodes), wanted)
    return nodes, {node.id: (node.tree_id, node.lft, node.rght, *wanted[node.id][3:]) for node in nodes}


def _faults_around(top: int) -> list[str]:
    """What is wrong with an organisation, the line above it and all below it, if all else was sound before: an empty
    list proves that it is sound now. What lies within its numbers must be exactly what hangs below it, and it must
    lie between its neighbours.
    """
    line = line_of(top)
    node = line[0]
    inside = Organization.objects.filter(tree_id=node.tree_id, lft__gte=node.lft, lft__lte=node.rght)
    rows = list(inside.order_by("lft", "-rght", "id").values_list(*Node._fields))
    findings, _ = faults(chain(reversed(line[1:]), rows))
    if {row[0] for row in rows} != {below.id for below in subtree_of(top)}:
        findings.append(f"{node.code} 的编号范围与下级不符")
    if not _is_in_place(line, ()):
        findings.append(f"{node.code} 不在同级之间")
    return findings
