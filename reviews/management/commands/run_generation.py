"""run_generation PK: do the queued job of a generation; started by the server where there is no Celery."""

from __future__ import annotations

import argparse
from typing import Any

from orgs.management.contract import ContractCommand
from reviews import generation


class Command(ContractCommand):
    help = "预览或写入一次排队中的任务生成（由系统自动启动；中断后可在页面上重新开始）。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Which generation."""
        parser.add_argument("pk", metavar="PK", type=int, help="任务生成的编号")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 0 also when another process has it."""
        if not generation.run(options["pk"]):
            self.stdout.write("没有要做的：不在排队中，或已由别的进程处理")
