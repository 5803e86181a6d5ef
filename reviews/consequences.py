"""What a change of organisations or people does to the duties and figures of the period, and that it follows at once.

Hung on `orgs.changes`: `follow` derives what the change concerns (`reviews.concerned`) anew in the change's own
transaction (A18 to A22), however large the system is, and `look` compares these duties and figures before and after, so
what is shown before a change is what the change does. An import concerns everything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from typing import NamedTuple

from django.db.models import Count, QuerySet

from orgs import clock
from orgs.changes import NOT_DERIVED, UNCHANGED, Change, ChangeKind, Extent
from orgs.models import Organization, Person, User
from reviews import concerned, coverage, duties
from reviews.aligning import of_reviewers
from reviews.concerned import Concerned
from reviews.models import CoverageTarget, Duty, DutyStatus, Measure, Period, Record, RecordState, ReviewerKind

LARGE = 5000  # organisations; above, an import leaves duties and figures to the next generation
LATE = 30  # days before the period ends, within which a transfer is flagged (A19)
FEW = 500  # ids in one condition
SHOWN = 5  # who takes over is named up to so many
WORDS = {Measure.LEADERS: "应参加点评的领导", Measure.ORGANIZATIONS: "应点评党组织", Measure.MEMBERS: "应点评党员"}
PLACING = (ChangeKind.MOVE, ChangeKind.CORRECT)
BY_THE_THOUSAND = (ChangeKind.IMPORT, ChangeKind.UNDO)
UNITS = {Measure.LEADERS: "名", Measure.ORGANIZATIONS: "个", Measure.MEMBERS: "名"}

Key = tuple[int | None, int | None, str]  # target organisation, target person, what it is to the reviewer


class Task(NamedTuple):
    """What is compared of a duty."""

    target_org_id: int | None
    target_person_id: int | None
    subject: str
    reviewer_org_id: int
    reviewer_kind: str
    reviewer_id: int | None
    acting_id: int | None
    status: str

    @property
    def key(self) -> Key:
        """Of whom the review is."""
        return self.target_org_id, self.target_person_id, self.subject


Figures = dict[Measure, tuple[int, int]]  # due, done


def follow(change: Change, by: User | None) -> None:
    """Bring duties and figures of the running periods in line, in the change's transaction, if they were derived before.

    What concerns very many organisations, and an import into a large system, waits for the next generation.
    """
    periods = _running()
    if not periods or change.kind == ChangeKind.RENAME:
        return
    if change.kind in BY_THE_THOUSAND:
        if not _is_large():
            duties.regenerate_many(periods, by=by)
        return
    try:
        found = {period: _concerned(change, period) for period in periods}
    except concerned.TooMany:
        return
    duties.follow(found, by=by)


def look(change: Change) -> Callable[[], list[str]]:
    """Remember duties and figures before a change; the answer tells, after it, what became different in each period."""
    periods = _running()
    if change.kind == ChangeKind.RENAME:
        return lambda: ["点评任务和覆盖统计不变。"]
    if not periods:
        return lambda: [NOT_DERIVED]
    if len(periods) == 1:
        return _look_at(change, periods[0])
    asks = [(period, _look_at(change, period)) for period in periods]
    return lambda: [f"{period.name}：{line.removeprefix('本期').lstrip()}" for period, ask in asks for line in ask()]


def _look_at(change: Change, period: Period) -> Callable[[], list[str]]:
    try:
        known = None if change.kind in BY_THE_THOUSAND else _concerned(change, period)
    except concerned.TooMany:
        return lambda: [
            f"这次变更涉及的组织超过 {concerned.MOST} 个：{period.name}的点评任务和覆盖统计在下一次生成任务时随之调整。"
        ]
    if known is None and _is_large():
        return lambda: [f"组织超过 {LARGE} 个：{period.name}的点评任务和覆盖统计在下一次生成任务时随之调整。"]
    tasks, figures, drafts = _tasks(period, known), _figures(period, known), _drafted(period, known)
    inside = _figures_within(period, change.org) if change.org and change.kind in PLACING else {}
    old_parent = Organization.objects.get(pk=change.org.pk).parent if inside and change.org is not None else None

    def ask() -> list[str]:
        now = known and _with_the_new(known, change)
        lines = _of_duties(tasks, _tasks(period, now), drafts)
        lines += _of_figures(figures, _figures(period, now))
        lines += _of_day(change, period)
        if inside and old_parent is not None and change.target is not None and old_parent != change.target:
            lines += _of_place(inside, old_parent, change.target)
        return lines or [UNCHANGED]

    return ask


def _with_the_new(known: Concerned, change: Change) -> Concerned:
    """The same, with the organisation or the person who was not there before the change."""
    if change.kind in (ChangeKind.SPLIT, ChangeKind.FOUND) and change.target is not None:
        return known.and_new(Organization.objects.get(code=change.target.code).pk)
    if change.kind == ChangeKind.JOIN:
        return known.and_newcomer(Person.objects.get(number=change.number).pk)
    return known


def estimate(extent: Extent) -> list[str] | None:
    """How many open duties a large import concerns; None for one that can be tried, which tells it exactly."""
    periods = _running()
    if not periods:
        return [NOT_DERIVED]
    large = _is_large()
    if extent.can_be_tried and not large:
        return None
    concerned: set[int] = set()
    for names, ids in (
        (("reviewer_org", "target_org", "about_org"), extent.organizations),
        (("reviewer", "acting", "target_person"), extent.persons),
        (("reviewer_org", "target_org"), extent.posts),
    ):
        for name in names:
            concerned |= _open_duties(periods, name, ids)
    when = f"在{'、'.join(period.name for period in periods)}下一次生成任务时" if large else "在导入时"
    told = f"涉及约 {len(concerned)} 项未完成任务，" if concerned else "不涉及已有的未完成任务；"
    return [f"{told}任务和覆盖统计{when}随之调整。"]


def forget(heirs: Mapping[int, int | None], persons: set[int]) -> None:
    """What was only derived from organisations and persons that are removed for good: open duties, coverage targets."""
    begun = Record.duties.through.objects.order_by().values("duty_id")
    bare = Duty.objects.open().exclude(pk__in=begun)
    for chunk in _chunks(heirs):
        for name in ("reviewer_org", "target_org", "about_org"):
            bare.filter(**{f"{name}__in": chunk}).delete()
    for chunk in _chunks(persons):
        bare.filter(target_person__in=chunk).delete()
        # An open task of others that fell to them waits for whoever comes next.
        for name in ("reviewer", "acting"):
            Duty.objects.open().filter(**{f"{name}__in": chunk}).update(**{name: None})
    coverage.forget(heirs, persons)


# --- inside --------------------------------------------------------------------------------------------------


def _running() -> list[Period]:
    """The half-year and the rounds of today, where their duties were derived; what is over is final (A19)."""
    return list(Period.objects.running(clock.today()))


def _open_duties(periods: list[Period], name: str, ids: Collection[int]) -> set[int]:
    rows = Duty.objects.open().filter(period__in=periods).order_by()
    found: set[int] = set()
    for chunk in _chunks(ids):
        found.update(rows.filter(**{f"{name}__in": chunk}).values_list("pk", flat=True))
    return found


def _chunks(ids: Collection[int]) -> list[list[int]]:
    listed = sorted(ids)
    return [listed[start : start + FEW] for start in range(0, len(listed), FEW)]


def _is_large() -> bool:
    return Organization.objects.order_by()[: LARGE + 1].count() > LARGE


def _concerned(change: Change, period: Period) -> Concerned:
    return concerned.by(change, period, duties.day_of(period, None))


def _of(period: Period, known: Concerned | None) -> QuerySet[Duty]:
    return of_reviewers(Duty.objects.filter(period=period), None if known is None else known.reviewers)


def _tasks(period: Period, known: Concerned | None) -> dict[int, Task]:
    # Sorted here: asked to, the database would read the whole period in the order of its keys.
    rows = sorted(_of(period, known).order_by().values_list("pk", *Task._fields), key=itemgetter(0))
    return {row[0]: Task(*row[1:]) for row in rows}


def _drafted(period: Period, known: Concerned | None) -> set[int]:
    """Duties for which somebody has begun to write."""
    states = (RecordState.DRAFT, RecordState.SUBMITTED)
    begun = _of(period, known).filter(records__state__in=states)
    return set(begun.order_by().values_list("pk", flat=True))


def _figures(period: Period, known: Concerned | None) -> Figures:
    targets = CoverageTarget.objects.filter(period=period)
    # The roster of a narrowed round hangs on its duties: anybody's place in it may change.
    if known is None or period.is_narrowed:
        return _counted(targets)
    return _counted(targets.filter(known.coverage.targets()))


def _figures_within(period: Period, org: Organization) -> Figures:
    below = Organization.objects.below(org, include_self=True).order_by()
    return _counted(CoverageTarget.objects.filter(period=period, organization__in=below.values("pk")))


def _counted(targets: QuerySet[CoverageTarget]) -> Figures:
    rows = targets.order_by().values_list("measure").annotate(Count("pk"), Count("done_on"))
    return {Measure(measure): (due, done) for measure, due, done in rows}


def _of_duties(before: dict[int, Task], after: dict[int, Task], drafts: set[int]) -> list[str]:
    """Duties that pass to another organisation are told as such, not as one gone and one new."""
    new: dict[Key, list[Task]] = defaultdict(list)
    # In one order whatever the numbers of new rows: the same change must be told in the same words twice.
    for task in sorted((task for pk, task in after.items() if pk not in before), key=lambda task: task.reviewer_org_id):
        new[task.key].append(task)
    taken: Counter[tuple[int, str, bool]] = Counter()
    gone = lost_drafts = 0
    for pk, task in before.items():
        if pk in after:
            now = after[pk]
            if now.reviewer_org_id != task.reviewer_org_id:
                taken[now.reviewer_org_id, now.reviewer_kind, now.target_person_id is not None] += 1
            continue
        lost_drafts += pk in drafts
        if new[task.key]:
            now = new[task.key].pop()
            taken[now.reviewer_org_id, now.reviewer_kind, now.target_person_id is not None] += 1
        else:
            gone += 1
    changed_hands = sum(
        1
        for pk, task in before.items()
        if pk in after
        and task.reviewer_org_id == after[pk].reviewer_org_id
        and (task.reviewer_id, task.acting_id) != (after[pk].reviewer_id, after[pk].acting_id)
    )
    left = [task for tasks in new.values() for task in tasks]
    added = sum(task.status == DutyStatus.PENDING for task in left)
    lines = _takers(taken)
    if changed_hands:
        lines.append(f"{changed_hands} 项任务将换点评人。")
    if gone:
        lines.append(f"本期 {gone} 项任务将撤回。")
    if added:
        lines.append(f"本期新增 {added} 项任务。")
    if len(left) > added:
        lines.append(f"{len(left) - added} 项本期已经点评，不用再次点评。")
    vacant = _nobodys(after) - _nobodys(before)
    if vacant > 0:
        lines.append(f"{vacant} 项任务暂时没有点评人：任命或由上级转派之前，截止日期照算。")
    if lost_drafts:
        lines.append(f"其中 {lost_drafts} 项已经开始填写；草稿保留在点评记录里，但不再对应任务。")
    return lines


def _nobodys(tasks: dict[int, Task]) -> int:
    """Open ones that nobody carries out."""
    return sum(task.acting_id is None and task.status == DutyStatus.PENDING for task in tasks.values())


def _of_day(change: Change, period: Period) -> list[str]:
    """What the change's day means for the period: late in it, or before it began."""
    lines = []
    if change.kind == ChangeKind.TRANSFER and (period.ends_on - change.on).days < LATE:
        lines.append(
            f"离{period.name}结束（{period.ends_on}）不到 {LATE} 天：没有点评的，请原支部与新支部商定由谁在期内点评；"
            "确实来不及的，由上级写明原因免除。"
        )
    if change.on < period.starts_on:
        lines.append(f"生效日期早于{period.name}：以前各期的任务和统计已经固定，不再变化。")
    return lines


