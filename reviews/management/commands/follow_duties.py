"""follow_duties: what the day alone changed in the running period's duties (once a day; for cron)."""

from __future__ import annotations

from typing import Any

from orgs.errors import DomainError
from orgs.management.contract import ContractCommand
from reviews import daily, generation
from reviews.models import GenerationState


class Command(ContractCommand):
    help = "每日核对：本期任务与今天的任职、党员、组织是否一致，按方案自动调整或只提示。每天做一次，可重复运行。"

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a period."""
        try:
            looks = daily.follow()
        except DomainError as error:
            self.refuse([error])
        for look in looks:
            total = generation.total(look.foreseen)
            said = "已调整" if look.done else "待确认" if look.state == GenerationState.PREVIEWED else "没有变化"
            self.stdout.write(
                f"{look.period.code} {look.on}: 新增 {total.added}, 撤回 {total.withdrawn}, 换人 {total.changed}, "
                f"保留 {total.kept}（{said}）"
            )
        if not looks:
            self.stdout.write("今天没有已生成任务的点评期，不需要核对")
