"""The columns of the four sheets: headers, what a cell may hold, and how it is cleaned. One list for everything:
import, export, the template and its notes are made from it.

Pure: knows nothing of Django. Values are those of the models' choices (a test holds the two together).
"""

from __future__ import annotations

import datetime
import difflib
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ORGS, PEOPLE, POSTS, CHARGES = "组织", "人员", "任职", "分管"
NOTES = "说明"
OVERVIEW = "组织一览"  # of the template; not imported
BLANKS = " \t\r\n\v\f\u3000\u00a0\ufeff"
NONE_CODE = "-"
LAST_ORDER = 2**31 - 1

ORG_TYPES = {
    "党组": "group", "党委": "committee", "机关党委": "organ_committee", "党总支": "general_branch", "党支部": "branch",
}  # fmt: skip
RELATIONS = {"隶属": "affiliation", "指导": "guidance"}
GENDERS = {"男": "male", "女": "female"}
MEMBER_KINDS = {"正式党员": "full", "预备党员": "probationary"}
STATUSES = {"正常": "normal", "停止党籍": "suspended", "出党": "expelled", "已转出": "left", "已故": "deceased"}
ROLES = {"书记": "secretary", "副书记": "deputy", "委员": "member", "成员": "member"}
CHARGE_KINDS = {"主管": "lead", "协管": "assist"}
FLAGS = {"是": True, "否": False}


@dataclass(frozen=True)
class Fault:
    """A cell whose content is lost; `kind` is one of FAULTS."""

    kind: str


FAULTS = {
    "error": ("单元格是错误值（如 #N/A、#REF!）", "改正公式，或直接填写值"),
    "formula": ("公式没有计算结果", "用 Excel 或 WPS 打开后保存一次，或把公式粘贴为值"),
    "merged": ("单元格被合并，内容只在合并区域的左上角", "取消合并单元格，每行都填写"),
    "above": ("与上一行的单元格合并了，这一列每行的内容都不同", "取消合并单元格，每行都填写"),
    "time": ("是时间，不是日期", "填写日期，例如 2010-12-31"),
}


HIDDEN = frozenset({Fault("merged"), Fault("above")})  # by merging; "above": with cells of its own column only


