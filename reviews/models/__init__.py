"""Who reviews whom, and what was said."""

from reviews.models.checklist import ChecklistPoint, ContentKind
from reviews.models.coverage import CoverageChange, CoverageTarget, Measure
from reviews.models.duty import Basis, Duty, DutyStatus, ReviewerKind, Subject
from reviews.models.gap import AcceptedGap
from reviews.models.period import Period
from reviews.models.record import Answer, Record, RecordState, Review, ReviewForm, ReviewKind, Verdict
from reviews.models.rectification import ItemState, RectificationItem, RectificationStep
from reviews.models.rule import Cadence, Joint, Reach, Rule, RuleSelector, Side
from reviews.models.rule_version import RuleVersion

__all__ = [
    "AcceptedGap",
    "Answer",
    "Basis",
    "Cadence",
    "ChecklistPoint",
    "ContentKind",
    "CoverageChange",
    "CoverageTarget",
    "Duty",
    "DutyStatus",
    "ItemState",
    "Joint",
    "Measure",
    "Period",
    "Reach",
    "Record",
    "RecordState",
    "RectificationItem",
    "RectificationStep",
    "Review",
    "ReviewForm",
    "ReviewKind",
    "ReviewerKind",
    "Rule",
    "RuleSelector",
    "RuleVersion",
    "Side",
    "Subject",
    "Verdict",
]
