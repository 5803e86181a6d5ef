"""What a batch says of its file: the plan as plain data, as the preview and the receipt show it."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from orgs.errors import DomainError, TreeBusy
from orgs.importing import apply, columns
from orgs.importing.columns import BY_NAME, SHEETS
from orgs.importing.plan import Change, Plan, Problem
from orgs.models import ImportBatch, ImportState

SHOWN_ROWS = 100
SHOWN_PROBLEMS = 200
SHOWN_CAUSES, SHOWN_OF_A_CAUSE = 40, 20
SHOWN_UNKNOWN, SHOWN_DRAWN = 12, 500


def totals(batch: ImportBatch) -> str:
    """ "组织 新增 3、更新 0、未变 1；…" of a batch."""
    return "；".join(
        f"{sheet['sheet']} 新增 {sheet['new']}、更新 {sheet['updated']}"
        + (f"、移动 {sheet['moved']}" if sheet["moved"] else "")
        + f"、未变 {sheet['unchanged']}"
        + (f"、错误 {sheet['wrong']}" if sheet["wrong"] else "")
        for sheet in batch.sums
    )


def show(batch: ImportBatch, plan: Plan, *, can_be_tried: bool) -> None:
    """Describe a plan that was only looked at, with what would follow for duties and figures."""
    describe(batch, plan)
    try:
        batch.counts["effects"] = apply.foresee(plan, can_be_tried=can_be_tried)
    except TreeBusy:
        batch.counts["effects"] = ["别人正在修改组织，对点评任务的影响没有算出；稍后点“重新核对”。"]
    except DomainError as error:
        batch.state, batch.note = ImportState.REFUSED, str(error)[:500]


def describe(batch: ImportBatch, plan: Plan) -> None:
    """What the preview shows, as plain data; long lists are cut, their lengths are not."""
    batch.state = ImportState.REFUSED if plan.problems else ImportState.PREVIEWED
    batch.note = ""
    batch.sums = [
        {"sheet": sheet, "total": counts.total, "updated": counts.changed - counts.moved, **asdict(counts)}
        for sheet, counts in plan.counts.items()
    ]
    batch.counts = {
        "sheets": [sums | _changes(plan, sums["sheet"]) for sums in batch.sums],
        "effects": batch.counts.get("effects", []),
        "unknown": _unknown(plan),
        "drawn": _drawn(plan),
        "problems": [problem._asdict() for problem in plan.problems[:SHOWN_PROBLEMS]],
        "groups": _groups(plan.problems),
        "problem_count": len(plan.problems),
        "warnings": [problem._asdict() for problem in plan.warnings[:SHOWN_PROBLEMS]],
        "warning_count": len(plan.warnings),
        "notices": plan.notices[:50],
    }


def _unknown(plan: Plan) -> list[dict[str, Any]]:
    """What stands for organisations that nobody knows, the most frequent first, with the nearest ones."""
    rows: dict[str, list[Problem]] = {}
    for problem in plan.problems:
        if problem.unknown:
            rows.setdefault(problem.unknown, []).append(problem)
    ordered = sorted(rows.items(), key=lambda item: -len(item[1]))[:SHOWN_UNKNOWN]
    return [
        {
            "text": text,
            "count": len(found),
            "where": f"{found[0].sheet}第 {found[0].row} 行{found[0].column}",
            "candidates": plan.candidates.get(text, []),
        }
        for text, found in ordered
    ]


def _drawn(plan: Plan) -> dict[str, Any] | None:
    """The hierarchy that was understood, to look at."""
    if plan.drawn is None:
        return None
    rows = [
        {
            "row": node.row, "level": node.level, "code": "" if node.code is None else str(node.code),
            "name": node.name, "parent": node.above or "", "type": str(node.org_type or ""),
            "category": str(node.category or ""), "origin": node.origin,
        }
        for node in plan.drawn.nodes[:SHOWN_DRAWN]
    ]  # fmt: skip
    total = len(plan.drawn.nodes)
    return {"kind": plan.drawn.kind, "fingerprint": plan.drawn.fingerprint, "rows": rows, "total": total}


def _groups(problems: list[Problem]) -> list[dict[str, Any]]:
    """Problems by cause, the most frequent first: what differs from row to row is left out of the cause."""
    found: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        cause = re.sub(r"[0-9]+(-[0-9]+)*", "…", re.sub(r'"[^"]*"', '"…"', problem.message.split("，是否指 ")[0]))
        found.setdefault((problem.sheet, problem.column, cause), []).append(problem)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [
        {
            "sheet": sheet,
            "column": column,
            "cause": cause,
            "count": len(rows),
            "rows": [row._asdict() for row in rows[:SHOWN_OF_A_CAUSE]],
        }
        for (sheet, column, cause), rows in ordered[:SHOWN_CAUSES]
    ]


def _changes(plan: Plan, sheet: str) -> dict[str, Any]:
    new, changed = plan.kept(sheet, new=True), plan.kept(sheet, new=False)
    return {
        "new_rows": [_row(change) for change in new[:SHOWN_ROWS]],
        "changed_rows": [_row(change) for change in changed[:SHOWN_ROWS]],
    }


def _row(change: Change) -> dict[str, Any]:
    """One row as the preview shows it: its fields, old -> new, in Chinese."""
    fields = []
    values = change.told
    for column in SHEETS[change.sheet]:
        if column.name in values:
            new = shown(change.sheet, column.name, values[column.name])
            old = shown(change.sheet, column.name, change.old.get(column.name))
            if change.stored is not None or new:
                fields.append({"header": column.header, "old": old, "new": new})
    return {"row": change.row, "label": change.label, "fields": fields}


def shown(sheet: str, name: str, value: Any) -> str:
    """A value of a plan as a reader understands it; a mobile number is masked."""
    if value is None or value == "":
        return columns.NONE_CODE if name == "branch" else ""
    if name == "mobile":
        return f"{value[:3]}****{value[-4:]}" if len(value) >= 7 else "****"
    return BY_NAME[sheet][name].show(value)


def problem_of(stored: dict[str, Any]) -> Problem:
    """A problem as the batch keeps it."""
    return Problem(**stored)
