"""The administrators' side of the annexes: read-only lists, each with its Excel export."""

from reports.admin.annexes import MemberFormAdmin, OrganizationFormAdmin
from reports.admin.progress import ProgressReportAdmin

__all__ = ["MemberFormAdmin", "OrganizationFormAdmin", "ProgressReportAdmin"]
