"""Who must review whom, once more: naive, straight from the table of the field's description, sharing no code.

A world is lists of plain dictionaries in the words of the workbook; rows come out as the duties csv has them.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass, field

Row = tuple[str, ...]
EARLIEST = datetime.date.min
BUREAUX = ("直属检验检疫局", "省级质监局", "分支机构")
TEAMS = ("党组", "党委")


@dataclass
class World:
    """Rows of the workbook, with real days; None means always."""

    orgs: dict[str, dict] = field(default_factory=dict)  # code -> type, category, parent, relation, founded, dissolved
    people: dict[str, dict] = field(default_factory=dict)  # number -> status, branch, since
    posts: list[dict] = field(default_factory=list)  # person, org, role, acting, start, end
    charges: list[dict] = field(default_factory=list)  # person, team, org, kind, start, end


class Oracle:
    """The duties of one half-year on one day."""

    def __init__(self, world: World, year: int, half: int, on: datetime.date) -> None:
        self.world, self.year, self.half, self.on = world, year, half, on
        self.found: dict[tuple, Row] = {}

    def rows(self) -> list[Row]:
        """As the csv, sorted."""
        for rule, reviewer, target in sorted(self.pairs()):
            if not self.is_young(target):
                self.review(rule, reviewer, target)
        if self.half == 2:
            for code in sorted(self.alive()):
                self.team_and_members(code)
        return sorted(self.found.values())

    # --- days ---------------------------------------------------------------------------------------------------

    def holds(self, start, end) -> bool:
        return (start is None or start <= self.on) and (end is None or self.on < end)

    def alive(self) -> list[str]:
        return [code for code, org in self.world.orgs.items() if self.holds(org["founded"], org["dissolved"])]

    def is_young(self, code: str) -> bool:
        founded = self.world.orgs[code]["founded"]
        if founded is None or (self.year, self.half) == (2010, 2):
            return False
        latest = datetime.date(self.year, 4, 1) if self.half == 1 else datetime.date(self.year, 10, 1)
        return founded > latest  # less than three months until 1 July, or 1 January

    # --- the tree ----------------------------------------------------------------------------------------------

    def above(self, code: str) -> list[str]:
        found = []
        while self.world.orgs[code]["parent"]:
            code = self.world.orgs[code]["parent"]
            found.append(code)
        return found

    def superior(self, code: str) -> str:
        """The parent by affiliation, or ""."""
        org = self.world.orgs[code]
        return org["parent"] if org["parent"] and org["relation"] == "隶属" else ""

    def leading(self, code: str) -> str:
        """The nearest affiliation ancestor that is not a 机关党委."""
        at = self.superior(code)
        while at and self.world.orgs[at]["type"] == "机关党委":
            at = self.superior(at)
        return at

    def nearest_living(self, code: str) -> str:
        at = self.superior(code)
        while at and at not in self.alive():
            at = self.superior(at)
        return at

    def is_a(self, code: str, categories, types=None) -> bool:
        org = self.world.orgs[code]
        return org["category"] in categories and (types is None or org["type"] in types)

    # --- the table -----------------------------------------------------------------------------------------------

    def pairs(self) -> set[tuple[str, str, str]]:
        """(rule, reviewing organisation, target organisation)."""
        alive = self.alive()
        groups = [code for code in alive if self.is_a(code, ["总局"], ["党组"])]
        organ = [
            code
            for code in alive
            if self.is_a(code, ["总局机关"], ["机关党委"]) and self.world.orgs[code]["parent"] in groups
        ]
        found = set()
        for target in alive:
            superior, leading, above = self.superior(target), self.leading(target), self.above(target)
            for group in groups:
                if superior == group and self.is_a(target, ["国家委"], ["党组"]):
                    found.add(("1A", group, target))
                if group in above:
                    named = self.is_a(target, ["国家委"], ["机关党委"]) or self.is_a(
                        target, ["总局机关", "直属挂靠单位"]
                    )
                    if named and target not in organ:
                        found.add(("1B", group, target))
                        for partner in organ:
                            if self.world.orgs[partner]["parent"] == group:
                                found.add(("1B", partner, target))
                    if self.is_a(target, ["直属检验检疫局"], TEAMS):
                        found.add(("5A", group, target))
                    if self.is_a(target, ["省级质监局"], TEAMS):
                        found.add(("5B", group, target))
            if superior in alive and self.is_a(superior, BUREAUX, TEAMS) and self.is_a(target, ["分支机构"], TEAMS):
                found.add(("2A", superior, target))
            if (
                leading in alive
                and self.is_a(leading, BUREAUX, TEAMS)
                and self.is_a(target, ["机关内设机构", "直属单位"])
            ):
                found.add(("2B", leading, target))
            if superior in alive and self.is_a(superior, ["直属挂靠单位"], ["党委", "党总支"]):
                found.add(("3A", superior, target))
        named = {target for _, _, target in found}
        for target in alive:
            if target not in named and self.nearest_living(target):
                found.add(("0", self.nearest_living(target), target))
        return found

    # --- people -------------------------------------------------------------------------------------------------

    def held(self, org: str) -> list[dict]:
        return [post for post in self.world.posts if post["org"] == org and self.holds(post["start"], post["end"])]

    def head(self, org: str) -> str:
        by_day = sorted(self.held(org), key=lambda post: (post["start"] or EARLIEST, post["person"]))
        for post in by_day:
            if post["role"] == "书记":
                return post["person"]
        for post in by_day:
            if post["acting"]:
                return post["person"]
        return ""

    def counts(self, person: str) -> bool:
        return self.world.people[person]["status"] == "正常"

    def acting(self, team: str, target: str) -> str:
        """In charge, nearest first; then the 书记 or who 主持工作, 副书记, others by day and number."""
        members = self.held(team)
        present = {post["person"] for post in members}
        head = self.head(target)
        order = []
        for level in [target, *self.above(target)]:
            if level == team:
                break
            here = [
                charge
                for charge in self.world.charges
                if charge["team"] == team
                and charge["org"] == level
                and self.holds(charge["start"], charge["end"])
                and charge["person"] in present
            ]
            here.sort(key=lambda charge: (charge["kind"] != "主管", charge["start"] or EARLIEST, charge["person"]))
            order += [charge["person"] for charge in here]
        has_secretary = any(post["role"] == "书记" for post in members)

        def rank(post):
            if post["role"] == "书记":
                return 0
            if post["acting"] and not has_secretary:
                return 1
            return 2 if post["role"] == "副书记" else 3

        members.sort(key=lambda post: (rank(post), post["start"] or EARLIEST, post["person"]))
        order += [post["person"] for post in members]
        return next((person for person in order if person != head), "")

    # --- duties ---------------------------------------------------------------------------------------------------

    def add(self, rule, kind, post, reviewer, acting, target_kind, target, basis, group="") -> None:
        """Kept once for a reviewer (an organisation, a person, or a vacant post) and a target."""
        who = ("person", reviewer) if kind == "person" and reviewer else ("post", post)
        due = f"{self.year}-06-30" if self.half == 1 else f"{self.year}-12-31"
        row = (rule, kind, reviewer, acting, target_kind, target, basis, group, due, "pending")
        self.found.setdefault((rule, who, target_kind, target), row)

    def review(self, rule: str, reviewer: str, target: str) -> None:
        head = self.head(target)
        basis = {"2B": "division", "5A": "guidance", "5B": "guidance"}.get(rule, "affiliation")
        group = f"1B:{target}" if rule == "1B" else ""
        if rule == "3A" and not (head and head == self.head(reviewer)):
            kind, who = "person", self.head(reviewer)
            acting = who
        else:
            kind, who, acting = "org", reviewer, self.acting(reviewer, target)
        self.add(rule, kind, reviewer, who, acting, "org", target, basis, group)
        self_headed = rule == "3A" and kind == "org"
        if head and self.counts(head) and rule != "5B" and not self_headed:
            self.add(rule, kind, reviewer, who, acting, "person", head, basis, group)

    def team_and_members(self, code: str) -> None:
        secretary = self.head(code)
        for rule, categories, types in (("2C", BUREAUX, TEAMS), ("3B", ["直属挂靠单位"], ["党委", "党总支"])):
            if self.is_a(code, categories, types):
                for post in self.held(code):
                    if post["person"] != secretary and self.counts(post["person"]):
                        self.add(rule, "person", code, secretary, secretary, "person", post["person"], "team")
        if self.world.orgs[code]["type"] == "党支部":
            for number, person in self.world.people.items():
                here = person["branch"] == code and self.holds(person["since"], None)
                if here and number != secretary and self.counts(number):
                    self.add("4", "person", code, secretary, secretary, "person", number, "affiliation")


def number_of_duties(rows: list[Row]) -> dict[str, int]:
    """How many of each rule."""
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row[0]] += 1
    return dict(found)
