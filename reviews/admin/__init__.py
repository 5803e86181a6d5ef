"""The administrators' side of reviews."""

from reviews.admin.records import (
    AnswerAdmin,
    RecordAdmin,
    RectificationItemAdmin,
    RectificationStepAdmin,
    ReviewAdmin,
)
from reviews.admin.rules import ChecklistPointAdmin, DutyAdmin, PeriodAdmin, RuleAdmin

__all__ = [
    "AnswerAdmin",
    "ChecklistPointAdmin",
    "DutyAdmin",
    "PeriodAdmin",
    "RecordAdmin",
    "RectificationItemAdmin",
    "RectificationStepAdmin",
    "ReviewAdmin",
    "RuleAdmin",
]
