"""Some hundreds of invented reviews in every state, logged through the same verbs as the pages use."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace

from orgs import accounts, clock, heads
from orgs.models import Organization, Person, User
from reports.demonstration import texts
from reviews import records, rectifications
from reviews.models import Duty, ItemState, Period, Record, RecordState, RectificationItem, ReviewForm

# Of the duties of each rule, every n-th is reviewed; of branches (rule 4), every n-th, most of its members.
EVERY = {"1A": 2, "1B": 7, "2A": 5, "2B": 5, "2C": 9, "3A": 5, "3B": 8, "5A": 5, "5B": 5, "0": 8}
BRANCH_EVERY, OF_TEN_MEMBERS = 24, 7
FIRST_DAY = datetime.date(2010, 9, 6)
DAYS = 90  # reviews are spread from the first day on
FOLLOWED_EVERY = 2  # every second confirmed record is delivered and followed up


class Reviewing:
    """Logs reviews for a period; used once."""

    def __init__(self, period: Period, *, office: User) -> None:
        self.period = period
        self.office = office
        self.today = clock.today()
        self.domain_id = office.grants.get().organization.domain_id
        self.accounts: dict[int, User] = {
            user.person.pk: user for user in User.objects.select_related("person") if user.person is not None
        }
        self.counts: dict[str, int] = {}

    def run(self, own: list[Organization]) -> dict[str, int]:
        """Reviews all over the system, and most members of the branches in `own`. Returns records by state."""
        duties = list(self._chosen(own))
        for turn, duty in enumerate(duties):
            self._review(duty, turn)
        for state in RecordState:
            self.counts[state.label] = Record.objects.filter(state=state).count()
        return self.counts

    def _chosen(self, own: list[Organization]) -> Iterator[Duty]:
        duties = Duty.objects.filter(period=self.period, acting__isnull=False)
        duties = duties.select_related("period", "rule", "acting", "reviewer", "reviewer_org", "about_org__category")
        for code, every in EVERY.items():
            yield from list(duties.filter(rule_code=code).order_by("about_org__code", "subject", "pk"))[::every]
        branches = list(
            Organization.objects.filter(duties_about__period=self.period, duties_about__rule_code="4")
            .distinct()
            .order_by("code")
        )[::BRANCH_EVERY]
        chosen = {org.pk for org in (*branches, *own)}
        members = duties.filter(rule_code="4", about_org__in=chosen).order_by(
            "about_org__code", "target_person__number"
        )
        for turn, duty in enumerate(members):
            if turn % 10 < OF_TEN_MEMBERS:
                yield duty

    def account(self, person: Person) -> User:
        """The person's account; one that nobody can log in to is opened where there is none."""
        if person.pk not in self.accounts:
            self.accounts[person.pk], _ = accounts.open_for(person, by=self.office, is_closed=True)
        return self.accounts[person.pk]

    def _review(self, duty: Duty, turn: int) -> None:
        if duty.acting is None:
            return
        leader = self.account(duty.acting)
        # An office enters for the leaders of its own domain only: persons and texts stop at a guidance edge.
        by_proxy = turn % 17 == 16 and duty.reviewer_org.domain_id == self.domain_id
        held_on = FIRST_DAY + datetime.timedelta(days=(turn * 37) % DAYS)
        with clock.standing_at(self._after(held_on, turn % 4)):
            record = records.open_draft(duty, by=self.office if by_proxy else leader)
            if record.state != RecordState.DRAFT:
                return
            draft = self._draft(record, duty, turn, held_on)
            if turn % 13 == 12:
                records.save_draft(record, replace(draft, directions=""), by=leader)
                return
            record = records.confirm(record, draft, by=self.office if by_proxy else leader)
            if by_proxy and turn % 2:
                record = records.approve(record, by=leader)
        if not record.is_counted:
            return
        if turn % 101 == 100 and record.review.reviewer_org.domain_id == self.domain_id:
            records.void(record, reason="演示：误录，作废后任务重新开放", by=self.office)
        elif turn % FOLLOWED_EVERY == 0:
            with clock.standing_at(self._after(held_on, 5)):
                record = records.deliver(record, by=leader)
            with clock.standing_at(self._after(held_on, 6 + turn % 25)):
                self._follow(record, leader, turn)

    def _after(self, day: datetime.date, days: int) -> datetime.date:
        """Some days later, but not after the day of the demonstration."""
        return min(day + datetime.timedelta(days=days), self.today)

    def _draft(self, record: Record, duty: Duty, turn: int, held_on: datetime.date) -> records.RecordDraft:
        words = texts.texts(record.kind, turn)
        form = record.review.form or (ReviewForm.ON_SITE if record.target_org_id else ReviewForm.INDIVIDUAL)
        assists = duty.rule is not None and duty.rule.assists_local_committee
        return replace(
            records.draft_of(record),
            held_on=held_on,
            place=record.about_org.display_name.split("党")[0] + texts.PLACES[turn % len(texts.PLACES)],
            form=form,
            form_note=texts.MEETINGS[turn % len(texts.MEETINGS)] if form == ReviewForm.MEETING else "调查研究",
            participants="班子成员及支部委员" if record.target_org_id else "支部全体党员",
            assisted_committee="中共当地省（市）委" if assists else "",
            prior_summary=words.prior_summary,
            achievements=words.achievements,
            problems=words.problems,
            directions=words.directions,
            feedback_due_on=held_on + datetime.timedelta(days=30),
            answers={
                point.pk: ("partly" if (turn + n) % 5 == 4 else "yes", "")
                for n, point in enumerate(records.checklist(record))
            },
        )

    # --- follow-up ---------------------------------------------------------------------------------------------------

    def _follow(self, record: Record, leader: User, turn: int) -> None:
        """Acknowledged, then each problem as far on as its turn says; a few stay unanswered."""
        target = self._target(record)
        if target is None or turn % 5 == 4:
            return
        answerer = self.account(target)
        records.acknowledge(record, by=answerer)
        for n, item in enumerate(RectificationItem.objects.filter(record=record).order_by("order")):
            self._rectify(item, (turn // 2 + n) % 6, target, answerer, leader)

    def _rectify(self, item: RectificationItem, step: int, target: Person, answerer: User, leader: User) -> None:
        if step == 0:
            return
        measures = texts.MEASURES[item.pk % len(texts.MEASURES)]
        item = rectifications.plan(item, measures=measures, responsible=target.name, by=answerer)
        if step == 1:
            return
        item = rectifications.report(item, text=texts.PROGRESS[item.pk % len(texts.PROGRESS)], by=answerer)
        if step == 2:
            return
        item = rectifications.feed_back(item, outcome=texts.OUTCOMES[item.pk % len(texts.OUTCOMES)], by=answerer)
        if step == 3 and item.state == ItemState.PENDING_ACCEPTANCE:
            rectifications.send_back(item, reason="请补充具体数字和完成日期。", by=leader)
        elif step > 4:
            rectifications.accept(item, by=leader)

    def _target(self, record: Record) -> Person | None:
        if record.target_person is not None:
            return record.target_person
        head = heads.head_of(record.about_org, record.review.held_on or FIRST_DAY)
        return head.person if head else None
