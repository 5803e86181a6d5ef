"""What every page shows of `orgs`: who is looking, from which seat, and where one can go from here."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from orgs import scope
from orgs.scope import Seats

ON_A_PHONE = 4  # entries of the bottom bar; the rest is behind 更多


@dataclass(frozen=True)
class Entry:
    """One entry of the navigation."""

    label: str
    short: str
    icon: str
    url: str
    is_here: bool


# name, label, on a phone, icon, for whom
ENTRIES = [
    ("my_duties", "我的任务", "任务", "clipboard-list", "person office"),
    ("records", "点评记录", "记录", "notebook-text", "all"),
    ("rectifications", "整改事项", "整改", "list-checks", "all"),
    ("coverage", "覆盖情况", "覆盖", "chart-bar-big", "office lead"),
    ("office_duties", "任务安排", "安排", "list-todo", "office head"),
    ("work_plans", "工作方案", "方案", "file-text", "office lead"),
    ("progress_reports", "进度报表", "报表", "table-properties", "office lead"),
    ("organizations", "组织", "组织", "network", "office lead"),
    ("people", "人员", "人员", "users", "office lead"),
    ("irregularities", "异常情况", "异常", "search-check", "office"),
    ("gaps", "任务缺口", "缺口", "circle-alert", "office"),
    ("periods", "点评期与任务", "点评期", "calendar-range", "admin"),
    ("rules", "点评规则", "规则", "scale", "admin"),
    ("import_start", "导入", "导入", "file-up", "admin"),
    ("admin:index", "后台管理", "后台", "settings", "admin"),
]
# Pages that belong to an entry without standing below its address: to the first of these that the user has.
ALSO = {
    "/duties/assign/": ("office_duties",),
    "/draws/": ("office_duties", "my_duties"),  # who arranges nothing comes from his duties
    "/duties/why/": ("gaps",),
    "/schemes/": ("rules",),
    "/exports/": ("coverage",),
    "/rounds/": ("periods",),
    "/generations/": ("periods",),
}


def seats(request: HttpRequest) -> dict[str, Any]:
    """`nav` (and its two parts on a phone), `seat_line`, `may_issue_tokens`, `fixed_today`."""
    fixed = datetime.date.fromisoformat(settings.TODAY) if settings.TODAY else None
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"fixed_today": fixed}
    at = scope.seats(user)
    groups = {"all"}
    groups |= {"person"} if at.person is not None else set()
    groups |= {"office"} if at.offices or at.is_admin else set()
    groups |= {"lead"} if at.has_post else set()
    groups |= {"head"} if at.heads else set()
    groups |= {"admin"} if at.is_admin else set()
    shown = [entry for entry in ENTRIES if groups & set(entry[-1].split())]
    here = _here(request.path, [name for name, *_ in shown])
    nav = [Entry(label, short, icon, reverse(name), name == here) for name, label, short, icon, _ in shown]
    first, more = (nav, []) if len(nav) <= ON_A_PHONE + 1 else (nav[:ON_A_PHONE], nav[ON_A_PHONE:])
    return {
        "fixed_today": fixed,
        "nav": nav,
        "nav_first": first,
        "nav_more": more,
        "more_is_here": any(entry.is_here for entry in more),
        "seat_line": _seat_line(at),
        "may_issue_tokens": "office" in groups,
    }


def _here(path: str, names: list[str]) -> str:
    """Which of the entries the page belongs to: the one with the longest address that it stands below; "" if none."""
    places = [(reverse(name), name) for name in names]
    for place, owners in ALSO.items():
        places += [(place, name) for name in owners if name in names][:1]
    return max(((len(place), name) for place, name in places if path.startswith(place)), default=(0, ""))[1]


def _seat_line(at: Seats) -> str:
    """From where the user looks, in one line."""
    if at.is_admin:
        return "系统管理员"
    if at.offices:
        return "、".join(org.display_name for org in at.offices[:2]) + "办公室"
    if at.heads:
        return "、".join(org.display_name for org in at.heads[:2]) + "负责人"
    if at.teams:
        return "、".join(org.display_name for org in at.teams[:2]) + "班子成员"
    return at.branch.display_name if at.branch else "尚未对应组织"
