"""demo: loads the demonstration and prints who can log in."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgs.errors import DomainError
from orgs.models import User
from reports.demonstration import load


class Command(BaseCommand):
    help = "装入演示数据：2010 年的组织树、虚构的人员、2010 年下半年的任务和点评记录；--scheme general 装入一所大学"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--if-empty", action="store_true", help="已有数据时只打印账号，不报错")
        parser.add_argument(
            "--scheme",
            choices=load.SCHEMES,
            default=load.AQSIQ,
            help="哪个方案的演示：aqsiq-2010（质检系统），general（一所大学）",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and load.is_loaded():
            self._print_logins()
            return
        began = time.monotonic()
        try:
            loaded = load.load(options["scheme"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"演示数据已装入（{time.monotonic() - began:.0f} 秒）：组织 {loaded.organizations} 个，人员 {loaded.people} 名，"
            f"点评任务 {loaded.duties} 项"
        )
        self.stdout.write("点评记录：" + "，".join(f"{label} {count}" for label, count in loaded.records.items()))
        self._print_logins()

    def _print_logins(self) -> None:
        known = set(
            User.objects.filter(username__in=[login.username for login in load.LOGINS]).values_list(
                "username", flat=True
            )
        )
        if not known:
            return
        self.stdout.write(f"\n登录账号（密码都是 {load.PASSWORD}）：")
        for login in load.LOGINS:
            if login.username in known:
                self.stdout.write(f"  {login.username:<10}{login.who}：{login.what}")
