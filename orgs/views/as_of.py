"""Pages as of any day: which day was asked for, and that day's roster as a file."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.urls import reverse

from orgs import clock, past, rosters, standing
from orgs.forms import DayField
from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
from orgs.models import Organization
from orgs.requests import UserRequest


def day_asked_for(request: UserRequest) -> datetime.date:
    """The day in the address; without one, or with one that cannot be read (which is said), today."""
    try:
        return DayField(required=False).clean(request.GET.get("on", "")[:20]) or clock.today()
    except ValidationError as error:
        messages.error(request, f"{error.messages[0]}下面是今天的情况。")
        return clock.today()


def day_context(on: datetime.date) -> dict[str, Any]:
    """What templates need to know of the day: `on`, whether it is another one than today, and what links carry."""
    other = on != clock.today()
    return {"on": on, "is_another_day": other, "day_query": f"?on={on.isoformat()}" if other else ""}


@list_view
def organization_roster(request: UserRequest, code: str) -> ListFile:
    """Who belonged to the branches of an organisation on a day, as a workbook."""
    on = day_asked_for(request)
    if "\x00" in code:
        raise Http404
    org = Organization.objects.visible_to(request.user).filter(code=code).first()
    if org is None or not standing.to_organization(request.user, org).sees_people:
        raise Http404
    name = past.one_as_of(org, on).name
    rows, count = rosters.rows(org, request.user, on), rosters.count(org, request.user, on)
    sheet = Sheet("党员名册", rosters.COLUMNS, rows, count)
    back = f"{reverse('organization', args=[org.code])}?on={on.isoformat()}"
    return ListFile(f"{name}党员名册{on.isoformat()}", [sheet], back, f"{name}，{on.isoformat()}")
