"""The only writer of the organisation tree.

django-mptt's own writes are not safe side by side (docs/decisions.md, 2), so every change takes one lock first,
re-reads, writes, numbers the tree anew in Python and writes only the rows whose numbers changed. Bulk changes
are proven in the same transaction: an unsound tree never commits.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from psycopg2.extras import execute_values

from orgs import audit, bulk, changes, people, pinyin
from orgs.errors import DomainError, TreeBusy
from orgs.models import Membership, Organization, OrgType, Relation, User

MAX_DEPTH = 20
LOCK_SPACE, LOCK_TREE = 20100, 1
PLACE = ("parent", "parent_id", "relation")
NUMBERS = ("tree_id", "lft", "rght", "level", "domain_id", "led_by_id")


class TreeRefused(DomainError):
    """The change would break the tree; the message names the organisation and the cure."""


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


def lock() -> None:
    """Hold the tree until the transaction ends; nobody else changes it meanwhile, readers are not disturbed.

    Raises TreeBusy when another change holds it for too long (lock_timeout), RuntimeError outside a transaction.
    On SQLite the transaction itself is the lock: it begins IMMEDIATE.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("tree.lock() outside a transaction protects nothing")
    if connection.vendor == "postgresql":
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, LOCK_TREE])
        except OperationalError as error:
            raise TreeBusy("组织树正在被其他人修改（例如导入），请稍后再试。") from error


def add(org: Organization, *, by: User | None) -> Organization:
    """Add an unsaved organisation under its `parent` (None: a new root). Returns it saved and numbered.

    Raises TreeRefused, TreeBusy.
    """
    write_many([org], [], by=by)
    org.refresh_from_db()
    return org


def update(org: Organization, changed: Mapping[str, Any], *, by: User | None) -> Organization:
    """Change facts of an organisation: any field but its place and its end, which have verbs of their own."""
    if set(changed) & {*PLACE, "dissolved_on"}:
        raise ValueError("use move() or dissolve()")
    write_many([], [(org, dict(changed))], by=by)
    org.refresh_from_db()
    return org


def move(
    org: Organization, *, under: Organization | None, relation: str | None = None, by: User | None
) -> Organization:
    """Hang an organisation with all below it under another parent (None: make it a root).

    Raises TreeRefused for a cycle, a depth over 20, or a parent that is a 党支部.
    """
    changed: dict[str, Any] = {"parent": under}
    if relation is not None:
        changed["relation"] = relation
    write_many([], [(org, changed)], by=by)
    org.refresh_from_db()
    return org


def dissolve(org: Organization, *, on: datetime.date, by: User | None, summary: str = "") -> Organization:
    """撤销: from that day on the organisation no longer exists; its posts and divisions of work end with it.

    Refused while living organisations hang under it or members belong to it: they are moved first, so that
    nobody falls out of coverage (A21).
    """
    with transaction.atomic():
        lock()
        org = Organization.objects.get(pk=org.pk)
        if org.founded_on and on < org.founded_on:
            raise TreeRefused(f"“{org.name}”的撤销日期 {on} 早于成立日期 {org.founded_on}，请改正。")
        children = Organization.objects.filter(parent=org).alive(on).count()
        if children:
            raise TreeRefused(f"“{org.name}”下面还有 {children} 个组织，请先把它们转到别的上级或撤销。")
        members = Membership.objects.filter(branch=org).valid(on).counted().count()
        if members:
            raise TreeRefused(f"“{org.name}”还有 {members} 名党员，请先办理组织关系转移。")
        people.end_posts_of(org, on=on, by=by)
        before = org.dissolved_on
        Organization.objects.filter(pk=org.pk).update(dissolved_on=on)
        events = {org.pk: ({"dissolved_on": before}, {"dissolved_on": on})}
        audit.record(by, "撤销组织", [org], summary=summary, changes=events)
        org.dissolved_on = on
    return org


def write_many(
    new: Sequence[Organization],
    changed: Sequence[tuple[Organization, Mapping[str, Any]]],
    *,
    by: User | None,
    verb: str = "修改组织",
    summary: str = "",
) -> None:
    """Add and change organisations together: all of them, or nothing.

    `new` are unsaved, in any order; a parent may be among them (set `.parent` to the very instance). `changed`
    pairs an organisation with the fields that become different; a place (`parent`, `relation`) may be among them.
    The tree is numbered once and proven. `verb` and `summary` word the events of the changed ones in the audit trail.
    Raises TreeRefused, TreeBusy.
    """
    with transaction.atomic():
        lock()
        _insert(new)
        old_parents = _change(changed, by, verb, summary)
        renumber()
        findings = prove()
        if findings:
            raise TreeRefused("组织树不完整，没有写入：" + "；".join(findings[:5]))
        audit.record(by, "新增组织", new)
        changes.announce_moves(old_parents, by)


