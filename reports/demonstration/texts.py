"""What the invented reviews say: sentences of the field, put together by turn. Pure."""

from __future__ import annotations

from dataclasses import dataclass

ACHIEVEMENTS = {
    "team": [
        "认真履行抓党建工作责任，把创先争优活动与质检中心工作同部署、同检查，“质量提升”活动任务按期完成。",
        "重视领导班子建设，坚持民主集中制，惩治和预防腐败体系建设各项任务分解到人。",
        "组织领导有力，本单位和所属单位活动方案齐全，领导点评面达到预期。",
    ],
    "base": [
        "主题突出质检特色，设立党员先锋岗，公开承诺上墙，业务差错率比上半年下降。",
        "学习型党组织建设有声有色，坚持每月一次集中学习，党员撰写心得体会。",
        "结合检测工作整顿，主动服务企业，帮助企业解决技术难题，受到好评。",
    ],
    "head": [
        "带头抓党建工作责任制落实，亲自讲党课，带头参加志愿服务。",
        "作为直接责任人，对活动抓得紧、抓得实，带动支部形成比学赶超的氛围。",
    ],
    "member": [
        "立足本职，业务熟练，全年无差错，主动承担急难任务。",
        "公开承诺的两件实事已经完成，服务企业态度热情，群众反映好。",
        "学习自觉，参加岗位练兵取得好成绩，廉洁自律。",
    ],
}
PROBLEMS = {
    "team": [
        "对基层党组织活动的分类指导不够，个别单位工作进展不平衡。",
        "调查研究不够深入，帮助基层解决实际困难的办法不多。",
        "惩防体系建设中对重点岗位的监督还有薄弱环节。",
    ],
    "base": [
        "活动载体不够新颖，吸引力不强。",
        "公开承诺事项个别党员履行不及时，缺少检查。",
        "组织生活会批评意见偏少，质量有待提高。",
        "台账记录不够规范，有漏记现象。",
    ],
    "head": ["与党员谈心谈话次数偏少。", "抓活动有时停留在布置上，检查督促不够。"],
    "member": [
        "理论学习系统性不够，学习笔记不完整。",
        "联系企业和群众不够主动，走访次数偏少。",
        "工作创新意识不强，满足于完成任务。",
        "文字材料质量有待提高。",
    ],
}
DIRECTIONS = {
    "team": "加强分类指导，年底前对进展较慢的单位逐一督促；班子成员分片联系基层，每人帮助解决一至两个实际问题。",
    "base": "丰富活动载体，完善承诺、践诺、评诺机制，按月检查公开承诺落实情况，并建立台账。",
    "head": "坚持谈心谈话制度，每季度与每名党员至少谈心一次，对布置的工作跟踪到底。",
    "member": "制定个人学习计划，每周学习不少于两小时；主动联系一至两家企业，帮助解决实际困难。",
}
SUMMARIES = [
    "按照上级党组织部署，制定活动方案，开展公开承诺，组织党员参加“质量提升”活动，各项工作按计划推进，存在活动载体单一等问题。",
    "前一阶段召开动员会一次，组织集中学习六次，设立党员示范岗，走访企业十余家，为群众办实事八件。",
]
PLACES = ["会议室", "党员活动室", "办公楼三层会议室", "检务大厅", "实验室"]
MEETINGS = ["支部党员大会", "组织生活会", "民主生活会", "支委会", "基层党组织书记会"]
MEASURES = [
    "列出清单，明确专人，每周检查一次。",
    "修订学习计划，增加集中学习次数，年底前补齐。",
    "建立联系点制度，每月走访一次并做记录。",
]
PROGRESS = ["已完成清单梳理，正在逐项落实。", "本月走访企业两家，收集意见五条。"]
COPIED_EVERY = 15
OUTCOMES = ["各项措施已落实，台账补齐，支部大会通报了结果。", "已按计划完成学习和走访，群众反映良好。"]


@dataclass(frozen=True)
class Texts:
    """The texts of one record."""

    achievements: str
    problems: tuple[str, ...]
    directions: str
    prior_summary: str


def group_of(kind: str) -> str:
    """The palette for a ContentKind."""
    return "head" if kind.endswith("_head") else kind


def texts(kind: str, turn: int) -> Texts:
    """Texts for the `turn`th record of this kind: each with facts of its own, but for a few that copy others."""
    group = group_of(kind)
    problems = PROBLEMS[group]
    count = 1 if group in ("member", "head") and turn % 3 else 2
    facts = f"参加集中学习{8 + turn % 17}次，走访企业{2 + turn % 11}家，办实事{1 + turn % 7}件。"
    return Texts(
        achievements=ACHIEVEMENTS[group][turn % len(ACHIEVEMENTS[group])] + (facts if turn % COPIED_EVERY else ""),
        problems=tuple(problems[(turn + n) % len(problems)] for n in range(count)),
        directions=DIRECTIONS[group],
        prior_summary=SUMMARIES[turn % len(SUMMARIES)] if group in ("team", "base") else "",
    )
