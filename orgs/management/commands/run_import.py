"""run_import PK: do the queued job of an import; started by the server where there is no Celery."""

from __future__ import annotations

import argparse
from typing import Any

from orgs.importing import job
from orgs.management.contract import ContractCommand


class Command(ContractCommand):
    help = "核对或写入一个排队中的导入（由系统自动启动；中断后可在页面上重新开始）。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Which import."""
        parser.add_argument("pk", metavar="PK", type=int, help="导入记录的编号")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 0 also when another process has it."""
        if not job.run(options["pk"]):
            self.stdout.write("没有要做的：不在排队中，或已由别的进程处理")
