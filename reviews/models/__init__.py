"""Who reviews whom, and what was said."""

from reviews.models.assignment import Assignment
from reviews.models.calendar import CalendarToken
from reviews.models.checklist import ChecklistPoint, ContentKind
from reviews.models.coverage import CoverageChange, CoverageTarget, CoverageTargetPast, Measure
from reviews.models.draw import Draw, DrawCandidate, DrawState, SeedSource
from reviews.models.duty import Basis, Duty, DutyStatus, ReviewerKind, Subject
from reviews.models.gap import AcceptedGap
from reviews.models.generation import Generation, GenerationJob, GenerationLine, GenerationState, SetAside
from reviews.models.period import Period, PeriodKind
from reviews.models.record import Answer, Record, RecordState, Review, ReviewKind, Verdict
from reviews.models.rectification import ItemState, RectificationItem, RectificationStep
from reviews.models.rule import Cadence, Joint, Reach, Rule, RuleSelector, Side
from reviews.models.rule_version import RuleVersion
from reviews.models.vocabulary import Grade, GradeOf, OfferedForm, ReviewForm
from reviews.models.work_plan import Combined, WorkPlan, WorkPlanLine, WorkPlanState

__all__ = [
    "AcceptedGap",
    "Answer",
    "Assignment",
    "Basis",
    "Cadence",
    "CalendarToken",
    "ChecklistPoint",
    "Combined",
    "ContentKind",
    "CoverageChange",
    "CoverageTarget",
    "CoverageTargetPast",
    "Draw",
    "DrawCandidate",
    "DrawState",
    "Duty",
    "DutyStatus",
    "Generation",
    "GenerationJob",
    "GenerationLine",
    "GenerationState",
    "Grade",
    "GradeOf",
    "ItemState",
    "Joint",
    "Measure",
    "OfferedForm",
    "Period",
    "PeriodKind",
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
    "SeedSource",
    "SetAside",
    "Side",
    "Subject",
    "Verdict",
    "WorkPlan",
    "WorkPlanLine",
    "WorkPlanState",
]
