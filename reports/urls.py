"""URLs."""

from django.urls import path

from reports.views import health, notifications

urlpatterns = [
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.notifications_read, name="notifications_read"),
    path("notifications/<int:pk>/open/", notifications.notification_open, name="notification_open"),
    path("healthz", health.healthz, name="healthz"),
]
