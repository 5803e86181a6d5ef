"""A change by the browser's way: fill in, look at what follows, confirm exactly that."""

from __future__ import annotations

import re
from collections import defaultdict
from html import unescape

from django.http import HttpResponse
from django.test import Client


def hidden(answer: HttpResponse) -> dict[str, list[str]]:
    """What the preview's form would send."""
    found: dict[str, list[str]] = defaultdict(list)
    for tag in re.findall(r'<(?:input|textarea)[^>]*type="hidden"[^>]*>', answer.content.decode()):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[unescape(name[1])].append(unescape(value[1]) if value else "")
    return dict(found)


def confirmed(client: Client, url: str, data: dict, **options) -> HttpResponse:
    """Post, and post again what the preview holds; a refusal on the way is the answer."""
    preview = client.post(url, data)
    return client.post(url, hidden(preview), **options) if "还没有写入" in preview.content.decode() else preview
