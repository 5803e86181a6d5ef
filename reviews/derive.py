"""What the rules ask for on a day: every duty there should be, in memory-lean portions. Writes nothing."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from orgs.models import Membership, Organization, OrgType, Post
from reviews import cadence, framing, rule_versions, rules
from reviews.acting import Held, Teams, why_post
from reviews.framing import Frame
from reviews.models import Cadence, Period, ReviewerKind, Rule, Subject

Key = tuple[int, int | None, int | None]  # reviewing organisation, target organisation, target person
Place = tuple[int, int | None, int | None]  # reviewing person, target organisation, target person
Secretary = tuple[int, int | None, list[dict[str, Any]]]  # a branch, who is its 书记 or 主持工作, and as what
BRANCHES = 500  # read together


def place(kind: str, reviewer_id: int | None, target_org_id: int | None, target_person_id: int | None) -> Place | None:
    """What is one duty of a 书记, through whichever of his posts; None for an organisation's and a vacant post's."""
    if kind != ReviewerKind.PERSON or reviewer_id is None:
        return None
    return reviewer_id, target_org_id, target_person_id


@dataclass(slots=True)
class Due:
    """A duty that should exist; fields as `models.Duty` has them, by id."""

    reviewer_kind: str
    reviewer_org_id: int
    reviewer_id: int | None
    acting_id: int | None
    subject: str
    target_org_id: int | None
    target_person_id: int | None
    about_org_id: int
    joint_group: str = ""
    reasons: list[dict[str, Any]] = field(default_factory=list)
    basis: str = ""  # of its rule, where it was read back from the table of what is wanted

    @property
    def key(self) -> Key:
        """What makes it one duty within its period and rule."""
        return self.reviewer_org_id, self.target_org_id, self.target_person_id

    @property
    def place(self) -> Place | None:
        """The same by person, where the notice names the 书记 and there is one."""
        return place(self.reviewer_kind, self.reviewer_id, self.target_org_id, self.target_person_id)


class Derivation:
    """The duties of a period as the rules ask for them on a day. Used once: it reads the world when it is made.

    With `by`, only those of some reviewing organisations, for which it reads no more than it needs. Joint reviewers, and
    organisations with one head, must be in `by` together: their duties depend on each other.
    """

    def __init__(self, period: Period, on: datetime.date, by: Collection[int] | None = None) -> None:
        self.period = period
        self.on = on
        self.by = by
        self.frame = Frame(period)
        self.switches = rule_versions.switches(period)
        self.every_rule = rule_versions.governing(period)
        self.rules = [rule for rule in self.every_rule if rules.holds(rule, on)]
        self.codes: dict[int, str] = {}
        self.young: set[int] = set()
        self.named = {found.rule.pk: found for found in rules.named(self.rules, on, by=by)}
        rows = Organization.objects.order_by()
        if by is None:
            self._read(rows)
            self.teams = Teams(on)
            return
        wanted = {*by, *(pair.target_id for found in self.named.values() for pair in found.pairs)}
        for found in self.named.values():
            wanted.update(pk for pair in found.pairs for pk in found.co_reviewers.get(pair.reviewer_id, ()))
        # And all above them: a division of work of what lies between counts.
        while wanted:
            listed = sorted(wanted)
            above: set[int] = set()
            for start in range(0, len(listed), BRANCHES):
                above |= self._read(rows.filter(pk__in=listed[start : start + BRANCHES]))
            wanted = above - self.codes.keys()
        self.teams = Teams(on, self.codes)

    def _read(self, orgs: QuerySet[Organization]) -> set[int]:
        """Codes of organisations, and which are too young to be due; returns what is directly above them."""
        months, period = self.switches.new_org_months, self.period
        above: set[int] = set()
        rows = orgs.values_list("pk", "code", "founded_on", "parent_id")
        for pk, code, founded_on, parent_id in rows.iterator(chunk_size=10000):
            self.codes[pk] = code
            if parent_id is not None:
                above.add(parent_id)
            if not period.is_general_round and not cadence.existed_long_enough(founded_on, months, period.ends_on):
                self.young.add(pk)
        return above

    def reviewers(self, rule: Rule) -> QuerySet[Organization]:
        """Living organisations on the rule's reviewing side that are asked about."""
        return rules.reviewers(rule, self.on, self.by)

    def takes(self, rule: Rule) -> bool:
        """The period takes duties of this rule: a yearly one's with the second half-year and with a round (R40)."""
        is_due = rule.cadence != Cadence.YEAR or self.period.takes_yearly
        return is_due and framing.takes_rule(self.period, rule.code)

    def duties(self, rule: Rule) -> dict[Key, Due]:
        """The rule's duties that the period takes, by key."""
        found: dict[Key, Due] = {}
        if not self.takes(rule):
            return found
        if rule.targets_org or rule.targets_head:
            _merge(found, self.frame.takes(self._organizations(rule)))
        if rule.targets_team:
            _merge(found, self.frame.takes(self._team(rule)))
        if rule.targets_members:
            _merge(found, self.frame.takes(self._members(rule)))
        if rule.reviewer_kind == ReviewerKind.PERSON:
            found = _one_for_each_reviewer(found)
        return found

    def branch_members(self, rule: Rule) -> tuple[Iterator[Secretary], QuerySet[Membership, Any]] | None:
        """The same, of a rule towards members of branches alone, for the database to put together: (a branch's 书记 and the
        reason) and (branch, person), of which each member but the 书记 himself makes a duty. None for another rule.
        """
        if not rule.targets_members or rule.targets_org or rule.targets_head or rule.targets_team:
            return None
        period = self.period
        branches = self.reviewers(rule).filter(framing.within(period)).order_by()
        if not (self.takes(rule) and framing.takes_subject(period, Subject.MEMBER)):
            branches = branches.none()
        ids = branches.values_list("pk", flat=True)
        return map(self._secretary, list(ids)), self._memberships(branches)

    # --- organisations and their heads -------------------------------------------------------------------------

    def _organizations(self, rule: Rule) -> Iterator[Due]:
        named = self.named[rule.pk]
        # Where duties merge (a person in two posts), the smallest code is the one that stays.
        by_reviewer = rule.reviewer_kind == ReviewerKind.PERSON
        ends = (lambda pair: pair) if by_reviewer else (lambda pair: pair[::-1])
        for pair in sorted(named.pairs, key=lambda pair: [self.codes[pk] for pk in ends(pair)]):
            if pair.target_id in self.young:
                continue
            group = f"{rule.code}:{self.codes[pair.target_id]}" if rule.is_joint else ""
            for reviewer_id in (pair.reviewer_id, *named.co_reviewers.get(pair.reviewer_id, ())):
                if rule.reviewer_kind == ReviewerKind.PERSON:
                    yield from self._by_secretary(rule, reviewer_id, pair.target_id)
                else:
                    yield from self._by_organization(rule, reviewer_id, pair.target_id, group)

    def _by_organization(self, rule: Rule, reviewer_id: int, target_id: int, group: str) -> Iterator[Due]:
        head = self.teams.head(target_id)
        acting_id, why = self.teams.acting(reviewer_id, target_id, _skip(head))
        reason = {"org": self.codes[target_id], **self._named(why)}
        if rule.targets_org:
            yield Due(
                ReviewerKind.ORG, reviewer_id, None, acting_id, Subject.ORG, target_id, None, target_id, group, [reason]
            )
        if rule.targets_head and head is not None and head.is_counted:
            yield Due(
                ReviewerKind.ORG, reviewer_id, None, acting_id, Subject.HEAD, None, head.person_id, target_id, group,
                [{**reason, "head": head.role}],
            )  # fmt: skip

    def _by_secretary(self, rule: Rule, reviewer_id: int, target_id: int) -> Iterator[Due]:
        secretary = self.teams.head(reviewer_id)
        head = self.teams.head(target_id)
        if secretary is not None and head is not None and secretary.person_id == head.person_id:
            # He heads the target himself: the organisation stays his team's duty, the one towards himself falls away.
            if rule.targets_org:
                acting_id, why = self.teams.acting(reviewer_id, target_id, _skip(head))
                reason = {"org": self.codes[target_id], "self_headed": True, **self._named(why)}
                yield Due(
                    ReviewerKind.ORG,
                    reviewer_id,
                    None,
                    acting_id,
                    Subject.ORG,
                    target_id,
                    None,
                    target_id,
                    "",
                    [reason],
                )
            return
        person_id = secretary.person_id if secretary else None
        reason = {"org": self.codes[target_id], "by": self.codes[reviewer_id], **_post(secretary)}
        if rule.targets_org:
            yield Due(
                ReviewerKind.PERSON,
                reviewer_id,
                person_id,
                person_id,
                Subject.ORG,
                target_id,
                None,
                target_id,
                "",
                [reason],
            )
        if rule.targets_head and head is not None and head.is_counted:
            yield Due(
                ReviewerKind.PERSON, reviewer_id, person_id, person_id, Subject.HEAD, None, head.person_id, target_id,
                "", [{**reason, "head": head.role}],
            )  # fmt: skip

    # --- team and members ------------------------------------------------------------------------------------------

    def _team(self, rule: Rule) -> Iterator[Due]:
        for org_id in self.reviewers(rule).order_by("code").values_list("pk", flat=True):
            secretary = self.teams.head(org_id)
            person_id = secretary.person_id if secretary else None
            for held in self.teams.members(org_id):
                if held.is_counted and held.person_id != person_id:
                    reason = {"org": self.codes[org_id], "member": held.role, **_post(secretary)}
                    yield Due(
                        ReviewerKind.PERSON, org_id, person_id, person_id, Subject.TEAM_MEMBER, None, held.person_id,
                        org_id, "", [reason],
                    )  # fmt: skip

    def _members(self, rule: Rule) -> Iterator[Due]:
        """One by one, for a rule that has other targets as well."""
        secretaries: dict[int, Secretary] = {}
        for branch_id, member_id in self._memberships(self.reviewers(rule).order_by()).values_list(
            "branch_id", "person_id"
        ):
            _, person_id, reasons = secretaries.get(branch_id) or secretaries.setdefault(
                branch_id, self._secretary(branch_id)
            )
            if member_id != person_id:
                yield Due(
                    ReviewerKind.PERSON, branch_id, person_id, person_id, Subject.MEMBER, None, member_id, branch_id, "",
                    list(reasons),
                )  # fmt: skip

    def _secretary(self, branch_id: int) -> Secretary:
        secretary = self.teams.head(branch_id)
        person_id = secretary.person_id if secretary else None
        return branch_id, person_id, [{"org": self.codes[branch_id], **_post(secretary)}]

    def _memberships(self, branches: QuerySet[Organization]) -> QuerySet[Membership, Any]:
        """Members of the branches who are counted, once each: `branch_id`, `person_id`."""
        found = Membership.objects.valid(self.on).counted().filter(branch__in=branches.values("pk"))
        if not self.switches.leaders_as_members:
            found = found.exclude(person__in=self._leaders())
        return found.order_by("branch", "person").values("branch_id", "person_id").distinct()

    def _leaders(self) -> QuerySet:
        """Members of teams, whom a scheme may leave out of their branch's reviews (A12)."""
        posts = Post.objects.valid(self.on).exclude(organization__org_type=OrgType.BRANCH)
        return posts.order_by().values("person")

    def _named(self, why: dict[str, Any]) -> dict[str, Any]:
        return {**why, "of": self.codes[why["of"]]} if "of" in why else why


def _skip(head: Held | None) -> set[int]:
    """Nobody reviews himself, nor what he heads (A11)."""
    return {head.person_id} if head is not None else set()


def _post(held: Held | None) -> dict[str, Any]:
    return why_post(held) if held is not None else {"vacant": True}


def _merge(found: dict[Key, Due], dues: Iterable[Due]) -> None:
    """One duty for each reviewer and target; if several posts lead to it, its reasons list them all (A26)."""
    for due in dues:
        known = found.get(due.key)
        if known is None:
            found[due.key] = due
        else:
            known.reasons.extend(due.reasons)


def _one_for_each_reviewer(found: dict[Key, Due]) -> dict[Key, Due]:
    """Where the notice names the 书记, the person is the reviewer: two of his posts make one duty, under the first.

    Vacant posts stay apart: whoever will fill them is not known.
    """
    merged: dict[tuple, Due] = {}
    for due in found.values():
        known = merged.setdefault(due.place or ("post", *due.key), due)
        if known is not due:
            known.reasons.extend(due.reasons)
    return {due.key: due for due in merged.values()}
