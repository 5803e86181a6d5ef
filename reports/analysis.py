"""The analysis of one organisation and all below it, section by section; page and workbook draw the same sections."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.http import urlencode

from orgs import scope
from orgs.lists import Sheet
from orgs.models import Organization
from reports import coverage, exemptions, five, pace, quality, splits
from reports.coverage import Figure, Figures
from reviews.models import Measure, Period

if TYPE_CHECKING:
    from orgs.models import User

Cell = str | int | float
SHOWN = 300  # siblings
FEWEST = 5  # siblings among whom a place is told without names: fewer would give the others away
DASH = "—"
WINDOW_VALUES = {"窗口单位": "yes", "其他单位": "no"}


@dataclass(frozen=True)
class Line:
    """A line of a section: its name, its cells, perhaps a bar, perhaps where more is to be seen."""

    name: str
    cells: tuple[Cell, ...]
    bar: Figure | None = None
    url: str = ""


@dataclass(frozen=True)
class Section:
    """A table with its heading; `has_bars`: each line has its bar beside the numbers."""

    slug: str
    title: str
    columns: tuple[str, ...]
    lines: Sequence[Line]
    note: str = ""
    ends_in_words: bool = False

    @property
    def has_bars(self) -> bool:
        """At least one line is drawn."""
        return any(line.bar is not None for line in self.lines)

    def sheet(self) -> Sheet:
        """The same in a workbook."""
        columns = [(header, 16 if at else 28) for at, header in enumerate(self.columns)]
        return Sheet(self.title, columns, [(line.name, *line.cells) for line in self.lines], len(self.lines))


def sections(user: User, period: Period, org: Organization, on: datetime.date) -> list[Section]:
    """All of them, for the day; a fixed number of queries."""
    totals = coverage.totals(period, [org])[org.pk]
    return [
        _measures(period, org, totals, on),
        *_pace(period, org, totals, on),
        _rules(period, org, on),
        _forms(period, org),
        *_grades(period, org),
        _figures(period, org, "category", "按单位类别", "类别", splits.by_category(period, org)),
        _figures(period, org, "window", "窗口单位", "单位", splits.by_window(period, org)),
        _rectified(period, org, on),
        _quality(period, org),
        _five(user, period, org),
        _before(period, org, totals),
    ]


def rate(figure: Figure) -> str:
    """62.5%, or a dash."""
    return DASH if figure.rate is None else f"{figure.rate:g}%"


def siblings(user: User, period: Period, org: Organization, measure: Measure) -> Section | None:
    """The children of the same superior by rate, the highest first; only for who may see the superior's figures.

    The place is among all of them; those that the user does not see have theirs without a line.
    """
    up = Organization.objects.filter(pk=org.parent_id).visible_to(user).first()
    if up is None:
        return _place_among_siblings(period, org, measure) if org.parent_id else None
    ranked = _ranked(period, up, measure)
    seen = set(Organization.objects.filter(scope.seen(user), parent=up).values_list("pk", flat=True))
    lines = []
    for place, other, figure in ranked:
        if other.pk in seen:
            url = f"{reverse('coverage_org', args=[other.code])}?{urlencode({'period': period.code})}"
            name = f"{other.name}（本单位）" if other.pk == org.pk else other.name
            lines.append(Line(name, (place, figure.due, figure.done, rate(figure)), figure, url))
    note = f"“{up.name}”的下级按“{measure.label}”的比率排列，同率同名次；没有应数的不排。"
    if len(lines) < len(ranked):
        note += f"名次是在全部 {len(ranked)} 个下级中的，这里列出您可以查看的 {len(lines)} 个。"
    if len(lines) > SHOWN:
        note += f"共 {len(lines)} 个，这里列前 {SHOWN} 个和本单位。"
        lines = [line for at, line in enumerate(lines) if at < SHOWN or line.name.endswith("（本单位）")]
    return Section("siblings", "同级排名", ("单位", "名次", "应", "已", "比率"), lines, note)


def _ranked(period: Period, up: Organization, measure: Measure) -> list[tuple[int, Organization, Figure]]:
    """Place, child and figure of every child with somebody due; who is equal shares the place."""
    children = list(Organization.objects.filter(parent=up).order_by("order", "code"))
    figures = {pk: each[measure] for pk, each in coverage.totals(period, children).items() if each[measure].due}
    found: list[tuple[int, Organization, Figure]] = []
    by_rate = sorted(
        (child for child in children if child.pk in figures),
        key=lambda child: -figures[child.pk].done / figures[child.pk].due,
    )
    for number, child in enumerate(by_rate, start=1):
        figure = figures[child.pk]
        place, _, before = found[-1] if found else (1, child, figure)
        is_equal = figure.done * before.due == before.done * figure.due
        found.append((place if is_equal else number, child, figure))
    return found


def _place_among_siblings(period: Period, org: Organization, measure: Measure) -> Section | None:
    """For who sees only the organisation itself: its place, and what the others have together, without any name."""
    others = list(Organization.objects.filter(parent=org.parent_id))
    figures = {pk: each[measure] for pk, each in coverage.totals(period, others).items() if each[measure].due}
    own = figures.get(org.pk)
    if own is None or len(figures) < FEWEST:
        return None
    place = 1 + sum(each.done * own.due > own.done * each.due for each in figures.values())
    best, worst = (pick(figures.values(), key=lambda each: each.done / each.due) for pick in (max, min))
    whole = sum(figures.values(), Figure())
    lines = [
        Line(f"{org.name}（本单位）", (place, own.due, own.done, rate(own)), own),
        Line("最高的", (DASH, DASH, DASH, rate(best)), best),
        Line("全部同级合计", (DASH, DASH, DASH, rate(whole)), whole),
        Line("最低的", (DASH, DASH, DASH, rate(worst)), worst),
    ]
    note = f"同级 {len(figures)} 个单位按“{measure.label}”的比率排列，同率同名次。其他单位的名称和数字由上级掌握。"
    return Section("siblings", "同级排名", ("单位", "名次", "应", "已", "比率"), lines, note)


def _behind(period: Period, org: Organization, what: str, value: str) -> str:
    address = reverse("coverage_behind", args=[org.code, what, value])
    return f"{address}?{urlencode({'period': period.code})}"


# --- one by one -----------------------------------------------------------------------------------------------


def _measures(period: Period, org: Organization, totals: Figures, on: datetime.date) -> Section:
    late = splits.late(period, org, on)
    exempt = exemptions.counts(period, org, [org])[org.pk]
    url = f"{reverse('coverage_exempt', args=[org.code])}?{urlencode({'period': period.code})}"
    lines = []
    for measure in Measure:
        all_of, free = totals[measure], exempt[measure]
        without = Figure(all_of.due - free, all_of.done)
        cells = (all_of.due, all_of.done, all_of.done - late[measure], late[measure], free, rate(all_of), rate(without))
        behind = _behind(period, org, "late", measure) if late[measure] else url if free else ""
        lines.append(Line(measure.label, cells, all_of, behind))
    columns = ("口径", "应", "已", "按时", "补录", "免除", "比率", "不计免除的比率")
    note = (
        "点评计入举行的那个半年；半年结束以后才确认的是补录。免除：还没有点评，名下任务又全部免除的；免除的仍在应数里，"
        "“不计免除的比率”把它们去掉。"
    )
    return Section("measures", "按时、补录和免除", columns, lines, note)


def _pace(period: Period, org: Organization, totals: Figures, on: datetime.date) -> list[Section]:
    by_day = splits.done_by_day(period, org)
    lines = []
    earlier = dict.fromkeys(Measure, 0)
    for measure in Measure:
        now = totals[measure]
        earlier[measure] = sum(count for day, count in by_day[measure].items() if day < period.starts_on)
        found = pace.pace(now.due, now.done, period.starts_on, period.ends_on, on, before=earlier[measure])
        words = "落后" if found.is_behind else "跟上" if found.due else DASH
        ends = Figure(found.due, found.forecast)
        cells = (found.due, found.done, found.expected, words, found.forecast, rate(ends), found.per_day)
        lines.append(Line(measure.label, cells, ends))
    columns = ("口径", "应", "已", "此时应已完成", "进度", "照此到期末", "期末比率", "今后每天需完成")
    note = f"按{period.name}从头到尾平均用力计算，到 {on:%Y-%m-%d} 为止；还剩 {max((period.ends_on - on).days + 1, 0)} 天。"
    if any(earlier.values()):
        note += f"{period.starts_on:%Y-%m-%d} 以前已完成的（全年一次的点评）另计，不算本期的进度："
        note += "，".join(f"{measure.label} {count}" for measure, count in earlier.items() if count) + "。"
    weeks = {measure: pace.weekly(by_day[measure], period.starts_on, period.ends_on, on) for measure in Measure}
    curve = []
    for at, (end, _count) in enumerate(weeks[Measure.MEMBERS]):
        done = tuple(weeks[measure][at][1] for measure in Measure)
        curve.append(Line(f"{end:%Y-%m-%d}", done, Figure(totals[Measure.MEMBERS].due, done[-1])))
    heads = ("截至", *(measure.label for measure in Measure))
    return [
        Section("pace", "进度与日历", columns, lines, note),
        Section(
            "weeks",
            "逐周累计完成",
            heads,
            curve,
            "按点评举行之日累计；晚确认的也算在举行那天，所以会比当天“截至”看到的多。图：被点评的党员占应数的比率。",
        ),
    ]


def _rules(period: Period, org: Organization, on: datetime.date) -> Section:
    lines = [
        Line(
            splits.rule_name(row.code),
            (
                row.total, row.done, row.done - row.late, row.late, row.exempt, row.overdue,
                rate(row.figure), rate(row.without_exempt),
            ),
            row.figure,
            _behind(period, org, "overdue", row.code) if row.overdue else "",
        )
        for row in splits.by_rule(period, org, on)
    ]  # fmt: skip
    columns = ("规则", "任务", "已完成", "按时", "迟于期限", "免除", "逾期未完成", "比率", "不计免除的比率")
    note = "对象在本组织及以下的任务；共同点评按每一方各一项计，覆盖数字只计一次。有逾期的，点规则看名单。"
    return Section("rules", "按规则", columns, lines, note)


def _forms(period: Period, org: Organization) -> Section:
    rows = splits.by_form(period, org)
    every = sum(row.reviews for row in rows)
    lines = [
        Line(
            row.name,
            (row.reviews, row.orgs, row.persons),
            Figure(every, row.reviews),
            _behind(period, org, "form", row.code) if row.reviews and row.code else "",
        )
        for row in rows
    ]
    note = "图：占全部点评的比例。同一对象可以用几种形式点评。"
    return Section("forms", "按点评形式", ("形式", "点评（人次、个次）", "被点评的组织", "被点评的人"), lines, note)


def _grades(period: Period, org: Organization) -> list[Section]:
    """No such section where the scheme has no grades and none was given."""
    rows = splits.by_grade(period, org)
    if not rows:
        return []
    lines = []
    for row in rows:
        limit = f"≤{row.most_percent}%{'，超过' if row.is_too_many else ''}" if row.most_percent else DASH
        url = _behind(period, org, "grade", f"{row.of.value}-{row.name}") if row.count else ""
        lines.append(Line(f"{row.of.label}：{row.name}", (row.count, rate(row.figure), limit), row.figure, url))
    note = "每个对象以本期最后一次评定的等次为准，比例以已评等次的为分母；没有评等次的不算。"
    return [Section("grades", "按评定等次", ("等次", "数", "比例", "比例上限"), lines, note)]


def _figures(
    period: Period, org: Organization, slug: str, title: str, head: str, rows: list[tuple[str, Figures]]
) -> Section:
    columns = (head, *(f"{word}{name}" for word in ("领导", "党组织", "党员") for name in ("应", "已", "比率")))
    lines = []
    for name, figures in rows:
        cells: list[Cell] = []
        for measure in Measure:
            cells += [figures[measure].due, figures[measure].done, rate(figures[measure])]
        url = ""
        if figures[Measure.MEMBERS].missing:
            url = _behind(period, org, slug, WINDOW_VALUES.get(name, "no") if slug == "window" else name)
        lines.append(Line(name, tuple(cells), figures[Measure.MEMBERS], url))
    return Section(slug, title, columns, lines, "图：被点评的党员。点名称看还没有被点评的党员。")


def _rectified(period: Period, org: Organization, on: datetime.date) -> Section:
    found = quality.rectified(period, org, on)
    every = found.open + found.closed
    behind_ = partial(_behind, period, org, "items")
    lines = [
        Line("未销号", (found.open,), Figure(every, found.open), behind_("open") if found.open else ""),
        Line("其中逾期", (found.overdue,), Figure(every, found.overdue), behind_("overdue") if found.overdue else ""),
        Line("已销号", (found.closed,), Figure(every, found.closed)),
        Line("已取消", (found.cancelled,)),
        Line("平均用时（天）", (DASH if found.days is None else found.days,)),
    ]
    return Section(
        "rectified", "整改", ("整改事项", "数"), lines, "用时从点评那天算到销号那天；图：占未取消事项的比例。"
    )


def _quality(period: Period, org: Organization) -> Section:
    every = quality.total(period, org)
    lines = [Line("有效点评记录", (every,))]
    for fault, words in quality.FAULTS.items():
        count = quality.faulty(period, org, fault).count()
        url = f"{reverse('coverage_quality', args=[org.code, fault])}?{urlencode({'period': period.code})}"
        lines.append(Line(words, (count,), Figure(every, count), url if count else ""))
    note = "雷同：主要成绩和努力方向与本期另一份点评一字不差。图：占有效记录的比例。"
    return Section("quality", "点评质量", ("项目", "记录"), lines, note)


def _five(user: User, period: Period, org: Organization) -> Section:
    lines, at = [], scope.seats(user)
    sees_names = at.is_admin or bool(at.tops)  # a member sees the figures of his branch only
    for light in five.lights(period, org):
        figure = light.figure
        numbers: tuple[Cell, ...] = (DASH, DASH, DASH) if figure is None else (figure.due, figure.done, rate(figure))
        url = f"{reverse(light.url_name)}?{urlencode({'period': period.code})}" if light.url_name and sees_names else ""
        lines.append(Line(light.name, (light.state, *numbers, light.what), figure, url))
    return Section(
        "five", "五有", ("五有", "状态", "应", "已", "比率", "说明"), lines, "系统没有登记的不亮灯，也不算没有。"
    )


def _before(period: Period, org: Organization, totals: Figures) -> Section:
    # Half-years only: a round between them is no half-year to be measured by.
    before = Period.objects.half_years().filter(ends_on__lt=period.starts_on).order_by("-ends_on").first()
    figures = coverage.totals(before, [org])[org.pk] if before else {measure: Figure() for measure in Measure}
    lines = []
    for measure in Measure:
        then, now = figures[measure], totals[measure]
        change: Cell = DASH if then.rate is None or now.rate is None else round(now.rate - then.rate, 1)
        cells = (then.due, then.done, rate(then), now.due, now.done, rate(now), change)
        lines.append(Line(measure.label, cells))
    note = f"上期：{before.name}，按它现在的数字。" if before else "系统里没有更早的点评期。"
    columns = ("口径", "上期应", "上期已", "上期比率", "本期应", "本期已", "本期比率", "升降（百分点）")
    return Section("before", "与上期比较", columns, lines, note)
