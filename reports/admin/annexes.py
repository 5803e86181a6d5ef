"""附件2 and 附件3 in the admin: the records, as the forms that they print on."""

from __future__ import annotations

import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from reports.admin.readonly import ExportOnlyAdmin
from reports.annexes import three, two
from reports.annexes.sheet import Sheet
from reports.models import MemberForm, OrganizationForm
from reviews.admin.readonly import ReadOnlyInline
from reviews.models import Record, RectificationItem


class ItemInline(ReadOnlyInline):
    """Problems, and what became of them."""

    model = RectificationItem
    fk_name = "record"
    fields = ("order", "text", "state", "measures", "responsible", "due_on", "outcome", "closed_on")
    readonly_fields = fields


class FormAdmin(ExportOnlyAdmin):
    """Records; the text only for who may read it (T20)."""

    annex_url_name = "record_annex"
    date_hierarchy = "review__held_on"
    inlines = [ItemInline]
    list_filter = ["state", "review__period", "review__form"]
    list_select_related = ["review"]
    search_fields = ["target_name", "review__reviewer_name"]
    common = ("held_on", "place", "form_name", "reviewer_name", "reviewer_title", "state", "confirmed_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Record]:
        """Only what the user may read."""
        return super().get_queryset(request).readable_text_by(request.user)  # type: ignore[attr-defined]

    def exportable(self, rows: QuerySet) -> QuerySet:
        """Confirmed and not voided."""
        related = ("items", "review__co_reviewers", "review__co_orgs")
        return rows.counted().select_related("review", "target_person").prefetch_related(*related)  # type: ignore[attr-defined]

    @admin.display(description="点评时间", ordering="review__held_on")
    def held_on(self, record: Record) -> datetime.date | None:
        """The day it was held."""
        return record.review.held_on

    @admin.display(description="地点")
    def place(self, record: Record) -> str:
        """Where."""
        return record.review.place

    @admin.display(description="点评形式")
    def form_name(self, record: Record) -> str:
        """In which form."""
        return record.review.form_name

    @admin.display(description="点评领导", ordering="review__reviewer_name")
    def reviewer_name(self, record: Record) -> str:
        """By whom."""
        return record.review.reviewer_name

    @admin.display(description="点评领导单位及职务")
    def reviewer_title(self, record: Record) -> str:
        """In which post."""
        return record.review.reviewer_title


@admin.register(OrganizationForm)
class OrganizationFormAdmin(FormAdmin):
    """附件2 登记表."""

    annex = "附件2"
    list_display = ["target_name", "held_on", "reviewer_name", "form_name", "state"]
    fields = ("target_name", "member_count", *FormAdmin.common, "prior_summary", "achievements", "directions")
    readonly_fields = fields

    def sheet(self, row: Record) -> Sheet:
        """Annex 2."""
        return two.sheet(row)


@admin.register(MemberForm)
class MemberFormAdmin(FormAdmin):
    """附件3 情况表."""

    annex = "附件3"
    list_display = ["target_name", "branch_name", "held_on", "reviewer_name", "form_name", "state"]
    fields = ("target_name", "target_title", "branch_name", *FormAdmin.common, "achievements", "directions")
    readonly_fields = fields

    def sheet(self, row: Record) -> Sheet:
        """Annex 3."""
        return three.sheet(row)
