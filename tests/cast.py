"""One small named system with its people, the same in every test.

总局党组(1) ─ 总局直属机关党委(11) ─ 办公室党支部(111)
            ├ 信息中心党委(12, 直属挂靠单位) ─ 信息一支部(121)
            └ 天津局党组(13, guidance) ─ 天津局机关党委(131) ─ 检务处党支部(1311, window)
                                      └ 塘沽局党组(132) ─ 塘沽局党支部(1321)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orgs.models import Organization, Person, User
from tests import builders


@dataclass
class Cast:
    """Organisations by code, people by part, and their accounts."""

    org: dict[str, Organization] = field(default_factory=dict)
    person: dict[str, Person] = field(default_factory=dict)
    user: dict[str, User] = field(default_factory=dict)


# code, type, category, parent, guidance
ORGS = [
    ("1", "党组", "总局", "", False, "国家质检总局党组"),
    ("11", "机关党委", "总局机关", "1", False, "总局直属机关党委"),
    ("111", "党支部", "总局机关", "11", False, "总局办公厅党支部"),
    ("12", "党委", "直属挂靠单位", "1", False, "信息中心党委"),
    ("121", "党支部", "直属挂靠单位内设", "12", False, "信息中心第一党支部"),
    ("13", "党组", "直属检验检疫局", "1", True, "天津检验检疫局党组"),
    ("131", "机关党委", "机关内设机构", "13", False, "天津局机关党委"),
    ("1311", "党支部", "机关内设机构", "131", False, "天津局检务处党支部"),
    ("132", "党组", "分支机构", "13", False, "塘沽检验检疫局党组"),
    ("1321", "党支部", "机关内设机构", "132", False, "塘沽局综合党支部"),
]

# part: (name, branch, [(org, role)])
PEOPLE = {
    "root_head": ("总局书记", "111", [("1", "书记")]),
    "organ_head": ("机关党委书记", "111", [("11", "书记"), ("1", "成员")]),
    "office_secretary": ("办公厅支部书记", "111", [("111", "书记")]),
    "unit_head": ("信息中心书记", "121", [("12", "书记")]),
    "unit_deputy": ("信息中心副书记", "121", [("12", "副书记")]),
    "unit_secretary": ("信息一支部书记", "121", [("121", "书记")]),
    "bureau_head": ("天津局书记", "1311", [("13", "书记")]),
    "member_in_charge": ("天津局分管成员", "1311", [("13", "成员"), ("131", "书记")]),
    "secretary": ("检务处支部书记", "1311", [("1311", "书记")]),
    "member": ("检务处党员", "1311", []),
    "lower_head": ("塘沽局书记", "1321", [("132", "书记")]),
    "lower_secretary": ("塘沽支部书记", "1321", [("1321", "书记")]),
    "lower_member": ("塘沽党员", "1321", []),
}


def make_cast() -> Cast:
    """Everybody. Accounts: one for each person; `clerk` (office of 13), `root_clerk` (office of 1), `admin`."""
    cast = Cast()
    for code, type_name, category, parent, guidance, name in ORGS:
        cast.org[code] = builders.make_org(
            code,
            type_name,
            category,
            cast.org.get(parent),
            name=name,
            guidance=guidance,
            is_window_unit=code == "1311",
        )
    for code in cast.org:
        cast.org[code].refresh_from_db()  # numbered anew with each that was added
    for part, (name, branch, posts) in PEOPLE.items():
        person = builders.make_person(name, cast.org[branch], number=f"N-{part}", title=f"{name}岗位")
        for code, role in posts:
            builders.make_post(person, cast.org[code], role)
        cast.person[part] = person
        cast.user[part] = builders.make_user(person, username=part)
    builders.make_charge(cast.person["member_in_charge"], cast.org["13"], cast.org["1311"])
    cast.user["clerk"] = builders.make_user(username="clerk", office=cast.org["13"])
    cast.user["root_clerk"] = builders.make_user(username="root_clerk", office=cast.org["1"])
    cast.user["stranger"] = builders.make_user(username="stranger")
    cast.user["admin"] = builders.make_user(username="admin", is_superuser=True, is_staff=True)
    return cast
