"""What an office is to see at work, at one bureau: work plans, a draw, exemptions, a round, explained gaps, urging."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from orgs import clock, heads
from orgs.models import Organization, OrgType, Person, Post, User
from reports import nudges
from reviews import draws, duties, gaps, rounds, work_plans
from reviews.models import Duty, DutyStatus, Measure, Period, ReviewForm, Subject, WorkPlan

ROUND = rounds.RoundDraft(
    "ND2010", "2010年年底普遍点评", datetime.date(2010, 12, 1), datetime.date(2010, 12, 31),
    subjects=(str(Subject.ORG), str(Subject.HEAD)),
)  # fmt: skip
LED = "成立创先争优活动领导小组，由党组书记任组长；办公室设在机关党办，负责日常联络和台账。"
FREED = (("长期病休，年底前不能参加", 2), ("借调外单位，由借调单位掌握", 1))
EXPLAINED = ("新任职，分工尚未明确，下半年补上", "长期病休")


class OfficeWork:
    """Done through the verbs, by the bureau's office and head and the administrator; used once."""

    def __init__(self, period: Period, bureau: Organization, *, account: Callable[[Person], User]) -> None:
        self.period, self.bureau, self.account = period, bureau, account
        self.admin = User.objects.get(username="admin")
        self.clerk = User.objects.get(grants__organization=bureau)

    def run(self) -> None:
        """All of it."""
        self._plans()
        self._exempt()
        self._draw()
        self._explain()
        narrowed = replace(ROUND, below=self.bureau)
        duties.regenerate(rounds.save(None, narrowed, by=self.admin), by=self.admin)
        self._urge()

    def _plans(self) -> None:
        """The bureau's is in force; of those below it one waits for its 书记, one was returned, one is being written."""
        self._issue(self._submit(self.bureau, datetime.date(2010, 9, 10)))
        acting = Duty.objects.filter(period=self.period, reviewer_org__parent=self.bureau)
        below = Organization.objects.filter(pk__in=acting.values("reviewer_org")).order_by("code")
        for org, step in zip(below, ("waits", "returned", "draft"), strict=False):
            if step == "draft":
                work_plans.draft(org, period=self.period, by=self.clerk)
                continue
            plan = self._submit(org, datetime.date(2010, 11, 20))
            head = self._head(org)
            if step == "returned" and head is not None:
                work_plans.send_back(plan, reason="请写明现场点评安排到哪几个窗口。", by=head)

    def _submit(self, org: Organization, on: datetime.date) -> WorkPlan:
        with clock.standing_at(on):
            plan = work_plans.draft(org, period=self.period, by=self.clerk)
            texts = {name: getattr(plan, name) for name in work_plans.TEXTS} | {"leadership": LED}
            plan = work_plans.save(
                plan, texts=texts, forms=plan.forms or [ReviewForm.MEETING], combined=[], lines={},
                rest_on=datetime.date(2010, 12, 15), by=self.clerk,
            )  # fmt: skip
            return work_plans.submit(plan, by=self.clerk)

    def _issue(self, plan: WorkPlan) -> None:
        head = self._head(plan.organization)
        if head is not None:
            with clock.standing_at(datetime.date(2010, 9, 15)):
                work_plans.issue(work_plans.approve(plan, by=head), by=self.clerk)

    def _head(self, org: Organization) -> User | None:
        head = heads.head_of(org, clock.today())
        return self.account(head.person) if head else None

    def _exempt(self) -> None:
        members = Duty.objects.filter(
            period=self.period, status=DutyStatus.PENDING, subject=Subject.MEMBER, reviewer_org__domain=self.bureau.domain_id,
        )  # fmt: skip
        free = iter(members.order_by("about_org__code", "target_person__number")[:20:5])
        for reason, count in FREED:
            for duty in islice(free, count):
                duties.exempt(duty, reason=reason, approved_by="局党组书记", by=self.clerk)

    def _draw(self) -> None:
        """Some branches below the bureau, for a member of its team."""
        team = Post.objects.valid(clock.today()).filter(organization=self.bureau).exclude(role="secretary")
        frame = draws.Frame(org_type=OrgType.BRANCH, by_category=False)
        found = draws.define(
            self.bureau, period=self.period, acting=team.order_by("person__number")[0].person, frame=frame, size=2,
            due_on=self.period.ends_on, occasion="随机点评：窗口服务质量", by=self.clerk,
        )  # fmt: skip
        draws.run(found, by=self.clerk)

    def _explain(self) -> None:
        kind, on = gaps.BY_CODE["idle"], clock.today()
        rows = kind.rows(self.clerk, self.period, on)[: len(EXPLAINED)]
        for row, reason in zip(list(rows), EXPLAINED, strict=False):
            gaps.accept(kind, [row.person.number], period=self.period, on=on, reason=reason, by=self.clerk)

    def _urge(self) -> None:
        """The members still missing, a few days ago."""
        with clock.standing_at(datetime.date(2010, 12, 6)):
            words = nudges.text(self.period, self.bureau, Measure.MEMBERS, 0).replace("还有 0 名", "还有一些")
            nudges.send(self.bureau, period=self.period, measure=Measure.MEMBERS, words=words, by=self.clerk)
