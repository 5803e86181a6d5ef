"""Who stands behind the numbers of annex 1: gathered and frozen when a report is sent, shown to who may see names.

A line that rests on a unit's own report needs no list: that report has them, down to the last name. So a superior
freezes only its own (本级) and the organisations that do not report themselves, whatever is below the others.
A list is kept packed, one blob for a line and measure: it is written once, read whole, and never asked for by name.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from django.db.models import Q

from orgs import scope
from orgs.lists import Sheet
from orgs.models import Organization
from orgs.querysets import Subtrees, stand
from reports.annexes.one import Numbers
from reports.models import ProgressNames, ProgressReport, ProgressRow, RowBasis
from reviews.models import CoverageTarget, Measure, Period

if TYPE_CHECKING:
    from orgs.models import User

LEVEL = 6  # of zlib
AT_ONCE = 100  # subtrees in one condition, organisations in one question
LISTED = (RowBasis.OWN, RowBasis.LIVE)  # lines with lists of their own


class Standing(IntEnum):
    """How a name counts in its line."""

    MISSING = 0  # due, not done
    BEFORE = 1  # done, and in the last accepted report
    NEW = 2  # done since
    GONE = 3  # was done in the last accepted report, counts here no more: takes one off 新增


class Part(StrEnum):
    """The numbers of a line that have names behind them."""

    DUE = "due"
    NEW = "new"
    DONE = "done"
    MISSING = "missing"


HOLDS = {
    Part.DUE: {Standing.MISSING, Standing.BEFORE, Standing.NEW},
    Part.NEW: {Standing.NEW, Standing.GONE},
    Part.DONE: {Standing.BEFORE, Standing.NEW},
    Part.MISSING: {Standing.MISSING},
}
PART_NAMES = {
    Part.DUE: "应参加点评", Part.NEW: "本次新增", Part.DONE: "累计完成", Part.MISSING: "尚未完成",
}  # fmt: skip
STANDING_NAMES = {
    Standing.MISSING: "未完成", Standing.BEFORE: "已完成", Standing.NEW: "本次新增", Standing.GONE: "比上次减少",
}  # fmt: skip


HEADERS = {
    Measure.LEADERS: ("人员编号", "姓名", "任职组织代码", "任职组织"),
    Measure.ORGANIZATIONS: ("组织代码", "组织名称"),
    Measure.MEMBERS: ("人员编号", "姓名", "所属支部代码", "所属支部"),
}
PLACED = (16, 14, 18, 36, 12, 14)
WIDTHS = {Measure.LEADERS: PLACED, Measure.ORGANIZATIONS: (18, 40, 12, 14), Measure.MEMBERS: PLACED}


@dataclass(frozen=True, slots=True)
class Name:
    """An organisation or person as of the day of sending; `key` is its id, `org_id` where it counted."""

    key: int
    number: str
    name: str
    org_id: int
    org_code: str
    org_name: str
    done_on: str  # ISO, "" while missing
    standing: Standing = Standing.MISSING


Lists = dict[Measure, list[Name]]


# --- gathering ------------------------------------------------------------------------------------------------


def gather(org: Organization, period: Period, below: Sequence[int], *, own: bool = True) -> dict[int, Lists]:
    """Id of the line's organisation -> its names: `org` itself (if `own`), and each child in `below` with all under it.

    One statement for a hundred children.
    """
    found: dict[int, Lists] = {pk: {measure: [] for measure in Measure} for pk in ([org.pk] if own else []) + [*below]}
    places = [
        (pk, tuple(place))
        for start in range(0, len(below), AT_ONCE)
        for pk, *place in Organization.objects.filter(pk__in=below[start : start + AT_ONCE]).values_list("pk", *stand())
    ]
    lines = Subtrees(places)
    conditions = [Q(organization=org)] if own else []
    for start in range(0, len(below), AT_ONCE):
        children = Organization.objects.filter(pk__in=below[start : start + AT_ONCE])
        conditions.append(scope.any_of([scope.in_range(child, "organization__") for child in children]))
    names = (
        "measure", "organization_id", "organization__code", "organization__name", "person_id", "person__number",
        "person__name", "done_on",
    )  # fmt: skip
    for condition in conditions:
        targets = CoverageTarget.objects.filter(condition, period=period)
        ordered = targets.order_by("organization", "person__number", "pk")
        rows = ordered.values_list(*names, *stand("organization__"))
        for measure, org_id, code, org_name, person_id, number, name, done_on, *place in rows.iterator(chunk_size=5000):
            at = org.pk if org_id == org.pk else next(lines.holding(tuple(place)), None)
            if at not in found:
                continue
            day = done_on.isoformat() if done_on else ""
            key, number, name = (person_id, number, name) if person_id else (org_id, code, org_name)
            found[at][Measure(measure)].append(Name(key, number, name, org_id, code, org_name, day))
    return found


def numbers(lists: Lists) -> tuple[Numbers, Numbers]:
    """(应, 累计) as the lists count them."""
    due = Numbers(*(len(lists[measure]) for measure in Measure))
    return due, Numbers(*(sum(bool(name.done_on) for name in lists[measure]) for measure in Measure))


# --- freezing ------------------------------------------------------------------------------------------------


def freeze(rows: Iterable[ProgressRow], lists: Mapping[int, Lists], last: ProgressReport | None) -> None:
    """Keep the lists of these lines, told apart into what the last accepted report had and what is new; of what left,
    who is counted here no more.
    """
    before = {row.organization_id: row for row in last.rows.all()} if last else {}
    kept = []
    for row in rows:
        earlier = before.get(row.organization_id)
        is_listed, has_left = row.basis in LISTED, row.basis == RowBasis.LEFT and row.based_on_id is None
        for measure in Measure if is_listed or has_left else ():
            prior = _done_in(earlier, measure) if earlier else []
            if has_left and prior is None:
                continue
            had = getattr(earlier, f"done_{measure}") if earlier else 0
            names = _told_apart(lists[row.organization_id][measure] if is_listed else [], prior or [])
            kept.append(
                ProgressNames(
                    row=row, measure=measure, packed=pack(names), count=len(names),
                    knows_new=not had or prior is not None,
                )
            )  # fmt: skip
    ProgressNames.objects.bulk_create(kept, batch_size=50)


def _told_apart(now: list[Name], prior: list[Name]) -> list[Name]:
    """Those of now by their standing, then those of the last report that are done no more."""
    done_before = {name.key: name for name in prior if name.standing in HOLDS[Part.DONE]}
    names = []
    for name in now:
        if name.done_on:
            standing = Standing.BEFORE if done_before.pop(name.key, None) else Standing.NEW
            names.append(_with(name, standing))
        else:
            names.append(name)
    return names + [_with(name, Standing.GONE) for name in done_before.values()]


def _with(name: Name, standing: Standing) -> Name:
    return Name(name.key, name.number, name.name, name.org_id, name.org_code, name.org_name, name.done_on, standing)


def _done_in(row: ProgressRow, measure: Measure) -> list[Name] | None:
    """Who was done in a line that was sent, down through the reports that it rests on; None where not all were kept."""
    if not getattr(row, f"done_{measure}"):
        return []
    if row.basis != RowBasis.ACCEPTED or row.based_on is None:
        names = of_row(row, measure)
        return None if names is None else [name for name in names if name.standing in HOLDS[Part.DONE]]
    found: list[Name] = []
    for each in row.based_on.rows.all():
        below = _done_in(each, measure)
        if below is None:
            return None
        found += below
    return found


def pack(names: Sequence[Name]) -> bytes:
    """Small: organisations once, names as bare lists, compressed."""
    orgs: dict[int, int] = {}
    places: list[tuple[int, str, str]] = []
    rows: list[list[int | str]] = []
    for name in names:
        at = orgs.get(name.org_id)
        if at is None:
            at = orgs[name.org_id] = len(places)
            places.append((name.org_id, name.org_code, name.org_name))
        rows.append([name.key, name.number, name.name, at, name.done_on, int(name.standing)])
    text = json.dumps([places, rows], ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode(), LEVEL)


def unpack(packed: bytes | memoryview) -> list[Name]:
    """What `pack` packed."""
    places, rows = json.loads(zlib.decompress(bytes(packed)))
    standings = list(Standing)
    return [
        Name(key, number, name, places[at][0], places[at][1], places[at][2], done_on, standings[standing])
        for key, number, name, at, done_on, standing in rows
    ]


# --- reading --------------------------------------------------------------------------------------------------


def of_row(row: ProgressRow, measure: Measure) -> list[Name] | None:
    """The frozen names of a line and measure; None where none were kept: a unit's own report, a form, an old report."""
    kept = row.names.filter(measure=measure).first()
    return None if kept is None else unpack(kept.packed)