def _takers(taken: Counter[tuple[int, str, bool]]) -> list[str]:
    most = sorted(taken.items(), key=lambda row: (-row[1], row[0]))
    named = Organization.objects.in_bulk([org for (org, _, _), _ in most[:SHOWN]])
    lines = []
    for (org, kind, of_person), count in most[:SHOWN]:
        whom = f"{count} 名党员" if of_person else f"{count} 个党组织"
        lines.append(f"{whom}的任务将由“{named[org].name}”{'书记' if kind == ReviewerKind.PERSON else ''}承担。")
    rest = sum(count for _, count in most[SHOWN:])
    return [*lines, *([f"另有 {rest} 项任务转由其他组织承担。"] if rest else [])]


def _of_figures(before: Figures, after: Figures) -> list[str]:
    parts = []
    for measure in (Measure.ORGANIZATIONS, Measure.MEMBERS, Measure.LEADERS):
        (due, done), (due_now, done_now) = before.get(measure, (0, 0)), after.get(measure, (0, 0))
        for word, change in ((WORDS[measure], due_now - due), (WORDS[measure].replace("应", "已", 1), done_now - done)):
            if change:
                parts.append(f"{word}{'增加' if change > 0 else '减少'} {abs(change)} {UNITS[measure]}")
    return [f"覆盖统计：{'，'.join(parts)}。"] if parts else []


def _of_place(inside: Figures, old: Organization, new: Organization) -> list[str]:
    parts = [
        f"{inside[measure][0]} {UNITS[measure]}{noun}"
        for measure, noun in ((Measure.ORGANIZATIONS, "党组织"), (Measure.MEMBERS, "党员"))
        if measure in inside
    ]
    return [f"覆盖统计：{'、'.join(parts)}由“{old.name}”改计入“{new.name}”。"] if parts else []
