"""My messages: the list, opening one (marks it read), marking all as read."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from orgs.requests import UserRequest
from reports import reminders
from reports.models import Notification

PAGE = 50


@require_safe
def notifications(request: UserRequest) -> HttpResponse:
    """The user's own messages, unread first."""
    mine = Notification.objects.visible_to(request.user).unread_first()
    page_obj = Paginator(mine, PAGE).get_page(request.GET.get("page"))
    return render(request, "reports/notifications.html", {"page_obj": page_obj})


@require_POST
def notification_open(request: UserRequest, pk: int) -> HttpResponse:
    """Mark one read, and go to what it is about."""
    notification = get_object_or_404(Notification.objects.visible_to(request.user), pk=pk)
    reminders.mark_read(notification)
    return redirect(notification.url or "notifications")


@require_POST
def notifications_read(request: UserRequest) -> HttpResponse:
    """Mark all of the user's messages as read."""
    count = reminders.mark_all_read(by=request.user)
    messages.success(request, f"已将 {count} 条提醒标为已读。" if count else "没有未读的提醒。")
    return redirect("notifications")
