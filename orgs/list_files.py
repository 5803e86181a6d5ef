"""Pages that answer with a list as a file, and the same lists made in the background at their address.

The view is the one description of its list: asked by a browser it is downloaded; a list too long for that leads to
a page that offers to have it made (`export_long`), and whoever makes it asks the view again, as its owner.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from django.contrib.messages.storage.cookie import CookieStorage
from django.http import FileResponse, Http404, HttpRequest, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from orgs import audit, lists
from orgs.cells import XLSX
from orgs.errors import DomainError
from orgs.lists import ListFile
from orgs.models import User
from orgs.requests import UserRequest

MOST_AT_ONCE = 20_000  # rows that a request writes; some seconds

Telling = Callable[..., ListFile]


class NoList(DomainError):
    """There is no such list, or none for this user."""


def list_view(tell: Telling) -> Callable[..., HttpResponseBase]:
    """A view of what `tell(request, …)` tells, which raises Http404 or a DomainError where there is nothing to tell.

    A csv is sent as it is read, of any length.
    """

    @require_GET
    @wraps(tell)
    def view(request: UserRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = tell(request, *args, **kwargs)
        if not found.is_csv and found.count > MOST_AT_ONCE:
            return redirect(f"{reverse('export_long')}?{urlencode({'of': request.get_full_path()})}")
        return answer(request, found)

    view.tell = tell  # type: ignore[attr-defined]
    return view


def answer(request: UserRequest, found: ListFile) -> HttpResponseBase:
    """The list as a download, and the trail of who took it."""
    note(found, request.user)
    if found.is_csv:
        name = content_disposition_header(True, f"{found.name}.csv") or "attachment"
        lines = lists.csv_lines(found.sheets[0])
        return StreamingHttpResponse(
            lines, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
        )
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the answer that streams it
    lists.write(file, found.sheets)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{found.name}.xlsx", content_type=XLSX)


def note(found: ListFile, by: User) -> None:
    """Write into the trail who took which list."""
    said = f"{found.name}（{found.conditions or '全部'}），{found.count} 条"
    audit.record(by, "导出", list(found.about) or [by], summary=said)


def told_at(address: str, user: User) -> ListFile:
    """The list at an address (path and query) as the user would get it now. Raises NoList, and what its view raises."""
    try:
        parts = urlsplit(address)
        path = unquote(parts.path)
        match = resolve(path)
    except (ValueError, Resolver404):
        raise NoList("没有这个名单。") from None
    tell: Telling | None = getattr(match.func, "tell", None)
    if tell is None or parts.scheme or parts.netloc or not user.is_active:
        raise NoList("没有这个名单。")
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", path, path
    request.GET, request.user = QueryDict(parts.query), user
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]  # what is said to the page is said to nobody
    try:
        found = tell(request, *match.args, **match.kwargs)
    except Http404:
        raise NoList("这个名单已经没有了，或您已不能查看。") from None
    if found.is_csv:
        raise NoList("CSV 多长都可以直接下载，不在后台生成。")
    return found
