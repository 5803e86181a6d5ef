"""The administrators' side of reviews."""

from reviews.admin.records import (
    AnswerAdmin,
    RecordAdmin,
    RectificationItemAdmin,
    RectificationStepAdmin,
    ReviewAdmin,
)

__all__ = ["AnswerAdmin", "RecordAdmin", "RectificationItemAdmin", "RectificationStepAdmin", "ReviewAdmin"]
