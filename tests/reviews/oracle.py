"""An independent, naive reading of domain.md section 2: plain dictionaries, parent links, no shared code.

A world is {"orgs": {code: {...}}, "people": {number: status}, "members": [(person, branch)], "posts": [(person, org,
role, acting, since)], "charges": [(person, team, org, kind)]}; every date but `since` is already resolved: only what
holds on the day is given.
"""

from __future__ import annotations

BUREAUX = {"直属检验检疫局", "省级质监局", "分支机构"}
TEAM = {"党组", "党委"}
ROLE_RANK = {"书记": 0, "副书记": 2, "委员": 3}


class World:
    def __init__(self, orgs, people, members, posts, charges):
        self.orgs, self.people, self.members, self.posts, self.charges = orgs, people, members, posts, charges

    def up(self, code):
        """The organisation and everything above it, nearest first."""
        line = []
        while code:
            line.append(code)
            code = self.orgs[code]["parent"]
        return line

    def is_(self, code, category, types=None):
        org = self.orgs[code]
        return org["category"] in category and (types is None or org["type"] in types)

    def child_of(self, code):
        """The superior by affiliation, or None."""
        org = self.orgs[code]
        return org["parent"] if org["parent"] and org["relation"] == "隶属" else None

    def team_leading(self, code):
        """The nearest affiliation ancestor that is not a 机关党委."""
        above = self.child_of(code)
        while above and self.orgs[above]["type"] == "机关党委":
            above = self.child_of(above)
        return above

    def head(self, code):
        """(person, word) of who heads it, or None."""
        posts = sorted(
            ((since or "", person, role, acting) for person, org, role, acting, since in self.posts if org == code),
        )
        for _, person, role, _acting in posts:
            if role == "书记":
                return person
        for _, person, _role, acting in posts:
            if acting:
                return person
        return None

    def who_acts(self, team, target):
        """The order of section 2, skipping the target's own head."""
        skip = self.head(target)
        holders = {person for person, org, *_ in self.posts if org == team}
        for at in self.up(target):
            if at == team:
                break
            for kind in ("主管", "协管"):
                for person in sorted(p for p, t, o, k in self.charges if (t, o, k) == (team, at, kind)):
                    if person in holders and person != skip:
                        return person
        has_secretary = any(org == team and role == "书记" for _, org, role, _, _ in self.posts)
        ranked = []
        for person, org, role, acting, since in self.posts:
            if org == team:
                rank = 1 if acting and not has_secretary else ROLE_RANK[role]
                ranked.append((rank, since or "", person))
        for _, _, person in sorted(ranked):
            if person != skip:
                return person
        return ""


class Round:
    """What a round takes: an empty choice takes all. `below` is an organisation's code."""

    def __init__(self, below="", types=(), categories=(), subjects=(), rules=()):
        self.below, self.types, self.categories, self.subjects, self.rules = below, types, categories, subjects, rules

    def takes(self, world: World, rule: str, subject: str, code: str) -> bool:
        """A duty of this rule towards the organisation itself, its head, or a member of its team or branch."""
        org = world.orgs[code]
        if self.below and self.below not in world.up(code):
            return False
        if self.types and org["type"] not in self.types:
            return False
        if self.categories and org["category"] not in self.categories:
            return False
        if self.subjects and subject not in self.subjects:
            return False
        return not self.rules or rule in self.rules


ALL = Round()


