"""Invented people for a tree of organisations: members, posts and divisions of work, as rows of the import's sheets.

Pure and stable: the same tree and seed give the same people. Every name is a surname with a number of the sixty-year
cycle (赵甲子, 钱乙丑 …), so that nobody can be taken for a real person.
"""

from __future__ import annotations

import datetime
import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

SEED = 2010
SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳"
    "鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄"
)
STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
CYCLE = [STEMS[n % 10] + BRANCHES[n % 12] for n in range(60)]
RELATIONS = {"affiliation": "隶属", "guidance": "指导", "": ""}
MEMBERS = (12, 30)  # of a branch, from and to
RANKS = ["科员", "科员", "科员", "主任科员", "副主任科员", "工程师", "高级工程师", "副科长", "科长"]
VACANT_EVERY, ACTING_EVERY = 47, 2  # every 47th organisation has no 书记; in every second of them somebody is acting
UNCHARGED_EVERY, ASSISTED_EVERY = 13, 9

Row = dict[str, Any]


@dataclass
class Invention:
    """Rows by sheet, headed as the workbook is (contracts: 组织, 人员, 任职, 分管)."""

    orgs: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)
    posts: list[Row] = field(default_factory=list)
    charges: list[Row] = field(default_factory=list)


def invent(rows: list[dict[str, str]], *, seed: int = SEED, members: tuple[int, int] = MEMBERS) -> Invention:
    """People for the organisations of `rows` (columns of data/aqsiq-2010-orgs.csv, parents before children)."""
    return _Inventor(rows, random.Random(seed), members).invent()  # noqa: S311 - stable invention, no secret


