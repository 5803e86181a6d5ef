"""The only writer of the organisation tree.

django-mptt's own writes are not safe side by side (docs/decisions.md, 2), so every change takes one lock first,
re-reads and writes. Numbers leave gaps: what is new or moved finds room between its neighbours, and only where a gap
is used up the smallest enclosing subtree that has room is numbered anew. Bulk changes number the whole tree once.
What was written is proven in the same transaction: an unsound tree never commits.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import F, ProtectedError, Q
from django.db.models.functions import Collate
from psycopg2.extras import execute_values

from orgs import audit, bulk, changes, clock, past, people, pinyin, removal
from orgs.errors import DomainError, TreeBusy
from orgs.models import Membership, Organization, OrganizationAlias, OrganizationPast, OrgType, Relation, User

MAX_DEPTH = 20
LOCK_SPACE, LOCK_TREE = 20100, 1
PLACE = ("parent", "parent_id", "relation")
# Fields that decide where an organisation stands among the others, and what those below it inherit.
ORDER = frozenset({"parent", "parent_id", "order", "code"})
INHERITED = frozenset({"parent", "parent_id", "relation", "org_type"})
# Numbers are four bytes on PostgreSQL. A tree numbered anew takes three steps for each organisation: one before it,
# one in it, and one more at the end of its parent, where the next one mostly comes. 5 million leave a step of 128.
LAST = 2_000_000_000
WIDEST = 1 << 16
# A subtree is numbered anew within its own bounds only where that leaves so many free numbers in each gap.
ROOMY = 64
# Behind the last sibling more will follow: one that comes there takes an eighth of what it could.
MORE_TO_COME = 8
# More organisations than this in one go are numbered with the whole tree, once.
FEW = 50
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


def again(org: Organization) -> Organization:
    """The organisation as it is stored now; under the lock, as it stays. Raises TreeRefused where it is gone."""
    stored = Organization.objects.select_related("parent").filter(pk=org.pk).first()
    if stored is None:
        raise TreeRefused(f"“{org.name}”已被别人删除，请刷新页面。")
    return stored


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
        org = again(org)
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


def delete(org: Organization, *, by: User | None) -> None:
    """Take away an organisation that was added by mistake. What ever had something hanging on it is dissolved instead.

    Raises TreeRefused, naming what hangs on it: organisations below, members, posts, divisions of work, duties,
    records; TreeBusy.
    """
    with transaction.atomic():
        lock()
        # Held against whoever is about to refer to it: he has committed, or he comes too late.
        list(Organization.objects.select_for_update().filter(pk=org.pk).values_list("pk"))
        org = again(org)
        facts = {field.name: getattr(org, field.attname) for field in org._meta.concrete_fields if field.editable}
        audit.record(by, "删除组织", [org], changes={org.pk: (facts, {})})
        try:
            Organization.objects.filter(pk=org.pk).delete()
        except ProtectedError as error:
            hanging = Counter(
                "个下级组织" if isinstance(thing, Organization) else f"条{thing._meta.verbose_name}"
                for thing in error.protected_objects
            )
            listed = "、".join(f"{count} {name}" for name, count in sorted(hanging.items()))
            raise TreeRefused(
                f"“{org.name}”还有 {listed}，不能删除。误加的组织请先清理这些内容；确实存在过的组织请办理撤销，历史会保留。"
            ) from error


def write_many(
    new: Sequence[Organization],
    changed: Sequence[tuple[Organization, Mapping[str, Any]]],
    *,
    by: User | None,
    gone: Sequence[Organization] = (),
    verb: str = "修改组织",
    summary: str = "",
    on: datetime.date | None = None,
) -> None:
    """Add, change and remove organisations together: all of them, or nothing.

    `new` are unsaved, in any order; a parent may be among them (set `.parent` to the very instance). `changed`
    pairs an organisation with the fields that become different; a place (`parent`, `relation`) may be among them.
    `gone` are removed for good, as if they had never been (an import is undone); nothing may hang on them, and whoever
    derives something from them is told through `changes.removals`. A few find their places one by one, and what is
    around them is proven; with many the whole tree is numbered once and proven. `verb` and `summary` word the events
    of the changed ones in the audit trail; `on` is the day since which it is so (default: today), for the history.
    Raises TreeRefused, TreeBusy, PastRefused.
    """
    with transaction.atomic():
        lock()
        if len(new) > FEW and not changed and not gone:
            _insert_numbered(new)
            audit.record_new(by, "新增组织", new)
            return
        _insert(new)
        old_parents = _change(changed, by, verb, summary, on)
        heirs = _remove(gone, by)
        old_parents = {pk: heirs.get(old, old) if old is not None else None for pk, old in old_parents.items()}
        _settle({org.pk for org in new}, changed, old_parents)
        audit.record_new(by, "新增组织", new)
        changes.announce_moves(old_parents, by)


def _change(
    changed: Sequence[tuple[Organization, Mapping[str, Any]]],
    by: User | None,
    verb: str,
    summary: str,
    on: datetime.date | None,
) -> dict[int, int | None]:
    """Write the changed fields onto freshly read rows; returns id -> id of the old parent of the moved ones."""
    if not changed:
        return {}
    fresh = Organization.objects.in_bulk([org.pk for org, _ in changed])
    former = {pk: past.state_of(org) for pk, org in fresh.items()}
    moved: dict[int, int | None] = {}
    events: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    fields: set[str] = set()
    for stale, values in changed:
        org = fresh.get(stale.pk) or again(stale)
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
        events[org.pk] = (before, dict(values) if on is None else {**values, "on": on})
    past.keep(former, fresh, on or clock.today(), is_dated=on is not None)
    if moved:
        _claim_tree_numbers([fresh[pk] for pk in moved])
        fields.add("tree_id")
    Organization._base_manager.bulk_create(
        fresh.values(), update_conflicts=True, unique_fields=["id"], update_fields=sorted(fields), batch_size=500
    )
    audit.record(by, verb, fresh.values(), summary=summary, changes=events)
    return moved


def _remove(gone: Sequence[Organization], by: User | None) -> dict[int, int | None]:
    """Returns id -> id of the nearest organisation above that stays (None: none)."""
    if not gone:
        return {}
    ids = {org.pk for org in gone}
    parents = dict(Organization.objects.order_by().values_list("pk", "parent_id"))
    left = next((child for child, parent in parents.items() if parent in ids and child not in ids), None)
    if left is not None:
        org = Organization.objects.select_related("parent").get(pk=left)
        raise TreeRefused(f"“{org.parent}”不能删除：“{org.name}”还在它下面。")
    heirs: dict[int, int | None] = {}
    for pk in ids:
        above = parents.get(pk)
        while above in ids:
            above = parents[above]
        heirs[pk] = above
    for listener in changes.removals:
        listener(heirs, set())
    used = removal.used_by(Organization, ids, besides=(OrganizationAlias, OrganizationPast))
    if used:
        raise TreeRefused(f"要删除的组织里有的已经用到了（{used}），不能删除。")
    audit.record(by, "删除组织", gone, changes={org.pk: ({"code": org.code, "name": org.name}, {}) for org in gone})
    for chunk in removal.chunks(sorted(ids)):
        OrganizationAlias.objects.filter(organization__in=chunk).delete()
        OrganizationPast.objects.filter(Q(organization__in=chunk) | Q(parent__in=chunk)).delete()
    # One statement may be several chunks: their foreign keys are looked at when the transaction ends.
    removal.delete(Organization, ids)
    return heirs


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
            org.parent = org.parent  # takes over the primary key of a parent saved a moment ago
            org.level = 0
            org.lft, org.rght = 2 * place + 1, 2 * place + 2
            place += 1
            if org.parent_id is None:
                last += 1
                org.tree_id = last
            else:
                org.tree_id = 0
        bulk.store(ready, prepare=pinyin.fill)
        done = {id(org) for org in ready}
        waiting = [org for org in waiting if id(org) not in done]


def _insert_numbered(new: Sequence[Organization]) -> None:
    """Very many at once, and nothing else: their numbers are known before they are stored, so no row is written twice.

    Raises TreeRefused for a cycle, a depth over 20, something under a 党支部.
    """
    bulk.give_keys(new)
    for org in new:
        org.parent = org.parent  # takes over the primary key that a new parent was just given
    stored = _nodes()
    added = [
        Node(org.pk, org.parent_id, org.relation, org.org_type, org.order, org.code, 0, 0, 0, 0, None, None)
        for org in new
    ]
    wanted = _wanted([*stored, *added])
    for org in new:
        org.tree_id, org.lft, org.rght, org.level, org.domain_id, org.led_by_id = wanted[org.pk]
    _write_different(stored, wanted)
    bulk.store(new, prepare=pinyin.fill)
    if findings := prove():
        raise TreeRefused("组织树不完整，没有写入：" + "；".join(findings[:5]))


# --- reading --------------------------------------------------------------------------------------------------


def _rows() -> Iterator[tuple]:
    """Every organisation as the numbers order them, as plain rows of Node's fields; never all in memory."""
    rows = Organization.objects.order_by("tree_id", "lft", "-rght", "id").values_list(*Node._fields)
    return rows.iterator(chunk_size=10000)


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


