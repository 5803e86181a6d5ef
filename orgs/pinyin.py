"""Chinese names as they are typed without an input method: 赵家梓 by zhaojiazi or zjz.

Stored beside the names by the verbs that write them, so that a search asks an index. A reading that is wrong for a
person is corrected by hand in the admin, and stays until the name changes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q
from pypinyin import lazy_pinyin

if TYPE_CHECKING:
    from orgs.models import Organization, Person

LENGTH = 200
# model: written field -> where its reading and its initials are stored
STORED = {
    "person": {"name": ("pinyin", "initials")},
    "organization": {"name": ("pinyin", "initials"), "short_name": ("short_pinyin", "short_initials")},
}
SUFFIX = re.compile("(党组|党委|党总支|党支部)$")
CHINESE = re.compile("[\u3400-\u9fff]")
# A surname is often read otherwise than the word.
SURNAMES = {
    "尉迟": ["yu", "chi"], "万俟": ["mo", "qi"], "长孙": ["zhang", "sun"], "令狐": ["ling", "hu"],
    "单": ["shan"], "解": ["xie"], "仇": ["qiu"], "曾": ["zeng"], "查": ["zha"], "区": ["ou"], "朴": ["piao"],
    "任": ["ren"], "盖": ["ge"], "覃": ["qin"], "翟": ["zhai"], "缪": ["miao"], "乐": ["yue"], "员": ["yun"],
    "黑": ["he"], "折": ["she"], "召": ["shao"], "繁": ["po"], "种": ["chong"], "秘": ["bi"], "冼": ["xian"],
    "华": ["hua"], "那": ["na"], "燕": ["yan"], "洗": ["xian"], "隗": ["wei"], "车": ["che"], "尹": ["yin"],
}  # fmt: skip
# Characters whose reading hangs on the word (长春, 张长江; 银行, 行政): only names with them are cut into words,
# which takes fifty times as long.
BY_WORD = frozenset("长行厦重乐都堡番调蚌朝")


@lru_cache(maxsize=30_000)
def _character(character: str) -> str:
    return typed(lazy_pinyin(character)[0])


def _syllables(text: str) -> list[str]:
    """One for each character, of letters and digits only; empty for what is neither and has no reading."""
    if BY_WORD.isdisjoint(text):
        return list(map(_character, text))
    found = lazy_pinyin(text, errors=lambda rest: list(rest))  # type: ignore[arg-type,return-value]
    return [typed(syllable) for syllable in found]


def _joined(syllables: Iterable[str]) -> tuple[str, str]:
    """The reading and its initials."""
    kept = list(filter(None, syllables))
    return "".join(kept)[:LENGTH], "".join([part[0] for part in kept])[:LENGTH]


def of_person(name: str) -> tuple[str, str]:
    """("shanxiaojun", "sxj") of 单小军."""
    for length in (2, 1):
        if reading := SURNAMES.get(name[:length]):
            return _joined([*reading, *_syllables(name[length:])])
    return _joined(_syllables(name))


def of_organization(name: str) -> tuple[str, str]:
    """("shiyandaxue", "sydx") of 实验大学党组: what kind of organisation it is, nobody types."""
    text = unicodedata.normalize("NFKC", name)
    return _joined(_syllables(SUFFIX.sub("", text) or text))


def follow(row: Person | Organization, written: Iterable[str]) -> set[str]:
    """Set the readings of those names of the row that are among the written fields; returns the fields that it set.

    A reading that is itself among the written fields is a correction by hand: it stays, as letters and digits only.
    """
    fields = set(written)
    kind = str(row._meta.model_name)
    read = of_person if kind == "person" else of_organization
    done: set[str] = set()
    for name, targets in STORED[kind].items():
        values = read(getattr(row, name)) if name in fields else ("", "")
        for target, value in zip(targets, values, strict=True):
            if target in fields:
                setattr(row, target, typed(getattr(row, target)))
            elif name in fields:
                setattr(row, target, value)
                done.add(target)
    return done


def fill(row: Person | Organization) -> None:
    """Set the readings of a new row, but for those that somebody gave."""
    kind = str(row._meta.model_name)
    stored = STORED[kind]
    facts = row.__dict__
    if not any(facts[target] for targets in stored.values() for target in targets):
        read = of_person if kind == "person" else of_organization
        for name, (reading, initials) in stored.items():
            facts[reading], facts[initials] = read(facts[name])
        return
    given = {target for targets in stored.values() for target in targets if getattr(row, target)}
    follow(row, {*stored, *given})


def typed(words: str) -> str:
    """A reading as somebody types it ("Lü Bu"), as it is stored ("lvbu")."""
    return "".join(re.findall("[a-z0-9]+", words.lower().replace("ü", "v")))


def begins(field: str, text: str) -> Q:
    """The field begins with the text, in the form that the database answers from an index."""
    if connection.vendor == "postgresql":
        return Q(**{f"{field}__startswith": text})
    # SQLite's LIKE ignores case and therefore the index.
    return Q(**{f"{field}__gte": text, f"{field}__lt": f"{text}\U0010ffff"})


def matching(model: Any, words: str, *, key: str, names: Iterable[str], path: str = "") -> Q:
    """What somebody typed to find rows by: Chinese is part of a name, anything else begins a code, a reading or initials.

    Of rows of the model, or of rows that lead to one by the path (for example "person__").
    """
    found = keyed(words, f"{path}{key}")
    if is_chinese(words):
        return found | containing(words, [f"{path}{name}" for name in names])
    if reading := typed(words):
        for targets in STORED[model._meta.model_name].values():
            for target in targets:
                found |= begins(f"{path}{target}", reading)
    return found


def keyed(words: str, key: str) -> Q:
    """What was typed begins the code or number."""
    return begins(key, words) | begins(key, words.upper()) | begins(key, words.lower())


def containing(words: str, names: Iterable[str]) -> Q:
    """What was typed is part of one of the names."""
    found = Q()
    for name in names:
        found |= Q(**{f"{name}__contains": words})
    return found


def is_chinese(words: str) -> bool:
    """What was typed is (part of) a name, not its reading."""
    return CHINESE.search(words) is not None


def is_read(words: str, name: str) -> bool:
    """What was typed begins the reading of an organisation's name, or its initials."""
    reading = typed(words)
    return bool(reading and name) and any(sound.startswith(reading) for sound in of_organization(name))
