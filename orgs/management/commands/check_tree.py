"""check_tree [--repair]: proves that the stored tree is sound."""

from __future__ import annotations

import argparse
from typing import Any

from orgs import tree
from orgs.errors import DomainError
from orgs.management.contract import ContractCommand


class Command(ContractCommand):
    help = "核对组织树：编号、层级、循环、隶属域和领导班子；--repair 按上级关系修复。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """--repair."""
        parser.add_argument("--repair", action="store_true", help="解开互为上级的循环，重新编号")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 0 when the tree is sound (or was repaired), 1 with what is wrong."""
        if not options["repair"]:
            findings = tree.prove()
            if findings:
                self.refuse([*findings, "组织树不完整；可运行 check_tree --repair 修复。"])
            self.stdout.write("组织树完整")
            return
        try:
            mended = tree.repair()
        except DomainError as error:
            self.refuse([error])
        for finding in mended.found:
            self.stdout.write(f"已修复：{finding}")
        for move in mended.moves:
            self.stdout.write(f"已改挂：{move}")
        if mended.moves:
            self.stdout.write("上级有改动，请核对上面的组织，再运行 check_coverage 核对点评数字。")
        self.stdout.write("组织树完整" if not mended.found else f"共修复 {len(mended.found)} 处，组织树完整")
