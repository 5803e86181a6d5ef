"""Who there is, where, in which post, and who may see it."""

from orgs.models.account import Grant, GrantRole, User
from orgs.models.audit import AuditEvent
from orgs.models.imports import ImportBatch, ImportJob, ImportJournal, ImportState, OrganizationAlias
from orgs.models.organization import Organization, OrgType, Relation
from orgs.models.past import OrganizationPast
from orgs.models.person import (
    Charge,
    ChargeKind,
    Gender,
    MemberKind,
    Membership,
    PartyStatus,
    Person,
    Post,
    PostRole,
)
from orgs.models.scheme import Category, Scheme
from orgs.models.token import ApiToken

__all__ = [
    "ApiToken",
    "AuditEvent",
    "Category",
    "Charge",
    "ChargeKind",
    "Gender",
    "Grant",
    "GrantRole",
    "ImportBatch",
    "ImportJob",
    "ImportJournal",
    "ImportState",
    "MemberKind",
    "Membership",
    "OrgType",
    "Organization",
    "OrganizationAlias",
    "OrganizationPast",
    "PartyStatus",
    "Person",
    "Post",
    "PostRole",
    "Relation",
    "Scheme",
    "User",
]
