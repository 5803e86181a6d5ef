"""Add up, print, send up, remind."""

from reports.models.annex import MemberForm, OrganizationForm
from reports.models.coverage import CoverageTotal
from reports.models.export import Export, ExportState
from reports.models.notification import Notification, NotificationKind
from reports.models.nudge import Nudge
from reports.models.progress import ProgressNames, ProgressReport, ProgressRow, ReportSource, ReportState, RowBasis
from reports.models.reporting import (
    ReportAbsence,
    ReportDeadline,
    Reporters,
    ReportExtension,
    ReportingRule,
    ReportingUnit,
    Way,
)

__all__ = [
    "CoverageTotal",
    "Export",
    "ExportState",
    "MemberForm",
    "Notification",
    "NotificationKind",
    "Nudge",
    "OrganizationForm",
    "ProgressNames",
    "ProgressReport",
    "ProgressRow",
    "ReportAbsence",
    "ReportDeadline",
    "ReportExtension",
    "ReportSource",
    "ReportState",
    "Reporters",
    "ReportingRule",
    "ReportingUnit",
    "RowBasis",
    "Way",
]
