"""export_annex: the official forms as Excel files (contracts.md, section 2)."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from orgs import clock
from orgs.management.contract import ContractCommand
from orgs.models import Organization
from reports import submissions
from reports.annexes import one, three, two
from reports.annexes.sheet import Sheet
from reports.annexes.xlsx import workbook_bytes
from reports.models import ReportState
from reviews.models import Period, Record

DIGITS = 18  # of the largest id a database holds


class Command(ContractCommand):
    """Writes one annex. Exit 0: written; 1: refused, nothing written; 2: wrong call."""

    help = "导出附件1（--org CODE --period PERIOD）或附件2、附件3（--review ID）为 Excel 文件"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """export_annex 1 --org CODE --period PERIOD OUT.xlsx | export_annex {2,3} --review ID OUT.xlsx."""
        parser.add_argument("annex", choices=["1", "2", "3"], help="附件编号")
        parser.add_argument("--org", metavar="CODE", help="附件1：上报单位的组织代码")
        parser.add_argument("--period", metavar="PERIOD", help="附件1：点评期，例如 2010H2")
        parser.add_argument("--review", metavar="ID", help="附件2、附件3：一个点评对象的记录编号")
        parser.add_argument("out", metavar="OUT.xlsx", help="写到哪个文件")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, write, say what was written."""
        annex, out = options["annex"], Path(options["out"])
        self._check_call(annex, options)
        if annex == "1":
            sheet, said = self._annex1(options["org"], options["period"])
        else:
            sheet, said = self._form(annex, options["review"])
        try:
            out.write_bytes(workbook_bytes([sheet]))
        except OSError as error:
            self.refuse([f"无法写入 {out}：{error.strerror or error}"])
        self.stdout.write(f"附件{annex}: {said}，已写入 {out}")

    def _check_call(self, annex: str, options: dict[str, Any]) -> None:
        needed, foreign = (["org", "period"], ["review"]) if annex == "1" else (["review"], ["org", "period"])
        missing = [f"--{name}" for name in needed if not options[name]]
        extra = [f"--{name}" for name in foreign if options[name]]
        if missing:
            self.wrong_call(f"附件{annex} 需要参数 {'、'.join(missing)}")
        if extra:
            self.wrong_call(f"附件{annex} 不用参数 {'、'.join(extra)}")
        if not options["out"].lower().endswith(".xlsx"):
            self.wrong_call("输出文件名应以 .xlsx 结尾")

    def _annex1(self, code: str, period_code: str) -> tuple[Sheet, str]:
        """As last submitted, else as it would be submitted now."""
        org = Organization.objects.filter(code=code).first()
        if org is None:
            self.refuse([f"找不到组织 “{code}”"])
        period = Period.objects.filter(code=period_code).first()
        if period is None:
            self.refuse([f"找不到点评期 “{period_code}”：请先用 generate_duties 生成该期任务"])
        report = submissions.last_sent(org, period)
        if report is not None:
            state = ReportState(report.state).label
            return one.of_report(report), f"{report.unit_name}，{report.reported_on} {state}的数"
        sheet = one.sheet(org.name, clock.today(), submissions.rows_now(org, period))
        return sheet, f"{org.name}，尚未上报，按现在的数"

    def _form(self, annex: str, review: str) -> tuple[Sheet, str]:
        """The form of one counted record of the right kind."""
        is_id = review.isascii() and review.isdigit() and len(review) <= DIGITS
        record = Record.objects.select_related("review").filter(pk=int(review)).first() if is_id else None
        if record is None:
            self.refuse([f"找不到点评记录 “{review}”"])
        if record.is_of_person != (annex == "3"):
            fitting = "3" if record.is_of_person else "2"
            kind = "党员（负责人）" if record.is_of_person else "党组织"
            self.refuse([f"点评记录 {record.pk} 的对象是{kind}，应导出附件{fitting}"])
        if not record.is_counted:
            self.refuse([f"点评记录 {record.pk} 的状态是“{record.get_state_display()}”，确认后才能导出"])
        return (three if annex == "3" else two).sheet(record), f"记录 {record.pk} {record.target_name}"
