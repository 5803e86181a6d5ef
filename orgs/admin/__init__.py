"""The administrators' side of organisations, people and accounts. Every change goes through the verbs."""

from orgs.admin.accounts import UserAdmin
from orgs.admin.organizations import OrganizationAdmin
from orgs.admin.people import ChargeAdmin, MembershipAdmin, PersonAdmin, PostAdmin
from orgs.admin.scheme import CategoryAdmin, SchemeAdmin
from orgs.admin.trail import AuditEventAdmin, ImportBatchAdmin

__all__ = [
    "AuditEventAdmin",
    "CategoryAdmin",
    "ChargeAdmin",
    "ImportBatchAdmin",
    "MembershipAdmin",
    "OrganizationAdmin",
    "PersonAdmin",
    "PostAdmin",
    "SchemeAdmin",
    "UserAdmin",
]
