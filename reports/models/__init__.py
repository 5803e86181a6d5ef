"""Add up, print, send up, remind."""

from reports.models.annex import MemberForm, OrganizationForm
from reports.models.coverage import CoverageTotal
from reports.models.export import Export, ExportKind, ExportState
from reports.models.notification import Notification, NotificationKind
from reports.models.nudge import Nudge
from reports.models.outside import IssueWay, OutsideIssue, ReturnedForm
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
    "ExportKind",
    "ExportState",
    "IssueWay",
    "MemberForm",
    "Notification",
    "NotificationKind",
    "Nudge",
    "OrganizationForm",
    "OutsideIssue",
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
    "ReturnedForm",
    "RowBasis",
    "Way",
]
