"""Celery shells of `reviews`: a task calls one function and holds no rule of its own."""

from celery import shared_task

from orgs.tasks import HOURS
from reviews import daily, generation


@shared_task(time_limit=HOURS)
def run_generation(pk: int) -> bool:
    """Preview or write a queued generation. Whoever comes second finds nothing to do."""
    return generation.run(pk)


@shared_task(time_limit=HOURS)
def follow_duties() -> int:
    """Compare the running period's duties with what the rules ask for today. Returns how many periods differ."""
    return sum(daily.differs(look) for look in daily.follow())
