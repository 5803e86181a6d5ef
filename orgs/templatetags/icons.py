"""The icons of the package `lucide`, each drawn once: a page has dozens, and it parses and writes its SVG anew for each.

Stands in for the package's own library of tags (settings, TEMPLATES): the same tag with the same words.
"""

from __future__ import annotations

from functools import lru_cache

from django import template
from lucide.templatetags import lucide as package

register = template.Library()
lucide = register.simple_tag(lru_cache(maxsize=500)(package.lucide), name="lucide")
