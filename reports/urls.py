"""URLs."""

from django.urls import path

from reports import api
from reports.views import (
    analysis,
    annexes,
    coverage,
    exports,
    health,
    notifications,
    report_names,
    reporting,
    reports,
)

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
    path("reports/<int:pk>/differences/", report_names.progress_differences, name="progress_differences"),
    path(
        "reports/<int:pk>/names/<int:line>/<str:measure>/<str:part>/",
        report_names.progress_names,
        name="progress_names",
    ),
    path("reports/settings/", reporting.progress_settings, name="progress_settings"),
    path("reports/settings/rule/", reporting.progress_rule, name="progress_rule"),
    path("reports/settings/<str:period>/deadline/", reporting.progress_deadline, name="progress_deadline"),
    path("reports/units/<str:code>/<str:period>/", reporting.progress_unit, name="progress_unit"),
    path(
        "reports/units/<str:code>/<str:period>/explain/", reporting.progress_unit_explain, name="progress_unit_explain"
    ),
    path(
        "reports/units/<str:code>/<str:period>/unexplain/",
        reporting.progress_unit_unexplain,
        name="progress_unit_unexplain",
    ),
    path("reports/units/<str:code>/<str:period>/extend/", reporting.progress_unit_extend, name="progress_unit_extend"),
    path("reports/units/<str:code>/<str:period>/way/", reporting.progress_unit_way, name="progress_unit_way"),
    path("reports/units/<str:code>/<str:period>/urge/", reporting.progress_urge, name="progress_urge"),
    path("records/<int:pk>/annex.xlsx", annexes.record_annex, name="record_annex"),
    path("records/<int:pk>/print/", annexes.record_print, name="record_print"),
    path("api/v1/", api.urls),
    path("healthz", health.healthz, name="healthz"),
]
