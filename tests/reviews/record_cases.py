"""Duties and drafts for tests of records."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from reviews import records
from reviews.models import Basis, Duty, Period, Record, ReviewerKind, Subject
from reviews.records import RecordDraft
from tests.builders import day, make_period
from tests.cast import Cast

HELD_ON = day("2010-12-08")


@dataclass
class Cases:
    """The cast with a period, and a duty for each kind of target."""

    cast: Cast
    period: Period

    def duty(
        self, code: str, reviewer_org: str, acting: str, *, org="", person="", about="", subject="", **facts
    ) -> Duty:
        """A duty, by the cast's codes and parts."""
        target_org = self.cast.org[org] if org else None
        target_person = self.cast.person[person] if person else None
        return Duty.objects.create(
            period=self.period,
            rule_code=code,
            reviewer_kind=ReviewerKind.ORG,
            reviewer_org=self.cast.org[reviewer_org],
            acting=self.cast.person[acting],
            subject=subject or (Subject.ORG if org else Subject.MEMBER),
            target_org=target_org,
            target_person=target_person,
            about_org=self.cast.org[about or org or reviewer_org],
            basis=Basis.AFFILIATION,
            due_on=self.period.ends_on,
            **facts,
        )

    def of_member(self) -> Duty:
        """Rule 4: the branch's secretary and a member."""
        return self.duty("4", "1311", "secretary", person="member", reviewer=self.cast.person["secretary"])

    def of_branch(self) -> Duty:
        """Rule 2B: the bureau's member in charge and a window unit's branch."""
        return self.duty("2B", "13", "member_in_charge", org="1311")

    def of_bureau(self) -> Duty:
        """Rule 5A: across the guidance edge."""
        return self.duty("5A", "1", "root_head", org="13")

    def member_record(self, **changes) -> Record:
        """A complete draft about the member."""
        return self.saved(self.of_member(), "secretary", **changes)

    def branch_record(self, **changes) -> Record:
        """A complete draft about the window unit's branch."""
        return self.saved(self.of_branch(), "member_in_charge", **changes)

    def saved(self, duty: Duty, part: str, **changes) -> Record:
        """A complete draft of a duty, begun and saved by that part."""
        user = self.cast.user[part]
        record = records.open_draft(duty, by=user)
        return records.save_draft(record, full_draft(record, **changes), by=user)

    def confirmed(self, **changes) -> Record:
        """The member's record, confirmed by the secretary."""
        return records.confirm(self.member_record(**changes), by=self.cast.user["secretary"])

    def confirmed_branch(self, **changes) -> Record:
        """The branch's record, confirmed by the member in charge."""
        return records.confirm(self.branch_record(**changes), by=self.cast.user["member_in_charge"])


def full_draft(record: Record, **changes) -> RecordDraft:
    """Everything that confirming asks for."""
    answers = {point.pk: ("yes", "") for point in records.checklist(record)}
    draft = RecordDraft(
        version=record.version,
        held_on=HELD_ON,
        place="三楼会议室",
        form="meeting",
        form_note="支部党员大会",
        prior_summary="前段工作小结。" if record.target_org_id else "",
        achievements="业务熟练，服务热情。",
        problems=("学习不够经常", "联系企业不够主动"),
        directions="每月自学一次，每季走访企业。",
        member_count=record.member_count,
        answers=answers,
    )
    return dataclasses.replace(draft, **changes)


def make_cases(cast: Cast) -> Cases:
    """The cases of 2010H2."""
    return Cases(cast, make_period("2010H2"))