class Bad(Exception):
    """A cell that cannot be taken: what is wrong, and the cure."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


@dataclass(frozen=True)
class Options:
    """What the user said is meant."""

    new_root: bool = False
    numeric_codes: bool = False
    answers: tuple[tuple[str, str], ...] = ()  # what the file writes -> the code that was chosen for it
    drawn: str = ""  # the fingerprint of the hierarchy that was looked at and found right


Cleaner = Callable[["Column", Any, Options], Any]


@dataclass(frozen=True)
class Column:
    """One column: the field it fills, its header, how its cells are cleaned and what an empty one means."""

    name: str
    header: str
    clean: Cleaner
    required: bool = False
    empty: Any = ""
    words: Mapping[str, Any] = field(default_factory=dict)
    length: int = 0
    note: str = ""
    width: int = 14
    text: bool = True  # the column is formatted as text, so that zeros stay

    @property
    def title(self) -> str:
        """The header as the template writes it."""
        return f"{self.header}★" if self.required else self.header

    def value(self, cell: Any, options: Options) -> Any:
        """The cleaned value. Raises Bad."""
        if cell.__class__ is str:
            cell = cell.strip(BLANKS)
            if cell:
                return self.clean(self, cell, options)
        if isinstance(cell, Fault):
            raise Bad(*FAULTS[cell.kind])
        if cell is None or cell == "":
            if self.required:
                raise Bad("不能为空", "请填写")
            return self.empty
        return self.clean(self, cell, options)

    def show(self, value: Any) -> str:
        """A stored value as the workbook writes it."""
        if value is None or value == "":
            return ""
        for word, meant in self.words.items():
            if meant == value:
                return word
        return str(value)


# --- cleaning ----------------------------------------------------------------------------------------------------

# Invisible though not format characters: hangul fillers, the combining grapheme joiner, blank braille.
INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u034f\u2800")


BREAKS = {"U+000A": "换行", "U+000D": "换行", "U+2028": "换行", "U+2029": "换行", "U+0009": "制表符"}


def hidden_character(text: str) -> str:
    """The code point ("U+200B") of a control, zero-width or bidirectional character; "" where there is none."""
    if text.isprintable() and INVISIBLE.isdisjoint(text):
        return ""
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") or character in INVISIBLE:
            return f"U+{ord(character):04X}"
    return ""


def code(column: Column, cell: Any, options: Options) -> str:
    """A code: text, folded (NFKC). A number is refused unless it is said to be meant: its zeros may be lost."""
    if isinstance(cell, bool):
        raise Bad("是逻辑值（TRUE/FALSE），不是代码", "把该列设为文本格式后重新填写代码")
    if isinstance(cell, datetime.date):
        raise Bad(f"是日期（{cell}），不是代码", "把该列设为文本格式后重新填写代码")
    if isinstance(cell, int | float):
        if not options.numeric_codes:
            raise Bad(
                f"是数字 {_digits(cell)}，不是文本，开头的 0 可能已经丢失",
                "把该列设为文本格式后重新填写；确认没有丢失 0 时，可选择“接受数字格式的代码”",
            )
        if not float(cell).is_integer() or not 0 <= cell < 1e15:
            raise Bad(f"数字 {cell} 不能当作代码", "把该列设为文本格式后重新填写代码")
        return str(int(cell))
    if is_plain_code(column, cell):
        return cell  # nearly all of them
    bad = hidden_character(cell)
    if bad:
        raise Bad(f"含有看不见的字符 {bad}", "删除后重新输入")
    folded = unicodedata.normalize("NFKC", cell).strip(BLANKS)
    if len(folded) > column.length:
        raise Bad(f"超过 {column.length} 个字符", "请缩短")
    if any(character.isspace() for character in folded) or "/" in folded or "\\" in folded:
        raise Bad(f'代码 "{folded}" 里有空格或斜杠', "代码只用字母、数字、汉字和短横线")
    if not folded or (not folded.strip("-.") and not (folded == NONE_CODE and column.words)):
        raise Bad(f'"{cell}" 不能当作代码', "代码要有字母或数字")
    return folded


def is_plain_code(column: Column, cell: Any) -> bool:
    """Whether cleaning leaves this cell of a column of codes as it is, without a look at each character."""
    return cell.__class__ is str and cell.isascii() and cell.isalnum() and len(cell) <= column.length


def _digits(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def name(column: Column, cell: Any, options: Options) -> str:
    """A name: kept as it is, never folded; a number, a truth value, a date or several lines are no name."""
    if isinstance(cell, bool):
        raise Bad("是逻辑值（TRUE/FALSE），不是名称", "请填写文字")
    if isinstance(cell, int | float):
        raise Bad(f"是数字 {_digits(cell)}，不是名称", "请填写文字")
    if isinstance(cell, datetime.date):
        raise Bad(f"是日期（{cell}），不是名称", "请填写文字")
    bad = hidden_character(cell)
    if bad in BREAKS:
        raise Bad(f"中间有{BREAKS[bad]}", f"删除{BREAKS[bad]}，写成一行")
    if bad:
        raise Bad(f"含有看不见的字符 {bad}", "删除后重新输入")
    if len(cell) > column.length:
        raise Bad(f"超过 {column.length} 个字（现有 {len(cell)} 个）", "请缩短")
    return cell


def text(column: Column, cell: Any, options: Options) -> str:
    """Free text; line breaks become blanks, other control characters are refused."""
    if isinstance(cell, bool):
        raise Bad("是逻辑值（TRUE/FALSE），不是文字", "请填写文字")
    cell = _digits(cell) if isinstance(cell, int | float) else str(cell)
    cell = re.sub(r"[\t\r\n]+", " ", cell).strip(BLANKS)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in cell if not character.isprintable()):
        raise Bad("含有控制字符", "删除后重新输入")
    if len(cell) > column.length:
        raise Bad(f"超过 {column.length} 个字（现有 {len(cell)} 个）", "请缩短")
    return cell


def word(column: Column, cell: Any, options: Options) -> Any:
    """One of the column's words."""
    if isinstance(cell, str) and cell in column.words:
        return column.words[cell]
    if isinstance(cell, bool) and set(column.words.values()) == {True, False}:
        return cell
    shown = "TRUE" if cell is True else "FALSE" if cell is False else cell
    hint = probably(str(shown), column.words)
    raise Bad(f'不认识 "{str(shown)[:50]}"{hint}', "只能填：" + "、".join(column.words))


