"""Reviews, records, answers, rectification items and their steps in the admin: to look at, filter and search.

Scoped as the pages are: who works in the admin without being an administrator sees what he may read (T20).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from reviews.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from reviews.models import Answer, Record, RectificationItem, RectificationStep, Review

if TYPE_CHECKING:
    import datetime


class AnswerInline(ReadOnlyInline):
    """The checklist's answers."""

    model = Answer
    fields = ["point", "verdict", "note"]


class ItemInline(ReadOnlyInline):
    """The problems named."""

    model = RectificationItem
    fields = ["order", "text", "state", "responsible", "due_on", "closed_on"]
    show_change_link = True


class StepInline(ReadOnlyInline):
    """What was done on an item."""

    model = RectificationStep
    fields = ["at", "by", "verb", "text"]
    readonly_fields = ["at", "by", "verb", "text"]


class RecordInline(ReadOnlyInline):
    """The targets of a review."""

    model = Record
    fields = ["target_name", "kind", "state", "confirmed_at"]
    show_change_link = True


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """点评活动."""

    date_hierarchy = "held_on"
    list_display = ["held_on", "reviewer_name", "reviewer_title", "form", "kind", "place", "reviewer_org"]
    list_display_links = ["held_on", "reviewer_name"]
    list_filter = ["period", "form", "kind"]
    list_select_related = ["reviewer_org"]
    search_fields = [
        "reviewer_name",
        "reviewer_title",
        "place",
        "form_note",
        "reviewer_org__name",
        "=reviewer_org__code",
    ]
    inlines = [RecordInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        """Of records that the user may know of."""
        known = Record.objects.visible_to(request.user).values("review")  # type: ignore[arg-type]
        return super().get_queryset(request).filter(pk__in=known)


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin):
    """点评记录."""

    date_hierarchy = "review__held_on"
    list_display = ["target_name", "kind", "held_on", "reviewer_name", "about_org", "state", "confirmed_at"]
    list_filter = ["state", "kind", "review__period", "review__form", "review__kind"]
    list_select_related = ["review", "about_org"]
    search_fields = [
        "target_name", "branch_name", "review__reviewer_name", "about_org__name", "=about_org__code",
        "=target_person__number",
    ]  # fmt: skip
    inlines = [AnswerInline, ItemInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Record]:
        """Whose text the user may read."""
        return super().get_queryset(request).readable_text_by(request.user)  # type: ignore[attr-defined]

    @admin.display(description="点评时间", ordering="review__held_on")
    def held_on(self, record: Record) -> datetime.date | None:
        """The day it was held."""
        return record.review.held_on

    @admin.display(description="点评领导", ordering="review__reviewer_name")
    def reviewer_name(self, record: Record) -> str:
        """By whom."""
        return record.review.reviewer_name


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """要点评价."""

    list_display = ["record", "point", "verdict", "note"]
    list_filter = ["verdict", "point__kind", "record__review__period"]
    list_select_related = ["record", "point"]
    search_fields = ["record__target_name", "point__text", "note"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Answer]:
        """Of records whose text the user may read."""
        readable = Record.objects.readable_text_by(request.user)  # type: ignore[arg-type]
        return super().get_queryset(request).filter(record__in=readable.values("pk"))


@admin.register(RectificationItem)
class RectificationItemAdmin(ReadOnlyAdmin):
    """整改事项."""

    date_hierarchy = "due_on"
    list_display = ["text", "record", "state", "responsible", "due_on", "closed_on"]
    list_filter = ["state", "record__review__period", "record__kind"]
    list_select_related = ["record"]
    search_fields = ["text", "measures", "responsible", "record__target_name", "record__about_org__name"]
    inlines = [StepInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RectificationItem]:
        """Handed down, and of records whose text the user may read."""
        return super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]


@admin.register(RectificationStep)
class RectificationStepAdmin(ReadOnlyAdmin):
    """整改过程."""

    date_hierarchy = "at"
    list_display = ["at", "item", "verb", "by", "text"]
    list_filter = ["verb", "item__state"]
    list_select_related = ["item", "by__person"]
    search_fields = ["text", "item__text", "item__record__target_name", "=by__username"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RectificationStep]:
        """Of items that the user may see."""
        seen = RectificationItem.objects.visible_to(request.user)  # type: ignore[arg-type]
        return super().get_queryset(request).filter(item__in=seen.values("pk"))
