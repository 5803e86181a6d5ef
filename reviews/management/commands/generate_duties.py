"""generate_duties PERIOD [--dry-run] [--on YYYY-MM-DD]: derives the duties of a half-year (contracts.md, section 2)."""

from __future__ import annotations

import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgs.errors import DomainError
from reviews import duties
from reviews.models import Period


def iso_day(text: str) -> datetime.date:
    """An ISO day from the command line. Raises CommandError with status 2."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"日期 “{text}” 不对，请写成 2010-12-31 的样子。", returncode=2) from None


class Command(BaseCommand):
    help = "按规则生成点评任务：新增、撤回、保留，可重复运行"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("period", help="点评期，例如 2010H2")
        parser.add_argument("--dry-run", action="store_true", help="只预览，不写入")
        parser.add_argument("--on", help="按这一天的组织和任职推定（默认今天，限在点评期内）")

    def handle(self, *args: Any, **options: Any) -> None:
        on = iso_day(options["on"]) if options["on"] else None
        try:
            plan = self._preview(options["period"], on) if options["dry_run"] else self._generate(options["period"], on)
        except duties.BadPeriod as error:
            raise CommandError(str(error), returncode=2) from error
        except DomainError as error:
            raise CommandError(str(error)) from error
        for code, counts in plan.counts.items():
            self.stdout.write(f"{code}: 新增 {counts.added}, 撤回 {counts.withdrawn}, 保留 {counts.kept}")

    def _generate(self, code: str, on: datetime.date | None) -> duties.DutyPlan:
        return duties.regenerate(duties.ensure_period(code), on=on)

    def _preview(self, code: str, on: datetime.date | None) -> duties.DutyPlan:
        return duties.preview(Period.objects.filter(code=code.strip()).first() or duties.unsaved_period(code), on)
