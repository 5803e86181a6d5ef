"""Who may see, read, edit and answer a record: conditions on the path `prefix` to a Record ("" or "record__").

| who | that it took place | text, organisation | text, person (T20) | draft |
|---|---|---|---|---|
| reviewer, joint reviewers | yes | yes | yes | yes |
| office of the reviewing organisation | yes | yes | yes | yes (代录, R46) |
| head of the reviewing organisation | yes | yes | – | a branch's: yes |
| office over the target, same domain | yes | yes | yes | – |
| heads over it, its own team, who is in charge of it | yes | yes | – | – |
| secretary of the member's branch | yes | yes | a member's: yes | – |
| the target himself | yes | (his team) | yes | – |
| administrator | yes | yes | yes | yes |

A draft, and a record that waits for its leader, is nobody's business but theirs who write it. Of one's own review
nobody writes, confirms or voids a word, whatever else one is: clerk of the office, or secretary of the branch whose
deputy reviews him (T3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.apps import apps
from django.db.models import BooleanField, Case, Q, QuerySet, Value, When

from orgs import clock, scope

if TYPE_CHECKING:
    from orgs.models import User
    from reviews.models import Record, Review

UNCONFIRMED = ("draft", "submitted")


def _any(*conditions: Q) -> Q:
    """Any of them. Never give it scope.EVERYTHING: `a | Q()` is `a` in Django; administrators go first."""
    found = scope.NOTHING
    for condition in conditions:
        found |= condition
    return found


def _reviews() -> QuerySet[Review]:
    # By name: the models import this module for their querysets.
    return apps.get_model("reviews", "Review")._default_manager.all()


def _inside(path: str, organizations: Q) -> Q:
    """The organisation at the path is one of the condition's: asked of the organisations once, not of each record."""
    rows = apps.get_model("orgs", "Organization")._default_manager.filter(organizations)
    return Q(**{f"{path}__in": rows.order_by().values("pk")})


def _reviewers(user: User, prefix: str) -> Q:
    """Reviewed by the user, alone or with others."""
    person = scope.seats(user).person
    if person is None:
        return scope.NOTHING
    # A subquery: joining co-reviewers into an OR would double the rows.
    joined = _reviews().filter(co_reviewers=person).values("pk")
    return Q(**{f"{prefix}review__reviewer": person}) | Q(**{f"{prefix}review__in": joined})


def _offices(user: User, prefix: str) -> Q:
    """The user works in the office of a reviewing organisation, or above it. Not for administrators."""
    if not scope.seats(user).offices:
        return scope.NOTHING
    joined = _reviews().filter(_inside("co_orgs", scope.office_of(user))).values("pk")
    return _inside(f"{prefix}review__reviewer_org", scope.office_of(user)) | Q(**{f"{prefix}review__in": joined})


def _secretary(user: User, path: str) -> Q:
    """The branches whose head the user is."""
    branches = [org.pk for org in scope.seats(user).heads if org.is_branch]
    return Q(**{f"{path}__in": branches}) if branches else scope.NOTHING


def _writers(user: User, prefix: str) -> Q:
    """Who may go on with a draft: reviewers, their offices, and who heads the branch now (A20); never who is reviewed."""
    own = _any(_reviewers(user, prefix), _offices(user, prefix), _secretary(user, f"{prefix}review__reviewer_org"))
    return own & ~_himself(user, prefix)


def _himself(user: User, prefix: str) -> Q:
    person = scope.seats(user).person
    return Q(**{f"{prefix}target_person": person}) if person is not None else scope.NOTHING


def visible(user: User, prefix: str = "") -> Q:
    """Records that the user may know of."""
    if scope.seats(user).is_admin:
        return scope.EVERYTHING
    known = _any(
        _inside(f"{prefix}about_org", scope.seen_people(user)),
        scope.headed(user, f"{prefix}review__reviewer_org__"),
        _himself(user, prefix),
    )
    return _writers(user, prefix) | (known & ~Q(**{f"{prefix}state__in": UNCONFIRMED}))


def readable(user: User, prefix: str = "") -> Q:
    """Records whose text the user may read: an organisation's as visible, a person's for few eyes (T20)."""
    if scope.seats(user).is_admin:
        return scope.EVERYTHING
    own_member = _secretary(user, f"{prefix}about_org") & Q(**{f"{prefix}kind": "member"})
    personal = _any(_himself(user, prefix), _inside(f"{prefix}about_org", scope.office_of(user)), own_member)
    organizations = visible(user, prefix) & Q(**{f"{prefix}target_org__isnull": False})
    persons = personal & Q(**{f"{prefix}target_person__isnull": False})
    return _writers(user, prefix) | organizations | (persons & ~Q(**{f"{prefix}state__in": UNCONFIRMED}))


