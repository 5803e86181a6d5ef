"""`send_reminders [--on YYYY-MM-DD] [--dry-run]` (contracts.md, section 2)."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from orgs import clock
from orgs.management.contract import ContractCommand
from reports import reminders


def _day(text: str) -> datetime.date:
    """An ISO day, or a refusal that argparse shows."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}”不是日期，请写成 2010-12-31 的样子。") from error


class Command(ContractCommand):
    """Thin: selects and sends by `reports.reminders`."""

    help = "发送当天到期的提醒；每条只发一次，可以反复运行"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """--on and --dry-run."""
        parser.add_argument("--on", type=_day, help="按这一天计算（默认今天）", metavar="YYYY-MM-DD")
        parser.add_argument("--dry-run", action="store_true", help="只统计，不发送")

    def handle(self, *args: Any, on: datetime.date | None, dry_run: bool, **options: Any) -> None:
        """Print a line a kind, then what the mail server took."""
        day = on or clock.today()
        word = "应发" if dry_run else "新发"
        for kind, count in reminders.send_due(day, dry_run=dry_run).items():
            self.stdout.write(f"{kind.label}: {word} {count.new}, 已发过 {count.known}")
        if dry_run:
            self.stdout.write("（试运行，没有发送）")
            return
        mails = reminders.deliver_mail()
        self.stdout.write(f"邮件: 发出 {mails.sent}, 失败 {mails.failed}, 不再重试 {mails.parked}")
