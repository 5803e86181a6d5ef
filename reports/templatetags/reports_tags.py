"""Small words for figures in templates, and the lines that a page repeats hundreds of times.

These lines are composed here and not by templates: of 83 units, each with three measures in a table, in a chart and on
cards, the template engine alone took 50 ms, three quarters of the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from django import template
from django.utils import html
from django.utils.safestring import SafeString, mark_safe

from orgs.templatetags.icons import lucide
from reports.coverage import Figure
from reviews.models import Measure

if TYPE_CHECKING:
    from reports.views.coverage_lines import Cell, Line

register = template.Library()
SHORT = {Measure.LEADERS: "领导", Measure.ORGANIZATIONS: "党组织", Measure.MEMBERS: "党员"}

escape = lru_cache(maxsize=2000)(html.escape)  # a page says each name and address three times


@register.filter
def percent(figure: Figure) -> str:
    """62.5%, or a dash where nobody is due."""
    rate = figure.rate
    return "—" if rate is None else f"{rate:g}%"


@register.filter
def short(measure: Measure) -> str:
    """领导, 党组织 or 党员: where there is little room."""
    return SHORT[measure]


@register.simple_tag
def rate_bar(figure: Figure) -> SafeString:
    """A bar as long as the rate, drawn as SVG: it prints, and needs neither script nor style attribute."""
    return mark_safe(_bar(figure.rate))  # noqa: S308 - numbers only


@register.simple_tag
def coverage_cells(cells: Iterable[Cell]) -> SafeString:
    """应, 已, 比率 and 还差 of each measure as cells of the table; 还差 leads to the names that the user may see."""
    return mark_safe("".join(map(_cell, cells)))  # noqa: S308 - the addresses are escaped


@register.simple_tag
def coverage_rows(lines: Iterable[Line]) -> SafeString:
    """The lines as rows of the table."""
    return mark_safe(  # noqa: S308 - names and addresses are escaped
        "\n".join(f'<tr><th scope="row">{_name(line)}</th>{"".join(map(_cell, line.cells))}</tr>' for line in lines)
    )


@register.simple_tag
def coverage_chart(bars: Iterable[tuple[Line, Figure]]) -> SafeString:
    """Lines of the chart: name, bar, rate."""
    return mark_safe(  # noqa: S308 - names and addresses are escaped
        "\n".join(
            f'<li><span class="coverage-chart-name">{_name(line)}</span>'
            f'{_bar(figure.rate)}<span class="num">{percent(figure)}</span></li>'
            for line, figure in bars
        )
    )


@register.simple_tag
def coverage_cards(lines: Iterable[Line]) -> SafeString:
    """The lines as cards, where the table does not fit."""
    return mark_safe("\n".join(map(_card, lines)))  # noqa: S308 - names and addresses are escaped


# --- inside -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1001)
def _bar(rate: float | None) -> str:
    text = "—" if rate is None else f"{rate:g}%"
    return (
        f'<svg class="rate-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{text}">'
        '<rect class="rate-bar-track" width="100" height="10" rx="1"/>'
        f'<rect class="rate-bar-done" width="{rate or 0}" height="10" rx="1"/></svg>'
    )


def _name(line: Line) -> str:
    return f'<a href="{escape(line.url)}">{escape(line.name)}</a>' if line.url else escape(line.name)


def _missing(cell: Cell, words: str = "") -> str:
    text = f"{words}{cell.figure.missing}"
    return f'<a href="{escape(cell.names_url)}">{text}</a>' if cell.names_url else text


def _cell(cell: Cell) -> str:
    figure = cell.figure
    return (
        f'<td class="num coverage-first">{figure.due}</td><td class="num">{figure.done}</td>'
        f'<td class="num">{percent(figure)}</td><td class="num">{_missing(cell)}</td>{_exempt(cell)}'
    )


def _exempt(cell: Cell) -> str:
    if cell.exempt is None:
        return ""
    return f'<td class="num">{cell.exempt}</td><td class="num">{percent(cell.without_exempt)}</td>'


def _card(line: Line) -> str:
    measures = "".join(
        f'<div class="coverage-line"><span>{SHORT[cell.measure]}</span>{_bar(cell.figure.rate)}'
        f'<span class="num">{cell.figure.done}/{cell.figure.due}</span>'
        f'<span class="num">{_missing(cell, "差 ") if cell.figure.missing else ""}</span></div>'
        + (
            f'<div class="small text-body-secondary">免除 {cell.exempt}，不计免除 {percent(cell.without_exempt)}</div>'
            if cell.exempt
            else ""
        )
        for cell in line.cells
        if cell.figure.due
    )
    return (
        '<div class="list-card"><div class="d-flex justify-content-between gap-2">'
        f"<strong>{_name(line)}</strong>{lucide('chevron-right', size=18) if line.url else ''}</div>{measures}</div>"
    )