def editable(user: User, prefix: str = "") -> Q:
    """Drafts that the user may go on with."""
    draft = Q(**{f"{prefix}state": "draft"})
    if scope.seats(user).is_admin:
        return draft
    return draft & _writers(user, prefix)


@dataclass(frozen=True)
class Standing:
    """What a user is to one record."""

    is_reviewer: bool = False  # the reviewer of record himself
    is_joint: bool = False  # a co-reviewer
    is_office: bool = False  # of a reviewing organisation, or above it; administrators
    is_reviewing_head: bool = False  # heads the reviewing organisation
    is_himself: bool = False  # the person reviewed
    is_target_head: bool = False  # head or deputy of the organisation reviewed, or branch secretary of the member
    is_target_office: bool = False  # office over the target
    heads_target: bool = False  # head or deputy of the organisation that is itself the target
    heads_reviewing_branch: bool = False  # the branch's secretary now, perhaps the reviewer's successor (A20)
    may_read: bool = False
    is_of_org: bool = False  # the record is an organisation's

    @property
    def may_write(self) -> bool:
        """Draft and confirm: as the reviewer, or for him."""
        return self.is_reviewer or self.is_joint or self.is_office or self.heads_reviewing_branch

    @property
    def may_answer(self) -> bool:
        """Speaks for the target: plans, reports, feeds back."""
        return self.is_himself or ((self.is_target_head or self.is_target_office) and self.may_read)

    @property
    def may_acknowledge(self) -> bool:
        """Signs for the target: the person himself, else head, deputy or office of the organisation."""
        return self.is_himself or (self.is_of_org and (self.heads_target or self.is_target_office))

    @property
    def may_accept(self) -> bool:
        """Speaks for the reviewing side; never who was reviewed (no self-acceptance)."""
        if self.is_himself or self.heads_target:
            return False
        reviewing = self.is_reviewer or self.is_joint or self.is_office or self.is_reviewing_head
        return reviewing and self.may_read


def standing(record: Record, user: User) -> Standing:
    """What the user is to this record, whatever its state. Two queries."""
    at = scope.seats(user)
    is_admin = at.is_admin
    person_id = at.person.pk if at.person else None
    tests = {
        "joint": _reviewers(user, ""),
        "office": scope.NOTHING if is_admin else _offices(user, ""),
        "head": scope.headed(user, "review__reviewer_org__"),
        "target_office": scope.NOTHING if is_admin else scope.office_of(user, "about_org__"),
        "read": scope.NOTHING if is_admin else readable(user),
    }
    flags = {f"is_{name}": _flag(test) for name, test in tests.items()}
    rows = type(record)._default_manager.filter(pk=record.pk).annotate(**flags).values_list(*flags)
    row = dict(zip(flags, rows.get(), strict=True))
    is_reviewer = person_id is not None and record.review.reviewer_id == person_id
    own_branch = any(org.is_branch and org.pk == record.about_org_id for org in at.heads)
    leads = record.target_org_id is not None and _leads(user, record.target_org_id)
    is_himself = person_id is not None and record.target_person_id == person_id
    heads_branch = any(org.is_branch and org.pk == record.review.reviewer_org_id for org in at.heads)
    return Standing(
        is_reviewer=is_reviewer,
        is_joint=row["is_joint"] and not is_reviewer,
        is_office=is_admin or (row["is_office"] and not is_himself),
        is_reviewing_head=row["is_head"],
        is_himself=is_himself,
        is_target_head=leads or (record.is_of_person and record.kind == "member" and own_branch),
        is_target_office=is_admin or row["is_target_office"],
        may_read=is_admin or row["is_read"],
        heads_target=leads,
        is_of_org=record.target_org_id is not None,
        heads_reviewing_branch=heads_branch and not is_himself,
    )


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _leads(user: User, org_id: int) -> bool:
    """Head or deputy of the organisation today."""
    at = scope.seats(user)
    if any(org.pk == org_id for org in at.heads):
        return True
    if at.person is None or all(org.pk != org_id for org in at.teams):
        return False
    return at.person.posts.valid(clock.today()).filter(organization=org_id, role="deputy").exists()