def knows_new(row: ProgressRow, measure: Measure) -> bool:
    """Whether the line's list tells new ones apart from those of the last report."""
    return row.names.filter(measure=measure, knows_new=True).exists()


def lines_with(report: ProgressReport, measure: Measure | None = None) -> set[tuple[int, str]]:
    """(id of the row, measure) of the lines of a report that have names, of one measure or of all."""
    kept = ProgressNames.objects.filter(row__report=report, **({"measure": measure} if measure else {}))
    return set(kept.order_by().values_list("row_id", "measure"))


def named(user: User, names: Sequence[Name], measure: Measure) -> list[Name]:
    """Those that the user may see by name, as everywhere: organisations in his range, persons up to a guidance edge."""
    where = scope.seen if measure == Measure.ORGANIZATIONS else scope.seen_people
    orgs = sorted({name.org_id for name in names})
    allowed: set[int] = set()
    for start in range(0, len(orgs), 5 * AT_ONCE):
        some = Organization.objects.filter(where(user), pk__in=orgs[start : start + 5 * AT_ONCE])
        allowed.update(some.order_by().values_list("pk", flat=True))
    return [name for name in names if name.org_id in allowed]


def notes(behind: Sequence[Name], shown: Sequence[Name], measure: Measure) -> list[str]:
    """What is said of names that the user may not see: how many they are; of those that take one off, apart."""
    gone, all_gone = (sum(name.standing == Standing.GONE for name in names) for names in (shown, behind))
    hidden = [
        unnamed(len(behind) - all_gone - len(shown) + gone, measure),
        unnamed(all_gone - gone, measure, of="比上次减少的"),
    ]
    return [note for note in hidden if note]


