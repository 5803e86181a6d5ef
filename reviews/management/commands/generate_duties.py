"""generate_duties PERIOD [--dry-run] [--on YYYY-MM-DD]: derives the duties of a half-year (contracts.md, section 2)."""

from __future__ import annotations

import argparse
import datetime
import re
from typing import Any

from orgs.errors import DomainError
from orgs.management.contract import ContractCommand
from reviews import duties
from reviews.models import Period


def iso_day(text: str) -> datetime.date:
    """A day as 2010-12-31; no other ISO spelling. For argparse."""
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}”不是日期，请写成 2010-12-31 的样子") from error


class Command(ContractCommand):
    help = "按规则生成点评任务：新增、撤回、保留，可重复运行。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """PERIOD, and for which day."""
        parser.add_argument("period", metavar="PERIOD", help="点评期，例如 2010H2")
        parser.add_argument("--dry-run", action="store_true", help="只预览，不写入")
        parser.add_argument("--on", metavar="YYYY-MM-DD", type=iso_day, help="按这一天推定（默认今天，限在点评期内）")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a rule."""
        try:
            plan = self._plan(options["period"], options["on"], options["dry_run"])
        except duties.BadPeriod as error:
            self.wrong_call(str(error))
        except DomainError as error:
            self.refuse([error])
        for code, counts in plan.counts.items():
            self.stdout.write(f"{code}: 新增 {counts.added}, 撤回 {counts.withdrawn}, 保留 {counts.kept}")

    def _plan(self, code: str, on: datetime.date | None, is_dry: bool) -> duties.DutyPlan:
        if not is_dry:
            return duties.regenerate(duties.ensure_period(code), on=on)
        unsaved = duties.unsaved_period(code)
        return duties.preview(Period.objects.filter(code=unsaved.code).first() or unsaved, on)
