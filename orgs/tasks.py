"""Celery shells of `orgs`: a task calls one function and holds no rule of its own."""

from celery import shared_task

from orgs import proofs, tree
from orgs.importing import job
from orgs.models import Organization

HOURS = 2 * 3600


@shared_task(time_limit=HOURS)
def run_import(pk: int) -> bool:
    """Check or write a queued import. Whoever comes second finds nothing to do."""
    return job.run(pk)


@shared_task
def prove_tree() -> int:
    """Prove the stored tree (nightly). Returns the number of findings; repairs nothing by itself."""
    findings = tree.prove()
    proofs.note("组织树", findings, Organization.objects.order_by("pk")[:1])
    return len(findings)
