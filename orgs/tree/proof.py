"""The proof that the stored tree is sound: one pass over its numbers. Knows nothing of how they are given."""

from __future__ import annotations

from collections.abc import Iterable

from orgs.models import OrgType, Relation
from orgs.tree.nodes import Node, by_parent, stored_nodes, stored_rows


def prove() -> list[str]:
    """What is wrong with the stored tree, in Chinese; an empty list proves it sound. One pass, in the numbers' order.

    Why this proves it: the pass keeps the intervals that are open, each strictly within the one before. Each row must
    begin behind the last number seen to begin, end before the innermost open interval ends, and that interval must be
    its parent's. So two intervals lie one strictly within the other or wholly apart: endpoints are distinct, siblings
    are disjoint, and what lies within an organisation's numbers is exactly what hangs below it by parent links. A row
    without a parent must be the first of its tree number, and a row with one cannot be: one root for each tree. On a
    circle of parents each would have to lie strictly within the next and so within itself: there is none, and every
    row is reached from its root. Gaps need no rule. Beside that: siblings stand in (order, code), `level`, `domain`
    and `led_by` follow from the parent, nothing hangs under a 党支部. Does not use the numbering code.
    """
    findings, is_nested = faults(stored_rows())
    if not is_nested:
        findings = _lost() + findings
    return findings


def faults(rows: Iterable[tuple]) -> tuple[list[str], bool]:
    """(what is wrong, whether all are nested as they hang) of rows in the order of their numbers."""
    findings: list[str] = []
    is_nested = True
    tree: int | None = None
    last = 0
    # The open ones: (id, lft, rght, org_type, code, domain, led_by) and the (order, code) of the child seen last.
    opened: list[tuple] = []
    youngest: list[tuple[int, str]] = []
    for pk, parent_id, relation, org_type, order, code, tree_id, lft, rght, level, domain_id, led_by_id in rows:
        is_first = tree_id != tree
        if is_first:
            tree, last = tree_id, 0
            opened.clear()
            youngest.clear()
        while opened and opened[-1][2] < lft:
            opened.pop()
            youngest.pop()
        if lft <= last or rght <= lft:
            is_nested = False
            findings.append(f"{code} 的编号 {lft}–{rght} 与别的组织重复或颠倒")
        last = lft
        if parent_id is None:
            if not is_first:
                is_nested = False
                findings.append(f"根组织 {code} 的编号与别的树混在一起")
            if level != 0:
                findings.append(f"{code} 的层级不对")
            domain, led_by = pk, None
        elif not opened or opened[-1][0] != parent_id or opened[-1][2] <= rght:
            is_nested = False
            findings.append(f"{code} 不在上级的编号范围内，或者编号与同级重叠")
            domain, led_by = domain_id, led_by_id  # nothing to measure it by
        else:
            parent, _, _, parent_type, parent_code, parent_domain, parent_led_by = opened[-1]
            if parent_type == OrgType.BRANCH:
                findings.append(f"{code} 挂在党支部 {parent_code} 下面，党支部下不能再设组织")
            if (order, code) < youngest[-1]:
                findings.append(f"{code} 在同级中的次序不对")
            youngest[-1] = (order, code)
            if level != len(opened):
                findings.append(f"{code} 的层级不对")
            if relation == Relation.GUIDANCE:
                domain, led_by = pk, None
            else:
                domain = parent_domain
                led_by = parent_led_by if parent_type == OrgType.ORGAN_COMMITTEE else parent
        if domain_id != domain or led_by_id != led_by:
            findings.append(f"{code} 的隶属域或领导班子不对")
        opened.append((pk, lft, rght, org_type, code, domain_id, led_by_id))
        youngest.append((-1, ""))
    return findings, is_nested


def _lost() -> list[str]:
    """The organisations that no root reaches, in words."""
    nodes = stored_nodes()
    reached = {node.id for node in from_the_roots(nodes)}
    lost = sorted(node.code for node in nodes if node.id not in reached)
    return [f"{len(lost)} 个组织到不了根组织（循环）：" + "、".join(lost[:5])] if lost else []


def from_the_roots(nodes: list[Node]) -> list[Node]:
    """Every node that a root reaches, parents before children."""
    children = by_parent(nodes)
    order = list(children[None])
    for node in order:
        order.extend(children.get(node.id, []))
    return order
