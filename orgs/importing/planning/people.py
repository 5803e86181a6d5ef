"""The sheet 人员: persons, and the branch that each belongs to."""

from __future__ import annotations

from orgs.importing.columns import MASKED, NONE_CODE, ORGS, PEOPLE, key
from orgs.importing.plan import Change
from orgs.importing.planning.rows import Line, Rows


class People(Rows):
    """Checks of persons; they see the final state of the organisations."""

    def _people(self) -> None:
        for line in self._lines(PEOPLE):
            if "number" in line.bad:
                continue
            number = line.values["number"]
            if self._once(PEOPLE, line, key(number), "number", f'编号 "{number}" '):
                self._member(key(number), line)
        if self.left_branches:
            staying = self.world.members(self.left_branches)
            for branch, persons in staying.items():
                left = [person for person in persons if self.branch_of.get(person, branch) == branch]
                if left:
                    self.problem(
                        ORGS, self.rows_of[ORGS][branch], "org_type", f"还有 {len(left)} 名党员属于这个党支部，不能改为别的类型",
                        "", "先转移党员",
                    )  # fmt: skip

    def _member(self, found: str, line: Line) -> None:
        values = line.values
        stored = self.world.persons.get(found)
        if values.get("mobile") is MASKED:
            del values["mobile"]
            if stored is None:
                self.warn(PEOPLE, line.number, "mobile", "手机号码是遮盖的，没有保存", "填写完整号码")
        change = self._changed(PEOPLE, line, values["number"], found, stored, {"number", "branch", "moved_on"})
        if stored is None:
            change.values["number"] = values["number"]
        born = values.get("born_on", (stored or {}).get("born_on"))
        joined = values.get("joined_on", (stored or {}).get("joined_on"))
        if born and joined and joined < born:
            self.warn(PEOPLE, line.number, "joined_on", f"入党日期 {joined} 早于出生日期 {born}", "核对日期")
        self.branch_of.setdefault(found, None)
        if "branch" not in line.bad and "moved_on" not in line.bad:
            self._membership(found, line, stored, change)
        self._keep(change)

    def _membership(self, found: str, line: Line, stored: dict | None, change: Change) -> None:
        """A changed branch is a transfer, on 转入日期 or today; the same branch with another date corrects the date."""
        on = line.values.get("moved_on")
        if line.values["branch"] == NONE_CODE:
            branch = None
        else:
            branch = self._org(PEOPLE, line, "branch")
            if branch is None:
                return
            org = self.orgs[branch]
            if org.get("org_type") not in ("branch", None):
                code = org["code"]
                self.problem(
                    PEOPLE, line.number, "branch", f'"{code}" 不是党支部，党员只能属于党支部', code, "填写党支部的代码"
                )
                return
            if org.get("dissolved_on") and org["dissolved_on"] <= self.world.today:
                self.warn(
                    PEOPLE, line.number, "branch", f'党支部 "{org["code"]}" 已于 {org["dissolved_on"]} 撤销', "核对支部"
                )
        before = stored["branch"] if stored else None
        begun = stored["moved_on"] if stored else None
        last_end = stored["last_end"] if stored else None
        self.branch_of[found] = branch
        if branch == before:
            if branch is not None and on is not None and on != begun:
                if last_end and on < last_end:
                    self.problem(
                        PEOPLE, line.number, "moved_on", f"转入日期 {on} 早于上一段组织关系的结束日期 {last_end}", on
                    )
                    return
                change.redate = True
                change.values["moved_on"], change.old["moved_on"] = on, begun
            return
        if stored is not None and on is None:
            on = self.world.today
        if before is not None and begun is not None and on is not None and on < begun:
            self.problem(
                PEOPLE,
                line.number,
                "moved_on",
                f"转入日期 {on} 早于现支部的转入日期 {begun}",
                on,
                "填写实际转入的日期，或清空（按导入当天）",
            )
            return
        if before is None and last_end and on is not None and on < last_end:
            self.problem(PEOPLE, line.number, "moved_on", f"转入日期 {on} 早于上一段组织关系的结束日期 {last_end}", on)
            return
        if before is not None and on == begun:
            self.warn(
                PEOPLE,
                line.number,
                "moved_on",
                f"转入日期 {on} 与原支部的相同，按更正支部处理",
                "转移的话请填写实际日期",
            )
        change.move = (branch, on)
        if stored is not None:
            change.values["branch"], change.old["branch"] = branch, before
            if branch is not None:
                change.values["moved_on"], change.old["moved_on"] = on, begun
