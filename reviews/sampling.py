"""How a random draw is made. Pure: the same seed and frame give the same list to anybody, on any machine.

Codes are sorted; the key of a code is SHA-256(seed + "|" + code) in hexadecimal; of each stratum the codes with the
smallest keys are taken, as many as it has places. `frame_text` fixes frame and places; its hash goes with the seed
into the commitment, SHA-256(seed + "|" + frame hash), which is shown before anything is drawn.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

Frame = Iterable[tuple[str, str]]  # code, stratum

STEPS = (
    "抽样名单按组织代码排序，每个组织属于一层（按单位类别，或全部为一层），各层名额事先写明。",
    "名单摘要＝SHA-256（名单文本）。名单文本一行一条、以换行结尾：先写各层“名额、层名、名额数”，再按代码顺序写“组织、代码、层名”，三项之间用制表符隔开，UTF-8 编码。",
    "承诺值＝SHA-256（种子|名单摘要），抽取之前公布，抽取以后再公布种子。",
    "每个组织的排序号＝SHA-256（种子|组织代码），写成小写十六进制。",
    "每层按排序号从小到大取满名额，合在一起按代码排列，就是抽取结果。",
)


def digest(text: str) -> str:
    """SHA-256 of the text's UTF-8, in lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def sizes(frame: Frame) -> dict[str, int]:
    """How many each stratum has, by name."""
    return dict(sorted(Counter(stratum for _code, stratum in frame).items()))


def proportional(strata: Mapping[str, int], size: int) -> dict[str, int]:
    """Places by the strata's sizes, largest remainder; at least one for each that is not empty, where size allows.

    Never more than a stratum has. Equal remainders: the larger stratum first, then by name. Raises ValueError
    for a size that is not between 1 and all.
    """
    left = {name: count for name, count in sorted(strata.items()) if count}
    if not 1 <= size <= sum(left.values()):
        raise ValueError(size)
    places: dict[str, int] = dict.fromkeys(left, 0)
    if size >= len(left):
        # Who would get less than one gets one; the others share what is left, until nobody is below.
        while small := [name for name, count in left.items() if size * count < sum(left.values())]:
            for name in small:
                places[name] = 1
                del left[name]
            size -= len(small)
    total = sum(left.values())
    shares = {name: Fraction(size * count, total) for name, count in left.items()}
    places |= {name: int(share) for name, share in shares.items()}
    rest = size - sum(int(share) for share in shares.values())
    first = sorted(left, key=lambda name: (int(shares[name]) - shares[name], -left[name], name))
    for name in first[:rest]:
        places[name] += 1
    return places


def frame_text(frame: Frame, quotas: Mapping[str, int]) -> str:
    """Places and frame as the text that is hashed."""
    lines = [f"名额\t{name}\t{places}" for name, places in sorted(quotas.items())]
    lines += [f"组织\t{code}\t{stratum}" for code, stratum in sorted(frame)]
    return "".join(f"{line}\n" for line in lines)


def frame_hash(frame: Frame, quotas: Mapping[str, int]) -> str:
    """The hash of frame and places."""
    return digest(frame_text(frame, quotas))


def commitment(seed: str, hash_of_frame: str) -> str:
    """What is shown before the draw."""
    return digest(f"{seed}|{hash_of_frame}")


def draw(seed: str, frame: Frame, quotas: Mapping[str, int]) -> list[str]:
    """The codes drawn, sorted."""
    taken = dict(quotas)
    drawn = []
    for _key, code, stratum in sorted((digest(f"{seed}|{code}"), code, stratum) for code, stratum in frame):
        if taken.get(stratum, 0) > 0:
            taken[stratum] -= 1
            drawn.append(code)
    return sorted(drawn)


def script(seed: str, text: str) -> str:
    """A short Python program that draws again from seed and frame text, with nothing of this system."""
    return (
        "import hashlib\n"
        f"seed = {seed!r}\n"
        f"text = {text!r}\n"
        "digest = lambda s: hashlib.sha256(s.encode()).hexdigest()\n"
        "rows = [line.split('\\t') for line in text.splitlines()]\n"
        "left = {name: int(n) for kind, name, n in rows if kind == '名额'}\n"
        "drawn = []\n"
        "for key, code, name in sorted((digest(f'{seed}|{c}'), c, n) for kind, c, n in rows if kind == '组织'):\n"
        "    if left.get(name, 0) > 0:\n"
        "        left[name] -= 1\n"
        "        drawn.append(code)\n"
        "print('承诺值', digest(f'{seed}|{digest(text)}'))\n"
        "print(*sorted(drawn), sep='\\n')\n"
    )
