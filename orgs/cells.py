"""What a cell of a spreadsheet may hold, whoever writes it."""

from __future__ import annotations

import unicodedata

LIVE = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take for the beginning of a formula


def clean(text: object) -> str:
    """Text as a cell may hold it: no control characters but line feeds, no lone surrogates; None is empty (T19).

    >>> clean("甲\\x00乙\\r\\n丙")
    '甲乙\\n丙'
    """
    if text is None:
        return ""
    plain = str(text)
    if plain.isprintable():
        return plain.strip()
    plain = plain.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (c for c in plain if c == "\n" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in "\ufffe\uffff"))
    return "".join(kept).strip()
