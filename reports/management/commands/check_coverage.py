"""check_coverage: prove the stored coverage against the reviews."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reports import coverage
from reviews.models import CoverageTarget, Period

SHOWN = 100


class Command(BaseCommand):
    """Exit status 0: sound (or repaired); 1: findings."""

    help = "核对覆盖统计：由点评记录重新计数，与保存的结果比较；--repair 按点评记录修正。"

    def add_arguments(self, parser: CommandParser) -> None:
        """--repair."""
        parser.add_argument("--repair", action="store_true", help="按点评记录修正")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the findings, or that all is right."""
        findings = coverage.prove()
        for line in findings[:SHOWN]:
            self.stdout.write(line)
        if len(findings) > SHOWN:
            self.stdout.write(f"……另有 {len(findings) - SHOWN} 处")
        if findings and not options["repair"]:
            raise CommandError(f"覆盖统计有 {len(findings)} 处不符；用 check_coverage --repair 修正。", returncode=1)
        if findings:
            coverage.repair()
            if left := coverage.prove():
                raise CommandError(f"修正后仍有 {len(left)} 处不符，例如：{left[0]}", returncode=1)
            self.stdout.write(f"已修正 {len(findings)} 处。")
        counted = CoverageTarget.objects.count()
        self.stdout.write(f"覆盖统计正确：{Period.objects.count()} 个点评期，{counted} 个对象。")
