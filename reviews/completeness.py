"""Pure: what a record still lacks before it may be confirmed (R31a, R35, domain.md 5.4). Knows no Django.

The words for kinds, forms and roles are the slugs that the models store.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lack:
    """What is missing: the name of the field of `records.RecordDraft` (an answer: `answers`), and what to do."""

    field: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What `lacks` and `hints` look at."""

    kind: str  # ContentKind: team, team_head, base, base_head, member
    held_on: object | None
    place: str
    form: str
    form_note: str
    prior_summary: str
    achievements: str
    problems: tuple[str, ...]
    directions: str
    assists_local_committee: bool = False  # 5A, 5B
    assisted_committee: str = ""
    unanswered_window_points: tuple[str, ...] = ()  # texts
    unanswered_stressed_points: tuple[str, ...] = ()
    reviewer_role: str = ""  # see form_hint


# Forms in which there may have been no time for the organisation's own summary (domain.md 5.4).
WITHOUT_SUMMARY = ("on_site", "random")
ORGANIZATIONS = ("team", "base")
OWN_WAYS = "通知允许结合实际创新点评方式，确属本单位做法的可以照此确认。"


def lacks(facts: Facts) -> list[Lack]:
    """What stands in the way of confirming, in the order of the form; [] when nothing does."""
    is_org = facts.kind in ORGANIZATIONS
    problem = "不足" if facts.kind == "member" else "问题"
    directions = "下阶段工作建议" if is_org else "整改意见建议"
    needs_summary = is_org and facts.form not in WITHOUT_SUMMARY
    checks = [
        (facts.held_on is None, "held_on", "请填写点评时间"),
        (not facts.place.strip(), "place", "请填写点评地点"),
        (not facts.form, "form", "请选择点评形式"),
        (facts.form == "topical" and not facts.form_note.strip(), "form_note", "专题点评请写明是哪一项专题活动"),
        (facts.form == "other" and not facts.form_note.strip(), "form_note", "其他形式请写明是怎样点评的"),
        (
            facts.assists_local_committee and not facts.assisted_committee.strip(),
            "assisted_committee",
            "请填写当地党委名称（协助地方党委点评）",
        ),
        (
            needs_summary and not facts.prior_summary.strip(),
            "prior_summary",
            "请填写前段小结（现场点评和随机点评可以不填）",
        ),
        (not facts.achievements.strip(), "achievements", "请填写主要成绩"),
        (not any(text.strip() for text in facts.problems), "problems", f"请至少指出一条存在的{problem}"),
        (not facts.directions.strip(), "directions", f"请填写{directions}，指明努力方向"),
    ]
    found = [Lack(name, message) for is_missing, name, message in checks if is_missing]
    found += [
        Lack("answers", f"窗口单位请对“{text}”作出评价" if text else "窗口单位请逐条作出评价")
        for text in facts.unanswered_window_points
    ]
    return found


def hints(facts: Facts) -> list[Lack]:
    """What would be better otherwise, but stands in nobody's way."""
    found = []
    misfit = form_hint(facts.form, facts.reviewer_role, facts.kind)
    if misfit:
        found.append(Lack("form", misfit))
    if facts.form == "meeting" and not facts.form_note.strip():
        found.append(Lack("form_note", "集中点评最好写明是什么会议，例如支部党员大会、民主生活会、组织生活会"))
    if facts.form == "on_site" and not facts.form_note.strip():
        found.append(Lack("form_note", "现场点评最好写明场合，例如调查研究、检查指导、走访慰问"))
    found += [Lack("answers", f"重点要点“{text}”还没有评价") for text in facts.unanswered_stressed_points]
    return found


def form_hint(form: str, reviewer_role: str, target_kind: str) -> str | None:
    """A hint where form, actor and target do not fit (R31a), else None.

    `reviewer_role`: team_head, team_member (of a 党组, 党委, 机关党委 or 党总支), branch_head, branch_member or "" (not known).
    `target_kind`: a ContentKind. It never says that a form is forbidden: units may find their own (R26).
    """
    is_head = reviewer_role in ("team_head", "branch_head", "")
    in_team = reviewer_role in ("team_head", "team_member", "")
    is_org = target_kind in ORGANIZATIONS
    misfits = {
        "meeting": [
            (
                target_kind == "team",
                "集中点评一般用于基层党组织、班子成员和党员，对党组（党委）可用现场点评或专题点评。",
            ),
        ],
        "individual": [
            (is_org, "个别点评一般面对面点评所属党组织的书记或党员，不用于党组织。"),
            (not is_head, "个别点评一般由党组织负责人进行。"),
        ],
        "on_site": [
            (not in_team, "现场点评一般由党组（党委）成员、基层党委（总支）成员在调研、检查、走访时进行。"),
        ],
        "random": [
            (not is_org, "随机点评一般随机抽取一些单位进行，不用于个人。"),
        ],
        "topical": [
            (not is_head, "专题点评一般由党组织负责人进行。"),
        ],
    }
    found = [text for is_misfit, text in misfits.get(form, []) if is_misfit]
    return "".join(found) + OWN_WAYS if found else None
