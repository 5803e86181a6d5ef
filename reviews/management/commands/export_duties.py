"""export_duties PERIOD [FILE.csv]: the duties as csv (contracts.md, section 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviews import duty_csv
from reviews.models import Period


class Command(BaseCommand):
    help = "导出点评任务为 csv（不写文件名时输出到屏幕）"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("period", help="点评期，例如 2010H2")
        parser.add_argument("file", nargs="?", help="输出文件")

    def handle(self, *args: Any, **options: Any) -> None:
        period = Period.objects.filter(code=options["period"].strip()).first()
        if period is None:
            raise CommandError(f"没有点评期“{options['period']}”，请先运行 generate_duties。")
        if not options["file"]:
            for line in duty_csv.lines(period):
                self.stdout.write(line, ending="")
            return
        try:
            with Path(options["file"]).open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(duty_csv.lines(period))
        except OSError as error:
            raise CommandError(f"写不了文件 {options['file']}：{error.strerror}") from error