def probably(written: str, words: Iterable[str]) -> str:
    """ "，是否指 "党支部"？" for the nearest of the words that are allowed; "" when none is near."""
    return _nearest(written[:50], tuple(words))


@functools.lru_cache(maxsize=2000)  # the same few words are mistyped over and over
def _nearest(written: str, words: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(unicodedata.normalize("NFKC", written), words, 1, 0.6)
    return f'，是否指 "{near[0]}"？' if near else ""


DATES = (
    re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"),
    re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日"),
    re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})"),
    re.compile(r"(\d{4})\.(\d{1,2})"),
    re.compile(r"(\d{4})年(\d{1,2})月"),
    re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
)
MIDNIGHT = re.compile(r"\s+0?0:00(:00(\.0+)?)?$")
SERIALS = range(3654, 73051)  # 1910 to 2099, as spreadsheets count days
DATE_CURE = "日期写成 2010-12-31、2010年12月31日、2010/12/31 或 2010.12"


def date(column: Column, cell: Any, options: Options) -> datetime.date:
    """A date in one of the usual spellings. A number is refused, but for an unmistakable 2010.12 or 20101231."""
    if isinstance(cell, datetime.date):
        return _sensible(cell)
    if isinstance(cell, bool):
        raise Bad("是逻辑值（TRUE/FALSE），不是日期", DATE_CURE)
    if isinstance(cell, int | float):
        written = repr(float(cell))
        if re.fullmatch(r"(19|20)\d{6}\.0", written):
            written = written[:8]
        elif not re.fullmatch(r"\d{4}\.(0[1-9]|1[0-2]|[2-9])", written):
            # 2010.1 is January or October: the spreadsheet drops the zero.
            raise Bad(
                f"是数字 {_digits(cell)}，看不出是哪一天" + _serial(cell), DATE_CURE + "（把单元格设为日期或文本格式）"
            )
        cell = written
    folded = MIDNIGHT.sub("", unicodedata.normalize("NFKC", cell))
    for pattern in DATES:
        match = pattern.fullmatch(folded)
        if match:
            year, month, *day = (int(part) for part in match.groups())
            try:
                return _sensible(datetime.date(year, month, day[0] if day else 1))
            except ValueError:
                raise Bad(f'没有 "{cell}" 这一天', DATE_CURE) from None
    raise Bad(f'看不懂日期 "{cell[:50]}"', DATE_CURE)


def _serial(number: float) -> str:
    """The day that a spreadsheet would show for this number."""
    if float(number).is_integer() and int(number) in SERIALS:
        return f"，可能是 {datetime.date(1899, 12, 30) + datetime.timedelta(days=int(number))}"
    return ""


def _sensible(day: datetime.date) -> datetime.date:
    if not 1900 <= day.year <= 2199:
        raise Bad(f"年份 {day.year} 不合理", "年份应在 1900 至 2199 之间")
    return day


def number(column: Column, cell: Any, options: Options) -> int:
    """A whole number from 0."""
    if not isinstance(cell, bool):
        if isinstance(cell, str):
            folded = unicodedata.normalize("NFKC", cell)
            found = int(folded) if re.fullmatch(r"[0-9]{1,10}", folded) else -1
        elif isinstance(cell, int | float) and float(cell).is_integer():
            found = int(cell)
        else:
            found = -1
        if 0 <= found <= LAST_ORDER:
            return found
    raise Bad(f'"{str(cell)[:50]}" 不是不小于 0 的整数', "请填写整数，例如 10")


MASKED = object()