def _change(
    changed: Sequence[tuple[Organization, Mapping[str, Any]]], by: User | None, verb: str, summary: str
) -> dict[int, int | None]:
    """Write the changed fields onto freshly read rows; returns id -> id of the old parent of the moved ones."""
    if not changed:
        return {}
    fresh = Organization.objects.in_bulk([org.pk for org, _ in changed])
    moved: dict[int, int | None] = {}
    events: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    fields: set[str] = set()
    for stale, values in changed:
        org = fresh[stale.pk]
        old_parent = org.parent_id
        before = {name: getattr(org, name) for name in values}
        for name, value in values.items():
            setattr(org, name, value)
        fields.update(name.removesuffix("_id") for name in values)
        fields |= pinyin.follow(org, values)
        if org.parent_id == org.pk:
            raise TreeRefused(f"“{org.name}”不能做自己的上级。")
        if not org.code.strip() or not org.name.strip():
            raise TreeRefused("组织代码和名称不能为空。")
        if org.parent_id != old_parent:
            moved[org.pk] = old_parent
        events[org.pk] = (before, dict(values))
    if moved:
        _claim_tree_numbers([fresh[pk] for pk in moved])
        fields.add("tree_id")
    Organization._base_manager.bulk_create(
        fresh.values(), update_conflicts=True, unique_fields=["id"], update_fields=sorted(fields), batch_size=500
    )
    audit.record(by, verb, fresh.values(), summary=summary, changes=events)
    return moved


def _claim_tree_numbers(moved: Sequence[Organization]) -> None:
    """An organisation that becomes a root needs a tree of its own at once: one root for each tree_id is a constraint."""
    last = _last_tree_id()
    for org in moved:
        if org.parent_id is None:
            last += 1
            org.tree_id = last


def _last_tree_id() -> int:
    return Organization.objects.order_by("-tree_id").values_list("tree_id", flat=True).first() or 0


def _insert(new: Sequence[Organization]) -> None:
    """bulk_create, parents before children; numbers are placeholders that the renumbering replaces."""
    if not new:
        return
    last = _last_tree_id()
    waiting = list(new)
    place = 0
    while waiting:
        ready = [org for org in waiting if org.parent is None or org.parent.pk is not None]
        if not ready:
            raise TreeRefused("上级关系形成循环：" + "、".join(org.name for org in waiting[:5]))
        for org in ready:
            pinyin.fill(org)
            org.parent = org.parent  # takes over the primary key of a parent saved a moment ago
            org.level = 0
            org.lft, org.rght = 2 * place + 1, 2 * place + 2
            place += 1
            if org.parent_id is None:
                last += 1
                org.tree_id = last
            else:
                org.tree_id = 0
        bulk.store(ready)
        done = {id(org) for org in ready}
        waiting = [org for org in waiting if id(org) not in done]


def _nodes() -> list[Node]:
    rows = Organization.objects.order_by().values_list(*Node._fields)
    return [Node(*row) for row in rows.iterator(chunk_size=10000)]


def _by_parent(nodes: Iterable[Node]) -> dict[int | None, list[Node]]:
    children: dict[int | None, list[Node]] = defaultdict(list)
    for node in nodes:
        children[node.parent_id].append(node)
    for siblings in children.values():
        siblings.sort(key=lambda node: (node.order, node.code))
    return children


def renumber() -> int:
    """Number every tree anew in (order, code) of siblings and keep `domain` and `led_by`; returns rows written.

    Inside the lock. Raises TreeRefused for a cycle (rows that no root reaches) or a depth over 20.
    """
    nodes = _nodes()
    children = _by_parent(nodes)
    wanted: dict[int, tuple] = {}
    free = max((root.tree_id for root in children[None]), default=0)
    taken: set[int] = set()
    for root in sorted(children[None], key=lambda node: node.tree_id):
        tree_id = root.tree_id
        if tree_id in taken or tree_id < 1:
            free += 1
            tree_id = free
        taken.add(tree_id)
        _number(root, tree_id, children, wanted)
    if len(wanted) != len(nodes):
        lost = [node.code for node in nodes if node.id not in wanted]
        raise TreeRefused(f"上级关系形成循环，{len(lost)} 个组织到不了根组织：" + "、".join(lost[:5]))
    rows = [
        (node.id, *wanted[node.id]) for node in nodes if wanted[node.id] != tuple(getattr(node, n) for n in NUMBERS)
    ]
    _write_numbers(rows)
    return len(rows)


