"""What spreadsheets are to a browser, and what their cells may hold, whoever writes them."""

from __future__ import annotations

import unicodedata

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
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
