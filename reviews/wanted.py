"""The duties that the rules ask for on a day, as a table of the transaction, and what distinguishes it from what is stored.

A million duties are derived, compared and written without passing through Python. Whoever compares uses the table up: what
is found among the stored duties is taken out, and what is left is new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from orgs.scratch import ROW, Scratch, Sql, compiled, differ, rows, run
from reviews.derive import Derivation, Due
from reviews.models import Duty, DutyStatus, Period, ReviewerKind, Rule, SetAside, Subject

FOLLOWING = (
    "reviewer_kind", "reviewer_org_id", "reviewer_id", "acting_id", "subject", "about_org_id", "basis", "joint_group",
    "reasons",
)  # fmt: skip
LINE = (
    ("rule_code", "rule_code"), ("reviewer_kind", "reviewer_kind"), ("reviewer_org", "reviewer_org_id"),
    ("acting", "acting_id"), ("subject", "subject"), ("target_org", "target_org_id"),
    ("target_person", "target_person_id"), ("about_org", "about_org_id"), ("reasons", "reasons"),
)  # columns of a preview's line, and where they come from  # fmt: skip
PORTION = 50_000  # duties written by one statement, between two looks whether the job was cancelled
FEW = 500  # ids in one condition: well below the limit of every database

WANTED = Scratch(
    "wanted_duty",
    {
        "rule_code": "text", "target_org_id": "id", "target_person_id": "id", "reviewer_kind": "text",
        "reviewer_org_id": "id", "reviewer_id": "id", "acting_id": "id", "subject": "text", "about_org_id": "id",
        "basis": "text", "joint_group": "text", "reasons": "json",
    },
    ("target_org_id", "rule_code"), ("target_person_id", "rule_code"),
)  # fmt: skip
SECRETARIES = Scratch("branch_secretary", {"org_id": "id", "person_id": "id", "reasons": "json"}, ("org_id",))
GONE = Scratch("gone_duty", {"duty_id": "id", "rule_code": "text"}, ("duty_id",))

STORED = ("id", "rule_code", "status", "is_assigned", "target_org_id", "target_person_id", *FOLLOWING)
# A duty has one target, and the other column is empty: one condition for each, so that the database can look it up.
TARGETS = ("w.target_org_id = d.target_org_id", "w.target_person_id = d.target_person_id")
SAME = "w.rule_code = d.rule_code AND w.reviewer_org_id = d.reviewer_org_id"

Pair = tuple[int, int]  # a stored duty's id, the number of a row of WANTED


def _due_row(rule: Rule, due: Due) -> tuple[Any, ...]:
    return (
        rule.code, due.target_org_id, due.target_person_id, str(due.reviewer_kind), due.reviewer_org_id, due.reviewer_id,
        due.acting_id, str(due.subject), due.about_org_id, str(rule.basis), due.joint_group, json.dumps(due.reasons),
    )  # fmt: skip


class Wanted:
    """The table of one comparison: `ask` for each rule, then compare."""

    def __init__(self, derivation: Derivation, period: Period, stored: QuerySet[Duty]) -> None:
        """`stored`: the duties with which it is compared."""
        self.derivation, self.period = derivation, period
        self.stored = compiled(stored.order_by().values(*STORED))
        self.count = 0
        WANTED.open()
        GONE.open()

    # --- deriving --------------------------------------------------------------------------------------------------

    def ask(self, rule: Rule) -> int:
        """Derive one rule's duties into the table. Returns how many."""
        members = self.derivation.branch_members(rule)
        if members is None:
            found = self.derivation.duties(rule)
            WANTED.insert(_due_row(rule, due) for due in found.values())
            number = len(found)
        else:
            number = self._ask_members(rule, *members)
        self.count += number
        return number

    def _ask_members(self, rule: Rule, branches: Iterable[tuple], members: QuerySet) -> int:
        """A branch's 书记 towards each of its members: nearly all duties of a system, by one statement."""
        select = compiled(members)
        if select is None:
            return 0
        SECRETARIES.open()
        SECRETARIES.insert((org, person, json.dumps(reasons)) for org, person, reasons in branches)
        sql, values = select
        kind, subject = ReviewerKind.PERSON.value, Subject.MEMBER.value
        return WANTED.insert_from(
            (
                "SELECT CAST(%s AS text), CAST(NULL AS integer), m.person_id, CAST(%s AS text), b.org_id, b.person_id,"  # noqa: S608
                " b.person_id, CAST(%s AS text), b.org_id, CAST(%s AS text), '', b.reasons"
                f" FROM ({sql}) m JOIN {SECRETARIES.name} b ON b.org_id = m.branch_id"
                f" WHERE {differ('m.person_id', 'b.person_id')} ORDER BY m.branch_id, m.person_id",
                (rule.code, kind, subject, str(rule.basis), *values),
            )
        )

    # --- comparing -------------------------------------------------------------------------------------------------

    def find_gone(self) -> dict[str, int]:
        """Note the stored duties that nothing asks for, in GONE. Returns how many of each rule."""
        WANTED.learn(self.count)
        if self.stored is None:
            return {}
        sql, values = self.stored
        absent = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {WANTED.name} w WHERE {SAME} AND {target})"  # noqa: S608
            for target in TARGETS
        )
        number = GONE.insert_from((f"SELECT d.id, d.rule_code FROM ({sql}) d WHERE {absent}", values))  # noqa: S608
        GONE.learn(number)
        return _by_rule(GONE, "")

    def assigned(self) -> list[Pair]:
        """The stored duties whose acting person was assigned by hand, with what is asked for; not those that are done."""
        return self._pairs(f"{SAME} AND d.is_assigned AND d.status <> 'done'")

    def passed_on(self) -> list[Pair]:
        """Of those that are gone: a 书记's duty that comes by another of his posts now, one row for each."""
        are_gone = f"d.id IN (SELECT duty_id FROM {GONE.name})"  # noqa: S608
        same_person = "w.reviewer_kind = 'person' AND d.reviewer_kind = 'person' AND w.reviewer_id = d.reviewer_id"
        pairs = self._pairs(f"w.rule_code = d.rule_code AND {same_person} AND {are_gone}")
        found: list[Pair] = []
        duties: set[int] = set()
        taken: set[int] = set()
        for duty, row in pairs:
            if duty not in duties and row not in taken:
                found.append((duty, row))
                duties.add(duty)
                taken.add(row)
        return found

    def _pairs(self, condition: str) -> list[Pair]:
        if self.stored is None:
            return []
        sql, values = self.stored
        ways = " UNION ALL ".join(
            f"SELECT d.id AS duty, w.{ROW} AS {ROW} FROM ({sql}) d JOIN {WANTED.name} w ON {target} AND {condition}"  # noqa: S608
            for target in TARGETS
        )
        found = rows(f"SELECT duty, {ROW} FROM ({ways}) found ORDER BY duty, {ROW}", (*values, *values))  # noqa: S608
        return [(duty, row) for duty, row in found]

    def changed(self) -> dict[str, int]:
        """Of the stored duties that are asked for and not done: how many of each rule are somebody else's now, or there for
        another reason. Those assigned by hand aside."""
        if self.stored is None:
            return {}
        sql, values = self.stored
        counts: dict[str, int] = {}
        for target in TARGETS:
            found = rows(
                f"SELECT d.rule_code, COUNT(*) FROM ({sql}) d JOIN {WANTED.name} w ON {SAME} AND {target}"  # noqa: S608
                f" WHERE {self._is_different()} GROUP BY d.rule_code",
                values,
            )
            for code, number in found:
                counts[code] = counts.get(code, 0) + number
        return counts

    def _is_different(self) -> str:
        any_of = " OR ".join(differ(f"d.{name}", f"w.{name}") for name in FOLLOWING)
        return f"d.status <> 'done' AND NOT d.is_assigned AND ({any_of})"

    def write_changed(self) -> None:
        """Let them follow."""
        values = ", ".join(f"{name} = w.{name}" for name in FOLLOWING)
        for target in TARGETS:
            run(
                f"UPDATE reviews_duty AS d SET {values} FROM {WANTED.name} w"  # noqa: S608
                f" WHERE d.period_id = %s AND {SAME} AND {target} AND {self._is_different()}",
                [self.period.pk],
            )

    def use_up(self) -> None:
        """Take out what is stored: what is left is new."""
        for target in TARGETS:
            run(
                f"DELETE FROM {WANTED.name} AS w WHERE EXISTS"  # noqa: S608
                f" (SELECT 1 FROM reviews_duty d WHERE d.period_id = %s AND {SAME} AND {target})",
                [self.period.pk],
            )

    def dues(self, pairs: Sequence[Pair]) -> dict[int, Due]:
        """What is asked for, by row, of some pairs."""
        listed = ", ".join(WANTED.columns)
        marks = ", ".join(["%s"] * len(pairs))
        found = rows(
            f"SELECT {ROW}, {listed} FROM {WANTED.name} WHERE {ROW} IN ({marks})",  # noqa: S608
            [row for _, row in pairs],
        )
        return {
            row: Due(
                kind, org, reviewer, acting, subject, target_org, target_person, about, group, _loaded(reasons), basis
            )
            for row, _, target_org, target_person, kind, org, reviewer, acting, subject, about, basis, group, reasons in found
        }

    def take_out(self, pairs: Sequence[Pair]) -> None:
        """They are neither new nor gone."""
        for start in range(0, len(pairs), FEW):
            some = pairs[start : start + FEW]
            marks = ", ".join(["%s"] * len(some))
            run(f"DELETE FROM {GONE.name} WHERE duty_id IN ({marks})", [duty for duty, _ in some])  # noqa: S608
            run(f"DELETE FROM {WANTED.name} WHERE {ROW} IN ({marks})", [row for _, row in some])  # noqa: S608

    # --- what was set aside ---------------------------------------------------------------------------------------

    def leave_out_new(self) -> dict[str, int]:
        """Take out the new ones that were set aside. Returns how many of each rule."""
        aside = self._aside("w", is_added=True)
        found = _by_rule(WANTED, f"WHERE {aside[0]}", aside[1])
        if found:
            run(f"DELETE FROM {WANTED.name} AS w WHERE {aside[0]}", aside[1])  # noqa: S608
        return found

    def leave_out_gone(self) -> dict[str, int]:
        """Take out those of the gone ones whose withdrawal was set aside. Returns how many of each rule."""
        aside = self._aside("d", is_added=False)
        kept = f"EXISTS (SELECT 1 FROM reviews_duty d WHERE d.id = w.duty_id AND {aside[0]})"  # noqa: S608
        found = _by_rule(GONE, f"WHERE {kept}", aside[1])
        if found:
            run(f"DELETE FROM {GONE.name} AS w WHERE {kept}", aside[1])  # noqa: S608
        return found

    def _aside(self, of: str, *, is_added: bool) -> Sql:
        word = "" if is_added else "NOT "
        condition = (
            f"EXISTS (SELECT 1 FROM reviews_setaside s WHERE s.period_id = %s AND {word}s.is_added"  # noqa: S608
            f" AND s.rule_code = {of}.rule_code AND s.reviewer_org_id = {of}.reviewer_org_id"
            f" AND (s.target_org_id = {of}.target_org_id OR s.target_person_id = {of}.target_person_id))"
        )
        return condition, [self.period.pk]

    # --- what is left ---------------------------------------------------------------------------------------------

    def left(self) -> dict[str, int]:
        """How many are left of each rule."""
        return _by_rule(WANTED, "")

    def gone(self, rule_code: str) -> list[int]:
        """Ids of the rule's duties that nothing asks for."""
        found = rows(f"SELECT duty_id FROM {GONE.name} WHERE rule_code = %s ORDER BY duty_id", [rule_code])  # noqa: S608
        return [pk for (pk,) in found]

    def lines(self) -> Iterator[tuple[Any, ...]]:
        """(rule, reviewing organisation, acting, subject, target organisation, target person) of what is left."""
        names = "rule_code, reviewer_org_id, acting_id, subject, target_org_id, target_person_id"
        yield from rows(f"SELECT {names} FROM {WANTED.name} ORDER BY {ROW}")  # noqa: S608

    def keep_lines(self, generation_id: int) -> None:
        """Store what is left as the new lines of a preview."""
        lines = ", ".join(name for name, _ in LINE)
        ours = ", ".join(column for _, column in LINE)
        run(
            f"INSERT INTO reviews_generationline (generation_id, is_added, ended, {lines})"  # noqa: S608
            f" SELECT %s, %s, '', {ours} FROM {WANTED.name} ORDER BY {ROW}",
            [generation_id, True],
        )

    def write(self, rule: Rule) -> Iterator[int]:
        """Store what is left of a rule as new duties, some at a time; says how many were written each time."""
        given = {
            "period_id": self.period.pk, "rule_id": rule.pk, "due_on": self.period.due_on,
            "created_at": timezone.now(), "status": DutyStatus.PENDING.value, "is_assigned": False, "exempt_reason": "",
            "exempt_approved_by": "",
        }  # fmt: skip
        fields = {field.attname: field for field in Duty._meta.concrete_fields}
        fixed = [fields[name].get_db_prep_save(value, connection) for name, value in given.items()]
        columns = ", ".join([*given, *WANTED.columns])
        marks = ", ".join(["%s"] * len(given))
        of_rule = f"FROM {WANTED.name} WHERE rule_code = %s"
        ((first, last),) = rows(f"SELECT MIN({ROW}), MAX({ROW}) {of_rule}", [rule.code])  # noqa: S608
        while first is not None and first <= last:
            yield run(
                f"INSERT INTO reviews_duty ({columns}) SELECT {marks}, {', '.join(WANTED.columns)} {of_rule}"  # noqa: S608
                f" AND {ROW} >= %s AND {ROW} < %s ORDER BY {ROW}",
                [*fixed, rule.code, first, first + PORTION],
            )
            first += PORTION


def is_anything_set_aside(period: Period) -> bool:
    """Somebody set lines of the period aside."""
    return period.pk is not None and SetAside.objects.filter(period=period.pk).exists()


def _by_rule(table: Scratch, where: str, values: Sequence[Any] = ()) -> dict[str, int]:
    found = rows(f"SELECT w.rule_code, COUNT(*) FROM {table.name} w {where} GROUP BY w.rule_code", values)  # noqa: S608
    return dict(found)


def _loaded(reasons: Any) -> list[dict[str, Any]]:
    return json.loads(reasons) if isinstance(reasons, str) else reasons