def _number(root: Node, tree_id: int, children: dict[int | None, list[Node]], wanted: dict[int, tuple]) -> None:
    """Number one tree without recursion: (tree_id, lft, rght, level, domain, led_by) of each node into `wanted`."""
    counter = 0
    # (node, level, domain, led_by, lft) on the way down; lft is set when the node is entered
    stack: list[tuple[Node, int, int, int | None, int | None]] = [(root, 0, root.id, None, None)]
    while stack:
        node, level, domain, led_by, lft = stack.pop()
        counter += 1
        if lft is not None:
            wanted[node.id] = (tree_id, lft, counter, level, domain, led_by)
            continue
        if level >= MAX_DEPTH:
            raise TreeRefused(f"组织“{node.code}”的层级超过 {MAX_DEPTH} 层，请检查上级代码。")
        stack.append((node, level, domain, led_by, counter))
        heir = led_by if node.org_type == OrgType.ORGAN_COMMITTEE else node.id
        for child in reversed(children.get(node.id, [])):
            if child.relation == Relation.GUIDANCE:
                stack.append((child, level + 1, child.id, None, None))
            else:
                stack.append((child, level + 1, domain, heir, None))


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


def prove() -> list[str]:
    """What is wrong with the stored tree, in Chinese; an empty list proves it sound.

    Distinct endpoints, strict nesting in the parent and a width of twice the subtree's size leave no room for a
    foreign node; one root for each tree number, beginning at 1, and every row reachable close the proof.
    Also checks `level`, `domain` and `led_by`. Does not use the numbering code.
    """
    nodes = _nodes()
    known = {node.id: node for node in nodes}
    findings: list[str] = []
    order = _from_the_roots(nodes)
    if len(order) != len(nodes):
        reached = {node.id for node in order}
        lost = sorted(node.code for node in nodes if node.id not in reached)
        findings.append(f"{len(lost)} 个组织到不了根组织（循环）：" + "、".join(lost[:5]))
    size = {node.id: 1 for node in order}
    for node in reversed(order):
        if node.parent_id is not None:
            size[node.parent_id] += size[node.id]
    ends: set[tuple[int, int]] = set()
    level: dict[int, int] = {}
    roots: set[int] = set()
    for node in order:
        for end in (node.lft, node.rght):
            if (node.tree_id, end) in ends:
                findings.append(f"{node.code} 的编号 {end} 与别的组织重复")
            ends.add((node.tree_id, end))
        if node.rght - node.lft + 1 != 2 * size[node.id]:
            findings.append(f"{node.code} 的编号范围与下级数目不符")
        if node.parent_id is None:
            level[node.id] = 0
            if node.lft != 1 or node.tree_id in roots:
                findings.append(f"根组织 {node.code} 的编号不对")
            roots.add(node.tree_id)
            domain, led_by = node.id, None
        else:
            parent = known[node.parent_id]
            if parent.org_type == OrgType.BRANCH:
                findings.append(f"{node.code} 挂在党支部 {parent.code} 下面，党支部下不能再设组织")
            level[node.id] = level[parent.id] + 1
            if not (parent.tree_id == node.tree_id and parent.lft < node.lft and node.rght < parent.rght):
                findings.append(f"{node.code} 不在上级 {parent.code} 的编号范围内")
            if node.relation == Relation.GUIDANCE:
                domain, led_by = node.id, None
            else:
                domain = parent.domain_id or 0
                led_by = parent.led_by_id if parent.org_type == OrgType.ORGAN_COMMITTEE else parent.id
        if node.level != level[node.id]:
            findings.append(f"{node.code} 的层级不对")
        if (node.domain_id, node.led_by_id) != (domain, led_by):
            findings.append(f"{node.code} 的隶属域或领导班子不对")
    return findings


def _from_the_roots(nodes: list[Node]) -> list[Node]:
    """Every node that a root reaches, parents before children."""
    children = _by_parent(nodes)
    order = list(children[None])
    for node in order:
        order.extend(children.get(node.id, []))
    return order


def repair(*, by: User | None = None) -> list[str]:
    """Number the tree anew under the lock; returns what was wrong before. Raises TreeRefused if it cannot."""
    with transaction.atomic():
        lock()
        before = prove()
        renumber()
        remaining = prove()
        if remaining:
            raise TreeRefused("无法自动修复，请先改正上级关系：" + "；".join(remaining[:5]))
        if before:
            audit.record(by, "修复组织树", Organization.objects.filter(parent=None), summary=f"修复 {len(before)} 处")
    return before