def unnamed(count: int, measure: Measure, of: str = "") -> str:
    """What is said of so many; "" where there are none."""
    each = "个" if measure == Measure.ORGANIZATIONS else "名"
    return f"另有{of} {count} {each}在指导关系的下级单位或您不掌握名单的单位，这里只计数，不列名单。" if count else ""


def not_told_apart(done: int, new: int) -> str:
    """What is said of 本次新增 where the last report kept no list: all that is done stands there."""
    return (
        f"上一份报表没有保存名单，这里列出累计完成的全部 {done}，其中 {done - new} 上一份报表已计入，本次新增为 {new}。"
    )


def sheet(title: str, names: Sequence[Name], notes: Sequence[str], measure: Measure) -> Sheet:
    """A list as a file; last what is to be said of it."""
    columns = list(zip((*HEADERS[measure], "情况", "完成日期"), WIDTHS[measure], strict=True))
    return Sheet(title, columns, _rows(names, notes, measure), len(names) + len(notes))


def _rows(names: Iterable[Name], notes: Iterable[str], measure: Measure) -> Iterator[tuple[str, ...]]:
    for name in names:
        place = () if measure == Measure.ORGANIZATIONS else (name.org_code, name.org_name)
        done_on = "" if name.standing == Standing.GONE else name.done_on
        yield (name.number, name.name, *place, STANDING_NAMES[name.standing], done_on)
    for note in notes:
        yield ("", note)
