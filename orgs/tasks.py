"""Celery shells of `orgs`: a task calls one function and holds no rule of its own."""

from celery import shared_task

from orgs import proofs, tree
from orgs.models import Organization


@shared_task
def prove_tree() -> int:
    """Prove the stored tree (nightly). Returns the number of findings; repairs nothing by itself."""
    findings = tree.prove()
    proofs.note("组织树", findings, Organization.objects.order_by("pk")[:1])
    return len(findings)
