"""The sheet 组织: each row, and the tree that stored and new organisations make together."""

from __future__ import annotations

from orgs.importing import columns
from orgs.importing.columns import ORGS, key
from orgs.importing.planning.rows import MAX_DEPTH, Line, Rows


class Organizations(Rows):
    """Checks of organisations."""

    def _organizations(self) -> None:
        lines: dict[str, Line] = {}
        for line in self._lines(ORGS):
            if "code" in line.bad:
                continue
            code = line.values["code"]
            if self._once(ORGS, line, key(code), "code", f'代码 "{code}" '):
                lines[key(code)] = line
        for found, line in lines.items():
            self._organization(found, line)
        self._check_tree(lines)

    def _organization(self, found: str, line: Line) -> None:
        values = line.values
        stored = self.world.orgs.get(found)
        category = values.get("category")
        if category is not None and category not in self.world.categories:
            words = "、".join(self.world.categories)
            self.problem(
                ORGS,
                line.number,
                "category",
                f'没有单位类别 "{category}"{columns.probably(category, self.world.categories)}',
                category,
                f"只能填：{words}",
            )
        if values.get("parent"):
            values["parent"] = key(values["parent"])
        change = self._changed(ORGS, line, values["code"], found, stored, {"code"})
        if stored is None:
            change.values["code"] = values["code"]
            final = {"code": values["code"], "parent": None, "relation": "affiliation", **values}
            final.update(dict.fromkeys(line.bad))
        else:
            final = {**stored, **change.values} if change.values else stored
        self.orgs[found] = final
        founded, dissolved = final.get("founded_on"), final.get("dissolved_on")
        if founded and dissolved and dissolved < founded:
            self.problem(ORGS, line.number, "dissolved_on", f"撤销日期 {dissolved} 早于成立日期 {founded}")
        if final.get("parent") is None and final.get("relation") != "affiliation":
            # A root hangs under nothing; its relation says nothing either.
            self.orgs[found] = final = {**final, "relation": "affiliation"}
            change.values.pop("relation", None)
            change.old.pop("relation", None)
            if stored is None:
                change.values["relation"] = "affiliation"
        if (
            final.get("category") in self.world.guided
            and final.get("parent")
            and final.get("relation") == "affiliation"
        ):
            self.warn(
                ORGS, line.number, "relation", f'{final["category"]} "{final["code"]}" 的关系是隶属，通常应为指导',
                "点评任务按单位类别派生，不受影响；请核对关系",
            )  # fmt: skip
        self._keep(change)

    def _check_tree(self, lines: dict[str, Line]) -> None:
        """Over stored and new together: parents known, no cycle, not too deep, nothing under a 党支部, one root."""
        dangling: set[str] = set()
        for found, line in lines.items():
            if "parent" in line.bad:
                dangling.add(found)
            elif "parent" in line.values and line.values["parent"] is not None:
                self._check_parent(found, line, dangling)
        cyclic = self._check_cycles(lines, dangling)
        self._check_depth(lines, dangling | cyclic)
        self._check_branches(lines, dangling | cyclic)
        self._check_roots(lines, dangling)
        self._check_dissolved(lines)

    def _check_parent(self, found: str, line: Line, dangling: set[str]) -> None:
        parent = line.values["parent"]
        raw = self._raw(ORGS, line.number, "parent")
        if parent == found:
            self.problem(ORGS, line.number, "parent", "上级不能是自己", raw, "填写真正的上级代码；根组织留空")
            dangling.add(found)
        elif parent not in self.orgs:
            message = f'找不到组织 "{raw}"' + self._candidates(parent, besides=found, written=raw)
            self.problem(ORGS, line.number, "parent", message, raw, "先在本表中添加这个上级，或改正代码", raw)
            dangling.add(found)

    def _check_cycles(self, lines: dict[str, Line], dangling: set[str]) -> set[str]:
        cyclic: set[str] = set()
        done: set[str] = set()
        for start in lines:
            path: list[str] = []
            on_path: set[str] = set()
            at: str | None = start
            while at is not None and at not in done and at not in on_path and at not in dangling:
                path.append(at)
                on_path.add(at)
                at = self.orgs[at]["parent"]
            if at in on_path:
                ring = path[path.index(at) :]
                shown = " → ".join(self.orgs[k]["code"] for k in [*ring[:6], *([ring[0]] if len(ring) <= 6 else [])])
                for member in ring:
                    if member in lines:
                        self.problem(
                            ORGS, lines[member].number, "parent", f"上级关系形成循环：{shown}",
                            self.orgs[member]["parent"], "改正其中一个上级代码",
                        )  # fmt: skip
                cyclic.update(ring)
            done.update(path)
        return cyclic

    def _check_depth(self, lines: dict[str, Line], broken: set[str]) -> None:
        depth: dict[str, int] = dict.fromkeys(broken, -MAX_DEPTH * 1000)
        reported: set[str] = set()
        for start in self.orgs:
            path: list[str] = []
            at: str | None = start
            while at is not None and at not in depth:
                path.append(at)
                at = self.orgs[at]["parent"]
            level = depth[at] if at is not None else 0
            for node in reversed(path):
                level += 1
                depth[node] = level
                if level > MAX_DEPTH:
                    self._too_deep(node, lines, reported)

    def _too_deep(self, node: str, lines: dict[str, Line], reported: set[str]) -> None:
        """Blame the row itself, or for a stored one the nearest row above that moves it."""
        at: str | None = node
        while at is not None and at not in lines:
            at = self.orgs[at]["parent"]
        if at is not None and at not in reported:
            reported.add(at)
            self.problem(ORGS, lines[at].number, "parent", f"层级超过 {MAX_DEPTH} 层", "", "检查上级代码")

    def _check_branches(self, lines: dict[str, Line], broken: set[str]) -> None:
        turned: set[str] = set()
        for found, org in self.orgs.items():
            parent = org["parent"]
            if parent is None or found in broken or self.orgs[parent].get("org_type") != "branch":
                continue
            if found in lines:
                code = self.orgs[parent]["code"]
                self.problem(
                    ORGS,
                    lines[found].number,
                    "parent",
                    f'上级 "{code}" 是党支部，下面不能再设组织',
                    code,
                    "改正上级代码或组织类型",
                )
            elif parent in lines and parent not in turned:
                turned.add(parent)
                self.problem(
                    ORGS,
                    lines[parent].number,
                    "org_type",
                    f'下面还有组织 "{org["code"]}"，不能改为党支部',
                    "党支部",
                    "先移走下级组织",
                )
        self.left_branches = {
            found
            for found in lines
            if self.world.orgs.get(found, {}).get("org_type") == "branch"
            and self.orgs[found].get("org_type") not in ("branch", None)
        }

    def _check_roots(self, lines: dict[str, Line], dangling: set[str]) -> None:
        if self.options.new_root:
            return
        roots = [found for found, org in self.orgs.items() if org["parent"] is None and found not in dangling]
        new = [found for found in roots if found not in self.world.orgs or self.world.orgs[found]["parent"]]
        if len(roots) < 2 or not new:
            return
        old = [found for found in roots if found not in new]
        first = old[0] if old else new.pop(0)
        for found in new:
            self.problem(
                ORGS, lines[found].number, "parent",
                f'没有上级，会成为又一个根组织（已有 "{self.orgs[first]["code"]}"）', "",
                "填写上级代码；确实要新的根组织时，选择“允许新的根组织”",
            )  # fmt: skip

    def _check_dissolved(self, lines: dict[str, Line]) -> None:
        """A living organisation under one that is dissolved falls out of every count: worth a warning."""
        for found, line in lines.items():
            org = self.orgs[found]
            parent = self.orgs.get(org["parent"]) if org["parent"] else None
            end = parent.get("dissolved_on") if parent else None
            if parent and end and not (org.get("dissolved_on") and org["dissolved_on"] <= end):
                self.warn(
                    ORGS, line.number, "parent", f'上级 "{parent["code"]}" 于 {end} 撤销，本组织仍存在', "核对上级"
                )
