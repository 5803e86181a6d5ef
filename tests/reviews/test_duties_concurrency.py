"""Generation side by side, with itself and with the work it plans."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from orgs import people, personnel
from reports import coverage as totals
from reviews import duties, duty_csv, generation, records
from reviews.models import Duty, DutyStatus, Generation, GenerationState, Period
from tests import builders
from tests.cast import make_cast
from tests.reviews.record_cases import full_draft

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closed_connections", "in_2010"),
]
ON = datetime.date(2010, 12, 10)
ROOT = Path(__file__).resolve().parent.parent.parent


def side_by_side(*works):
    """Run all at once; what they raised, in their order."""
    raised = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(at, work):
        try:
            gate.wait(10)
            work()
        except Exception as error:  # noqa: BLE001 - shown by the test
            raised[at] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_two_generations_at_once_make_every_duty_once():
    make_cast()
    period = duties.ensure_period("2010H2")
    assert side_by_side(*[lambda: duties.regenerate(period, on=ON)] * 4) == [None] * 4
    together = list(duty_csv.rows(period))
    Duty.objects.all().delete()
    duties.regenerate(period, on=ON)
    assert together == list(duty_csv.rows(period))


def test_four_processes_at_once_make_every_duty_once():
    make_cast()
    facts = connection.settings_dict
    where = f"postgres://{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"
    around = {**os.environ, "DATABASE_URL": where, "TODAY": f"{ON}"}
    command = [sys.executable, str(ROOT / "manage.py"), "generate_duties", "2010H2"]
    running = [subprocess.Popen(command, env=around, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 4
    added = [sum(int(number) for number in re.findall(r"新增 (\d+)", text)) for text in said]
    together = list(duty_csv.rows(Period.objects.get()))
    assert sorted(added) == [0, 0, 0, len(together)]
    Duty.objects.all().delete()
    duties.regenerate(Period.objects.get(), on=ON)
    assert together == list(duty_csv.rows(Period.objects.get()))
    assert totals.prove() == []


def test_of_four_who_confirm_a_preview_one_generates():
    cast = make_cast()
    period = duties.ensure_period("2010H2")
    made = generation.start(period, by=cast.user["admin"])

    def confirm():
        generation.confirm(Generation.objects.get(pk=made.pk), by=cast.user["admin"])

    raised = side_by_side(*[confirm] * 4)
    assert sum(error is None for error in raised) == 1
    assert all(isinstance(error, generation.NotNow) for error in raised if error is not None)
    made.refresh_from_db()
    assert made.state == GenerationState.APPLIED
    assert Duty.objects.count() == generation.total(made.done).added == generation.total(made.foreseen).added


@pytest.mark.parametrize("lag", [0, 0.05, 0.2, 0.5])
def test_a_review_confirmed_while_a_round_is_made_serves_the_round(lag):
    cast = make_cast()
    half, made = duties.ensure_period("2010H2"), builders.make_round()
    duties.regenerate(half, on=ON)
    duty = Duty.objects.get(period=half, rule_code="4", target_person=cast.person["member"])
    record = records.open_draft(duty, by=cast.user["secretary"])

    def confirm():
        time.sleep(lag)
        records.confirm(record, full_draft(record), by=cast.user["secretary"])

    assert side_by_side(confirm, lambda: duties.regenerate(made, on=ON)) == [None, None]
    of_round = Duty.objects.get(period=made, rule_code="4", target_person=cast.person["member"])
    assert of_round.status == DutyStatus.DONE
    assert totals.prove() == []


def test_two_leaders_confirm_while_a_change_is_followed_in_two_periods():
    cast = make_cast()
    half, made = duties.ensure_period("2010H2"), builders.make_round()
    duties.regenerate_many([half, made], on=ON)
    written = []
    for part, target in (("secretary", "member"), ("lower_secretary", "lower_member")):
        duty = Duty.objects.get(period=half, rule_code="4", target_person=cast.person[target])
        record = records.open_draft(duty, by=cast.user[part])
        written.append((record, full_draft(record), cast.user[part]))

    def confirm(record, draft, user):
        records.confirm(record, draft, by=user)

    works = [lambda one=one: confirm(*one) for one in written]
    head = cast.person["bureau_head"]
    works.append(lambda: personnel.transfer([head], to=cast.org["1321"], on=ON, reason="调动", by=None))
    assert side_by_side(*works) == [None] * 3
    assert Duty.objects.filter(rule_code="4", status=DutyStatus.DONE).count() == 4
    assert totals.prove() == []


def test_a_review_confirmed_while_its_duty_is_withdrawn_keeps_it():
    cast = make_cast()
    period = duties.ensure_period("2010H2")
    duties.regenerate(period, on=ON)
    duty = Duty.objects.get(rule_code="4", target_person=cast.person["member"])
    record = records.open_draft(duty, by=cast.user["secretary"])
    people.transfer(cast.person["member"], to=None, on=datetime.date(2010, 11, 1), by=None)
    confirmed = threading.Event()

    def confirm():
        with transaction.atomic():
            records.confirm(record, full_draft(record), by=cast.user["secretary"])
            confirmed.set()
            time.sleep(1)  # not yet committed while the generation arrives at the duty

    def generate():
        confirmed.wait(10)
        duties.regenerate(period, on=ON)

    assert side_by_side(confirm, generate) == [None, None]
    duty.refresh_from_db()
    assert duty.status == DutyStatus.DONE
    assert list(duty.records.all()) == [record]


def test_a_review_that_serves_two_duties_holds_none_while_it_waits_for_the_other():
    """Whoever changes them in another order, as a generation does, and the review would wait in a circle."""
    make_cast()
    period = duties.ensure_period("2010H2")
    duties.regenerate(period, on=ON)
    first, second = Duty.objects.order_by("pk").values_list("pk", flat=True)[:2]
    changed, held = threading.Event(), []

    def generate():
        with transaction.atomic():
            Duty.objects.filter(pk=second).update(status=DutyStatus.EXEMPT)
            changed.set()
            time.sleep(1)  # meanwhile the other one comes to wait for the second
            Duty.objects.filter(pk=first).update(status=DutyStatus.EXEMPT)

    def serve():
        changed.wait(10)
        with transaction.atomic():
            held.extend(duties.hold([first, second]))

    assert side_by_side(generate, serve) == [None, None]
    assert held == [first, second]


def test_a_draft_is_refused_a_further_duty_that_is_withdrawn_meanwhile():
    cast = make_cast()
    period = duties.ensure_period("2010H2")
    duties.regenerate(period, on=ON)
    duty = Duty.objects.get(rule_code="4", target_person=cast.person["member"])
    facts = {field.attname: getattr(duty, field.attname) for field in duty._meta.concrete_fields if field.name != "id"}
    further = Duty.objects.create(**{**facts, "rule_code": "另一条"})
    record = records.open_draft(duty, by=cast.user["secretary"])
    withdrawn = threading.Event()

    def withdraw():
        with transaction.atomic():
            Duty.objects.filter(pk=further.pk).delete()
            withdrawn.set()
            time.sleep(1)

    def save():
        withdrawn.wait(10)
        records.save_draft(record, full_draft(record, duty_ids=(further.pk,)), by=cast.user["secretary"])

    nothing, refused = side_by_side(withdraw, save)
    assert nothing is None
    assert isinstance(refused, records.BadDraft)
    assert list(record.duties.all()) == [duty]
