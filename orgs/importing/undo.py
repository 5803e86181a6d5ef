"""Undo of an import: what it changed gets its old values back, what it brought is removed, all in one transaction.

The journal is what the plan knew, kept with the batch. Offered until anything else of organisations, people, posts,
memberships or divisions of work has changed, by the audit trail.
"""

from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model

from orgs import changes, clock, people, removal, tree
from orgs.changes import Change, ChangeKind
from orgs.errors import DomainError
from orgs.importing.columns import CHARGES, ORGS, PEOPLE, POSTS, SHEETS, key
from orgs.importing.plan import Plan
from orgs.models import AuditEvent, Category, Charge, ImportBatch, ImportJournal, Organization, Person, Post, User

WATCHED = ("orgs.organization", "orgs.person", "orgs.post", "orgs.charge")
DONE = "导入"  # the verb of the import's own last event
VERB = "撤销导入"
MODELS: dict[str, type[Model]] = {ORGS: Organization, PEOPLE: Person, POSTS: Post, CHARGES: Charge}


class NotUndoable(DomainError):
    """The import cannot be undone any more; the message says what came after it."""


def keep(batch: ImportBatch, plan: Plan) -> None:
    """Keep what undoes this plan; in the transaction that carries it out."""
    data = json.dumps(_journal(plan), cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    ImportJournal.objects.create(batch=batch, data=gzip.compress(data.encode(), compresslevel=3))


def hindrance(batch: ImportBatch) -> str:
    """Why this applied import cannot be undone; "" where it can."""
    done = _event_of(batch)
    if done is None or not ImportJournal.objects.filter(batch=batch).exists():
        return "这次导入没有留下可以撤销的记录。"
    later = AuditEvent.objects.filter(pk__gt=done, model__in=WATCHED).order_by("pk").select_related("by").first()
    if later is None:
        return ""
    return f"导入之后已有别的变更（{later.verb}：{later.summary[:60]}），不能再整体撤销。"


def undo(batch: ImportBatch, *, by: User | None) -> None:
    """Take an import back. Duties and figures follow.

    Raises NotUndoable, tree.TreeRefused, people.PeopleRefused (something already hangs on what would go), TreeBusy.
    """
    with transaction.atomic():
        tree.lock()
        hindered = hindrance(batch)
        if hindered:
            raise NotUndoable(hindered)
        kept = json.loads(gzip.decompress(bytes(ImportJournal.objects.get(batch=batch).data)))
        new, changed = kept["new"], kept["changed"]
        org_ids = _ids(Organization, "code")
        person_ids = _ids(Person, "number") if new[PEOPLE] or new[POSTS] or new[CHARGES] else {}
        people.withdraw_charges(_charges(new[CHARGES], person_ids, org_ids), by=by)
        people.update_charges(_old_values(CHARGES, changed[CHARGES]), by=by)
        people.withdraw_posts(_posts(new[POSTS], person_ids, org_ids), by=by)
        people.update_posts(_old_values(POSTS, changed[POSTS]), by=by)
        before = {pk: (org_ids[branch] if branch else None, _day(since)) for pk, branch, since in kept["moved"]}
        people.take_back_transfers(before, by=by)
        people.update_many(_old_values(PEOPLE, changed[PEOPLE]), by=by)
        redated = Person.objects.in_bulk([pk for pk, _ in kept["redated"]])
        people.redate_many([(redated[pk], _day(since)) for pk, since in kept["redated"]], by=by)
        people.remove_many(_rows(Person, [person_ids[key(number)] for number in new[PEOPLE]]), by=by)
        gone = _rows(Organization, [org_ids[key(code)] for code in new[ORGS]])
        changed_orgs = _old_organizations(changed[ORGS], org_ids)
        if gone or changed_orgs:
            tree.write_many([], changed_orgs, gone=gone, by=by, verb=VERB)
        changes.announce(Change(ChangeKind.UNDO, None, clock.today()), by)


# --- the journal -----------------------------------------------------------------------------------------------------


def _journal(plan: Plan) -> dict[str, Any]:
    new: dict[str, list[Any]] = {sheet: [] for sheet in SHEETS}
    changed: dict[str, list[Any]] = {sheet: [] for sheet in SHEETS}
    moved: list[Any] = []
    redated: list[Any] = []
    for sheet, listed in plan.changes.items():
        for change in listed:
            if change.stored is None:
                new[sheet].append(change.key)
                continue
            of_membership = ("branch", "moved_on") if sheet == PEOPLE else ()
            old = {name: change.old.get(name) for name in change.values if name not in of_membership}
            if old:
                changed[sheet].append([change.stored, old])
            if change.move:
                moved.append([change.stored, change.old["branch"], change.old["moved_on"]])
            elif change.redate:
                redated.append([change.stored, change.old["moved_on"]])
    return {"new": new, "changed": changed, "moved": moved, "redated": redated}


def _event_of(batch: ImportBatch) -> int | None:
    events = AuditEvent.objects.filter(model="orgs.importbatch", object_id=batch.pk, verb=DONE)
    return events.order_by("-pk").values_list("pk", flat=True).first()


# --- what it names ---------------------------------------------------------------------------------------------------


def _ids(model: Any, name: str) -> dict[str, int]:
    return {key(code): pk for code, pk in model.objects.order_by().values_list(name, "pk").iterator(chunk_size=5000)}


def _rows(model: Any, pks: list[int]) -> list[Any]:
    return [row for chunk in removal.chunks(sorted(pks)) for row in model.objects.filter(pk__in=chunk)]


def _day(written: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(written) if written else None


def _posts(keys: list[list[Any]], persons: Mapping[str, int], orgs: Mapping[str, int]) -> list[Post]:
    wanted = {(persons[number], orgs[code], role, _day(since)) for number, code, role, since in keys}
    found: list[Post] = []
    for chunk in removal.chunks(sorted({org for _, org, _, _ in wanted})):
        rows = Post.objects.filter(organization__in=chunk).select_related("person", "organization")
        found += [row for row in rows if (row.person_id, row.organization_id, row.role, row.from_on) in wanted]
    return found


def _charges(keys: list[list[Any]], persons: Mapping[str, int], orgs: Mapping[str, int]) -> list[Charge]:
    wanted = {(persons[number], orgs[team], orgs[code], _day(since)) for number, team, code, since in keys}
    found: list[Charge] = []
    for chunk in removal.chunks(sorted({team for _, team, _, _ in wanted})):
        rows = Charge.objects.filter(team__in=chunk).select_related("person", "organization")
        found += [row for row in rows if (row.person_id, row.team_id, row.organization_id, row.from_on) in wanted]
    return found


def _old_values(sheet: str, kept: list[list[Any]]) -> list[tuple[Any, dict[str, Any]]]:
    """(row, fields as they were before)."""
    model = MODELS[sheet]
    values = {pk: {name: _typed(model, name, value) for name, value in old.items()} for pk, old in kept}
    return [(row, values[row.pk]) for row in _rows(model, list(values))]


def _typed(model: type[Model], name: str, value: Any) -> Any:
    field: Any = model._meta.get_field(name)
    return field.to_python(value)


def _old_organizations(kept: list[list[Any]], org_ids: Mapping[str, int]) -> list[tuple[Organization, dict[str, Any]]]:
    categories = dict(Category.objects.filter(scheme__is_active=True).values_list("name", "pk"))
    parents = Organization.objects.in_bulk({org_ids[old["parent"]] for _, old in kept if old.get("parent")})
    values: dict[int, dict[str, Any]] = {}
    for pk, old in kept:
        facts = {n: _typed(Organization, n, v) for n, v in old.items() if n not in ("parent", "category")}
        if "parent" in old:
            facts["parent"] = parents[org_ids[old["parent"]]] if old["parent"] else None
        if "category" in old:
            if old["category"] not in categories:
                raise NotUndoable(f"单位类别“{old['category']}”已不在启用的方案里，不能恢复。")
            facts["category_id"] = categories[old["category"]]
        values[pk] = facts
    return [(org, values[org.pk]) for org in _rows(Organization, list(values))]
