"""Small words for figures in templates."""

from __future__ import annotations

from django import template

from reports.coverage import Figure
from reviews.models import Measure

register = template.Library()
SHORT = {Measure.LEADERS: "领导", Measure.ORGANIZATIONS: "党组织", Measure.MEMBERS: "党员"}


@register.filter
def percent(figure: Figure) -> str:
    """62.5%, or a dash where nobody is due."""
    return "—" if figure.rate is None else f"{figure.rate:g}%"


@register.filter
def short(measure: Measure) -> str:
    """领导, 党组织 or 党员: where there is little room."""
    return SHORT[measure]


@register.inclusion_tag("reports/_coverage_bar.html")
def rate_bar(figure: Figure) -> dict:
    """A bar as long as the rate, drawn as SVG: it prints, and needs neither script nor style attribute."""
    return {"figure": figure, "width": figure.rate or 0, "text": percent(figure)}
