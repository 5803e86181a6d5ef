"""Lists as files to take away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from orgs import clock, lists
from orgs.requests import UserRequest
from orgs.tables import Asked


def list_file(request: UserRequest, asked: Asked, found: QuerySet[Any], *, back: str) -> HttpResponseBase:
    """Every row of a list that was asked for, as a workbook; too long a list leads back to its page, which says so."""
    title = asked.table.title
    day = f"{asked.on.isoformat()} 的情况" if asked.on < clock.today() else ""
    try:
        file = lists.workbook(
            title,
            asked.file_columns,
            asked.file_rows(found),
            count=found.count(),
            conditions="，".join(filter(None, (asked.conditions, day))),
            by=request.user,
        )
    except lists.TooLong as error:
        messages.error(request, str(error))
        return redirect(f"{reverse(back)}?{request.GET.urlencode()}")
    return FileResponse(file, as_attachment=True, filename=f"{title}.xlsx")