def _subtree(pk: int) -> list[Node]:
    """The organisation and all below it, by parent links."""
    return _linked(pk, "o.parent_id = found.id")


def _line(pk: int) -> list[Node]:
    """The organisation, its parent, and so on to the root, by parent links. Raises TreeRefused where they circle."""
    known = {node.id: node for node in _linked(pk, "o.id = found.parent_id")}
    line = [known.pop(pk)]
    while line[-1].parent_id is not None:
        parent = known.pop(line[-1].parent_id, None)
        if parent is None and not Organization.objects.filter(pk=line[-1].parent_id).exists():
            raise TreeRefused(f"{_named(line[-1].id)}的上级组织已被别人删除，请刷新页面，另选上级。")
        if parent is None and line[-1].parent_id == pk:
            first, under = _named(pk), _named(line[1].id)
            raise TreeRefused(f"{first}不能挂到{under}之下：后者就在它之下，上级关系会形成循环。请另选上级。")
        if parent is None:
            raise TreeRefused(f"{_named(line[-1].id)}与它的上级互为上级（循环），请先运行 check_tree --repair。")
        line.append(parent)
    return line


def _named(pk: int) -> str:
    return "“{}”（{}）".format(*Organization.objects.values_list("name", "code").get(pk=pk))


# --- numbering ------------------------------------------------------------------------------------------------


