"""export_orgs FILE.xlsx [--org CODE]: the four sheets of a subtree, as import_orgs reads them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from orgs.importing import export
from orgs.management.contract import ContractCommand
from orgs.models import Organization


class Command(ContractCommand):
    help = "把组织、人员、任职和分管导出为工作簿；重新导入时全部为“未变”。"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """FILE.xlsx and where the subtree begins."""
        parser.add_argument("file", metavar="FILE.xlsx", help="写到这个文件")
        parser.add_argument("--org", metavar="CODE", help="只导出这个组织及其下级；不填为全部")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file. Exit status 1 for an unknown organisation, 2 for a file that cannot be written."""
        out = Path(options["file"])
        if out.suffix.lower() != ".xlsx":
            self.wrong_call(f"只能导出为 .xlsx 文件：{out}。")
        if not out.absolute().parent.is_dir():
            self.wrong_call(f"目录 {out.absolute().parent} 不存在。")
        org = None
        if options["org"] is not None:
            org = Organization.objects.filter(code__iexact=options["org"].strip()).first()
            if org is None:
                self.refuse([f'找不到组织 "{options["org"]}"。'])
        data = export.workbook(org)
        try:
            out.write_bytes(data)
        except OSError as error:
            self.wrong_call(f"不能写到 {out}：{error.strerror}。")
        self.stdout.write(f"已导出到 {out}")
