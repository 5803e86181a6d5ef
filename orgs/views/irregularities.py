"""The worklist of what is not in order: how many of each kind, and one kind's list."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from orgs import clock
from orgs import irregularities as worklist
from orgs.list_files import list_view
from orgs.lists import ListFile, Sheet
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


@list_view
def irregularities_export(request: UserRequest) -> ListFile:
    """One kind's list, or all of them, as a workbook."""
    if not worklist.works_through(request.user):
        raise Http404
    on = clock.today()
    code = request.GET.get("kind")
    kinds = [kind for kind in worklist.KINDS if kind.code == code or not code]
    if not kinds:
        raise Http404
    count = sum(kind.find(request.user, on).count() for kind in kinds)
    sheet = Sheet("异常情况", worklist.FILE_COLUMNS, worklist.file_rows(kinds, request.user, on), count)
    back = f"{reverse('irregularities')}?{request.GET.urlencode()}"
    return ListFile("异常情况", [sheet], back, kinds[0].title if code else "")