def renumber() -> int:
    """Number every tree anew in (order, code) of siblings and keep `domain` and `led_by`; returns rows written.

    Inside the lock. Raises TreeRefused for a cycle (rows that no root reaches) or a depth over 20.
    """
    nodes = _nodes()
    return _write_different(nodes, _wanted(nodes))


def _wanted(nodes: Sequence[Node]) -> dict[int, tuple]:
    """NUMBERS of each, as a whole numbering gives them. Raises TreeRefused."""
    children = _by_parent(nodes)
    wanted: dict[int, tuple] = {}
    free = max((root.tree_id for root in children[None]), default=0)
    taken: set[int] = set()
    step = _step(len(nodes))
    for root in sorted(children[None], key=lambda node: node.tree_id):
        tree_id = root.tree_id
        if tree_id in taken or tree_id < 1:
            free += 1
            tree_id = free
        taken.add(tree_id)
        _number_tree(root, tree_id, step, children, wanted)
    if len(wanted) != len(nodes):
        lost = [node.code for node in nodes if node.id not in wanted]
        raise TreeRefused(f"上级关系形成循环，{len(lost)} 个组织到不了根组织：" + "、".join(lost[:5]))
    return wanted


def _step(size: int) -> int:
    """How far apart a tree of that size is numbered: a power of two, so that growing a little changes little."""
    fits = min(WIDEST, LAST // (3 * max(size, 1)))
    return 1 << max(fits.bit_length() - 1, 0)


def _number_tree(root: Node, tree_id: int, step: int, children: Mapping, wanted: dict[int, tuple]) -> None:
    """A whole tree: its root spans all numbers, so that there is always room behind the last child."""
    _number([root], None, tree_id, 1 - step, step, children, wanted)
    _, first, _, *inherited = wanted[root.id]
    wanted[root.id] = (tree_id, first, LAST, *inherited)


def _number(
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


def _write_different(nodes: Iterable[Node], wanted: Mapping[int, tuple]) -> int:
    """Write those whose numbers are not the wanted ones; returns how many."""
    rows = [(node.id, *wanted[node.id]) for node in nodes if node[6:] != wanted[node.id]]
    _write_numbers(rows)
    return len(rows)


def _settle(
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
        renumber()
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
        line = _line(pk)
        _refuse_misplaced(line)
        depth[pk] = len(line)
    tops: list[int] = []
    for pk in sorted(depth, key=depth.__getitem__):
        if pk not in astray | shifted | heirs:
            continue  # numbered with one above it
        line = _line(pk)
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
        _write_different(nodes, wanted)
        tops.append(top)
    return not any(_faults_around(top) for top in tops)


def _refuse_misplaced(line: Sequence[Node]) -> None:
    """Nothing hangs under a 党支部."""
    node = line[0]
    if len(line) > 1 and line[1].org_type == OrgType.BRANCH:
        raise TreeRefused(
            f"{_named(node.id)}不能挂在党支部{_named(line[1].id)}下面：党支部下不能再设组织，请另选上级。"
        )
    if node.org_type == OrgType.BRANCH and (below := Organization.objects.filter(parent=node.id).count()):
        raise TreeRefused(f"{_named(node.id)}下面还有 {below} 个组织，不能是党支部；请先把它们转到别的上级。")


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
    nodes = _subtree(node.id)
    wanted: dict[int, tuple] = {}
    if len(line) == 1:
        _number_tree(node, node.tree_id, _step(len(nodes)), _by_parent(nodes), wanted)
        return node.id, nodes, wanted
    parent = line[1]
    end, begin = _neighbours(node, without)
    low, high = parent.lft if end is None else end, parent.rght if begin is None else begin
    step = min(WIDEST, (high - low) // (3 * len(nodes)))
    if step > 0:
        if begin is None:
            step = max(step // MORE_TO_COME, min(step, ROOMY))
        _number([node], parent, parent.tree_id, low, step, _by_parent(nodes), wanted)
        return node.id, nodes, wanted
    for above in line[1:-1]:
        nodes = [below for below in _subtree(above.id) if below.id != above.id]
        step = (above.rght - above.lft) // (3 * len(nodes) + 1)
        if step >= min(ROOMY, WIDEST):
            children = _by_parent(nodes)
            _number(children[above.id], above, above.tree_id, above.lft, min(step, WIDEST), children, wanted)
            return above.id, nodes, wanted
    return 0, [], {}


def _kept_numbers(line: Sequence[Node]) -> tuple[list[Node], dict[int, tuple]]:
    """The organisation with all below it, where they stand; with what they inherit now."""
    nodes = _subtree(line[0].id)
    wanted: dict[int, tuple] = {}
    under = line[1] if len(line) > 1 else None
    _number([line[0]], under, 0, 0, 1, _by_parent(nodes), wanted)
    return nodes, {node.id: (node.tree_id, node.lft, node.rght, *wanted[node.id][3:]) for node in nodes}


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


# --- proving --------------------------------------------------------------------------------------------------


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
    findings, is_nested = _faults(_rows())
    if not is_nested:
        findings = _lost() + findings
    return findings


def _faults(rows: Iterable[tuple]) -> tuple[list[str], bool]:
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
    nodes = _nodes()
    reached = {node.id for node in _from_the_roots(nodes)}
    lost = sorted(node.code for node in nodes if node.id not in reached)
    return [f"{len(lost)} 个组织到不了根组织（循环）：" + "、".join(lost[:5])] if lost else []


def _faults_around(top: int) -> list[str]:
    """What is wrong with an organisation, the line above it and all below it, if all else was sound before: an empty
    list proves that it is sound now. What lies within its numbers must be exactly what hangs below it, and it must
    lie between its neighbours.
    """
    line = _line(top)
    node = line[0]
    inside = Organization.objects.filter(tree_id=node.tree_id, lft__gte=node.lft, lft__lte=node.rght)
    rows = list(inside.order_by("lft", "-rght", "id").values_list(*Node._fields))
    findings, _ = _faults(chain(reversed(line[1:]), rows))
    if {row[0] for row in rows} != {below.id for below in _subtree(top)}:
        findings.append(f"{node.code} 的编号范围与下级不符")
    if not _is_in_place(line, ()):
        findings.append(f"{node.code} 不在同级之间")
    return findings


def _from_the_roots(nodes: list[Node]) -> list[Node]:
    """Every node that a root reaches, parents before children."""
    children = _by_parent(nodes)
    order = list(children[None])
    for node in order:
        order.extend(children.get(node.id, []))
    return order


# --- repairing ------------------------------------------------------------------------------------------------


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
    nodes = _nodes()
    known = {node.id: node for node in nodes}
    children = _by_parent(nodes)
    reached = {node.id for node in _from_the_roots(nodes)}
    moves: list[str] = []
    for node in sorted(_highest_of_circles(known, reached), key=_height):
        old = known[node.parent_id] if node.parent_id is not None else node
        new = _refuge(node, [known[pk] for pk in reached])
        there = f"{_named(new.id)}之下" if new else "没有任何上级（当时没有根组织，它成为根组织）"
        said = f"{_named(node.id)}与它的下级互为上级：原上级{_named(old.id)}，现改挂到{there}"
        org = Organization.objects.get(pk=node.id)
        goal = Organization.objects.get(pk=new.id) if new else None
        _change([(org, {"parent": goal})], by, "修复组织树", said, None)
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
