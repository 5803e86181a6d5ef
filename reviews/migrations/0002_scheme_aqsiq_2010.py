"""The rules of the 2010 notice (二（一）, domain.md section 2) and what a review looks at (二（二）, R16 to R25), as rows."""

from django.db import migrations

SCHEME = "aqsiq-2010"
GROUP, COMMITTEE, ORGAN, GENERAL, BRANCH = "group", "committee", "organ_committee", "general_branch", "branch"
TEAMS = (GROUP, COMMITTEE)
BUREAUX = [(name, kind) for name in ("直属检验检疫局", "省级质监局", "分支机构") for kind in TEAMS]

PRINCIPLE = "领导点评原则上按照党组织隶属关系和领导分工进行，逐级点评。"
FIRST = (
    "总局党组负责对认监委、标准委党组，总局党组和总局直属机关党委负责对认监委直属机关党委、标准委机关党委，"
    "总局机关各党支部和各直属挂靠单位党委（总支、支部）及其负责人进行点评。"
)
SECOND = (
    "地方两局党组（党委）负责对其下级党组（党委）及其负责人进行点评；对分管的机关内设机构和直属单位基层党组织及其负责人进行点评。"
    "党组（党委）书记要对本班子成员进行点评。"
)
THIRD = "直属挂靠单位党委（党总支）书记负责对下一级基层党组织及其书记进行点评，同时对班子成员进行点评。"
FOURTH = "党支部书记负责对本支部党员进行点评。"
FIFTH = (
    "根据中央创先争优活动领导小组办公室关于总局党组要加强对质检系统开展创先争优活动的指导的要求，总局党组协助地方党委，"
    "对各直属检验检疫局党组及其负责人，对各省、自治区、直辖市质量技术监督局党组（党委）组织开展创先争优活动情况进行点评。"
)

# code, clause, text, reviewer kind, reach, what is targeted, basis, cadence, switches, selectors by side
RULES = [
    ("1A", "二（一）1", FIRST, "org", "child", "org head", "affiliation", "half_year", "",
     {"reviewer": [("总局", GROUP)], "target": [("国家委", GROUP)]}),
    ("1B", "二（一）1", FIRST, "org", "below", "org head", "affiliation", "half_year", "is_joint",
     {"reviewer": [("总局", GROUP)], "co_reviewer": [("总局机关", ORGAN)],
      "target": [("国家委", ORGAN), ("总局机关", ""), ("直属挂靠单位", "")]}),
    ("2A", "二（一）2", SECOND, "org", "child", "org head", "affiliation", "half_year", "",
     {"reviewer": BUREAUX, "target": [("分支机构", kind) for kind in TEAMS]}),
    ("2B", "二（一）2", SECOND, "org", "field", "org head", "division", "half_year", "",
     {"reviewer": BUREAUX, "target": [("机关内设机构", ""), ("直属单位", "")]}),
    ("2C", "二（一）2", SECOND, "person", "own", "team", "team", "year", "", {"reviewer": BUREAUX}),
    ("3A", "二（一）3", THIRD, "person", "child", "org head", "affiliation", "half_year", "",
     {"reviewer": [("直属挂靠单位", COMMITTEE), ("直属挂靠单位", GENERAL)]}),
    ("3B", "二（一）3", THIRD, "person", "own", "team", "team", "year", "",
     {"reviewer": [("直属挂靠单位", COMMITTEE), ("直属挂靠单位", GENERAL)]}),
    ("4", "二（一）4", FOURTH, "person", "own", "members", "affiliation", "year", "", {"reviewer": [("", BRANCH)]}),
    ("5A", "二（一）5", FIFTH, "org", "below", "org head", "guidance", "half_year", "assists_local_committee",
     {"reviewer": [("总局", GROUP)], "target": [("直属检验检疫局", kind) for kind in TEAMS]}),
    ("5B", "二（一）5", FIFTH, "org", "below", "org", "guidance", "half_year", "assists_local_committee",
     {"reviewer": [("总局", GROUP)], "target": [("省级质监局", kind) for kind in TEAMS]}),
    ("0", "二（一）", PRINCIPLE, "org", "child", "org head", "affiliation", "half_year", "is_leftover", {}),
]  # fmt: skip

