"""The worklist of what is not in order: how many of each kind, and one kind's list."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from orgs import clock, lists
from orgs import irregularities as worklist
from orgs.paging import page_of
from orgs.requests import UserRequest


@require_GET
def irregularities(request: UserRequest) -> HttpResponse:
    """Of the user's offices; administrators: of all."""
    if not worklist.works_through(request.user):
        raise Http404
    on = clock.today()
    code = request.GET.get("kind")
    if not code:
        counted = worklist.counts(request.user, on)
        context = {"open": [row for row in counted if row[1]], "sound": [kind for kind, count in counted if not count]}
        return render(request, "orgs/irregularities.html", context)
    kind = worklist.BY_CODE.get(code)
    if kind is None:
        raise Http404
    page = page_of(request, kind.find(request.user, on))
    entries = worklist.entries(kind, page.object_list, request.user)
    return render(request, "orgs/irregularities.html", {"kind": kind, "page_obj": page, "entries": entries})


@require_GET
def irregularities_export(request: UserRequest) -> HttpResponseBase:
    """One kind's list, or all of them, as a workbook."""
    if not worklist.works_through(request.user):
        raise Http404
    on = clock.today()
    code = request.GET.get("kind")
    kinds = [kind for kind in worklist.KINDS if kind.code == code or not code]
    if not kinds:
        raise Http404
    try:
        file = lists.workbook(
            "异常情况",
            worklist.FILE_COLUMNS,
            worklist.file_rows(kinds, request.user, on),
            count=sum(kind.find(request.user, on).count() for kind in kinds),
            conditions=kinds[0].title if code else "",
            by=request.user,
        )
    except lists.TooLong as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('irregularities')}?{request.GET.urlencode()}")
    return FileResponse(file, as_attachment=True, filename="异常情况.xlsx")
