"""export_duties PERIOD [FILE.csv]: the duties as csv (contracts.md, section 3)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from orgs.management.contract import ContractCommand
from reviews import duties, duty_csv
from reviews.models import Period


class Command(ContractCommand):
    help = "导出点评任务为 csv；不写文件名时输出到屏幕。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """PERIOD, and where to."""
        parser.add_argument("period", metavar="PERIOD", help="点评期，例如 2010H2")
        parser.add_argument("file", metavar="FILE.csv", nargs="?", help="输出文件")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the csv; a half-year for which nothing was generated is refused."""
        try:
            code = duties.unsaved_period(options["period"]).code
        except duties.BadPeriod as error:
            self.wrong_call(str(error))
        period = Period.objects.filter(code=code).first()
        if period is None:
            self.refuse([f"点评期“{code}”还没有任务，请先运行 generate_duties {code}。"])
        if not options["file"]:
            for line in duty_csv.lines(period):
                self.stdout.write(line, ending="")
            return
        try:
            with Path(options["file"]).open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(duty_csv.lines(period))
        except OSError as error:
            self.wrong_call(f"不能写到 {options['file']}：{error.strerror}。")
