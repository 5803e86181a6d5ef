"""The one way in which organisations are added, changed and removed: together, or not at all."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from orgs import audit, bulk, changes, clock, past, pinyin, removal
from orgs.models import Organization, OrganizationAlias, OrganizationPast, User
from orgs.tree import placing
from orgs.tree.locking import TreeRefused, again, lock
from orgs.tree.nodes import Node, stored_nodes
from orgs.tree.numbering import wanted_numbers, write_different
from orgs.tree.proof import prove


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
        if len(new) > placing.FEW and not changed and not gone:
            _insert_numbered(new)
            audit.record_new(by, "新增组织", new)
            return
        _insert(new)
        old_parents = write_changed(changed, by, verb, summary, on)
        heirs = _remove(gone, by)
        old_parents = {pk: heirs.get(old, old) if old is not None else None for pk, old in old_parents.items()}
        placing.settle({org.pk for org in new}, changed, old_parents)
        audit.record_new(by, "新增组织", new)
        changes.announce_moves(old_parents, by)


def write_changed(
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
    stored = stored_nodes()
    added = [
        Node(org.pk, org.parent_id, org.relation, org.org_type, org.order, org.code, 0, 0, 0, 0, None, None)
        for org in new
    ]
    wanted = wanted_numbers([*stored, *added])
    for org in new:
        org.tree_id, org.lft, org.rght, org.level, org.domain_id, org.led_by_id = wanted[org.pk]
    write_different(stored, wanted)
    bulk.store(new, prepare=pinyin.fill)
    if findings := prove():
        raise TreeRefused("组织树不完整，没有写入：" + "；".join(findings[:5]))