class _Inventor:
    """Keeps what is needed while people are dealt out; used once."""

    def __init__(self, rows: list[dict[str, str]], rng: random.Random, members: tuple[int, int]) -> None:
        self.members = members
        self.rows = rows
        self.rng = rng
        self.by_code = {row["code"]: row for row in rows}
        self.children: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            self.children[row["parent_code"]].append(row["code"])
        self.made = Invention()
        self.free: dict[str, list[str]] = {}  # branch -> numbers of members without a post
        self.team: dict[str, list[str]] = {}  # organisation -> numbers of its team, 书记 first
        self.leading: set[str] = set()
        self.serial = 0

    def invent(self) -> Invention:
        for order, row in enumerate(self.rows):
            self.made.orgs.append(self._org(order, row))
        for row in self.rows:
            if row["org_type"] == "党支部":
                self._branch(row)
        for order, row in enumerate(self.rows):
            self._posts(order, row)
        for row in self.rows:
            self._charges(row["code"])
        return self.made

    # --- organisations -----------------------------------------------------------------------------------------

    def _org(self, order: int, row: dict[str, str]) -> Row:
        short = row["name"].replace("出入境检验检疫局", "检验检疫局").replace("质量技术监督局", "质监局")
        return {
            "组织代码": row["code"],
            "组织名称": row["name"],
            "简称": short if short != row["name"] else "",
            "组织类型": row["org_type"],
            "单位类别": row["unit_category"],
            "上级代码": row["parent_code"],
            "关系": RELATIONS[row["relation"]],
            "窗口单位": "是" if row["is_window_unit"] == "1" else "否",
            "排序": order,
        }

    # --- people ----------------------------------------------------------------------------------------------------

    def _person(self, branch: str, title: str) -> str:
        serial = self.serial
        self.serial += 1
        number = f"D{serial + 1:05d}"
        born = datetime.date(1950, 1, 1) + datetime.timedelta(days=self.rng.randrange(35 * 365))
        joined = born + datetime.timedelta(days=20 * 365 + self.rng.randrange(15 * 365))
        probationary = joined >= datetime.date(2009, 12, 1)
        self.made.people.append(
            {
                "人员编号": number,
                "姓名": SURNAMES[serial % len(SURNAMES)] + CYCLE[serial // len(SURNAMES) % 60],
                "所属支部代码": branch or "-",
                "单位及职务": title,
                "性别": self.rng.choice("男男女"),
                "出生日期": born,
                "入党日期": min(joined, datetime.date(2010, 6, 1)),
                "人员类别": "预备党员" if probationary else "正式党员",
            }
        )
        return number

    def _branch(self, row: dict[str, str]) -> None:
        unit = row["name"].removesuffix("党支部")
        size = self.rng.randint(*self.members)
        self.free[row["code"]] = [self._person(row["code"], unit + self.rng.choice(RANKS)) for _ in range(size)]

    def _below(self, code: str) -> list[str]:
        """Branches of the organisation's own unit: itself and everything below by affiliation."""
        found, waiting = [], [code]
        while waiting:
            at = waiting.pop(0)
            if at in self.free:
                found.append(at)
            waiting += [child for child in self.children[at] if self.by_code[child]["relation"] != "guidance"]
        return found

    # --- posts -------------------------------------------------------------------------------------------------------

    def _posts(self, order: int, row: dict[str, str]) -> None:
        code, kind = row["code"], row["org_type"]
        sizes = {"党组": (1, 2, 4), "党委": (1, 1, 3), "机关党委": (1, 1, 3), "党总支": (1, 1, 1), "党支部": (1, 0, 2)}
        secretaries, deputies, members = sizes[kind]
        title = row["name"].removesuffix(kind)
        chosen = [self._pick(code, title) for _ in range(secretaries + deputies + members)]
        roles = ["书记"] * secretaries + ["副书记"] * deputies + ["成员" if kind == "党组" else "委员"] * members
        is_vacant = order % VACANT_EVERY == VACANT_EVERY - 1
        for number, role in zip(chosen, roles, strict=True):
            if is_vacant and role == "书记":
                continue
            self._promote(number, title, kind, role)
            self._post(number, code, role)
        self.team[code] = chosen[1:] if is_vacant else chosen
        if is_vacant and deputies and (order // VACANT_EVERY) % ACTING_EVERY == 0:
            next(post for post in self.made.posts if post["组织代码"] == code)["主持工作"] = "是"
        parent = self.team.get(row["parent_code"], [])
        if (
            kind == "机关党委"
            and not is_vacant
            and len(parent) > 1
            and self.by_code[row["parent_code"]]["org_type"] == "党组"
        ):
            # The 机关党委 of a bureau is headed by a member of its 党组, as is usual.
            head = next(post for post in self.made.posts if post["组织代码"] == code and post["职务"] == "书记")
            head["人员编号"] = self.team[code][0] = parent[-1]

    def _promote(self, number: str, unit: str, kind: str, role: str) -> None:
        """Who leads is no 科员: the title of the first, highest post counts."""
        row = self.made.people[int(number[1:]) - 1]
        if number not in self.leading and (kind != "党支部" or role == "书记"):
            self.leading.add(number)
            row["单位及职务"] = unit + {"书记": "主要负责人", "副书记": "副职负责人"}.get(role, "班子成员")

    def _pick(self, code: str, title: str) -> str:
        """A member without a post out of the organisation's own unit; where it has no branch, somebody new."""
        branches = [branch for branch in self._below(code) if len(self.free[branch]) > 6]
        if code in self.free:
            branches = [code]
        if not branches:
            return self._person("", f"{title}领导干部")
        branch = branches[0] if code in self.free else self.rng.choice(branches[:12])
        return self.free[branch].pop(0)

    def _post(self, number: str, code: str, role: str) -> None:
        since = datetime.date(2007, 1, 1) + datetime.timedelta(days=self.rng.randrange(3 * 365))
        self.made.posts.append(
            {"人员编号": number, "组织代码": code, "职务": role, "任职日期": since, "主持工作": "否"}
        )

    # --- division of work -----------------------------------------------------------------------------------------------

    def _charges(self, code: str) -> None:
        """The deputies and members of a team share what is below it; some is left to nobody, some is assisted."""
        if self.by_code[code]["org_type"] not in ("党组", "党委"):
            return
        sharers = [number for number in self.team[code][1:] if self._holds(number, code)]
        if not sharers:
            return
        for turn, org in enumerate(self._charged(code)):
            if turn % UNCHARGED_EVERY == UNCHARGED_EVERY - 1:
                continue
            self._charge(sharers[turn % len(sharers)], code, org, "主管")
            if len(sharers) > 1 and turn % ASSISTED_EVERY == 0:
                self._charge(sharers[(turn + 1) % len(sharers)], code, org, "协管")

    def _charged(self, code: str) -> list[str]:
        """Its children, and in place of a 机关党委 also what that one leads."""
        found = []
        for child in self.children[code]:
            found.append(child)
            if self.by_code[child]["org_type"] == "机关党委":
                found += self.children[child]
        return found

    def _holds(self, number: str, code: str) -> bool:
        return any(post["人员编号"] == number and post["组织代码"] == code for post in self.made.posts)

    def _charge(self, number: str, team: str, org: str, kind: str) -> None:
        self.made.charges.append(
            {"人员编号": number, "所在班子代码": team, "分管组织代码": org, "主次": kind, "起始日期": ""}
        )
