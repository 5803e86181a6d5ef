"""The sheets 任职 and 分管: who holds which post when, and who is in charge of what."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import Any

from orgs.importing import columns
from orgs.importing.columns import CHARGES, POSTS
from orgs.importing.plan import Span
from orgs.importing.planning.rows import MAX_DEPTH, Rows


class Posts(Rows):
    """Checks of posts and of the division of work; they see the final state of the sheets before."""

    def _posts(self) -> dict[tuple[str, str], list[Span]]:
        """Returns (person, organisation) -> spans of posts held, stored and new."""
        final: dict[tuple, tuple[Span, int | None]] = {
            k: ((k[3], post["to_on"]), None) for k, post in self.world.posts.items()
        }
        for line in self._lines(POSTS):
            person, org = self._person(POSTS, line), self._org(POSTS, line, "organization")
            if person is None or org is None or line.bad & {"role", "from_on"}:
                self.unsure.add((person, org))
                continue
            begin = line.values.get("from_on")
            found = (person, org, line.values["role"], begin)
            if not self._once(POSTS, line, found, "person", "同一人、同一组织、同一职务、同一任职日期，"):
                continue
            stored = self.world.posts.get(found)
            values = line.values
            label = f"{values['person']} {columns.role_word(values['role'], self.orgs[org].get('org_type') or '')}"
            change = self._changed(POSTS, line, label, found, stored, {"person", "organization", "role", "from_on"})
            end = values.get("to_on", stored["to_on"] if stored else None)
            if begin and end and end < begin:
                self.problem(POSTS, line.number, "to_on", f"免职日期 {end} 早于任职日期 {begin}", end, "改正日期")
                self.unsure.add((person, org))
                continue
            final[found] = ((begin, end), line.number)
            self._keep(change)
        self._check_posts(final)
        held: dict[tuple[str, str], list[Span]] = defaultdict(list)
        for (person, org, _, _), (span, _) in final.items():
            held[person, org].append(span)
        return held

    def _check_posts(self, final: dict[tuple, tuple[Span, int | None]]) -> None:
        """No two secretaries of one organisation at a time, and nobody twice in one post at a time."""
        by_org: dict[Any, list[tuple[Span, int | None, str]]] = defaultdict(list)
        by_post: dict[Any, list[tuple[Span, int | None, str]]] = defaultdict(list)
        for (person, org, role, _), (span, row) in final.items():
            if role == "secretary":
                by_org[org].append((span, row, person))
            else:
                by_post[person, org, role].append((span, row, person))
        for org, entries in by_org.items():
            for row, other in _overlaps(entries):
                self.problem(
                    POSTS, row, "role", f'组织 "{self.orgs[org]["code"]}" 同一时间有两名书记（另一名：{self._number(other)}）', "书记",
                    "给前任填写免职日期，给后任填写任职日期",
                )  # fmt: skip
        for entries in by_post.values():
            for row, _ in _overlaps(entries):
                self.problem(
                    POSTS, row, "from_on", "与同一人的同一职务时间重叠", "", "给前一段填写免职日期，或合并为一行"
                )

    def _charges(self, held: dict[tuple[str, str], list[Span]]) -> None:
        leads: dict[Any, dict[tuple, tuple[Span, int | None]]] = defaultdict(dict)
        for known, charge in self.world.charges.items():
            if charge["kind"] == "lead":
                leads[known[1:3]][known] = ((known[3], charge["to_on"]), None)
        for line in self._lines(CHARGES):
            person = self._person(CHARGES, line)
            team, org = self._org(CHARGES, line, "team"), self._org(CHARGES, line, "organization")
            if person is None or team is None or org is None or "from_on" in line.bad:
                continue
            begin = line.values.get("from_on")
            found = (person, team, org, begin)
            if not self._once(CHARGES, line, found, "person", "同一人、同一班子、同一分管组织、同一起始日期，"):
                continue
            stored = self.world.charges.get(found)
            values = line.values
            change = self._changed(
                CHARGES, line, f"{values['person']} {values['organization']}", found, stored,
                {"person", "team", "organization", "from_on"},
            )  # fmt: skip
            end = values.get("to_on", stored["to_on"] if stored else None)
            if begin and end and end < begin:
                self.problem(CHARGES, line.number, "to_on", f"终止日期 {end} 早于起始日期 {begin}", end, "改正日期")
                continue
            serves = any(_meet(span, (begin, end)) for span in held.get((person, team), ()))
            if not serves and self.unsure.isdisjoint(((person, team), (person, None), (None, team), (None, None))):
                self.problem(
                    CHARGES, line.number, "team", f'"{values["person"]}" 没有在 "{values["team"]}" 任职', values["team"],
                    "先在“任职”表中添加，或改正代码",
                )  # fmt: skip
            if not self._lies_below(org, team):
                self.problem(
                    CHARGES, line.number, "organization", f'"{values["organization"]}" 不在 "{values["team"]}" 之下',
                    values["organization"], "只能分管班子之下的组织",
                )  # fmt: skip
            if values.get("kind", stored["kind"] if stored else "lead") == "lead":
                leads[team, org][found] = ((begin, end), line.number)
            else:
                leads[team, org].pop(found, None)
            self._keep(change)
        for (_, org), entries in leads.items():
            # A9: one of them acts; the others had better be 协管.
            for row, other in _overlaps([(span, row, found[0]) for found, (span, row) in entries.items()]):
                code, who = self.orgs[org]["code"], self._number(other)
                self.warn(CHARGES, row, "kind", f'"{code}" 同一时间有两名主管（另一名：{who}）', "其中一人改为协管")

    def _lies_below(self, org: str, team: str) -> bool:
        at, steps = self.orgs[org]["parent"], 0
        while at is not None and at in self.orgs and steps <= MAX_DEPTH:
            if at == team:
                return True
            at, steps = self.orgs[at]["parent"], steps + 1
        return False


def _meet(one: Span, other: Span) -> bool:
    """Two half-open spans share a day; an empty one shares none."""
    begin = max(one[0] or datetime.date.min, other[0] or datetime.date.min)
    end = min(one[1] or datetime.date.max, other[1] or datetime.date.max)
    return begin < end


def _overlaps(entries: list[tuple[Span, int | None, str]]) -> list[tuple[int, str]]:
    """(row, the other's person) of rows of the file that overlap with an entry; of two rows the later one."""
    if len(entries) < 2:
        return []
    entries = sorted(entries, key=lambda entry: (entry[0][0] or datetime.date.min, entry[1] or 0))
    found: dict[int, str] = {}
    widest = entries[0]
    for entry in entries[1:]:
        if _meet(entry[0], widest[0]):
            rows = [(candidate[1], other[2]) for candidate, other in ((entry, widest), (widest, entry)) if candidate[1]]
            if rows:
                row, other = max(rows)
                found.setdefault(row, other)
        if (entry[0][1] or datetime.date.max) > (widest[0][1] or datetime.date.max):
            widest = entry
    return list(found.items())
