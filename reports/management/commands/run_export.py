"""run_export PK: make a queued export; started by the server where there is no Celery."""

from __future__ import annotations

import argparse
from typing import Any

from orgs.management.contract import ContractCommand
from reports import exports


class Command(ContractCommand):
    help = "生成一个排队中的导出文件（由系统自动启动）。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Which export."""
        parser.add_argument("pk", metavar="PK", type=int, help="导出的编号")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 0 also when another process has it."""
        if not exports.run(options["pk"]):
            self.stdout.write("没有要做的：不在排队中，或已由别的进程处理")