OVERALL = "推动科学发展、促进社会和谐、服务人民群众、加强基层组织的情况"
# kind -> (text, stressed), in the order of the notice
CHECKLISTS = {
    "team": ("二（二）1", [
        ("履行抓党建工作责任情况", False),
        ("加强基层党组织领导班子建设情况", False),
        ("推动惩治和预防腐败体系建设情况", False),
        ("组织领导本单位本系统开展“以质取胜、创先争优”活动情况", False),
        ("是否在做好质检中心工作、全力推动提高产品质量上创先争优", True),
        ("是否在加强内部管理、不断提高内部工作质量和服务质量上创先争优", True),
        ("是否在加强队伍建设、不断提高人员思想政治素质和业务能力上创先争优", True),
        ("创建“五个好”先进基层党组织情况", False),
        (OVERALL, False),
        ("学习贯彻党的十七届五中全会精神情况", False),
    ]),
    "team_head": ("二（二）1", [
        ("作为落实党建工作责任制的第一责任人履行职责情况", True),
        ("组织领导创先争优活动情况", True),
        ("作为党员领导干部带头争当优秀情况", True),
    ]),
    "base": ("二（二）2", [
        ("开展“以质取胜、创先争优”活动情况", False),
        ("党风廉政建设制度落实情况", False),
        ("活动的主题是否突出质检特色", True),
        ("载体是否新颖", True),
        ("创先争优活动是否促进了质检工作", True),
        ("公开承诺是否做到全覆盖并得到认真履行", True),
        ("为企业为群众办实事解难题是否得到有效落实", True),
        ("学习型党组织建设是否有效开展", True),
        ("党组织和党员队伍建设以及反腐倡廉建设是否得到加强", True),
        ("创建“五个好”先进基层党组织情况", False),
        (OVERALL, False),
        ("学习贯彻党的十七届五中全会精神情况", False),
    ]),
    "base_head": ("二（二）2", [
        ("作为党建工作直接责任人履行职责情况", True),
        ("组织开展创先争优活动情况", True),
        ("带头争当优秀情况", True),
    ]),
    "member": ("二（二）3", [
        ("是否立足本职创一流业绩", True),
        ("是否进行了公开承诺并认真践诺", True),
        ("是否有联系和服务企业、群众的具体行动", True),
        ("是否廉洁自律", True),
        ("是否按照学习型党组织建设的要求自觉开展学习", True),
        ("争当“五带头”优秀共产党员情况", False),
    ]),
    "window": ("二（二）", [
        ("服务态度", True),
        ("服务质量", True),
        ("服务效果", True),
        ("为企业、群众办实事解难题", True),
    ]),
}  # fmt: skip


def ship(apps, schema_editor):
    scheme = apps.get_model("orgs", "Scheme").objects.get(code=SCHEME)
    category = {row.name: row for row in apps.get_model("orgs", "Category").objects.filter(scheme=scheme)}
    rule_model, selector = apps.get_model("reviews", "Rule"), apps.get_model("reviews", "RuleSelector")
    for order, (code, clause, text, kind, reach, targets, basis, cadence, switch, sides) in enumerate(RULES, start=1):
        rule = rule_model.objects.create(
            scheme=scheme, code=code, order=order, clause=clause, text=text, reviewer_kind=kind, reach=reach, basis=basis,
            cadence=cadence, **{f"targets_{name}": True for name in targets.split()}, **({switch: True} if switch else {}),
        )  # fmt: skip
        selector.objects.bulk_create(
            selector(rule=rule, side=side, category=category.get(name), org_type=org_type)
            for side, rows in sides.items()
            for name, org_type in rows
        )
    point = apps.get_model("reviews", "ChecklistPoint")
    point.objects.bulk_create(
        point(scheme=scheme, kind=kind, order=order, text=text, is_stressed=stressed, clause=clause)
        for kind, (clause, rows) in CHECKLISTS.items()
        for order, (text, stressed) in enumerate(rows, start=1)
    )


def take_back(apps, schema_editor):
    for name in ("RuleSelector", "Rule", "ChecklistPoint"):
        apps.get_model("reviews", name).objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("reviews", "0001_initial"), ("orgs", "0002_scheme_aqsiq_2010")]
    operations = [migrations.RunPython(ship, take_back)]
