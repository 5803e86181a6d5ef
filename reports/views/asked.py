"""What the address of a page of figures asks for: organisation, half-year, day, measure; and what its links take along."""

from __future__ import annotations

import datetime

from django.http import Http404

from orgs import clock
from orgs.models import Organization
from orgs.requests import UserRequest
from orgs.views import as_of
from orgs.views.organizations import found_by
from reviews.models import Measure, Period


def text(value: str) -> str:
    """What was typed, without the NUL that PostgreSQL refuses."""
    return value.replace("\0", "").strip()[:100]


def organization_of(request: UserRequest, code: str) -> Organization:
    """An organisation whose figures the user may see; 404 to a stranger."""
    return found_by(Organization.objects.visible_to(request.user), code=code)


def period_of(request: UserRequest) -> Period | None:
    """The half-year asked for (404 if unknown), else the current one; None while there is none at all."""
    code = request.GET.get("period", "")
    return found_by(Period.objects.all(), code=code) if code else Period.objects.current(clock.today())


def past_day(request: UserRequest) -> datetime.date | None:
    """The past day asked for; None for today, which is also what tomorrow would show."""
    on = as_of.day_asked_for(request)
    return on if on < clock.today() else None


def measure_of(value: str) -> Measure:
    """A measure by its word, or 404."""
    if value not in Measure.values:
        raise Http404
    return Measure(value)


def carried(period: Period, on: datetime.date | None) -> dict[str, str]:
    """What links take along, so that an address shows the same view to a colleague."""
    return {"period": period.code, **({"on": on.isoformat()} if on else {})}


def kept(request: UserRequest) -> dict[str, str]:
    """What else belongs to the view: of which measure, in which order."""
    return {name: text(request.GET[name]) for name in ("measure", "sort") if request.GET.get(name)}
