"""Pages of long lists: counted no further than anybody turns, unless the exact number is asked for."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

PAGE = 50
COUNTED = 10_000  # rows; to count a million takes longer than to show fifty


class BoundedPaginator(Paginator):
    """Counts to `COUNTED`; `is_more` says that there are more, and what lies beyond is not turned to."""

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        found: int = rows.order_by()[: COUNTED + 1].count()
        return found

    @cached_property
    def count(self) -> int:
        """Rows, `COUNTED` at most."""
        return min(self._counted, COUNTED)

    @property
    def is_more(self) -> bool:
        """There are more rows than were counted."""
        return self._counted > COUNTED


def page_of(request: HttpRequest, rows: QuerySet[Any], size: int = PAGE) -> Page:
    """The page that the address asks for; with `count=exact` every row is counted, and every page can be turned to."""
    paginator = Paginator if request.GET.get("count") == "exact" else BoundedPaginator
    return paginator(rows, size).get_page(request.GET.get("page"))