class Manner:
    """How a scheme does it: which rules are yearly, whether leaders are reviewed in their branch, after how many months."""

    def __init__(self, yearly=("2C", "3B", "4"), leaders_as_members=True, months=3):
        self.yearly, self.leaders_as_members, self.months = set(yearly), leaders_as_members, months

    def is_young(self, founded: tuple[int, int, int] | None, year: int, second_half: bool) -> bool:
        """Founded (year, month, day) too late to have lived its months when the half-year is over."""
        if founded is None or (year == 2010 and second_half):
            return False
        over = (year + 1, 1, 1) if second_half else (year, 7, 1)
        months = founded[0] * 12 + founded[1] - 1 + self.months
        return (months // 12, months % 12 + 1, founded[2]) > over


USUAL = Manner()


def duties(
    world: World, *, second_half: bool, of: Round = ALL, manner: Manner = USUAL, year: int = 2010
) -> list[tuple]:
    """Rows (rule, kind, reviewer, acting, target kind, target, basis, joint group), sorted. A round has the yearly ones."""
    rows = set()

    def young(code):
        return manner.is_young(world.orgs[code].get("founded"), year, second_half)

    named = set()

    def head_of_target(code):
        person = world.head(code)
        return person if person and world.people[person] == "正常" else None

    heads: dict[tuple, tuple] = {}

    def by_org(rule, reviewer, code, basis, *, head=True, group=""):
        named.add(code)
        if young(code):
            return
        acting = world.who_acts(reviewer, code)
        if of.takes(world, rule, "org", code):
            rows.add((rule, "org", reviewer, acting, "org", code, basis, group))
        person = head_of_target(code)
        if head and person and of.takes(world, rule, "head", code):
            # Several posts make one duty: the first organisation by code gives its acting person and group.
            key = (rule, reviewer, person)
            if key not in heads or code < heads[key][0]:
                heads[key] = (code, acting, basis, group)

    codes = sorted(world.orgs)
    # Who reviews jointly is no target of the rule, of no centre.
    every_partner = {
        code
        for code in codes
        if world.is_(code, {"总局机关"}, {"机关党委"})
        and world.orgs[code]["parent"]
        and world.is_(world.orgs[code]["parent"], {"总局"}, {"党组"})
    }
    for code in codes:
        org = world.orgs[code]
        above = world.child_of(code)
        ancestors = world.up(code)[1:]
        centres = [a for a in ancestors if world.is_(a, {"总局"}, {"党组"})]
        if above and world.is_(above, {"总局"}, {"党组"}) and world.is_(code, {"国家委"}, {"党组"}):
            by_org("1A", above, code, "affiliation")
        for centre in centres:
            partners = [
                c for c in codes if world.orgs[c]["parent"] == centre and world.is_(c, {"总局机关"}, {"机关党委"})
            ]
            is_target = (
                world.is_(code, {"国家委"}, {"机关党委"})
                or world.is_(code, {"直属挂靠单位"})
                or (world.is_(code, {"总局机关"}) and code not in every_partner)
            )
            if is_target:
                for reviewer in [centre, *partners]:
                    by_org("1B", reviewer, code, "affiliation", group=f"1B:{code}")
            if world.is_(code, {"直属检验检疫局"}, TEAM):
                by_org("5A", centre, code, "guidance")
            if world.is_(code, {"省级质监局"}, TEAM):
                by_org("5B", centre, code, "guidance", head=False)
        if above and world.is_(above, BUREAUX, TEAM) and world.is_(code, {"分支机构"}, TEAM):
            by_org("2A", above, code, "affiliation")
        team = world.team_leading(code)
        if team and world.is_(team, BUREAUX, TEAM) and org["category"] in {"机关内设机构", "直属单位"}:
            by_org("2B", team, code, "division")
        if above and world.is_(above, {"直属挂靠单位"}, {"党委", "党总支"}):
            named.add(code)
            if young(code):
                continue
            secretary, head = world.head(above), world.head(code)
            takes_org, takes_head = (of.takes(world, "3A", subject, code) for subject in ("org", "head"))
            if secretary and secretary == head:
                if takes_org:
                    rows.add(("3A", "org", above, world.who_acts(above, code), "org", code, "affiliation", ""))
            else:
                who = secretary or ""
                if takes_org:
                    rows.add(("3A", "person", who, who, "org", code, "affiliation", ""))
                if takes_head and head_of_target(code):
                    rows.add(("3A", "person", who, who, "person", head, "affiliation", ""))
    for code in codes:
        above = world.child_of(code)
        if above and code not in named:
            by_org("0", above, code, "affiliation")
    for (rule, reviewer, person), (_code, acting, basis, group) in heads.items():
        rows.add((rule, "org", reviewer, acting, "person", person, basis, group))
    rows |= _own(world, codes, of, manner)
    return sorted(row for row in rows if second_half or row[0] not in manner.yearly)


def _own(world, codes, of, manner):
    """Of the own team and branch."""
    leaders = {person for person, org, *_ in world.posts if world.orgs[org]["type"] != "党支部"}
    rows = set()
    for code in codes:
        secretary = world.head(code) or ""
        rule = None
        if world.is_(code, BUREAUX, TEAM):
            rule = "2C"
        elif world.is_(code, {"直属挂靠单位"}, {"党委", "党总支"}):
            rule = "3B"
        if rule and of.takes(world, rule, "team_member", code):
            for person, org, *_ in world.posts:
                if org == code and person != secretary and world.people[person] == "正常":
                    rows.add((rule, "person", secretary, secretary, "person", person, "team", ""))
        if world.orgs[code]["type"] == "党支部" and of.takes(world, "4", "member", code):
            for person, branch in world.members:
                left_out = person in leaders and not manner.leaders_as_members
                if branch == code and person != secretary and world.people[person] == "正常" and not left_out:
                    rows.add(("4", "person", secretary, secretary, "person", person, "affiliation", ""))
    return rows
