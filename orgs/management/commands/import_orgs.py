"""import_orgs FILE: organisations and people from a workbook or csv, all of it or nothing."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from orgs.errors import DomainError
from orgs.importing import apply, export, reading
from orgs.importing.columns import Options
from orgs.importing.plan import Plan
from orgs.management.contract import ContractCommand


class Command(ContractCommand):
    help = "从工作簿（.xlsx .xls .ods .et）或 csv 导入组织、人员、任职和分管；有一行错误就全部不导入。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """FILE and what is said to be meant."""
        parser.add_argument("file", metavar="FILE", help="要导入的文件")
        parser.add_argument("--dry-run", action="store_true", help="只检查和报告，不写入")
        parser.add_argument("--errors", metavar="OUT.xlsx", help="把错误清单写到这个文件")
        parser.add_argument("--new-root", action="store_true", help="允许新的根组织")
        parser.add_argument("--drawn", action="store_true", help="画出来的上下级（一级/二级列、缩进）已核对无误")
        parser.add_argument("--numeric-codes", action="store_true", help="接受数字格式的代码（开头的 0 可能已经丢失）")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line a sheet; problems go to standard error, with exit status 1."""
        path = Path(options["file"])
        out = Path(options["errors"]) if options["errors"] else None
        data = self._bytes(path)
        if out is not None and (out.suffix.lower() != ".xlsx" or not out.absolute().parent.is_dir()):
            self.wrong_call(f"不能写到 {out}：错误清单要以 .xlsx 结尾，所在目录要存在。")
        meant = Options(new_root=options["new_root"], numeric_codes=options["numeric_codes"])
        try:
            book = reading.read(data, path.name)
            if options["drawn"]:
                meant = self._looked_at(book, meant)
            # What is imported is used up; a copy of the tables is marked when somebody wants the errors.
            used = replace(book, tables=dict(book.tables)) if out else book
            plan = apply.preview(book, meant) if options["dry_run"] else apply.import_book(used, meant, by=None)
        except apply.Wrong as wrong:
            plan = wrong.plan
        except DomainError as error:
            self.refuse([f"{path.name}: {error}"])
        self._report(plan)
        if out is not None and (plan.problems or plan.warnings):
            self._write(out, export.errors(plan.problems, plan.warnings, book))
        if plan.problems:
            self.refuse(plan.problems)

    def _looked_at(self, book: reading.Book, meant: Options) -> Options:
        """Who says so has looked at what is printed here."""
        drawn = apply.preview(book, meant).drawn
        if drawn is None:
            return meant
        for node in drawn.nodes:
            self.stdout.write(f"层级：{'  ' * node.level}{node.code} {node.name}（{node.origin}）")
        return replace(meant, drawn=drawn.fingerprint)

    def _bytes(self, path: Path) -> bytes:
        if not path.exists():
            self.wrong_call(f"找不到文件 {path}。")
        if not path.is_file():
            self.wrong_call(f"{path} 不是文件。")
        try:
            return path.read_bytes()
        except OSError as error:
            self.wrong_call(f"不能读取 {path}：{error.strerror}。")

    def _write(self, out: Path, data: bytes) -> None:
        try:
            out.write_bytes(data)
        except OSError as error:
            self.stderr.write(f"不能写到 {out}：{error.strerror}。")

    def _report(self, plan: Plan) -> None:
        for notice in plan.notices:
            self.stdout.write(f"提示：{notice}")
        for sheet, counts in plan.counts.items():
            self.stdout.write(
                f"{sheet}: 新增 {counts.new}, 更新 {counts.changed}, 未变 {counts.unchanged}, 错误 {counts.wrong}"
            )
        for warning in plan.warnings:
            self.stdout.write(f"提醒：{warning}")
