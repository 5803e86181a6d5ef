"""URLs."""

from django.urls import path

from reports import api
from reports.views import analysis, annex_days, annexes, coverage, exports, health, notifications, reports

urlpatterns = [
    path("coverage/", coverage.coverage, name="coverage"),
    path("coverage/<str:code>/", coverage.coverage_org, name="coverage_org"),
    path("coverage/<str:code>/details/", analysis.coverage_details, name="coverage_details"),
    path("coverage/<str:code>/details.xlsx", analysis.coverage_details_file, name="coverage_details_file"),
    path("coverage/<str:code>/exempt/", analysis.coverage_exempt, name="coverage_exempt"),
    path("coverage/<str:code>/quality/<str:fault>/", analysis.coverage_quality, name="coverage_quality"),
    path("coverage/<str:code>/missing/<str:measure>/", coverage.coverage_missing, name="coverage_missing"),
    path("coverage/<str:code>/missing/<str:measure>/remind/", coverage.coverage_remind, name="coverage_remind"),
    path(
        "coverage/<str:code>/missing/<str:measure>.<str:kind>",
        coverage.coverage_missing_file,
        name="coverage_missing_file",
    ),
    path("coverage/<str:code>/annex1/", annex_days.annex_day, name="annex_day"),
    path("coverage/<str:code>/annex1.xlsx", annex_days.annex_day_file, name="annex_day_file"),
    path("coverage/<str:code>/annex1/print/", annex_days.annex_day_print, name="annex_day_print"),
    path("coverage/<str:code>/summary/", exports.export_ask, name="export_ask"),
    path("exports/", exports.export_list, name="export_list"),
    path("exports/<int:pk>/file.xlsx", exports.export_file, name="export_file"),
    path("exports/<int:pk>/delete/", exports.export_delete, name="export_delete"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.notifications_read, name="notifications_read"),
    path("notifications/<int:pk>/open/", notifications.notification_open, name="notification_open"),
    path("reports/", reports.progress_reports, name="progress_reports"),
    path("reports/draft/", reports.progress_draft, name="progress_draft"),
    path("reports/<int:pk>/", reports.progress_report, name="progress_report"),
    path("reports/<int:pk>/submit/", reports.progress_submit, name="progress_submit"),
    path("reports/<int:pk>/return/", reports.progress_return, name="progress_return"),
    path("reports/<int:pk>/take-back/", reports.progress_take_back, name="progress_take_back"),
    path("reports/<int:pk>/reopen/", reports.progress_reopen, name="progress_reopen"),
    path("reports/<int:pk>/accept/", reports.progress_accept, name="progress_accept"),
    path("reports/<int:pk>/annex.xlsx", reports.progress_report_annex, name="progress_report_annex"),
    path("reports/<int:pk>/print/", reports.progress_report_print, name="progress_report_print"),
    path("records/<int:pk>/annex.xlsx", annexes.record_annex, name="record_annex"),
    path("records/<int:pk>/print/", annexes.record_print, name="record_print"),
    path("api/v1/", api.urls),
    path("healthz", health.healthz, name="healthz"),
]
