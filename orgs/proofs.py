"""What the nightly proofs found: in the log as errors, and in the audit trail, from where administrators are told.

`reports.reminders` passes the events on to the administrators; so `orgs` need not know that messages exist.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from django.db.models import Model

from orgs import audit

VERB = "自动检查发现问题"
logger = logging.getLogger(__name__)


def note(subject: str, findings: Sequence[str], about: Iterable[Model]) -> None:
    """Keep the findings of one proof; nothing when there are none.

    `about` is one object that stands for what was proven; its event carries the first findings in words.
    """
    if not findings:
        return
    for finding in findings:
        logger.error("%s: %s", subject, finding)
    audit.record(None, VERB, about, summary=f"{subject}：{len(findings)} 处问题。" + "；".join(findings[:3]))
