"""What is done to one organisation."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from orgs import audit, people
from orgs.models import Membership, Organization, User
from orgs.tree.locking import TreeRefused, again, lock
from orgs.tree.writing import write_many

PLACE = ("parent", "parent_id", "relation")


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
