"""Pages of half-years and rounds: their duties by rule, and the generation with its preview. Administrators only."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orgs import audit, clock
from orgs.errors import DomainError
from orgs.requests import UserRequest
from orgs.views.imports import administrators_only
from reviews import daily, duties, duty_csv, framing, gaps, generation, overview, previewing, rounds
from reviews.forms import DayField, Styled
from reviews.models import Period

LINES = 50
SHOWN = 5  # generations on the page


class CodeForm(Styled):
    """Which half-year."""

    code = forms.CharField(
        label="点评期代码",
        max_length=10,
        help_text="年份加 H1（上半年）或 H2（下半年），例如 2010H2",
        error_messages={"required": "请填写点评期代码，例如 2010H2。", "max_length": "代码太长：写成 2010H2 的样子。"},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )

    def clean_code(self) -> str:
        """2010h2 is meant as 2010H2."""
        return str(self.cleaned_data["code"]).upper()


class OnForm(Styled):
    """For which day duties are derived; it lies within the period."""

    on = DayField(
        label="推定日", required=False, help_text="任务按这一天的组织、任职和分管推定；不填即今天（限在点评期内）"
    )

    def __init__(self, *args: Any, period: Period, **kwargs: Any) -> None:
        self.period = period  # before: a bound form is looked at at once
        super().__init__(*args, **kwargs)
        self.fields["on"].initial = duties.day_of(period, None)
        self.fields["on"].widget.attrs |= {"min": f"{period.starts_on}", "max": f"{period.ends_on}"}

    def clean_on(self) -> datetime.date | None:
        """Within the period."""
        on: datetime.date | None = self.cleaned_data["on"]
        if on is not None and not self.period.starts_on <= on <= self.period.ends_on:
            raise forms.ValidationError(
                f"推定日须在点评期内：{self.period.starts_on} 至 {self.period.ends_on}，请改正。"
            )
        return on


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def periods(request: UserRequest) -> HttpResponse:
    """Every half-year and round, the newest first; a new half-year by its code."""
    form = CodeForm(request.POST or None, initial={"code": _suggested()})
    if request.method == "POST" and form.is_valid():
        try:
            made = duties.ensure_period(form.cleaned_data["code"], by=request.user)
            return redirect("period", made.code)
        except DomainError as error:
            form.mark("code", str(error))
    page = Paginator(Period.objects.all(), LINES).get_page(request.GET.get("page"))
    current = Period.objects.current(clock.today())
    return render(request, "reviews/periods.html", {"page_obj": page, "form": form, "current": current})


@administrators_only
@require_safe
def period(request: UserRequest, code: str) -> HttpResponse:
    """Duties by rule, what nobody stands for, and the generations so far."""
    found = _period(code)
    return _show(request, found, OnForm(period=found))


@administrators_only
@require_POST
def period_generate(request: UserRequest, code: str) -> HttpResponse:
    """预览: what generating for a day would do; in a large system it is worked out in the background."""
    found = _period(code)
    form = OnForm(request.POST, period=found)
    if not form.is_valid():
        return _show(request, found, form)
    try:
        made = generation.start(found, on=form.cleaned_data["on"], by=request.user)
    except generation.UnderWay as busy:
        messages.error(request, str(busy))
        made = busy.generation
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("period", code)
    return redirect("generation", pk=made.pk)


@administrators_only
@require_safe
def period_duties_csv(request: UserRequest, code: str) -> StreamingHttpResponse:
    """The duties as csv, as `export_duties` writes it."""
    found = _period(code)
    audit.record(request.user, "导出任务", [found])
    name = content_disposition_header(True, f"duties-{found.code}.csv") or ""
    headers = {"Content-Disposition": name}
    return StreamingHttpResponse(duty_csv.lines(found), content_type="text/csv; charset=utf-8", headers=headers)


# --- inside -------------------------------------------------------------------------------------------------


def _period(code: str) -> Period:
    """The period, or 404 (also to what reads like none, such as a NUL)."""
    return get_object_or_404(Period.objects.select_related("below"), code=code.replace("\x00", "?"))


def _show(request: UserRequest, found: Period, form: OnForm) -> HttpResponse:
    rows = overview.by_rule(found)
    day = duties.day_of(found, found.derived_on)
    tallies = gaps.tallies(request.user, found, day) if found.derived_on else []
    made = found.generations.select_related("period", "by__person", "confirmed_by__person")
    context: dict[str, Any] = {
        "period": found,
        "limits": framing.words(found),
        "is_editable": rounds.is_editable(found),
        "hindrance": generation.hindrance(found),
        "form": form,
        "rows": rows,
        "total": overview.added_up(rows),
        "tallies": tallies,
        "unexplained": gaps.unexplained(tallies),
        "generations": [generation.notice_death(one) for one in made.filter(is_daily=False)[:SHOWN]],
        "look": daily.told(made.filter(is_daily=True).first()),
        "aside": previewing.aside(found).count(),
    }
    return render(request, "reviews/period.html", context)


def _suggested() -> str:
    """The half-year that holds today, else the next one that is missing."""
    today = clock.today()
    known = set(Period.objects.values_list("code", flat=True))
    year, half = today.year, 1 if today.month <= 6 else 2
    while f"{year}H{half}" in known:
        year, half = (year, 2) if half == 1 else (year + 1, 1)
    return f"{year}H{half}"
