"""Celery shells of `reports`: a task calls one function and holds no rule of its own.

Each may run twice or side by side: what they do has its effect once, by constraints and locks in the database.
"""

from celery import shared_task

from orgs import clock, proofs
from orgs.tasks import HOURS
from reports import coverage, exports, reminders
from reviews.models import Period


@shared_task
def send_reminders() -> int:
    """Remind of what is due today, then hand the new messages to the mail server. Returns how many were new."""
    counts = reminders.send_due(clock.today())
    reminders.deliver_mail()
    return sum(count.new for count in counts.values())


@shared_task
def deliver_mail() -> int:
    """Send the e-mails that wait. Returns how many went out."""
    return reminders.deliver_mail().sent


@shared_task(time_limit=HOURS)
def run_export(pk: int) -> bool:
    """Make a queued export."""
    return exports.run(pk)


@shared_task
def remove_old_exports() -> int:
    """Delete exported files that were kept long enough."""
    return exports.remove_old()


@shared_task
def fold_coverage() -> None:
    """Fold the pending changes of coverage into the stored totals."""
    coverage.fold()


@shared_task
def prove_coverage() -> int:
    """Recount coverage and compare with the stored totals (nightly). Returns the number of findings."""
    findings = coverage.prove()
    proofs.note("覆盖汇总", findings, Period.objects.order_by("-starts_on")[:1])
    return len(findings)