def mobile(column: Column, cell: Any, options: Options) -> Any:
    """A number to call; MASKED when it is masked (138****1234)."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        cell = _digits(cell)
    if cell.__class__ is str and cell.isascii() and cell.isdigit() and 6 <= len(cell) <= 19:
        return cell  # nearly all of them
    folded = unicodedata.normalize("NFKC", str(cell))
    if "*" in folded:
        return MASKED
    if not re.fullmatch(r"\+?[0-9][0-9 \-]{4,18}", folded):
        raise Bad(f'"{str(cell)[:30]}" 不是电话号码', "请填写 11 位手机号码")
    return folded


# --- the list -----------------------------------------------------------------------------------------------------

YES_NO = "是 或 否；空白为“否”"
ALWAYS = "空白表示“一直”"

SHEETS: dict[str, tuple[Column, ...]] = {
    ORGS: (
        Column("code", "组织代码", code, True, length=40, width=18, note="唯一、不变；全角字母数字自动转为半角；请用文本格式，001 才不会变成 1"),
        Column("name", "组织名称", name, True, length=200, width=40, note="全称，不超过 200 字"),
        Column("org_type", "组织类型", word, True, words=ORG_TYPES, note="党组、党委、机关党委、党总支、党支部"),
        Column("category", "单位类别", name, True, length=50, width=16, note="现行方案的单位类别之一，决定适用哪一条规则"),
        Column("short_name", "简称", name, length=100, width=18, note="列表中显示的短名，可空"),
        Column("parent", "上级代码", code, empty=None, length=40, width=18, note="上级组织的组织代码；空白表示根组织（全系统只应有一个）；上级可以排在后面"),
        Column("relation", "关系", word, empty="affiliation", words=RELATIONS, width=8, note="隶属 或 指导；空白为“隶属”"),
        Column("is_window_unit", "窗口单位", word, empty=False, words=FLAGS, width=10, note=YES_NO),
        Column("founded_on", "成立日期", date, empty=None, note=ALWAYS, text=False),
        Column("dissolved_on", "撤销日期", date, empty=None, note="自这一天起不再存在；空白表示仍存在", text=False),
        Column("order", "排序", number, empty=0, width=8, note="同级中的先后，整数，小的在前；空白为 0", text=False),
    ),
    PEOPLE: (
        Column("number", "人员编号", code, True, length=40, width=16, note="唯一、不变；请用文本格式；不要使用身份证号码"),
        Column("name", "姓名", name, True, length=100, width=12, note="不超过 100 字"),
        Column("branch", "所属支部代码", code, True, words={NONE_CODE: None}, length=40, width=18, note="必须是党支部；填 - 表示不在本系统的支部。改动即为组织关系转移"),
        Column("title", "单位及职务", text, length=200, width=30, note="例如：办公厅副主任"),
        Column("gender", "性别", word, words=GENDERS, width=8, note="男 或 女"),
        Column("born_on", "出生日期", date, empty=None, text=False),
        Column("joined_on", "入党日期", date, empty=None, text=False),
        Column("kind", "人员类别", word, empty="full", words=MEMBER_KINDS, note="正式党员 或 预备党员；空白为“正式党员”"),
        Column("status", "党籍状态", word, empty="normal", words=STATUSES, note="正常、停止党籍、出党、已转出、已故；空白为“正常”"),
        Column("mobile", "手机", mobile, length=20, width=16, note="可空；遮盖的号码（138****1234）表示不改"),
        Column("moved_on", "转入日期", date, empty=None, note="转入所属支部的日期；转移时空白为导入当天，首次填写时空白表示“一直”", text=False),
        Column("note", "备注", text, length=500, width=30),
    ),
    POSTS: (
        Column("person", "人员编号", code, True, length=40, width=16, note="已有的或本文件“人员”表里的"),
        Column("organization", "组织代码", code, True, length=40, width=18, note="任职的组织"),
        Column("role", "职务", word, True, words=ROLES, note="书记、副书记、委员、成员（党组用“成员”，其他用“委员”，填哪个都可以）"),
        Column("from_on", "任职日期", date, empty=None, note=ALWAYS, text=False),
        Column("to_on", "免职日期", date, empty=None, note="自这一天起不再担任；空白表示仍在任", text=False),
        Column("is_acting", "主持工作", word, empty=False, words=FLAGS, width=10, note="书记空缺时主持工作的填“是”；空白为“否”"),
    ),
    CHARGES: (
        Column("person", "人员编号", code, True, length=40, width=16, note="在班子里任职的人"),
        Column("team", "所在班子代码", code, True, length=40, width=18, note="他任职的组织"),
        Column("organization", "分管组织代码", code, True, length=40, width=18, note="在该班子之下的组织（隶属或指导）"),
        Column("kind", "主次", word, empty="lead", words=CHARGE_KINDS, width=8, note="主管 或 协管；空白为“主管”"),
        Column("from_on", "起始日期", date, empty=None, note=ALWAYS, text=False),
        Column("to_on", "终止日期", date, empty=None, note="自这一天起不再分管", text=False),
    ),
}  # fmt: skip
# What others call these columns, the nearest name first; the name of the template always goes before.
PARENT = (
    "上级组织代码", "上级党组织代码", "上级单位代码", "上级编码", "上级编号", "上级组织编码", "父级代码", "所属上级代码", "隶属组织代码",
    "上级组织", "上级党组织", "上级单位", "所属上级", "隶属组织", "上级", "父级",
)  # fmt: skip
NUMBER = ("工号", "人员代码", "人员工号", "党员编号", "编号", "员工号", "人员编码")
ORG_CODE = ("党组织代码", "组织编码", "组织编号", "党组织编码", "单位代码", "机构代码")
SYNONYMS: dict[str, dict[str, tuple[str, ...]]] = {
    ORGS: {
        "code": (*ORG_CODE, "代码", "编码"),
        "name": ("党组织名称", "组织全称", "党组织全称", "单位名称", "机构名称", "名称", "全称"),
        "org_type": ("党组织类型", "组织类别", "党组织类别", "类型"),
        "category": ("单位类型", "单位性质", "机构类别"),
        "short_name": ("组织简称", "党组织简称", "单位简称"),
        "parent": PARENT,
        "relation": ("与上级关系", "隶属关系", "领导关系"),
        "is_window_unit": ("是否窗口单位", "是否窗口"),
        "founded_on": ("成立时间", "建立日期", "建立时间", "设立日期"),
        "dissolved_on": ("撤销时间", "撤消日期"),
        "order": ("排序号", "顺序", "顺序号"),
    },
    PEOPLE: {
        "number": NUMBER,
        "name": ("党员姓名", "人员姓名"),
        "branch": ("支部代码", "党支部代码", "所在支部代码", "所在党支部代码", "所属党支部代码", "所属支部", "所属党支部", "所在支部", "所在党支部"),
        "title": ("职务", "单位职务", "工作单位及职务"),
        "born_on": ("出生年月", "出生年月日", "生日"),
        "joined_on": ("入党时间", "入党年月"),
        "kind": ("党员类别", "党员类型"),
        "status": ("状态", "党员状态"),
        "mobile": ("手机号", "手机号码", "移动电话", "联系电话"),
        "moved_on": ("转入时间",),
    },
    POSTS: {
        "person": NUMBER,
        "organization": (*ORG_CODE, "任职组织代码", "任职组织", "所在组织代码"),
        "role": ("党内职务", "任职职务"),
        "from_on": ("任职时间", "任职起始日期"),
        "to_on": ("免职时间", "离任日期", "任职终止日期"),
        "is_acting": ("是否主持工作", "是否主持"),
    },
    CHARGES: {
        "person": NUMBER,
        "team": ("班子代码", "所在组织代码", "所在班子"),
        "organization": ("分管单位代码", "被分管组织代码", "分管组织", "分管单位"),
        "kind": ("分管方式", "主管协管"),
        "from_on": ("起始时间", "开始日期", "分管起始日期"),
        "to_on": ("终止时间", "结束日期", "分管终止日期"),
    },
}  # fmt: skip
# Columns in which many rows say the same: a cell merged over several rows is meant for each of them.
SHARED: dict[str, tuple[str, ...]] = {
    ORGS: ("org_type", "category", "parent", "relation", "is_window_unit", "founded_on"),
    PEOPLE: ("branch", "title", "gender", "joined_on", "kind", "status", "moved_on"),
    POSTS: ("person", "organization", "role", "from_on", "to_on"),
    CHARGES: ("person", "team", "organization", "kind", "from_on", "to_on"),
}
BY_NAME: dict[str, dict[str, Column]] = {
    sheet: {column.name: column for column in columns} for sheet, columns in SHEETS.items()
}


def header_key(cell: Any) -> str:
    """A header for comparing: without any white space and without the star of a required column."""
    if not isinstance(cell, str):
        return ""
    return re.sub(r"[\s\u3000\u00a0\ufeff]+", "", cell).rstrip("★*＊")


def key(value: str) -> str:
    """Codes are compared without regard to case."""
    return value.casefold()


def role_word(role: str, org_type: str) -> str:
    """委员, or 成员 in a 党组."""
    if role == "member":
        return "成员" if org_type == "group" else "委员"
    return "书记" if role == "secretary" else "副书记"
